package visit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evisit/pkg/visit"
)

func TestTimeline_ByStatus(t *testing.T) {
	t.Parallel()
	sent := "started submitted queued"
	for status, want := range map[visit.Status]string{
		visit.Draft: "started", visit.AwaitingPayment: "started submitted", visit.Queued: sent,
		visit.InReview: sent + " taken", visit.AwaitingPatient: sent + " taken asked", visit.Answered: sent + " taken answered",
		visit.Closed: sent + " taken answered closed", visit.Diverted: "started diverted", visit.Cancelled: sent + " cancelled",
		visit.Declined: sent + " taken declined", visit.Redirected: sent + " taken redirected", visit.Expired: sent + " expired",
		visit.Deleted: "started deleted",
	} {
		if got := steps(at(t, status)); got != want {
			t.Errorf("the steps of a visit %s are %s, want %s", status, got, want)
		}
	}
}

func TestTimeline_ReadWhenItWasRead(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	v, err := at(t, visit.AwaitingPatient).MarkRead("person-1", hour(1)).Reply(hour(2))
	if err != nil {
		t.Fatal(err)
	}
	if v, err = v.Answer(clinician("a", "CA"), "document", new(5), hour(3)); err != nil {
		t.Fatal(err)
	}
	if got := steps(v); !strings.HasSuffix(got, "asked answered") || !v.Unread() {
		t.Errorf("an answer that nobody read: %s, unread %t", got, v.Unread())
	}
	if got := steps(v.MarkRead("person-1", hour(4))); !strings.HasSuffix(got, "answered read") || v.MarkRead("person-1", hour(4)).Unread() {
		t.Errorf("an answer that was read: %s", got)
	}
	if v, err = v.Close("addendum", hour(5)); err != nil {
		t.Fatal(err)
	}
	if got := steps(v.MarkRead("person-1", hour(6))); !strings.HasSuffix(got, "answered closed read") {
		t.Errorf("an answer read after it closed: %s", got)
	}
}

func TestUnread_ByTheirMessagesOnly(t *testing.T) {
	t.Parallel()
	v, err := at(t, visit.Queued).Reply(noon)
	if err != nil {
		t.Fatal(err)
	}
	if v.Unread() {
		t.Error("what the patient wrote is unread by them")
	}
	if !at(t, visit.AwaitingPatient).Unread() || !at(t, visit.Declined).Unread() {
		t.Error("a question or a refusal that nobody read is not unread")
	}
}

func TestLate_ClockStops(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	after := func(s visit.Status, change func(visit.Visit) (visit.Visit, error)) visit.Visit {
		v, err := change(at(t, s))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	answer := func(n int) func(visit.Visit) (visit.Visit, error) {
		return func(v visit.Visit) (visit.Visit, error) {
			return v.Answer(clinician("a", "CA"), "document", new(5), hour(n))
		}
	}
	for name, test := range map[string]struct {
		v    visit.Visit // promised by 16:00
		late string      // at 15:00, 16:00 and the next 16:00
	}{
		"a draft":             {at(t, visit.Draft), "false false false"},
		"a page to be paid":   {at(t, visit.AwaitingPayment), "false false false"},
		"queued":              {at(t, visit.Queued), "false true true"},
		"taken":               {at(t, visit.InReview), "false true true"},
		"asked in time":       {at(t, visit.AwaitingPatient), "false false false"},
		"asked when late":     {after(visit.InReview, func(v visit.Visit) (visit.Visit, error) { return v.Ask(hour(4)) }), "true true true"},
		"answered in time":    {after(visit.InReview, answer(3)), "false false false"},
		"answered late":       {after(visit.InReview, answer(4)), "true true true"},
		"answered, then read": {after(visit.Answered, func(v visit.Visit) (visit.Visit, error) { return v.Close("addendum", hour(30)) }), "false false false"},
		"cancelled in time":   {at(t, visit.Cancelled), "false false false"},
		"expired":             {after(visit.Queued, func(v visit.Visit) (visit.Visit, error) { return v.Expire(hour(34)) }), "true true true"},
		"declined when asked": {after(visit.AwaitingPatient, func(v visit.Visit) (visit.Visit, error) { return v.TurnAway(visit.Declined, "", hour(90)) }), "false false false"},
	} {
		if got := fmt.Sprint(test.v.Late(hour(3)), test.v.Late(hour(4)), test.v.Late(hour(28))); got != test.late {
			t.Errorf("%s: late %s, want %s", name, got, test.late)
		}
	}
}

func steps(v visit.Visit) string {
	var kinds []string
	for _, s := range v.Timeline() {
		kinds = append(kinds, string(s.Kind))
	}
	return strings.Join(kinds, " ")
}
