package stripesim

import (
	"context"
	"net/http"
	"slices"
)

// A Payment is the result of a customer's attempt on the hosted page.
type Payment struct {
	Session       string `json:"session"`
	SessionStatus string `json:"session_status"`
	Intent        string `json:"payment_intent,omitempty"`
	IntentStatus  string `json:"payment_intent_status,omitempty"`
	DeclineCode   string `json:"decline_code,omitempty"`
	Message       string `json:"message,omitempty"`
	Next          string `json:"next,omitempty"` // where the page redirects the customer; empty if the page is shown again
}

// Pay tries a card on a session's page. If the card asks for authentication,
// authenticate is the customer's answer, and nil leaves the question open: call Pay
// again with an empty card and an answer.
func (s *Sim) Pay(ctx context.Context, sessionID, cardNumber string, authenticate *bool) (Payment, error) {
	var p Payment
	err := s.withSession(ctx, sessionID, func(ctx context.Context, t *tx, cs *session) error {
		if cs.Status != sessionOpen {
			return invalid("", "session", "this session is "+cs.Status)
		}
		var err error
		p, err = t.pay(ctx, cs, cardNumber, authenticate)
		return err
	})
	return p, err
}

// withSession runs f on the session with the id, of any account.
func (s *Sim) withSession(ctx context.Context, sessionID string, f func(context.Context, *tx, *session) error) error {
	if err := s.expireDue(ctx); err != nil {
		return err
	}
	return s.update(ctx, "", origin{}, func(ctx context.Context, t *tx) error {
		if err := t.find(ctx, kindSession, sessionID, "session"); err != nil {
			return err
		}
		var cs session
		if err := t.get(ctx, kindSession, sessionID, "session", &cs); err != nil {
			return err
		}
		return f(ctx, t, &cs)
	})
}

func (t *tx) pay(ctx context.Context, s *session, number string, authenticate *bool) (Payment, error) {
	pi, err := t.intentOf(ctx, s)
	if err != nil {
		return Payment{}, err
	}
	if number != "" {
		if err := t.tryCard(ctx, s, pi, number); err != nil {
			return Payment{}, err
		}
	}
	if authenticate != nil && pi.Status == intentNeedsAction {
		if err := t.finishAuthentication(ctx, s, pi, *authenticate); err != nil {
			return Payment{}, err
		}
	} else if number == "" {
		return Payment{}, invalid("", "card", "give a card, or answer a pending authentication")
	}
	p := Payment{Session: s.ID, SessionStatus: s.Status, Intent: pi.ID, IntentStatus: pi.Status}
	switch {
	case s.Status == sessionComplete:
		p.Next = s.successURL()
	case pi.NextAction != nil:
		p.Next = pi.NextAction.RedirectToURL.URL
	case pi.LastPaymentError != nil:
		p.DeclineCode, p.Message = pi.LastPaymentError.DeclineCode, pi.LastPaymentError.Message
	}
	return p, nil
}

// intentOf loads the session's intent. In this version of the API a session has no
// intent until the customer's first attempt, so intentOf then returns a new intent.
func (t *tx) intentOf(ctx context.Context, s *session) (*intent, error) {
	if id := s.intentID(); id != "" {
		pi := new(intent)
		return pi, t.get(ctx, kindIntent, id, "", pi)
	}
	return t.newIntent(s), nil
}

// tryCard pays the intent with a card.
func (t *tx) tryCard(ctx context.Context, s *session, pi *intent, number string) error {
	c, ok := cardByNumber(number)
	if ok && !slices.ContainsFunc(offered(s.PaymentMethodTypes), func(o card) bool { return o.Number == number }) {
		return invalid("payment_method_not_available", "card", "this page does not offer this payment method; money in a bank account cannot be held")
	}
	if !ok {
		return &failure{
			Status: http.StatusPaymentRequired, Type: cardError, Code: "incorrect_number", Param: "card",
			Message: "this card number is not one of the simulator's",
		}
	}
	if err := t.checkEnabled(ctx); err != nil {
		return err
	}
	if err := t.storeNewIntent(ctx, s, pi); err != nil {
		return err
	}
	m := t.newMethod(c, s.CustomerEmail)
	if err := t.put(ctx, m, 0); err != nil {
		return err
	}
	pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = &m.ID, nil, nil
	switch {
	case c.decline != "":
		return t.decline(ctx, pi, m, c)
	case c.kind == BankPays:
		return t.debitBank(ctx, s, pi, m)
	case c.authenticate:
		pi.Status = intentNeedsAction
		back := s.successURL()
		pi.NextAction = &nextAction{
			Type:          "redirect_to_url",
			RedirectToURL: redirectToURL{ReturnURL: &back, URL: t.sim.baseURL + "/pay/" + s.ID + "/authenticate"},
		}
		if err := t.put(ctx, pi, 0); err != nil {
			return err
		}
		return t.emit(ctx, "payment_intent.requires_action", pi)
	default:
		return t.authorise(ctx, s, pi, m, nil)
	}
}

// storeNewIntent stores the intent of the session's first attempt.
func (t *tx) storeNewIntent(ctx context.Context, s *session, pi *intent) error {
	if s.intentID() != "" {
		return nil
	}
	if err := t.makeCustomer(ctx, s, pi); err != nil {
		return err
	}
	if s.Mode == modeSubscription {
		return t.subscribe(ctx, s, pi)
	}
	s.PaymentIntent = &pi.ID
	if err := t.put(ctx, s, s.due()); err != nil {
		return err
	}
	return t.emit(ctx, "payment_intent.created", pi)
}

// decline records a declined card, after which the customer may try another card.
func (t *tx) decline(ctx context.Context, pi *intent, m *method, c card) error {
	ch := t.newCharge(pi, m)
	code, failed, why := c.decline, c.declineCode(), "the card was declined: "+c.decline
	ch.Paid, ch.Status, ch.FailureCode, ch.FailureMessage = false, "failed", &failed, &why
	ch.Outcome = outcome{NetworkStatus: "declined_by_network", Reason: &code, RiskLevel: "normal", SellerMessage: why, Type: "issuer_declined"}
	if err := t.change(ctx, "charge.failed", ch, 0); err != nil {
		return err
	}
	pi.LatestCharge = &ch.ID
	return t.paymentFailed(ctx, pi, &failure{Type: cardError, Code: failed, DeclineCode: code, Message: why, Charge: ch.ID})
}

func (t *tx) paymentFailed(ctx context.Context, pi *intent, why *failure) error {
	pi.Status, pi.PaymentMethod, pi.NextAction, pi.LastPaymentError = intentNeedsMethod, nil, nil, why
	if err := t.change(ctx, "payment_intent.payment_failed", pi, 0); err != nil || pi.Invoice == nil {
		return err
	}
	return t.recordInvoiceFailed(ctx, pi)
}

// finishAuthentication records the customer's answer to the bank's question.
func (t *tx) finishAuthentication(ctx context.Context, s *session, pi *intent, yes bool) error {
	if !yes {
		return t.paymentFailed(ctx, pi, &failure{
			Type: invalidRequest, Code: "payment_intent_authentication_failure", Message: "the customer could not be authenticated",
		})
	}
	var m method
	if err := t.get(ctx, kindMethod, *pi.PaymentMethod, "", &m); err != nil {
		return err
	}
	pi.NextAction = nil
	return t.authorise(ctx, s, pi, &m, &threeDSecure{AuthenticationFlow: "challenge", Result: "authenticated", Version: "2.2.0"})
}

// authorise keeps the method if the session asks for that, charges it, and completes
// the session.
func (t *tx) authorise(ctx context.Context, s *session, pi *intent, m *method, secure *threeDSecure) error {
	if err := t.keepMethod(ctx, pi, m); err != nil {
		return err
	}
	if err := t.chargeIntent(ctx, pi, m, secure); err != nil {
		return err
	}
	return t.complete(ctx, s, pi)
}

// chargeIntent holds the money, or captures it at once if the intent asks for that.
func (t *tx) chargeIntent(ctx context.Context, pi *intent, m *method, secure *threeDSecure) error {
	ch := t.newCharge(pi, m)
	if ch.Details.Card != nil {
		ch.Details.Card.ThreeDSecure, ch.Details.Card.AmountAuthorized = secure, &pi.Amount
	}
	pi.LatestCharge = &ch.ID
	if pi.CaptureMethod == captureManual {
		return t.hold(ctx, pi, ch)
	}
	return t.collect(ctx, pi, ch)
}

// collect charges the whole of ch, with which pi succeeds.
func (t *tx) collect(ctx context.Context, pi *intent, ch *charge) error {
	if err := t.captureCharge(ctx, ch, ch.Amount); err != nil {
		return err
	}
	if err := t.emit(ctx, "charge.succeeded", ch); err != nil {
		return err
	}
	return t.succeed(ctx, pi, ch.Amount)
}

func (t *tx) hold(ctx context.Context, pi *intent, ch *charge) error {
	until := t.now.Add(pi.holdLasts()).Unix()
	if ch.Details.Card != nil {
		ch.Details.Card.CaptureBefore = until
	}
	if err := t.change(ctx, "charge.succeeded", ch, 0); err != nil {
		return err
	}
	pi.Status, pi.AmountCapturable, pi.Sim.CaptureBefore = intentNeedsCapture, pi.Amount, until
	return t.change(ctx, "payment_intent.amount_capturable_updated", pi, pi.due())
}

// debitBank asks the bank for the money, which takes bankTakes, and completes the
// session unpaid.
func (t *tx) debitBank(ctx context.Context, s *session, pi *intent, m *method) error {
	if err := t.keepMethod(ctx, pi, m); err != nil {
		return err
	}
	ch := t.newCharge(pi, m)
	ch.Paid, ch.Status = false, "pending"
	ch.Outcome = outcome{NetworkStatus: "approved_by_network", RiskLevel: "not_assessed", SellerMessage: "Payment pending.", Type: "authorized"}
	if err := t.change(ctx, "charge.pending", ch, 0); err != nil {
		return err
	}
	pi.Status, pi.LatestCharge, pi.Sim.BankEnds = intentProcessing, &ch.ID, t.now.Add(bankTakes).Unix()
	if err := t.change(ctx, "payment_intent.processing", pi, pi.due()); err != nil {
		return err
	}
	return t.complete(ctx, s, pi)
}

// endBankPayment records what the bank answered.
func (t *tx) endBankPayment(ctx context.Context, pi *intent) error {
	var ch charge
	if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", &ch); err != nil {
		return err
	}
	return t.bankAnswers(ctx, pi, &ch, !ch.card().bankFails)
}

// bankAnswers ends a bank payment: paid, or failed.
func (t *tx) bankAnswers(ctx context.Context, pi *intent, ch *charge, paid bool) error {
	var s session
	if err := t.get(ctx, kindSession, pi.Sim.Session, "", &s); err != nil {
		return err
	}
	if !paid {
		return t.bankRefuses(ctx, &s, pi, ch)
	}
	ch.Paid, ch.Status = true, "succeeded"
	if err := t.collect(ctx, pi, ch); err != nil {
		return err
	}
	s.PaymentStatus = "paid"
	return t.change(ctx, "checkout.session.async_payment_succeeded", &s, 0)
}

func (t *tx) bankRefuses(ctx context.Context, s *session, pi *intent, ch *charge) error {
	code, why := "insufficient_funds", "the bank account has insufficient funds"
	ch.Status, ch.FailureCode, ch.FailureMessage = "failed", &code, &why
	ch.Outcome = outcome{NetworkStatus: "declined_by_network", RiskLevel: "not_assessed", SellerMessage: why, Type: "issuer_declined"}
	if err := t.change(ctx, "charge.failed", ch, 0); err != nil {
		return err
	}
	err := t.paymentFailed(ctx, pi, &failure{Type: cardError, Code: "payment_method_debit_failed", DeclineCode: code, Message: why, Charge: ch.ID})
	if err != nil {
		return err
	}
	return t.emit(ctx, "checkout.session.async_payment_failed", s)
}
