// Package chart seals and decrypts the content of visits: answers, messages,
// diversions, documents. It refuses to show a chart of which a part that the
// visit names is missing, moved or older. It decides nothing about a visit.
package chart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// Reads are what a Keeper reads besides the kernel.
type Reads interface {
	// Content returns all sealed rows of a visit in one read, which lags about a
	// second unless consistent is set.
	Content(ctx context.Context, visit string, consistent bool) (clinic.Content, error)
	// Patient may lag about a second.
	Patient(ctx context.Context, id string) (clinic.Patient, error)
	// LatestPatient is Patient as of the latest commit.
	LatestPatient(ctx context.Context, id string) (clinic.Patient, error)
	// Coverages lists the coverages of a patient, sealed, as of the latest commit.
	Coverages(ctx context.Context, patient string) ([]clinic.Coverage, error)
	// Payer returns a payer as of the latest commit.
	Payer(ctx context.Context, id string) (coverage.Payer, error)
}

// A Keeper seals and decrypts the content of visits. It is safe for concurrent
// use.
type Keeper struct {
	Kernel *clinic.Kernel
	Vault  vault.Vault
	Store  Reads
}

// A Chart is the content of a visit.
type Chart struct {
	Visit     visit.Visit
	Contact   identity.Contact // zero if not read
	Form      *intake.Form
	Response  intake.Response
	Answers   []record.QA
	Flags     []record.Flag
	Derived   []intake.Derived
	Messages  []record.Message
	Notes     []record.Note     // of colleagues; read for people of the practice alone
	Diversion *record.Diversion // nil unless diverted
	// Number is where the patient is to be called because of the diversion; empty if
	// they gave none, or nobody is to call them.
	Number phi.Text

	sealedNotes []clinic.Note
}

// Chart decrypts v's content, without the patient's contact data.
func (k *Keeper) Chart(ctx context.Context, v visit.Visit) (Chart, error) {
	return readContent(ctx, k, v, k.chart)
}

func (k *Keeper) chart(ctx context.Context, v visit.Visit, rows clinic.Content) (Chart, error) {
	out := Chart{Visit: v, sealedNotes: rows.Notes}
	var err error
	if out.Form, out.Response, err = k.FormAndAnswers(ctx, v, rows.Answers); err != nil {
		return Chart{}, err
	}
	if out.Messages, err = k.messages(ctx, v, rows.Messages); err != nil {
		return Chart{}, err
	}
	if v.Status == visit.Diverted {
		if out.Diversion, err = k.diversion(ctx, v, rows.Diverted); err != nil {
			return Chart{}, err
		}
		out.Number = numberOf(out)
	}
	res := out.Form.Check(out.Response)
	out.Answers, out.Flags, out.Derived = record.InWords(out.Form, res.Response), record.Flags(res), res.Derived
	return out, nil
}

// numberOf returns the number that a diverted patient gave last: after the diversion,
// or in the form.
func numberOf(ch Chart) phi.Text {
	to := ch.Diversion.Contact()
	if to == nil {
		return ""
	}
	for _, m := range slices.Backward(ch.Messages) {
		if m.Kind == record.Number {
			return m.Text
		}
	}
	if vs := ch.Response.Answers(to.Question); len(vs) > 0 && reachable(ch.Diversion) {
		return phi.Text(vs[0].Text())
	}
	return ""
}

// reachable reports whether the form had the number when the patient was diverted.
func reachable(d *record.Diversion) bool {
	to := d.Contact()
	return slices.ContainsFunc(d.Rules, func(f intake.Fired) bool { return f.Reachable && f.Contact != nil && f.Contact.Question == to.Question })
}

// rereads bounds how often content is read again because someone else changed
// the visit between the reads.
const rereads = 6

// readContent reads v's sealed rows and has read decrypt them. Rows that do not
// fit v may be of another version of it: they are read again consistently, and
// then v too. If v did not change and its rows still do not fit, readContent
// returns vault.ErrBroken.
func readContent[T any](ctx context.Context, k *Keeper, v visit.Visit, read func(context.Context, visit.Visit, clinic.Content) (T, error)) (T, error) {
	var none T
	for n := 1; ; n++ {
		rows, err := k.Store.Content(ctx, v.ID, n > 1)
		if err != nil {
			return none, err
		}
		if err = checkComplete(v, rows); err == nil {
			var out T
			if out, err = read(ctx, v, rows); err == nil {
				return out, nil
			}
		}
		if !errors.Is(err, vault.ErrBroken) || n == rereads {
			return none, err
		}
		if n == 1 {
			continue
		}
		now, failed := k.Kernel.Store.Load(ctx, clinic.Query{Visit: v.ID, Latest: true})
		switch {
		case failed != nil:
			return none, failed
		case now.Visit.Version == v.Version && n > 2:
			return none, err
		}
		v = now.Visit
	}
}

// checkComplete returns an error if rows lack a part that v names.
func checkComplete(v visit.Visit, rows clinic.Content) error {
	if len(rows.Messages) == v.Messages && len(rows.Notes) == v.Notes && (rows.Answers != nil || !v.HasAnswers()) && (rows.Diverted != nil || v.Status != visit.Diverted) {
		return nil
	}
	return fmt.Errorf("visit %s: %w: it names %d saves of answers, %d messages and %d notes, and has %t, %d and %d",
		v.ID, vault.ErrBroken, v.Saves, v.Messages, v.Notes, rows.Answers != nil, len(rows.Messages), len(rows.Notes))
}

// FormAndAnswers returns the form that v started with, as it is asked today, and its
// answers so far.
func (k *Keeper) FormAndAnswers(ctx context.Context, v visit.Visit, sealed []byte) (*intake.Form, intake.Response, error) {
	f, err := k.Kernel.Form(ctx, v.Practice, v.Form.Name, v.Form.Version)
	if errors.Is(err, fault.NotFound) {
		err = fmt.Errorf("visit %s: %w: its form is gone", v.ID, vault.ErrBroken)
	}
	if err != nil {
		return nil, intake.Response{}, err
	}
	if f, err = k.asked(ctx, f, v); err != nil {
		return nil, intake.Response{}, err
	}
	r, err := k.answers(ctx, v, sealed)
	return f, r, err
}

// asked returns the form as it is asked of v's patient today, which begins at midnight
// of the practice, with the ways to pay that the practice has.
func (k *Keeper) asked(ctx context.Context, f *intake.Form, v visit.Visit) (*intake.Form, error) {
	p, err := k.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return nil, err
	}
	zone, err := p.Location()
	if err != nil {
		return nil, err
	}
	facts := intake.Facts{Now: k.Kernel.Time().In(zone)}
	if f.NeedsPatient() {
		contact, err := k.Contact(ctx, v.Patient)
		if err != nil {
			return nil, err
		}
		facts.Birth, facts.Sex = contact.Birth, contact.Sex
	}
	return p.Asks(f).With(facts), nil
}

// answers decrypts a patient's answers. The form's last page is answered by
// submitting: its answers hold while the visit is submitted, and what was
// accepted is in the audit record.
func (k *Keeper) answers(ctx context.Context, v visit.Visit, sealed []byte) (intake.Response, error) {
	var r intake.Response
	switch {
	case sealed != nil:
		if err := k.Vault.Unseal(ctx, answersPlace(v), sealed, &r); err != nil {
			return r, err
		}
	case v.HasAnswers():
		return r, fmt.Errorf("visit %s: %w: its answers are gone", v.ID, vault.ErrBroken)
	}
	if !v.Times.Submitted.IsZero() {
		r = r.Merge(intake.Acceptance())
	}
	return r, nil
}

// SealAnswers returns v with its saves counted up, and the sealed answers, which
// are bound to that count.
func (k *Keeper) SealAnswers(ctx context.Context, v visit.Visit, r intake.Response) (visit.Visit, []byte, error) {
	v.Saves++
	sealed, err := k.Vault.Seal(ctx, answersPlace(v), r)
	return v, sealed, err
}

// SealDiversion seals the reason that v was stopped.
func (k *Keeper) SealDiversion(ctx context.Context, v visit.Visit, d *record.Diversion) ([]byte, error) {
	return k.Vault.Seal(ctx, place(v, "divert"), d)
}

// LastMessage returns v's latest message; it reports false if there is none.
func (k *Keeper) LastMessage(ctx context.Context, v visit.Visit) (record.Message, bool, error) {
	ms, err := k.Messages(ctx, v)
	if err != nil || len(ms) == 0 {
		return record.Message{}, false, err
	}
	return ms[len(ms)-1], true, nil
}

// Messages returns v's messages, in the order they were sent, with the read
// times of v.Reads.
func (k *Keeper) Messages(ctx context.Context, v visit.Visit) ([]record.Message, error) {
	if v.Messages == 0 {
		return nil, nil
	}
	return readContent(ctx, k, v, func(ctx context.Context, v visit.Visit, rows clinic.Content) ([]record.Message, error) {
		return k.messages(ctx, v, rows.Messages)
	})
}

func (k *Keeper) messages(ctx context.Context, v visit.Visit, rows []clinic.Message) ([]record.Message, error) {
	out := make([]record.Message, len(rows))
	for i, row := range rows {
		if err := k.Vault.Unseal(ctx, messagePlace(v, i+1), row.Body, &out[i]); err != nil {
			return nil, err
		}
		out[i].ReadAt = v.ReadAt(out[i].Seq)
	}
	return out, nil
}

// LastNote returns v's latest note; it reports false if there is none.
func (k *Keeper) LastNote(ctx context.Context, v visit.Visit) (record.Note, bool, error) {
	if v.Notes == 0 {
		return record.Note{}, false, nil
	}
	ns, err := readContent(ctx, k, v, func(ctx context.Context, v visit.Visit, rows clinic.Content) ([]record.Note, error) {
		return k.notes(ctx, v, rows.Notes)
	})
	if err != nil || len(ns) == 0 {
		return record.Note{}, false, err
	}
	return ns[len(ns)-1], true, nil
}

func (k *Keeper) notes(ctx context.Context, v visit.Visit, rows []clinic.Note) ([]record.Note, error) {
	out := make([]record.Note, len(rows))
	for i, row := range rows {
		if err := k.Vault.Unseal(ctx, notePlace(v, i+1), row.Body, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Diversion returns the reason that v was stopped, and what the patient was
// shown.
func (k *Keeper) Diversion(ctx context.Context, v visit.Visit) (*record.Diversion, error) {
	return readContent(ctx, k, v, func(ctx context.Context, v visit.Visit, rows clinic.Content) (*record.Diversion, error) {
		return k.diversion(ctx, v, rows.Diverted)
	})
}

func (k *Keeper) diversion(ctx context.Context, v visit.Visit, sealed []byte) (*record.Diversion, error) {
	d := &record.Diversion{}
	return d, k.Vault.Unseal(ctx, place(v, "divert"), sealed, d)
}

// Contact returns a patient's contact data.
func (k *Keeper) Contact(ctx context.Context, patient string) (identity.Contact, error) {
	p, err := k.Patient(ctx, patient)
	return p.Contact, err
}

// Patient returns a patient with contact data.
func (k *Keeper) Patient(ctx context.Context, patient string) (identity.Patient, error) {
	p, err := k.Store.Patient(ctx, patient)
	if errors.Is(err, fault.NotFound) {
		err = fmt.Errorf("patient %s: %w: their contact data are gone", patient, vault.ErrBroken)
	}
	if err != nil {
		return identity.Patient{}, err
	}
	return k.OpenPatient(ctx, p)
}

// PutDocument puts the encounter document of v, or its addendum, and returns its
// hash. It is called before the commit: without the document nothing is
// committed.
func (k *Keeper) PutDocument(ctx context.Context, v visit.Visit, doc any) (string, error) {
	return k.Vault.PutDocument(ctx, place(v, ""), doc)
}

// Documents returns v's encounter document, and its addendum once v is closed;
// both are compared with the hashes that were committed. Both are nil before the
// answer.
func (k *Keeper) Documents(ctx context.Context, v visit.Visit) (doc, addendum json.RawMessage, err error) {
	if v.Document == "" {
		return nil, nil, nil
	}
	if doc, err = k.Vault.Document(ctx, place(v, ""), v.Document); err != nil || v.Addendum == "" {
		return doc, nil, err
	}
	if addendum, err = k.Vault.Document(ctx, place(v, ""), v.Addendum); err != nil {
		return nil, nil, err
	}
	return doc, addendum, nil
}

// Answer returns what v's encounter document answers, compared with the hash that was
// committed; nil before the answer.
func (k *Keeper) Answer(ctx context.Context, v visit.Visit) (*record.Answer, error) {
	if v.Document == "" {
		return nil, nil //nolint:nilnil // that there is none yet is no error
	}
	doc, err := k.Vault.Document(ctx, place(v, ""), v.Document)
	if err != nil {
		return nil, err
	}
	return k.AnswerIn(v, doc)
}

// AnswerIn returns what doc, the encounter document of v, answers; nil without one.
func (k *Keeper) AnswerIn(v visit.Visit, doc json.RawMessage) (*record.Answer, error) {
	if doc == nil {
		return nil, nil //nolint:nilnil // that there is none yet is no error
	}
	a := &record.Answer{}
	if json.Unmarshal(doc, a) != nil {
		return nil, fmt.Errorf("reading the document of visit %s failed", v.ID) // the cause may quote content
	}
	return a, nil
}

// place names the place of one field of v's content, which its ciphertext is
// bound to.
func place(v visit.Visit, field string) vault.Place {
	return vault.Place{Practice: v.Practice, Patient: v.Patient, Record: v.ID, Field: field}
}

func answersPlace(v visit.Visit) vault.Place {
	p := place(v, "answers")
	p.Version = v.Saves
	return p
}

func messagePlace(v visit.Visit, seq int) vault.Place {
	return place(v, fmt.Sprintf("message/%d", seq))
}

func notePlace(v visit.Visit, seq int) vault.Place {
	return place(v, fmt.Sprintf("note/%d", seq))
}

// contactPlace names the place of a patient's contact data. Those of the first edition
// have version 0, as had all that were sealed before contact data could be replaced.
func contactPlace(p identity.Patient) vault.Place {
	return vault.Place{Practice: p.Practice, Patient: p.ID, Record: p.ID, Field: "contact", Version: p.Edition}
}

// CloseVisit returns v closed by someone, with its addendum put. A closed visit
// is returned unchanged.
func (k *Keeper) CloseVisit(ctx context.Context, v visit.Visit, by string, now time.Time) (visit.Visit, error) {
	next, err := v.Close("", now)
	if err != nil || next.Version == v.Version {
		return next, err
	}
	hash, err := k.PutDocument(ctx, next, record.AddendumOf(next, by))
	if err != nil {
		return visit.Visit{}, err
	}
	return v.Close(hash, now)
}

// SealPatient returns p as it is stored.
func (k *Keeper) SealPatient(ctx context.Context, p identity.Patient) (clinic.Patient, error) {
	sealed, err := k.Vault.Seal(ctx, contactPlace(p), p.Contact)
	p.Contact = identity.Contact{}
	return clinic.Patient{Patient: p, Sealed: sealed}, err
}

// OpenPatient returns a stored patient with contact data. Those of an earlier edition
// than the patient's are vault.ErrBroken.
func (k *Keeper) OpenPatient(ctx context.Context, row clinic.Patient) (identity.Patient, error) {
	p := row.Patient
	return p, k.Vault.Unseal(ctx, contactPlace(p), row.Sealed, &p.Contact)
}
