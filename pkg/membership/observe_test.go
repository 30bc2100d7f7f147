package membership_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/membership"
	"evisit/pkg/money"
)

func TestObserve_FollowsStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]struct {
		paid  money.Cents
		state membership.State
		why   membership.Why
	}{
		"incomplete":         {0, membership.Pending, ""},
		"incomplete_expired": {0, membership.Ended, membership.NeverPaid},
		"trialing":           {0, membership.Active, ""},
		"active":             {450_00, membership.Active, ""},
		"past_due":           {0, membership.PastDue, ""},
		"unpaid":             {0, membership.PastDue, ""},
		"paused":             {0, membership.PastDue, ""},
		"canceled":           {450_00, membership.Ended, membership.Cancelled},
		"levitating":         {450_00, membership.Active, ""},
		"":                   {0, membership.Pending, ""},
	} {
		m := observe(t, enrolled(t, annual()), standing(noon, status, want.paid))
		if m.State != want.state || m.Ended.Why != want.why || m.Version != 2 || m.Subscription != "sub_1" {
			t.Errorf("%q: %s %q, version %d, want %s %q", status, m.State, m.Ended.Why, m.Version, want.state, want.why)
		}
		if m.State == membership.Ended != m.Ended.At.Equal(noon) {
			t.Errorf("%q: ended at %s", status, m.Ended.At)
		}
	}
	unpaid := standing(noon, "levitating", 0)
	if m := observe(t, enrolled(t, annual()), unpaid); m.State != membership.Pending {
		t.Errorf("a status that is not known, and nothing paid: %s", m.State)
	}
	failed := standing(noon, "canceled", 0)
	failed.Reason, failed.Ended = "payment_failed", noon.Add(-time.Hour)
	want := membership.End{At: failed.Ended, Why: membership.Unpaid}
	if m := observe(t, enrolled(t, annual()), failed); m.Ended != want {
		t.Errorf("canceled by Stripe: %+v, want %+v", m.Ended, want)
	}
}

func TestObserve_Refusals(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*membership.Observation){
		"another account":      func(o *membership.Observation) { o.Account = "acct_2" },
		"another customer":     func(o *membership.Observation) { o.Customer = "cus_2" },
		"no customer":          func(o *membership.Observation) { o.Customer = "" },
		"another subscription": func(o *membership.Observation) { o.Subscription = "sub_2" },
		"no subscription":      func(o *membership.Observation) { o.Subscription = "" },
		"no time":              func(o *membership.Observation) { o.At = time.Time{} },
		"paid below 0":         func(o *membership.Observation) { o.Paid = -1 },
		"paid too much":        func(o *membership.Observation) { o.Paid = money.Max + 1 },
		"refunded below 0":     func(o *membership.Observation) { o.Refunded = -1 },
		"refunded above paid":  func(o *membership.Observation) { o.Refunded = o.Paid + 1 },
		"by the month":         func(o *membership.Observation) { o.End = o.Start.AddDate(0, 1, 0) },
		"for two years":        func(o *membership.Observation) { o.End = o.Start.AddDate(2, 0, 0) },
		"no period":            func(o *membership.Observation) { o.Year = membership.Year{} },
		"half a period":        func(o *membership.Observation) { o.Status, o.End = "incomplete", time.Time{} },
		"backward":             func(o *membership.Observation) { o.Status, o.End = "incomplete", o.Start.Add(-1) },
		"a trial of no time":   func(o *membership.Observation) { o.Status, o.Year = "trialing", membership.Year{} },
	} {
		m := active(t, annual())
		o := observed(standing(noon.Add(time.Hour), "active", 450_00))
		if next, err := m.Observe(o); err != nil || next.Version != m.Version+1 {
			t.Fatalf("unchanged: %v", err)
		}
		change(&o)
		if next, err := m.Observe(o); err == nil || next.ID != "" {
			t.Errorf("%s: %+v, %v; want it refused", name, next, err)
		}
	}
	m := enrolled(t, annual())
	m.Customer = ""
	if m = observe(t, m, standing(noon, "incomplete", 0)); m.Customer != "cus_1" {
		t.Errorf("a customer whom the page made is not followed: %q", m.Customer)
	}
}

// standings draws how one subscription may have been fetched, each at its own second.
func standings(t *rapid.T) []membership.Standing {
	statuses := []string{"incomplete", "incomplete_expired", "trialing", "active", "active", "past_due", "unpaid", "paused", "canceled", "odd"}
	seconds := rapid.SliceOfNDistinct(rapid.IntRange(1, 1000), 1, 8, rapid.ID[int]).Draw(t, "seconds")
	var all []membership.Standing
	for _, second := range seconds {
		s := standing(noon.Add(time.Duration(second)*time.Second), rapid.SampledFrom(statuses).Draw(t, "status"), 450_00)
		s.CancelAtEnd = rapid.Bool().Draw(t, "cancel at end")
		s.Refunded = money.Cents(rapid.IntRange(0, 450_00).Draw(t, "refunded"))
		if rapid.Bool().Draw(t, "renewed") {
			s.Year = membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
		}
		all = append(all, s)
	}
	return all
}

// However often and in whatever order fetched subscriptions come, and whatever was decided before,
// the membership ends up the same; and the last of them alone brings it there.
func TestObserve_AnyOrderAndNumber(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	rapid.Check(t, func(t *rapid.T) {
		start := enrolled(t, annual())
		if rapid.Bool().Draw(t, "grace was over") {
			past := observe(t, start, standing(noon, "past_due", 0))
			ended, err := past.EndUnpaid(zone, past.GraceEnds(zone))
			if err != nil {
				t.Fatal(err)
			}
			start = ended
			start.Decided.At = noon.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "decided")) * time.Second)
		}
		said := standings(t)
		run := func(order []membership.Standing) membership.Membership {
			m := start
			for _, s := range order {
				next := observe(t, m, s)
				if again := observe(t, next, s); !cmp.Equal(again, next) {
					t.Fatalf("the same again: %s", cmp.Diff(next, again))
				}
				m = next
			}
			m.Version = 0
			return m
		}
		want := run(said)
		if got := run(rapid.Permutation(append(said, said...)).Draw(t, "order")); !cmp.Equal(got, want) {
			t.Errorf("in another order: %s", cmp.Diff(want, got))
		}
		if got := run([]membership.Standing{want.Standing}); !cmp.Equal(got, want) {
			t.Errorf("the last alone: %s", cmp.Diff(want, got))
		}
	})
}

func TestObserve_EndedUnpaidAndPaidAfterAll(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	renewed := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	m := observe(t, active(t, annual()), membership.Standing{At: yearEnd, Status: "past_due", Year: renewed})
	over := m.GraceEnds(zone)
	m, err := m.EndUnpaid(zone, over)
	if err != nil || m.State != membership.Ended || m.Wanted() != membership.CancelNow {
		t.Fatalf("%+v, %v", m, err)
	}
	paid := observe(t, m, membership.Standing{At: over.Add(time.Hour), Status: "active", Year: renewed, Paid: 450_00})
	if paid.State != membership.Active || !paid.Ended.IsZero() || paid.Wanted() != membership.Nothing || paid.Owed() != 0 {
		t.Errorf("paid after all: %s, wanted %q, owed %s", paid.State, paid.Wanted(), paid.Owed())
	}
	next := membership.Year{Start: renewed.End, End: renewed.End.AddDate(1, 0, 0)}
	again := observe(t, paid, membership.Standing{At: next.Start, Status: "past_due", Year: next})
	if again.State != membership.PastDue {
		t.Errorf("the next year fails: %s", again.State)
	}
	failing := membership.Standing{At: over.Add(time.Hour), Status: "past_due", Year: renewed, UnpaidSince: renewed.Start}
	if still := observe(t, m, failing); still.State != membership.Ended {
		t.Errorf("still not paid: %s", still.State)
	}
	// Stripe canceled: the end stands, whatever was fetched later.
	canceled := observe(t, m, membership.Standing{At: over.Add(time.Minute), Status: "canceled", Year: renewed})
	late := observe(t, canceled, membership.Standing{At: over.Add(time.Hour), Status: "active", Year: renewed, Paid: 450_00})
	if late.State != membership.Ended || late.Wanted() != membership.Nothing {
		t.Errorf("canceled: %s, wanted %q", late.State, late.Wanted())
	}
}
