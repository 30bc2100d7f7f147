package identity_test

import (
	"strings"
	"testing"

	"evisit/pkg/identity"
)

func TestTwoFactors_MethodsOfTwoKinds(t *testing.T) {
	t.Parallel()
	for methods, want := range map[string]bool{
		"":                  false,
		"mfa":               true,
		"pwd mfa":           true,
		"pwd otp":           true,
		"otp pwd":           true,
		"pwd sms":           true,
		"pin hwk":           true,
		"hwk fpt":           true,
		"pwd face":          true,
		"geo pwd tel":       true,
		"pwd":               false,
		"pwd pin":           false,
		"otp sms":           false,
		"hwk user":          false,
		"fpt iris":          false,
		"pwd kba":           false,
		"pwd mca":           false,
		"pwd geo rba wia":   false,
		"MFA":               false,
		"Pwd OTP":           false,
		"pwd,otp":           false,
		"authenticated":     false,
		"pwd two-factor":    false,
		"urn:ietf:amr:mfa ": false,
	} {
		if got := identity.TwoFactors(strings.Fields(methods)); got != want {
			t.Errorf("%q: %v", methods, got)
		}
	}
	for _, whole := range []string{"pwd otp", " mfa", "mfa "} {
		if identity.TwoFactors([]string{whole}) {
			t.Errorf("the one method %q proves two factors", whole)
		}
	}
}
