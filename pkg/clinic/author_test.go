package clinic_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

const (
	dora = "dora-quist" // medical director of Jane's practice
	solo = "sol-ortega" // clinician, administrator and medical director there
)

// directors gives Jane's practice a medical director, and one person who is everything.
func (w *world) directors() {
	w.Helper()
	w.becomes(identity.Person{ID: dora, Practice: "lakeside", Role: identity.Director, Display: "Dora Quist, MD"})
	w.becomes(identity.Person{ID: solo, Practice: "lakeside", Role: identity.Clinician, Also: []identity.Role{identity.Admin, identity.Director}, Display: "Sol Ortega, NP"})
}

// uti is the library's protocol with another version, and without the examples that skip
// names.
func (w *world) uti(version string, skip ...string) protocol.Source {
	w.Helper()
	l, err := w.author.Library()
	if err != nil {
		w.Fatalf("library: %v", err)
	}
	e, ok := l.Find("uti-women")
	if !ok {
		w.Fatalf("the library has no uti-women")
	}
	s := e.Source
	s.Questionnaire = []byte(strings.Replace(string(s.Questionnaire), `"version": "0.2.0"`, `"version": "`+version+`"`, 1))
	var examples, kept []intake.Example
	if err := json.Unmarshal(s.Examples, &examples); err != nil {
		w.Fatalf("examples: %v", err)
	}
	for _, ex := range examples {
		if !slices.Contains(skip, ex.Rule) {
			kept = append(kept, ex)
		}
	}
	if s.Examples, err = json.Marshal(kept); err != nil {
		w.Fatalf("examples: %v", err)
	}
	return s
}

// published hands in, approves and publishes a source.
func (w *world) published(s protocol.Source, replaces int) author.Draft {
	w.Helper()
	d, err := w.author.HandIn(w.ctx, w.as(ada), s, replaces)
	if err == nil {
		_, err = w.author.Approve(w.ctx, w.as(dora), d.Name, d.Form().Hash())
	}
	if err == nil {
		d, err = w.author.Publish(w.ctx, w.as(ada), d.Name)
	}
	if err != nil {
		w.Fatalf("publishing: %v", problemsOf(err))
	}
	return d
}

func problemsOf(err error) any {
	if f, ok := fault.Public(err); ok && len(f.Problems) > 0 {
		return f.Problems
	}
	return err
}

// A form is adopted, changed, shown by its examples, approved as it was seen, published,
// compared and retired; requests in progress keep their version throughout.
func TestAuthor_LifeOfAForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.directors()
	before := w.starts(jane, "uti-women", "")
	adopted, err := w.author.Adopt(w.ctx, w.as(ada), "uti-women", 0)
	if err != nil || len(adopted.Read.Examination.Problems) > 0 {
		t.Fatalf("adopting: %v %v", err, adopted.Read.Examination.Problems)
	}
	if again, err := w.author.Adopt(w.ctx, w.as(ada), "uti-women", 0); err != nil || again.Version != adopted.Version {
		t.Errorf("adopting the same again: version %d, %v", again.Version, err)
	}

	// One rule has no examples: nobody can approve it.
	poor := w.uti("0.3.0", "uti-long")
	_, err = w.author.HandIn(w.ctx, w.as(solo), poor, 0)
	w.refused(err, "draft_changed") // Ada's draft is not lost
	d, err := w.author.HandIn(w.ctx, w.as(solo), poor, adopted.Version)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.author.Approve(w.ctx, w.as(dora), "uti-women", d.Form().Hash())
	w.refused(err, "examples_missing")
	_, err = w.author.Publish(w.ctx, w.as(ada), "uti-women")
	w.refused(err, "examples_missing")

	d, err = w.author.HandIn(w.ctx, w.as(ada), w.uti("0.3.0"), d.Version)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.author.Publish(w.ctx, w.as(ada), "uti-women")
	w.refused(err, "not_approved")
	_, err = w.author.Approve(w.ctx, w.as(ada), "uti-women", d.Form().Hash())
	w.refused(err, "denied") // an administrator approves no form
	_, err = w.author.Approve(w.ctx, w.as(dora), "uti-women", adopted.Form().Hash())
	w.refused(err, "other_text")
	approved, err := w.author.Approve(w.ctx, w.as(dora), "uti-women", d.Form().Hash())
	if err != nil || approved.Approved == nil || approved.Approved.Person != dora || approved.Approved.Hash != d.Form().Hash() {
		t.Fatalf("approving: %+v, %v", approved.Approved, err)
	}
	if again, err := w.author.Approve(w.ctx, w.as(dora), "uti-women", d.Form().Hash()); err != nil || again.Version != approved.Version {
		t.Errorf("approving again: %v", err)
	}

	// A change after the approval ends it.
	changed, err := w.author.HandIn(w.ctx, w.as(ada), w.uti("0.3.1"), approved.Version)
	if err != nil || changed.Approved != nil {
		t.Fatalf("the changed draft is approved: %+v, %v", changed.Approved, err)
	}
	_, err = w.author.Publish(w.ctx, w.as(ada), "uti-women")
	w.refused(err, "not_approved")
	if _, err = w.author.Approve(w.ctx, w.as(solo), "uti-women", changed.Form().Hash()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is published already
		if d, err = w.author.Publish(w.ctx, w.as(solo), "uti-women"); err != nil {
			t.Fatal(err)
		}
	}
	after := w.starts(jane, "uti-women", "")
	if was, is := w.visit(before).Form.Version, w.visit(after).Form.Version; was == is || is != d.Form().Version() {
		t.Errorf("requests are on %s and %s, want the new one on %s", was, is, d.Form().Version())
	}

	all, p, err := w.author.Versions(w.ctx, w.as(dora))
	at := slices.IndexFunc(all, func(v clinic.FormVersion) bool { return v.Version == d.Form().Version() })
	if err != nil || at < 0 || all[at].Approved == nil || all[at].Approved.Person != solo || !all[at].At.Equal(w.now()) || p.Forms["uti-women"] != d.Form().Version() {
		t.Errorf("the versions are %+v, offered is %s, %v", all, p.Forms["uti-women"], err)
	}
	changes, err := w.author.Compare(w.ctx, w.as(ada), "uti-women", w.visit(before).Form.Version, author.TheDraft)
	if err != nil || len(changes) != 0 {
		t.Errorf("the two ask the same, and differ in %v, %v", changes, err)
	}

	// The version is one text for ever; an earlier one may be offered again, and none.
	_, err = w.author.HandIn(w.ctx, w.as(ada), retitled(w.uti("0.3.1")), d.Version)
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.author.Draft(w.ctx, w.as(dora), "uti-women")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.author.Approve(w.ctx, w.as(dora), "uti-women", other.Form().Hash()); err != nil {
		t.Fatal(err)
	}
	_, err = w.author.Publish(w.ctx, w.as(ada), "uti-women")
	w.refused(err, "form_exists")
	if _, err := w.author.Offer(w.ctx, w.as(ada), "uti-women", w.visit(before).Form.Version); err != nil {
		t.Error(err)
	}
	_, err = w.author.Offer(w.ctx, w.as(ada), "uti-women", "9")
	w.refused(err, "no_version")
	if _, err := w.author.Offer(w.ctx, w.as(ada), "uti-women", ""); err != nil {
		t.Error(err)
	}
	_, err = w.request.Start(w.ctx, w.once(jane, "retired", ""), "uti-women", "", "")
	w.refused(err, "unknown_form")
	w.saves(jane, before, urinary)
	w.saves(jane, after, urinary)
	w.prices(jane, before)
	w.prices(jane, after)

	var told []string
	for _, r := range w.logOf("lakeside") {
		if area, _, _ := strings.Cut(r.Action, "."); area == "form" && r.Actor.Role != "system" && r.Outcome != audit.Refused {
			told = append(told, r.Actor.ID+" "+r.Action)
		}
	}
	want := []string{
		"ada-brooks form.write:adopted", "sol-ortega form.write:draft", "ada-brooks form.write:draft", "dora-quist form.approve:approved",
		"ada-brooks form.write:draft", "sol-ortega form.approve:approved", "sol-ortega form.write:published", "ada-brooks form.write:draft",
		"dora-quist form.approve:approved", "ada-brooks form.write:offered", "ada-brooks form.write:withdrawn",
	}
	slices.Sort(told)
	if slices.Sort(want); !slices.Equal(told, want) {
		t.Errorf("the log tells\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func retitled(s protocol.Source) protocol.Source {
	s.Questionnaire = []byte(strings.Replace(string(s.Questionnaire), `"title": "`, `"title": "Our `, 1))
	return s
}

// logOf returns the records of a practice's log.
func (w *world) logOf(practiceID string) []audit.Record {
	w.Helper()
	leaves, err := w.tape.Log(w.ctx, practiceID, "", "99991231T235959.999Z#~", 10_000)
	if err != nil {
		w.Fatalf("log: %v", err)
	}
	var all []audit.Record
	for _, l := range leaves {
		r, err := audit.ParseLeaf(l.Bytes)
		if err != nil {
			w.Fatalf("log: %v", err)
		}
		all = append(all, r)
	}
	return all
}

// What is no form is refused with every problem, and nothing of it is stored.
func TestAuthor_RefusesABadForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.directors()
	before := w.recorded()
	good := string(w.uti("1").Questionnaire)
	for name, tt := range map[string]struct {
		source protocol.Source
		kind   fault.Kind
		places []string
	}{
		"2 MB":         {protocol.Source{Questionnaire: []byte(`{"resourceType":"Questionnaire","title":"` + strings.Repeat("x", 2<<20) + `"}`)}, fault.TooLarge, nil},
		"no JSON":      {protocol.Source{Questionnaire: []byte(`{`)}, fault.Malformed, nil},
		"nothing":      {protocol.Source{}, fault.Malformed, nil},
		"member twice": {protocol.Source{Questionnaire: []byte(strings.Replace(good, `"status"`, `"status": "draft", "status"`, 1))}, fault.Malformed, nil},
		"no examples":  {protocol.Source{Questionnaire: []byte(good), Examples: []byte(`{}`)}, fault.Malformed, nil},
		"its name, and a question": {
			protocol.Source{Questionnaire: []byte(strings.NewReplacer(`"id": "uti-women"`, `"id": "uti women"`, `"linkId": "uti-fever"`, `"linkId": "uti-onset"`).Replace(good))},
			fault.Invalid,
			[]string{"id", "uti-onset"},
		},
		"the common block's name": {protocol.Source{Questionnaire: []byte(strings.Replace(good, `"id": "uti-women"`, `"id": "evisit-common"`, 1))}, fault.Invalid, []string{"id"}},
		"a version given twice":   {protocol.Source{Questionnaire: []byte(good), About: intake.About{Version: "2"}}, fault.Invalid, []string{"version"}},
	} {
		_, err := w.author.HandIn(w.ctx, w.as(ada), tt.source, 0)
		f, ok := fault.Public(err)
		if !ok || f.Kind != tt.kind {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, where := range tt.places {
			if !slices.ContainsFunc(f.Problems, func(p fault.Problem) bool { return p.Where == where }) {
				t.Errorf("%s: no problem of %s in %v", name, where, f.Problems)
			}
		}
	}
	if n := w.recorded() - before; n != 0 {
		t.Errorf("%d records were written", n)
	}
	if all, err := w.author.Drafts(w.ctx, w.as(ada)); err != nil || len(all) != 0 {
		t.Errorf("there are %d drafts, %v", len(all), err)
	}
	_, err := w.author.Adopt(w.ctx, w.as(ada), "nothing", 0)
	w.refused(err, "no_protocol")
	_, err = w.author.Draft(w.ctx, w.as(ada), "nothing")
	w.refused(err, "no_draft")
	for _, who := range []string{jane, ana, nora, sam} {
		_, err := w.author.HandIn(w.ctx, w.as(who), w.uti("1"), 0)
		w.refused(err, "denied")
		_, err = w.author.Decide(w.ctx, w.as(who), practice.Change{})
		w.refused(err, "denied")
	}
	if _, err := w.author.HandIn(w.ctx, w.as(ada), w.uti("1"), 0); err != nil {
		t.Fatal(problemsOf(err))
	}
	_, err = w.author.Draft(w.ctx, w.as("ruth-vance"), "uti-women")
	w.refused(err, "no_draft") // another practice's administrator
}

// A price holds from when it was decided to begin; what was quoted before stands.
func TestAuthor_PricesBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	quoted := w.draft()
	was := w.prices(jane, quoted).Quote
	tomorrow := w.now().Add(24 * time.Hour)
	fifty := money.Cents(50_00)
	decide := func(c clinic.Caller, ch practice.Change) error {
		_, err := w.author.Decide(w.ctx, c, ch)
		return err
	}
	if err := decide(w.as(ada), practice.Change{From: tomorrow, Prices: practice.PriceChanges{"uti-women": &fifty}}); err != nil {
		t.Fatal(err)
	}
	if o := w.prices(jane, w.draft()); o.Quote.Amount != 40_00 {
		t.Errorf("a day before it costs %s", o.Quote.Amount)
	}
	w.submits(jane, quoted, was.ID)
	w.moved.Add(int64(24*time.Hour) - 1)
	if o := w.prices(jane, w.draft()); o.Quote.Amount != 40_00 {
		t.Errorf("just before it costs %s", o.Quote.Amount)
	}
	w.moved.Add(1)
	if o := w.prices(jane, w.draft()); o.Quote.Amount != fifty {
		t.Errorf("from then on it costs %s", o.Quote.Amount)
	}
	if v := w.visit(quoted); v.Quote.Amount != 40_00 {
		t.Errorf("what was quoted became %s", v.Quote.Amount)
	}

	// Two administrators who have seen the same settings: the second is told.
	s, err := w.author.Settings(w.ctx, w.as(ada))
	if err != nil {
		t.Fatal(err)
	}
	seen := w.as(ada)
	seen.Version = s.Practice.Version
	if err := decide(seen, practice.Change{Terms: &visit.Terms{Answer: time.Hour, GiveUp: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	err = decide(seen, practice.Change{Terms: &visit.Terms{Answer: 2 * time.Hour, GiveUp: time.Hour}})
	w.refused(err, "stale")
	_, err = w.author.Decide(w.ctx, w.as(ada), practice.Change{Forms: practice.VersionChange{"uti-women": "9"}})
	w.refused(err, "invalid_request")

	s, err = w.author.Settings(w.ctx, w.as(ada))
	if err != nil || s.Practice.Terms.Answer != time.Hour || s.Practice.Prices["uti-women"] != fifty || len(s.Practice.Coming) != 0 {
		t.Fatalf("it is now %+v, %v", s.Practice.Config, err)
	}
	if len(s.History) != 3 || s.History[0].Decided.Person != ada || s.History[0].Decided.At != w.now() || s.History[2].Decided.Person != "" {
		t.Errorf("the history is %+v", s.History)
	}
}

// Of any number who decide at once, one by one is heard, and the others are told.
func TestAuthor_DecideAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 6
	errs := make([]error, many)
	var wg sync.WaitGroup
	for n := range many {
		wg.Go(func() {
			cents := money.Cents(10_00 * int64(n+1))
			_, errs[n] = w.author.Decide(w.ctx, w.as(ada), practice.Change{Prices: practice.PriceChanges{"uti-women": &cents}})
		})
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch {
		case err == nil:
			done++
		case !errors.Is(err, fault.Conflict):
			t.Error(err)
		}
	}
	p, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil || done == 0 || p.Version != 1+done || p.Configured != 1+done {
		t.Errorf("%d decided, and the practice is at version %d with configuration %d, %v", done, p.Version, p.Configured, err)
	}
}

// A consent text handed in again begins when it was last said to; one that was superseded,
// or is none, is refused.
func TestAuthor_ConsentAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, text := practice.Consent{Version: "2026-01", Text: "You may withdraw at any time."}, practice.Consent{Version: "2", Text: "You agree."}
	day := 24 * time.Hour
	decide := func(c practice.Consent, from time.Time) (practice.Practice, error) {
		return w.author.DecideConsent(w.ctx, w.as(ada), c, from)
	}
	if _, err := decide(text, w.now().Add(day)); err != nil {
		t.Fatal(err)
	}
	if _, err := decide(practice.Consent{}, time.Time{}); err == nil {
		t.Error("no text is taken")
	}
	if p, err := decide(text, w.now().Add(2*day)); err != nil || !p.ConsentFrom.Equal(w.now().Add(2*day)) || p.Version != 3 {
		t.Errorf("put off to %s at version %d: %v", p.ConsentFrom, p.Version, err)
	}
	w.pass(day)
	if p, err := decide(text, time.Time{}); err != nil || p.Consenting != "2" || p.ConsentNext != "" {
		t.Errorf("at once: %+v, %v", p.Core, err)
	}
	if _, err := decide(old, time.Time{}); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("the text that was superseded: %v", err)
	}
	p, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil || p.Consent.Text != text.Text || p.Version != 4 {
		t.Errorf("in the end it is %+v at version %d: %v", p.Consent, p.Version, err)
	}
	next := practice.Consent{Version: "3", Text: "You still agree."}
	if _, err := decide(next, w.now().Add(day)); err != nil {
		t.Fatal(err)
	}
	w.pass(day)
	if _, err := decide(text, time.Time{}); !errors.Is(err, clinic.ErrExists) {
		t.Errorf("the text that was superseded by itself: %v", err)
	}
	if p, err := decide(next, time.Time{}); err != nil || p.At(w.now()).Consenting != "3" {
		t.Errorf("the text that has begun: %+v, %v", p.Core, err)
	}
}

// A consent text holds in the language in which it was read, and what was accepted is kept.
func TestAuthor_ConsentByLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := practice.Consent{Version: "2", Text: "You agree.", Others: map[string]string{"es": "Usted acepta."}}
	if _, err := w.author.DecideConsent(w.ctx, w.as(ada), text, time.Time{}); err != nil {
		t.Fatal(problemsOf(err))
	}
	again, err := w.author.DecideConsent(w.ctx, w.as(ada), text, time.Time{})
	if err != nil || again.Version != 2 {
		t.Errorf("the same again: version %d, %v", again.Version, err)
	}
	id := w.draft()
	o := w.prices(jane, id)
	if o.Consent.Version != "2" || o.Language != "en" {
		t.Errorf("offered is %+v in %s", o.Consent, o.Language)
	}
	send := func(language string) error {
		_, err := w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: o.Quote.ID, Consent: "2", Language: language})
		return err
	}
	w.refused(send("fr"), "consent_language")
	if err := send("es-MX"); err != nil {
		t.Fatal(err)
	}
	trail, err := w.tape.Trail(w.ctx, id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(trail, func(r audit.Record) bool { return r.Accepted != nil })
	if at < 0 || trail[at].Accepted.Language != "es-MX" || trail[at].Accepted.ConsentHash != vault.Hash([]byte("Usted acepta.")) {
		t.Errorf("the trail is %+v, want the acceptance of the Spanish text", trail)
	}
	w.row(place{"PRACTICE#lakeside", "CONSENT#2026-01"})
}

// What a practice does not take online is refused before there is a price, and says where
// to turn.
func TestAuthor_ClosedKindsAndTopics(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.directors()
	topics := []string{"reproductive"}
	s := w.uti("0.4.0")
	s.Questionnaire = []byte(strings.Replace(string(s.Questionnaire), `"extension": [`,
		`"extension": [{"url": "https://example.org/fhir/StructureDefinition/evisit-sensitive-topic", "valueCode": "reproductive"}, `, 1))
	w.published(s, 0)
	w.starts(jane, "uti-women", "")
	if _, err := w.author.Decide(w.ctx, w.as(ada), practice.Change{Topics: &topics, Closed: map[string][]string{"admin-request": {"billing"}}}); err != nil {
		t.Fatal(problemsOf(err))
	}
	_, err := w.request.Start(w.ctx, w.once(jane, "topic", ""), "uti-women", "", "")
	w.refused(err, "topic_by_phone")
	if f, _ := fault.Public(err); f == nil || !strings.Contains(f.Text, "pregnancy and reproduction") || !strings.Contains(f.Text, "+1 503 555 0100") {
		t.Errorf("it says %v", err)
	}
	id := w.starts(jane, "admin-request", "")
	bill := maps.Clone(records)
	bill["adm-type"] = []string{"billing"}
	saved := w.saves(jane, id, bill)
	if !slices.ContainsFunc(saved.Unsendable, func(p fault.Problem) bool { return p.Where == "adm-type" }) {
		t.Errorf("the page that asks is told %v", saved.Unsendable)
	}
	_, err = w.request.Quote(w.ctx, w.as(jane), id)
	w.refused(err, "kind_not_taken")
}

// Who reads, as it is made of the people, names the practice as it is called now; a text
// of its own stays.
func TestAuthor_WhoReadsAfterRename(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	renamed := func(name string) string {
		t.Helper()
		in := registration()
		in.ID, in.Name, in.Account = "lakeside", name, seed.Accounts[0]
		p, err := w.registrar.Change(w.ctx, operator(), in.ID, in)
		if err != nil || p.Name != name {
			t.Fatalf("renamed %q: %v", p.Name, err)
		}
		return p.Readers
	}
	decides := func(text string) {
		t.Helper()
		if _, err := w.author.DecideReaders(w.ctx, w.as(ada), text); err != nil {
			t.Fatal(err)
		}
	}
	decides("")
	if got := renamed("Hillside Care"); !strings.Contains(got, "the nurses of Hillside Care") || strings.Contains(got, "Practice lakeside") {
		t.Errorf("who reads: %q", got)
	}
	decides("Those on duty.")
	if got := renamed("Hilltop Care"); got != "Those on duty." {
		t.Errorf("the practice's own text became %q", got)
	}
}

// What can be no version is told for both sides of a comparison at once; the library's
// protocols are compiled for the first who asks.
func TestAuthor_ComparesAndLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.author.Compare(w.ctx, w.as(ada), "uti-women", "", "a b")
	f, ok := fault.Public(err)
	if !ok || f.Code != "invalid_request" || len(f.Problems) != 2 || f.Problems[0].Where != "from" || f.Problems[1].Where != "to" {
		t.Errorf("compared: %v", err)
	}
	_, err = w.author.Compare(w.ctx, w.as(ada), "uti-women", "0", author.TheDraft)
	w.refused(err, "no_version")
	first, err := w.author.Protocols(w.ctx, w.as(ada))
	if err != nil || len(first) != 9 {
		t.Fatalf("%d protocols: %v", len(first), err)
	}
	if again, err := w.author.Protocols(w.ctx, w.as(ada)); err != nil || again[0] != first[0] {
		t.Errorf("compiled again: %v", err)
	}
}

// Patients are told who reads: what the practice says, or those who work there.
func TestAuthor_WhoReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.author.DecideReaders(w.ctx, w.as(ada), "")
	if err != nil || !strings.Contains(p.Readers, "Ana Rivera, MD") || !strings.Contains(p.Readers, "nurses") || p.OwnReaders {
		t.Errorf("who reads: %q, %v", p.Readers, err)
	}
	if o := w.prices(jane, w.draft()); o.Readers != p.Readers {
		t.Errorf("patients are told %q", o.Readers)
	}
	active := func(who string, is bool) string {
		t.Helper()
		if _, err := w.registrar.Activate(w.ctx, w.as(ada), who, is); err != nil {
			t.Fatal(err)
		}
		now, err := w.tape.Practice(w.ctx, "lakeside")
		if err != nil {
			t.Fatal(err)
		}
		return now.Readers
	}
	if without, again := active(ben, false), active(ben, true); strings.Contains(without, "Ben Chen") || again != p.Readers {
		t.Errorf("without Ben %q, with him again %q", without, again)
	}
	if p, err = w.author.DecideReaders(w.ctx, w.as(ada), "Those on duty."); err != nil || p.Readers != "Those on duty." {
		t.Errorf("who reads: %q, %v", p.Readers, err)
	}
	if got := active(ben, false); got != "Those on duty." {
		t.Errorf("the practice's own text became %q", got)
	}
}
