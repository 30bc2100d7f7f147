package stripesim_test

import (
	"crypto/rand"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"pgregory.net/rapid"

	"evisit/infra/local/stripesim"
)

// A life is a random history of one account, with what its caller learned from replies
// alone.
type life struct {
	shop
	open     []string
	intents  []string
	captured int64
	refunded int64
}

// checkRefusal fails on an error that is no refusal by Stripe.
func (l *life) checkRefusal(t *rapid.T, err error) {
	if err != nil && refusalOf(err) == nil {
		t.Fatalf("not a refusal: %v", err)
	}
}

func (l *life) openSession(t *rapid.T) {
	cents := rapid.Int64Range(1, 20_000).Draw(t, "cents")
	p := l.sessionParams(cents, "")
	if rapid.IntRange(0, 4).Draw(t, "at once") == 0 {
		p.PaymentIntentData.CaptureMethod = stripe.String("automatic")
	}
	cs, err := l.createSession(p)
	l.checkRefusal(t, err)
	if (err == nil) != (cents >= 50) {
		t.Fatalf("opening a session of %d cents: %v", cents, err)
	}
	if err == nil {
		l.open = append(l.open, cs.ID)
	}
}

func (l *life) pay(t *rapid.T) {
	if len(l.open) == 0 {
		return
	}
	card := rapid.SampledFrom([]string{
		stripesim.CardSuccess, stripesim.CardDeclined, stripesim.CardInsufficientFunds, stripesim.CardAuthenticate, stripesim.CardCaptureFails, "",
	}).Draw(t, "card")
	var authenticate *bool
	if answer := rapid.IntRange(0, 2).Draw(t, "answer"); answer < 2 {
		yes := answer == 1
		authenticate = &yes
	}
	p, err := l.sim.Pay(t.Context(), rapid.SampledFrom(l.open).Draw(t, "session"), card, authenticate)
	if err != nil {
		return // expired, paid, or nothing to answer
	}
	if p.SessionStatus == "complete" {
		l.intents = append(l.intents, p.Intent)
	}
	if p.IntentStatus == "succeeded" {
		pi, err := l.intent(p.Intent)
		if err != nil {
			t.Fatal(err)
		}
		l.captured += pi.AmountReceived
	}
}

func (l *life) captureSome(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	pi, err := l.capture(rapid.SampledFrom(l.intents).Draw(t, "intent"), rapid.Int64Range(0, 20_000).Draw(t, "cents"), "")
	l.checkRefusal(t, err)
	if err == nil {
		l.captured += pi.AmountReceived
	}
}

func (l *life) refundSome(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	r, err := l.refund(rapid.SampledFrom(l.intents).Draw(t, "intent"), rapid.Int64Range(0, 20_000).Draw(t, "cents"))
	l.checkRefusal(t, err)
	if err == nil {
		l.refunded += r.Amount
	}
}

func (l *life) cancelOne(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	_, err := l.cancel(rapid.SampledFrom(l.intents).Draw(t, "intent"))
	l.checkRefusal(t, err)
}

func (l *life) expireOne(t *rapid.T) {
	if len(l.open) == 0 {
		return
	}
	_, err := l.expire(rapid.SampledFrom(l.open).Draw(t, "session"))
	l.checkRefusal(t, err)
}

func (l *life) pass(t *rapid.T) {
	l.advance(time.Duration(rapid.IntRange(1, 60).Draw(t, "hours")) * time.Hour)
}

// check computes the balance again, from the oracle's intents and from the replies.
func (l *life) check(t *rapid.T) {
	o := l.oracle()
	if o.Holds.Cents != o.Captured.Cents+o.Released.Cents+o.Lapsed.Cents+o.Held.Cents {
		t.Fatalf("holds do not add up: %+v", o)
	}
	if o.Holds.Count != o.Captured.Count+o.Released.Count+o.Lapsed.Count+o.Held.Count {
		t.Fatalf("counts of holds do not add up: %+v", o)
	}
	if o.BalanceCents != o.Captured.Cents-o.Refunded.Cents {
		t.Fatalf("balance is not captured less refunded: %+v", o)
	}
	if o.Captured.Cents != l.captured || o.Refunded.Cents != l.refunded {
		t.Fatalf("replies said %d captured and %d refunded: %+v", l.captured, l.refunded, o)
	}
	var held, received, back int64
	for _, pi := range o.Intents {
		received, back = received+pi.AmountReceived, back+pi.AmountRefunded
		if pi.Status == "requires_capture" {
			held += pi.Amount
			if pi.CaptureBefore <= l.clock().Unix() {
				t.Fatalf("a hold has not expired: %+v", pi)
			}
		}
	}
	if held != o.Held.Cents || received != o.Captured.Cents || back != o.Refunded.Cents {
		t.Fatalf("payments and totals differ: %+v", o)
	}
}

// With SHORT=1 twenty random lives are played of each kind instead of a hundred.
func init() {
	if os.Getenv("SHORT") == "" {
		return
	}
	if err := flag.Set("rapid.checks", "20"); err != nil {
		panic(err)
	}
}

// After any sequence of operations the oracle's amounts add up, and agree with the
// replies.
func TestOracle_AddsUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	rapid.Check(t, func(t *rapid.T) {
		account := "acct_" + strings.ToLower(rand.Text())
		if err := b.sim.AddAccount(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		l := &life{shop: b.shop(account)}
		t.Repeat(map[string]func(*rapid.T){
			"open":    l.openSession,
			"pay":     l.pay,
			"pay too": l.pay,
			"capture": l.captureSome,
			"refund":  l.refundSome,
			"cancel":  l.cancelOne,
			"expire":  l.expireOne,
			"pass":    l.pass,
			"":        l.check,
		})
	})
}
