package clinic_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"evisit/infra/local/seed"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// stored counts the rows of the table whose partition key begins so.
func (w *world) stored(prefix string) int {
	w.Helper()
	n := 0
	w.rows(func(i item) {
		if strings.HasPrefix(attr(i, "pk"), prefix) {
			n++
		}
	})
	return n
}

// recorded counts the audit records of the table.
func (w *world) recorded() int { return w.stored("AUDIT#") }

func TestRegistrar_AgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.recorded()
	w.practice(func(*practice.Practice) {})
	for _, m := range seed.Cast(start) {
		if m.Person.ID != pat {
			w.becomes(m.Person)
		}
	}
	if n := w.recorded() - before; n != 0 {
		t.Errorf("%d records say that something was changed", n)
	}
}

// A practice's decisions that a visit was based on do not change.
func TestRegistrar_KeepsEveryVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	w.practice(func(p *practice.Practice) {
		p.States = []string{"OR"}
		p.Consent = practice.Consent{Version: "2026-02", Text: "Another text."}
	})
	now, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil || now.Version != was.Version+1 || now.Configured != was.Configured+1 || now.Consent.Text != "Another text." || len(now.States) != 1 {
		t.Errorf("it is now %+v, %v", now, err)
	}
	for _, sk := range []string{"CONFIG#" + practice.ConfigKey(was.Configured), "CONSENT#" + was.Consent.Version} {
		w.row(place{"PRACTICE#lakeside", sk})
	}
	changed := now
	changed.Consent.Text = "The text under the same version."
	w.refused(w.registrar.AddPractice(w.ctx, changed, nil), "consent_exists")
	changed = now
	changed.Consent = practice.Consent{Version: was.Consent.Version, Text: "An old version with another text."}
	if err := w.registrar.AddPractice(w.ctx, changed, nil); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("an old consent version was written over: %v", err)
	}
	changed = now
	changed.Account = seed.Accounts[1]
	if err := w.registrar.AddPractice(w.ctx, changed, nil); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("another practice's account was taken: %v", err)
	}
	if stands, err := w.tape.Practice(w.ctx, "lakeside"); err != nil || stands.Version != now.Version || !reflect.DeepEqual(stands.Consent, now.Consent) || stands.Account != now.Account {
		t.Errorf("what was refused changed it to %+v, %v", stands, err)
	}
}

// A form version is one text in one practice, and may be another in another.
func TestRegistrar_FormsAreAPracticesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fs, err := offered()
	if err != nil {
		t.Fatal(err)
	}
	text := string(fs[0].JSON())
	other, err := intake.Load([]byte(strings.Replace(text, fs[0].Title(), fs[0].Title()+", otherwise", 1)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	w.refused(w.registrar.AddPractice(w.ctx, p, []*intake.Form{other}), "form_exists")
	own := practice.Practice{ID: "hill", Core: practice.Core{Name: "Hill", Account: "acct_hill", Zone: "America/Denver"}, Consent: p.Consent}
	if err := w.registrar.AddPractice(w.ctx, own, []*intake.Form{other}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"lakeside": fs[0].Hash(), "hill": other.Hash()} {
		f, err := w.request.Kernel.Form(w.ctx, id, fs[0].Name(), fs[0].Version())
		if err != nil || f.Hash() != want {
			t.Errorf("the form of %s: %v", id, err)
		}
	}
}

// A grant holds within one practice: nobody of another practice acts for its
// patients.
func TestGrant_OfAnotherPracticeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	hanas := person(hana)
	hanas.Grants = []identity.Grant{{Patient: jane}}
	err := w.registrar.AddPerson(w.ctx, clinic.Proof{Issuer: issuer, Subject: hana}, hanas)
	w.refused(err, "other_practice")
	_, err = w.request.Start(w.ctx, w.as(hana), "uti-women", "", jane)
	w.refused(err, "not_found")
	_, err = w.request.Draft(w.ctx, w.as(hana), id)
	w.refused(err, "not_found")
	_, _, err = w.request.ListVisits(w.ctx, w.as(hana), jane, "", 10)
	w.refused(err, "not_found")
	w.stands(id, visit.Draft)
}
