package storetest

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

var peopleTests = []test{
	{"Person_ChangedAndDeactivated", personChanges},
	{"Token_SeveralMemberships", memberships},
	{"Grant_ByPatientAndByPerson", grants},
	{"Patient_Changes", patients},
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
	commit(t, s, clinic.Commit{Grants: all}, clinic.Commit{Patient: &clinic.Patient{ID: "patient-1", Practice: practiceID, Contact: []byte("c"), Version: 1}})
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
		want := clinic.Patient{ID: patientID, Practice: practiceID, Contact: []byte(contact), Version: n + 1}
		commit(t, s, clinic.Commit{Patient: &want})
		eventually(t, func() string {
			got, err := s.Patient(t.Context(), patientID)
			if err != nil {
				t.Fatal(err)
			}
			return cmp.Diff(want, got)
		})
	}
}
