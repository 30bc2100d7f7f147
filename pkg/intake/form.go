package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"evisit/pkg/fault"
)

// A Type is a FHIR item type. A form with a type that is not listed is refused.
type Type string

// The item types a form may use.
const (
	Display    Type = "display"
	Group      Type = "group"
	BooleanQ   Type = "boolean"
	IntegerQ   Type = "integer"
	DecimalQ   Type = "decimal"
	StringQ    Type = "string"
	TextQ      Type = "text"
	DateQ      Type = "date"
	DateTimeQ  Type = "dateTime"
	Choice     Type = "choice"
	OpenChoice Type = "open-choice"
	Upload     Type = "attachment"
	TimeQ      Type = "time"
	URLQ       Type = "url"
	QuantityQ  Type = "quantity"
)

// A Form is one published questionnaire, compiled. A Form never changes and is safe
// for concurrent use. Callers must not modify what its methods return.
type Form struct {
	res      resource
	json     []byte
	hash     string
	billing  string
	sex      string
	ages     *ages
	diagnose []Coding
	topics   []string
	items    []*Item
	all      []*Item // every item in pre-order, at its own index
	byLink   map[string]*Item
	rules    []*rule
	derive   []derivation
	pages    []Page
	facts    Facts
	title    string // in the form's language, or in that of In

	version   version
	compiled  *shelf
	variables []*variable
	late      []*Item // calculated items that stand before what they use
	remarks   []fault.Problem
}

// Facts are what is known beside the answers. A zero field is not known: bounds that
// are relative to today are not held against answers without Now, and no condition on
// an age or a sex that is not known holds.
type Facts struct {
	Now   time.Time // in the practice's zone, whose day is today
	Birth time.Time
	Sex   string
}

// With returns the form as it is asked under these facts.
func (f *Form) With(facts Facts) *Form {
	g := *f
	g.facts = facts
	return &g
}

// NeedsPatient reports whether a rule compares the patient's age or sex, so that Facts
// should have them.
func (f *Form) NeedsPatient() bool {
	return slices.ContainsFunc(f.rules, func(r *rule) bool {
		return slices.ContainsFunc(r.conds, func(c condition) bool { return c.fact != "" })
	})
}

// Asked reports whether pages ask for an answer to the item.
func (it *Item) Asked() bool { return !it.Hidden && !it.ReadOnly && it.Type != Display }

// Inner returns the questions and groups nested in a question, which are asked once it is
// answered and are answered under its answer.
func (it *Item) Inner() []*Item {
	if !it.inner {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(it.Items), func(child *Item) bool { return child.Type == Display })
}

// fixed reports whether the item is answered by its initial values alone.
func (it *Item) fixed() bool {
	return (len(it.Initial) > 0 && it.Hidden || it.ReadOnly) && !it.computed()
}

// never reports whether nobody answers the question: it is there for another system to
// fill in.
func (it *Item) never() bool {
	return it.ReadOnly && it.Type != Group && it.Type != Display && len(it.Initial) == 0 && !it.computed()
}

// computed reports whether the item is calculated from answers.
func (it *Item) computed() bool { return it.formula != nil }

type ages struct{ low, high int }

// An Item is one question, group or text of a form, as a page draws it.
type Item struct {
	LinkID     string
	Prefix     string // number or letter before the text, may be empty
	Text       string
	Style      Style // of Text
	Type       Type
	Codes      []Coding
	Required   bool
	Repeats    bool
	ReadOnly   bool    // the item is computed by Check and not asked
	Statement  bool    // a boolean that only true answers, drawn as one tick box
	Hidden     bool    // the item is on no page: it is not asked, and its Initial answers it
	Control    string  // how the author would have it drawn, a code of FHIR's item controls; may be empty
	Initial    []Value // what a page proposes as answer
	OpenLabel  string  // what an open choice calls an answer of one's own; may be empty
	Options    []Option
	MinLength  int      // in characters; 0 if the form sets none
	MaxLength  int      // in characters; 0 for items that are no text
	Format     string   // how a text is written, in words or by an example; may be empty
	Min, Max   string   // numbers or times as the form writes them; empty without bound
	Decimals   int      // most digits after the point of a number; -1 if the form sets no limit
	Unit       string   // UCUM code of a number's unit, may be empty
	Units      []Coding // of a quantity, the units to choose from; none for a number without unit
	MinOccurs  int      // 0 if the form sets none
	MaxOccurs  int      // 0 if the form sets none
	MIMETypes  []string
	MaxBytes   int64  // size of one attachment; 0 if the form sets none
	Help       []Said // texts of the display items nested in the item
	EnableAny  bool   // any of EnableWhen suffices; otherwise all are needed
	EnableWhen []Condition
	Items      []*Item

	index      int // index in Form.all
	end        int // index after the last descendant
	place      int // index among the siblings
	parent     *Item
	row        *Item // nearest repeating group around the item, or nil
	page       string
	when       []condition
	min, max   *number
	first      *dayBound // earliest day of a date
	last       *dayBound
	pattern    *regexp.Regexp // of a text, which has it as a whole
	compared   []comparison
	formula    *calculation // of a computed item
	variables  []*variable
	expression string   // of a computed item, as its author wrote it
	maxSize    string   // MaxBytes in megabytes, as the form writes it
	unit       Coding   // what Unit is the code of
	bounded    []Coding // the units of a quantity's bounds

	exclusive   bool    // some option is
	broken      bool    // its options or its calculation are refused already
	inner       bool    // questions or groups are nested in the question
	literal     Kind    // of the options; NoValue if they are codings
	contradicts []*Item // whose answer and the item's own may contradict each other
	sensitive   bool    // the item is not understood without its style
}

// A Said is a text beside a question, with how it is drawn.
type Said struct {
	Text  string
	Style Style
}

// units are the words for UCUM codes that people write in another way.
var units = map[string]string{
	"d": "days", "h": "hours", "wk": "weeks", "mo": "months", "a": "years",
	"[degF]": "°F", "Cel": "°C", "mm[Hg]": "mmHg", "/min": "per minute", "[lb_av]": "lb",
}

// UnitWords is the item's unit as people write it.
func (it *Item) UnitWords() string { return UnitWords(Coding{Code: it.Unit}) }

// Offers reports whether the value is one of the item's options.
func (it *Item) Offers(v Value) bool {
	_, ok := it.chosen(v)
	return ok
}

// UnitWords is a unit as people write it.
func UnitWords(unit Coding) string {
	if w, ok := units[unit.Code]; ok {
		return w
	}
	if unit.Display != "" {
		return unit.Display
	}
	return unit.Code
}

// An Option is one choice. Key names it among the options of its item: its code or,
// where two systems have the same code, system|code. An option that is a number, a
// day, a time or a text has that as Key and Display, and no code.
type Option struct {
	Coding
	Value     Value // the answer of whom it is chosen
	Key       string
	Ordinal   *int // its score, or nil
	Exclusive bool // it is chosen alone, as "none of these" is
}

// A Condition is one comparison that enables an item, for a page that shows and
// hides items in the browser. Answer is a boolean (true or false), a number or an
// option's code.
type Condition struct {
	Question string
	Operator string
	Answer   string
}

// A Page is a group of top-level items shown together.
type Page struct {
	Title string
	Items []*Item
}

// Name returns the form's resource id, such as uti-women.
func (f *Form) Name() string { return f.res.ID }

// Version returns the version. The version of a composed form names both sources:
// 0.1.0-common-0.2.0 is protocol 0.1.0 with common block 0.2.0.
func (f *Form) Version() string { return f.res.Version }

// URL returns the protocol's canonical url, without a version.
func (f *Form) URL() string { return f.res.URL }

// Canonical returns url|version, the name of the form in a QuestionnaireResponse.
func (f *Form) Canonical() string { return f.res.URL + "|" + f.res.Version }

// Accepts returns nil if answers may name questionnaire as what they answer: the
// form's URL alone or with this version, or nothing.
func (f *Form) Accepts(questionnaire string) error {
	if questionnaire == "" || questionnaire == f.URL() || questionnaire == f.Canonical() {
		return nil
	}
	return fault.New(fault.Invalid, "other_form", "these answers name another form or version",
		fault.Problem{Where: "/questionnaire", Code: "unknown", Text: "leave it out, or name " + f.Canonical()})
}

// Remarks says where the form is asked otherwise than its author may expect: each with the
// item, and none of them a fault. An author reads them before the form is approved.
func (f *Form) Remarks() []fault.Problem { return f.remarks }

// Title returns the title shown to patients.
func (f *Form) Title() string { return f.title }

// BillingClass returns the evisit-billing-class code.
func (f *Form) BillingClass() string { return f.billing }

// Ages returns the lowest and the highest age, in completed years, at which the form
// may be used. Ages reports false for a form without limits of age.
func (f *Form) Ages() (low, high int, ok bool) {
	if f.ages == nil {
		return 0, 0, false
	}
	return f.ages.low, f.ages.high, true
}

// Sex returns the sex the form is limited to, or an empty string.
func (f *Form) Sex() string { return f.sex }

// SuggestedDiagnoses returns the ICD-10-CM codes offered to the clinician.
func (f *Form) SuggestedDiagnoses() []Coding { return f.diagnose }

// RequiresPhotos reports whether the form has a required attachment.
func (f *Form) RequiresPhotos() bool {
	for _, it := range f.all {
		if it.Type == Upload && it.Required {
			return true
		}
	}
	return false
}

// JSON returns the Questionnaire as served to clients.
func (f *Form) JSON() []byte { return f.json }

// Hash returns the SHA-256 of JSON in hexadecimal, which an approval names.
func (f *Form) Hash() string { return f.hash }

// Items returns the top-level items in order.
func (f *Form) Items() []*Item { return f.items }

// Item returns an item by linkId, at any depth.
func (f *Form) Item(linkID string) (*Item, bool) {
	it, ok := f.byLink[linkID]
	return it, ok
}

// Pages returns the top-level items grouped by page. No page is empty, and every
// top-level item is on one page.
func (f *Form) Pages() []Page { return f.pages }

// Rules returns every rule of the form, in order.
func (f *Form) Rules() []Rule {
	rules := make([]Rule, len(f.rules))
	for i, r := range f.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Private reports whether a rule of the form is private: its pages offer a quick way
// out.
func (f *Form) Private() bool {
	return slices.ContainsFunc(f.rules, func(r *rule) bool { return r.Contact != nil && r.Contact.Private })
}

// Load compiles a form stored as the JSON of a form that Compose made. The form
// keeps the same bytes, so its hash is the approved hash. Load returns a fault for an
// altered form that cannot be evaluated. What Compose demands of authors beyond that
// is not asked again: a form published before the demand stays readable.
func Load(data []byte) (*Form, error) {
	res, problems, err := readResource(data)
	if err != nil {
		return nil, err
	}
	f, err := compile(res, problems, false)
	if err != nil {
		return nil, err
	}
	f.seal(append([]byte(nil), data...))
	return f, nil
}

func (f *Form) seal(data []byte) {
	sum := sha256.Sum256(data)
	f.json, f.hash = data, hex.EncodeToString(sum[:])
}

// Eligible says why a person may not use the form: younger or older than its
// ages in completed years, or not of its sex. It is asked before the first
// question. Zone is the practice's, as for Age.
func (f *Form) Eligible(birth, now time.Time, zone *time.Location, sex string) []fault.Problem {
	var problems []fault.Problem
	age := Age(birth, now, zone)
	switch {
	case age < 0:
		problems = append(problems, fault.Problem{Where: "birth", Code: "date", Text: "The date of birth is in the past."})
	case f.ages != nil && (age < f.ages.low || age > f.ages.high):
		problems = append(problems, fault.Problem{
			Where: "birth", Code: "age",
			Text: fmt.Sprintf("This form is for people from %d to %d years old.", f.ages.low, f.ages.high),
		})
	}
	if f.sex != "" && sex != f.sex {
		problems = append(problems, fault.Problem{
			Where: "sex", Code: "sex", Text: "This form is for " + f.sex + " patients only.",
		})
	}
	return problems
}

// Age is how many birthdays a person born on the date of birth has had at now.
// A birthday begins at midnight in zone, which is the practice's: what a patient
// may use does not change in the middle of the practice's day. Someone born on
// 29 February has theirs on 1 March in other years. Before birth it is negative.
func Age(birth, now time.Time, zone *time.Location) int {
	by, bm, bd := birth.Date()
	y, m, d := now.In(zone).Date()
	years := y - by
	if m < bm || (m == bm && d < bd) {
		years--
	}
	return years
}
