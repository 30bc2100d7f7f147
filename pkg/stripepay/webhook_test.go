package stripepay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76/webhook"

	"evisit/pkg/clinic/hook"
	"evisit/pkg/fault"
	"evisit/pkg/stripepay"
)

const whsec = "whsec_test"

var now = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

func event(kind, object string) string {
	return fmt.Sprintf(`{"id":"evt_1","object":"event","api_version":"2023-10-16","created":%d,"account":%q,"type":%q,"data":{"object":%s}}`,
		now.Unix(), account, kind, object)
}

func signed(body string, at time.Time, whsec string) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: whsec, Timestamp: at}).Header
}

var held = event("payment_intent.amount_capturable_updated", `{"id":"pi_1","object":"payment_intent"}`)

// A webhook is accepted only if its time and body are signed with our secret, and
// its time is within five minutes of now.
func TestVerify_Signature(t *testing.T) {
	t.Parallel()
	good := signed(held, now, whsec)
	old := signed(held, now.Add(-time.Hour), whsec)
	for _, test := range []struct {
		name, body, header string
		accepted           bool
	}{
		{"signed now", held, good, true},
		{"five minutes ago", held, signed(held, now.Add(-300*time.Second), whsec), true},
		{"longer ago", held, signed(held, now.Add(-301*time.Second), whsec), false},
		{"by a clock that is fast", held, signed(held, now.Add(300*time.Second), whsec), true},
		{"in the future", held, signed(held, now.Add(301*time.Second), whsec), false},
		{"with another secret", held, signed(held, now, "whsec_other"), false},
		{"one byte altered", strings.Replace(held, "pi_1", "pi_2", 1), good, false},
		{"a space more", held + " ", good, false},
		{"unsigned", held, "", false},
		{"without a signature", held, fmt.Sprintf("t=%d", now.Unix()), false},
		{"without a time", held, good[strings.Index(good, "v1="):], false},
		{"an old one under a new time before its own", held, fmt.Sprintf("t=%d,%s", now.Unix(), old), false},
		{"an old one under a new time after its own", held, fmt.Sprintf("%s,t=%d", old, now.Unix()), false},
		{"with one more signature", held, good + ",v1=00ff,v0=11", true},
		{"garbage", held, "t=now,v1=yes", false},
		{
			"of another API version, whose ids are the same", strings.Replace(held, "2023-10-16", "2024-06-20", 1),
			signed(strings.Replace(held, "2023-10-16", "2024-06-20", 1), now, whsec), true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, useful, err := stripepay.Verify([]byte(test.body), test.header, whsec, now)
			if test.accepted {
				want := hook.StripeEvent{ID: "evt_1", Account: account, Object: "pi_1", Created: now}
				if diff := cmp.Diff(want, e); err != nil || !useful || diff != "" {
					t.Errorf("useful %t, %v (-want +got):\n%s", useful, err, diff)
				}
				return
			}
			f, ok := fault.Public(err)
			if !ok || f.Code != "bad_signature" || f.Kind != fault.Malformed || useful || e != (hook.StripeEvent{}) {
				t.Errorf("accepted as %+v, %t, %v", e, useful, err)
			}
		})
	}
}

func TestVerify_Object(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind, object, want string // want is empty for an event that we do not use
	}{
		{"payment_intent.amount_capturable_updated", `{"id":"pi_1","object":"payment_intent"}`, "pi_1"},
		{"payment_intent.succeeded", `{"id":"pi_1","object":"payment_intent"}`, "pi_1"},
		{"payment_intent.canceled", `{"id":"pi_1","object":"payment_intent"}`, "pi_1"},
		{"checkout.session.expired", `{"id":"cs_1","object":"checkout.session","payment_intent":null}`, "cs_1"},
		{"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.dispute.created", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.dispute.updated", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.dispute.funds_withdrawn", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.dispute.funds_reinstated", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.dispute.closed", `{"id":"dp_1","object":"dispute","payment_intent":"pi_1"}`, "pi_1"},
		{"charge.refund.updated", `{"id":"re_1","object":"refund","payment_intent":"pi_1","status":"failed"}`, "pi_1"},
		{"payment_intent.processing", `{"id":"pi_1","object":"payment_intent"}`, "pi_1"},
		{"checkout.session.async_payment_succeeded", `{"id":"cs_1","object":"checkout.session","payment_intent":"pi_1"}`, "cs_1"},
		{"checkout.session.async_payment_failed", `{"id":"cs_1","object":"checkout.session","payment_intent":"pi_1"}`, "cs_1"},
		{"radar.early_fraud_warning.created", `{"id":"issfr_1","object":"radar.early_fraud_warning","charge":"ch_1"}`, "issfr_1"},
		{"account.application.deauthorized", `{"id":"ca_1","object":"application","name":"evisit"}`, account},
		{"account.application.authorized", `{"id":"ca_1","object":"application","name":"evisit"}`, account},
		{"account.updated", `{"id":"acct_another","object":"account"}`, account},
		{"payment_intent.succeeded", `{"id":"pi_1","object":"payment_intent","metadata":["of another version"]}`, "pi_1"},
		{"payment_intent.succeeded", `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1","captured":""}}`, "pi_1"},
		{"payment_intent.succeeded", `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1","captured":"e1-0"}}`, ""},
		{"payment_intent.canceled", `{"id":"pi_1","object":"payment_intent","metadata":{"ref":"p1","captured":"e1-0"}}`, "pi_1"},
		{"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":"pi_1","metadata":{"captured":"e1-0"}}`, "pi_1"},
		{"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":null}`, ""},
		{"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_1"}}`, ""},
		{"payment_intent.created", `{"id":"pi_1","object":"payment_intent"}`, ""},
		{"checkout.session.completed", `{"id":"cs_1","object":"checkout.session"}`, ""},
		{"checkout.session.completed", `{"id":"cs_1","object":"checkout.session","mode":"payment"}`, ""},
		{"checkout.session.completed", `{"id":"cs_1","object":"checkout.session","mode":"subscription","subscription":"sub_1"}`, "cs_1"},
		{"customer.subscription.created", `{"id":"sub_1","object":"subscription"}`, "sub_1"},
		{"customer.subscription.updated", `{"id":"sub_1","object":"subscription"}`, "sub_1"},
		{"customer.subscription.deleted", `{"id":"sub_1","object":"subscription"}`, "sub_1"},
		{"invoice.paid", `{"id":"in_1","object":"invoice","payment_intent":"pi_1","subscription":"sub_1"}`, "sub_1"},
		{"invoice.payment_failed", `{"id":"in_1","object":"invoice","subscription":"sub_1"}`, "sub_1"},
		{"invoice.finalized", `{"id":"in_1","object":"invoice","subscription":"sub_1"}`, "sub_1"},
		{"invoice.upcoming", `{"object":"invoice","subscription":"sub_1"}`, ""},
		{"invoice.paid", `{"id":"in_1","object":"invoice","payment_intent":"pi_1"}`, ""},
		{"invoice.paid", `{"id":"in_1","object":"invoice","subscription":null}`, ""},
		{"payout.created", `{"id":"po_1","object":"payout"}`, "po_1"},
		{"payout.updated", `{"id":"po_1","object":"payout"}`, "po_1"},
		{"payout.paid", `{"id":"po_1","object":"payout"}`, "po_1"},
		{"payout.failed", `{"id":"po_1","object":"payout"}`, "po_1"},
		{"payout.canceled", `{"id":"po_1","object":"payout"}`, "po_1"},
		{"payout.reconciliation_completed", `{"id":"po_1","object":"payout"}`, ""},
		{"payment_intent.succeeded", `{"id":"cus_1","object":"customer"}`, ""},
		{"payment_intent.succeeded", `{"id":7}`, ""},
		{"payment_intent.succeeded", `{}`, ""},
	} {
		body := event(test.kind, test.object)
		e, useful, err := stripepay.Verify([]byte(body), signed(body, now, whsec), whsec, now)
		if useful != (test.want != "") || useful && (e.Object != test.want || e.Account != account) || err != nil {
			t.Errorf("%s of %s is about %q, useful %t, %v", test.kind, test.object, e.Object, useful, err)
		}
	}
}

// Verify accepts no body and header that the secret did not sign.
func FuzzVerify_Unsigned(f *testing.F) {
	f.Add(held, signed(held, now, whsec))
	f.Add(held, "t=1,v1=")
	f.Add("", ",,=,t==")
	f.Fuzz(func(t *testing.T, body, header string) {
		if _, useful, err := stripepay.Verify([]byte(body), header, "whsec_nobody_knows", now); err == nil || useful {
			t.Errorf("accepted: %q %q", body, header)
		}
	})
}
