package store

import (
	"context"
	"fmt"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/money"
	"evisit/pkg/vault"
)

// A paymentRow is a payment as its row packs it, for the same reasons as a
// visitRow: the page's URL leaves little space. The payment's visit is the
// beginning of its id.
type paymentRow struct {
	// ID repeats what the key says, so that a moved row is noticed.
	ID            string        `json:"i"`
	Account       string        `json:"a"`
	Amount        money.Cents   `json:"m"`
	State         billing.State `json:"s"`
	Platform      int           `json:"pp,omitempty"`
	AtOnce        bool          `json:"o,omitempty"`
	LaterWords    string        `json:"lw,omitempty"`
	LaterAt       moment        `json:"la,omitempty"`
	CardOf        string        `json:"k,omitempty"`
	Session       string        `json:"cs,omitempty"`
	URL           string        `json:"u,omitempty"`
	SessionEnds   moment        `json:"ce,omitempty"`
	Intent        string        `json:"pi,omitempty"`
	Held          money.Cents   `json:"h,omitempty"`
	Collected     money.Cents   `json:"c,omitempty"`
	Refunded      money.Cents   `json:"g,omitempty"`
	StripeFee     money.Cents   `json:"f,omitempty"`
	PlatformFee   money.Cents   `json:"pf,omitempty"`
	Asked         refundRow     `json:"ra,omitzero"`
	Dispute       disputeRow    `json:"d,omitzero"`
	Withdrawn     money.Cents   `json:"dw,omitempty"`
	DisputeFee    money.Cents   `json:"df,omitempty"`
	CaptureBefore moment        `json:"cb,omitempty"`
	Why           string        `json:"w,omitempty"`
	HeldAt        moment        `json:"ha,omitempty"`
	EndedAt       moment        `json:"ea,omitempty"`
}

// A refundRow is the refund that a person asked for as the payment's row packs it.
type refundRow struct {
	ID     string               `json:"i"`
	Amount money.Cents          `json:"m"`
	Reason billing.RefundReason `json:"r"`
	Left   money.Cents          `json:"l"`
	By     string               `json:"b"`
	At     moment               `json:"a,omitempty"`
	Stage  billing.RefundStage  `json:"s"`
	Why    string               `json:"w,omitempty"`
}

func newRefundRow(r billing.Refund, since clock) refundRow {
	return refundRow{r.ID, r.Amount, r.Reason, r.Left, r.By, since.moment(r.At), r.Stage, r.Why}
}

func (r refundRow) refund(since clock) billing.Refund {
	return billing.Refund{ID: r.ID, Amount: r.Amount, Reason: r.Reason, Left: r.Left, By: r.By, At: since.time(r.At), Stage: r.Stage, Why: r.Why}
}

// A disputeRow is a payment's dispute as the payment's row packs it.
type disputeRow struct {
	ID          string      `json:"i"`
	Status      string      `json:"s"`
	Reason      string      `json:"r,omitempty"`
	Amount      money.Cents `json:"m,omitempty"`
	Opened      moment      `json:"o,omitempty"`
	Due         moment      `json:"u,omitempty"`
	Submissions int         `json:"n,omitempty"`
	Answered    bool        `json:"a,omitempty"`
	Warned      bool        `json:"w,omitempty"`
	Missed      bool        `json:"x,omitempty"`

	Decision billing.Decision `json:"e,omitempty"`
	Decided  moment           `json:"ea,omitempty"`
	Evidence string           `json:"eh,omitempty"`
	Told     string           `json:"et,omitempty"`
}

func newDisputeRow(d billing.Dispute, since clock) disputeRow {
	return disputeRow{
		ID: d.ID, Status: d.Status, Reason: d.Reason, Amount: d.Amount, Opened: since.moment(d.Opened), Due: since.moment(d.Due),
		Submissions: d.Submissions, Answered: d.Answered, Warned: d.Warned, Missed: d.Missed,
		Decision: d.Decision, Decided: since.moment(d.Decided), Evidence: d.Evidence, Told: d.Told,
	}
}

func (r disputeRow) dispute(since clock) billing.Dispute {
	return billing.Dispute{
		ID: r.ID, Status: r.Status, Reason: r.Reason, Amount: r.Amount, Opened: since.time(r.Opened), Due: since.time(r.Due),
		Submissions: r.Submissions, Answered: r.Answered, Warned: r.Warned, Missed: r.Missed,
		Decision: r.Decision, Decided: since.time(r.Decided), Evidence: r.Evidence, Told: r.Told,
	}
}

func newPaymentRow(p billing.Payment) (paymentRow, error) {
	if paidFor(p.ID) != p.Visit {
		return paymentRow{}, fmt.Errorf("store: payment %s is said to be for visit %s", p.ID, p.Visit)
	}
	since := clock(p.OpenedAt)
	return paymentRow{
		ID: p.ID, Account: p.Account, Amount: p.Amount, State: p.State, Platform: p.Platform, AtOnce: p.AtOnce,
		LaterWords: p.Later.Words, LaterAt: since.moment(p.Later.At), CardOf: p.CardOf, Session: p.Session, URL: p.URL,
		SessionEnds: since.moment(p.SessionEnds), Intent: p.Intent, Held: p.Held, Collected: p.Collected, Refunded: p.Refunded, StripeFee: p.StripeFee, PlatformFee: p.PlatformFee,
		Asked: newRefundRow(p.Asked, since), Dispute: newDisputeRow(p.Dispute, since), Withdrawn: p.Withdrawn, DisputeFee: p.DisputeFee,
		CaptureBefore: since.moment(p.CaptureBefore), Why: p.Why, HeldAt: since.moment(p.HeldAt), EndedAt: since.moment(p.EndedAt),
	}, nil
}

func readPayment(i item) (billing.Payment, error) {
	var row paymentRow
	if err := unpack(i, "payment", &row); err != nil {
		return billing.Payment{}, err
	}
	if keyOf(i) != paymentKey(row.ID) {
		return billing.Payment{}, fmt.Errorf("payment %s: %w: it lies where %s belongs", row.ID, vault.ErrBroken, text(i, "sk"))
	}
	since := clock(stamped(i, "booked"))
	return billing.Payment{
		ID: row.ID, Visit: paidFor(row.ID), Practice: text(i, "l"), Account: row.Account, Amount: row.Amount, State: row.State, Platform: row.Platform, AtOnce: row.AtOnce,
		Later: billing.LaterCharge{Words: row.LaterWords, At: since.time(row.LaterAt)}, CardOf: row.CardOf,
		Session: row.Session, URL: row.URL, SessionEnds: since.time(row.SessionEnds), Intent: row.Intent,
		Held: row.Held, Collected: row.Collected, Refunded: row.Refunded, StripeFee: row.StripeFee, PlatformFee: row.PlatformFee,
		Asked: row.Asked.refund(since), Dispute: row.Dispute.dispute(since), Withdrawn: row.Withdrawn, DisputeFee: row.DisputeFee,
		CaptureBefore: since.time(row.CaptureBefore), Why: row.Why, HeldAt: since.time(row.HeldAt), EndedAt: since.time(row.EndedAt),
		OpenedAt: time.Time(since), Version: count(i, "v"),
	}, nil
}

// An evidenceRow is evidence as it was submitted, with what its key says.
type evidenceRow struct {
	Payment  string           `json:"p"`
	Dispute  string           `json:"d"`
	Stage    string           `json:"s"`
	Evidence billing.Evidence `json:"e"`
}

// Evidence returns what a practice submits about the dispute of p, in its present stage.
func (s *Store) Evidence(ctx context.Context, p billing.Payment) (billing.Evidence, error) {
	what := "evidence of payment " + p.ID
	i, err := s.get(ctx, evidenceKey(p.ID, p.Dispute), latest, what)
	if err != nil {
		return billing.Evidence{}, err
	}
	var row evidenceRow
	if err := unpack(i, what, &row); err != nil {
		return billing.Evidence{}, err
	}
	if row.Payment != p.ID || row.Dispute != p.Dispute.ID || row.Stage != p.Dispute.Stage() || row.Evidence.Hash() != p.Dispute.Evidence {
		return billing.Evidence{}, fmt.Errorf("%s: %w: it is not what was decided on", what, vault.ErrBroken)
	}
	return row.Evidence, nil
}
