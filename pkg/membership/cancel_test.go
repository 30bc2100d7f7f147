package membership_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/membership"
)

func TestCancel_AtTheEndOfTheYear(t *testing.T) {
	t.Parallel()
	m := active(t, annual())
	if !m.Renews() || m.Wanted() != membership.Nothing {
		t.Fatalf("paid: renews %t, wanted %q", m.Renews(), m.Wanted())
	}
	asked := m.Cancel(noon.Add(time.Hour))
	if asked.State != membership.Active || asked.Renews() || asked.Wanted() != membership.CancelAtEnd || asked.Version != m.Version+1 {
		t.Fatalf("cancelled: %+v", asked)
	}
	if again := asked.Cancel(noon.Add(2 * time.Hour)); !cmp.Equal(again, asked) {
		t.Errorf("cancelled again: %s", cmp.Diff(asked, again))
	}
	// An observation from before Stripe did it does not undo what was asked.
	if stale := observe(t, asked, standing(noon.Add(time.Hour), "active", 450_00)); stale.Renews() {
		t.Error("a subscription fetched before Stripe was asked renews the membership")
	}
	reply := observed(standing(noon.Add(2*time.Hour), "active", 450_00))
	reply.CancelAtEnd, reply.Turn = true, asked.Turn
	done, err := asked.Carried(membership.CancelAtEnd, reply)
	if err != nil || done.Renews() || done.Asked != membership.Nothing || done.Wanted() != membership.Nothing || done.Version != asked.Version+1 {
		t.Fatalf("carried out: %+v, %v", done, err)
	}
	if again, err := done.Carried(membership.CancelAtEnd, reply); err != nil || !cmp.Equal(again, done) {
		t.Errorf("carried out again: %v %s", err, cmp.Diff(done, again))
	}
	reply.Account = "acct_2"
	if next, err := asked.Carried(membership.CancelAtEnd, reply); err == nil || next.ID != "" {
		t.Error("a reply of another account is taken")
	}
	reply.Account = "acct_1"
	there := standing(noon.Add(3*time.Hour), "active", 450_00)
	there.Turn = done.Turn
	if portal := observe(t, done, there); !portal.Renews() || portal.Wanted() != membership.Nothing {
		t.Error("resumed at Stripe, it does not renew")
	}
	resumed, err := done.Resume(noon.Add(3 * time.Hour))
	if err != nil || !resumed.Renews() || resumed.Wanted() != membership.Keep {
		t.Errorf("resumed: %+v, %v", resumed, err)
	}
	if again, err := resumed.Resume(noon.Add(4 * time.Hour)); err != nil || !cmp.Equal(again, resumed) {
		t.Errorf("resumed again: %v %s", err, cmp.Diff(resumed, again))
	}
	// What was asked meanwhile is still to be done.
	crossed, err := resumed.Carried(membership.CancelAtEnd, reply)
	if err != nil || crossed.Wanted() != membership.Keep || !crossed.Renews() {
		t.Errorf("a reply to what was asked before: wanted %q, %v", crossed.Wanted(), err)
	}
	if _, err := done.Resume(yearEnd); code(err) != "membership_ended" {
		t.Errorf("resumed after its end: %v", err)
	}
}

// A call of an older turn that holds at Stripe, because it arrived after that of a later one, is not
// what the member said: what they said last, here or at Stripe, is asked again, in a turn of its own.
func TestCancel_OlderTurnHoldsAtStripe(t *testing.T) {
	t.Parallel()
	at := func(hours, turn int, cancels bool) membership.Standing {
		s := standing(noon.Add(time.Duration(hours)*time.Hour), "active", 450_00)
		s.Turn, s.CancelAtEnd = turn, cancels
		return s
	}
	cancelled := active(t, annual()).Cancel(noon)
	resumed, err := cancelled.Resume(noon)
	if err != nil || cancelled.Turn != 1 || resumed.Turn != 2 {
		t.Fatalf("turns %d and %d, %v", cancelled.Turn, resumed.Turn, err)
	}
	if waits := observe(t, resumed, at(1, 1, true)); !waits.Renews() || waits.Turn != 2 || waits.Wanted() != membership.Keep || waits.Carries(resumed, noon) {
		t.Errorf("before its own turn was done: %+v", waits)
	}
	kept := observe(t, resumed, at(2, 2, false))
	late := observe(t, kept, at(3, 1, true))
	if !late.Renews() || late.Turn != 3 || late.Wanted() != membership.Keep || !late.Carries(kept, noon) {
		t.Errorf("the cancelling came late: %+v", late)
	}
	if gone, back := late.Turned(kept); gone || back {
		t.Error("the member is told that they changed their mind")
	}
	there := observe(t, kept, at(3, 2, true))
	if later := observe(t, there, at(4, 1, false)); there.Renews() || later.Renews() || later.Wanted() != membership.CancelAtEnd {
		t.Errorf("cancelled at Stripe, and then an older call came: %+v", later)
	}
	again, err := resumed.Carried(membership.Keep, observed(at(2, 1, true)))
	if err != nil || again.Wanted() != membership.Keep || again.AskAgain().Turn != 3 || !again.AskAgain().Carries(resumed, noon) {
		t.Errorf("asked, and an older turn holds: %+v, %v", again, err)
	}
	if still := kept.AskAgain(); !cmp.Equal(still, kept) {
		t.Errorf("nothing is asked, and it is asked again: %+v", still)
	}
}

// What was announced of a renewal is not said any more once the payer cancelled, and again when they
// resume; what they can do follows, and which letter tells it.
func TestCancel_WhatCanBeDoneAndIsTold(t *testing.T) {
	t.Parallel()
	zone, now := newYork(t), yearEnd.AddDate(0, 0, -35)
	m, err := active(t, annual()).Announce(offerOf(noon), zone, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, told := m.Letter(zone); !told || !m.Cancels() || m.Resumes(now) {
		t.Errorf("announced: told %t, cancels %t, resumes %t", told, m.Cancels(), m.Resumes(now))
	}
	gone := m.Cancel(now)
	if l, told := gone.Letter(zone); told || gone.Cancels() || !gone.Resumes(now) {
		t.Errorf("cancelled: %q, cancels %t, resumes %t", l.Text, gone.Cancels(), gone.Resumes(now))
	}
	if gone.Resumes(yearEnd) {
		t.Error("it can be resumed after its end")
	}
	if cancelled, resumed := gone.Turned(m); !cancelled || resumed {
		t.Errorf("cancelled: told %t, that it goes on %t", cancelled, resumed)
	}
	back, err := gone.Resume(now)
	if err != nil {
		t.Fatal(err)
	}
	if _, told := back.Letter(zone); !told {
		t.Error("resumed, and its renewal is not said any more")
	}
	if cancelled, resumed := back.Turned(gone); cancelled || !resumed {
		t.Errorf("resumed: told %t, that it was cancelled %t", resumed, cancelled)
	}
	if cancelled, resumed := gone.Turned(gone); cancelled || resumed {
		t.Error("what stands as it did is told")
	}
	for name, tc := range map[string]struct {
		m    membership.Membership
		want string
	}{
		"pending": {enrolled(t, annual()), "membership_pending"}, "paid": {m, ""}, "cancelled": {gone, ""},
		"ended by the practice": {ended(t, m, membership.ByPractice), "membership_ended"}, "left": {ended(t, m, membership.Cancelled), ""},
	} {
		if got := code(tc.m.CheckCancel()); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if over := tc.m.State != membership.Active; over && (tc.m.Cancels() || tc.m.Resumes(now)) {
			t.Errorf("%s: cancels %t, resumes %t", name, tc.m.Cancels(), tc.m.Resumes(now))
		}
	}
}

func ended(t *testing.T, m membership.Membership, why membership.Why) membership.Membership {
	t.Helper()
	m, err := m.EndNow(why, 0, newYork(t), noon.AddDate(0, 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCancel_NotPaidEndsAtOnce(t *testing.T) {
	t.Parallel()
	pending := enrolled(t, annual())
	renewed := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	late := observe(t, active(t, annual()), membership.Standing{At: yearEnd, Status: "past_due", Year: renewed})
	for name, m := range map[string]membership.Membership{"pending": pending, "past due": late} {
		now := yearEnd.Add(time.Hour)
		ended := m.Cancel(now)
		want := membership.End{At: now, Why: membership.Cancelled}
		if ended.State != membership.Ended || ended.Ended != want || ended.Owed() != 0 || ended.Wanted() != membership.CancelNow {
			t.Errorf("%s: %+v", name, ended)
		}
		if again := ended.Cancel(now.Add(1)); !cmp.Equal(again, ended) {
			t.Errorf("%s, again: %s", name, cmp.Diff(ended, again))
		}
		// Whoever pays the open page or invoice all the same is refunded.
		paid := observe(t, ended, membership.Standing{At: now.Add(time.Hour), Status: "active", Year: renewed, Paid: 450_00})
		if paid.State != membership.Ended || paid.Owed() != 450_00 {
			t.Errorf("%s, and paid: %s, owed %s", name, paid.State, paid.Owed())
		}
	}
	// A member was added and the invoice for it is open: the year itself is paid.
	part := standing(noon.Add(time.Hour), "past_due", 350_00)
	part.UnpaidSince = noon.Add(time.Hour)
	if m := observe(t, active(t, annual()), part).Cancel(noon.Add(2 * time.Hour)); m.State != membership.PastDue || m.Renews() {
		t.Errorf("the year is paid: %s, renews %t", m.State, m.Renews())
	}
}

func TestEndNow_OnceForOneReason(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	now := noon.Add(24 * time.Hour)
	m, err := active(t, annual()).EndNow(membership.Cancelled, 0, zone, now)
	if err != nil || m.State != membership.Ended || m.Owed() != 450_00 || m.Wanted() != membership.CancelNow {
		t.Fatalf("%+v, %v", m, err)
	}
	if again, err := m.EndNow(membership.Cancelled, 3, zone, now.Add(time.Hour)); err != nil || !cmp.Equal(again, m) {
		t.Errorf("again: %v %s", err, cmp.Diff(m, again))
	}
	if other, err := m.EndNow(membership.ByPractice, 0, zone, now); code(err) != "membership_ended" || other.ID != "" {
		t.Errorf("for another reason: %v", err)
	}
	if _, err := m.Resume(now); code(err) != "membership_ended" {
		t.Errorf("resumed: %v", err)
	}
	for _, why := range []membership.Why{membership.Unpaid, membership.OfMedicare, membership.NeverPaid, ""} {
		if next, err := active(t, annual()).EndNow(why, 0, zone, now); err == nil || next.ID != "" {
			t.Errorf("somebody ends it as %q", why)
		}
	}
	if bounced := observe(t, m, standing(now.Add(time.Minute), "active", 100_00)); bounced.Owed() != 100_00 {
		t.Errorf("less was paid in the end, and owed is %s", bounced.Owed())
	}
	// Stripe still has it as active until it is asked, and renews it if it never is.
	still := standing(now.Add(time.Hour), "active", 450_00)
	still.Refunded = 450_00
	if m = observe(t, m, still); m.State != membership.Ended || m.Owed() != 0 {
		t.Errorf("refunded: %s, owed %s", m.State, m.Owed())
	}
	renewed := membership.Standing{At: yearEnd, Status: "active", Year: membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}, Paid: 450_00}
	if m = observe(t, m, renewed); m.State != membership.Ended || m.Owed() != 450_00 || m.Wanted() != membership.CancelNow {
		t.Errorf("renewed although it ended: %s, owed %s, wanted %q", m.State, m.Owed(), m.Wanted())
	}
}

func TestAbandoned_PageExpired(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	now := noon.Add(25 * time.Hour)
	m := enrolled(t, annual()).Abandoned(now)
	if want := (membership.End{At: now, Why: membership.NeverPaid}); m.Ended != want || m.State != membership.Ended || m.Owed() != 0 || !m.NextDue(zone, now).IsZero() {
		t.Errorf("%+v", m)
	}
	begun := observe(t, enrolled(t, annual()), standing(noon, "incomplete", 0))
	for _, same := range []membership.Membership{m, begun, active(t, annual())} {
		if got := same.Abandoned(now.Add(time.Hour)); !cmp.Equal(got, same) {
			t.Errorf("%s: %s", same.State, cmp.Diff(same, got))
		}
	}
}

func TestEndUnpaid_AfterTheGrace(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	renewed := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	m := observe(t, active(t, annual()), membership.Standing{At: yearEnd, Status: "past_due", Year: renewed})
	// 2 March is the day on which it failed; the 16th is the last of 14 days, and the clocks
	// changed on the 14th.
	over := time.Date(2027, time.March, 17, 4, 0, 0, 0, time.UTC)
	if got := m.GraceEnds(zone); !got.Equal(over) {
		t.Fatalf("the grace ends at %s, want %s", got, over)
	}
	if _, err := m.EndUnpaid(zone, over.Add(-1)); code(err) != "not_unpaid" {
		t.Errorf("within the grace: %v", err)
	}
	ended, err := m.EndUnpaid(zone, over)
	if want := (membership.End{At: over, Why: membership.Unpaid}); err != nil || ended.Ended != want {
		t.Fatalf("after it: %+v, %v", ended.Ended, err)
	}
	if again, err := ended.EndUnpaid(zone, over.Add(time.Hour)); err != nil || !cmp.Equal(again, ended) {
		t.Errorf("again: %v", err)
	}
	if paid := active(t, annual()); !paid.GraceEnds(zone).IsZero() {
		t.Error("paid, and yet there is grace")
	} else if _, err := paid.EndUnpaid(zone, over); code(err) != "not_unpaid" {
		t.Errorf("paid: %v", err)
	}
	hard := annual()
	hard.Grace = 0
	m = observe(t, active(t, hard), membership.Standing{At: yearEnd, Status: "unpaid", Year: renewed})
	if got := m.GraceEnds(zone); !got.Equal(yearEnd) {
		t.Errorf("without grace it ends at %s, want %s", got, yearEnd)
	}
	// What was paid for the year before an invoice of mid-year failed is not kept: 100 days of
	// 365 are left of it.
	part := standing(noon.Add(200*24*time.Hour), "past_due", 350_00)
	part.UnpaidSince = part.At
	m = observe(t, active(t, annual()), part)
	ended, err = m.EndUnpaid(zone, yearEnd.AddDate(0, 0, -100))
	if err != nil || ended.Owed() != 95_90 { // 350.00 × 100 ÷ 365 = 95.8904
		t.Errorf("owed %s, %v, want $95.90", ended.Owed(), err)
	}
}
