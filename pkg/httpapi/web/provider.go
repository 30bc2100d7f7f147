package web

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"evisit/pkg/clinic/session"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/phi"
)

// providers are the identity providers, in the order of Options.Issuers. They implement
// session.Provider.
type providers []*provider

func newProviders(o Options) providers {
	var all providers
	for _, i := range o.Issuers {
		all = append(all, &provider{Options: o, Issuer: i, outgoing: &http.Client{Timeout: issuerPatience}})
	}
	return all
}

// of returns the provider that an issuer is; nil if it is none, or no longer.
func (ps providers) of(issuer string) *provider {
	for _, p := range ps {
		if p.URL == issuer {
			return p
		}
	}
	return nil
}

// Refresh implements session.Provider.
func (ps providers) Refresh(ctx context.Context, issuer, token string) (session.SignIn, error) {
	p := ps.of(issuer)
	if p == nil {
		return session.SignIn{}, fault.New(fault.Anonymous, "not_signed_in", "nobody signs in there any more; sign in again")
	}
	return p.refresh(ctx, token)
}

// Revoke implements session.Provider (RFC 7009).
func (ps providers) Revoke(ctx context.Context, issuer, token string) error {
	if p := ps.of(issuer); p != nil {
		return p.revoke(ctx, token)
	}
	return nil
}

// A provider is an identity provider: an OpenID Connect issuer that signs people in
// for these pages. It is safe for concurrent use.
type provider struct {
	Options
	httpapi.Issuer
	outgoing *http.Client

	mu    sync.Mutex
	found *discovered // nil until somebody signs in
}

// discovered is the issuer's own description of itself.
type discovered struct {
	*oidc.Provider
	// Either is empty where the issuer has none.
	Revocation string `json:"revocation_endpoint"`
	EndSession string `json:"end_session_endpoint"`
	// Known are the scopes that the issuer says it knows; nil if it does not say.
	Known []string `json:"scopes_supported"`
}

// scopes are those that a sign-in asks for: a name to greet by, and the addresses that
// the issuer has confirmed. One that the issuer does not know might be refused.
func (d *discovered) scopes() []string {
	all := []string{oidc.ScopeOpenID, "profile", "email", "phone"}
	return slices.DeleteFunc(all, func(s string) bool {
		return s != oidc.ScopeOpenID && d.Known != nil && !slices.Contains(d.Known, s)
	})
}

// issuerPatience is how long the issuer may take to answer us.
const issuerPatience = 10 * time.Second

// discover reads the issuer's description when it is first needed.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		unavailable := func(err error) error {
			return fault.Hide(fault.Busy, "sign_in_unavailable", "signing in is not possible just now; please try again in a moment", err)
		}
		found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.outgoing), p.URL)
		if err != nil {
			return nil, unavailable(err)
		}
		d := &discovered{Provider: found}
		if err := found.Claims(d); err != nil {
			return nil, unavailable(err)
		}
		p.found = d
	}
	return p.found, nil
}

func (p *provider) config(d *discovered) *oauth2.Config {
	end := d.Endpoint()
	end.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID: p.Audience, Endpoint: end,
		RedirectURL: p.BaseURL + "/signed-in", Scopes: d.scopes(),
	}
}

// signInURL is where a visitor signs in. The visitor is asked who they are, also where the
// issuer remembers someone who sat at the machine before.
func (p *provider) signInURL(ctx context.Context, a attempt) (string, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.Verifier), oidc.Nonce(a.Nonce), oauth2.SetAuthURLParam("prompt", "login")}
	if a.Strong {
		options = append(options, oauth2.SetAuthURLParam("acr_values", twoFactorClasses))
	}
	return p.config(d).AuthCodeURL(a.State, options...), nil
}

// twoFactorClasses are what providers call a sign-in by two factors, as OpenID's PAPE
// and REFEDS name it. A provider that knows none of them signs in as it always does
// (OpenID Connect Core, section 3.1.2.1).
const twoFactorClasses = "http://schemas.openid.net/pape/policies/2007/06/multi-factor https://refeds.org/profile/mfa"

// signInSkew is how far the issuer's clock may be behind ours.
const signInSkew = time.Minute

// redeem turns the issuer's code into a sign-in of this attempt.
func (p *provider) redeem(ctx context.Context, code string, a attempt) (session.SignIn, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return session.SignIn{}, err
	}
	refused := func(cause error) (session.SignIn, error) {
		return session.SignIn{}, fault.Hide(fault.Malformed, "sign_in_failed", "signing in did not work; please try again", cause)
	}
	t, err := p.config(d).Exchange(oidc.ClientContext(ctx, p.outgoing), code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return refused(err)
	}
	in, id, err := p.verify(ctx, d, t)
	if err != nil {
		return refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(a.Nonce)) != 1 {
		return refused(errors.New("the ID token has another nonce"))
	}
	var claims struct {
		SignedIn int64    `json:"auth_time"`
		Name     phi.Text `json:"name"`
	}
	if err := id.Claims(&claims); err != nil {
		return refused(err)
	}
	if claims.SignedIn != 0 && time.Unix(claims.SignedIn, 0).Before(a.Began.Add(-signInSkew)) {
		return refused(errors.New("the issuer did not ask who signs in"))
	}
	in.Name = claims.Name
	return in, nil
}

// verify is what the tokens prove.
func (p *provider) verify(ctx context.Context, d *discovered, t *oauth2.Token) (session.SignIn, *oidc.IDToken, error) {
	raw, _ := t.Extra("id_token").(string)
	proven, err := p.People.Prove(ctx, raw)
	if err != nil {
		return session.SignIn{}, nil, err
	}
	id, err := d.VerifierContext(oidc.ClientContext(ctx, p.outgoing), &oidc.Config{ClientID: p.Audience, Now: p.Now}).Verify(ctx, raw)
	if err != nil {
		return session.SignIn{}, nil, err
	}
	return session.SignIn{Proven: proven, Until: id.Expiry, Refresh: t.RefreshToken}, id, nil
}

// refresh exchanges a refresh token, as session.Provider says.
func (p *provider) refresh(ctx context.Context, token string) (session.SignIn, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return session.SignIn{}, err
	}
	t, err := p.config(d).TokenSource(oidc.ClientContext(ctx, p.outgoing), &oauth2.Token{RefreshToken: token}).Token()
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok && answer.ErrorCode == "invalid_grant" {
		return session.SignIn{}, fault.Hide(fault.Anonymous, "not_signed_in", "you are no longer signed in; sign in again", err)
	}
	if err != nil {
		return session.SignIn{}, err
	}
	in, _, err := p.verify(ctx, d, t)
	return in, err
}

// revoke ends a refresh token, as session.Provider says.
func (p *provider) revoke(ctx context.Context, token string) error {
	d, err := p.discover(ctx)
	if err != nil || d.Revocation == "" {
		return err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"refresh_token"}, "client_id": {p.Audience}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Revocation, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.outgoing.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return errors.New("the issuer answers " + res.Status)
	}
	return nil
}

// signOutURL is where the issuer ends its own session with the visitor's browser,
// and leads back from; empty if it has no such place. The parameter that names
// the way back is called logout_uri by Cognito, and post_logout_redirect_uri by
// OpenID Connect RP-Initiated Logout 1.0.
func (p *provider) signOutURL(ctx context.Context) (string, error) {
	d, err := p.discover(ctx)
	if err != nil || d.EndSession == "" {
		return "", err
	}
	u, err := url.Parse(d.EndSession)
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("client_id", p.Audience)
	q.Set("logout_uri", p.BaseURL+"/")
	q.Set("post_logout_redirect_uri", p.BaseURL+"/")
	u.RawQuery = q.Encode()
	return u.String(), nil
}
