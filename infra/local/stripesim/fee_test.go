package stripesim_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/applicationfee"
	"github.com/stripe/stripe-go/v76/balance"
	"github.com/stripe/stripe-go/v76/balancetransaction"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"github.com/stripe/stripe-go/v76/refund"

	"evisit/infra/local/stripesim"
)

// onTerms is a shop of an account whose terms are set.
func (b *bench) onTerms(account string, terms stripesim.Terms) shop {
	b.Helper()
	if err := b.sim.SetTerms(b.Context(), account, terms); err != nil {
		b.Fatal(err)
	}
	return b.shop(account)
}

// charged makes and captures a hold of cents, of which the platform asks for fee, and
// returns the intent's id.
func (s shop) charged(cents, fee int64) string {
	s.Helper()
	p := s.sessionParams(cents, "")
	if fee > 0 {
		p.PaymentIntentData.ApplicationFeeAmount = stripe.Int64(fee)
	}
	cs, err := s.createSession(p)
	if err != nil {
		s.Fatal(err)
	}
	id := s.pay(cs.ID, stripesim.CardSuccess).Intent
	s.hand(stripesim.HandCapture, id)
	s.events()
	return id
}

// moved are the account's transactions, oldest first.
func (s shop) moved(params stripe.BalanceTransactionListParams) []*stripe.BalanceTransaction {
	s.Helper()
	params.ListParams = stripe.ListParams{Context: s.Context()}
	if s.account != "" {
		params.StripeAccount = stripe.String(s.account)
	}
	list := balancetransaction.Client{B: s.backend(), Key: s.key}.List(&params)
	var out []*stripe.BalanceTransaction
	for list.Next() {
		out = append([]*stripe.BalanceTransaction{list.BalanceTransaction()}, out...)
	}
	if list.Err() != nil {
		s.Fatal(list.Err())
	}
	return out
}

// A movement is what a test compares of a transaction.
type movement struct {
	Type, Category   string
	Amount, Fee, Net int64
	Status           string
}

func (s shop) movements() []movement {
	s.Helper()
	var out []movement
	for _, x := range s.moved(stripe.BalanceTransactionListParams{}) {
		out = append(out, movement{string(x.Type), string(x.ReportingCategory), x.Amount, x.Fee, x.Net, string(x.Status)})
	}
	return out
}

func (s shop) wantMovements(want ...movement) {
	s.Helper()
	if diff := cmp.Diff(want, s.movements()); diff != "" {
		s.Errorf("movements of %s (-want +got):\n%s", s.account, diff)
	}
}

// wantBalance compares the available and the pending balance.
func (s shop) wantBalance(available, pending int64) {
	s.Helper()
	got, err := balance.Client{B: s.backend(), Key: s.key}.Get(&stripe.BalanceParams{Params: s.params("")})
	if err != nil {
		s.Fatal(err)
	}
	if got.Available[0].Amount != available || got.Pending[0].Amount != pending {
		s.Errorf("balance: %d available, %d pending; want %d, %d", got.Available[0].Amount, got.Pending[0].Amount, available, pending)
	}
}

// Stripe's fee is a part of the captured amount, rounded to the nearest cent with half a
// cent up, and a fixed part.
func TestFee_Rounding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30})
	for _, test := range []struct{ cents, fee int64 }{
		{50, 31},           // 1.45
		{4900, 172},        // 142.10
		{1050, 60},         // 30.45
		{1500, 74},         // 43.5
		{500, 45},          // 14.5
		{2500, 103},        // 72.5
		{2499, 102},        // 72.471
		{9_999_99, 2_9030}, // 28999.971
	} {
		s.charged(test.cents, 0)
		x := s.moved(stripe.BalanceTransactionListParams{Type: stripe.String("charge")})
		last := x[len(x)-1]
		if last.Amount != test.cents || last.Fee != test.fee || last.Net != test.cents-test.fee {
			t.Errorf("of %d: fee %d, net %d; want fee %d", test.cents, last.Fee, last.Net, test.fee)
		}
		if d := last.FeeDetails; len(d) != 1 || d[0].Type != "stripe_fee" || d[0].Amount != test.fee {
			t.Errorf("details of the fee: %+v", d)
		}
	}
}

// A fee is of what was captured, and Stripe keeps it when the charge is refunded.
func TestFee_PartialCaptureAndRefund(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30})
	id := s.newHold(stripesim.CardSuccess)
	if _, err := s.capture(id, 2000, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.refund(id, 0); err != nil {
		t.Fatal(err)
	}
	s.wantMovements(
		movement{"charge", "charge", 4900, 88, 4812, "available"},
		movement{"refund", "refund", -2900, 0, -2900, "available"},
		movement{"refund", "refund", -2000, 0, -2000, "available"},
	)
	if o := s.oracle(); o.BalanceCents != -88 || o.FeeCents != 88 {
		t.Errorf("oracle: %+v", o)
	}
}

// A charge shows its refunds when they are expanded, the latest first, and a refund its
// movements, of which that of a failure is there only if it failed.
func TestCharge_RefundsExpanded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30})
	id := s.charged(4900, 0)
	pi, err := s.intent(id, "latest_charge.refunds")
	if err != nil || pi.LatestCharge.Refunds == nil || len(pi.LatestCharge.Refunds.Data) != 0 {
		t.Fatalf("not refunded: %+v, %v", pi, err)
	}
	for _, cents := range []int64{1000, 500} {
		if _, err := s.refund(id, cents); err != nil {
			t.Fatal(err)
		}
	}
	pi, err = s.intent(id, "latest_charge.refunds.data.balance_transaction", "latest_charge.refunds.data.failure_balance_transaction")
	if err != nil {
		t.Fatal(err)
	}
	all := pi.LatestCharge.Refunds.Data
	if len(all) != 2 || all[0].Amount != 500 || all[0].BalanceTransaction.Net != -500 || all[0].FailureBalanceTransaction != nil {
		t.Errorf("refunds: %+v", all)
	}
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandFailRefund, ID: all[0].ID}); err != nil {
		t.Fatal(err)
	}
	pi, err = s.intent(id, "latest_charge.refunds.data.failure_balance_transaction")
	if err != nil || pi.LatestCharge.Refunds.Data[0].FailureBalanceTransaction.Net != 500 {
		t.Errorf("a refund that failed: %+v, %v", pi, err)
	}
	if o := s.oracle(); o.Intents[0].FeeCents != 172 || o.FeeCents != 172 {
		t.Errorf("oracle: %+v", o)
	}
}

// Money of a charge is available at midnight UTC some days later; a refund takes what is
// available at once.
func TestBalance_PendingThenAvailable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(hill, stripesim.Terms{DelayDays: 2})
	id := s.charged(4900, 0)
	s.wantBalance(0, 4900)
	s.wantMovements(movement{"charge", "charge", 4900, 0, 4900, "pending"})
	if _, err := s.refund(id, 1000); err != nil {
		t.Fatal(err)
	}
	s.wantBalance(-1000, 4900)
	if o := s.oracle(); o.BalanceCents != 3900 || o.PendingCents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
	x := s.moved(stripe.BalanceTransactionListParams{})[0]
	if want := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC).Unix(); x.AvailableOn != want {
		t.Errorf("available on %d, want %d", x.AvailableOn, want)
	}
	b.advance(39 * time.Hour)
	s.wantBalance(3900, 0)
	s.wantMovements(movement{"charge", "charge", 4900, 0, 4900, "available"}, movement{"refund", "refund", -1000, 0, -1000, "available"})
	pi, err := s.intent(id, "latest_charge.balance_transaction.source")
	if err != nil || pi.LatestCharge.BalanceTransaction.Status != "available" || pi.LatestCharge.BalanceTransaction.Source.Charge.ID != pi.LatestCharge.ID {
		t.Errorf("expanded: %+v, %v", pi, err)
	}
}

// The platform's fee is taken of the account and given to the platform; a partial
// capture states it again, and without that the fee stays what it was.
func TestApplicationFee_Capture(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		capture        int64
		restated       *int64
		wantFee, asked int64
	}{
		{"whole", 0, nil, 500, 500},
		{"partial, stated again", 2000, stripe.Int64(200), 200, 200},
		{"partial, not stated again", 2000, nil, 500, 500},
		{"partial, not stated again and more than is captured", 300, nil, 300, 500},
		{"stated again as nothing", 0, stripe.Int64(0), 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s, platform := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30}), b.shop("")
			p := s.sessionParams(4900, "")
			p.PaymentIntentData.ApplicationFeeAmount = stripe.Int64(500)
			cs, err := s.createSession(p)
			if err != nil {
				t.Fatal(err)
			}
			id := s.pay(cs.ID, stripesim.CardSuccess).Intent
			b.events()
			cp := &stripe.PaymentIntentCaptureParams{Params: s.params(""), ApplicationFeeAmount: test.restated}
			captured := int64(4900)
			if test.capture != 0 {
				captured, cp.AmountToCapture = test.capture, stripe.Int64(test.capture)
			}
			if _, err := (paymentintent.Client{B: b.backend(), Key: key}).Capture(id, cp); err != nil {
				t.Fatal(err)
			}
			pi, err := s.intent(id, "latest_charge.balance_transaction")
			if err != nil || pi.ApplicationFeeAmount != test.asked || pi.LatestCharge.ApplicationFeeAmount != test.asked {
				t.Fatalf("intent: %+v, %v", pi, err)
			}
			stripeFee := (captured*290+5000)/10000 + 30
			if x := pi.LatestCharge.BalanceTransaction; x.Fee != stripeFee+test.wantFee {
				t.Errorf("fees: %d, %+v", x.Fee, x.FeeDetails)
			}
			if o := b.shop(stripesim.Platform).oracle(); o.EarnedCents != test.wantFee || o.BalanceCents != test.wantFee {
				t.Errorf("platform's oracle: %+v", o)
			}
			if test.wantFee == 0 {
				if pi.LatestCharge.ApplicationFee != nil {
					t.Errorf("a fee of nothing: %+v", pi.LatestCharge.ApplicationFee)
				}
				return
			}
			f, err := applicationfee.Client{B: b.backend(), Key: key}.Get(pi.LatestCharge.ApplicationFee.ID, &stripe.ApplicationFeeParams{Params: platform.params("")})
			if err != nil || f.Amount != test.wantFee || f.Account.ID != lake || f.Charge.ID != pi.LatestCharge.ID {
				t.Errorf("fee: %+v, %v", f, err)
			}
			platform.wantMovements(movement{"application_fee", "platform_earning", test.wantFee, 0, test.wantFee, "available"})
			if got := b.events(); countOf(got, "application_fee.created") != 1 {
				t.Errorf("events: %v", got)
			}
		})
	}
}

// A refund gives the platform's fee back if the caller says so: in proportion, and with
// the last of the charge all that is left of the fee.
func TestApplicationFee_Refund(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s, platform := b.shop(lake), b.shop("")
	back := func(id string, cents int64, fee bool) *stripe.Refund {
		t.Helper()
		r, err := refund.Client{B: b.backend(), Key: key}.New(&stripe.RefundParams{
			Params: s.params(""), PaymentIntent: stripe.String(id), Amount: stripe.Int64(cents), RefundApplicationFee: stripe.Bool(fee),
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	id := s.charged(3000, 100)
	back(id, 500, false)
	back(id, 1000, true)
	s.wantMovements(
		movement{"charge", "charge", 3000, 100, 2900, "available"},
		movement{"refund", "refund", -500, 0, -500, "available"},
		movement{"refund", "refund", -1000, -33, -967, "available"},
	)
	b.events()
	back(id, 1500, true)
	if got := b.events(); countOf(got, "application_fee.refunded") != 1 {
		t.Errorf("events: %v", got)
	}
	list := applicationfee.Client{B: b.backend(), Key: key}.List(&stripe.ApplicationFeeListParams{ListParams: stripe.ListParams{Context: t.Context()}})
	if !list.Next() || !list.ApplicationFee().Refunded || list.ApplicationFee().AmountRefunded != 100 || len(list.ApplicationFee().Refunds.Data) != 2 {
		t.Errorf("fee: %+v, %v", list.ApplicationFee(), list.Err())
	}
	platform.wantMovements(
		movement{"application_fee", "platform_earning", 100, 0, 100, "available"},
		movement{"application_fee_refund", "platform_earning_refund", -33, 0, -33, "available"},
		movement{"application_fee_refund", "platform_earning_refund", -67, 0, -67, "available"},
	)
	if o := s.oracle(); o.BalanceCents != 0 || o.FeeCents != 0 {
		t.Errorf("oracle: %+v", o)
	}
}

// Of each invoice of a subscription the platform takes the percentage that its page was made with,
// rounded to the nearest cent; a refund gives of it back as of any other fee.
func TestApplicationFee_Subscription(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{BasisPoints: 290, FixedCents: 30})
	p := s.subscribeParams(s.newYearly(35_015).ID, s.newCustomer().ID)
	p.SubscriptionData.ApplicationFeePercent = stripe.Float64(0.29) // 101.5435 cents
	cs, err := s.createSession(p)
	if err != nil {
		t.Fatal(err)
	}
	s.payThrough(cs.ID, stripesim.CardSuccess)
	if cs, err = s.session(cs.ID); err != nil {
		t.Fatal(err)
	}
	sub := s.subscription(cs.Subscription.ID)
	if sub.ApplicationFeePercent != 0.29 {
		t.Errorf("the subscription says %v percent", sub.ApplicationFeePercent)
	}
	b.advance(time.Unix(sub.CurrentPeriodEnd, 0).Sub(b.clock()) + time.Hour)
	invoices := s.invoicesOf(sub.ID)
	if len(invoices) != 2 || invoices[0].ApplicationFeeAmount != 102 || invoices[1].ApplicationFeeAmount != 102 {
		t.Fatalf("invoices: %+v", invoices)
	}
	if o := b.shop("").oracle(); o.EarnedCents != 204 {
		t.Errorf("the platform earned %d", o.EarnedCents)
	}
	_, err = refund.Client{B: b.backend(), Key: key}.New(&stripe.RefundParams{
		Params: s.params(""), PaymentIntent: stripe.String(invoices[1].PaymentIntent.ID), RefundApplicationFee: stripe.Bool(true),
	})
	if o := b.shop("").oracle(); err != nil || o.EarnedCents != 102 {
		t.Errorf("after a refund the platform earned %d, %v", o.EarnedCents, err)
	}
	for _, i := range s.oracle().Intents {
		want := int64(102)
		if i.ID == invoices[1].PaymentIntent.ID {
			want = 0
		}
		if i.PlatformCents != want || i.FeeCents != 1045+want {
			t.Errorf("of %s the platform has %d of %d", i.ID, i.PlatformCents, i.FeeCents)
		}
	}
}

func countOf(events []string, kind string) (n int) {
	for _, e := range events {
		if e == kind {
			n++
		}
	}
	return n
}

func TestApplicationFee_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	for account, fee := range map[string]int64{lake: -1, "": 100} {
		p := b.shop(account).sessionParams(4900, "")
		p.PaymentIntentData.ApplicationFeeAmount = stripe.Int64(fee)
		if _, err := b.shop(account).createSession(p); refusal(t, err).Param != "payment_intent_data[application_fee_amount]" {
			t.Errorf("a fee of %d of %q: %v", fee, account, err)
		}
	}
	held := s.newHold(stripesim.CardSuccess)
	_, err := paymentintent.Client{B: b.backend(), Key: key}.Capture(held, &stripe.PaymentIntentCaptureParams{
		Params: s.params(""), ApplicationFeeAmount: stripe.Int64(-1),
	})
	if refusal(t, err).Param != "application_fee_amount" || s.oracle().Held.Count != 1 {
		t.Errorf("a negative fee at the capture: %v", err)
	}
	_, err = refund.Client{B: b.backend(), Key: key}.New(&stripe.RefundParams{
		Params: s.params(""), PaymentIntent: stripe.String(s.charged(4900, 0)), RefundApplicationFee: stripe.Bool(true),
	})
	if refusal(t, err).Param != "refund_application_fee" || s.oracle().Refunded.Count != 0 {
		t.Errorf("a fee that was never taken was refunded: %v", err)
	}
}

// Terms are of the accounts that Options name, and of all others together; terms that
// cannot be are refused.
func TestOptions_Terms(t *testing.T) {
	t.Parallel()
	start := func(terms map[string]stripesim.Terms) (*stripesim.Sim, error) {
		return stripesim.New(t.Context(), stripesim.Options{
			Now: time.Now, Accounts: []string{lake, hill}, Terms: terms, Log: slog.New(slog.DiscardHandler),
		})
	}
	for _, terms := range []map[string]stripesim.Terms{
		{lake: {BasisPoints: -1}},
		{stripesim.AnyAccount: {DelayDays: -1}},
		{"acct_nowhere": {}},
	} {
		if sim, err := start(terms); err == nil {
			t.Errorf("%+v was accepted", terms)
			_ = sim.Close()
		}
	}
	b := newBench(t)
	b.stop()
	b.terms = map[string]stripesim.Terms{stripesim.AnyAccount: {FixedCents: 10}, hill: {FixedCents: 20}}
	b.start()
	for account, want := range map[string]int64{lake: 10, hill: 20} {
		s := b.shop(account)
		s.charged(4900, 0)
		if o := s.oracle(); o.FeeCents != want {
			t.Errorf("fees of %s: %d, want %d", account, o.FeeCents, want)
		}
	}
	if err := b.sim.SetTerms(t.Context(), "acct_nowhere", stripesim.Terms{}); err == nil {
		t.Error("terms of no account")
	}
}

// A lost call or answer of a capture with a platform's fee takes the fee once.
func TestApplicationFee_LostCallRepeated(t *testing.T) {
	t.Parallel()
	for _, do := range []string{stripesim.LoseCall, stripesim.LoseAnswer} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.onTerms(lake, stripesim.StandardTerms)
			id := s.newHold(stripesim.CardSuccess)
			capture := func() error {
				_, err := paymentintent.Client{B: b.backend(), Key: key}.Capture(id, &stripe.PaymentIntentCaptureParams{
					Params: s.params("evt_1"), ApplicationFeeAmount: stripe.Int64(100),
				})
				return err
			}
			b.fault(stripesim.Fault{Do: do, Method: http.MethodPost, Path: captures, Times: 1})
			if err := capture(); err == nil {
				t.Fatal("a lost capture was answered")
			}
			if err := capture(); err != nil {
				t.Fatal(err)
			}
			if o := s.oracle(); o.FeeCents != 272 || b.shop("").oracle().EarnedCents != 100 {
				t.Errorf("oracle: %+v", o)
			}
		})
	}
}
