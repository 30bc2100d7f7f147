package clinic_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// decides has Jane's practice decide on minors, from a time on; zero: at once.
func (w *world) decides(m identity.Minors, from time.Time) {
	w.Helper()
	if _, err := w.author.Decide(w.ctx, w.as(ada), practice.Change{From: from, Minors: &m}); err != nil {
		w.Fatalf("decide: %v", err)
	}
	w.forgets()
}

func (w *world) forgets() {
	for _, k := range w.kernels {
		k.ForgetPractice("lakeside")
	}
}

// until lets time pass until an instant.
func (w *world) until(t time.Time) {
	w.pass(t.Sub(w.now()))
	w.forgets()
}

// born is somebody new who was born on a day.
func born(name, day string) identity.Contact {
	c := newcomer(name)
	var err error
	if c.Birth, err = time.Parse(time.DateOnly, day); err != nil {
		panic(err)
	}
	return c
}

// self is the sign-in of somebody new.
func self(name string) clinic.Caller {
	subject := strings.ToLower(strings.Fields(name)[0])
	c := signedIn(subject, string(newcomer(name).Email))
	c.Strong = false
	return c
}

// joins registers somebody by the page.
func (w *world) joins(name, day string) identity.Patient {
	w.Helper()
	p, err := w.registrar.Join(w.ctx, self(name), "lakeside", born(name, day))
	if err != nil {
		w.Fatalf("%s joins: %v", name, err)
	}
	return p
}

// hasMum has the caller give a mother power over a patient.
func (w *world) hasMum(by clinic.Caller, patient string, why identity.Why) identity.Person {
	w.Helper()
	const name = "Mum Doe"
	mail := newcomer(name).Email
	i, err := w.registrar.InviteCaregiver(w.ctx, by, patient, power(mail, why))
	if err != nil {
		w.Fatalf("mum is invited: %v", err)
	}
	who, err := w.registrar.Accept(w.ctx, self(name), i.ID, w.linkCode(mail.Reveal(), i.ID))
	if err != nil {
		w.Fatalf("mum accepts: %v", err)
	}
	return who
}

// forChild answers all of admin-request as a parent does.
var forChild = with(records, said{
	"completed-by": []string{"caregiver"}, "proxy-name": "Mum Doe", "proxy-relationship": []string{"parent"}, "proxy-authority": true,
})

// sends has somebody send an administrative request for a patient.
func (w *world) sends(who, patient string, answers said) string {
	w.Helper()
	id := w.starts(who, "admin-request", patient)
	w.saves(who, id, answers)
	w.submits(who, id, w.prices(who, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	return id
}

// turnsTo checks that err is a refusal that says where to turn.
func (w *world) turnsTo(what string, err error, code string) {
	w.Helper()
	if f, ok := fault.Public(err); !ok || f.Code != code || !strings.Contains(f.Text, "+1 503 555 0100") {
		w.Errorf("%s: %v, want %s and where to turn", what, err, code)
	}
}

// A practice that lets minors act for themselves from 14 has them sign in from the midnight
// in its zone that begins the birthday, and not before the decision begins; at another
// practice nothing is otherwise. When it takes that back, who had joined does nothing more,
// and is told where to turn.
func TestMinors_ActForThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tomorrow := start.Add(24 * time.Hour)
	w.decides(identity.Minors{ActFrom: 14}, tomorrow)
	join := func(name, day, practice string) error {
		return errOf(w.registrar.Join(w.ctx, self(name), practice, born(name, day)))
	}
	w.turnsTo("before the decision begins", join("Kim Doe", "2011-05-01", "lakeside"), "minor")
	w.until(tomorrow)
	kim := w.joins("Kim Doe", "2011-05-01")
	w.turnsTo("at another practice", join("Kim Doe", "2011-05-01", "harbor"), "minor")
	midnight := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC) // in Los Angeles
	w.until(midnight.Add(-time.Second))
	err := join("Lou Doe", "2012-03-04", "lakeside")
	w.turnsTo("the day before", err, "minor")
	if err == nil || !strings.Contains(err.Error(), "under 14") {
		t.Errorf("the age is not told: %v", err)
	}
	w.until(midnight)
	w.joins("Lou Doe", "2012-03-04")

	sent := w.sends("kim", "", records)
	draft := w.starts("kim", "admin-request", "")
	w.saves("kim", draft, records)
	quote := w.prices("kim", draft).Quote.ID
	w.decides(identity.Minors{ActFrom: 16}, time.Time{})
	for what, err := range map[string]error{
		"start":  errOf(w.request.Start(w.ctx, w.as("kim"), "admin-request", "", "")),
		"quote":  errOf(w.request.Quote(w.ctx, w.as("kim"), draft)),
		"submit": errOf(w.request.Submit(w.ctx, w.as("kim"), draft, request.Submission{Quote: quote, Consent: "2026-01", Language: "en"})),
		"show":   errOf(w.request.Show(w.ctx, w.as("kim"), sent)),
		"chart":  errOf(w.chart("kim", sent)),
		"data":   errOf(w.registrar.Patient(w.ctx, w.as("kim"), kim.ID)),
		"grant":  errOf(w.registrar.InviteCaregiver(w.ctx, w.as("kim"), kim.ID, power("x@new.example", identity.Help))),
	} {
		w.turnsTo(what, err, "denied")
	}
	if _, _, err := w.request.ListVisits(w.ctx, w.as("kim"), "", "", 10); !errors.Is(err, fault.Denied) {
		t.Errorf("list: %v", err)
	}
	w.hasMum(w.as(sam), kim.ID, identity.ParentOf)
	if _, err := w.request.Cancel(w.ctx, w.as("mum"), sent); err != nil {
		t.Errorf("the parent goes on with what was sent: %v", err)
	}
	w.until(time.Date(2027, 5, 1, 7, 0, 0, 0, time.UTC))
	if _, err := w.request.Start(w.ctx, w.as("kim"), "admin-request", "", ""); err != nil {
		t.Errorf("at 16: %v", err)
	}
}

// From the age that the practice has decided, what a minor began is read by nobody who acts
// for them, in no list and no record, unless the minor has them act. Who acts goes on with
// what they began themselves.
func TestMinors_KeepTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.decides(identity.Minors{ActFrom: 12, OwnFrom: 14}, time.Time{})
	kim := w.joins("Kim Doe", "2012-03-04")
	mum := w.hasMum(w.as(sam), kim.ID, identity.ParentOf)
	own := w.sends("kim", "", records)
	hers := w.sends("mum", kim.ID, forChild)

	asMum := w.as("mum")
	sees := func(what string, want ...string) {
		t.Helper()
		vs, _, err := w.request.ListVisits(w.ctx, asMum, kim.ID, "", 10)
		if err != nil || len(vs) != len(want) {
			t.Fatalf("%s: the list has %d requests, want %d: %v", what, len(vs), len(want), err)
		}
		taken := map[string]bool{}
		_, _, err = w.request.Download(w.ctx, asMum, request.Place{Patient: kim.ID}, func(_ request.Record, v request.VisitRecord) (bool, error) {
			taken[v.Chart.Visit.ID] = true
			return false, nil
		})
		if err != nil || len(taken) != len(want) {
			t.Errorf("%s: the record has %v: %v", what, taken, err)
		}
		all, _, err := w.request.AccessList(w.ctx, asMum, kim.ID, "", 100)
		about := map[string]bool{}
		for _, a := range all {
			if a.Visit.ID != "" {
				about[a.Visit.ID] = true
			}
		}
		if err != nil || len(about) != len(want) {
			t.Errorf("%s: the access list is about %v: %v", what, about, err)
		}
		for _, id := range want {
			if !taken[id] || !about[id] {
				t.Errorf("%s: request %s is missing", what, id)
			}
			if _, err := w.chart("mum", id); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	midnight := time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC)
	w.until(midnight.Add(-time.Second))
	sees("the day before", hers, own)
	w.until(midnight)
	sees("the day of 14", hers)
	for what, err := range map[string]error{
		"chart":  errOf(w.chart("mum", own)),
		"show":   errOf(w.request.Show(w.ctx, asMum, own)),
		"cancel": errOf(w.request.Cancel(w.ctx, asMum, own)),
	} {
		w.turnsTo(what, err, "denied")
	}
	if _, err := w.chart("kim", own); err != nil {
		t.Errorf("the minor: %v", err)
	}
	if _, err := w.chart(sam, own); err != nil {
		t.Errorf("who answers at the practice: %v", err)
	}

	// Letters go to who acts, and the parent does not lead them elsewhere.
	before := len(w.letters("mum.doe@new.example"))
	mumsMail := phi.Text("mum.doe@new.example")
	confirmed := self("Mum Doe")
	_, err := w.registrar.ChangeContact(w.ctx, confirmed, kim.ID, contactChange(&mumsMail, nil, nil))
	w.refused(err, "denied")
	if _, err := w.request.Cancel(w.ctx, w.as("kim"), own); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if got := w.letters("kim.doe@new.example"); len(got) == 0 || !strings.Contains(got[0].Subject, "Your request has ended") {
		t.Errorf("the minor has the letters %+v", got)
	}
	if got := w.letters("mum.doe@new.example"); len(got) != before {
		t.Errorf("the parent has the letters %+v", got)
	}

	_, err = w.registrar.RevokeCaregiver(w.ctx, w.as("kim"), kim.ID, mum.ID)
	w.refused(err, "denied")
	w.hasMum(w.as("kim"), kim.ID, identity.Help)
	sees("by the minor's grant", hers, own)
	if g, err := w.registrar.RevokeCaregiver(w.ctx, w.as("kim"), kim.ID, mum.ID); err != nil || g.Active(w.now()) {
		t.Errorf("the minor ends what they gave: %+v, %v", g, err)
	}
}

// A practice that takes no requests for minors refuses them before the price, from when
// its decision begins until the patient is 18; what was sent before goes on.
func TestMinors_NotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	child, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), born("Lou Doe", "2008-03-05"))
	if err != nil {
		t.Fatal(err)
	}
	w.hasMum(w.as(sam), child.ID, identity.ParentOf)
	tomorrow := start.Add(24 * time.Hour)
	w.decides(identity.Minors{Refused: true}, tomorrow)
	sent := w.sends("mum", child.ID, forChild)
	draft := w.starts("mum", "admin-request", child.ID)
	w.saves("mum", draft, forChild)
	w.until(tomorrow.Add(-time.Second))
	quote := w.prices("mum", draft).Quote.ID
	w.until(tomorrow)
	for what, err := range map[string]error{
		"start":  errOf(w.request.Start(w.ctx, w.as("mum"), "admin-request", "", child.ID)),
		"quote":  errOf(w.request.Quote(w.ctx, w.as("mum"), draft)),
		"submit": errOf(w.request.Submit(w.ctx, w.as("mum"), draft, request.Submission{Quote: quote, Consent: "2026-01", Language: "en"})),
		"join":   errOf(w.registrar.Join(w.ctx, self("Kim Doe"), "lakeside", born("Kim Doe", "2008-03-05"))),
		"invite": errOf(w.registrar.InvitePatient(w.ctx, w.as(sam), child.ID)),
	} {
		w.turnsTo(what, err, "minors_not_taken")
	}
	forms, who, err := w.request.FormsFor(w.ctx, w.as("mum"), child.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range forms {
		if why, err := o.WhyNot(&who); err != nil || why == "" {
			t.Errorf("%s can be started: %v", o.Form.Name(), err)
		}
	}
	if _, err := w.chart("mum", sent); err != nil {
		t.Errorf("what was sent before: %v", err)
	}
	w.takes(sam, sent)
	if _, err := w.request.Start(w.ctx, w.as(jane), "admin-request", "", ""); err != nil {
		t.Errorf("an adult: %v", err)
	}
	w.until(time.Date(2026, 3, 5, 8, 0, 0, 0, time.UTC))
	w.joins("Kim Doe", "2008-03-05")
	if i, err := w.registrar.InvitePatient(w.ctx, w.as(sam), child.ID); err != nil || i.Patient != child.ID {
		t.Errorf("at 18: %+v, %v", i, err)
	}
}

// Who is invited to sign in as a minor accepts by what holds then; and a day of birth that
// the practice corrects is what counts from then on.
func TestMinors_InvitedAndCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	child, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), born("Lou Doe", "2010-03-05"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.registrar.InvitePatient(w.ctx, w.as(sam), child.ID)
	w.turnsTo("where nothing was decided", err, "minor")
	w.decides(identity.Minors{ActFrom: 14}, time.Time{})
	i, err := w.registrar.InvitePatient(w.ctx, w.as(sam), child.ID)
	if err != nil {
		t.Fatal(err)
	}
	code := w.linkCode("lou.doe@new.example", i.ID)
	w.decides(identity.Minors{}, time.Time{})
	_, err = w.registrar.Accept(w.ctx, self("Lou Doe"), i.ID, code)
	w.turnsTo("accepted too late", err, "minor")
	w.decides(identity.Minors{ActFrom: 14}, time.Time{})
	if _, err = w.registrar.Accept(w.ctx, self("Lou Doe"), i.ID, code); err != nil {
		t.Fatal(err)
	}
	w.starts("lou", "admin-request", "")
	w.decides(identity.Minors{}, time.Time{})
	w.turnsTo("start", errOf(w.request.Start(w.ctx, w.as("lou"), "admin-request", "", "")), "denied")

	adult := w.joins("Kim Doe", "1990-04-12")
	w.starts("kim", "admin-request", "")
	change := contactChange(nil, nil, nil)
	for _, test := range []struct{ day, code string }{{"2010-04-12", "denied"}, {"1991-04-12", ""}} {
		birth := born("Kim Doe", test.day).Birth
		change.Birth = &birth
		if _, err := w.registrar.ChangeContact(w.ctx, w.as(sam), adult.ID, change); err != nil {
			t.Fatal(err)
		}
		_, err := w.request.Start(w.ctx, w.as("kim"), "admin-request", "", "")
		if test.code == "" && err != nil || test.code != "" && !errors.Is(err, fault.Denied) {
			t.Errorf("born on %s: %v", test.day, err)
		}
	}
}

// A parent's power ends with the minority, also when it turns out that the patient is of age:
// what the minor kept for themself stays theirs.
func TestMinors_CorrectedToOfAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.decides(identity.Minors{ActFrom: 12, OwnFrom: 14}, time.Time{})
	kim := w.joins("Kim Doe", "2010-03-04")
	w.hasMum(w.as(sam), kim.ID, identity.ParentOf)
	own := w.sends("kim", "", records)
	if _, err := w.chart("mum", own); !errors.Is(err, fault.Denied) {
		t.Fatalf("of a minor: %v", err)
	}
	for _, day := range []string{"2009-03-04", "2000-01-01"} {
		change := contactChange(nil, nil, nil)
		birth := born("Kim Doe", day).Birth
		change.Birth = &birth
		if _, err := w.registrar.ChangeContact(w.ctx, w.as(sam), kim.ID, change); err != nil {
			t.Fatal(err)
		}
		if _, err := w.chart("mum", own); err == nil {
			t.Errorf("born on %s: she reads what was not hers to read", day)
		}
	}
	w.pass(2 * time.Minute) // who acts for whom is remembered for a minute
	if _, _, err := w.request.ListVisits(w.ctx, w.as("mum"), kim.ID, "", 10); !errors.Is(err, fault.NotFound) {
		t.Errorf("she acts for one of age: %v", err)
	}
}
