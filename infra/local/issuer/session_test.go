package issuer_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// signedIn returns the refresh token of a new sign-in.
func (w world) signedIn(t *testing.T, conf *oauth2.Config) string {
	t.Helper()
	code, verifier := w.newCode(t, conf)
	tok, err := conf.Exchange(w.ctx(t), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return tok.RefreshToken
}

func (w world) refresh(t *testing.T, conf *oauth2.Config, token string) (*oauth2.Token, error) {
	t.Helper()
	return conf.TokenSource(w.ctx(t), &oauth2.Token{RefreshToken: token}).Token()
}

// A refresh token is exchanged for an ID token of the same sign-in and for the next
// refresh token, also after a restart.
func TestRefresh_Rotates(t *testing.T) {
	t.Parallel()
	w := setupAt(t, filepath.Join(t.TempDir(), "issuer.json"), "")
	_, conf := w.relyingParty(t)
	token := w.signedIn(t, conf)
	for range 3 {
		w.advance(2 * time.Hour)
		next, err := w.refresh(t, conf, token)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := next.Extra("id_token").(string)
		claims := claimsOf(t, raw)
		if claims["sub"] != "sub-ana" || claims["auth_time"] != float64(start.Unix()) || claims["exp"] != float64(w.now().Add(time.Hour).Unix()) || claims["nonce"] != nil {
			t.Errorf("claims are %v", claims)
		}
		if next.RefreshToken == token || next.RefreshToken == "" {
			t.Errorf("the refresh token %q did not rotate", next.RefreshToken)
		}
		token = next.RefreshToken
	}
}

func TestRefresh_KeptAcrossRestarts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "issuer.json")
	before := setupAt(t, file, "")
	_, conf := before.relyingParty(t)
	token := before.signedIn(t, conf)
	after := setupAt(t, file, "")
	_, conf = after.relyingParty(t)
	if _, err := after.refresh(t, conf, token); err != nil {
		t.Errorf("after a restart the refresh token is refused: %v", err)
	}
}

// A token that was exchanged before ends its whole family, because two hold it.
func TestRefresh_UsedAgainEndsTheFamily(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, conf := w.relyingParty(t)
	first, other := w.signedIn(t, conf), w.signedIn(t, conf)
	next, err := w.refresh(t, conf, first)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"the used one": first, "the one after it": next.RefreshToken, "an invented one": "a.b", "none": ""} {
		if name == "the one after it" {
			_, _ = w.refresh(t, conf, first)
		}
		if _, err := w.refresh(t, conf, token); err == nil {
			t.Errorf("%s is exchanged", name)
		}
	}
	if _, err := w.refresh(t, conf, other); err != nil {
		t.Errorf("another sign-in's is refused: %v", err)
	}
	third := w.signedIn(t, conf)
	w.advance(30 * 24 * time.Hour)
	_, err = w.refresh(t, conf, third)
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || e.ErrorCode != "invalid_grant" {
		t.Errorf("after 30 days: %v, want invalid_grant", err)
	}
}

func TestRevoke_EndsTheFamily(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, conf := w.relyingParty(t)
	token := w.signedIn(t, conf)
	for _, form := range []url.Values{
		{"token": {token}, "client_id": {clientID}}, {"token": {token}, "client_id": {clientID}}, {"token": {"unknown"}, "client_id": {clientID}},
	} {
		if res := w.send(t, http.MethodPost, w.url+"/oauth2/revoke", form); res.code != http.StatusOK {
			t.Errorf("revoking %v: %d %s", form, res.code, res.body)
		}
	}
	if _, err := w.refresh(t, conf, token); err == nil {
		t.Error("a revoked token is exchanged")
	}
	if res := w.send(t, http.MethodPost, w.url+"/oauth2/revoke", url.Values{"token": {token}}); res.code != http.StatusUnauthorized {
		t.Errorf("revoking without a client: %d", res.code)
	}
}

// A browser that has signed in is asked again only after logging out, after an hour, or
// where the relying party wants a prompt.
func TestLogout_EndsTheBrowsersSession(t *testing.T) {
	t.Parallel()
	w := setup(t)
	_, conf := w.relyingParty(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.client.Jar = jar
	auth := func(more ...oauth2.AuthCodeOption) answer {
		t.Helper()
		more = append(more, oauth2.S256ChallengeOption(oauth2.GenerateVerifier()), oidc.Nonce("n"))
		return w.send(t, http.MethodGet, conf.AuthCodeURL("st", more...), nil)
	}
	asked := func(what string, res answer, want bool) {
		t.Helper()
		if got := res.code == http.StatusOK; got != want {
			t.Errorf("%s: %d %s, want the sign-in page %v", what, res.code, res.header.Get("Location"), want)
		}
	}
	asked("at first", auth(), true)
	w.newCode(t, conf)
	asked("signed in", auth(), false)
	asked("with a prompt", auth(oauth2.SetAuthURLParam("prompt", "login")), true)
	for name, q := range map[string]url.Values{
		"another client":     {"client_id": {"other"}, "logout_uri": {goodbye}},
		"another address":    {"client_id": {clientID}, "logout_uri": {"https://evil.example"}},
		"no address":         {"client_id": {clientID}},
		"a redirect address": {"client_id": {clientID}, "logout_uri": {callback}},
	} {
		if res := w.send(t, http.MethodGet, w.url+"/logout?"+q.Encode(), nil); res.code != http.StatusBadRequest {
			t.Errorf("logging out with %s: %d", name, res.code)
		}
	}
	asked("after refused logouts", auth(), false)
	for _, name := range []string{"logout_uri", "post_logout_redirect_uri"} {
		w.newCode(t, conf)
		res := w.send(t, http.MethodGet, w.url+"/logout?"+url.Values{"client_id": {clientID}, name: {goodbye}}.Encode(), nil)
		if res.code != http.StatusSeeOther || res.header.Get("Location") != goodbye {
			t.Errorf("logging out with %s: %d to %s", name, res.code, res.header.Get("Location"))
		}
		asked("after logging out", auth(), true)
	}
	w.newCode(t, conf)
	w.advance(time.Hour)
	asked("after an hour", auth(), true)
}
