package proof

import (
	"context"
	"fmt"
)

// A member is a patient with what their yearly memberships billed and posted.
type member struct {
	Patient  string
	Practice string
	Invoices []struct {
		Membership string `json:"membership"`
		Number     string `json:"number"`
		Amount     int64  `json:"amount"`
		Paid       int64  `json:"paid"`
		Refunded   int64  `json:"refunded"`
		Withdrawn  int64  `json:"withdrawn"`
	} `json:"invoices"`
	Entries []entry `json:"entries"`
}

// A subscription is a membership at Stripe.
type subscription struct {
	ID       string            `json:"id"`
	Metadata map[string]string `json:"metadata"`
	Invoices []struct {
		Number string `json:"number"`
		Due    int64  `json:"amount_due"`
		Paid   int64  `json:"amount_paid"`
		Intent string `json:"payment_intent"`
	} `json:"invoices"`
}

// memberKey is the metadata entry that holds our membership id.
const memberKey = "membership"

func (w *world) gatherMember(ctx context.Context, as reader, of person) error {
	m := member{Patient: of.ID, Practice: of.Practice}
	if err := as.json(ctx, "/me/membership", &m); err != nil {
		return fmt.Errorf("reading the memberships of %s: %w", of.ID, err)
	}
	w.members = append(w.members, m)
	return nil
}

// A yearly is what is said of the money of one invoice, in cents.
type yearly struct{ amount, paid, refunded int64 }

func membershipsMatchStripe(w *world, l *line) {
	refunded := map[string]int64{}
	var took, shared int64 // by Stripe and by the platform, of the years, less what the entries say
	for _, i := range w.stripe.Intents {
		refunded[i.ID] = i.Refunded
		if i.Invoice != "" {
			took += i.Fee - i.Platform
			shared += i.Platform
		}
	}
	stripe := map[string]yearly{}
	for _, s := range w.stripe.Subscriptions {
		for _, i := range s.Invoices {
			stripe[s.Metadata[memberKey]+" "+i.Number] = yearly{i.Due, i.Paid, refunded[i.Intent]}
		}
	}
	n := 0
	for _, m := range w.members {
		collected := map[string]int64{}
		for _, i := range m.Invoices {
			n++
			of := i.Membership + " " + i.Number
			if got, want := (yearly{i.Amount, i.Paid, i.Refunded}), stripe[of]; got != want {
				l.find("%s: invoice %s: it is said to be %+v; Stripe says %+v", m.Patient, of, got, want)
			}
			delete(stripe, of)
			collected[i.Membership] += i.Paid - i.Refunded - i.Withdrawn
		}
		for _, e := range m.Entries {
			collected[e.Payment] -= e.on("stripe") + e.on("stripe_fees") + e.on("platform_fees") + e.on("dispute_fees")
			took -= e.on("stripe_fees")
			shared -= e.on("platform_fees")
		}
		for id, off := range collected {
			if off != 0 {
				l.find("%s: membership %s: its invoices collected %s more than its entries say", m.Patient, id, dollars(off))
			}
		}
	}
	if took != 0 {
		l.find("Stripe took %s more of memberships than their entries say", dollars(took))
	}
	if shared != 0 {
		l.find("the platform took %s more of memberships than their entries say", dollars(shared))
	}
	for of, y := range stripe {
		l.find("Stripe's invoice %q, of %s, is of no patient's membership", of, dollars(y.amount))
	}
	l.Figures = fmt.Sprintf("%d invoices", n)
}
