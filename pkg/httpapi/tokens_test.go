package httpapi_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"evisit/infra/local/issuer"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/fault"
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
	tokens := httpapi.NewTokens([]httpapi.Issuer{{URL: url, Keys: trusted.JWKSURL(), Audience: audience}}, w.now)
	h := apitest.Checked(t, httpapi.New(httpapi.Of(httpapi.ByAPI, httpapi.ByRegistry), w.rooms, tokens, log).Handler(exchange.NotFound(log)))
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
			"bits after the signature": {"Bearer " + good[:len(good)-1] + string(good[len(good)-1]+1), "not_signed_in"},
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

// A forger has the issuer's key, or another, and signs what they like: what a
// provider's own other tokens look like.
type forger struct {
	t      *testing.T
	signer jose.Signer
}

func newForger(t *testing.T, key *rsa.PrivateKey, id, typ string) forger {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithHeader("kid", id)
	if typ != "" {
		opts = opts.WithType(jose.ContentType(typ))
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return forger{t, s}
}

func (f forger) sign(claims map[string]any) string {
	f.t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		f.t.Fatal(err)
	}
	signed, err := f.signer.Sign(b)
	if err != nil {
		f.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// A keyServer is where an issuer's keys are read, and how often they were.
type keyServer struct {
	*httptest.Server
	mu    sync.Mutex
	keys  []jose.JSONWebKey
	reads int
	down  bool
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads++
		if s.down {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: s.keys})
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) publish(id string, key *rsa.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = append(s.keys, jose.JSONWebKey{Key: key.Public(), KeyID: id, Algorithm: "RS256", Use: "sig"})
}

// taken is how often the keys were read since it was last called.
func (s *keyServer) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.reads
	s.reads = 0
	return n
}

func (s *keyServer) answers(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = !is
}

func newRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var tokenNoon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func idClaims(changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": "https://idp.example", "sub": "ada", "aud": audience, "token_use": "id",
		"iat": tokenNoon.Unix(), "exp": tokenNoon.Add(time.Hour).Unix(),
	}
	for name, v := range changes {
		if claims[name] = v; v == nil {
			delete(claims, name)
		}
	}
	return claims
}

// Only an ID token says who is signed in, and only while it holds.
func TestTokens_IDTokensThatHoldNow(t *testing.T) {
	t.Parallel()
	keys, key := newKeyServer(t), newRSA(t)
	keys.publish("k1", key)
	at := func(d time.Duration) int64 { return tokenNoon.Add(d).Unix() }
	for name, c := range map[string]struct {
		typ     string
		changes map[string]any
		good    bool
	}{
		"as Cognito's":                     {"", nil, true},
		"as the development issuer's":      {"JWT", nil, true},
		"typ in lower case":                {"jwt", nil, true},
		"as Keycloak's":                    {"JWT", map[string]any{"token_use": nil, "typ": "ID"}, true},
		"without token_use":                {"JWT", map[string]any{"token_use": nil}, true},
		"issued a minute ahead":            {"JWT", map[string]any{"iat": at(time.Minute)}, true},
		"valid from a minute ahead":        {"JWT", map[string]any{"nbf": at(time.Minute)}, true},
		"issued 61 s ahead":                {"JWT", map[string]any{"iat": at(61 * time.Second)}, false},
		"valid from 61 s ahead":            {"JWT", map[string]any{"nbf": at(61 * time.Second)}, false},
		"valid from 290 s ahead":           {"JWT", map[string]any{"nbf": at(290 * time.Second)}, false},
		"expired now":                      {"JWT", map[string]any{"exp": at(0)}, false},
		"exp as text":                      {"JWT", map[string]any{"exp": fmt.Sprint(at(time.Hour))}, false},
		"iat as text":                      {"JWT", map[string]any{"iat": fmt.Sprint(at(0))}, false},
		"nbf as text":                      {"JWT", map[string]any{"nbf": fmt.Sprint(at(0))}, false},
		"no exp":                           {"JWT", map[string]any{"exp": nil}, false},
		"exp is null":                      {"JWT", map[string]any{"exp": json.RawMessage("null")}, false},
		"an access token of RFC 9068":      {"at+jwt", map[string]any{"token_use": nil}, false},
		"the same with its media type":     {"application/at+jwt", map[string]any{"token_use": nil}, false},
		"a logout token":                   {"logout+jwt", nil, false},
		"a security event":                 {"secevent+jwt", nil, false},
		"a DPoP proof":                     {"dpop+jwt", nil, false},
		"Cognito's access token":           {"", map[string]any{"token_use": "access", "scope": "openid"}, false},
		"an access token without its name": {"JWT", map[string]any{"token_use": nil, "scope": "openid"}, false},
		"Keycloak's access token":          {"JWT", map[string]any{"token_use": nil, "typ": "Bearer"}, false},
		"Keycloak's refresh token":         {"JWT", map[string]any{"token_use": nil, "typ": "Refresh"}, false},
		"events":                           {"JWT", map[string]any{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tokens := httpapi.NewTokens([]httpapi.Issuer{{URL: "https://idp.example", Keys: keys.URL, Audience: audience}}, func() time.Time { return tokenNoon })
			p, err := tokens.Prove(t.Context(), newForger(t, key, "k1", c.typ).sign(idClaims(c.changes)))
			if c.good && (err != nil || p.Proof.Subject != "ada") || !c.good && !errors.Is(err, fault.Anonymous) {
				t.Errorf("proves %+v, %v; want good %v", p, err, c.good)
			}
		})
	}
}

// What the issuer has confirmed and how its user signed in are taken from claims of
// the right type only. Another one proves nothing, and refuses nobody.
func TestTokens_ClaimsThatAreProven(t *testing.T) {
	t.Parallel()
	keys, key := newKeyServer(t), newRSA(t)
	keys.publish("k1", key)
	tokens := httpapi.NewTokens([]httpapi.Issuer{{URL: "https://idp.example", Keys: keys.URL, Audience: audience}}, func() time.Time { return tokenNoon })
	mail := func(verified any) map[string]any {
		return map[string]any{"email": "ada@example.com", "email_verified": verified}
	}
	phone := func(verified any) map[string]any {
		return map[string]any{"phone_number": "+15035550101", "phone_number_verified": verified}
	}
	amr := func(methods any) map[string]any { return map[string]any{"amr": methods} }
	for name, c := range map[string]struct {
		claims       map[string]any
		email, phone string
		strong       bool
	}{
		"no claims":                         {},
		"e-mail verified":                   {mail(true), "ada@example.com", "", false},
		"e-mail verified, as Cognito's":     {mail("true"), "ada@example.com", "", false},
		"e-mail not verified":               {claims: mail(false)},
		"e-mail not verified, in text":      {claims: mail("false")},
		"e-mail verified: absent":           {claims: mail(nil)},
		"e-mail verified: null":             {claims: mail(json.RawMessage("null"))},
		"e-mail verified: 1":                {claims: mail(1)},
		"e-mail verified: True":             {claims: mail("True")},
		"e-mail verified: yes":              {claims: mail("yes")},
		"e-mail verified: [true]":           {claims: mail([]bool{true})},
		"e-mail verified: an object":        {claims: mail(map[string]any{"value": true})},
		"verified by another name":          {claims: map[string]any{"email": "ada@example.com", "Email_Verified": true}},
		"e-mail by another name":            {claims: map[string]any{"Email": "ada@example.com", "email_verified": true}},
		"phone's word for the e-mail":       {claims: map[string]any{"email": "ada@example.com", "phone_number_verified": true}},
		"no e-mail":                         {claims: map[string]any{"email_verified": true}},
		"an e-mail that is a number":        {claims: map[string]any{"email": 7, "email_verified": true}},
		"an e-mail that is a list":          {claims: map[string]any{"email": []string{"ada@example.com"}, "email_verified": true}},
		"an e-mail that is null":            {claims: map[string]any{"email": json.RawMessage("null"), "email_verified": true}},
		"an e-mail of 254 characters":       {map[string]any{"email": long(254), "email_verified": true}, long(254), "", false},
		"an e-mail of 255 characters":       {claims: map[string]any{"email": long(255), "email_verified": true}},
		"phone verified":                    {phone(true), "", "+15035550101", false},
		"phone verified, as Cognito's":      {phone("true"), "", "+15035550101", false},
		"phone not verified":                {claims: phone(false)},
		"phone verified: absent":            {claims: phone(nil)},
		"e-mail's word for the phone":       {claims: map[string]any{"phone_number": "+15035550101", "email_verified": true}},
		"a phone that is a number":          {claims: map[string]any{"phone_number": 15035550101, "phone_number_verified": true}},
		"amr: password and one-time code":   {amr([]string{"pwd", "otp"}), "", "", true},
		"amr: mfa":                          {amr([]string{"mfa"}), "", "", true},
		"amr: password":                     {claims: amr([]string{"pwd"})},
		"amr: none":                         {claims: amr([]string{})},
		"amr: null":                         {claims: amr(json.RawMessage("null"))},
		"amr: text":                         {claims: amr("mfa")},
		"amr: text of two":                  {claims: amr("pwd otp")},
		"amr: a number":                     {claims: amr(2)},
		"amr: an object":                    {claims: amr(map[string]any{"mfa": true})},
		"amr: a list with a number":         {claims: amr([]any{"mfa", 2})},
		"amr: a list of lists":              {claims: amr([]any{[]string{"mfa"}})},
		"amr by another name":               {claims: map[string]any{"AMR": []string{"mfa"}}},
		"a class of two factors, no method": {claims: map[string]any{"acr": "mfa"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := newForger(t, key, "k1", "JWT").sign(idClaims(c.claims))
			for _, which := range []string{"verified", "remembered"} {
				p, err := tokens.Prove(t.Context(), token)
				if err != nil || p.Proof.Subject != "ada" || p.Email.Reveal() != c.email || p.Phone.Reveal() != c.phone || p.Strong != c.strong {
					t.Errorf("%s: proves %+v, %q, %q, %v, %v", which, p.Proof, p.Email.Reveal(), p.Phone.Reveal(), p.Strong, err)
				}
			}
		})
	}
}

// long is an address of n characters.
func long(n int) string {
	const domain = "@example.com"
	return strings.Repeat("a", n-len(domain)) + domain
}

// Keys that nobody knows are looked up once in 30 seconds, however many are named,
// and a key that the issuer has rotated to works at once.
func TestTokens_UnknownKeyIsLookedUpSeldom(t *testing.T) {
	t.Parallel()
	keys, first, second, third := newKeyServer(t), newRSA(t), newRSA(t), newRSA(t)
	keys.publish("k1", first)
	var passed atomic.Int64
	now := func() time.Time { return tokenNoon.Add(time.Duration(passed.Load())) }
	tokens := httpapi.NewTokens([]httpapi.Issuer{{URL: "https://idp.example", Keys: keys.URL, Audience: audience}}, now)
	prove := func(id string, key *rsa.PrivateKey) error {
		t.Helper()
		_, err := tokens.Prove(t.Context(), newForger(t, key, id, "JWT").sign(idClaims(map[string]any{"jti": passed.Add(1)})))
		return err
	}
	if err := prove("k1", first); err != nil || keys.taken() != 1 {
		t.Fatalf("the first token: %v", err)
	}
	for range 5 { // a signature that is wrong is no reason to look up keys
		if err := prove("k1", second); !errors.Is(err, fault.Anonymous) {
			t.Errorf("a forged signature: %v", err)
		}
	}
	keys.publish("k2", second)
	if err := prove("k2", second); err != nil {
		t.Errorf("a rotated key: %v", err)
	}
	if n := keys.taken(); n != 1 {
		t.Errorf("keys were read %d times for a rotated one", n)
	}
	passed.Add(int64(30 * time.Second))
	for n := range 20 {
		if err := prove(fmt.Sprint("unknown", n), third); !errors.Is(err, fault.Anonymous) {
			t.Errorf("an unknown key: %v", err)
		}
	}
	if n := keys.taken(); n != 1 {
		t.Errorf("keys were read %d times for twenty unknown ones, want 1", n)
	}
	for _, c := range []struct {
		id  string
		key *rsa.PrivateKey
	}{{"k1", first}, {"k2", second}} {
		if err := prove(c.id, c.key); err != nil {
			t.Errorf("%s, beside unknown keys: %v", c.id, err)
		}
	}
	keys.publish("k3", third)
	passed.Add(int64(30 * time.Second))
	if err := prove("k3", third); err != nil || keys.taken() != 1 {
		t.Errorf("30 seconds later, a rotated key: %v", err)
	}
}

// Where the issuer does not answer, a token that cannot be judged is not refused,
// and the issuer is not asked for each.
func TestTokens_KeysCannotBeRead(t *testing.T) {
	t.Parallel()
	keys, key := newKeyServer(t), newRSA(t)
	keys.publish("k1", key)
	keys.answers(false)
	var passed atomic.Int64
	now := func() time.Time { return tokenNoon.Add(time.Duration(passed.Load())) }
	tokens := httpapi.NewTokens([]httpapi.Issuer{{URL: "https://idp.example", Keys: keys.URL, Audience: audience}}, now)
	token := newForger(t, key, "k1", "JWT").sign(idClaims(nil))
	for range 20 {
		if _, err := tokens.Prove(t.Context(), token); !errors.Is(err, fault.Busy) {
			t.Fatalf("without keys: %v, want busy", err)
		}
	}
	if n := keys.taken(); n != 1 {
		t.Errorf("the issuer was asked %d times, want 1", n)
	}
	keys.answers(true)
	passed.Add(int64(2 * time.Second))
	if _, err := tokens.Prove(t.Context(), token); err != nil {
		t.Errorf("once the issuer answers: %v", err)
	}
}

// Bad tokens from one address, and writes of one person, have an end; what others
// do, and reading, go on.
func TestLimits_TokensAndWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	bad := call{method: "GET", path: "/me", header: map[string]string{"Authorization": "Bearer bad"}}
	for n := range limits.FailedProofs.Most {
		if res := send(t, w.api, bad); res.Code != http.StatusUnauthorized {
			t.Fatalf("bad token %d: %d %s", n, res.Code, res.Body)
		}
	}
	toldToWait := func(what string, res *httptest.ResponseRecorder) {
		t.Helper()
		refused(t, res, http.StatusTooManyRequests, "too_many_requests")
		if s, err := strconv.Atoi(res.Header().Get("Retry-After")); err != nil || s < 1 || s > 300 {
			t.Errorf("%s: Retry-After is %q", what, res.Header().Get("Retry-After"))
		}
	}
	toldToWait("one bad token more", send(t, w.api, bad))
	w.do(t, call{as: "jane-smith", method: "GET", path: "/me"}, nil)

	took := call{as: "ana-rivera", method: "POST", path: "/visits/" + v.ID + "/take"}
	codes := map[int]int{}
	var last *httptest.ResponseRecorder
	for range limits.PersonWrites.Most + 1 {
		last = send(t, w.api, took)
		codes[last.Code]++
	}
	toldToWait("one write more", last)
	if codes[http.StatusTooManyRequests] != 1 {
		t.Errorf("writes are answered %v", codes)
	}
	w.do(t, call{as: "ana-rivera", method: "GET", path: "/me"}, nil)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/messages", body: map[string]any{"text": "More"}}, nil)
	w.moved.Add(int64(5 * time.Minute))
	if res := send(t, w.api, took); res.Code == http.StatusTooManyRequests {
		t.Error("in the next window a write is refused")
	}
}
