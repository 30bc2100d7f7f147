package membership_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// follows is every change of state there may ever be. One that ended goes on only if it ended
// unpaid and was paid after all.
var follows = map[membership.State]string{
	membership.Pending: "active past_due ended",
	membership.Active:  "past_due ended",
	membership.PastDue: "active ended",
	membership.Ended:   "active past_due",
}

// A step is one thing that somebody asks of a membership, or that Stripe reports.
type step struct {
	name string
	do   func(m membership.Membership, now time.Time) (membership.Membership, error)
}

func sure(m membership.Membership) (membership.Membership, error) { return m, nil }

// draw picks a step, and what it is with.
func draw(t *rapid.T, m membership.Membership, now time.Time, zone *time.Location) step {
	patient := rapid.SampledFrom([]string{"parent", "child", "other", "fourth", "stranger"}).Draw(t, "patient")
	applicant := membership.Applicant{Patient: patient, Medicare: membership.Medicare{PartB: rapid.SampledFrom([]coding.Answer{coding.No, coding.No, coding.Yes, coding.Unknown}).Draw(t, "part B")}}
	md := membership.Medicare{
		PartB: rapid.SampledFrom([]coding.Answer{coding.No, coding.Yes, coding.Unknown}).Draw(t, "changed"),
		From:  civil.Of(now, zone).AddDays(rapid.IntRange(-60, 60).Draw(t, "from")),
	}
	facts := map[string]membership.Medicare{"parent": noMedicare, "child": noMedicare, "other": noMedicare, "fourth": noMedicare}
	other := annual()
	other.Offer, other.Price, other.Members = "family", money.Cents(rapid.SampledFrom([]int{300_00, 400_00, 500_00}).Draw(t, "price")), rapid.SampledFrom([]int{1, 3, 5}).Draw(t, "members")
	offer := offerOf(rapid.SampledFrom([]time.Time{noon, now, yearEnd.AddDate(1, 0, 0)}).Draw(t, "dearer from"))
	offer.ID = m.Terms.Offer
	if rapid.IntRange(0, 4).Draw(t, "closed") == 0 {
		offer = offer.Close(now)
	}
	used := rapid.IntRange(0, 3).Draw(t, "used")
	why := rapid.SampledFrom([]membership.Why{membership.Cancelled, membership.ByPractice}).Draw(t, "why")
	asked := rapid.SampledFrom([]membership.Ask{membership.CancelAtEnd, membership.Keep, membership.CancelNow}).Draw(t, "asked")
	o := observed(report(t, m, now))
	all := []step{
		{"observe", func(m membership.Membership, _ time.Time) (membership.Membership, error) { return m.Observe(o) }},
		{"carry out", func(m membership.Membership, _ time.Time) (membership.Membership, error) { return m.Carried(asked, o) }},
		{"cancel", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return sure(m.Cancel(now))
		}},
		{"resume", func(m membership.Membership, now time.Time) (membership.Membership, error) { return m.Resume(now) }},
		{"end", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.EndNow(why, used, zone, now)
		}},
		{"end with the year", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.EndWithYear(membership.CareEnded, now)
		}},
		{"end by the practice", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.EndByPractice(membership.InError, m.Ending(used, zone, now).Amount, used, zone, now)
		}},
		{"end unpaid", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.EndUnpaid(zone, now)
		}},
		{"announce", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			next, err := m.Announce(offer, zone, now)
			if err == nil && !cmp.Equal(next.TermsAt(now), m.TermsAt(now)) {
				t.Errorf("a notice changed the terms at once: %s", cmp.Diff(m.TermsAt(now), next.TermsAt(now)))
			}
			return next, err
		}},
		{"add", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			next, part, err := m.Add(applicant, zone, now)
			chargeable(t, part)
			return next, err
		}},
		{"remove", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.Remove(patient, now)
		}},
		{"upgrade", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			next, part, err := m.Upgrade(other, 1, facts, zone, now)
			chargeable(t, part)
			return next, err
		}},
		{"change coverage", func(m membership.Membership, _ time.Time) (membership.Membership, error) {
			return sure(m.CoverageChanged(patient, md))
		}},
		{"resolve", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.Resolve(patient, zone, now)
		}},
	}
	if rapid.IntRange(0, 2).Draw(t, "Stripe") == 0 {
		return all[0]
	}
	return rapid.SampledFrom(all).Draw(t, "step")
}

func chargeable(t *rapid.T, p membership.Part) {
	if p.Amount < 0 || p.Amount > p.Price || p.Left < 0 || p.Left > p.Of {
		t.Errorf("charged %+v", p)
	}
}

// report is how Stripe may report the subscription at now, and what it may have been before.
func report(t *rapid.T, m membership.Membership, now time.Time) membership.Standing {
	s := m.Standing
	s.At = now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 48}).Draw(t, "hours late")) * time.Hour)
	if s.Start.IsZero() {
		s.Year = membership.Year{Start: noon, End: yearEnd}
	}
	statuses := []string{"active", "active", "past_due", "unpaid", "odd"}
	if m.State == membership.Pending {
		statuses = append(statuses, "incomplete", "incomplete_expired")
	}
	if rapid.IntRange(0, 9).Draw(t, "canceled") == 0 {
		statuses = []string{"canceled"}
	}
	s.Status = rapid.SampledFrom(statuses).Draw(t, "status")
	if !now.Before(s.End) {
		s.Year, s.Paid, s.Refunded = membership.Year{Start: s.End, End: s.End.AddDate(1, 0, 0)}, 0, 0
	}
	if s.Status == "active" || s.Status == "odd" {
		s.Paid = max(s.Paid, 450_00)
	}
	s.Refunded = money.Cents(rapid.IntRange(int(s.Refunded), int(s.Paid)).Draw(t, "refunded"))
	s.CancelAtEnd = rapid.Bool().Draw(t, "cancel at end")
	return s
}

func TestMembership_RandomStepsStayLegal(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	reached, done := map[string]bool{}, map[membership.Task]bool{}
	for range 4 {
		rapid.Check(t, func(t *rapid.T) { live(t, zone, reached, done) })
	}
	for _, s := range []string{"pending", "active", "past_due", "ended cancelled", "ended by_practice", "ended unpaid", "ended medicare", "ended never_paid"} {
		if !reached[s] {
			t.Errorf("%s was never reached: the steps are too timid to prove anything", s)
		}
	}
	for _, task := range []membership.Task{membership.StopUnpaid, membership.SeeMedicare, membership.TellRenewal, membership.AskOfRenewal, membership.AskOfPayment, membership.AskOfCancel} {
		if !done[task] {
			t.Errorf("%s was never due", task)
		}
	}
}

func live(t *rapid.T, zone *time.Location, reached map[string]bool, done map[membership.Task]bool) {
	people := []string{"parent", "child"}[:rapid.IntRange(1, 2).Draw(t, "people")]
	m, now := enrolled(t, annual(), people...), noon
	t.Repeat(map[string]func(*rapid.T){
		"wait": func(t *rapid.T) {
			waits := []time.Duration{time.Minute, 26 * time.Hour, 40 * 24 * time.Hour}
			if due := m.NextDue(zone, now); due.After(now) {
				waits = append(waits, due.Sub(now), due.Sub(now))
			}
			now = now.Add(rapid.SampledFrom(waits).Draw(t, "for"))
		},
		"step": func(t *rapid.T) { m = taken(t, draw(t, m, now, zone), m, now) },
		"get Medicare": func(t *rapid.T) {
			patient := rapid.SampledFrom([]string{"parent", "child"}).Draw(t, "patient")
			md := partB(civil.Of(now, zone).AddDays(rapid.IntRange(-3, 3).Draw(t, "from")))
			m = taken(t, step{"get Medicare", func(m membership.Membership, _ time.Time) (membership.Membership, error) {
				return sure(m.CoverageChanged(patient, md))
			}}, m, now)
		},
		"do what is due": func(t *rapid.T) {
			for _, task := range m.Overdue(zone, now) {
				done[task] = true
				for _, s := range work(task, m, zone, now) {
					m = taken(t, s, m, now)
				}
				if slices.Contains(m.Overdue(zone, now), task) && (task == membership.StopUnpaid || task == membership.TellRenewal || task == membership.SeeMedicare) {
					t.Errorf("%s is done, and still to be done", task)
				}
			}
		},
		"": func(t *rapid.T) {
			reached[strings.TrimSpace(string(m.State)+" "+string(m.Ended.Why))] = true
			consistent(t, m, zone, now)
		},
	})
}

// work is what is done about a task that is due.
func work(task membership.Task, m membership.Membership, zone *time.Location, now time.Time) []step {
	var all []step
	switch task {
	case membership.StopUnpaid:
		all = append(all, step{"end unpaid", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.EndUnpaid(zone, now)
		}})
	case membership.TellRenewal:
		all = append(all, step{"announce", func(m membership.Membership, now time.Time) (membership.Membership, error) {
			return m.Announce(offerOf(noon), zone, now)
		}})
	case membership.SeeMedicare:
		for _, p := range m.People {
			if r := m.Resolution(p.Patient, membership.Count{}, zone, now); r.Step == membership.Leave || r.Step == membership.Stop {
				all = append(all, step{"resolve", func(m membership.Membership, now time.Time) (membership.Membership, error) {
					return m.Resolve(p.Patient, zone, now)
				}})
			}
		}
	case membership.AskOfRenewal, membership.AskOfPayment, membership.AskOfCancel:
	}
	return all
}

// taken takes a step and checks what may come of any.
func taken(t *rapid.T, s step, m membership.Membership, now time.Time) membership.Membership {
	before := written(t, m)
	next, err := s.do(m, now)
	if written(t, m) != before {
		t.Errorf("%s changed the membership it was asked of", s.name)
	}
	if err != nil {
		if !cmp.Equal(next, membership.Membership{}) || code(err) == "" {
			t.Errorf("%s of one that is %s = %+v, %v", s.name, m.State, next, err)
		}
		return m
	}
	switch {
	case next.Version == m.Version && written(t, next) != before:
		t.Errorf("%s changed a membership without a new version: %s", s.name, cmp.Diff(m, next))
	case next.Version != m.Version && next.Version != m.Version+1:
		t.Errorf("%s made version %d of %d", s.name, next.Version, m.Version)
	case next.State != m.State && !slices.Contains(strings.Fields(follows[m.State]), string(next.State)):
		t.Errorf("%s made one %s of one %s", s.name, next.State, m.State)
	case m.State == membership.Ended && next.State != membership.Ended && m.Ended.Why != membership.Unpaid:
		t.Errorf("%s opened one that ended: %s", s.name, m.Ended.Why)
	case len(next.People) < len(m.People):
		t.Errorf("%s forgot a member", s.name)
	}
	if again, err := s.do(next, now); err != nil || !cmp.Equal(again, next) {
		t.Errorf("%s twice: %v %s", s.name, err, cmp.Diff(next, again))
	}
	return next
}

func written(t *rapid.T, m membership.Membership) string {
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// consistent checks what is true of every membership at any time.
func consistent(t *rapid.T, m membership.Membership, zone *time.Location, now time.Time) {
	within(t, m)
	if (m.State == membership.Ended) == m.Ended.IsZero() {
		t.Errorf("%s, ended %+v", m.State, m.Ended)
	}
	due, tasks := m.NextDue(zone, now), m.Overdue(zone, now)
	if len(tasks) == 0 && !due.IsZero() && !due.After(now) {
		t.Errorf("due %s at %s with nothing to do", due, now)
	}
	if m.State != membership.Ended && due.IsZero() {
		t.Errorf("%s, and never due", m.State)
	}
	full := membership.Count{}
	for _, p := range m.People {
		terms := m.TermsAt(now)
		for full.Used(p.Patient, terms) < terms.Visits {
			next, err := full.Use(p.Patient+string(rune('0'+len(full.Uses))), p.Patient, terms, now)
			if err != nil {
				t.Fatal(err)
			}
			full = next
		}
	}
	covered := 0
	for _, p := range []string{"parent", "child", "other", "fourth", "stranger"} {
		v := membership.Visit{Patient: p, Class: "em", At: now}
		e := m.Covers(v, membership.Count{}, zone)
		if e.Covered() {
			covered++
		}
		if e.Text == "" || m.Covers(v, full, zone).Covered() {
			t.Errorf("%s: %+v; with all used %+v", p, e, m.Covers(v, full, zone))
		}
	}
	if most := m.TermsAt(now).Members; covered > most || covered > 0 && (m.State == membership.Ended || m.State == membership.Pending) {
		t.Errorf("%s, and %d are covered of %d", m.State, covered, most)
	}
	var back membership.Membership
	if err := json.Unmarshal([]byte(written(t, m)), &back); err != nil || !cmp.Equal(back, m) {
		t.Errorf("stored and read: %v %s", err, cmp.Diff(m, back))
	}
}
