package fuzz

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A form is the part of a FHIR Questionnaire that is needed to fill it in.
type form struct {
	Item []question `json:"item"`
}

type question struct {
	LinkID       string     `json:"linkId"`
	Type         string     `json:"type"`
	Item         []question `json:"item"`
	AnswerOption []struct {
		ValueCoding json.RawMessage `json:"valueCoding"`
	} `json:"answerOption"`
}

// chosen are the answers by which an adult in good health gets to the end of a form;
// other questions are answered no, or with any option.
var chosen = map[string]string{
	"emergency-ack": "true", "mh-safe": "true", "completed-by": "self", "location-state": "OR", "language": "en",
	"callback-phone": "+1 503 555 0177", "pregnant": "no", "conditions": "none", "payment-route": "self-pay", "allergy-none": "true",
	"proxy-relationship": "child", "proxy-authority": "true", "proxy-name": "Elena Diaz", "back-where": "low", "back-start": "lift",
	"adm-type": "records", "adm-deliver": "portal", "resp-sob": "none", "resp-covid": "none", "rx-sideeffects": "none", "rx-working": "yes",
	"uti-sx": "burning", "eye-contacts": "no", "eye-pain": "gritty", "eye-discharge": "watery",
}

// answer answers a question as patient does, in a practice's state.
func (q question) answer(v *visit) json.RawMessage {
	said := chosen[q.LinkID]
	switch {
	case q.LinkID == "completed-by" && v.Patient == "rosa-diaz":
		said = "caregiver"
	case q.LinkID == "location-state" && v.Practice == "harbor":
		said = "WA"
	case q.LinkID == "payment-route" && v.Patient == "tom-okafor":
		said = "insurance"
	}
	switch q.Type {
	case "boolean":
		return valueOf("valueBoolean", said == "true")
	case "integer", "decimal":
		return valueOf("valueInteger", 3)
	case "date":
		return valueOf("valueDate", "2031-01-01")
	case "choice", "open-choice":
		for _, o := range q.AnswerOption {
			var c struct {
				Code string `json:"code"`
			}
			if json.Unmarshal(o.ValueCoding, &c) == nil && c.Code == said {
				return valueOf("valueCoding", o.ValueCoding)
			}
		}
		if len(q.AnswerOption) > 0 {
			return valueOf("valueCoding", q.AnswerOption[0].ValueCoding)
		}
	}
	if said != "" {
		return valueOf("valueString", said)
	}
	return valueOf("valueString", marker(v.Patient, v.Pool)+" "+q.LinkID)
}

func valueOf(field string, value any) json.RawMessage {
	b, err := json.Marshal([]map[string]any{{field: value}})
	if err != nil {
		panic(err) // texts, numbers and raw JSON always are JSON
	}
	return b
}

// An entry is an item of a QuestionnaireResponse.
type entry struct {
	LinkID string          `json:"linkId"`
	Answer json.RawMessage `json:"answer,omitempty"`
	Item   []entry         `json:"item,omitempty"`
}

// response is the answers that are given so far.
func (f form) response(given map[string]json.RawMessage) []byte {
	var fill func([]question) []entry
	fill = func(qs []question) (out []entry) {
		for _, q := range qs {
			e := entry{LinkID: q.LinkID, Answer: given[q.LinkID], Item: fill(q.Item)}
			if len(e.Answer)+len(e.Item) > 0 {
				out = append(out, e)
			}
		}
		return out
	}
	b, err := json.Marshal(map[string]any{"resourceType": "QuestionnaireResponse", "item": append([]entry{}, fill(f.Item)...)})
	if err != nil {
		panic(err)
	}
	return b
}

// find looks for a question, and for those inside it.
func (f form) find(linkID string) (found []question) {
	var look func([]question, bool)
	look = func(qs []question, inside bool) {
		for _, q := range qs {
			here := inside || q.LinkID == linkID
			if here && q.Type != "group" && q.Type != "display" {
				found = append(found, q)
			}
			look(q.Item, here)
		}
	}
	look(f.Item, false)
	return found
}

// A webForm is a form on a page, with what a browser would send of it.
type webForm struct {
	action string
	method string
	fields []field
}

// A field is a name with the values to choose from; one of free text has its present
// value alone.
type field struct {
	name   string
	kind   string
	values []string
}

// values are those that the page shows.
func (f webForm) values() url.Values {
	out := url.Values{}
	for _, field := range f.fields {
		if field.kind != "radio" && field.kind != "checkbox" && field.kind != "submit" && len(field.values) > 0 {
			out.Add(field.name, field.values[0])
		}
	}
	return out
}

// formsOf reads the forms of a page at an address. A button that sends its form
// elsewhere makes another form of it.
func formsOf(page []byte, at string) (forms []webForm) {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil
	}
	byID := map[string]int{}
	var others []*html.Node // controls that name their form
	type sender struct {    // a button with an address of its own
		form   int
		action string
	}
	var senders []sender
	control := func(n *html.Node, in int) {
		if attribute(n, "name") != "" {
			forms[in].add(n)
		}
		if action := attribute(n, "formaction"); action != "" {
			senders = append(senders, sender{in, action})
		}
	}
	var look func(n *html.Node, in int)
	look = func(n *html.Node, in int) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "form":
				in = len(forms)
				byID[attribute(n, "id")] = in
				forms = append(forms, webForm{action: cmp.Or(attribute(n, "action"), at), method: strings.ToUpper(attribute(n, "method"))})
			case "input", "textarea", "select", "button":
				if attribute(n, "form") != "" {
					others = append(others, n)
				} else if in >= 0 {
					control(n, in)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			look(c, in)
		}
	}
	look(doc, -1)
	for _, n := range others {
		if in, ok := byID[attribute(n, "form")]; ok {
			control(n, in)
		}
	}
	for _, b := range senders {
		f := forms[b.form]
		f.action = b.action
		forms = append(forms, f)
	}
	return slices.DeleteFunc(forms, func(f webForm) bool { return f.method != "POST" || !strings.HasPrefix(f.action, "/") })
}

func (f *webForm) add(n *html.Node) {
	kind := attribute(n, "type")
	if n.Data != "input" {
		kind = map[string]string{"button": "submit", "select": "select", "textarea": "text"}[n.Data]
	}
	values := []string{attribute(n, "value")}
	if n.Data == "select" {
		values = nil
		for o := n.FirstChild; o != nil; o = o.NextSibling {
			if o.Data == "option" {
				values = append(values, attribute(o, "value"))
			}
		}
	}
	for i := range f.fields {
		if f.fields[i].name == attribute(n, "name") && kind == "radio" {
			f.fields[i].values = append(f.fields[i].values, values...)
			return
		}
	}
	f.fields = append(f.fields, field{attribute(n, "name"), kind, values})
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
