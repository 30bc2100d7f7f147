package httpapi

import "evisit/pkg/httpapi/webhook"

// Stripe's webhooks are declared here, for the document, and served by package
// webhook, in a function that links no other endpoint.
var receivePlatformEvent = Endpoint{
	Method: "POST", Path: webhook.PlatformPath, ID: "receivePlatformEvent", Group: "Webhooks",
	For: "Receive the platform's events",
	Text: "Stripe calls this for events of the platform's own account, signed with that endpoint's secret. They are " +
		"acknowledged; no payment of a visit is the platform's own, so nothing is kept. The signature is checked over " +
		"the exact bytes, and one more than five minutes old is refused.",
	Who: Signature,
	In:  Foreign("StripeEvent"),
	Out: webhook.Received{}, OutText: "Received.",
	Refuses: []Refusal{{Code: "bad_signature"}, {Code: "wrong_endpoint"}, {Code: "malformed_json", When: "a signed body that is not JSON"}, {Code: "denied", When: "it was sent past the distribution in front"}},
}

var receiveConnectEvent = Endpoint{
	Method: "POST", Path: webhook.ConnectPath, ID: "receiveConnectEvent", Group: "Webhooks",
	For: "Receive the practices' events",
	Text: "Stripe calls this for events of connected accounts, signed with that endpoint's secret. The event is kept and " +
		"acknowledged; what it is about is fetched from Stripe afterwards, so events may come late, twice or in any " +
		"order. An event received again is the same row. An event of a type that moves no payment, or whose ids cannot be " +
		"Stripe's, is acknowledged and not kept. The signature is checked over the exact bytes, and one more than five " +
		"minutes old is refused.",
	Who: Signature,
	In:  Foreign("StripeEvent"),
	Out: webhook.Received{}, OutText: "Received.",
	Refuses: []Refusal{{Code: "bad_signature"}, {Code: "wrong_endpoint"}, {Code: "malformed_json", When: "a signed body that is not JSON"}, {Code: "denied", When: "it was sent past the distribution in front"}},
}

// HookPatterns are the routes of Stripe's webhooks.
var HookPatterns = []string{receivePlatformEvent.Pattern(), receiveConnectEvent.Pattern()}
