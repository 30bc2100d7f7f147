package web

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
)

const (
	sessionCookie = "evisit"
	signInCookie  = "evisit-sign-in"

	signInLife = 600 // seconds between leaving for the issuer and coming back
)

// A visitor is a person signed in, and their practice.
type visitor struct {
	clinic.Caller
	practice practice.Practice
}

// as lets signed-in people reach a page. Session and person are read on every
// request.
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
	proof, err := s.Kernel.Session(r.Context(), s.session(r))
	if err != nil {
		return visitor{}, err
	}
	v := visitor{Caller: clinic.Caller{Proof: proof, IP: exchange.ClientIP(r), UserAgent: r.UserAgent()}}
	if v.Caller, err = s.Kernel.Identify(r.Context(), v.Caller); err != nil {
		return visitor{}, err
	}
	v.practice, err = s.Kernel.Practice(r.Context(), v.Person.Practice)
	return v, err
}

// session is the value of r's session cookie; empty if it has none.
func (s *site) session(r *http.Request) string {
	c, err := r.Cookie(s.cookieName(sessionCookie))
	if err != nil {
		return ""
	}
	return c.Value
}

// home is where a person's work or requests are.
func home(p identity.Person) string {
	switch p.Role {
	case identity.Clinician, identity.Nurse, identity.Staff:
		return "/desk"
	case identity.Admin:
		return "/desk/work"
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
	conf, _, err := s.issuerConfig(r.Context())
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
	return redirect(w, conf.AuthCodeURL(a.State, oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce)))
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
	token, ends, err := s.redeem(r.Context(), q.Get("code"), a)
	if err != nil {
		return err
	}
	proof, err := s.People.Prove(r.Context(), token)
	if err != nil {
		return err
	}
	c, err := s.Kernel.Identify(r.Context(), clinic.Caller{Proof: proof})
	if err != nil {
		return err
	}
	cookie, err := s.Kernel.StartSession(r.Context(), proof, ends)
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, cookie, 0)
	if a.Next == "" {
		a.Next = home(c.Person)
	}
	return redirect(w, a.Next)
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

// redeem turns the issuer's code into an ID token made for this attempt, and says
// when the token ends.
func (s *site) redeem(ctx context.Context, code string, a attempt) (token string, ends time.Time, err error) {
	conf, provider, err := s.issuerConfig(ctx)
	if err != nil {
		return "", ends, err
	}
	ctx = oidc.ClientContext(ctx, s.outgoing)
	refused := func(cause error) error {
		return fault.Hide(fault.Malformed, "sign_in_failed", "signing in did not work; please try again", cause)
	}
	t, err := conf.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return "", ends, refused(err)
	}
	raw, _ := t.Extra("id_token").(string)
	id, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: s.ClientID, Now: s.Now}).Verify(ctx, raw)
	if err != nil {
		return "", ends, refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return "", ends, refused(nil)
	}
	return raw, id.Expiry, nil
}

// issuerConfig reads the issuer's own description when somebody first signs in.
func (s *site) issuerConfig(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
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

// signOut ends the session here: its cookie opens nothing from then on.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.Kernel.EndSession(r.Context(), s.session(r)); err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, "", -1)
	return redirect(w, "/")
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
