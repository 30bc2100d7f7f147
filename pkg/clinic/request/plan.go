package request

import (
	"context"
	"slices"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/practice"
)

// planned is what the health plans of a patient are quoted by.
type planned struct {
	Held      []coverage.Held
	Pays      []coverage.Held // of these, without Medicare's where it pays the practice nothing
	Contracts []billing.Contract
	On        civil.Day
}

func (m *Room) planned(ctx context.Context, in clinic.Input, p practice.Practice) (planned, error) {
	return m.plannedOf(ctx, in.Visit.Patient, p, in.Now)
}

// plannedOf is planned for a patient, at an instant.
func (m *Room) plannedOf(ctx context.Context, patient string, p practice.Practice, at time.Time) (all planned, _ error) {
	zone, err := p.Location()
	if err != nil {
		return all, err
	}
	all.On = civil.Of(at, zone)
	if all.Contracts, err = m.Store.Contracts(ctx, p.ID); err != nil {
		return all, err
	}
	if all.Held, err = m.plansOf(ctx, patient); err != nil {
		return all, err
	}
	all.Pays = all.Held
	if p.OptedOut {
		all.Pays = slices.DeleteFunc(slices.Clone(all.Held), func(h coverage.Held) bool { return h.Medicare().Professional() })
	}
	return all, nil
}

// plansOf are the health plans on a patient's record, with the payers as they are now.
func (m *Room) plansOf(ctx context.Context, patient string) ([]coverage.Held, error) {
	_, rows, err := m.Charts.Coverages(ctx, patient)
	if err != nil {
		return nil, err
	}
	return m.Charts.Held(ctx, rows)
}

// public reports whether a plan of Medicare or Medicaid was ever entered for the patient.
func (m *Room) public(ctx context.Context, in clinic.Input) (bool, error) {
	if by := in.Caller.Person; by.Patient == in.Visit.Patient {
		return by.Public, nil
	}
	who, err := m.Charts.Patient(ctx, in.Visit.Patient)
	return who.Public, err
}

// byPlans returns q, a quote of the posted fee for what health plans are billed for, as the patient's
// plans and the contracts of p have it. One who says that their plan pays is quoted their
// share. Nobody is quoted the fee where a plan must be billed instead; of who says that they pay themselves, the record
// says whether that can be, so that most people's plans are not read.
func (m *Room) byPlans(ctx context.Context, in clinic.Input, p practice.Practice, q billing.Quote) (billing.Quote, error) {
	insured := q.Caveat == billing.PlanNotBilled
	if !p.Insured && (!insured || !p.Contracts) {
		return q, nil
	}
	if q.Caveat == "" {
		if public, err := m.public(ctx, in); err != nil || !public {
			return q, err
		}
	}
	all, err := m.planned(ctx, in, p)
	if err != nil {
		return q, err
	}
	share, err := q.CoveredBy(all.Pays, all.Contracts, all.On)
	if err != nil {
		return q, err
	}
	if insured {
		q = share
	}
	return all.fee(q, share, p)
}

// stillCharged refuses a quote of the posted fee that was made before the patient's plan was entered, if it
// must be billed instead.
func (m *Room) stillCharged(ctx context.Context, in clinic.Input, p practice.Practice, q billing.Quote) error {
	if !p.Insured || q.Free() || q.Basis == billing.PlanShare {
		return nil
	}
	if q.Caveat == "" {
		if public, err := m.public(ctx, in); err != nil || !public {
			return err
		}
	}
	all, err := m.planned(ctx, in, p)
	if err != nil {
		return err
	}
	share, err := q.CoveredBy(all.Pays, all.Contracts, all.On)
	if err == nil {
		_, err = all.fee(q, share, p)
	}
	return err
}

// medicaid reports whether the practice takes a Medicaid plan that the patient has on the day. Who has Medicare
// too is judged by that.
func (all planned) medicaid() bool {
	return billing.DutyOn(all.Held, all.Contracts, all.On) == billing.ToMedicaid
}

// fee returns q, which is of the posted fee, unless it is of a share, and share is what the patient would pay
// by their plan. It refuses a fee that a plan must be billed for in place of the patient.
func (all planned) fee(q, share billing.Quote, p practice.Practice) (billing.Quote, error) {
	duty := billing.DutyOn(all.Held, all.Contracts, all.On)
	switch {
	case duty == "" || q.Basis == billing.PlanShare:
		return q, nil
	case duty == billing.ToMedicare && p.OptedOut:
		q.Caveat = billing.PlanMedicare
		return q, nil
	case share.Basis == billing.PlanShare:
		return q, duty.Refuse(" Say that your health plan pays, and ask for the price again.")
	}
	return q, duty.Refuse(call(p))
}
