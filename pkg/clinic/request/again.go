package request

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// Again starts a draft with which an expired visit is sent again: on the form that the
// practice offers now, with the answers that still hold (intake.Form.CarryOver).
// Nothing of it is sent. Repeated, it returns the same draft, or what became of it; one
// that was deleted or cancelled, or expired in its turn, is followed by another.
//
// It refuses as Start does, and a visit that is not expired.
func (m *Room) Again(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	c, rows, err := m.Kernel.LoadRows(ctx, c, identity.FillVisit, draftWithAnswers(id))
	if err != nil {
		return visit.Visit{}, err
	}
	was := rows.Visit
	if _, err := was.Again(was.Form, c.Person.ID, m.Kernel.Time()); err != nil {
		return visit.Visit{}, err
	}
	for last := was; ; {
		found, err := m.Kernel.Store.Load(ctx, clinic.Query{Visit: last.AgainID(), Latest: true})
		if err != nil {
			return visit.Visit{}, err
		}
		switch next := found.Visit; {
		case next.ID == "":
			draft, err := m.startAgain(ctx, c, rows, last.AgainID())
			if !errors.Is(err, clinic.ErrExists) { // else it was started at the same moment
				return draft, err
			}
		case next.Status == visit.Expired:
			return m.Again(ctx, c, next.ID)
		case next.Withdrawn():
			last = next
		default:
			return next, nil
		}
	}
}

// startAgain commits the draft under id.
func (m *Room) startAgain(ctx context.Context, c clinic.Caller, rows clinic.Rows, id string) (visit.Visit, error) {
	was, now := rows.Visit, m.Kernel.Time()
	p, err := m.Kernel.Practice(ctx, was.Practice)
	if err != nil {
		return visit.Visit{}, err
	}
	o, ok, err := m.find(ctx, p, was.Form.Name)
	if err != nil {
		return visit.Visit{}, err
	}
	if !ok {
		return visit.Visit{}, fault.New(fault.Conflict, "not_offered", "This practice does not offer this form any more."+call(p))
	}
	f, err := m.startable(ctx, o, was.Patient)
	if err != nil {
		return visit.Visit{}, err
	}
	next, err := was.Again(started(f), c.Person.ID, now)
	if err != nil {
		return visit.Visit{}, err
	}
	next.ID = id
	with := clinic.Commit{Audit: []audit.Record{
		m.Kernel.Record(c.Actor(next.Patient), string(identity.StartVisit), next, now),
		m.Kernel.Record(c.Actor(was.Patient), "visit.again", was, now),
	}}
	if next, with.Answers, err = m.carryOver(ctx, rows, next); err != nil {
		return visit.Visit{}, err
	}
	with.Visit = &next
	return next, m.Kernel.Store.Commit(ctx, with)
}

// carryOver returns the draft next with the answers of an earlier visit that hold,
// sealed; nil if none does.
func (m *Room) carryOver(ctx context.Context, rows clinic.Rows, next visit.Visit) (visit.Visit, []byte, error) {
	_, answers, err := m.Charts.FormAndAnswers(ctx, rows.Visit, rows.Answers)
	if err != nil {
		return next, nil, err
	}
	f, _, err := m.Charts.FormAndAnswers(ctx, next, nil)
	if err != nil {
		return next, nil, err
	}
	carried := f.CarryOver(answers)
	if len(carried.Items) == 0 {
		return next, nil, nil
	}
	return m.Charts.SealAnswers(ctx, next, carried)
}
