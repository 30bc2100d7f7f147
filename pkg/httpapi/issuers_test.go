package httpapi_test

import (
	"errors"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
)

// A token is verified by the keys and the audience of the issuer that it names, and of
// no other, and proves that issuer.
func TestTokens_OfSeveralIssuers(t *testing.T) {
	t.Parallel()
	const patients, staff = "https://patients.example", "https://staff.example/pool"
	theirs, others := newKeyServer(t), newKeyServer(t)
	key, otherKey := newRSA(t), newRSA(t)
	theirs.publish("k1", key)
	others.publish("k1", otherKey) // under the same name
	tokens := httpapi.NewTokens([]httpapi.Issuer{
		{URL: patients, Keys: theirs.URL, Audience: "patients-client"},
		{URL: staff, Keys: others.URL, Audience: "staff-client", AlwaysTwo: true},
	}, func() time.Time { return tokenNoon })
	of := func(issuer, audience any) map[string]any { return map[string]any{"iss": issuer, "aud": audience} }
	for name, c := range map[string]struct {
		token  string
		issuer string // empty: refused
		strong bool
	}{
		"the first's":                   {newForger(t, key, "k1", "JWT").sign(idClaims(of(patients, "patients-client"))), patients, false},
		"the second's":                  {newForger(t, otherKey, "k1", "JWT").sign(idClaims(of(staff, "staff-client"))), staff, true},
		"the first's, by the other key": {newForger(t, otherKey, "k1", "JWT").sign(idClaims(of(patients, "patients-client"))), "", false},
		"the second's, by the first's":  {newForger(t, key, "k1", "JWT").sign(idClaims(of(staff, "staff-client"))), "", false},
		"the first's, for the other":    {newForger(t, key, "k1", "JWT").sign(idClaims(of(patients, "staff-client"))), "", false},
		"for both":                      {newForger(t, key, "k1", "JWT").sign(idClaims(of(patients, []string{"patients-client", "staff-client"}))), patients, false},
		"of an unknown issuer":          {newForger(t, key, "k1", "JWT").sign(idClaims(of("https://evil.example", "patients-client"))), "", false},
		"with a slash at the end":       {newForger(t, key, "k1", "JWT").sign(idClaims(of(patients+"/", "patients-client"))), "", false},
		"of a part of the issuer":       {newForger(t, otherKey, "k1", "JWT").sign(idClaims(of("https://staff.example", "staff-client"))), "", false},
		"in capitals":                   {newForger(t, key, "k1", "JWT").sign(idClaims(of("https://PATIENTS.example", "patients-client"))), "", false},
		"of no issuer":                  {newForger(t, key, "k1", "JWT").sign(idClaims(of(nil, "patients-client"))), "", false},
		"of an issuer that is a list":   {newForger(t, key, "k1", "JWT").sign(idClaims(of([]string{patients}, "patients-client"))), "", false},
		"of an empty issuer":            {newForger(t, key, "k1", "JWT").sign(idClaims(of("", "patients-client"))), "", false},
		"named twice": {newForger(t, otherKey, "k1", "JWT").sign(idClaims(map[string]any{
			"iss": patients, "ISS": staff, "aud": "staff-client",
		})), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := tokens.Prove(t.Context(), c.token)
			if c.issuer == "" {
				if !errors.Is(err, fault.Anonymous) {
					t.Errorf("proves %+v, %v; want it refused", p, err)
				}
				return
			}
			if want := (clinic.Proof{Issuer: c.issuer, Subject: "ada"}); err != nil || p.Proof != want || p.Strong != c.strong {
				t.Errorf("proves %+v, %v; want %+v, strong %v", p, err, want, c.strong)
			}
		})
	}
}

// An issuer that sends no keys keeps nobody else's tokens from being judged.
func TestTokens_OneOfTwoIssuersIsDown(t *testing.T) {
	t.Parallel()
	up, down, key := newKeyServer(t), newKeyServer(t), newRSA(t)
	up.publish("k1", key)
	down.answers(false)
	tokens := httpapi.NewTokens([]httpapi.Issuer{
		{URL: "https://down.example", Keys: down.URL, Audience: audience}, {URL: "https://up.example", Keys: up.URL, Audience: audience},
	}, func() time.Time { return tokenNoon })
	sign := newForger(t, key, "k1", "JWT").sign
	if _, err := tokens.Prove(t.Context(), sign(idClaims(map[string]any{"iss": "https://down.example"}))); !errors.Is(err, fault.Busy) {
		t.Errorf("of the issuer that is down: %v, want busy", err)
	}
	if p, err := tokens.Prove(t.Context(), sign(idClaims(map[string]any{"iss": "https://up.example"}))); err != nil || p.Proof.Issuer != "https://up.example" {
		t.Errorf("of the other: %+v, %v", p, err)
	}
	if down.taken() != 1 || up.taken() != 1 {
		t.Error("an issuer was asked for the keys of the other")
	}
}
