package visit

import (
	"slices"
	"time"

	"evisit/pkg/identity"
)

// An Action is something a person may do with a visit.
type Action string

// The actions of the patient's side, then those of the practice's.
const (
	Fill        Action = "fill"
	GetQuote    Action = "quote"
	Submit      Action = "submit"
	Pay         Action = "pay"
	Cancel      Action = "cancel"
	Delete      Action = "delete" // a draft, with its answers
	SendAgain   Action = "again"  // what expired, as a new draft
	Reply       Action = "reply"
	Report      Action = "report"      // a red flag, which ends the visit
	Acknowledge Action = "acknowledge" // an answer, or where to turn
	Take        Action = "take"
	Ask         Action = "ask"
	Answer      Action = "answer"
	Decline     Action = "decline"
	Redirect    Action = "redirect"
	Release     Action = "release"   // what its holder has taken, back to its pool
	HandOver    Action = "hand_over" // to a colleague
	TakeOver    Action = "take_over" // from a colleague
)

// actions are all actions, in the order in which Can lists them, each with what
// the policy must allow and with the step itself: an action can be done if the
// step, tried on the visit, makes a new version of it, or a new visit. So an action
// that the step would refuse is never offered.
var actions = []struct {
	action Action
	needs  identity.Action
	try    func(v Visit, p identity.Person, now time.Time) bool
}{
	{Fill, identity.FillVisit, func(v Visit, _ identity.Person, _ time.Time) bool { return v.changes(v.Saved(v.State)) }},
	{GetQuote, identity.FillVisit, func(v Visit, _ identity.Person, _ time.Time) bool { return v.changes(v.Priced(v.Quote)) }},
	{Submit, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool {
		return v.changes(v.Submit(v.Quote.ID, v.Quote.Page(), Terms{}, now))
	}},
	{Pay, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.Payable(now) }},
	{Cancel, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.Cancel(now)) }},
	{Delete, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.Delete(now)) }},
	{SendAgain, identity.FillVisit, func(v Visit, p identity.Person, now time.Time) bool {
		_, err := v.Again(v.Form, p.ID, now)
		return err == nil
	}},
	{Reply, identity.WriteToTeam, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.Reply(now)) }},
	{Report, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.Divert("", now)) }},
	{Acknowledge, identity.FillVisit, func(v Visit, _ identity.Person, now time.Time) bool {
		return v.changes(v.Close("", now)) || v.changes(v.ConfirmDiversion(now), nil)
	}},
	{Take, identity.TakeVisit, func(v Visit, p identity.Person, now time.Time) bool { return v.changes(v.Take(p, now)) }},
	{Ask, identity.TreatVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.Ask(now)) }},
	{Answer, identity.TreatVisit, func(v Visit, p identity.Person, now time.Time) bool { return v.changes(v.Answer(p, "", nil, now)) }},
	{Decline, identity.TreatVisit, func(v Visit, _ identity.Person, now time.Time) bool { return v.changes(v.TurnAway(Declined, "", now)) }},
	{Redirect, identity.TreatVisit, func(v Visit, _ identity.Person, now time.Time) bool {
		return v.changes(v.TurnAway(Redirected, "", now))
	}},
	{Release, identity.ReleaseVisit, func(v Visit, p identity.Person, _ time.Time) bool { return v.changes(v.Release(p)) }},
	{HandOver, identity.HandOverVisit, func(v Visit, p identity.Person, _ time.Time) bool { return v.mayPass(p, "") == nil }}, // there may be no colleague
	{TakeOver, identity.TakeOverVisit, func(v Visit, p identity.Person, now time.Time) bool {
		return v.changes(v.TakeOver(p, v.Holder.ID, now))
	}},
}

// changes reports whether a step from v made a new version.
func (v Visit) changes(next Visit, err error) bool { return err == nil && next.Version != v.Version }

// Can lists what p may do with v now. An action may still be refused for a
// reason outside the visit, such as incomplete answers.
func (v Visit) Can(p identity.Person, now time.Time) []Action {
	rights, can := identity.Rights(p, v.Resource(), now), []Action{}
	for _, a := range actions {
		if slices.Contains(rights, a.needs) && a.try(v, p, now) {
			can = append(can, a.action)
		}
	}
	return can
}
