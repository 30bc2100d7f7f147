package clinic_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
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

func csvOf(lines int) []byte {
	var b strings.Builder
	b.WriteString("name,birth,sex,email,phone\n")
	for n := range lines {
		fmt.Fprintf(&b, "Pat Number%d,19%02d-04-12,f,pat%d@file.example,\n", n, 40+n%50, n)
	}
	return []byte(b.String())
}

// An import that was killed goes on where it stopped: its patients are none before it is
// done, and each is one then.
func TestImport_GoesOnAndNeverDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 40
	file := csvOf(lines)
	known := newcomer("Number3 Pat")
	known.Birth = time.Date(1943, 4, 12, 0, 0, 0, 0, time.UTC)
	if _, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), known); err != nil {
		t.Fatal(err)
	}
	before := w.stored("PATIENT#")
	seen, err := w.registrar.PreviewPatients(w.ctx, w.as(sam), file)
	if err != nil || len(seen.Lines) != lines || len(seen.Doubles) != 1 || seen.Doubles[0].Line != 5 {
		t.Fatalf("preview: %d lines, doubles %+v, %v", len(seen.Lines), seen.Doubles, err)
	}
	if n := w.stored("PATIENT#") - before; n != 0 {
		t.Errorf("a preview wrote %d patients", n)
	}
	killed := *w.registrar
	killed.Kernel = w.kernel(outbox.ByRegistry)
	killed.Kernel.Store = &dying{Store: killed.Kernel.Store, left: 1}
	if _, _, err := killed.ImportPatients(w.ctx, w.as(sam), "first", file); !errors.Is(err, errDied) {
		t.Fatalf("a killed import: %v", err)
	}
	if n := w.stored("PATIENT#") - before; n == 0 || n >= lines {
		t.Fatalf("the killed import wrote %d patients", n)
	}
	if got := w.imported(); len(got) != 0 {
		t.Errorf("%d patients of an import that is not done are listed", len(got))
	}
	_, _, err = w.registrar.ImportPatients(w.ctx, w.as(sam), "first", csvOf(lines+1))
	w.refused(err, "import_other_file")
	for range 2 {
		i, doubles, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "first", file)
		if err != nil || i.Done.IsZero() || i.Written != lines {
			t.Fatalf("the import is %+v: %v", i, err)
		}
		if diff := cmp.Diff(seen.Doubles, doubles); diff != "" {
			t.Errorf("doubles (-preview +import):\n%s", diff)
		}
	}
	got := w.imported()
	if len(got) != lines {
		t.Fatalf("%d patients were imported, want %d", len(got), lines)
	}
	for _, p := range got {
		if !p.Verified.At.IsZero() || p.Came != identity.ByFile {
			t.Errorf("imported as %+v", p)
		}
	}
	other, _, err := w.registrar.ImportPatients(w.ctx, w.as("leo-park"), "first", file)
	if err != nil || other.Written != lines {
		t.Errorf("another practice's import of the same name: %+v, %v", other, err)
	}
}

// Who is shown that patients of the practice may be known already has read of them: a
// preview records it, and so does an import that is only asked for again. One that shows
// nobody writes nothing.
func TestPreview_RecordsWhatItShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := csvOf(4)
	reads := func(what string, want int, do func() error) {
		t.Helper()
		before := w.stored("AUDIT#")
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n := w.stored("AUDIT#") - before; n != want {
			t.Errorf("%s left %d records, want %d", what, n, want)
		}
	}
	preview := func() error { return errOf(w.registrar.PreviewPatients(w.ctx, w.as(sam), file)) }
	imports := func() error {
		_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "four", file)
		return err
	}
	reads("a preview that shows nobody", 0, preview)
	known := newcomer("Pat Number3")
	known.Birth = time.Date(1943, 4, 12, 0, 0, 0, 0, time.UTC)
	if _, _, err := w.registrar.RegisterPatient(w.ctx, w.as(sam), known); err != nil {
		t.Fatal(err)
	}
	reads("a preview", 1, preview)
	reads("an import", 2, imports)
	reads("an import that was done", 1, imports)
}

// A countedReads counts the marks that are looked up.
type countedReads struct {
	registrar.Reads

	marks atomic.Int64
}

func (r *countedReads) Marked(ctx context.Context, mark string) ([]string, error) {
	r.marks.Add(1)
	return r.Reads.Marked(ctx, mark)
}

// Lines that share an address and a day of birth are each named once, and so many at
// most; a practice that has marked nobody is not asked.
func TestPreview_NamesFewOfManyDoubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	counted := &countedReads{Reads: w.tape}
	w.registrar.Store = counted
	var b strings.Builder
	b.WriteString("name,birth,email,phone\n")
	for n := range 100 {
		fmt.Fprintf(&b, "Pat Number%d,1990-04-12,family@file.example,503 555 0100\n", n)
	}
	if err := w.registrar.AddPractice(w.ctx, practice.Practice{ID: "north", Core: practice.Core{Name: "North", Zone: "America/Denver"}}, nil); err != nil {
		t.Fatal(err)
	}
	w.becomes(identity.Person{ID: "nick", Practice: "north", Role: identity.Staff})
	if _, err := w.registrar.PreviewPatients(w.ctx, w.as("nick"), []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if n := counted.marks.Load(); n != 0 {
		t.Errorf("%d marks were looked up where there is none", n)
	}
	f, err := w.registrar.PreviewPatients(w.ctx, w.as(sam), []byte(b.String()))
	if err != nil || len(f.Doubles) != 99 {
		t.Fatalf("%d lines are doubles: %v", len(f.Doubles), err)
	}
	if diff := cmp.Diff(registrar.LineDouble{Line: 4, Patients: []string{}, Lines: []int{2, 3}}, f.Doubles[2-1], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("line 4 (-want +got):\n%s", diff)
	}
	if last := f.Doubles[98]; !slices.Equal(last.Lines, []int{2, 3, 4, 5, 6, 7, 8, 9, 10, 11}) {
		t.Errorf("the last line is told the lines %v", last.Lines)
	}
	if _, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "family", []byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if f, err = w.registrar.PreviewPatients(w.ctx, w.as(sam), []byte(b.String())); err != nil || len(f.Doubles) != 100 || len(f.Doubles[0].Patients) != 10 {
		t.Errorf("%d lines are doubles, the first of %d patients: %v", len(f.Doubles), len(f.Doubles[0].Patients), err)
	}
	if counted.marks.Load() == 0 {
		t.Error("no mark was looked up")
	}
}

// A dying store takes so many batches of an import, and then nothing.
type dying struct {
	clinic.Store

	left int
}

var errDied = errors.New("killed")

func (s *dying) Commit(ctx context.Context, c clinic.Commit) error {
	if c.Import != nil {
		if s.left--; s.left < 0 {
			return errDied
		}
	}
	return s.Store.Commit(ctx, c)
}

// imported are the listed patients of lakeside who came by a file.
func (w *world) imported() []identity.Patient {
	w.Helper()
	var all []identity.Patient
	for cursor := ""; ; {
		page, next, err := w.registrar.Patients(w.ctx, w.as(sam), cursor, 7)
		if err != nil {
			w.Fatalf("patients: %v", err)
		}
		for _, p := range page {
			if p.Import != "" {
				all = append(all, p)
			}
		}
		if next == "" {
			return all
		}
		cursor = next
	}
}

// Two who import the same file at once write each line once.
func TestImport_TwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const lines = 50
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if _, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "same", csvOf(lines)); err != nil {
				t.Errorf("imports: %v", err)
			}
		})
	}
	wait.Wait()
	if n := len(w.imported()); n != lines {
		t.Errorf("%d patients, want %d", n, lines)
	}
}

func TestImport_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.stored("")
	for name, c := range map[string]struct {
		file string
		code string
	}{
		"a formula":     {"name,birth,email\n=cmd(),1990-04-12,a@b.example\nJane Doe,1990-04-12,j@b.example\n", "invalid_file"},
		"a column less": {"name,birth\nJane Doe,1990-04-12\n", "invalid_file"},
		"no patients":   {"name,birth,email\n", "invalid_file"},
		"too many":      {string(csvOf(registry.MaxLines + 1)), "too_many_lines"},
	} {
		_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "bad", []byte(c.file))
		if f, ok := fault.Public(err); !ok || f.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	_, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "a b", csvOf(1))
	w.refused(err, "invalid_request")
	if n := w.stored("") - before; n != 0 {
		t.Errorf("what was refused left %d rows", n)
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

func power(email phi.Text, why identity.Why) registrar.Power {
	return registrar.Power{Email: email, Why: why}
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

// Who is suspended, and a practice that is, is refused before the price, and told where
// to turn: at the start, in the list of forms, and where a draft asks for its price.
func TestGate_SuspendedBeforeThePrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft := w.draft()
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Warned, identity.Misuse); err != nil {
		t.Fatal(err)
	}
	if err := w.gate("uti-women"); err != nil {
		t.Errorf("who is warned: %v", err)
	}
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Suspended, identity.Misuse); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"start": w.gate("uti-women"), "quote": errOf(w.request.Quote(w.ctx, w.as(jane), draft))} {
		w.refused(err, "patient_suspended")
		if err == nil || !strings.Contains(err.Error(), "+1 503 555 0100") {
			t.Errorf("%s says nowhere to turn: %v", name, err)
		}
	}
	if err := w.gate("admin-request"); err != nil {
		t.Errorf("a suspended patient asks for a record: %v", err)
	}
	if _, err := w.registrar.Stand(w.ctx, w.as(sam), jane, identity.Suspended, identity.NotPatient); err != nil {
		t.Fatal(err)
	}
	w.refused(w.gate("admin-request"), "patient_suspended")
	if _, err := w.registrar.Stand(w.ctx, w.as(ada), jane, identity.Active, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.gate("uti-women"); err != nil {
		t.Errorf("who is active again: %v", err)
	}
	if _, err := w.registrar.Suspend(w.ctx, operator(), "lakeside", true); err != nil {
		t.Fatal(err)
	}
	w.refused(w.gate("admin-request"), "practice_suspended")
	w.refused(errOf(w.request.Quote(w.ctx, w.as(jane), draft)), "practice_suspended")
}

// gate has Jane start a request, and compares what it is refused with with the list of forms.
func (w *world) gate(form string) error {
	w.Helper()
	_, started := w.request.Start(w.ctx, w.as(jane), form, "", "")
	all, p, err := w.request.FormsFor(w.ctx, w.as(jane), jane)
	if err != nil {
		w.Fatalf("forms: %v", err)
	}
	for _, o := range all {
		if o.Form.Name() != form {
			continue
		}
		why, err := o.WhyNot(&p)
		if err != nil {
			w.Fatalf("why not: %v", err)
		}
		want := ""
		if started != nil {
			want = started.Error()
		}
		if why != want {
			w.Errorf("the list says %q, and starting %q", why, want)
		}
	}
	return started
}

// A practice may answer those alone whom it has seen lately; what it does not know is
// told as such.
func TestGate_EstablishedPatients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	months := 12
	if _, err := w.author.Decide(w.ctx, w.as(ada), practice.Change{Established: &months}); err != nil {
		t.Fatal(err)
	}
	for _, k := range w.kernels {
		k.ForgetPractice("lakeside")
	}
	err := w.gate("uti-women")
	w.refused(err, "not_established")
	if err == nil || !strings.Contains(err.Error(), "has not noted when") {
		t.Errorf("what is not known is told as %v", err)
	}
	if err := w.gate("admin-request"); err != nil {
		t.Errorf("an administrative request: %v", err)
	}
	for days, want := range map[int]string{-10: "", -400: "not_established"} {
		if _, err := w.registrar.SetSeen(w.ctx, w.as(sam), jane, start.AddDate(0, 0, days).Truncate(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := w.gate("uti-women"); want == "" && err != nil || want != "" && err == nil {
			t.Errorf("seen %d days ago: %v", days, err)
		}
	}
}

// A file that is imported without an id is the same import whenever it comes again, and how
// far it has come is known to its practice alone.
func TestImport_UnderTheFilesOwnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := csvOf(20)
	if i, err := w.registrar.ImportOf(w.ctx, w.as(sam), file); err != nil || i.ID != "" {
		t.Fatalf("before: %+v, %v", i, err)
	}
	killed := *w.registrar
	killed.Kernel = w.kernel(outbox.ByRegistry)
	killed.Kernel.Store = &dying{Store: killed.Kernel.Store, left: 1}
	i, _, err := killed.ImportPatients(w.ctx, w.as(sam), "", file)
	if !errors.Is(err, errDied) || i.Written == 0 || i.Written >= 20 || !i.Done.IsZero() {
		t.Fatalf("a killed import: %+v, %v", i, err)
	}
	if again, err := w.registrar.ImportOf(w.ctx, w.as(sam), file); err != nil || again.ID != i.ID || again.Written != i.Written {
		t.Errorf("the import is %+v, %v, want that of %+v", again, err, i)
	}
	if other, err := w.registrar.ImportOf(w.ctx, w.as("leo-park"), file); err != nil || other.ID != "" {
		t.Errorf("to another practice the import is %+v, %v", other, err)
	}
	for range 2 {
		done, _, err := w.registrar.ImportPatients(w.ctx, w.as(sam), "", file)
		if err != nil || done.ID != i.ID || done.Done.IsZero() {
			t.Errorf("again: %+v, %v", done, err)
		}
	}
	if n := len(w.imported()); n != 20 {
		t.Errorf("%d patients, want 20", n)
	}
	_, err = w.registrar.ImportOf(w.ctx, w.as("jane-smith"), file)
	w.refused(err, "denied")
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
