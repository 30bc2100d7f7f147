package stripepay

import (
	"context"
	"time"

	"github.com/stripe/stripe-go/v76"

	"evisit/pkg/billing"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// observeDisputes adds to o all disputes of its intent: what they took, and the one that
// is open, else the latest.
func (c *Client) observeDisputes(ctx context.Context, account string, o *billing.Observation) error {
	params := &stripe.DisputeListParams{
		ListParams: stripe.ListParams{Context: ctx}, PaymentIntent: stripe.String(o.Intent),
	}
	params.SetStripeAccount(account)
	list := c.disputes.List(params)
	for list.Next() {
		d := list.Dispute()
		for _, x := range d.BalanceTransactions {
			o.Withdrawn -= money.Cents(x.Amount)
			o.DisputeFee += money.Cents(x.Fee)
		}
		if seen := dispute(d); o.Dispute.ID == "" || seen.Open() && !o.Dispute.Open() ||
			seen.Open() == o.Dispute.Open() && seen.Opened.After(o.Dispute.Opened) {
			o.Dispute = seen
		}
	}
	if err := list.Err(); err != nil {
		return callError("listing the disputes of "+o.Intent, err)
	}
	return nil
}

// billContest adds to b the disputes of what it was paid with.
func (c *Client) billContest(ctx context.Context, account string, b *membership.Billed) error {
	o := billing.Observation{Intent: b.Intent}
	if err := c.observeDisputes(ctx, account, &o); err != nil {
		return err
	}
	d := o.Dispute
	b.Withdrawn, b.DisputeFee = o.Withdrawn, o.DisputeFee
	b.Contest = membership.Contest{ID: d.ID, Reason: d.Reason, Inquiry: d.Inquiry(), Awaits: d.AwaitsAnswer(), Due: d.Due}
	return nil
}

func dispute(d *stripe.Dispute) billing.Dispute {
	out := billing.Dispute{
		ID: d.ID, Status: string(d.Status), Reason: string(d.Reason), Amount: money.Cents(d.Amount), Opened: time.Unix(d.Created, 0).UTC(),
	}
	if e := d.EvidenceDetails; e != nil {
		out.Submissions = int(e.SubmissionCount)
		if said := d.Evidence; said != nil && out.Submissions > 0 {
			out.Told = billing.Evidence{
				Product: said.ProductDescription, Service: said.ServiceDate, Activity: said.AccessActivityLog,
				Policy: said.RefundPolicyDisclosure, Text: said.UncategorizedText,
			}.Hash()
		}
		if e.DueBy > 0 {
			out.Due = time.Unix(e.DueBy, 0).UTC()
		}
	}
	return out
}

// SubmitEvidence implements charge.Cards.
func (c *Client) SubmitEvidence(ctx context.Context, account, id string, e billing.Evidence, key string) error {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return stripe.String(s)
	}
	params := &stripe.DisputeParams{
		Params: stripe.Params{Context: ctx}, Submit: stripe.Bool(true),
		Evidence: &stripe.DisputeEvidenceParams{
			ProductDescription: text(e.Product), ServiceDate: text(e.Service), AccessActivityLog: text(e.Activity),
			RefundPolicyDisclosure: text(e.Policy), UncategorizedText: text(e.Text),
		},
	}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(key)
	if _, err := c.disputes.Update(id, params); err != nil {
		return callError("submitting evidence about "+id, err)
	}
	return nil
}

// AcceptDispute implements charge.Cards.
func (c *Client) AcceptDispute(ctx context.Context, account, id, key string) error {
	params := &stripe.DisputeParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(key)
	if _, err := c.disputes.Close(id, params); err != nil {
		return callError("accepting "+id, err)
	}
	return nil
}
