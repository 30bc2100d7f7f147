package claim_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/claim"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
)

// legal is every change of state there may ever be.
var legal = map[claim.State]string{
	claim.Embargoed: "held ready closed",
	claim.Held:      "ready closed rejected accepted paid denied reversed",
	claim.Ready:     "held batched closed rejected accepted paid denied reversed",
	claim.Batched:   "ready sent received accepted rejected paid denied voided",
	claim.Sent:      "received accepted rejected paid denied voided closed",
	claim.Received:  "accepted rejected paid denied voided closed",
	claim.Accepted:  "rejected held paid denied voided closed",
	claim.Rejected:  "received accepted held paid denied reversed voided closed",
	claim.Paid:      "denied reversed appealed held voided closed",
	claim.Denied:    "paid reversed appealed held voided closed",
	claim.Reversed:  "paid denied held voided closed",
	claim.Appealed:  "paid denied reversed held voided closed",
	claim.Voided:    "",
	claim.Closed:    "paid denied reversed voided",
}

// A deed is one thing that is done to a claim. Done again, it changes nothing, unless it is once.
type deed struct {
	name string
	once bool
	do   func(claim.Claim) (claim.Claim, error)
}

// A life is a claim under way: the number of files so far, and the time.
type life struct {
	claim claim.Claim
	files int
	now   time.Time
	m     maker
}

// heard turns an answer, which is never refused, into a deed.
func heard(name string, hear func(claim.Claim) (claim.Claim, claim.Effect)) deed {
	return deed{name: name, do: func(c claim.Claim) (claim.Claim, error) {
		next, _ := hear(c)
		return next, nil
	}}
}

// deeds are what may happen next: to people, files, acknowledgments and remittances.
func (l *life) deeds(t *rapid.T) []deed {
	attempt := rapid.IntRange(1, len(l.claim.Attempts)+1).Draw(t, "attempt")
	file := rapid.IntRange(1, l.files+1).Draw(t, "file")
	verdict := rapid.SampledFrom([]ack.Verdict{ack.Accepted, ack.Accepted, ack.AcceptedWithErrors, ack.Rejected}).Draw(t, "verdict")
	status := rapid.SampledFrom([]string{"A1:19", "A2:20", "A2:20", "A7:562:85", "F1:1"}).Draw(t, "status")
	r := report(control(attempt), status)
	r.PayerControl = rapid.SampledFrom([]string{"", "PAYERCTRL001"}).Draw(t, "payer control")
	now := l.now
	all := append(l.practice(t),
		heard("hear TA1", func(c claim.Claim) (claim.Claim, claim.Effect) {
			return c.HearFile(interchange(file, verdict, "000"), now)
		}),
		heard("hear 999", func(c claim.Claim) (claim.Claim, claim.Effect) { return c.HearGroup(group(file, verdict), now) }),
		heard("hear 277CA", func(c claim.Claim) (claim.Claim, claim.Effect) { return c.HearReport(r, now) }))
	trace := rapid.SampledFrom([]string{"1", "2", "3", "4", "5", "6"}).Draw(t, "trace")
	for name, p := range l.statements(t, attempt) {
		all = append(all, deed{name: "post " + name, do: func(c claim.Claim) (claim.Claim, error) {
			next, _, err := c.Post(remittance(trace), p, now)
			return next, err
		}})
	}
	slices.SortFunc(all, func(a, b deed) int { return strings.Compare(a.name, b.name) })
	return all
}

// statements are what a payer may say of an attempt, sensible or not.
func (l *life) statements(t *rapid.T, attempt int) map[string]*p835.Claim {
	charge := money.Cents(30_00)
	if attempt <= len(l.claim.Attempts) {
		charge = l.claim.Attempts[attempt-1].Said.Charge()
	}
	paid := money.Cents(rapid.IntRange(0, 20).Draw(t, "paid")) * 1_00
	share := money.Cents(rapid.IntRange(-1, 20).Draw(t, "share")) * 1_00
	other := money.Cents(rapid.IntRange(0, 2).Draw(t, "other")) * 1_00
	payment := pays(attempt, paid, charge-paid-share-other, share, other)
	denied := pays(attempt, 0, charge-10_00, 10_00, 0)
	denied.Status = p835.Denied
	off := *payment
	off.Paid++
	all := map[string]*p835.Claim{"payment": payment, "denial": denied, "reversal of anything": reversal(payment), "off balance": &off}
	if n := len(l.claim.Posted); n > 0 {
		q := l.claim.Posted[rapid.IntRange(0, n-1).Draw(t, "posted")]
		if !q.Reversal {
			was := pays(q.Attempt, q.Paid, q.Contractual, q.Patient, q.Other)
			all["reversal"] = reversal(was)
		}
	}
	return all
}

// practice is what people of the practice do.
func (l *life) practice(t *rapid.T) []deed {
	now, names := l.now, parties()
	if rapid.IntRange(0, 3).Draw(t, "broken") == 0 {
		names.Patient.Home.Street = ""
	}
	o := outcome()
	o.Decision = rapid.SampledFrom([]coding.Decision{coding.Billable, coding.Billable, coding.Billable, coding.Held, coding.NotBillable}).Draw(t, "decision")
	if o.Decision == coding.Held {
		o.Asks = []coding.Ask{{Fact: coding.FactSeenAfter, Question: "Seen?"}}
	}
	charge := rapid.SampledFrom([]money.Cents{30_00, 25_00, 0}).Draw(t, "charge")
	why := rapid.SampledFrom([]claim.Why{claim.Settled, claim.WrittenOff, claim.Withdrawn, claim.Restricted}).Draw(t, "why")
	return []deed{
		{name: "code", do: func(c claim.Claim) (claim.Claim, error) { return c.Coded(o, charge, zone, now) }},
		{name: "amend", do: func(c claim.Claim) (claim.Claim, error) { return c.Amend(amendment(c, charge), now) }},
		{name: "review", do: func(c claim.Claim) (claim.Claim, error) { return c.Review(names, book(l.m), now) }},
		{name: "confirm", do: func(c claim.Claim) (claim.Claim, error) { return c.Confirm("diagnoses/0", "unspecified", "staff", now) }},
		{name: "build", once: true, do: func(c claim.Claim) (claim.Claim, error) {
			p := parcel(c)
			p.Submissions[0].Parties = names
			_, next, err := p.Build(sender, "Clearinghouse", numbers(l.files+1), book(l.m), now)
			if len(next) == 1 {
				return next[0], nil // held, though there is no file
			}
			return c, err
		}},
		{name: "send", do: func(c claim.Claim) (claim.Claim, error) { return c.MarkSent(now) }},
		{name: "discard", do: func(c claim.Claim) (claim.Claim, error) { return c.Discard(now) }},
		{name: "resend", do: func(c claim.Claim) (claim.Claim, error) { return c.Resend(now) }},
		{name: "replace", do: func(c claim.Claim) (claim.Claim, error) { return c.Replace(now) }},
		{name: "void", do: func(c claim.Claim) (claim.Claim, error) { return c.Void(now) }},
		{name: "abandon", do: func(c claim.Claim) (claim.Claim, error) { return c.Abandon(now), nil }},
		{name: "appeal", do: func(c claim.Claim) (claim.Claim, error) { return c.Appeal(now) }},
		{name: "close", do: func(c claim.Claim) (claim.Claim, error) { return c.Close(why, "staff", now) }},
		{name: "restrict", do: func(c claim.Claim) (claim.Claim, error) { return c.Restrict(now) }},
	}
}

// onward is the next deed of a claim that goes on: chance alone would seldom take one to its end.
var onward = map[claim.State][]string{
	claim.Embargoed: {"code", "review"}, claim.Held: {"code", "review"}, claim.Ready: {"build"}, claim.Batched: {"send"},
	claim.Sent: {"hear 999", "hear 277CA"}, claim.Received: {"hear 277CA"}, claim.Accepted: {"post payment", "post denial"},
	claim.Rejected: {"resend"}, claim.Denied: {"replace", "appeal", "post reversal"}, claim.Paid: {"post reversal", "void", "replace", "close"},
	claim.Appealed: {"post payment"}, claim.Reversed: {"post payment", "replace"}, claim.Closed: {"post reversal"},
}

// Whatever happens to a claim, in any order and number: it stays legal, and its money adds up.
func TestClaim_RandomEventsStayLegal(t *testing.T) {
	t.Parallel()
	reached, from := map[claim.State]bool{}, maker{t}.each()
	for range 8 {
		rapid.Check(t, func(r *rapid.T) { live(r, maker{t}, from, reached) })
	}
	for s := range legal {
		if !reached[s] {
			t.Errorf("%s was never reached: the events are too timid to prove anything", s)
		}
	}
}

// live leads a claim on from its opening, or from where one of those stands.
func live(t *rapid.T, m maker, from map[string]claim.Claim, reached map[claim.State]bool) {
	l := &life{claim: m.opened(), now: answered, m: m}
	if rapid.Bool().Draw(t, "on its way") {
		l.claim, l.files, l.now = from[rapid.SampledFrom(slices.Sorted(maps.Keys(from))).Draw(t, "from")], 2, at(60, 8)
	}
	next := func(t *rapid.T) {
		all := slices.DeleteFunc(l.deeds(t), func(d deed) bool { return !slices.Contains(onward[l.claim.State], d.name) })
		if len(all) > 0 {
			l.happen(t, rapid.SampledFrom(all).Draw(t, "deed"))
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"wait": func(t *rapid.T) {
			l.now = l.now.Add(rapid.SampledFrom([]time.Duration{time.Minute, 26 * time.Hour, 16 * 24 * time.Hour}).Draw(t, "for"))
		},
		"event":        func(t *rapid.T) { l.happen(t, rapid.SampledFrom(l.deeds(t)).Draw(t, "deed")) },
		"event onward": next,
		"and onward":   next,
		"": func(t *rapid.T) {
			reached[l.claim.State] = true
			consistent(t, l.claim)
		},
	})
}

// happen does d, twice, and holds what comes of it against what was.
func (l *life) happen(t *rapid.T, d deed) {
	before, image := l.claim, stored(t, l.claim)
	next, err := d.do(before)
	if stored(t, before) != image {
		t.Fatalf("%s changes the claim that it was done to", d.name)
	}
	changed := stored(t, next) != image
	switch {
	case err != nil && changed:
		t.Fatalf("%s is refused and changes the claim", d.name)
	case changed != (next.Version == before.Version+1), !changed && next.Version != before.Version:
		t.Fatalf("%s makes version %d of %d, changed %t", d.name, next.Version, before.Version, changed)
	case next.State != before.State && !slices.Contains(strings.Fields(legal[before.State]), string(next.State)):
		t.Fatalf("%s makes a claim that is %s %s", d.name, before.State, next.State)
	}
	if _, shown := fault.Public(err); err != nil && !shown {
		t.Fatalf("%s: %v", d.name, err)
	}
	if again, err := d.do(next); !d.once && err == nil && again.Version != next.Version {
		t.Fatalf("%s, repeated, makes version %d of %d", d.name, again.Version, next.Version)
	}
	if next.State == claim.Batched && before.State == claim.Ready {
		l.files++
		l.mayGoOut(t, before)
	}
	for i := range min(len(before.Attempts), len(next.Attempts)) {
		a, b := before.Attempts[i], next.Attempts[i]
		if !a.File.At.IsZero() && (a.File != b.File || !a.Sent.IsZero() && !a.Sent.Equal(b.Sent)) {
			t.Fatalf("%s changes the file or the sending of attempt %d", d.name, i+1)
		}
	}
	l.claim = next
}

func stored(t *rapid.T, c claim.Claim) string {
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mayGoOut: no claim goes out before its release, and no original while one before it may be with
// the payer.
func (l *life) mayGoOut(t *rapid.T, c claim.Claim) {
	if l.now.Before(c.Release) {
		t.Fatalf("in a file before its release")
	}
	n := len(c.Attempts) - 1
	for _, a := range c.Attempts[:n] {
		refused := a.Heard == claim.FileRefused || a.Heard == claim.FormRefused || a.Heard == claim.TurnedBack
		if c.Attempts[n].Frequency == p837.Original && !a.Discarded && !refused {
			t.Fatalf("an original is sent again though the payer may have one: %+v", c.Attempts)
		}
	}
}

// consistent: what a claim says of itself agrees.
func consistent(t *rapid.T, c claim.Claim) {
	b := c.Books()
	if b.Billed != b.Paid+b.Share+b.WrittenOff+b.Open || b.Paid < 0 || b.Share < 0 || b.Paid+b.Share > b.Billed {
		t.Fatalf("%s: books %+v", c.State, b)
	}
	var paid money.Cents
	keys := map[claim.Key]bool{}
	for _, p := range c.Posted {
		paid += p.Paid
		if keys[p.Key] {
			t.Fatalf("posted twice: %+v", p.Key)
		}
		keys[p.Key] = true
		if p.Charge != p.Paid+p.Contractual+p.Patient+p.Other || p.Charge > c.Attempts[p.Attempt-1].Said.Charge() {
			t.Fatalf("posted %+v", p.Amounts)
		}
	}
	if paid != b.Paid {
		t.Fatalf("%s: remittances paid %s, the books have %s", c.State, paid, b.Paid)
	}
	current, inFile := c.Attempts[len(c.Attempts)-1], 0
	for i, a := range c.Attempts {
		if !a.File.At.IsZero() {
			inFile = i + 1
		}
		if c.Ended.Why == claim.Restricted && !a.Sent.IsZero() {
			t.Fatal("sent, and no plan was to be told")
		}
	}
	if c.State.Unsent() != (current.File.At.IsZero() && c.State != claim.Closed) || len(c.Attempts)-inFile > 1 {
		t.Fatalf("%s with attempts %+v", c.State, c.Attempts)
	}
	if (c.State == claim.Closed) == c.Ended.At.IsZero() {
		t.Fatalf("%s, ended %+v", c.State, c.Ended)
	}
	for _, captured := range []money.Cents{0, 5_00, 10_00, 40_00} {
		s := c.Settle(captured)
		if !s.Open && (s.Share != captured-s.Refund+s.Ask+s.Above+s.Small || s.Refund > captured || s.Refund > 0 && s.Ask > 0 || s.Ask > 0 && captured+s.Ask > c.UpTo) {
			t.Fatalf("captured %s: %+v", captured, s)
		}
		if s.Open && s != (claim.Settlement{Open: true}) {
			t.Fatalf("open: %+v", s)
		}
	}
}
