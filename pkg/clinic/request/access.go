package request

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// An Access is one thing that somebody did with a patient's data, saw of them, or was
// refused.
type Access struct {
	audit.Record
	Visit visit.Visit // zero of what is about no visit
}

// AccessList lists who did and saw what of a patient's data, across their visits, newest
// first, after cursor; an empty patient is the caller. Visits that are in no list of the
// patient's are left out, and those that the caller may not know of. What the patient looks up where their own visits stand is in the
// practice's log alone, and so are the lists from which its people work.
//
// It costs a read of every visit of the patient, and a query of each one's trail for at
// most a page: about two read units a visit for a page of fifty. It records that the
// caller read it.
func (m *Room) AccessList(ctx context.Context, c clinic.Caller, patient, cursor string, limit int) ([]Access, string, error) {
	c, patient, err := m.forPatient(ctx, c, identity.ReadAccess, patient)
	if err != nil {
		return nil, "", err
	}
	if !audit.IsPosition(cursor) {
		cursor = "" // an address that somebody changed
	}
	vs, err := m.allVisits(ctx, c, patient)
	if err != nil {
		return nil, "", err
	}
	all, err := m.latest(ctx, append(vs, visit.Visit{ID: patient}), cursor, limit)
	if err != nil {
		return nil, "", err
	}
	if err := m.Kernel.RecordLook(ctx, c, identity.ReadAccess, clinic.Subject{Practice: c.Person.Practice, Patient: patient}); err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > limit {
		all = all[:limit]
		next = all[limit-1].Position()
	}
	return all, next, nil
}

// allVisits returns the visits of a patient that are in their lists, newest first, of which
// c may know.
func (m *Room) allVisits(ctx context.Context, c clinic.Caller, patient string) ([]visit.Visit, error) {
	var all []visit.Visit
	for cursor := ""; ; {
		vs, next, err := m.Store.VisitsOfPatient(ctx, patient, cursor, visitsAtOnce)
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(vs, visit.Visit.Unlisted)...)
		if cursor = next; cursor == "" {
			return m.Kernel.Shown(ctx, c, patient, all)
		}
	}
}

const (
	visitsAtOnce = 100
	// trailsAtOnce bounds the trails that are queried side by side.
	trailsAtOnce = 8
)

// latest returns the records of several trails before a position, newest first, of which
// the first limit are the latest of all: each trail's own latest are among them. A visit
// whose id is a patient's stands for what is about no visit.
func (m *Room) latest(ctx context.Context, of []visit.Visit, before string, limit int) ([]Access, error) {
	found := make([][]Access, len(of))
	err := clinic.Each(len(of), trailsAtOnce, func(n int) error {
		rs, err := m.Store.LatestTrail(ctx, of[n].ID, before, limit+1)
		for _, r := range rs {
			a := Access{Record: r}
			if r.Visit != "" {
				a.Visit = of[n]
			}
			found[n] = append(found[n], a)
		}
		return err
	})
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b Access) int {
		return cmp.Or(strings.Compare(b.Position(), a.Position()), strings.Compare(b.ID, a.ID))
	})
	return all, err
}
