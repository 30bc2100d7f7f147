// Package books reads what a visit's payments and their ledger entries are, and
// refuses to show them if one that the visit names is missing or belongs
// elsewhere.
package books

import (
	"context"
	"fmt"
	"slices"

	"evisit/pkg/billing"
	"evisit/pkg/ledger"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

// Reads is what Of reads.
type Reads interface {
	// Money returns all payments of a visit, as opened, and their entries, oldest
	// first, in one read.
	Money(ctx context.Context, visit string) ([]billing.Payment, []ledger.Entry, error)
}

// A Money is what is known of a visit's payments, in the order the visit names
// them, and of their entries, oldest first.
type Money struct {
	Payments []billing.Payment
	Entries  []ledger.Entry
}

// Latest is the payment that the visit wants; zero if it has none.
func (m Money) Latest() billing.Payment {
	if len(m.Payments) == 0 {
		return billing.Payment{}
	}
	return m.Payments[len(m.Payments)-1]
}

// rereads is how often money that does not fit is read again: a read may see a
// part of a commit that is being made.
const rereads = 2

// Of returns the money of v.
func Load(ctx context.Context, r Reads, v visit.Visit) (Money, error) {
	if len(v.Payments) == 0 {
		return Money{}, nil
	}
	for n := 0; ; n++ {
		stored, entries, err := r.Money(ctx, v.ID)
		if err != nil {
			return Money{}, err
		}
		out, err := checked(v, stored, entries)
		if err == nil || n == rereads {
			return out, err
		}
	}
}

// fit arranges what is stored as v names it, and refuses what does not fit v.
func checked(v visit.Visit, stored []billing.Payment, entries []ledger.Entry) (Money, error) {
	var out Money
	for _, id := range v.Payments {
		at := slices.IndexFunc(stored, func(p billing.Payment) bool { return p.ID == id })
		if at < 0 || stored[at].Visit != v.ID || stored[at].Practice != v.Practice {
			return Money{}, broken(v, "payment "+id+" is gone or another's")
		}
		p, of := stored[at], entriesOf(entries, id)
		if what := unrecorded(p, of); what != "" {
			return Money{}, broken(v, "the entries of payment "+id+" do not record its "+what)
		}
		out.Payments, out.Entries = append(out.Payments, p), append(out.Entries, of...)
	}
	for _, e := range entries {
		if !slices.ContainsFunc(stored, func(p billing.Payment) bool { return p.ID == e.Payment }) || e.Check() != nil {
			return Money{}, broken(v, "entry "+e.ID+" of payment "+e.Payment+" is another's or does not balance")
		}
	}
	return out, nil
}

func broken(v visit.Visit, what string) error {
	return fmt.Errorf("visit %s: %w: %s", v.ID, vault.ErrBroken, what)
}

func entriesOf(all []ledger.Entry, payment string) []ledger.Entry {
	var of []ledger.Entry
	for _, e := range all {
		if e.Payment == payment {
			of = append(of, e)
		}
	}
	return of
}

// unrecorded names what p says happened and its entries do not add up to; empty
// if they do.
func unrecorded(p billing.Payment, es []ledger.Entry) string {
	sums := ledger.Balances(es)
	held := slices.ContainsFunc(es, func(e ledger.Entry) bool { return e.Kind == ledger.Hold })
	standing := p.Held
	if p.State != billing.Held {
		standing = 0
	}
	switch {
	case held != (p.Held > 0):
		return "hold"
	case sums[ledger.Holds] != standing:
		return "hold's end"
	case sums[ledger.VisitFees] != -p.Collected:
		return "capture"
	case sums[ledger.Stripe] != p.Collected-p.Refunded:
		return "refunds"
	}
	return ""
}
