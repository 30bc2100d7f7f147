package issuer

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	_ "embed"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// An authRequest holds the parameters of an authorization request.
type authRequest struct {
	ResponseType string
	ClientID     string
	RedirectURI  string
	Scope        string
	State        string
	Nonce        string
	Challenge    string
	Method       string
	Prompt       string
	Classes      string // acr_values; if there are any, a second factor is asked for
}

func parseAuthRequest(v url.Values) authRequest {
	return authRequest{
		ResponseType: v.Get("response_type"),
		ClientID:     v.Get("client_id"),
		RedirectURI:  v.Get("redirect_uri"),
		Scope:        v.Get("scope"),
		State:        v.Get("state"),
		Nonce:        v.Get("nonce"),
		Challenge:    v.Get("code_challenge"),
		Method:       v.Get("code_challenge_method"),
		Prompt:       v.Get("prompt"),
		Classes:      v.Get("acr_values"),
	}
}

// A grant is the request and the subject of a code that has not been redeemed.
type grant struct {
	authRequest
	browser
	made time.Time // time of the code
}

func (i *Issuer) page(w http.ResponseWriter, r *http.Request) {
	a := parseAuthRequest(r.URL.Query())
	if !i.accepts(w, r, a) {
		return
	}
	if b, ok := i.signedIn(r); ok && a.Prompt != "login" && (b.twoFactors || a.Classes == "") {
		i.sendCode(w, r, a, b)
		return
	}
	render(w, http.StatusOK, pageData{Ask: a, People: i.people(r.Context())})
}

func (i *Issuer) signIn(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		render(w, http.StatusBadRequest, pageData{Problem: "The form could not be read."})
		return
	}
	a := parseAuthRequest(r.PostForm)
	if !i.accepts(w, r, a) {
		return
	}
	p, err := i.who(r)
	if refused, ok := errors.AsType[*refusal](err); ok {
		render(w, http.StatusBadRequest, pageData{Problem: "Go back and choose again: " + refused.Text + "."})
		return
	}
	if err != nil {
		i.opts.Log.ErrorContext(r.Context(), "person not kept", "err", err)
		render(w, http.StatusInternalServerError, pageData{Problem: "Something went wrong; try again."})
		return
	}
	b := browser{subject: p.Subject, at: i.opts.Now(), twoFactors: a.Classes != "" || p.TwoFactors && r.PostForm.Get("one_factor") == ""}
	i.remember(w, b)
	i.opts.Log.InfoContext(r.Context(), "signed in", "subject", p.Subject)
	i.sendCode(w, r, a, b)
}

// who is the person that a posted sign-in page names: one of those on it, or somebody
// new.
func (i *Issuer) who(r *http.Request) (Person, error) {
	if r.PostForm.Get("new") != "" {
		return i.add(newcomer(r.PostForm))
	}
	p, ok := i.person(r.Context(), r.PostForm.Get("subject"))
	if !ok {
		return p, &refusal{"invalid_request", "there is nobody of that name here"}
	}
	return p, nil
}

// sendCode leads back with a code for the person who is signed in with b.
func (i *Issuer) sendCode(w http.ResponseWriter, r *http.Request, a authRequest, b browser) {
	now := i.opts.Now()
	code := rand.Text()
	i.mu.Lock()
	for c, g := range i.codes {
		if now.Sub(g.made) > codeLife {
			delete(i.codes, c)
		}
	}
	i.codes[code] = grant{authRequest: a, browser: b, made: now}
	i.mu.Unlock()
	i.redirectBack(w, r, a, url.Values{"code": {code}})
}

// accepts reports whether the issuer accepts an authorization request, and answers
// the request if not. The browser is sent back with the error only if the redirect
// address is registered (RFC 6749, 4.1.2.1).
func (i *Issuer) accepts(w http.ResponseWriter, r *http.Request, a authRequest) bool {
	if a.ClientID != i.opts.ClientID || !slices.Contains(i.opts.RedirectURIs, a.RedirectURI) {
		render(w, http.StatusBadRequest, pageData{Problem: "The application that sent you here is not registered, or asked to be sent back to an address that is not."})
		return false
	}
	code, text := a.refusal()
	if code == "" {
		return true
	}
	i.redirectBack(w, r, a, url.Values{"error": {code}, "error_description": {text}})
	return false
}

func (a authRequest) refusal() (code, text string) {
	challenge, err := base64.RawURLEncoding.DecodeString(a.Challenge)
	switch {
	case a.ResponseType != "code":
		return "unsupported_response_type", "response_type must be code"
	case !slices.Contains(strings.Fields(a.Scope), "openid"):
		return "invalid_scope", "scope must contain openid"
	case a.Method != "S256" || err != nil || len(challenge) != 32:
		return "invalid_request", "a PKCE code_challenge with method S256 is required"
	}
	return "", ""
}

func (i *Issuer) redirectBack(w http.ResponseWriter, r *http.Request, a authRequest, v url.Values) {
	if a.State != "" {
		v.Set("state", a.State)
	}
	v.Set("iss", i.opts.URL) // RFC 9207: the relying party sees which issuer answered
	to, err := url.Parse(a.RedirectURI)
	if err != nil {
		render(w, http.StatusBadRequest, pageData{Problem: "The registered address is not a URL."})
		return
	}
	q := to.Query()
	for k := range v {
		q.Set(k, v.Get(k))
	}
	to.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

type pageData struct {
	Ask     authRequest
	People  []Person
	Problem string
}

func render(w http.ResponseWriter, code int, d pageData) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(code)
	// An error cannot be reported, because the status is already sent.
	_ = pageTemplate.Execute(w, d)
}
