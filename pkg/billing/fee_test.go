package billing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// Every price by kind that cannot be is named with its place.
func TestKindPriceList_EveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	ps := billing.KindPriceList{
		"uti":  {"np": 20_00, "pa": 40_00, "cnm": 0, "cns": 40_01, "pt": -1, "ot": 49, "nurse": 10_00},
		"rash": {"np": 10_00},
		"most": {"np": money.Max + 1},
	}.Check(billing.PriceList{"uti": 40_00, "most": money.Max})
	var got []string
	for _, p := range ps {
		got = append(got, p.Where+" "+p.Code)
	}
	want := []string{
		"most/np price", "most/np above_price", "rash/np no_price",
		"uti/cns above_price", "uti/nurse kind", "uti/ot price", "uti/pt price",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}

// A quote keeps the prices below its amount alone, charges nobody more than it, and says
// them; without any it says nothing.
func TestQuote_LowerPrices(t *testing.T) {
	t.Parallel()
	kinds := billing.KindPrices{"np": 20_00, "pa": 20_00, "psychologist": 0, "cns": 30_00, "cnm": 99_00, "pt": -1}
	q := billing.Quote{Amount: 30_00}.WithKinds(kinds)
	for kind, want := range map[coding.Kind]money.Cents{
		"": 30_00, "physician": 30_00, "np": 20_00, "pa": 20_00, "psychologist": 0, "cns": 30_00, "cnm": 30_00, "pt": 30_00,
	} {
		if got := q.FeeOf(kind); got != want {
			t.Errorf("an answer of %q costs %s, want %s", kind, got, want)
		}
	}
	kinds["np"] = 1_00 // what the practice decides later
	const words = "At most $30.00; $20.00 if a nurse practitioner or a physician assistant answers; nothing if a clinical psychologist answers."
	if got := q.Most(); got != words {
		t.Errorf("it says %q", got)
	}
	for name, q := range map[string]billing.Quote{
		"free": billing.Quote{}.WithKinds(kinds), "no kinds": {Amount: 30_00}, "none below": billing.Quote{Amount: 1_00}.WithKinds(billing.KindPrices{"np": 1_00}),
	} {
		if q.Most() != "" || q.Lower != nil || q.FeeOf("np") != q.Amount {
			t.Errorf("%s: says %q, keeps %v", name, q.Most(), q.Lower)
		}
	}
}

// A clinician lowers a fee to nothing, or to what a card can be charged, and never raises it.
func TestLowerFee_Bounds(t *testing.T) {
	t.Parallel()
	for said, ok := range map[money.Cents]bool{0: true, 50: true, 19_99: true, 20_00: true, 20_01: false, 49: false, 1: false, -1: false, money.Max + 1: false} {
		fee, err := billing.LowerFee(20_00, &said)
		if refused, public := fault.Public(err); ok != (err == nil) || ok && fee != said || !ok && (!public || refused.Problems[0].Where != "/fee_cents") {
			t.Errorf("%s instead of $20.00: %s, %v", said, fee, err)
		}
	}
	if fee, err := billing.LowerFee(20_00, nil); fee != 20_00 || err != nil {
		t.Errorf("a fee that is not lowered: %s, %v", fee, err)
	}
}

// What is to be refunded is what was collected above what the visit keeps.
func TestExcess_AboveWhatIsKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		p    billing.Payment
		keep money.Cents
		want money.Cents
	}{
		"all of it":          {billing.Payment{State: billing.Captured, Collected: 40_00}, 0, 40_00},
		"the difference":     {billing.Payment{State: billing.Captured, Collected: 40_00}, 25_00, 15_00},
		"what is left of it": {billing.Payment{State: billing.Captured, Collected: 40_00, Refunded: 10_00}, 25_00, 5_00},
		"nothing":            {billing.Payment{State: billing.Captured, Collected: 25_00}, 25_00, 0},
		"less than the fee":  {billing.Payment{State: billing.Captured, Collected: 40_00, Refunded: 20_00}, 25_00, 0},
		"a hold":             {billing.Payment{State: billing.Held, Held: 40_00}, 25_00, 0},
		"a refund failed":    {billing.Payment{State: billing.Captured, Collected: 40_00, Why: billing.RefundFailed}, 25_00, 0},
	} {
		if got := test.p.Excess(test.keep); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
