package billing_test

import (
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/money"
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

// What is free is decided once: a kind that is listed as free is quoted as free, and
// any other has the posted price.
func TestPosted_AgreesWithTheQuote(t *testing.T) {
	t.Parallel()
	list := billing.PriceList{"form": 1500, "free": 0, "tiny": 10}
	for _, test := range []struct {
		form, class string
		want        money.Cents
		code        string
	}{
		{"form", "em", 1500, ""},
		{"form", "admin-fee", 1500, ""},
		{"form", "no-charge", 0, ""},
		{"unposted", "monitoring", 0, ""},
		{"free", "em", 0, ""},
		{"unposted", "em", 0, "no_price"},
		{"unposted", "admin-fee", 0, "no_price"},
		{"tiny", "em", 0, "no_price"}, // no card takes so little
	} {
		posted, err := billing.Posted(test.form, test.class, list)
		q, quoted := billing.Price("q", test.form, test.class, list, billing.SelfPay, time.Time{})
		f, _ := fault.Public(err)
		if refused := f != nil; refused != (test.code != "") || refused && f.Code != test.code || (quoted != nil) != refused || posted != test.want || q.Amount != test.want {
			t.Errorf("%s of class %s is posted as %s, %v, and quoted as %s, %v", test.form, test.class, posted, err, q.Amount, quoted)
		}
		for _, kind := range billing.FreeRequests(test.class) {
			if q, err := billing.Price("q", test.form, billing.ClassFor(test.class, kind), list, billing.SelfPay, time.Time{}); err != nil || !q.Free() {
				t.Errorf("%s is listed as free, and quoted as %s, %v", kind, q.Amount, err)
			}
		}
	}
}
