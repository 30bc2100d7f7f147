package main

import (
	"crypto/ed25519"
	"encoding/base64"
)

// settings are what any function is given, to be started: what it has to read
// elsewhere, such as its secrets, it reads later.
func settings() map[string]string {
	public, _ := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	return map[string]string{
		"EVISIT_TABLE": mainTable, "EVISIT_BUCKET": "bench", "EVISIT_PAGES": "https://visit.example.org", "EVISIT_SECRETS": "evisit/bench",
		"OIDC_ISSUER": "https://issuer.example", "OIDC_JWKS_URL": "https://issuer.example/jwks", "OIDC_AUDIENCE": "bench",
		"EVISIT_STRIPE_MODE": "test", "EVISIT_STAFF_IDLE": "15m", "EVISIT_MAIL_FROM": "no-reply@visit.example.org", "EVISIT_MAIL_EVENTS": "evisit-bench",
		"EVISIT_KMS_KEY":    "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"EVISIT_LOG_ORIGIN": "visit.example.org/log", "EVISIT_LOG_PUBLIC": base64.StdEncoding.EncodeToString(public),
	}
}
