package clinic

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// Take makes the caller the one who answers the visit. Of two who take it at
// once one wins, and the other learns who.
func (cl *Clinic) Take(ctx context.Context, c Caller, id string) (visit.Visit, error) {
	return cl.change(ctx, c, identity.TakeVisit, id, func(l loaded) (decision, error) {
		next, err := l.visit.Take(l.caller.Person, l.now)
		return decision{visit: next}, err
	})
}

// maxMessage bounds a message in characters.
const maxMessage = 8000

// Ask asks the patient for more; the promise stands still until they reply.
func (cl *Clinic) Ask(ctx context.Context, c Caller, id string, text phi.Text) (visit.Visit, error) {
	return cl.change(ctx, c, identity.TreatVisit, id, func(l loaded) (decision, error) {
		if l.visit.Status == visit.AwaitingPatient {
			if said, err := cl.saidLast(ctx, l.visit, l.caller, text); said || err != nil {
				return decision{visit: l.visit}, err
			}
		}
		next, err := l.visit.Ask(l.now)
		if err != nil {
			return decision{}, err
		}
		m, err := cl.message(ctx, next, l.caller, Ask, text, l.now)
		return decision{visit: next, commit: Commit{
			Messages: []Message{m},
			Events:   []outbox.Event{cl.event(outbox.Asked, outbox.Notify, next, l.now)},
		}}, err
	})
}

// Reply adds what the patient writes, and answers to the form they put right,
// to a visit that is not answered yet. A red flag among them ends the visit.
func (cl *Clinic) Reply(ctx context.Context, c Caller, id string, text phi.Text, more intake.Response) (visit.Visit, *Diversion, error) {
	var out *Diversion
	change := cl.change
	if len(more.Items) > 0 {
		change = cl.changeChart
	}
	v, err := change(ctx, c, identity.WriteToTeam, id, func(l loaded) (decision, error) {
		out = nil
		if l.visit.FromPatient > 0 {
			if said, err := cl.saidLast(ctx, l.visit, l.caller, text); said || err != nil {
				return decision{visit: l.visit}, err
			}
		}
		next, err := l.visit.Reply(l.now)
		if err != nil {
			return decision{}, err
		}
		m, err := cl.message(ctx, next, l.caller, Info, text, l.now)
		if err != nil {
			return decision{}, err
		}
		d := decision{visit: next, commit: Commit{Events: []outbox.Event{cl.event(outbox.Replied, outbox.Notify, next, l.now)}}}
		if len(more.Items) > 0 {
			if d, out, err = cl.corrected(ctx, l, d, more); err != nil {
				return decision{}, err
			}
		}
		d.commit.Messages = append(d.commit.Messages, m)
		return d, nil
	})
	if err == nil && v.Status == visit.Diverted && out == nil {
		out, err = cl.diversion(ctx, v) // sent before
	}
	return v, out, err
}

// corrected adds answers put right to a reply, or ends the visit if they raise
// a red flag.
func (cl *Clinic) corrected(ctx context.Context, l loaded, d decision, more intake.Response) (decision, *Diversion, error) {
	f, answers, err := cl.draft(ctx, l)
	if err != nil {
		return decision{}, nil, err
	}
	res, err := check(f, answers.Merge(more))
	if err != nil {
		return decision{}, nil, err
	}
	if res.Diverts() {
		replied := d.visit
		stopped, out, err := cl.divert(ctx, replied, f, res, l.now)
		stopped.visit.Version = replied.Version // one commit, one version
		return stopped, out, err
	}
	if len(res.Problems) > 0 {
		return decision{}, nil, wrongAnswers(res.Problems)
	}
	if state := stateOf(res.Response); state != d.visit.State {
		return decision{}, nil, fault.New(fault.Invalid, "state_moved", "where the patient is decides who may answer; cancel this visit and send a new one",
			fault.Problem{Where: "location-state", Code: "consistency", Text: "keep " + d.visit.State})
	}
	d.commit.Answers, err = cl.sealJSON(ctx, answersPlace(l.visit), res.Response)
	return d, nil, err
}

// saidLast reports whether the latest message is this very text by the caller:
// the same press of a button again, whose first answer was lost.
func (cl *Clinic) saidLast(ctx context.Context, v visit.Visit, c Caller, text phi.Text) (bool, error) {
	ms, err := cl.Store.Messages(ctx, v.ID, v.Messages)
	if err != nil || len(ms) == 0 {
		return false, err
	}
	last := ms[len(ms)-1]
	if last.From != c.Person.ID {
		return false, nil
	}
	said, err := cl.open(ctx, v, last)
	return said == text, err
}

func (cl *Clinic) open(ctx context.Context, v visit.Visit, m Message) (phi.Text, error) {
	var text phi.Text
	return text, cl.openJSON(ctx, messagePlace(v, m.Seq), m.Body, &text)
}

func (cl *Clinic) message(ctx context.Context, v visit.Visit, c Caller, k MessageKind, text phi.Text, now time.Time) (Message, error) {
	plain := text.Reveal()
	if text.Blank() || utf8.RuneCountInString(plain) > maxMessage || strings.ContainsRune(plain, 0) {
		return Message{}, fault.New(fault.Invalid, "message_length", fmt.Sprintf("write a message of 1 to %d characters", maxMessage),
			fault.Problem{Where: "/text", Code: "length", Text: fmt.Sprintf("1 to %d characters, not blank", maxMessage)})
	}
	m := Message{Visit: v.ID, Seq: v.Messages, Kind: k, From: c.Person.ID, Name: c.Person.Display, At: now}
	var err error
	m.Body, err = cl.sealJSON(ctx, messagePlace(v, m.Seq), text)
	return m, err
}

// Answer gives the answer: the reply, the conclusion, and the encounter
// document, which is put first: without it there is no answer (guideline G9).
// The card is asked for at once; the answer stands even if that fails.
func (cl *Clinic) Answer(ctx context.Context, c Caller, id string, said visit.Conclusion) (visit.Visit, error) {
	if ps := said.Problems(); len(ps) > 0 {
		return visit.Visit{}, fault.New(fault.Invalid, "answer_incomplete", "the answer is not complete", ps...)
	}
	return cl.changeChart(ctx, c, identity.TreatVisit, id, func(l loaded) (decision, error) {
		v := l.visit
		if v.Status == visit.Answered || v.Status == visit.Closed {
			same, err := cl.saidLast(ctx, v, l.caller, said.Reply)
			if same || err != nil {
				return decision{visit: v}, err
			}
		}
		if _, err := v.Answer(l.caller.Person, "", said.Minutes, l.now); err != nil {
			return decision{}, err
		}
		hash, err := cl.document(ctx, l, said)
		if err != nil {
			return decision{}, err
		}
		next, err := v.Answer(l.caller.Person, hash, said.Minutes, l.now)
		if err != nil {
			return decision{}, err
		}
		m, err := cl.message(ctx, next, l.caller, Reply, said.Reply, l.now)
		if err != nil {
			return decision{}, err
		}
		es := []outbox.Event{cl.event(outbox.Answered, outbox.Notify, next, l.now)}
		if next.Payment != "" {
			es = append(es, cl.event(outbox.Capture, outbox.Charge, next, l.now))
		}
		return decision{visit: next, commit: Commit{Messages: []Message{m}, Events: es}}, nil
	})
}

// TurnAway ends a visit without an answer or a charge: to is visit.Declined or
// visit.Redirected, text tells the patient why and where to turn.
func (cl *Clinic) TurnAway(ctx context.Context, c Caller, id string, to visit.Status, reason string, text phi.Text) (visit.Visit, error) {
	return cl.change(ctx, c, identity.TreatVisit, id, func(l loaded) (decision, error) {
		next, err := l.visit.TurnAway(to, reason, l.now)
		if err != nil || next.Version == l.visit.Version {
			return decision{visit: next}, err
		}
		m, err := cl.message(ctx, next, l.caller, Notice, text, l.now)
		return decision{visit: next, commit: Commit{Messages: []Message{m}, Events: cl.letGo(l.visit, next, l.now)}}, err
	})
}

// Acknowledge is the patient's word that they read the answer, which closes
// the visit; or, for a diverted one, that they saw where to turn.
func (cl *Clinic) Acknowledge(ctx context.Context, c Caller, id string) (visit.Visit, error) {
	return cl.change(ctx, c, identity.FillVisit, id, func(l loaded) (decision, error) {
		if l.visit.Status == visit.Diverted {
			return decision{visit: l.visit.Understand(l.now)}, nil
		}
		next, err := cl.closed(ctx, l.visit.Seen(l.caller.Person.ID, l.now), l.caller.Person.ID, l.now)
		if err != nil {
			return decision{}, err
		}
		if l.visit.Status != visit.Closed {
			next.Version = l.visit.Version + 1 // read and closed are one commit
		}
		return decision{visit: next}, nil
	})
}

// closed closes v, putting its addendum first.
func (cl *Clinic) closed(ctx context.Context, v visit.Visit, by string, now time.Time) (visit.Visit, error) {
	next, err := v.Close("", now)
	if err != nil || next.Version == v.Version {
		return next, err
	}
	hash, err := cl.addendum(ctx, next, by)
	if err != nil {
		return visit.Visit{}, err
	}
	return v.Close(hash, now)
}
