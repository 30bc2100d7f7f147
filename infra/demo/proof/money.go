package proof

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

func dollars(cents int64) string {
	if cents < 0 {
		return "-" + dollars(-cents)
	}
	return fmt.Sprintf("$%d.%02d", cents/100, cents%100)
}

// books are the visits whose money must be right: those that are listed and those that
// were deleted.
func (w *world) books() []*dossier { return slices.Concat(w.cases, w.deleted) }

func entriesBalance(w *world, l *line) {
	entries := 0
	for _, c := range w.books() {
		if c.MoneyCode != http.StatusOK {
			l.find("visit %s: its ledger is not to be had; asking for it answers %d", c.ID, c.MoneyCode)
		}
		entries += len(c.Money.Entries)
		if sums := summed(l, c.Money.Entries); !maps.Equal(sums, c.Money.Balances) {
			l.find("visit %s: its balances are served as %v and come to %v", c.ID, c.Money.Balances, sums)
		}
	}
	for _, m := range w.members {
		entries += len(m.Entries)
		summed(l, m.Entries)
	}
	l.Figures = fmt.Sprintf("%d entries", entries)
}

// summed returns the sums that entries post to each account, and finds those off balance.
func summed(l *line, entries []entry) map[string]int64 {
	sums := map[string]int64{}
	for _, e := range entries {
		var sum int64
		for _, p := range e.Postings {
			sum += p.Amount
			sums[p.Account] += p.Amount
			if p.Amount == 0 {
				l.find("entry %s of %s posts nothing to %s", e.ID, e.Payment, p.Account)
			}
		}
		if sum != 0 || len(e.Postings) < 2 {
			l.find("entry %s of %s is off balance by %s", e.ID, e.Payment, dollars(sum))
		}
	}
	return sums
}

// booked is what the ledger says of one payment, in cents.
type booked struct{ held, released, collected, refunded, standing, disputed, disputeFees, stripeFees, platformFees int64 }

func (c *dossier) booked(payment string) booked {
	var b booked
	for _, e := range c.Money.Entries {
		if e.Payment != payment {
			continue
		}
		holds := e.on("holds")
		b.standing += holds
		b.stripeFees += e.on("stripe_fees")
		b.platformFees += e.on("platform_fees")
		switch e.Kind {
		case "hold":
			b.held += holds
		case "release":
			b.released -= holds
		case "capture":
			b.collected -= e.on("visit_fees")
			b.released += e.on("visit_fees") - holds
		case "charge":
			b.held -= e.on("visit_fees") // a charge counts as held and collected
			b.collected -= e.on("visit_fees")
		case "refund", "refund_failed":
			b.refunded -= e.on("stripe")
		case "dispute_taken", "dispute_returned":
			b.disputed -= e.on("stripe")
		case "dispute_fee", "dispute_fee_returned":
			b.disputeFees -= e.on("stripe")
		}
	}
	return b
}

// expected is what the ledger must have booked for a payment in p's state.
func (p payment) expected() booked {
	switch p.State {
	case "held":
		return booked{held: p.Held, standing: p.Held}
	case "released", "lapsed", "failed":
		return booked{held: p.Held, released: p.Held}
	case "captured", "refunded", "disputed", "charged_back":
		held := max(p.Held, p.Collected) // a pay link collects without a hold
		return booked{
			held: held, released: held - p.Collected, collected: p.Collected, refunded: p.Refunded, disputed: p.Withdrawn, disputeFees: p.DisputeFee,
			stripeFees: p.StripeFee, platformFees: p.Platform,
		}
	}
	return booked{}
}

func paymentsMatchEntries(w *world, l *line) {
	n := 0
	for _, c := range w.books() {
		known := map[string]bool{}
		for _, p := range c.Money.Payments {
			n++
			known[p.ID] = true
			if got, want := c.booked(p.ID), p.expected(); got != want {
				l.find("visit %s: payment %s is %s: the ledger says %+v, want %+v", c.ID, p.ID, p.State, got, want)
			}
			if p.Held > p.Amount || p.Collected > p.Amount || p.Refunded > p.Collected {
				l.find("visit %s: payment %s exceeds itself: %+v", c.ID, p.ID, p)
			}
		}
		for _, e := range c.Money.Entries {
			if !known[e.Payment] {
				l.find("visit %s: entry %s is of payment %s, which it does not have", c.ID, e.ID, e.Payment)
			}
		}
		if len(c.Payments) != len(c.Money.Payments) {
			l.find("visit %s names %d payments and has %d", c.ID, len(c.Payments), len(c.Money.Payments))
		}
	}
	l.Figures = fmt.Sprintf("%d payments", n)
}

// stripeStatus is the status of the intent of a payment in each state.
var stripeStatus = map[string]string{
	"held": "requires_capture", "captured": "succeeded", "refunded": "succeeded", "disputed": "succeeded",
	"charged_back": "succeeded",
	"released":     "canceled", "lapsed": "canceled", "failed": "canceled", "processing": "processing",
}

// refKey is the metadata entry that holds our payment id.
const refKey = "ref"

func paymentsMatchStripe(w *world, l *line) {
	intents := map[string]intent{}
	for _, i := range w.stripe.Intents {
		if i.Invoice != "" {
			continue
		}
		if i.Metadata[refKey] == "" {
			l.find("Stripe's %s does not say which payment it is", i.ID)
		}
		intents[i.ID] = i
	}
	payments := map[string]bool{}
	for _, c := range w.books() {
		for _, p := range c.Money.Payments {
			payments[p.ID] = true
			b := c.booked(p.ID)
			i, ok := intents[p.Intent]
			switch {
			case p.Intent == "" && stripeStatus[p.State] != "":
				l.find("payment %s is %s and names nothing at Stripe", p.ID, p.State)
			case p.Intent == "":
			case !ok || i.Account != p.Account || i.Metadata[refKey] != p.ID && p.ID != c.ID+"."+p.Intent: // or a stray
				l.find("payment %s names %s of %s, which is not its own at Stripe", p.ID, p.Intent, p.Account)
			case i.Amount != p.Amount || i.Received != p.Collected || i.Refunded != p.Refunded:
				l.find("payment %s: amount %s, collected %s, refunded %s; Stripe says %s, %s, %s", p.ID,
					dollars(p.Amount), dollars(p.Collected), dollars(p.Refunded), dollars(i.Amount), dollars(i.Received), dollars(i.Refunded))
			case i.Received != b.collected || i.Refunded != b.refunded:
				l.find("payment %s: the ledger says %s collected and %s refunded; Stripe says %s, %s", p.ID,
					dollars(b.collected), dollars(b.refunded), dollars(i.Received), dollars(i.Refunded))
			case i.Fee-i.Platform != b.stripeFees:
				l.find("payment %s: the ledger says Stripe took %s; Stripe says %s", p.ID, dollars(b.stripeFees), dollars(i.Fee-i.Platform))
			case i.Platform != b.platformFees:
				l.find("payment %s: the ledger says the platform took %s; Stripe says %s", p.ID, dollars(b.platformFees), dollars(i.Platform))
			case stripeStatus[p.State] != "" && i.Status != stripeStatus[p.State]:
				l.find("payment %s is %s; Stripe says %s", p.ID, p.State, i.Status)
			case stripeStatus[p.State] == "" && (i.Status == "succeeded" || i.Status == "requires_capture"):
				l.find("payment %s is %s; Stripe says %s", p.ID, p.State, i.Status)
			}
		}
	}
	for _, i := range w.stripe.Intents {
		if ref := i.Metadata[refKey]; ref != "" && !payments[ref] {
			l.find("Stripe's %s is of payment %s, which no visit has", i.ID, ref)
		}
	}
	l.Figures = fmt.Sprintf("%d of %d reached Stripe", len(intents), len(payments))
}

func holdsAddUp(w *world, l *line) {
	var sum booked
	for _, c := range w.books() {
		for _, p := range c.Money.Payments {
			b := c.booked(p.ID)
			sum.held += b.held
			sum.released += b.released
			sum.collected += b.collected
			sum.refunded += b.refunded
			sum.standing += b.standing
			sum.disputed += b.disputed
			sum.disputeFees += b.disputeFees
			sum.stripeFees += b.stripeFees
			sum.platformFees += b.platformFees
		}
	}
	for _, m := range w.members {
		for _, i := range m.Invoices { // collected without a hold, which Stripe counts as one
			sum.held += i.Paid
			sum.collected += i.Paid
			sum.refunded += i.Refunded
		}
		for _, e := range m.Entries {
			sum.stripeFees += e.on("stripe_fees")
			sum.platformFees += e.on("platform_fees")
			sum.disputed += e.on("disputes")
			sum.disputeFees += e.on("dispute_fees")
		}
	}
	o := w.stripe
	if sum.held != sum.collected+sum.released+sum.standing {
		l.find("the ledger holds %s; captures %s, releases %s, still held %s", dollars(sum.held), dollars(sum.collected), dollars(sum.released), dollars(sum.standing))
	}
	if o.Holds.Cents != o.Captured.Cents+o.Released.Cents+o.Lapsed.Cents+o.Held.Cents {
		l.find("Stripe's own sums are off: %+v", o)
	}
	var disputeFees, paidOut int64
	for _, d := range o.Disputes {
		disputeFees += d.Fee
	}
	for _, p := range w.practices {
		paidOut += p.paidOut()
	}
	for _, x := range []struct {
		what           string
		ledger, stripe int64
	}{
		{"holds", sum.held, o.Holds.Cents},
		{"captures", sum.collected, o.Captured.Cents},
		{"releases and lapses", sum.released, o.Released.Cents + o.Lapsed.Cents},
		{"holds still standing", sum.standing, o.Held.Cents},
		{"refunds", sum.refunded, o.Refunded.Cents},
		{"disputes", sum.disputed, o.Disputed.Cents},
		{"fees of disputes", sum.disputeFees, disputeFees},
		{"payouts", paidOut, o.PaidOut.Cents},
		{"fees of the platform", sum.platformFees, o.Earned}, // whose balance is one of those below
		{"balance", sum.collected - sum.refunded - sum.disputed - sum.disputeFees - sum.stripeFees - paidOut, o.Balance},
	} {
		if x.ledger != x.stripe {
			l.find("%s: the ledger says %s, Stripe %s", x.what, dollars(x.ledger), dollars(x.stripe))
		}
	}
	l.Figures = fmt.Sprintf("%s = %s + %s + %s (+ %s held)", dollars(o.Holds.Cents), dollars(o.Captured.Cents),
		dollars(o.Released.Cents), dollars(o.Lapsed.Cents), dollars(o.Held.Cents))
}

func chargesHaveAnswers(w *world, l *line) {
	var charged int64
	for _, c := range w.books() {
		var sum int64
		refunded := false // without an answer a charge, made by hand at Stripe, must be refunded
		for _, p := range c.Money.Payments {
			sum += p.Collected - p.Refunded
			refunded = refunded || p.Refunded > 0
		}
		charged += sum
		switch {
		case sum == 0:
		case !c.answered() || c.at("answered").IsZero():
			l.find("visit %s is %s and was charged %s", c.ID, c.Status, dollars(sum))
		case c.Quote == nil || sum > c.Quote.Amount:
			l.find("visit %s was charged %s, more than it was quoted", c.ID, dollars(sum))
		}
		for _, e := range c.Money.Entries {
			if (e.Kind == "capture" || e.Kind == "charge") && e.At.Before(c.at("answered")) && !refunded {
				l.find("visit %s was charged at %s, before its answer", c.ID, e.At)
			}
		}
	}
	l.Figures = dollars(charged) + " charged"
}

func answersAreChargedOnce(w *world, l *line) {
	paid, free := 0, 0
	for _, c := range w.cases {
		if !c.answered() {
			continue
		}
		if c.Quote != nil && c.Quote.Amount == 0 {
			free++
			if len(c.Payments) > 0 {
				l.find("visit %s is free and has payments", c.ID)
			}
			continue
		}
		paid++
		var captured []string
		for _, p := range c.Money.Payments {
			if p.Collected > 0 {
				captured = append(captured, p.ID)
			}
		}
		if len(captured) != 1 && c.since(w.claim) {
			l.find("visit %s was answered and charged %d times: %v", c.ID, len(captured), captured)
		}
	}
	l.Figures = fmt.Sprintf("%d charged, %d free", paid, free)
}
