// Package desk is the clinician's side of a visit: taking it, giving it back or to a
// colleague, asking the patient, answering, declining, redirecting. It decrypts charts and has no
// Stripe key. The patient's side is package request, payments are package
// charge, passed deadlines package deadline.
package desk

import (
	"context"
	"slices"
	"strings"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// Reads are what a Desk reads besides the kernel.
type Reads interface {
	// Queue lists the visits of a pool that await an answer, in the order they
	// were queued, after cursor. It may lag about a second. The returned cursor
	// is empty at the end.
	Queue(ctx context.Context, practice string, pool identity.Pool, cursor string, limit int) ([]visit.Visit, string, error)
	// Roster lists who works, or worked, at a practice. It may lag about a second.
	Roster(ctx context.Context, practice string) ([]identity.Person, error)
}

// A Desk has the steps and reads of clinicians and staff. Its fields must be set
// before use; it is safe for concurrent use.
type Desk struct {
	Kernel *clinic.Kernel
	Charts *chart.Keeper
	Store  Reads
}

// Take makes the caller the visit's holder, who answers it. Of two who take it
// at once one succeeds, and the other's error names the holder.
func (d *Desk) Take(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.TakeVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := in.Visit.Take(in.Caller.Person, in.Now)
			return clinic.Change(in.Visit, next, clinic.Commit{}), clinic.Nothing{}, err
		})
	return v, err
}

// Ask sends the patient a question; the promise is paused until the reply.
func (d *Desk) Ask(ctx context.Context, c clinic.Caller, id string, text phi.Text) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.TreatVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			decision, err := d.ask(ctx, in, text)
			return decision, clinic.Nothing{}, err
		})
	return v, err
}

func (d *Desk) ask(ctx context.Context, in clinic.Input, text phi.Text) (clinic.Decision, error) {
	if in.Visit.Status == visit.AwaitingPatient {
		if same, err := d.saidLast(ctx, in, text); same || err != nil {
			return clinic.Decision{}, err
		}
	}
	next, err := in.Visit.Ask(in.Now)
	if err != nil {
		return clinic.Decision{}, err
	}
	m, err := d.Charts.SealMessage(ctx, next, in.Caller.Person, record.Ask, text, in.Now)
	return clinic.Change(in.Visit, next, clinic.Commit{
		Messages: []clinic.Message{m},
		Events:   []outbox.Event{d.Kernel.Event(outbox.Asked, outbox.Notify, next, in.Now)},
	}), err
}

// saidLast reports whether the latest message has this text and is by the
// caller: the same request again, whose first reply was lost.
func (d *Desk) saidLast(ctx context.Context, in clinic.Input, text phi.Text) (bool, error) {
	last, _, err := d.Charts.LastMessage(ctx, in.Visit)
	return last.From == in.Caller.Person.ID && last.Text == text, err
}

// Answer commits the answer: the reply, the conclusion, and the hash of the
// encounter document, which is put first, so that there is no answer without it
// (guideline G9). The commit decides the fee, and asks for its capture, or for the release
// of the hold if there is none; the answer stands even if that fails. It asks the practice to bill
// the health plan of a patient who pays a member's share.
func (d *Desk) Answer(ctx context.Context, c clinic.Caller, id string, said visit.Conclusion) (visit.Visit, error) {
	if ps := said.Problems(); len(ps) > 0 {
		return visit.Visit{}, fault.New(fault.Invalid, "answer_incomplete", "the answer is not complete", ps...)
	}
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.TreatVisit, clinic.Query{Visit: id, Answers: true},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			decision, err := d.answer(ctx, in, said)
			return decision, clinic.Nothing{}, err
		})
	return v, err
}

func (d *Desk) answer(ctx context.Context, in clinic.Input, said visit.Conclusion) (clinic.Decision, error) {
	v := in.Visit
	if (v.Status == visit.Answered || v.Status == visit.Closed) && v.Holder.ID == in.Caller.Person.ID {
		return clinic.Decision{}, d.answered(ctx, v, said)
	}
	next, err := v.Answer(in.Caller.Person, "", said.Minutes, in.Now)
	if err != nil {
		return clinic.Decision{}, err
	}
	if next, err = next.LowerFee(said.Fee); err != nil {
		return clinic.Decision{}, err
	}
	if err := in.Stale(); err != nil {
		return clinic.Decision{}, err
	}
	if next.Document, err = d.document(ctx, in, said, next.Fee()); err != nil {
		return clinic.Decision{}, err
	}
	m, err := d.Charts.SealMessage(ctx, next, in.Caller.Person, record.Reply, said.Reply, in.Now)
	if err != nil {
		return clinic.Decision{}, err
	}
	es := []outbox.Event{d.Kernel.Event(outbox.Answered, outbox.Notify, next, in.Now)}
	switch {
	case next.Payment == "":
	case next.Waived():
		es = append(es, d.Kernel.Event(outbox.Release, outbox.Charge, next, in.Now))
	default:
		es = append(es, d.Kernel.Event(outbox.Capture, outbox.Charge, next, in.Now))
	}
	return clinic.Change(v, next, clinic.Commit{Messages: []clinic.Message{m}, Events: es, Work: clinic.BillingWork(next, in.Now)}), nil
}

// answered returns nil if v was answered with said: the same request again, whose
// first reply was lost.
func (d *Desk) answered(ctx context.Context, v visit.Visit, said visit.Conclusion) error {
	a, err := d.Charts.Answer(ctx, v)
	if err != nil {
		return err
	}
	if other := said.Differences(a.Conclusion); len(other) > 0 {
		return visit.DoneOtherwise("the answer that was sent differs in its " + strings.Join(other, ", its "))
	}
	return nil
}

// document puts the encounter document of an answer for fee and returns its hash.
func (d *Desk) document(ctx context.Context, in clinic.Input, said visit.Conclusion, fee money.Cents) (string, error) {
	v := in.Visit
	f, r, err := d.Charts.FormAndAnswers(ctx, v, in.Answers)
	if err != nil {
		return "", err
	}
	contact, err := d.Charts.Contact(ctx, v.Patient)
	if err != nil {
		return "", err
	}
	ms, err := d.Charts.Messages(ctx, v)
	if err != nil {
		return "", err
	}
	earlier := []time.Time{v.Times.Submitted, v.Times.Queued, v.Times.Taken, v.Times.Asked}
	for _, m := range ms {
		earlier = append(earlier, m.At)
	}
	v.Times.Answered = record.Moment(in.Now, earlier...)
	res := f.Check(r)
	return d.Charts.PutDocument(ctx, v, record.Document{
		Visit: v.ID, Practice: v.Practice, Patient: v.Patient, Contact: contact,
		Form: f.Canonical(), FormHash: f.Hash(), Answers: record.InWords(f, res.Response), Flags: record.Flags(res),
		Messages: ms, Conclusion: said, By: visit.Holder{ID: in.Caller.Person.ID, Display: in.Caller.Person.Display},
		Fee: fee, Quoted: v.Quote.Amount, QuotedIf: v.Quote.Lower, Restricted: v.Quote.Restricted, Times: v.Times,
	})
}

// TurnAway ends a visit without an answer or a charge: to is visit.Declined or
// visit.Redirected, and text tells the patient the reason and where to seek
// care.
func (d *Desk) TurnAway(ctx context.Context, c clinic.Caller, id string, to visit.Status, reason visit.Reason, text phi.Text) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.TreatVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			decision, err := d.turnAway(ctx, in, to, reason, text)
			return decision, clinic.Nothing{}, err
		})
	return v, err
}

func (d *Desk) turnAway(ctx context.Context, in clinic.Input, to visit.Status, reason visit.Reason, text phi.Text) (clinic.Decision, error) {
	next, err := in.Visit.TurnAway(to, reason, in.Now)
	if err != nil {
		return clinic.Decision{}, err
	}
	if next.Version == in.Visit.Version {
		same, err := d.saidLast(ctx, in, text)
		if err == nil && !same {
			err = visit.DoneOtherwise("it was " + string(to) + " with another message")
		}
		return clinic.Decision{}, err
	}
	m, err := d.Charts.SealMessage(ctx, next, in.Caller.Person, record.Notice, text, in.Now)
	return clinic.Change(in.Visit, next, clinic.Commit{
		Messages: []clinic.Message{m}, Events: d.Kernel.EndingEvents(in.Visit, next, in.Now),
	}), err
}

// Queue lists the visits of the caller's pool that await an answer: pages are in
// the order the visits were queued, and each page has the oldest promise first,
// since a question to the patient may have moved a promise.
func (d *Desk) Queue(ctx context.Context, c clinic.Caller, cursor string, limit int) ([]visit.Visit, string, error) {
	c, err := d.Kernel.Identify(ctx, c)
	if err != nil {
		return nil, "", err
	}
	at := identity.Resource{Practice: c.Person.Practice, Pool: c.Person.PoolOf(), Whole: true}
	if err := d.Kernel.Allow(ctx, c, identity.ReadQueue, at, clinic.Subject{Practice: at.Practice}); err != nil {
		return nil, "", err
	}
	vs, next, err := d.Store.Queue(ctx, at.Practice, at.Pool, cursor, limit)
	if err == nil {
		err = d.Kernel.RecordList(ctx, c, identity.ReadQueue, clinic.Subject{Practice: at.Practice})
	}
	slices.SortStableFunc(vs, func(a, b visit.Visit) int { return a.Promise.By.Compare(b.Promise.By) })
	return vs, next, err
}

// A View has what the desk's page of a visit shows.
type View struct {
	Caller clinic.Caller
	Chart  chart.Chart
	Answer *record.Answer // nil before the answer
}

// Show loads what the desk's page of a visit shows, and records that the caller
// read it.
func (d *Desk) Show(ctx context.Context, c clinic.Caller, id string) (View, error) {
	c, ch, err := d.Charts.ReadChart(ctx, c, id)
	if err != nil {
		return View{}, err
	}
	a, err := d.Charts.Answer(ctx, ch.Visit)
	if err != nil {
		return View{}, err
	}
	return View{Caller: c, Chart: ch, Answer: a}, nil
}
