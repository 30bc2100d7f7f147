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
	Practice string
	Before   time.Time
	Entries  int // of the practice's whole life
	Accounts map[ledger.Account]money.Cents
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

// settling is how long after its end a month is closed. An entry is booked into the time in
// which it was decided, also when Stripe tells of it days later, so that only a commit under
// way at the end can still come: days are far more than it takes.
const settling = 4 // days

// ClosesAt returns when the month that day is of is closed.
func ClosesAt(day civil.Day, zone *time.Location) time.Time {
	return Month(day).Through.AddDays(1 + settling).Start(zone).UTC()
}
