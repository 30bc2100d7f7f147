package stripepay

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"evisit/pkg/clinic/hook"
	"evisit/pkg/fault"
)

// tolerance is the greatest age of a webhook, the same as in Stripe's libraries.
const tolerance = 300 * time.Second

// Verify checks the signature over the exact bytes of a webhook and its age at
// now, and returns the ids of the event, the account and the session or intent
// concerned. Verify reports false for a genuine event that we do not use: one of
// another type, one that reports our own capture, and one whose ids or time cannot be
// Stripe's. Nothing else is read from it, so its API version does not matter.
func Verify(body []byte, signature, secret string, now time.Time) (hook.StripeEvent, bool, error) {
	refused := fault.New(fault.Malformed, "bad_signature", "this is not a webhook signed for this endpoint, or it is too old")
	if webhook.ValidatePayloadIgnoringTolerance(body, signature, secret) != nil {
		return hook.StripeEvent{}, false, refused
	}
	if sent, ok := signedAt(signature); !ok || now.Sub(sent).Abs() > tolerance {
		return hook.StripeEvent{}, false, refused
	}
	if !json.Valid(body) {
		return hook.StripeEvent{}, false, fault.New(fault.Malformed, "malformed_json", "the body is not JSON")
	}
	var e struct {
		ID      string           `json:"id"`
		Account string           `json:"account"`
		Type    stripe.EventType `json:"type"`
		Created int64            `json:"created"`
		Live    bool             `json:"livemode"`
		Data    struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	readable := json.Unmarshal(body, &e) == nil
	ofAccount := accountTypes[e.Type] && e.Account != ""
	ofPayout := payoutTypes[e.Type] && e.Account != ""
	if !readable || !usedTypes[e.Type] && !ofAccount && !ofPayout {
		return hook.StripeEvent{}, false, nil
	}
	about := objectOf(e.Data.Object)
	if e.Type == stripe.EventTypePaymentIntentSucceeded && about.Captured {
		return hook.StripeEvent{}, false, nil
	}
	if e.Type == stripe.EventTypeCheckoutSessionCompleted && !about.Subscribes {
		return hook.StripeEvent{}, false, nil // a visit's hold is reported by its intent
	}
	event := hook.StripeEvent{ID: e.ID, Account: e.Account, Object: about.ID, Live: e.Live, Created: time.Unix(e.Created, 0).UTC()}
	if ofAccount {
		event.Object = e.Account
	}
	useful := isID(event.ID) && (event.Account == "" || isID(event.Account)) && isID(event.Object) && 0 < e.Created && e.Created < latest
	return event, useful, nil
}

// latest is the end of the year 9999, after which a time is no longer written in
// the same number of digits.
const latest = 253_402_300_800

// isID reports whether s can be an id of Stripe's, which has at most 255
// characters.
func isID(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	return s != "" && len(s) <= 255 && strings.Trim(s, letters) == ""
}

// usedTypes are the types of event that change the state of a payment or a membership. The other
// events that Stripe sends for a payment repeat the same changes.
var usedTypes = map[stripe.EventType]bool{
	stripe.EventTypePaymentIntentAmountCapturableUpdated: true,
	stripe.EventTypePaymentIntentProcessing:              true,
	stripe.EventTypePaymentIntentSucceeded:               true,
	stripe.EventTypePaymentIntentCanceled:                true,
	stripe.EventTypeCheckoutSessionExpired:               true,
	stripe.EventTypeCheckoutSessionCompleted:             true,
	stripe.EventTypeCustomerSubscriptionCreated:          true,
	stripe.EventTypeCustomerSubscriptionUpdated:          true,
	stripe.EventTypeCustomerSubscriptionDeleted:          true,
	stripe.EventTypeInvoicePaid:                          true,
	stripe.EventTypeInvoicePaymentFailed:                 true,
	stripe.EventTypeInvoiceFinalized:                     true,
	stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded: true,
	stripe.EventTypeCheckoutSessionAsyncPaymentFailed:    true,
	stripe.EventTypeChargeRefunded:                       true,
	stripe.EventTypeChargeRefundUpdated:                  true,
	stripe.EventTypeChargeDisputeCreated:                 true,
	stripe.EventTypeChargeDisputeUpdated:                 true,
	stripe.EventTypeChargeDisputeClosed:                  true,
	stripe.EventTypeChargeDisputeFundsWithdrawn:          true,
	stripe.EventTypeChargeDisputeFundsReinstated:         true,
	stripe.EventTypeRadarEarlyFraudWarningCreated:        true,
}

// accountTypes are the types of event that change how a connected account stands: Stripe
// asks for details or has them, or the account's owner ends the platform's access or gives
// it again. The object of such an event is the account.
var accountTypes = map[stripe.EventType]bool{
	stripe.EventTypeAccountUpdated:                 true,
	stripe.EventTypeAccountApplicationDeauthorized: true,
	stripe.EventTypeAccountApplicationAuthorized:   true,
}

// payoutTypes are the types of event about a connected account's payouts. What is paid out of the
// platform's own account concerns nobody here.
var payoutTypes = map[stripe.EventType]bool{
	stripe.EventTypePayoutCreated:  true,
	stripe.EventTypePayoutUpdated:  true,
	stripe.EventTypePayoutPaid:     true,
	stripe.EventTypePayoutFailed:   true,
	stripe.EventTypePayoutCanceled: true,
}

// EventTypes lists the types of event that Verify uses, in alphabetical order: those
// that an endpoint at Stripe needs. connected is whether the endpoint has the events of
// connected accounts; how the platform's own stands concerns nobody here.
func EventTypes(connected bool) []string {
	var types []string
	for t := range usedTypes {
		types = append(types, string(t))
	}
	if connected {
		for t := range accountTypes {
			types = append(types, string(t))
		}
		for t := range payoutTypes {
			types = append(types, string(t))
		}
	}
	slices.Sort(types)
	return types
}

// lateTypes are the types that can change a payment which is final here, or that
// is not known here, those that can change a membership in the middle of its year, and payouts. A payment
// that is not final is asked about by itself.
var lateTypes = []string{
	string(stripe.EventTypePaymentIntentAmountCapturableUpdated),
	string(stripe.EventTypePaymentIntentSucceeded),
	string(stripe.EventTypeChargeRefunded),
	string(stripe.EventTypeChargeRefundUpdated),
	string(stripe.EventTypeChargeDisputeCreated),
	string(stripe.EventTypeChargeDisputeClosed),
	string(stripe.EventTypeChargeDisputeFundsWithdrawn),
	string(stripe.EventTypeChargeDisputeFundsReinstated),
	string(stripe.EventTypeRadarEarlyFraudWarningCreated),
	string(stripe.EventTypeCustomerSubscriptionUpdated),
	string(stripe.EventTypeCustomerSubscriptionDeleted),
	string(stripe.EventTypeInvoicePaid),
	string(stripe.EventTypeInvoicePaymentFailed),
	string(stripe.EventTypePayoutCreated),
	string(stripe.EventTypePayoutPaid),
	string(stripe.EventTypePayoutFailed),
	string(stripe.EventTypePayoutCanceled),
}

// An about is the object that charge fetches for an event: a session, an intent, a
// warning, a subscription or a payout. Ref is the payment in an intent's metadata, and Captured is whether the
// metadata name a capture of ours: both only where the event shows the intent itself.
// Subscribes says that a session is one on which somebody subscribes.
type about struct {
	ID, Ref    string
	Captured   bool
	Subscribes bool
}

// objectOf returns the object that an event's object is or belongs to; zero for
// other objects.
func objectOf(object json.RawMessage) about {
	var o struct {
		ID            string          `json:"id"`
		Object        string          `json:"object"`
		Mode          string          `json:"mode"`
		PaymentIntent json.RawMessage `json:"payment_intent"`
		Subscription  json.RawMessage `json:"subscription"`
		Metadata      json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(object, &o) != nil {
		return about{}
	}
	switch o.Object {
	case "checkout.session":
		return about{ID: o.ID, Subscribes: o.Mode == string(stripe.CheckoutSessionModeSubscription)}
	case "radar.early_fraud_warning", "subscription", "payout":
		return about{ID: o.ID}
	case "invoice":
		var id string
		if json.Unmarshal(o.Subscription, &id) == nil {
			return about{ID: id}
		}
	case "payment_intent":
		var metadata map[string]string
		_ = json.Unmarshal(o.Metadata, &metadata) // in another version it may be of another shape
		return about{ID: o.ID, Ref: metadata[refKey], Captured: metadata[capturedKey] != ""}
	case "charge", "dispute", "refund":
		var id string
		if json.Unmarshal(o.PaymentIntent, &id) == nil {
			return about{ID: id}
		}
	}
	return about{}
}
