package request

import (
	"context"
	"reflect"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// A Message is what the patient's side writes.
type Message struct {
	Text    phi.Text
	Answers intake.Response // put earlier ones right; may be empty
	// Confirmed is the disposition of the Ending that the patient confirmed, as in a
	// Save.
	Confirmed intake.Disposition
}

// Reply adds a message of the patient's side, and corrected answers, to a visit
// that is not answered yet. A red flag among the answers ends the visit, whether
// or not it takes a message just now: an emergency at once, any other if it is
// confirmed. Nothing is kept of a message whose answers wait to be confirmed.
func (m *Room) Reply(ctx context.Context, c clinic.Caller, id string, said Message) (visit.Visit, *record.Diversion, error) {
	v, shown, err := clinic.Step(ctx, m.Kernel, c, identity.WriteToTeam, clinic.Query{Visit: id, Answers: len(said.Answers.Items) > 0},
		func(in clinic.Input) (clinic.Decision, *record.Diversion, error) { return m.reply(ctx, in, said) })
	if err == nil && v.Status == visit.Diverted && shown == nil {
		shown, err = m.Charts.Diversion(ctx, v) // a repeated request
	}
	return v, shown, err
}

// corrections are the answers that came with a message, checked together with
// those that the visit has. Without any, the form is nil.
type corrections struct {
	form   *intake.Form
	before intake.Response
	res    intake.Result
	other  error // the answers are for another form
}

func (m *Room) corrections(ctx context.Context, in clinic.Input, more intake.Response) (c corrections, err error) {
	if len(more.Items) == 0 {
		return c, nil
	}
	if c.form, c.before, err = m.Charts.FormAndAnswers(ctx, in.Visit, in.Answers); err == nil {
		c.res, c.other = check(c.form, c.before.Merge(more))
	}
	return c, err
}

func (m *Room) reply(ctx context.Context, in clinic.Input, said Message) (d clinic.Decision, shown *record.Diversion, err error) {
	text := said.Text
	with, err := m.corrections(ctx, in, said.Answers)
	if err != nil {
		return d, nil, err
	}
	if with.form != nil && with.res.Diverts() && in.Visit.Status.BeforeAnswer() {
		return m.replyAndDivert(ctx, in, said, with)
	}
	if repeated, err := m.replied(ctx, in, text, with); err != nil || repeated {
		d.Urgent = in.Visit.Status == visit.Diverted
		return d, nil, err // the same request again, whose first reply was lost
	}
	next, err := in.Visit.Reply(in.Now)
	if err != nil {
		return d, nil, err
	}
	sealed, err := m.Charts.SealMessage(ctx, next, in.Caller.Person, record.Info, text, in.Now)
	if err != nil {
		return d, nil, err
	}
	c := clinic.Commit{Messages: []clinic.Message{sealed}, Events: []outbox.Event{m.Kernel.Event(outbox.Replied, outbox.Notify, next, in.Now)}}
	if with.form != nil {
		next, c.Answers, err = m.correct(ctx, next, with)
	}
	return clinic.Change(in.Visit, next, c), nil, err
}

// replyAndDivert ends the visit because of the answers that came with a message.
// The words are kept if they are words at all. It refuses while the answers wait to
// be confirmed.
func (m *Room) replyAndDivert(ctx context.Context, in clinic.Input, said Message, with corrections) (clinic.Decision, *record.Diversion, error) {
	if !ends(with.res, said.Confirmed) {
		p, err := m.Kernel.Practice(ctx, in.Visit.Practice)
		if err != nil {
			return clinic.Decision{}, nil, err
		}
		return clinic.Decision{}, nil, unconfirmed(endingOf(with.form, with.res, p))
	}
	next, c := in.Visit, clinic.Commit{}
	if chart.ValidMessage(said.Text) {
		next = next.Said()
		sealed, err := m.Charts.SealMessage(ctx, next, in.Caller.Person, record.Info, said.Text, in.Now)
		if err != nil {
			return clinic.Decision{}, nil, err
		}
		c.Messages = append(c.Messages, sealed)
	}
	return m.divert(ctx, in, next, with.form, with.res, c)
}

// replied reports whether the visit has this message and its answers already: as
// the last ones, or as those that ended it.
func (m *Room) replied(ctx context.Context, in clinic.Input, text phi.Text, with corrections) (bool, error) {
	v := in.Visit
	if with.form != nil && !with.repeat(v) {
		return false, nil
	}
	if with.form != nil && v.Status == visit.Diverted && !chart.ValidMessage(text) {
		return true, nil // the answers alone were kept
	}
	if v.FromPatient == 0 {
		return false, nil
	}
	last, _, err := m.Charts.LastMessage(ctx, v)
	return last.From == in.Caller.Person.ID && last.Text == text, err
}

// repeat reports whether v has these corrections already.
func (c corrections) repeat(v visit.Visit) bool {
	if v.Status == visit.Diverted {
		return sameAnswers(c.res.Response, c.before)
	}
	return c.other == nil && len(c.res.Problems) == 0 && reflect.DeepEqual(c.res.Response, c.before)
}

// correct returns v with corrected answers, and those sealed.
func (m *Room) correct(ctx context.Context, v visit.Visit, with corrections) (visit.Visit, []byte, error) {
	if with.other != nil {
		return v, nil, with.other
	}
	if len(with.res.Problems) > 0 {
		return v, nil, wrongAnswers(with.res.Problems)
	}
	if state := stateOf(with.res.Response); state != v.State {
		return v, nil, fault.New(fault.Invalid, "state_moved", "where the patient is decides who may answer; cancel this visit and send a new one",
			fault.Problem{Where: intake.StateItem, Code: "consistency", Text: "keep " + v.State})
	}
	return m.Charts.SealAnswers(ctx, v, with.res.Response)
}
