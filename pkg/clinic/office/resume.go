package office

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

var errNothingToResume = fault.New(fault.Conflict, "nothing_to_resume", "this is not about something that was given up, so there is nothing to try again; do what it says, and say that it is done")

// ResumeWork has the parked event that an item is about delivered again, with as
// many tries as a new event has, and ends the item. The event is a hint: its
// consumer reads again whether what it asks for is wanted. If the event is not as
// the item says, because it was resumed or handled before, nothing is delivered and
// the item is ended, or returned as it ended. An event whose item was ended by
// EndWork can still be resumed.
//
// Errors: those of EndWork; fault.Conflict for an item that is about no event.
func (o *Office) ResumeWork(ctx context.Context, c clinic.Caller, id string) (work.Item, error) {
	return clinic.Retry(func() (work.Item, error) { return o.resume(ctx, c, id) })
}

func (o *Office) resume(ctx context.Context, c clinic.Caller, id string) (work.Item, error) {
	c, i, err := o.workItem(ctx, c, identity.ResumeWork, id)
	if err != nil {
		return work.Item{}, err
	}
	if i.Kind != work.EventParked {
		return work.Item{}, errNothingToResume
	}
	d, err := o.Store.Delivery(ctx, i.Event)
	if err != nil && !errors.Is(err, fault.NotFound) { // an event is deleted some time after it is done
		return work.Item{}, err
	}
	now := o.Kernel.Time()
	next := i.End(c.Person.ID, now)
	var m clinic.Commit
	if next.Version != i.Version {
		m.Work = append(m.Work, next)
	}
	if d.Parked && work.ID(work.EventParked, d.ParkedAs()) == i.ID {
		m.Deliveries = append(m.Deliveries, consumed(d).Resumed(now))
	}
	if len(m.Work)+len(m.Deliveries) == 0 {
		return i, nil
	}
	m.Audit = []audit.Record{o.workRecord(c, identity.ResumeWork, i, i.Event)}
	return next, o.Kernel.Store.Commit(ctx, m)
}

// consumed returns d with a consumer: charge parks an event that cannot be decoded
// once more.
func consumed(d outbox.Delivery) outbox.Delivery {
	if d.Unreadable {
		d.To = outbox.Charge
	}
	return d
}
