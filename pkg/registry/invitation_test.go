package registry_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

func invitation(t *testing.T) registry.Invitation {
	t.Helper()
	i, err := registry.Invite(registry.Invitation{
		ID: "i1", Practice: "lakeside", Email: "ana@Lakeside.example", Secret: "the code", By: "ada-brooks", At: today,
		Worker: registry.Worker{Roles: []identity.Role{identity.Admin, identity.Clinician}, Display: "Ana Rivera, MD"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

var ana = registry.Holder{Issuer: "https://issuer.example", Subject: "ana"}

func TestInvitation_IsAcceptedOnce(t *testing.T) {
	t.Parallel()
	i, err := invitation(t).Accept("the code", ana, "Ana@lakeside.example", "p1", today.Add(time.Hour))
	if err != nil || i.Accepted == nil || *i.Accepted != ana || i.Version != 2 {
		t.Fatalf("accepted as %+v: %v", i, err)
	}
	again, err := i.Accept("the code", ana, "ana@lakeside.example", "p2", today.AddDate(1, 0, 0))
	if err != nil || again.Version != i.Version || again.Person != "p1" {
		t.Errorf("the same person again: version %d, %v", again.Version, err)
	}
	other := registry.Holder{Issuer: ana.Issuer, Subject: "ben"}
	if _, err := i.Accept("the code", other, "ana@lakeside.example", "p3", today); code(err) != "invitation_used" {
		t.Errorf("another person again: %v", err)
	}
}

func TestInvitation_Refused(t *testing.T) {
	t.Parallel()
	revoked := invitation(t)
	revoked.Revoked = true
	for name, test := range map[string]struct {
		i           registry.Invitation
		code, email string
		after       time.Duration
		want        string
		kind        fault.Kind
	}{
		"another code":             {invitation(t), "The code", "ana@lakeside.example", 0, "no_invitation", fault.NotFound},
		"no code":                  {invitation(t), "", "ana@lakeside.example", 0, "no_invitation", fault.NotFound},
		"an invitation of no code": {registry.Invitation{}, "", "ana@lakeside.example", 0, "no_invitation", fault.NotFound},
		"after seven days":         {invitation(t), "the code", "ana@lakeside.example", registry.InvitationLife, "invitation_expired", fault.Conflict},
		"taken back":               {revoked, "the code", "ana@lakeside.example", 0, "invitation_revoked", fault.Conflict},
		"another address":          {invitation(t), "the code", "ben@lakeside.example", 0, "invitation_other_address", fault.Denied},
		"no confirmed address":     {invitation(t), "the code", "", 0, "email_unconfirmed", fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.i.Accept(test.code, ana, test.email, "p1", today.Add(test.after))
			if code(err) != test.want || !errors.Is(err, test.kind) {
				t.Errorf("refused with %v, want %s", err, test.want)
			}
			if got.Accepted != nil || got.Version != test.i.Version {
				t.Error("a refusal changed the invitation")
			}
		})
	}
	if _, err := invitation(t).Accept("the code", ana, "ana@lakeside.example", "p1", today.Add(registry.InvitationLife-time.Second)); err != nil {
		t.Errorf("a second before seven days are over: %v", err)
	}
}

func TestInvitation_TakenBack(t *testing.T) {
	t.Parallel()
	i, err := invitation(t).Revoke()
	if err != nil || !i.Revoked || i.Version != 2 || i.Open(today) {
		t.Fatalf("taken back as %+v: %v", i, err)
	}
	if again, err := i.Revoke(); err != nil || again.Version != i.Version {
		t.Errorf("again: version %d, %v", again.Version, err)
	}
	used, err := invitation(t).Accept("the code", ana, "ana@lakeside.example", "p1", today)
	if err != nil || used.Open(today) {
		t.Fatal("it is open once it is used", err)
	}
	if _, err := used.Revoke(); code(err) != "invitation_used" {
		t.Errorf("one that was accepted: %v", err)
	}
}

func TestInvite_EveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		w    registry.Worker
		want []string
	}{
		"nothing":   {registry.Worker{}, []string{"/email", "/roles", "/name"}},
		"a patient": {registry.Worker{Roles: []identity.Role{identity.PatientRole}, Display: "x"}, []string{"/email", "/roles/0"}},
		"an operator, and a role twice": {
			registry.Worker{Roles: []identity.Role{identity.Nurse, identity.Operator, identity.Nurse}, Display: "x"},
			[]string{"/email", "/roles/1", "/roles/2"},
		},
		"a kind that nobody is":  {registry.Worker{Roles: []identity.Role{identity.Clinician}, Display: "x", Kind: "wizard"}, []string{"/email", "/kind"}},
		"a kind of no clinician": {registry.Worker{Roles: []identity.Role{identity.Clinician}, Display: "x", Kind: coding.Nurse}, []string{"/email", "/kind"}},
		"a kind of who is none":  {registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "x", Kind: coding.Physician}, []string{"/email", "/kind"}},
		"licenses": {
			registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "x", NPI: "1234567890", Licenses: []identity.License{
				{State: "OR", Number: "1", Expires: today},
				{State: "or", Number: " ", Expires: today.AddDate(1, 0, 0)},
				{State: "OR", Number: "2", Expires: today.AddDate(1, 0, 0)},
			}},
			[]string{"/email", "/npi", "/licenses/0/expires", "/licenses/1/state", "/licenses/1/number", "/licenses/2/state"},
		},
	} {
		_, err := registry.Invite(registry.Invitation{Email: "ana", Worker: test.w, At: today})
		if got := where(t, err); !slices.Equal(got, test.want) {
			t.Errorf("%s: names %v, want %v", name, got, test.want)
		}
	}
}

// The role that counts most comes first, in whatever order they were given.
func TestWorker_RolesInTheirOrder(t *testing.T) {
	t.Parallel()
	i := invitation(t)
	p := i.On(identity.Person{ID: "p1", Role: identity.Staff})
	if p.Role != identity.Clinician || !slices.Equal(p.Also, []identity.Role{identity.Admin}) || p.Display != "Ana Rivera, MD" {
		t.Errorf("becomes %+v", p)
	}
	p.Kind = coding.Physician
	one := registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "x"}.On(p)
	if one.Role != identity.Nurse || one.Also != nil || one.Kind != "" {
		t.Errorf("with one role is %+v", one)
	}
}

func code(err error) string {
	f, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return f.Code
}
