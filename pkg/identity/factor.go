package identity

import "slices"

// kinds are the authentication methods of RFC 8176, section 2, that prove something
// of one kind: what a person knows, has or is.
var kinds = [][]string{
	{"pin", "pwd"},
	{"hwk", "otp", "sc", "sms", "swk", "tel"},
	{"face", "fpt", "iris", "retina", "vbm"},
}

// TwoFactors reports whether the methods of a sign-in, which a token's claim amr
// lists, prove two factors: "mfa" says so, and so do methods of two kinds, such as
// a password and a one-time code, or a key of the device unlocked by a fingerprint.
// Two methods of one kind are one factor. What proves none counts for nothing:
// answers to questions (kba), a check that somebody is there (user), where the person
// is or how they behave (geo, rba), a second channel (mca), a signed-in computer
// (wia), and values that RFC 8176 does not have.
func TwoFactors(methods []string) bool {
	proven := 0
	for _, kind := range kinds {
		if slices.ContainsFunc(methods, func(m string) bool { return slices.Contains(kind, m) }) {
			proven++
		}
	}
	return proven > 1 || slices.Contains(methods, "mfa")
}
