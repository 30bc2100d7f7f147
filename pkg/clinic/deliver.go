package clinic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// Deliver hands one event, as the stream brought it, to act and writes down how
// it went: done, due again or parked. It returns an error only if not even that
// could be written, so that one bad event never blocks those behind it. The
// commit that consumes an event is what notices one delivered before.
func (cl *Clinic) Deliver(ctx context.Context, d outbox.Delivery, act func(context.Context, outbox.Delivery) error) error {
	failure := act(ctx, d)
	if failure == nil || errors.Is(failure, ErrDone) {
		return nil
	}
	refused, definite := errors.AsType[*Refusal](failure)
	next := d.Failed(cl.now(), definite, note(failure))
	if definite && refused.Final {
		next = d.Park(refused.Code)
	}
	log := cl.Log.WarnContext
	if next.Parked {
		log = cl.Log.ErrorContext
		next.Practice = cl.concerns(ctx, next)
	}
	log(ctx, "event not handled", "event", d.ID, "kind", d.Kind, "visit", d.Visit, "tries", next.Tries, "parked", next.Parked, "err", failure)
	err := cl.Store.Commit(ctx, Commit{Tried: []outbox.Delivery{next}})
	if errors.Is(err, ErrChanged) {
		return nil // another delivery of it was quicker
	}
	return err
}

// concerns is the practice whose people must look at an event given up. One of
// Stripe's names only an account; an account of nobody's concerns nobody but us.
func (cl *Clinic) concerns(ctx context.Context, d outbox.Delivery) string {
	if d.Practice != "" || d.Account == "" {
		return d.Practice
	}
	ids, err := cl.Store.Practices(ctx)
	for _, id := range ids {
		if p, err := cl.practice(ctx, id); err == nil && p.Account == d.Account {
			return id
		}
	}
	if err != nil {
		cl.Log.WarnContext(ctx, "whom a parked event concerns is not known", "event", d.ID, "err", err)
	}
	return ""
}

// note is a stable code for why a try failed.
func note(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	if f, ok := fault.Public(err); ok {
		return f.Code
	}
	return "unknown"
}

// sweepBatch bounds what one sweep takes up from each shard of the index.
const sweepBatch = 100

// Sweep arms again whatever has come due: for a visit by an event, for an
// event by a write that the stream delivers once more. It never acts itself.
// It returns how much it armed. Two sweeps at once do no harm.
func (cl *Clinic) Sweep(ctx context.Context) (int, error) {
	now := cl.now()
	visits, deliveries, err := cl.Store.Due(ctx, now, sweepBatch)
	if err != nil {
		return 0, err
	}
	armed := 0
	var failures []error
	count := func(did bool, err error) {
		if did {
			armed++
		}
		failures = append(failures, err)
	}
	for _, id := range visits {
		count(cl.armVisit(ctx, id, now))
	}
	for _, id := range deliveries {
		count(cl.armDelivery(ctx, id, now))
	}
	failures = append(failures, cl.AdvanceLogs(ctx))
	return armed, errors.Join(failures...)
}

func (cl *Clinic) armVisit(ctx context.Context, id string, now time.Time) (bool, error) {
	v, err := cl.Store.Visit(ctx, id)
	if err != nil || v.Wake.IsZero() || v.Wake.After(now) {
		return false, err
	}
	if v.Overdue(now) == visit.Nothing {
		next := v.Awake()
		err := cl.Store.Commit(ctx, Commit{Visit: &next, Audit: []audit.Record{cl.trail(system("sweep"), "visit.wake", next, now)}})
		if errors.Is(err, ErrChanged) {
			return false, nil
		}
		return err == nil, err
	}
	// The id is made of the deadline and the day, so a deadline is acted on once,
	// and taken up again tomorrow if the event that should have was given up.
	err = cl.Store.Commit(ctx, Commit{Events: []outbox.Event{{
		ID: "due." + v.ID + "." + v.Due().Format("20060102T150405.000") + now.Format(".20060102"), Kind: outbox.VisitDue, To: outbox.Charge,
		Practice: v.Practice, Visit: v.ID, Payment: v.Payment, Until: v.Due(), At: now,
	}}})
	if errors.Is(err, ErrExists) {
		return false, nil
	}
	return err == nil, err
}

func (cl *Clinic) armDelivery(ctx context.Context, id string, now time.Time) (bool, error) {
	d, err := cl.Store.Delivery(ctx, id)
	if err != nil || !d.Done.IsZero() || d.Due.IsZero() || d.Due.After(now) {
		return false, err
	}
	next := d.Rearmed(now)
	if next.Parked {
		cl.Log.ErrorContext(ctx, "event parked", "event", d.ID, "kind", d.Kind, "visit", d.Visit, "note", d.Note)
	}
	err = cl.Store.Commit(ctx, Commit{Tried: []outbox.Delivery{next}})
	if errors.Is(err, ErrChanged) {
		return false, nil
	}
	return err == nil, err
}

// due does what a visit's passed deadline calls for.
func (cl *Clinic) due(ctx context.Context, d outbox.Delivery) error {
	v, err := cl.Store.Visit(ctx, d.Visit)
	if err != nil {
		return err
	}
	now := cl.now()
	next, m := v, Commit{Done: d.ID, At: now}
	switch v.Overdue(now) {
	case visit.Nothing:
		if v.Due().Equal(d.Until) {
			return fmt.Errorf("visit %s is due at %s and our clock says %s", v.ID, d.Until, now)
		}
	case visit.TellLate:
		next = v.Lateness()
		m.Events = append(m.Events, cl.event(outbox.Late, outbox.Notify, next, now))
	case visit.GiveUp:
		if next, err = v.Expire(now); err != nil {
			return err
		}
		m.Events = cl.letGo(v, next, now)
	case visit.CloseQuiet:
		if next, err = cl.closed(ctx, v, "system:charge", now); err != nil {
			return err
		}
	case visit.AskCheckout:
		return cl.askCheckout(ctx, v, d, now)
	}
	if next.Version != v.Version {
		m.Visit = &next
		m.Audit = []audit.Record{cl.trail(system("charge"), "visit.due:"+string(next.Status), next, now)}
	}
	return cl.Store.Commit(ctx, m)
}

// askCheckout learns from Stripe what became of a page whose word never came.
func (cl *Clinic) askCheckout(ctx context.Context, v visit.Visit, d outbox.Delivery, now time.Time) error {
	p, err := cl.Store.Payment(ctx, v.Payment)
	if err != nil {
		return err
	}
	_, o, err := cl.Cards.Observe(ctx, p.Account, p.Session)
	if err != nil {
		return err
	}
	settled, _, err := p.Settle(o, now)
	if err != nil {
		return err
	}
	if settled.State != p.State { // an intent alone, of a card that was declined, moves the visit nowhere
		return cl.settle(ctx, p, o, d.ID)
	}
	next := v.CheckoutOpen(now)
	return cl.Store.Commit(ctx, Commit{
		Done: d.ID, At: now, Visit: &next,
		Audit: []audit.Record{cl.trail(system("charge"), "visit.due:"+string(next.Status), next, now)},
	})
}
