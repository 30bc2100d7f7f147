package billing_test

import (
	"testing"

	"evisit/pkg/billing"
)

func TestClassFor_AdministrativeRequests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ class, request, want string }{
		{"admin-fee", "billing", "no-charge"},
		{"admin-fee", "appointment", "no-charge"},
		{"admin-fee", "referral", "no-charge"},
		{"admin-fee", "results", "no-charge"},
		{"admin-fee", "fmla", "admin-fee"},
		{"admin-fee", "records", "admin-fee"},
		{"em", "", "em"},
		{"em", "billing", "em"}, // only an administrative form has such requests
		{"no-charge", "", "no-charge"},
	} {
		if got := billing.ClassFor(test.class, test.request); got != test.want {
			t.Errorf("ClassFor(%q, %q) = %q, want %q", test.class, test.request, got, test.want)
		}
	}
}
