package clinic_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// discounts gives Jane a discount until the end of this month.
func (w *world) discounts(percent int) {
	w.Helper()
	_, err := w.registrar.GiveDiscount(w.ctx, w.as(sam), jane, registrar.Discounting{
		Percent: percent, Reason: identity.Hardship, Last: civil.Date(2026, time.March, 31),
	})
	if err != nil {
		w.Fatalf("discount: %v", err)
	}
	w.forgets()
}

// A discount is taken off what is saved, quoted, held and charged, and the quote says why;
// the price of who answers is discounted alike.
func TestDiscount_SlidingScale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.practice(func(p *practice.Practice) {
		p.KindPrices = billing.KindPriceList{"uti-women": {coding.Physician: 30_00}}
	})
	w.discounts(60)
	id := w.starts(jane, "uti-women", "")
	saved := w.saves(jane, id, urinary)
	o := w.prices(jane, id)
	if q := o.Quote; q.ID != saved.Visit.Quote.ID || q.Amount != 16_00 || q.Listed != 40_00 || q.Percent != 60 || q.Basis != billing.SlidingScale || q.FeeOf(coding.Physician) != 12_00 {
		t.Fatalf("quoted: %+v; saved with %+v", q, saved.Visit.Quote)
	}
	if _, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: o.Quote.ID, Consent: "2026-01", Language: "en"}); err != nil {
		t.Fatal(err)
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	if q := w.stands(id, visit.Queued).Quote; q.Listed != 40_00 || q.Percent != 60 {
		t.Errorf("stored as %+v", q)
	}
	if o := w.truth(); o.Held.Cents != 16_00 {
		t.Errorf("held: %+v", o.Held)
	}
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if o := w.truth(); o.Captured.Cents != 12_00 {
		t.Errorf("captured: %+v", o.Captured)
	}
	w.proven(id)
	w.balanced()
}

// A waived request needs no card: it is queued as soon as it is sent, and answered for
// nothing. So is one of which less is left than a card can be charged.
func TestDiscount_NothingToPay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		price   money.Cents
		percent int
		basis   billing.Basis
	}{
		"Waiver":          {40_00, 100, billing.Waiver},
		"TooLittleIsLeft": {40_00, 99, billing.SlidingScale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.practice(func(p *practice.Practice) { p.Prices["uti-women"] = test.price })
			w.discounts(test.percent)
			id := w.draft()
			o := w.prices(jane, id)
			if o.Quote.Amount != 0 || o.Quote.Basis != test.basis || o.Quote.Listed != test.price {
				t.Fatalf("quoted: %+v", o.Quote)
			}
			sent := w.submits(jane, id, o.Quote.ID)
			if v := w.stands(id, visit.Queued); sent.Page != "" || len(v.Payments) != 0 {
				t.Errorf("there is something to pay: %+v, %v", sent.Page, v.Payments)
			}
			w.takes(ana, id)
			w.answers(id)
			w.settle()
			if v := w.stands(id, visit.Answered); v.Owed || v.Fee() != 0 {
				t.Errorf("the fee is %s, owed %t", v.Fee(), v.Owed)
			}
			w.acknowledges(jane, id)
			w.stands(id, visit.Closed)
			w.balanced()
		})
	}
}

// A discount holds from its first day to its last, in the practice's zone. One that is
// given or taken back while a request is filled in is in the next quote; a quote that was
// given before can still be accepted.
func TestDiscount_Time(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quoted := func(when string, want money.Cents) {
		t.Helper()
		w.forgets()
		if q := w.prices(jane, w.draft()).Quote; q.Amount != want {
			t.Errorf("%s: %s, want %s", when, q.Amount, want)
		}
	}
	give := func(first, last civil.Day) {
		t.Helper()
		if _, err := w.registrar.GiveDiscount(w.ctx, w.as(ada), jane, registrar.Discounting{Percent: 50, Reason: identity.Uninsured, First: first, Last: last}); err != nil {
			t.Fatal(err)
		}
	}
	id := w.draft()
	before := w.prices(jane, id).Quote
	give(civil.Date(2026, 3, 4), civil.Date(2026, 3, 5))
	quoted("before the first day", 40_00)
	w.until(time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)) // midnight in Los Angeles
	quoted("on the first day", 20_00)
	if q := w.prices(jane, id).Quote; q.Amount != 20_00 || q.ID == before.ID {
		t.Errorf("a request that was begun before: %+v", q)
	}
	w.until(time.Date(2026, 3, 6, 7, 59, 0, 0, time.UTC))
	last := w.draft()
	quote := w.prices(jane, last).Quote
	if quote.Amount != 20_00 {
		t.Errorf("on the last day: %+v", quote)
	}
	w.until(time.Date(2026, 3, 6, 8, 0, 0, 0, time.UTC))
	quoted("after the last day", 40_00)
	if v := w.submits(jane, last, quote.ID).Visit; v.Quote.Amount != 20_00 {
		t.Errorf("the quote of the last day, accepted: %+v", v.Quote)
	}
	give(civil.Day{}, civil.Date(2026, 3, 31))
	draft := w.draft()
	if q := w.prices(jane, draft).Quote; q.Amount != 20_00 {
		t.Errorf("given again: %+v", q)
	}
	if p, err := w.registrar.EndDiscount(w.ctx, w.as(ada), jane); err != nil || p.Discount.Percent != 0 {
		t.Fatalf("taken back: %+v, %v", p.Discount, err)
	}
	if q := w.prices(jane, draft).Quote; q.Amount != 40_00 || q.Basis != billing.Fee || q.Listed != 0 {
		t.Errorf("taken back: %+v", q)
	}
}

// Staff and administrators of the patient's practice give discounts, and nobody else. The
// same again changes nothing; everything wrong is named; all of it is in the log.
func TestDiscount_ByWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	given := registrar.Discounting{Percent: 50, Reason: identity.Amends, Last: civil.Date(2026, 3, 31)}
	for who, code := range map[string]string{jane: "denied", elena: "not_found", ana: "not_found", nora: "not_found", hana: "not_found", omar: "not_found"} {
		_, err := w.registrar.GiveDiscount(w.ctx, w.as(who), jane, given)
		w.refused(err, code)
		_, err = w.registrar.EndDiscount(w.ctx, w.as(who), jane)
		w.refused(err, code)
	}
	_, err := w.registrar.GiveDiscount(w.ctx, w.as(sam), jane, registrar.Discounting{})
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 3 {
		t.Errorf("an empty one: %v", err)
	}
	_, err = w.registrar.GiveDiscount(w.ctx, w.as(sam), jane, registrar.Discounting{Percent: 50, Reason: identity.Amends, Last: civil.Date(9999, 12, 31)})
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 1 || !strings.HasPrefix(f.Problems[0].Text, "Give a last day within a year") {
		t.Errorf("one for ever: %v, %+v", err, f)
	}
	first, err := w.registrar.GiveDiscount(w.ctx, w.as(sam), jane, given)
	if err != nil || first.Discount.By != sam {
		t.Fatalf("given: %+v, %v", first.Discount, err)
	}
	w.pass(time.Hour)
	again, err := w.registrar.GiveDiscount(w.ctx, w.as(ada), jane, given)
	if err != nil || again.Version != first.Version {
		t.Errorf("given again: %+v, %v", again.Discount, err)
	}
	stale := w.as(sam)
	stale.Version = first.Version - 1
	given.Percent = 60
	_, err = w.registrar.GiveDiscount(w.ctx, stale, jane, given)
	w.refused(err, "stale")
	for range 2 {
		if _, err := w.registrar.EndDiscount(w.ctx, w.as(sam), jane); err != nil {
			t.Errorf("taken back: %v", err)
		}
	}
	var log []string
	for _, r := range w.logOf("lakeside") {
		if strings.HasPrefix(r.Action, string(identity.GiveDiscounts)) {
			log = append(log, strings.TrimSpace(r.Actor.ID+" "+r.Action+" "+string(r.Outcome)))
		}
	}
	slices.Sort(log)
	want := []string{
		"ana-rivera discount.give refused", "jane-smith discount.give refused", "nora-patel discount.give refused",
		"sam-lee discount.give:ended", "sam-lee discount.give:given",
	}
	log = slices.DeleteFunc(log, func(line string) bool {
		return strings.HasPrefix(line, elena) || strings.HasPrefix(line, hana) || strings.HasPrefix(line, omar)
	})
	if !slices.Equal(log, want) {
		t.Errorf("the log has %q, want %q", log, want)
	}
}
