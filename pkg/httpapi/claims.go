package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
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
