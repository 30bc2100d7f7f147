package stripepay_test

import (
	"io"
	"net/http"
	"slices"
	"testing"

	"evisit/pkg/money"
)

// Stripe's fee of a payment is that of its charge and of all its refunds, also of one that failed, and so is
// the platform's, which Stripe tells by the type of an application fee. Refunds are asked for only if there are any, and a charge that is not booked yet cost nothing.
func TestObserve_Fees(t *testing.T) {
	t.Parallel()
	const shared = `{"id":"txn_1","fee":246,"fee_details":[{"amount":146,"type":"stripe_fee"},{"amount":100,"type":"application_fee"}]}`
	const booked = `"balance_transaction":{"id":"txn_1","object":"balance_transaction","amount":4000,"fee":146,"net":3854}`
	for _, test := range []struct {
		name, charge, refunds string
		want, platform        money.Cents
	}{
		{"a charge", booked + `,"refunds":{"object":"list","data":[]}`, "", 146, 0},
		{"a charge whose refunds are not shown", booked, "", 146, 0},
		{"a charge that is not booked", `"balance_transaction":null`, "", 0, 0},
		{"a charge of which the platform has a part", `"balance_transaction":` + shared, "", 146, 100},
		{
			"fees of which none is the platform's", `"balance_transaction":{"id":"txn_1","fee":150,
				"fee_details":[{"amount":4,"type":"tax"},{"amount":146,"type":"stripe_fee"}]}`, "", 150, 0,
		},
		{
			"a refund that gave the platform's part back, one that failed, and took it again",
			`"balance_transaction":` + shared + `,"refunds":{"object":"list","data":[{"id":"re_1","object":"refund"}]}`,
			`{"id":"re_1","balance_transaction":{"id":"txn_2","fee":-33,"fee_details":[{"amount":-33,"type":"application_fee"}]}},
				{"id":"re_2","balance_transaction":{"id":"txn_3","fee":-8,"fee_details":[{"amount":-33,"type":"application_fee"},{"amount":25,"type":"stripe_fee"}]},
					"failure_balance_transaction":{"id":"txn_4","fee":33,"fee_details":[{"amount":33,"type":"application_fee"}]}}`,
			171, 67,
		},
		{
			"a refund that cost, and one that failed",
			booked + `,"refunds":{"object":"list","data":[{"id":"re_1","object":"refund"}]}`,
			`{"id":"re_1","balance_transaction":{"id":"txn_2","fee":25}},{"id":"re_2","balance_transaction":{"id":"txn_3","fee":30},"failure_balance_transaction":{"id":"txn_4","fee":-10}}`,
			191, 0,
		},
		{
			"a refund that gave a fee back",
			booked + `,"refunds":{"object":"list","data":[{"id":"re_1","object":"refund"}]}`,
			`{"id":"re_1","balance_transaction":{"id":"txn_2","fee":-46}},{"id":"re_2","balance_transaction":null}`,
			100, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, r *http.Request) {
				expands(t, r, "latest_charge", "latest_charge.balance_transaction", "latest_charge.refunds")
				_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"succeeded","amount_received":4000,
					"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":4000,"captured":true,`+test.charge+`}}`)
			})
			mux.HandleFunc("GET /v1/refunds", func(w http.ResponseWriter, r *http.Request) {
				if test.refunds == "" || r.URL.Query().Get("charge") != "ch_1" || r.Header.Get("Stripe-Account") != account {
					t.Errorf("asked for the refunds of %s of account %s", r.URL.Query().Get("charge"), r.Header.Get("Stripe-Account"))
				}
				expands(t, r, "data.balance_transaction", "data.failure_balance_transaction")
				_, _ = io.WriteString(w, `{"object":"list","has_more":false,"url":"/v1/refunds","data":[`+test.refunds+`]}`)
			})
			_, got, err := newClient(t, mux).Observe(t.Context(), account, "pi_1")
			if err != nil || got.StripeFee != test.want || got.PlatformFee != test.platform {
				t.Errorf("Stripe took %s, the platform %s, %v; want %s and %s", got.StripeFee, got.PlatformFee, err, test.want, test.platform)
			}
		})
	}
}

// expands checks what a request expands.
func expands(t *testing.T, r *http.Request, want ...string) {
	t.Helper()
	var got []string
	for name, values := range r.URL.Query() {
		if len(name) > 6 && name[:6] == "expand" {
			got = append(got, values...)
		}
	}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("expanded %v, want %v", got, want)
	}
}

// Refunds that cannot be listed leave the payment unknown: no fee is taken for less than it is.
func TestObserve_StripeFeeUnknown(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"succeeded","amount_received":4000,
			"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":4000,"captured":true,"balance_transaction":{"id":"txn_1","fee":146},
			"refunds":{"object":"list","data":[{"id":"re_1","object":"refund"}]}}}`)
	})
	mux.HandleFunc("GET /v1/refunds", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"no"}}`)
	})
	if ref, got, err := newClient(t, mux).Observe(t.Context(), account, "pi_1"); err == nil {
		t.Errorf("observed %s %+v", ref, got)
	}
}
