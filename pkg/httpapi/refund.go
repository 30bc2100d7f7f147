package httpapi

import (
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

var getRefunds = Endpoint{
	Method: "GET", Path: "/visits/{id}/refund", ID: "getRefunds", Group: "Practice",
	For: "Read what was refunded, and what you can refund",
	Text: "The payments of a visit that were charged, with how much of each you can refund now; and every refund, with who asked for it and why " +
		"unless it was made at Stripe or by a rule. For staff and admins.",
	Who: Known, Does: identity.RefundPayment,
	Out: refundsReply{}, OutText: "The refunds.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		found, err := a.Office.Refunds(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{Body: showRefunds(found)}, err
	},
}

// What was refunded of a visit's payments, and what can be.
type refundsReply struct {
	Payments []refundablePayment `json:"payments"`
	// Oldest first for each payment.
	Refunds []refundEntry `json:"refunds"`
}

// A payment that was charged.
type refundablePayment struct {
	Payment   string        `json:"payment"`
	State     billing.State `json:"state"`
	Collected int64         `json:"collected_cents" schema:"min=1"`
	Refunded  int64         `json:"refunded_cents" schema:"min=0"`
	// What can be refunded of it: `refundVisit` asks for it. Nothing while a dispute has money of it.
	Left int64 `json:"left_cents" schema:"min=0"`
	// How much of that you can refund now: admins all of it, staff up to the practice's limit.
	Can   int64       `json:"can_refund_cents" schema:"min=0"`
	Asked *askedReply `json:"asked,omitempty"`
}

// The refund that a person asked for last. Absent if nobody did.
type askedReply struct {
	Amount int64                `json:"amount_cents" schema:"min=1"`
	Reason billing.RefundReason `json:"reason"`
	// A person's id.
	By string    `json:"by"`
	At time.Time `json:"at"`
	// `asked`: it is on its way to Stripe. `made`: it is refunded. `undone`: Stripe refused
	// it, or it came back.
	Stage billing.RefundStage `json:"stage" schema:"enum=asked|made|undone"`
	// Stripe's code for why it is undone; `less_left` if meanwhile less was left of the charge, `disputed` if the
	// cardholder's bank has the money, `refund_failed` if it came back.
	Why string `json:"failure,omitempty"`
}

// A refund, or one that came back.
type refundEntry struct {
	Payment string      `json:"payment"`
	Kind    ledger.Kind `json:"kind" schema:"enum=refund|refund_failed"`
	Amount  int64       `json:"amount_cents" schema:"min=1"`
	At      time.Time   `json:"at"`
	// A person's id; absent if nobody asked for it here.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func showRefunds(found office.Refunds) refundsReply {
	out := refundsReply{[]refundablePayment{}, []refundEntry{}}
	for _, p := range found.Payments {
		out.Payments = append(out.Payments, showRefundable(p))
	}
	for _, e := range found.Entries {
		out.Refunds = append(out.Refunds, refundEntry{e.Payment, e.Kind, int64(e.Amount()), e.At, e.By, e.Reason})
	}
	return out
}

func showRefundable(p office.Refundable) refundablePayment {
	out := refundablePayment{
		Payment: p.ID, State: p.State, Collected: int64(p.Collected), Refunded: int64(p.Refunded), Left: int64(p.Left()), Can: int64(p.Most),
	}
	if a := p.Asked; a.ID != "" {
		out.Asked = &askedReply{int64(a.Amount), a.Reason, a.By, a.At, a.Stage, a.Why}
	}
	return out
}

var refundVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/refund", ID: "refundVisit", Group: "Practice",
	For: "Refund a part of a payment, or all of it",
	Text: "Has an amount of what was charged refunded, once; it is made at Stripe within seconds, and the patient is told how much, why, and what stays paid. " +
		"Of two people who refund at once, one is refused. Repeating it succeeds and changes nothing. For admins, and for staff up to the practice's limit on " +
		"all that is refunded of one payment.",
	Who: Known, Does: identity.RefundPayment,
	In:  refundRequest{},
	Out: refundablePayment{}, OutText: "The payment, with the refund that was asked for.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "not_charged"},
		{Code: "refund_under_way"},
		{Code: "refund_disputed"},
		{Code: "nothing_left"},
		{Code: "refund_changed"},
		{Code: "refund_above_left"},
		{Code: "refund_above_limit"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*refundRequest)
		p, err := a.Office.Refund(r.Context(), r.Caller, r.PathValue("id"), office.RefundRequest{
			Payment: in.Payment, Amount: money.Cents(in.Amount), Left: money.Cents(in.Left), Reason: in.Reason,
		})
		return Reply{Body: showRefundable(office.Refundable{Payment: p})}, err
	},
}

type refundRequest struct {
	// Of which something is refunded.
	Payment string `json:"payment" validate:"required,max=1000"`
	Amount  int64  `json:"amount_cents" validate:"required,min=1,max=10000000"`
	// What is left of the payment, as `getRefunds` has it: if something was refunded since, nothing is.
	Left int64 `json:"left_cents" validate:"required,min=1,max=10000000"`
	// The patient reads it: `unsettled`: the answer did not settle the request. `late`: it took too
	// long. `mistake`: the charge was one. `paid_twice`. `courtesy`.
	Reason billing.RefundReason `json:"reason" validate:"required,oneof=unsettled late mistake paid_twice courtesy"`
}
