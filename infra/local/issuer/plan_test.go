package issuer_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"evisit/infra/local/issuer"
)

type assertionClaims map[string]any

// assertion returns the claims of an assertion that the issuer accepts from plan-1.
func assertion(w world) assertionClaims {
	return assertionClaims{
		"iss": "plan-1", "sub": "plan-1", "aud": w.TokenURL(),
		"exp": w.now().Add(4 * time.Minute).Unix(), "jti": rand.Text(),
	}
}

func (c assertionClaims) sign(t *testing.T, alg jose.SignatureAlgorithm, key any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", "any"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jwt.Signed(s).Claims(map[string]any(c)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Exchange redeems an assertion with an ordinary OAuth client.
func (w world) Exchange(t *testing.T, assertion string, scopes ...string) (*oauth2.Token, error) {
	t.Helper()
	c := clientcredentials.Config{
		TokenURL:  w.TokenURL(),
		Scopes:    scopes,
		AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion},
		},
	}
	return c.Token(w.ctx(t))
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || re.ErrorCode != code {
		t.Errorf("error is %v, want %s", err, code)
	}
}

func parseKey(t *testing.T, text string) crypto.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// addPlan registers plan-1 with a new key and returns the private key.
func addPlan(t *testing.T, w world) crypto.PrivateKey {
	t.Helper()
	private, public, err := issuer.GeneratePlanKey()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), `"d"`) {
		t.Fatal("the public JWK holds the private key")
	}
	if err := w.AddPlan("plan-1", public); err != nil {
		t.Fatal(err)
	}
	return parseKey(t, private)
}

// A plan's assertion is redeemed for a token with the plan's scopes.
func TestToken_Assertion(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		alg jose.SignatureAlgorithm
		key func(*testing.T, world) crypto.PrivateKey
		aud func(world) any
	}{
		"signed with ES384": {alg: jose.ES384, key: addPlan},
		"signed with RS384": {alg: jose.RS384, key: func(t *testing.T, w world) crypto.PrivateKey {
			if err := w.AddPlan("plan-1", jose.JSONWebKey{Key: rsaKey.Public()}); err != nil {
				t.Fatal(err)
			}
			return rsaKey
		}},
		"audience in a list": {alg: jose.ES384, key: addPlan, aud: func(w world) any {
			return []string{"https://elsewhere.example/token", w.TokenURL()}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			key := tc.key(t, w)
			a := assertion(w)
			if tc.aud != nil {
				a["aud"] = tc.aud(w)
			}
			tok, err := w.Exchange(t, a.sign(t, tc.alg, key), "system/Claim.read", "system/Patient.read")
			if err != nil {
				t.Fatal(err)
			}
			provider, _ := w.relyingParty(t)
			got, err := provider.VerifierContext(w.ctx(t), &oidc.Config{ClientID: audience, Now: w.now}).Verify(w.ctx(t), tok.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			if got.Subject != "plan-1" || !got.Expiry.Equal(start.Add(5*time.Minute)) {
				t.Errorf("token is for %q until %s", got.Subject, got.Expiry)
			}
			if scope, _ := tok.Extra("scope").(string); scope != "system/Claim.read system/Patient.read" {
				t.Errorf("scope is %q", scope)
			}
		})
	}
}

func TestToken_RefusesAssertion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]func(assertionClaims, world){
		"when it has expired":             func(c assertionClaims, w world) { c["exp"] = w.now().Add(-time.Second).Unix() },
		"when it expires now":             func(c assertionClaims, w world) { c["exp"] = w.now().Unix() },
		"when it lasts over five minutes": func(c assertionClaims, w world) { c["exp"] = w.now().Add(301 * time.Second).Unix() },
		"when it never expires":           func(c assertionClaims, _ world) { delete(c, "exp") },
		"when it is not valid yet":        func(c assertionClaims, w world) { c["nbf"] = w.now().Add(time.Minute).Unix() },
		"for another audience":            func(c assertionClaims, w world) { c["aud"] = w.url },
		"for no audience":                 func(c assertionClaims, _ world) { delete(c, "aud") },
		"without a jti":                   func(c assertionClaims, _ world) { delete(c, "jti") },
		"by a client nobody registered":   func(c assertionClaims, _ world) { c["iss"], c["sub"] = "plan-2", "plan-2" },
		"on behalf of another subject":    func(c assertionClaims, _ world) { c["sub"] = "sub-ana" },
		"when a claim has a wrong type":   func(c assertionClaims, _ world) { c["exp"] = "soon" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			key := addPlan(t, w)
			a := assertion(w)
			tc(a, w)
			_, err := w.Exchange(t, a.sign(t, jose.ES384, key), "system/*.read")
			wantCode(t, err, "invalid_client")
		})
	}
}

// An assertion, and a jti, can be redeemed once.
func TestToken_AssertionOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	key := addPlan(t, w)
	a := assertion(w)
	raw := a.sign(t, jose.ES384, key)
	if _, err := w.Exchange(t, raw, "system/*.read"); err != nil {
		t.Fatal(err)
	}
	_, err := w.Exchange(t, raw, "system/*.read")
	wantCode(t, err, "invalid_client")

	w.advance(2 * time.Minute)
	a["exp"] = w.now().Add(5 * time.Minute).Unix()
	_, err = w.Exchange(t, a.sign(t, jose.ES384, key), "system/*.read")
	wantCode(t, err, "invalid_client")

	a["jti"] = "another"
	if _, err := w.Exchange(t, a.sign(t, jose.ES384, key), "system/*.read"); err != nil {
		t.Errorf("a fresh assertion: %v", err)
	}
}

// An assertion that the plan's key did not sign is refused.
func TestToken_RefusesSignature(t *testing.T) {
	t.Parallel()
	foreign, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreignRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(*testing.T, assertionClaims, crypto.PrivateKey) string{
		"by a foreign key": func(t *testing.T, c assertionClaims, _ crypto.PrivateKey) string {
			return c.sign(t, jose.ES384, foreign)
		},
		"by a foreign key of another kind": func(t *testing.T, c assertionClaims, _ crypto.PrivateKey) string {
			return c.sign(t, jose.RS384, foreignRSA)
		},
		"with an algorithm not offered": func(t *testing.T, c assertionClaims, _ crypto.PrivateKey) string {
			return c.sign(t, jose.ES256, weak)
		},
		"made with the public key as an HS256 secret": func(t *testing.T, c assertionClaims, key crypto.PrivateKey) string {
			return c.sign(t, jose.HS256, publicBytes(t, key))
		},
		"made with the public key as an HS384 secret": func(t *testing.T, c assertionClaims, key crypto.PrivateKey) string {
			return c.sign(t, jose.HS384, publicBytes(t, key))
		},
		"of algorithm none": func(t *testing.T, c assertionClaims, _ crypto.PrivateKey) string {
			return part(t, map[string]any{"alg": "none", "typ": "JWT"}) + "." + part(t, c) + "."
		},
		"relabelled none": func(t *testing.T, c assertionClaims, key crypto.PrivateKey) string {
			p := strings.Split(c.sign(t, jose.ES384, key), ".")
			return part(t, map[string]any{"alg": "none", "typ": "JWT"}) + "." + p[1] + "." + p[2]
		},
		"over other claims": func(t *testing.T, c assertionClaims, key crypto.PrivateKey) string {
			p := strings.Split(c.sign(t, jose.ES384, key), ".")
			c["jti"] = "other"
			return p[0] + "." + part(t, c) + "." + p[2]
		},
		"of no assertion": func(*testing.T, assertionClaims, crypto.PrivateKey) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			key := addPlan(t, w)
			_, err := w.Exchange(t, forge(t, assertion(w), key), "system/*.read")
			wantCode(t, err, "invalid_client")
		})
	}
}

func publicBytes(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("key is a %T", key)
	}
	der, err := x509.MarshalPKIXPublicKey(ec.Public())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func part(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// A plan may ask for system scopes only, and for one at least.
func TestToken_RefusesScopes(t *testing.T) {
	t.Parallel()
	for name, scopes := range map[string][]string{
		"none at all":     nil,
		"a patient's":     {"patient/*.read"},
		"one too many":    {"system/Claim.read", "openid"},
		"offline access":  {"offline_access"},
		"a user's scopes": {"user/*.*"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			key := addPlan(t, w)
			_, err := w.Exchange(t, assertion(w).sign(t, jose.ES384, key), scopes...)
			wantCode(t, err, "invalid_scope")
		})
	}
}

func TestAddPlan_Refuses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{
		"a private key":     ec,
		"a curve too small": p256.Public(),
		"a shared secret":   []byte("secret"),
		"nothing":           nil,
	} {
		if err := w.AddPlan("plan-1", jose.JSONWebKey{Key: key}); err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	if err := w.AddPlan("", jose.JSONWebKey{Key: ec.Public()}); err == nil {
		t.Error("a plan without an id was registered")
	}
}
