package membership_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/membership"
)

// A practice has a membership end with its year: it is not renewed and cannot be resumed, who pays reads
// why, and when Stripe has ended it, it is the practice that did, not the member.
func TestByPractice_EndWithYear(t *testing.T) {
	t.Parallel()
	zone, now := newYork(t), noon.AddDate(0, 3, 0)
	paid := active(t, annual())
	m, err := paid.EndWithYear(membership.CareEnded, now)
	if err != nil || m.Renews() || m.Wanted() != membership.CancelAtEnd || m.State != membership.Active || m.Reason() != membership.CareEnded || !m.Closes(paid) {
		t.Fatalf("%+v, %v", m, err)
	}
	want := "The practice ends your membership with its year. The practice ends its care for you; if it has not told you why, ask it. You have it until 1 March 2027; it is not renewed, and nothing more is charged for it."
	if l, ok := m.Letter(zone); !ok || l.Text != want {
		t.Errorf("letter: %+v", l)
	}
	if again, err := m.EndWithYear(membership.CareEnded, now.Add(time.Hour)); err != nil || !cmp.Equal(again, m) || again.Closes(m) {
		t.Errorf("again: %v %s", err, cmp.Diff(m, again))
	}
	if other, err := m.EndWithYear(membership.InError, now.Add(time.Hour)); err != nil || other.Reason() != membership.InError || !other.Closes(m) {
		t.Errorf("for another reason: %+v, %v", other.Notice, err)
	}
	if _, err := m.Resume(now); code(err) != "offer_closed" || m.Cancels() || m.Resumes(now) {
		t.Errorf("resumed: %v", err)
	}
	if cancelled, resumed := m.Turned(paid); cancelled || resumed {
		t.Error("the member is told that they cancelled it")
	}
	if again, err := m.Announce(offerOf(noon), zone, yearEnd.AddDate(0, 0, -40)); code(err) != "" || !cmp.Equal(again, m) {
		t.Errorf("its renewal is announced: %v %+v", err, again.Notice)
	}
	gone := standing(yearEnd, "canceled", 450_00)
	gone.Turn, gone.Ended, gone.Reason = m.Turn, yearEnd, "cancellation_requested"
	over := observe(t, m, gone)
	if over.State != membership.Ended || over.Ended.Why != membership.ByPractice || over.Reason() != membership.CareEnded || over.Owed() != 0 {
		t.Errorf("ended: %+v, owed %s", over.Ended, over.Owed())
	}
	own := observe(t, paid.Cancel(now), gone)
	if own.Ended.Why != membership.Cancelled || own.Reason() != "" {
		t.Errorf("cancelled by the member: %+v", own.Ended)
	}
}

// A practice ends a membership at once: the days that are left are refunded at least, as it was shown.
func TestByPractice_AtOnce(t *testing.T) {
	t.Parallel()
	zone, now := newYork(t), noon.AddDate(0, 3, 0)
	paid := active(t, annual())
	back := paid.Ending(2, zone, now)
	if back.Amount == 0 || back.Amount >= 450_00 {
		t.Fatalf("shown: %+v", back)
	}
	if _, err := paid.EndByPractice(membership.InError, back.Amount-1, 2, zone, now); code(err) != "refund_replaced" || !strings.Contains(err.Error(), back.Amount.String()) {
		t.Errorf("another amount: %v", err)
	}
	m, err := paid.EndByPractice(membership.InError, back.Amount, 2, zone, now)
	if err != nil || m.Ended.Why != membership.ByPractice || m.Owed() != back.Amount || m.Wanted() != membership.CancelNow || m.Reason() != membership.InError {
		t.Fatalf("%+v, %v", m, err)
	}
	if again, err := m.EndByPractice(membership.InError, 1, 2, zone, now.Add(time.Hour)); err != nil || !cmp.Equal(again, m) {
		t.Errorf("again: %v %s", err, cmp.Diff(m, again))
	}
	late := observe(t, paid, membership.Standing{At: yearEnd, Status: "past_due", Year: membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}})
	if gone, err := late.EndByPractice(membership.OnRequest, 0, 0, zone, yearEnd.Add(time.Hour)); err != nil || gone.Owed() != 0 {
		t.Errorf("not paid: %+v, %v", gone, err)
	}
	disputed := standing(now, "active", 450_00)
	disputed.Withdrawn = 450_00
	with := observe(t, paid, disputed)
	if shown := with.Ending(0, zone, now); shown.Amount != 0 || shown.Text == "" {
		t.Errorf("the bank has the money: %+v", shown)
	}
	if gone, err := with.EndByPractice(membership.OnRequest, 0, 0, zone, now); err != nil || gone.Owed() != 0 {
		t.Errorf("the bank has the money: owed %s, %v", gone.Owed(), err)
	}
}

func TestByPractice_Refused(t *testing.T) {
	t.Parallel()
	zone, paid := newYork(t), active(t, annual())
	late := observe(t, paid, membership.Standing{At: yearEnd, Status: "past_due", Year: membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}})
	for name, test := range map[string]struct {
		m            membership.Membership
		why          membership.Reason
		year, atOnce string
	}{
		"no reason":           {paid, "", "invalid_request", "invalid_request"},
		"a word of their own": {paid, "smokes", "invalid_request", "invalid_request"},
		"pending":             {enrolled(t, annual()), membership.InError, "membership_pending", "membership_pending"},
		"past due":            {late, membership.InError, "membership_unpaid", "refund_replaced"},
		"left":                {ended(t, paid, membership.Cancelled), membership.InError, "membership_ended", "membership_ended"},
	} {
		if next, err := test.m.EndWithYear(test.why, noon.AddDate(0, 2, 0)); code(err) != test.year || next.ID != "" {
			t.Errorf("%s, with the year: %v", name, err)
		}
		if next, err := test.m.EndByPractice(test.why, 1, 0, zone, yearEnd.Add(time.Hour)); code(err) != test.atOnce || next.ID != "" {
			t.Errorf("%s, at once: %v", name, err)
		}
	}
	for _, r := range membership.Reasons {
		if r.Text() == "" {
			t.Errorf("%s has no words", r)
		}
	}
}
