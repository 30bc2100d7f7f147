package statement_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/statement"
)

var (
	march  = statement.Month(civil.Date(2026, time.March, 14))
	noon   = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	zone   = mustZone("America/Los_Angeles")
	before = noon.AddDate(0, 0, -1).Add(8 * time.Hour) // 1 March, 12:00 in the zone
)

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

func must(e ledger.Entry, err error) ledger.Entry {
	if err != nil {
		panic(err)
	}
	return e
}

// A month with everything that happens to money adds up to what is expected of each figure.
func TestStatement_Month(t *testing.T) {
	t.Parallel()
	s := statement.New(march, zone)
	of := func(form, clinician string, e ledger.Entry) ledger.Entry {
		e.Form, e.Clinician = form, clinician
		return e
	}
	share := func(e ledger.Entry) ledger.Entry {
		e.Payer = "60054"
		return e
	}
	err := s.Add(
		of("uti", "", must(ledger.Held("v1.q", "x", 40_00, before))),
		of("uti", "ana", must(ledger.Captured("v1.q", "x", 40_00, 30_00, 0, noon))),
		must(ledger.Held("v2.q", "x", 40_00, noon)),
		must(ledger.Released("v2.q", "x", 40_00, noon)),
		share(of("rash", "ana", must(ledger.Charged("v3.q", "x", 50_00, 0, noon)))),
		share(of("rash", "ana", must(ledger.Refunded("v3.q", "x", 0, 20_00, 0, noon)))),
		share(of("rash", "ana", must(ledger.Refunded("v3.q", "x", 20_00, 5_00, 1, noon)))),
		of("uti", "ben", must(ledger.Disputed("v1.q", "x", 0, 30_00, 1, noon))),
		of("uti", "ben", must(ledger.DisputeFee("v1.q", "x", 0, 15_00, 1, noon))),
		must(ledger.FeePaid("m.1", "x", "in_1", 0, 350_00, 0, noon)),
		must(ledger.FeeRefunded("m.1", "x", "in_1", 0, 100_00, false, 0, noon)),
		must(ledger.FeeEarned("m.1", "x", "in_1", 250_00, noon)),
		must(ledger.FeeRefunded("m.1", "x", "in_1", 100_00, 110_00, true, 1, noon)),
	)
	if err != nil || s.Check() != nil {
		t.Fatal(err, s.Check())
	}
	want := statement.Part{
		Entries: 13, AtStripe: 270_00,
		Sums: statement.Sums{statement.Collected: 430_00, statement.Refunded: 115_00, statement.Disputed: 30_00, statement.Fees: 15_00},
	}
	if d := cmp.Diff(want, s.Whole); d != "" {
		t.Errorf("the whole (-want +got):\n%s", d)
	}
	ways := map[statement.Way]statement.Part{
		statement.ByCard: {
			Entries: 5, AtStripe: -15_00,
			Sums: statement.Sums{statement.Collected: 30_00, statement.Disputed: 30_00, statement.Fees: 15_00},
		},
		statement.ByPlan:       {Entries: 3, AtStripe: 45_00, Sums: statement.Sums{statement.Collected: 50_00, statement.Refunded: 5_00}},
		statement.ByMembership: {Entries: 4, AtStripe: 240_00, Sums: statement.Sums{statement.Collected: 350_00, statement.Refunded: 110_00}},
		statement.Uncharged:    {Entries: 1, Sums: statement.Sums{}},
	}
	if d := cmp.Diff(ways, s.Ways); d != "" {
		t.Errorf("ways (-want +got):\n%s", d)
	}
	rash := statement.Part{Entries: 3, AtStripe: 45_00, Sums: statement.Sums{statement.Collected: 50_00, statement.Refunded: 5_00}}
	taken := statement.Sums{statement.Disputed: 30_00, statement.Fees: 15_00}
	forms := map[string]statement.Part{
		"uti":  {Entries: 4, AtStripe: -15_00, Sums: statement.Sums{statement.Collected: 30_00, statement.Disputed: 30_00, statement.Fees: 15_00}},
		"rash": rash, statement.Unnamed: {Entries: 2, Sums: statement.Sums{}},
	}
	clinicians := map[string]statement.Part{
		"ana": {Entries: 4, AtStripe: 75_00, Sums: statement.Sums{statement.Collected: 80_00, statement.Refunded: 5_00}},
		"ben": {Entries: 2, AtStripe: -45_00, Sums: taken}, statement.Unnamed: {Entries: 3, Sums: statement.Sums{}},
	}
	if d := cmp.Diff(forms, s.Forms) + cmp.Diff(clinicians, s.Clinicians); d != "" {
		t.Errorf("forms and clinicians (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]statement.Part{"60054": rash}, s.Payers); d != "" {
		t.Errorf("payers (-want +got):\n%s", d)
	}
	accounts := map[ledger.Account]money.Cents{
		ledger.Holds: 0, ledger.HoldsOwed: 0, ledger.Stripe: 270_00, ledger.VisitFees: -80_00, ledger.Refunds: 15_00, ledger.Disputes: 30_00,
		ledger.DisputeFees: 15_00, ledger.DeferredFees: 0, ledger.MembershipFees: -250_00,
	}
	if d := cmp.Diff(accounts, s.Accounts); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
	days := s.Days()
	if len(days) != 31 || days[0].Day != march.From || days[0].Entries != 1 || days[1].AtStripe != 270_00 || days[2].Entries != 0 {
		t.Errorf("days = %v", days[:3])
	}
	if s.Visits() != 2 || s.Memberships() != 1 || s.Kinds[ledger.Capture] != (statement.KindSum{Entries: 1, Amount: 30_00}) {
		t.Errorf("%d visits, %d memberships, %v", s.Visits(), s.Memberships(), s.Kinds)
	}
}

// An account that has no figure counts as other money, which no total loses.
func TestStatement_UnknownAccount(t *testing.T) {
	t.Parallel()
	s := statement.New(march, zone)
	e := ledger.Entry{ID: "gift", Kind: "gift", Payment: "v1.q", At: noon, Postings: []ledger.Posting{{Account: "gifts", Amount: -7_00}, {Account: ledger.Stripe, Amount: 7_00}}}
	if err := errors.Join(s.Add(e), s.Check()); err != nil || s.Whole.Sums[statement.Other] != 7_00 || s.Whole.AtStripe != 7_00 {
		t.Errorf("%v, %v", s.Whole, err)
	}
}

func TestAdd_Refuses(t *testing.T) {
	t.Parallel()
	off := must(ledger.Charged("v1.q", "x", 50_00, 0, noon))
	off.Postings[0].Amount++
	for name, e := range map[string]ledger.Entry{
		"off balance":                      off,
		"the last of February in the zone": must(ledger.Charged("v1.q", "x", 50_00, 0, march.From.Start(zone).Add(-time.Millisecond))),
		"the first of April in the zone":   must(ledger.Charged("v1.q", "x", 50_00, 0, march.Through.AddDays(1).Start(zone))),
	} {
		if err := statement.New(march, zone).Add(e); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// entries draws the entries of some payments and memberships, and some of accounts and kinds that
// nobody knows yet, within march.
func entries(t *rapid.T) []ledger.Entry {
	from, to := march.Bounds(zone)
	amount := rapid.Int64Range(2, 1000_00)
	made := rapid.Custom(func(t *rapid.T) ledger.Entry {
		a, b := money.Cents(amount.Draw(t, "a")), money.Cents(amount.Draw(t, "b"))
		if a == b {
			b--
		}
		at := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))-1).Draw(t, "at")))
		change := rapid.IntRange(0, 9).Draw(t, "change")
		e, err := rapid.SampledFrom([]func() (ledger.Entry, error){
			func() (ledger.Entry, error) { return ledger.Held("v.q", "x", a, at) },
			func() (ledger.Entry, error) { return ledger.Released("v.q", "x", a, at) },
			func() (ledger.Entry, error) { return ledger.Captured("v.q", "x", max(a, b), min(a, b), 30, at) },
			func() (ledger.Entry, error) { return ledger.Charged("v.q", "x", a, 0, at) },
			func() (ledger.Entry, error) { return ledger.Refunded("v.q", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.Disputed("v.q", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.DisputeFee("v.q", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.FeePaid("m.1", "x", "in_1", 0, a, 0, at) },
			func() (ledger.Entry, error) {
				return ledger.FeeRefunded("m.1", "x", "in_1", a, b, change > 4, change, at)
			},
			func() (ledger.Entry, error) { return ledger.FeeEarned("m.1", "x", "in_1", a, at) },
			func() (ledger.Entry, error) { return ledger.StripeFee("v.q", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.PlatformFee("v.q", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.PaidOut("po_1", "x", a, b, change, at) },
			func() (ledger.Entry, error) { return ledger.PaidOut("po_1", "x", 0, -a, change, at) },
			func() (ledger.Entry, error) {
				ps := []ledger.Posting{{Account: "unknown", Amount: a}, {Account: ledger.Stripe, Amount: -b}, {Account: ledger.DeferredFees, Amount: b - a}}
				return ledger.Entry{ID: "unknown", Kind: "unknown", Payment: "v.q", At: at, Postings: ps}, nil
			},
		}).Draw(t, "kind")()
		if err != nil {
			t.Fatal(err)
		}
		e.Form, e.Clinician = rapid.SampledFrom([]string{"", "uti", "rash"}).Draw(t, "form"), rapid.SampledFrom([]string{"", "ana", "ben"}).Draw(t, "clinician")
		e.Payer = rapid.SampledFrom([]string{"", "60054", "60999"}).Draw(t, "payer")
		return e
	})
	return rapid.SliceOfN(made, 0, 40).Draw(t, "entries")
}

// Whatever was posted, every statement balances: its days and its ways add up to the whole, the
// whole is the sum of what is told of each entry, and what is told of two halves is what is told
// of all. A figure is the sum of the entries that have a part of it.
func TestStatement_PartsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := entries(t)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		whole, first, second := statement.New(march, zone), statement.New(march, zone), statement.New(march, zone)
		if err := errors.Join(whole.Add(all...), first.Add(all[:cut]...), second.Add(all[cut:]...), whole.Check(), first.Check(), second.Check()); err != nil {
			t.Fatal(err)
		}
		var accounts money.Cents
		for account, sum := range whole.Accounts {
			if accounts += sum; sum != first.Accounts[account]+second.Accounts[account] {
				t.Errorf("account %s has %s, its halves %s and %s", account, sum, first.Accounts[account], second.Accounts[account])
			}
		}
		if accounts != 0 || whole.Whole.Entries != len(all) {
			t.Errorf("%d entries of %d, off balance by %s", whole.Whole.Entries, len(all), accounts)
		}
		for _, f := range statement.Figures {
			var named, days, ways money.Cents
			for _, e := range all {
				named += statement.SumsOf(e)[f]
			}
			for _, d := range whole.Days() {
				days += d.Sums[f]
			}
			for _, w := range statement.Ways {
				ways += whole.Ways[w].Sums[f]
			}
			halves := first.Whole.Sums[f] + second.Whole.Sums[f]
			if sum := whole.Whole.Sums[f]; sum != named || sum != days || sum != ways || sum != halves {
				t.Errorf("%s is %s, but %s by entry, %s by day, %s by way and %s of its halves", f, sum, named, days, ways, halves)
			}
		}
		var kinds int
		for _, k := range whole.Kinds {
			kinds += k.Entries
		}
		if kinds != len(all) || whole.Whole.Sums.AtStripe() != whole.Accounts[ledger.Stripe] {
			t.Errorf("%d entries by kind of %d; %s by figures, %s at Stripe", kinds, len(all), whole.Whole.Sums.AtStripe(), whole.Accounts[ledger.Stripe])
		}
	})
}

func TestQuestion_ReadsOrRefuses(t *testing.T) {
	t.Parallel()
	today := civil.Date(2028, time.February, 10)
	for _, test := range []struct {
		from, to string
		want     string // the period, or the places and codes of what is wrong
	}{
		{"", "", "2028-02-01/2028-02-29"},
		{"2028-02-10", "2028-02-10", "2028-02-10/2028-02-10"},
		{"2028-01-01", "2028-12-31", "2028-01-01/2028-12-31"},
		{"2027-12-31", "2028-12-31", "to range"},
		{"2028-03-02", "2028-03-01", "to range"},
		{"2028-03-02", "", "to required"},
		{"", "2028-03-02", "from required"},
		{"1999-12-31", "2029-01-01", "from range to range"},
		{"2028-02-30", "yesterday", "from date to date"},
	} {
		got, _, err := statement.Question{From: test.from, To: test.to}.Read(today)
		said := got.String()
		if f, refused := fault.Public(err); refused {
			said = ""
			for _, p := range f.Problems {
				if said != "" {
					said += " "
				}
				said += p.Where + " " + p.Code
			}
		}
		if said != test.want {
			t.Errorf("%q to %q is %q, want %q", test.from, test.to, said, test.want)
		}
	}
}

// A list of entries is of a figure, a way and a kind at once, where these are given; a figure and
// a way that there are not are told with what else is wrong.
func TestFilter_HasWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	today := civil.Date(2026, time.March, 14)
	fee, refund := must(ledger.FeePaid("m.1", "x", "in_1", 0, 350_00, 0, noon)), must(ledger.Refunded("v3.q", "x", 0, 20_00, 0, noon))
	for _, test := range []struct {
		asked       statement.Question
		fee, refund bool
	}{
		{statement.Question{}, true, true},
		{statement.Question{Figure: "collected"}, true, false},
		{statement.Question{Figure: "refunded"}, false, true},
		{statement.Question{Figure: "refunded", Way: "membership"}, false, false},
		{statement.Question{Way: "membership"}, true, false},
		{statement.Question{Way: "card"}, false, true},
		{statement.Question{Kind: "refund"}, false, true},
		{statement.Question{Kind: "no such kind"}, false, false},
	} {
		_, only, err := test.asked.Read(today)
		if err != nil || only.Has(fee) != test.fee || only.Has(refund) != test.refund {
			t.Errorf("%+v has the fee %t and the refund %t, %v", test.asked, only.Has(fee), only.Has(refund), err)
		}
	}
	_, _, err := statement.Question{From: "x", To: "2026-03-01", Figure: "hold", Way: "cash"}.Read(today)
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 3 {
		t.Errorf("an unknown figure and way, and a day that is none: %v", err)
	}
}

func TestPeriod_BoundsAreMidnightsOfItsZone(t *testing.T) {
	t.Parallel()
	from, to := march.Bounds(zone)
	if want := time.Date(2026, time.March, 1, 8, 0, 0, 0, time.UTC); !from.Equal(want) {
		t.Errorf("from %s, want %s", from, want)
	}
	if want := time.Date(2026, time.April, 1, 7, 0, 0, 0, time.UTC); !to.Equal(want) { // summer time began
		t.Errorf("to %s, want %s", to, want)
	}
	if got := statement.Year(march.Through).String(); got != "2026-01-01/2026-12-31" {
		t.Errorf("year = %s", got)
	}
}
