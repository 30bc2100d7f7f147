package clinic_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/vault"
	"evisit/pkg/work"
)

func newcomer(name string) identity.Contact {
	email := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@new.example"
	return identity.Contact{Name: phi.Text(name), Email: phi.Text(email), Birth: time.Date(1990, 4, 12, 0, 0, 0, 0, time.UTC), Sex: "female"}
}

// linkCode is the code of the letter with an invitation.
func (w *world) linkCode(to, invitation string) string {
	w.Helper()
	w.settle()
	for _, l := range w.letters(to) {
		if _, code, ok := strings.Cut(l.Text, "/accept/"+invitation+"?code="); ok {
			return strings.Fields(code)[0]
		}
	}
	w.Fatalf("no letter of invitation %s went to %s", invitation, to)
	return ""
}

// unverified is the open work of matching a patient; zero: none.
func (w *world) unverified(patient string) work.Item {
	w.Helper()
	all, err := w.tape.Work(w.ctx, "lakeside")
	if err != nil {
		w.Fatalf("work: %v", err)
	}
	for _, i := range all {
		if i.Kind == work.PatientUnverified && i.Patient == patient {
			return i
		}
	}
	return work.Item{}
}

// Staff register a patient and invite them; who accepts signs in as that patient, without
// a second factor, and nobody else does.
func TestPatient_RegisteredAndInvited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kim := newcomer("Kim Doe")
	p, found, err := w.registrar.RegisterPatient(w.ctx, w.once(sam, "k", "kim"), kim)
	if err != nil || len(found) != 0 || p.Verified.By != sam {
		t.Fatalf("registered as %+v, doubles %v: %v", p, found, err)
	}
	again, _, err := w.registrar.RegisterPatient(w.ctx, w.once(sam, "k", "kim"), kim)
	if err != nil || again.ID != p.ID {
		t.Errorf("the same request again is %s: %v", again.ID, err)
	}
	if _, found, err = w.registrar.RegisterPatient(w.ctx, w.as(sam), kim); err != nil || !slices.Contains(found, p.ID) {
		t.Errorf("the double of %s is found as %v: %v", p.ID, found, err)
	}
	i, err := w.registrar.InvitePatient(w.ctx, w.as(sam), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	code := w.linkCode(kim.Email.Reveal(), i.ID)
	who := signedIn("kim", kim.Email.Reveal())
	who.Strong = false
	_, err = w.registrar.Accept(w.ctx, signedIn("other", "other@new.example"), i.ID, code)
	w.refused(err, "invitation_other_address")
	person, err := w.registrar.Accept(w.ctx, who, i.ID, code)
	if err != nil || person.Patient != p.ID || person.Role != identity.PatientRole {
		t.Fatalf("accepted as %+v: %v", person, err)
	}
	if v, err := w.request.Start(w.ctx, who, "uti-women", "", ""); err != nil || v.Patient != p.ID {
		t.Errorf("a visit of %s: %v", v.Patient, err)
	}
	_, err = w.registrar.InvitePatient(w.ctx, w.as(sam), p.ID)
	w.refused(err, "already_joined")
}

// The public page makes one patient of one sign-in, whom staff then match.
func TestJoin_UnverifiedUntilMatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kim := newcomer("Kim Doe")
	known, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), kim)
	if err != nil {
		t.Fatal(err)
	}
	who := signedIn("kim", "kim@other.example")
	who.Phone = "+15035550111"
	p, err := w.registrar.Join(w.ctx, who, "lakeside", identity.Contact{Name: "DOE Kim", Birth: kim.Birth, Sex: "female"})
	if err != nil || !p.Verified.At.IsZero() || p.Contact.Email != "kim@other.example" || p.Contact.Phone != "+15035550111" {
		t.Fatalf("joined as %+v: %v", p, err)
	}
	if again, err := w.registrar.Join(w.ctx, who, "lakeside", identity.Contact{Name: "Kim", Birth: kim.Birth}); err != nil || again.ID != p.ID {
		t.Errorf("the same holder again is %s: %v", again.ID, err)
	}
	if i := w.unverified(p.ID); i.Note != work.PossibleDouble || i.Pool != identity.StaffPool {
		t.Errorf("the work is %+v", i)
	}
	if found, err := w.registrar.Doubles(w.ctx, w.as(sam), p.ID); err != nil || !slices.Equal(found, []string{known.ID}) {
		t.Errorf("doubles %v: %v", found, err)
	}
	v, err := w.request.Start(w.ctx, who, "uti-women", "", "")
	if err != nil {
		t.Fatal(err)
	}
	merged, err := w.registrar.Merge(w.ctx, w.as(sam), p.ID, known.ID)
	if err != nil || merged.Into != known.ID || merged.Standing.Reason != identity.Double {
		t.Fatalf("merged: %+v, %v", merged.Standing, err)
	}
	if again, err := w.registrar.Merge(w.ctx, w.as(sam), p.ID, known.ID); err != nil || again.Version != merged.Version {
		t.Errorf("merged again: %v", err)
	}
	if i := w.unverified(p.ID); i.ID != "" {
		t.Errorf("the work of matching is open: %+v", i)
	}
	if _, err := w.request.Cancel(w.ctx, who, v.ID); err != nil {
		_, err = w.request.Delete(w.ctx, who, v.ID)
		if err != nil {
			t.Errorf("the earlier record's visit is lost: %v", err)
		}
	}
	if v, err := w.request.Start(w.ctx, who, "uti-women", "", ""); err != nil || v.Patient != known.ID {
		t.Errorf("a new visit is of %s, want %s: %v", v.Patient, known.ID, err)
	}
}

// A record that was merged stays as it is: what is to be said of the person is said of the
// record that it was merged into.
func TestMerged_ChangesNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kim := signedIn("kim", "kim@new.example")
	p, err := w.registrar.Join(w.ctx, kim, "lakeside", identity.Contact{Name: "Kim Doe", Birth: newcomer("Kim Doe").Birth})
	if err != nil {
		t.Fatal(err)
	}
	known, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), newcomer("Kim Doe"))
	if err != nil {
		t.Fatal(err)
	}
	i, err := w.registrar.InviteCaregiver(w.ctx, kim, p.ID, power("mum@new.example", identity.Help))
	if err != nil {
		t.Fatal(err)
	}
	code := w.linkCode("mum@new.example", i.ID)
	if _, err := w.registrar.Merge(w.ctx, w.as(sam), p.ID, known.ID); err != nil {
		t.Fatal(err)
	}
	before := w.stored("")
	phone := phi.Text("503 555 0199")
	for name, err := range map[string]error{
		"verify":            errOf(w.registrar.Verify(w.ctx, w.as(sam), p.ID)),
		"seen":              errOf(w.registrar.SetSeen(w.ctx, w.as(sam), p.ID, start.AddDate(0, -1, 0).Truncate(24*time.Hour))),
		"contact":           errOf(w.registrar.ChangeContact(w.ctx, w.as(sam), p.ID, contactChange(nil, &phone, nil))),
		"stand":             errOf(w.registrar.Stand(w.ctx, w.as(sam), p.ID, identity.Active, "")),
		"invite":            errOf(w.registrar.InvitePatient(w.ctx, w.as(sam), p.ID)),
		"invite to act":     errOf(w.registrar.InviteCaregiver(w.ctx, w.as(sam), p.ID, power("dad@new.example", identity.Help))),
		"accept to act":     errOf(w.registrar.Accept(w.ctx, signedIn("mum", "mum@new.example"), i.ID, code)),
		"the earlier owner": errOf(w.registrar.ChangeContact(w.ctx, kim, p.ID, contactChange(nil, &phone, nil))),
	} {
		if f, ok := fault.Public(err); !ok || f.Code != "merged" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.stored("") - before; n != 0 {
		t.Errorf("what was refused left %d rows", n)
	}
}

func TestJoin_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adult := identity.Contact{Name: "Kim Doe", Birth: start.AddDate(-18, 0, 0).Truncate(24 * time.Hour)}
	minor := adult
	minor.Birth = adult.Birth.AddDate(0, 0, 1)
	kim := signedIn("kim", "kim@new.example")
	unconfirmed := kim
	unconfirmed.Email = ""
	for want, err := range map[string]error{
		"minor":             errOf(w.registrar.Join(w.ctx, kim, "lakeside", minor)),
		"email_unconfirmed": errOf(w.registrar.Join(w.ctx, unconfirmed, "lakeside", adult)),
		"invalid_request":   errOf(w.registrar.Join(w.ctx, kim, "lakeside", identity.Contact{})),
		"already_member":    errOf(w.registrar.Join(w.ctx, signedIn(sam, "sam@lakeside.example"), "lakeside", adult)),
		"not_found":         errOf(w.registrar.Join(w.ctx, kim, "platform", adult)),
	} {
		w.refused(err, want)
	}
	if _, err := w.registrar.Suspend(w.ctx, operator(), "harbor", true); err != nil {
		t.Fatal(err)
	}
	_, err := w.registrar.Join(w.ctx, kim, "harbor", adult)
	w.refused(err, "practice_suspended")
	if n := w.stored("WHO#" + issuer + "|kim"); n != 0 {
		t.Errorf("who was refused is known by %d rows", n)
	}
	var ids [2]string
	var wait sync.WaitGroup
	for n := range ids {
		wait.Go(func() {
			p, err := w.registrar.Join(w.ctx, kim, "lakeside", adult)
			if err != nil {
				t.Errorf("joins: %v", err)
			}
			ids[n] = p.ID
		})
	}
	wait.Wait()
	if ids[0] != ids[1] {
		t.Errorf("one sign-in became two patients, %v", ids)
	}
}

// All that the practice does to a patient stands in the list that the patient reads; that
// each has words is checked of every world's records when its test ends.
func TestPatient_ReadsWhatThePracticeDid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kim := signedIn("kim", "kim@new.example")
	p, err := w.registrar.Join(w.ctx, kim, "lakeside", identity.Contact{Name: "Kim Doe", Birth: newcomer("Kim Doe").Birth})
	if err != nil {
		t.Fatal(err)
	}
	phone := phi.Text("503 555 0199")
	stand := func(s identity.StandingState, why identity.Ground) error {
		return errOf(w.registrar.Stand(w.ctx, w.as(sam), p.ID, s, why))
	}
	for name, err := range map[string]error{
		"verify":  errOf(w.registrar.Verify(w.ctx, w.as(sam), p.ID)),
		"seen":    errOf(w.registrar.SetSeen(w.ctx, w.as(sam), p.ID, start.AddDate(0, -1, 0).Truncate(24*time.Hour))),
		"contact": errOf(w.registrar.ChangeContact(w.ctx, w.as(sam), p.ID, contactChange(nil, &phone, nil))),
		"warn":    stand(identity.Warned, identity.Misuse), "suspend": stand(identity.Suspended, identity.Misuse), "active": stand(identity.Active, ""),
		"read": errOf(w.registrar.Patient(w.ctx, w.as(sam), p.ID)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.refused(errOf(w.registrar.Verify(w.ctx, w.as(ana), p.ID)), "not_found")
	all, _, err := w.request.AccessList(w.ctx, kim, p.ID, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range all {
		got = append(got, a.Action+string(a.Outcome))
	}
	slices.Sort(got)
	want := []string{
		"patient.change:contact", "patient.manage:joined", "patient.manage:reactivated", "patient.manage:seen", "patient.manage:suspended",
		"patient.manage:verified", "patient.manage:warned", "patient.managerefused", "patient.read",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
}

// What the practice says of a patient holds at once, and is read with a record.
func TestPatient_WhoMayWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for who, want := range map[string]string{ana: "not_found", "nora-patel": "not_found", jane: "denied"} {
		_, _, err := w.registrar.Patients(w.ctx, w.as(who), "", 10)
		w.refused(err, "denied")
		_, err = w.registrar.Verify(w.ctx, w.as(who), jane)
		w.refused(err, want)
	}
	for name, err := range map[string]error{
		"another practice's staff": errOf(w.registrar.Patient(w.ctx, w.as("leo-park"), jane)),
		"another patient":          errOf(w.registrar.Patient(w.ctx, w.as("tom-okafor"), jane)),
		"suspended elsewhere":      errOf(w.registrar.Stand(w.ctx, w.as("leo-park"), jane, identity.Suspended, identity.Misuse)),
		"nobody":                   errOf(w.registrar.Patient(w.ctx, w.as(sam), "no-such")),
	} {
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := w.stored("AUDIT#")
	for _, who := range []string{sam, ada, jane} {
		if p, err := w.registrar.Patient(w.ctx, w.as(who), jane); err != nil || p.Contact.Name != "Jane Smith" {
			t.Errorf("%s reads %+v: %v", who, p, err)
		}
	}
	if _, err := w.registrar.Patient(w.ctx, w.as("elena-diaz"), "rosa-diaz"); err != nil {
		t.Errorf("who acts for the patient: %v", err)
	}
	if n := w.stored("AUDIT#") - before; n != 4 {
		t.Errorf("four reads left %d records", n)
	}
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Suspended, "whim"); err == nil {
		t.Error("suspended with no reason that there is")
	}
	c := w.as(sam)
	p, err := w.registrar.Patient(w.ctx, c, jane)
	if err != nil {
		t.Fatal(err)
	}
	c.Version = p.Version
	if p, err = w.registrar.Stand(w.ctx, c, jane, identity.Warned, identity.Misuse); err != nil || p.Standing.By != sam {
		t.Fatalf("warned: %+v, %v", p.Standing, err)
	}
	_, err = w.registrar.Stand(w.ctx, c, jane, identity.Suspended, identity.Misuse)
	w.refused(err, "stale")
	_, err = w.registrar.SetSeen(w.ctx, w.as(sam), jane, start.AddDate(1, 0, 0))
	w.refused(err, "invalid_request")
	if p, err = w.registrar.SetSeen(w.ctx, w.as(sam), jane, start.AddDate(0, -1, 0).Truncate(24*time.Hour)); err != nil || p.Seen.IsZero() {
		t.Errorf("seen: %v, %v", p.Seen, err)
	}
}

// A patient's new address is the one that their sign-in has confirmed, the old one is
// told, and the contact data that were replaced do not open when they are put back.
func TestContact_ChangedAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, err := w.tape.Patient(w.ctx, jane)
	if err != nil {
		t.Fatal(err)
	}
	email, phone, name := phi.Text("jane@moved.example"), phi.Text("503 555 0199"), phi.Text("Jane Jones")
	me := w.as(jane)
	_, err = w.registrar.ChangeContact(w.ctx, me, jane, contactChange(&email, nil, nil))
	w.refused(err, "email_unconfirmed")
	_, err = w.registrar.ChangeContact(w.ctx, me, jane, contactChange(nil, nil, &name))
	w.refused(err, "denied")
	me.Email = "jane@Moved.example"
	p, err := w.registrar.ChangeContact(w.ctx, me, jane, contactChange(&email, &phone, nil))
	if err != nil || p.Contact.Email != email || p.Contact.Phone != "+15035550199" || p.Edition != 1 {
		t.Fatalf("changed to %s, edition %d: %v", p.Contact.Email.Reveal(), p.Edition, err)
	}
	before := w.stored("AUDIT#")
	if again, err := w.registrar.ChangeContact(w.ctx, me, jane, contactChange(&email, &phone, nil)); err != nil || again.Version != p.Version {
		t.Errorf("again: %v", err)
	}
	if n := w.stored("AUDIT#") - before; n != 0 {
		t.Errorf("what changed nothing left %d records", n)
	}
	w.settle()
	got := w.letters("jane-smith@patients.example")
	if len(got) != 1 {
		t.Fatalf("%d letters to the address that was, want 1", len(got))
	}
	for _, what := range []string{"name", "day of birth", "sex", "e-mail address", "phone number"} { // any of them may be what changed
		if !strings.Contains(got[0].Text, what) {
			t.Errorf("the letter has no word of the %s:\n%s", what, got[0].Text)
		}
	}
	w.handled(outbox.ContactChanged)
	sex := "other"
	if _, err = w.registrar.ChangeContact(w.ctx, w.as(sam), jane, registrar.ContactChange{Name: &name, Sex: &sex}); err != nil {
		t.Errorf("the practice changes name and sex: %v", err)
	}
	w.settle()
	if n := len(w.letters("jane@moved.example")); n != 1 {
		t.Errorf("%d letters to the address that stays, want 1", n)
	}
	now, err := w.tape.Patient(w.ctx, jane)
	if err != nil {
		t.Fatal(err)
	}
	now.Sealed = old.Sealed
	if _, err := w.charts.OpenPatient(w.ctx, now); !errors.Is(err, vault.ErrBroken) {
		t.Errorf("contact data that were put back open: %v", err)
	}
}

func contactChange(email, phone, name *phi.Text) registrar.ContactChange {
	return registrar.ContactChange{Email: email, Phone: phone, Name: name}
}

// Seeds that register a patient again leave what the practice has said of them.
func TestAddPatient_AgainChangesContactAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Warned, identity.Misuse)
	if err != nil {
		t.Fatal(err)
	}
	before := w.stored("AUDIT#")
	if err := w.registrar.AddPatient(w.ctx, identity.Patient{ID: jane, Practice: "lakeside", Contact: p.Contact}); err != nil {
		t.Fatal(err)
	}
	if n := w.stored("AUDIT#") - before; n != 0 {
		t.Errorf("the same again left %d records", n)
	}
	moved := p.Contact
	moved.Email = "jane@moved.example"
	if err := w.registrar.AddPatient(w.ctx, identity.Patient{ID: jane, Practice: "lakeside", Contact: moved}); err != nil {
		t.Fatal(err)
	}
	got, err := w.registrar.Patient(w.ctx, w.as(sam), jane)
	if err != nil || got.Standing != p.Standing || got.Contact.Email != moved.Email || !got.At.Equal(p.At) {
		t.Errorf("registered again as %+v: %v", got, err)
	}
}

// Who is registered again is found to be a patient of the seed.
func TestRegister_FindsThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	row, err := w.registrar.Patient(w.ctx, w.as(sam), jane)
	if err != nil {
		t.Fatal(err)
	}
	_, found, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), row.Contact)
	if err != nil || !slices.Equal(found, []string{jane}) {
		t.Errorf("the same person as %q: %v", found, err)
	}
}

// Who compares records has read each of them, and is told of each pair which may be merged
// into which.
func TestTwins_ReadAndDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sams := w.as(sam)
	one, _, err := w.registrar.RegisterPatient(w.ctx, sams, newcomer("Pat Twin"))
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := w.registrar.RegisterPatient(w.ctx, sams, newcomer("Pat Twin"))
	if err != nil {
		t.Fatal(err)
	}
	p, all, err := w.registrar.Twins(w.ctx, sams, one.ID)
	if err != nil || p.ID != one.ID || len(all) != 1 || all[0].ID != two.ID {
		t.Fatalf("twins of %s: %+v, %v", p.ID, all, err)
	}
	if all[0].Double != "" {
		t.Errorf("of two as whom nobody signs in, %s may be merged", all[0].Double)
	}
	w.refused(all[0].WhyNot, "not_joined")
	read := map[string]bool{}
	for _, r := range w.logOf(one.Practice) {
		read[r.Patient] = read[r.Patient] || r.Action == string(identity.ReadPatient)
	}
	if !read[one.ID] || !read[two.ID] {
		t.Errorf("reads are recorded of %v", read)
	}
	_, _, err = w.registrar.Twins(w.ctx, w.as("jane-smith"), one.ID)
	w.refused(err, "not_found")
}
