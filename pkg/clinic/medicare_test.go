package clinic_test

import (
	"slices"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/work"
)

// withMedicare is a card of Medicare from a day on; the zero day is since ever.
func withMedicare(from civil.Day) coverage.Card {
	return coverage.Card{Payer: medicare.ID, Member: "1EG4TE5MK73", Relation: coverage.Self, Priority: 1, From: from}
}

// onDay is today in Portland.
func (w *world) onDay() civil.Day { return civil.Of(w.now(), w.zone()) }

// paidByMedicare checks that a draft of Jane's is not quoted, because Medicare pays for it.
func (w *world) paidByMedicare(id string) {
	w.Helper()
	w.refused(errOf(w.request.Quote(w.ctx, w.as(jane), id)), "medicare_covers")
}

// asksOfMedicare checks whether the office is asked to see about a membership and Medicare.
func (w *world) asksOfMedicare(m membership.Membership, want bool) {
	w.Helper()
	all, err := w.tape.Work(w.ctx, "lakeside")
	got := slices.ContainsFunc(all, func(i work.Item) bool {
		return i.ID == work.ID(work.MembershipMedicare, m.ID) && i.Pool == identity.OfficePool
	})
	if err != nil || got != want {
		w.Errorf("the office is asked about Medicare: %t, %v; want %t", got, err, want)
	}
}

// endsWithYear checks that a membership ends with its year, unpaid for another, and is not announced as renewed.
func (w *world) endsWithYear(m membership.Membership) {
	w.Helper()
	w.renews(m.ID, false)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	w.pass(37 * 24 * time.Hour)
	w.minute()
	w.settle()
	w.holds(m.ID, membership.Ended)
	if w.toldMember("Your membership will be renewed") || w.toldMember("Your membership is paid") {
		w.Errorf("Jane was told that the membership is renewed")
	}
	if !w.toldMember("Your membership has ended") {
		w.Errorf("Jane was not told that it ended")
	}
	w.booked(m.ID, 0, yearlyPrice)
	w.handled()
}

// A plan of Medicare that is entered for a member, by whomever and since whenever, ends what the
// membership includes at once: the office is asked to see about it, the member is told, and no other
// year is charged.
func TestMedicare_Entered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		by   string
		days int // from today on; the plan has no first day if it is 1
	}{
		"since ever, by the patient": {jane, 1}, "today, by staff": {sam, 0}, "since ten days ago, by staff": {sam, -10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := insured(t)
			m := w.member(stripesim.CardSuccess)
			draft := w.claims()
			w.quoted(draft, billing.ByMember, "")
			from := civil.Day{}
			if test.days != 1 {
				from = w.onDay().AddDays(test.days)
			}
			w.covers(w.as(test.by), jane, withMedicare(from))
			w.settle()
			w.paidByMedicare(draft)
			if n := w.toldTimes(notRenewedLetter); n != 1 {
				t.Errorf("%d letters say that it is not renewed", n)
			}
			w.minute()
			w.asksOfMedicare(m, true)
			_, err := w.request.ResumeMembership(w.ctx, w.as(jane), "", m.ID)
			w.refused(err, "medicare_member")
			w.endsWithYear(m)
		})
	}
}

// Until the first day with Medicare visits are included, and nobody has to see about it; from it on they are not.
func TestMedicare_ToBegin(t *testing.T) {
	t.Parallel()
	w := insured(t)
	m := w.member(stripesim.CardSuccess)
	w.covers(w.as(sam), jane, withMedicare(w.onDay().AddDays(40)))
	w.settle()
	if n := w.toldTimes(notRenewedLetter); n != 1 {
		t.Errorf("%d letters say that it is not renewed", n)
	}
	w.minute()
	w.asksOfMedicare(m, false)
	w.quoted(w.claims(), billing.ByMember, "")
	w.pass(41 * 24 * time.Hour)
	w.minute()
	w.asksOfMedicare(m, true)
	w.paidByMedicare(w.claims())
	w.endsWithYear(m)
}

// Medicare that begins after the year leaves it as it is: the membership is renewed, and ends with the
// year in which Medicare begins.
func TestMedicare_BeginsInALaterYear(t *testing.T) {
	t.Parallel()
	w := insured(t)
	m := w.member(stripesim.CardSuccess)
	w.pass(100 * 24 * time.Hour)
	w.covers(w.as(sam), jane, withMedicare(w.onDay().AddDays(300)))
	w.settle()
	w.renews(m.ID, true)
	w.pass(m.Standing.End.Sub(w.now()) - 36*24*time.Hour)
	w.minute()
	w.settle()
	w.pass(37 * 24 * time.Hour)
	w.minute()
	w.settle()
	w.renews(m.ID, false)
	w.handled()
}

// A plan that is changed to one of Medicare, or was entered as one in error and is put right, decides as
// it stands: put right, visits are included again, and the member can have it renewed after all.
func TestMedicare_ChangedAndPutRight(t *testing.T) {
	t.Parallel()
	w := insured(t)
	m := w.member(stripesim.CardSuccess)
	h := w.covers(w.as(jane), jane, ownCard())
	w.renews(m.ID, true)
	changed, err := w.registrar.ChangeCoverage(w.ctx, w.as(sam), jane, h.ID, withMedicare(civil.Day{}))
	if err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.renews(m.ID, false)
	w.paidByMedicare(w.claims())
	if _, err := w.registrar.CheckCoverage(w.ctx, w.as(sam), jane, h.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.registrar.ChangeCoverage(w.ctx, w.as(sam), jane, changed.ID, ownCard()); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.quoted(w.claims(), billing.ByMember, "")
	w.resumesMembership(m.ID)
	w.settle()
	w.renews(m.ID, true)
	w.minute()
	w.asksOfMedicare(m, false)
	w.handled()
}

// Medicare that the record says has ended was there: what it covered is still to be seen about. A plan
// that ended before the membership began says nothing of it.
func TestMedicare_Ended(t *testing.T) {
	t.Parallel()
	w := insured(t)
	before := withMedicare(civil.Day{})
	before.Until = w.onDay().AddDays(-1)
	before.Member = "1EG4TE5MK74"
	w.covers(w.as(sam), jane, before)
	m := w.member(stripesim.CardSuccess)
	w.pass(20 * 24 * time.Hour)
	card := withMedicare(w.onDay().AddDays(-5))
	h := w.covers(w.as(sam), jane, card)
	w.settle()
	w.renews(m.ID, false)
	if _, err := w.registrar.EndCoverage(w.ctx, w.as(sam), jane, h.ID, w.onDay().AddDays(-1)); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.minute()
	w.asksOfMedicare(m, true)
	w.endsWithYear(m)
}

// A payer that the operator corrects to be Medicare bars visits at the next quote, and at the sending of
// one that was quoted as included.
func TestMedicare_PayerCorrected(t *testing.T) {
	t.Parallel()
	w := insured(t)
	w.member(stripesim.CardSuccess)
	w.covers(w.as(sam), jane, ownCard())
	draft := w.claims()
	w.quoted(draft, billing.ByMember, "")
	corrected := cascade
	corrected.Filing = "16"
	if _, err := w.registrar.ChangePayer(w.ctx, operator(), cascade.ID, corrected); err != nil {
		t.Fatal(err)
	}
	w.refused(w.sending(jane, draft, request.Submission{Quote: w.visit(draft).Quote.ID, Consent: "2026-01", Language: "en"}), "quote_replaced")
	w.paidByMedicare(draft)
	w.used(0)
}

// Who has a Medicaid plan that the practice takes cannot join where visits are included that it pays for, and nothing
// is made at Stripe; once the plan has ended, or if the practice does not take it, they can.
func TestMedicaid_CannotJoin(t *testing.T) {
	t.Parallel()
	w := insured(t)
	w.sells()
	medicaid := cascade
	medicaid.Filing = "MC"
	if _, err := w.registrar.ChangePayer(w.ctx, operator(), cascade.ID, medicaid); err != nil {
		t.Fatal(err)
	}
	h := w.covers(w.as(sam), jane, ownCard())
	c := w.contracts("99421", 5_00)
	joins := func() error { return errOf(w.request.Join(w.ctx, w.as(jane), "", joining)) }
	w.refused(joins(), "medicaid_member")
	if n := w.trouble.called(opens); n != 0 {
		t.Errorf("%d pages were made", n)
	}
	if _, err := w.author.RemoveContract(w.ctx, w.as(ada), c.ID()); err != nil {
		t.Fatal(err)
	}
	w.enrols()
	w.pass(48 * time.Hour)
	w.settle()
	w.minute()
	w.settle()
	w.contracts("99422", 5_00)
	w.refused(joins(), "medicaid_member")
	if _, err := w.registrar.EndCoverage(w.ctx, w.as(sam), jane, h.ID, w.onDay().AddDays(-1)); err != nil {
		t.Fatal(err)
	}
	w.enrols()
}
