package httpapi

import (
	"time"

	"evisit/pkg/billing"
)

var listPayouts = Endpoint{
	Method: "GET", Path: "/practice/payouts", ID: "listPayouts", Group: "Practice",
	For: "List what was paid out",
	Text: "What Stripe paid out of the practice's account to its bank, or tried to, the newest first. A payout that failed is back at " +
		"Stripe, and is paid out again when Stripe has a bank account that takes it. For admins.",
	Who: Known,
	Out: payoutsReply{}, OutText: "The latest 100 payouts; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Office.Payouts(r.Context(), r.Caller)
		out := payoutsReply{[]payoutReply{}}
		for _, p := range all {
			out.Payouts = append(out.Payouts, showPayout(p))
		}
		return Reply{Body: out}, err
	},
}

type payoutsReply struct {
	Payouts []payoutReply `json:"payouts" schema:"max=100"`
}

// One payout of money from Stripe to the practice's bank.
type payoutReply struct {
	// Stripe's id.
	ID string `json:"id"`
	// The practice's connected account at Stripe.
	Account string `json:"account"`
	// Below zero: Stripe took from the bank what the account owes it.
	Amount int64 `json:"amount_cents" schema:"min=-10000000 max=10000000"`
	// Stripe's word: `pending`, `in_transit`, `paid`, `failed` or `canceled`. One that was paid may fail some days
	// later. Any other is of a payout on its way.
	Status string    `json:"status"`
	Made   time.Time `json:"made_at"`
	// When the bank has it, as Stripe expects.
	Arrives *time.Time `json:"arrives_at,omitempty"`
	// Whether Stripe made it by the account's schedule, and nobody by hand.
	Automatic bool `json:"automatic"`
	// Stripe's code for why the bank refused it.
	Failure string `json:"failure,omitempty"`
}

func showPayout(p billing.Payout) payoutReply {
	return payoutReply{p.ID, p.Account, int64(p.Amount), p.Status, p.Made, when(p.Arrives), p.Automatic, p.Failure}
}
