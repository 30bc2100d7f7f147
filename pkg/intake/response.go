package intake

import "slices"

// A Response is a FHIR QuestionnaireResponse reduced to its answers. The zero
// Response has no answers. A Response is a value: no function of this package changes
// the slices of a Response.
type Response struct {
	Questionnaire string // canonical, url or url|version; may be empty
	Status        string // FHIR's code; may be empty
	Items         []Entry
}

// An Entry is a question with its answers, or one row of a group with the entries of
// the row.
type Entry struct {
	LinkID  string
	Answers []Answer
	Items   []Entry
}

// An Answer is one value with the items that are asked under it.
type Answer struct {
	Value Value
	Items []Entry
}

// Ask returns an entry for a question. An entry without values clears the question.
func Ask(linkID string, values ...Value) Entry {
	e := Entry{LinkID: linkID}
	for _, v := range values {
		e.Answers = append(e.Answers, Answer{Value: v})
	}
	return e
}

// Row returns an entry for one row of a group.
func Row(linkID string, items ...Entry) Entry { return Entry{LinkID: linkID, Items: items} }

func (e Entry) empty() bool { return len(e.Answers) == 0 && len(e.Items) == 0 }

// Merge returns r with the answers of one saved page. The page's entries replace all
// entries of r with the same top-level linkId, and an empty entry clears them.
// Merging the same page twice is the same as merging it once.
func (r Response) Merge(page Response) Response {
	merged := Response{Questionnaire: r.Questionnaire, Status: r.Status}
	if page.Questionnaire != "" {
		merged.Questionnaire = page.Questionnaire
	}
	if page.Status != "" {
		merged.Status = page.Status
	}
	saved := make(map[string]bool, len(page.Items))
	for _, e := range page.Items {
		saved[e.LinkID] = true
	}
	for _, e := range r.Items {
		if !saved[e.LinkID] {
			merged.Items = append(merged.Items, e)
		}
	}
	for _, e := range page.Items {
		if !e.empty() {
			merged.Items = append(merged.Items, e)
		}
	}
	return merged
}

// Answers returns the values given for a linkId at any depth, in the order of the
// response, with the values of every row of a repeating group together.
func (r Response) Answers(linkID string) []Value { return answersOf(nil, r.Items, linkID) }

func answersOf(found []Value, items []Entry, linkID string) []Value {
	for _, e := range items {
		for _, a := range e.Answers {
			if e.LinkID == linkID {
				found = append(found, a.Value)
			}
			found = answersOf(found, a.Items, linkID)
		}
		found = answersOf(found, e.Items, linkID)
	}
	return found
}

// Equal reports whether two responses hold the same answers in the same order.
func (r Response) Equal(o Response) bool {
	return r.Questionnaire == o.Questionnaire && r.Status == o.Status && equalEntries(r.Items, o.Items)
}

func equalEntries(a, b []Entry) bool {
	return slices.EqualFunc(a, b, func(x, y Entry) bool {
		return x.LinkID == y.LinkID && equalEntries(x.Items, y.Items) &&
			slices.EqualFunc(x.Answers, y.Answers, func(p, q Answer) bool {
				return p.Value.Equal(q.Value) && equalEntries(p.Items, q.Items)
			})
	})
}

// MarshalJSON writes a FHIR QuestionnaireResponse that ParseResponse reads as an
// equal Response. Equal responses give the same bytes.
func (r Response) MarshalJSON() ([]byte, error) {
	o := object{b: append(make([]byte, 0, 64*(len(r.Items)+2)), '{')}
	o.text("resourceType", responseType)
	o.text("questionnaire", r.Questionnaire)
	o.text("status", r.Status)
	o.items(r.Items)
	return append(o.b, '}'), nil
}

// UnmarshalJSON reads a response as ParseResponse does. Data are JSON, which package
// json has checked, or what MarshalJSON wrote.
func (r *Response) UnmarshalJSON(data []byte) error {
	parsed, err := parseResponse(data, validTree)
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

func (o *object) items(items []Entry) {
	if len(items) == 0 {
		return
	}
	o.key("item")
	o.b = append(o.b, '[')
	for i, e := range items {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		in := object{b: append(o.b, '{')}
		in.text("linkId", e.LinkID)
		in.answers(e.Answers)
		in.items(e.Items)
		o.b = append(in.b, '}')
	}
	o.b = append(o.b, ']')
}

func (o *object) answers(answers []Answer) {
	if len(answers) == 0 {
		return
	}
	o.key("answer")
	o.b = append(o.b, '[')
	for i, a := range answers {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		in := object{b: append(o.b, '{')}
		if a.Value.kind != NoValue {
			in.b = a.Value.appendJSON(in.b)
			in.comma = true
		}
		in.items(a.Items)
		o.b = append(in.b, '}')
	}
	o.b = append(o.b, ']')
}
