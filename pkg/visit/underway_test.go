package visit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/visit"
)

// Of the visits that were sent before, those that ended or were answered are left out, and
// so is the one that is sent, which comes last.
func TestUnderway_With(t *testing.T) {
	t.Parallel()
	var all []visit.Sent
	var known []visit.Visit
	for _, s := range []visit.Status{
		visit.Draft, visit.AwaitingPayment, visit.Queued, visit.InReview, visit.AwaitingPatient, visit.Answered, visit.Closed,
		visit.Diverted, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired, visit.Deleted,
	} {
		all = append(all, visit.Sent{ID: string(s), Version: 3})
		known = append(known, visit.Visit{ID: string(s), Status: s})
	}
	v := visit.Visit{ID: "in_review", Practice: "lakeside", Patient: "jane-smith", Form: visit.Form{Name: "uti-women", Version: "2"}, Version: 7}
	got := visit.Underway{Visits: append(all, visit.Sent{ID: "unread"}), Version: 4}.With(v, known)
	want := visit.Underway{
		Practice: "lakeside", Patient: "jane-smith", Form: "uti-women",
		Visits:  []visit.Sent{{ID: "awaiting_payment", Version: 3}, {ID: "queued", Version: 3}, {ID: "awaiting_patient", Version: 3}, {ID: "in_review", Version: 7}},
		Version: 5,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := visit.LastUnderway(known); got.Status != visit.AwaitingPatient {
		t.Errorf("the last underway is %+v", got)
	}
	if got := visit.LastUnderway(known[:1]); got.ID != "" {
		t.Errorf("underway is %+v", got)
	}
}

// A request is sent beside one that is underway only if that one is named.
func TestSentBeside_Named(t *testing.T) {
	t.Parallel()
	v := visit.Visit{ID: "k7qf2m4paaaaaaaa", Status: visit.AwaitingPayment}
	if err := v.SentBeside(v.ID); err != nil {
		t.Error(err)
	}
	for _, beside := range []string{"", "another"} {
		f, ok := fault.Public(v.SentBeside(beside))
		want := "a request on this form, number K7QF-2M4P, is waiting for its payment already, so this one was not sent; " +
			"add to that one, or say that this one is to be sent beside it"
		if !ok || f.Kind != fault.Conflict || f.Code != "already_underway" || f.Text != want || len(f.Problems) != 1 {
			t.Errorf("beside %q: %+v", beside, f)
		}
	}
}
