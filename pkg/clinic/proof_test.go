package clinic_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// A paid is what is known of one payment, here and at Stripe.
type paid struct {
	payment billing.Payment
	entries []ledger.Entry
	stripe  stripesim.OracleIntent // zero: nobody tried a card
	// disputes are those of the intent, oldest first.
	disputes []stripesim.OracleDispute
}

// taken is what disputes have of the payment at Stripe, and fees what they cost.
func (p paid) taken() (cents, fees money.Cents) {
	for _, d := range p.disputes {
		cents, fees = cents+money.Cents(d.Withdrawn), fees+money.Cents(d.Fee)
	}
	return cents, fees
}

// truth is what Stripe's simulator says of all accounts.
func (w *world) truth() stripesim.Oracle {
	w.Helper()
	o, err := w.sim.Oracle(w.ctx, "")
	if err != nil {
		w.Fatalf("oracle: %v", err)
	}
	return o
}

func (w *world) payments(v visit.Visit) []paid {
	w.Helper()
	return w.paymentsIn(v, w.truth())
}

func (w *world) paymentsIn(v visit.Visit, o stripesim.Oracle) []paid {
	w.Helper()
	stored, entries, err := w.tape.Money(w.ctx, v.ID)
	if err != nil {
		w.Fatalf("money of %s: %v", v.ID, err)
	}
	var all []paid
	for _, id := range v.Payments {
		at := slices.IndexFunc(stored, func(p billing.Payment) bool { return p.ID == id })
		if at < 0 {
			w.Fatalf("payment %s is not stored", id)
		}
		one := paid{payment: stored[at]}
		for _, e := range entries {
			if e.Payment == id {
				one.entries = append(one.entries, e)
			}
		}
		found := 0
		for _, pi := range o.Intents {
			if one.payment.Intent == pi.ID || one.payment.Intent == "" && pi.Metadata["ref"] == id {
				one.stripe = pi
				found++
			}
		}
		if found > 1 && !w.byHand {
			w.Errorf("payment %s has %d payments at Stripe", id, found)
		}
		for _, d := range o.Disputes {
			if one.stripe.ID != "" && d.PaymentIntent == one.stripe.ID {
				one.disputes = append(one.disputes, d)
			}
		}
		all = append(all, one)
	}
	return all
}

// alwaysTrue checks what holds of visits at any moment, whatever was lost.
func (w *world) alwaysTrue(ids ...string) {
	w.Helper()
	o := w.truth()
	for _, id := range ids {
		v := w.visit(id)
		w.alwaysTrueOf(v, w.paymentsIn(v, o))
	}
}

func (w *world) alwaysTrueOf(v visit.Visit, ps []paid) {
	w.Helper()
	taken := 0
	for _, p := range ps {
		for _, e := range p.entries {
			if err := e.Check(); err != nil {
				w.Errorf("%v", err)
			}
		}
		b := ledger.Balances(p.entries)
		if b[ledger.Holds] < 0 || b[ledger.Holds] != -b[ledger.HoldsOwed] {
			w.Errorf("payment %s: the books hold %s and owe %s", p.payment.ID, b[ledger.Holds], b[ledger.HoldsOwed])
		}
		if p.stripe.AmountReceived > 0 {
			if p.stripe.AmountReceived > p.stripe.AmountRefunded {
				taken++
			}
			if v.Times.Answered.IsZero() && !w.byHand {
				w.Errorf("a card was charged for a visit that is %s", v.Status)
			}
		}
		if got := money.Cents(p.stripe.AmountReceived); got > v.Quote.Amount && got > p.payment.Amount {
			w.Errorf("payment %s of %s was charged %s", p.payment.ID, p.payment.Amount, got)
		}
		if p.payment.Collected > 0 && p.stripe.AmountReceived != int64(p.payment.Collected) {
			w.Errorf("payment %s says %s was collected, Stripe %d", p.payment.ID, p.payment.Collected, p.stripe.AmountReceived)
		}
	}
	if taken > 1 && !w.byHand {
		w.Errorf("%d payments of one visit were charged", taken)
	}
	if (v.Status == visit.Answered || v.Status == visit.Closed) != (v.Document != "") {
		w.Errorf("a visit that is %s has document %q", v.Status, v.Document)
	}
}

// proven checks, once all is quiet, that a visit's money and document are as
// its end calls for, and returns its payments. Nothing is taken from counters:
// both sides are read anew.
func (w *world) proven(id string) []paid {
	w.Helper()
	v := w.visit(id)
	ps := w.payments(v)
	w.alwaysTrueOf(v, ps)
	collected := 0
	for _, p := range ps {
		w.agrees(p)
		stuck := p.payment.Why == billing.RefundFailed || p.payment.Withdrawn > 0 // what disputes have cannot be refunded
		if p.payment.Collected > p.payment.Refunded && !stuck {
			collected++
		}
		if over := p.payment.Collected - p.payment.Refunded - v.Fee(); !v.Times.Answered.IsZero() && !stuck && over > 0 {
			w.Errorf("payment %s keeps %s more than the fee of its answer, %s", p.payment.ID, over, v.Fee())
		}
		if c := p.payment.Collected; !v.Times.Answered.IsZero() && !w.byHand && c > 0 && c != v.Fee() {
			w.Errorf("payment %s collected %s for an answer of %s", p.payment.ID, c, v.Fee())
		}
		if p.payment.State == billing.Held && !v.Status.AwaitsAnswer() {
			w.Errorf("payment %s is still held for a visit that is %s", p.payment.ID, v.Status)
		}
		if p.payment.State == billing.Opened && v.Status != visit.AwaitingPayment && p.payment.SessionEnds.Before(w.now()) {
			w.Errorf("payment %s is still open", p.payment.ID)
		}
	}
	if collected > 0 && v.Times.Answered.IsZero() || collected > 1 {
		w.Errorf("a visit that is %s was charged %d times", v.Status, collected)
	}
	if v.Document != "" {
		w.documented(v)
	}
	return ps
}

// agrees checks one payment's state, ledger and object at Stripe against each
// other.
func (w *world) agrees(p paid) {
	w.Helper()
	b := ledger.Balances(p.entries)
	kinds := map[ledger.Kind]int{}
	for _, e := range p.entries {
		kinds[e.Kind]++
	}
	taken, fees := p.taken()
	cost, part := money.Cents(p.stripe.FeeCents-p.stripe.PlatformCents), money.Cents(p.stripe.PlatformCents)
	if b[ledger.StripeFees] != cost || p.payment.StripeFee != cost {
		w.Errorf("payment %s: the books say Stripe took %s, it says %s, Stripe %s", p.payment.ID, b[ledger.StripeFees], p.payment.StripeFee, cost)
	}
	if b[ledger.PlatformFees] != part || p.payment.PlatformFee != part {
		w.Errorf("payment %s: the books say the platform took %s, it says %s, Stripe %s", p.payment.ID, b[ledger.PlatformFees], p.payment.PlatformFee, part)
	}
	if whole := billing.PlatformPart(p.payment.Collected, p.payment.Platform); part > whole {
		w.Errorf("payment %s: the platform took %s of %s, of which its part is %s", p.payment.ID, part, p.payment.Collected, whole)
	}
	if net := money.Cents(p.stripe.AmountReceived-p.stripe.AmountRefunded) - taken - fees - cost - part; b[ledger.Stripe] != net {
		w.Errorf("payment %s: the books have %s at Stripe, Stripe has %s", p.payment.ID, b[ledger.Stripe], net)
	}
	refunded := b[ledger.Refunds]
	if refunded != p.payment.Refunded || refunded != money.Cents(p.stripe.AmountRefunded) {
		w.Errorf("payment %s: the books refund %s, it says %s, Stripe %d", p.payment.ID, refunded, p.payment.Refunded, p.stripe.AmountRefunded)
	}
	if b[ledger.Disputes] != taken || p.payment.Withdrawn != taken || b[ledger.DisputeFees] != fees || p.payment.DisputeFee != fees {
		w.Errorf("payment %s: the books say disputes have %s and cost %s, it says %s and %s, Stripe %s and %s", p.payment.ID,
			b[ledger.Disputes], b[ledger.DisputeFees], p.payment.Withdrawn, p.payment.DisputeFee, taken, fees)
	}
	w.followed(p)
	if kinds[ledger.Hold] > 1 || kinds[ledger.Capture]+kinds[ledger.Charge] > 1 || kinds[ledger.Release] > 1 {
		w.Errorf("payment %s has entries %v", p.payment.ID, kinds)
	}
	want := map[string][]billing.State{
		"":                        {billing.Opened, billing.Abandoned},
		"requires_payment_method": {billing.Opened, billing.Failed},
		"processing":              {billing.Processing},
		"requires_action":         {billing.Opened},
		"requires_capture":        {billing.Held},
		"succeeded":               {billing.Captured, billing.FullyRefunded, billing.Disputed, billing.ChargedBack},
		"canceled":                {billing.Released, billing.Lapsed, billing.Failed, billing.Abandoned},
	}[p.stripe.Status]
	if !slices.Contains(want, p.payment.State) {
		w.Errorf("payment %s is %s, at Stripe %q", p.payment.ID, p.payment.State, p.stripe.Status)
	}
	holds := money.Cents(0)
	if p.stripe.Status == "requires_capture" {
		holds = money.Cents(p.stripe.Amount)
	}
	if b[ledger.Holds] != holds {
		w.Errorf("payment %s: the books hold %s, Stripe %s", p.payment.ID, b[ledger.Holds], holds)
	}
}

// followed checks that a payment has the dispute that Stripe has, and that the practice's
// work says what is to be done about it.
func (w *world) followed(p paid) {
	w.Helper()
	if len(p.disputes) == 0 {
		if p.payment.Dispute.ID != "" {
			w.Errorf("payment %s has a dispute that Stripe does not: %+v", p.payment.ID, p.payment.Dispute)
		}
		return
	}
	d, here := p.disputes[len(p.disputes)-1], p.payment.Dispute
	if here.ID != d.ID || here.Status != d.Status || here.Due.Unix() != d.DueBy || here.Submissions != d.Submissions || int64(here.Amount) != d.Amount {
		w.Errorf("payment %s has the dispute %+v, Stripe has %+v", p.payment.ID, here, d)
	}
	waits := slices.ContainsFunc(w.open(work.Dispute), func(i work.Item) bool {
		return i.Payment == p.payment.ID && i.Due.Unix() == d.DueBy && (i.Note == work.Inquiry) == here.Inquiry()
	})
	if must := here.AwaitsAnswer() && w.now().Unix() < d.DueBy; waits != must {
		w.Errorf("payment %s: its dispute %+v is work %t, want %t", p.payment.ID, here, waits, must)
	}
}

// documented checks that the document exists and is the one committed.
func (w *world) documented(v visit.Visit) {
	w.Helper()
	c := w.as(v.By)
	doc, addendum, err := w.charts.ReadDocuments(w.ctx, c, v.ID)
	if err != nil {
		w.Errorf("document of %s: %v", v.ID, err)
		return
	}
	if hash(doc) != v.Document {
		w.Errorf("document of %s hashes to %s, committed %s", v.ID, hash(doc), v.Document)
	}
	if v.Addendum != "" && hash(addendum) != v.Addendum {
		w.Errorf("addendum of %s hashes to %s, committed %s", v.ID, hash(addendum), v.Addendum)
	}
	var d record.Document
	if err := json.Unmarshal(doc, &d); err != nil || d.Visit != v.ID || d.Conclusion.Reply == "" {
		w.Errorf("document of %s cannot be read: %v", v.ID, err)
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// balanced checks the whole account at Stripe once nothing is held or open.
func (w *world) balanced() {
	w.Helper()
	o := w.truth()
	if o.Held.Count != 0 || o.Holds.Cents != o.Captured.Cents+o.Released.Cents+o.Lapsed.Cents {
		w.Errorf("holds %+v are not captures %+v + releases %+v + lapses %+v; held %+v", o.Holds, o.Captured, o.Released, o.Lapsed, o.Held)
	}
}

// rows calls do with every row of the table.
func (w *world) rows(do func(item)) {
	w.Helper()
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		out, err := pages.NextPage(w.ctx)
		if err != nil {
			w.Fatalf("scan: %v", err)
		}
		for _, i := range out.Items {
			do(i)
		}
	}
}

// handled checks that every event is done, but those of the kinds named, which
// must be parked and somebody's work.
func (w *world) handled(but ...outbox.Kind) {
	w.Helper()
	w.rows(func(i item) {
		if !strings.HasPrefix(attr(i, "pk"), "OUTBOX#") {
			return
		}
		d, err := outbox.Read(func(name string) string { return attr(i, name) })
		switch {
		case err != nil:
			w.Errorf("event %s: %v", attr(i, "sk"), err)
		case !d.Done.IsZero():
		case !d.Armed && d.Tries == 0 && !d.Due.IsZero(): // for later
		case !slices.Contains(but, d.Kind):
			w.Errorf("event %s is not done: parked %t, %s after %d tries", d.Kind, d.Parked, d.Note, d.Tries)
		case !d.Parked || !w.isWork(d):
			w.Errorf("event %s is parked %t, and there is no work item of it", d.Kind, d.Parked)
		}
	})
}

// isWork reports whether some practice, or the platform, is to look into a
// parked event.
func (w *world) isWork(d outbox.Delivery) bool {
	w.Helper()
	for _, practice := range []string{"lakeside", "harbor", audit.Platform} {
		for _, i := range w.work(practice) {
			if i.Event == d.ID && i.Kind == work.EventParked && i.Note == d.Note && i.Pool == identity.OfficePool && !i.Due.IsZero() {
				return true
			}
		}
	}
	return false
}

// work lists a practice's open items.
func (w *world) work(practice string) []work.Item {
	w.Helper()
	all, err := w.tape.Work(w.ctx, practice)
	if err != nil {
		w.Fatalf("work: %v", err)
	}
	return all
}
