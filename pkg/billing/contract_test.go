package billing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

func contract() billing.Contract {
	return billing.Contract{Practice: "lakeside", Payer: "60999", Code: "99421", From: civil.Date(2026, 1, 1), Rate: 80_00, Percent: 20}
}

// The share is a fixed amount, or a part that is rounded down to the cent, and the words say so.
func TestContract_Share(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		rate    money.Cents
		copay   money.Cents
		percent int
		want    money.Cents
		words   string
	}{
		{"fixed", 80_00, 25_00, 0, 25_00, "The contract from 2026-01-01 allows $80.00 for 99421. The patient's share is fixed: $25.00."},
		{"a part", 80_00, 0, 20, 16_00, "The contract from 2026-01-01 allows $80.00 for 99421. The patient's share is 20 % of it: $16.00."},
		{"rounded down", 33_33, 0, 33, 10_99, "The contract from 2026-01-01 allows $33.33 for 99421. The patient's share is 33 % of it, rounded down to the cent: $10.99."},
		{"all", money.Max, 0, 100, money.Max, "The contract from 2026-01-01 allows $100000.00 for 99421. The patient's share is 100 % of it: $100000.00."},
		{"less than a cent", 1, 0, 99, 0, "The contract from 2026-01-01 allows $0.01 for 99421. The patient's share is 99 % of it, rounded down to the cent: $0.00."},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := contract()
			c.Rate, c.Copay, c.Percent = test.rate, test.copay, test.percent
			if err := c.Check(); err != nil || c.Share() != test.want || c.Explain() != test.words {
				t.Errorf("%s, %q, %v", c.Share(), c.Explain(), err)
			}
		})
	}
}

// The share of whatever Check accepts is never negative, nor above the rate.
func TestContract_ShareWithinRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := contract()
		amount := rapid.OneOf(rapid.Int64Range(-1, 200), rapid.Int64Range(1, int64(money.Max)), rapid.Int64())
		c.Rate, c.Copay = money.Cents(amount.Draw(t, "rate")), money.Cents(rapid.OneOf(rapid.Just(int64(0)), amount).Draw(t, "copay"))
		c.Percent = rapid.OneOf(rapid.Just(0), rapid.IntRange(-1, 101), rapid.Int()).Draw(t, "percent")
		if c.Check() == nil && (c.Share() < 0 || c.Share() > c.Rate) {
			t.Errorf("%+v has the share %s", c, c.Share())
		}
	})
}

// Of a payer's contracts for a code the one that began last holds, within its days, unless it is
// removed.
func TestContractOn_WhichHolds(t *testing.T) {
	t.Parallel()
	first, second, removed, other, another := contract(), contract(), contract(), contract(), contract()
	first.Until = civil.Date(2026, 6, 30)
	second.From, second.Until = civil.Date(2026, 3, 1), civil.Date(2026, 3, 31)
	removed.From, removed.Removed = civil.Date(2026, 2, 1), time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	other.Code, other.From = "99422", civil.Date(2026, 1, 2)
	another.Payer, another.From = "70999", civil.Date(2026, 1, 2)
	all := []billing.Contract{removed, second, first, other, another}
	for day, want := range map[civil.Day]string{
		civil.Date(2025, 12, 31): "",
		civil.Date(2026, 1, 1):   first.ID(),
		civil.Date(2026, 2, 28):  first.ID(),
		civil.Date(2026, 3, 1):   second.ID(),
		civil.Date(2026, 3, 31):  second.ID(),
		civil.Date(2026, 4, 1):   first.ID(),
		civil.Date(2026, 6, 30):  first.ID(),
		civil.Date(2026, 7, 1):   "",
	} {
		for range 2 {
			got, found := billing.ContractOn(all, "60999", "99421", day)
			if found != (want != "") || found && got.ID() != want {
				t.Errorf("on %s: %s, %t; want %q", day, got.ID(), found, want)
			}
			slices.Reverse(all)
		}
	}
	if got, found := billing.ContractOn(all, "60999", "99423", civil.Date(2026, 1, 5)); found {
		t.Errorf("a code without a contract has %+v", got)
	}
}

// Everything that is wrong is named at once.
func TestContract_Check(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*billing.Contract)
		want   []string
	}{
		{"empty", func(c *billing.Contract) { *c = billing.Contract{} }, []string{"/code procedure", "/from required", "/rate range", "/copay range"}},
		{"negative", func(c *billing.Contract) { c.Rate, c.Percent = -1, -20 }, []string{"/rate range", "/percent range"}},
		{"a negative amount", func(c *billing.Contract) { c.Copay, c.Percent = -25_00, 0 }, []string{"/copay range"}},
		{"zero", func(c *billing.Contract) { c.Rate, c.Percent = 0, 0 }, []string{"/rate range", "/copay range"}},
		{"overflowing", func(c *billing.Contract) { c.Rate, c.Percent = money.Max+1, 101 }, []string{"/rate range", "/percent range"}},
		{"more than the rate", func(c *billing.Contract) { c.Copay, c.Percent = 80_01, 0 }, []string{"/copay range"}},
		{"both shares", func(c *billing.Contract) { c.Copay = 25_00 }, []string{"/copay not_both"}},
		{"no code", func(c *billing.Contract) { c.Code = "9942" }, []string{"/code procedure"}},
		{"ends before it begins", func(c *billing.Contract) { c.Until = civil.Date(2025, 12, 31) }, []string{"/until range"}},
		{"a code of HCPCS, of one day", func(c *billing.Contract) { c.Code, c.Until = "G2010", c.From }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := contract()
			test.change(&c)
			var got []string
			if f, ok := fault.Public(c.Check()); ok {
				for _, p := range f.Problems {
					got = append(got, p.Where+" "+p.Code)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What is entered is new, replaces what has its payer, code and first day, or changes nothing;
// a removed one counts again.
func TestContract_Enter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	first, changed, err := contract().Enter(nil, "ada-brooks", now)
	if err != nil || !changed || first.Version != 1 || first.By != "ada-brooks" || !first.At.Equal(now) {
		t.Fatalf("entered: %+v, %t, %v", first, changed, err)
	}
	all := []billing.Contract{first}
	if same, changed, err := contract().Enter(all, "sam-lee", now.Add(time.Hour)); err != nil || changed || same != first {
		t.Errorf("the same again: %+v, %t, %v", same, changed, err)
	}
	all[0].Removed, all[0].Version = now, 2
	if again, changed, err := contract().Enter(all, "sam-lee", now); err != nil || !changed || again.Version != 3 || !again.Removed.IsZero() {
		t.Errorf("entered again after it was removed: %+v, %t, %v", again, changed, err)
	}
	for len(all) < billing.MaxContracts {
		c := first
		c.From = c.From.AddDays(len(all))
		all = append(all, c)
	}
	more := contract()
	more.Code = "99422"
	_, _, err = more.Enter(all, "ada-brooks", now)
	if f, ok := fault.Public(err); !ok || f.Code != "contracts_full" {
		t.Errorf("one too many: %v", err)
	}
	if _, changed, err := contract().Enter(all, "ada-brooks", now); err != nil || !changed {
		t.Errorf("one of them, changed: %t, %v", changed, err)
	}
}
