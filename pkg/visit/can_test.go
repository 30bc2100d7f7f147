package visit_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

func patientSide(id, patient string, grants ...identity.Grant) identity.Person {
	return identity.Person{ID: id, Practice: "practice-1", Role: identity.PatientRole, Patient: patient, Grants: grants}
}

func worker(id string, role identity.Role) identity.Person {
	return identity.Person{ID: id, Practice: "practice-1", Role: role}
}

// askers are those who may look at a visit of patient-1, and some who may not.
func askers() map[string]identity.Person {
	foreign, gone := clinician("a", "CA"), clinician("a", "CA")
	foreign.Practice, gone.Inactive = "practice-2", true
	return map[string]identity.Person{
		"patient":   patientSide("person-1", "patient-1"),
		"caregiver": patientSide("person-2", "", identity.Grant{Patient: "patient-1"}),
		"ward":      patientSide("person-2", "", identity.Grant{Patient: "patient-1", Until: noon.Add(3 * time.Hour)}),
		"neighbour": patientSide("person-3", "patient-3"),
		"a":         clinician("a", "CA"), "b": clinician("b", "CA", "OR"), "unlicensed": clinician("c"),
		"nurse": worker("n", identity.Nurse), "staff": worker("s", identity.Staff), "admin": worker("m", identity.Admin),
		"foreign": foreign, "gone": gone,
	}
}

func TestCan_ByStatusAndRole(t *testing.T) {
	t.Parallel()
	const treat = "answer decline redirect release hand_over"
	want := map[visit.Status]map[string]string{ // a person who is not named can do nothing
		visit.Draft:           {"patient": "fill quote submit cancel delete report"},
		visit.AwaitingPayment: {"patient": "pay cancel report"},
		visit.Queued:          {"patient": "cancel reply report", "a": "take", "b": "take"},
		visit.InReview:        {"patient": "cancel reply report", "a": "ask " + treat, "b": "take_over"},
		visit.AwaitingPatient: {"patient": "cancel reply report", "a": treat, "b": "take_over"},
		visit.Answered:        {"patient": "acknowledge"},
		visit.Diverted:        {"patient": "acknowledge"},
		visit.Expired:         {"patient": "again"},
	}
	for _, s := range statuses {
		for name, p := range askers() {
			asks := name
			if name == "caregiver" || name == "ward" {
				asks = "patient"
			}
			if got := list(at(t, s).Can(p, noon)); got != want[s][asks] {
				t.Errorf("%s can %q with a visit %s, want %q", name, got, s, want[s][asks])
			}
		}
	}
}

func TestCan_Exceptions(t *testing.T) {
	t.Parallel()
	patient, a := askers()["patient"], clinician("a", "CA")
	full := func(s visit.Status) visit.Visit {
		v := at(t, s)
		v.FromTeam, v.FromPatient, v.Messages = visit.MessageCap-1, visit.MessageCap, 2*visit.MessageCap-1
		return v
	}
	unpriced, err := at(t, visit.Draft).Saved("CA")
	if err != nil {
		t.Fatal(err)
	}
	paperwork := at(t, visit.Queued)
	paperwork.Pool = identity.StaffPool
	owed := at(t, visit.Closed).FollowPayment(billing.Payment{ID: "payment-1", State: billing.Failed}, noon)
	released, err := at(t, visit.AwaitingPatient).Release(a)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		v    visit.Visit
		p    identity.Person
		now  time.Time
		want string
	}{
		"not priced":               {unpriced, patient, noon, "fill quote cancel delete report"},
		"the quote has expired":    {at(t, visit.Draft), patient, quote.ExpiresAt, "fill quote cancel delete report"},
		"the page has ended":       {at(t, visit.AwaitingPayment), patient, quote.PageEnds(), "cancel report"},
		"all messages were sent":   {full(visit.InReview), patient, noon, "cancel report"},
		"asked as often as may be": {full(visit.InReview), a, noon, "answer decline redirect release hand_over"},
		"the license expired":      {at(t, visit.InReview), a, noon.AddDate(11, 0, 0), "ask decline redirect release hand_over"},
		"asked and given back":     {at(t, visit.AwaitingPatient).GiveBack(), a, noon, "take"},
		"released":                 {released, a, noon, "take"},
		"released, to the patient": {released, patient, noon, "cancel reply report"},
		"the grant ended":          {at(t, visit.Queued), askers()["ward"], noon.Add(3 * time.Hour), ""},
		"where to turn was read":   {at(t, visit.Diverted).ConfirmDiversion(noon), patient, noon, ""},
		"closed, and owed for":     {owed, patient, noon, "pay"},
		"owed for, to others":      {owed, a, noon, ""},
		"paperwork, to staff":      {paperwork, askers()["staff"], noon, "take"},
		"paperwork, to clinicians": {paperwork, a, noon, ""},
	} {
		if got := list(test.v.Can(test.p, test.now)); got != test.want {
			t.Errorf("%s: can %q, want %q", name, got, test.want)
		}
	}
}

func list(can []visit.Action) string {
	all := []string{}
	for _, a := range can {
		all = append(all, string(a))
	}
	return strings.Join(all, " ")
}

// asked is what each action asks for, with what a person would send along, and
// under which right.
var asked = map[visit.Action]struct {
	right identity.Action
	do    func(v visit.Visit, p identity.Person, now time.Time) (visit.Visit, error)
}{
	visit.Fill: {identity.FillVisit, func(v visit.Visit, _ identity.Person, _ time.Time) (visit.Visit, error) { return v.Saved("OR") }},
	visit.GetQuote: {identity.FillVisit, func(v visit.Visit, _ identity.Person, _ time.Time) (visit.Visit, error) {
		return v.Priced(billing.Quote{ID: "quote-9", Amount: 100})
	}},
	visit.Submit: {identity.FillVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) {
		return v.Submit(v.Quote.ID, "payment-9", terms, now)
	}},
	visit.Cancel: {identity.FillVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) { return v.Cancel(now) }},
	visit.Delete: {identity.FillVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) { return v.Delete(now) }},
	visit.SendAgain: {identity.FillVisit, func(v visit.Visit, p identity.Person, now time.Time) (visit.Visit, error) {
		return v.Again(v.Form, p.ID, now)
	}},
	visit.Reply: {identity.WriteToTeam, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) { return v.Reply(now) }},
	visit.Report: {identity.FillVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) {
		return v.Divert("emergency", now)
	}},
	visit.Acknowledge: {identity.FillVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) {
		if v.Status == visit.Diverted {
			return v.ConfirmDiversion(now), nil
		}
		return v.Close("addendum", now)
	}},
	visit.Take: {identity.TakeVisit, visit.Visit.Take},
	visit.Ask:  {identity.TreatVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) { return v.Ask(now) }},
	visit.Answer: {identity.TreatVisit, func(v visit.Visit, p identity.Person, now time.Time) (visit.Visit, error) {
		return v.Answer(p, "document", new(5), now)
	}},
	visit.Decline: {identity.TreatVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) {
		return v.TurnAway(visit.Declined, "scope", now)
	}},
	visit.Redirect: {identity.TreatVisit, func(v visit.Visit, _ identity.Person, now time.Time) (visit.Visit, error) {
		return v.TurnAway(visit.Redirected, "exam", now)
	}},
	visit.Release: {identity.ReleaseVisit, func(v visit.Visit, p identity.Person, _ time.Time) (visit.Visit, error) { return v.Release(p) }},
	visit.HandOver: {identity.HandOverVisit, func(v visit.Visit, p identity.Person, now time.Time) (visit.Visit, error) {
		to := clinician("z", "CA")
		to.Licenses[0].Expires = now.Add(time.Hour)
		return v.HandOver(p, to, now)
	}},
	visit.TakeOver: {identity.TakeOverVisit, func(v visit.Visit, p identity.Person, now time.Time) (visit.Visit, error) {
		return v.TakeOver(p, v.Holder.ID, now)
	}},
}

// agrees checks that a person is offered exactly what the policy allows them and
// the step does not refuse.
func agrees(t *rapid.T, v visit.Visit, now time.Time) {
	all := askers()
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(t, "asker")
	p := all[name]
	can := v.Can(p, now)
	for a, ask := range asked {
		next, err := ask.do(v, p, now)
		taken := identity.Allow(p, ask.right, v.Resource(), now) == nil && err == nil && next.Version != v.Version
		if taken != slices.Contains(can, a) {
			t.Errorf("%s can %s a visit %s, %t: the step says %t, %v", name, a, v.Status, slices.Contains(can, a), taken, err)
		}
	}
	pays := identity.Allow(p, identity.FillVisit, v.Resource(), now) == nil && v.Payable(now)
	if len(can) > len(asked)+1 || pays != slices.Contains(can, visit.Pay) {
		t.Errorf("%s can %v a visit %s, to be paid: %t", name, can, v.Status, pays)
	}
}
