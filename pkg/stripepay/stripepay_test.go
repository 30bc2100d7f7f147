package stripepay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/request"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/stripepay"
)

const account = "acct_lakeside"

// A stub answers every call with the same reply, and keeps the calls it was sent.
type stub struct {
	status int
	body   string
	header map[string]string

	mu   sync.Mutex
	sent []*http.Request
	form []url.Values
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent, s.form = append(s.sent, r), append(s.form, form)
	w.Header().Set("Content-Type", "application/json")
	for k, v := range s.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

func newClient(t *testing.T, h http.Handler) *stripepay.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return stripepay.New(secrettest.Fixed("sk_test_key"), srv.URL)
}

func refusal(fields string) string { return `{"error":{` + fields + `}}` }

// A definite refusal by Stripe is a clinic.Refusal; any other failure leaves the
// outcome unknown.
func TestClient_RefusedOrUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   *clinic.Refusal // nil: the outcome is unknown
	}{
		{"a declined card", 402, refusal(`"type":"card_error","code":"card_declined","decline_code":"generic_decline"`), &clinic.Refusal{Code: "card_declined", Final: true}},
		{"a card declined for a reason", 402, refusal(`"type":"card_error","code":"card_declined","decline_code":"lost_card"`), &clinic.Refusal{Code: "lost_card", Final: true}},
		{"an account that was disconnected", 403, refusal(`"type":"invalid_request_error","code":"account_invalid"`), &clinic.Refusal{Code: clinic.AccountLost}},
		{"an expired hold", 400, refusal(`"type":"invalid_request_error","code":"charge_expired_for_capture"`), &clinic.Refusal{Code: "charge_expired_for_capture", Final: true}},
		{"an intent in another state", 400, refusal(`"type":"invalid_request_error","code":"payment_intent_unexpected_state"`), &clinic.Refusal{Code: "payment_intent_unexpected_state"}},
		{"an object that is not there", 404, refusal(`"type":"invalid_request_error","code":"resource_missing"`), &clinic.Refusal{Code: "resource_missing"}},
		{"a key that lacks a permission", 403, refusal(`"type":"invalid_request_error"`), &clinic.Refusal{Code: "invalid_request_error"}},
		{"a key used for another request", 400, refusal(`"type":"idempotency_error"`), &clinic.Refusal{Code: "idempotency_error"}},
		{"Stripe failing", 500, refusal(`"type":"api_error"`), &clinic.Refusal{Code: "stripe_failing", Temporary: true}},
		{"Stripe away", 503, refusal(`"type":"api_error"`), &clinic.Refusal{Code: "stripe_failing", Temporary: true}},
		{"the same key in progress", 409, refusal(`"type":"idempotency_error","code":"idempotency_key_in_use"`), nil},
		{"too many calls", 429, refusal(`"type":"invalid_request_error","code":"rate_limit"`), nil},
		{"a key that is not known", 401, refusal(`"type":"invalid_request_error"`), nil},
		{"a gateway's page", 502, `<html>bad gateway</html>`, nil},
		{"no words at all", 504, ``, nil},
		{"success without an object", 200, `<html></html>`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, &stub{status: test.status, body: test.body, header: map[string]string{"Stripe-Should-Retry": "false"}})
			for call, err := range map[string]error{
				"Capture":           c.Capture(t.Context(), account, "pi_1", 4000, 0, "key"),
				"Release":           c.Release(t.Context(), account, "pi_1", "key"),
				"NewPage":           errOfPage(c.NewPage(t.Context(), request.PageRequest{Account: account, Key: "key", Ref: "p1", Amount: 4000, Ends: time.Unix(1, 0)})),
				"Observe an intent": errOfObserve(c.Observe(t.Context(), account, "pi_1")),
				"Observe a session": errOfObserve(c.Observe(t.Context(), account, "cs_1")),
				"Observe a warning": errOfObserve(c.Observe(t.Context(), account, "issfr_1")),
				"Refund":            c.Refund(t.Context(), charge.Refund{Account: account, Intent: "pi_1"}, "key"),
				"Expire":            c.Expire(t.Context(), account, "cs_1", "key"),
				"OpenAccount":       errOfMade(c.OpenAccount(t.Context(), "lakeside", "key")),
				"FindAccount":       errOfMade(c.FindAccount(t.Context(), "lakeside", time.Unix(1, 0))),
				"NewAccountPage":    errOfAccountPage(c.NewAccountPage(t.Context(), account, "https://a.example/done", "https://a.example/again")),
				"Changes":           errOfChanges(c.Changes(t.Context(), account, time.Unix(1, 0), "")),
			} {
				if err == nil {
					t.Errorf("%s succeeded", call)
				}
				got, _ := errors.AsType[*clinic.Refusal](err)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", call, diff)
				}
			}
		})
	}
}

func errOfChanges(_ []charge.Change, _ string, err error) error     { return err }
func errOfPage(_, _ string, err error) error                        { return err }
func errOfMade(_ string, err error) error                           { return err }
func errOfAccountPage(_ string, _ time.Time, err error) error       { return err }
func errOfAccount(_ billing.AccountState, err error) error          { return err }
func errOfObserve(_ string, _ billing.Observation, err error) error { return err }

// A call without a whole answer is an error and no clinic.Refusal.
func TestClient_NoAnswer(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	t.Cleanup(func() { close(held) })
	for name, h := range map[string]http.HandlerFunc{
		"no answer in time": func(http.ResponseWriter, *http.Request) { <-held },
		"a reset connection": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"id":"pi_1"`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewUnstartedServer(h)
			srv.Start()
			t.Cleanup(srv.CloseClientConnections)
			c := stripepay.New(secrettest.Fixed("sk_test_key"), srv.URL)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			err := c.Capture(ctx, account, "pi_1", 4000, 0, "key")
			if _, definite := errors.AsType[*clinic.Refusal](err); err == nil || definite {
				t.Errorf("the outcome is %v", err)
			}
		})
	}
}

// A call carries its idempotency key, its account and the listed form fields, and
// nothing else.
func TestClient_Requests(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)
	page := request.PageRequest{Account: account, Key: "q1", Ref: "q1", Amount: 4000, Ends: ends, Done: "https://a.example/done", Back: "https://a.example/back"}
	atOnce := page
	atOnce.AtOnce = true
	kept := page
	kept.KeepCard = true
	pageForm := func(method string) url.Values {
		return url.Values{
			"mode": {"payment"}, "client_reference_id": {"q1"}, "metadata[ref]": {"q1"},
			"success_url": {"https://a.example/done"}, "cancel_url": {"https://a.example/back"}, "expires_at": {fmt.Sprint(ends.Unix())},
			"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"usd"},
			"line_items[0][price_data][unit_amount]": {"4000"}, "line_items[0][price_data][product_data][name]": {"Online request"},
			"payment_intent_data[capture_method]": {method}, "payment_intent_data[metadata][ref]": {"q1"},
		}
	}
	for _, test := range []struct {
		name, method, path, key string
		call                    func(c *stripepay.Client) error
		form                    url.Values
		platform                bool // it is of the platform's own account
	}{
		{"NewPage, a hold", "POST", "/v1/checkout/sessions", "q1", func(c *stripepay.Client) error {
			return errOfPage(c.NewPage(t.Context(), page))
		}, with(pageForm("manual"), "payment_method_types[0]", "card"), false},
		{"NewPage, a hold of a card to keep", "POST", "/v1/checkout/sessions", "q1", func(c *stripepay.Client) error {
			return errOfPage(c.NewPage(t.Context(), kept))
		}, with(pageForm("manual"), "payment_method_types[0]", "card", "customer_creation", "always", "payment_intent_data[setup_future_usage]", "off_session"), false},
		{"NewPage, paid at once", "POST", "/v1/checkout/sessions", "q1", func(c *stripepay.Client) error {
			return errOfPage(c.NewPage(t.Context(), atOnce))
		}, pageForm("automatic"), false},
		{"NewPage, of which the platform has a part", "POST", "/v1/checkout/sessions", "q1", func(c *stripepay.Client) error {
			shared := atOnce
			shared.Platform = 100
			return errOfPage(c.NewPage(t.Context(), shared))
		}, with(pageForm("automatic"), "payment_intent_data[application_fee_amount]", "100"), false},
		{"Capture", "POST", "/v1/payment_intents/pi_1/capture", "e1-0", func(c *stripepay.Client) error {
			return c.Capture(t.Context(), account, "pi_1", 4000, 0, "e1-0")
		}, url.Values{"amount_to_capture": {"4000"}, "metadata[captured]": {"e1-0"}}, false},
		{"Capture, of which the platform has a part", "POST", "/v1/payment_intents/pi_1/capture", "e1-0", func(c *stripepay.Client) error {
			return c.Capture(t.Context(), account, "pi_1", 4000, 100, "e1-0")
		}, url.Values{"amount_to_capture": {"4000"}, "application_fee_amount": {"100"}, "metadata[captured]": {"e1-0"}}, false},
		{"Release", "POST", "/v1/payment_intents/pi_1/cancel", "e1-1", func(c *stripepay.Client) error {
			return c.Release(t.Context(), account, "pi_1", "e1-1")
		}, url.Values{}, false},
		{"Refund", "POST", "/v1/refunds", "e1-2-refund", func(c *stripepay.Client) error {
			return c.Refund(t.Context(), charge.Refund{Account: account, Intent: "pi_1"}, "e1-2-refund")
		}, url.Values{"payment_intent": {"pi_1"}}, false},
		{"Refund, of a part", "POST", "/v1/refunds", "p1-excess-0", func(c *stripepay.Client) error {
			return c.Refund(t.Context(), charge.Refund{Account: account, Intent: "pi_1", Amount: 1500}, "p1-excess-0")
		}, url.Values{"payment_intent": {"pi_1"}, "amount": {"1500"}}, false},
		{"Refund, of which the platform has a part", "POST", "/v1/refunds", "p1-excess-0", func(c *stripepay.Client) error {
			return c.Refund(t.Context(), charge.Refund{Account: account, Intent: "pi_1", Amount: 1500, Platform: true}, "p1-excess-0")
		}, url.Values{"payment_intent": {"pi_1"}, "amount": {"1500"}, "refund_application_fee": {"true"}}, false},
		{"Expire", "POST", "/v1/checkout/sessions/cs_1/expire", "e1-3-expire", func(c *stripepay.Client) error {
			return c.Expire(t.Context(), account, "cs_1", "e1-3-expire")
		}, url.Values{}, false},
		{"Changes", "GET", "/v1/events", "", func(c *stripepay.Client) error {
			return errOfChanges(c.Changes(t.Context(), account, ends, "evt_1"))
		}, url.Values{}, false},
		{"Observe, an intent", "GET", "/v1/payment_intents/pi_1", "", func(c *stripepay.Client) error {
			return errOfObserve(c.Observe(t.Context(), account, "pi_1"))
		}, url.Values{}, false},
		{"Observe, a session", "GET", "/v1/checkout/sessions/cs_1", "", func(c *stripepay.Client) error {
			return errOfObserve(c.Observe(t.Context(), account, "cs_1"))
		}, url.Values{}, false},
		{"Account", "GET", "/v1/accounts/" + account, "", func(c *stripepay.Client) error {
			return errOfAccount(c.Account(t.Context(), account))
		}, url.Values{}, false},
		{"OpenAccount", "POST", "/v1/accounts", "e1-4", func(c *stripepay.Client) error {
			return errOfMade(c.OpenAccount(t.Context(), "lakeside", "e1-4"))
		}, url.Values{"type": {"standard"}, "country": {"US"}, "metadata[practice]": {"lakeside"}}, true},
		{"FindAccount", "GET", "/v1/accounts", "", func(c *stripepay.Client) error {
			return errOfMade(c.FindAccount(t.Context(), "lakeside", ends))
		}, url.Values{}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{status: 200, body: `{"id":"x","object":"x"}`}
			if err := test.call(newClient(t, s)); err != nil {
				t.Fatal(err)
			}
			if len(s.sent) != 1 {
				t.Fatalf("%d calls", len(s.sent))
			}
			r := s.sent[0]
			got := []string{r.Method, r.URL.Path, r.Header.Get("Idempotency-Key"), r.Header.Get("Stripe-Account"), r.Header.Get("Stripe-Version"), r.Header.Get("Authorization")}
			of := account
			if test.platform {
				of = ""
			}
			want := []string{test.method, test.path, test.key, of, "2023-10-16", "Bearer sk_test_key"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
			if r.Header.Get("X-Stripe-Client-Telemetry") != "" {
				t.Error("telemetry was sent")
			}
			if diff := cmp.Diff(test.form, s.form[0]); diff != "" {
				t.Errorf("form (-want +got):\n%s", diff)
			}
		})
	}
}

// with returns form with further fields, each followed by its value.
func with(form url.Values, fields ...string) url.Values {
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// A call that stripe-go repeats carries the same idempotency key each time.
func TestClient_RetriesUnderTheSameKey(t *testing.T) {
	t.Parallel()
	s := &stub{status: 409, body: refusal(`"type":"idempotency_error"`), header: map[string]string{"Stripe-Should-Retry": "true"}}
	if err := newClient(t, s).Capture(t.Context(), account, "pi_1", 4000, 0, "e1-0"); err == nil {
		t.Fatal("Capture succeeded")
	}
	if len(s.sent) != 3 {
		t.Errorf("tried %d times", len(s.sent))
	}
	for _, r := range s.sent {
		if r.Header.Get("Idempotency-Key") != "e1-0" {
			t.Errorf("tried under %q", r.Header.Get("Idempotency-Key"))
		}
	}
}

func TestObserve_Intent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		want       billing.Observation
	}{
		{
			"a hold", `"status":"requires_capture","amount_capturable":4000,"latest_charge":{"id":"ch_1","amount":4000,"captured":false,
			"payment_method_details":{"type":"card","card":{"capture_before":1772467200}}}`,
			billing.Observation{Status: "requires_capture", Capturable: 4000, CaptureBefore: time.Unix(1772467200, 0).UTC()},
		},
		{
			"a capture", `"status":"succeeded","amount_received":4000,"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":4000,"captured":true}`,
			billing.Observation{Status: "succeeded", Received: 4000},
		},
		{
			"a capture of a part refunds nothing", `"status":"succeeded","amount_received":3000,"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":3000,"amount_refunded":1000,"captured":true}`,
			billing.Observation{Status: "succeeded", Received: 3000},
		},
		{
			"a partial refund", `"status":"succeeded","amount_received":3000,"latest_charge":{"id":"ch_1","amount":4000,"amount_captured":3000,"amount_refunded":1500,"captured":true}`,
			billing.Observation{Status: "succeeded", Received: 3000, Refunded: 500},
		},
		{
			"a release refunds nothing", `"status":"canceled","latest_charge":{"id":"ch_1","amount":4000,"amount_refunded":4000,"captured":false,"refunded":true}`,
			billing.Observation{Status: "canceled"},
		},
		{"an expired hold", `"status":"canceled","cancellation_reason":"automatic"`, billing.Observation{Status: "canceled", Expired: true}},
		{"a release on request", `"status":"canceled","cancellation_reason":"requested_by_customer"`, billing.Observation{Status: "canceled"}},
		{"no charge yet", `"status":"requires_payment_method"`, billing.Observation{Status: "requires_payment_method"}},
		{
			"a wallet's hold, which does not say until when", `"amount":4000,"status":"requires_capture","amount_capturable":4000,"latest_charge":{"id":"ch_1","amount":4000,
			"created":1772467200,"captured":false,"payment_method_details":{"type":"cashapp","cashapp":{"buyer_id":null}}}`,
			billing.Observation{Status: "requires_capture", Amount: 4000, Capturable: 4000, CaptureBefore: time.Unix(1772467200, 0).UTC().Add(7 * 24 * time.Hour)},
		},
		{"a bank was asked", `"amount":4000,"status":"processing","latest_charge":{"id":"ch_1","amount":4000,"created":1772467200,"status":"pending"}`, billing.Observation{Status: "processing", Amount: 4000}},
		{
			"a bank refused", `"status":"requires_payment_method","last_payment_error":{"type":"card_error","code":"payment_method_debit_failed","decline_code":"insufficient_funds"}`,
			billing.Observation{Status: "requires_payment_method", Failure: "insufficient_funds"},
		},
		{"a card was declined, and no bank says why", `"status":"requires_payment_method","last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"generic_decline"}`, billing.Observation{Status: "requires_payment_method", Failure: "card_declined"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Intent = "pi_1"
			c := newClient(t, &stub{status: 200, body: `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},` + test.body + `}`})
			ref, got, err := c.Observe(t.Context(), account, "pi_1")
			if err != nil || ref != "p1" {
				t.Fatalf("ref %q, %v", ref, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("observation (-want +got):\n%s", diff)
			}
		})
	}
}

// A session is observed through its intent, if it has one.
func TestObserve_Session(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, session string
		want          billing.Observation
	}{
		{"nobody tried to pay", `"status":"open","payment_intent":null`, billing.Observation{Session: "cs_1"}},
		{"it ended unpaid", `"status":"expired","payment_intent":null`, billing.Observation{Session: "cs_1", SessionOver: true}},
		{"a card was tried", `"status":"expired","payment_intent":"pi_1"`, billing.Observation{Session: "cs_1", SessionOver: true, Intent: "pi_1", Status: "canceled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			mux.HandleFunc("GET /v1/checkout/sessions/cs_1", func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"id":"cs_1","object":"checkout.session","metadata":{"ref":"p1"},`+test.session+`}`)
			})
			mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, r *http.Request) {
				if diff := cmp.Diff([]string{"latest_charge"}, r.URL.Query()["expand[0]"]); diff != "" {
					t.Errorf("expanded (-want +got):\n%s", diff)
				}
				_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"canceled"}`)
			})
			ref, got, err := newClient(t, mux).Observe(t.Context(), account, "cs_1")
			if err != nil || ref != "p1" {
				t.Fatalf("ref %q, %v", ref, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("observation (-want +got):\n%s", diff)
			}
		})
	}
}

// An error has Stripe's code and not its message, which may quote parameters.
func TestNewPage_ErrorQuotesNoParameters(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(map[string]any{"error": map[string]any{"type": "invalid_request_error", "code": "url_invalid", "message": "not a URL: https://secret.example"}})
	if err != nil {
		t.Fatal(err)
	}
	failed := errOfPage(newClient(t, &stub{status: 400, body: string(body)}).NewPage(t.Context(), request.PageRequest{Account: account, Key: "q1", Ref: "q1"}))
	if want := "opening a payment page for q1: refused by stripe: url_invalid"; failed == nil || failed.Error() != want {
		t.Errorf("the error is %q, want %q", failed, want)
	}
}

// A warning of fraud is observed through the intent it is about.
func TestObserve_Warning(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/radar/early_fraud_warnings/issfr_1", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"issfr_1","object":"radar.early_fraud_warning","payment_intent":"pi_1","charge":"ch_1"}`)
	})
	mux.HandleFunc("GET /v1/payment_intents/pi_1", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1"},"status":"succeeded","amount_received":4000}`)
	})
	ref, got, err := newClient(t, mux).Observe(t.Context(), account, "issfr_1")
	want := billing.Observation{Intent: "pi_1", Status: "succeeded", Received: 4000, Warned: true}
	if diff := cmp.Diff(want, got); err != nil || ref != "p1" || diff != "" {
		t.Errorf("ref %q, %v (-want +got):\n%s", ref, err, diff)
	}
}

// Changes are read page by page, of the types that change what is final here, and
// name the object that can be observed.
func TestChanges_ByPage(t *testing.T) {
	t.Parallel()
	s := &stub{status: 200, body: `{"object":"list","has_more":true,"data":[
		{"id":"evt_3","object":"event","type":"charge.refund.updated","data":{"object":{"id":"re_1","object":"refund","payment_intent":"pi_1"}}},
		{"id":"evt_2","object":"event","type":"payment_intent.succeeded","data":{"object":{"id":"pi_2","object":"payment_intent","metadata":{"ref":"p2"}}}},
		{"id":"evt_1","object":"event","type":"charge.refunded","data":{"object":{"id":"ch_1","object":"charge","payment_intent":null}}}]}`}
	got, next, err := newClient(t, s).Changes(t.Context(), account, time.Unix(1772467200, 0), "evt_9")
	want := []charge.Change{{Object: "pi_1"}, {Object: "pi_2", Ref: "p2"}}
	if diff := cmp.Diff(want, got); err != nil || next != "evt_1" || diff != "" {
		t.Errorf("next %q, %v (-want +got):\n%s", next, err, diff)
	}
	q := s.sent[0].URL.Query()
	if q.Get("created[gte]") != "1772467200" || q.Get("starting_after") != "evt_9" || len(s.sent) != 1 || !strings.Contains(s.sent[0].URL.RawQuery, "charge.refund.updated") {
		t.Errorf("asked %d times, with %v", len(s.sent), q)
	}
	s.body = strings.Replace(s.body, `"has_more":true`, `"has_more":false`, 1)
	if _, next, err = newClient(t, s).Changes(t.Context(), account, time.Unix(1, 0), ""); err != nil || next != "" {
		t.Errorf("the last page leads to %q, %v", next, err)
	}
}

// What Stripe says of an account is read as it is; one that the platform has no access to
// is disconnected.
func TestAccount_AsStripeSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   billing.AccountState
	}{
		{"enabled", 200, `{"id":"acct_1","charges_enabled":true,"payouts_enabled":true,"details_submitted":true,"requirements":{"currently_due":[]}}`, billing.AccountState{
			Charges: true, Payouts: true, Submitted: true, Due: []string{},
		}},
		{"disabled", 200, `{"id":"acct_1","details_submitted":true,"requirements":{"currently_due":["external_account"],"disabled_reason":"requirements.past_due"}}`, billing.AccountState{
			Submitted: true, Due: []string{"external_account"}, Reason: "requirements.past_due",
		}},
		{"without requirements", 200, `{"id":"acct_1"}`, billing.AccountState{}},
		{"disconnected", 403, refusal(`"type":"invalid_request_error","code":"account_invalid"`), billing.AccountState{Disconnected: true}},
	} {
		got, err := newClient(t, &stub{status: test.status, body: test.body}).Account(t.Context(), account)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
	s := &stub{status: 403, body: refusal(`"type":"invalid_request_error"`)}
	if _, err := newClient(t, s).Account(t.Context(), account); err == nil {
		t.Error("a key that may not read accounts is told as an account that is disconnected")
	}
}

// A page of an account is the platform's to make, and no call of the account's.
func TestNewAccountPage_Request(t *testing.T) {
	t.Parallel()
	s := &stub{status: 200, body: `{"object":"account_link","url":"https://connect.stripe.com/setup/s/1","expires_at":1700000300}`}
	page, ends, err := newClient(t, s).NewAccountPage(t.Context(), account, "https://a.example/done", "https://a.example/again")
	if err != nil || page != "https://connect.stripe.com/setup/s/1" || !ends.Equal(time.Unix(1_700_000_300, 0)) {
		t.Errorf("page %q until %s, %v", page, ends, err)
	}
	want := url.Values{
		"account": {account}, "type": {"account_onboarding"}, "return_url": {"https://a.example/done"}, "refresh_url": {"https://a.example/again"},
	}
	if diff := cmp.Diff(want, s.form[0]); diff != "" || s.sent[0].URL.Path != "/v1/account_links" || s.sent[0].Header.Get("Stripe-Account") != "" {
		t.Errorf("%s for account %q (-want +got):\n%s", s.sent[0].URL, s.sent[0].Header.Get("Stripe-Account"), diff)
	}
}

// The account of a practice is found by its metadata, wherever it stands in the list.
func TestFindAccount_ByPractice(t *testing.T) {
	t.Parallel()
	s := &stub{status: 200, body: `{"object":"list","has_more":false,"data":[{"id":"acct_1","metadata":{"practice":"harbor"}},{"id":"acct_2","metadata":{"practice":"lakeside"}}]}`}
	if got, err := newClient(t, s).FindAccount(t.Context(), "lakeside", time.Unix(1, 0)); err != nil || got != "acct_2" {
		t.Errorf("found %q, %v", got, err)
	}
}
