// Package stripepay calls Stripe for payment pages, holds, captures, releases,
// refunds and memberships, and verifies Stripe's webhooks. It decides nothing: it translates Stripe's
// objects into billing.Observation, and tells a definite refusal from an unknown
// outcome.
//
// Objects at Stripe carry our opaque payment or membership id and nothing else (billing
// rules §5.18).
package stripepay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/account"
	"github.com/stripe/stripe-go/v76/accountlink"
	"github.com/stripe/stripe-go/v76/balancetransaction"
	chargeapi "github.com/stripe/stripe-go/v76/charge"
	"github.com/stripe/stripe-go/v76/checkout/session"
	"github.com/stripe/stripe-go/v76/customer"
	disputeapi "github.com/stripe/stripe-go/v76/dispute"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/invoice"
	"github.com/stripe/stripe-go/v76/paymentintent"
	payoutapi "github.com/stripe/stripe-go/v76/payout"
	"github.com/stripe/stripe-go/v76/radar/earlyfraudwarning"
	"github.com/stripe/stripe-go/v76/refund"
	"github.com/stripe/stripe-go/v76/subscription"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/request"
	"evisit/pkg/money"
	"evisit/pkg/secret"
)

// A Client calls Stripe with one key. It is safe for concurrent use.
type Client struct {
	sessions      session.Client
	intents       paymentintent.Client
	refunds       refund.Client
	events        event.Client
	warnings      earlyfraudwarning.Client
	disputes      disputeapi.Client
	accounts      account.Client
	links         accountlink.Client
	customers     customer.Client
	subscriptions subscription.Client
	invoices      invoice.Client
	payouts       payoutapi.Client
	charges       chargeapi.Client
	balance       balancetransaction.Client
}

var (
	_ request.Checkout     = (*Client)(nil)
	_ charge.Cards         = (*Client)(nil)
	_ charge.Subscriptions = (*Client)(nil)
	_ charge.Balance       = (*Client)(nil)
	_ office.AccountPages  = (*Client)(nil)
)

// callTimeout keeps a call and its two retries within the 30 seconds that an API
// gateway waits. The default of stripe-go is 80 seconds for each of the three.
const callTimeout = 8 * time.Second

// New returns a client for the API at base, or for Stripe's own if base is empty. Each
// call is made with the key as it is then.
func New(key *secret.Kept[string], base string) *Client {
	cfg := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Timeout: callTimeout, Transport: &keyed{key, http.DefaultTransport}},
		MaxNetworkRetries: stripe.Int64(2),
		EnableTelemetry:   stripe.Bool(false),
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // errors are returned, and stripe-go's log may quote parameters
	}
	if base != "" {
		cfg.URL = stripe.String(base)
	}
	api := stripe.NewBackendsWithConfig(cfg).API
	return &Client{
		sessions:      session.Client{B: api},
		intents:       paymentintent.Client{B: api},
		refunds:       refund.Client{B: api},
		events:        event.Client{B: api},
		warnings:      earlyfraudwarning.Client{B: api},
		disputes:      disputeapi.Client{B: api},
		accounts:      account.Client{B: api},
		links:         accountlink.Client{B: api},
		customers:     customer.Client{B: api},
		subscriptions: subscription.Client{B: api},
		invoices:      invoice.Client{B: api},
		payouts:       payoutapi.Client{B: api},
		charges:       chargeapi.Client{B: api},
		balance:       balancetransaction.Client{B: api},
	}
}

// The entries of an object's metadata.
const (
	refKey = "ref" // our payment id
	// capturedKey has the idempotency key of our own capture of an intent. Verify uses no
	// webhook that reports it: the event that asked for the capture settles the payment,
	// and is tried until Stripe's answer to it is known.
	capturedKey = "captured"
)

// NewPage implements request.Checkout.
func (c *Client) NewPage(ctx context.Context, p request.PageRequest) (string, string, error) {
	ref := map[string]string{refKey: p.Ref}
	capture := stripe.PaymentIntentCaptureMethodManual
	if p.AtOnce {
		capture = stripe.PaymentIntentCaptureMethodAutomatic
	}
	params := &stripe.CheckoutSessionParams{
		Params:            stripe.Params{Context: ctx},
		Mode:              stripe.String(string(stripe.CheckoutSessionModePayment)),
		ClientReferenceID: stripe.String(p.Ref),
		Metadata:          ref,
		SuccessURL:        stripe.String(p.Done),
		CancelURL:         stripe.String(p.Back),
		ExpiresAt:         stripe.Int64(p.Ends.Unix()),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{
			Quantity: stripe.Int64(1),
			PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
				Currency:    stripe.String(string(stripe.CurrencyUSD)),
				UnitAmount:  stripe.Int64(int64(p.Amount)),
				ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String("Online request")},
			},
		}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{
			CaptureMethod: stripe.String(string(capture)), Metadata: ref,
		},
	}
	if !p.AtOnce { // no other method says how long its hold lasts
		params.PaymentMethodTypes = []*string{stripe.String(string(stripe.PaymentMethodTypeCard))}
	}
	if p.KeepCard {
		params.CustomerCreation = stripe.String(string(stripe.CheckoutSessionCustomerCreationAlways))
		params.PaymentIntentData.SetupFutureUsage = stripe.String(string(stripe.PaymentIntentSetupFutureUsageOffSession))
	}
	params.PaymentIntentData.ApplicationFeeAmount = platformCents(p.Platform)
	params.SetStripeAccount(p.Account)
	params.SetIdempotencyKey(p.Key)
	s, err := c.sessions.New(params)
	if err != nil {
		return "", "", callError("opening a payment page for "+p.Ref, err)
	}
	return s.ID, s.URL, nil
}

// The beginnings of the ids of Stripe's objects.
const (
	sessionPrefix = "cs_"
	warningPrefix = "issfr_"
)

// Observe implements charge.Cards. The object is a session, an intent or an early
// fraud warning.
func (c *Client) Observe(ctx context.Context, account, object string) (string, billing.Observation, error) {
	switch {
	case strings.HasPrefix(object, sessionPrefix):
		return c.observeSession(ctx, account, object)
	case strings.HasPrefix(object, warningPrefix):
		return c.observeWarned(ctx, account, object)
	case strings.HasPrefix(object, subscriptionPrefix), strings.HasPrefix(object, invoicePrefix), strings.HasPrefix(object, payoutPrefix),
		strings.HasPrefix(object, transactionPrefix):
		return "", billing.Observation{}, nil // of a membership, a payout, or of nothing
	}
	return c.observeIntent(ctx, account, object)
}

func (c *Client) observeSession(ctx context.Context, account, id string) (string, billing.Observation, error) {
	params := &stripe.CheckoutSessionParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	s, err := c.sessions.Get(id, params)
	if err != nil {
		return "", billing.Observation{}, callError("fetching session "+id, err)
	}
	expired := s.Status == stripe.CheckoutSessionStatusExpired
	if s.PaymentIntent == nil || s.PaymentIntent.ID == "" {
		return s.Metadata[refKey], billing.Observation{Session: id, SessionOver: expired}, nil
	}
	ref, o, err := c.observeIntent(ctx, account, s.PaymentIntent.ID)
	o.Session, o.SessionOver = id, expired
	return ref, o, err
}

// observeWarned fetches the intent that a warning is about.
func (c *Client) observeWarned(ctx context.Context, account, id string) (string, billing.Observation, error) {
	params := &stripe.RadarEarlyFraudWarningParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	w, err := c.warnings.Get(id, params)
	if err != nil {
		return "", billing.Observation{}, callError("fetching warning "+id, err)
	}
	if w.PaymentIntent == nil || w.PaymentIntent.ID == "" {
		return "", billing.Observation{}, nil // of a charge that has no intent, which this system never makes
	}
	ref, o, err := c.observeIntent(ctx, account, w.PaymentIntent.ID)
	o.Warned = true
	return ref, o, err
}

func (c *Client) observeIntent(ctx context.Context, account, id string) (string, billing.Observation, error) {
	params := &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}}
	for _, path := range chargeParts {
		params.AddExpand("latest_charge" + path)
	}
	params.SetStripeAccount(account)
	pi, err := c.intents.Get(id, params)
	if err != nil {
		return "", billing.Observation{}, callError("fetching intent "+id, err)
	}
	o := observation(pi)
	ch := pi.LatestCharge
	took, err := c.feesOf(ctx, account, ch)
	if err != nil {
		return "", billing.Observation{}, err
	}
	o.StripeFee, o.PlatformFee = took.stripe, took.platform
	if ch != nil && ch.Disputed {
		err = c.observeDisputes(ctx, account, &o)
	}
	return pi.Metadata[refKey], o, err
}

// shortestHold is how long a hold lasts at least whose payment method, unlike a
// card, does not say until when it can be captured.
const shortestHold = 7 * 24 * time.Hour

func observation(pi *stripe.PaymentIntent) billing.Observation {
	o := billing.Observation{
		Intent: pi.ID, Status: string(pi.Status), Amount: money.Cents(pi.Amount),
		Capturable: money.Cents(pi.AmountCapturable), Received: money.Cents(pi.AmountReceived),
		Expired: pi.CancellationReason == stripe.PaymentIntentCancellationReasonAutomatic,
	}
	if e := pi.LastPaymentError; e != nil {
		o.Failure = failureCode(e)
	}
	ch := pi.LatestCharge
	if ch == nil {
		return o
	}
	o.Refunded = refunded(ch)
	if d := ch.PaymentMethodDetails; d != nil && d.Card != nil && d.Card.CaptureBefore > 0 {
		o.CaptureBefore = time.Unix(d.Card.CaptureBefore, 0).UTC()
	} else if pi.Status == stripe.PaymentIntentStatusRequiresCapture {
		o.CaptureBefore = time.Unix(ch.Created, 0).UTC().Add(shortestHold)
	}
	return o
}

// failureCode is the bank's reason for a decline where Stripe names one, else
// Stripe's own code.
func failureCode(e *stripe.Error) string {
	if e.DeclineCode != "" && e.DeclineCode != stripe.DeclineCodeGenericDecline {
		return string(e.DeclineCode)
	}
	return cmp.Or(string(e.Code), string(e.Type))
}

// refunded is the part of the captured money that was refunded. Stripe's
// amount_refunded also counts the part of a hold that was never captured.
func refunded(ch *stripe.Charge) money.Cents {
	if !ch.Captured {
		return 0
	}
	return max(0, money.Cents(ch.AmountRefunded-(ch.Amount-ch.AmountCaptured)))
}

// platformCents is an application fee as Stripe is told it: of nothing it is told nothing.
func platformCents(part money.Cents) *int64 {
	if part == 0 {
		return nil
	}
	return stripe.Int64(int64(part))
}

// Capture implements charge.Cards.
func (c *Client) Capture(ctx context.Context, account, intent string, amount, platform money.Cents, key string) error {
	params := &stripe.PaymentIntentCaptureParams{
		Params: stripe.Params{Context: ctx}, AmountToCapture: stripe.Int64(int64(amount)), ApplicationFeeAmount: platformCents(platform),
		Metadata: map[string]string{capturedKey: key},
	}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(key)
	if _, err := c.intents.Capture(intent, params); err != nil {
		return callError("capturing "+intent, err)
	}
	return nil
}

// Release implements charge.Cards.
func (c *Client) Release(ctx context.Context, account, intent, key string) error {
	params := &stripe.PaymentIntentCancelParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(key)
	if _, err := c.intents.Cancel(intent, params); err != nil {
		return callError("releasing "+intent, err)
	}
	return nil
}

// Refund implements charge.Cards. Stripe gives back of the platform's fee in proportion, and refuses to
// of a charge that has none.
func (c *Client) Refund(ctx context.Context, r charge.Refund, key string) error {
	params := &stripe.RefundParams{Params: stripe.Params{Context: ctx}, PaymentIntent: stripe.String(r.Intent)}
	if r.Amount > 0 {
		params.Amount = stripe.Int64(int64(r.Amount))
	}
	if r.Platform {
		params.RefundApplicationFee = stripe.Bool(true)
	}
	params.SetStripeAccount(r.Account)
	params.SetIdempotencyKey(key)
	if _, err := c.refunds.New(params); err != nil {
		return callError("refunding "+r.Intent, err)
	}
	return nil
}

// Expire implements charge.Cards.
func (c *Client) Expire(ctx context.Context, account, page, key string) error {
	params := &stripe.CheckoutSessionExpireParams{Params: stripe.Params{Context: ctx}}
	params.SetStripeAccount(account)
	params.SetIdempotencyKey(key)
	if _, err := c.sessions.Expire(page, params); err != nil {
		return callError("expiring "+page, err)
	}
	return nil
}

// changesPage is how many events one call of Changes reads. Each may cost a call
// for its object.
const changesPage = 20

// Changes implements charge.Cards, from the events that Stripe stores for thirty
// days.
func (c *Client) Changes(ctx context.Context, account string, since time.Time, after string) ([]charge.Change, string, error) {
	params := &stripe.EventListParams{
		ListParams:   stripe.ListParams{Context: ctx, Limit: stripe.Int64(changesPage), Single: true},
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()},
		Types:        stripe.StringSlice(lateTypes),
	}
	params.SetStripeAccount(account)
	if after != "" {
		params.StartingAfter = stripe.String(after)
	}
	var out []charge.Change
	next := ""
	list := c.events.List(params)
	for list.Next() {
		e := list.Event()
		next = e.ID
		if e.Data == nil {
			continue
		}
		if about := objectOf(e.Data.Raw); about.ID != "" {
			out = append(out, charge.Change{Object: about.ID, Ref: about.Ref})
		}
	}
	if err := list.Err(); err != nil {
		return nil, "", callError("listing the changes of "+account, err)
	}
	if !list.Meta().HasMore {
		next = ""
	}
	return out, next, nil
}

// callError turns a definite refusal by Stripe into a clinic.Refusal. After 401,
// 409, 429 or no answer at all the outcome is unknown, and the same key may be
// used again. After 5xx the outcome is unknown too, but Stripe replays a 5xx to
// the same key for 24 hours: callError returns a passing refusal, after which the
// caller observes the object and then asks under another key.
func callError(what string, err error) error {
	e, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	switch {
	case e.HTTPStatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%s: %w", what, &clinic.Refusal{Code: "stripe_failing", Temporary: true})
	case e.HTTPStatusCode == http.StatusConflict, e.HTTPStatusCode == http.StatusTooManyRequests,
		e.HTTPStatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s: stripe answered %d (%s)", what, e.HTTPStatusCode, e.Code)
	}
	final := e.Type == stripe.ErrorTypeCard || e.Code == stripe.ErrorCodeChargeExpiredForCapture
	return fmt.Errorf("%s: %w", what, &clinic.Refusal{Code: failureCode(e), Final: final})
}
