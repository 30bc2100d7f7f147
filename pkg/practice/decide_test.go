package practice_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func price(c money.Cents) *money.Cents { return &c }

// A decision leaves what it does not name, and begins when it says, whatever was decided
// before it and after it.
func TestConfig_At(t *testing.T) {
	t.Parallel()
	first := practice.Config{
		States: []string{"OR"}, Forms: map[string]string{"uti": "1"}, Prices: billing.PriceList{"uti": 40_00, "rash": 50_00},
		Terms: visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour},
	}
	var c practice.Config
	decide := func(ch practice.Change, at time.Time) {
		t.Helper()
		next, err := c.Decide(ch, "ada", at)
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	c = first
	states := []string{"WA"}
	decide(practice.Change{From: noon.AddDate(0, 0, 2), Prices: practice.PriceChanges{"uti": price(60_00)}, Forms: practice.VersionChange{"uti": "2"}}, noon)
	decide(practice.Change{From: noon.AddDate(0, 0, 1), Prices: practice.PriceChanges{"uti": price(55_00), "rash": nil}}, noon)
	decide(practice.Change{States: &states, Prices: practice.PriceChanges{"cough": price(0)}}, noon.Add(time.Hour))
	for name, tt := range map[string]struct {
		at     time.Time
		prices billing.PriceList
		form   string
		coming int
	}{
		"before anything":      {noon.Add(2 * time.Hour), billing.PriceList{"uti": 40_00, "rash": 50_00, "cough": 0}, "1", 2},
		"just before":          {noon.AddDate(0, 0, 1).Add(-1), billing.PriceList{"uti": 40_00, "rash": 50_00, "cough": 0}, "1", 2},
		"at its first instant": {noon.AddDate(0, 0, 1), billing.PriceList{"uti": 55_00, "cough": 0}, "1", 1},
		"after all":            {noon.AddDate(0, 0, 3), billing.PriceList{"uti": 60_00, "cough": 0}, "2", 0},
	} {
		got := c.At(tt.at)
		if d := cmp.Diff(tt.prices, got.Prices); d != "" || got.Forms["uti"] != tt.form || len(got.Coming) != tt.coming || !slices.Equal(got.States, states) {
			t.Errorf("%s: %+v %s", name, got, d)
		}
		if again := got.At(tt.at); !cmp.Equal(got, again) {
			t.Errorf("%s: At of At differs: %s", name, cmp.Diff(got, again))
		}
	}
	if first.Prices["uti"] != 40_00 || len(first.Prices) != 2 {
		t.Error("deciding changed what was decided before")
	}
	back, err := c.Withdraw(noon.AddDate(0, 0, 2), "ada", noon.Add(2*time.Hour))
	if err != nil || back.At(noon.AddDate(1, 0, 0)).Prices["uti"] != 55_00 {
		t.Errorf("what was taken back still begins: %+v, %v", back, err)
	}
	if _, err := c.Withdraw(noon, "ada", noon); !errors.Is(err, fault.NotFound) {
		t.Errorf("what there is not was taken back: %v", err)
	}
}

// Everything that is wrong with a decision is named at once, and nothing of it is decided.
func TestConfig_DecideRefusesWithEveryProblem(t *testing.T) {
	t.Parallel()
	list := func(s ...string) *[]string { return &s }
	for name, tt := range map[string]struct {
		ch   practice.Change
		want []string
	}{
		"nothing":                   {practice.Change{}, nil},
		"free, least and most":      {practice.Change{Prices: practice.PriceChanges{"a": price(0), "b": price(billing.Smallest), "c": price(money.Max), "d": nil}}, nil},
		"below the least":           {practice.Change{Prices: practice.PriceChanges{"a": price(billing.Smallest - 1), "b": price(-1)}}, []string{"/prices/a price", "/prices/b price"}},
		"above the most":            {practice.Change{Prices: practice.PriceChanges{"a": price(money.Max + 1)}}, []string{"/prices/a price"}},
		"yesterday":                 {practice.Change{From: noon.AddDate(0, 0, -1)}, []string{"/from past"}},
		"in three years":            {practice.Change{From: noon.AddDate(3, 0, 0)}, []string{"/from range"}},
		"a country, and one twice":  {practice.Change{States: list("OR", "Oregon", "OR", "or")}, []string{"/states/1 state", "/states/2 repeated", "/states/3 state"}},
		"no state":                  {practice.Change{States: list()}, nil},
		"a promise of a minute":     {practice.Change{Terms: &visit.Terms{Answer: time.Minute, GiveUp: 8 * 24 * time.Hour}}, []string{"/answer_minutes range", "/give_up_minutes range"}},
		"a topic that there is not": {practice.Change{Topics: list("hiv", "weather")}, []string{"/topics_by_phone/1 topic"}},
		"kinds of a form not there": {practice.Change{Closed: map[string][]string{"admin": {"bill ing"}}}, []string{"/closed/admin form", "/closed/admin/0 code"}},
		"all of it": {
			practice.Change{From: noon.AddDate(-1, 0, 0), States: list("XX"), Terms: &visit.Terms{}, Topics: list("x"), Prices: practice.PriceChanges{"a": price(1)}},
			[]string{"/from past", "/states/0 state", "/answer_minutes range", "/give_up_minutes range", "/topics_by_phone/0 topic", "/prices/a price"},
		},
	} {
		next, err := practice.Config{}.Decide(tt.ch, "ada", noon)
		var got []string
		if f, ok := fault.Public(err); ok {
			for _, p := range f.Problems {
				got = append(got, p.Where+" "+p.Code)
			}
		}
		if d := cmp.Diff(tt.want, got); d != "" || (err == nil) != (len(tt.want) == 0) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
		if err == nil && (next.Decided != practice.Decider{Person: "ada", At: noon}) {
			t.Errorf("%s: decided by %+v", name, next.Decided)
		}
	}
	c := practice.Config{}
	var err error
	for n := range 21 {
		if c, err = c.Decide(practice.Change{From: noon.AddDate(0, 0, n+1)}, "ada", noon); err != nil {
			break
		}
	}
	if f, ok := fault.Public(err); !ok || f.Code != "too_many_coming" {
		t.Errorf("21 decisions to come: %v", err)
	}
}

// A consent text holds from when it begins, in the languages that it has; the one before
// is there until then.
func TestPractice_DecideConsent(t *testing.T) {
	t.Parallel()
	p := practice.Practice{Core: practice.Core{Consenting: "1"}, Consent: practice.Consent{Version: "1", Text: "Yes."}}
	two := practice.Consent{Version: "2", Text: "I agree.", Others: map[string]string{"es": "Acepto."}}
	next, isNew, err := p.DecideConsent(two, noon.AddDate(0, 0, 1), noon)
	if err != nil || !isNew {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{noon: "Yes.", noon.AddDate(0, 0, 1): "I agree."} {
		if got := next.At(at); got.Consent.Text != want || got.Consenting != got.Consent.Version {
			t.Errorf("at %s the text is %+v", at, got.Consent)
		}
	}
	for language, want := range map[string]string{"": "I agree.", "en": "I agree.", "en-US": "I agree.", "es-MX": "Acepto.", "ES": "Acepto.", "fr": ""} {
		if got, ok := two.In(language); got != want || ok != (want != "") {
			t.Errorf("in %q it is %q", language, got)
		}
	}
	for name, tt := range map[string]struct {
		text practice.Consent
		from time.Time
		code string
		want []string
	}{
		"the version that holds":     {practice.Consent{Version: "1", Text: "No."}, time.Time{}, "consent_exists", nil},
		"the version that is coming": {practice.Consent{Version: "2", Text: "No."}, time.Time{}, "consent_exists", nil},
		"nothing":                    {practice.Consent{}, time.Time{}, "invalid_request", []string{"/version", "/text"}},
		"blank, and its own language again": {
			practice.Consent{Version: "a b", Text: " \n", Others: map[string]string{"en": "x", "Spanish": ""}},
			noon.AddDate(0, 0, -1), "invalid_request",
			[]string{"/version", "/others/en", "/others/Spanish", "/others/Spanish", "/text", "/from"},
		},
		"a book": {practice.Consent{Version: "3", Text: strings.Repeat("x", 20_001)}, time.Time{}, "invalid_request", []string{"/text"}},
	} {
		_, _, err := next.DecideConsent(tt.text, tt.from, noon)
		f, ok := fault.Public(err)
		if !ok || f.Code != tt.code {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, p := range f.Problems {
			got = append(got, p.Where)
		}
		slices.Sort(got)
		if slices.Sort(tt.want); !slices.Equal(got, tt.want) {
			t.Errorf("%s: problems of %v, want %v", name, got, tt.want)
		}
	}
}

// The same text again changes when it begins, and nothing else; a text that was superseded
// is not the one that holds.
func TestPractice_DecideConsentAgain(t *testing.T) {
	t.Parallel()
	one, two := practice.Consent{Version: "1", Text: "Yes."}, practice.Consent{Version: "2", Text: "I agree."}
	tomorrow, later := noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 2)
	p := practice.Practice{Core: practice.Core{Consenting: "1"}, Consent: one}
	coming, _, err := p.DecideConsent(two, tomorrow, noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		p          practice.Practice
		text       practice.Consent
		from, now  time.Time
		holds      string
		next       string
		begins     time.Time
		isNew, bad bool
	}{
		"the one that holds":                   {coming, one, time.Time{}, noon, "1", "2", tomorrow, false, false},
		"the one that holds, from later on":    {p, one, later, noon, "1", "", time.Time{}, false, false},
		"back to the one that holds":           {coming, one, later, noon, "", "", time.Time{}, false, true},
		"the one to come":                      {coming, two, tomorrow, noon, "1", "2", tomorrow, false, false},
		"the one to come, later":               {coming, two, later, noon, "1", "2", later, false, false},
		"the one to come, at once":             {coming, two, time.Time{}, noon, "2", "", time.Time{}, false, false},
		"the one that was to come, once begun": {coming, two, tomorrow, later, "2", "", time.Time{}, false, false},
		"the one before":                       {coming, one, time.Time{}, later, "1", "", time.Time{}, true, false},
		"nothing":                              {p, practice.Consent{}, time.Time{}, noon, "", "", time.Time{}, false, true},
		"nothing, where there is none":         {practice.Practice{}, practice.Consent{}, time.Time{}, noon, "", "", time.Time{}, false, true},
	} {
		got, isNew, err := tt.p.DecideConsent(tt.text, tt.from, tt.now)
		if isNew != tt.isNew || (err != nil) != tt.bad || got.Consenting != tt.holds || got.Consent.Version != tt.holds ||
			got.ConsentNext != tt.next || got.NextConsent.Version != tt.next || !got.ConsentFrom.Equal(tt.begins) {
			t.Errorf("%s: %+v, new %t, %v", name, got.Core, isNew, err)
		}
	}
}

// Who reads is said of those who work there now.
func TestReadBy_People(t *testing.T) {
	t.Parallel()
	person := func(name string, role identity.Role, inactive bool) identity.Person {
		return identity.Person{ID: name, Display: name, Role: role, Inactive: inactive}
	}
	alone := person("Ana Rivera, MD", identity.Admin, false)
	alone.Also = []identity.Role{identity.Clinician}
	for want, people := range map[string][]identity.Person{
		"Nobody reads medical requests at Hill now.": {person("Ada", identity.Admin, false), person("Bo, MD", identity.Clinician, true)},
		"Ana Rivera, MD.": {alone},
		"Ana Rivera, MD, Bo, MD and the nurses of Hill. When one is away another answers. Administrative requests are read by the staff of Hill.": {
			person("Sam", identity.Staff, false), person("Nora, RN", identity.Nurse, false), person("Bo, MD", identity.Clinician, false), alone,
		},
	} {
		if got := practice.ReadBy("Hill", people); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	p := practice.Practice{Core: practice.Core{Name: "Hill"}}
	own, err := p.DecideReaders("Those on duty.", nil)
	if err != nil || own.Readers != "Those on duty." || !own.OwnReaders {
		t.Errorf("a text of one's own: %+v, %v", own.Core, err)
	}
	if made, err := own.DecideReaders(" ", []identity.Person{alone}); err != nil || made.Readers != "Ana Rivera, MD." || made.OwnReaders {
		t.Errorf("made of people: %+v, %v", made.Core, err)
	}
	if _, err := p.DecideReaders(strings.Repeat("x", 1001), nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("a long text: %v", err)
	}
}

// A kind's price holds from when it is decided, goes with its form's, and is refused where
// it would be above the form's own: at once, or by what is to come.
func TestConfig_KindPrices(t *testing.T) {
	t.Parallel()
	kinds := func(form string, kind coding.Kind, c *money.Cents) practice.KindPriceChanges {
		return practice.KindPriceChanges{}.With(form, kind, c)
	}
	c, err := practice.Config{Prices: billing.PriceList{"uti": 40_00}}.Decide(practice.Change{KindPrices: kinds("uti", "np", price(25_00))}, "ada", noon)
	if err != nil || c.At(noon).KindPrices["uti"]["np"] != 25_00 {
		t.Fatalf("decided: %+v, %v", c, err)
	}
	later, err := c.Decide(practice.Change{From: noon.AddDate(0, 0, 2), Prices: practice.PriceChanges{"uti": price(30_00)}}, "ada", noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		of   practice.Config
		ch   practice.Change
		want []string
	}{
		"above the form's":        {c, practice.Change{KindPrices: kinds("uti", "np", price(40_01))}, []string{"/kind_prices/uti/np above_price"}},
		"the form's below it":     {c, practice.Change{Prices: practice.PriceChanges{"uti": price(20_00)}}, []string{"/kind_prices/uti/np above_price"}},
		"both at once":            {c, practice.Change{Prices: practice.PriceChanges{"uti": price(20_00)}, KindPrices: kinds("uti", "np", price(20_00))}, nil},
		"above what is to come":   {later, practice.Change{KindPrices: kinds("uti", "np", price(35_00))}, []string{"/kind_prices/uti/np above_price"}},
		"a form without a price":  {c, practice.Change{KindPrices: kinds("rash", "np", price(5_00))}, []string{"/kind_prices/rash/np no_price"}},
		"nobody, and for nothing": {c, practice.Change{KindPrices: kinds("uti", "staff", price(-1))}, []string{"/kind_prices/uti/staff kind", "/kind_prices/uti/staff price"}},
		"taken back":              {c, practice.Change{KindPrices: kinds("uti", "np", nil)}, nil},
		"gone with the form's":    {c, practice.Change{Prices: practice.PriceChanges{"uti": nil}}, nil},
	} {
		next, err := test.of.Decide(test.ch, "ada", noon)
		var got []string
		if f, ok := fault.Public(err); ok {
			for _, p := range f.Problems {
				got = append(got, p.Where+" "+p.Code)
			}
		}
		if d := cmp.Diff(test.want, got); d != "" || (err == nil) != (len(test.want) == 0) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, d)
		}
		if (name == "taken back" || name == "gone with the form's") && len(next.KindPrices) > 0 {
			t.Errorf("%s: %v", name, next.KindPrices)
		}
	}
	if c.KindPrices["uti"]["np"] != 25_00 {
		t.Error("deciding changed what was decided before")
	}
}

// What another decision that is to come cannot be without is not taken back before it.
func TestWithdraw_NotWhatAnotherNeeds(t *testing.T) {
	t.Parallel()
	c := practice.Config{Forms: map[string]string{"uti": "1"}, Prices: billing.PriceList{"uti": 40_00}}
	dear, np := money.Cents(90_00), money.Cents(80_00)
	tomorrow, after := noon.AddDate(0, 0, 1), noon.AddDate(0, 0, 2)
	for _, ch := range []practice.Change{
		{From: tomorrow, Prices: practice.PriceChanges{"uti": &dear}},
		{From: after, KindPrices: practice.KindPriceChanges{"uti": {coding.NursePractitioner: &np}}},
	} {
		var err error
		if c, err = c.Decide(ch, "ada", noon); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.Withdraw(tomorrow, "ada", noon)
	refused, ok := fault.Public(err)
	if !ok || refused.Kind != fault.Invalid || len(refused.Problems) != 1 || refused.Problems[0].Where != "/from" {
		t.Fatalf("taken back although $80.00 are to come under it: %v", err)
	}
	if c, err = c.Withdraw(after, "ada", noon); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Withdraw(tomorrow, "ada", noon); err != nil {
		t.Error(err)
	}
}

// Staff refund nothing before a limit was decided, and then up to it from when it begins.
func TestDecide_RefundLimit(t *testing.T) {
	t.Parallel()
	limit, less, more := money.Cents(20_00), money.Cents(-1), money.Max+1
	for _, wrong := range []*money.Cents{&less, &more} {
		_, err := (practice.Config{}).Decide(practice.Change{RefundLimit: wrong}, "ada", noon)
		if f, ok := fault.Public(err); !ok || len(f.Problems) != 1 || f.Problems[0].Where != "/refund_limit_cents" {
			t.Errorf("a limit of %s: %v", *wrong, err)
		}
	}
	begins := noon.Add(time.Hour)
	c, err := (practice.Config{}).Decide(practice.Change{RefundLimit: &limit, From: begins}, "ada", noon)
	if err != nil || c.At(noon).RefundLimit != 0 || c.At(begins).RefundLimit != limit {
		t.Errorf("%+v, %v", c, err)
	}
}
