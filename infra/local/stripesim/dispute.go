package stripesim

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	kindDispute = "dispute"

	disputeNeedsResponse = "needs_response"
	disputeUnderReview   = "under_review"
	disputeWon           = "won"
	disputeLost          = "lost"

	// An inquiry is a dispute whose money has not moved: the issuer only asks.
	inquiryNeedsResponse = "warning_needs_response"
	inquiryUnderReview   = "warning_under_review"
	inquiryClosed        = "warning_closed"

	// disputeAnswerIn is how long an account may answer; at Stripe 7 to 21 days.
	disputeAnswerIn = 14 * day
	// inquiryLasts is after how long an inquiry that came to nothing is closed.
	inquiryLasts = 120 * day

	// maxEvidence is how many characters all evidence of a dispute may have.
	maxEvidence = 150_000
)

// disputeReasons are the reasons that a cardholder can have, as Stripe names them.
var disputeReasons = []string{
	"bank_cannot_process", "check_returned", "credit_not_processed", "customer_initiated", "debit_not_authorized", "duplicate", "fraudulent",
	"general", "incorrect_account_details", "insufficient_funds", "product_not_received", "product_unacceptable", "subscription_canceled", "unrecognized",
}

// evidenceFiles are the fields of evidence that name an uploaded file.
var evidenceFiles = []string{
	"cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt", "refund_policy",
	"service_documentation", "shipping_documentation", "uncategorized_file",
}

// A dispute says that a cardholder, or the issuer of the card, wants the money of a
// charge back. The money of a dispute that is no inquiry is withdrawn when the dispute
// opens, with the fee of the account's Terms, and comes back, without the fee, if the
// account wins. A dispute that is not answered in time is lost. The bank's answer comes
// by hand.
type dispute struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Amount              int64             `json:"amount"`
	BalanceTransactions []*transaction    `json:"balance_transactions"`
	Charge              string            `json:"charge"`
	Created             int64             `json:"created"`
	Currency            string            `json:"currency"`
	Evidence            map[string]string `json:"evidence"`
	EvidenceDetails     evidenceDetails   `json:"evidence_details"`
	Refundable          bool              `json:"is_charge_refundable"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	PaymentIntent       string            `json:"payment_intent"`
	Reason              string            `json:"reason"`
	Status              string            `json:"status"`
}

type evidenceDetails struct {
	DueBy           *int64 `json:"due_by"`
	HasEvidence     bool   `json:"has_evidence"`
	PastDue         bool   `json:"past_due"`
	SubmissionCount int    `json:"submission_count"`
}

func (d *dispute) kindAndID() (kind, id string) { return kindDispute, d.ID }

// due is when a dispute that is not answered is lost, or an inquiry is closed.
func (d *dispute) due() int64 {
	switch d.Status {
	case disputeNeedsResponse:
		return *d.EvidenceDetails.DueBy
	case inquiryNeedsResponse, inquiryUnderReview:
		return time.Unix(d.Created, 0).Add(inquiryLasts).Unix()
	}
	return 0
}

func (d *dispute) isInquiry() bool {
	return d.Status == inquiryNeedsResponse || d.Status == inquiryUnderReview
}

// openDispute makes a dispute or an inquiry about a captured charge, of amount or of all
// that was not refunded.
func (t *tx) openDispute(ctx context.Context, ch *charge, amount int64, reason string, inquiry bool) (*dispute, error) {
	left := ch.AmountCaptured - ch.refundedCents()
	if amount == 0 {
		amount = left
	}
	if reason == "" {
		reason = "fraudulent"
	}
	switch {
	case !ch.Captured || left == 0:
		return nil, invalid("", "id", "charge "+ch.ID+" has no money that could be disputed")
	case amount < 1 || amount > left:
		return nil, invalid("", "amount", fmt.Sprintf("amount must be from 1 to %d, what is left of the charge", left))
	case !slices.Contains(disputeReasons, reason):
		return nil, invalid("", "reason", fmt.Sprintf("reason must be one of %v", disputeReasons))
	}
	earlier, err := t.disputesOf(ctx, ch)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(earlier, func(d *dispute) bool { return d.Status != inquiryClosed }) {
		return nil, invalid("", "id", "charge "+ch.ID+" is disputed already")
	}
	d := &dispute{
		ID: newID("dp"), Object: kindDispute, Amount: amount, BalanceTransactions: []*transaction{}, Charge: ch.ID,
		Created: t.now.Unix(), Currency: ch.Currency, Evidence: map[string]string{}, Refundable: true, Metadata: map[string]string{},
		PaymentIntent: ch.PaymentIntent, Reason: reason, Status: inquiryNeedsResponse,
	}
	d.EvidenceDetails.DueBy = t.answerBy()
	if inquiry {
		ch.Disputed = true
		if err := t.put(ctx, ch, 0); err != nil {
			return nil, err
		}
		return d, t.change(ctx, "charge.dispute.created", d, d.due())
	}
	if err := t.withdraw(ctx, d, ch); err != nil {
		return nil, err
	}
	if err := t.emit(ctx, "charge.dispute.created", d); err != nil {
		return nil, err
	}
	return d, t.emit(ctx, "charge.dispute.funds_withdrawn", d)
}

// answerBy is the end of the last day on which a dispute of now can be answered.
func (t *tx) answerBy() *int64 {
	at := t.now.Truncate(day).Add(disputeAnswerIn + day - time.Second).Unix()
	return &at
}

// withdraw takes the money of a dispute, which then needs an answer.
func (t *tx) withdraw(ctx context.Context, d *dispute, ch *charge) error {
	terms, err := t.terms(ctx)
	if err != nil {
		return err
	}
	x := &transaction{Type: movedAdjustment, Category: "dispute", Source: d.ID, Amount: -d.Amount}
	if terms.DisputeCents > 0 {
		x.FeeDetails = []feeDetail{{Amount: terms.DisputeCents, Currency: d.Currency, Description: "Dispute fee", Type: "stripe_fee"}}
	}
	if err := t.bookWith(ctx, x); err != nil {
		return err
	}
	d.Status, d.Refundable, d.BalanceTransactions = disputeNeedsResponse, false, append(d.BalanceTransactions, x)
	ch.Disputed, ch.Sim.Withdrawn = true, true
	if err := t.put(ctx, ch, 0); err != nil {
		return err
	}
	return t.put(ctx, d, d.due())
}

// escalate makes an inquiry a dispute, which can be answered anew.
func (t *tx) escalate(ctx context.Context, d *dispute) error {
	if !d.isInquiry() {
		return d.unexpectedStatus("become a dispute")
	}
	ch := new(charge)
	if err := t.get(ctx, kindCharge, d.Charge, "", ch); err != nil {
		return err
	}
	if left := ch.AmountCaptured - ch.refundedCents(); d.Amount > left {
		d.Amount = left
	}
	d.EvidenceDetails.DueBy = t.answerBy()
	if err := t.withdraw(ctx, d, ch); err != nil {
		return err
	}
	if err := t.emit(ctx, "charge.dispute.updated", d); err != nil {
		return err
	}
	return t.emit(ctx, "charge.dispute.funds_withdrawn", d)
}

// decide ends a dispute that its bank decides. An account can lose before it has
// answered, and can win so only if the cardholder withdraws.
func (t *tx) decide(ctx context.Context, d *dispute, won bool) error {
	if d.Status != disputeNeedsResponse && d.Status != disputeUnderReview {
		return d.unexpectedStatus("be decided")
	}
	if !won {
		d.Status = disputeLost
		return t.change(ctx, "charge.dispute.closed", d, 0)
	}
	x := &transaction{Type: movedAdjustment, Category: "dispute_reversal", Source: d.ID, Amount: d.Amount}
	if err := t.bookWith(ctx, x); err != nil {
		return err
	}
	ch := new(charge)
	if err := t.get(ctx, kindCharge, d.Charge, "", ch); err != nil {
		return err
	}
	ch.Sim.Withdrawn = false
	if err := t.put(ctx, ch, 0); err != nil {
		return err
	}
	d.Status, d.Refundable, d.BalanceTransactions = disputeWon, true, append(d.BalanceTransactions, x)
	if err := t.change(ctx, "charge.dispute.funds_reinstated", d, 0); err != nil {
		return err
	}
	return t.emit(ctx, "charge.dispute.closed", d)
}

// endDispute ends a dispute or an inquiry that is due.
func (t *tx) endDispute(ctx context.Context, id string) error {
	d := new(dispute)
	if err := t.get(ctx, kindDispute, id, "", d); err != nil {
		return err
	}
	if d.isInquiry() {
		return t.closeInquiry(ctx, d)
	}
	return t.decide(ctx, d, false)
}

func (t *tx) closeInquiry(ctx context.Context, d *dispute) error {
	if !d.isInquiry() {
		return d.unexpectedStatus("be closed as an inquiry")
	}
	d.Status = inquiryClosed
	return t.change(ctx, "charge.dispute.closed", d, 0)
}

// endInquiries closes the inquiry about a charge that is wholly refunded.
func (t *tx) endInquiries(ctx context.Context, ch *charge) error {
	if !ch.Disputed || !ch.Refunded {
		return nil
	}
	ds, err := t.disputesOf(ctx, ch)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if !d.isInquiry() {
			continue
		}
		d.Refundable = false
		if err := t.closeInquiry(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) disputesOf(ctx context.Context, ch *charge) ([]*dispute, error) {
	ds, err := all[dispute](ctx, t, kindDispute)
	return slices.DeleteFunc(ds, func(d *dispute) bool { return d.Charge != ch.ID }), err
}

// refundable is false while, and after, a dispute has the charge's money.
func (ch *charge) refundable() bool { return !ch.Sim.Withdrawn }

// updateDispute serves POST /v1/disputes/{dispute}. Evidence is sent to the bank unless
// submit is false, once for an inquiry and once for the dispute that it may become.
// Uploaded files are not simulated.
func updateDispute(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Evidence map[string]string `json:"evidence"`
		Metadata map[string]string `json:"metadata"`
		Submit   *bool             `json:"submit"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	d := new(dispute)
	if err := t.get(ctx, kindDispute, c.id, "dispute", d); err != nil {
		return nil, err
	}
	maps.Copy(d.Metadata, p.Metadata)
	maps.DeleteFunc(d.Metadata, func(_, v string) bool { return v == "" })
	submit := len(p.Evidence) > 0
	if p.Submit != nil {
		submit = *p.Submit
	}
	if len(p.Evidence) > 0 || submit {
		if err := d.answer(t.now, p.Evidence, submit); err != nil {
			return nil, err
		}
	}
	return d, t.change(ctx, "charge.dispute.updated", d, d.due())
}

// answer adds evidence to a dispute, and sends all of it to the bank if submit says so.
func (d *dispute) answer(now time.Time, evidence map[string]string, submit bool) error {
	if d.Status != disputeNeedsResponse && d.Status != inquiryNeedsResponse {
		return d.unexpectedStatus("take evidence")
	}
	for name, v := range evidence {
		if v != "" && slices.Contains(evidenceFiles, name) {
			return notModelled(child("evidence", name), "uploaded files")
		}
	}
	maps.Copy(d.Evidence, evidence)
	maps.DeleteFunc(d.Evidence, func(_, v string) bool { return v == "" })
	size := 0
	for _, v := range d.Evidence {
		size += utf8.RuneCountInString(v)
	}
	if size > maxEvidence {
		return invalid("", "evidence", "all evidence together has more than 150,000 characters")
	}
	d.EvidenceDetails.HasEvidence = len(d.Evidence) > 0
	if !submit {
		return nil
	}
	if !d.EvidenceDetails.HasEvidence {
		return invalid("parameter_missing", "evidence", "there is no evidence to submit")
	}
	d.Status = map[string]string{disputeNeedsResponse: disputeUnderReview, inquiryNeedsResponse: inquiryUnderReview}[d.Status]
	d.EvidenceDetails.SubmissionCount++
	d.EvidenceDetails.PastDue = now.Unix() > *d.EvidenceDetails.DueBy
	return nil
}

// unexpectedStatus is the failure of what the dispute's status forbids.
func (d *dispute) unexpectedStatus(doing string) error {
	return &failure{
		Status: http.StatusBadRequest, Type: invalidRequest, Charge: d.Charge,
		Message: "dispute " + d.ID + " cannot " + doing + ": its status is " + d.Status,
	}
}

// closeDispute serves POST /v1/disputes/{dispute}/close, by which an account says that
// it has lost.
func closeDispute(ctx context.Context, t *tx, c *call) (any, error) {
	d := new(dispute)
	if err := t.get(ctx, kindDispute, c.id, "dispute", d); err != nil {
		return nil, err
	}
	if d.Status != disputeNeedsResponse {
		return nil, d.unexpectedStatus("be accepted")
	}
	return d, t.decide(ctx, d, false)
}

// getDispute serves GET /v1/disputes/{dispute}.
func getDispute(ctx context.Context, t *tx, c *call) (any, error) {
	d := new(dispute)
	return d, t.get(ctx, kindDispute, c.id, "dispute", d)
}

// listDisputes serves GET /v1/disputes.
func listDisputes(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindDispute, "charge", "payment_intent")
}
