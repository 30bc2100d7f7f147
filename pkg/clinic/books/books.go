// Package books reads a visit's payments and their ledger entries, and refuses
// to show them if a payment that the visit names is missing or belongs to
// another visit. It writes none: payments change in package charge.
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

// Reads is what Load reads.
type Reads interface {
	// Money returns all payments of a visit, as opened, and their entries, oldest
	// first, in one read.
	Money(ctx context.Context, visit string) ([]billing.Payment, []ledger.Entry, error)
}

// A Money has a visit's payments, in the order the visit names them, and their
// entries, oldest first.
type Money struct {
	Payments []billing.Payment
	Entries  []ledger.Entry
}

// Latest is the visit's latest payment; zero if it has none.
func (m Money) Latest() billing.Payment {
	if len(m.Payments) == 0 {
		return billing.Payment{}
	}
	return m.Payments[len(m.Payments)-1]
}

// Wanted is the payment that v wants; its latest if it wants none.
func (m Money) Wanted(v visit.Visit) billing.Payment {
	for _, p := range m.Payments {
		if p.ID == v.Payment {
			return p
		}
	}
	return m.Latest()
}

// rereads is how often payments and entries that do not fit are read again: a
// read may see part of a commit.
const rereads = 2

// Load returns the money of v.
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

// checked orders the stored payments as v names them, and refuses payments and
// entries that do not fit v.
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

// unrecorded names the part of p that its entries do not add up to; empty if
// they do.
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
	case sums[ledger.Refunds] != p.Refunded:
		return "refunds"
	case sums[ledger.StripeFees] != p.StripeFee:
		return "fee"
	case sums[ledger.PlatformFees] != p.PlatformFee:
		return "platform's fee"
	case sums[ledger.Disputes] != p.Withdrawn || sums[ledger.DisputeFees] != p.DisputeFee:
		return "disputes"
	}
	return ""
}
