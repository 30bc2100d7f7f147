package request

import (
	"context"
	"reflect"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// Reply adds a message of the patient's side, and corrected answers, to a visit
// that is not answered yet. A red flag among the answers ends the visit.
func (m *Room) Reply(ctx context.Context, c clinic.Caller, id string, text phi.Text, more intake.Response) (visit.Visit, *record.Diversion, error) {
	v, shown, err := clinic.Step(ctx, m.Kernel, c, identity.WriteToTeam, clinic.Query{Visit: id, Answers: len(more.Items) > 0},
		func(in clinic.Input) (clinic.Decision, *record.Diversion, error) { return m.reply(ctx, in, text, more) })
	if err == nil && v.Status == visit.Diverted && shown == nil {
		shown, err = m.Charts.Diversion(ctx, v) // a repeated request
	}
	return v, shown, err
}

func (m *Room) reply(ctx context.Context, in clinic.Input, text phi.Text, more intake.Response) (d clinic.Decision, shown *record.Diversion, err error) {
	if repeated, err := m.replied(ctx, in, text, more); err != nil || repeated {
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
	if len(more.Items) == 0 {
		return clinic.Change(in.Visit, next, c), nil, nil
	}
	return m.replyWithCorrections(ctx, in, next, c, more)
}

// replied reports whether the visit's last message is this one and its answers
// have these corrections, or ended it.
func (m *Room) replied(ctx context.Context, in clinic.Input, text phi.Text, more intake.Response) (bool, error) {
	if in.Visit.FromPatient == 0 {
		return false, nil
	}
	last, _, err := m.Charts.LastMessage(ctx, in.Visit)
	if err != nil || last.From != in.Caller.Person.ID || last.Text != text {
		return false, err
	}
	if len(more.Items) == 0 || in.Visit.Status == visit.Diverted {
		return true, nil
	}
	f, answers, err := m.Charts.FormAndAnswers(ctx, in.Visit, in.Answers)
	if err != nil {
		return false, err
	}
	res, err := check(f, answers.Merge(more))
	return !res.Diverts() && len(res.Problems) == 0 && reflect.DeepEqual(res.Response, answers), err
}

// replyWithCorrections adds corrected answers to a reply, or ends the visit if
// the answers raise a red flag.
func (m *Room) replyWithCorrections(ctx context.Context, in clinic.Input, next visit.Visit, c clinic.Commit, more intake.Response,
) (d clinic.Decision, shown *record.Diversion, err error) {
	f, answers, err := m.Charts.FormAndAnswers(ctx, in.Visit, in.Answers)
	if err != nil {
		return d, nil, err
	}
	res, err := check(f, answers.Merge(more))
	if err != nil {
		return d, nil, err
	}
	if res.Diverts() {
		return m.divert(ctx, in, next, f, res, c)
	}
	if len(res.Problems) > 0 {
		return d, nil, wrongAnswers(res.Problems)
	}
	if state := stateOf(res.Response); state != next.State {
		return d, nil, fault.New(fault.Invalid, "state_moved", "where the patient is decides who may answer; cancel this visit and send a new one",
			fault.Problem{Where: "location-state", Code: "consistency", Text: "keep " + next.State})
	}
	next, c.Answers, err = m.Charts.SealAnswers(ctx, next, res.Response)
	return clinic.Change(in.Visit, next, c), nil, err
}
