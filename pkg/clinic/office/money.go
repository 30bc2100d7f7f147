package office

import (
	"context"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/reconcile"
)

// maxPayouts bounds the list of payouts: a third of a year of daily ones.
const maxPayouts = 100

// maxOutcomes bounds the list of comparisons, likewise.
const maxOutcomes = 100

// Payouts lists the latest payouts to the practice of c, the newest first, and records that c
// read them.
func (o *Office) Payouts(ctx context.Context, c clinic.Caller) ([]billing.Payout, error) {
	c, err := o.booksReader(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := o.Store.Payouts(ctx, c.Person.Practice, maxPayouts)
	if err == nil {
		err = o.Kernel.RecordList(ctx, c, identity.ReadBooks+":payouts", clinic.Subject{Practice: c.Person.Practice})
	}
	return all, err
}

// booksReader returns c with its person read, who may read the books of their practice.
func (o *Office) booksReader(ctx context.Context, c clinic.Caller) (clinic.Caller, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return c, err
	}
	at := identity.Resource{Practice: c.Person.Practice, Whole: true}
	return c, o.Kernel.Allow(ctx, c, identity.ReadBooks, at, clinic.Subject{Practice: at.Practice})
}

// Outcomes lists what the latest comparisons of the books of c's practice with Stripe came to, the
// newest first, and records that c read them.
func (o *Office) Outcomes(ctx context.Context, c clinic.Caller) ([]reconcile.Outcome, error) {
	c, err := o.booksReader(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := o.Store.Outcomes(ctx, c.Person.Practice, maxOutcomes)
	if err == nil {
		err = o.Kernel.RecordList(ctx, c, identity.ReadBooks+":reconciliations", clinic.Subject{Practice: c.Person.Practice})
	}
	return all, err
}
