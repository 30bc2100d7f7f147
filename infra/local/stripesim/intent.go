package stripesim

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"
)

const (
	kindIntent = "payment_intent"

	intentNeedsMethod  = "requires_payment_method"
	intentNeedsAction  = "requires_action"
	intentNeedsCapture = "requires_capture"
	intentProcessing   = "processing"
	intentSucceeded    = "succeeded"
	intentCanceled     = "canceled"

	captureAutomatic = "automatic"
	captureManual    = "manual"

	// canceledAutomatic is Stripe's reason for an intent whose hold has expired. A
	// caller may not give this reason.
	canceledAutomatic = "automatic"

	// holdLasts is the time after which a hold expires.
	holdLasts = 7 * 24 * time.Hour

	// bankTakes is the time after which a bank account has paid or failed.
	bankTakes = 4 * 24 * time.Hour

	smallestCharge = 50
	largestCharge  = 99_999_999
)

// An intent is one payment, from the first card tried to the capture or the release.
type intent struct {
	ID                  string            `json:"id"`
	Object              string            `json:"object"`
	Amount              int64             `json:"amount"`
	AmountCapturable    int64             `json:"amount_capturable"`
	AmountReceived      int64             `json:"amount_received"`
	Application         *string           `json:"application"`
	PlatformFee         *int64            `json:"application_fee_amount"`
	CanceledAt          *int64            `json:"canceled_at"`
	CancellationReason  *string           `json:"cancellation_reason"`
	CaptureMethod       string            `json:"capture_method"`
	ClientSecret        string            `json:"client_secret"`
	ConfirmationMethod  string            `json:"confirmation_method"`
	Created             int64             `json:"created"`
	Currency            string            `json:"currency"`
	Customer            *string           `json:"customer"`
	Description         *string           `json:"description"`
	Invoice             *string           `json:"invoice"`
	LastPaymentError    *failure          `json:"last_payment_error"`
	LatestCharge        *string           `json:"latest_charge"`
	Livemode            bool              `json:"livemode"`
	Metadata            map[string]string `json:"metadata"`
	NextAction          *nextAction       `json:"next_action"`
	PaymentMethod       *string           `json:"payment_method"`
	PaymentMethodTypes  []string          `json:"payment_method_types"`
	ReceiptEmail        *string           `json:"receipt_email"`
	SetupFutureUsage    *string           `json:"setup_future_usage"`
	StatementDescriptor *string           `json:"statement_descriptor"`
	StatementSuffix     *string           `json:"statement_descriptor_suffix"`
	Status              string            `json:"status"`
	Sim                 intentSim         `json:"_sim"`
}

type intentSim struct {
	Session       string `json:"session"`
	CaptureBefore int64  `json:"capture_before"`
	OffSession    bool   `json:"off_session"` // the customer was not there
	ByRequest     bool   `json:"by_request"`  // the last attempt at an invoice was asked for, not planned
	BankEnds      int64  `json:"bank_ends"`   // when the bank account has paid or failed
}

type nextAction struct {
	Type          string        `json:"type"`
	RedirectToURL redirectToURL `json:"redirect_to_url"`
}

type redirectToURL struct {
	ReturnURL *string `json:"return_url"`
	URL       string  `json:"url"`
}

func (pi *intent) kindAndID() (kind, id string) { return kindIntent, pi.ID }

// due is when the intent's hold expires, or its bank account has paid or failed.
func (pi *intent) due() int64 {
	switch pi.Status {
	case intentNeedsCapture:
		return pi.Sim.CaptureBefore
	case intentProcessing:
		return pi.Sim.BankEnds
	}
	return 0
}

// newIntent returns the intent of a session, which Stripe makes at the customer's first
// attempt to pay.
func (t *tx) newIntent(s *session) *intent {
	id := newID("pi")
	return &intent{
		Application: t.application(), PlatformFee: s.Sim.Intent.PlatformFee,
		ID: id, Object: kindIntent, Amount: s.AmountTotal, Currency: s.Currency,
		CaptureMethod: s.Sim.Intent.CaptureMethod, ClientSecret: newID(id + "_secret"), ConfirmationMethod: "automatic",
		Created: t.now.Unix(), Customer: s.Customer, Description: s.Sim.Intent.Description,
		Metadata: orEmpty(s.Sim.Intent.Metadata), PaymentMethodTypes: s.PaymentMethodTypes,
		ReceiptEmail: s.Sim.Intent.ReceiptEmail, SetupFutureUsage: s.Sim.Intent.SetupFutureUsage,
		StatementDescriptor: s.Sim.Intent.StatementDescriptor, StatementSuffix: s.Sim.Intent.StatementSuffix,
		Status: intentNeedsMethod, Sim: intentSim{Session: s.ID},
	}
}

// getIntent serves GET /v1/payment_intents/{intent}.
func getIntent(ctx context.Context, t *tx, c *call) (any, error) {
	pi := new(intent)
	return pi, t.get(ctx, kindIntent, c.id, "intent", pi)
}

// listIntents serves GET /v1/payment_intents.
func listIntents(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindIntent, "customer")
}

// searchIntents serves GET /v1/payment_intents/search. Of Stripe's query language,
// metadata['key']:'value' and status:'value' are simulated, joined by AND. Stripe
// finds a new object after up to a minute, the simulator at once.
func searchIntents(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Query string `json:"query"`
		Limit int    `json:"limit"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	terms, err := parseQuery(p.Query)
	if err != nil {
		return nil, err
	}
	query := `SELECT body FROM objects WHERE account = ? AND kind = ?`
	args := []any{t.account, kindIntent}
	for key, want := range terms.metadata {
		query += ` AND EXISTS (SELECT 1 FROM json_each(body, '$.metadata') m WHERE m.key = ? AND m.value = ?)`
		args = append(args, key, want)
	}
	if terms.status != "" {
		query += ` AND json_extract(body, '$.status') = ?`
		args = append(args, terms.status)
	}
	bodies, err := t.bodies(ctx, query+` ORDER BY seq DESC`, args...)
	if err != nil {
		return nil, err
	}
	if len(bodies) > limitOr(p.Limit) {
		return nil, notModelled("page", "a second page of search results")
	}
	out := searchPage{Object: "search_result", URL: "/v1/payment_intents/search", Data: []any{}}
	for _, body := range bodies {
		out.Data = append(out.Data, json.RawMessage(body))
	}
	return out, nil
}

type searchPage struct {
	Object   string  `json:"object"`
	Data     []any   `json:"data"`
	HasMore  bool    `json:"has_more"`
	NextPage *string `json:"next_page"`
	URL      string  `json:"url"`
}

type searchTerms struct {
	metadata map[string]string
	status   string
}

func parseQuery(q string) (searchTerms, error) {
	terms := searchTerms{metadata: map[string]string{}}
	for term := range strings.SplitSeq(q, " AND ") {
		field, value, _ := strings.Cut(strings.TrimSpace(term), ":")
		want, quoted := unquote(value)
		key, inMetadata := strings.CutPrefix(strings.TrimSuffix(field, "]"), "metadata[")
		key, keyQuoted := unquote(key)
		switch {
		case quoted && inMetadata && keyQuoted:
			terms.metadata[key] = want
		case quoted && field == "status":
			terms.status = want
		default:
			return searchTerms{}, invalid("", "query", "the query cannot be understood: "+q)
		}
	}
	return terms, nil
}

func unquote(s string) (string, bool) {
	for _, quote := range []string{"'", `"`} {
		if len(s) >= 2 && strings.HasPrefix(s, quote) && strings.HasSuffix(s, quote) {
			return s[1 : len(s)-1], true
		}
	}
	return "", false
}

// unexpectedState returns the failure of an operation that the intent's state forbids.
func (t *tx) unexpectedState(pi *intent, doing string) error {
	shown, err := t.render(pi)
	if err != nil {
		return err
	}
	return &failure{
		Status: http.StatusBadRequest, Type: invalidRequest, Code: "payment_intent_unexpected_state",
		Message:       "this PaymentIntent cannot be " + doing + ": its status is " + pi.Status,
		PaymentIntent: shown,
	}
}

// isHeld reports whether the intent awaits its capture.
func (pi *intent) isHeld() bool { return pi.Status == intentNeedsCapture }

// isCancelable reports whether the intent is held, or failed without its customer.
// Other failed intents end with their session or their invoice.
func (pi *intent) isCancelable() bool {
	return pi.isHeld() || pi.Status == intentNeedsMethod && pi.Sim.Session == "" && pi.Invoice == nil
}

// intentFor returns an intent whose state allows doing.
func (t *tx) intentFor(ctx context.Context, id, doing string, allows func(*intent) bool) (*intent, error) {
	pi := new(intent)
	if err := t.get(ctx, kindIntent, id, "intent", pi); err != nil {
		return nil, err
	}
	if !allows(pi) {
		return nil, t.unexpectedState(pi, doing)
	}
	return pi, nil
}

// captureIntent serves POST /v1/payment_intents/{intent}/capture.
func captureIntent(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		AmountToCapture *int64            `json:"amount_to_capture"`
		PlatformFee     *int64            `json:"application_fee_amount"`
		Metadata        map[string]string `json:"metadata"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := t.checkApplicationFee("application_fee_amount", p.PlatformFee); err != nil {
		return nil, err
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	pi, err := t.intentFor(ctx, c.id, "captured", (*intent).isHeld)
	if err != nil {
		return nil, err
	}
	amount := pi.AmountCapturable
	if p.AmountToCapture != nil {
		amount = *p.AmountToCapture
	}
	if amount <= 0 {
		return nil, invalid("parameter_invalid_integer", "amount_to_capture", "amount_to_capture must be at least 1")
	}
	if amount > pi.AmountCapturable {
		return nil, invalid("amount_too_large", "amount_to_capture", "amount_to_capture is more than amount_capturable")
	}
	if p.PlatformFee != nil {
		pi.PlatformFee = p.PlatformFee
	}
	maps.Copy(pi.Metadata, p.Metadata)
	maps.DeleteFunc(pi.Metadata, func(_, v string) bool { return v == "" })
	return pi, t.captureHold(ctx, pi, amount)
}

// captureHold captures amount of a held intent and releases the remainder.
func (t *tx) captureHold(ctx context.Context, pi *intent, amount int64) error {
	var ch charge
	if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", &ch); err != nil {
		return err
	}
	if ch.card().captureFails {
		return &failure{
			Status: http.StatusPaymentRequired, Type: cardError, Code: "card_declined", DeclineCode: "do_not_honor",
			Message: "the card's issuer declined the capture", Charge: ch.ID,
		}
	}
	ch.PlatformFee = pi.PlatformFee
	if err := t.captureCharge(ctx, &ch, amount); err != nil {
		return err
	}
	if err := t.emit(ctx, "charge.captured", &ch); err != nil {
		return err
	}
	if amount < ch.Amount {
		if err := t.releaseCharge(ctx, &ch, ch.Amount-amount, nil); err != nil {
			return err
		}
	}
	if err := t.succeed(ctx, pi, amount); err != nil {
		return err
	}
	if pi.Sim.Session == "" {
		return nil
	}
	var s session
	if err := t.get(ctx, kindSession, pi.Sim.Session, "", &s); err != nil {
		return err
	}
	s.PaymentStatus = "paid"
	return t.put(ctx, &s, s.due())
}

func (t *tx) succeed(ctx context.Context, pi *intent, amount int64) error {
	pi.Status, pi.AmountCapturable, pi.AmountReceived = intentSucceeded, 0, amount
	if err := t.put(ctx, pi, pi.due()); err != nil {
		return err
	}
	if err := t.emit(ctx, "payment_intent.succeeded", pi); err != nil || pi.Invoice == nil {
		return err
	}
	return t.recordInvoicePaid(ctx, pi)
}

// cancelIntent serves POST /v1/payment_intents/{intent}/cancel. It refuses to cancel
// the intent of an open session, which expires with its session.
func cancelIntent(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		CancellationReason *string `json:"cancellation_reason"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	pi, err := t.intentFor(ctx, c.id, "canceled", (*intent).isCancelable)
	if err != nil {
		return nil, err
	}
	return pi, t.cancel(ctx, pi, p.CancellationReason)
}

// cancel cancels an intent and releases its hold.
func (t *tx) cancel(ctx context.Context, pi *intent, reason *string) error {
	if pi.Status == intentNeedsCapture {
		var ch charge
		if err := t.get(ctx, kindCharge, *pi.LatestCharge, "", &ch); err != nil {
			return err
		}
		if err := t.releaseHold(ctx, &ch, reason); err != nil {
			return err
		}
	}
	at := t.now.Unix()
	pi.Status, pi.CanceledAt, pi.CancellationReason = intentCanceled, &at, reason
	pi.AmountCapturable, pi.NextAction = 0, nil
	if err := t.put(ctx, pi, pi.due()); err != nil {
		return err
	}
	return t.emit(ctx, "payment_intent.canceled", pi)
}

func (t *tx) releaseHold(ctx context.Context, ch *charge, reason *string) error {
	var why *string
	if reason != nil && *reason == canceledAutomatic {
		expired := refundHoldExpired
		why = &expired
		if err := t.emit(ctx, "charge.expired", ch); err != nil {
			return err
		}
	}
	return t.releaseCharge(ctx, ch, ch.Amount, why)
}
