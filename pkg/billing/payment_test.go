package billing_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

const fee money.Cents = 4000

func unopened(amount money.Cents) billing.Payment {
	return billing.Payment{
		ID: "payment-1", Visit: "visit-1", Practice: "practice-1", Account: "acct_1", Amount: amount,
		Session: "cs_1", URL: "https://pay.example/1", SessionEnds: noon.Add(time.Hour),
	}
}

func open(t rapid.TB, atOnce bool) billing.Payment {
	t.Helper()
	p := unopened(fee)
	p.AtOnce = atOnce
	p, err := billing.NewPayment(p, noon)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewPayment_AmountBounds(t *testing.T) {
	t.Parallel()
	for amount, want := range map[money.Cents]bool{
		50: true, fee: true, money.Max: true, 49: false, 1: false, 0: false, -1: false, money.Max + 1: false, math.MinInt64: false, math.MaxInt64: false,
	} {
		if _, err := billing.NewPayment(unopened(amount), noon); (err == nil) != want {
			t.Errorf("a new payment of %s: %v", amount, err)
		}
	}
	want := unopened(fee)
	want.State, want.OpenedAt, want.Version = billing.Opened, noon, 1
	if diff := cmp.Diff(want, open(t, false)); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
}

// What Stripe may say of a payment of the fee.
var (
	asked     = billing.Observation{Intent: "pi_1", Status: "requires_payment_method"}
	over      = billing.Observation{SessionOver: true}
	held      = billing.Observation{Intent: "pi_1", Status: "requires_capture", Capturable: fee, CaptureBefore: noon.Add(7 * 24 * time.Hour)}
	captured  = billing.Observation{Intent: "pi_1", Status: "succeeded", Received: fee}
	canceled  = billing.Observation{Intent: "pi_1", Status: "canceled"}
	lapsed    = billing.Observation{Intent: "pi_1", Status: "canceled", Expired: true}
	back1000  = billing.Observation{Intent: "pi_1", Status: "succeeded", Received: fee, Refunded: 1000}
	backAll   = billing.Observation{Intent: "pi_1", Status: "succeeded", Received: fee, Refunded: fee}
	disputed  = contested("needs_response", fee, 0)
	processed = billing.Observation{Intent: "pi_1", Status: "processing", SessionOver: true}
	unpaid    = billing.Observation{Intent: "pi_1", Status: "requires_payment_method", Failure: "insufficient_funds"}
	// refused stands for CaptureRefused, which is our word and not Stripe's.
	refused = billing.Observation{Intent: "refused"}
)

func TestSettle_FollowsObservations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said    []billing.Observation
		state   billing.State
		entries []string
	}{
		"nobody paid yet":                   {[]billing.Observation{{}, asked}, billing.Opened, nil},
		"the page closed":                   {[]billing.Observation{asked, over}, billing.Abandoned, nil},
		"the page closed while in progress": {[]billing.Observation{processed}, billing.Processing, nil},
		"a bank pays":                       {[]billing.Observation{processed, captured}, billing.Captured, []string{"charge"}},
		"a bank refuses":                    {[]billing.Observation{processed, unpaid}, billing.Failed, nil},
		"a bank is asked after the page":    {[]billing.Observation{over, processed}, billing.Processing, nil},
		"cancelled before it was paid":      {[]billing.Observation{canceled}, billing.Abandoned, nil},
		"held":                              {[]billing.Observation{held}, billing.Held, []string{"hold"}},
		"held after the page closed":        {[]billing.Observation{over, held}, billing.Held, []string{"hold"}},
		"captured":                          {[]billing.Observation{held, captured}, billing.Captured, []string{"hold", "capture"}},
		"captured, the hold never seen":     {[]billing.Observation{captured}, billing.Captured, []string{"charge"}},
		"paid after the page closed":        {[]billing.Observation{over, captured}, billing.Captured, []string{"charge"}},
		"released":                          {[]billing.Observation{held, canceled}, billing.Released, []string{"hold", "release"}},
		"lapsed":                            {[]billing.Observation{held, lapsed}, billing.Lapsed, []string{"hold", "release"}},
		"refused for good":                  {[]billing.Observation{held, refused}, billing.Held, []string{"hold"}},
		"refused, then released":            {[]billing.Observation{held, refused, canceled}, billing.Failed, []string{"hold", "release"}},
		"refused, then lapsed":              {[]billing.Observation{held, refused, lapsed}, billing.Failed, []string{"hold", "release"}},
		"refused, yet captured":             {[]billing.Observation{held, refused, captured}, billing.Captured, []string{"hold", "capture"}},
		"failed, yet captured":              {[]billing.Observation{held, refused, canceled, captured}, billing.Captured, []string{"hold", "release", "charge"}},
		"refused after it was captured":     {[]billing.Observation{held, captured, refused}, billing.Captured, []string{"hold", "capture"}},
		"refunded in part":                  {[]billing.Observation{held, captured, back1000}, billing.Captured, []string{"hold", "capture", "refund-1000"}},
		"refunded in parts":                 {[]billing.Observation{held, back1000, backAll}, billing.FullyRefunded, []string{"hold", "capture", "refund-1000", "refund-4000"}},
		"a refund fails":                    {[]billing.Observation{captured, backAll, captured}, billing.Captured, []string{"charge", "refund-4000", "refund_failed-0-4"}},
		"one of two refunds fails":          {[]billing.Observation{captured, backAll, back1000}, billing.Captured, []string{"charge", "refund-4000", "refund_failed-1000-4"}},
		"refunded again after it failed":    {[]billing.Observation{captured, backAll, captured, backAll}, billing.FullyRefunded, []string{"charge", "refund-4000", "refund_failed-0-4", "refund-4000-5"}},
		"the page alone, after a refund":    {[]billing.Observation{captured, backAll, {Session: "cs_1"}}, billing.FullyRefunded, []string{"charge", "refund-4000"}},
		"disputed":                          {[]billing.Observation{held, captured, disputed}, billing.Disputed, []string{"hold", "capture", "dispute_taken-4000-4"}},
		"disputed, then refunded":           {[]billing.Observation{captured, disputed, backAll}, billing.FullyRefunded, []string{"charge", "dispute_taken-4000-3", "refund-4000"}},
		"captured in part": {
			[]billing.Observation{held, {Intent: "pi_1", Status: "succeeded", Received: 2500}},
			billing.Captured,
			[]string{"hold", "capture"},
		},
		"a fee known at the capture":   {[]billing.Observation{held, costs(captured, 146), costs(captured, 146)}, billing.Captured, []string{"hold", "capture"}},
		"a fee of a charge":            {[]billing.Observation{costs(captured, 146)}, billing.Captured, []string{"charge"}},
		"a fee known later":            {[]billing.Observation{held, captured, costs(captured, 146)}, billing.Captured, []string{"hold", "capture", "stripe_fee-146-4"}},
		"a refund that costs":          {[]billing.Observation{costs(captured, 146), costs(backAll, 171)}, billing.FullyRefunded, []string{"charge", "stripe_fee-171-3", "refund-4000"}},
		"a fee that Stripe gives back": {[]billing.Observation{costs(captured, 146), costs(captured, 100)}, billing.Captured, []string{"charge", "stripe_fee_returned-100-3"}},
		"a part of the platform":       {[]billing.Observation{held, shared(captured, 100), shared(captured, 100)}, billing.Captured, []string{"hold", "capture", "platform_fee-100-3"}},
		"a part given back, and taken again with a refund that failed": {
			[]billing.Observation{shared(captured, 100), shared(back1000, 75), shared(backAll, 0), shared(back1000, 75), shared(captured, 100)},
			billing.Captured,
			[]string{
				"charge", "platform_fee-100-2", "platform_fee_returned-75-3", "refund-1000", "platform_fee_returned-0-4", "refund-4000",
				"platform_fee-75-5", "refund_failed-1000-5", "platform_fee-100-6", "refund_failed-0-6",
			},
		},
		"a part of a hold":            {[]billing.Observation{shared(held, 100)}, billing.Held, []string{"hold"}},
		"the page alone, after a fee": {[]billing.Observation{costs(captured, 146), {Session: "cs_1"}}, billing.Captured, []string{"charge"}},
		"a status we do not know":     {[]billing.Observation{held, {Intent: "pi_1", Status: "levitating"}}, billing.Held, []string{"hold"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, false)
			var entries []string
			for _, o := range test.said {
				next, es, err := say(p, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range es {
					entries = append(entries, e.ID)
				}
				p = next
			}
			if diff := cmp.Diff(test.entries, entries); p.State != test.state || diff != "" {
				t.Errorf("state = %s, want %s; entries (-want +got):\n%s", p.State, test.state, diff)
			}
		})
	}
}

// costs is o, of which Stripe took fee.
func costs(o billing.Observation, fee money.Cents) billing.Observation {
	o.StripeFee = fee
	return o
}

// shared is o, of which the platform took part.
func shared(o billing.Observation, part money.Cents) billing.Observation {
	o.PlatformFee = part
	return o
}

func say(p billing.Payment, o billing.Observation) (billing.Payment, []ledger.Entry, error) {
	if o == refused {
		return p.CaptureRefused("card_declined"), nil, nil
	}
	return p.Settle(o, noon)
}

func TestSettle_ImpossibleAmountsRefused(t *testing.T) {
	t.Parallel()
	for name, said := range map[string][]billing.Observation{
		"held for less":                {{Intent: "pi_1", Status: "requires_capture", Capturable: fee - 1}},
		"held for more":                {{Intent: "pi_1", Status: "requires_capture", Capturable: fee + 1}},
		"held for nothing":             {{Intent: "pi_1", Status: "requires_capture"}},
		"captured for more":            {held, {Intent: "pi_1", Status: "succeeded", Received: fee + 1}},
		"captured for nothing":         {held, {Intent: "pi_1", Status: "succeeded"}},
		"captured for less than 0":     {held, {Intent: "pi_1", Status: "succeeded", Received: -fee}},
		"collected for more":           {{Intent: "pi_1", Status: "succeeded", Received: fee + 1}},
		"refunded more than collected": {held, captured, {Intent: "pi_1", Status: "succeeded", Received: fee, Refunded: fee + 1}},
		"charged a fee below nothing":  {held, costs(captured, -1)},
		"a fee below nothing":          {held, captured, costs(captured, -1)},
		"another intent":               {held, {Intent: "pi_2", Status: "succeeded", Received: fee}},
	} {
		p := open(t, false)
		for n, o := range said {
			next, es, err := p.Settle(o, noon)
			if last := n == len(said)-1; last != (err != nil) {
				t.Fatalf("%s: step %d: %v", name, n, err)
			} else if last && (len(es) > 0 || next != billing.Payment{}) {
				t.Errorf("%s: refused, and yet %+v with %d entries", name, next, len(es))
			}
			p = next
		}
	}
}

// Observations in any order and number, impossible ones among them, leave a payment
// and its entries consistent.
func TestSettle_AnyOrderBalances(t *testing.T) {
	t.Parallel()
	amounts := rapid.SampledFrom([]money.Cents{0, fee, fee, fee, fee / 2, 1000, fee + 1, -1})
	said := rapid.OneOf(
		rapid.SampledFrom([]billing.Observation{asked, over, held, captured, canceled, lapsed, back1000, backAll, disputed, processed, unpaid, refused}),
		rapid.Custom(func(t *rapid.T) billing.Observation {
			return billing.Observation{
				Intent:      rapid.SampledFrom([]string{"", "pi_1", "pi_1", "pi_2"}).Draw(t, "intent"),
				Status:      rapid.SampledFrom([]string{"", "requires_capture", "succeeded", "canceled", "processing", "requires_payment_method", "odd"}).Draw(t, "status"),
				SessionOver: rapid.Bool().Draw(t, "over"), Capturable: amounts.Draw(t, "capturable"),
				Received: amounts.Draw(t, "received"), Refunded: amounts.Draw(t, "refunded"),
				StripeFee: rapid.SampledFrom([]money.Cents{0, 0, 146, 147, -1}).Draw(t, "fee"), PlatformFee: rapid.SampledFrom([]money.Cents{0, 0, 100, 75, -1}).Draw(t, "platform's"),
				Dispute: drawnDispute(t), Withdrawn: amounts.Draw(t, "withdrawn"), DisputeFee: amounts.Draw(t, "dispute fee"),
				Expired: rapid.Bool().Draw(t, "expired"),
			}
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		p := open(t, rapid.Bool().Draw(t, "at once"))
		var entries []ledger.Entry
		t.Repeat(map[string]func(*rapid.T){
			"hear": func(t *rapid.T) {
				o := said.Draw(t, "said")
				next, es, err := say(p, o)
				if err != nil {
					if len(es) > 0 || next != (billing.Payment{}) {
						t.Errorf("refused, and yet %+v with %d entries", next, len(es))
					}
					return
				}
				if changed := next != p; changed != (next.Version == p.Version+1) || !changed && len(es) > 0 {
					t.Errorf("changed: %t, version %d after %d, %d entries", changed, next.Version, p.Version, len(es))
				}
				if again, es, err := say(next, o); err != nil || again != next || len(es) > 0 {
					t.Errorf("told the same again: %+v, %d entries, %v; was %+v", again, len(es), err, next)
				}
				settled(t, p, next)
				p, entries = next, append(entries, es...)
			},
			"": func(t *rapid.T) { balanced(t, p, entries) },
		})
	})
}

// settled checks that p could become next.
func settled(t *rapid.T, p, next billing.Payment) {
	after := map[billing.State][]billing.State{
		billing.Opened:   {billing.Held, billing.Processing, billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack, billing.Abandoned, billing.Failed},
		billing.Held:     {billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack, billing.Released, billing.Lapsed, billing.Failed},
		billing.Captured: {billing.FullyRefunded, billing.Disputed, billing.ChargedBack},
		// Lost or won, or refunded after all.
		billing.Disputed: {billing.FullyRefunded, billing.Captured, billing.ChargedBack},
		// Of money that came back: a bank may change its mind.
		billing.ChargedBack: {billing.FullyRefunded, billing.Captured, billing.Disputed},
		// Of a refund that failed.
		billing.FullyRefunded: {billing.Captured, billing.Disputed, billing.ChargedBack},
		billing.Processing:    {billing.Held, billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack, billing.Failed},
		billing.Abandoned:     {billing.Held, billing.Processing, billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack},
		billing.Failed:        {billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack},
	}
	if p.State == next.State {
		return
	}
	for _, s := range after[p.State] {
		if s == next.State {
			return
		}
	}
	t.Errorf("a payment that was %s is %s", p.State, next.State)
}

func balanced(t *rapid.T, p billing.Payment, entries []ledger.Entry) {
	ids := map[string]bool{}
	for _, e := range entries {
		if err := e.Check(); err != nil || e.Payment != p.ID || e.Practice != p.Practice {
			t.Errorf("entry %+v: %v", e, err)
		}
		if ids[e.ID] {
			t.Errorf("entry %s is posted twice", e.ID)
		}
		ids[e.ID] = true
	}
	sums := ledger.Balances(entries)
	inForce := money.Cents(0)
	if p.State == billing.Held {
		inForce = p.Amount
	}
	for account, want := range map[ledger.Account]money.Cents{
		ledger.Holds: inForce, ledger.HoldsOwed: -inForce,
		ledger.Stripe: p.Collected - p.Refunded - p.Withdrawn - p.DisputeFee - p.StripeFee - p.PlatformFee, ledger.StripeFees: p.StripeFee, ledger.PlatformFees: p.PlatformFee, ledger.VisitFees: -p.Collected, ledger.Refunds: p.Refunded,
		ledger.Disputes: p.Withdrawn, ledger.DisputeFees: p.DisputeFee,
	} {
		if sums[account] != want {
			t.Errorf("%s stands at %s, want %s (payment %+v)", account, sums[account], want, p)
		}
	}
	if ids["hold"] && (p.State != billing.Held) != (ids["capture"] || ids["release"]) || ids["capture"] && ids["release"] {
		t.Errorf("a hold that is %s: entries %v", p.State, ids)
	}
	if p.Collected < 0 || p.Collected > p.Amount || p.Refunded < 0 || p.Refunded > p.Collected {
		t.Errorf("of %s collected %s and refunded %s", p.Amount, p.Collected, p.Refunded)
	}
	if ended := p.State != billing.Opened && p.State != billing.Held && p.State != billing.Processing; ended == p.EndedAt.IsZero() {
		t.Errorf("%s, ended at %v", p.State, p.EndedAt)
	}
}

func TestPayable_ByState(t *testing.T) {
	t.Parallel()
	for state, want := range map[billing.State]string{
		billing.Opened: "page unheard unheard", billing.Processing: "unheard unheard unheard", billing.Held: "  ", billing.Captured: "  ", billing.FullyRefunded: "  ", billing.Disputed: "  ", billing.ChargedBack: "  ",
		billing.Abandoned: "link link link", billing.Released: "link link link", billing.Lapsed: "link link link", billing.Failed: "link link link",
	} {
		p := billing.Payment{State: state, SessionEnds: noon}
		got := fmt.Sprint(p.Payable(noon.Add(-time.Nanosecond)), " ", p.Payable(noon), " ", p.Payable(noon.Add(time.Hour)))
		if got != want {
			t.Errorf("a payment %s is payable %q just before, at and after its page ends, want %q", state, got, want)
		}
	}
}

// A payment owns its own page, and the first intent of its amount; the rest are
// strays.
func TestOwns_FirstPaidPage(t *testing.T) {
	t.Parallel()
	fresh, bound := open(t, false), open(t, false)
	bound.Intent = "pi_1"
	for name, test := range map[string]struct {
		p    billing.Payment
		o    billing.Observation
		want bool
	}{
		"its page, unpaid":               {fresh, billing.Observation{Session: "cs_1", SessionOver: true}, true},
		"another page, unpaid":           {fresh, billing.Observation{Session: "cs_2", SessionOver: true}, false},
		"its first intent":               {fresh, billing.Observation{Session: "cs_1", Intent: "pi_1", Amount: fee}, true},
		"the first intent, another page": {fresh, billing.Observation{Session: "cs_2", Intent: "pi_2", Amount: fee}, true},
		"the first intent, less":         {fresh, billing.Observation{Session: "cs_2", Intent: "pi_2", Amount: fee - 1}, false},
		"its intent":                     {bound, billing.Observation{Intent: "pi_1", Amount: fee}, true},
		"another intent":                 {bound, billing.Observation{Intent: "pi_2", Amount: fee}, false},
	} {
		if got := test.p.Owns(test.o); got != test.want {
			t.Errorf("%s: owned %t, want %t", name, got, test.want)
		}
	}
}

// A stray is settled from its first observation, held or captured for whatever
// amount.
func TestStray_IsSettledAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, false)
	for _, test := range []struct {
		o    billing.Observation
		want billing.State
	}{
		{billing.Observation{Intent: "pi_2", Status: "requires_capture", Amount: 700, Capturable: 700}, billing.Held},
		{billing.Observation{Intent: "pi_2", Status: "succeeded", Amount: 700, Received: 700}, billing.Captured},
		{billing.Observation{Intent: "pi_2", Status: "processing", Amount: 700}, billing.Processing},
	} {
		got, _, err := p.Stray(test.o, noon).Settle(test.o, noon)
		if err != nil || got.State != test.want || got.Version != 1 || got.ID != "visit-1.pi_2" || got.Amount != 700 {
			t.Errorf("%s: %+v, %v", test.o.Status, got, err)
		}
	}
}

func TestMustRefund_ByState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		said []billing.Observation
		want bool
	}{
		"held":               {[]billing.Observation{held}, false},
		"captured":           {[]billing.Observation{captured}, true},
		"refunded in part":   {[]billing.Observation{captured, back1000}, true},
		"refunded":           {[]billing.Observation{captured, backAll}, false},
		"its refund failed":  {[]billing.Observation{captured, backAll, captured}, false},
		"disputed":           {[]billing.Observation{captured, disputed}, false},
		"one of two failed":  {[]billing.Observation{captured, backAll, back1000}, false},
		"refunded after all": {[]billing.Observation{captured, backAll, captured, backAll}, false},
	} {
		p := open(t, false)
		for _, o := range test.said {
			var err error
			if p, _, err = p.Settle(o, noon); err != nil {
				t.Fatal(err)
			}
		}
		if p.MustRefund() != test.want {
			t.Errorf("%s: to be refunded %t, want %t", name, !test.want, test.want)
		}
	}
}

func TestNextLook_ByState(t *testing.T) {
	t.Parallel()
	link, page := open(t, true), open(t, false)
	bank := page
	bank.State = billing.Processing
	ends := link.SessionEnds
	for name, test := range map[string]struct {
		p    billing.Payment
		now  time.Time
		want time.Time
	}{
		"a page of a request":    {page, noon, time.Time{}}, // its visit has the deadline
		"a pay link":             {link, noon, ends.Add(2 * time.Minute)},
		"a pay link that is old": {link, ends.Add(time.Hour), ends.Add(time.Hour + 10*time.Minute)},
		"a bank payment":         {bank, noon, noon.Add(12 * time.Hour)},
	} {
		if got := test.p.NextLook(test.now); !got.Equal(test.want) {
			t.Errorf("%s: looked at again %s, want %s", name, got, test.want)
		}
	}
}

func TestPriceList_WhatCardsCannotPayIsRefused(t *testing.T) {
	t.Parallel()
	for price, want := range map[money.Cents]bool{0: true, 50: true, fee: true, money.Max: true, 1: false, 49: false, -1: false, -fee: false, money.Max + 1: false} {
		list := billing.PriceList{"free": 0, "uti": price}
		if err := list.Check(); (err == nil) != want {
			t.Errorf("a price of %s: %v", price, err)
		}
		if _, err := billing.Price("q", "uti", "evisit", list, billing.SelfPay, noon); (err == nil) != want {
			t.Errorf("a quote of %s: %v", price, err)
		}
	}
}
