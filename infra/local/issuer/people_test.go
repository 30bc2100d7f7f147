package issuer_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"
)

// said are the claims of an ID token that say how its holder signed in, and which
// addresses are theirs.
func said(t *testing.T, token string) map[string]any {
	t.Helper()
	all := claimsOf(t, token)
	got := map[string]any{}
	for _, name := range []string{"amr", "name", "email", "email_verified", "phone_number", "phone_number_verified"} {
		if v, ok := all[name]; ok {
			got[name] = v
		}
	}
	return got
}

// idToken signs in on the page with a form, and returns the ID token.
func (w world) idToken(t *testing.T, ask, form url.Values) string {
	t.Helper()
	_, conf := w.relyingParty(t)
	conf.Scopes = append(conf.Scopes, "profile", "email", "phone")
	verifier := oauth2.GenerateVerifier()
	u, err := url.Parse(conf.AuthCodeURL("s", oauth2.S256ChallengeOption(verifier)))
	if err != nil {
		t.Fatal(err)
	}
	all := u.Query()
	for _, more := range []url.Values{ask, form} {
		for name, v := range more {
			all[name] = v
		}
	}
	u.RawQuery = ""
	res := w.send(t, http.MethodPost, u.String(), all)
	tok, err := conf.Exchange(w.ctx(t), res.query(t, "code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("%v: the page answers %d %s", err, res.code, res.body)
	}
	raw, _ := tok.Extra("id_token").(string)
	return raw
}

// Who works signs in by two factors unless asked not to, and who does not, by one
// unless the relying party asks for two.
func TestSignIn_Factors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	two, one := []any{"pwd", "otp"}, []any{"pwd"}
	for name, c := range map[string]struct {
		ask, form url.Values
		want      []any
	}{
		"works":                          {nil, url.Values{"subject": {"sub-ana"}}, two},
		"works, by a password alone":     {nil, url.Values{"subject": {"sub-ana"}, "one_factor": {"1"}}, one},
		"works, two are asked for":       {url.Values{"acr_values": {"mfa"}}, url.Values{"subject": {"sub-ana"}, "one_factor": {"1"}}, two},
		"patient":                        {nil, url.Values{"subject": {"sub-bo"}}, one},
		"patient, two are asked for":     {url.Values{"acr_values": {"mfa"}}, url.Values{"subject": {"sub-bo"}}, two},
		"somebody new":                   {nil, url.Values{"new": {"1"}, "name": {"Cy"}}, two},
		"somebody new, a password alone": {nil, url.Values{"new": {"1"}, "name": {"Cy"}, "one_factor": {"1"}}, one},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, said(t, w.idToken(t, c.ask, c.form))["amr"]); d != "" {
				t.Errorf("amr (-want +got):\n%s", d)
			}
		})
	}
}

// Somebody new has a subject of their own and the addresses that they gave, confirmed or
// not, on the page and by a script, and is there again after a restart.
func TestNewcomer_PageAndScript(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "issuer.json")
	w := setupAt(t, file, "")
	onPage := w.idToken(t, nil, url.Values{"new": {"1"}, "name": {"Cy New"}, "email": {" cy@mail.example "}, "email_verified": {"1"}, "phone": {"+15035550199"}})
	want := map[string]any{
		"amr": []any{"pwd", "otp"}, "name": "Cy New", "email": "cy@mail.example", "email_verified": true,
		"phone_number": "+15035550199", "phone_number_verified": false,
	}
	if d := cmp.Diff(want, said(t, onPage)); d != "" {
		t.Errorf("on the page (-want +got):\n%s", d)
	}
	first := w.givenTo(t, http.StatusCreated, `{"email":"di@mail.example","email_verified":true,"phone":"+15035550188","phone_verified":true}`)
	delete(want, "name")
	want["email"], want["phone_number"], want["phone_number_verified"] = "di@mail.example", "+15035550188", true
	if d := cmp.Diff(want, said(t, first.Token)); d != "" {
		t.Errorf("by a script (-want +got):\n%s", d)
	}
	other := w.givenTo(t, http.StatusCreated, `{"email":"di@mail.example"}`)
	if other.Subject == first.Subject || claimsOf(t, onPage)["sub"] == first.Subject {
		t.Errorf("two people have the subject %s", first.Subject)
	}

	after := setupAt(t, file, "")
	again := after.givenTo(t, http.StatusCreated, `{"subject":"`+first.Subject+`","one_factor":true}`)
	want["amr"] = []any{"pwd"}
	if d := cmp.Diff(want, said(t, again.Token)); d != "" || again.Subject != first.Subject {
		t.Errorf("after a restart %s (-want +got):\n%s", again.Subject, d)
	}
	if seeded := after.givenTo(t, http.StatusCreated, `{"subject":"sub-ana"}`); claimsOf(t, seeded.Token)["email"] != "ana@north.example" {
		t.Errorf("one of the seeded people: %+v", claimsOf(t, seeded.Token))
	}
}

type givenToken struct {
	Subject string `json:"subject"`
	Token   string `json:"token"`
}

// givenTo is what a script gets for a body.
func (w world) givenTo(t *testing.T, status int, body string) (g givenToken) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/people", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil || res.StatusCode != status {
		t.Errorf("%s: %d, %v, want %d", body, res.StatusCode, err, status)
	}
	return g
}

func TestNewcomer_Refused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, body := range []string{
		``, `[]`, `{"name":1}`, `{"colour":"red"}`, `{}`, `{"name":" "}`, `{"email":"no address"}`, `{"email":"Di <di@mail.example>"}`, `{"subject":"nobody"}`,
	} {
		if g := w.givenTo(t, http.StatusBadRequest, body); g.Token != "" {
			t.Errorf("%s gives a token", body)
		}
	}
}
