package membership

import (
	"fmt"
	"slices"
	"time"
)

// A Cause is why a visit is included in a membership or is not.
type Cause string

// The causes. With Included and InGrace a visit is included; with the others the posted fee applies.
const (
	Included    Cause = "included"
	InGrace     Cause = "in_grace"     // although a payment failed
	NotNamed    Cause = "not_named"    // the patient is not a member, or not any more
	NotBegun    Cause = "not_begun"    // the first payment is not reported
	Over        Cause = "over"         // it has ended
	GraceOver   Cause = "grace_over"   // a payment failed, and the time to make it is over
	HasMedicare Cause = "medicare"     // Medicare pays for what is included
	NoVisits    Cause = "no_visits"    // the terms include none
	NotIncluded Cause = "not_included" // not this form
	CapUsed     Cause = "cap_used"     // all visits of the year are used
)

// An Entitlement says whether a visit is included, and why.
type Entitlement struct {
	Cause Cause `json:"cause"`
	// Used and Of are how many of the included visits were used before this one, where the
	// visits are counted.
	Used int    `json:"used,omitempty"`
	Of   int    `json:"of,omitempty"`
	Text string `json:"text"` // for the patient
}

// Covered reports whether the membership pays for the visit.
func (e Entitlement) Covered() bool { return e.Cause == Included || e.Cause == InGrace }

// A Visit is a request whose entitlement is asked for.
type Visit struct {
	ID          string
	Patient     string
	Form, Class string    // of the form: its name and billing class
	At          time.Time // when it is submitted
}

// slack is how long after the end of a year visits are included although its renewal is not
// reported: Stripe makes the invoice an hour before it collects, and webhooks may be late.
const slack = 2 * day

// Covers decides at submission whether v is included (requests SY5: covered, cap reached, or lapsed;
// else the posted fee). C is the Count of the year that YearAt names, its zero value
// if there is none. If c has the visit already, it is not counted against itself.
func (m Membership) Covers(v Visit, c Count, zone *time.Location) Entitlement {
	if e := m.inForce(v, zone); e.Cause != "" {
		return e
	}
	t := m.TermsAt(v.At)
	used := c.GiveBack(v.ID).Used(v.Patient, t)
	switch {
	case t.Visits == 0:
		return Entitlement{Cause: NoVisits, Text: "This membership includes no visits, so the posted fee applies."}
	case !t.Includes(v.Form, v.Class):
		return Entitlement{Cause: NotIncluded, Text: "Your membership does not include this kind of request, so the posted fee applies."}
	case used >= t.Visits:
		return Entitlement{
			Cause: CapUsed, Used: used, Of: t.Visits,
			Text: fmt.Sprintf("The %s of your year are used, so the posted fee applies.", includedVisits(t.Visits)),
		}
	}
	e := Entitlement{
		Cause: Included, Used: used, Of: t.Visits,
		Text: fmt.Sprintf("This visit is included in your membership: it is number %d of %d in your year. Nothing is charged for it.", used+1, t.Visits),
	}
	if m.State == PastDue {
		e.Cause = InGrace
		e.Text += fmt.Sprintf(" The last payment for the membership failed; visits are included until %s.", dated(m.GraceEnds(zone).Add(-1), zone))
	}
	return e
}

// YearAt returns the start of the year whose Count an instant falls in. After the end of a year
// whose renewal is not reported yet, it is that end, at which Stripe begins the next.
func (m Membership) YearAt(at time.Time) time.Time {
	if !m.Standing.End.IsZero() && !at.Before(m.Standing.End) {
		return m.Standing.End
	}
	return m.Standing.Start
}

// at are the members at an instant, in the order in which they joined: as many as the terms are for.
func (m Membership) at(at time.Time) []Member {
	var all []Member
	for _, p := range m.People {
		if p.present(at) {
			all = append(all, p)
		}
	}
	return all[:min(len(all), m.TermsAt(at).Members)]
}

// inForce decides whether the patient is a member at the time of the visit; the zero Entitlement if
// so.
func (m Membership) inForce(v Visit, zone *time.Location) Entitlement {
	members := m.at(v.At)
	i := slices.IndexFunc(members, func(p Member) bool { return p.Patient == v.Patient })
	_, until := m.Standing.Days(zone)
	switch {
	case i < 0:
		return Entitlement{Cause: NotNamed, Text: "The patient is not named in this membership, so the posted fee applies."}
	case m.State == Ended && !v.At.Before(m.Ended.At):
		return Entitlement{Cause: Over, Text: fmt.Sprintf("Your membership ended on %s, so the posted fee applies.", dated(m.Ended.At, zone))}
	case m.State == Pending || v.At.Before(m.Standing.Start):
		return Entitlement{Cause: NotBegun, Text: "Your membership begins when its first payment is made. Until then the posted fee applies."}
	case m.State == PastDue && !v.At.Before(m.GraceEnds(zone)):
		return Entitlement{Cause: GraceOver, Text: "A payment for your membership failed and the time to make it is over, so the posted fee applies. Pay it to use your membership again."}
	case m.State == Active && !v.At.Before(m.runsOut()):
		return Entitlement{Cause: Over, Text: fmt.Sprintf("The last day of your membership was %s, so the posted fee applies.", date(until.AddDays(-1)))}
	case m.barred(members[i], v.At, zone):
		return Entitlement{Cause: HasMedicare, Text: "Medicare covers visits like this one, so your membership may not pay for it. Call the practice about how to pay."}
	}
	return Entitlement{}
}

// runsOut is until when an active m is one as far as is reported.
func (m Membership) runsOut() time.Time {
	if m.Renews() {
		return m.Standing.End.Add(slack)
	}
	return m.Standing.End
}
