package web

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
)

const (
	sessionCookie = "evisit"
	signInCookie  = "evisit-sign-in"

	signInLife = 600  // seconds between leaving for the issuer and coming back
	maxCookie  = 3800 // bytes of a value that every browser keeps
)

// A visitor is a person signed in, and their practice.
type visitor struct {
	clinic.Caller
	practice clinic.Practice
}

// as lets signed-in people reach a page. Who they are is proved and looked up
// on every request.
func (s *site) as(h func(http.ResponseWriter, *http.Request, visitor) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visitor(r)
		if err != nil {
			return err
		}
		return h(w, r, v)
	}
}

func (s *site) visitor(r *http.Request) (visitor, error) {
	token := ""
	if c, err := r.Cookie(s.cookieName(sessionCookie)); err == nil {
		token = c.Value
	}
	p, err := s.People.Person(r.Context(), token)
	if err != nil {
		return visitor{}, err
	}
	v := visitor{Caller: clinic.Caller{Person: p, IP: httpapi.ClientIP(r), UserAgent: r.UserAgent()}}
	v.practice, err = s.Clinic.Practice(r.Context(), v.Caller)
	return v, err
}

// home is where a person's work or requests are.
func home(p identity.Person) string {
	switch p.Role {
	case identity.Clinician, identity.Nurse, identity.Staff:
		return "/desk"
	case identity.Admin:
		return "/desk/jobs"
	case identity.PatientRole, identity.Caregiver:
	}
	return "/my"
}

// cookieName binds a cookie to this very host where the connection allows it.
func (s *site) cookieName(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// setCookie sets a cookie for seconds, or until the browser closes if 0; a
// negative number takes it away.
func (s *site) setCookie(w http.ResponseWriter, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows BaseURL: a laptop has no TLS
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

// An attempt is what must come back from the issuer, and where the visitor
// wanted to go.
type attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) error {
	conf, _, err := s.relyOn(r.Context())
	if err != nil {
		return err
	}
	// GenerateVerifier gives 32 random bytes in text, which all three need.
	a := attempt{
		State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(),
		Next: local(r.URL.Query().Get("next")),
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s.setCookie(w, signInCookie, base64.RawURLEncoding.EncodeToString(b), signInLife)
	return see(w, conf.AuthCodeURL(a.State, oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce)))
}

// signedIn is where the issuer sends the visitor back to. Someone no practice
// knows gets no session, so that signing in cannot go round in circles.
func (s *site) signedIn(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.attempt(r)
	q := r.URL.Query()
	if !ok || subtle.ConstantTimeCompare([]byte(a.State), []byte(q.Get("state"))) != 1 || !oneOf(q.Get("iss"), "", s.Issuer) {
		return fault.New(fault.Malformed, "sign_in_lost", "this sign-in was begun elsewhere or took too long; please sign in again")
	}
	s.setCookie(w, signInCookie, "", -1)
	if q.Get("error") != "" {
		return fault.New(fault.Denied, "sign_in_refused", "you were not signed in; please try again")
	}
	token, err := s.redeem(r.Context(), q.Get("code"), a)
	if err != nil {
		return err
	}
	p, err := s.People.Person(r.Context(), token)
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, token, 0)
	if a.Next == "" {
		a.Next = home(p)
	}
	return see(w, a.Next)
}

func (s *site) attempt(r *http.Request) (a attempt, ok bool) {
	c, err := r.Cookie(s.cookieName(signInCookie))
	if err != nil {
		return a, false
	}
	b, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil || json.Unmarshal(b, &a) != nil || a.State == "" {
		return a, false
	}
	a.Next = local(a.Next)
	return a, true
}

// redeem turns the issuer's code into an ID token made for this attempt.
func (s *site) redeem(ctx context.Context, code string, a attempt) (string, error) {
	conf, provider, err := s.relyOn(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, s.outgoing)
	refused := func(cause error) error {
		return fault.Hide(fault.Malformed, "sign_in_failed", "signing in did not work; please try again", cause)
	}
	t, err := conf.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return "", refused(err)
	}
	raw, _ := t.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.ClientID, Now: s.Now}).Verify(ctx, raw)
	if err != nil {
		return "", refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 || len(raw) > maxCookie {
		return "", refused(nil)
	}
	return raw, nil
}

// relyOn reads the issuer's own description when somebody first signs in.
func (s *site) relyOn(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider == nil {
		p, err := oidc.NewProvider(oidc.ClientContext(ctx, s.outgoing), s.Issuer)
		if err != nil {
			return nil, nil, fault.Hide(fault.Busy, "sign_in_unavailable", "signing in is not possible just now; please try again in a moment", err)
		}
		s.provider = p
	}
	end := s.provider.Endpoint()
	end.AuthStyle = oauth2.AuthStyleInParams
	if s.ClientSecret != "" {
		end.AuthStyle = oauth2.AuthStyleInHeader
	}
	return &oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret, Endpoint: end,
		RedirectURL: s.BaseURL + "/signed-in", Scopes: []string{oidc.ScopeOpenID},
	}, s.provider, nil
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request) error {
	s.setCookie(w, sessionCookie, "", -1)
	return see(w, "/")
}

// local returns path if it is one of our own pages, else nothing: a link that
// signs people in must not lead them to another site.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || len(path) > 500 ||
		strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == '\\' || c > '~' }) {
		return ""
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/sign") {
		return ""
	}
	return path
}

func oneOf(s string, all ...string) bool {
	for _, a := range all {
		if s == a {
			return true
		}
	}
	return false
}
