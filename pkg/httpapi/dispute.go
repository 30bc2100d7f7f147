package httpapi

import (
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/identity"
)

var getDispute = Endpoint{
	Method: "GET", Path: "/visits/{id}/dispute", ID: "getDispute", Group: "Practice",
	For: "Read a dispute and its evidence",
	Text: "The payment of a visit whose dispute, or inquiry, awaits an answer, else the one disputed last; and what the practice can " +
		"tell the bank about it, taken from the record: when what was accepted, sent, answered and read, and what was charged, " +
		"without a word of health. Nothing is sent by reading it. For admins.",
	Who: Known, Does: identity.ReadDispute,
	Out: disputedReply{}, OutText: "The dispute.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "not_disputed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		d, err := a.Office.Dispute(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{Body: showDisputed(d)}, err
	},
}

// A disputed payment.
type disputedReply struct {
	Payment string `json:"payment"`
	// Of that payment.
	State billing.State `json:"state"`
	// The number of its receipt.
	Receipt  string         `json:"receipt"`
	Dispute  *disputeReply  `json:"dispute"`
	Evidence *evidenceReply `json:"evidence"`
	// Names the evidence as it is shown: `answerDispute` asks for it.
	Shown    string         `json:"shown" schema:"pattern=^[0-9a-f]{64}$"`
	Decision *decisionReply `json:"decision,omitempty"`
	// Whether the evidence can be sent now, and whether the dispute can be given up.
	CanAnswer bool `json:"can_answer"`
	CanAccept bool `json:"can_accept"`
}

// What the practice decided about a dispute, in its present stage. Absent if it decided nothing.
type decisionReply struct {
	// `answer`: to submit the evidence. `accept`: to give the dispute up.
	What billing.Decision `json:"what" schema:"enum=answer|accept"`
	// A person's id; absent if the trail does not say.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at"`
	// `pending`: it is on its way to Stripe. `carried`: Stripe has it. `none`: it had no effect, because the bank was
	// answered at Stripe before, or the dispute had ended, or was given up there; what the bank was told is at Stripe alone.
	Effect string `json:"effect" schema:"enum=pending|carried|none"`
}

func showDecision(d office.Dispute) *decisionReply {
	of := d.Payment.Dispute
	if of.Decision == billing.Undecided {
		return nil
	}
	out := &decisionReply{of.Decision, d.By.ID, of.Decided, "carried"}
	switch {
	case of.Overtaken():
		out.Effect = "none"
	case of.AwaitsAnswer():
		out.Effect = "pending"
	}
	return out
}

// What was decided to be sent to the bank, or can be, in the fields that Stripe has for it.
type evidenceReply struct {
	// What was sold.
	Product string `json:"product_description"`
	// When it was answered; absent if it was not.
	Service string `json:"service_date,omitempty"`
	// What was accepted, sent, answered and read, and when; one a line.
	Activity string `json:"access_activity_log"`
	// When a card is charged, and what is refunded.
	Policy string `json:"refund_policy_disclosure"`
	// Numbers and sums; one a line.
	Text string `json:"uncategorized_text"`
}

func showEvidence(e billing.Evidence) *evidenceReply {
	return &evidenceReply{e.Product, e.Service, e.Activity, e.Policy, e.Text}
}

func showDisputed(d office.Dispute) disputedReply {
	p, e := d.Payment, d.Evidence
	return disputedReply{
		Payment: p.ID, State: p.State, Receipt: d.Visit.Receipt(p.ID), Dispute: showDispute(p.Dispute),
		Evidence: showEvidence(e), Shown: e.Hash(), Decision: showDecision(d), CanAnswer: d.CanAnswer, CanAccept: d.CanAccept,
	}
}

var answerDispute = Endpoint{
	Method: "POST", Path: "/visits/{id}/dispute/answer", ID: "answerDispute", Group: "Practice",
	For: "Answer a dispute",
	Text: "Has the evidence that you were shown submitted to the bank, once: banks read one answer. It is carried to Stripe within " +
		"seconds, and `dispute.answered` says that it was. If the record says more than you were shown, nothing is sent. Repeating it succeeds and changes nothing. For admins.",
	Who: Known, Does: identity.AnswerDispute,
	In:  answerDisputeRequest{},
	Out: disputeReply{}, OutText: "The dispute, to be answered.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "not_disputed"},
		{Code: "no_dispute"},
		{Code: "dispute_past_due"},
		{Code: "dispute_decided"},
		{Code: "evidence_changed"},
		{Code: "evidence_too_long"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*answerDisputeRequest)
		return a.decideDispute(r, office.DisputeAnswer{Payment: in.Payment, Decision: billing.Answering, Shown: in.Shown})
	},
}

type answerDisputeRequest struct {
	// Whose dispute is answered.
	Payment string `json:"payment" validate:"required,max=1000"`
	// As `getDispute` has it.
	Shown string `json:"shown" validate:"required,max=64"`
}

var acceptDispute = Endpoint{
	Method: "POST", Path: "/visits/{id}/dispute/accept", ID: "acceptDispute", Group: "Practice",
	For: "Accept a dispute",
	Text: "Gives a dispute up: the cardholder keeps the money, and nothing can be sent about it any more. An inquiry cannot be accepted, " +
		"for it takes no money: refund the charge instead. Repeating it succeeds and changes nothing. For admins.",
	Who: Known, Does: identity.AnswerDispute,
	In:  acceptDisputeRequest{},
	Out: disputeReply{}, OutText: "The dispute, to be given up.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "not_disputed"},
		{Code: "no_dispute"},
		{Code: "dispute_past_due"},
		{Code: "dispute_decided"},
		{Code: "inquiry_not_accepted"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.decideDispute(r, office.DisputeAnswer{Payment: r.In.(*acceptDisputeRequest).Payment, Decision: billing.Accepting})
	},
}

type acceptDisputeRequest struct {
	// Whose dispute is given up.
	Payment string `json:"payment" validate:"required,max=1000"`
}

func (a *API) decideDispute(r *Request, said office.DisputeAnswer) (Reply, error) {
	p, err := a.Office.DecideDispute(r.Context(), r.Caller, r.PathValue("id"), said)
	return Reply{Body: showDispute(p.Dispute)}, err
}
