package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/pkg/outbox"
)

func TestWebhook_ForgedOldOrMisdirectedIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, deep := event("evt_1", seed.Accounts[0], "pi_1"), strings.Repeat(`{"a":`, 20_000)
	w.unchanged(t)
	for name, tc := range map[string]struct {
		path, body, signature, code string
	}{
		"no signature":                                   {"/stripe/connect", good, "", "bad_signature"},
		"a made-up signature":                            {"/stripe/connect", good, "t=1,v1=00", "bad_signature"},
		"garbage for a signature":                        {"/stripe/connect", good, "\x01,=,=,t=,v1=", "bad_signature"},
		"another secret":                                 {"/stripe/connect", good, signature(good, "whsec_other", start), "bad_signature"},
		"the platform's secret":                          {"/stripe/connect", good, signature(good, platformSecret, start), "bad_signature"},
		"a changed body":                                 {"/stripe/connect", good + " ", signature(good, connectSecret, start), "bad_signature"},
		"six minutes old":                                {"/stripe/connect", good, signature(good, connectSecret, start.Add(-6*time.Minute)), "bad_signature"},
		"from the future":                                {"/stripe/connect", good, signature(good, connectSecret, start.Add(6*time.Minute)), "bad_signature"},
		"signed, and nothing":                            {"/stripe/connect", "", signature("", connectSecret, start), "malformed_json"},
		"signed, and no JSON":                            {"/stripe/connect", "{", signature("{", connectSecret, start), "malformed_json"},
		"signed, nested deeply":                          {"/stripe/connect", deep, signature(deep, connectSecret, start), "malformed_json"},
		"an account's event at the platform's endpoint":  {"/stripe/webhook", good, signature(good, platformSecret, start), "wrong_endpoint"},
		"the platform's event at the accounts' endpoint": {"/stripe/connect", event("evt_2", "", "pi_1"), signature(event("evt_2", "", "pi_1"), connectSecret, start), "wrong_endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := call{method: "POST", path: tc.path, body: tc.body, header: map[string]string{"Stripe-Signature": tc.signature}}
			refused(t, send(t, w.hook, c), 400, tc.code)
		})
	}
	t.Run("10 MB", func(t *testing.T) {
		t.Parallel()
		c := call{method: "POST", path: "/stripe/connect", body: strings.Repeat("a", tenMegabytes), header: map[string]string{"Stripe-Signature": "t=1"}}
		refused(t, send(t, w.hook, c), 413, "too_large")
	})
}

// What is signed and of no use is acknowledged, because Stripe would send it again
// for days and then switch the endpoint off. Nothing is kept of it.
func TestWebhook_SignedAndOfNoUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := event("evt_1", seed.Accounts[0], "pi_1")
	instead := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	created := fmt.Sprintf(`"created":%d`, start.Unix())
	w.nothingWritten(t, func(t *testing.T) {
		for name, body := range map[string]string{
			"another JSON":               `[{"id":"evt_1"}]`,
			"null":                       "null",
			"an object alone":            "{}",
			"no id":                      event("", seed.Accounts[0], "pi_1"),
			"a long id":                  event("evt_"+strings.Repeat("1", 5000), seed.Accounts[0], "pi_1"),
			"an id with NUL":             event("evt_\x00", seed.Accounts[0], "pi_1"),
			"an id with a key's sign":    event("evt#1", seed.Accounts[0], "pi_1"),
			"an id with a path":          event("evt_1", seed.Accounts[0], "pi_1/../../customers"),
			"an id in another script":    event("evt_1", seed.Accounts[0], "pi_\u0661"),
			"an id that is a number":     instead(`"evt_1"`, "1"),
			"a long account":             event("evt_1", "acct_"+strings.Repeat("1", 5000), "pi_1"),
			"an account with NUL":        event("evt_1", "acct_\x00", "pi_1"),
			"no object's id":             event("evt_1", seed.Accounts[0], ""),
			"a long object's id":         event("evt_1", seed.Accounts[0], "pi_"+strings.Repeat("1", 5000)),
			"another object":             instead(`"object":"payment_intent"`, `"object":"topup"`),
			"no object":                  instead(`"object":{`, `"other":{`),
			"a type that is not used":    instead("payment_intent.amount_capturable_updated", "payment_intent.created"),
			"a type that does not exist": instead("payment_intent.amount_capturable_updated", "\x7f"),
			"no time":                    instead(created, `"other":0`),
			"a time as text":             instead(created, `"created":"now"`),
			"a time before 1970":         instead(created, `"created":-1`),
			"a time after the year 9999": instead(created, `"created":253402300800`),
			"the last time there is":     instead(created, `"created":9223372036854775807`),
		} {
			t.Run(name, func(t *testing.T) {
				for path, secret := range map[string]string{"/stripe/connect": connectSecret, "/stripe/webhook": platformSecret} {
					if res := w.stripe(t, path, secret, body); res.Code != http.StatusOK {
						t.Errorf("%s: %d %s", path, res.Code, res.Body)
					}
				}
			})
		}
	})
}

// What is signed and of use is kept whatever else the event says, once, and in a
// row that a sweep finds.
func TestWebhook_SignedAndKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := int64(24 * 60 * 60)
	for name, change := range map[string]struct{ old, new string }{
		"another API version": {`"api_version":"2023-10-16"`, `"api_version":"2031-01-01","later":{"a":[1]}`},
		"no API version":      {`"api_version":"2023-10-16",`, ``},
		"a month old":         {fmt.Sprintf(`"created":%d`, start.Unix()), fmt.Sprintf(`"created":%d`, start.Unix()-30*day)},
		"of the last century": {fmt.Sprintf(`"created":%d`, start.Unix()), `"created":1`},
		"of the next century": {fmt.Sprintf(`"created":%d`, start.Unix()), fmt.Sprintf(`"created":%d`, start.Unix()+80*365*day)},
	} {
		t.Run(name, func(t *testing.T) {
			id := "evt_" + strings.ReplaceAll(name, " ", "_")
			good := event(id, seed.Accounts[0], "pi_1")
			body := strings.Replace(good, change.old, change.new, 1)
			if body == good {
				t.Fatalf("%s is not in %s", change.old, good)
			}
			for range 2 {
				if res := w.stripe(t, "/stripe/connect", connectSecret, body); res.Code != http.StatusOK {
					t.Fatalf("%d %s", res.Code, res.Body)
				}
			}
			var e struct {
				Created int64 `json:"created"`
			}
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				t.Fatal(err)
			}
			made := time.Unix(e.Created, 0).UTC()
			d := w.delivery(t, outbox.NewID(outbox.ByStripe, made, seed.Accounts[0]+"."+id))
			if swept := outbox.BucketOf(made) == outbox.BucketOf(start); d.Object != "pi_1" || swept != d.Due.IsZero() {
				t.Errorf("kept as %+v", d)
			}
		})
	}
}

func TestWebhook_ReplayedOrOfAnotherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.submitted(t)
	pi := "pi_" + v.Payments[0]
	foreign := event("evt_1", seed.Accounts[1], pi)
	if res := w.stripe(t, "/stripe/connect", connectSecret, foreign); res.Code != http.StatusOK {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	w.nothingWritten(t, func(t *testing.T) {
		if res := w.stripe(t, "/stripe/connect", connectSecret, foreign); res.Code != http.StatusOK {
			t.Errorf("received again: %d %s", res.Code, res.Body)
		}
		d := w.delivery(t, outbox.NewID(outbox.ByStripe, start, seed.Accounts[1]+".evt_1"))
		if err := w.collect.Act(t.Context(), d); err == nil {
			t.Error("an event of an account that does not own the payment was acted on")
		}
	})
}
