package charge

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// applyToVisit adds to c what the change of a payment from was to p means for
// its visit: the visit's next state, letters to the patient, and work items of
// the practice.
func (m *Room) applyToVisit(ctx context.Context, c *clinic.Commit, was, p billing.Payment) error {
	v, err := m.Store.Visit(ctx, p.Visit)
	if err != nil {
		return err
	}
	next := v
	if was.State != p.State {
		if next, err = m.applyState(ctx, c, v, p); err != nil {
			return err
		}
	}
	if next = next.FollowPayment(p, c.At); next.Owed && !v.Owed {
		c.Events = append(c.Events, m.Kernel.Event(outbox.ChargeFailed, outbox.Notify, next, c.At))
		c.Work = append(c.Work, work.New(work.Item{
			Kind: work.PaymentFailed, Practice: v.Practice, Pool: identity.OfficePool, Visit: v.ID, Payment: p.ID, Note: p.Why,
		}, p.ID, c.At))
	}
	if v.Owed && !next.Owed {
		if err := m.endFailedPayments(ctx, c, v); err != nil {
			return err
		}
	}
	if next.Version != v.Version {
		next.Version = v.Version + 1
		c.Visit = &next
	}
	c.Audit = append(c.Audit, m.Kernel.Record(clinic.System("charge"), "payment."+string(p.State), next, c.At))
	return nil
}

// applyState returns v after its payment p came to a new state, and adds the
// events about it to c.
func (m *Room) applyState(ctx context.Context, c *clinic.Commit, v visit.Visit, p billing.Payment) (visit.Visit, error) {
	next := v
	tell := func(k outbox.Kind, to outbox.Consumer) {
		e := m.Kernel.Event(k, to, next, c.At)
		e.Payment = p.ID
		c.Events = append(c.Events, e)
	}
	switch p.State {
	case billing.Held:
		terms, err := m.terms(ctx, v)
		if err != nil {
			return v, err
		}
		var wanted bool
		if next, wanted = v.HoldPlaced(p.ID, p.CaptureBefore, terms, c.At); wanted {
			tell(outbox.Received, outbox.Notify)
		} else {
			tell(outbox.Release, outbox.Charge)
		}
	case billing.Abandoned:
		if next = v.CheckoutAbandoned(p.ID); next.Version != v.Version {
			tell(outbox.CheckoutAbandoned, outbox.Notify)
		}
	case billing.Captured:
		tell(outbox.Charged, outbox.Notify)
		if v.Status == visit.AwaitingPayment { // captured by hand at Stripe
			terms, err := m.terms(ctx, v)
			if err != nil {
				return v, err
			}
			next, _ = v.HoldPlaced(p.ID, time.Time{}, terms, c.At)
		}
	case billing.Lapsed, billing.Released:
		if next = v.HoldLost(p.ID, c.At); next.Version != v.Version {
			tell(outbox.Ended, outbox.Notify)
		}
	case billing.Opened, billing.FullyRefunded, billing.Disputed, billing.Failed:
	}
	return next, nil
}

func (m *Room) terms(ctx context.Context, v visit.Visit) (visit.Terms, error) {
	p, err := m.Kernel.Practice(ctx, v.Practice)
	return p.Terms, err
}

// endFailedPayments ends the work items of v's payments that could not be
// collected.
func (m *Room) endFailedPayments(ctx context.Context, c *clinic.Commit, v visit.Visit) error {
	for _, id := range v.Payments {
		item, err := m.Store.WorkItem(ctx, v.Practice, work.ID(work.PaymentFailed, id))
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if next := item.End("system:charge", c.At); next.Version != item.Version {
			c.Work = append(c.Work, next)
		}
	}
	return nil
}
