package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// clockSkew is how far ahead of ours the issuer's clock may be.
const clockSkew = time.Minute

// claims are the claims of a token that say what it is for and when it holds.
// What else an ID token must say, the library checks.
type claims struct {
	Expiry    json.RawMessage `json:"exp"`
	IssuedAt  json.RawMessage `json:"iat"`
	NotBefore json.RawMessage `json:"nbf"`
	Use       string          `json:"token_use"` // Cognito's: id or access
	Type      string          `json:"typ"`       // Keycloak's: ID, Bearer, Refresh, Logout
	Scope     json.RawMessage `json:"scope"`     // of access tokens (RFC 9068, 2.2.3)
	Events    json.RawMessage `json:"events"`    // of logout and security event tokens
}

// checkUse refuses a token that is no ID token, or does not hold yet at now. Its
// signature was verified.
func checkUse(token string, now time.Time) error {
	head, rest, _ := strings.Cut(token, ".")
	body, _, _ := strings.Cut(rest, ".")
	var header struct {
		Type string `json:"typ"`
	}
	var c claims
	if err := errors.Join(decodePart(head, &header), decodePart(body, &c)); err != nil {
		return err
	}
	switch {
	case header.Type != "" && !strings.EqualFold(header.Type, "JWT"):
		return fmt.Errorf("its type is %.40q", header.Type)
	case c.Use != "" && c.Use != "id":
		return fmt.Errorf("its token_use is %.40q", c.Use)
	case c.Type != "" && c.Type != "ID":
		return fmt.Errorf("its claim typ is %.40q", c.Type)
	case c.Scope != nil:
		return errors.New("it has a scope, as an access token")
	case c.Events != nil:
		return errors.New("it tells events")
	}
	if ends, err := instant(c.Expiry); err != nil || !now.Before(ends) {
		return errors.Join(errors.New("it has expired, or does not say when it does"), err)
	}
	for name, raw := range map[string]json.RawMessage{"iat": c.IssuedAt, "nbf": c.NotBefore} {
		if raw == nil {
			continue
		}
		at, err := instant(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if at.After(now.Add(clockSkew)) {
			return errors.New(name + " is ahead of our clock")
		}
	}
	return nil
}

// issuerOf is the issuer that a token names, which is to be verified; empty if it names
// none.
func issuerOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	body, _, _ := strings.Cut(rest, ".")
	var c struct {
		Issuer string `json:"iss"`
	}
	if decodePart(body, &c) != nil {
		return ""
	}
	return c.Issuer
}

// provenBy is what an ID token of an issuer, which was verified, proves. A claim of
// another type than it should have says nothing, and refuses nobody.
func provenBy(issuer Issuer, id *oidc.IDToken) (clinic.Proven, error) {
	var c map[string]json.RawMessage // a struct would take Email_Verified for email_verified
	err := id.Claims(&c)
	return clinic.Proven{
		Proof:  clinic.Proof{Issuer: issuer.URL, Subject: id.Subject},
		Email:  confirmed(c["email"], c["email_verified"]),
		Phone:  confirmed(c["phone_number"], c["phone_number_verified"]),
		Strong: issuer.AlwaysTwo || identity.TwoFactors(texts(c["amr"])),
	}, err
}

// maxAddress bounds an e-mail address (RFC 5321, section 4.5.3.1.3) and a phone
// number.
const maxAddress = 254

// confirmed is the address of a claim, which the claim beside it says the issuer has
// verified: true (OpenID Connect Core, section 5.1), or "true" as Cognito writes it
// for attributes that another provider gave. Empty otherwise.
func confirmed(address, verified json.RawMessage) phi.Text {
	if v := string(verified); v != `true` && v != `"true"` {
		return ""
	}
	var s string
	if json.Unmarshal(address, &s) != nil || len(s) > maxAddress {
		return ""
	}
	return phi.Text(s)
}

// texts is a claim that is an array of strings; nil if it is anything else.
func texts(raw json.RawMessage) []string {
	var ss []string
	if json.Unmarshal(raw, &ss) != nil {
		return nil
	}
	return ss
}

func decodePart(part string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// instant reads a NumericDate, which is a JSON number of seconds (RFC 7519, 2).
func instant(raw json.RawMessage) (time.Time, error) {
	var n json.Number // takes a number in quotes, too
	if err := json.Unmarshal(raw, &n); err != nil || strings.HasPrefix(string(raw), `"`) {
		return time.Time{}, errors.New("it is no number")
	}
	seconds, err := n.Float64()
	return time.UnixMilli(int64(seconds * 1000)), err
}
