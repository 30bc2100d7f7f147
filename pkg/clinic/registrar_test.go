package clinic_test

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/seed"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
)

func operator() clinic.Caller {
	return clinic.Caller{Person: identity.Person{ID: "operator.pat", Practice: audit.Platform, Role: identity.Operator}}
}

func registration() registry.Registration {
	return registry.Registration{
		ID: "north", Name: "North Clinic", Zone: "America/Denver", Phone: "+15035550100", Inbox: "desk@north.example",
		Address: practice.Address{Line: "12 Shore Road", City: "Portland", State: "OR", ZIP: "97201"},
		NPI:     "1234567893", EIN: "123456789", Taxonomy: "207Q00000X",
	}
}

// signedIn is someone whom no practice knows yet, as their identity provider does.
func signedIn(subject, email string) clinic.Caller {
	return clinic.Caller{Proof: clinic.Proof{Issuer: issuer, Subject: subject}, Email: phi.Text(email), Strong: true}
}

// invites has someone invited, and returns the invitation and the code of its letter.
func (w *world) invites(by clinic.Caller, in registry.Invitation) (registry.Invitation, string) {
	w.Helper()
	i, err := w.registrar.Invite(w.ctx, by, in)
	if err != nil {
		w.Fatalf("invite: %v", err)
	}
	w.settle()
	got := w.letters(in.Email.Reveal())
	if len(got) == 0 {
		w.Fatalf("no letter went to %s", in.Email.Reveal())
	}
	link, err := url.Parse(regexp.MustCompile(`http://\S+/accept/\S+`).FindString(got[len(got)-1].Text))
	if err != nil || !strings.HasSuffix(link.Path, "/accept/"+i.ID) {
		w.Fatalf("the letter leads to %v: %v", link, err)
	}
	return i, link.Query().Get("code")
}

func nurse(email string) registry.Invitation {
	return registry.Invitation{Email: phi.Text(email), Worker: registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "Nia Doe, RN"}}
}

func TestRegister_PracticeToFirstPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.registrar.Register(w.ctx, operator(), registration())
	if err != nil || p.Version != 1 || p.NPI != "1234567893" || p.Consenting != "" {
		t.Fatalf("registered as %+v: %v", p, err)
	}
	before := w.stored("AUDIT#")
	if again, err := w.registrar.Register(w.ctx, operator(), registration()); err != nil || again.Version != 1 {
		t.Errorf("again: %+v, %v", again, err)
	}
	other := registration()
	other.Name = "South Clinic"
	_, err = w.registrar.Register(w.ctx, operator(), other)
	w.refused(err, "practice_exists")
	if n := w.stored("AUDIT#") - before; n != 0 {
		t.Errorf("what changed nothing left %d records", n)
	}

	_, code := w.invites(operator(), registry.Administrator("north", "kit@north.example", "Kit Doe"))
	i, err := w.registrar.Invite(w.ctx, operator(), nurse("nia@north.example"))
	if i.ID != "" || !errors.Is(err, fault.NotFound) {
		t.Errorf("an invitation to no practice: %+v, %v", i, err)
	}
	nia := nurse("nia@north.example")
	nia.Practice = "north"
	_, err = w.registrar.Invite(w.ctx, operator(), nia)
	w.refused(err, "invalid_request")

	first := w.openInvitation("north")
	kit := signedIn("kit", "Kit@north.example")
	who, err := w.registrar.Accept(w.ctx, kit, first, code)
	if err != nil || who.Role != identity.Admin || who.Practice != "north" {
		t.Fatalf("accepted as %+v: %v", who, err)
	}
	if again, err := w.registrar.Accept(w.ctx, kit, first, code); err != nil || again.ID != who.ID {
		t.Errorf("accepted again as %+v: %v", again, err)
	}
	second, code := w.invites(kit, nurse("nia@north.example"))
	if second.Practice != "north" {
		t.Errorf("the administrator invites to %s", second.Practice)
	}
	if who, err = w.registrar.Accept(w.ctx, signedIn("nia", "nia@north.example"), second.ID, code); err != nil || who.Role != identity.Nurse {
		t.Fatalf("the nurse is %+v: %v", who, err)
	}
	people, err := w.registrar.People(w.ctx, kit)
	if err != nil || len(people) != 2 {
		t.Errorf("%d people: %v", len(people), err)
	}
}

// openInvitation is the id of a practice's only open invitation.
func (w *world) openInvitation(practice string) string {
	w.Helper()
	all, err := w.tape.Invitations(w.ctx, practice)
	if err != nil || len(all) != 1 {
		w.Fatalf("%d open invitations: %v", len(all), err)
	}
	return all[0].ID
}

// eventsOf lists the kinds of events about an account: those to be delivered now, and those
// for later.
func (w *world) eventsOf(account string) (now, later []outbox.Kind) {
	w.Helper()
	w.rows(func(i item) {
		d, err := outbox.Read(func(name string) string { return attr(i, name) })
		switch {
		case err != nil || !strings.HasPrefix(attr(i, "pk"), "OUTBOX#") || d.Account != account:
		case d.Armed:
			now = append(now, d.Kind)
		default:
			later = append(later, d.Kind)
		}
	})
	return now, later
}

func TestRegister_AccountOfOnePractice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := registration()
	in.Account = seed.Accounts[0]
	_, err := w.registrar.Register(w.ctx, operator(), in)
	w.refused(err, "account_taken")
	if _, err := w.tape.Practice(w.ctx, "north"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the practice was registered all the same: %v", err)
	}
	in.Account = "acct_1North000000000"
	if _, err := w.registrar.Register(w.ctx, operator(), in); err != nil {
		t.Fatal(err)
	}
	now, later := w.eventsOf(in.Account)
	if diff := cmp.Diff([][]outbox.Kind{{outbox.AskAccount}, {outbox.CheckAccount}}, [][]outbox.Kind{now, later}); diff != "" {
		t.Errorf("Stripe is asked how the account stands now, and what changed on it later (-want +got):\n%s", diff)
	}
}

func TestRegistrar_WhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for who, want := range map[string]string{jane: "denied", ana: "denied", ada: "denied"} {
		_, err := w.registrar.Register(w.ctx, w.as(who), registration())
		if _, listed := w.registrar.Practices(w.ctx, w.as(who)); !errors.Is(err, fault.NotFound) || !errors.Is(listed, fault.NotFound) {
			t.Errorf("%s registers a practice: %v, and lists them: %v", who, err, listed)
		}
		_, err = w.registrar.Invite(w.ctx, w.as(who), nurse("nia@lakeside.example"))
		if who != ada {
			w.refused(err, want)
		}
		_, err = w.registrar.Activate(w.ctx, w.as(who), ben, false)
		if who != ada {
			w.refused(err, want)
		}
	}
	ruth := w.as("ruth-vance") // harbor's administrator
	for name, err := range map[string]error{
		"deactivates": errOf(w.registrar.Activate(w.ctx, ruth, ana, false)),
		"reads":       errOf(w.registrar.Person(w.ctx, ruth, ana)),
		"takes back":  errOf(w.registrar.Revoke(w.ctx, ruth, w.openInvitation("lakeside"))),
		"invites":     errOf(w.registrar.Invite(w.ctx, ruth, registry.Administrator("lakeside", "kit@lakeside.example", "Kit Doe"))),
	} {
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("another practice's administrator %s: %v", name, err)
		}
	}
	_, err := w.registrar.Invite(w.ctx, ruth, registry.Administrator("no-such", "kit@lakeside.example", "Kit Doe"))
	if n := w.stored("AUDIT#no-such"); !errors.Is(err, fault.NotFound) || n != 0 {
		t.Errorf("a practice that does not exist: %v, and %d records in its log", err, n)
	}
	if p, err := w.registrar.Person(w.ctx, w.as(ada), jane); !errors.Is(err, fault.NotFound) {
		t.Errorf("a patient is found among those who work there: %+v, %v", p, err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestAccept_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, code := w.invites(w.as(ada), nurse("nia@lakeside.example"))
	nia := signedIn("nia", "nia@lakeside.example")
	weak, unconfirmed := nia, nia
	weak.Strong, unconfirmed.Email = false, ""
	for want, err := range map[string]error{
		"no_invitation":            errOf(w.registrar.Accept(w.ctx, nia, i.ID, code+"x")),
		"second_factor":            errOf(w.registrar.Accept(w.ctx, weak, i.ID, code)),
		"email_unconfirmed":        errOf(w.registrar.Accept(w.ctx, unconfirmed, i.ID, code)),
		"invitation_other_address": errOf(w.registrar.Accept(w.ctx, signedIn("nia", "nia@else.example"), i.ID, code)),
		"already_member":           errOf(w.registrar.Accept(w.ctx, signedIn(ben, "nia@lakeside.example"), i.ID, code)),
	} {
		w.refused(err, want)
	}
	_, err := w.registrar.Accept(w.ctx, nia, "nothing", code)
	w.refused(err, "no_invitation")

	revoked, second := w.invites(w.as(ada), nurse("noa@lakeside.example"))
	if _, err := w.registrar.Revoke(w.ctx, w.as(ada), revoked.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.registrar.Accept(w.ctx, signedIn("noa", "noa@lakeside.example"), revoked.ID, second)
	w.refused(err, "invitation_revoked")

	w.pass(registry.InvitationLife)
	_, err = w.registrar.Accept(w.ctx, nia, i.ID, code)
	w.refused(err, "invitation_expired")
	if n := w.stored("WHO#" + issuer + "|nia"); n != 0 {
		t.Errorf("who was refused is known by %d rows", n)
	}
}

// Of two who accept at once one joins; the invitation of the other was used.
func TestAccept_TwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, code := w.invites(w.as(ada), nurse("nia@lakeside.example"))
	var failures [2]error
	var wait sync.WaitGroup
	for n, subject := range []string{"nia", "other"} {
		wait.Go(func() {
			_, failures[n] = w.registrar.Accept(w.ctx, signedIn(subject, "nia@lakeside.example"), i.ID, code)
		})
	}
	wait.Wait()
	if (failures[0] == nil) == (failures[1] == nil) {
		t.Fatalf("both joined, or neither: %v", failures)
	}
	for _, err := range failures {
		if err != nil {
			w.refused(err, "invitation_used")
		}
	}
}

// A letter goes once, and only while its invitation can still be accepted.
func TestInvitation_LetterIsTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, err := w.registrar.Invite(w.ctx, w.once(ada, "k", "nia"), nurse("nia@lakeside.example"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.registrar.Invite(w.ctx, w.once(ada, "k", "nia"), nurse("nia@lakeside.example"))
	if err != nil || again.ID != i.ID {
		t.Errorf("the same request again is %s: %v", again.ID, err)
	}
	if _, err := w.registrar.Revoke(w.ctx, w.as(ada), i.ID); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if n := len(w.letters("nia@lakeside.example")); n != 0 {
		t.Errorf("%d letters of an invitation that was taken back", n)
	}
	w.handled(outbox.Invited)
}

// What is deactivated holds from the next request on, and what someone may do can be
// given back.
func TestActivate_AtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	p, err := w.registrar.Activate(w.ctx, w.as(ada), ana, false)
	if err != nil || !p.Inactive {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = w.desk.Take(w.ctx, w.as(ana), id)
	w.refused(err, "unknown_person")
	before := w.stored("AUDIT#")
	if again, err := w.registrar.Activate(w.ctx, w.as(ada), ana, false); err != nil || again.Version != p.Version {
		t.Errorf("again: %+v, %v", again, err)
	}
	if n := w.stored("AUDIT#") - before; n != 0 {
		t.Errorf("what changed nothing left %d records", n)
	}
	if _, err := w.registrar.Activate(w.ctx, w.as(ada), ana, true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.desk.Take(w.ctx, w.as(ana), id); err != nil {
		t.Errorf("given back: %v", err)
	}
}

func TestChangePerson_RolesHoldAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	worker := registry.Worker{Roles: []identity.Role{identity.Admin, identity.Clinician}, Display: "Ben Chen, MD"}
	c := w.as(ada)
	c.Version = 1
	p, err := w.registrar.ChangePerson(w.ctx, c, ben, worker)
	if err != nil || p.Role != identity.Clinician || !p.Has(identity.Admin) {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := w.registrar.People(w.ctx, w.as(ben)); err != nil {
		t.Errorf("the new administrator: %v", err)
	}
	worker.Display = "Ben Chen, DO"
	_, err = w.registrar.ChangePerson(w.ctx, c, ben, worker)
	w.refused(err, "stale")
	_, err = w.registrar.ChangePerson(w.ctx, w.as(ada), ben, registry.Worker{})
	w.refused(err, "invalid_request")
}

// A practice keeps an administrator, also when two take the role from each other at once.
func TestLastAdministrator_Stays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := registry.Worker{Roles: []identity.Role{identity.Staff}, Display: "Ada Brooks"}
	_, err := w.registrar.Activate(w.ctx, w.as(ada), ada, false)
	w.refused(err, "last_admin")
	_, err = w.registrar.ChangePerson(w.ctx, w.as(ada), ada, nobody)
	w.refused(err, "last_admin")

	kit := identity.Person{ID: "kit-doe", Practice: "lakeside", Role: identity.Admin, Display: "Kit Doe"}
	w.becomes(kit)
	var failures [2]error
	var wait sync.WaitGroup
	for n, leave := range []func(context.Context) error{
		func(ctx context.Context) error { return errOf(w.registrar.Activate(ctx, w.as(ada), kit.ID, false)) },
		func(ctx context.Context) error { return errOf(w.registrar.Activate(ctx, w.as(kit.ID), ada, false)) },
	} {
		wait.Go(func() { failures[n] = leave(w.ctx) })
	}
	wait.Wait()
	roster, err := w.tape.Roster(w.ctx, "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(roster, func(p identity.Person) bool { return !p.Inactive && p.Has(identity.Admin) }) {
		t.Errorf("nobody is administrator: %v", failures)
	}
	if failures[0] == nil && failures[1] == nil {
		t.Error("each left the other")
	}
}

// Who runs the system sees how practices stand, and nothing of their patients.
func TestPractices_HowTheyStand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued()
	w.pass(25 * time.Hour)
	w.minute()
	if !w.visit(id).Promise.Told {
		t.Fatal("the request is not late")
	}
	all, err := w.registrar.Practices(w.ctx, operator())
	if err != nil || len(all) != len(seed.Accounts) {
		t.Fatalf("%d practices: %v", len(all), err)
	}
	for _, s := range all {
		if open := s.ID == "lakeside"; (s.Open > 0) != open || s.Oldest.IsZero() == open {
			t.Errorf("%s: %d items, due %v", s.ID, s.Open, s.Oldest)
		}
	}
	p, err := w.registrar.Suspend(w.ctx, operator(), "lakeside", true)
	if err != nil || !p.Suspended.Equal(w.now().Truncate(time.Millisecond)) {
		t.Fatalf("suspended at %v: %v", p.Suspended, err)
	}
	again, err := w.registrar.Suspend(w.ctx, operator(), "lakeside", true)
	if err != nil || again.Version != p.Version {
		t.Errorf("suspended again: %+v, %v", again.Core, err)
	}
	if p, err = w.registrar.Suspend(w.ctx, operator(), "lakeside", false); err != nil || !p.Suspended.IsZero() {
		t.Errorf("resumed: %v, %v", p.Suspended, err)
	}
}
