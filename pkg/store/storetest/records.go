package storetest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
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
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

var recordTests = []test{
	{"Reads_NeverStored", neverStored},
	{"Reads_IDsOfAnyLength", longIDs},
	{"Commit_EveryRecordReadsBack", roundTrips},
	{"Commit_LaterVersionReplaces", replaced},
	{"Commit_LargeContent", largeContent},
	{"Load_OnlyWhatIsAsked", loads},
	{"Session_Guarded", sessions},
	{"KeptForms_OfOneHolder", keptForms},
}

// lookups are the reads of one record that is there or not.
func lookups(t *testing.T, s bench, id string) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"Token":      func() error { _, err := s.Token(ctx, clinic.Proof{Issuer: id, Subject: id}); return err },
		"Person":     func() error { _, err := s.Person(ctx, id); return err },
		"Grant":      func() error { _, err := s.Grant(ctx, id, id); return err },
		"Patient":    func() error { _, err := s.Patient(ctx, id); return err },
		"Payer":      func() error { _, err := s.Payer(ctx, id); return err },
		"Account":    func() error { _, err := s.Account(ctx, id, id); return err },
		"Opened":     func() error { _, err := s.OpenedAccount(ctx, id); return err },
		"Practice":   func() error { _, err := s.Practice(ctx, id); return err },
		"PracticeOf": func() error { _, err := s.PracticeOf(ctx, id); return err },
		"Form":       func() error { _, err := s.Form(ctx, id, id, id); return err },
		"Draft":      func() error { _, err := s.Draft(ctx, id, id); return err },
		"Visit":      func() error { _, err := s.Visit(ctx, id); return err },
		"Payment":    func() error { _, err := s.Payment(ctx, id); return err },
		"WorkItem":   func() error { _, err := s.WorkItem(ctx, id, id); return err },
		"Delivery":   func() error { _, err := s.Delivery(ctx, eventID(id)); return err },
		"no event":   func() error { _, err := s.Delivery(ctx, id); return err },
		"Request":    func() error { _, err := s.Request(ctx, id); return err },
		"Session":    func() error { _, err := s.Session(ctx, id); return err },
	}
}

func neverStored(t *testing.T, s bench) {
	ctx := t.Context()
	for name, read := range lookups(t, s, "x") {
		err := read()
		if !errors.Is(err, fault.NotFound) {
			t.Errorf("%s = %v, want not found", name, err)
		}
		if _, public := fault.Public(err); !public {
			t.Errorf("%s = %v, want an error that may be shown", name, err)
		}
	}
	if got, err := s.Load(ctx, clinic.Query{Visit: "x", Answers: true, Person: "x"}); err != nil || !cmp.Equal(got, clinic.Rows{}) {
		t.Errorf("Load = %+v, %v; want nothing", got, err)
	}
	if got, err := s.Content(ctx, "x", true); err != nil || !cmp.Equal(got, clinic.Content{}) {
		t.Errorf("Content = %+v, %v; want nothing", got, err)
	}
	if got, err := s.LogHead(ctx, "x"); err != nil || got.Version != 0 || got.Practice != "x" {
		t.Errorf("LogHead = %+v, %v; want version 0 of practice x", got, err)
	}
	if got, err := s.SweepState(ctx); err != nil || got != (clinic.SweepState{}) {
		t.Errorf("SweepState = %+v, %v; want version 0", got, err)
	}
	for name, list := range map[string]func() (int, error){
		"Money":       func() (int, error) { ps, es, err := s.Money(ctx, "x"); return len(ps) + len(es), err },
		"Grants":      func() (int, error) { l, err := s.Grants(ctx, "x"); return len(l), err },
		"Coverages":   func() (int, error) { l, err := s.Coverages(ctx, "x"); return len(l), err },
		"Contracts":   func() (int, error) { l, err := s.Contracts(ctx, "x"); return len(l), err },
		"Payers":      func() (int, error) { l, err := s.Payers(ctx); return len(l), err },
		"Work":        func() (int, error) { l, err := s.Work(ctx, "x"); return len(l), err },
		"Trail":       func() (int, error) { l, err := s.Trail(ctx, "x", time.Time{}); return len(l), err },
		"Log":         func() (int, error) { l, err := s.Log(ctx, "x", "", end, 10); return len(l), err },
		"Active":      func() (int, error) { l, err := s.Active(ctx, "", 10); return len(l), err },
		"Undelivered": func() (int, error) { l, err := s.Undelivered(ctx, outbox.BucketOf(noon)); return len(l), err },
		"Queue":       func() (int, error) { l, _, err := s.Queue(ctx, "x", identity.StaffPool, "", 10); return len(l), err },
		"Mine":        func() (int, error) { l, _, err := s.VisitsOfPatient(ctx, "x", "", 10); return len(l), err },
		"DueVisits":   func() (int, error) { l, _, err := s.DueVisits(ctx, 0, noon, "", 10); return len(l), err },
		"DueEvents":   func() (int, error) { l, _, err := s.DueEvents(ctx, 0, noon, "", 10); return len(l), err },
	} {
		if n, err := list(); err != nil || n != 0 {
			t.Errorf("%s lists %d, %v; want nothing", name, n, err)
		}
	}
}

// longIDs asks for records by ids that come from outside: a request cannot make
// the store's own key too long, which would read as trouble of ours.
func longIDs(t *testing.T, s bench) {
	for name, read := range lookups(t, s, strings.Repeat("x", 3000)) {
		if err := read(); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s = %v, want not found", name, err)
		}
	}
	if _, err := s.Load(t.Context(), clinic.Query{Visit: strings.Repeat("x", 3000)}); !errors.Is(err, fault.NotFound) {
		t.Errorf("Load = %v, want not found", err)
	}
}

// everything is one commit with a record of each kind.
func everything() clinic.Commit {
	v := queued("visit-1", noon.Add(4*time.Hour))
	v.Quote = billing.Quote{ID: "quote-1", Amount: 4000, Basis: billing.Fee, ExpiresAt: noon.Add(time.Hour)}
	v.Payment, v.Payments = "visit-1.quote-1", []string{"visit-1.quote-1"}
	v.CaptureBefore = noon.Add(7 * 24 * time.Hour)
	v.Messages, v.FromPatient, v.FromTeam = 2, 1, 1
	v.Reads = []visit.ReadMark{{Through: 1, At: noon, By: "person-1"}}
	place := practiceOne()
	return clinic.Commit{
		Visit:    &v,
		Answers:  []byte("\x00sealed answers\xff"),
		Diverted: []byte("sealed record"),
		Messages: []clinic.Message{{Visit: v.ID, Seq: 2, Body: []byte{0}}, {Visit: v.ID, Seq: 1, Body: []byte("sealed")}},
		Notes:    []clinic.Note{{Visit: v.ID, Seq: 2, Body: []byte("n")}, {Visit: v.ID, Seq: 1, Body: []byte("m")}},
		Payments: []billing.Payment{payment("quote-1", noon)},
		Entries: []ledger.Entry{
			entry("refund-100", ledger.Refund, noon.Add(time.Hour)),
			entry("capture", ledger.Capture, noon.Add(time.Minute)),
			entry("hold", ledger.Hold, noon),
		},
		Work:     []work.Item{workItem("visit-1")},
		Events:   []outbox.Event{event("event-1")},
		Request:  &clinic.Request{Key: "person-1 POST /visits é", Input: "hash", Result: v.ID, Ends: noon.Truncate(time.Second).Add(48 * time.Hour)},
		Session:  &clinic.Session{Hash: "cookie", Proof: clinic.Proof{Issuer: "https://issuer.example", Subject: "a|b"}, Ends: noon.Truncate(time.Second), Version: 1},
		Audit:    []audit.Record{record("record-1", v.ID, noon), {ID: "record-2", Practice: audit.Platform, At: noon}},
		Log:      &clinic.LogHead{Practice: practiceID, Head: signedHead(), Version: 1},
		Sweep:    &clinic.SweepState{Bucket: outbox.BucketOf(noon), Hour: "2026-03-02T12", Version: 1},
		Practice: &place, Config: true, Consent: true, Account: true,
		Person:   personOne(),
		Grants:   []identity.Grant{{Practice: practiceID, Patient: "patient-2", Person: "person-1", Until: noon, Version: 1}},
		Token:    &clinic.Token{Proof: clinic.Proof{Issuer: "https://issuer.example", Subject: "a|b"}, Memberships: []identity.Membership{{Practice: practiceID, Person: "person-1"}}, Version: 1},
		Patients: []clinic.Patient{{Patient: identity.Patient{ID: patientID, Practice: practiceID, Version: 1}, Sealed: []byte("sealed contact")}},
		Forms:    []clinic.Form{{Practice: practiceID, Name: "uti", Version: "1.0.0", JSON: []byte(`{"resourceType":"Questionnaire"}`)}},
	}
}

func signedHead() audit.Head {
	return audit.Head{
		Tree: audit.Frontier{}.Add([]byte("leaf")).Add([]byte("leaf")), Through: "position", Checkpoint: "a checkpoint\n",
	}
}

func payment(rest string, at time.Time) billing.Payment {
	return billing.Payment{
		ID: "visit-1." + rest, Visit: "visit-1", Practice: practiceID, Account: "acct_1", Amount: 4000, State: billing.Held,
		Session: "cs_1", URL: "https://checkout.example/1", SessionEnds: noon.Add(time.Hour), Intent: "pi_1",
		Held: 4000, CaptureBefore: noon.Add(7 * 24 * time.Hour), OpenedAt: at, HeldAt: noon, Version: 1,
	}
}

func entry(id string, k ledger.Kind, at time.Time) ledger.Entry {
	return ledger.Entry{
		ID: id, Kind: k, Payment: "visit-1.quote-1", Practice: practiceID, At: at,
		Postings: []ledger.Posting{{Account: ledger.Holds, Amount: 4000}, {Account: ledger.HoldsOwed, Amount: -4000}},
	}
}

func workItem(about string) work.Item {
	return work.New(work.Item{
		Kind: work.VisitDiverted, Practice: practiceID, Pool: identity.ClinicalPool, Visit: about, Payment: "visit-1.quote-1", Event: "event-1", Note: "urgent",
	}, about, noon)
}

func personOne() *identity.Person {
	return &identity.Person{
		ID: "person-1", Practice: practiceID, Role: identity.Caregiver, Patient: patientID, Version: 1,
		Licenses: []identity.License{{State: "CA", Number: "1", Expires: noon}},
	}
}

// same reports a difference between what was stored and what is read.
func same(t *testing.T, name string, got any, err error, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v, differs (-stored +read):\n%s", name, err, diff)
	}
}

func roundTrips(t *testing.T, s bench) {
	c := everything()
	commit(t, s, c)
	ctx := t.Context()
	v, err := s.Visit(ctx, "visit-1")
	same(t, "Visit", v, err, *c.Visit)
	for _, latest := range []bool{false, true} {
		rows, err := s.Load(ctx, clinic.Query{Visit: "visit-1", Answers: true, Person: "person-1", Latest: latest})
		same(t, "Load", rows, err, clinic.Rows{Visit: *c.Visit, Answers: c.Answers, Person: *c.Person})
		content, err := s.Content(ctx, "visit-1", latest)
		same(t, "Content", content, err, clinic.Content{
			Answers: c.Answers, Diverted: c.Diverted, Messages: []clinic.Message{c.Messages[1], c.Messages[0]},
			Notes: []clinic.Note{c.Notes[1], c.Notes[0]},
		})
	}
	paid, err := s.Payment(ctx, "visit-1.quote-1")
	same(t, "Payment", paid, err, c.Payments[0])
	payments, entries, err := s.Money(ctx, "visit-1")
	same(t, "Money's payments", payments, err, c.Payments)
	same(t, "Money's entries, oldest first", entries, err, []ledger.Entry{c.Entries[2], c.Entries[1], c.Entries[0]})
	item, err := s.WorkItem(ctx, practiceID, c.Work[0].ID)
	same(t, "WorkItem", item, err, c.Work[0])
	delivery, err := s.Delivery(ctx, eventID("event-1"))
	same(t, "Delivery", delivery, err, outbox.Delivery{Event: c.Events[0], Armed: true})
	asked, err := s.Request(ctx, c.Request.Key)
	same(t, "Request", asked, err, *c.Request)
	session, err := s.Session(ctx, "cookie")
	same(t, "Session", session, err, *c.Session)
	head, err := s.LogHead(ctx, practiceID)
	same(t, "LogHead", head, err, *c.Log)
	state, err := s.SweepState(ctx)
	same(t, "SweepState", state, err, *c.Sweep)
	place, err := s.Practice(ctx, practiceID)
	same(t, "Practice", place, err, *c.Practice)
	owner, err := s.PracticeOf(ctx, c.Practice.Account)
	same(t, "PracticeOf", owner, err, practiceID)
	person, err := s.Person(ctx, "person-1")
	same(t, "Person", person, err, *c.Person)
	token, err := s.Token(ctx, c.Token.Proof)
	same(t, "Token", token, err, *c.Token)
	grant, err := s.Grant(ctx, "patient-2", "person-1")
	same(t, "Grant", grant, err, c.Grants[0])
	who, err := s.Patient(ctx, patientID)
	same(t, "Patient", who, err, c.Patients[0])
	form, err := s.Form(ctx, practiceID, "uti", "1.0.0")
	same(t, "Form", string(form), err, string(c.Forms[0].JSON))
}

func replaced(t *testing.T, s bench) {
	read := func() clinic.Rows {
		t.Helper()
		rows, err := s.Load(t.Context(), clinic.Query{Visit: "visit-1", Answers: true, Latest: true})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	v := draft("visit-1")
	commit(t, s, clinic.Commit{Visit: &v})
	if got := read(); got.Answers != nil {
		t.Errorf("before the first save the answers are %q, want none", got.Answers)
	}
	v.Version, v.Saves = 2, 1
	commit(t, s, clinic.Commit{Visit: &v, Answers: []byte("first")})
	v.Version, v.Saves, v.State = 3, 2, "OR"
	commit(t, s, clinic.Commit{Visit: &v, Answers: []byte("second")})
	want := clinic.Rows{Visit: v, Answers: []byte("second")}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("after another save (-want +got):\n%s", diff)
	}
	v.Version = 4
	commit(t, s, clinic.Commit{Visit: &v})
	if got := read(); string(got.Answers) != "second" {
		t.Errorf("a commit without answers left %q, want those before", got.Answers)
	}

	paid := payment("quote-1", noon)
	commit(t, s, clinic.Commit{Payments: []billing.Payment{paid}})
	paid.Version, paid.State = 2, billing.Released
	commit(t, s, clinic.Commit{Payments: []billing.Payment{paid}})
	got, err := s.Payment(t.Context(), paid.ID)
	same(t, "Payment", got, err, paid)
}

func largeContent(t *testing.T, s bench) {
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
		Forms: []clinic.Form{{Practice: practiceID, Name: "long", Version: "1", JSON: form.Bytes()}},
	})
	if got, err := s.Content(t.Context(), "visit-1", true); err != nil || !bytes.Equal(got.Answers, content.Bytes()) {
		t.Errorf("answers of %d bytes read back as %d, %v", content.Len(), len(got.Answers), err)
	}
	if got, err := s.Form(t.Context(), practiceID, "long", "1"); err != nil || !bytes.Equal(got, form.Bytes()) {
		t.Errorf("a form of %d bytes reads back as %d, %v", form.Len(), len(got), err)
	}
}

func loads(t *testing.T, s bench) {
	c := everything()
	commit(t, s, c)
	for name, test := range map[string]struct {
		q    clinic.Query
		want clinic.Rows
	}{
		"the visit alone":    {clinic.Query{Visit: "visit-1"}, clinic.Rows{Visit: *c.Visit}},
		"with its answers":   {clinic.Query{Visit: "visit-1", Answers: true}, clinic.Rows{Visit: *c.Visit, Answers: c.Answers}},
		"with a person":      {clinic.Query{Visit: "visit-1", Person: "person-1"}, clinic.Rows{Visit: *c.Visit, Person: *c.Person}},
		"no such person":     {clinic.Query{Visit: "visit-1", Person: "x"}, clinic.Rows{Visit: *c.Visit}},
		"no such visit":      {clinic.Query{Visit: "x", Person: "person-1"}, clinic.Rows{Person: *c.Person}},
		"another's answers":  {clinic.Query{Visit: "visit-", Answers: true}, clinic.Rows{}},
		"of the latest only": {clinic.Query{Visit: "visit-1", Latest: true}, clinic.Rows{Visit: *c.Visit}},
	} {
		got, err := s.Load(t.Context(), test.q)
		same(t, name, got, err, test.want)
	}
}

func sessions(t *testing.T, s bench) {
	want := clinic.Session{Hash: "h", Proof: clinic.Proof{Issuer: "i", Subject: "s"}, Ends: noon.Add(time.Hour)}
	for _, change := range []func(){
		func() {},
		func() { want.Seen, want.Refresh = noon, []byte("sealed") },
		func() { want.Ended, want.Refresh = true, nil },
	} {
		change()
		want.Version++
		commit(t, s, clinic.Commit{Session: &want})
		got, err := s.Session(t.Context(), "h")
		same(t, "Session", got, err, want)
		used := want // by a request that read it before
		used.Ended = false
		for _, wrong := range []int{1, want.Version, want.Version + 2} {
			used.Version = wrong
			if err := s.Commit(t.Context(), clinic.Commit{Session: &used}); !errors.Is(err, fault.Conflict) {
				t.Errorf("version %d over %d: %v, want a conflict", wrong, want.Version, err)
			}
		}
	}
}

func keptForms(t *testing.T, s bench) {
	mine := clinic.KeptForm{Holder: "h1", ID: "a", Sealed: []byte("sealed"), Ends: noon.Truncate(time.Second)}
	commit(t, s, clinic.Commit{Kept: &mine})
	commit(t, s, clinic.Commit{Kept: &clinic.KeptForm{Holder: "h10", ID: "a", Sealed: []byte("another's"), Ends: noon}})
	got, err := s.KeptForms(t.Context(), "h1")
	same(t, "KeptForms", got, err, []clinic.KeptForm{mine})
	for id, want := range map[string]clinic.KeptForm{"a": mine, "b": {}} {
		rows, err := s.Load(t.Context(), clinic.Query{Visit: "v1", Kept: clinic.KeptForm{Holder: "h1", ID: id}})
		same(t, "Load with a kept form", rows.Kept, err, want)
	}
	mine.Sealed = nil
	commit(t, s, clinic.Commit{Kept: &mine})
	got, err = s.KeptForms(t.Context(), "h1")
	same(t, "KeptForms once sent", got, err, []clinic.KeptForm{mine})
	got, err = s.KeptForms(t.Context(), "nobody")
	same(t, "KeptForms of nobody", len(got), err, 0)
}

func practiceOne() practice.Practice {
	return practice.Practice{
		ID: practiceID, Version: 1,
		Core: practice.Core{
			Name: "Harbor Clinic", Phone: "555-0100", Inbox: "desk@harbor.example", Account: "acct_1", Since: noon,
			Zone: "America/Los_Angeles", Readers: "two clinicians", Configured: 1, Consenting: "2026-01",
		},
		Config: practice.Config{
			States: []string{"CA", "OR"}, Forms: map[string]string{"uti": "1.0.0"},
			Prices: billing.PriceList{"uti": 4000}, Terms: visit.Terms{Answer: 4 * time.Hour, GiveUp: 20 * time.Hour},
		},
		Consent: practice.Consent{Version: "2026-01", Text: "You agree."},
	}
}
