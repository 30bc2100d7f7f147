package stripepay

import (
	"encoding/json"
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
// another type, and one whose ids or time cannot be Stripe's. Nothing else is read
// from it, so its API version does not matter.
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
		Data    struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	readable := json.Unmarshal(body, &e) == nil
	if !readable || !usedTypes[e.Type] {
		return hook.StripeEvent{}, false, nil
	}
	event := hook.StripeEvent{ID: e.ID, Account: e.Account, Object: sessionOrIntent(e.Data.Object), Created: time.Unix(e.Created, 0).UTC()}
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

// usedTypes are the types of event that change the state of a payment. The other
// events that Stripe sends for a payment repeat the same changes.
var usedTypes = map[stripe.EventType]bool{
	stripe.EventTypePaymentIntentAmountCapturableUpdated: true,
	stripe.EventTypePaymentIntentSucceeded:               true,
	stripe.EventTypePaymentIntentCanceled:                true,
	stripe.EventTypeCheckoutSessionExpired:               true,
	stripe.EventTypeChargeRefunded:                       true,
	stripe.EventTypeChargeDisputeCreated:                 true,
	stripe.EventTypeChargeDisputeClosed:                  true,
}

// sessionOrIntent is the id of the session or intent that an event's object is or
// belongs to, and empty for other objects.
func sessionOrIntent(object json.RawMessage) string {
	var o struct {
		ID            string          `json:"id"`
		Object        string          `json:"object"`
		PaymentIntent json.RawMessage `json:"payment_intent"`
	}
	if json.Unmarshal(object, &o) != nil {
		return ""
	}
	switch o.Object {
	case "checkout.session", "payment_intent":
		return o.ID
	case "charge", "dispute", "refund":
		var id string
		if json.Unmarshal(o.PaymentIntent, &id) == nil {
			return id
		}
	}
	return ""
}
