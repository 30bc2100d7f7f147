package charge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/reconcile"
	"evisit/pkg/statement"
	"evisit/pkg/work"
)

// Balance reads an account's balance at Stripe, under the rules of Cards.
type Balance interface {
	// Payout fetches a payout. It reports false for an object that is none.
	Payout(ctx context.Context, account, object string) (billing.PayoutState, bool, error)
	// Transactions lists the movements of the balance in a window. It reports false, and lists none,
	// if there are more than limit.
	Transactions(ctx context.Context, account string, w reconcile.Window, limit int) ([]reconcile.Transaction, bool, error)
	// TransactionsOf lists all movements that belong to an object, as a Transaction names it.
	TransactionsOf(ctx context.Context, account, object string) ([]reconcile.Transaction, error)
}

// Books are what is read of the ledger to compare it.
type Books interface {
	// Progress returns how far an account was compared.
	Progress(ctx context.Context, practice, account string) (reconcile.Progress, error)
	// BookedSubjects lists what a practice's entries of a window are about: payments, memberships and
	// payouts, each once. It may lag about a second.
	BookedSubjects(ctx context.Context, practice string, w reconcile.Window) ([]string, error)
	// Entries lists what the ledger has of a payment, a membership or a payout.
	Entries(ctx context.Context, of string) ([]ledger.Entry, error)
	// Closing returns how far a practice's books are closed.
	Closing(ctx context.Context, practice string) (statement.Closing, error)
	books.Booked
}

// maxCompared bounds the movements that one event compares.
const maxCompared = 300

// workAtOnce bounds the items that are stored in one commit, which has at most a hundred rows.
const workAtOnce = 40

// compareAccount compares the books with the movements of an account's balance since those that
// were compared before. What differs is looked at, as a webhook would have it, and compared again:
// what still differs is somebody's work. Nothing is posted that Stripe does not report of the
// payment itself.
func (m *Room) compareAccount(ctx context.Context, d outbox.Delivery) error {
	for n := 1; ; n++ {
		err := m.compareOnce(ctx, d)
		if !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) || n == attempts {
			return err
		}
	}
}

func (m *Room) compareOnce(ctx context.Context, d outbox.Delivery) error {
	p, err := m.Kernel.Practice(ctx, d.Practice)
	if err != nil || p.Account != d.Account {
		return err
	}
	progress, err := m.Store.Progress(ctx, d.Practice, d.Account)
	if errors.Is(err, fault.NotFound) {
		progress, err = m.firstProgress(ctx, d)
	}
	if err != nil {
		return err
	}
	whole, due := reconcile.WindowAfter(progress.Through, d.At)
	if !due {
		return nil
	}
	w, moved, err := m.movements(ctx, d.Account, whole)
	if err != nil {
		return err
	}
	c := comparison{Room: m, practice: d.Practice, account: d.Account, subjects: map[string]*subject{}}
	if err := c.gather(ctx, progress, w, moved); err != nil {
		return err
	}
	now := m.Kernel.Time()
	out := reconcile.Outcome{Practice: d.Practice, Account: d.Account, Window: w, At: now, Transactions: len(moved)}
	var items clinic.Commit
	for _, key := range c.order {
		found, differs, err := c.compare(ctx, c.subjects[key])
		if err != nil {
			return err
		}
		accepted, err := m.differenceWork(ctx, &items, c.subjects[key], d.Practice, found, differs)
		if err != nil {
			return err
		}
		if accepted.By != "" {
			out = out.WithAccepted(accepted)
			continue
		}
		out = out.With(found, differs)
	}
	for some := range slices.Chunk(items.Work, workAtOnce) {
		if err := m.Kernel.Store.Commit(ctx, clinic.Commit{At: now, Work: some, Audit: m.comparedRecord(d, now)}); err != nil {
			return err
		}
	}
	next := progress.After(out)
	commit := clinic.Commit{At: now, Progress: &next, Outcome: &out, Audit: m.comparedRecord(d, now)}
	if w != whole { // the rest of the time
		e := comparing(d.Practice, d.Account, d.At, now)
		e.ID = m.following(d)
		commit.Events = append(commit.Events, e)
	}
	if commit.Closing, err = m.firstClosing(ctx, p, now); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, commit)
}

// firstClosing begins the closing of a practice's books, with the month of the oldest entry; nil if
// it has begun.
func (m *Room) firstClosing(ctx context.Context, p practice.Practice, now time.Time) (*clinic.Closing, error) {
	if _, err := m.Store.Closing(ctx, p.ID); !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	zone, err := p.Location()
	if err != nil {
		return nil, err
	}
	first, _, err := m.Store.Booked(ctx, p.ID, statement.Oldest, now, "", 1)
	if err != nil {
		return nil, err
	}
	oldest := now
	if len(first) > 0 {
		oldest = first[0].At
	}
	c := statement.FirstClosing(p.ID, oldest, zone)
	return &clinic.Closing{Closing: c, Due: c.Due(zone)}, nil
}

func (m *Room) comparedRecord(d outbox.Delivery, now time.Time) []audit.Record {
	return []audit.Record{{
		ID: m.Kernel.NewID(), Practice: d.Practice, At: now, Actor: clinic.System("charge"), Action: "account.compared", Resource: d.Account,
	}}
}

// firstProgress is how far an account was compared that never was: nothing of ours moved on it before
// patients could pay.
func (m *Room) firstProgress(ctx context.Context, d outbox.Delivery) (reconcile.Progress, error) {
	a, err := m.standing(ctx, d.Practice, d.Account)
	from := d.At.Add(-accountEvery - accountOverlap)
	if !a.Enabled.IsZero() && a.Enabled.Before(from) {
		from = a.Enabled
	}
	return reconcile.Progress{Practice: d.Practice, Account: d.Account, Through: from}, err
}

// comparing is the event, put at now, that compares what is settled of an account at a time. It has no
// id yet.
func comparing(practice, account string, at, now time.Time) outbox.Event {
	return outbox.Event{Kind: outbox.CompareAccount, To: outbox.Charge, Practice: practice, Account: account, At: at, Lease: now.Add(pageLease)}
}

// movements lists the movements of a window, or of so much of its beginning that they are not too
// many.
func (m *Room) movements(ctx context.Context, account string, w reconcile.Window) (reconcile.Window, []reconcile.Transaction, error) {
	for {
		ts, all, err := m.Balance.Transactions(ctx, account, w, maxCompared)
		if all || err != nil {
			return w, ts, err
		}
		half, ok := w.Half()
		if !ok {
			return w, nil, fmt.Errorf("account %s moved money more than %d times in a second from %s on", account, maxCompared, w.From)
		}
		w = half
	}
}

// A subject is what one comparison is about.
type subject struct {
	about   string   // in the books; empty: it is not known here
	object  string   // what is told of it at Stripe; empty: nothing is there
	objects []string // whose movements are its
	visit   string   // whose payment it is; empty: no visit's

	subscription string // of a membership
	payer        string // of that membership
	seen         []reconcile.Transaction
}

// A comparison collects what is to be compared in one window.
type comparison struct {
	*Room

	practice, account string
	subjects          map[string]*subject
	order             []string
}

// gather collects what moved in a window, what the entries in it are about, and what differed
// before.
func (c *comparison) gather(ctx context.Context, p reconcile.Progress, w reconcile.Window, moved []reconcile.Transaction) error {
	for _, g := range reconcile.Groups(moved) {
		s, err := c.ofObject(ctx, g.Object, g.Ref)
		if err != nil {
			return err
		}
		c.add(s, g.Object, g.Transactions)
	}
	booked, err := c.Store.BookedSubjects(ctx, c.practice, w)
	if err != nil {
		return err
	}
	for _, about := range booked {
		if err := c.addBooked(ctx, about, ""); err != nil {
			return err
		}
	}
	for _, d := range p.Open {
		if err := c.addOpen(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// add adds an object of a subject, and what moved of it.
func (c *comparison) add(s subject, object string, moved []reconcile.Transaction) {
	key := s.about
	if key == "" {
		key = object
	}
	at := c.subjects[key]
	if at == nil {
		at = &s
		c.subjects[key], c.order = at, append(c.order, key)
	}
	if object != "" && !slices.Contains(at.objects, object) {
		at.objects = append(at.objects, object)
	}
	at.seen = append(at.seen, moved...)
}

// addBooked adds what entries are about, with the object at Stripe that is known of it where no row
// names one. What belongs to another account of the practice is compared with that.
func (c *comparison) addBooked(ctx context.Context, about, object string) error {
	if c.subjects[about] != nil {
		return nil
	}
	if of, ok := strings.CutPrefix(about, billing.PayoutsOf(c.practice)+"."); ok {
		if account, payout, _ := strings.Cut(of, "."); account == c.account {
			c.add(subject{about: about, object: payout}, payout, nil)
		}
		return nil
	}
	p, err := c.Store.Payment(ctx, about)
	if err == nil {
		if p.Account == c.account {
			c.add(subject{about: about, object: p.Intent, visit: p.Visit}, p.Intent, nil)
		}
		return nil
	}
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	mem, err := c.Store.Membership(ctx, about)
	switch {
	case errors.Is(err, fault.NotFound):
		c.add(subject{about: about, object: object}, object, nil) // entries about nothing that there is
	case err != nil:
		return err
	case mem.Account == c.account:
		c.add(subject{about: about, object: mem.Subscription, subscription: mem.Subscription, payer: mem.Payer}, "", nil)
	}
	return nil
}

// addOpen adds what differed before.
func (c *comparison) addOpen(ctx context.Context, d reconcile.Difference) error {
	if d.About != "" {
		return c.addBooked(ctx, d.About, d.Object)
	}
	s, err := c.ofObject(ctx, d.Object, "")
	if err != nil {
		return err
	}
	c.add(s, d.Object, nil)
	return nil
}

// ofObject finds what an object at Stripe is in the books. ref is the reference that its movements
// show, if any.
func (c *comparison) ofObject(ctx context.Context, object, ref string) (subject, error) {
	unknown := subject{object: object}
	switch _, payout, err := c.Balance.Payout(ctx, c.account, object); {
	case err != nil:
		return unknown, ignoreRefused(err)
	case payout:
		p := billing.Payout{Practice: c.practice, Account: c.account, PayoutState: billing.PayoutState{ID: object}}
		return subject{about: p.Ref(), object: object}, nil
	case ref == "":
		if ref, _, err = c.Cards.Observe(ctx, c.account, object); err != nil {
			return unknown, ignoreRefused(err)
		}
	}
	if ref == "" {
		return c.ofMembership(ctx, object)
	}
	p, err := c.Store.Payment(ctx, ref)
	if errors.Is(err, fault.NotFound) || err == nil && p.Account != c.account {
		return unknown, nil // another system's, or another account's
	}
	if err != nil {
		return unknown, err
	}
	if p.Intent == object {
		return subject{about: p.ID, object: object, visit: p.Visit}, nil
	}
	return subject{about: p.StrayID(object), object: object, visit: p.Visit}, nil
}

func (c *comparison) ofMembership(ctx context.Context, object string) (subject, error) {
	s, err := c.Subscriptions.Subscribed(ctx, c.account, object)
	if err != nil || s.Ref == "" {
		return subject{object: object}, ignoreRefused(err)
	}
	mem, err := c.Store.Membership(ctx, s.Ref)
	if errors.Is(err, fault.NotFound) || err == nil && mem.Account != c.account {
		return subject{object: object}, nil
	}
	return subject{about: mem.ID, object: mem.Subscription, subscription: mem.Subscription, payer: mem.Payer}, err
}

// ignoreRefused returns nil for what will not pass: Stripe has no such object, or it is none of a
// payment.
func ignoreRefused(err error) error {
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && (refused.Final || refused.Code == missing) {
		return nil
	}
	return err
}

// An impossible is an error of what was fetched from Stripe, which the payment or the membership
// that it is about can never be.
type impossible struct{ error }

func (e impossible) Unwrap() error { return e.error }

// compare compares all that both sides have of s. The movements that were listed are all of most
// payments: only if they are not what the books have are the others fetched, and only if these
// differ too is the payment looked at. What nothing here is known of was looked at to find that out.
func (c *comparison) compare(ctx context.Context, s *subject) (reconcile.Difference, bool, error) {
	for look := s.about == ""; ; look = true {
		entries, err := c.entries(ctx, s.about)
		if err != nil {
			return reconcile.Difference{}, false, err
		}
		books := reconcile.Books(entries)
		if d, differs := reconcile.Compare(s.about, s.object, books, reconcile.Moved(s.seen)); !differs && !look && len(s.seen) > 0 {
			return d, false, nil
		}
		all, err := c.all(ctx, s)
		if err != nil {
			return reconcile.Difference{}, false, err
		}
		d, differs := reconcile.Compare(s.about, s.object, books, reconcile.Moved(s.seen, all))
		if !differs || look {
			return d, differs, nil
		}
		for _, o := range s.objects {
			err := ignoreRefused(c.look(ctx, c.account, o))
			if _, never := errors.AsType[impossible](err); err != nil && !never {
				return d, false, err
			}
		}
	}
}

func (c *comparison) entries(ctx context.Context, about string) ([]ledger.Entry, error) {
	if about == "" {
		return nil, nil
	}
	return c.Store.Entries(ctx, about)
}

// all lists the movements of all objects of s: of a membership, those of all its invoices.
func (c *comparison) all(ctx context.Context, s *subject) ([]reconcile.Transaction, error) {
	if s.subscription != "" {
		billed, err := c.Subscriptions.Subscribed(ctx, c.account, s.subscription)
		if err != nil {
			return nil, err
		}
		for _, b := range billed.Bills {
			if b.Intent != "" && !slices.Contains(s.objects, b.Intent) {
				s.objects = append(s.objects, b.Intent)
			}
		}
	}
	var ts []reconcile.Transaction
	for _, o := range s.objects {
		of, err := c.Balance.TransactionsOf(ctx, c.account, o)
		if err := ignoreRefused(err); err != nil {
			return nil, err
		}
		ts = append(ts, of...)
	}
	return ts, nil
}

// differenceWork adds to c that somebody must see why the books and Stripe differ, or that they do
// not any more. Work that a person ended is opened again only if the two sides have changed since; else
// that person has accepted the difference. The zero Accepted is of a difference that nobody has.
func (m *Room) differenceWork(ctx context.Context, c *clinic.Commit, s *subject, practice string, d reconcile.Difference, differs bool) (reconcile.Accepted, error) {
	none := reconcile.Accepted{}
	if !differs {
		c.At = m.Kernel.Time()
		return none, m.endWork(ctx, c, work.BooksDiffer, practice, d.Key())
	}
	item := work.New(work.Item{Kind: work.BooksDiffer, Practice: practice, Pool: identity.OfficePool, Visit: s.visit, Difference: d}, d.Key(), m.Kernel.Time())
	if s.visit != "" {
		item.Payment = s.about
	}
	if s.payer != "" {
		item.Patient, item.Membership = s.payer, s.about
	}
	was, err := m.Store.WorkItem(ctx, practice, item.ID)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return none, err
	case was.Difference == d && was.Open():
		return none, nil
	case was.Difference == d && !strings.HasPrefix(was.EndedBy, clinic.System("").ID):
		return reconcile.Accepted{Difference: d, By: was.EndedBy, On: was.Ended}, nil
	case was.Open():
		item.Made, item.Due, item.Version = was.Made, was.Due, was.Version+1
	default:
		item = item.Again(was)
	}
	c.Work = append(c.Work, item)
	return none, nil
}
