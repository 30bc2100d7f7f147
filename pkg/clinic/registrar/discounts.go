package registrar

import (
	"context"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// A Discounting is a discount as it is given, by days in the practice's zone.
type Discounting struct {
	Percent int
	Reason  identity.Relief
	// First is the first day, Last the last. A zero First is at once; there must be a Last.
	First, Last civil.Day
}

// at returns the discount of a practice in zone, given at now.
func (d Discounting) at(zone *time.Location, now time.Time) identity.Discount {
	out := identity.Discount{Percent: d.Percent, Reason: d.Reason, From: now, At: now}
	if start := d.First.Start(zone); !d.First.IsZero() && start.After(now) {
		out.From = start
	}
	if !d.Last.IsZero() {
		if out.Until = d.Last.AddDays(1).Start(zone); out.Until.Before(d.Last.Start(zone)) { // no civil.Day is after the year 9999
			out.Until = d.Last.Start(zone).AddDate(0, 0, 1)
		}
	}
	return out
}

// GiveDiscount takes a part off the practice's prices for a patient, in place of the
// discount that they have. It holds for what is priced from its first day on; a quote that
// was given before stands. The same discount given again changes nothing.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (merged) for a double
// of another.
func (r *Room) GiveDiscount(ctx context.Context, c clinic.Caller, id string, given Discounting) (identity.Patient, error) {
	p, err := r.changePatient(ctx, c, identity.GiveDiscounts, id, "given",
		func(ctx context.Context, c clinic.Caller, p identity.Patient, m *clinic.Commit) (identity.Patient, error) {
			here, err := r.Kernel.Store.Practice(ctx, p.Practice)
			if err != nil {
				return p, err
			}
			zone, err := here.Location()
			if err != nil {
				return p, err
			}
			now := r.Kernel.Time()
			d := given.at(zone, now)
			d.By = c.Person.ID
			if ps := d.Check(now); len(ps) > 0 {
				return p, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", ps...)
			}
			switch {
			case p.Into != "":
				return p, errMerged
			case d.Same(p.Discount, now):
				return p, nil
			}
			if !here.Discounts {
				here.Discounts = true
				here.Version++
				m.Practice = &here
			}
			p.Discount = d
			return p, nil
		})
	r.Kernel.ForgetPractice(p.Practice)
	return p, err
}

// EndDiscount takes back the discount that a patient has, or that is to begin. It holds
// for what is priced from then on; a quote that was given before stands. Of a patient
// without a discount it changes nothing.
//
// Errors: fault.Conflict (merged) for a double of another.
func (r *Room) EndDiscount(ctx context.Context, c clinic.Caller, id string) (identity.Patient, error) {
	return r.changePatient(ctx, c, identity.GiveDiscounts, id, "ended",
		func(_ context.Context, _ clinic.Caller, p identity.Patient, _ *clinic.Commit) (identity.Patient, error) {
			if p.Into != "" {
				return p, errMerged
			}
			p.Discount = identity.Discount{}
			return p, nil
		})
}
