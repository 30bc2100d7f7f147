package office

import (
	"context"
	"errors"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// A Claim is a visit that the practice bills a health plan for, and the work of it.
type Claim struct {
	Visit visit.Visit
	Work  work.Item
}

var errNoClaim = fault.New(fault.Conflict, "nothing_to_bill", "no health plan is to be billed for this visit")

// Claim returns what is to be billed to a health plan for a visit. It is for staff and administrators.
// Errors: those of LoadVisit; fault.Conflict (nothing_to_bill) if nothing is.
func (o *Office) Claim(ctx context.Context, c clinic.Caller, id string) (Claim, error) {
	c, out, err := o.claim(ctx, c, id)
	if err != nil {
		return out, err
	}
	return out, o.Kernel.RecordState(ctx, c, out.Visit)
}

func (o *Office) claim(ctx context.Context, c clinic.Caller, id string) (clinic.Caller, Claim, error) {
	c, v, err := o.Kernel.LoadVisit(ctx, c, identity.BillPlan, id)
	if err != nil {
		return c, Claim{}, err
	}
	i, err := o.Store.WorkItem(ctx, v.Practice, work.ID(work.PlanBill, v.ID))
	if errors.Is(err, fault.NotFound) {
		err = errNoClaim
	}
	return c, Claim{v, i}, err
}

// RecordClaim notes that somebody sent the claim of a visit, or why none was, and ends the work of
// it. The same again succeeds. Errors: those of Claim, and of work.Item.Billed.
func (o *Office) RecordClaim(ctx context.Context, c clinic.Caller, id, reference string) (Claim, error) {
	return clinic.Retry(func() (Claim, error) { return o.recordClaim(ctx, c, id, reference) })
}

func (o *Office) recordClaim(ctx context.Context, c clinic.Caller, id, reference string) (Claim, error) {
	c, out, err := o.claim(ctx, c, id)
	if err != nil {
		return out, err
	}
	now := o.Kernel.Time()
	next, err := out.Work.Billed(reference, c.Person.ID, now)
	if err != nil || next.Version == out.Work.Version {
		return out, err
	}
	out.Work = next
	act := o.Kernel.Record(c.Actor(out.Visit.Patient), string(identity.BillPlan), out.Visit, now)
	return out, o.Kernel.Store.Commit(ctx, clinic.Commit{Work: []work.Item{next}, Audit: []audit.Record{act}})
}
