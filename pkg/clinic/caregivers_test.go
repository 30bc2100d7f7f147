package clinic_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

func power(email phi.Text, why identity.Why) registrar.Power {
	return registrar.Power{Email: email, Why: why}
}

// A caregiver acts from accepting to the end: revoked at once, and over a child until the
// eighteenth birthday, unless the child then grants it anew.
func TestCaregiver_FromGrantToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.registrar.InviteCaregiver(w.ctx, w.as("elena-diaz"), "rosa-diaz", power("x@new.example", identity.Help))
	w.refused(err, "denied")
	_, err = w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, power("mum@new.example", identity.ParentOf))
	w.refused(err, "invalid_request")
	i, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, power("mum@new.example", identity.Help))
	if err != nil {
		t.Fatal(err)
	}
	mum := signedIn("mum", "mum@new.example")
	mum.Strong = false
	code := w.linkCode("mum@new.example", i.ID)
	who, err := w.registrar.Accept(w.ctx, mum, i.ID, code)
	if err != nil || who.Role != identity.Caregiver {
		t.Fatalf("accepted as %+v: %v", who, err)
	}
	if _, err := w.request.Start(w.ctx, mum, "uti-women", "", jane); err != nil {
		t.Fatalf("who acts starts nothing: %v", err)
	}
	if g, err := w.registrar.RevokeCaregiver(w.ctx, w.as(jane), jane, who.ID); err != nil || g.Active(w.now()) {
		t.Errorf("revoked: %+v, %v", g, err)
	}
	if _, err = w.request.Start(w.ctx, mum, "uti-women", "", jane); !errors.Is(err, fault.NotFound) {
		t.Errorf("who acts no more starts: %v", err)
	}

	child := newcomer("Lou Doe")
	child.Birth = start.AddDate(-17, -11, 0).Truncate(24 * time.Hour)
	p, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), child)
	if err != nil {
		t.Fatal(err)
	}
	i, err = w.registrar.InviteCaregiver(w.ctx, w.as(sam), p.ID, power("mum@new.example", identity.ParentOf))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.registrar.Accept(w.ctx, mum, i.ID, w.linkCode("mum@new.example", i.ID)); err != nil || again.ID != who.ID {
		t.Fatalf("the same holder became %s: %v", again.ID, err)
	}
	start := func() error { return errOf(w.request.Start(w.ctx, mum, "admin-request", "", p.ID)) }
	if err := start(); err != nil {
		t.Errorf("a parent starts: %v", err)
	}
	w.pass(32 * 24 * time.Hour)
	if err := start(); !errors.Is(err, fault.NotFound) {
		t.Errorf("the child is of age, and the parent starts: %v", err)
	}
	all, err := w.registrar.Caregivers(w.ctx, w.as(sam), p.ID)
	if err != nil || len(all.All) != 1 || all.All[0].By != sam || all.All[0].Why != identity.ParentOf {
		t.Errorf("the grants are %+v: %v", all, err)
	}
}

// Who may read what is a patient's reads it, and starts, writes, changes and grants nothing.
func TestCaregiver_WhoReadsDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.queued()
	p := power("son@new.example", identity.Help)
	p.Scope = "some"
	_, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, p)
	w.refused(err, "invalid_request")
	p.Scope = identity.Reading
	i, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, p)
	if err != nil {
		t.Fatal(err)
	}
	son := signedIn("son", "son@new.example")
	if _, err := w.registrar.Accept(w.ctx, son, i.ID, w.linkCode("son@new.example", i.ID)); err != nil {
		t.Fatal(err)
	}
	if vs, _, err := w.request.ListVisits(w.ctx, son, jane, "", 10); err != nil || len(vs) != 1 {
		t.Errorf("who reads sees %d requests: %v", len(vs), err)
	}
	if got, err := w.registrar.Patient(w.ctx, son, jane); err != nil || got.ID != jane {
		t.Errorf("who reads sees %+v: %v", got, err)
	}
	wards, err := w.request.Wards(w.ctx, son)
	if err != nil || len(wards) != 1 || !wards[0].ReadOnly {
		t.Errorf("wards are %+v: %v", wards, err)
	}
	phone := phi.Text("+1 503 555 0101")
	for what, err := range map[string]error{
		"start":  errOf(w.request.Start(w.ctx, son, "uti-women", "", jane)),
		"cancel": errOf(w.request.Cancel(w.ctx, son, mine)),
		"change": errOf(w.registrar.ChangeContact(w.ctx, son, jane, registrar.ContactChange{Phone: &phone})),
		"grant":  errOf(w.registrar.InviteCaregiver(w.ctx, son, jane, power("x@new.example", identity.Help))),
	} {
		if f, ok := fault.Public(err); !ok || f.Kind != fault.Denied {
			t.Errorf("who reads may %s: %v", what, err)
		}
	}
}

// Who acts for a patient is written to about the requests that they start, for as long
// as they act; from then on the patient is.
func TestCaregiver_GetsTheLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const mum, mail = "mum", "mum@new.example"
	i, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, power(mail, identity.Help))
	if err != nil {
		t.Fatal(err)
	}
	who, err := w.registrar.Accept(w.ctx, signedIn(mum, mail), i.ID, w.linkCode(mail, i.ID))
	if err != nil {
		t.Fatal(err)
	}
	hers := w.letters(janes)
	id := w.starts(mum, "uti-women", jane)
	w.saves(mum, id, with(urinary, said{
		"completed-by": []string{"caregiver"}, "proxy-name": "Mum", "proxy-relationship": []string{"parent"}, "proxy-authority": true,
	}))
	w.submits(mum, id, w.prices(mum, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	if got := w.letters(mail); !strings.Contains(got[0].Subject, "Your request was received") {
		t.Errorf("who acts has the letters %+v", got)
	}
	if got := w.letters(janes); len(got) != len(hers) {
		t.Errorf("the patient has the letters %+v", got)
	}
	if _, err := w.registrar.RevokeCaregiver(w.ctx, w.as(jane), jane, who.ID); err != nil {
		t.Fatal(err)
	}
	w.takes(ana, id)
	w.answers(id)
	w.settle()
	if got := w.letters(janes); len(got) == len(hers) || !strings.Contains(got[0].Subject+got[1].Subject, "Your request was answered") {
		t.Errorf("the patient has the letters %+v", got)
	}
}

// An invitation to act that went to a wrong address is taken back by the patient, and by the
// practice; nobody else's is. Who acts sees their own grant alone with an address.
func TestCaregiver_InvitationTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, power("mumm@new.example", identity.Help))
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	right, err := w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, power("mum@new.example", identity.Help))
	if err != nil {
		t.Fatal(err)
	}
	all, err := w.registrar.Caregivers(w.ctx, w.as(jane), jane)
	if err != nil || len(all.Invited) != 2 || all.Invited[0].Email != "mumm@new.example" || !all.MayInvite {
		t.Fatalf("invited are %+v: %v", all.Invited, err)
	}
	for who, code := range map[string]string{"tom-okafor": "not_found", "elena-diaz": "not_found", "leo-park": "not_found"} {
		_, err := w.registrar.UninviteCaregiver(w.ctx, w.as(who), jane, wrong.ID)
		w.refused(err, code)
	}
	_, err = w.registrar.UninviteCaregiver(w.ctx, w.as("tom-okafor"), "tom-okafor", wrong.ID)
	w.refused(err, "no_invitation")
	worker, _ := w.invites(w.as(ada), registry.Invitation{Email: "kim@new.example", Worker: registry.Worker{Roles: []identity.Role{identity.Nurse}, Display: "Kim Kay, RN"}})
	_, err = w.registrar.UninviteCaregiver(w.ctx, w.as(jane), jane, worker.ID)
	w.refused(err, "no_invitation")
	for range 2 {
		if i, err := w.registrar.UninviteCaregiver(w.ctx, w.as(jane), jane, wrong.ID); err != nil || !i.Revoked {
			t.Errorf("taken back: %+v, %v", i, err)
		}
	}
	_, err = w.registrar.Accept(w.ctx, signedIn("mumm", "mumm@new.example"), wrong.ID, w.linkCode("mumm@new.example", wrong.ID))
	w.refused(err, "invitation_revoked")
	mum := signedIn("mum", "mum@new.example")
	who, err := w.registrar.Accept(w.ctx, mum, right.ID, w.linkCode("mum@new.example", right.ID))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.registrar.UninviteCaregiver(w.ctx, w.as(sam), jane, right.ID)
	w.refused(err, "invitation_used")
	third, err := w.registrar.InviteCaregiver(w.ctx, w.as(sam), jane, power("son@new.example", identity.LegalProxy))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]clinic.Caller{"the patient": w.as(jane), "who acts": mum} {
		all, err := w.registrar.Caregivers(w.ctx, c, jane)
		if err != nil || len(all.All) != 1 || all.All[0].Person != who.ID || all.All[0].Email != "mum@new.example" {
			t.Errorf("%s sees %+v: %v", name, all.All, err)
		}
		if acts := name == "who acts"; all.MayInvite == acts || len(all.Invited) == 0 != acts {
			t.Errorf("%s sees invitations %+v", name, all.Invited)
		}
	}
	_, err = w.registrar.UninviteCaregiver(w.ctx, mum, jane, third.ID)
	w.refused(err, "denied")
	if _, err := w.registrar.UninviteCaregiver(w.ctx, w.as(sam), jane, third.ID); err != nil {
		t.Errorf("the practice takes back: %v", err)
	}
	_, err = w.registrar.InviteCaregiver(w.ctx, w.as(jane), jane, registrar.Power{Email: "mum", Why: "friend", Until: w.now()})
	w.refused(err, "invalid_request")
	if f, _ := fault.Public(err); len(f.Problems) != 3 {
		t.Errorf("wrong are %+v, want e-mail address, reason and end", f.Problems)
	}
}
