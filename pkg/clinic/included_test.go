package clinic_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/visit"
)

// byMembership answers all of uti-women, to be paid by the membership.
var byMembership = with(urinary, said{"payment-route": []string{"membership"}})

// claims is a draft of Jane's who says that her membership pays.
func (w *world) claims() string {
	w.Helper()
	id := w.starts(jane, "uti-women", "")
	w.saves(jane, id, byMembership)
	return id
}

// quoted checks what a draft of Jane's is offered for, and returns the quote's id.
func (w *world) quoted(id string, basis billing.Basis, caveat billing.Caveat) string {
	w.Helper()
	q := w.prices(jane, id).Quote
	amount := map[billing.Basis]int64{billing.Fee: 40_00, billing.ByMember: 0}[basis]
	if q.Basis != basis || q.Caveat != caveat || int64(q.Amount) != amount {
		w.Errorf("quoted %s as %s, %q; want %d as %s, %q", q.Amount, q.Basis, q.Caveat, amount, basis, caveat)
	}
	return q.ID
}

// includes sends a visit of Jane's that her membership includes.
func (w *world) includes() string {
	w.Helper()
	id := w.claims()
	if s := w.submits(jane, id, w.quoted(id, billing.ByMember, "")); s.Page != "" || s.Visit.Status != visit.Queued {
		w.Fatalf("sent: %+v", s)
	}
	return id
}

// sendsBeside sends a request of Jane's, beside whichever of hers she is told is underway. At most so many
// are sent meanwhile.
func (w *world) sendsBeside(id, quote string, meanwhile int) error {
	s := request.Submission{Quote: quote, Consent: "2026-01", Language: "en"}
	for {
		other, err := w.request.UnderwayBeside(w.ctx, w.as(jane), w.visit(id))
		if err != nil {
			return err
		}
		s.Beside = other.ID
		err = w.sending(jane, id, s)
		f, _ := fault.Public(err)
		if meanwhile--; f == nil || f.Code != "already_underway" || meanwhile < 0 {
			return err
		}
	}
}

// used checks how many included visits of Jane's year are used.
func (w *world) used(want int) {
	w.Helper()
	_, counts, err := w.tape.Included(w.ctx, jane)
	n := 0
	for _, c := range counts {
		n += len(c.Uses)
	}
	if err != nil || n != want {
		w.Errorf("%d included visits are used, %v; want %d", n, err, want)
	}
}

// A member's visit is sent and answered without a card, as often as the year includes; then the posted
// fee is quoted, with why. Sent again, it is counted once.
func TestIncluded_UntilUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(stripesim.CardSuccess)
	id := w.includes()
	w.submits(jane, id, w.visit(id).Quote.ID)
	w.used(1)
	w.settle()
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if v := w.stands(id, visit.Answered); v.Payment != "" || v.Owed || v.Fee() != 0 {
		t.Errorf("answered: %+v", v)
	}
	w.includes()
	w.used(2)
	last := w.claims()
	if s := w.submits(jane, last, w.quoted(last, billing.Fee, billing.MembershipUsed)); s.Page == "" {
		t.Errorf("a third visit is sent without a card: %+v", s)
	}
	w.used(2)
	w.settle()
	w.handled()
}

// Of two at once for the last included visit one is covered; the other is told, not sent, and quoted
// the posted fee.
func TestIncluded_TwoForTheLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.member(stripesim.CardSuccess)
	w.includes()
	ids := []string{w.claims(), w.claims(), w.claims()}
	quotes := make([]string, len(ids))
	for i, id := range ids {
		quotes[i] = w.quoted(id, billing.ByMember, "")
	}
	failures := make([]error, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			failures[i] = w.insist("submit", func() error { return w.sendsBeside(id, quotes[i], len(ids)) })
		})
	}
	all.Wait()
	sent := 0
	for i, id := range ids {
		if failures[i] == nil {
			w.stands(id, visit.Queued)
			sent++
			continue
		}
		if f, _ := fault.Public(failures[i]); f.Code != "quote_replaced" || !strings.Contains(f.Text, "are used") {
			t.Errorf("told %v", failures[i])
		}
		w.stands(id, visit.Draft)
		w.quoted(id, billing.Fee, billing.MembershipUsed)
	}
	if sent != 1 {
		t.Errorf("%d of %d were covered", sent, len(ids))
	}
	w.used(2)
	w.settle()
	w.handled()
}

// A membership has an included visit back if the request ends without an answer, however it ends and
// whichever call is lost. An answered one stays counted.
func TestIncluded_GivenBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string){
		"Cancelled": func(w *world, id string) { w.cancels(id) },
		"Declined": func(w *world, id string) {
			w.takes(ana, id)
			w.does("decline", func() error {
				_, err := w.desk.TurnAway(w.ctx, w.as(ana), id, visit.Declined, visit.NotSuitable, "Please come in.")
				return err
			})
		},
		"Expired": func(w *world, _ string) {
			w.pass(49 * time.Hour)
			w.minute()
		},
	} {
		for _, l := range append([]loss{nothing}, losses...) {
			t.Run(name+"/"+string(l), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.member(stripesim.CardSuccess)
				kept, gone := w.includes(), w.includes()
				w.settle()
				w.takes(ana, kept)
				w.answers(kept)
				w.settle()
				w.used(2)
				w.trouble.order(commits, 2, l)
				end(w, gone)
				w.settle()
				w.trouble.heal()
				w.pass(time.Hour)
				w.minute()
				w.settle()
				w.used(1)
				w.includes()
				w.used(2)
			})
		}
	}
}

// Without a membership that pays, the posted fee is quoted with the reason; with one that has begun
// since, nothing is.
func TestIncluded_Reasons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sells()
	id := w.claims()
	w.quoted(id, billing.Fee, billing.NoMembership)
	m := w.enrols()
	w.quoted(id, billing.Fee, billing.MembershipPending)
	w.subscribes(m, stripesim.CardSuccess)
	w.settle()
	w.holds(m.ID, membership.Active)
	w.quoted(id, billing.ByMember, "")

	other := w.starts(jane, "admin-request", "")
	w.saves(jane, other, with(records, said{"payment-route": []string{"membership"}}))
	if q := w.prices(jane, other).Quote; q.Amount != 15_00 || q.Caveat != billing.MembershipNotThis {
		t.Errorf("a request that is not included is quoted as %+v", q)
	}
	if own := w.draft(); w.prices(jane, own).Quote.Amount != 40_00 {
		t.Error("who says that they pay themselves is covered")
	}
	w.unsubscribed(m.ID)
	w.quoted(id, billing.Fee, billing.NoMembership)
}
