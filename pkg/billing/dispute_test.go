package billing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/money"
)

// due is until when the disputes of these tests can be answered.
var due = noon.Add(14 * 24 * time.Hour)

// contested is the fee, collected and disputed, of which a dispute has withdrawn.
func contested(status string, withdrawn, stripes money.Cents) billing.Observation {
	return billing.Observation{
		Intent: "pi_1", Status: "succeeded", Received: fee, Withdrawn: withdrawn, DisputeFee: stripes,
		Dispute: billing.Dispute{ID: "dp_1", Status: status, Reason: "fraudulent", Amount: fee, Opened: noon, Due: due},
	}
}

// submitted is o after evidence was submitted once.
func submitted(o billing.Observation) billing.Observation {
	o.Dispute.Submissions = 1
	return o
}

func drawnDispute(t *rapid.T) billing.Dispute {
	return billing.Dispute{
		ID: rapid.SampledFrom([]string{"", "dp_1", "dp_1", "dp_2"}).Draw(t, "dispute"),
		Status: rapid.SampledFrom([]string{
			"needs_response", "under_review", "won", "lost", "warning_needs_response", "warning_under_review", "warning_closed", "odd",
		}).Draw(t, "dispute status"),
		Amount: fee, Due: noon.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "due in days")) * 24 * time.Hour), Submissions: rapid.IntRange(0, 2).Draw(t, "submissions"),
	}
}

// What Stripe says of a dispute, and when, becomes the payment's state, its entries and
// what is known of the answer.
func TestDispute_Life(t *testing.T) {
	t.Parallel()
	type heard struct {
		at time.Time
		o  billing.Observation
	}
	early, near, late := noon, due.Add(-3*24*time.Hour), due
	inquired, asked := contested("warning_needs_response", 0, 0), contested("needs_response", fee, 1500)
	for name, test := range map[string]struct {
		heard                    []heard
		state                    billing.State
		entries                  []string
		answered, warned, missed bool
	}{
		"opened":                   {[]heard{{early, asked}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, false, false},
		"near its due date":        {[]heard{{early, asked}, {near, asked}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, true, false},
		"just before that":         {[]heard{{early, asked}, {near.Add(-time.Second), asked}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, false, false},
		"answered":                 {[]heard{{early, asked}, {late, submitted(contested("under_review", fee, 1500))}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, true, false, false},
		"won":                      {[]heard{{early, asked}, {early, submitted(contested("under_review", fee, 1500))}, {late, submitted(contested("won", 0, 1500))}}, billing.Captured, []string{"dispute_taken-4000-3", "dispute_fee-1500-3", "dispute_returned-0-5"}, true, false, false},
		"won, with the fee":        {[]heard{{early, asked}, {late, submitted(contested("won", 0, 0))}}, billing.Captured, []string{"dispute_taken-4000-3", "dispute_fee-1500-3", "dispute_returned-0-4", "dispute_fee_returned-0-4"}, true, false, false},
		"lost":                     {[]heard{{early, asked}, {late, submitted(contested("lost", fee, 1500))}}, billing.ChargedBack, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, true, false, false},
		"lost in part":             {[]heard{{early, contested("lost", 1000, 1500)}}, billing.Captured, []string{"dispute_taken-1000-3", "dispute_fee-1500-3"}, false, false, false},
		"lost before its due":      {[]heard{{early, asked}, {early, contested("lost", fee, 1500)}, {late, contested("lost", fee, 1500)}}, billing.ChargedBack, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, false, false},
		"not answered":             {[]heard{{early, asked}, {late, contested("lost", fee, 1500)}}, billing.ChargedBack, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, false, true},
		"not answered, still open": {[]heard{{early, asked}, {late, asked}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, true, true},
		"seen only when it ended":  {[]heard{{late, submitted(contested("won", 0, 1500))}}, billing.Captured, []string{"dispute_fee-1500-3"}, true, false, false},
		"an inquiry":               {[]heard{{early, inquired}}, billing.Captured, nil, false, false, false},
		"an inquiry, closed":       {[]heard{{early, inquired}, {late, submitted(contested("warning_closed", 0, 0))}}, billing.Captured, nil, true, false, false},
		"an inquiry, not answered": {[]heard{{early, inquired}, {late, inquired}}, billing.Captured, nil, false, true, true},
		"an inquiry, answered, becomes a dispute": {
			[]heard{{early, inquired}, {early, submitted(contested("warning_under_review", 0, 0))}, {early, submitted(asked)}},
			billing.Disputed,
			[]string{"dispute_taken-4000-5", "dispute_fee-1500-5"},
			false, false, false,
		},
		"such a dispute, not answered": {
			[]heard{{early, submitted(contested("warning_under_review", 0, 0))}, {late, submitted(contested("lost", fee, 1500))}},
			billing.ChargedBack,
			[]string{"dispute_taken-4000-4", "dispute_fee-1500-4"},
			false, false, true,
		},
		"a status we do not know": {[]heard{{early, contested("levitating", fee, 0)}, {late, contested("levitating", fee, 0)}}, billing.Disputed, []string{"dispute_taken-4000-3"}, false, true, true},
		"the intent alone, later": {[]heard{{early, asked}, {late, captured}}, billing.Disputed, []string{"dispute_taken-4000-3", "dispute_fee-1500-3"}, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _, err := open(t, false).Settle(captured, noon)
			var entries []string
			for _, h := range test.heard {
				for range 2 { // the same again changes nothing
					next, es, settled := p.Settle(h.o, h.at)
					p, err = next, settled
					for _, e := range es {
						entries = append(entries, e.ID)
					}
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			d := p.Dispute
			if diff := cmp.Diff(test.entries, entries); p.State != test.state || diff != "" || d.Answered != test.answered || d.Warned != test.warned || d.Missed != test.missed {
				t.Errorf("%s, %+v; entries (-want +got):\n%s", p.State, d, diff)
			}
		})
	}
}

// A dispute that takes less than nothing is refused: Stripe cannot mean that.
func TestDispute_ImpossibleAmountsRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]billing.Observation{
		"takes less than nothing":   contested("needs_response", -1, 0),
		"costs less than nothing":   contested("needs_response", fee, -1),
		"takes what no entry holds": contested("needs_response", money.Max+1, 0),
	} {
		p, _, err := open(t, false).Settle(captured, noon)
		if err != nil {
			t.Fatal(err)
		}
		if next, es, err := p.Settle(o, noon); err == nil || len(es) > 0 || next != (billing.Payment{}) {
			t.Errorf("%s: %+v with %d entries, %v", name, next, len(es), err)
		}
	}
}

// An observation that differs from what is known of a dispute may be the older one, and
// is made again before it is believed.
func TestNewer_OfDisputes(t *testing.T) {
	t.Parallel()
	p, _, err := open(t, false).Settle(disputed, due)
	if err != nil {
		t.Fatal(err)
	}
	fresh := open(t, false)
	for name, test := range map[string]struct {
		p    billing.Payment
		o    billing.Observation
		want bool
	}{
		"the same":             {p, disputed, false},
		"without a dispute":    {p, captured, true},
		"another status":       {p, contested("under_review", fee, 0), true},
		"another total":        {p, contested("needs_response", 0, 0), true},
		"the first dispute":    {fresh, disputed, false},
		"nothing known of any": {fresh, captured, false},
	} {
		if got := test.p.Newer(test.o); got != test.want {
			t.Errorf("%s: newer %t, want %t", name, got, test.want)
		}
	}
}

// An open dispute is looked at daily, when its due date is near, and when it has passed.
func TestNextLook_OfDisputes(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	p := billing.Payment{State: billing.Disputed, Dispute: disputed.Dispute}
	inquired := billing.Payment{State: billing.Captured, Dispute: contested("warning_under_review", 0, 0).Dispute}
	undated := p
	undated.Dispute.Due = time.Time{}
	for name, test := range map[string]struct {
		p         billing.Payment
		now, want time.Time
	}{
		"long before":         {p, noon, noon.Add(day)},
		"before it is near":   {p, due.Add(-3*day - time.Hour), due.Add(-3 * day)},
		"when it is near":     {p, due.Add(-3 * day), due.Add(-2 * day)},
		"before it passes":    {p, due.Add(-time.Hour), due.Add(2 * time.Minute)},
		"after it passed":     {p, due.Add(time.Hour), due.Add(time.Hour + day)},
		"without a due date":  {undated, noon, noon.Add(day)},
		"an inquiry answered": {inquired, due.Add(day), due.Add(2 * day)},
	} {
		if got := test.p.NextLook(test.now); !got.Equal(test.want) {
			t.Errorf("%s: looked at again %s, want %s", name, got, test.want)
		}
	}
	for _, status := range []string{"won", "lost", "warning_closed"} {
		p.Dispute.Status = status
		if got := p.NextLook(noon); !got.IsZero() {
			t.Errorf("%s: looked at again %s", status, got)
		}
	}
}

// What became of the money of a request that ended without an answer, if its charge was
// disputed.
func TestFateOf_Disputes(t *testing.T) {
	t.Parallel()
	stranded := billing.Payment{State: billing.Captured, Collected: fee, Why: billing.RefundFailed}
	for _, test := range []struct {
		heard []billing.Observation
		want  billing.Fate
	}{
		{[]billing.Observation{captured, disputed}, billing.Contested},
		{[]billing.Observation{captured, contested("lost", fee, 0)}, billing.TakenBack},
		{[]billing.Observation{captured, contested("won", 0, 0)}, billing.Refunding},
		{[]billing.Observation{captured, contested("warning_needs_response", 0, 0)}, billing.Refunding},
	} {
		p := open(t, false)
		for _, o := range test.heard {
			var err error
			if p, _, err = p.Settle(o, noon); err != nil {
				t.Fatal(err)
			}
		}
		if got := billing.FateOf([]billing.Payment{p}); got != test.want || got.Text() == "" {
			t.Errorf("%s: %q, want %q", p.Dispute.Status, got, test.want)
		}
		if got := billing.FateOf([]billing.Payment{p, stranded}); got != billing.Stranded {
			t.Errorf("beside a refund that failed: %q", got)
		}
		if want := test.want == billing.Refunding; p.MustRefund() != want {
			t.Errorf("%s: to be refunded %t, want %t", p.Dispute.Status, !want, want)
		}
	}
}
