package httpapi_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"evisit/infra/local/issuer"
	"evisit/pkg/clinic"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/apitest"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
)

const audience = "evisit-api"

// newIssuer is an issuer at url for aud, which keeps its key in keyFile.
func newIssuer(t *testing.T, w *world, url, aud, keyFile string) *issuer.Issuer {
	t.Helper()
	i, err := issuer.New(issuer.Options{
		URL: url, Audience: aud, ClientID: "evisit", KeyFile: keyFile, Now: w.now, Log: slog.New(slog.DiscardHandler),
		People: func(context.Context) []issuer.Person { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func mustToken(t *testing.T, i *issuer.Issuer, subject string) string {
	t.Helper()
	token, err := i.Token(subject, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTokens_OnlyAGoodOneOfSomeoneKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := filepath.Join(t.TempDir(), "issuer.json")
	srv := httptest.NewUnstartedServer(nil)
	url := "http://" + srv.Listener.Addr().String()
	trusted := newIssuer(t, w, url, audience, key)
	srv.Config.Handler = trusted
	srv.Start()
	t.Cleanup(srv.Close)

	add := func(id string, inactive bool) {
		t.Helper()
		err := w.cast.AddPerson(t.Context(), clinic.Proof{Issuer: url, Subject: id}, identity.Person{
			ID: id, Practice: "lakeside", Role: identity.Admin, Display: id, Inactive: inactive,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	add("ada", false)
	add("gone", true)
	log := slog.New(slog.DiscardHandler)
	tokens := httpapi.NewTokens(context.Background(), url, trusted.JWKSURL(), audience, w.now)
	h := apitest.Checked(t, httpapi.New(w.rooms, tokens, log).Handler(exchange.NotFound(log)))
	me := func(authorization string) *httptest.ResponseRecorder {
		t.Helper()
		return send(t, h, call{method: "GET", path: "/me", header: map[string]string{"Authorization": authorization}})
	}

	good := mustToken(t, trusted, "ada")
	for _, scheme := range []string{"Bearer ", "bearer "} {
		if res := me(scheme + good); res.Code != http.StatusOK {
			t.Fatalf("a good token: %d %s", res.Code, res.Body)
		}
	}
	parts := strings.Split(good, ".")
	w.nothingWritten(t, func(t *testing.T) {
		for name, tc := range map[string]struct{ authorization, code string }{
			"none":                     {"", "not_signed_in"},
			"no scheme":                {good, "not_signed_in"},
			"another scheme":           {"Basic " + good, "not_signed_in"},
			"an empty token":           {"Bearer ", "not_signed_in"},
			"garbage":                  {"Bearer garbage", "not_signed_in"},
			"three dots":               {"Bearer ...", "not_signed_in"},
			"a token of 1 MB":          {"Bearer " + strings.Repeat("a", 1<<20), "not_signed_in"},
			"a cut signature":          {"Bearer " + good[:len(good)-4], "not_signed_in"},
			"no signature":             {"Bearer " + parts[0] + "." + parts[1] + ".", "not_signed_in"},
			"changed claims":           {"Bearer " + parts[0] + "." + changed(t, parts[1], "sub", "gone") + "." + parts[2], "not_signed_in"},
			"alg none":                 {"Bearer " + unsigned(parts[1]), "not_signed_in"},
			"HS256 by the public key":  {"Bearer " + confused(t, trusted, parts[1]), "not_signed_in"},
			"another issuer, same key": {"Bearer " + mustToken(t, newIssuer(t, w, "http://other.example", audience, key), "ada"), "not_signed_in"},
			"another key":              {"Bearer " + mustToken(t, newIssuer(t, w, url, audience, ""), "ada"), "not_signed_in"},
			"another audience":         {"Bearer " + mustToken(t, newIssuer(t, w, url, "other-api", key), "ada"), "not_signed_in"},
			"an unknown subject":       {"Bearer " + mustToken(t, trusted, "nobody"), "unknown_person"},
			"someone deactivated":      {"Bearer " + mustToken(t, trusted, "gone"), "unknown_person"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				res := me(tc.authorization)
				refused(t, res, http.StatusUnauthorized, tc.code)
				if got := res.Header().Get("WWW-Authenticate"); got != "Bearer" {
					t.Errorf("WWW-Authenticate is %q", got)
				}
			})
		}
	})
	// The token was verified a moment ago and is remembered; the person is read.
	add("ada", true)
	refused(t, me("Bearer "+good), http.StatusUnauthorized, "unknown_person")
	add("ada", false)
	w.moved.Add(int64(2 * time.Hour))
	refused(t, me("Bearer "+good), http.StatusUnauthorized, "not_signed_in")
}

func changed(t *testing.T, part, name, value string) string {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	claims[name] = value
	if b, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func unsigned(claims string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + claims + "."
}

// confused signs claims with HMAC under the issuer's public key, which a
// verifier that believes the token's alg would take for its secret.
func confused(t *testing.T, i *issuer.Issuer, claims string) string {
	t.Helper()
	res := httptest.NewRecorder()
	i.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/.well-known/jwks.json", nil))
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(b, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("keys %s: %v", b, err)
	}
	secret, err := x509.MarshalPKIXPublicKey(set.Keys[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret},
		(&jose.SignerOptions{}).WithHeader("kid", set.Keys[0].KeyID))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(fmt.Errorf("serializing: %w", err))
	}
	return token
}
