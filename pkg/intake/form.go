package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"evisit/pkg/fault"
)

// A Type is a FHIR item type. Those we do not list we do not evaluate.
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
)

// A Form is one published questionnaire, compiled. It never changes and may be
// used by many goroutines at once; so may everything it returns, which callers
// must not modify.
type Form struct {
	res      resource
	json     []byte
	hash     string
	billing  string
	sex      string
	ages     *ages
	diagnose []Coding
	items    []*Item
	all      []*Item // pre-order; an item's index is its place here
	byLink   map[string]*Item
	rules    []*rule
	derive   []derivation
	pages    []Page
}

type ages struct{ low, high int }

// An Item is one question, group or text of a form, as a page draws it.
type Item struct {
	LinkID     string
	Text       string
	Type       Type
	Codes      []Coding
	Required   bool
	Repeats    bool
	ReadOnly   bool // computed by Check; not asked
	Options    []Option
	MaxLength  int    // characters; 0 where it means nothing
	Min, Max   string // numbers as the form writes them; empty without bound
	Unit       string // UCUM code, may be empty
	MinOccurs  int    // 0 when the form sets none
	MaxOccurs  int    // 0 when the form sets none
	MIMETypes  []string
	MaxBytes   int64    // of one attachment; 0 when the form sets none
	Help       []string // texts of the help items nested in it
	EnableAny  bool     // any of EnableWhen suffices; all otherwise
	EnableWhen []Condition
	Items      []*Item

	index    int // in Form.all
	end      int // index after its last descendant
	place    int // among its siblings
	parent   *Item
	row      *Item // nearest repeating group around it, or nil
	page     string
	when     []condition
	min, max *number
	ordinals map[string]int // by option code
	total    []*Item        // whose ordinals a computed item adds up
	pattern  string         // the calculated expression's
	maxSize  string         // MaxBytes in megabytes, as the form writes it
}

// units are the UCUM codes that people write otherwise.
var units = map[string]string{
	"d": "days", "h": "hours", "wk": "weeks", "mo": "months", "a": "years",
	"[degF]": "°F", "Cel": "°C", "mm[Hg]": "mmHg", "/min": "per minute", "[lb_av]": "lb",
}

// UnitWords is the item's unit as people write it.
func (it *Item) UnitWords() string {
	if w, ok := units[it.Unit]; ok {
		return w
	}
	return it.Unit
}

// An Option is one choice. Ordinal is its score where it has one.
type Option struct {
	Coding
	Ordinal *int
}

// A Condition is one comparison an item's enabling depends on, for a page that
// wants to show and hide by itself. Answer is a boolean (true or false), a
// number or an option's code.
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

// Version returns the version. A composed form's names both of its sources:
// 0.1.0-common-0.2.0 is protocol 0.1.0 with common block 0.2.0.
func (f *Form) Version() string { return f.res.Version }

// URL returns the canonical url, the protocol's, without a version.
func (f *Form) URL() string { return f.res.URL }

// Canonical returns url|version, as a QuestionnaireResponse names its form.
func (f *Form) Canonical() string { return f.res.URL + "|" + f.res.Version }

// Title returns the title shown to patients.
func (f *Form) Title() string { return f.res.Title }

// BillingClass returns the evisit-billing-class code.
func (f *Form) BillingClass() string { return f.billing }

// Ages returns the completed years between which the form may be used, both
// included, and false when it is for all.
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

// RequiresPhotos reports whether some attachment must be given.
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

// Hash returns the SHA-256 of JSON, in hexadecimal: what an approval approves.
func (f *Form) Hash() string { return f.hash }

// Items returns the top-level items in order.
func (f *Form) Items() []*Item { return f.items }

// Item returns an item by linkId, at any depth.
func (f *Form) Item(linkID string) (*Item, bool) {
	it, ok := f.byLink[linkID]
	return it, ok
}

// Pages returns the top-level items as they are shown. No page is empty, and
// every item is on one.
func (f *Form) Pages() []Page { return f.pages }

// Rules returns every rule of the form, in order.
func (f *Form) Rules() []Fired {
	rules := make([]Fired, len(f.rules))
	for i, r := range f.rules {
		rules[i] = r.Fired
	}
	return rules
}

// Load compiles a form stored as the JSON that Compose gave. The bytes are
// kept as they are, so its hash is the one that was approved. What the publish
// gate refuses is refused again: a stored form that fails it was altered.
func Load(data []byte) (*Form, error) {
	res, err := decodeResource(data)
	if err != nil {
		return nil, err
	}
	f, err := compile(res)
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
// question. Only the dates of birth and on matter.
func (f *Form) Eligible(birth, on time.Time, sex string) []fault.Problem {
	var problems []fault.Problem
	age := completedYears(birth, on)
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

// completedYears counts birthdays. Someone born on 29 February has theirs on
// 1 March in other years. It is negative before birth.
func completedYears(birth, on time.Time) int {
	by, bm, bd := birth.Date()
	y, m, d := on.Date()
	years := y - by
	if m < bm || (m == bm && d < bd) {
		years--
	}
	return years
}
