package billing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/money"
)

var (
	mutual     = coverage.Payer{ID: "60999", Name: "Cascade Mutual", Filing: "CI"}
	partB      = coverage.Payer{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB"}
	partA      = coverage.Payer{ID: "MEDOA", Name: "Medicare of Oregon", Filing: "MA"}
	medicaid   = coverage.Payer{ID: "OHP01", Name: "Oregon Medicaid", Filing: "MC"}
	serviceDay = civil.Date(2026, time.March, 10)
)

func heldBy(p coverage.Payer, priority int) coverage.Held {
	return coverage.Held{Coverage: coverage.Coverage{Card: coverage.Card{Payer: p.ID, Priority: priority}}, Payer: p}
}

// agreed is a contract with mutual of a fixed share.
func agreed(code string, copay money.Cents) billing.Contract {
	c := contract()
	c.Code, c.Copay, c.Percent = code, copay, 0
	return c
}

func coveredBy(t *testing.T, held []coverage.Held, contracts []billing.Contract) billing.Quote {
	t.Helper()
	posted := billing.Quote{ID: "q", Amount: 40_00, Basis: billing.Fee, Caveat: billing.PlanNotBilled}.WithKinds(billing.KindPrices{coding.NursePractitioner: 30_00})
	q, err := posted.CoveredBy(held, contracts, serviceDay)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// Where no share can be told, the posted fee stays, with what keeps the plan from paying.
func TestCoveredBy_PostedFee(t *testing.T) {
	t.Parallel()
	over, ahead, removed := heldBy(mutual, 1), heldBy(mutual, 1), contract()
	over.Card.Until, ahead.Card.From = serviceDay.AddDays(-1), serviceDay.AddDays(1)
	removed.Removed = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ended, coming, other, office := contract(), contract(), contract(), contract()
	ended.Until, coming.From = serviceDay.AddDays(-1), serviceDay.AddDays(1)
	other.Payer, office.Code = "60054", "99213"
	one := []coverage.Held{heldBy(mutual, 1)}
	for name, test := range map[string]struct {
		held      []coverage.Held
		contracts []billing.Contract
		want      billing.Caveat
	}{
		"NoContracts":         {one, nil, billing.PlanNotBilled},
		"ContractRemoved":     {one, []billing.Contract{removed}, billing.PlanNotBilled},
		"ContractEnded":       {one, []billing.Contract{ended}, billing.PlanNotBilled},
		"ContractComing":      {one, []billing.Contract{coming}, billing.PlanNotBilled},
		"AnotherPayer":        {one, []billing.Contract{other}, billing.PlanUncontracted},
		"AnotherCode":         {one, []billing.Contract{office}, billing.PlanUncontracted},
		"PayerUnknown":        {[]coverage.Held{heldBy(coverage.Payer{}, 1)}, []billing.Contract{contract()}, billing.PlanUncontracted},
		"SecondPayerOnly":     {[]coverage.Held{heldBy(mutual, 2), heldBy(coverage.Payer{ID: "60054"}, 1)}, []billing.Contract{contract()}, billing.PlanUncontracted},
		"NoCoverage":          {nil, []billing.Contract{contract()}, billing.PlanUnknown},
		"CoverageComing":      {[]coverage.Held{ahead}, []billing.Contract{contract()}, billing.PlanUnknown},
		"CoverageEnded":       {[]coverage.Held{over}, []billing.Contract{contract()}, billing.PlanEnded},
		"CoverageEndedComing": {[]coverage.Held{over, ahead}, []billing.Contract{contract()}, billing.PlanUnknown},
		"MedicareFirst":       {[]coverage.Held{heldBy(partB, 1), heldBy(mutual, 2)}, []billing.Contract{contract()}, billing.PlanUncontracted},
		"HospitalsOnly":       {[]coverage.Held{heldBy(partA, 1)}, []billing.Contract{contract()}, billing.PlanUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := coveredBy(t, test.held, test.contracts)
			if q.Amount != 40_00 || q.Basis != billing.Fee || q.FeeOf(coding.NursePractitioner) != 30_00 || q.Caveat != test.want || q.Caveat.Text() == "" {
				t.Errorf("%+v", q)
			}
			if q.Plan.Payer != "" || q.Plan.Explain() != "" || q.Plan.Estimate() != "" {
				t.Errorf("by the plan %+v", q.Plan)
			}
		})
	}
}

// Each kind of clinician costs the share of its family's contracted code for the fewest minutes, whatever the
// share of the others.
func TestCoveredBy_Share(t *testing.T) {
	t.Parallel()
	part := contract() // 20 % of 80.00
	late := agreed("98970", 15_00)
	late.Later = true
	tenth, advantage := contract(), coverage.Payer{ID: mutual.ID, Name: "Cascade Advantage", Filing: "16"}
	tenth.Percent, tenth.Rate = 10, 4_99
	for name, test := range map[string]struct {
		payer       coverage.Payer
		contracts   []billing.Contract
		amount      money.Cents
		doctor, ot  money.Cents
		upTo        money.Cents
		explain     []string
		explainsNot string
	}{
		"APart":          {mutual, []billing.Contract{part}, 16_00, 16_00, 0, 16_00, []string{"Cascade Mutual allows this practice $80.00 for an answer billed by the code 99421.", "20 % of it: $16.00"}, "fixed"},
		"LowestCode":     {mutual, []billing.Contract{agreed("99423", 40_00), agreed("99422", 20_00)}, 20_00, 20_00, 0, 40_00, []string{"99422", "fixed: $20.00"}, "99423"},
		"LowestIsDearer": {mutual, []billing.Contract{agreed("99423", 5_00), agreed("99421", 25_00)}, 25_00, 25_00, 0, 25_00, []string{"99421"}, "99423"},
		"BothFamilies":   {mutual, []billing.Contract{agreed("99421", 10_00), agreed("98970", 15_00), agreed("98972", 30_00)}, 15_00, 10_00, 15_00, 30_00, []string{"99421", "98970"}, "98972"},
		"Therapists":     {mutual, []billing.Contract{agreed("98971", 15_00)}, 15_00, 0, 15_00, 15_00, []string{"98971"}, "99421"},
		"FiftyCents":     {mutual, []billing.Contract{agreed("99421", 50)}, 50, 50, 0, 50, []string{"fixed: $0.50"}, "too little"},
		"TooLittle":      {mutual, []billing.Contract{tenth}, 0, 0, 0, 49, []string{"10 % of it: $0.49", "too little for a card"}, ""},
		"TooLittleNow":   {mutual, []billing.Contract{tenth, agreed("99423", 9_00)}, 0, 0, 0, 9_00, []string{"too little for a card"}, ""},
		"Later":          {mutual, []billing.Contract{part, late, agreed("99423", 30_00)}, 0, 0, 0, 30_00, []string{"20 % of it: $16.00", "fixed: $15.00", "You pay nothing now"}, "too little"},
		"Medicare":       {partB, []billing.Contract{with(partB, part)}, 16_00, 16_00, 0, 16_00, []string{"Medicare of Oregon allows", "20 % of it: $16.00"}, ""},
		"Advantage":      {advantage, []billing.Contract{part}, 16_00, 16_00, 0, 16_00, []string{"Cascade Advantage"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := coveredBy(t, []coverage.Held{heldBy(partA, 1), heldBy(test.payer, 2), heldBy(partB, 3)}, test.contracts)
			if q.Basis != billing.PlanShare || q.Caveat != "" || q.Amount != test.amount || q.FeeOf(coding.Physician) != test.doctor || q.FeeOf(coding.OccupationalTherapist) != test.ot || q.Plan.UpTo != test.upTo {
				t.Errorf("%+v", q)
			}
			if q.Free() != (test.amount == 0) || q.Plan.Payer != test.payer.ID || !strings.Contains(q.Plan.Estimate(), "up to "+test.upTo.String()) {
				t.Errorf("%+v: %q", q, q.Plan.Estimate())
			}
			for _, words := range test.explain {
				if !strings.Contains(q.Plan.Explain(), words) {
					t.Errorf("%q lacks %q", q.Plan.Explain(), words)
				}
			}
			if test.explainsNot != "" && strings.Contains(q.Plan.Explain(), test.explainsNot) {
				t.Errorf("%q has %q", q.Plan.Explain(), test.explainsNot)
			}
			if diff := cmp.Diff(q, q.WithDiscount(50)); diff != "" {
				t.Errorf("a discount changes a share:\n%s", diff)
			}
		})
	}
}

// with is c with another payer.
func with(p coverage.Payer, c billing.Contract) billing.Contract {
	c.Payer = p.ID
	return c
}

// The practice may not have who has Medicare pay what it covers; nor who has Medicaid, if it takes that.
func TestDutyOn_WhoMustBeBilled(t *testing.T) {
	t.Parallel()
	advantage := coverage.Payer{ID: "60777", Name: "Cascade Advantage", Filing: "16"}
	over, ahead := heldBy(partB, 1), heldBy(partB, 1)
	over.Card.Until, ahead.Card.From = serviceDay.AddDays(-1), serviceDay.AddDays(1)
	lastDay, firstDay := heldBy(partB, 1), heldBy(partB, 1)
	lastDay.Card.Until, firstDay.Card.From = serviceDay, serviceDay
	taken, removed, ended := with(medicaid, contract()), with(medicaid, contract()), with(medicaid, contract())
	removed.Removed, ended.Until = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), serviceDay.AddDays(-1)
	for name, test := range map[string]struct {
		held      []coverage.Held
		contracts []billing.Contract
		want      billing.Duty
	}{
		"None":             {nil, []billing.Contract{taken}, ""},
		"Commercial":       {[]coverage.Held{heldBy(mutual, 1)}, []billing.Contract{contract()}, ""},
		"PartB":            {[]coverage.Held{heldBy(partB, 1)}, nil, billing.ToMedicare},
		"PartBSecond":      {[]coverage.Held{heldBy(mutual, 1), heldBy(partB, 2)}, nil, billing.ToMedicare},
		"PartBLastDay":     {[]coverage.Held{lastDay}, nil, billing.ToMedicare},
		"PartBFirstDay":    {[]coverage.Held{firstDay}, nil, billing.ToMedicare},
		"PartBOver":        {[]coverage.Held{over}, nil, ""},
		"PartBAhead":       {[]coverage.Held{ahead}, nil, ""},
		"PartA":            {[]coverage.Held{heldBy(partA, 1)}, nil, ""},
		"Advantage":        {[]coverage.Held{heldBy(advantage, 1)}, nil, billing.ToMedicare},
		"MedicaidTaken":    {[]coverage.Held{heldBy(medicaid, 1)}, []billing.Contract{taken}, billing.ToMedicaid},
		"MedicaidNotTaken": {[]coverage.Held{heldBy(medicaid, 1)}, []billing.Contract{contract(), removed, ended}, ""},
		"Both":             {[]coverage.Held{heldBy(medicaid, 1), heldBy(partB, 2)}, []billing.Contract{taken}, billing.ToMedicare},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := billing.DutyOn(test.held, test.contracts, serviceDay)
			if why := got.Refuse(" Call."); got != test.want || (why == nil) != (got == "") {
				t.Errorf("%q, %v; want %q", got, why, test.want)
			}
		})
	}
}

// Who pays themselves has no plan told, whatever is taken off, unless nothing is paid; who says that another pays asks for no
// such thing.
func TestQuote_Restricted(t *testing.T) {
	t.Parallel()
	list := billing.PriceList{"uti": 40_00, "free": 0}
	for _, test := range []struct {
		name, form, class string
		route             billing.Route
		percent           int
		want              bool
	}{
		{"self-pay", "uti", "em", billing.SelfPay, 0, true},
		{"self-pay, paperwork", "uti", "admin-fee", billing.SelfPay, 0, true},
		{"self-pay, discounted", "uti", "em", billing.SelfPay, 50, true},
		{"self-pay, waived", "uti", "em", billing.SelfPay, 100, false},
		{"self-pay, posted at nothing", "free", "em", billing.SelfPay, 0, false},
		{"self-pay, never charged", "uti", "no-charge", billing.SelfPay, 0, false},
		{"insurance", "uti", "em", billing.Insurance, 0, false},
		{"membership", "uti", "em", billing.Membership, 0, false},
		{"not said", "uti", "em", "", 0, false},
	} {
		q, err := billing.Price("q", test.form, test.class, list, test.route, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if q = q.WithDiscount(test.percent); q.Restricted != test.want || (q.Restriction() != "") != test.want {
			t.Errorf("%s: %+v, %q", test.name, q, q.Restriction())
		}
	}
}

// Whatever the contracts say, no kind's amount is above the quote's, that is not above what the plan may leave
// to the patient, and no share is above what the payer allows. An amount is nothing, or can be charged.
func TestCoveredBy_AnyWithinShares(t *testing.T) {
	t.Parallel()
	codes := []string{"99421", "99422", "99423", "98970", "98971", "98972", "99213"}
	rapid.Check(t, func(t *rapid.T) {
		var all []billing.Contract
		allowed := map[string]money.Cents{}
		for _, code := range codes {
			if !rapid.Bool().Draw(t, "has "+code) {
				continue
			}
			c := agreed(code, 0)
			c.Rate = money.Cents(rapid.OneOf(rapid.Int64Range(1, 200), rapid.Int64Range(1, int64(money.Max))).Draw(t, "rate"))
			if rapid.Bool().Draw(t, "fixed") {
				c.Copay = money.Cents(rapid.Int64Range(1, int64(c.Rate)).Draw(t, "copay"))
			} else {
				c.Percent = rapid.IntRange(1, 100).Draw(t, "percent")
			}
			if err := c.Check(); err != nil {
				t.Fatal(err)
			}
			all, allowed[code] = append(all, c), c.Rate
		}
		q, err := billing.Quote{Amount: 40_00, Basis: billing.Fee, Caveat: billing.PlanNotBilled}.CoveredBy([]coverage.Held{heldBy(mutual, 1)}, all, serviceDay)
		if err != nil {
			t.Fatal(err)
		}
		if q.Basis != billing.PlanShare {
			if q.Amount != 40_00 || q.Caveat == "" {
				t.Errorf("%+v", q)
			}
			return
		}
		if q.Amount > q.Plan.UpTo {
			t.Errorf("%s, and at most %s", q.Amount, q.Plan.UpTo)
		}
		shares := map[money.Cents]bool{0: true}
		for _, term := range q.Plan.Terms {
			if shares[term.Share] = true; term.Share > term.Rate || term.Rate != allowed[term.Code] || term.Share > q.Plan.UpTo {
				t.Errorf("%+v of %s", term, allowed[term.Code])
			}
		}
		for _, kind := range coding.Clinicians {
			fee := q.FeeOf(kind)
			if fee > q.Amount || !shares[fee] || fee != 0 && fee < billing.Smallest {
				t.Errorf("%s costs %s of %+v", kind, fee, q)
			}
			if lower, ok := q.Lower[kind]; ok && (lower != fee || lower >= q.Amount) {
				t.Errorf("%s is lower at %s of %s", kind, lower, q.Amount)
			}
		}
	})
}
