package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

var peopleTests = []test{
	{"Person_ChangedAndDeactivated", personChanges},
	{"Token_SeveralMemberships", memberships},
	{"Grant_ByPatientAndByPerson", grants},
	{"Patient_Changes", patients},
	{"Patients_NewestFirst", patientList},
	{"Coverages_OfOnePatient", coverages},
	{"Payers_AllOfThem", payers},
	{"Contracts_OfAPractice", contracts},
	{"Marked_WhoSharesAMark", marked},
	{"Import_GoesOn", imports},
	{"Roster_WhoWorksThere", roster},
	{"Leavers_WhoseTimeHasCome", leavers},
	{"Invitations_OpenOnes", invitations},
	{"Practices_AllOfThem", practices},
}

func personChanges(t *testing.T, s bench) {
	p := *personOne()
	for _, change := range []func(){
		func() {},
		func() { p.Role, p.Display, p.Licenses = identity.Clinician, "Robin Vale, NP", nil },
		func() { p.Inactive = true },
	} {
		change()
		commit(t, s, clinic.Commit{Person: &p})
		got, err := s.Person(t.Context(), p.ID)
		same(t, "Person", got, err, p)
		p.Version++
	}
}

// memberships proves that one token's holder may be known at several practices,
// and that tokens are told apart by issuer and subject both.
func memberships(t *testing.T, s bench) {
	tokens := []clinic.Token{
		{Proof: clinic.Proof{Issuer: "https://a", Subject: "1"}, Version: 1, Memberships: []identity.Membership{{Practice: "p1", Person: "a1"}}},
		{Proof: clinic.Proof{Issuer: "https://a", Subject: "2"}, Version: 1, Memberships: []identity.Membership{{Practice: "p1", Person: "a2"}}},
		{Proof: clinic.Proof{Issuer: "https://b", Subject: "1"}, Version: 1, Memberships: []identity.Membership{{Practice: "p1", Person: "b1"}}},
	}
	for _, token := range tokens {
		commit(t, s, clinic.Commit{Token: &token})
	}
	tokens[0].Version++
	tokens[0].Memberships = append(tokens[0].Memberships, identity.Membership{Practice: "p2", Person: "a3"})
	commit(t, s, clinic.Commit{Token: &tokens[0]})
	for _, token := range tokens {
		eventually(t, func() string {
			got, err := s.Token(t.Context(), token.Proof)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(token, got)
		})
	}
}

func grants(t *testing.T, s bench) {
	grant := func(patient, person string) identity.Grant {
		return identity.Grant{Practice: practiceID, Patient: patient, Person: person, Version: 1}
	}
	all := []identity.Grant{grant("patient-3", "carer-1"), grant("patient-1", "carer-1"), grant("patient-1", "carer-2")}
	commit(t, s, clinic.Commit{Grants: all}, clinic.Commit{Patients: []clinic.Patient{{Patient: identity.Patient{ID: "patient-1", Practice: practiceID, Version: 1}, Sealed: []byte("c")}}})
	held := func(person string, want ...identity.Grant) {
		t.Helper()
		eventually(t, func() string {
			got, err := s.Grants(t.Context(), person)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, got)
		})
	}
	held("carer-1", all[1], all[0])
	held("carer-2", all[2])
	held("carer-3")
	ended := all[1]
	ended.Version, ended.Until = 2, noon
	commit(t, s, clinic.Commit{Grants: []identity.Grant{ended}})
	held("carer-1", ended, all[0])
	got, err := s.Grant(t.Context(), "patient-1", "carer-1")
	same(t, "Grant", got, err, ended)
	if _, err := s.Grant(t.Context(), "patient-3", "carer-2"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a grant of another pair = %v, want not found", err)
	}
}

func patients(t *testing.T, s bench) {
	for n, contact := range []string{"sealed", "moved"} {
		want := clinic.Patient{Patient: identity.Patient{ID: patientID, Practice: practiceID, Version: n + 1}, Sealed: []byte(contact)}
		commit(t, s, clinic.Commit{Patients: []clinic.Patient{want}})
		eventually(t, func() string {
			got, err := s.Patient(t.Context(), patientID)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, got)
		})
	}
}

func coverageOne(version int) *clinic.Coverage {
	return &clinic.Coverage{
		Coverage: coverage.Coverage{ID: "coverage-1", Practice: practiceID, Patient: patientID, Edition: version - 1, By: "person-1", At: noon, Version: version},
		Sealed:   []byte("sealed"),
	}
}

// coverages proves that the coverages of a patient are listed as of the latest commit, and not
// those of another, nor who acts for the patient.
func coverages(t *testing.T, s bench) {
	first, second, other := *coverageOne(1), *coverageOne(1), *coverageOne(1)
	second.ID, other.Patient = "coverage-2", "patient-2"
	commit(t, s, clinic.Commit{Grants: []identity.Grant{{Practice: practiceID, Patient: patientID, Person: "person-1", Version: 1}}})
	for _, c := range []clinic.Coverage{first, second, other} {
		commit(t, s, clinic.Commit{Coverages: []clinic.Coverage{c}})
	}
	changed := coverageOne(2)
	changed.Checked = identity.Deed{By: "person-2", At: noon}
	commit(t, s, clinic.Commit{Coverages: []clinic.Coverage{*changed}})
	got, err := s.Coverages(t.Context(), patientID)
	same(t, "Coverages", got, err, []clinic.Coverage{*changed, second})
}

func payers(t *testing.T, s bench) {
	all := []coverage.Payer{{ID: "60054", Name: "Cascade Mutual", Filing: "CI", Address: "CASCADE", Version: 1}, {ID: "MEDOR", Name: "Medicare", Filing: "MB", Version: 1}}
	commit(t, s, clinic.Commit{Payer: &all[1]}, clinic.Commit{Payer: &all[0]})
	ended := all[0]
	ended.Ended, ended.Version = noon, 2
	commit(t, s, clinic.Commit{Payer: &ended})
	got, err := s.Payers(t.Context())
	same(t, "Payers", got, err, []coverage.Payer{ended, all[1]})
	one, err := s.Payer(t.Context(), ended.ID)
	same(t, "Payer", one, err, ended)
}

// contracts proves that a practice's contracts are listed by payer, code and first day, and no
// other's.
func contracts(t *testing.T, s bench) {
	entered := func(practice, code string, from civil.Day) billing.Contract {
		return billing.Contract{Practice: practice, Payer: "60054", Code: code, From: from, Rate: 80_00, Copay: 10_00, By: "person-1", At: noon, Version: 1}
	}
	first, second := entered(practiceID, "99421", civil.Date(2026, 1, 1)), entered(practiceID, "99421", civil.Date(2026, 3, 2))
	third, other := entered(practiceID, "99422", civil.Date(2026, 1, 1)), entered("practice-2", "99421", civil.Date(2026, 1, 1))
	commit(t, s, clinic.Commit{Contract: &third}, clinic.Commit{Contract: &second}, clinic.Commit{Contract: &first}, clinic.Commit{Contract: &other})
	first.Removed, first.Version = noon, 2
	commit(t, s, clinic.Commit{Contract: &first})
	got, err := s.Contracts(t.Context(), practiceID)
	same(t, "Contracts", got, err, []billing.Contract{first, second, third})
}

// patientList proves that a practice's patients are listed page by page, the newest
// first, and no other's.
func patientList(t *testing.T, s bench) {
	var all []clinic.Patient
	for n, practice := range []string{practiceID, practiceID, "practice-9", practiceID} {
		p := clinic.Patient{Sealed: []byte("c"), Patient: identity.Patient{
			ID: "patient-" + string(rune('a'+n)), Practice: practice, At: noon.Add(time.Duration(n) * time.Minute), Came: identity.ByPage, Version: 1,
		}}
		all = append(all, p)
		commit(t, s, clinic.Commit{Patients: []clinic.Patient{p}})
	}
	all[0].Version, all[0].Standing = 2, identity.Standing{State: identity.Warned, Reason: identity.Misuse, By: "person-1", At: noon}
	commit(t, s, clinic.Commit{Patients: all[:1]})
	eventually(t, func() string {
		var got []clinic.Patient
		for cursor := ""; ; {
			page, next, err := s.Patients(t.Context(), practiceID, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); next == "" {
				break
			}
			cursor = next
		}
		return cmp.Diff([]clinic.Patient{all[3], all[1], all[0]}, got)
	})
}

func marked(t *testing.T, s bench) {
	p := clinic.Patient{Sealed: []byte("c"), Patient: identity.Patient{ID: patientID, Practice: practiceID, Version: 1}}
	marks := []clinic.Mark{{Key: "m1", Patient: patientID}, {Key: "m1", Patient: "patient-2"}, {Key: "m2", Patient: patientID}}
	commit(t, s, clinic.Commit{Patients: []clinic.Patient{p}, Marks: marks})
	for mark, want := range map[string][]string{"m1": {patientID, "patient-2"}, "m2": {patientID}, "m3": nil} {
		eventually(t, func() string {
			got, err := s.Marked(t.Context(), mark)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, got)
		})
	}
}

// imports proves that of two who go on with an import at once one is refused, and that
// a practice makes its key once.
func imports(t *testing.T, s bench) {
	first := registry.Import{ID: "i1", Practice: practiceID, Sum: []byte("sum"), Lines: 3, By: "person-1", At: noon}
	next, _, _ := first.Next(2, noon)
	done, _, _ := next.Next(2, noon)
	commit(t, s, clinic.Commit{Import: &next}, clinic.Commit{Import: &done})
	got, err := s.Import(t.Context(), practiceID, "i1")
	same(t, "Import", got, err, done)
	if _, err := s.Import(t.Context(), "practice-2", "i1"); !errors.Is(err, fault.NotFound) {
		t.Errorf("an import of another practice: %v", err)
	}
	again := clinic.Commit{Import: &done, Audit: []audit.Record{record("r9", "", noon)}}
	if err := s.Commit(t.Context(), again); !errors.Is(err, clinic.ErrChanged) {
		t.Errorf("the same lines twice: %v", err)
	}
	key := clinic.Commit{MarkKey: &clinic.MarkKey{Practice: practiceID, Sealed: []byte("key")}}
	if _, err := s.MarkKey(t.Context(), practiceID); !errors.Is(err, fault.NotFound) {
		t.Errorf("a key before it was made: %v", err)
	}
	commit(t, s, key)
	kept, err := s.MarkKey(t.Context(), practiceID)
	same(t, "MarkKey", kept, err, *key.MarkKey)
	key.Audit = []audit.Record{record("r10", "", noon)}
	if err := s.Commit(t.Context(), key); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("another key: %v", err)
	}
}

// roster proves that who works at a practice is listed by role, whether active or not,
// and that patients, caregivers and people of other practices are not.
func roster(t *testing.T, s bench) {
	person := func(id, practice string, role identity.Role) identity.Person {
		return identity.Person{ID: id, Practice: practice, Role: role, Version: 1}
	}
	all := []identity.Person{
		person("w1", practiceID, identity.Nurse), person("w2", practiceID, identity.Clinician), person("w3", practiceID, identity.Nurse),
		person("w4", "practice-9", identity.Nurse), person("w5", practiceID, identity.PatientRole), person("w6", practiceID, identity.Caregiver),
	}
	all[2].Inactive = true
	for _, p := range all {
		commit(t, s, clinic.Commit{Person: &p})
	}
	moved := all[0]
	moved.Role, moved.Version = identity.Admin, 2
	commit(t, s, clinic.Commit{Person: &moved})
	eventually(t, func() string {
		got, err := s.Roster(t.Context(), practiceID)
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff([]identity.Person{moved, all[1], all[2]}, got)
	})
}

// leavers proves that the people whose Left has come are listed, the first first, page by
// page, and that who is cleared is not.
func leavers(t *testing.T, s bench) {
	var all []identity.Person
	for n, left := range []time.Time{noon.Add(time.Minute), noon, noon.Add(time.Hour), noon.Add(2 * time.Minute)} {
		p := identity.Person{ID: "l" + string(rune('0'+n)), Practice: practiceID, Role: identity.Clinician, Inactive: true, Left: left, Version: 1}
		all = append(all, p)
		commit(t, s, clinic.Commit{Person: &p})
	}
	cleared := all[3]
	cleared.Left, cleared.Version = time.Time{}, 2
	commit(t, s, clinic.Commit{Person: &cleared})
	eventually(t, func() string {
		var got []identity.Person
		for cursor := ""; ; {
			page, next, err := s.Leavers(t.Context(), noon.Add(2*time.Minute), cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, page...); next == "" {
				break
			}
			cursor = next
		}
		return cmp.Diff([]identity.Person{all[1], all[0]}, got)
	})
}

// invitations proves that those which can still be accepted or taken back are listed,
// the oldest first.
func invitations(t *testing.T, s bench) {
	invitation := func(id string, at time.Time) clinic.Invitation {
		return clinic.Invitation{
			Invitation: registry.Invitation{
				ID: id, Practice: practiceID, Code: []byte("hash"), By: "person-1", At: at, Version: 1,
				Worker: registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "Nora Patel, RN"},
			},
			Sealed: []byte("sealed"),
		}
	}
	second, first, third := invitation("i2", noon.Add(time.Hour)), invitation("i3", noon), invitation("i1", noon.Add(2*time.Hour))
	for _, i := range []clinic.Invitation{second, first, third} {
		commit(t, s, clinic.Commit{Invitation: &i})
	}
	third.Revoked, third.Version = true, 2
	second.Accepted, second.Version = &registry.Holder{Issuer: "https://a", Subject: "1"}, 2
	commit(t, s, clinic.Commit{Invitation: &third}, clinic.Commit{Invitation: &second})
	got, err := s.Invitation(t.Context(), "i2")
	same(t, "Invitation", got, err, second)
	if _, err := s.Invitation(t.Context(), "i9"); !errors.Is(err, fault.NotFound) {
		t.Errorf("one that never was: %v", err)
	}
	eventually(t, func() string {
		got, err := s.Invitations(t.Context(), practiceID)
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff([]clinic.Invitation{first}, got)
	})
}

func practices(t *testing.T, s bench) {
	one, other := practiceOne(), practiceOne()
	other.ID, other.Account = "practice-2", "acct_2"
	commit(t, s, register(one), register(other))
	eventually(t, func() string {
		got, err := s.Practices(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff([]string{one.ID, other.ID}, got)
	})
}
