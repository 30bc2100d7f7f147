package clinic

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/vault"
	"evisit/pkg/work"
)

// A Refusal is a definite no of Stripe. The same call with the same key would be
// refused again, so another attempt needs another key.
type Refusal struct {
	Code string
	// Final says that the card or the hold is at fault: another attempt cannot
	// succeed.
	Final bool
	// Temporary says that Stripe itself failed: the object must be fetched
	// before another attempt, and attempts are not limited.
	Temporary bool
}

// AccountLost is Stripe's code for an account that the platform has no access to.
const AccountLost = "account_invalid"

func (r *Refusal) Error() string { return "refused by stripe: " + r.Code }

// A Wait is the error of an act that Stripe refuses until something else changes: the
// event is due again at Until, however often.
type Wait struct {
	Until time.Time
	Why   *Refusal
}

func (w *Wait) Error() string {
	return "waits until " + w.Until.Format(time.RFC3339) + ": " + w.Why.Error()
}

func (w *Wait) Unwrap() error { return w.Why }

// A Partial is the error of an act that sent the letter of one recipient and not
// that of another: a later try sends the other's alone.
type Partial struct {
	Sent outbox.Recipient
	Err  error
}

func (p *Partial) Error() string {
	return "after the letter to the " + string(p.Sent) + ": " + p.Err.Error()
}

func (p *Partial) Unwrap() error { return p.Err }

var (
	errNoOutcome   = errors.New("every delivery ended without an outcome")
	errUndecodable = errors.New("the event cannot be decoded")
)

// Deliver passes one event of the stream to act and stores the outcome: done,
// due again, or parked with a work item. It returns an error only if the outcome
// could not be stored, so that a failing event never blocks those behind it. An
// event that is done is marked after what act committed, in a write of its own: if
// the mark is lost, the event is delivered again, so a second act of one event must
// commit nothing. An act that finds its event handled returns ErrDone, and nothing
// is stored. owner returns the practice of an event that names none.
func (k *Kernel) Deliver(ctx context.Context, d outbox.Delivery,
	owner func(context.Context, outbox.Delivery) string, act func(context.Context, outbox.Delivery) error,
) error {
	next, failure := k.try(ctx, d, act)
	if failure == nil || errors.Is(failure, ErrDone) {
		return nil
	}
	if next.Parked && next.Practice == "" {
		next.Practice = owner(ctx, next)
	}
	log := k.Log.WarnContext
	if next.Parked {
		log = k.Log.ErrorContext
	}
	log(ctx, "event not handled", "event", d.ID, "kind", d.Kind, "visit", d.Visit, "tries", next.Tries, "parked", next.Parked, "err", failure)
	err := k.Store.Commit(ctx, k.afterTry(next))
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrExists) {
		return nil // another delivery of the event stored its outcome first
	}
	return err
}

// try has act act on d and marks it done. After a failure it returns how d stands.
func (k *Kernel) try(ctx context.Context, d outbox.Delivery, act func(context.Context, outbox.Delivery) error) (outbox.Delivery, error) {
	switch {
	case d.Unreadable:
		return d.Park(outbox.Undecodable), errUndecodable
	case d.Exhausted():
		return d.Park(outbox.NoTriesLeft), errNoOutcome
	}
	acting, cancel := k.forAct(ctx)
	failure := act(acting, d)
	cancel()
	if failure == nil {
		failure = k.Store.Commit(ctx, Commit{Done: d.ID, At: k.Time()})
	}
	if failure == nil {
		return d, nil
	}
	if p, ok := errors.AsType[*Partial](failure); ok {
		d.Sent = p.Sent
	}
	if w, ok := errors.AsType[*Wait](failure); ok {
		return d.Waits(w.Until, w.Why.Code), failure
	}
	refused, definite := errors.AsType[*Refusal](failure)
	if definite && refused.Final {
		return d.Refused(refused.Code), failure
	}
	return d.Failed(k.Time(), definite, note(failure)), failure
}

// TimeToStore is what is left of the time of a delivery, when its act is cut off, to
// store that it failed.
const TimeToStore = 5 * time.Second

// forAct returns ctx for an act, which ends early enough for its outcome to be
// stored.
func (k *Kernel) forAct(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, end.Add(-TimeToStore))
}

func (k *Kernel) afterTry(d outbox.Delivery) Commit {
	c := Commit{Deliveries: []outbox.Delivery{d}}
	if !d.Parked {
		return c
	}
	now := k.Time()
	item := work.New(work.Item{
		Kind: work.EventParked, Practice: d.Practice, Pool: identity.OfficePool,
		Visit: d.Visit, Payment: d.Payment, Event: d.ID, EventKind: string(d.Kind), Note: d.Note,
	}, d.ParkedAs(), now)
	if item.Practice == "" {
		item.Practice = audit.Platform
	}
	c.Work = append(c.Work, item)
	c.Audit = append(c.Audit, audit.Record{
		ID: k.NewID(), Practice: item.Practice, At: now, Actor: System(string(d.To)),
		Action: string(item.Kind), Visit: d.Visit, Resource: d.ID,
	})
	return c
}

// note returns a stable code for why a try failed.
func note(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	if errors.Is(err, ErrUnreadable) || errors.Is(err, vault.ErrBroken) {
		return outbox.Altered
	}
	if f, ok := fault.Public(err); ok {
		return f.Code
	}
	if e, ok := errors.AsType[awsError](err); ok {
		return e.ErrorCode()
	}
	if e, ok := errors.AsType[netError](err); ok {
		if e.Timeout() {
			return outbox.TimedOut
		}
		return outbox.NoAnswer
	}
	return outbox.Unknown
}

// An awsError is an error of a service of AWS, as its SDK returns it.
type awsError interface {
	error
	ErrorCode() string
}

// A netError is an error of package net, or of a context that has ended.
type netError interface {
	error
	Timeout() bool
}
