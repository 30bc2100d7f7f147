package statement_test

import (
	"errors"
	"iter"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/statement"
)

var begins = time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC) // midnight in New York

func read(entries []ledger.Entry, end error) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
		if end != nil {
			yield(ledger.Entry{}, end)
		}
	}
}

func charged(t rapid.TB, amount, fee money.Cents, at time.Time) ledger.Entry {
	e, err := ledger.Charged("visit.payment", "lakeside", amount, fee, at)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// However a life is cut into months, the last balance is that of the whole life.
func TestBalance_SnapshotAndEntriesSinceAreTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := statement.Balance{Practice: "lakeside", Before: begins}
		var whole []ledger.Entry
		carried, end := first, begins
		for range rapid.IntRange(1, 6).Draw(t, "periods") {
			var of []ledger.Entry
			for range rapid.IntRange(0, 5).Draw(t, "entries") {
				of = append(of, charged(t, money.Cents(rapid.IntRange(1, 9_999).Draw(t, "amount")), 1, end.Add(time.Hour)))
			}
			end = end.AddDate(0, 1, 0)
			next, err := carried.Until(end, read(of, nil))
			if err != nil {
				t.Fatal(err)
			}
			whole, carried = append(whole, of...), next
		}
		at, err := first.Until(end, read(whole, nil))
		if err != nil {
			t.Fatal(err)
		}
		if at.Entries != carried.Entries || !maps.Equal(at.Accounts, carried.Accounts) || !maps.Equal(at.Accounts, ledger.Balances(whole)) {
			t.Errorf("by months %+v, whole %+v", carried, at)
		}
		if len(first.Accounts) != 0 {
			t.Errorf("the first balance became %+v", first)
		}
	})
}

func TestBalance_NothingIsForced(t *testing.T) {
	b := statement.Balance{Practice: "lakeside", Before: begins}
	end := begins.AddDate(0, 1, 0)
	lost := errors.New("the table does not answer")
	off := charged(t, 45_00, 0, begins)
	off.Postings[0].Amount++
	other := charged(t, 45_00, 0, begins)
	other.Practice = "harbor"
	for name, c := range map[string]struct {
		entries []ledger.Entry
		end     error
	}{
		"before it":      {[]ledger.Entry{charged(t, 45_00, 0, begins.Add(-time.Millisecond))}, nil},
		"at its end":     {[]ledger.Entry{charged(t, 45_00, 0, end)}, nil},
		"another's":      {[]ledger.Entry{other}, nil},
		"off balance":    {[]ledger.Entry{off}, nil},
		"read to a half": {[]ledger.Entry{charged(t, 45_00, 0, begins)}, lost},
	} {
		if got, err := b.Until(end, read(c.entries, c.end)); err == nil || got.Entries != 0 || c.end != nil && !errors.Is(err, c.end) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := b.Until(begins.Add(-time.Second), read(nil, nil)); err == nil {
		t.Error("a balance went back in time")
	}
	b.Accounts = map[ledger.Account]money.Cents{ledger.Stripe: 1}
	if _, err := b.Until(end, read(nil, nil)); err == nil {
		t.Error("a balance that is off was carried on")
	}
}

func TestClosesAt_FourDaysAfterTheMonthInItsZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[civil.Day]time.Time{
		civil.Date(2026, 3, 31):  time.Date(2026, 4, 5, 4, 0, 0, 0, time.UTC),
		civil.Date(2026, 10, 1):  time.Date(2026, 11, 5, 5, 0, 0, 0, time.UTC), // summer time ended
		civil.Date(2026, 12, 24): time.Date(2027, 1, 5, 5, 0, 0, 0, time.UTC),
	} {
		if got := statement.FirstClosing("lakeside", day.Start(zone), zone).Due(zone); !got.Equal(want) {
			t.Errorf("%s closes at %s, want %s", day, got, want)
		}
	}
}
