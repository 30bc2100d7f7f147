package handlers

import "encoding/base64"

// Sample is a value of the form that a setting must have.
func Sample(name string) string {
	switch name {
	case "EVISIT_LOG_PUBLIC":
		return base64.StdEncoding.EncodeToString(make([]byte, 32))
	case "EVISIT_STAFF_IDLE":
		return "15m"
	case "EVISIT_OPERATORS":
		return "https://issuer.example|operator"
	case "OIDC_ISSUER", "OIDC_JWKS_URL", "OIDC_SECOND_FACTOR":
		return "https://issuer.example"
	case "EVISIT_PAGES":
		return "https://visit.example.org"
	case "EVISIT_STRIPE_MODE":
		return "live"
	}
	return "x"
}
