package request

import (
	"context"

	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/practice"
)

// coveredBy returns q, a quote for a patient who says that their health plan pays, as the
// contracts of p have it. Where p has none, no health plan is read.
func (m *Room) coveredBy(ctx context.Context, in clinic.Input, p practice.Practice, q billing.Quote) (billing.Quote, error) {
	contracts, err := m.Store.Contracts(ctx, p.ID)
	if err != nil || len(contracts) == 0 {
		return q, err
	}
	zone, err := p.Location()
	if err != nil {
		return q, err
	}
	_, all, err := m.Charts.Coverages(ctx, in.Visit.Patient)
	if err != nil {
		return q, err
	}
	held, err := m.Charts.Held(ctx, all)
	if err != nil {
		return q, err
	}
	return q.CoveredBy(held, contracts, civil.Of(in.Now, zone))
}
