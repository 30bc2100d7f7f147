package stripepay_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/money"
	"evisit/pkg/stripepay"
)

// Of a charge that was disputed, all disputes are fetched: what they took of the money and
// cost, and the one that is open, else the latest.
func TestObserve_Disputes(t *testing.T) {
	t.Parallel()
	const (
		taken = `{"object":"balance_transaction","amount":-4000,"fee":1500,"net":-5500}`
		back  = `{"object":"balance_transaction","amount":4000,"fee":0,"net":4000}`
	)
	opened, due := time.Unix(1772467200, 0).UTC(), time.Unix(1773676799, 0).UTC()
	for _, test := range []struct {
		name, disputes  string
		dispute         billing.Dispute
		withdrawn, fees money.Cents
	}{
		{
			"open", `{"id":"dp_1","amount":4000,"created":1772467200,"status":"needs_response","reason":"fraudulent","balance_transactions":[` + taken + `],
			"evidence_details":{"due_by":1773676799,"submission_count":0}}`,
			billing.Dispute{ID: "dp_1", Status: "needs_response", Reason: "fraudulent", Amount: 4000, Opened: opened, Due: due},
			4000, 1500,
		},
		{
			"won", `{"id":"dp_1","amount":4000,"created":1772467200,"status":"won","balance_transactions":[` + taken + `,` + back + `],
			"evidence_details":{"due_by":1773676799,"submission_count":1}}`,
			billing.Dispute{ID: "dp_1", Status: "won", Amount: 4000, Opened: opened, Due: due, Submissions: 1},
			0, 1500,
		},
		{
			"an inquiry, without a date", `{"id":"dp_1","amount":4000,"created":1772467200,"status":"warning_needs_response","balance_transactions":[],
			"evidence_details":{"due_by":null,"submission_count":0}}`,
			billing.Dispute{ID: "dp_1", Status: "warning_needs_response", Amount: 4000, Opened: opened},
			0, 0,
		},
		{
			"a dispute after an inquiry", `{"id":"dp_2","amount":4000,"created":1772467201,"status":"lost","balance_transactions":[` + taken + `]},
			{"id":"dp_1","amount":4000,"created":1772467200,"status":"warning_closed","balance_transactions":[]}`,
			billing.Dispute{ID: "dp_2", Status: "lost", Amount: 4000, Opened: time.Unix(1772467201, 0).UTC()},
			4000, 1500,
		},
		{
			"an open one, and a later that ended", `{"id":"dp_2","amount":1000,"created":1772467201,"status":"lost","balance_transactions":[]},
			{"id":"dp_1","amount":4000,"created":1772467200,"status":"under_review","balance_transactions":[` + taken + `]}`,
			billing.Dispute{ID: "dp_1", Status: "under_review", Amount: 4000, Opened: opened},
			4000, 1500,
		},
		{"none that Stripe lists", "", billing.Dispute{}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"succeeded","amount_received":4000,
				"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":4000,"captured":true,"disputed":true}}`)
			})
			mux.HandleFunc("GET /v1/disputes", func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Stripe-Account") != account || r.URL.Query().Get("payment_intent") != "pi_1" {
					t.Errorf("asked for %s of %s", r.URL, r.Header.Get("Stripe-Account"))
				}
				_, _ = io.WriteString(w, `{"object":"list","url":"/v1/disputes","has_more":false,"data":[`+test.disputes+`]}`)
			})
			want := billing.Observation{
				Intent: "pi_1", Status: "succeeded", Received: 4000, Dispute: test.dispute, Withdrawn: test.withdrawn, DisputeFee: test.fees,
			}
			ref, got, err := newClient(t, mux).Observe(t.Context(), account, "pi_1")
			if diff := cmp.Diff(want, got); err != nil || ref != "p1" || diff != "" {
				t.Errorf("ref %q, %v; observation (-want +got):\n%s", ref, err, diff)
			}
		})
	}
}

// A payment is not reported without its disputes: they are asked for again.
func TestObserve_DisputesThatCannotBeListed(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"succeeded","amount_received":4000,
		"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":4000,"captured":true,"disputed":true}}`)
	})
	mux.HandleFunc("GET /v1/disputes", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"no permission"}}`)
	})
	if _, _, err := newClient(t, mux).Observe(t.Context(), account, "pi_1"); err == nil {
		t.Error("it is observed without its disputes")
	}
}

// Evidence goes to Stripe as text, in the fields that Stripe has for it, and is submitted
// in the same call; a dispute is accepted by closing it.
func TestDispute_Decided(t *testing.T) {
	t.Parallel()
	said := billing.Evidence{Product: "An online request.", Activity: "Answered.", Policy: "Charged when answered.", Text: "Receipt number: 1"}
	for _, test := range []struct {
		name, path string
		call       func(*stripepay.Client) error
		form       url.Values
	}{
		{"submit", "/v1/disputes/dp_1", func(c *stripepay.Client) error {
			return c.SubmitEvidence(t.Context(), account, "dp_1", said, "key-0")
		}, url.Values{
			"submit": {"true"}, "evidence[product_description]": {said.Product}, "evidence[access_activity_log]": {said.Activity},
			"evidence[refund_policy_disclosure]": {said.Policy}, "evidence[uncategorized_text]": {said.Text},
		}},
		{"accept", "/v1/disputes/dp_1/close", func(c *stripepay.Client) error {
			return c.AcceptDispute(t.Context(), account, "dp_1", "key-0")
		}, url.Values{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{status: 200, body: `{"id":"dp_1","object":"dispute"}`}
			if err := test.call(newClient(t, s)); err != nil {
				t.Fatal(err)
			}
			r := s.sent[0]
			if r.URL.Path != test.path || r.Header.Get("Stripe-Account") != account || r.Header.Get("Idempotency-Key") != "key-0" {
				t.Errorf("asked %s of %s under %q", r.URL.Path, r.Header.Get("Stripe-Account"), r.Header.Get("Idempotency-Key"))
			}
			if diff := cmp.Diff(test.form, s.form[0]); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			refused := &stub{status: 400, body: `{"error":{"type":"invalid_request_error","message":"its status is lost"}}`}
			if _, definite := errors.AsType[*clinic.Refusal](test.call(newClient(t, refused))); !definite {
				t.Error("a refusal is not told as one")
			}
		})
	}
}
