package stripepay

import (
	"encoding/json"
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
// concerned. Verify reports false for a genuine event that we do not use.
func Verify(body []byte, signature, secret string, now time.Time) (hook.StripeEvent, bool, error) {
	refused := fault.New(fault.Malformed, "bad_signature", "this is not a webhook signed for this endpoint, or it is too old")
	// The API version does not matter, since only ids are read from the event.
	e, err := webhook.ConstructEventWithOptions(body, signature, secret, webhook.ConstructEventOptions{
		IgnoreTolerance: true, IgnoreAPIVersionMismatch: true,
	})
	if err != nil {
		return hook.StripeEvent{}, false, refused
	}
	if sent, ok := signedAt(signature); !ok || now.Sub(sent).Abs() > tolerance {
		return hook.StripeEvent{}, false, refused
	}
	if !usedTypes[e.Type] {
		return hook.StripeEvent{ID: e.ID, Account: e.Account}, false, nil
	}
	object := sessionOrIntent(e.Data)
	return hook.StripeEvent{ID: e.ID, Account: e.Account, Object: object, Created: time.Unix(e.Created, 0).UTC()}, object != "", nil
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
func sessionOrIntent(d *stripe.EventData) string {
	if d == nil {
		return ""
	}
	var o struct {
		ID            string          `json:"id"`
		Object        string          `json:"object"`
		PaymentIntent json.RawMessage `json:"payment_intent"`
	}
	if json.Unmarshal(d.Raw, &o) != nil {
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
