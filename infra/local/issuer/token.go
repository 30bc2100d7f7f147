package issuer

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// A refusal is an error reply of the token endpoint (RFC 6749, 5.2).
type refusal struct {
	Code string `json:"error"`
	Text string `json:"error_description"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Text }

type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"` // seconds
	ID      string `json:"id_token,omitempty"`
	Refresh string `json:"refresh_token,omitempty"`
	Scope   string `json:"scope"`
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	t, err := i.redeem(r)
	if err == nil {
		reply(w, http.StatusOK, t)
		return
	}
	i.refuse(w, r, err)
}

// refuse replies with why a token was not issued.
func (i *Issuer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		i.opts.Log.ErrorContext(r.Context(), "token not issued", "err", err)
		reply(w, http.StatusInternalServerError, &refusal{"server_error", "something went wrong"})
		return
	}
	i.opts.Log.InfoContext(r.Context(), "token refused", "err", err)
	code := http.StatusBadRequest
	if refused.Code == "invalid_client" {
		code = http.StatusUnauthorized
		w.Header().Set("WWW-Authenticate", "Basic")
	}
	reply(w, code, refused)
}

func (i *Issuer) redeem(r *http.Request) (tokens, error) {
	if err := r.ParseForm(); err != nil {
		return tokens{}, &refusal{"invalid_request", "the form could not be read"}
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		return i.redeemCode(r)
	case "refresh_token":
		return i.refresh(r)
	case "client_credentials":
		return i.redeemAssertion(r.PostForm)
	default:
		return tokens{}, &refusal{"unsupported_grant_type", "grant_type must be authorization_code, refresh_token or client_credentials"}
	}
}

// checkClient refuses a request that is not of the one relying party, which has no
// secret.
func (i *Issuer) checkClient(r *http.Request) error {
	client := r.PostForm.Get("client_id")
	if id, secret, ok := r.BasicAuth(); ok {
		if secret != "" {
			return &refusal{"invalid_client", "this client is public and has no secret"}
		}
		client = id
	}
	if client != i.opts.ClientID {
		return &refusal{"invalid_client", "the client is not registered"}
	}
	return nil
}

// redeemCode deletes the code before any check, so that a stolen code that was tried
// with a wrong verifier cannot be redeemed any more.
func (i *Issuer) redeemCode(r *http.Request) (tokens, error) {
	f := r.PostForm
	if err := i.checkClient(r); err != nil {
		return tokens{}, err
	}
	i.mu.Lock()
	g, found := i.codes[f.Get("code")]
	delete(i.codes, f.Get("code"))
	i.mu.Unlock()

	now := i.opts.Now()
	switch {
	case !found || now.Sub(g.made) > codeLife:
		return tokens{}, &refusal{"invalid_grant", "the code is unknown, used or expired"}
	case f.Get("redirect_uri") != g.RedirectURI:
		return tokens{}, &refusal{"invalid_grant", "redirect_uri is not the one the code was sent to"}
	case !g.verifierMatches(f.Get("code_verifier")):
		return tokens{}, &refusal{"invalid_grant", "code_verifier does not match the challenge"}
	}
	refresh, err := i.newFamily(g.subject, g.at)
	if err != nil {
		return tokens{}, err
	}
	c := i.claimsFor(r.Context(), g)
	c.Subject, c.Nonce, c.AuthTime, c.Methods = g.subject, g.Nonce, jwt.NewNumericDate(g.at), methods(g.twoFactors)
	return i.issue(c, refresh)
}

// claimsFor are the claims of g's subject that g asks for by a scope.
func (i *Issuer) claimsFor(ctx context.Context, g grant) claims {
	p, _ := i.person(ctx, g.subject)
	all, scopes := addressesOf(p), strings.Fields(g.Scope)
	var c claims
	if slices.Contains(scopes, profileScope) {
		c.Name = p.Name
	}
	if slices.Contains(scopes, emailScope) {
		c.Email, c.EmailVerified = all.Email, all.EmailVerified
	}
	if slices.Contains(scopes, phoneScope) {
		c.Phone, c.PhoneVerified = all.Phone, all.PhoneVerified
	}
	return c
}

// issue returns the tokens of a sign-in, whose ID token has the claims of c.
func (i *Issuer) issue(c claims, refresh string) (tokens, error) {
	c.Audience, c.Use = i.opts.ClientID, idUse
	id, err := i.sign(c, sessionLife)
	if err != nil {
		return tokens{}, err
	}
	access, err := i.sign(claims{Subject: c.Subject, Audience: i.opts.Audience, Use: accessUse}, sessionLife)
	if err != nil {
		return tokens{}, err
	}
	return tokens{access, "Bearer", int(sessionLife.Seconds()), id, refresh, "openid"}, nil
}

func (a authRequest) verifierMatches(verifier string) bool {
	if len(verifier) < 43 || len(verifier) > 128 { // RFC 7636, 4.1
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(want), []byte(a.Challenge)) == 1
}

func (i *Issuer) redeemAssertion(f url.Values) (tokens, error) {
	if f.Get("client_assertion_type") != assertionType {
		return tokens{}, &refusal{"invalid_client", "client_assertion_type must be " + assertionType}
	}
	client, err := i.assertedClient(f.Get("client_assertion"))
	if err != nil {
		return tokens{}, err
	}
	scopes := strings.Fields(f.Get("scope"))
	if len(scopes) == 0 || slices.ContainsFunc(scopes, func(s string) bool { return !strings.HasPrefix(s, "system/") }) {
		return tokens{}, &refusal{"invalid_scope", "scope must name one or more system/ scopes"}
	}
	scope := strings.Join(scopes, " ")
	access, err := i.sign(claims{Subject: client, Audience: i.opts.Audience, Use: accessUse, Scope: scope}, planLife)
	if err != nil {
		return tokens{}, err
	}
	return tokens{Access: access, Type: "Bearer", Expires: int(planLife.Seconds()), Scope: scope}, nil
}

// assertedClient returns the plan that signed the assertion. The key's id is ignored,
// because a plan has one key and only the signature is proof.
func (i *Issuer) assertedClient(assertion string) (string, error) {
	parsed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.RS384, jose.ES384})
	if err != nil {
		return "", &refusal{"invalid_client", "client_assertion must be a JWT signed with RS384 or ES384"}
	}
	var c jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&c); err != nil {
		return "", &refusal{"invalid_client", "the assertion's claims could not be read"}
	}
	i.mu.Lock()
	key, known := i.state.Plans[c.Issuer]
	i.mu.Unlock()
	if !known || c.Subject != c.Issuer {
		return "", &refusal{"invalid_client", "iss and sub must both be a registered client id"}
	}
	if err := parsed.Claims(key.Key, &c); err != nil {
		return "", &refusal{"invalid_client", "the signature is not by the client's key"}
	}
	if text := i.wrongClaims(c); text != "" {
		return "", &refusal{"invalid_client", text}
	}
	if !i.firstUse(c.Issuer, c.ID, c.Expiry.Time()) {
		return "", &refusal{"invalid_client", "the assertion's jti has been used"}
	}
	return c.Issuer, nil
}

// wrongClaims returns what is wrong with the claims of an assertion, or "". The
// signature has already been verified.
func (i *Issuer) wrongClaims(c jwt.Claims) string {
	now := i.opts.Now()
	switch {
	case !c.Audience.Contains(i.TokenURL()):
		return "aud must be " + i.TokenURL()
	case c.Expiry == nil || !now.Before(c.Expiry.Time()):
		return "the assertion has expired, or does not say when it does"
	case c.Expiry.Time().After(now.Add(planLife)):
		return "exp must be at most five minutes ahead"
	case c.NotBefore != nil && now.Before(c.NotBefore.Time()):
		return "the assertion is not valid yet"
	case c.ID == "":
		return "jti is required"
	}
	return ""
}

func (i *Issuer) firstUse(client, jti string, until time.Time) bool {
	now := i.opts.Now()
	id := client + "\x00" + jti
	i.mu.Lock()
	defer i.mu.Unlock()
	for k, t := range i.used {
		if t.Before(now) {
			delete(i.used, k)
		}
	}
	if _, seen := i.used[id]; seen {
		return false
	}
	i.used[id] = until
	return true
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error cannot be reported, because the status is already sent.
	_ = json.NewEncoder(w).Encode(v)
}
