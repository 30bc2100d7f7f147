package clinic_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// priced is a draft of somebody's for a patient, and what sends it.
func (w *world) priced(who, form, patient string, answers said) (string, request.Submission) {
	w.Helper()
	id := w.starts(who, form, patient)
	w.saves(who, id, answers)
	return id, request.Submission{Quote: w.prices(who, id).Quote.ID, Consent: "2026-01", Language: "en"}
}

func (w *world) sending(who, id string, s request.Submission) error {
	_, err := w.request.Submit(w.ctx, w.as(who), id, s)
	return err
}

// refusedBeside checks that err names the request that is underway.
func (w *world) refusedBeside(err error, underway string) {
	w.Helper()
	f, ok := fault.Public(err)
	if !ok || f.Code != "already_underway" || !strings.Contains(f.Text, w.visit(underway).Number()) || !strings.HasSuffix(f.Problems[0].Text, underway) {
		w.Errorf("the answer is %v, want that %s is underway", err, underway)
	}
}

// Of two requests about one complaint that are sent at once, one is sent; the other is told
// which, has no payment page, and stays a draft. Sent again after the first was named, it
// is sent, too.
func TestSubmit_SameComplaintAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 4 {
		first, one := w.priced(jane, "uti-women", "", urinary)
		second, two := w.priced(jane, "uti-women", "", urinary)
		errs := atOnce(
			func() error { return w.sending(jane, first, one) },
			func() error { return w.sending(jane, second, two) },
		)
		w.oneWins(errs)
		if errs[0] != nil {
			first, second, two, errs[1] = second, first, one, errs[0]
		}
		w.refusedBeside(errs[1], first)
		w.stands(first, visit.AwaitingPayment)
		if v := w.stands(second, visit.Draft); len(v.Payments) != 0 {
			t.Errorf("the request that was not sent has payments: %v", v.Payments)
		}
		w.refusedBeside(w.sending(jane, second, two), first)
		two.Beside = first
		if err := w.sending(jane, second, two); err != nil {
			t.Errorf("confirmed: %v", err)
		}
		w.stands(second, visit.AwaitingPayment)
		w.cancels(first)
		w.cancels(second)
	}
	w.settle()
	w.balanced()
}

// A submission whose answer was lost, asked for again, is the same request, although that
// is underway by then.
func TestSubmit_SameComplaintAfterALostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, s := w.priced(jane, "uti-women", "", urinary)
	w.trouble.next(commits, answerLost)
	if err := w.sending(jane, id, s); !errors.Is(err, fault.Busy) {
		t.Fatalf("the answer was not lost: %v", err)
	}
	for _, c := range []clinic.Caller{w.as(jane), w.once(jane, "key-1", s)} {
		sent, err := w.request.Submit(w.ctx, c, id, s)
		if err != nil || sent.Visit.ID != id || sent.Page == "" {
			t.Errorf("asked again: %+v, %v", sent, err)
		}
	}
	if v := w.stands(id, visit.AwaitingPayment); len(v.Payments) != 1 {
		t.Errorf("payments: %v", v.Payments)
	}
}

// Once a request was answered or has ended, in whatever way, it holds up no other; until
// then it does, whatever stands of it.
func TestSubmit_AfterTheEndOfAnother(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		before func(w *world) string
		end    func(w *world, id string)
		want   visit.Status
	}{
		"Answered":          {(*world).taken, (*world).answers, visit.Answered},
		"Closed":            {(*world).taken, func(w *world, id string) { w.answers(id); w.acknowledges(jane, id) }, visit.Closed},
		"Cancelled, unpaid": {(*world).submitted, (*world).cancels, visit.Cancelled},
		"Cancelled":         {(*world).queued, (*world).cancels, visit.Cancelled},
		"Declined":          {(*world).taken, func(w *world, id string) { w.turnsAway(id, visit.Declined) }, visit.Declined},
		"Redirected":        {(*world).taken, func(w *world, id string) { w.turnsAway(id, visit.Redirected) }, visit.Redirected},
		"Diverted": {(*world).queued, func(w *world, id string) {
			s, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(page(said{"uti-confused": true}))})
			if err != nil || s.Diversion == nil {
				w.Fatalf("it is not diverted: %+v, %v", s, err)
			}
		}, visit.Diverted},
		"Expired":   {(*world).queued, func(w *world, _ string) { w.pass(48*time.Hour + time.Minute); w.minute() }, visit.Expired},
		"Abandoned": {(*world).submitted, func(w *world, _ string) { w.pass(2 * time.Hour); w.settle(); w.minute() }, visit.Draft},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := end.before(w)
			second, s := w.priced(jane, "uti-women", "", urinary)
			w.refusedBeside(w.sending(jane, second, s), first)
			end.end(w, first)
			w.stands(first, end.want)
			s.Quote = w.prices(jane, second).Quote.ID
			if err := w.sending(jane, second, s); err != nil {
				t.Fatalf("after the first was %s: %v", end.want, err)
			}
			if end.want == visit.Draft { // sent again, it is the second
				w.refusedBeside(w.sending(jane, first, request.Submission{Quote: w.prices(jane, first).Quote.ID, Language: "en"}), second)
			}
		})
	}
}

func (w *world) turnsAway(id string, to visit.Status) {
	w.Helper()
	w.does("turn away", func() error {
		_, err := w.desk.TurnAway(w.ctx, w.as(ana), id, to, visit.OutOfScope, "Please call us.")
		return err
	})
}

// A request holds up no other form, patient or practice. Who acts for the patient and the
// patient themselves send one together.
func TestSubmit_BesideOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.submitted()
	for _, other := range []struct {
		who, form, patient string
		answers            said
	}{
		{jane, "admin-request", "", records},
		{tom, "admin-request", "", records},
		{hana, "admin-request", "", with(records, said{"location-state": []string{"WA"}})},
		{elena, "admin-request", rosa, forChild},
	} {
		id, s := w.priced(other.who, other.form, other.patient, other.answers)
		if err := w.sending(other.who, id, s); err != nil {
			t.Errorf("%s sends %s: %v", other.who, other.form, err)
		}
	}
	second, s := w.priced(rosa, "admin-request", "", records)
	vs, err := w.request.UnderwayOf(w.ctx, w.as(rosa), "")
	if err != nil || len(vs) != 1 {
		t.Fatalf("underway: %+v, %v", vs, err)
	}
	hers := vs["admin-request"].ID
	w.refusedBeside(w.sending(rosa, second, s), hers)
	s.Beside = first
	w.refusedBeside(w.sending(rosa, second, s), hers)
	s.Beside = hers
	if err := w.sending(rosa, second, s); err != nil {
		t.Errorf("confirmed: %v", err)
	}
	third, s := w.priced(elena, "admin-request", rosa, forChild)
	s.Beside = hers
	w.refusedBeside(w.sending(elena, third, s), second) // which she has not been told of
	w.cancelsFor(rosa, second)
	if err := w.sending(elena, third, s); err != nil {
		t.Errorf("beside the first alone: %v", err)
	}
}

func (w *world) cancelsFor(who, id string) {
	w.Helper()
	w.does("cancel", func() error { _, err := w.request.Cancel(w.ctx, w.as(who), id); return err })
}

// What was refused is in the log once an hour, and what was sent beside another says so.
func TestSubmit_SameComplaintIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.submitted()
	second, s := w.priced(jane, "uti-women", "", urinary)
	for range 2 {
		w.refusedBeside(w.sending(jane, second, s), first)
	}
	s.Beside = first
	if err := w.sending(jane, second, s); err != nil {
		t.Fatal(err)
	}
	var refusals, beside []string
	for _, r := range w.logOf("lakeside") {
		if r.Outcome == audit.Refused {
			refusals = append(refusals, r.Visit+" "+r.Action+" "+r.Reason)
		}
		if r.Accepted != nil && r.Accepted.Beside != "" {
			beside = append(beside, r.Visit+" "+r.Accepted.Beside)
		}
	}
	if want := []string{second + " " + string(identity.FillVisit) + " already_underway"}; !slices.Equal(refusals, want) {
		t.Errorf("refusals: %q, want %q", refusals, want)
	}
	if want := []string{second + " " + first}; !slices.Equal(beside, want) {
		t.Errorf("sent beside another: %q, want %q", beside, want)
	}
}

// What a minor keeps to themselves neither holds up who acts for them, nor is named to
// them; the minor's own next request is.
func TestSubmit_BesideWhatAMinorKeeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.decides(identity.Minors{ActFrom: 14, OwnFrom: 14}, time.Time{})
	kim := w.joins("Kim Doe", "2011-05-01")
	w.hasMum(w.as(sam), kim.ID, identity.ParentOf)
	own := w.sends("kim", "", records)
	mums, s := w.priced("mum", "admin-request", kim.ID, forChild)
	if vs, err := w.request.UnderwayOf(w.ctx, w.as("mum"), kim.ID); err != nil || len(vs) != 0 {
		t.Errorf("the parent is told of %+v, %v", vs, err)
	}
	if err := w.sending("mum", mums, s); err != nil {
		t.Errorf("the parent's: %v", err)
	}
	next, s := w.priced("kim", "admin-request", "", records)
	w.refusedBeside(w.sending("kim", next, s), mums)
	w.cancelsFor("mum", mums)
	w.refusedBeside(w.sending("kim", next, s), own)
}

// A capture of ours is booked although no webhook of it is read; one by hand, whose webhook
// is forged to look like ours, is booked at the latest a day after.
func TestCapture_OurOwnWebhookIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	before := w.stored("OUTBOX#stripe.")
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	w.states(id, billing.Captured)
	if n := w.stored("OUTBOX#stripe.") - before; n != 0 {
		t.Errorf("%d webhooks of our own capture are stored", n)
	}
	w.proven(id)
	w.balanced()
}
