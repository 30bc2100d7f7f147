package office

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/statement"
	"evisit/pkg/vault"
)

// booksPage is how many entries are read at once for a statement, and maxBooked how many one
// request reads: some 20,000 read units, in a few seconds. maxExported keeps an export below the
// 6 MB that a function may reply with, at about 500 bytes for the lines of an entry.
const (
	booksPage   = 1000
	maxBooked   = 40_000
	maxExported = 8000
)

var errTooManyEntries = fault.New(fault.Invalid, "too_many_entries", "this period has more entries than are read at once; ask for a shorter one")

// A Booked is the entries of a practice that somebody may read.
type Booked struct {
	Period statement.Period
	Zone   *time.Location // of the period's days
	Today  civil.Day
	Only   statement.Filter
	// Forms has the titles of the statement's forms by name, or of the one that is asked for, and
	// Clinicians and Payers the names of clinicians and of payers by id. What the practice no longer
	// has is in none.
	Forms, Clinicians, Payers map[string]string
	// Opening and Closing are what the accounts stand at before a statement's period and after it,
	// and Closed is the end of the last month that was closed; zero before the first.
	Opening, Closing statement.Balance
	Closed           time.Time

	practice string
}

// books finds which entries c asks for, and may read, and records that they do.
func (o *Office) books(ctx context.Context, c clinic.Caller, q statement.Question, record func(context.Context, clinic.Caller, identity.Action, clinic.Subject) error) (Booked, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return Booked{}, err
	}
	b := Booked{practice: c.Person.Practice}
	subject := clinic.Subject{Practice: b.practice}
	if err := o.Kernel.Allow(ctx, c, identity.ReadBooks, identity.Resource{Practice: b.practice, Whole: true}, subject); err != nil {
		return Booked{}, err
	}
	of, err := o.Kernel.Practice(ctx, b.practice)
	if err != nil {
		return Booked{}, err
	}
	if b.Zone, err = of.Location(); err != nil {
		return Booked{}, err
	}
	b.Today = civil.Of(o.Kernel.Time(), b.Zone)
	if b.Period, b.Only, err = q.Read(b.Today); err != nil {
		return Booked{}, err
	}
	return b, record(ctx, c, identity.ReadBooks, subject)
}

// Statement sums what the books of the caller's practice say of a period. That it was read is
// recorded once an hour. Errors: fault.Denied for who is no administrator; fault.Invalid for a
// period that is none, or has too many entries.
func (o *Office) Statement(ctx context.Context, c clinic.Caller, q statement.Question) (Booked, *statement.Statement, error) {
	b, err := o.books(ctx, c, q, o.Kernel.RecordList)
	if err != nil {
		return b, nil, err
	}
	s := statement.New(b.Period, b.Zone)
	if err := o.eachPage(ctx, b, maxBooked, s.Add); err != nil {
		return b, nil, err
	}
	if err := errors.Join(s.Check(), o.balance(ctx, &b, s)); err != nil {
		return b, nil, err
	}
	err = o.name(ctx, &b, slices.Collect(maps.Keys(s.Forms)), slices.Collect(maps.Keys(s.Clinicians)), slices.Collect(maps.Keys(s.Payers)))
	return b, s, err
}

// balance finds what the accounts stand at before and after a statement's period: by the last month
// that was closed before, and what was booked since. What a closed month stood at is compared with
// what its entries say now.
func (o *Office) balance(ctx context.Context, b *Booked, s *statement.Statement) error {
	from, to := b.Period.Bounds(b.Zone)
	closing, err := o.Store.Closing(ctx, b.practice)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	last := statement.Balance{Practice: b.practice, Before: statement.Oldest}
	if err == nil {
		last.Before = closing.Began
		if !closing.First() {
			b.Closed = closing.Until
		}
	}
	kept, err := o.Store.BalanceAt(ctx, b.practice, from)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	switch wanted := !b.Closed.IsZero() && !from.Before(b.Closed); { // the last one, and not an older
	case wanted && kept.Before.Before(b.Closed):
		return fmt.Errorf("books of practice %s: %w: the balance at %s is gone", b.practice, vault.ErrBroken, b.Closed)
	case err == nil:
		last = kept
	case from.Before(last.Before):
		last.Before = from
	}
	if b.Opening, err = last.Until(from, atMost(maxBooked, books.Between(ctx, o.Store, b.practice, last.Before, from))); err != nil {
		return err
	}
	b.Closing = b.Opening.With(s)
	kept, err = o.Store.BalanceAt(ctx, b.practice, to)
	if err == nil && kept.Before.Equal(to) && !kept.Same(b.Closing) {
		return fmt.Errorf("books of practice %s: %w: the month that was closed at %s had %d entries, and has %d", b.practice, vault.ErrBroken, to, kept.Entries, b.Closing.Entries)
	}
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// atMost is entries, and an error if there are more than some.
func atMost(most int, entries iter.Seq2[ledger.Entry, error]) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		n := 0
		for e, err := range entries {
			if n++; n > most {
				err = errTooManyEntries
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// name finds what people call some forms, clinicians and payers.
func (o *Office) name(ctx context.Context, b *Booked, forms, clinicians, payers []string) error {
	of, err := o.Kernel.Practice(ctx, b.practice)
	if err != nil {
		return err
	}
	b.Forms, b.Clinicians, b.Payers = map[string]string{}, map[string]string{}, map[string]string{}
	for _, name := range forms {
		if version, has := of.Forms[name]; has {
			f, err := o.Kernel.Form(ctx, b.practice, name, version)
			if err != nil {
				return err
			}
			b.Forms[name] = f.Title()
		}
	}
	for _, id := range clinicians {
		if id == statement.Unnamed || id == "" {
			continue
		}
		who, err := o.Kernel.Store.Person(ctx, id)
		switch {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			return err
		case who.Practice == b.practice:
			b.Clinicians[id] = who.Display
		}
	}
	for _, id := range payers {
		p, err := o.Store.Payer(ctx, id)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		b.Payers[id] = p.Name
	}
	return nil
}

// eachPage has take see the entries of b in order, a page at a time, and refuses more than most.
func (o *Office) eachPage(ctx context.Context, b Booked, most int, take func(...ledger.Entry) error) error {
	from, to := b.Period.Bounds(b.Zone)
	read, after := 0, ""
	for {
		es, next, err := o.Store.Booked(ctx, b.practice, from, to, after, booksPage)
		if err != nil {
			return err
		}
		if read += len(es); read > most {
			return errTooManyEntries
		}
		if err := take(es...); err != nil || next == "" {
			return err
		}
		after = next
	}
}

// BookedEntries lists entries of the caller's practice in the order of their times, about limit
// after a place, and the place after which the next page goes on, empty at the end. It is recorded
// and refused as Statement is.
func (o *Office) BookedEntries(ctx context.Context, c clinic.Caller, q statement.Question, after string, limit int) (Booked, []ledger.Entry, string, error) {
	b, err := o.books(ctx, c, q, o.Kernel.RecordList)
	if err != nil {
		return b, nil, "", err
	}
	if err := o.name(ctx, &b, []string{b.Only.Form}, []string{b.Only.Clinician}, []string{b.Only.Payer}); err != nil {
		return b, nil, "", err
	}
	from, to := b.Period.Bounds(b.Zone)
	size := limit
	if b.Only != (statement.Filter{}) {
		size = booksPage // of which few may be asked for
	}
	var page []ledger.Entry
	for read := 0; read <= maxBooked; {
		es, next, err := o.Store.Booked(ctx, b.practice, from, to, after, size)
		if err != nil {
			return b, nil, "", err
		}
		for _, e := range slices.DeleteFunc(es, func(e ledger.Entry) bool { return !b.Only.Has(e) }) {
			if last := len(page) - 1; len(page) >= limit && o.Store.BookPlace(e) != o.Store.BookPlace(page[last]) {
				return b, page, o.Store.BookPlace(page[last]), nil
			}
			page = append(page, e)
		}
		if next == "" || len(page) >= limit {
			return b, page, next, nil
		}
		read, after = read+size, next
	}
	return b, nil, "", errTooManyEntries
}

// ExportEntries returns all entries of the caller's practice that are asked for. Each time is
// recorded; it is refused as Statement is.
func (o *Office) ExportEntries(ctx context.Context, c clinic.Caller, q statement.Question) (Booked, []ledger.Entry, error) {
	b, err := o.books(ctx, c, q, o.Kernel.RecordLook)
	if err != nil {
		return b, nil, err
	}
	var all []ledger.Entry
	err = o.eachPage(ctx, b, maxExported, func(es ...ledger.Entry) error {
		for _, e := range es {
			if b.Only.Has(e) {
				all = append(all, e)
			}
		}
		return nil
	})
	return b, all, err
}
