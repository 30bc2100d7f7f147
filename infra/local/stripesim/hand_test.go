package stripesim_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/event"
	"github.com/stripe/stripe-go/v76/radar/earlyfraudwarning"
	"github.com/stripe/stripe-go/v76/refund"

	"evisit/infra/local/stripesim"
)

// hand does an act, which must succeed.
func (b *bench) hand(do, id string) {
	b.Helper()
	if _, err := b.sim.Hand(b.Context(), stripesim.Act{Do: do, ID: id}); err != nil {
		b.Fatalf("%s of %s: %v", do, id, err)
	}
}

// newCharge makes a payment of $49 with a card and captures it.
func (s shop) newCharge(card string) string {
	s.Helper()
	id := s.newHold(card)
	s.hand(stripesim.HandCapture, id)
	s.events()
	return id
}

// atOnce makes a session whose money is collected at once.
func (s shop) atOnce() *stripe.CheckoutSession {
	s.Helper()
	p := s.sessionParams(4900, "")
	p.PaymentIntentData.CaptureMethod = stripe.String("automatic")
	cs, err := s.createSession(p)
	if err != nil {
		s.Fatal(err)
	}
	return cs
}

// A refund that fails gives the account its money again, whether the bank or the test
// makes it fail.
func TestRefund_FailsLater(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		card string
		fail func(*bench, string)
	}{
		"by itself": {stripesim.CardRefundFails, func(b *bench, _ string) { b.advance(4 * 24 * time.Hour) }},
		"by hand":   {stripesim.CardSuccess, func(b *bench, id string) { b.hand(stripesim.HandFailRefund, id) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			id := s.newCharge(test.card)
			r, err := s.refund(id, 0)
			if err != nil || r.Status != "succeeded" {
				t.Fatalf("refund: %+v, %v", r, err)
			}
			if o := s.oracle(); o.Refunded.Cents != 4900 || o.BalanceCents != 0 {
				t.Errorf("refunded: %+v", o)
			}
			b.events()
			test.fail(b, r.ID)
			if diff := cmp.Diff([]string{"charge.refund.updated"}, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			r, err = refund.Client{B: b.backend(), Key: key}.Get(r.ID, &stripe.RefundParams{Params: s.params("")})
			if err != nil || r.Status != "failed" || r.FailureReason == "" || r.FailureBalanceTransaction == nil {
				t.Errorf("failed: %+v, %v", r, err)
			}
			ch, err := s.charge(r.Charge.ID)
			if err != nil || ch.Refunded || ch.AmountRefunded != 0 {
				t.Errorf("its charge: %+v, %v", ch, err)
			}
			if o := s.oracle(); o.Refunded.Count != 0 || o.BalanceCents != 4900 || o.Captured.Cents != 4900 {
				t.Errorf("oracle: %+v", o)
			}
			if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandFailRefund, ID: r.ID}); err == nil {
				t.Error("a refund failed twice")
			}
		})
	}
}

func TestRefund_PendingThenSucceeds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newCharge(stripesim.CardRefundPending)
	r, err := s.refund(id, 1000)
	if err != nil || r.Status != "pending" {
		t.Fatalf("refund: %+v, %v", r, err)
	}
	b.events()
	b.advance(25 * time.Hour)
	if diff := cmp.Diff([]string{"charge.refund.updated"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	r, err = refund.Client{B: b.backend(), Key: key}.Get(r.ID, &stripe.RefundParams{Params: s.params("")})
	if err != nil || r.Status != "succeeded" {
		t.Errorf("refund: %+v, %v", r, err)
	}
}

// A bank payment completes its page unpaid, and ends after some days.
func TestBankPayment_EndsAfterDays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method string
		end          func(*bench, string)
		want         []string
		status       string
		cents        int64
	}{
		{"pays after some days", stripesim.BankPays, func(b *bench, _ string) { b.advance(5 * 24 * time.Hour) }, []string{
			"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded",
		}, "succeeded", 4900},
		{"fails after some days", stripesim.BankFails, func(b *bench, _ string) { b.advance(5 * 24 * time.Hour) }, []string{
			"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed",
		}, "requires_payment_method", 0},
		{"fails by hand", stripesim.BankPays, func(b *bench, id string) { b.hand(stripesim.HandBankFails, id) }, []string{
			"charge.failed", "payment_intent.payment_failed", "checkout.session.async_payment_failed",
		}, "requires_payment_method", 0},
		{"pays by hand", stripesim.BankFails, func(b *bench, id string) { b.hand(stripesim.HandBankPays, id) }, []string{
			"charge.succeeded", "payment_intent.succeeded", "checkout.session.async_payment_succeeded",
		}, "succeeded", 4900},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			cs := s.atOnce()
			p := s.pay(cs.ID, test.method)
			if p.IntentStatus != "processing" || p.SessionStatus != "complete" || p.Next == "" {
				t.Fatalf("paid: %+v", p)
			}
			want := []string{"payment_intent.created", "charge.pending", "payment_intent.processing", "checkout.session.completed"}
			if diff := cmp.Diff(want, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			cs, err := s.session(cs.ID)
			if err != nil || cs.PaymentStatus != "unpaid" {
				t.Errorf("session: %+v, %v", cs, err)
			}
			if o := s.oracle(); o.Holds.Count != 0 || o.BalanceCents != 0 {
				t.Errorf("before the bank answers: %+v", o)
			}
			test.end(b, p.Intent)
			if diff := cmp.Diff(test.want, b.events()); diff != "" {
				t.Errorf("events of the end (-want +got):\n%s", diff)
			}
			pi, err := s.intent(p.Intent, "latest_charge")
			if err != nil || string(pi.Status) != test.status || pi.AmountReceived != test.cents {
				t.Errorf("intent: %+v, %v", pi, err)
			}
			if test.cents == 0 && pi.LastPaymentError.Code != "payment_method_debit_failed" {
				t.Errorf("failed with %+v", pi.LastPaymentError)
			}
			if o := s.oracle(); o.Captured.Cents != test.cents || o.BalanceCents != test.cents {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}

// Money in a bank account cannot be held; a wallet's can, and nothing says until when.
func TestPay_MethodsThatAreNoCard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	if _, err := b.sim.Pay(t.Context(), s.newSession().ID, stripesim.BankPays, nil); err == nil {
		t.Error("a bank account's money was held")
	}
	p := s.sessionParams(4900, "")
	p.PaymentMethodTypes = stripe.StringSlice([]string{"us_bank_account"})
	if _, err := s.createSession(p); refusal(t, err).Param != "payment_method_types[0]" {
		t.Errorf("a page that holds bank accounts: %v", err)
	}
	id := s.newHold(stripesim.Wallet)
	pi, err := s.intent(id, "latest_charge", "payment_method")
	if err != nil {
		t.Fatal(err)
	}
	if d := pi.LatestCharge.PaymentMethodDetails; d.Type != "cashapp" || d.Card != nil {
		t.Errorf("charge: %+v", d)
	}
	b.advance(8 * 24 * time.Hour)
	if o := s.oracle(); o.Lapsed.Cents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestPay_DeclineCodes(t *testing.T) {
	t.Parallel()
	s := newBench(t).shop(lake)
	cs := s.newSession()
	for card, want := range map[string][2]string{
		stripesim.CardDeclined:          {"card_declined", "generic_decline"},
		stripesim.CardInsufficientFunds: {"card_declined", "insufficient_funds"},
		stripesim.CardLost:              {"card_declined", "lost_card"},
		stripesim.CardExpired:           {"expired_card", "expired_card"},
		stripesim.CardProcessingError:   {"processing_error", "processing_error"},
	} {
		pi, err := s.intent(s.pay(cs.ID, card).Intent)
		if err != nil {
			t.Fatal(err)
		}
		if e := pi.LastPaymentError; string(e.Code) != want[0] || string(e.DeclineCode) != want[1] {
			t.Errorf("card %s is declined with %s, %s; want %v", card, e.Code, e.DeclineCode, want)
		}
	}
}

// Pages with the same reference are all paid.
func TestHand_SecondSession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	first := s.newSession()
	out, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandSession, ID: first.ID})
	if err != nil {
		t.Fatal(err)
	}
	second, _ := out.(map[string]any)["id"].(string)
	if second == first.ID || second == "" {
		t.Fatalf("another session: %v", out)
	}
	for _, id := range []string{first.ID, second} {
		s.pay(id, stripesim.CardSuccess)
		cs, err := s.session(id)
		if err != nil || cs.ClientReferenceID != "pay_1" || cs.Status != "complete" {
			t.Errorf("session: %+v, %v", cs, err)
		}
	}
	if o := s.oracle(); o.Held.Count != 2 || o.Intents[0].Metadata["ref"] != o.Intents[1].Metadata["ref"] {
		t.Errorf("oracle: %+v", o)
	}
}

// An account whose owner takes the platform's access away is told of once, and its
// objects cannot be reached until it is connected again.
func TestHand_Disconnect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	b.events()
	b.hand(stripesim.HandDisconnect, lake)
	if diff := cmp.Diff([]string{"account.application.deauthorized"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for name, call := range map[string]func() error{
		"intent":  func() error { _, err := s.intent(id); return err },
		"capture": func() error { _, err := s.capture(id, 0, "key"); return err },
		"session": func() error { _, err := s.createSession(s.sessionParams(4900, "")); return err },
	} {
		if e := refusal(t, call()); e.HTTPStatusCode != http.StatusForbidden || e.Code != "account_invalid" {
			t.Errorf("%s: %v", name, e)
		}
	}
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandDisconnect, ID: lake}); err == nil {
		t.Error("an account was disconnected twice")
	}
	b.hand(stripesim.HandConnect, lake)
	if _, err := s.capture(id, 0, "key"); err != nil {
		t.Errorf("connected again: %v", err)
	}
}

func TestHand_EventsOfOtherModeAndVersion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newCharge(stripesim.CardSuccess)
	for do, check := range map[string]func(stripe.Event) bool{
		stripesim.HandOtherMode:    func(e stripe.Event) bool { return e.Livemode && e.Data.Object["id"] != id },
		stripesim.HandOtherVersion: func(e stripe.Event) bool { return e.APIVersion > "2024" && e.Data.Object["id"] == id },
	} {
		b.hand(do, id)
		list := event.Client{B: b.backend(), Key: key}.List(&stripe.EventListParams{
			ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)},
		})
		if !list.Next() || list.Event().Type != "payment_intent.succeeded" || !check(*list.Event()) {
			t.Errorf("%s: %+v, %v", do, list.Event(), list.Err())
		}
	}
}

func TestHand_Warn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newCharge(stripesim.CardSuccess)
	b.hand(stripesim.HandWarn, id)
	b.sim.Tick(t.Context())
	b.mu.Lock()
	about, _ := b.got[0].Data.Object["id"].(string)
	b.mu.Unlock()
	if diff := cmp.Diff([]string{"radar.early_fraud_warning.created"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	w, err := earlyfraudwarning.Client{B: b.backend(), Key: key}.Get(about, &stripe.RadarEarlyFraudWarningParams{Params: s.params("")})
	if err != nil || w.PaymentIntent.ID != id || !w.Actionable {
		t.Errorf("warning: %+v, %v", w, err)
	}
}

// Events are listed by types.
func TestEvents_OfTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newCharge(stripesim.CardSuccess)
	if _, err := s.refund(id, 100); err != nil {
		t.Fatal(err)
	}
	list := event.Client{B: b.backend(), Key: key}.List(&stripe.EventListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake), Limit: stripe.Int64(1)},
		Types:      stripe.StringSlice([]string{"charge.refunded", "payment_intent.succeeded"}),
	})
	var got []string
	for list.Next() {
		got = append(got, string(list.Event().Type))
	}
	if want := []string{"charge.refunded", "payment_intent.succeeded"}; !slices.Equal(got, want) || list.Err() != nil {
		t.Errorf("listed %v, %v; want %v", got, list.Err(), want)
	}
}

// A button on the page of acts does its act, and an act that is not possible says why.
func TestHand_Page(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hold := b.shop(lake).newHold(stripesim.CardSuccess)
	press := url.Values{"do": {stripesim.HandCapture}, "id": {hold}}
	if p := b.get("/sim/hand"); p.status != http.StatusOK || !strings.Contains(p.body, hold) || !strings.Contains(p.body, `value="capture"`) || !strings.Contains(p.body, "pay_1") {
		t.Fatalf("page: %+v", p)
	}
	if p := b.post("/sim/hand", press); p.status != http.StatusSeeOther || p.location != "/sim/hand" {
		t.Errorf("pressed: %+v", p)
	}
	if p := b.get("/sim/hand"); !strings.Contains(p.body, `value="refund"`) {
		t.Errorf("after the capture: %+v", p)
	}
	if p := b.post("/sim/hand", press); p.status != http.StatusBadRequest || !strings.Contains(p.body, "succeeded") {
		t.Errorf("pressed again: %+v", p)
	}
	for act, param := range map[string]string{`{"do":"dance","id":"x"}`: "do", `{"do":"capture","id":"pi_none"}`: "id"} {
		var e struct{ Error struct{ Param string } }
		if p := b.postJSON("/sim/hand", act); p.status/100 != 4 {
			t.Errorf("%s: %+v", act, p)
		} else if p.read(t, &e); e.Error.Param != param {
			t.Errorf("%s is refused for %q, want %q", act, e.Error.Param, param)
		}
	}
}

// The page of acts has a button for what can be done to each payout, dispute and account.
func TestHand_PageOfMoney(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	s.charged(4900, 0)
	id := b.act(stripesim.Act{Do: stripesim.HandInquire, ID: s.charged(4900, 0)})
	po := b.act(stripesim.Act{Do: stripesim.HandPayOut, ID: lake, Amount: 100})
	press := func(do, id string) {
		t.Helper()
		if p := b.post("/sim/hand", url.Values{"do": {do}, "id": {id}}); p.status != http.StatusSeeOther {
			t.Errorf("%s of %s: %+v", do, id, p)
		}
	}
	shows := func(id string, acts ...string) {
		t.Helper()
		_, row, _ := strings.Cut(b.get("/sim/hand").body, "<tr><td><code>"+id+"</code>")
		row, _, _ = strings.Cut(row, "</tr>")
		for _, do := range acts {
			if !strings.Contains(row, `value="`+do+`"`) {
				t.Errorf("%s has no button %s: %s", id, do, row)
			}
		}
		if len(acts) == 0 && strings.Contains(row, "<button") {
			t.Errorf("%s has a button: %s", id, row)
		}
	}
	shows(id, stripesim.HandRespond, stripesim.HandEscalate, stripesim.HandCloseInquiry)
	press(stripesim.HandRespond, id)
	shows(id, stripesim.HandEscalate, stripesim.HandCloseInquiry)
	press(stripesim.HandEscalate, id)
	shows(id, stripesim.HandRespond, stripesim.HandAccept, stripesim.HandWin, stripesim.HandLose)
	press(stripesim.HandRespond, id)
	shows(id, stripesim.HandWin, stripesim.HandLose)
	press(stripesim.HandWin, id)
	shows(id)
	shows(po, stripesim.HandFailPayout)
	press(stripesim.HandFailPayout, po)
	shows(po)
	shows(lake, stripesim.HandDisable, stripesim.HandPayOut)
	press(stripesim.HandDisable, lake)
	shows(lake, stripesim.HandEnable)
}
