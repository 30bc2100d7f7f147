package stripesim

import (
	"context"
	"errors"
)

// What a person can do by hand about an account and its money, or Stripe by itself.
const (
	HandPayOut       = "pay_out"       // pays Amount of an account out, or all that is available
	HandAdjust       = "adjust"        // Stripe moves Amount of an account's balance, and says of nothing why; by scripts alone
	HandFailPayout   = "fail_payout"   // the bank refuses a payout, even one that it had
	HandDispute      = "dispute"       // the cardholder disputes Amount of an intent, or all that is left, for Reason
	HandInquire      = "inquire"       // the issuer asks about Amount of an intent, or all that is left, for Reason
	HandEscalate     = "escalate"      // an inquiry becomes a dispute
	HandCloseInquiry = "close_inquiry" // an inquiry comes to nothing
	HandRespond      = "respond"       // the account answers a dispute or an inquiry
	HandAccept       = "accept"        // the account accepts a dispute
	HandWin          = "win"           // the bank decides a dispute for the account
	HandLose         = "lose"          // and against it
	HandDisable      = "disable"       // Stripe disables an account
	HandEnable       = "enable"        // and enables it
)

func (t *tx) handPayOut(ctx context.Context, a Act) (any, error) {
	if a.Amount == 0 {
		available, _, err := t.balance(ctx)
		if err != nil {
			return nil, err
		}
		a.Amount = available
	}
	return createPayout(ctx, t, &call{params: map[string]any{"amount": a.Amount, "currency": "usd"}})
}

func (t *tx) handAdjust(ctx context.Context, a Act) (any, error) {
	if a.Amount == 0 {
		return nil, invalid("parameter_missing", "amount", "say how much the balance moves")
	}
	x := &transaction{Type: movedAdjustment, Category: "other_adjustment", Amount: a.Amount}
	return x, t.bookWith(ctx, x)
}

func (t *tx) handFailPayout(ctx context.Context, a Act) (any, error) {
	po := new(payout)
	if err := t.get(ctx, kindPayout, a.ID, "id", po); err != nil {
		return nil, err
	}
	return po, t.failPayout(ctx, po)
}

func (t *tx) handDispute(ctx context.Context, a Act) (any, error) {
	pi, err := t.handIntent(ctx, a)
	if err != nil {
		return nil, err
	}
	if pi.LatestCharge == nil {
		return nil, t.unexpectedState(pi, "disputed")
	}
	ch := new(charge)
	if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", ch); err != nil {
		return nil, err
	}
	return t.openDispute(ctx, ch, a.Amount, a.Reason, a.Do == HandInquire)
}

// handOnDispute does what is done to a dispute that is there.
func (t *tx) handOnDispute(ctx context.Context, a Act) (any, error) {
	d := new(dispute)
	if err := t.get(ctx, kindDispute, a.ID, "id", d); err != nil {
		return nil, err
	}
	switch a.Do {
	case HandEscalate:
		return d, t.escalate(ctx, d)
	case HandCloseInquiry:
		return d, t.closeInquiry(ctx, d)
	case HandRespond:
		c := a.call("")
		c.params["evidence"] = map[string]any{"uncategorized_text": "Answered by hand."}
		return updateDispute(ctx, t, c)
	case HandAccept:
		return closeDispute(ctx, t, a.call(""))
	default:
		return d, t.decide(ctx, d, a.Do == HandWin)
	}
}

func (t *tx) handEnabled(ctx context.Context, a Act) (any, error) {
	return t.setEnabled(ctx, a.Do == HandEnable)
}

// handRowsOfMoney lists the payouts and disputes of an account, the oldest first.
func (t *tx) handRowsOfMoney(ctx context.Context) ([]handRow, error) {
	var rows []handRow
	payouts, err := all[payout](ctx, t, kindPayout)
	for _, po := range payouts {
		if po.Status != payoutFailed {
			rows = append(rows, handRow{po.ID, t.account, po.Status, "", po.Amount, []string{HandFailPayout}})
		}
	}
	disputes, err2 := all[dispute](ctx, t, kindDispute)
	for _, d := range disputes {
		rows = append(rows, handRow{d.ID, t.account, d.Status, d.PaymentIntent, d.Amount, actsOnDispute(d)})
	}
	return rows, errors.Join(err, err2)
}

// actsOnDispute are what can be done to a dispute.
func actsOnDispute(d *dispute) []string {
	switch d.Status {
	case inquiryNeedsResponse:
		return []string{HandRespond, HandEscalate, HandCloseInquiry}
	case inquiryUnderReview:
		return []string{HandEscalate, HandCloseInquiry}
	case disputeNeedsResponse:
		return []string{HandRespond, HandAccept, HandWin, HandLose}
	case disputeUnderReview:
		return []string{HandWin, HandLose}
	}
	return nil
}

// actsOnAccount are what can be done to an account that is connected.
func actsOnAccount(a *account) []string {
	if a.ChargesEnabled {
		return []string{HandDisconnect, HandDisable, HandPayOut}
	}
	return []string{HandDisconnect, HandEnable}
}
