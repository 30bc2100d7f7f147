package stripepay_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
)

// A payout is fetched of its account; what is none is not asked for, and looks like no payment.
func TestPayout_Fetched(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/payouts/po_1", func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Stripe-Account"); got != account {
			t.Errorf("asked for account %q", got)
		}
		_, _ = io.WriteString(w, `{"id":"po_1","object":"payout","amount":3854,"status":"failed","created":1772467200,"arrival_date":1772582400,
			"automatic":true,"failure_code":"account_closed"}`)
	})
	c := newClient(t, mux)
	got, known, err := c.Payout(t.Context(), account, "po_1")
	want := billing.PayoutState{
		ID: "po_1", Amount: 3854, Status: "failed", Made: time.Unix(1772467200, 0).UTC(), Arrives: time.Unix(1772582400, 0).UTC(),
		Automatic: true, Failure: "account_closed",
	}
	if diff := cmp.Diff(want, got); diff != "" || !known || err != nil {
		t.Errorf("payout, known %t, %v (-want +got):\n%s", known, err, diff)
	}
	if got, known, err := c.Payout(t.Context(), account, "pi_1"); known || err != nil || got != (billing.PayoutState{}) {
		t.Errorf("an intent is a payout: %+v, %t, %v", got, known, err)
	}
	if ref, o, err := c.Observe(t.Context(), account, "po_1"); ref != "" || err != nil || o != (billing.Observation{}) {
		t.Errorf("a payout is a payment: %s, %+v, %v", ref, o, err)
	}
}
