package charge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Subscriptions fetches and ends memberships at Stripe, under the rules of Cards.
type Subscriptions interface {
	// Subscribed fetches the subscription that an object is or belongs to, which may be a
	// session, an intent or an invoice, with its invoices. It returns the zero value for an
	// object of none, and has no Ref for a subscription that this system did not make.
	Subscribed(ctx context.Context, account, object string) (Subscribed, error)
	// Carry has Stripe do what is asked of a subscription, and note in it the turn in which it is
	// asked whether it is renewed.
	Carry(ctx context.Context, account, subscription string, ask membership.Ask, turn int, key string) error
	// Reprice has Stripe take yearly from the next year on. Nothing is charged for the year that runs.
	Reprice(ctx context.Context, account, subscription string, yearly money.Cents, key string) error
}

// A Subscribed is a subscription as fetched from Stripe. Its Standing has no At.
type Subscribed struct {
	// Ref is the membership in the object's metadata.
	Ref string
	// Session is the page that was fetched, SessionOver that it has expired. No subscription
	// was made by a page without one.
	Session     string
	SessionOver bool
	membership.Observation
	Bills []membership.Billed
}

// errForeignCustomer marks a subscription with a membership's reference that is another
// customer's, or is not the membership's.
var errForeignCustomer = &clinic.Refusal{Code: "foreign_customer", Final: true}

// lookMembership follows the membership that an object at Stripe belongs to; an object of none
// concerns nobody.
func (m *Room) lookMembership(ctx context.Context, account, object string) error {
	at := m.Kernel.Time()
	s, err := m.Subscriptions.Subscribed(ctx, account, object)
	if refused, ok := errors.AsType[*clinic.Refusal](err); ok && refused.Code == missing {
		return &clinic.Refusal{Code: missing, Final: true}
	}
	if err != nil || s.Ref == "" {
		return err
	}
	s.At = at
	mem, err := m.Store.Membership(ctx, s.Ref)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil // of another system on the same account
	case err != nil:
		return err
	case mem.Account != account:
		return errForeign
	}
	return m.follow(ctx, mem, s)
}

// checkMembership asks Stripe how a membership stands, whatever webhooks were lost.
func (m *Room) checkMembership(ctx context.Context, d outbox.Delivery) error {
	mem, err := m.Store.Membership(ctx, d.Membership)
	if err != nil {
		return err
	}
	s, err := m.fetch(ctx, mem)
	if err != nil {
		return err
	}
	return m.follow(ctx, mem, s)
}

// fetch fetches a membership that was read before: what it fetches is later than what mem follows.
func (m *Room) fetch(ctx context.Context, mem membership.Membership) (Subscribed, error) {
	at := m.Kernel.Time()
	if !at.After(mem.Standing.At) {
		at = mem.Standing.At.Add(time.Millisecond)
	}
	object := mem.Subscription
	if object == "" {
		object = mem.Page.Session
	}
	s, err := m.Subscriptions.Subscribed(ctx, mem.Account, object)
	s.At = at
	return s, err
}

// follow brings a membership, its bills and its ledger entries to the state fetched from Stripe,
// in one commit; none if they are in that state.
func (m *Room) follow(ctx context.Context, mem membership.Membership, s Subscribed) error {
	for n := 1; ; n++ {
		if !s.At.After(mem.Standing.At) { // it was fetched before mem was read
			var err error
			if s, err = m.fetch(ctx, mem); err != nil {
				return err
			}
		}
		err := m.followOnce(ctx, mem, s)
		if !errors.Is(err, clinic.ErrChanged) && !errors.Is(err, clinic.ErrExists) || n == attempts {
			return err
		}
		if mem, err = m.Store.Membership(ctx, mem.ID); err != nil {
			return err
		}
	}
}

func (m *Room) followOnce(ctx context.Context, mem membership.Membership, s Subscribed) error {
	now := m.Kernel.Time()
	var next membership.Membership
	switch {
	case s.Subscription == "" && s.SessionOver && s.Session == mem.Page.Session:
		next = mem.Abandoned(now)
	case s.Subscription == "":
		return nil // the page can still be paid
	case mem.Subscription != "" && mem.Subscription != s.Subscription || mem.Customer != s.Customer:
		return errForeignCustomer
	default:
		var err error
		if next, err = mem.Observe(s.Observation); err != nil {
			return impossible{err}
		}
	}
	c := clinic.Commit{At: now}
	if err := m.settleBills(ctx, &c, next, s.Bills); err != nil {
		return err
	}
	changed := next.Version != mem.Version && !next.Same(mem)
	if !changed && len(c.Bills) == 0 {
		return nil
	}
	if err := m.applyMembership(ctx, &c, mem, next); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}

// settleBills adds to c the bills of a membership that stand otherwise at Stripe, and the entries
// that book the difference.
func (m *Room) settleBills(ctx context.Context, c *clinic.Commit, mem membership.Membership, all []membership.Billed) error {
	ids := make([]string, len(all))
	for i, b := range all {
		ids[i] = b.Invoice
	}
	known, err := m.Store.Bills(ctx, mem.ID, ids)
	if err != nil {
		return err
	}
	for _, billed := range all {
		was := mem.BillOf(billed.Invoice)
		for _, b := range known {
			if b.Invoice == billed.Invoice {
				was = b
			}
		}
		over := mem.State == membership.Ended || !c.At.Before(billed.End)
		next, entries, err := was.Settle(billed, over, c.At)
		if err != nil {
			return impossible{err}
		}
		if next.Version == was.Version {
			continue
		}
		c.Bills = append(c.Bills, next)
		c.Entries = append(c.Entries, entries...)
		if err := m.contestWork(ctx, c, mem, was.Contest, next.Contest); err != nil {
			return err
		}
	}
	return nil
}

// contestWork adds to c that the practice must answer the bank of who paid for a membership, or need
// not any more.
func (m *Room) contestWork(ctx context.Context, c *clinic.Commit, mem membership.Membership, was, is membership.Contest) error {
	if was == is {
		return nil
	}
	if was.ID != "" && was.ID != is.ID {
		if err := m.endWork(ctx, c, work.MembershipDisputed, mem.Practice, was.ID); err != nil {
			return err
		}
	}
	if !is.Awaits {
		return m.endWork(ctx, c, work.MembershipDisputed, mem.Practice, is.ID)
	}
	note := is.Reason
	if is.Inquiry {
		note = work.Inquiry
	}
	item := work.Item{Kind: work.MembershipDisputed, Practice: mem.Practice, Patient: mem.Payer, Membership: mem.ID}
	return m.placeWork(ctx, c, work.New(item, is.ID, c.At).Says(note, is.Due))
}

// applyMembership adds to c the next state of a membership, and what it means: letters to the
// payer, work of the practice, and what Stripe is to be asked.
func (m *Room) applyMembership(ctx context.Context, c *clinic.Commit, was, next membership.Membership) error {
	p, err := m.Kernel.Practice(ctx, was.Practice)
	if err != nil {
		return err
	}
	zone, err := p.Location()
	if err != nil {
		return err
	}
	next.Version = was.Version + 1
	c.Memberships = append(c.Memberships, clinic.Membership{Membership: next, Due: next.NextDue(zone, c.At)})
	tell := func(k outbox.Kind, to outbox.Consumer) {
		c.Events = append(c.Events, m.Kernel.MembershipEvent(k, to, next, c.At))
	}
	renewed := was.State != membership.Pending && next.Standing.Start.After(was.Standing.Start)
	switch {
	case next.State == membership.Active && was.State == membership.Pending:
		tell(outbox.MemberJoined, outbox.Notify)
	case next.State == membership.Active && (renewed || was.State != membership.Active):
		tell(outbox.MemberRenewed, outbox.Notify)
	case next.State == membership.PastDue && was.State != membership.PastDue:
		tell(outbox.MemberUnpaid, outbox.Notify)
		if err := m.openWork(ctx, c, work.Item{Kind: work.MembershipUnpaid, Practice: was.Practice, Patient: was.Payer, Membership: was.ID}, was.ID); err != nil {
			return err
		}
	case next.State == membership.Ended && was.State != membership.Ended:
		tell(outbox.MemberEnded, outbox.Notify)
	}
	switch cancelled, resumed := next.Turned(was); {
	case cancelled:
		tell(outbox.MemberCancelled, outbox.Notify)
	case resumed:
		tell(outbox.MemberResumed, outbox.Notify)
	}
	if was.State == membership.PastDue && next.State != membership.PastDue {
		if err := m.endWork(ctx, c, work.MembershipUnpaid, was.Practice, was.ID); err != nil {
			return err
		}
	}
	if was.Owed() > 0 && next.Owed() == 0 {
		if err := m.endWork(ctx, c, work.MembershipUnrefunded, was.Practice, was.ID); err != nil {
			return err
		}
	}
	if next.Carries(was, c.At) {
		tell(outbox.CarryMembership, outbox.Charge)
	}
	c.Audit = append(c.Audit, audit.Record{
		ID: m.Kernel.NewID(), Practice: was.Practice, At: c.At, Actor: clinic.System("charge"), Action: "membership." + string(next.State), Patient: was.Payer, Resource: was.ID,
	})
	return nil
}

// carryMembership has Stripe do what is wanted of a membership now: whatever the event was put for.
// What Stripe says afterwards decides.
func (m *Room) carryMembership(ctx context.Context, d outbox.Delivery) error {
	mem, err := m.Store.Membership(ctx, d.Membership)
	if err != nil || mem.Subscription == "" {
		return err
	}
	if err := m.askStripe(ctx, mem, d); err != nil {
		return err
	}
	if mem, err = m.Store.Membership(ctx, d.Membership); err != nil || mem.Owed() == 0 {
		return err
	}
	return m.giveBackFees(ctx, mem, d.Attempt)
}

// askStripe has a subscription end, go on or cost what is wanted. If nothing is, an event that was put
// for something that is asked no more may come after a call of its own: what Stripe has is looked at.
func (m *Room) askStripe(ctx context.Context, mem membership.Membership, d outbox.Delivery) error {
	ask, now := mem.Wanted(), m.Kernel.Time()
	var asked error
	switch {
	case ask != membership.Nothing:
		asked = m.Subscriptions.Carry(ctx, mem.Account, mem.Subscription, ask, mem.Turn, carryKey(mem, ask, d))
	case mem.Mispriced(now):
		asked = m.Subscriptions.Reprice(ctx, mem.Account, mem.Subscription, mem.RenewalPrice(now), d.Key())
	case mem.Owed() > 0:
		return nil // what is refunded is fetched with it
	default:
		s, err := m.fetch(ctx, mem)
		if err != nil {
			return err
		}
		return m.follow(ctx, mem, s)
	}
	refused, err := splitRefusal(asked)
	if err != nil {
		return err
	}
	s, err := m.fetch(ctx, mem)
	if err != nil {
		return err
	}
	next, err := mem.Carried(ask, s.Observation)
	if err != nil {
		return err
	}
	if refused != nil && (next.Wanted() != membership.Nothing || next.Mispriced(now)) {
		return refused
	}
	if refused == nil && ask != membership.Nothing && next.Turn == mem.Turn {
		next = next.AskAgain()
	}
	c := clinic.Commit{At: m.Kernel.Time()}
	if err := m.settleBills(ctx, &c, next, s.Bills); err != nil {
		return err
	}
	if err := m.applyMembership(ctx, &c, mem, next); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}

// carryKey is the idempotency key of what is asked of a subscription. Whether it is renewed is asked once
// in each turn, whichever event has it asked, so that a call that arrives after its repeat does nothing.
func carryKey(mem membership.Membership, ask membership.Ask, d outbox.Delivery) string {
	if ask == membership.CancelNow {
		return d.Key()
	}
	return fmt.Sprintf("%s-turn-%d-%d", mem.ID, mem.Turn, d.Attempt)
}

// giveBackFees refunds what is owed of the payments of a year, as Stripe has them now. The key is of the
// invoice and what was refunded of it before, so that of two events that find the same owed one
// refunds it. What Stripe refuses for good, or a few times, is somebody's work.
func (m *Room) giveBackFees(ctx context.Context, mem membership.Membership, attempt int) error {
	s, err := m.fetch(ctx, mem)
	if err != nil {
		return err
	}
	seen, err := mem.Observe(s.Observation)
	if err != nil {
		return err
	}
	var refused *clinic.Refusal
	owed := seen.Owed()
	for _, b := range s.Bills {
		part := min(owed, b.Paid-b.Refunded-b.Withdrawn)
		if b.Year != seen.Standing.Year || part <= 0 {
			continue
		}
		no, err := splitRefusal(m.Cards.Refund(ctx, Refund{
			Account: mem.Account, Intent: b.Intent, Amount: part, Platform: b.PlatformFee > 0,
		}, fmt.Sprintf("%s-back-%d-%d", b.Invoice, b.Refunded, part)))
		if err != nil {
			return err
		}
		if no != nil {
			refused = no
		}
		owed -= part
	}
	if s, err = m.fetch(ctx, mem); err != nil {
		return err
	}
	if err := m.follow(ctx, mem, s); err != nil {
		return err
	}
	if mem, err = m.Store.Membership(ctx, mem.ID); err != nil || mem.Owed() == 0 {
		return err
	}
	note := billing.RefundFailed // it was made, and has failed already
	if refused != nil {
		if note = refused.Code; refused.Temporary || !refused.Final && attempt < refundAttempts-1 {
			return refused
		}
	}
	now := m.Kernel.Time()
	c := clinic.Commit{At: now, Audit: []audit.Record{{
		ID: m.Kernel.NewID(), Practice: mem.Practice, At: now, Actor: clinic.System("charge"), Action: "membership.refund_refused", Patient: mem.Payer, Resource: mem.ID,
	}}}
	if err := m.openWork(ctx, &c, work.Item{Kind: work.MembershipUnrefunded, Practice: mem.Practice, Patient: mem.Payer, Membership: mem.ID, Note: note}, mem.ID); err != nil {
		return err
	}
	return m.Kernel.Store.Commit(ctx, c)
}

// giveBackVisit gives a membership the included visit back of a request that ended without an answer:
// it can be used again in the year for which it was used.
func (m *Room) giveBackVisit(ctx context.Context, d outbox.Delivery) error {
	v, err := m.Store.Visit(ctx, d.Visit)
	if err != nil {
		return err
	}
	if !v.Status.Over() || !v.Times.Answered.IsZero() {
		return nil
	}
	for n := 1; ; n++ {
		err := m.giveBackOnce(ctx, v)
		if !errors.Is(err, clinic.ErrChanged) || n == attempts {
			return err
		}
	}
}

func (m *Room) giveBackOnce(ctx context.Context, v visit.Visit) error {
	_, counts, err := m.Store.Included(ctx, v.Patient)
	if err != nil {
		return err
	}
	c := clinic.Commit{At: m.Kernel.Time()}
	for _, was := range counts {
		if next := was.GiveBack(v.ID); next.Version != was.Version {
			c.Counts = append(c.Counts, clinic.Count{Count: next, Practice: v.Practice})
		}
	}
	if len(c.Counts) == 0 {
		return nil
	}
	c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("charge"), "membership.given_back", v, c.At))
	return m.Kernel.Store.Commit(ctx, c)
}
