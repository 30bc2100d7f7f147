package stripesim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentintent"

	"evisit/infra/local/stripesim"
)

// A paid session holds the amount, and a capture collects it.
func TestCapture_WholeHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)

	cs := s.newSession()
	if cs.PaymentIntent != nil || cs.Status != "open" || cs.AmountTotal != 4900 || cs.URL != b.url+"/pay/"+cs.ID {
		t.Fatalf("new session: %+v", cs)
	}
	if got, want := cs.ExpiresAt, b.clock().Add(24*time.Hour).Unix(); got != want {
		t.Errorf("expires at %d, want %d", got, want)
	}
	p := s.pay(cs.ID, stripesim.CardSuccess)
	if want := "http://127.0.0.1:1/done?s=" + cs.ID; p.Next != want {
		t.Errorf("sent on to %s, want %s", p.Next, want)
	}
	want := []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated", "checkout.session.completed",
	}
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Errorf("events of the hold (-want +got):\n%s", diff)
	}
	pi, err := s.intent(p.Intent, "latest_charge")
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != "requires_capture" || pi.AmountCapturable != 4900 || pi.Metadata["ref"] != "pay_1" {
		t.Errorf("held: %+v", pi)
	}
	if got, want := pi.LatestCharge.PaymentMethodDetails.Card.CaptureBefore, b.clock().Add(7*24*time.Hour).Unix(); got != want {
		t.Errorf("capture before %d, want %d", got, want)
	}
	cs, err = s.session(cs.ID)
	if err != nil {
		t.Fatal(err)
	}
	if cs.Status != "complete" || cs.PaymentStatus != "unpaid" || cs.PaymentIntent.ID != pi.ID {
		t.Errorf("session of a hold: %+v", cs)
	}

	pi, err = s.capture(pi.ID, 0, "evt_1-1")
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != "succeeded" || pi.AmountReceived != 4900 || pi.AmountCapturable != 0 {
		t.Errorf("captured: %+v", pi)
	}
	if diff := cmp.Diff([]string{"charge.captured", "payment_intent.succeeded"}, b.events()); diff != "" {
		t.Errorf("events of the capture (-want +got):\n%s", diff)
	}
	o := s.oracle()
	if o.Captured != (stripesim.Tally{Count: 1, Cents: 4900}) || o.BalanceCents != 4900 || o.Held.Count != 0 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestCancel_ReleasesHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	b.events()
	pi, err := s.cancel(id)
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != "canceled" || pi.CanceledAt != b.clock().Unix() || pi.AmountCapturable != 0 {
		t.Errorf("canceled: %+v", pi)
	}
	// In this version of the API a release is a refund of money that was not captured.
	if diff := cmp.Diff([]string{"charge.refunded", "payment_intent.canceled"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	ch, err := s.charge(pi.LatestCharge.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !ch.Refunded || ch.Captured || ch.AmountRefunded != 4900 {
		t.Errorf("charge of a released hold: %+v", ch)
	}
	o := s.oracle()
	if o.Released != (stripesim.Tally{Count: 1, Cents: 4900}) || o.Refunded.Count != 0 || o.BalanceCents != 0 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestCapture_PartReleasesRemainder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	pi, err := s.capture(s.newHold(stripesim.CardSuccess), 3000, "")
	if err != nil {
		t.Fatal(err)
	}
	if pi.AmountReceived != 3000 || pi.Status != "succeeded" {
		t.Errorf("captured: %+v", pi)
	}
	o := s.oracle()
	if o.Captured.Cents != 3000 || o.Released != (stripesim.Tally{Cents: 1900}) || o.BalanceCents != 3000 || o.Refunded.Cents != 0 {
		t.Errorf("oracle: %+v", o)
	}
	if _, err := s.capture(pi.ID, 1900, ""); refusal(t, err).Code != "payment_intent_unexpected_state" {
		t.Errorf("second capture: %v", err)
	}
}

// What was not captured of a hold does not come back with a card whose refunds fail.
func TestCapture_ReleaseDoesNotFailLater(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	if _, err := s.capture(s.newHold(stripesim.CardRefundFails), 3000, ""); err != nil {
		t.Fatal(err)
	}
	b.advance(4 * 24 * time.Hour)
	if o := s.oracle(); o.Released != (stripesim.Tally{Cents: 1900}) || o.Refunded.Cents != 0 || o.BalanceCents != 3000 {
		t.Errorf("oracle: %+v", o)
	}
}

// A capture adds to the intent's metadata, which its events show.
func TestCapture_Metadata(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	capture := func(m map[string]string) (*stripe.PaymentIntent, error) {
		p := &stripe.PaymentIntentCaptureParams{Params: s.params("")}
		p.Metadata = m
		return paymentintent.Client{B: s.backend(), Key: s.key}.Capture(s.newHold(stripesim.CardSuccess), p)
	}
	pi, err := capture(map[string]string{"captured": "evt_1-0"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ref": "pay_1", "captured": "evt_1-0"}, pi.Metadata); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if pi, err = capture(map[string]string{"ref": ""}); err != nil || len(pi.Metadata) > 0 {
		t.Errorf("an entry without a value is kept: %v, %v", pi, err)
	}
	if _, err = capture(map[string]string{strings.Repeat("k", 41): "x"}); refusal(t, err).Param != "metadata" {
		t.Errorf("a key of 41 characters: %v", err)
	}
}

func TestTick_ExpiresHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	b.events()
	b.advance(7*24*time.Hour - time.Second)
	if got := b.events(); len(got) > 0 {
		t.Fatalf("events before the hold expires: %v", got)
	}
	b.advance(time.Second)
	if diff := cmp.Diff([]string{"charge.expired", "charge.refunded", "payment_intent.canceled"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	pi, err := s.intent(id)
	if err != nil {
		t.Fatal(err)
	}
	if pi.Status != "canceled" || pi.CancellationReason != "automatic" {
		t.Errorf("expired: %+v", pi)
	}
	if o := s.oracle(); o.Lapsed != (stripesim.Tally{Count: 1, Cents: 4900}) || o.Released.Cents != 0 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestSession_ExpiresUnpaid(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		card string
		end  func(*bench, shop, string)
		want []string
	}{
		{"by the clock", "", func(b *bench, _ shop, _ string) { b.advance(24 * time.Hour) }, []string{"checkout.session.expired"}},
		{"by a call", "", func(_ *bench, s shop, id string) {
			if _, err := s.expire(id); err != nil {
				s.Error(err)
			}
		}, []string{"checkout.session.expired"}},
		{"with the intent a declined card left", stripesim.CardDeclined, func(b *bench, _ shop, _ string) { b.advance(24 * time.Hour) }, []string{
			"payment_intent.created", "charge.failed", "payment_intent.payment_failed", "payment_intent.canceled", "checkout.session.expired",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			cs := s.newSession()
			if test.card != "" {
				s.pay(cs.ID, test.card)
			}
			test.end(b, s, cs.ID)
			if diff := cmp.Diff(test.want, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			cs, err := s.session(cs.ID)
			if err != nil {
				t.Fatal(err)
			}
			if cs.Status != "expired" || cs.URL != "" {
				t.Errorf("expired session: %+v", cs)
			}
			if _, err := b.sim.Pay(t.Context(), cs.ID, stripesim.CardSuccess, nil); err == nil {
				t.Error("an expired session was paid")
			}
			if _, err := s.expire(cs.ID); err == nil {
				t.Error("an expired session expired again")
			}
		})
	}
}

// Captured money is refunded in parts up to its amount, and a hold is not refunded.
func TestRefund_CapturedMoney(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardSuccess)
	if _, err := s.refund(id, 0); err == nil {
		t.Error("a hold was refunded")
	}
	if _, err := s.capture(id, 4000, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.refund(id, 4001); refusal(t, err).Code != "amount_too_large" {
		t.Errorf("too large a refund: %v", err)
	}
	if _, err := s.refund(id, -1); err == nil {
		t.Error("a negative refund was made")
	}
	r, err := s.refund(id, 1500)
	if err != nil {
		t.Fatal(err)
	}
	if r.Amount != 1500 || r.Status != "succeeded" {
		t.Errorf("refund: %+v", r)
	}
	if _, err := s.refund(id, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.refund(id, 0); refusal(t, err).Code != "charge_already_refunded" {
		t.Errorf("a refund of nothing: %v", err)
	}
	if o := s.oracle(); o.Refunded != (stripesim.Tally{Count: 1, Cents: 4000}) || o.BalanceCents != 0 {
		t.Errorf("oracle: %+v", o)
	}
	if got := b.events(); !slices.Contains(got, "charge.refunded") {
		t.Errorf("no charge.refunded among %v", got)
	}
}

func TestSession_CapturedAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	p := s.sessionParams(4900, "")
	p.PaymentIntentData = nil
	cs, err := s.createSession(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.pay(cs.ID, stripesim.CardSuccess); got.IntentStatus != "succeeded" {
		t.Errorf("paid: %+v", got)
	}
	if cs, err = s.session(cs.ID); err != nil || cs.PaymentStatus != "paid" {
		t.Errorf("session: %+v, %v", cs, err)
	}
	want := []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"}
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Each card has its result, and another card can be tried after a failure.
func TestPay_Cards(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, test := range []struct {
		name, card   string
		authenticate *bool
		status, code string
		events       []string
	}{
		{
			"declined", stripesim.CardDeclined, nil, "requires_payment_method", "generic_decline",
			[]string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"},
		},
		{
			"insufficient funds", stripesim.CardInsufficientFunds, nil, "requires_payment_method", "insufficient_funds",
			[]string{"payment_intent.created", "charge.failed", "payment_intent.payment_failed"},
		},
		{
			"authentication asked", stripesim.CardAuthenticate, nil, "requires_action", "",
			[]string{"payment_intent.created", "payment_intent.requires_action"},
		},
		{
			"authentication failed", stripesim.CardAuthenticate, &no, "requires_payment_method", "",
			[]string{"payment_intent.created", "payment_intent.requires_action", "payment_intent.payment_failed"},
		},
		{"authentication done", stripesim.CardAuthenticate, &yes, "requires_capture", "", []string{
			"payment_intent.created", "payment_intent.requires_action", "charge.succeeded",
			"payment_intent.amount_capturable_updated", "checkout.session.completed",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.shop(lake)
			cs := s.newSession()
			p, err := b.sim.Pay(t.Context(), cs.ID, test.card, test.authenticate)
			if err != nil {
				t.Fatal(err)
			}
			if p.IntentStatus != test.status || p.DeclineCode != test.code {
				t.Errorf("payment: %+v", p)
			}
			if diff := cmp.Diff(test.events, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if test.status == "requires_capture" {
				return
			}
			again := s.pay(cs.ID, stripesim.CardSuccess)
			if again.IntentStatus != "requires_capture" || again.Intent != p.Intent {
				t.Errorf("after another card: %+v, first %+v", again, p)
			}
		})
	}
}

func TestCapture_DeclinedKeepsHold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	id := s.newHold(stripesim.CardCaptureFails)
	_, err := s.capture(id, 0, "")
	if e := refusal(t, err); e.HTTPStatusCode != 402 || e.Type != "card_error" || e.DeclineCode != "do_not_honor" {
		t.Errorf("capture: %v", e)
	}
	if o := s.oracle(); o.Held.Cents != 4900 || o.BalanceCents != 0 {
		t.Errorf("oracle: %+v", o)
	}
	if _, err := s.cancel(id); err != nil {
		t.Errorf("canceling after the declined capture: %v", err)
	}
}
