package membership

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Medicare is whether a patient has Medicare Part B at some time of a membership's year, and from
// which day on. The zero Medicare is not known.
type Medicare struct {
	PartB coding.Answer
	From  civil.Day // if PartB is Yes; zero: since ever
}

// MedicareOf tells from the health plans on a patient's record whether the patient has Part B on a
// day from first to last. Only people with Part B have a plan of Medicare Advantage. The record
// cannot tell it if there is no such plan: part A, a plan that is not among the known payers and a
// record without plans leave it open. Declared, what the patient says, then decides.
func MedicareOf(all []coverage.Held, declared coding.Answer, first, last civil.Day) Medicare {
	var from civil.Day
	for _, h := range all {
		begins := laterDay(first, h.Card.From)
		if h.Medicare().Professional() && h.Active(begins) && !begins.After(last) && (from.IsZero() || begins.Before(from)) {
			from = begins
		}
	}
	switch {
	case !from.IsZero():
		return Medicare{PartB: coding.Yes, From: from}
	case declared == coding.Yes:
		return Medicare{PartB: coding.Yes, From: first}
	}
	return Medicare{PartB: declared}
}

func laterDay(a, b civil.Day) civil.Day {
	if a.Before(b) {
		return b
	}
	return a
}

// since is the first day with Part B; zero if it is not known that the patient has it.
func (m Medicare) since() civil.Day {
	if m.PartB == coding.Yes && m.From.IsZero() {
		return civil.Date(1, time.January, 1)
	}
	if m.PartB != coding.Yes {
		return civil.Day{}
	}
	return m.From
}

// A permit is whether somebody may be a member.
type permit int

const (
	permitted permit = iota
	unknown          // whether they have Medicare decides, and it is not known
	barred
)

// permits decides by billing rule 19, which is coding's: a yearly fee must not pay for what Part B
// covers.
func (t Terms) permits(m Medicare) permit {
	f := coding.EnrollmentConflict(
		coding.Member{IncludesVisits: answer(t.Visits > 0), NonCoveredOnly: t.NonCovered}, m.PartB, answer(t.OptedOut))
	switch f.Verdict {
	case coding.Refused:
		return barred
	case coding.Asking:
		return unknown
	case coding.Passed, coding.Idle, coding.Noted:
	}
	return permitted
}

// bars reports whether the terms are not for who has Part B.
func (t Terms) bars() bool { return t.permits(Medicare{PartB: coding.Yes}) == barred }

func answer(yes bool) coding.Answer {
	if yes {
		return coding.Yes
	}
	return coding.No
}

const (
	askMedicare  = "Say whether this person has Medicare Part B, or a Medicare Advantage plan, now or within the coming year."
	medicareText = "Medicare covers visits that this membership includes, and a yearly fee may not pay for what Medicare covers. " +
		"So who has Medicare Part B or a Medicare Advantage plan, now or within the coming year, cannot be a member. " +
		"Call the practice about how their requests are paid for. If they do not have Medicare, have their health plans put right with the practice first."
)

// conflict is the first day on which a member's Medicare covers what the terms include, whether they
// hold at now or are announced for the next renewal; zero if there is none.
func (m Membership) conflict(p Member, now time.Time, zone *time.Location) civil.Day {
	if p.Medicare.IsZero() {
		return civil.Day{}
	}
	renewal := civil.Of(m.Notice.Renews, zone)
	switch {
	case !m.Notice.renews():
		return dayIf(m.Terms.bars(), p.Medicare)
	case m.Notice.Terms.bars() && m.Terms.bars():
		return p.Medicare
	case m.Notice.Terms.bars():
		return laterDay(p.Medicare, renewal)
	}
	before := p.Medicare.Before(renewal) && m.TermsAt(now).is(m.Terms)
	return dayIf(m.Terms.bars() && before, p.Medicare)
}

// dayIf is d if ok, else no day.
func dayIf(ok bool, d civil.Day) civil.Day {
	if !ok {
		return civil.Day{}
	}
	return d
}

// barred reports whether a membership may not pay for a member's visits at an instant.
func (m Membership) barred(p Member, at time.Time, zone *time.Location) bool {
	from := m.conflict(p, at, zone)
	return !from.IsZero() && !civil.Of(at, zone).Before(from)
}

// PlansChanged is CoverageChanged by the health plans on a patient's record, which were was and now are
// is: what they tell of Medicare on any day from the first of the year that runs on, or from the day on
// which the patient joined if that is later. Plans that told of it and do not any more were put right:
// the patient has none. Plans that tell nothing leave what the patient said.
func (m Membership) PlansChanged(patient string, was, is []coverage.Held, zone *time.Location) Membership {
	i := m.find(patient)
	if i < 0 {
		return m
	}
	first, said := civil.Of(m.People[i].Joined, zone), coding.Unknown
	if start, _ := m.Standing.Days(zone); !m.Standing.Start.IsZero() {
		first = laterDay(first, start)
	}
	if MedicareOf(was, coding.Unknown, first, lastKnown).PartB == coding.Yes {
		said = coding.No
	}
	return m.CoverageChanged(patient, MedicareOf(is, said, first, lastKnown))
}

// lastKnown is after every day on which a plan on record begins.
var lastKnown = civil.Date(9999, time.December, 31)

// CoverageChanged returns m with what is now known of a patient's Medicare, whenever their health
// plans change. What is then to be done is said by Resolution. If by the end of the year Medicare keeps
// everybody from m, Stripe is asked not to renew it; it stays so if that is put right later, until the
// payer resumes m. A patient who is no member, and what was known before, change nothing; nor does an
// unknown PartB.
func (m Membership) CoverageChanged(patient string, md Medicare) Membership {
	i := m.find(patient)
	if i < 0 || m.State == Ended || md.PartB == coding.Unknown || m.People[i].Medicare == md.since() {
		return m
	}
	m.People = slices.Clone(m.People)
	renews := m.Renews()
	m.People[i].Medicare = md.since()
	if renews && m.barsRenewal() {
		m.ask(CancelAtEnd)
	}
	return m.next()
}

// barsRenewal reports whether the Medicare of all members keeps m from being renewed: it has begun by
// the day on which the year ends, in UTC, which is the practice's day or the one after it.
func (m Membership) barsRenewal() bool {
	terms, end := m.Terms, civil.Of(m.Standing.End, time.UTC)
	if m.Notice.renews() {
		terms = m.Notice.Terms
	}
	stays := func(p Member) bool { return p.Left.IsZero() && (p.Medicare.IsZero() || p.Medicare.After(end)) }
	return !m.Standing.End.IsZero() && terms.bars() && !slices.ContainsFunc(m.People, stays)
}

// MedicareFrom is the first day on which m includes nothing for anybody, because all its members have
// Medicare then; zero if that does not keep m from being renewed.
func (m Membership) MedicareFrom(zone *time.Location, now time.Time) civil.Day {
	var from civil.Day
	if !m.barsRenewal() {
		return from
	}
	for _, p := range m.People {
		if p.Left.IsZero() {
			from = laterDay(from, m.conflict(p, now, zone))
		}
	}
	return from
}

// A Step is what is to be done about a member's Medicare.
type Step string

// The steps.
const (
	NoStep Step = ""
	Wait   Step = "wait"  // nothing before a day to come, on which NextDue falls
	Leave  Step = "leave" // the member leaves at once; Resolve does it
	Stop   Step = "stop"  // the membership ends at once, as nobody would be left; Resolve does it
	// Review is for a person at the practice: visits were included that Medicare covers, and
	// must be put right first. Resolve then does the rest.
	Review Step = "review"
)

// A Resolution is what is to be done about a member's Medicare, and why.
type Resolution struct {
	Patient string    `json:"patient"`
	Step    Step      `json:"step,omitempty"`
	From    civil.Day `json:"from,omitzero"` // the first day on which the membership may not pay
	// Visits were included since From.
	Visits []string `json:"visits,omitempty"`
	Refund Refund   `json:"refund,omitzero"`
	Text   string   `json:"text,omitempty"` // for the member
}

// Resolution decides what is to be done about a patient's Medicare (billing rules 19 and §5.13). C
// is the Count of the year. A membership never goes on paying for what Medicare covers: from the
// first day on its visits are not included, whether or not it is resolved.
func (m Membership) Resolution(patient string, c Count, zone *time.Location, now time.Time) Resolution {
	r := Resolution{Patient: patient}
	i := m.find(patient)
	if i < 0 || m.State == Ended {
		return r
	}
	if r.From = m.conflict(m.People[i], now, zone); r.From.IsZero() {
		return r
	}
	if r.From.After(civil.Of(now, zone)) {
		r.Step = Wait
		r.Text = fmt.Sprintf("From %s on Medicare covers visits that your membership includes, so it cannot pay for them. You are a member until the day before; what was paid for the rest of the year is refunded then.", date(r.From))
		return r
	}
	r.Refund = m.medicareRefund(r.From, zone)
	r.Step, r.Text = Leave, "Medicare covers visits that your membership includes, and a yearly fee may not pay for them, so you cannot be a member any more. "+r.Refund.Text
	if m.alone() {
		r.Step, r.Text = Stop, "Medicare covers visits that your membership includes, and a yearly fee may not pay for them, so the membership ends. "+r.Refund.Text
	}
	for _, u := range c.Uses {
		if u.Patient == patient && !civil.Of(u.At, zone).Before(r.From) {
			r.Visits = append(r.Visits, u.Visit)
		}
	}
	if len(r.Visits) > 0 {
		r.Step = Review
		r.Text = "Medicare covers visits that your membership includes, so it does not pay for more of them. The practice looks into those that it paid for, and then tells you what is refunded."
	}
	return r
}

// Resolve returns m without a patient whom their Medicare bars: they leave at once and their part of
// the year is refunded from the first day with Medicare on; if nobody else would be left, or nothing
// is paid yet, the membership ends. Who has left is unchanged. It refuses, with fault.Conflict
// (no_medicare), a patient who may be a member today.
func (m Membership) Resolve(patient string, zone *time.Location, now time.Time) (Membership, error) {
	if m.State == Ended {
		return m.endedFor(OfMedicare)
	}
	i := m.find(patient)
	if i < 0 {
		return m, nil
	}
	if !m.barred(m.People[i], now, zone) {
		return Membership{}, fault.New(fault.Conflict, "no_medicare", "Nothing is known of Medicare that keeps this patient from being a member today.")
	}
	next := m.refund(m.medicareRefund(m.conflict(m.People[i], now, zone), zone).Amount)
	if m.alone() || m.State == Pending {
		return next.end(End{At: now, Why: OfMedicare}), nil
	}
	next.People = slices.Clone(m.People)
	next.People[i].Left, next.People[i].Refunded = now, true
	return next.next(), nil
}

// alone reports whether m has one member who has not left.
func (m Membership) alone() bool {
	n := 0
	for _, p := range m.People {
		if p.Left.IsZero() {
			n++
		}
	}
	return n == 1
}

// medicareRefund is what is refunded for one member from a day on: what the year would cost less
// without them; everything that is left if nobody else is.
func (m Membership) medicareRefund(from civil.Day, zone *time.Location) Refund {
	left := m.Standing.Paid - m.given()
	if left <= 0 {
		return Refund{Basis: NothingPaid, Text: "Nothing was paid for this year that is not refunded already."}
	}
	t, n := m.TermsAt(m.Standing.Start), len(m.places())
	var without money.Cents
	if !m.alone() {
		without = t.Yearly(n - 1)
	}
	part := m.Standing.refunded(t.Yearly(n)-without, from, zone)
	return Refund{Amount: part.Amount, Basis: MedicareBegan, Text: "What was paid for the days from " + date(from) + " on is refunded. " + part.Text()}.atMost(left)
}
