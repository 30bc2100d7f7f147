package clinic_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
)

// byPlan answers all of uti-women, to be paid by the health plan.
var byPlan = with(urinary, said{"payment-route": []string{"insurance"}})

// contracts enters a contract of Lakeside with cascade, of a fixed share.
func (w *world) contracts(code string, share money.Cents) billing.Contract {
	w.Helper()
	c, err := w.author.EnterContract(w.ctx, w.as(ada), billing.Contract{Payer: cascade.ID, Code: code, From: civil.Date(2026, 1, 1), Rate: 80_00, Copay: share})
	if err != nil {
		w.Fatalf("contract: %v", err)
	}
	return c
}

// planned is a draft of Jane's who says that her health plan pays.
func (w *world) planned() string {
	w.Helper()
	id := w.starts(jane, "uti-women", "")
	w.saves(jane, id, byPlan)
	return id
}

// The patient is quoted the largest share, and that is held. The share of the code by which the clinician's
// kind bills is charged.
func TestPlanShare_HeldAndCharged(t *testing.T) {
	t.Parallel()
	for who, want := range map[string]money.Cents{ana: 15_00, ben: 9_00} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			w := insured(t)
			w.benIs(coding.PhysicalTherapist)
			w.contracts("99422", 25_00)
			w.contracts("99421", 15_00)
			w.contracts("98970", 9_00)
			w.covers(w.as(jane), jane, ownCard())
			id := w.planned()
			q := w.prices(jane, id).Quote
			if q.Basis != billing.PlanShare || q.Amount != 15_00 || q.FeeOf(coding.PhysicalTherapist) != 9_00 || q.Plan.UpTo != 25_00 || q.Plan.Name != cascade.Name || q.Caveat != "" {
				t.Fatalf("quoted %+v", q)
			}
			w.submits(jane, id, q.ID)
			w.pays(id, stripesim.CardSuccess)
			w.settle()
			stored := w.stands(id, visit.Queued).Quote
			if diff := cmp.Diff(q, stored); diff != "" {
				t.Errorf("stored otherwise (-quoted +stored):\n%s", diff)
			}
			if o := w.truth(); o.Held.Cents != 15_00 {
				t.Errorf("held: %+v", o.Held)
			}
			w.takes(who, id)
			w.answersFor(who, id, cystitis)
			w.settle()
			if p := w.latest(id); w.visit(id).Fee() != want || p.payment.Held != 15_00 || p.payment.Collected != want {
				t.Errorf("a fee of %s: %+v", w.visit(id).Fee(), p.payment)
			}
			w.proven(id)
			w.balanced()
			b, st, err := w.office.Statement(w.ctx, w.as(ada), statement.Question{})
			if err != nil {
				t.Fatal(err)
			}
			if of := st.Payers[cascade.ID]; of.Sums[statement.Collected] != want || b.Payers[cascade.ID] != cascade.Name || st.Ways[statement.ByPlan].Entries != of.Entries || st.Ways[statement.ByCard].Entries != 0 {
				t.Errorf("the statement has %+v of %v", of, b.Payers)
			}
			_, es, _, err := w.office.BookedEntries(w.ctx, w.as(ada), statement.Question{Payer: cascade.ID}, "", 10)
			if _, none, _, err2 := w.office.BookedEntries(w.ctx, w.as(ada), statement.Question{Payer: medicare.ID}, "", 10); len(es) != 2 || len(none) != 0 || err != nil || err2 != nil {
				t.Errorf("%d entries of the payer, %d of another; %v, %v", len(es), len(none), err, err2)
			}
		})
	}
}

// A share that no card can be charged needs none: the request is sent at once.
func TestPlanShare_TooLittleForACard(t *testing.T) {
	t.Parallel()
	w := insured(t)
	w.contracts("99421", 49)
	w.covers(w.as(jane), jane, ownCard())
	id := w.planned()
	q := w.prices(jane, id).Quote
	if !q.Free() || q.Basis != billing.PlanShare || !strings.Contains(q.Plan.Explain(), "too little") {
		t.Fatalf("quoted %+v", q)
	}
	if s := w.submits(jane, id, q.ID); s.Page != "" || s.Visit.Status != visit.Queued {
		t.Fatalf("sent as %+v", s)
	}
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if o := w.truth(); o.Holds.Cents != 0 || o.Captured.Cents != 0 {
		t.Errorf("%+v", o)
	}
	w.proven(id)
}

// What keeps a plan from paying is told with the posted fee, which a discount lowers, as it does not
// lower a share.
func TestPlanShare_PostedFeeWithCaveat(t *testing.T) {
	t.Parallel()
	w := insured(t)
	w.discounts(50)
	former := w.contracts("99423", 15_00)
	if _, err := w.author.RemoveContract(w.ctx, w.as(ada), former.ID()); err != nil {
		t.Fatal(err)
	}
	id := w.planned()
	offered := func(amount money.Cents, basis billing.Basis, caveat billing.Caveat) {
		t.Helper()
		if q := w.prices(jane, id).Quote; q.Amount != amount || q.Basis != basis || q.Caveat != caveat {
			t.Errorf("quoted %+v; want %s as %s, %q", q, amount, basis, caveat)
		}
	}
	offered(20_00, billing.SlidingScale, billing.PlanNotBilled)
	c := w.contracts("99421", 15_00)
	offered(20_00, billing.SlidingScale, billing.PlanUnknown)
	h := w.covers(w.as(jane), jane, ownCard())
	offered(15_00, billing.PlanShare, "")
	if _, err := w.registrar.EndCoverage(w.ctx, w.as(jane), jane, h.ID, civil.Date(2026, 3, 1)); err != nil {
		t.Fatal(err)
	}
	offered(20_00, billing.SlidingScale, billing.PlanEnded)
	w.practice(func(p *practice.Practice) { p.OptedOut = true })
	w.covers(w.as(jane), jane, medicareCard())
	offered(20_00, billing.SlidingScale, billing.PlanMedicare)
	w.practice(func(p *practice.Practice) { p.OptedOut = false })
	if _, err := w.request.Quote(w.ctx, w.as(jane), id); err == nil {
		t.Error("who has Medicare is quoted the fee")
	} else {
		w.refused(err, "medicare_covers")
	}
	w.practice(func(p *practice.Practice) { p.OptedOut = true })
	if _, err := w.author.RemoveContract(w.ctx, w.as(ada), c.ID()); err != nil {
		t.Fatal(err)
	}
	offered(20_00, billing.SlidingScale, billing.PlanMedicare)
	w.practice(func(p *practice.Practice) { p.OptedOut = false })

	papers := w.starts(jane, "admin-request", "")
	w.saves(jane, papers, with(records, said{"payment-route": []string{"insurance"}}))
	if q := w.prices(jane, papers).Quote; q.Basis != billing.SlidingScale || q.Caveat != billing.PlanNotThis {
		t.Errorf("paperwork is quoted %+v", q)
	}
}

// A contract that changes after the quote changes no quote that was made: it can be accepted until it expires. The next one has
// the new share.
func TestPlanShare_ContractChangedAfterQuote(t *testing.T) {
	t.Parallel()
	w := insured(t)
	c := w.contracts("99421", 15_00)
	w.covers(w.as(jane), jane, ownCard())
	id := w.planned()
	accepted := w.prices(jane, id).Quote
	w.contracts("99421", 35_00)
	if q := w.prices(jane, id).Quote; q.ID != accepted.ID || q.Amount != 15_00 {
		t.Errorf("the fresh quote was replaced by %+v", q)
	}
	w.pass(billing.QuoteLife - time.Minute)
	w.submits(jane, id, accepted.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	if o := w.truth(); w.stands(id, visit.Queued).Quote.Amount != 15_00 || o.Held.Cents != 15_00 {
		t.Errorf("held: %+v", o.Held)
	}
	other := w.planned()
	if q := w.prices(jane, other).Quote; q.Amount != 35_00 {
		t.Errorf("then quoted %+v", q)
	}
	if _, err := w.author.RemoveContract(w.ctx, w.as(ada), c.ID()); err != nil {
		t.Fatal(err)
	}
	if q := w.prices(jane, other).Quote; q.Amount != 40_00 || q.Caveat != billing.PlanNotBilled {
		t.Errorf("without a contract quoted %+v", q)
	}
}

// The contracts of one practice count at no other, whose patients are not asked whether a plan pays.
func TestPlanShare_OtherPracticesContract(t *testing.T) {
	t.Parallel()
	w := insured(t)
	if _, err := w.author.EnterContract(w.ctx, w.as("ruth-vance"), billing.Contract{Payer: cascade.ID, Code: "99421", From: civil.Date(2026, 1, 1), Rate: 80_00, Copay: 15_00}); err != nil {
		t.Fatal(err)
	}
	w.covers(w.as(jane), jane, ownCard())
	if q := w.prices(jane, w.planned()).Quote; q.Amount != 40_00 || q.Basis != billing.Fee || q.Caveat != "" {
		t.Errorf("quoted %+v", q)
	}
}

func medicareCard() coverage.Card {
	return coverage.Card{Payer: medicare.ID, Member: "1EG4-TE5-MK73", Relation: coverage.Self, Priority: 2}
}

// Whoever has Medicare is charged no fee for what it covers, however they say that they pay, and whenever the
// plan was entered; by a contract they pay their share.
func TestMedicare_NoFee(t *testing.T) {
	t.Parallel()
	w := insured(t)
	w.contracts("99421", 15_00)
	early := w.starts(jane, "uti-women", "")
	w.saves(jane, early, with(urinary, said{"payment-route": []string{"self-pay"}}))
	accepted := w.prices(jane, early).Quote
	w.covers(w.as(jane), jane, medicareCard())
	_, err := w.request.Submit(w.ctx, w.as(jane), early, request.Submission{Quote: accepted.ID, Consent: "2026-01", Language: "en"})
	w.refused(err, "medicare_covers")
	if v := w.visit(early); v.Status != visit.Draft {
		t.Errorf("the refused request is %s", v.Status)
	}
	for _, how := range []string{"self-pay", "insurance"} {
		id := w.starts(jane, "uti-women", "")
		w.saves(jane, id, with(urinary, said{"payment-route": []string{how}}))
		if v := w.visit(id); v.Quote.ID != "" {
			t.Errorf("%s was priced at %s by saving", how, v.Quote.Amount)
		}
		_, err := w.request.Quote(w.ctx, w.as(jane), id)
		w.refused(err, "medicare_covers")
	}
	if _, err := w.author.EnterContract(w.ctx, w.as(ada), billing.Contract{Payer: medicare.ID, Code: "99421", From: civil.Date(2026, 1, 1), Rate: 15_00, Percent: 20}); err != nil {
		t.Fatal(err)
	}
	_, err = w.request.Quote(w.ctx, w.as(jane), early)
	w.refused(err, "medicare_covers")
	if !strings.Contains(err.Error(), "Say that your health plan pays") {
		t.Errorf("refused with %v", err)
	}
	if q := w.prices(jane, w.planned()).Quote; q.Basis != billing.PlanShare || q.Amount != 3_00 {
		t.Errorf("by the contract quoted %+v", q)
	}
	if o := w.truth(); o.Holds.Cents != 0 {
		t.Errorf("held: %+v", o)
	}
	w.practice(func(p *practice.Practice) { p.OptedOut = true })
	if q := w.prices(jane, w.planned()).Quote; q.Basis != billing.Fee || q.Amount != 40_00 || q.Caveat != billing.PlanMedicare {
		t.Errorf("after opting out quoted %+v", q)
	}
	w.practice(func(p *practice.Practice) { p.OptedOut = false })
	w.discounts(100)
	if q := w.prices(jane, early).Quote; q.Basis != billing.Waiver || q.Amount != 0 {
		t.Errorf("who is waived the fee is quoted %+v", q)
	}
	if q := w.prices(jane, w.planned()).Quote; q.Basis != billing.PlanShare || q.Amount != 3_00 {
		t.Errorf("with a waiver of the fee, the share is quoted as %+v", q)
	}
}

// What Medicare allows has its share, and its hospital part has none.
func TestContract_OfMedicare(t *testing.T) {
	t.Parallel()
	w := insured(t)
	_, err := w.author.EnterContract(w.ctx, w.as(ada), billing.Contract{Payer: medicare.ID, Code: "99421", From: civil.Date(2026, 1, 1), Rate: 15_00, Percent: 19})
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 1 || f.Problems[0].Where != "/percent" {
		t.Errorf("another share than 20 %%: %v", err)
	}
}

// A share that is asked for once the plan has said what it is holds no card, and charges none for the answer; the claim is
// somebody's work.
func TestPlanShare_Later(t *testing.T) {
	t.Parallel()
	w := insured(t)
	c := billing.Contract{Payer: cascade.ID, Code: "99421", From: civil.Date(2026, 1, 1), Rate: 80_00, Copay: 15_00, Later: true}
	if _, err := w.author.EnterContract(w.ctx, w.as(ada), c); err != nil {
		t.Fatal(err)
	}
	w.covers(w.as(jane), jane, ownCard())
	id := w.planned()
	q := w.prices(jane, id).Quote
	if !q.Free() || q.Basis != billing.PlanShare || !q.Plan.Later || q.Plan.UpTo != 15_00 {
		t.Fatalf("quoted %+v", q)
	}
	if s := w.submits(jane, id, q.ID); s.Page != "" || s.Visit.Status != visit.Queued {
		t.Fatalf("sent as %+v", s)
	}
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if o := w.truth(); o.Holds.Cents != 0 || o.Captured.Cents != 0 {
		t.Errorf("%+v", o)
	}
	if _, err := w.office.Claim(w.ctx, w.as(ada), id); err != nil {
		t.Errorf("no claim is to be sent: %v", err)
	}
	w.proven(id)
}
