package billing_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

func TestPrice_AsPosted(t *testing.T) {
	t.Parallel()
	list := billing.PriceList{"uti": fee, "free": 0, "over": money.Max + 1, "under": -1, "least": math.MinInt64}
	for _, test := range []struct {
		name, form, class string
		route             billing.Route
		amount            money.Cents
		basis             billing.Basis
		caveat, refused   bool
	}{
		{"posted", "uti", "evisit", billing.SelfPay, fee, billing.Fee, false, false},
		{"posted, insured", "uti", "evisit", billing.Insurance, fee, billing.Fee, true, false},
		{"posted, a member", "uti", "evisit", billing.Membership, fee, billing.Fee, true, false},
		{"posted, no route said", "uti", "evisit", "", fee, billing.Fee, false, false},
		{"posted at nothing", "free", "evisit", billing.SelfPay, 0, billing.Fee, false, false},
		{"for administration", "uti", "admin-fee", billing.SelfPay, fee, billing.Fee, false, false},
		{"never charged", "uti", "no-charge", billing.Insurance, 0, billing.NoCharge, false, false},
		{"never charged: monitoring", "unposted", "monitoring", billing.SelfPay, 0, billing.NoCharge, false, false},
		{"never charged: none", "unposted", "none", billing.SelfPay, 0, billing.NoCharge, false, false},
		{"not posted", "unposted", "evisit", billing.SelfPay, 0, "", false, true},
		{"posted too high", "over", "evisit", billing.SelfPay, 0, "", false, true},
		{"posted below nothing", "under", "evisit", billing.SelfPay, 0, "", false, true},
		{"posted far below nothing", "least", "evisit", billing.SelfPay, 0, "", false, true},
	} {
		q, err := billing.Price("quote-1", test.form, test.class, list, test.route, noon)
		if test.refused {
			if !errors.Is(err, fault.Conflict) || !cmp.Equal(q, billing.Quote{}) {
				t.Errorf("%s: %+v, %v; want it refused", test.name, q, err)
			}
			continue
		}
		if err != nil || q.Amount != test.amount || q.Basis != test.basis || (q.Caveat.Text() != "") != test.caveat {
			t.Errorf("%s: %+v, %v", test.name, q, err)
		}
		if q.ID != "quote-1" || !q.ExpiresAt.Equal(noon.Add(billing.QuoteLife)) || q.Free() != (test.amount == 0) ||
			q.PageEnds().Sub(q.ExpiresAt) < 30*time.Minute {
			t.Errorf("%s: %+v", test.name, q)
		}
	}
}

func TestQuote_FreshForHalfOfItsLife(t *testing.T) {
	t.Parallel()
	q := billing.Quote{ID: "quote-1", ExpiresAt: noon.Add(billing.QuoteLife)}
	half := noon.Add(billing.QuoteLife / 2)
	if !q.Fresh(noon) || !q.Fresh(half) || q.Fresh(half.Add(1)) || q.Fresh(q.ExpiresAt) || (billing.Quote{}).Fresh(noon) {
		t.Error("a quote is fresh while at least half of its life is left, and only a quote is")
	}
}
