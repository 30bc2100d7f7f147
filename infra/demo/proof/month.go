package proof

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// A Month is a practice's time, from its first day to its last, of which its money page must say
// what its visits, memberships and payouts came to, and what Stripe has. No money may have moved
// before it.
type Month struct{ Practice, From, To string }

// A payout is one to a practice's bank.
type payout struct {
	ID     string `json:"id"`
	Status string `json:"status"`
	Amount int64  `json:"amount_cents"`
}

// paid reports whether the bank has the payout, or will have it.
func (p payout) paid() bool { return p.Status != "failed" && p.Status != "canceled" }

func (o *office) paidOut() (sum int64) {
	for _, p := range o.Payouts {
		if p.paid() {
			sum += p.Amount
		}
	}
	return sum
}

// A comparison is one of a practice's books with Stripe's balance.
type comparison struct {
	Account      string    `json:"account"`
	From         time.Time `json:"from"`
	Through      time.Time `json:"through"`
	Transactions int       `json:"transactions"`
	Differences  int       `json:"differences"`
	Found        []struct {
		Text string `json:"text"`
	} `json:"found"`
}

// sums are what some entries come to, in cents.
type sums struct {
	Collected int64 `json:"collected_cents"`
	Refunded  int64 `json:"refunded_cents"`
	Disputed  int64 `json:"disputed_cents"`
	Fees      int64 `json:"fees_cents"`
	PaidOut   int64 `json:"paid_out_cents"`
	Other     int64 `json:"other_cents"`
	Net       int64 `json:"net_cents"`
}

// A monthly is what a practice's money page says of a month, and Stripe of the practice's account.
type monthly struct {
	Zone        string `json:"time_zone"`
	Totals      sums   `json:"totals"`
	Visits      int    `json:"visits_charged"`
	Memberships int    `json:"memberships_paid"`
	Ways        []struct {
		Way string `json:"way"`
		sums
	} `json:"by_way"`
	Accounts map[string]int64 `json:"by_account"`

	stripe oracle
}

// gatherMonth reads the money page as who administers the practice, and what Stripe has.
func (w *world) gatherMonth(ctx context.Context, sim reader, people []person) error {
	m := w.claim.Month
	if m == nil {
		return nil
	}
	w.month = &monthly{}
	for _, p := range people {
		if p.Role != "admin" || p.Practice != m.Practice {
			continue
		}
		path := "/practice/money?" + url.Values{"from": {m.From}, "to": {m.To}}.Encode()
		if err := (reader{w.claim.BaseURL, p.Token}).json(ctx, path, w.month); err != nil {
			return err
		}
	}
	for _, o := range w.practices {
		if o.ID == m.Practice && len(o.Compared) > 0 {
			return sim.json(ctx, "/sim/oracle?account="+url.QueryEscape(o.Compared[0].Account), &w.month.stripe)
		}
	}
	return fmt.Errorf("practice %s was never compared with Stripe", m.Practice)
}

// day is the day of an instant in the practice's zone.
func (w *world) day(at time.Time) string {
	zone, err := time.LoadLocation(w.month.Zone)
	if err != nil {
		return err.Error()
	}
	return at.In(zone).Format(time.DateOnly)
}

// during reports whether an instant is of the month.
func (w *world) during(at time.Time) bool {
	return w.day(at) >= w.claim.Month.From && w.day(at) <= w.claim.Month.To
}

// add adds what an entry moves. in is the account that what patients pay is posted to.
func (s *sums) add(e entry, in string) {
	s.Fees += e.on("stripe_fees") + e.on("platform_fees") + e.on("dispute_fees")
	s.Net += e.on("stripe")
	switch e.Kind {
	case "refund", "refund_failed":
		s.Refunded -= e.on("stripe") + e.on("stripe_fees")
	case "dispute_taken", "dispute_returned":
		s.Disputed -= e.on("stripe")
	case "capture", "charge", "membership_fee":
		s.Collected -= e.on(in)
	}
}

func monthAddsUp(w *world, l *line) {
	m, ways := w.month, map[string]sums{}
	visits, memberships, practice := map[string]bool{}, 0, w.claim.Month.Practice
	for _, c := range w.cases {
		s := ways["card"]
		for _, e := range c.Money.Entries {
			if c.Practice == practice && w.during(e.At) {
				s.add(e, "visit_fees")
				visits[c.ID] = visits[c.ID] || e.Kind == "capture" || e.Kind == "charge"
			}
		}
		ways["card"] = s
	}
	for _, of := range w.members {
		s := ways["membership"]
		for _, e := range of.Entries {
			if of.Practice == practice && w.during(e.At) {
				s.add(e, "deferred_fees")
				if e.Kind == "membership_fee" {
					memberships++
				}
			}
		}
		ways["membership"] = s
	}
	for _, o := range w.practices {
		if o.ID == practice {
			ways["payout"] = sums{PaidOut: o.paidOut()}
		}
	}
	var whole sums
	for _, way := range m.Ways {
		if way.sums != ways[way.Way] {
			l.find("the page has of %s %+v; its entries come to %+v", way.Way, way.sums, ways[way.Way])
		}
		whole.Collected, whole.Refunded, whole.Disputed = whole.Collected+way.Collected, whole.Refunded+way.Refunded, whole.Disputed+way.Disputed
		whole.Fees, whole.PaidOut, whole.Net = whole.Fees+way.Fees, whole.PaidOut+way.PaidOut, whole.Net+way.Net
	}
	if whole != m.Totals {
		l.find("the page has in all %+v; its parts come to %+v", m.Totals, whole)
	}
	charged := 0
	for _, is := range visits {
		if is {
			charged++
		}
	}
	if charged != m.Visits || memberships != m.Memberships {
		l.find("the page has %d visits and %d memberships; %d and %d were paid", m.Visits, m.Memberships, charged, memberships)
	}
	l.Figures = fmt.Sprintf("%s from %d visits and %d memberships", dollars(m.Totals.Net), m.Visits, m.Memberships)
}

func monthIsStripes(w *world, l *line) {
	m, o := w.month, w.month.stripe
	for _, x := range []struct {
		what        string
		page, there int64
	}{
		{"collected", m.Totals.Collected, o.Captured.Cents},
		{"refunded", m.Totals.Refunded, o.Refunded.Cents},
		{"disputed", m.Totals.Disputed, o.Disputed.Cents},
		{"fees", m.Totals.Fees, o.Fees},
		{"paid out", m.Totals.PaidOut, o.PaidOut.Cents},
		{"balance", m.Accounts["stripe"], o.Balance},
		{"net less payouts", m.Totals.Net - m.Totals.PaidOut, o.Balance},
	} {
		if x.page != x.there {
			l.find("%s: the page has %s, Stripe %s", x.what, dollars(x.page), dollars(x.there))
		}
	}
	l.Figures = fmt.Sprintf("%s left, %s paid out", dollars(o.Balance), dollars(o.PaidOut.Cents))
}

// monthIsCompared proves that every movement of the month's balance was compared.
func monthIsCompared(w *world, l *line) {
	moved := 0
	for _, o := range w.practices {
		if o.ID != w.claim.Month.Practice {
			continue
		}
		for _, c := range o.Compared {
			moved += c.Transactions
		}
		if n := len(o.Compared); w.day(o.Compared[n-1].From) > w.claim.Month.From || w.day(o.Compared[0].Through) <= w.claim.Month.To {
			l.find("the comparisons do not have the whole month: from %s to %s", o.Compared[n-1].From, o.Compared[0].Through)
		}
	}
	if moved != w.month.stripe.Moved.Count {
		l.find("%d movements were compared; Stripe has %d", moved, w.month.stripe.Moved.Count)
	}
	l.Figures = fmt.Sprintf("%d movements", moved)
}

// booksAgree proves that no comparison since the first visit found a difference, and that there is
// no time between two.
func booksAgree(w *world, l *line) {
	n := 0
	for _, o := range w.practices {
		for i, c := range o.Compared {
			if c.Through.Before(w.claim.Since) {
				continue
			}
			n++
			if c.Differences > 0 {
				l.find("practice %s: %d differences until %s: %+v", o.ID, c.Differences, c.Through, c.Found)
			}
			if i > 0 && c.Account == o.Compared[i-1].Account && !c.Through.Equal(o.Compared[i-1].From) {
				l.find("practice %s: compared until %s, and then from %s", o.ID, c.Through, o.Compared[i-1].From)
			}
		}
	}
	l.Figures = fmt.Sprintf("%d comparisons", n)
}
