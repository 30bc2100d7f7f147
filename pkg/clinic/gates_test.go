package clinic_test

import (
	"strings"
	"testing"
	"time"

	"evisit/pkg/identity"
	"evisit/pkg/practice"
)

// Who is suspended, and a practice that is, is refused before the price, and told where
// to turn: at the start, in the list of forms, and where a draft asks for its price.
func TestGate_SuspendedBeforeThePrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft := w.draft()
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Warned, identity.Misuse); err != nil {
		t.Fatal(err)
	}
	if err := w.gate("uti-women"); err != nil {
		t.Errorf("who is warned: %v", err)
	}
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Suspended, identity.Misuse); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"start": w.gate("uti-women"), "quote": errOf(w.request.Quote(w.ctx, w.as(jane), draft))} {
		w.refused(err, "patient_suspended")
		if err == nil || !strings.Contains(err.Error(), "+1 503 555 0100") {
			t.Errorf("%s says nowhere to turn: %v", name, err)
		}
	}
	if err := w.gate("admin-request"); err != nil {
		t.Errorf("a suspended patient asks for a record: %v", err)
	}
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Suspended, identity.NotPatient); err != nil {
		t.Fatal(err)
	}
	w.refused(w.gate("admin-request"), "patient_suspended")
	if _, err := w.registrar.Stand(w.ctx, w.as(ada), jane, identity.Active, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.gate("uti-women"); err != nil {
		t.Errorf("who is active again: %v", err)
	}
	if _, err := w.registrar.Suspend(w.ctx, operator(), "lakeside", true); err != nil {
		t.Fatal(err)
	}
	w.refused(w.gate("admin-request"), "practice_suspended")
	w.refused(errOf(w.request.Quote(w.ctx, w.as(jane), draft)), "practice_suspended")
}

// gate has Jane start a request, and compares what it is refused with with the list of forms.
func (w *world) gate(form string) error {
	w.Helper()
	_, started := w.request.Start(w.ctx, w.as(jane), form, "", "")
	all, p, err := w.request.FormsFor(w.ctx, w.as(jane), jane)
	if err != nil {
		w.Fatalf("forms: %v", err)
	}
	for _, o := range all {
		if o.Form.Name() != form {
			continue
		}
		why, err := o.WhyNot(&p)
		if err != nil {
			w.Fatalf("why not: %v", err)
		}
		want := ""
		if started != nil {
			want = started.Error()
		}
		if why != want {
			w.Errorf("the list says %q, and starting %q", why, want)
		}
	}
	return started
}

// A practice may answer those alone whom it has seen lately; what it does not know is
// told as such.
func TestGate_EstablishedPatients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	months := 12
	if _, err := w.author.Decide(w.ctx, w.as(ada), practice.Change{Established: &months}); err != nil {
		t.Fatal(err)
	}
	for _, k := range w.kernels {
		k.ForgetPractice("lakeside")
	}
	err := w.gate("uti-women")
	w.refused(err, "not_established")
	if err == nil || !strings.Contains(err.Error(), "has not noted when") {
		t.Errorf("what is not known is told as %v", err)
	}
	if err := w.gate("admin-request"); err != nil {
		t.Errorf("an administrative request: %v", err)
	}
	for days, want := range map[int]string{-10: "", -400: "not_established"} {
		if _, err := w.registrar.SetSeen(w.ctx, w.as(sam), jane, start.AddDate(0, 0, days).Truncate(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := w.gate("uti-women"); want == "" && err != nil || want != "" && err == nil {
			t.Errorf("seen %d days ago: %v", days, err)
		}
	}
}
