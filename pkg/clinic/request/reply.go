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

// Reply adds a message of the patient's side, and corrected answers, to a visit
// that is not answered yet. A red flag among the answers ends the visit, whether
// or not it takes a message just now.
func (m *Room) Reply(ctx context.Context, c clinic.Caller, id string, text phi.Text, more intake.Response) (visit.Visit, *record.Diversion, error) {
	v, shown, err := clinic.Step(ctx, m.Kernel, c, identity.WriteToTeam, clinic.Query{Visit: id, Answers: len(more.Items) > 0},
		func(in clinic.Input) (clinic.Decision, *record.Diversion, error) { return m.reply(ctx, in, text, more) })
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

func (m *Room) reply(ctx context.Context, in clinic.Input, text phi.Text, more intake.Response) (d clinic.Decision, shown *record.Diversion, err error) {
	with, err := m.corrections(ctx, in, more)
	if err != nil {
		return d, nil, err
	}
	if with.form != nil && with.res.Diverts() && in.Visit.Status.BeforeAnswer() {
		return m.replyAndDivert(ctx, in, text, with)
	}
	if repeated, err := m.replied(ctx, in, text, with); err != nil || repeated {
		d.Urgent = in.Visit.Status == visit.Diverted
		return d, nil, err // the same request again, whose first reply was lost
	}
	next, err := in.Visit.Reply(in.Now)
	if err != nil {
		return d, nil, err
	}
	said, err := m.Charts.SealMessage(ctx, next, in.Caller.Person, record.Info, text, in.Now)
	if err != nil {
		return d, nil, err
	}
	c := clinic.Commit{Messages: []clinic.Message{said}, Events: []outbox.Event{m.Kernel.Event(outbox.Replied, outbox.Notify, next, in.Now)}}
	if with.form != nil {
		next, c.Answers, err = m.correct(ctx, next, with)
	}
	return clinic.Change(in.Visit, next, c), nil, err
}

// replyAndDivert ends the visit because of the answers that came with a message.
// The words are kept if they are words at all.
func (m *Room) replyAndDivert(ctx context.Context, in clinic.Input, text phi.Text, with corrections) (clinic.Decision, *record.Diversion, error) {
	next, c := in.Visit, clinic.Commit{}
	if chart.ValidMessage(text) {
		next = next.Said()
		said, err := m.Charts.SealMessage(ctx, next, in.Caller.Person, record.Info, text, in.Now)
		if err != nil {
			return clinic.Decision{}, nil, err
		}
		c.Messages = append(c.Messages, said)
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
			fault.Problem{Where: "location-state", Code: "consistency", Text: "keep " + v.State})
	}
	return m.Charts.SealAnswers(ctx, v, with.res.Response)
}
