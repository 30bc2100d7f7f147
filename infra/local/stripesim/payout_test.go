package stripesim_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/balancetransaction"
	"github.com/stripe/stripe-go/v76/payout"

	"evisit/infra/local/stripesim"
)

func (s shop) payouts() []*stripe.Payout {
	s.Helper()
	list := payout.Client{B: s.backend(), Key: s.key}.List(&stripe.PayoutListParams{
		ListParams: stripe.ListParams{Context: s.Context(), StripeAccount: stripe.String(s.account)},
	})
	var out []*stripe.Payout
	for list.Next() {
		out = append([]*stripe.Payout{list.Payout()}, out...)
	}
	if list.Err() != nil {
		s.Fatal(list.Err())
	}
	return out
}

// wantPayouts compares the times, cents and states of an account's payouts.
func (s shop) wantPayouts(want ...string) {
	s.Helper()
	var got []string
	for _, po := range s.payouts() {
		got = append(got, fmt.Sprintf("%s %d %s", time.Unix(po.Created, 0).UTC().Format(time.DateTime), po.Amount, po.Status))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("payouts (-want +got):\n%s", diff)
	}
}

func (s shop) payOut(cents int64, idempotencyKey string) (*stripe.Payout, error) {
	return payout.Client{B: s.backend(), Key: s.key}.New(&stripe.PayoutParams{
		Params: s.params(idempotencyKey), Amount: stripe.Int64(cents), Currency: stripe.String("usd"),
	})
}

// paidBy are the nets of what an automatic payout paid out, with the payout's own.
func (s shop) paidBy(id string) []int64 {
	s.Helper()
	var out []int64
	for _, x := range s.moved(stripe.BalanceTransactionListParams{Payout: stripe.String(id)}) {
		out = append(out, x.Net)
	}
	return out
}

// Each night pays out what is available, which the payout's transactions add up to, and
// the bank has it a day later.
func TestPayout_Daily(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.StandardTerms)
	first := s.charged(4900, 0) // 2 March
	b.advance(day)
	second := s.charged(10_000, 0) // 3 March
	if got := s.payouts(); len(got) != 0 {
		t.Fatalf("paid out what is pending: %+v", got)
	}
	if _, err := s.refund(first, 900); err != nil {
		t.Fatal(err)
	}
	b.events()
	b.advance(15 * time.Hour) // 4 March, midnight
	if diff := cmp.Diff([]string{"payout.created"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	got := s.payouts()
	if len(got) != 1 || got[0].Amount != 4900-172-900 || !got[0].Automatic || got[0].Status != "pending" || got[0].ReconciliationStatus != "completed" {
		t.Fatalf("payouts: %+v", got)
	}
	if diff := cmp.Diff([]int64{4728, -900, -3828}, s.paidBy(got[0].ID)); diff != "" {
		t.Errorf("paid out (-want +got):\n%s", diff)
	}
	s.wantBalance(0, 9680)
	b.advance(day)
	if diff := cmp.Diff([]string{"payout.created", "payout.paid"}, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	got = s.payouts()
	if len(got) != 2 || got[0].Status != "paid" || got[1].Amount != 9680 {
		t.Fatalf("payouts: %+v", got)
	}
	s.wantBalance(0, 0)
	b.advance(day)
	if diff := cmp.Diff([]string{"payout.paid"}, b.events()); diff != "" {
		t.Errorf("events of a day without money (-want +got):\n%s", diff)
	}
	if o := s.oracle(); o.BalanceCents != 0 || o.PaidOut.Count != 2 || o.PaidOut.Cents != 3828+9680 || len(o.Payouts) != 2 {
		t.Errorf("oracle: %+v", o)
	}

	// A balance below nothing waits until new money covers it.
	if _, err := s.refund(second, 10_000); err != nil {
		t.Fatal(err)
	}
	b.advance(day)
	s.wantBalance(-10_000, 0)
	s.charged(20_000, 0)
	b.advance(3 * day)
	got = s.payouts()
	if len(got) != 3 || got[2].Amount != 20_000-610-10_000 {
		t.Fatalf("payouts: %+v", got)
	}
	if diff := cmp.Diff([]int64{-10_000, 19_390, -9390}, s.paidBy(got[2].ID)); diff != "" {
		t.Errorf("paid out (-want +got):\n%s", diff)
	}
}

// A clock that jumps makes the payout of each day that it passes, dated that day.
func TestPayout_ClockJumps(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.StandardTerms)
	s.charged(4900, 0) // 2 March
	b.advance(day)
	s.charged(10_000, 0) // 3 March
	b.advance(30 * day)
	b.sim.Tick(t.Context())
	s.wantPayouts("2026-03-04 00:00:00 4728 paid", "2026-03-05 00:00:00 9680 paid")
	s.wantBalance(0, 0)
}

// A payout that the bank refuses comes back, before it was paid or after, and the next
// night pays it out again.
func TestPayout_Fails(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]time.Duration{"on its way": 0, "after it was paid": day - time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			s := b.onTerms(lake, stripesim.Terms{DailyPayouts: true})
			s.charged(4900, 0)
			b.advance(16 * time.Hour)
			id := s.payouts()[0].ID
			b.advance(wait)
			b.events()
			b.hand(stripesim.HandFailPayout, id)
			if diff := cmp.Diff([]string{"payout.failed"}, b.events()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			po, err := payout.Client{B: b.backend(), Key: key}.Get(id, &stripe.PayoutParams{Params: s.params("")})
			if err != nil || po.Status != "failed" || po.FailureCode == "" || po.FailureBalanceTransaction == nil {
				t.Errorf("failed: %+v, %v", po, err)
			}
			s.wantBalance(4900, 0)
			if o := s.oracle(); o.PaidOut.Count != 0 || o.BalanceCents != 4900 {
				t.Errorf("oracle: %+v", o)
			}
			if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandFailPayout, ID: id}); err == nil {
				t.Error("a payout failed twice")
			}
			b.advance(day)
			got := s.payouts()
			if len(got) != 2 || got[1].Amount != 4900 || got[0].Status != "failed" {
				t.Fatalf("payouts: %+v", got)
			}
			if diff := cmp.Diff([]int64{4900, -4900}, s.paidBy(got[1].ID)); diff != "" {
				t.Errorf("paid out (-want +got):\n%s", diff)
			}
			s.wantMovements(
				movement{"charge", "charge", 4900, 0, 4900, "available"},
				movement{"payout", "payout", -4900, 0, -4900, "available"},
				movement{"payout_failure", "payout_reversal", 4900, 0, 4900, "available"},
				movement{"payout", "payout", -4900, 0, -4900, "available"},
			)
		})
	}
}

// A payout by hand takes what it says, once for a key, and an automatic one the rest.
func TestPayout_ByHand(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{DailyPayouts: true})
	s.charged(4900, 0)
	for range 2 {
		po, err := s.payOut(1000, "payout-1")
		if err != nil || po.Automatic || po.ReconciliationStatus != "not_applicable" || po.ArrivalDate != time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC).Unix() {
			t.Fatalf("payout: %+v, %v", po, err)
		}
	}
	s.wantBalance(3900, 0)
	made := s.payouts()
	list := balancetransaction.Client{B: b.backend(), Key: key}.List(&stripe.BalanceTransactionListParams{
		ListParams: stripe.ListParams{Context: t.Context(), StripeAccount: stripe.String(lake)}, Payout: stripe.String(made[0].ID),
	})
	if list.Next() || refusal(t, list.Err()).Param != "payout" {
		t.Errorf("transactions of a payout by hand: %v", list.Err())
	}
	b.advance(16 * time.Hour)
	got := s.payouts()
	if len(got) != 2 || got[1].Amount != 3900 {
		t.Fatalf("payouts: %+v", got)
	}
	if diff := cmp.Diff([]int64{4900, -1000, -3900}, s.paidBy(got[1].ID)); diff != "" {
		t.Errorf("paid out (-want +got):\n%s", diff)
	}
	s.charged(700, 0)
	b.hand(stripesim.HandPayOut, lake)
	s.wantBalance(0, 0)
}

func TestPayout_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{DelayDays: 2})
	s.charged(4900, 0)
	for cents, code := range map[int64]stripe.ErrorCode{0: "parameter_invalid_integer", -5: "parameter_invalid_integer", 1: "balance_insufficient"} {
		if _, err := s.payOut(cents, ""); refusal(t, err).Code != code {
			t.Errorf("a payout of %d: %v", cents, err)
		}
	}
	b.advance(2 * day)
	if _, err := s.payOut(4901, ""); refusal(t, err).Code != "balance_insufficient" {
		t.Errorf("a payout of more than is available: %v", err)
	}
	b.hand(stripesim.HandDisable, lake)
	if _, err := s.payOut(4900, ""); refusal(t, err).Code != "payouts_not_allowed" {
		t.Errorf("a payout of a disabled account: %v", err)
	}
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandPayOut, ID: lake}); err == nil {
		t.Error("a payout by hand of a disabled account")
	}
	if o := s.oracle(); len(o.Payouts) != 0 || o.BalanceCents != 4900 {
		t.Errorf("oracle: %+v", o)
	}
}

// A disabled account is not paid out, and is once it is enabled.
func TestPayout_DisabledAccountWaits(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{DailyPayouts: true})
	s.charged(4900, 0)
	b.hand(stripesim.HandDisable, lake)
	b.advance(2 * day)
	if got := s.payouts(); len(got) != 0 {
		t.Errorf("paid out: %+v", got)
	}
	b.hand(stripesim.HandEnable, lake)
	b.advance(day)
	if got := s.payouts(); len(got) != 1 || got[0].Amount != 4900 {
		t.Errorf("payouts: %+v", got)
	}
}

// Stripe can move an account's balance for nothing that it names.
func TestBalance_Adjusted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.onTerms(lake, stripesim.Terms{})
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandAdjust, ID: lake}); err == nil {
		t.Error("a movement of nothing was booked")
	}
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandAdjust, ID: lake, Amount: -700}); err != nil {
		t.Fatal(err)
	}
	params := stripe.BalanceTransactionListParams{}
	params.AddExpand("data.source")
	if x := s.moved(params); len(x) != 1 || x[0].Amount != -700 || x[0].Source != nil || x[0].Type != "adjustment" {
		t.Errorf("movements: %+v", x)
	}
	if o := s.oracle(); o.BalanceCents != -700 {
		t.Errorf("oracle: %+v", o)
	}
}

// Terms, what is pending, and what each payout paid survive a restart.
func TestPayout_SurvivesRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	b.db = filepath.Join(t.TempDir(), "stripe.db")
	b.start()
	s := b.onTerms(lake, stripesim.StandardTerms)
	s.charged(4900, 0)
	b.stop()
	b.start()
	s.wantBalance(0, 4728)
	b.advance(2 * day)
	b.stop()
	b.start()
	got := s.payouts()
	if len(got) != 1 || got[0].Amount != 4728 {
		t.Fatalf("payouts: %+v", got)
	}
	if diff := cmp.Diff([]int64{4728, -4728}, s.paidBy(got[0].ID)); diff != "" {
		t.Errorf("paid out (-want +got):\n%s", diff)
	}
}
