package intake

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"evisit/pkg/fault"
	"evisit/pkg/phi"
)

// agree is the text of the problem that a statement is not agreed to.
const agree = "Tick this if it is so. If it is not, this cannot be sent."

// ask is the text of the problem that a required item is not answered.
func (it *Item) ask() string {
	switch it.Type {
	case BooleanQ:
		if it.Statement {
			return agree
		}
		return "Answer yes or no."
	case Choice, OpenChoice:
		return "Choose an answer."
	case Group:
		if !it.Repeats {
			return "Answer what is asked here."
		}
		return "Fill in at least one."
	case Upload:
		return "Add a file."
	default:
		return "Answer this question."
	}
}

// accept checks one value given for the item at now and returns the value to keep: a
// choice with the form's own coding. The value is wrong if the problem has a code.
func (it *Item) accept(v Value, now time.Time) (Value, fault.Problem) {
	switch it.Type {
	case BooleanQ:
		if it.Statement && v.kind == BooleanValue && !v.truth {
			return v, wrong("statement", agree)
		}
		return v, expect(v.kind == BooleanValue, "Answer yes or no, as valueBoolean true or false.")
	case IntegerQ, DecimalQ:
		return v, it.acceptNumber(v)
	case StringQ, TextQ:
		return v, it.acceptText(v)
	case DateQ:
		return v, it.acceptDate(v, now)
	case DateTimeQ:
		return v, it.acceptDateTime(v, now)
	case TimeQ:
		return v, it.acceptTime(v)
	case URLQ:
		return v, it.acceptURL(v)
	case QuantityQ:
		return it.acceptQuantity(v)
	case Choice, OpenChoice:
		return it.acceptChoice(v)
	default:
		return v, it.acceptFile(v)
	}
}

func wrong(code, format string, args ...any) fault.Problem {
	return fault.Problem{Code: code, Text: fmt.Sprintf(format, args...)}
}

func expect(ok bool, text string) fault.Problem {
	if ok {
		return fault.Problem{}
	}
	return fault.Problem{Code: "type", Text: text}
}

func (it *Item) acceptNumber(v Value) fault.Problem {
	want, text := IntegerValue, "Give a whole number, as valueInteger."
	if it.Type == DecimalQ {
		want, text = DecimalValue, "Give a number, as valueDecimal."
	}
	switch {
	case v.wrong == codeRange && v.name == valueNames[want]:
		return it.outOfRange()
	case v.kind != want, want == DecimalValue && !decimalLiteral().MatchString(v.text):
		return fault.Problem{Code: "type", Text: text}
	default:
		return it.checkNumber(v)
	}
}

// checkNumber holds a number of the right kind against the item's bounds.
func (it *Item) checkNumber(v Value) fault.Problem {
	n, ok := v.number()
	switch {
	case !ok, it.min != nil && n.compare(*it.min) < 0, it.max != nil && n.compare(*it.max) > 0:
		return it.outOfRange()
	case it.Decimals >= 0 && n.decimals() > it.Decimals:
		return wrong("decimals", "Give at most %d digits after the point.", it.Decimals)
	default:
		return fault.Problem{}
	}
}

func (it *Item) outOfRange() fault.Problem {
	switch {
	case it.Min != "" && it.Max != "":
		return wrong(codeRange, "Give a number from %s to %s.", it.Min, it.Max)
	case it.Min != "":
		return wrong(codeRange, "Give a number of at least %s.", it.Min)
	case it.Max != "":
		return wrong(codeRange, "Give a number of at most %s.", it.Max)
	default:
		return wrong(codeRange, "Give a number of ordinary size.")
	}
}

func (it *Item) acceptText(v Value) fault.Problem {
	if v.kind != StringValue {
		return wrong("type", "Write text, as valueString.")
	}
	return it.checkText(v.text)
}

func (it *Item) checkText(s string) fault.Problem {
	switch {
	case phi.Text(s).Blank():
		return wrong("type", "Write some text, not only spaces.")
	case strings.ContainsFunc(s, isControlCharacter):
		return wrong("type", "Write text without control characters.")
	case utf8.RuneCountInString(s) > it.MaxLength:
		return wrong("length", "Write at most %d characters.", it.MaxLength)
	case it.MinLength > 0 && utf8.RuneCountInString(strings.TrimSpace(s)) < it.MinLength:
		return wrong("length", "Write at least %d characters.", it.MinLength)
	case it.pattern != nil && !it.pattern.MatchString(strings.TrimSpace(s)):
		return wrong("pattern", "Give it in this form: %s.", it.Format)
	default:
		return fault.Problem{}
	}
}

// isControlCharacter reports whether FHIR forbids the character in strings.
func isControlCharacter(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' }

func (it *Item) acceptChoice(v Value) (Value, fault.Problem) {
	if v.kind == StringValue && it.Type == OpenChoice {
		if o, ok := it.chosen(v); ok {
			return o.Value, fault.Problem{}
		}
		return v, it.checkText(v.text)
	}
	if it.literal != NoValue {
		return it.acceptLiteral(v)
	}
	if v.kind != CodingValue || v.coding.Code == "" {
		return v, wrong("type", "Choose an option, as valueCoding with its code.")
	}
	if o, ok := it.option(v.coding); ok {
		return o.Value, fault.Problem{}
	}
	if it.ambiguous(v.coding) {
		return v, wrong("option", "Name the system too: two options have the code %s.", v.coding.Code)
	}
	return v, it.notListed(func(o Option) string { return o.Code })
}

// maxListed is the most options that a problem lists.
const maxListed = 50

func (it *Item) notListed(name func(Option) string) fault.Problem {
	var names []string
	for _, o := range it.Options[:min(len(it.Options), maxListed)] {
		names = append(names, name(o))
	}
	if len(it.Options) > maxListed {
		names = append(names, "…")
	}
	return wrong("option", "Choose one of: %s.", strings.Join(names, ", "))
}

// acceptLiteral checks a choice among numbers, days, times or texts.
func (it *Item) acceptLiteral(v Value) (Value, fault.Problem) {
	if v.kind != it.literal {
		return v, wrong("type", "Choose an option, as %s.", valueNames[it.literal])
	}
	if o, ok := it.chosen(v); ok {
		return o.Value, fault.Problem{}
	}
	return v, it.notListed(func(o Option) string { return o.Key })
}

// chosen finds the option that is the value.
func (it *Item) chosen(v Value) (*Option, bool) {
	if v.kind == CodingValue {
		return it.option(v.coding)
	}
	for i := range it.Options {
		if o := &it.Options[i]; o.Value.kind == v.kind && o.Key == v.Text() {
			return o, true
		}
	}
	return nil, false
}

func (it *Item) acceptFile(v Value) fault.Problem {
	if v.kind != AttachmentValue {
		return wrong("type", "Add a file, as valueAttachment.")
	}
	size := v.file.Size
	if v.file.Data != "" {
		data, err := base64.StdEncoding.DecodeString(v.file.Data)
		if err != nil || (size != 0 && size != int64(len(data))) {
			return wrong("attachment", "The file's data is base64 and as long as its size.")
		}
		size = int64(len(data))
	}
	switch {
	case len(it.MIMETypes) > 0 && !slices.Contains(it.MIMETypes, strings.ToLower(v.file.ContentType)):
		return wrong("attachment", "Add a file of type %s.", strings.Join(it.MIMETypes, ", "))
	case size < 0 || (it.MaxBytes > 0 && size > it.MaxBytes):
		return wrong("attachment", "Add a file of at most %s MB.", it.maxSize)
	default:
		return fault.Problem{}
	}
}
