package deadline

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// settleTime is for how long at least the visits of someone who was deactivated are
// looked for. A request that was judged before may take a visit, or hand one over to
// them, until it ends; the gateway ends it after half a minute.
const settleTime = time.Minute

// handleLeavers gives the visits of everyone who was deactivated back to their pools. It
// returns how many rows it changed. A person of whom something fails is looked at again
// by the next run, and never keeps the others from being handled.
func (m *Room) handleLeavers(ctx context.Context) (moved int, _ error) {
	var failures []error
	for cursor := ""; ; {
		people, next, err := m.Store.Leavers(ctx, m.Kernel.Time(), cursor, batch)
		if err != nil {
			return moved, errors.Join(append(failures, err)...)
		}
		for _, p := range people {
			n, err := m.handleLeaver(ctx, p)
			moved += n
			if err != nil {
				m.Kernel.Log.ErrorContext(ctx, "visits not given back", "person", p.ID, "err", err)
				failures = append(failures, err)
			}
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return moved, errors.Join(append(failures, ctx.Err())...)
		}
	}
}

// handleLeaver gives back the visits that p holds, and clears p's Left once there are
// none. Someone who was reactivated keeps theirs.
func (m *Room) handleLeaver(ctx context.Context, p identity.Person) (moved int, _ error) {
	held := 0
	if p.Inactive {
		for _, pool := range []identity.Pool{identity.ClinicalPool, identity.StaffPool} {
			found, given, err := m.giveBackFrom(ctx, p, pool)
			held, moved = held+found, moved+given
			if err != nil {
				return moved, err
			}
		}
	}
	now := m.Kernel.Time()
	if held > 0 || p.Inactive && now.Before(p.Left.Add(settleTime)) {
		return moved, nil
	}
	p.Left = time.Time{}
	p.Version++
	err := m.Kernel.Store.Commit(ctx, clinic.Commit{Person: &p, Audit: []audit.Record{{
		ID: m.Kernel.NewID(), Practice: p.Practice, At: now, Actor: clinic.System("deadline"), Action: "person.left", Resource: p.ID,
	}}})
	if errors.Is(err, clinic.ErrChanged) {
		return moved, nil // by somebody else; the next run looks again
	}
	return moved + 1, err
}

// giveBackFrom gives back the visits of a pool that p holds. It returns how many it found
// and how many of them it gave back: the rest were changed by somebody else meanwhile.
func (m *Room) giveBackFrom(ctx context.Context, p identity.Person, pool identity.Pool) (found, given int, _ error) {
	for cursor := ""; ; {
		vs, next, err := m.Store.Queue(ctx, p.Practice, pool, cursor, batch)
		if err != nil {
			return found, given, err
		}
		for _, v := range vs {
			if v.Holder.ID != p.ID || !v.Taken() {
				continue
			}
			found++
			did, err := m.giveBack(ctx, p, v, given > 0)
			if err != nil {
				return found, given, err
			}
			if did {
				given++
			}
		}
		if cursor = next; cursor == "" || ctx.Err() != nil {
			return found, given, ctx.Err()
		}
	}
}

// giveBack gives back a visit that p holds, and tells its pool unless it was told.
func (m *Room) giveBack(ctx context.Context, p identity.Person, v visit.Visit, told bool) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTime)
	defer cancel()
	var c clinic.Commit
	next := v.GiveBack()
	if err := m.Kernel.EndVisitWork(ctx, &c, v, next, "system:deadline"); err != nil {
		return false, err
	}
	if !told {
		tells := clinic.ReturnedWork(p, v.Pool, m.Kernel.Time())
		_, err := m.Kernel.Store.WorkItem(ctx, v.Practice, tells.ID)
		switch {
		case errors.Is(err, fault.NotFound):
			c.Work = append(c.Work, tells)
		case err != nil:
			return false, err
		}
	}
	did, err := m.commit(ctx, v, next, c, "visit.return:"+string(next.Status))
	if errors.Is(err, clinic.ErrExists) { // another run has told them just now
		return false, nil
	}
	return did, err
}
