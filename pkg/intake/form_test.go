package intake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// A composed form has the items of both sources in order, and their attributes and
// rules.
func TestCompose_ItemsAttributesRules(t *testing.T) {
	t.Parallel()
	f := sample(t)
	var order []string
	for _, it := range f.Items() {
		order = append(order, it.LinkID)
	}
	want := "location-state sick temp temp-how signs signs-since either both med when photo s-1 s-2 score fee-ack consent-ack"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("order\n%s, want\n%s", got, want)
	}
	if f.Name() != "sample" || f.Version() != "1-common-2" || f.Canonical() != "https://example.org/fhir/Questionnaire/sample|1-common-2" ||
		f.Title() != "Sample" || f.BillingClass() != "em" || f.Sex() != "female" || !f.RequiresPhotos() {
		t.Errorf("attributes: %s %s %s", f.Name(), f.Version(), f.Canonical())
	}
	if low, high, ok := f.Ages(); low != 18 || high != 65 || !ok {
		t.Errorf("ages %d to %d, %v", low, high, ok)
	}
	var rules []string
	for _, r := range f.Rules() {
		rules = append(rules, r.ID)
	}
	if d := cmp.Diff([]string{"no-consent", "hot", "two-rows", "high-score"}, rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]intake.Coding{{System: "http://hl7.org/fhir/sid/icd-10-cm", Code: "R30.0", Display: "Dysuria"}}, f.SuggestedDiagnoses()); d != "" {
		t.Errorf("diagnoses (-want +got):\n%s", d)
	}
}

// Pages without an author's titles hold every top-level item once.
func TestForm_Pages(t *testing.T) {
	t.Parallel()
	var got []string
	for _, p := range sample(t).Pages() {
		got = append(got, p.Title)
		for _, it := range p.Items {
			got = append(got, " "+it.LinkID)
		}
	}
	want := []string{
		"", " location-state",
		"Sample, 1 of 2", " sick", " temp", " temp-how", " signs", " signs-since", " either", " both",
		"Sample, 2 of 2", " med", " when", " photo", " s-1", " s-2", " score",
		"Fee and consent", " fee-ack", " consent-ack",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestForm_PagesOfTheAuthor(t *testing.T) {
	t.Parallel()
	page := `"text": "When?", "extension": [{"url": "https://example.org/fhir/StructureDefinition/evisit-page", "valueString": "Later"}]`
	q, err := intake.Parse([]byte(strings.Replace(string(source(t, "protocol")), `"text": "When?"`, page, 1)))
	if err != nil {
		t.Fatal(explain(err))
	}
	f, err := intake.Compose(questionnaire(t, "common"), q)
	if err != nil {
		t.Fatal(explain(err))
	}
	pages := f.Pages()
	if len(pages) != 3 || pages[1].Title != "Later" || pages[1].Items[0].LinkID != "when" || pages[2].Title != "Fee and consent" {
		t.Errorf("pages: %d, the second %q", len(pages), pages[1].Title)
	}
}

// An item has the bounds, conditions, help and options that a page shows.
func TestForm_Item(t *testing.T) {
	t.Parallel()
	f := sample(t)
	temp, _ := f.Item("temp")
	if temp.Min != "95.0" || temp.Max != "108.0" || temp.Type != intake.DecimalQ {
		t.Errorf("temp: %+v", temp)
	}
	if d := cmp.Diff([]intake.Condition{{Question: "sick", Operator: "=", Answer: "true"}}, temp.EnableWhen); d != "" {
		t.Errorf("temp is enabled (-want +got):\n%s", d)
	}
	sick, _ := f.Item("sick")
	if !sick.Required || !cmp.Equal(sick.Help, []intake.Said{{Text: "Say yes if unsure."}}) {
		t.Errorf("sick: %+v", sick)
	}
	photo, _ := f.Item("photo")
	if photo.MinOccurs != 2 || photo.MaxOccurs != 3 || photo.MaxBytes != 1<<20 || !cmp.Equal(photo.MIMETypes, []string{"image/png"}) {
		t.Errorf("photo: %+v", photo)
	}
	s, _ := f.Item("s-2")
	if len(s.Options) != 2 || s.Options[1].Code != "yes" || *s.Options[1].Ordinal != 2 {
		t.Errorf("s-2: %+v", s.Options)
	}
	score, _ := f.Item("score")
	if !score.ReadOnly {
		t.Error("score is asked")
	}
	if _, ok := f.Item("nothing"); ok {
		t.Error("an item that does not exist was found")
	}
}

// A stored form is loaded with the same bytes and hash; an altered form that does
// not pass the publish gate is refused.
func TestLoad_StoredAndAltered(t *testing.T) {
	t.Parallel()
	f := sample(t)
	again, err := intake.Load(f.JSON())
	if err != nil {
		t.Fatal(explain(err))
	}
	if again.Hash() != f.Hash() || !bytes.Equal(again.JSON(), f.JSON()) {
		t.Error("loading changed the form")
	}
	if !json.Valid(f.JSON()) || bytes.Contains(f.JSON(), []byte("\n")) {
		t.Error("the form's JSON is not one line of JSON")
	}
	altered := bytes.Replace(f.JSON(), []byte(`"question":"sick"`), []byte(`"question":"gone"`), 1)
	if _, err := intake.Load(altered); !errors.Is(err, fault.Invalid) {
		t.Errorf("an altered form loads: %v", err)
	}
	if _, err := intake.Load([]byte("{")); !errors.Is(err, fault.Malformed) {
		t.Errorf("half a form loads: %v", err)
	}
}

// A common block and a protocol can each be compiled alone.
func TestAlone_CommonAndProtocol(t *testing.T) {
	t.Parallel()
	f, err := intake.Alone(questionnaire(t, "common"))
	if err != nil {
		t.Fatal(explain(err))
	}
	if f.Version() != "2" || len(f.Rules()) != 1 {
		t.Errorf("version %s, %d rules", f.Version(), len(f.Rules()))
	}
	if _, _, ok := f.Ages(); ok {
		t.Error("the common block is limited to an age")
	}
	protocol, err := intake.Alone(questionnaire(t, "protocol"))
	if err != nil {
		t.Fatal(explain(err))
	}
	if pages := protocol.Pages(); len(pages) != 2 || pages[0].Title != "Sample, 1 of 2" {
		t.Errorf("%d pages, the first %q", len(pages), pages[0].Title)
	}
	res := f.Check(respond(t, `{"linkId":"consent-ack","answer":[{"valueBoolean":false}]}`))
	if res.Disposition != intake.Ineligible {
		t.Errorf("disposition is %s", res.Disposition)
	}
}

func TestForm_Eligible(t *testing.T) {
	t.Parallel()
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	f := sample(t) // women from 18 to 65
	tests := map[string]struct {
		birth, on, sex string
		want           []string
	}{
		"on the 18th birthday":            {"2008-03-10", "2026-03-10", "female", []string{}},
		"the day before":                  {"2008-03-10", "2026-03-09", "female", []string{"birth age"}},
		"the last day of being 65":        {"1960-03-10", "2026-03-09", "female", []string{}},
		"on the 66th birthday":            {"1960-03-10", "2026-03-10", "female", []string{"birth age"}},
		"born on a leap day, 28 February": {"2008-02-29", "2026-02-28", "female", []string{"birth age"}},
		"born on a leap day, 1 March":     {"2008-02-29", "2026-03-01", "female", []string{}},
		"another sex":                     {"1990-01-01", "2026-01-01", "male", []string{"sex sex"}},
		"a sex not given":                 {"1990-01-01", "2026-01-01", "", []string{"sex sex"}},
		"both":                            {"2020-01-01", "2026-01-01", "male", []string{"birth age", "sex sex"}},
		"born tomorrow":                   {"2026-01-02", "2026-01-01", "female", []string{"birth date"}},
	}
	for name, tt := range tests {
		if d := cmp.Diff(tt.want, places(f.Eligible(day(tt.birth), day(tt.on), time.UTC, tt.sex))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestAge_ByThePracticeDay(t *testing.T) {
	t.Parallel()
	birth := time.Date(2008, time.March, 10, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		zone string
		now  time.Time
		want int
	}{
		"evening before, west":    {"America/Los_Angeles", time.Date(2026, time.March, 10, 2, 0, 0, 0, time.UTC), 17},
		"midnight, west":          {"America/Los_Angeles", time.Date(2026, time.March, 10, 7, 0, 0, 0, time.UTC), 18},
		"a moment before, west":   {"America/Los_Angeles", time.Date(2026, time.March, 10, 6, 59, 59, 0, time.UTC), 17},
		"midnight, UTC":           {"UTC", time.Date(2026, time.March, 10, 0, 0, 0, 0, time.UTC), 18},
		"morning, east":           {"Pacific/Guam", time.Date(2026, time.March, 9, 14, 0, 0, 0, time.UTC), 18},
		"the clock's own zone":    {"UTC", time.Date(2026, time.March, 9, 20, 0, 0, 0, time.FixedZone("", -5*3600)), 18},
		"before birth":            {"UTC", time.Date(2008, time.March, 9, 0, 0, 0, 0, time.UTC), -1},
		"last day of the year":    {"UTC", time.Date(2026, time.December, 31, 23, 0, 0, 0, time.UTC), 18},
		"first day of the next":   {"UTC", time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC), 18},
		"the month before, later": {"UTC", time.Date(2026, time.February, 20, 0, 0, 0, 0, time.UTC), 17},
	} {
		zone, err := time.LoadLocation(tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := intake.Age(birth, tt.now, zone); got != tt.want {
			t.Errorf("%s: %d years, want %d", name, got, tt.want)
		}
	}
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	evening := time.Date(2026, time.March, 10, 2, 0, 0, 0, time.UTC)
	if d := cmp.Diff([]string{"birth age"}, places(sample(t).Eligible(birth, evening, zone, "female"))); d != "" {
		t.Errorf("the evening before the 18th birthday (-want +got):\n%s", d)
	}
}
