package httpapi_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	gocmp "github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
)

// refusals lists the records of refusals, with the practice whose log has them.
func (w *world) refusals(t testing.TB) []audit.Record {
	t.Helper()
	var all []audit.Record
	w.scan(t, func(i map[string]types.AttributeValue) {
		if !strings.HasPrefix(attribute(i["pk"]), "AUDIT#") || !ofRefusal(i) {
			return
		}
		r, err := audit.ParseLeaf([]byte(attribute(i["d"])))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(attribute(i["pk"]), "AUDIT#"+r.Practice+"#") {
			t.Errorf("the record %+v is in the log %s", r, attribute(i["pk"]))
		}
		all = append(all, r)
	})
	return all
}

// A stranger is someone who may not see jane-smith's request.
type stranger struct {
	who    string
	reason string
	status int // of what is asked about the request
}

// strangers registers one of each kind, and returns them.
func (w *world) strangers(t *testing.T) []stranger {
	t.Helper()
	add := func(p identity.Person) {
		if err := w.cast.AddPerson(t.Context(), clinic.Proof{Issuer: testIssuer, Subject: p.ID}, p); err != nil {
			t.Fatal(err)
		}
	}
	until := []identity.Grant{{Patient: "jane-smith", Until: w.now().Add(time.Minute)}}
	add(identity.Person{ID: "ended", Practice: "lakeside", Role: identity.Caregiver, Grants: until})
	add(identity.Person{ID: "left-doctor", Practice: "lakeside", Role: identity.Clinician, Inactive: true})
	add(identity.Person{ID: "left-admin", Practice: "lakeside", Role: identity.Admin, Inactive: true})
	w.moved.Add(int64(2 * time.Minute))
	return []stranger{
		{"tom-okafor", "no_relation", http.StatusNotFound},
		{"elena-diaz", "no_relation", http.StatusNotFound},
		{"ended", "grant_ended", http.StatusNotFound},
		{"hana-kim", "other_practice", http.StatusNotFound},
		{"omar-haddad", "other_practice", http.StatusNotFound},
		{"ruth-vance", "other_practice", http.StatusNotFound},
		{"left-doctor", "inactive", http.StatusUnauthorized},
		{"left-admin", "inactive", http.StatusUnauthorized},
	}
}

// ofPatient lists a request of each endpoint of a patient's data: every one whose
// path names a visit, and the list of a patient's. Bodies are wrong on purpose:
// strangers are refused before what they send is judged.
func ofPatient(visit string) []call {
	var all []call
	for _, e := range httpapi.Endpoints() {
		if !strings.Contains(e.Path, "{id}") {
			continue
		}
		c := call{method: e.Method, path: strings.ReplaceAll(e.Path, "{id}", visit)}
		if e.In != nil {
			c.body = `{"what":1`
		}
		all = append(all, c)
	}
	return append(all, call{method: "GET", path: "/visits?patient=" + janeIf(visit)})
}

// janeIf is Jane's id, or nobody's beside the id of no visit.
func janeIf(visit string) string {
	if strings.HasPrefix(visit, "none") {
		return "nobody"
	}
	return "jane-smith"
}

// Every request of a stranger for something of a patient's leaves one record in the
// log of the patient's practice, and the reply is that to a request for nothing. The
// same again leaves none within the hour.
func TestRefusal_OneRecordForEachKindOfStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	for _, s := range w.strangers(t) {
		t.Run(s.who, func(t *testing.T) {
			before := len(w.refusals(t))
			var want []string
			for n, c := range ofPatient(v.ID) {
				c.as = s.who
				res := send(t, w.api, c)
				nothing := ofPatient("none1234")[n]
				nothing.as = s.who
				none := send(t, w.api, nothing)
				if list := strings.Contains(c.path, "patient="); !list && res.Code != s.status || list && res.Code < 401 {
					t.Errorf("%s %s: %d %s", c.method, c.path, res.Code, res.Body)
				}
				if res.Code != none.Code || res.Body.String() != none.Body.String() || !slices.Equal(headerOf(res.Header()), headerOf(none.Header())) {
					t.Errorf("%s %s: %d %s, and of nothing %d %s", c.method, c.path, res.Code, res.Body, none.Code, none.Body)
				}
				want = append(want, c.method+" "+c.path)
			}
			made := w.refusals(t)
			checkRefusals(t, made, s, v.ID)
			left := len(made) - before
			if s.reason == "inactive" && left != len(want) {
				t.Errorf("%d requests left %d records", len(want), left)
			}
			for _, c := range ofPatient(v.ID) {
				c.as = s.who
				send(t, w.api, c)
			}
			if again := len(w.refusals(t)) - len(made); again != 0 {
				t.Errorf("the same again left %d records more", again)
			}
		})
	}
	made := len(w.refusals(t))
	w.moved.Add(int64(time.Hour))
	for range 2 {
		refused(t, send(t, w.api, call{as: "tom-okafor", method: "GET", path: "/visits/" + v.ID + "/chart"}), 404, "not_found")
	}
	if n := len(w.refusals(t)) - made; n != 1 {
		t.Errorf("twice in the next hour left %d records, want one", n)
	}
}

func headerOf(h http.Header) []string {
	var all []string
	for name, values := range h {
		all = append(all, name+": "+strings.Join(values, ","))
	}
	slices.Sort(all)
	return all
}

// checkRefusals checks that the records of a stranger name who, whose, why and from
// where, and that there is one for each thing that a person may be allowed to do.
func checkRefusals(t *testing.T, all []audit.Record, s stranger, visit string) {
	t.Helper()
	wanted := map[identity.Action]bool{identity.ListVisits: true}
	for _, e := range httpapi.Endpoints() {
		if e.Does != "" {
			wanted[e.Does] = true
		}
	}
	got := map[identity.Action]bool{}
	for _, r := range all {
		if r.Actor.ID != s.who {
			continue
		}
		about := cmp.Or(r.Visit, r.Patient)
		if r.Practice != "lakeside" || r.Reason != s.reason || r.Actor.IP != "192.0.2.1" || r.Actor.Role == "" || r.Actor.OnBehalf != "" ||
			about != visit && about != "jane-smith" {
			t.Errorf("recorded as %+v", r)
		}
		if a := identity.Action(r.Action); got[a] && r.Resource == "" {
			t.Errorf("%s is recorded twice", a)
		}
		got[identity.Action(r.Action)] = true
	}
	if s.reason == "inactive" { // what they asked for is not judged; the record has the address
		wanted = map[identity.Action]bool{"request.make": true}
	}
	if d := gocmp.Diff(wanted, got); d != "" {
		t.Errorf("actions that were refused (-want +recorded):\n%s", d)
	}
}

// What people of the practice itself are refused is recorded too, in the trail that
// patient and administrators read, and reads as no reading.
func TestRefusal_InTheTrail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.queued(t)
	at := "/visits/" + v.ID
	for _, c := range []call{
		{as: "ada-brooks", method: "GET", path: at + "/chart"},
		{as: "nora-patel", method: "POST", path: at + "/take"},
		{as: "ana-rivera", method: "POST", path: at + "/answer", body: conclusion()}, // not taken
	} {
		refused(t, send(t, w.api, c), 403, "denied")
	}
	refused(t, send(t, w.api, call{as: "tom-okafor", method: "GET", path: at + "/chart"}), 404, "not_found")
	var trail struct {
		Records []struct{ Actor, Action, Outcome, Reason string }
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/audit"}, &trail)
	var got []string
	for _, r := range trail.Records {
		if r.Outcome == "refused" {
			got = append(got, r.Actor+" "+r.Action+" "+r.Reason)
		} else if r.Outcome != "done" || r.Reason != "" {
			t.Errorf("%+v", r)
		}
	}
	slices.Sort(got)
	want := []string{"ada-brooks chart.read role", "ana-rivera visit.treat role", "nora-patel visit.take role", "tom-okafor chart.read no_relation"}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("refusals in the trail (-want +got):\n%s", d)
	}
}

// What is the practice's as a whole is refused with a record as well.
func TestRefusal_OfThePracticesLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, action := range map[string]identity.Action{
		"/queue": identity.ReadQueue, "/practice/work": identity.ReadWork, "/practice/payouts": identity.ReadBooks, "/practice/reconciliations": identity.ReadBooks, "/practice/money": identity.ReadBooks, "/practice/money/entries": identity.ReadBooks,
		"/practice/money/entries.csv": identity.ReadBooks,
		"/practice/log":               identity.ReadLog, "/practice/log/rows": identity.ReadLog, "/practice/log/key": identity.ReadLog,
	} {
		refused(t, send(t, w.api, call{as: "jane-smith", method: "GET", path: path}), 403, "denied")
		if !slices.ContainsFunc(w.refusals(t), func(r audit.Record) bool {
			return r.Action == string(action) && r.Practice == "lakeside" && r.Actor.ID == "jane-smith" && r.Reason == "role"
		}) {
			t.Errorf("%s: no record of %s", path, action)
		}
	}
	if n := len(w.refusals(t)); n != 4 {
		t.Errorf("%d records, want one for each action", n)
	}
}
