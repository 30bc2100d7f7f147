package stripepay

import (
	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/clinic/charge"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// addInvoice adds an invoice of a subscription, which is billed as b, to what was fetched of it: what
// is paid of its current period, and since when one is open.
func addInvoice(out *charge.Subscribed, in *stripe.Invoice, b membership.Billed) {
	if b.Year == out.Year {
		out.Paid += b.Paid
		out.Refunded += b.Refunded
		out.Withdrawn += b.Withdrawn
	}
	created := unix(in.Created)
	if in.Status == stripe.InvoiceStatusOpen && in.Attempted && (out.UnpaidSince.IsZero() || created.Before(out.UnpaidSince)) {
		out.UnpaidSince, out.PayURL, out.Open = created, in.HostedInvoiceURL, money.Cents(in.AmountRemaining)
	}
	if in.Status != stripe.InvoiceStatusDraft {
		out.Bills = append(out.Bills, b)
	}
}

// billed is an invoice as fetched, without Stripe's fee and without disputes.
func billed(in *stripe.Invoice) membership.Billed {
	b := membership.Billed{Invoice: in.ID, Number: in.Number, Amount: money.Cents(in.AmountDue), Paid: money.Cents(in.AmountPaid)}
	if in.PaymentIntent != nil {
		b.Intent = in.PaymentIntent.ID
	}
	if in.StatusTransitions != nil {
		b.PaidAt = unix(in.StatusTransitions.PaidAt)
	}
	if in.Charge != nil {
		b.Refunded = min(refunded(in.Charge), b.Paid)
	}
	if in.Lines != nil {
		for _, line := range in.Lines.Data {
			if line.Period != nil && !line.Proration && unix(line.Period.End).After(b.End) {
				b.Year = membership.Year{Start: unix(line.Period.Start), End: unix(line.Period.End)}
			}
		}
	}
	return b
}
