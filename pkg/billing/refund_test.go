package billing_test

import (
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// collected is a payment of which all of the fee was collected.
func collected() billing.Payment {
	return billing.Payment{ID: "v.p", Visit: "v", Practice: "p", Amount: fee, State: billing.Captured, Intent: "pi_1", Collected: fee, OpenedAt: noon, EndedAt: noon, Version: 3}
}

func asking(amount, left money.Cents) billing.Refund {
	return billing.Refund{ID: "api.e1", Amount: amount, Left: left, Reason: billing.Courtesy, By: "ada"}
}

// What may be refunded by hand, of what payment, and by whom.
func TestAskRefund_Decision(t *testing.T) {
	t.Parallel()
	underWay := collected()
	underWay.Asked = asking(10_00, fee)
	underWay.Asked.Stage, underWay.Asked.At = billing.RefundAsked, noon
	made := underWay
	made.Asked.Stage, made.Refunded = billing.RefundMade, 10_00
	undone := underWay
	undone.Asked.Stage = billing.RefundUndone
	forgotten := underWay
	forgotten.Asked.At = noon.Add(-8 * 24 * time.Hour)
	disputed := collected()
	disputed.State, disputed.Withdrawn = billing.Disputed, fee
	partly := collected()
	partly.Withdrawn = 10_00
	gone := collected()
	gone.State, gone.Refunded = billing.FullyRefunded, fee
	held := billing.Payment{Amount: fee, State: billing.Held, Held: fee, Version: 2}
	came := collected() // a refund that came back
	came.Why = billing.RefundFailed
	other := asking(10_00, fee)
	other.By = "sam"
	unknown, none := asking(10_00, fee), asking(10_00, fee)
	unknown.Reason, none.Reason = "because", ""
	for name, test := range map[string]struct {
		of          billing.Payment
		ask         billing.Refund
		limit, keep money.Cents
		code        string // empty: it is to be made
		same        bool   // nothing changes
	}{
		"a part":                        {collected(), asking(10_00, fee), money.Max, fee, "", false},
		"one cent":                      {collected(), asking(1, fee), money.Max, fee, "", false},
		"all":                           {collected(), asking(fee, fee), money.Max, fee, "", false},
		"a cent above what is left":     {collected(), asking(fee+1, fee), money.Max, fee, "refund_above_left", false},
		"nothing":                       {collected(), asking(0, fee), money.Max, fee, "invalid_request", false},
		"less than nothing":             {collected(), asking(-1, fee), money.Max, fee, "invalid_request", false},
		"more than any amount":          {collected(), asking(1<<62, fee), money.Max, fee, "invalid_request", false},
		"without a reason":              {collected(), none, money.Max, fee, "invalid_request", false},
		"for another reason":            {collected(), unknown, money.Max, fee, "invalid_request", false},
		"as shown before":               {collected(), asking(10_00, fee-1), money.Max, fee, "refund_changed", false},
		"the same again":                {underWay, asking(10_00, fee), money.Max, fee, "", true},
		"the same again, made":          {made, asking(10_00, fee), money.Max, fee, "", true},
		"the same again, undone":        {undone, asking(10_00, fee), money.Max, fee, "", false},
		"another's while under way":     {underWay, other, money.Max, fee, "refund_under_way", false},
		"another, it was given up":      {forgotten, other, money.Max, fee, "", false},
		"another's after it was made":   {made, other, money.Max, fee, "refund_changed", false},
		"the next after it was made":    {made, asking(10_00, fee-10_00), money.Max, fee, "", false},
		"while a rule refunds":          {collected(), asking(10_00, fee), money.Max, fee - 1, "refund_under_way", false},
		"disputed":                      {disputed, asking(10_00, fee), money.Max, fee, "refund_disputed", false},
		"a dispute has a part":          {partly, asking(10_00, fee), money.Max, fee, "refund_disputed", false},
		"all is refunded":               {gone, asking(10_00, 0), money.Max, fee, "nothing_left", false},
		"not charged":                   {held, asking(10_00, 0), money.Max, fee, "nothing_left", false},
		"after a refund that failed":    {came, asking(10_00, fee), money.Max, 0, "", false},
		"at the limit":                  {collected(), asking(10_00, fee), 10_00, fee, "", false},
		"a cent above the limit":        {collected(), asking(10_01, fee), 10_00, fee, "refund_above_limit", false},
		"above it with what was before": {made, asking(1, fee-10_00), 10_00, fee, "refund_above_limit", false},
		"without a limit decided":       {collected(), asking(1, fee), 0, fee, "refund_above_limit", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.of.AskRefund(test.ask, test.limit, test.keep, noon)
			if test.code != "" {
				if f, ok := fault.Public(err); !ok || f.Code != test.code {
					t.Errorf("it is refused with %v, want %s", err, test.code)
				}
				return
			}
			want := test.of
			if !test.same {
				want.Asked, want.Version = test.ask, want.Version+1
				want.Asked.At, want.Asked.Stage = noon, billing.RefundAsked
			}
			if err != nil || got != want {
				t.Errorf("%+v, %v, want %+v", got, err, want)
			}
		})
	}
}

// What is wrong with a refund is named at once.
func TestAskRefund_NamesEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := collected().AskRefund(billing.Refund{}, money.Max, fee, noon)
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 2 {
		t.Errorf("%v", err)
	}
}

// What can be refunded is what an ask for it is not refused above.
func TestRefundable_IsWhatCanBeAsked(t *testing.T) {
	t.Parallel()
	for _, refunded := range []money.Cents{0, 1, 10_00, fee} {
		for _, limit := range []money.Cents{0, 1, 10_00, fee, money.Max} {
			p := collected()
			if p.Refunded = refunded; refunded == fee {
				p.State = billing.FullyRefunded
			}
			most := p.Refundable(limit, fee, noon)
			if _, err := p.AskRefund(asking(most+1, p.Left()), limit, fee, noon); err == nil {
				t.Errorf("more than %s is refunded", most)
			}
			if most == 0 {
				continue
			}
			if _, err := p.AskRefund(asking(most, p.Left()), limit, fee, noon); err != nil {
				t.Errorf("%s: %v", most, err)
			}
		}
	}
}

// What Stripe reports after a refund was asked for is taken for it as far as it goes, and
// its entry says who and why; a refund that comes back is undone.
func TestSettle_AskedRefund(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refunded []money.Cents // one observation after the other
		stage    billing.RefundStage
		entries  []string // kind, amount, by
	}{
		"nothing yet":                  {[]money.Cents{0}, billing.RefundAsked, nil},
		"made":                         {[]money.Cents{10_00, 10_00}, billing.RefundMade, []string{"refund $10.00 ada"}},
		"less, by hand":                {[]money.Cents{4_00}, billing.RefundAsked, []string{"refund $4.00 "}},
		"less, by hand, and then made": {[]money.Cents{4_00, 14_00}, billing.RefundMade, []string{"refund $4.00 ", "refund $10.00 ada"}},
		"made, and more by hand":       {[]money.Cents{14_00}, billing.RefundMade, []string{"refund $10.00 ada", "refund $4.00 "}},
		"made, and came back":          {[]money.Cents{10_00, 0}, billing.RefundUndone, []string{"refund $10.00 ada", "refund_failed $10.00 "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := collected().AskRefund(asking(10_00, fee), money.Max, fee, noon)
			if err != nil {
				t.Fatal(err)
			}
			var all []ledger.Entry
			for _, r := range test.refunded {
				next, es, err := p.Settle(billing.Observation{Intent: "pi_1", Status: "succeeded", Received: fee, Refunded: r}, noon)
				if err != nil {
					t.Fatal(err)
				}
				p, all = next, append(all, es...)
			}
			var got []string
			ids := map[string]bool{}
			for _, e := range all {
				got = append(got, string(e.Kind)+" "+e.Amount().String()+" "+e.By)
				ids[e.ID] = true
				if (e.By == "") != (e.Reason == "") {
					t.Errorf("entry %+v", e)
				}
			}
			if len(got) != len(test.entries) || len(ids) != len(got) || p.Asked.Stage != test.stage || ledger.Balances(all)[ledger.Refunds] != p.Refunded {
				t.Fatalf("%q, %+v", got, p)
			}
			for i := range got {
				if got[i] != test.entries[i] {
					t.Errorf("%q, want %q", got, test.entries)
				}
			}
		})
	}
}
