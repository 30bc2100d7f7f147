package issuer

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

// refreshLife is how long after its sign-in a family of refresh tokens ends; 30 days
// is the default of Cognito.
const refreshLife = 30 * 24 * time.Hour

// A family is the refresh tokens of one sign-in. Tokens rotate: only the latest can be
// exchanged, and a token that is presented again ends its family, because one of its
// two holders stole it (RFC 9700, 4.14.2).
type family struct {
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`     // time of the sign-in
	Latest  string    `json:"latest"` // hash of the latest token
}

// newFamily keeps a family for a sign-in and returns its first token.
func (i *Issuer) newFamily(subject string, at time.Time) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	families := map[string]family{}
	for id, f := range i.state.Families {
		if i.opts.Now().Before(f.At.Add(refreshLife)) {
			families[id] = f
		}
	}
	id, secret := rand.Text(), rand.Text()
	families[id] = family{Subject: subject, At: at, Latest: secretHash(secret)}
	return id + "." + secret, i.keepFamilies(families)
}

// rotate exchanges a token for the next of its family.
func (i *Issuer) rotate(token string) (family, string, error) {
	id, secret, _ := strings.Cut(token, ".")
	i.mu.Lock()
	defer i.mu.Unlock()
	f, known := i.state.Families[id]
	families := maps.Clone(i.state.Families)
	refused := &refusal{"invalid_grant", "the refresh token is unknown, used, revoked or expired"}
	switch {
	case !known:
		return f, "", refused
	case subtle.ConstantTimeCompare([]byte(f.Latest), []byte(secretHash(secret))) != 1, !i.opts.Now().Before(f.At.Add(refreshLife)):
		delete(families, id)
		if err := i.keepFamilies(families); err != nil {
			return f, "", err
		}
		return f, "", refused
	}
	secret = rand.Text()
	f.Latest = secretHash(secret)
	families[id] = f
	return f, id + "." + secret, i.keepFamilies(families)
}

// keepFamilies stores the families. i.mu must be held.
func (i *Issuer) keepFamilies(families map[string]family) error {
	next := i.state
	next.Families = families
	if err := next.save(i.opts.KeyFile); err != nil {
		return err
	}
	i.state = next
	return nil
}

func secretHash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// refresh answers grant_type=refresh_token. The ID token has the time of the sign-in
// and no nonce (OpenID Connect Core, 12.2), and says no more how its holder signed in.
func (i *Issuer) refresh(r *http.Request) (tokens, error) {
	if err := i.checkClient(r); err != nil {
		return tokens{}, err
	}
	f, next, err := i.rotate(r.PostForm.Get("refresh_token"))
	if err != nil {
		return tokens{}, err
	}
	if _, ok := i.person(r.Context(), f.Subject); !ok {
		return tokens{}, &refusal{"invalid_grant", "the person is no longer known"}
	}
	return i.issue(claims{Subject: f.Subject, AuthTime: jwt.NewNumericDate(f.At)}, next)
}

// revoke ends the family of a refresh token (RFC 7009): an unknown token is revoked
// already.
func (i *Issuer) revoke(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		reply(w, http.StatusBadRequest, &refusal{"invalid_request", "the form could not be read"})
		return
	}
	if err := i.checkClient(r); err != nil {
		reply(w, http.StatusUnauthorized, err)
		return
	}
	id, _, _ := strings.Cut(r.PostForm.Get("token"), ".")
	i.mu.Lock()
	defer i.mu.Unlock()
	families := maps.Clone(i.state.Families)
	delete(families, id)
	if err := i.keepFamilies(families); err != nil {
		i.opts.Log.ErrorContext(r.Context(), "token not revoked", "err", err)
		reply(w, http.StatusServiceUnavailable, &refusal{"server_error", "something went wrong"})
		return
	}
	w.WriteHeader(http.StatusOK)
}

// The cookie of a browser that has signed in here. Until it ends, a further sign-in
// asks nothing, unless the relying party wants a prompt.
const (
	browserCookie = "evisit-issuer"
	browserLife   = time.Hour
)

// A browser is a browser that is signed in to the issuer.
type browser struct {
	subject    string
	at         time.Time
	twoFactors bool
}

func (i *Issuer) remember(w http.ResponseWriter, b browser) {
	id := rand.Text()
	i.mu.Lock()
	defer i.mu.Unlock()
	maps.DeleteFunc(i.browsers, func(_ string, b browser) bool { return !i.opts.Now().Before(b.at.Add(browserLife)) })
	i.browsers[id] = b
	i.setCookie(w, id, 0)
}

func (i *Issuer) setCookie(w http.ResponseWriter, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a laptop has no TLS
		Name: browserCookie, Value: value, Path: i.path + "/", MaxAge: seconds, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// signedIn returns the browser of r, if it is signed in.
func (i *Issuer) signedIn(r *http.Request) (browser, bool) {
	c, err := r.Cookie(browserCookie)
	if err != nil {
		return browser{}, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	b, ok := i.browsers[c.Value]
	return b, ok && i.opts.Now().Before(b.at.Add(browserLife))
}

// logout ends the browser's session and leads back: to logout_uri, as Cognito calls it,
// or to post_logout_redirect_uri (OpenID Connect RP-Initiated Logout 1.0).
func (i *Issuer) logout(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	to := q.Get("logout_uri")
	if to == "" {
		to = q.Get("post_logout_redirect_uri")
	}
	if q.Get("client_id") != i.opts.ClientID || !slices.Contains(i.opts.LogoutURIs, to) {
		render(w, http.StatusBadRequest, pageData{Problem: "The application that sent you here is not registered, or asked to be sent back to an address that is not."})
		return
	}
	if c, err := r.Cookie(browserCookie); err == nil {
		i.mu.Lock()
		delete(i.browsers, c.Value)
		i.mu.Unlock()
	}
	i.setCookie(w, "", -1)
	if state := q.Get("state"); state != "" {
		to += "?" + url.Values{"state": {state}}.Encode()
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // to is one of LogoutURIs
}
