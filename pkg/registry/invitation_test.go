package registry_test

import (
	"errors"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

func invitation(t *testing.T) registry.Invitation {
	t.Helper()
	i, err := registry.Invite(registry.Invitation{
		ID: "i1", Practice: "lakeside", Role: identity.Clinician, Display: "Ana Rivera, MD", Email: "ana@Lakeside.example", By: "ada-brooks", At: today,
	}, "the code")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

var ana = registry.Holder{Issuer: "https://issuer.example", Subject: "ana"}

func TestInvitation_IsAcceptedOnce(t *testing.T) {
	t.Parallel()
	i, err := invitation(t).Accept("the code", ana, "Ana@lakeside.example", today.Add(time.Hour))
	if err != nil || i.Accepted == nil || *i.Accepted != ana || i.Version != 2 {
		t.Fatalf("accepted as %+v: %v", i, err)
	}
	again, err := i.Accept("the code", ana, "ana@lakeside.example", today.AddDate(1, 0, 0))
	if err != nil || again.Version != i.Version {
		t.Errorf("the same person again: version %d, %v", again.Version, err)
	}
	other := registry.Holder{Issuer: ana.Issuer, Subject: "ben"}
	if _, err := i.Accept("the code", other, "ana@lakeside.example", today); code(err) != "invitation_used" {
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
			got, err := test.i.Accept(test.code, ana, test.email, today.Add(test.after))
			if code(err) != test.want || !errors.Is(err, test.kind) {
				t.Errorf("refused with %v, want %s", err, test.want)
			}
			if got.Accepted != nil || got.Version != test.i.Version {
				t.Error("a refusal changed the invitation")
			}
		})
	}
	if _, err := invitation(t).Accept("the code", ana, "ana@lakeside.example", today.Add(registry.InvitationLife-time.Second)); err != nil {
		t.Errorf("a second before seven days are over: %v", err)
	}
}

func TestInvite_EveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	_, err := registry.Invite(registry.Invitation{Email: "ana", Role: identity.PatientRole}, "c")
	if got := where(t, err); len(got) != 3 {
		t.Errorf("names %v, want address, role and display", got)
	}
}

func code(err error) string {
	f, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return f.Code
}
