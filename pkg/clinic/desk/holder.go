package desk

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Release gives a visit back to its pool, by its holder.
func (d *Desk) Release(ctx context.Context, c clinic.Caller, id string) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.ReleaseVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := in.Visit.Release(in.Caller.Person)
			return clinic.Change(in.Visit, next, clinic.Commit{}), clinic.Nothing{}, err
		})
	return v, err
}

// HandOver makes the colleague with the id to the holder of a visit that the caller
// holds. The note is for colleagues; a work item tells the new holder.
func (d *Desk) HandOver(ctx context.Context, c clinic.Caller, id, to string, note phi.Text) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.HandOverVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			decision, err := d.handOver(ctx, in, to, note)
			return decision, clinic.Nothing{}, err
		})
	return v, err
}

func (d *Desk) handOver(ctx context.Context, in clinic.Input, to string, text phi.Text) (clinic.Decision, error) {
	colleague, err := d.Kernel.Store.Person(ctx, to)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return clinic.Decision{}, err
	}
	next, err := in.Visit.HandOver(in.Caller.Person, colleague, in.Now)
	if err != nil {
		return clinic.Decision{}, err
	}
	return d.passOn(ctx, in, next, record.HandOver, text, work.VisitHanded, next.Holder)
}

// TakeOver makes the caller the holder of a visit in place of the colleague with the id
// from. The reason is for colleagues; a work item tells the former holder.
func (d *Desk) TakeOver(ctx context.Context, c clinic.Caller, id, from string, reason phi.Text) (visit.Visit, error) {
	v, _, err := clinic.Step(ctx, d.Kernel, c, identity.TakeOverVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			next, err := in.Visit.TakeOver(in.Caller.Person, from, in.Now)
			if err != nil {
				return clinic.Decision{}, clinic.Nothing{}, err
			}
			decision, err := d.passOn(ctx, in, next, record.TakeOver, reason, work.VisitTakenOver, in.Visit.Holder)
			return decision, clinic.Nothing{}, err
		})
	return v, err
}

// passOn returns the decision that gives a visit to another holder, with a note and the
// work item that tells who did not do it. Asked for again, it must have the same note.
func (d *Desk) passOn(ctx context.Context, in clinic.Input, next visit.Visit, kind record.NoteKind, text phi.Text, tells work.Kind, told visit.Holder) (clinic.Decision, error) {
	by := in.Caller.Person
	if next.Version == in.Visit.Version {
		last, found, err := d.Charts.LastNote(ctx, in.Visit)
		if err == nil && found && last.Kind == kind && last.By.ID == by.ID && last.Text != text {
			err = visit.DoneOtherwise("it was done with another note")
		}
		return clinic.Decision{}, err
	}
	n, err := d.Charts.SealNote(ctx, next, record.Note{
		Kind: kind, By: visit.Holder{ID: by.ID, Display: by.Display}, From: in.Visit.Holder, To: next.Holder, At: in.Now, Text: text,
	})
	if err != nil {
		return clinic.Decision{}, err
	}
	do := map[record.NoteKind]identity.Action{record.HandOver: identity.HandOverVisit, record.TakeOver: identity.TakeOverVisit}[kind]
	r := d.Kernel.Record(in.Caller.Actor(in.Visit.Patient), string(do)+":"+string(next.Status), next, in.Now)
	r.Resource = told.ID
	return clinic.Change(in.Visit, next, clinic.Commit{
		Notes: []clinic.Note{n}, Work: []work.Item{clinic.PassedWork(tells, next, told.ID, in.Now)}, Audit: []audit.Record{r},
	}), nil
}

// Colleagues returns a visit that the caller holds, and the people to whom the caller may
// hand it over.
func (d *Desk) Colleagues(ctx context.Context, c clinic.Caller, id string) (visit.Visit, []identity.Person, error) {
	_, v, err := d.Kernel.LoadVisit(ctx, c, identity.HandOverVisit, id)
	if err != nil {
		return v, nil, err
	}
	all, err := d.Store.Roster(ctx, v.Practice)
	if err != nil {
		return v, nil, err
	}
	now, fit := d.Kernel.Time(), []identity.Person{}
	for _, p := range all {
		if v.Fits(p, now) {
			fit = append(fit, p)
		}
	}
	return v, fit, nil
}
