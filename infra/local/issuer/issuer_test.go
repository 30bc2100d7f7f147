package issuer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"evisit/infra/local/issuer"
)

const (
	clientID = "evisit"
	audience = "evisit-api"
	callback = "http://127.0.0.1:9/signed-in"
	goodbye  = "http://127.0.0.1:9/"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// A world is an issuer on a free port, a clock that the test moves, and the client of
// a relying party, which does not follow redirects.
type world struct {
	*issuer.Issuer
	url     string
	advance func(time.Duration)
	now     func() time.Time
	client  *http.Client
}

func setup(t *testing.T) world {
	t.Helper()
	return setupAt(t, "", "/dev/issuer")
}

func setupAt(t *testing.T, keyFile, prefix string) world {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	var moved atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(moved.Load())) }
	i, err := issuer.New(issuer.Options{
		URL:          "http://" + srv.Listener.Addr().String() + prefix,
		Audience:     audience,
		ClientID:     clientID,
		RedirectURIs: []string{callback, callback + "?from=issuer"},
		LogoutURIs:   []string{goodbye},
		KeyFile:      keyFile,
		People: func(context.Context) []issuer.Person {
			return []issuer.Person{
				{Subject: "sub-ana", Name: "Ana Example", Role: "clinician", Practice: "North Clinic", Email: "ana@north.example", EmailVerified: true, TwoFactors: true},
				{Subject: "sub-bo", Name: `Bo <b>Sample</b>`, Role: "patient", Email: "bo@mail.example", Phone: "+15035550101", PhoneVerified: true},
			}
		},
		Now: now,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = i
	srv.Start()
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return world{
		Issuer:  i,
		url:     srv.URL + prefix,
		advance: func(d time.Duration) { moved.Add(int64(d)) },
		now:     now,
		client:  client,
	}
}

func (w world) ctx(t *testing.T) context.Context { return oidc.ClientContext(t.Context(), w.client) }

func (w world) relyingParty(t *testing.T) (*oidc.Provider, *oauth2.Config) {
	t.Helper()
	p, err := oidc.NewProvider(w.ctx(t), w.url)
	if err != nil {
		t.Fatal(err)
	}
	return p, &oauth2.Config{
		ClientID:    clientID,
		RedirectURL: callback,
		Endpoint:    p.Endpoint(),
		Scopes:      []string{oidc.ScopeOpenID},
	}
}

// An answer is a reply whose body was read.
type answer struct {
	code   int
	header http.Header
	body   string
}

// query returns a parameter of the address to which the answer redirects.
func (a answer) query(t *testing.T, key string) string {
	t.Helper()
	if a.header.Get("Location") == "" {
		t.Fatalf("%d without a redirect: %s", a.code, a.body)
	}
	return queryOf(t, a.header.Get("Location")).Get(key)
}

func (w world) send(t *testing.T, method, to string, form url.Values) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, to, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// signIn presses subject's button on the sign-in page at authURL.
func (w world) signIn(t *testing.T, authURL, subject string) answer {
	t.Helper()
	u, err := url.Parse(authURL)
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	form.Set("subject", subject)
	u.RawQuery = ""
	return w.send(t, http.MethodPost, u.String(), form)
}

// newCode signs in as sub-ana and returns a code and the code's verifier.
func (w world) newCode(t *testing.T, conf *oauth2.Config) (code, verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	res := w.signIn(t, conf.AuthCodeURL("st", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-1")), "sub-ana")
	if code = res.query(t, "code"); code == "" {
		t.Fatalf("sent back without a code to %s", res.header.Get("Location"))
	}
	return code, verifier
}

func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// Who asks for the scope profile is told the person's name, in the ID token alone.
func TestIssuer_NameForProfile(t *testing.T) {
	t.Parallel()
	w := setupAt(t, "", "")
	_, conf := w.relyingParty(t)
	conf.Scopes = append(conf.Scopes, "profile")
	verifier := oauth2.GenerateVerifier()
	res := w.signIn(t, conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)), "sub-ana")
	tok, err := conf.Exchange(w.ctx(t), res.query(t, "code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := tok.Extra("id_token").(string)
	if name := claimsOf(t, raw)["name"]; name != "Ana Example" {
		t.Errorf("the ID token has the name %v", name)
	}
	if name, told := claimsOf(t, tok.AccessToken)["name"]; told {
		t.Errorf("the access token has the name %v", name)
	}
}

// A relying party signs a person in, and the tokens have the subject's claims alone.
func TestIssuer_SignIn(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/dev/issuer"} {
		t.Run("at "+prefix+"/", func(t *testing.T) {
			t.Parallel()
			w := setupAt(t, "", prefix)
			provider, conf := w.relyingParty(t)
			verifier := oauth2.GenerateVerifier()
			auth := conf.AuthCodeURL("st&te", oauth2.S256ChallengeOption(verifier), oidc.Nonce("n-1"))

			page := w.send(t, http.MethodGet, auth, nil)
			if page.code != http.StatusOK {
				t.Fatalf("the page answers %d: %s", page.code, page.body)
			}
			for _, want := range []string{"Ana Example", "clinician, North Clinic", `value="sub-ana"`, "Bo &lt;b&gt;Sample"} {
				if !strings.Contains(page.body, want) {
					t.Errorf("the page does not show %q", want)
				}
			}
			if strings.Contains(page.body, "<script") || strings.Contains(page.body, "<b>Sample") {
				t.Error("the page holds a script, or a name unescaped")
			}

			w.advance(30 * time.Second)
			res := w.signIn(t, auth, "sub-ana")
			if got := res.query(t, "state"); got != "st&te" {
				t.Errorf("state is %q", got)
			}
			if got := res.query(t, "iss"); got != w.url {
				t.Errorf("iss is %q, want %q", got, w.url)
			}
			if to, _, _ := strings.Cut(res.header.Get("Location"), "?"); to != callback {
				t.Errorf("sent back to %s, want %s", to, callback)
			}

			w.advance(59 * time.Second)
			tok, err := conf.Exchange(w.ctx(t), res.query(t, "code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := tok.Extra("id_token").(string)
			id, err := provider.VerifierContext(w.ctx(t), &oidc.Config{ClientID: clientID, Now: w.now}).Verify(w.ctx(t), raw)
			if err != nil {
				t.Fatal(err)
			}
			if id.Nonce != "n-1" {
				t.Errorf("nonce is %q", id.Nonce)
			}
			now := start.Add(89 * time.Second)
			want := map[string]any{
				"iss": w.url, "sub": "sub-ana", "aud": clientID, "nonce": "n-1", "token_use": "id",
				"iat": float64(now.Unix()), "exp": float64(now.Add(time.Hour).Unix()),
				"auth_time": float64(start.Add(30 * time.Second).Unix()), "amr": []any{"pwd", "otp"},
			}
			if d := cmp.Diff(want, claimsOf(t, raw)); d != "" {
				t.Errorf("claims differ from those of a subject alone (-want +got):\n%s", d)
			}
			access, err := provider.VerifierContext(w.ctx(t), &oidc.Config{ClientID: audience, Now: w.now}).Verify(w.ctx(t), tok.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			if access.Subject != "sub-ana" {
				t.Errorf("access token is for %q", access.Subject)
			}
		})
	}
}

func TestToken_RefusesCode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(form url.Values)
		wait   time.Duration
		want   string
	}{
		"after a minute":                       {wait: 61 * time.Second, want: "invalid_grant"},
		"with another verifier":                {change: setField("code_verifier", strings.Repeat("x", 43)), want: "invalid_grant"},
		"with a short verifier":                {change: setField("code_verifier", "x"), want: "invalid_grant"},
		"without a verifier":                   {change: setField("code_verifier", ""), want: "invalid_grant"},
		"with another registered redirect_uri": {change: setField("redirect_uri", callback+"?from=issuer"), want: "invalid_grant"},
		"with a longer redirect_uri":           {change: setField("redirect_uri", callback+"/"), want: "invalid_grant"},
		"without a redirect_uri":               {change: setField("redirect_uri", ""), want: "invalid_grant"},
		"with an invented code":                {change: setField("code", "ABCDEF"), want: "invalid_grant"},
		"to another client":                    {change: setField("client_id", "other"), want: "invalid_client"},
		"for another grant type":               {change: setField("grant_type", "password"), want: "unsupported_grant_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			_, conf := w.relyingParty(t)
			code, verifier := w.newCode(t, conf)
			form := url.Values{
				"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {code},
				"redirect_uri": {callback}, "code_verifier": {verifier},
			}
			if tc.change != nil {
				tc.change(form)
			}
			w.advance(tc.wait)
			wantRefused(t, w, form, tc.want)
		})
	}
}

func setField(key, value string) func(url.Values) {
	return func(f url.Values) { f.Set(key, value) }
}

func wantRefused(t *testing.T, w world, form url.Values, want string) {
	t.Helper()
	res := w.send(t, http.MethodPost, w.TokenURL(), form)
	var got struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(res.body), &got); err != nil {
		t.Fatalf("%d: %v in %s", res.code, err, res.body)
	}
	code := http.StatusBadRequest
	if want == "invalid_client" {
		code = http.StatusUnauthorized
	}
	if res.code != code || got.Error != want || got.AccessToken != "" {
		t.Errorf("answer is %d %s, want %d %s", res.code, res.body, code, want)
	}
	if res.header.Get("Cache-Control") != "no-store" {
		t.Error("a token reply may be cached")
	}
}

// A code can be redeemed once.
func TestToken_CodeOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, conf := w.relyingParty(t)

	t.Run("redeemed again", func(t *testing.T) {
		t.Parallel()
		code, verifier := w.newCode(t, conf)
		if _, err := conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(verifier)); err != nil {
			t.Fatal(err)
		}
		_, err := conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(verifier))
		wantCode(t, err, "invalid_grant")
	})
	t.Run("redeemed with a wrong verifier before", func(t *testing.T) {
		t.Parallel()
		code, verifier := w.newCode(t, conf)
		_, err := conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
		wantCode(t, err, "invalid_grant")
		_, err = conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(verifier))
		wantCode(t, err, "invalid_grant")
	})
	t.Run("redeemed concurrently", func(t *testing.T) {
		t.Parallel()
		code, verifier := w.newCode(t, conf)
		won := make(chan bool)
		for range 8 {
			go func() {
				_, err := conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(verifier))
				won <- err == nil
			}()
		}
		wins := 0
		for range 8 {
			if <-won {
				wins++
			}
		}
		if wins != 1 {
			t.Errorf("%d exchanges of one code succeeded, want 1", wins)
		}
	})
}

func TestAuthorize_Refuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key, value string
		code       int
		err        string // error sent to the relying party; empty if the browser must not be redirected
	}{
		"an unknown client":            {"client_id", "other", 400, ""},
		"an unregistered redirect_uri": {"redirect_uri", "https://elsewhere.example/", 400, ""},
		"a redirect_uri that extends":  {"redirect_uri", callback + "/more", 400, ""},
		"another response type":        {"response_type", "token", 303, "unsupported_response_type"},
		"a scope without openid":       {"scope", "profile", 303, "invalid_scope"},
		"a missing challenge":          {"code_challenge", "", 303, "invalid_request"},
		"a plain challenge":            {"code_challenge_method", "plain", 303, "invalid_request"},
		"a challenge that is no hash":  {"code_challenge", "short", 303, "invalid_request"},
		"an unknown subject":           {"subject", "sub-nobody", 400, ""},
		"an empty subject":             {"subject", "", 400, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			_, conf := w.relyingParty(t)
			form := queryOf(t, conf.AuthCodeURL("st", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())))
			form.Set("subject", "sub-ana")
			form.Set(tc.key, tc.value)
			res := w.send(t, http.MethodPost, w.url+"/authorize", form)
			if res.code != tc.code {
				t.Fatalf("status is %d, want %d: %s", res.code, tc.code, res.body)
			}
			if tc.err == "" {
				if res.header.Get("Location") != "" {
					t.Errorf("the browser was sent to %s", res.header.Get("Location"))
				}
				return
			}
			if got := res.query(t, "error"); got != tc.err {
				t.Errorf("error is %q, want %q", got, tc.err)
			}
			if res.query(t, "state") != "st" || res.query(t, "code") != "" {
				t.Errorf("sent back to %s", res.header.Get("Location"))
			}
		})
	}
}

func queryOf(t *testing.T, raw string) url.Values {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestAuthorize_OtherOrigin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := httptest.NewRequest(http.MethodPost, w.url+"/authorize", strings.NewReader("subject=sub-ana"))
	r.Header.Set("Origin", "https://elsewhere.example")
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	if rec.Code != http.StatusForbidden {
		t.Errorf("status is %d, want 403", rec.Code)
	}
}

// A redirect address keeps its own query.
func TestAuthorize_RedirectWithQuery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, conf := w.relyingParty(t)
	conf.RedirectURL = callback + "?from=issuer"
	res := w.signIn(t, conf.AuthCodeURL("st", oauth2.S256ChallengeOption(oauth2.GenerateVerifier())), "sub-bo")
	if res.query(t, "from") != "issuer" || res.query(t, "code") == "" {
		t.Errorf("sent back to %s", res.header.Get("Location"))
	}
}

// Token issues an access token for a subject that expires on the shared clock.
func TestIssuer_Token(t *testing.T) {
	t.Parallel()
	w := setup(t)
	provider, _ := w.relyingParty(t)
	raw, err := w.Token("sub-bo", 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	verifier := provider.VerifierContext(w.ctx(t), &oidc.Config{ClientID: audience, Now: w.now})
	tok, err := verifier.Verify(w.ctx(t), raw)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Subject != "sub-bo" || !tok.Expiry.Equal(start.Add(24*time.Hour)) {
		t.Errorf("token is for %q until %s", tok.Subject, tok.Expiry)
	}
	got := claimsOf(t, raw)
	var keys []string
	for k := range got {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if d := cmp.Diff([]string{"amr", "aud", "email", "email_verified", "exp", "iat", "iss", "phone_number", "phone_number_verified", "sub", "token_use"}, keys); d != "" {
		t.Errorf("claims differ (-want +got):\n%s", d)
	}
	w.advance(25 * time.Hour)
	if _, err := verifier.Verify(w.ctx(t), raw); err == nil {
		t.Error("the token is valid after its expiry on the shared clock")
	}
	if _, err := w.Token("", time.Hour); err == nil {
		t.Error("a token was issued without a subject")
	}
	if _, err := w.Token("sub-bo", 0); err == nil {
		t.Error("a token was issued with no lifetime")
	}
}

// After a restart, tokens from before are valid and plans are registered.
func TestNew_KeysSurviveRestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "issuer.json")
	before := setupAt(t, file, "")
	raw, err := before.Token("sub-ana", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := issuer.GeneratePlanKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := before.AddPlan("plan-1", public); err != nil {
		t.Fatal(err)
	}

	after := setupAt(t, file, "")
	keys := oidc.NewRemoteKeySet(after.ctx(t), after.JWKSURL())
	if _, err := keys.VerifySignature(after.ctx(t), raw); err != nil {
		t.Errorf("a token issued before the restart: %v", err)
	}
	a := assertion(after)
	if _, err := after.Exchange(t, a.sign(t, "ES384", parseKey(t, private)), "system/*.read"); err != nil {
		t.Errorf("a plan registered before the restart: %v", err)
	}
	if strings.Contains(after.send(t, http.MethodGet, after.JWKSURL(), nil).body, `"d"`) {
		t.Error("the key set holds the private key")
	}
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	good := issuer.Options{
		URL: "http://127.0.0.1:9", ClientID: clientID, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		People: func(context.Context) []issuer.Person { return nil },
	}
	if _, err := issuer.New(good); err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(*issuer.Options){
		"a relative URL":       func(o *issuer.Options) { o.URL = "/dev/issuer" },
		"a trailing slash":     func(o *issuer.Options) { o.URL += "/" },
		"no client":            func(o *issuer.Options) { o.ClientID = "" },
		"no clock":             func(o *issuer.Options) { o.Now = nil },
		"no people":            func(o *issuer.Options) { o.People = nil },
		"an unreadable folder": func(o *issuer.Options) { o.KeyFile = filepath.Join(t.TempDir(), "absent", "key") },
		"a folder for a file":  func(o *issuer.Options) { o.KeyFile = t.TempDir() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			breakIt(&o)
			if _, err := issuer.New(o); err == nil {
				t.Error("New succeeded")
			}
		})
	}
}
