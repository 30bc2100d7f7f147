// Package restricted lists what the functions' restricted keys may do at Stripe. The
// simulator holds its keys to it, and infra/DEPLOY.md has the same list for making the
// real ones.
package restricted

import "evisit/pkg/secret"

// Keys are the permissions of each key, by the secret that holds it. Writing includes
// reading.
var Keys = map[string][]string{
	secret.API:    {"checkout_sessions:write", "customers:write", "account_links:write"},
	secret.Charge: {"payment_intents:write", "checkout_sessions:write", "charges:read", "refunds:write", "disputes:write", "events:read", "radar:read", "accounts:write", "subscriptions:write", "invoices:read", "balance_transactions:read", "payouts:read"},
}
