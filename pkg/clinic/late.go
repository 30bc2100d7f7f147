package clinic

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// ExpiredWork asks the practice to see that the patient of v is cared for, whose
// request expired.
func ExpiredWork(v visit.Visit, now time.Time) work.Item {
	return work.New(work.Item{Kind: work.VisitExpired, Practice: v.Practice, Pool: v.Pool, Visit: v.ID, Note: string(v.Reason)}, v.ID, now)
}

// LateWork asks the practice to answer v, whose promised time passed.
func LateWork(v visit.Visit, now time.Time) work.Item {
	return work.New(work.Item{Kind: work.VisitLate, Practice: v.Practice, Pool: v.Pool, Visit: v.ID}, v.ID, now)
}

// BillingWork asks the practice to bill the health plan for v, which was answered just now; nothing, if no
// plan is billed for it.
func BillingWork(v visit.Visit, now time.Time) []work.Item {
	if !v.BillsPlan() {
		return nil
	}
	return []work.Item{work.New(work.Item{Kind: work.PlanBill, Practice: v.Practice, Pool: identity.StaffPool, Visit: v.ID}, v.ID, now)}
}

// PassedWork tells owner that v, which has changed hands just now, was handed to them or
// taken over from them. The note of it is v's latest, by whose number the item is known.
func PassedWork(k work.Kind, v visit.Visit, owner string, now time.Time) work.Item {
	return work.New(work.Item{Kind: k, Practice: v.Practice, Pool: v.Pool, Owner: owner, Visit: v.ID}, passing(v), now)
}

// ReturnedWork tells a pool that p, who was deactivated, held visits of it, which are given
// back. There is one item for each time that p was deactivated.
func ReturnedWork(p identity.Person, pool identity.Pool, now time.Time) work.Item {
	about := p.ID + "." + p.Left.UTC().Format("20060102T150405") + "." + string(pool)
	return work.New(work.Item{Kind: work.VisitsReturned, Practice: p.Practice, Pool: pool}, about, now)
}

func passing(v visit.Visit) string { return v.ID + "." + strconv.Itoa(v.Notes) }

// EndVisitWork adds to c the end of the work that next leaves nothing to do for: a late
// request needs no answer any more, or one that was handed over is in other hands. by
// names who made next of v. It reads nothing of a visit that is neither late nor handed
// over.
func (k *Kernel) EndVisitWork(ctx context.Context, c *Commit, v, next visit.Visit, by string) error {
	waits := next.Status.AwaitsAnswer()
	if v.Promise.Told && v.Status.AwaitsAnswer() && !waits {
		if err := k.EndWork(ctx, c, v.Practice, work.ID(work.VisitLate, v.ID), by); err != nil {
			return err
		}
	}
	if v.HandedOver() && (!waits || next.Holder.ID != v.Holder.ID) {
		return k.EndWork(ctx, c, v.Practice, work.ID(work.VisitHanded, passing(v)), by)
	}
	return nil
}

// OpenWork adds to c an item, unless c has it or it is open already. One that has ended is
// opened again.
func (k *Kernel) OpenWork(ctx context.Context, c *Commit, item work.Item) error {
	if slices.ContainsFunc(c.Work, func(w work.Item) bool { return w.ID == item.ID }) {
		return nil
	}
	was, err := k.Store.WorkItem(ctx, item.Practice, item.ID)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return err
	case was.Open():
		return nil
	default:
		item = item.Again(was)
	}
	c.Work = append(c.Work, item)
	return nil
}

// EndWork adds to c the end of an item that may be open.
func (k *Kernel) EndWork(ctx context.Context, c *Commit, practice, id, by string) error {
	item, err := k.Store.WorkItem(ctx, practice, id)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if ended := item.End(by, k.Time()); ended.Version != item.Version {
		c.Work = append(c.Work, ended)
	}
	return nil
}
