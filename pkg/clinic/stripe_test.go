package clinic_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// latest is a visit's latest payment.
func (w *world) latest(id string) paid {
	w.Helper()
	all := w.payments(w.visit(id))
	if len(all) == 0 {
		w.Fatalf("visit %s has no payment", id)
	}
	return all[len(all)-1]
}

// state checks how a visit's payments stand, oldest first.
func (w *world) states(id string, want ...billing.State) {
	w.Helper()
	got := w.paymentStates(id)
	if !slices.Equal(got, want) {
		w.Errorf("payments are %v, want %v", got, want)
	}
}

func (w *world) paymentStates(id string) []billing.State {
	w.Helper()
	var got []billing.State
	for _, p := range w.payments(w.visit(id)) {
		got = append(got, p.payment.State)
	}
	return got
}

// webhook is an event as Stripe writes it.
func webhookOf(kind, account, object, id string) string {
	return fmt.Sprintf(`{"id":"evt_%s%s","object":"event","api_version":"2023-10-16","created":1772463600,"type":%q,"account":%q,`+
		`"data":{"object":{"id":%q,"object":%q}}}`, id, account, kind, account, id, object)
}

// loses throws away Stripe's webhooks so far.
func (w *world) loses() { w.mailed() }

func (w *world) charged(id string) {
	w.Helper()
	w.settle()
	w.states(id, billing.Captured)
	w.proven(id)
	w.balanced()
	w.handled()
}

func TestStripe_TroubleIsOutlived(t *testing.T) {
	t.Parallel()
	for _, call := range []struct{ method, path string }{
		{http.MethodPost, "/v1/checkout/sessions"},
		{http.MethodPost, "/v1/payment_intents/*/capture"},
		{http.MethodPost, "/v1/payment_intents/*/cancel"},
		{http.MethodGet, "/v1/payment_intents/*"},
	} {
		t.Run(call.method+" "+call.path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, f := range []stripesim.Fault{
				{Do: stripesim.LoseCall},
				{Do: stripesim.LoseAnswer},
				{Do: stripesim.Delay, DelayMS: 50},
				{Do: stripesim.Answer, Status: http.StatusInternalServerError},
				{Do: stripesim.Answer, Status: http.StatusConflict},
				{Do: stripesim.Answer, Status: http.StatusTooManyRequests},
			} {
				f.Method, f.Path, f.Times = call.method, call.path, 3 // stripe-go itself tries three times
				if _, err := w.sim.AddFault(f); err != nil {
					t.Fatal(err)
				}
				w.outlives(t)
				w.sim.ClearFaults()
				if t.Failed() {
					t.Fatalf("after %s %d", f.Do, f.Status)
				}
			}
			w.balanced()
			w.handled()
		})
	}
}

// outlives drives one visit that is charged and one whose hold is released.
func (w *world) outlives(t *testing.T) {
	t.Helper()
	cancelled := w.patient()
	w.cancels(cancelled)
	answered := w.patient()
	w.takes(ana, answered)
	w.answers(answered)
	w.settle()
	w.stands(cancelled, visit.Cancelled)
	w.states(cancelled, billing.Released)
	w.stands(answered, visit.Answered)
	w.states(answered, billing.Captured)
	w.proven(cancelled)
	w.proven(answered)
}

// patient sends and pays as a patient who does not give up: a quote that Stripe
// refused a page for is replaced.
func (w *world) patient() string {
	w.Helper()
	id := w.draft()
	for range 6 {
		s, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: w.prices(jane, id).Quote.ID})
		if err == nil && s.Page != "" {
			break
		}
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	return id
}

func TestCapture_RefusedThenReleaseFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardCaptureFails)
	w.settle()
	w.takes(ana, id)
	if _, err := w.sim.AddFault(stripesim.Fault{
		Do: stripesim.Answer, Status: http.StatusInternalServerError, Path: "/v1/payment_intents/*/cancel", Times: 3,
	}); err != nil {
		t.Fatal(err)
	}
	w.answers(id)
	w.settle()
	w.proven(id)
	if p := w.latest(id); p.stripe.Status != "canceled" {
		t.Errorf("the hold is %s at Stripe", p.stripe.Status)
	}
	w.balanced()
	w.handled()
}

func TestCapture_KeysOfRepeats(t *testing.T) {
	t.Parallel()
	passing := &clinic.Refusal{Code: "lock_timeout"}
	for _, test := range []struct {
		name    string
		trouble func(w *world)
		keys    int // different ones
		states  []billing.State
	}{
		{"UnknownOutcome", func(w *world) { w.trouble.next(captures, answerLost) }, 1, []billing.State{billing.Captured}},
		{"LostCall", func(w *world) { w.trouble.next(captures, callLost) }, 1, []billing.State{billing.Captured}},
		{"Refusal", func(w *world) { w.trouble.refuse(passing) }, 2, []billing.State{billing.Captured}},
		{"StripeFails", func(w *world) {
			for range 6 {
				w.trouble.refuse(&clinic.Refusal{Code: "stripe_failing", Temporary: true})
			}
		}, 7, []billing.State{billing.Captured}},
		{"RefusalThatStays", func(w *world) {
			for range 9 {
				w.trouble.refuse(passing)
			}
		}, 4, []billing.State{billing.Failed}},
		{"CardRefused", func(w *world) { w.trouble.refuse(&clinic.Refusal{Code: "card_declined", Final: true}) }, 1, []billing.State{billing.Failed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.taken()
			test.trouble(w)
			w.answers(id)
			w.settle()
			w.states(id, test.states...)
			keys := w.trouble.asked()
			slices.Sort(keys)
			if got := len(slices.Compact(keys)); got != test.keys {
				t.Errorf("asked under %d keys, want %d: %v", got, test.keys, keys)
			}
			w.proven(id)
			w.handled()
		})
	}
}

func TestStripeEvent_OfForeignAccountIsParked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		note  string
		forge func(w *world, p billing.Payment) string
	}{
		"ObjectItDoesNotOwn":  {"resource_missing", func(_ *world, p billing.Payment) string { return p.Intent }},
		"ObjectThatIsNowhere": {"resource_missing", func(*world, billing.Payment) string { return "pi_nowhere" }},
		"OurPaymentInItsObject": {"foreign_account", func(w *world, p billing.Payment) string {
			s, _, err := w.request.Checkout.NewPage(w.ctx, request.PageRequest{
				Account: seed.Accounts[1], Key: "forged", Ref: p.ID, Amount: 100, Ends: w.now().Add(time.Hour),
				Done: "https://example.org/", Back: "https://example.org/",
			})
			if err != nil {
				w.Fatalf("forging: %v", err)
			}
			return s
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.queued()
			before := w.latest(id)
			w.hears(webhookOf("payment_intent.canceled", seed.Accounts[1], "payment_intent", test.forge(w, before.payment)))
			w.drain()
			if w.stands(id, visit.Queued); w.latest(id).payment != before.payment {
				t.Error("the payment changed")
			}
			todo := w.work("harbor") // whose account it named
			if len(todo) != 1 || todo[0].Kind != work.EventParked || todo[0].Note != test.note {
				t.Fatalf("harbor's work: %+v", todo)
			}
			if d := w.delivery(todo[0].Event); !d.Parked || d.Tries != 0 {
				t.Errorf("the event: %+v", d)
			}
			if log := w.log.String(); !strings.Contains(log, `"level":"ERROR","msg":"event not handled"`) {
				t.Errorf("nothing was logged as an error:\n%s", log)
			}
			w.handled(outbox.StripeReported)
		})
	}
}

func TestStripeEvent_OfForeignObjectIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, _, err := w.request.Checkout.NewPage(w.ctx, request.PageRequest{
		Account: seed.Accounts[0], Key: "other", Ref: "of-another-system", Amount: 100, Ends: w.now().Add(time.Hour),
		Done: "https://example.org/", Back: "https://example.org/",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.try(s, stripesim.CardSuccess); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.handled()
	if o, err := w.sim.Oracle(w.ctx, seed.Accounts[0]); err != nil || o.Held.Count != 1 {
		t.Errorf("its hold was touched: %+v, %v", o.Held, err)
	}
}

// refund refunds a payment as the practice does at Stripe's dashboard.
func (w *world) refund(intent string, cents int) {
	w.Helper()
	form := url.Values{"payment_intent": {intent}, "amount": {fmt.Sprint(cents)}}
	r, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.simURL+"/v1/refunds", strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatalf("refund: %v", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	r.Header.Set("Stripe-Account", seed.Accounts[0])
	own := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // the end of another test's server cuts connections of the default one
	res, err := own.Do(r)
	if err != nil {
		w.Fatalf("refund: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		w.Fatalf("refund: %s", res.Status)
	}
}

func TestRefund_MadeAtStripeIsBooked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	intent := w.latest(id).payment.Intent
	w.refund(intent, 15_00)
	w.settle()
	w.states(id, billing.Captured)
	w.proven(id)
	w.refund(intent, 25_00)
	w.settle()
	w.states(id, billing.FullyRefunded)
	w.proven(id)
	if b := ledger.Balances(w.latest(id).entries); b[ledger.Stripe] != -feeOf40 || b[ledger.Refunds] != 40_00 { // Stripe keeps its fee
		t.Errorf("books: %v", b)
	}
	_, err := w.request.Pay(w.ctx, w.as(jane), id)
	w.refused(err, "nothing_to_pay")
}

// A fee that cannot be collected is an administrator's work, once, until it is
// paid after all.
func TestWork_UncollectedFeeEndsWhenPaid(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(w *world) string{
		"CaptureRefused": func(w *world) string {
			id := w.submitted()
			w.pays(id, stripesim.CardCaptureFails)
			w.settle()
			w.takes(ana, id)
			w.answers(id)
			return id
		},
		"HoldLapsed": func(w *world) string {
			id := w.taken()
			w.answers(id)
			w.pass(7*24*time.Hour + time.Minute) // charge was away
			return id
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := fail(w)
			w.settle()
			todo, err := w.office.Work(w.ctx, w.as(ada))
			if err != nil || len(todo) != 1 || todo[0].Kind != work.PaymentFailed || todo[0].Visit != id || todo[0].Payment != w.latest(id).payment.ID {
				t.Fatalf("Ada's work: %+v, %v", todo, err)
			}
			if n := w.told(janes, "did not go through"); n != 1 {
				t.Errorf("Jane was told %d times", n)
			}
			w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), id); return err })
			w.pays(id, stripesim.CardSuccess)
			w.settle()
			ended, err := w.tape.WorkItem(w.ctx, "lakeside", todo[0].ID)
			if open := w.work("lakeside"); err != nil || len(open) != 0 || ended.EndedBy != "system:charge" || ended.Ended.IsZero() {
				t.Errorf("open: %+v; the item: %+v, %v", open, ended, err)
			}
			w.proven(id)
		})
	}
}

func TestHold_Lapses(t *testing.T) {
	t.Parallel()
	t.Run("BeforeAnswer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.queued()
		w.pass(7*24*time.Hour + time.Minute)
		w.drain()
		if v := w.stands(id, visit.Expired); v.Reason != "hold_lost" {
			t.Errorf("it ended for %s", v.Reason)
		}
		w.states(id, billing.Lapsed)
		w.proven(id)
		if ls := w.letters("jane-smith@patients.example"); len(ls) == 0 || !strings.Contains(ls[0].Subject, "ended") {
			t.Errorf("Jane was not told: %+v", ls)
		}
	})
	t.Run("AfterAnswer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		id := w.taken()
		w.answers(id)
		w.pass(7*24*time.Hour + time.Minute) // charge was away
		w.settle()
		w.stands(id, visit.Answered)
		w.states(id, billing.Lapsed)
		s, err := w.request.Pay(w.ctx, w.as(jane), id)
		if err != nil || s.Page == "" {
			t.Fatalf("pay link: %q, %v", s.Page, err)
		}
		same, err := w.request.Pay(w.ctx, w.as(jane), id)
		if err != nil || same.Page != s.Page {
			t.Errorf("asked again: %q, %v", same.Page, err)
		}
		w.pays(id, stripesim.CardAuthenticate)
		w.settle()
		w.states(id, billing.Lapsed, billing.Captured)
		w.proven(id)
		w.balanced()
		w.handled()
	})
}

func TestCheckout_AbandonedReturnsToDraft(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"WebhookArrives": false, "WebhookLost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.submitted()
			if p := w.pays(id, stripesim.CardDeclined); p.DeclineCode == "" {
				t.Fatalf("not declined: %+v", p)
			}
			w.pass(2 * time.Hour)
			if lost {
				w.loses()
				w.pass(5 * time.Minute)
				w.loses()
			}
			w.minute()
			v := w.stands(id, visit.Draft)
			if v.Payment != "" || v.Quote.ID != "" {
				t.Errorf("the draft still has payment %q and quote %q", v.Payment, v.Quote.ID)
			}
			chart, err := w.chart(jane, id)
			if err != nil || len(chart.Answers) < len(urinary) {
				t.Errorf("%d answers were kept, %v", len(chart.Answers), err)
			}
			w.submits(jane, id, w.prices(jane, id).Quote.ID)
			w.pays(id, stripesim.CardAuthenticate)
			w.settle()
			w.takes(ana, id)
			w.answers(id)
			w.settle()
			w.states(id, billing.Abandoned, billing.Captured)
			w.proven(id)
			w.balanced()
			w.handled()
		})
	}
}

func TestCheckout_LatePaymentIsReleased(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	first := w.latest(id).payment
	w.trouble.lied(func(o billing.Observation) billing.Observation { o.SessionOver = true; return o })
	w.hears(webhookOf("checkout.session.expired", first.Account, "checkout.session", first.Session))
	w.settle()
	w.stands(id, visit.Draft)
	w.submits(jane, id, w.prices(jane, id).Quote.ID)
	for _, session := range []string{first.Session, w.session(id)} {
		if _, err := w.try(session, stripesim.CardSuccess); err != nil {
			t.Fatal(err)
		}
	}
	w.settle()
	w.stands(id, visit.Queued)
	w.states(id, billing.Released, billing.Held)
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	w.states(id, billing.Released, billing.Captured)
	w.proven(id)
	w.balanced()
}

func TestLook_PageStillOpenIsAskedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardDeclined)
	intent := w.latest(id).stripe.ID
	w.pass(time.Hour + 48*time.Minute)
	w.loses()
	w.trouble.lied(func(billing.Observation) billing.Observation {
		return billing.Observation{Intent: intent, Status: "requires_payment_method"}
	})
	w.minute()
	w.stands(id, visit.AwaitingPayment)
	w.pass(15 * time.Minute)
	w.loses()
	w.minute()
	w.stands(id, visit.Draft)
	w.states(id, billing.Abandoned)
	w.proven(id)
}

func TestLook_FindsHoldOfLostWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	w.loses()
	w.pass(time.Hour + 48*time.Minute)
	w.loses()
	w.minute()
	w.stands(id, visit.Queued)
	w.states(id, billing.Held)
}

func TestWebhook_TwiceAndInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	post := w.mailed()
	slices.Reverse(post)
	for _, body := range slices.Concat(post, post) {
		w.hears(body)
	}
	w.settle()
	w.stands(id, visit.Queued)
	w.takes(ana, id)
	w.answers(id)
	late := w.mailed()
	w.settle()
	for _, body := range slices.Concat(post, late, post) {
		w.hears(body)
	}
	w.charged(id)
	if ls := w.letters("jane-smith@patients.example"); len(ls) != 3 { // received, answered, receipt
		t.Errorf("Jane got %d letters", len(ls))
	}
}

func TestSubmit_RepeatedAfterStripeFailed(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "key"} {
		t.Run("Key="+key, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			quote := request.Submission{Quote: w.prices(jane, id).Quote.ID}
			who := w.as(jane)
			if key != "" {
				who = w.once(jane, key, quote)
			}
			if _, err := w.sim.AddFault(stripesim.Fault{
				Do: stripesim.Answer, Status: http.StatusInternalServerError, Path: "/v1/checkout/sessions", Times: 3,
			}); err != nil {
				t.Fatal(err)
			}
			_, err := w.request.Submit(w.ctx, who, id, quote)
			w.refused(err, "payment_page_unavailable")
			w.stands(id, visit.Draft)
			w.sim.ClearFaults()
			s, err := w.request.Submit(w.ctx, who, id, quote)
			if err != nil || s.Page == "" || s.Visit.Status != visit.AwaitingPayment {
				t.Fatalf("repeated: %s, page %q, %v", s.Visit.Status, s.Page, err)
			}
			again, err := w.request.Submit(w.ctx, who, id, quote)
			if err != nil || again.Page != s.Page {
				t.Errorf("and again: page %q, %v; want %q", again.Page, err, s.Page)
			}
		})
	}
}
