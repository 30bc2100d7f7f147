package stripepay

import (
	"encoding/json"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// tolerance is how old a webhook may be, as Stripe's own libraries have it.
const tolerance = 300 * time.Second

// Verify checks a webhook's signature over the exact bytes received and its
// age on our clock, and reduces it to the object it is about. It reports false
// for an event that is genuine but of no use to us.
func Verify(body []byte, signature, secret string, now time.Time) (clinic.StripeEvent, bool, error) {
	refused := fault.New(fault.Malformed, "bad_signature", "this is not a webhook signed for this endpoint, or it is too old")
	// Only ids are taken from an event; its API version does not matter.
	e, err := webhook.ConstructEventWithOptions(body, signature, secret, webhook.ConstructEventOptions{
		IgnoreTolerance: true, IgnoreAPIVersionMismatch: true,
	})
	if err != nil {
		return clinic.StripeEvent{}, false, refused
	}
	if sent, ok := signedAt(signature); !ok || now.Sub(sent).Abs() > tolerance {
		return clinic.StripeEvent{}, false, refused
	}
	if !telling[e.Type] {
		return clinic.StripeEvent{ID: e.ID, Account: e.Account}, false, nil
	}
	object := subject(e.Data)
	return clinic.StripeEvent{ID: e.ID, Account: e.Account, Object: object}, object != "", nil
}

// telling are the events after which a payment stands differently. The rest of
// what Stripe sends for a payment repeats them.
var telling = map[stripe.EventType]bool{
	stripe.EventTypePaymentIntentAmountCapturableUpdated: true,
	stripe.EventTypePaymentIntentSucceeded:               true,
	stripe.EventTypePaymentIntentCanceled:                true,
	stripe.EventTypeCheckoutSessionExpired:               true,
	stripe.EventTypeChargeRefunded:                       true,
	stripe.EventTypeChargeDisputeCreated:                 true,
	stripe.EventTypeChargeDisputeClosed:                  true,
}

// subject is the session or intent an event's object is, or belongs to.
func subject(d *stripe.EventData) string {
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
