package claim_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/claim"
	"evisit/pkg/coding"
	"evisit/pkg/coding/icd"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12/p837"
)

// seen are the problems as record, field and code.
func seen(all []claim.Problem) []string {
	var names []string
	for _, p := range all {
		name := string(p.Of) + " " + p.Where + " " + p.Code
		if p.Confirm {
			name += "?"
		}
		names = append(names, name)
	}
	return names
}

func dependent(p *claim.Parties) {
	p.Coverages[0].Card.Relation = coverage.Child
	p.Coverages[0].Card.Subscriber = coverage.Subscriber{First: "John", Last: "Smith"}
}

// What keeps a claim from being sent, each alone, with the record and the field to put right.
func TestScrub_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	diagnoses := func(n int) (all []phi.Text) {
		for _, code := range strings.Fields("N3000 N3001 B029 E1165 E119 F411 H10021 H10022 H1011 H1012 H1013 H10023 F32A")[:n] {
			all = append(all, phi.Text(code))
		}
		return all
	}
	for _, c := range []struct {
		name   string
		change func(*claim.Claim, *claim.Parties)
		want   string // joined by a comma
	}{
		{"nothing", func(*claim.Claim, *claim.Parties) {}, ""},
		{"a fact", func(c *claim.Claim, _ *claim.Parties) {
			c.Asks = []coding.Ask{{Fact: coding.FactSeenAfter, Question: "Was the patient seen?"}, {Fact: coding.FactRelated, Of: "2026-01-20", Question: "Related?"}}
		}, "visit facts/seen_after unknown, visit facts/related/2026-01-20 unknown"},
		{"no code yet", func(c *claim.Claim, _ *claim.Parties) {
			c.Lines, c.Place, c.FileBy = nil, "", civil.Day{}
			c.Asks = []coding.Ask{{Fact: coding.FactTime}}
		}, "visit facts/time unknown"},
		{"no line", func(c *claim.Claim, _ *claim.Parties) { c.Lines = nil }, "claim lines missing"},

		{"no diagnosis", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses, c.Lines[0].Pointers = nil, []int{1} }, "claim diagnoses occurrence, claim lines/1/pointers range"},
		{"12 diagnoses", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = diagnoses(12) }, ""},
		{"13 diagnoses", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = diagnoses(13) }, "claim diagnoses occurrence, claim diagnoses/12 unspecified?"},
		{"twice", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = []phi.Text{"N3000", "N3000"} }, "claim diagnoses/1 duplicate"},
		{"a heading", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = []phi.Text{"H1002"} }, "claim diagnoses/0 incomplete"},
		{"no such code", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = []phi.Text{"Q9999"} }, "claim diagnoses/0 nonexistent"},
		{"no code at all", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = []phi.Text{"cystitis"} }, "claim diagnoses/0 misshapen"},
		{"unspecified", func(c *claim.Claim, _ *claim.Parties) { c.Diagnoses = []phi.Text{"F419"} }, "claim diagnoses/0 unspecified?"},
		{"no codes of the day", func(c *claim.Claim, _ *claim.Parties) {
			c.Lines[0].From, c.Lines[0].Until, c.Window = day(-500), day(-500), claim.Days{First: day(-500), Last: day(-493)}
		}, "coverage subscriber/plan not_active, claim diagnoses/0 no_edition"},
		{"4 pointers", func(c *claim.Claim, _ *claim.Parties) {
			c.Diagnoses, c.Lines[0].Pointers = diagnoses(5), []int{5, 1, 2, 3}
		}, ""},
		{"5 pointers", func(c *claim.Claim, _ *claim.Parties) {
			c.Diagnoses, c.Lines[0].Pointers = diagnoses(5), []int{5, 1, 2, 3, 4}
		}, "claim lines/1/pointers count"},
		{"no pointer", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Pointers = nil }, "claim lines/1/pointers count"},
		{"pointer to nothing", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Pointers = []int{2} }, "claim lines/1/pointers range"},

		{"1 cent", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = 1 }, ""},
		{"nothing billed", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = 0 }, "claim lines/1/charge range"},
		{"less than nothing", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = -1 }, "claim charge amount, claim lines/1/charge amount, claim lines/1/charge range"},
		{"the most", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = money.Max }, ""},
		{"more than the most", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = money.Max + 1 }, "claim lines/1/charge range, claim charge range"},
		{"11 digits", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Charge = 1_000_000_000_00 }, "claim charge amount, claim lines/1/charge amount, claim lines/1/charge range, claim charge range"},
		{"50 lines", func(c *claim.Claim, _ *claim.Parties) { c.Lines = slices.Repeat(c.Lines, 50) }, ""},
		{"51 lines", func(c *claim.Claim, _ *claim.Parties) { c.Lines = slices.Repeat(c.Lines, 51) }, "claim lines too_many"},
		{"5 modifiers", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Modifiers = []string{"A1", "A2", "A3", "A4", "A5"} }, "claim lines/1/modifiers too_many"},
		{"place", func(c *claim.Claim, _ *claim.Parties) { c.Place = "1" }, "claim place digits"},
		{"the window's days", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].From, c.Lines[0].Until = day(14), day(21) }, ""},
		{"before the window", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].From = day(13) }, "claim lines/1/from window"},
		{"after the window", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].Until = day(22) }, "claim lines/1/from window"},
		{"days in the wrong order", func(c *claim.Claim, _ *claim.Parties) { c.Lines[0].From = day(15) }, "claim lines/1/from date"},

		{"practice's NPI", func(_ *claim.Claim, p *claim.Parties) { p.Practice.NPI = "1234567890" }, "practice billing/npi npi"},
		{"no NPI", func(_ *claim.Claim, p *claim.Parties) { p.Practice.NPI = "" }, "practice billing/npi npi"},
		{"tax number", func(_ *claim.Claim, p *claim.Parties) { p.Practice.TaxID = "12-345678" }, "practice billing/tax_id digits"},
		{"post box", func(_ *claim.Claim, p *claim.Parties) { p.Practice.Address.Street = "P.O. Box 7" }, "practice billing/address/street post_box"},
		{"ZIP of five", func(_ *claim.Claim, p *claim.Parties) { p.Practice.Address.ZIP = "97205" }, "practice billing/address/zip digits"},
		{"clinician's NPI", func(_ *claim.Claim, p *claim.Parties) { p.Clinician.NPI = "1679576723" }, "clinician rendering/npi npi"},
		{"no clinician", func(_ *claim.Claim, p *claim.Parties) { p.Clinician = p837.Provider{} }, "clinician rendering missing"},
		{"clinician alone", func(_ *claim.Claim, p *claim.Parties) { p.Clinician.NPI = p.Practice.NPI }, ""},

		{"no street", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Home.Street = "" }, "patient subscriber/address/street missing"},
		{"no birth", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Birth = civil.Day{} }, "patient subscriber/birth date"},
		{"accents and marks", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Last, p.Patient.First = "Muñoz~*:^", "José 🙂" }, ""},
		{"another script", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Last = "李" }, "patient subscriber/last character"},
		{"no last name", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Last = "" }, "patient subscriber/last missing"},
		{"sex not known", func(_ *claim.Claim, p *claim.Parties) { p.Patient.Sex = "" }, ""},

		{"no member number", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Card.Member = "" }, "coverage subscriber/member_id missing"},
		{"a child", func(_ *claim.Claim, p *claim.Parties) { dependent(p) }, ""},
		{"a child without a street", func(_ *claim.Claim, p *claim.Parties) { dependent(p); p.Patient.Home.Street = "" }, "patient patient/address/street missing"},
		{"a relation that there is not", func(_ *claim.Claim, p *claim.Parties) { dependent(p); p.Coverages[0].Card.Relation = "aunt" }, "coverage patient/relationship unknown_code"},
		{"a subscriber without a name", func(_ *claim.Claim, p *claim.Parties) { dependent(p); p.Coverages[0].Card.Subscriber.Last = "" }, "coverage subscriber/last missing"},
		{"no coverage", func(_ *claim.Claim, p *claim.Parties) { p.Coverages = nil }, "claim coverage unknown"},
		{"a plan by name", func(_ *claim.Claim, p *claim.Parties) {
			p.Coverages[0].Payer, p.Coverages[0].Card.Payer = coverage.Payer{}, ""
		}, "coverage subscriber/payer missing"},
		{"another payer", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Payer.ID = "EXPLAN02" }, "claim payer changed"},
		{"no electronic claims", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Payer.Address = "" }, "payer payer/address missing"},
		{"kind of insurance", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Payer.Filing = "X" }, "payer subscriber/filing unknown_code"},
		{"the last day of the plan", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Card.Until = day(14) }, ""},
		{"the plan has ended", func(_ *claim.Claim, p *claim.Parties) { p.Coverages[0].Card.Until = day(13) }, "coverage subscriber/plan not_active"},
		{"another plan pays first", func(_ *claim.Claim, p *claim.Parties) {
			p.Coverages = append(p.Coverages, held())
			p.Coverages[0].Card.Priority, p.Coverages[1].ID = 2, "cov2"
		}, "coverage subscriber/order not_first"},
		{"another plan pays second", func(_ *claim.Claim, p *claim.Parties) {
			p.Coverages = append(p.Coverages, held())
			p.Coverages[1].Card.Priority, p.Coverages[1].ID = 2, "cov2"
		}, ""},

		{"the last day to file", func(c *claim.Claim, _ *claim.Parties) { c.FileBy = day(29) }, ""},
		{"a day late", func(c *claim.Claim, _ *claim.Parties) { c.FileBy = day(28) }, "claim file_by late"},
		{"a replacement, late", func(c *claim.Claim, _ *claim.Parties) {
			c.FileBy = day(28)
			c.Attempts = []claim.Attempt{{Frequency: p837.Replacement, PayerControl: "P1"}}
		}, ""},
		{"a replacement of nothing", func(c *claim.Claim, _ *claim.Parties) {
			c.Attempts = []claim.Attempt{{Frequency: p837.Replacement}}
		}, "claim payer_control missing"},
		{"no deadline known", func(c *claim.Claim, _ *claim.Parties) { c.FileBy = civil.Day{} }, "payer file_by unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl, p := maker{t}.coded(), parties()
			c.change(&cl, &p)
			found := cl.Scrub(p, book(t), day(29))
			if got := strings.Join(seen(found), ", "); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			for _, f := range found {
				if f.Text == "" && f.Where != "facts/time" || strings.Contains(f.Text, "01 19 20") {
					t.Errorf("%s says %q", f.Where, f.Text)
				}
			}
		})
	}
}

// A diagnosis that does not go with the patient's sex is asked about.
func TestScrub_SexAndDiagnosis(t *testing.T) {
	t.Parallel()
	set, err := icd.Read(strings.NewReader(fmt.Sprintf("00001 N760    1 %-60s %s\n", "Acute vaginitis", "Acute vaginitis")))
	if err != nil {
		t.Fatal(err)
	}
	b, err := icd.Book{}.With(icd.Edition{Name: "test", From: day(1), Until: day(300), Set: set})
	if err != nil {
		t.Fatal(err)
	}
	c, p := maker{t}.coded(), parties()
	c.Diagnoses = []phi.Text{"N760"}
	for sex, want := range map[string]string{"female": "", "unknown": "", "male": "claim diagnoses/0 edit?"} {
		p.Patient.Sex = sex
		if got := strings.Join(seen(c.Scrub(p, b, day(29))), ", "); got != want {
			t.Errorf("%s: %s", sex, got)
		}
	}
}

// The embargo ends at the start of its last day, to the instant.
func TestReview_Embargo(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.coded()
	if early := m.must(c.Review(parties(), book(t), release.Add(-1))); early.State != claim.Embargoed || early.Version != c.Version {
		t.Errorf("an instant before: %s", early.State)
	}
	if on := m.must(c.Review(parties(), book(t), release)); on.State != claim.Ready || !on.Changed.Equal(release) {
		t.Errorf("at its release: %s", on.State)
	}
	broken := parties()
	broken.Patient.Home.Street = ""
	early := m.must(c.Review(broken, book(t), answered))
	if early.State != claim.Embargoed || len(early.Problems) != 1 {
		t.Errorf("what will hold it: %s, %v", early.State, early.Problems)
	}
	held := m.must(early.Review(broken, book(t), release))
	if held.State != claim.Held {
		t.Errorf("held: %s", held.State)
	}
	if again := m.must(held.Review(broken, book(t), release.Add(time.Hour))); again.Version != held.Version {
		t.Error("the same review makes a version")
	}
	if mended := m.must(held.Review(parties(), book(t), release.Add(time.Hour))); mended.State != claim.Ready || len(mended.Problems) > 0 {
		t.Errorf("mended: %s, %v", mended.State, mended.Problems)
	}
	later := outcome()
	later.Window.From, later.Window.Until = later.Window.From.Add(24*time.Hour), later.Window.Until.Add(24*time.Hour)
	moved := m.must(m.must(m.ready().Coded(later, 30_00, zone, release)).Review(parties(), book(t), release))
	if moved.State != claim.Embargoed || !moved.Release.Equal(at(30, 0)) {
		t.Errorf("with a later window: %s until %s", moved.State, moved.Release)
	}
}

func TestReview_RefusedOnceOut(t *testing.T) {
	t.Parallel()
	for name, c := range (maker{t}).each() {
		_, err := c.Review(parties(), book(t), at(60, 8))
		if c.State.Unsent() != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a person confirms is asked no more, until the content changes.
func TestConfirm_UntilTheContentChanges(t *testing.T) {
	t.Parallel()
	m := maker{t}
	o := opening()
	o.Diagnoses = []phi.Text{"F41.9"}
	c := m.must(m.must(claim.Open(o, answered)).Coded(outcome(), 30_00, zone, answered))
	c = m.must(c.Review(parties(), book(t), release))
	if c.State != claim.Held || strings.Join(seen(c.Problems), "") != "claim diagnoses/0 unspecified?" {
		t.Fatalf("%s, %v", c.State, c.Problems)
	}
	_, err := c.Confirm("diagnoses/0", "edit", "staff", release)
	refused(t, err, "nothing_to_confirm")
	c = m.must(c.Confirm("diagnoses/0", "unspecified", "staff", release))
	if again := m.must(c.Confirm("diagnoses/0", "unspecified", "staff", release)); again.Version != c.Version {
		t.Error("confirmed twice")
	}
	if c = m.must(c.Review(parties(), book(t), release)); c.State != claim.Ready {
		t.Errorf("confirmed: %s, %v", c.State, c.Problems)
	}
	a := amendment(c, 30_00)
	a.Diagnoses = []phi.Text{"F32.A"}
	c = m.must(m.must(c.Amend(a, release)).Review(parties(), book(t), release))
	if c.State != claim.Held {
		t.Errorf("another code: %s", c.State)
	}
	held := m.must(m.coded().Review(claim.Parties{Zone: zone}, book(t), release))
	_, err = held.Confirm(held.Problems[0].Where, held.Problems[0].Code, "staff", release)
	refused(t, err, "nothing_to_confirm")
}

func TestAmend_Content(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.ready()
	a := amendment(c, 31_00)
	a.Diagnoses = []phi.Text{"n30.01", "N30.00"}
	c = m.must(c.Amend(a, release))
	if c.State != claim.Held || c.Charge() != 31_00 || c.Diagnoses[0] != "N3001" || !slices.Equal(c.Lines[0].Pointers, []int{1, 2}) {
		t.Errorf("%+v", c.Content)
	}
	a.Services[0].Pointers = []int{2}
	if c = m.must(c.Amend(a, release)); !slices.Equal(c.Lines[0].Pointers, []int{2}) {
		t.Errorf("%v", c.Lines[0].Pointers)
	}
	if c = m.must(c.Coded(outcome(), 32_00, zone, release)); !slices.Equal(c.Lines[0].Pointers, []int{2}) || c.Charge() != 32_00 {
		t.Errorf("coded again, it points to %v", c.Lines[0].Pointers)
	}
	for name, change := range map[string]func(*claim.Amendment){
		"no coverage": func(a *claim.Amendment) { a.Coverage = "" }, "no line": func(a *claim.Amendment) { a.Services = nil },
	} {
		a := amendment(c, 31_00)
		change(&a)
		next, err := c.Amend(a, release)
		if wrong := refused(t, err, "invalid_request"); !errors.Is(err, fault.Invalid) || len(wrong) != 1 || diff(c, next) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCoded_NotBillable(t *testing.T) {
	t.Parallel()
	m := maker{t}
	no := coding.Outcome{Decision: coding.NotBillable, Reason: "later_related_visit"}
	c := m.must(m.ready().Coded(no, 30_00, zone, release))
	if c.State != claim.Closed || c.Ended != (claim.End{Why: claim.NotBillable, Rule: "later_related_visit", At: release}) {
		t.Errorf("%+v", c.Ended)
	}
	if again := m.must(c.Coded(no, 30_00, zone, release)); again.Version != c.Version {
		t.Error("closed twice")
	}
	for name, want := range map[string]string{"sent": "claim_state", "paid": "claim_state", "batched": "claim_state", "replacing": "claim_decided", "voiding": "void_content"} {
		_, err := m.each()[name].Coded(no, 30_00, zone, release)
		refused(t, err, want)
	}
	if c := m.must(m.each()["resending"].Coded(no, 30_00, zone, release)); c.State != claim.Closed || len(c.Attempts) != 1 {
		t.Errorf("turned back: %s with %d attempts", c.State, len(c.Attempts))
	}
}

// A visit whose patient pays and asked that no plan is told never has a claim in a file.
func TestRestrict_NeverSent(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.must(m.ready().Restrict(release))
	if c.State != claim.Closed || c.Ended.Why != claim.Restricted {
		t.Fatalf("%+v", c.Ended)
	}
	if again := m.must(c.Restrict(release)); again.Version != c.Version {
		t.Error("restricted twice")
	}
	_, err := c.Review(parties(), book(t), at(60, 8))
	refused(t, err, "claim_state")
	_, _, err = parcel(c).Build(sender, "Clearinghouse", numbers(1), book(t), at(60, 9))
	refused(t, err, "claim_state")
}

func TestNextDue_ByState(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"embargoed": "2026-01-29 release", "held": "2026-03-31 filing", "ready": "2026-03-31 filing", "batched": "2026-03-31 filing",
		"rejected": "2026-03-31 filing", "resending": "2026-03-31 filing", "replacing": " ", "voiding": " ",
		"sent": "2026-01-31 receipt", "received": "2026-02-03 acceptance", "accepted": "2026-03-16 remittance",
		"reversed": "2026-04-05 remittance", "appealed": "2026-03-30 remittance",
		"paid": " ", "denied": " ", "voided": " ", "closed": " ", "withdrawn": " ",
	}
	for name, c := range (maker{t}).each() {
		due, wait := c.NextDue(zone)
		text := ""
		if !due.IsZero() {
			text = due.In(zone).Format(time.DateOnly)
		}
		if got := fmt.Sprintf("%s %s", text, wait); got != want[name] {
			t.Errorf("%s: %s, want %s", name, got, want[name])
		}
	}
}
