package statement

import (
	"fmt"
	"iter"
	"maps"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A Balance is what the accounts of a practice stand at by the entries booked before an
// instant. A kept Balance closes what came before it: a later one adds the entries since, and
// nobody reads the earlier ones again. The zero Accounts are of a practice without entries.
type Balance struct {
	Practice string                         `json:"practice"`
	Before   time.Time                      `json:"before"`
	Entries  int                            `json:"entries"` // of the practice's whole life
	Accounts map[ledger.Account]money.Cents `json:"accounts"`
}

// Until returns the balance at a later instant: b and the entries booked from b.Before on.
// An entry of another practice, of another time, or that does not balance is an error, and so
// is what entries returns: nothing is forced to balance, and no balance is returned then.
func (b Balance) Until(before time.Time, entries iter.Seq2[ledger.Entry, error]) (Balance, error) {
	if before.Before(b.Before) {
		return Balance{}, fmt.Errorf("balance of %s: %s is before %s", b.Practice, before, b.Before)
	}
	next := Balance{b.Practice, before.UTC(), b.Entries, maps.Clone(b.Accounts)}
	if next.Accounts == nil {
		next.Accounts = map[ledger.Account]money.Cents{}
	}
	for e, err := range entries {
		if err != nil {
			return Balance{}, err
		}
		if e.Practice != b.Practice || e.At.Before(b.Before) || !e.At.Before(before) {
			return Balance{}, fmt.Errorf("balance of %s from %s until %s: entry %s of payment %s is of %s, %s",
				b.Practice, b.Before, before, e.ID, e.Payment, e.Practice, e.At)
		}
		if err := e.Check(); err != nil {
			return Balance{}, err
		}
		next.Entries++
		for _, p := range e.Postings {
			next.Accounts[p.Account] += p.Amount
		}
	}
	return next, next.Check()
}

// With returns the balance after the period of s, which begins where b ends.
func (b Balance) With(s *Statement) Balance {
	_, to := s.Period.Bounds(s.zone)
	next := Balance{b.Practice, to.UTC(), b.Entries + s.Whole.Entries, maps.Clone(b.Accounts)}
	if next.Accounts == nil {
		next.Accounts = map[ledger.Account]money.Cents{}
	}
	for account, amount := range s.Accounts {
		next.Accounts[account] += amount
	}
	return next
}

// Same reports whether b and other say the same of the same instant. An account without entries is
// as one at nothing.
func (b Balance) Same(other Balance) bool {
	nothing := func(_ ledger.Account, amount money.Cents) bool { return amount == 0 }
	mine, others := maps.Clone(b.Accounts), maps.Clone(other.Accounts)
	maps.DeleteFunc(mine, nothing)
	maps.DeleteFunc(others, nothing)
	return b.Practice == other.Practice && b.Before.Equal(other.Before) && b.Entries == other.Entries && maps.Equal(mine, others)
}

// Check reports accounts that do not add up to nothing.
func (b Balance) Check() error {
	var sum money.Cents
	for _, amount := range b.Accounts {
		sum += amount
	}
	if sum != 0 {
		return fmt.Errorf("balance of %s before %s: its accounts are off by %s", b.Practice, b.Before, sum)
	}
	return nil
}

// Oldest is before every entry of any books: no practice had any before this year.
var Oldest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// settling is how long after its end a month is closed. An entry is booked into the time in
// which it was decided, also when Stripe tells of it days later, so that only a commit under
// way at the end can still come: days are far more than it takes.
const settling = 4 // days

// A Closing is how far a practice's books are closed.
type Closing struct {
	Practice string `json:"practice"`
	// Month is the first day of the month that is closed next.
	Month civil.Day `json:"month"`
	// Began is when the first month began; there are no entries before. Until is the end of the
	// last month that was closed, at which a Balance is kept; it is Began before the first.
	Began time.Time `json:"began"`
	Until time.Time `json:"until"`

	Version int `json:"-"`
}

// FirstClosing is that of a practice whose oldest entry is of an instant.
func FirstClosing(practice string, oldest time.Time, zone *time.Location) Closing {
	month := Month(civil.Of(oldest, zone)).From
	began := month.Start(zone).UTC()
	return Closing{Practice: practice, Month: month, Began: began, Until: began, Version: 1}
}

// Due returns when the next month is closed.
func (c Closing) Due(zone *time.Location) time.Time {
	return Month(c.Month).Through.AddDays(1 + settling).Start(zone).UTC()
}

// Ends returns when the month that is closed next ends.
func (c Closing) Ends(zone *time.Location) time.Time {
	return Month(c.Month).Through.AddDays(1).Start(zone).UTC()
}

// First reports whether no month is closed yet.
func (c Closing) First() bool { return c.Until.Equal(c.Began) }

// Closed returns c after its month was closed with a balance.
func (c Closing) Closed(with Balance) Closing {
	c.Month, c.Until = Month(c.Month).Through.AddDays(1), with.Before
	return c
}
