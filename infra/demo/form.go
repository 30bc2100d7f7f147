package main

import (
	"fmt"
	"time"
)

// answers are the answers to a form by linkId: a bool, an int or a string, a list of
// strings for several options, or a list of answers for the rows of a repeating group.
type answers map[string]any

// A questionnaire is the part of a FHIR Questionnaire that is needed to fill it in.
type questionnaire struct {
	Title string     `json:"title"`
	Item  []question `json:"item"`
}

type question struct {
	LinkID  string     `json:"linkId"`
	Type    string     `json:"type"`
	Item    []question `json:"item"`
	Options []struct {
		Coding coding `json:"valueCoding"`
	} `json:"answerOption"`
}

type coding struct {
	System string `json:"system,omitempty"`
	Code   string `json:"code"`
}

// An entry is an item of a QuestionnaireResponse.
type entry struct {
	LinkID string           `json:"linkId"`
	Answer []map[string]any `json:"answer,omitempty"`
	Item   []entry          `json:"item,omitempty"`
}

// fill returns the answers in a to the questions, in the order of the form.
func fill(questions []question, a answers) ([]entry, error) {
	var out []entry
	for _, q := range questions {
		if rows, ok := a[q.LinkID].([]answers); ok {
			for _, row := range rows {
				inner, err := fill(q.Item, row)
				if err != nil {
					return nil, err
				}
				out = append(out, entry{LinkID: q.LinkID, Item: inner})
			}
			continue
		}
		e := entry{LinkID: q.LinkID}
		var err error
		if e.Answer, err = q.answered(a[q.LinkID]); err != nil {
			return nil, err
		}
		if e.Item, err = fill(q.Item, a); err != nil {
			return nil, err
		}
		if len(e.Answer)+len(e.Item) > 0 {
			out = append(out, e)
		}
	}
	return out, nil
}

func (q question) answered(said any) ([]map[string]any, error) {
	switch v := said.(type) {
	case nil:
		return nil, nil
	case []string:
		var out []map[string]any
		for _, one := range v {
			more, err := q.answered(one)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
		return out, nil
	case string:
		if q.Type != "choice" && q.Type != "open-choice" {
			break
		}
		for _, o := range q.Options {
			if o.Coding.Code == v {
				return []map[string]any{{"valueCoding": o.Coding}}, nil
			}
		}
		return nil, fmt.Errorf("question %s has no option %q", q.LinkID, v)
	}
	field, ok := map[string]string{
		"boolean": "valueBoolean", "integer": "valueInteger", "string": "valueString", "text": "valueString", "date": "valueDate",
	}[q.Type]
	if !ok {
		return nil, fmt.Errorf("question %s of type %s is not one the demo can answer", q.LinkID, q.Type)
	}
	return []map[string]any{{field: said}}, nil
}

// pageSize is about the number of questions on a page.
const pageSize = 9

// no answers every one of these questions with no.
func (a answers) no(linkIDs ...string) answers {
	for _, id := range linkIDs {
		a[id] = false
	}
	return a
}

// common answers the common block for a healthy adult in Oregon who fills in the form
// and pays without help.
func common() answers {
	return answers{
		"emergency-ack": true, "completed-by": "self", "location-state": "OR", "language": "en",
		"callback-phone": "503 555 0177", "pregnant": "no", "conditions": []string{"none"}, "allergy-none": true, "medications": "none", "payment-route": "self-pay",
	}.no("seen-7d", "surgery-90d", "accident")
}

func urinary() answers {
	return answers{"uti-onset": 2, "uti-sx": []string{"burning", "frequency"}, "uti-count": 1}.no(
		"uti-fever", "uti-flank", "uti-vomit", "uti-confused", "uti-retention", "uti-discharge", "uti-sti",
		"uti-catheter", "uti-kidney", "uti-abx")
}

func cold() answers {
	return answers{
		"resp-onset": 4, "resp-sx": []string{"congestion", "cough"}, "resp-course": "same", "resp-sob": "none",
		"resp-covid": "none",
	}.no("resp-fever", "resp-chest", "resp-blue", "resp-confused", "resp-eye", "resp-neck", "resp-swallow", "resp-blood", "resp-abx")
}

func redEye() answers {
	return answers{"eye-side": "left", "eye-onset": 1, "eye-discharge": "watery", "eye-pain": "gritty", "eye-contacts": "no"}.no(
		"eye-vision", "eye-light", "eye-injury", "eye-chemical", "eye-halos", "eye-swelling", "eye-blisters",
		"eye-surgery", "eye-pupil").with(answers{"eye-itch": true})
}

func backPain() answers {
	return answers{"back-onset": 3, "back-where": []string{"low"}, "back-start": "lift", "back-pain": 4}.no(
		"back-night", "back-saddle", "back-bladder", "back-weak", "back-fever", "back-ivdu",
		"back-weight", "back-osteo", "back-belly", "back-urine", "back-spinal")
}

// Answers of the questionnaires on mood.
const notAtAll, severalDays = "LA6568-5", "LA6569-3"

func mood() answers {
	a := answers{"mh-safe": true}.no("mh-attempt", "mh-harm-others", "mh-psychosis", "mh-mania", "mh-substance", "mh-postpartum")
	for i := 1; i <= 9; i++ {
		a[fmt.Sprintf("phq9-%d", i)] = notAtAll
	}
	for i := 1; i <= 7; i++ {
		a[fmt.Sprintf("gad7-%d", i)] = severalDays
	}
	return a
}

func refill() answers {
	return answers{
		"rx":             []answers{{"rx-name": "lisinopril", "rx-strength": "10 mg", "rx-directions": "one a day", "rx-left": 6}},
		"rx-sideeffects": "none", "rx-working": "yes", "rx-pharmacy": "Lake Street Pharmacy",
	}.no("rx-controlled", "rx-critical", "rx-out", "rx-reaction", "rx-change", "rx-newdx")
}

func records() answers {
	return answers{"adm-type": "records", "adm-due": time.Now().AddDate(1, 0, 0).Format(time.DateOnly), "adm-deliver": "portal"}.no("adm-symptoms")
}

// with returns a with more answers.
func (a answers) with(more answers) answers {
	for id, v := range more {
		a[id] = v
	}
	return a
}
