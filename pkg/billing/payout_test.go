package billing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A payout leaves the money at Stripe when it is made and brings it back when it fails, however
// often and in whatever steps it is seen; what a status means that is not known is on its way.
func TestPayout_Follow(t *testing.T) {
	t.Parallel()
	of := func(status string, amount money.Cents) billing.PayoutState {
		return billing.PayoutState{ID: "po_1", Amount: amount, Status: status, Made: noon, Arrives: noon.Add(time.Hour)}
	}
	for _, test := range []struct {
		name    string
		seen    []billing.PayoutState
		entries []string
		bank    money.Cents
	}{
		{"on its way", []billing.PayoutState{of("pending", 5000), of("pending", 5000), of("in_transit", 5000)}, []string{"payout-5000-1"}, 5000},
		{"arrived", []billing.PayoutState{of("pending", 5000), of("paid", 5000)}, []string{"payout-5000-1"}, 5000},
		{"seen when it arrived", []billing.PayoutState{of("paid", 5000)}, []string{"payout-5000-1"}, 5000},
		{"failed after it arrived", []billing.PayoutState{of("pending", 5000), of("paid", 5000), of("failed", 5000)}, []string{"payout-5000-1", "payout_returned-0-3"}, 0},
		{"canceled", []billing.PayoutState{of("pending", 5000), of("canceled", 5000)}, []string{"payout-5000-1", "payout_returned-0-2"}, 0},
		{"seen when it had failed", []billing.PayoutState{of("failed", 5000)}, nil, 0},
		{"a status that is not known", []billing.PayoutState{of("levitating", 5000)}, []string{"payout-5000-1"}, 5000},
		{"taken from the bank", []billing.PayoutState{of("paid", -700)}, []string{"payout--700-1"}, -700},
		{"taken from the bank, which refused", []billing.PayoutState{of("pending", -700), of("failed", -700)}, []string{"payout--700-1", "payout_returned-0-2"}, 0},
	} {
		p := billing.Payout{Practice: "lakeside", Account: "acct_1"}
		var all []ledger.Entry
		var ids []string
		for _, s := range test.seen {
			next, entries, err := p.Follow(s, noon)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			again, more, err := next.Follow(s, noon)
			if err != nil || again != next || len(more) > 0 {
				t.Errorf("%s, the same again: %+v, %v, %v", test.name, again, more, err)
			}
			for _, e := range entries {
				if err := e.Check(); err != nil || e.Payment != "payouts:lakeside.acct_1.po_1" {
					t.Errorf("%s: entry %+v: %v", test.name, e, err)
				}
				ids = append(ids, e.ID)
			}
			p, all = next, append(all, entries...)
		}
		if diff := cmp.Diff(test.entries, ids); diff != "" {
			t.Errorf("%s: entries (-want +got):\n%s", test.name, diff)
		}
		if b := ledger.Balances(all); b[ledger.Bank] != test.bank || b[ledger.Stripe] != -test.bank {
			t.Errorf("%s: books %v, want %s at the bank", test.name, b, test.bank)
		}
	}
}

// What was fetched before a payout arrived or failed is older than what says so.
func TestPayout_Newer(t *testing.T) {
	t.Parallel()
	order := [][]string{{"pending", "in_transit", "odd"}, {"paid"}, {"failed", "canceled"}}
	for later, theseLater := range order {
		for earlier, theseEarlier := range order {
			for _, a := range theseLater {
				for _, b := range theseEarlier {
					p := billing.Payout{PayoutState: billing.PayoutState{Status: a}, Version: 1}
					if got := p.Newer(billing.PayoutState{Status: b}); got != (later > earlier) {
						t.Errorf("a payout that is %s is newer than one that is %s: %t", a, b, got)
					}
				}
			}
		}
	}
	if (billing.Payout{}).Newer(billing.PayoutState{Status: "pending"}) {
		t.Error("a payout that was never seen is newer than one that is")
	}
}
