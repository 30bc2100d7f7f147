package coding_test

import (
	"slices"
	"testing"

	"evisit/pkg/coding"
)

// Clinicians has every kind whose time is a clinician's, once and with words, and no other.
func TestClinicians_AreThoseWhoTreat(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range coding.Clinicians {
		if words := k.Words(); !k.Treats() || words == "" || seen[words] {
			t.Errorf("%s treats: %t, is called %q", k, k.Treats(), words)
		}
		seen[k.Words()] = true
	}
	for _, k := range []coding.Kind{"", "wizard", coding.Nurse, coding.Staff} {
		if k.Treats() || slices.Contains(coding.Clinicians, k) {
			t.Errorf("%q treats", k)
		}
	}
	if got := coding.NursePractitioner.Words(); got != "a nurse practitioner" {
		t.Errorf("an np is %q", got)
	}
}
