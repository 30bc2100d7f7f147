package stripesim_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/balance"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/refund"
	"pgregory.net/rapid"

	"evisit/infra/local/stripesim"
)

// A moneyLife is a random history of one account on Stripe's standard terms, with the
// platform's fees, inquiries, disputes, payouts, payments by a saved card and a
// subscription, and the fees that its caller computed or was told of.
type moneyLife struct {
	life
	fees    int64
	saved   *stripe.PaymentIntent // kept its card
	sub     *stripe.Subscription
	counted map[string]bool // invoices
}

// buy saves a card and subscribes.
func (l *moneyLife) buy() {
	l.sub = l.subscribe(stripesim.CardSuccess)
	l.saved = l.saveCard(l.sub.Customer.ID, stripesim.CardSuccess)
	l.intents = append(l.intents, l.saved.ID)
}

// took counts a charge of cents, of which the platform asked for fee.
func (l *moneyLife) took(cents, fee int64) {
	l.captured += cents
	l.fees += (cents*290+5000)/10_000 + 30 + min(fee, cents)
}

// countInvoices counts the invoices that were paid since it was called last.
func (l *moneyLife) countInvoices() {
	for _, inv := range l.invoicesOf(l.sub.ID) {
		if inv.Paid && !l.counted[inv.ID] {
			l.counted[inv.ID] = true
			l.took(inv.AmountPaid, 0)
			l.intents = append(l.intents, inv.PaymentIntent.ID)
		}
	}
}

// paySaved pays with the saved card, at once or by a hold.
func (l *moneyLife) paySaved(t *rapid.T) {
	p := l.offSessionParams(l.saved, rapid.SampledFrom([]string{"automatic", "manual"}).Draw(t, "capture"), "")
	p.Amount = stripe.Int64(rapid.Int64Range(50, 20_000).Draw(t, "cents"))
	if rapid.Bool().Draw(t, "with a fee") {
		p.ApplicationFeeAmount = stripe.Int64(rapid.Int64Range(0, 2000).Draw(t, "fee"))
	}
	pi, err := l.payOffSession(p)
	l.checkRefusal(t, err)
	if err != nil {
		return
	}
	l.intents = append(l.intents, pi.ID)
	if pi.Status == stripe.PaymentIntentStatusSucceeded {
		l.took(pi.AmountReceived, pi.ApplicationFeeAmount)
	}
}

// passYear jumps over a renewal, or to a time shortly before it. Each of its days is a
// payout, so it does so seldom.
func (l *moneyLife) passYear(t *rapid.T) {
	if rapid.IntRange(0, 7).Draw(t, "really") == 0 {
		l.advance(time.Duration(rapid.IntRange(360, 370).Draw(t, "days")) * day)
	}
}

// payInvoice asks for the latest invoice.
func (l *moneyLife) payInvoice(t *rapid.T) {
	_, err := l.invoices().Pay(l.subscription(l.sub.ID).LatestInvoice.ID, &stripe.InvoicePayParams{Params: l.params("")})
	l.checkRefusal(t, err)
}

// do does an act that may be refused, and says whether it was done.
func (l *moneyLife) do(a stripesim.Act) bool {
	_, err := l.sim.Hand(l.Context(), a)
	return err == nil
}

func (l *moneyLife) hold(t *rapid.T) {
	p := l.sessionParams(rapid.Int64Range(50, 20_000).Draw(t, "cents"), "")
	if rapid.Bool().Draw(t, "with a fee") {
		p.PaymentIntentData.ApplicationFeeAmount = stripe.Int64(rapid.Int64Range(0, 2000).Draw(t, "fee"))
	}
	cs, err := l.createSession(p)
	l.checkRefusal(t, err)
	if err != nil {
		return
	}
	if paid, err := l.sim.Pay(t.Context(), cs.ID, stripesim.CardSuccess, nil); err == nil {
		l.intents = append(l.intents, paid.Intent)
	}
}

func (l *moneyLife) captureSome(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	p := &stripe.PaymentIntentCaptureParams{Params: l.params("")}
	if rapid.Bool().Draw(t, "in part") {
		p.AmountToCapture = stripe.Int64(rapid.Int64Range(1, 20_000).Draw(t, "cents"))
	}
	if rapid.Bool().Draw(t, "stated again") {
		p.ApplicationFeeAmount = stripe.Int64(rapid.Int64Range(0, 2000).Draw(t, "fee"))
	}
	pi, err := paymentintent.Client{B: l.backend(), Key: key}.Capture(rapid.SampledFrom(l.intents).Draw(t, "intent"), p)
	l.checkRefusal(t, err)
	if err == nil {
		l.took(pi.AmountReceived, pi.ApplicationFeeAmount)
	}
}

func (l *moneyLife) refundSome(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	p := &stripe.RefundParams{Params: l.params(""), PaymentIntent: stripe.String(rapid.SampledFrom(l.intents).Draw(t, "intent"))}
	p.AddExpand("balance_transaction")
	if rapid.Bool().Draw(t, "in part") {
		p.Amount = stripe.Int64(rapid.Int64Range(1, 20_000).Draw(t, "cents"))
	}
	if rapid.Bool().Draw(t, "with the fee") {
		p.RefundApplicationFee = stripe.Bool(true)
	}
	r, err := refund.Client{B: l.backend(), Key: key}.New(p)
	l.checkRefusal(t, err)
	if err == nil {
		l.refunded += r.Amount
		l.fees += r.BalanceTransaction.Fee
	}
}

func (l *moneyLife) open(t *rapid.T) {
	if len(l.intents) == 0 {
		return
	}
	do := rapid.SampledFrom([]string{stripesim.HandDispute, stripesim.HandInquire}).Draw(t, "do")
	a := stripesim.Act{Do: do, ID: rapid.SampledFrom(l.intents).Draw(t, "intent"), Amount: rapid.Int64Range(0, 5000).Draw(t, "cents")}
	if l.do(a) && do == stripesim.HandDispute {
		l.fees += stripesim.StandardTerms.DisputeCents
	}
}

func (l *moneyLife) goOn(t *rapid.T) {
	disputes := l.oracle().Disputes
	if len(disputes) == 0 {
		return
	}
	do := rapid.SampledFrom([]string{
		stripesim.HandEscalate, stripesim.HandCloseInquiry, stripesim.HandRespond, stripesim.HandAccept, stripesim.HandWin, stripesim.HandLose,
	}).Draw(t, "do")
	if l.do(stripesim.Act{Do: do, ID: rapid.SampledFrom(disputes).Draw(t, "dispute").ID}) && do == stripesim.HandEscalate {
		l.fees += stripesim.StandardTerms.DisputeCents
	}
}

func (l *moneyLife) payOutSome(t *rapid.T) {
	_, err := l.payOut(rapid.Int64Range(1, 20_000).Draw(t, "cents"), "")
	l.checkRefusal(t, err)
}

func (l *moneyLife) failOne(t *rapid.T) {
	if payouts := l.oracle().Payouts; len(payouts) > 0 {
		l.do(stripesim.Act{Do: stripesim.HandFailPayout, ID: rapid.SampledFrom(payouts).Draw(t, "payout").ID})
	}
}

func (l *moneyLife) toggle(*rapid.T) {
	if !l.do(stripesim.Act{Do: stripesim.HandEnable, ID: l.account}) {
		l.do(stripesim.Act{Do: stripesim.HandDisable, ID: l.account})
	}
}

func (l *moneyLife) check(t *rapid.T) {
	l.countInvoices()
	o := l.oracle()
	if o.BalanceCents != o.Captured.Cents-o.Refunded.Cents-o.Disputed.Cents-o.FeeCents-o.PaidOut.Cents {
		t.Fatalf("the balance does not add up: %+v", o)
	}
	if o.Captured.Cents != l.captured || o.Refunded.Cents != l.refunded || o.FeeCents != l.fees {
		t.Fatalf("replies said %d captured, %d refunded, %d fees: %+v", l.captured, l.refunded, l.fees, o)
	}
	sum, err := balance.Client{B: l.backend(), Key: key}.Get(&stripe.BalanceParams{Params: l.params("")})
	if err != nil {
		t.Fatal(err)
	}
	if sum.Pending[0].Amount != o.PendingCents || sum.Available[0].Amount+sum.Pending[0].Amount != o.BalanceCents {
		t.Fatalf("balance %+v %+v, oracle %+v", sum.Available, sum.Pending, o)
	}
}

// checkEnd checks what each automatic payout paid out, and the platform's balance.
func (l *moneyLife) checkEnd(t *rapid.T) {
	for _, po := range l.oracle().Payouts {
		if !po.Automatic {
			continue
		}
		left := int64(0)
		for _, net := range l.paidBy(po.ID) {
			left += net
		}
		if left != 0 {
			t.Fatalf("what payout %+v paid out differs by %d", po, left)
		}
	}
	if o := l.shop.bench.shop(stripesim.Platform).oracle(); o.BalanceCents != o.EarnedCents {
		t.Fatalf("the platform earned %d and has %d", o.EarnedCents, o.BalanceCents)
	}
}

// end lets the clock of the runs that follow pass without this account.
func (l *moneyLife) end(t *rapid.T) {
	_, err := l.unsubscribe(l.sub.ID, false, false)
	l.checkRefusal(t, err)
	l.onTerms(l.account, stripesim.Terms{})
}

// After any sequence of operations on money that was charged, the balance is what was
// captured less what was refunded, disputed, taken as fees and paid out, to the cent.
func TestOracle_MoneyAddsUp(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.fault(stripesim.Fault{Do: stripesim.WebhookHold})
	rapid.Check(t, func(t *rapid.T) {
		account := "acct_" + strings.ToLower(rand.Text())
		if err := b.sim.AddAccount(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		l := &moneyLife{life: life{shop: b.onTerms(account, stripesim.StandardTerms)}, counted: map[string]bool{}}
		l.buy()
		t.Repeat(map[string]func(*rapid.T){
			"hold":      l.hold,
			"hold too":  l.hold,
			"saved":     l.paySaved,
			"capture":   l.captureSome,
			"and again": l.captureSome,
			"refund":    l.refundSome,
			"dispute":   l.open,
			"go on":     l.goOn,
			"pay out":   l.payOutSome,
			"fail":      l.failOne,
			"toggle":    l.toggle,
			"pass":      l.pass,
			"year":      l.passYear,
			"invoice":   l.payInvoice,
			"":          l.check,
		})
		l.checkEnd(t)
		l.end(t)
	})
}
