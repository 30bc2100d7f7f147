package request

import (
	"context"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/membership"
	"evisit/pkg/practice"
)

// priceFor is price, with percent taken off for the patient. For one who says that a membership
// pays, nothing is charged if it includes the request; for one who says that a health plan does,
// their share. Nobody else's memberships are read, and health plans only where a patient has one.
func (m *Room) priceFor(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice, percent int) (billing.Quote, error) {
	q, err := m.price(in, f, res, p)
	if err != nil || q.Free() {
		return q.WithDiscount(percent), err
	}
	if q.Caveat == billing.NoMembership {
		i, err := m.included(ctx, in, f, res, p)
		if err != nil {
			return q, err
		}
		if i.Covered() {
			return q.Included(), nil
		}
		q = q.NotIncluded(caveatOf(i.Cause))
	}
	if waived := q.WithDiscount(percent); waived.Free() && q.Caveat != billing.PlanNotBilled {
		return waived, nil // nobody is billed for it
	}
	if billing.BilledToPlans(classOf(f, res.Response)) {
		q, err = m.byPlans(ctx, in, p, q)
	}
	return q.WithDiscount(percent), err
}

// An included is whether a membership pays for a visit, and the year of which it would be used.
type included struct {
	membership.Entitlement
	of    membership.Membership
	count membership.Count
}

// included decides on the patient's latest membership, and on the health plans that are on the record
// now: the operator may have corrected what a payer insures since they were entered.
func (m *Room) included(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) (included, error) {
	zone, err := p.Location()
	if err != nil {
		return included{}, err
	}
	all, counts, err := m.Store.Included(ctx, in.Visit.Patient)
	if err != nil || len(all) == 0 {
		return included{}, err
	}
	i := included{of: all[len(all)-1]}
	if p.Insured {
		plans, err := m.plansOf(ctx, in.Visit.Patient)
		if err != nil {
			return included{}, err
		}
		i.of = i.of.PlansChanged(in.Visit.Patient, nil, plans, zone)
	}
	i.count = i.of.CountAt(counts, in.Now)
	return i.judged(in, f, res, zone), nil
}

// judged returns i with whether its membership pays for a visit.
func (i included) judged(in clinic.Input, f *intake.Form, res intake.Result, zone *time.Location) included {
	v := membership.Visit{ID: in.Visit.ID, Patient: in.Visit.Patient, Form: f.Name(), Class: classOf(f, res.Response), At: in.Now}
	i.Entitlement = i.of.Covers(v, i.count, zone)
	return i
}

// stillIncluded is included, by the membership as it is after its count was read: who leaves changes both
// in one commit, of which a read of several rows may see a part.
func (m *Room) stillIncluded(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) (included, error) {
	i, err := m.included(ctx, in, f, res, p)
	if err != nil || !i.Covered() {
		return i, err
	}
	zone, err := p.Location()
	if err != nil {
		return i, err
	}
	i.of, err = m.Store.Membership(ctx, i.of.ID)
	return i.judged(in, f, res, zone), err
}

// useIncluded returns the count with the visit that is submitted. If the membership does not include
// it any more, it returns none, and the quote of the fee.
func (m *Room) useIncluded(ctx context.Context, in clinic.Input, f *intake.Form, res intake.Result, p practice.Practice) (*clinic.Count, billing.Quote, error) {
	i, err := m.stillIncluded(ctx, in, f, res, p)
	if err != nil {
		return nil, billing.Quote{}, err
	}
	if !i.Covered() {
		percent, err := m.discount(ctx, in, p)
		if err != nil {
			return nil, billing.Quote{}, err
		}
		q, err := m.price(in, f, res, p)
		return nil, q.NotIncluded(caveatOf(i.Cause)).WithDiscount(percent), err
	}
	used, err := i.count.Use(in.Visit.ID, in.Visit.Patient, i.of.TermsAt(in.Now), in.Now)
	return &clinic.Count{Count: used, Practice: in.Visit.Practice}, billing.Quote{}, err
}

// errNotIncluded refuses a visit that was quoted as included, and is not any more.
func errNotIncluded(q billing.Quote) error {
	return fault.New(fault.Conflict, "quote_replaced", strings.TrimSpace(q.Caveat.Text()+" The request was not sent: read the new quote, and accept it if you agree."))
}

// caveatOf says with a quote why no membership pays; without a cause there is none.
func caveatOf(c membership.Cause) billing.Caveat {
	switch c {
	case membership.CapUsed:
		return billing.MembershipUsed
	case membership.NotIncluded, membership.NoVisits:
		return billing.MembershipNotThis
	case membership.NotBegun:
		return billing.MembershipPending
	case membership.GraceOver:
		return billing.MembershipUnpaid
	case membership.HasMedicare:
		return billing.MembershipBarred
	case membership.Included, membership.InGrace, membership.NotNamed, membership.Over:
	}
	return billing.NoMembership
}
