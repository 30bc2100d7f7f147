package web

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
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
	several  bool     // more practices than this one know them
	Name     phi.Text // the visitor's; empty if unknown
	For      phi.Text // the patient whose page it is, if that is another; see setFor

	otherPatient func() (phi.Text, error) // who that is; nil if For is known
}

// as lets signed-in people reach a page. Session and person are read on every
// request. A form that comes after the session has ended is kept.
func (s *site) as(h func(http.ResponseWriter, *http.Request, visitor) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := s.visitor(r)
		if clinic.IsTurnedAway(err) {
			s.Kernel.RecordTurnedAway(r.Context(), v.Caller, err, r.Pattern, r.PathValue("id"), r.URL.Query().Get("of"))
		}
		err = s.counted(r, v.Caller, err)
		if r.Method == http.MethodPost && isSignedOut(err) {
			return s.keepForm(r, err)
		}
		if err != nil {
			return err
		}
		read := new(identity.Person)
		v.Found, v.otherPatient = read, func() (phi.Text, error) { return s.otherPatient(r.Context(), *read) } //nolint:contextcheck // the context is the request's
		return h(w, r, v)
	}
}

// counted counts a session that is none, or what c writes. It returns err, that of reading
// the session, or that somebody tries too often.
func (s *site) counted(r *http.Request, c clinic.Caller, err error) error {
	switch {
	case err == nil:
		return s.CountWrite(r, c.Proof)
	case isSignedOut(err) && s.session(r) != "":
		return s.CountFailedProof(r, err)
	}
	return err
}

// setFor reads for whom v acts, unless that is known.
func (v *visitor) setFor() error {
	if v.otherPatient == nil {
		return nil
	}
	var err error
	v.For, err = v.otherPatient()
	v.otherPatient = nil
	return err
}

func (s *site) visitor(r *http.Request) (visitor, error) {
	c, name, err := s.sessions.Use(r.Context(), s.session(r), clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent()})
	if err != nil {
		return visitor{Caller: c}, err
	}
	return s.atPractice(r.Context(), visitor{Caller: c, Name: name})
}

// atPractice returns v with the practice of their person.
func (s *site) atPractice(ctx context.Context, v visitor) (visitor, error) {
	var err error
	if v.practice, err = s.Kernel.Practice(ctx, v.Person.Practice); err != nil {
		return v, err
	}
	v.several, err = s.Kernel.HasSeveral(ctx, v.Caller)
	return v, err
}

// asHolder is as for pages that somebody may reach whom no practice knows, or who has
// yet to choose one of several: the visitor's person is zero then.
func (s *site) asHolder(h func(http.ResponseWriter, *http.Request, visitor) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, name, err := s.sessions.UseAnyway(r.Context(), s.session(r), clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent()})
		err = s.counted(r, c, err)
		v := visitor{Caller: c, Name: name}
		if err == nil && c.Person.ID != "" {
			v, err = s.atPractice(r.Context(), v)
		}
		if err != nil {
			return err
		}
		return h(w, r, v)
	}
}

// isSignedOut reports whether err is that nobody is signed in, or no longer.
func isSignedOut(err error) bool {
	f, ok := fault.Public(err)
	return ok && f.Code == "not_signed_in"
}

// session is the value of r's session cookie; empty if it has none.
func (s *site) session(r *http.Request) string {
	c, err := r.Cookie(s.cookieName(sessionCookie))
	if err != nil {
		return ""
	}
	return c.Value
}

// home is where a person's work or requests are; the zero person has yet to choose a
// practice.
func home(p identity.Person) string {
	if links := places(p); len(links) > 0 {
		return links[0].Href
	}
	return choosePath
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

// An attempt is what must come back from the issuer, when the visitor left for
// it, and where they wanted to go.
type attempt struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Began    time.Time `json:"began"`
	Next     string    `json:"next"`
	Strong   bool      `json:"strong,omitempty"` // a second factor is asked for
	Issuer   string    `json:"issuer"`
}

// A weakSignIn is the refusal of somebody who signed in with one factor, on the way to
// next.
type weakSignIn struct {
	error
	next string
}

func (w weakSignIn) Unwrap() error { return w.error }

// strongSignIn is where signing in asks for a second factor, and leads to next.
func strongSignIn(next string) string {
	return "/sign-in?" + url.Values{"factors": {"2"}, "next": {next}}.Encode()
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := s.CountSignIn(r); err != nil {
		return err
	}
	p, err := s.signInAt(r)
	if err != nil {
		return err
	}
	if p == nil {
		return s.chooseSignIn(w, r)
	}
	// GenerateVerifier gives 32 random bytes in text, which all three need.
	a := attempt{
		State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(),
		Began: s.Now(), Next: local(r.URL.Query().Get("next")), Strong: r.URL.Query().Get("factors") == "2",
		Issuer: p.URL,
	}
	to, err := p.signInURL(r.Context(), a)
	if err != nil {
		return err
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	s.setCookie(w, signInCookie, base64.RawURLEncoding.EncodeToString(b), signInLife)
	return redirect(w, to)
}

// isForStrangers reports whether a page is for people whom no practice knows yet.
func isForStrangers(path string) bool {
	return strings.HasPrefix(path, "/accept/") || strings.HasPrefix(path, "/join/")
}

// signedIn is where the issuer sends the visitor back to. Someone no practice
// knows gets no session, so that signing in cannot go round in circles, unless they
// are on their way to a page for such people.
func (s *site) signedIn(w http.ResponseWriter, r *http.Request) error {
	a, ok := s.attempt(r)
	q := r.URL.Query()
	p := s.providers.of(a.Issuer)
	if !ok || p == nil || subtle.ConstantTimeCompare([]byte(a.State), []byte(q.Get("state"))) != 1 || !oneOf(q.Get("iss"), "", p.URL) {
		return fault.New(fault.Malformed, "sign_in_lost", "this sign-in was begun elsewhere or took too long; please sign in again")
	}
	s.setCookie(w, signInCookie, "", -1)
	if err := s.CountSignIn(r); err != nil {
		return err
	}
	if q.Get("error") != "" {
		return fault.New(fault.Denied, "sign_in_refused", "you were not signed in; please try again")
	}
	in, err := p.redeem(r.Context(), q.Get("code"), a)
	if err != nil {
		return err
	}
	c := clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent()}.By(in.Proven)
	c, err = s.Kernel.Identify(r.Context(), c)
	if errors.Is(err, clinic.ErrSecondFactor) {
		s.Kernel.RecordTurnedAway(r.Context(), c, err, r.Pattern, "", "")
		return weakSignIn{err, a.Next}
	}
	goesOn := clinic.IsUnchosen(err) || clinic.IsUnknown(err) && isForStrangers(a.Next)
	if err != nil && !goesOn {
		return errors.Join(err, s.sessions.Refuse(r.Context(), c))
	}
	if in.Name, err = s.nameOf(r.Context(), c.Person, in.Name); err != nil {
		return err
	}
	cookie, err := s.sessions.Start(r.Context(), c, in)
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, cookie, 0)
	kept, err := s.keptFor(r.Context(), in.Proof)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "kept forms not read", "err", err)
	} else if kept != "" {
		return redirect(w, kept)
	}
	if a.Next == "" {
		a.Next = home(c.Person)
	}
	return redirect(w, a.Next) // which leads on to the choice of a practice, if there is one
}

// nameOf is how the pages call p: as the practice does, else as the issuer does.
func (s *site) nameOf(ctx context.Context, p identity.Person, issuers phi.Text) (phi.Text, error) {
	switch {
	case p.Display != "":
		return "", nil // their row has it
	case p.Patient != "":
		contact, err := s.Charts.Contact(ctx, p.Patient)
		return contact.Name, err
	}
	return issuers, nil
}

// otherPatient is the name of the patient for whom p acts, as the request at hand has
// read them; empty if that is nobody but p.
func (s *site) otherPatient(ctx context.Context, p identity.Person) (phi.Text, error) {
	if len(p.Grants) != 1 {
		return "", nil
	}
	contact, err := s.Charts.Contact(ctx, p.Grants[0].Patient)
	return contact.Name, err
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

// signOut ends the session here and its refresh token at the issuer.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) error {
	issuer, err := s.sessions.End(r.Context(), s.session(r), clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent()})
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, "", -1)
	to := "/signed-out"
	if at := slices.IndexFunc(s.providers, func(p *provider) bool { return p.URL == issuer }); at > 0 {
		to += "?at=" + strconv.Itoa(at)
	}
	return redirect(w, to)
}

// signedOut leads the browser on to the issuer, which ends its own session with it.
// It does so by a header, because browsers hold the redirect that answers a form
// to the form-action of its page.
func (s *site) signedOut(w http.ResponseWriter, r *http.Request) error {
	p := s.providerAt(cmp.Or(r.URL.Query().Get("at"), "0"))
	if p == nil {
		return redirect(w, "/")
	}
	to, err := p.signOutURL(r.Context())
	if err != nil {
		s.Log.WarnContext(r.Context(), "issuer's session not ended", "err", err)
	}
	if to == "" {
		return redirect(w, "/")
	}
	w.Header().Set("Refresh", "0; url="+to)
	return s.show(w, nil, page{view: "signedout", title: "Signed out", data: signedOutView{Next: to}})
}

type signedOutView struct{ Next string }

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
