package storetest

import (
	"bytes"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

var recordTests = []test{
	{"a record never stored is not found", neverStored},
	{"every kind of record reads back as it was stored", roundTrips},
	{"a later version replaces the one before", replaced},
	{"a case before its first save has no answers", noAnswers},
	{"large content reads back byte for byte", largeContent},
	{"reference records are written whole", referenceReplaced},
}

func neverStored(t *testing.T, s clinic.Store) {
	ctx := t.Context()
	for name, read := range map[string]func() error{
		"Person":   func() error { _, err := s.Person(ctx, "issuer", "subject"); return err },
		"Patient":  func() error { _, err := s.Patient(ctx, "x"); return err },
		"Practice": func() error { _, err := s.Practice(ctx, "x"); return err },
		"Form":     func() error { _, err := s.Form(ctx, "x", "1"); return err },
		"Visit":    func() error { _, err := s.Visit(ctx, "x"); return err },
		"Case":     func() error { _, _, err := s.Case(ctx, "x"); return err },
		"Divert":   func() error { _, err := s.Divert(ctx, "x"); return err },
		"Payment":  func() error { _, err := s.Payment(ctx, "x"); return err },
		"Delivery": func() error { _, err := s.Delivery(ctx, "x"); return err },
		"Request":  func() error { _, err := s.Request(ctx, "x"); return err },
	} {
		err := read()
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s = %v, want not found", name, err)
		}
		if _, public := fault.Public(err); !public {
			t.Errorf("%s = %v, want an error that may be shown", name, err)
		}
	}
	if got, err := s.LogHead(ctx, "x"); err != nil || got.Version != 0 || got.Practice != "x" {
		t.Errorf("LogHead = %+v, %v; want version 0 of practice x", got, err)
	}
	for name, list := range map[string]func() (int, error){
		"Messages": func() (int, error) { l, err := s.Messages(ctx, "x", 0); return len(l), err },
		"Entries":  func() (int, error) { l, err := s.Entries(ctx, "x"); return len(l), err },
		"Parked":   func() (int, error) { l, err := s.Parked(ctx, "x"); return len(l), err },
		"Trail":    func() (int, error) { l, err := s.Trail(ctx, "x", noon, ""); return len(l), err },
		"Queue":    func() (int, error) { l, _, err := s.Queue(ctx, "x", identity.StaffPool, "", 10); return len(l), err },
		"Mine":     func() (int, error) { l, _, err := s.Mine(ctx, "x", "", 10); return len(l), err },
		"Due":      func() (int, error) { vs, ds, err := s.Due(ctx, noon, 10); return len(vs) + len(ds), err },
	} {
		if n, err := list(); err != nil || n != 0 {
			t.Errorf("%s lists %d, %v; want nothing", name, n, err)
		}
	}
}

// everything is one commit with a record of each kind.
func everything() clinic.Commit {
	v := queued("visit-1", noon.Add(4*time.Hour))
	v.Quote = billing.Quote{ID: "quote-1", Amount: 4000, Basis: billing.Fee, ExpiresAt: noon.Add(time.Hour)}
	v.Payment, v.Payments = "payment-1", []string{"payment-1"}
	v.CaptureBefore = noon.Add(7 * 24 * time.Hour)
	v.Messages, v.FromPatient, v.FromTeam = 2, 1, 1
	v.Reads = []visit.ReadMark{{Through: 1, At: noon, By: "person-1"}}
	return clinic.Commit{
		Visit:    &v,
		Answers:  []byte("\x00sealed answers\xff"),
		Diverted: []byte("sealed record"),
		Messages: []clinic.Message{
			{Visit: v.ID, Seq: 2, Kind: clinic.Info, From: "person-1", At: noon.Add(time.Minute), Body: []byte{0}},
			{Visit: v.ID, Seq: 1, Kind: clinic.Ask, From: "person-2", Name: "Robin Vale, NP", At: noon, Body: []byte("sealed")},
		},
		Payments: []billing.Payment{{
			ID: "payment-1", Visit: v.ID, Practice: practice, Account: "acct_1", Amount: 4000, State: billing.Held,
			Session: "cs_1", URL: "https://checkout.example/1", SessionEnds: noon.Add(time.Hour), Intent: "pi_1",
			Held: 4000, CaptureBefore: noon.Add(7 * 24 * time.Hour), OpenedAt: noon, HeldAt: noon, Version: 1,
		}},
		Entries: []ledger.Entry{
			entry("refund-100", ledger.Refund, noon.Add(time.Hour)),
			entry("capture", ledger.Capture, noon.Add(time.Minute)),
			entry("hold", ledger.Hold, noon),
		},
		Events:  []outbox.Event{event("event-1")},
		Request: &clinic.Request{Key: "person-1 POST /visits é", Input: "hash", Result: v.ID, Ends: noon.Truncate(time.Second).Add(48 * time.Hour)},
		Audit:   []audit.Record{record("record-1", v.ID, noon)},
		Log:     &clinic.LogHead{Practice: practice, Tree: audit.Frontier{}.Add([]byte("leaf")).Add([]byte("leaf")), Through: noon, Checkpoint: []byte("a checkpoint\n"), Version: 1},
		Practice: &clinic.Practice{
			ID: practice, Since: noon, Name: "Harbor Clinic", Phone: "555-0100", Inbox: "desk@harbor.example", Account: "acct_1",
			Zone: "America/Los_Angeles", States: []string{"CA", "OR"}, Forms: map[string]string{"uti": "1.0.0"},
			Prices: billing.PriceList{"uti": 4000}, Terms: visit.Terms{Answer: 4 * time.Hour, GiveUp: 20 * time.Hour},
			Consent: clinic.Consent{Version: "2026-01", Text: "You agree."}, Readers: "two clinicians",
		},
		Person: &clinic.Registered{Issuer: "https://issuer.example", Subject: "a|b", Person: identity.Person{
			ID: "person-1", Practice: practice, Role: identity.Caregiver, Patient: patient,
			Grants:   []identity.Grant{{Patient: "patient-2", Until: noon}, {Patient: "patient-3"}},
			Licenses: []identity.License{{State: "CA", Number: "1", Expires: noon}},
		}},
		Patient: &clinic.Patient{ID: patient, Practice: practice, Contact: []byte("sealed contact")},
		Form:    &clinic.StoredForm{Name: "uti", Version: "1.0.0", JSON: []byte(`{"resourceType":"Questionnaire"}`)},
	}
}

func entry(id string, k ledger.Kind, at time.Time) ledger.Entry {
	return ledger.Entry{
		ID: id, Kind: k, Payment: "payment-1", Practice: practice, At: at,
		Postings: []ledger.Posting{{Account: ledger.Holds, Amount: 4000}, {Account: ledger.HoldsOwed, Amount: -4000}},
	}
}

func event(id string) outbox.Event {
	return outbox.Event{
		ID: id, Kind: outbox.Capture, To: outbox.Charge, Practice: practice, Visit: "visit-1",
		Patient: patient, Until: noon, Payment: "payment-1", Account: "acct_1", Object: "pi_1", At: noon,
	}
}

func record(id, visit string, at time.Time) audit.Record {
	return audit.Record{
		ID: id, Practice: practice, At: at, Actor: audit.Actor{ID: "person-1", Role: "patient", OnBehalf: patient, IP: "192.0.2.1"},
		Action: "visit.read", Visit: visit, Resource: "document", Version: 3,
		Accepted: &audit.Acceptance{Quote: "quote-1", Amount: 4000, Consent: "2026-01", ConsentHash: "hash", Language: "en", UserAgent: "test"},
	}
}

func roundTrips(t *testing.T, s clinic.Store) {
	c := everything()
	commit(t, s, c)
	ctx := t.Context()
	same := func(name string, got any, err error, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v, differs (-stored +read):\n%s", name, err, diff)
		}
	}
	v, err := s.Visit(ctx, "visit-1")
	same("Visit", v, err, *c.Visit)
	v, answers, err := s.Case(ctx, "visit-1")
	same("Case", v, err, *c.Visit)
	same("Case's answers", answers, err, c.Answers)
	divert, err := s.Divert(ctx, "visit-1")
	same("Divert", divert, err, c.Diverted)
	messages, err := s.Messages(ctx, "visit-1", 2)
	same("Messages in the order sent", messages, err, []clinic.Message{c.Messages[1], c.Messages[0]})
	payment, err := s.Payment(ctx, "payment-1")
	same("Payment", payment, err, c.Payments[0])
	entries, err := s.Entries(ctx, "payment-1")
	same("Entries oldest first", entries, err, []ledger.Entry{c.Entries[2], c.Entries[1], c.Entries[0]})
	delivery, err := s.Delivery(ctx, "event-1")
	same("Delivery", delivery, err, outbox.Delivery{Event: c.Events[0], Armed: true})
	request, err := s.Request(ctx, c.Request.Key)
	same("Request", request, err, *c.Request)
	trail, err := s.Trail(ctx, practice, noon, "visit-1")
	same("Trail", trail, err, c.Audit)
	head, err := s.LogHead(ctx, practice)
	same("LogHead", head, err, *c.Log)
	place, err := s.Practice(ctx, practice)
	same("Practice", place, err, *c.Practice)
	person, err := s.Person(ctx, c.Person.Issuer, c.Person.Subject)
	same("Person", person, err, c.Person.Person)
	who, err := s.Patient(ctx, patient)
	same("Patient", who, err, *c.Patient)
	form, err := s.Form(ctx, "uti", "1.0.0")
	same("Form", string(form), err, string(c.Form.JSON))
}

func replaced(t *testing.T, s clinic.Store) {
	v := draft("visit-1")
	commit(t, s, clinic.Commit{Visit: &v, Answers: []byte("first")})
	next := v
	next.Version, next.State = 2, "OR"
	commit(t, s, clinic.Commit{Visit: &next, Answers: []byte("second")})
	got, answers, err := s.Case(t.Context(), v.ID)
	if diff := cmp.Diff(next, got); err != nil || diff != "" || string(answers) != "second" {
		t.Errorf("Case = %q, %v, differs (-want +got):\n%s", answers, err, diff)
	}
	last := next
	last.Version = 3
	commit(t, s, clinic.Commit{Visit: &last})
	if _, answers, err = s.Case(t.Context(), v.ID); err != nil || string(answers) != "second" {
		t.Errorf("a commit without answers left %q, %v; want those before", answers, err)
	}
}

func noAnswers(t *testing.T, s clinic.Store) {
	v := draft("visit-1")
	commit(t, s, clinic.Commit{Visit: &v})
	if _, answers, err := s.Case(t.Context(), v.ID); err != nil || answers != nil {
		t.Errorf("answers = %q, %v; want none", answers, err)
	}
}

func largeContent(t *testing.T, s clinic.Store) {
	var content, form bytes.Buffer
	for n := range 10_000 {
		content.Write([]byte{0, 0xff, '\n'})
		content.WriteString(strconv.Itoa(n * n))
	}
	for form.Len() < 300_000 {
		form.WriteString(`{"linkId":"question","text":"How long have you had this? é 字","type":"choice"},`)
	}
	v := draft("visit-1")
	commit(t, s, clinic.Commit{
		Visit: &v, Answers: content.Bytes(),
		Form: &clinic.StoredForm{Name: "long", Version: "1", JSON: form.Bytes()},
	})
	if _, got, err := s.Case(t.Context(), v.ID); err != nil || !bytes.Equal(got, content.Bytes()) {
		t.Errorf("answers of %d bytes read back as %d, %v", content.Len(), len(got), err)
	}
	if got, err := s.Form(t.Context(), "long", "1"); err != nil || !bytes.Equal(got, form.Bytes()) {
		t.Errorf("a form of %d bytes reads back as %d, %v", form.Len(), len(got), err)
	}
}

func referenceReplaced(t *testing.T, s clinic.Store) {
	c := everything()
	first := clinic.Commit{Practice: c.Practice, Person: c.Person, Patient: c.Patient}
	commit(t, s, first)
	second := clinic.Commit{
		Practice: &clinic.Practice{ID: practice, Name: "Harbor Clinic West"},
		Person:   &clinic.Registered{Issuer: c.Person.Issuer, Subject: c.Person.Subject, Person: identity.Person{ID: "person-1", Inactive: true}},
		Patient:  &clinic.Patient{ID: patient, Practice: practice, Contact: []byte("moved")},
	}
	commit(t, s, second)
	ctx := t.Context()
	if got, err := s.Practice(ctx, practice); err != nil || !cmp.Equal(got, *second.Practice) {
		t.Errorf("Practice = %+v, %v", got, err)
	}
	if got, err := s.Person(ctx, c.Person.Issuer, c.Person.Subject); err != nil || !cmp.Equal(got, second.Person.Person) {
		t.Errorf("Person = %+v, %v", got, err)
	}
	if got, err := s.Patient(ctx, patient); err != nil || !cmp.Equal(got, *second.Patient) {
		t.Errorf("Patient = %+v, %v", got, err)
	}
}
