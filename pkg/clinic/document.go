package clinic

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A Document is the immutable record of an answered visit: all that was asked
// and said, who answered, and what was concluded (guidelines G9, G27).
type Document struct {
	Visit      string           `json:"visit"`
	Practice   string           `json:"practice"`
	Patient    string           `json:"patient"`
	Contact    identity.Contact `json:"contact"`
	Form       string           `json:"form"` // canonical, with version
	FormHash   string           `json:"form_hash"`
	Answers    []QA             `json:"answers"`
	Flags      []Flag           `json:"flags,omitempty"`
	Messages   []Said           `json:"messages,omitempty"`
	Conclusion visit.Conclusion `json:"conclusion"`
	By         visit.Holder     `json:"by"`
	Fee        money.Cents      `json:"fee_cents"`
	Times      visit.Times      `json:"times"`
}

// A QA is one question and what was answered, in words.
type QA struct {
	LinkID   string     `json:"link_id"`
	Question string     `json:"question"`
	Answers  []phi.Text `json:"answers,omitempty"`
	Row      int        `json:"row,omitempty"` // of a repeating group, from 1
}

// A Flag is a rule that fired without stopping the patient, for the clinician.
type Flag struct {
	Rule    string   `json:"rule"`
	Message phi.Text `json:"message"`
	Source  string   `json:"source"`
}

// Said is a message as its readers see it.
type Said struct {
	Seq    int         `json:"seq"`
	Kind   MessageKind `json:"kind"`
	From   string      `json:"from"`
	Name   string      `json:"name,omitempty"`
	At     time.Time   `json:"at"`
	Text   phi.Text    `json:"text"`
	ReadAt time.Time   `json:"read_at,omitzero"` // by the patient's side
}

// An Addendum is what closing adds to a document: read times and receipts.
type Addendum struct {
	Document string           `json:"document"`
	Reads    []visit.ReadMark `json:"reads"`
	Receipts []string         `json:"receipts,omitempty"` // payment ids
	Closed   time.Time        `json:"closed"`
	By       string           `json:"by"`
}

// document writes the encounter document and returns its hash.
func (cl *Clinic) document(ctx context.Context, l loaded, said visit.Conclusion) (string, error) {
	v := l.visit
	f, r, err := cl.draft(ctx, l)
	if err != nil {
		return "", err
	}
	contact, err := cl.contact(ctx, v.Patient)
	if err != nil {
		return "", err
	}
	ms, err := cl.said(ctx, v)
	if err != nil {
		return "", err
	}
	v.Times.Answered = l.now
	res := f.Check(r)
	return cl.putObject(ctx, v, Document{
		Visit: v.ID, Practice: v.Practice, Patient: v.Patient, Contact: contact,
		Form: f.Canonical(), FormHash: f.Hash(), Answers: inWords(f, res.Response), Flags: flags(res),
		Messages: ms, Conclusion: said, By: visit.Holder{ID: l.caller.Person.ID, Display: l.caller.Person.Display},
		Fee: v.Quote.Amount, Times: v.Times,
	})
}

func (cl *Clinic) addendum(ctx context.Context, v visit.Visit, by string) (string, error) {
	reads := append([]visit.ReadMark{}, v.Reads...)
	return cl.putObject(ctx, v, Addendum{Document: v.Document, Reads: reads, Receipts: v.Payments, Closed: v.Times.Ended, By: by})
}

// putObject seals a document and puts it under the hash of its content.
func (cl *Clinic) putObject(ctx context.Context, v visit.Visit, doc any) (string, error) {
	plain, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("encoding a document of visit %s: %w", v.ID, err)
	}
	hash := hashBytes(plain)
	sealed, err := cl.Seal.Seal(ctx, documentPlace(v, hash), plain)
	if err != nil {
		return "", err
	}
	if err := cl.Blobs.Put(ctx, objectKey(v, hash), sealed); err != nil {
		return "", fault.Hide(fault.Busy, "document_not_stored", "the record of this visit cannot be stored just now, so nothing was sent; try again", err)
	}
	return hash, nil
}

func objectKey(v visit.Visit, hash string) string {
	return "documents/" + v.Practice + "/" + v.ID + "/" + hash
}

// object returns a document's bytes once they are proved to be those committed.
func (cl *Clinic) object(ctx context.Context, v visit.Visit, hash string) (json.RawMessage, error) {
	sealed, err := cl.Blobs.Get(ctx, objectKey(v, hash))
	if err != nil {
		return nil, err
	}
	plain, err := cl.Seal.Unseal(ctx, documentPlace(v, hash), sealed)
	if err != nil {
		return nil, fmt.Errorf("opening document of visit %s: %w", v.ID, err)
	}
	if hashBytes(plain) != hash {
		return nil, fmt.Errorf("document of visit %s: %w", v.ID, errAltered)
	}
	return plain, nil
}

func flags(res intake.Result) []Flag {
	var fs []Flag
	for _, r := range res.Fired {
		if r.Severity == intake.SeverityFlag {
			fs = append(fs, Flag{r.ID, phi.Text(r.Message), r.Source})
		}
	}
	return fs
}

// inWords lists what was answered in the order of the form.
func inWords(f *intake.Form, r intake.Response) []QA {
	var qas []QA
	rows := map[string]int{}
	var walk func(items []intake.Entry, row int)
	walk = func(items []intake.Entry, row int) {
		for _, e := range items {
			it, ok := f.Item(e.LinkID)
			if !ok {
				continue
			}
			if len(e.Answers) > 0 {
				qa := QA{LinkID: e.LinkID, Question: it.Text, Row: row}
				for _, a := range e.Answers {
					qa.Answers = append(qa.Answers, phi.Text(wording(it, a.Value)))
				}
				qas = append(qas, qa)
			}
			inner := row
			if it.Repeats && len(e.Items) > 0 {
				rows[e.LinkID]++
				inner = rows[e.LinkID]
			}
			walk(e.Items, inner)
		}
	}
	walk(r.Items, 0)
	return qas
}

func wording(it *intake.Item, v intake.Value) string {
	if v.Kind() == intake.CodingValue {
		for _, o := range it.Options {
			if o.Code == v.Coding().Code {
				return o.Display
			}
		}
	}
	if v.Kind() == intake.BooleanValue {
		if v.Bool() {
			return "Yes"
		}
		return "No"
	}
	if it.Unit != "" {
		return v.Text() + " " + it.UnitWords()
	}
	return v.Text()
}
