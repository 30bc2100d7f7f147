package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
)

// works registers the holder of a token at a practice too, or as deactivated there.
func (w *world) works(t *testing.T, holder string, p identity.Person) {
	t.Helper()
	if err := w.cast.AddPerson(t.Context(), clinic.Proof{Issuer: testIssuer, Subject: holder}, p); err != nil {
		t.Fatal(err)
	}
}

// omar is a clinician of harbor.
const omar = "omar-haddad"

// omarAtLakeside is who omar is at lakeside.
func omarAtLakeside(inactive bool) identity.Person {
	return identity.Person{
		ID: "omar-lakeside", Practice: "lakeside", Role: identity.Clinician, Display: "Omar Haddad, MD", Inactive: inactive,
		Licenses: []identity.License{{State: "OR", Number: "MD-1", Expires: start.AddDate(1, 0, 0)}},
	}
}

type shownMe struct {
	ID, Role    string
	Practice    struct{ ID, Name string }
	Memberships []struct {
		Practice     struct{ ID, Name string }
		Person, Role string
	}
}

// at lists the practices of the memberships.
func (m shownMe) at() string {
	var ids []string
	for _, m := range m.Memberships {
		ids = append(ids, m.Practice.ID+":"+m.Person+":"+m.Role)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// omar is what GET /me tells omar.
func (w *world) omar(t *testing.T, practice string) (m shownMe) {
	t.Helper()
	w.do(t, named(call{as: omar, method: "GET", path: "/me"}, practice), &m)
	return m
}

// named is c at the practice that it names; none if that is empty.
func named(c call, practice string) call {
	if practice != "" {
		c.header = map[string]string{"Evisit-Practice": practice}
	}
	return c
}

// Whom two practices know is asked which one is meant, on every endpoint but the one
// that tells, and is then at that one alone: what is the other's is not there.
func TestPractice_OneOfSeveralIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	if m := w.omar(t, ""); m.Practice.ID != "harbor" || m.at() != "harbor:omar-haddad:clinician" {
		t.Errorf("with one practice: %+v", m)
	}
	w.works(t, omar, omarAtLakeside(false))
	w.moved.Add(int64(2 * time.Minute)) // who belongs where is remembered for a minute

	both := "harbor:omar-haddad:clinician lakeside:omar-lakeside:clinician"
	if m := w.omar(t, ""); m.ID != "" || m.Practice.ID != "" || m.at() != both {
		t.Errorf("with two practices and none named: %+v", m)
	}
	for practice, id := range map[string]string{"harbor": omar, "lakeside": "omar-lakeside"} {
		if m := w.omar(t, practice); m.ID != id || m.Practice.ID != practice || m.at() != both {
			t.Errorf("named %s: %+v", practice, m)
		}
	}
	w.nothingWritten(t, func(t *testing.T) {
		for _, e := range httpapi.Endpoints() {
			if e.Who == httpapi.Anyone || e.Who == httpapi.Holder || e.Who == httpapi.Signature || e.ID == "getMe" {
				continue
			}
			path := strings.NewReplacer("{id}", v.ID, "{work}", "w1", "{name}", "uti-women", "{version}", "1").Replace(e.Path)
			p := refused(t, send(t, w.api, call{as: omar, method: e.Method, path: path}), http.StatusUnprocessableEntity, "choose_practice")
			var choices []string
			for _, choice := range p.Problems {
				choices = append(choices, choice.Where+" "+choice.Text)
			}
			slices.Sort(choices)
			if strings.Join(choices, ", ") != "Evisit-Practice harbor (Harbor Street Clinic), Evisit-Practice lakeside (Lakeside Family Medicine)" {
				t.Errorf("%s lists %q", e.Pattern(), choices)
			}
		}
	})
	take := call{as: omar, method: "POST", path: "/visits/" + v.ID + "/take"}
	refused(t, send(t, w.api, named(take, "harbor")), http.StatusNotFound, "not_found")
	refused(t, send(t, w.api, named(take, "elsewhere")), http.StatusUnauthorized, "unknown_person")
	w.do(t, named(take, "lakeside"), nil)
	refused(t, send(t, w.api, named(call{as: omar, method: "GET", path: "/visits/" + v.ID + "/chart"}, "harbor")), http.StatusNotFound, "not_found")
	w.do(t, named(call{as: omar, method: "GET", path: "/visits/" + v.ID + "/chart"}, "lakeside"), nil)
}

// A practice that has deactivated someone is not offered, and the other goes on, named
// or not; what was asked at the first is recorded there.
func TestPractice_OneOfTwoDeactivates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.works(t, omar, omarAtLakeside(false))
	gone := identity.Person{ID: omar, Practice: "harbor", Role: identity.Clinician, Display: "Omar Haddad, MD", Inactive: true}
	w.works(t, omar, gone)
	for _, practice := range []string{"", "lakeside"} {
		if m := w.omar(t, practice); m.ID != "omar-lakeside" || m.at() != "lakeside:omar-lakeside:clinician" {
			t.Errorf("named %q: %+v", practice, m)
		}
		w.do(t, named(call{as: omar, method: "GET", path: "/queue"}, practice), nil)
	}
	for _, path := range []string{"/me", "/queue"} {
		refused(t, send(t, w.api, named(call{as: omar, method: "GET", path: path}, "harbor")), http.StatusUnauthorized, "unknown_person")
	}
	for _, r := range w.refusals(t) {
		if r.Practice != "harbor" || r.Actor.ID != omar || r.Reason != "inactive" {
			t.Errorf("recorded as %+v", r)
		}
	}
	if n := len(w.refusals(t)); n != 2 {
		t.Errorf("%d refusals are recorded, want 2", n)
	}
	w.works(t, omar, omarAtLakeside(true))
	for _, practice := range []string{"", "lakeside", "harbor"} {
		refused(t, send(t, w.api, named(call{as: omar, method: "GET", path: "/me"}, practice)), http.StatusUnauthorized, "unknown_person")
	}
}

func TestPractice_HeaderThatNamesNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		values []string
		status int
		code   string
	}{
		"twice":      {[]string{"lakeside", "lakeside"}, http.StatusUnprocessableEntity, "invalid_request"},
		"empty":      {[]string{""}, http.StatusUnprocessableEntity, "invalid_request"},
		"too long":   {[]string{strings.Repeat("a", 129)}, http.StatusUnprocessableEntity, "invalid_request"},
		"longest":    {[]string{strings.Repeat("a", 128)}, http.StatusUnauthorized, "unknown_person"},
		"another's":  {[]string{"harbor"}, http.StatusUnauthorized, "unknown_person"},
		"of no one":  {[]string{"a b"}, http.StatusUnauthorized, "unknown_person"},
		"other case": {[]string{"Lakeside"}, http.StatusUnauthorized, "unknown_person"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/me", "/queue"} {
				r := call{as: "ana-rivera", method: "GET", path: path}.request(t)
				r.Header["Evisit-Practice"] = c.values
				res := serve(w.api, r)
				p := refused(t, res, c.status, c.code)
				if c.code == "invalid_request" && (len(p.Problems) != 1 || p.Problems[0].Where != "Evisit-Practice") {
					t.Errorf("%s: the problems are %+v", path, p.Problems)
				}
			}
		})
	}
	w.do(t, named(call{as: "ana-rivera", method: "GET", path: "/queue"}, "lakeside"), nil)
}

// An Idempotency-Key and a place in a list are of a person at one practice.
func TestPractice_KeysAndPlacesAreItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.works(t, "hana-kim", identity.Person{ID: "hana-lakeside", Practice: "lakeside", Role: identity.PatientRole, Patient: "tom-okafor"})
	start := func(practice string) (v shownVisit) {
		t.Helper()
		c := named(call{as: "hana-kim", method: "POST", path: "/visits", body: map[string]any{"form": "back-pain"}}, practice)
		c.header["Idempotency-Key"] = "one"
		w.do(t, c, &v)
		return v
	}
	first, other := start("harbor"), start("lakeside")
	if first.ID == other.ID || start("harbor").ID != first.ID || start("lakeside").ID != other.ID {
		t.Errorf("one key has the drafts %s and %s", first.ID, other.ID)
	}
	w.do(t, named(call{as: "hana-kim", method: "POST", path: "/visits", body: map[string]any{"form": "back-pain"}}, "harbor"), nil)
	var list struct{ Next string }
	w.do(t, named(call{as: "hana-kim", method: "GET", path: "/visits?limit=1"}, "harbor"), &list)
	if list.Next == "" {
		t.Fatal("the list has one page")
	}
	next := call{as: "hana-kim", method: "GET", path: "/visits?limit=1&cursor=" + list.Next}
	w.do(t, named(next, "harbor"), nil)
	refused(t, send(t, w.api, named(next, "lakeside")), http.StatusUnprocessableEntity, "invalid_request")
}
