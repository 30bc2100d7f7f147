package books

import (
	"context"
	"iter"
	"time"

	"evisit/pkg/ledger"
)

// Booked reads the entries of a practice.
type Booked interface {
	// Booked returns a practice's entries from a time to, but not at, another in the order of
	// their times: about limit after the place after, which is empty to begin, and the place
	// after which the next page goes on, empty at the end. A page may have fewer. It may lag
	// about a second. An entry of another practice or time is an error.
	Booked(ctx context.Context, practice string, from, to time.Time, after string, limit int) (es []ledger.Entry, next string, err error)
}

// page is how many entries are read at once.
const page = 1000

// Between is what was booked from one instant until before another, in order. An error ends it.
func Between(ctx context.Context, r Booked, practice string, from, to time.Time) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		for after := ""; ; {
			es, next, err := r.Booked(ctx, practice, from, to, after, page)
			if err != nil {
				yield(ledger.Entry{}, err)
				return
			}
			for _, e := range es {
				if !yield(e, nil) {
					return
				}
			}
			if after = next; next == "" {
				return
			}
		}
	}
}
