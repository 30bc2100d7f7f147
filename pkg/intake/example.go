package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// An Example is one set of answers with the disposition and the rules that they fire.
// Rule is the rule that the example tests: the answers fire it if Fires is set, and
// otherwise nearly do. Answers are short: a list is several answers or rows, an object
// is a row of a group, a text or number is a value of its question's type, and a code is
// chosen by its Key. The answers of an example are invented.
type Example struct {
	Rule        string                     `json:"rule"`
	Fires       bool                       `json:"fires"`
	Why         string                     `json:"why"`           // what it shows, in the author's words
	Age         int                        `json:"age,omitempty"` // the patient's, if the rule needs it
	Sex         string                     `json:"sex,omitempty"` // likewise
	Answers     map[string]json.RawMessage `json:"answers"`
	Disposition Disposition                `json:"disposition"`
	Fired       []string                   `json:"fired"` // every rule that fires, in any order
}

// MaxExamples is the most examples of one form.
const MaxExamples = 500

// ParseExamples reads a JSON list of examples; no text is no example. It refuses other
// members than an Example has, and more than MaxExamples.
func ParseExamples(data []byte) ([]Example, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if len(data) > MaxQuestionnaireBytes {
		return nil, fault.New(fault.TooLarge, "examples-too-large", "These examples are together larger than 1 MB.")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var all []Example
	if err := d.Decode(&all); err != nil {
		return nil, fault.Hide(fault.Malformed, "examples-malformed",
			"The examples are a JSON list of objects with rule, fires, why, age, sex, answers, disposition and fired: "+err.Error()+".", err)
	}
	if len(all) > MaxExamples {
		return nil, fault.New(fault.TooLarge, "examples-too-large", fmt.Sprintf("A form has at most %d examples.", MaxExamples))
	}
	return all, nil
}

// ExampleTime is when examples are answered: a form's rules have the same result on
// every day on which they are examined.
var ExampleTime = time.Date(2026, time.January, 15, 18, 0, 0, 0, time.UTC)

// A Trial is what the form says of an example.
type Trial struct {
	Example
	Result Result
	Heard  []string        // ids of the rules that fired, in order of their names
	Wrong  []fault.Problem // answers that the form does not take
}

// Try answers the form as the example does.
func (f *Form) Try(ex Example) Trial {
	t, _ := f.try(ex)
	return t
}

func (f *Form) try(ex Example) (Trial, *checker) {
	facts := Facts{Now: ExampleTime, Sex: ex.Sex}
	if ex.Age > 0 {
		facts.Birth = ExampleTime.AddDate(-ex.Age, 0, 0)
	}
	t := Trial{Example: ex, Heard: []string{}}
	res, c := f.With(facts).check(Response{Items: f.shortEntries(ex.Answers, &t.Wrong)})
	t.Result = res
	t.Wrong = append(t.Wrong, res.Wrong()...)
	for _, r := range res.Fired {
		t.Heard = append(t.Heard, r.ID)
	}
	slices.Sort(t.Heard)
	return t, c
}

// Response returns the example's answers as a response to the form.
func (f *Form) Response(answers map[string]json.RawMessage) (Response, []fault.Problem) {
	var wrong []fault.Problem
	return Response{Items: f.shortEntries(answers, &wrong)}, wrong
}

func (f *Form) shortEntries(answers map[string]json.RawMessage, wrong *[]fault.Problem) []Entry {
	var items []Entry
	for _, it := range f.all { // in the order of the form, which an object has not
		if raw, ok := answers[it.LinkID]; ok {
			items = append(items, f.shortEntry(it, raw, wrong)...)
		}
	}
	for linkID := range answers {
		if _, ok := f.byLink[linkID]; !ok {
			*wrong = append(*wrong, fault.Problem{Where: linkID, Code: "unknown", Text: "The form has no such question."})
		}
	}
	return items
}

// shortEntry reads what an example gives for an item.
func (f *Form) shortEntry(it *Item, raw json.RawMessage, wrong *[]fault.Problem) []Entry {
	given := []json.RawMessage{raw}
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")) {
		given = nil
		if err := json.Unmarshal(raw, &given); err != nil {
			return nil
		}
	}
	e := Ask(it.LinkID)
	var rows []Entry
	for _, one := range given {
		row := map[string]json.RawMessage{}
		isRow := json.Unmarshal(one, &row) == nil
		switch {
		case it.Type != Group && !isRow:
			e.Answers = append(e.Answers, Answer{Value: it.short(one)})
		case it.Type != Group && it.inner && row["answer"] != nil:
			a := Answer{Value: it.short(row["answer"])}
			delete(row, "answer")
			a.Items = f.shortEntries(row, wrong)
			e.Answers = append(e.Answers, a)
		case it.Type == Group && isRow:
			rows = append(rows, Row(it.LinkID, f.shortEntries(row, wrong)...))
		default:
			*wrong = append(*wrong, fault.Problem{
				Where: it.LinkID, Code: "type", Text: "A group is answered by an object with its questions, a question by its answer.",
			})
		}
	}
	if it.Type == Group {
		return rows
	}
	return []Entry{e}
}

// short is a value as an example writes it. What is no value of the item's type is kept
// as text, and Check says so.
func (it *Item) short(raw json.RawMessage) Value {
	text := strings.TrimSpace(string(raw))
	if strings.HasPrefix(text, `"`) {
		_ = json.Unmarshal(raw, &text) // it is JSON already
	}
	for _, o := range it.Options {
		if o.Key == text {
			return o.Value
		}
	}
	switch it.Type {
	case BooleanQ:
		if text == "true" || text == "false" {
			return Boolean(text == "true")
		}
	case IntegerQ:
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			return Integer(int32(n))
		}
		return Decimal(text)
	case DecimalQ:
		return Decimal(text)
	case QuantityQ:
		if len(it.Units) > 0 {
			return Quantity(text, it.Units[0])
		}
		return Quantity(text, it.unit)
	case DateQ:
		return Date(text)
	case DateTimeQ:
		return DateTime(text)
	case TimeQ:
		return Time(text)
	case URLQ:
		return URI(text)
	case Choice:
		return Code(Coding{Code: text})
	case Upload:
		return File(Attachment{URL: "https://example.org/file", ContentType: text, Size: 1})
	case StringQ, TextQ, OpenChoice, Group, Display:
	}
	return String(text)
}
