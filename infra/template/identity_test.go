package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A pool is what matters of a Cognito user pool.
type pool struct {
	MfaConfiguration       string
	EnabledMfas            []string
	AutoVerifiedAttributes []string
	DeletionProtection     string
	EmailConfiguration     struct{ EmailSendingAccount, SourceArn, ConfigurationSet string }
}

// People who work at a practice are asked for a second factor when they sign in, which is
// no message that can be taken on the way; accounts stay when the stack goes.
func TestPools_StaffAlwaysGiveSecondFactor(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	for id, want := range map[string]struct {
		mfa  string
		with []string
	}{
		"Patients": {"OPTIONAL", []string{"SOFTWARE_TOKEN_MFA", "SMS_MFA"}},
		"Staff":    {"ON", []string{"SOFTWARE_TOKEN_MFA"}},
	} {
		var p pool
		if err := tpl.Decode(id, &p); err != nil {
			t.Fatal(err)
		}
		if p.MfaConfiguration != want.mfa || !slices.Equal(p.EnabledMfas, want.with) {
			t.Errorf("%s asks %s for %q", id, p.MfaConfiguration, p.EnabledMfas)
		}
		// Invitations are bound to an address that the pool has confirmed.
		if !slices.Equal(p.AutoVerifiedAttributes, []string{"email"}) {
			t.Errorf("%s confirms %q", id, p.AutoVerifiedAttributes)
		}
		if e := p.EmailConfiguration; e.EmailSendingAccount != "DEVELOPER" || !strings.HasSuffix(e.SourceArn, "identity/${MailIdentity}") || e.ConfigurationSet != "MailEvents" {
			t.Errorf("%s sends mail as %+v", id, e)
		}
		if r := tpl.Resources[id]; r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" || p.DeletionProtection != "ACTIVE" {
			t.Errorf("%s goes with the stack", id)
		}
	}
}

// The pages are a public client of both pools, as they sign people in: by a code, with
// refresh tokens that rotate and end with the longest session.
func TestPools_ClientsAreThePages(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	for id, of := range map[string]string{"PatientsClient": "Patients", "StaffClient": "Staff"} {
		var c struct {
			UserPoolID                            string `json:"UserPoolId"`
			GenerateSecret, EnableTokenRevocation bool
			AllowedOAuthFlows, AllowedOAuthScopes []string
			CallbackURLs                          []string `json:"CallbackURLs"`
			LogoutURLs                            []string `json:"LogoutURLs"`
			RefreshTokenRotation                  struct{ Feature string }
			RefreshTokenValidity                  int
			TokenValidityUnits                    struct{ RefreshToken string }
		}
		if err := tpl.Decode(id, &c); err != nil {
			t.Fatal(err)
		}
		want := []string{of, "code", "openid profile email phone", "https://${DomainName}/signed-in", "https://${DomainName}/", "ENABLED", "hours"}
		got := []string{
			c.UserPoolID, strings.Join(c.AllowedOAuthFlows, " "), strings.Join(c.AllowedOAuthScopes, " "), strings.Join(c.CallbackURLs, " "),
			strings.Join(c.LogoutURLs, " "), c.RefreshTokenRotation.Feature, c.TokenValidityUnits.RefreshToken,
		}
		if d := cmp.Diff(want, got); d != "" || c.GenerateSecret || !c.EnableTokenRevocation || c.RefreshTokenValidity != 12 {
			t.Errorf("%s (-want +template):\n%s%+v", id, d, c)
		}
	}
}

// Every function that people reach trusts the same issuers, and knows the same people as
// operators. The pool of those who work asks for a second factor, and is said to.
func TestSettings_SameIssuersForAll(t *testing.T) {
	t.Parallel()
	settings := []string{"OIDC_ISSUER", "OIDC_JWKS_URL", "OIDC_AUDIENCE"}
	tpl := read(t)
	for name, f := range tpl.Functions {
		if f.Env["OIDC_ISSUER"] == "" {
			continue
		}
		for _, s := range []string{"OIDC_SECOND_FACTOR", "EVISIT_OPERATORS"} {
			if got, want := f.Env[s], tpl.Functions["api"].Env[s]; got != want || got == "" {
				t.Errorf("%s: %s is %q, api's is %q", name, s, got, want)
			}
		}
		if got := f.Env["OIDC_SECOND_FACTOR"]; !strings.Contains(got, "Staff.ProviderURL") || strings.Contains(got, "Patients") {
			t.Errorf("%s is told that %q always asks for a second factor", name, got)
		}
		for _, s := range settings {
			if got, want := f.Env[s], tpl.Functions["api"].Env[s]; got != want || strings.Count(got, ",") != 1 {
				t.Errorf("%s: %s is %q, api's is %q: two pools in the same order", name, s, got, want)
			}
		}
	}
}
