package clinic

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/fault"
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

// EndLateWork adds to c that a late request needs no answer any more, if next ends
// the wait of v. by names who ended it.
func (k *Kernel) EndLateWork(ctx context.Context, c *Commit, v, next visit.Visit, by string) error {
	if !v.Promise.Told || !v.Status.AwaitsAnswer() || next.Status.AwaitsAnswer() {
		return nil
	}
	item, err := k.Store.WorkItem(ctx, v.Practice, work.ID(work.VisitLate, v.ID))
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
