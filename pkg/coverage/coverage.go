package coverage

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// A Coverage is one health plan of a patient, as their card has it. It is never deleted: it
// ends.
type Coverage struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	Patient  string `json:"patient"`
	Card     Card   `json:"-"` // stored sealed
	// Edition is how often Card was replaced; 0: it is the first. Card is sealed for its
	// edition.
	Edition int `json:"edition,omitempty"`
	// By entered it, At when.
	By string    `json:"by"`
	At time.Time `json:"at"`
	// Checked is by whom and when at the practice Card was compared with the card itself;
	// zero: by nobody since it was entered or last changed.
	Checked identity.Deed `json:"checked,omitzero"`
	Version int           `json:"-"`
}

// A Card is what a health plan's card says, and how the patient uses it. Its days are of the
// practice's calendar.
type Card struct {
	// Payer is the id of the Payer; empty: it is not among those that are known.
	Payer string `json:"payer,omitempty"`
	// Plan is the plan's name as the card has it, if Payer is empty.
	Plan   phi.Text `json:"plan,omitempty"`
	Member phi.Text `json:"member"`
	Group  phi.Text `json:"group,omitempty"` // the number of the group; it may be empty
	// Relation is what the patient is to the subscriber, whose insurance it is.
	Relation   Relation   `json:"relation"`
	Subscriber Subscriber `json:"subscriber,omitzero"` // zero if the patient is the subscriber
	From       civil.Day  `json:"from,omitzero"`       // the first day on which it holds; zero: not known
	Until      civil.Day  `json:"until,omitzero"`      // the last; zero: none is known
	// Priority is the payer's turn: 1 pays first.
	Priority int `json:"priority"`
}

// A Subscriber is whose insurance it is, if it is not the patient's own. The name is in two
// parts, because claims have it so and nobody else can say where one ends.
type Subscriber struct {
	First phi.Text  `json:"first"`
	Last  phi.Text  `json:"last"`
	Birth civil.Day `json:"birth"`
	Sex   string    `json:"sex,omitempty"` // as that of a patient; it may be empty
}

// A Relation is what a patient is to the subscriber.
type Relation string

// The relations.
const (
	Self   Relation = "self"
	Spouse Relation = "spouse"
	Child  Relation = "child"
	Other  Relation = "other"
)

// Relations are all of them.
var Relations = []Relation{Self, Spouse, Child, Other}

// A Held is a coverage with the payer that its card names; zero if it names none.
type Held struct {
	Coverage
	Payer Payer
}

// Medicare says which part of Medicare h is. Of a plan that is not among the known payers it says
// NotMedicare, which is then not known.
func (h Held) Medicare() Medicare { return h.Payer.Filing.Medicare() }

// Public reports whether h is of Medicare, of whatever part, or of Medicaid.
func (h Held) Public() bool { return h.Medicare() != NotMedicare || h.Payer.Filing.Medicaid() }

// Limits of what a patient may have.
const (
	// MaxPriority is the last turn: X12 has a primary, a secondary and a tertiary payer (SBR01).
	MaxPriority = 3
	// MaxCoverages bounds the coverages of one patient, ended ones too: a lifetime of changing
	// plans, and no more.
	MaxCoverages = 50
)

// Active reports whether c holds on a day, as far as is known.
func (c Coverage) Active(on civil.Day) bool {
	return on.Within(c.Card.From, c.Card.Until)
}

// ActiveOn are those of all that hold on a day, who pays first before the others. Of two with
// the same turn, which can be of days that were past when they were entered, the one that was
// entered last is first.
func ActiveOn(all []Held, on civil.Day) []Held {
	var out []Held
	for _, h := range all {
		if h.Active(on) {
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Card.Priority, b.Card.Priority), b.At.Compare(a.At))
	})
	return out
}

// Fits returns nil if c may stand among all, the coverages of the same patient, of which it may
// be a new state. Two that have the same turn on a day that has not passed are a
// fault.Conflict (coverage_priority), and so is one too many (coverages_full).
func (c Coverage) Fits(all []Coverage, today civil.Day) error {
	others := slices.DeleteFunc(slices.Clone(all), func(o Coverage) bool { return o.ID == c.ID })
	if len(others) >= MaxCoverages {
		return fault.New(fault.Conflict, "coverages_full", "This patient has as many health plans here as there can be, ended ones among them. Change one of them.")
	}
	for _, o := range others {
		if o.Card.Priority == c.Card.Priority && overlap(c.Card, o.Card, today) {
			return fault.New(fault.Conflict, "coverage_priority", "Another health plan of the patient has this turn on some of these days. Choose another turn, or end the other plan first.")
		}
	}
	return nil
}

// overlap reports whether there is a day, not before today, on which both hold.
func overlap(a, b Card, today civil.Day) bool {
	first := latest(latest(a.From, b.From), today)
	return first.Within(a.From, a.Until) && first.Within(b.From, b.Until)
}

func latest(a, b civil.Day) civil.Day {
	if a.Before(b) {
		return b
	}
	return a
}

// End returns c as it ends with a day; the zero day is today. One that has ended by then is
// returned unchanged. A coverage that has not begun may end before it does, and then never holds.
func (c Coverage) End(last, today civil.Day) (Coverage, error) {
	if last.IsZero() {
		last = today
	}
	if !c.Card.Until.IsZero() && !c.Card.Until.After(last) {
		return c, nil
	}
	if last.Before(c.Card.From) && !c.Card.From.After(today) {
		return c, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
			fault.Problem{Where: "/last", Code: "range", Text: "This is before the plan's first day; give a later day."})
	}
	c.Card.Until = last
	return c, nil
}

const wordsOfTurns = "Give 1 for the plan that pays first, 2 for the next, 3 for the third."

const (
	maxNumber = 50 // SBR03; a member's number may have 80
	maxFirst  = 35 // NM104
	maxAge    = 130
	maxAhead  = 366 // days; plans are chosen for the next year
)

// Check returns c as it is kept, or a fault.Invalid that names everything that is wrong with it.
// Was is the card that it replaces, zero if none; p is the payer that it names, zero if there is
// none of that id.
func (c Card) Check(was Card, p Payer, today civil.Day) (Card, error) {
	var all problems
	c.Plan, c.Group = trimmed(c.Plan), trimmed(c.Group)
	c.checkPayer(&all, was, p)
	c.Subscriber.First, c.Subscriber.Last = trimmed(c.Subscriber.First), trimmed(c.Subscriber.Last)
	c.Member = c.checkMember(&all, p.Filing.Medicare())
	all.must(c.Group == "" || number(c.Group, maxNumber), "/group", "group", "Give the group's number in at most 50 letters, digits, spaces, hyphens, dots and slashes, or leave it out.")
	c.checkRelation(&all, p.Filing.Medicare(), today)
	all.must(c.From.IsZero() || !c.From.After(today.AddDays(maxAhead)), "/from", "range", "Give a first day that is at most a year ahead, or leave it out.")
	all.must(c.Until.IsZero() || !c.Until.Before(c.From), "/until", "range", "The last day is before the first; put one of them right, or leave it out.")
	all.must(1 <= c.Priority && c.Priority <= MaxPriority, "/priority", "priority", wordsOfTurns)
	if err := all.err(); err != nil {
		return Card{}, err
	}
	return c, nil
}

func (c Card) checkPayer(all *problems, was Card, p Payer) {
	switch {
	case c.Payer == "" && c.Plan == "":
		all.must(false, "/payer", "required", "Choose the health plan, or give its name as the card has it.")
	case c.Payer != "" && c.Plan != "":
		all.must(false, "/plan", "not_both", "Choose the health plan or give its name, not both.")
	case c.Payer != "":
		all.must(p.ID == c.Payer, "/payer", "unknown", "There is no such payer; choose one of those that are listed, or give the plan's name.")
		all.must(p.Ended.IsZero() || was.Payer == c.Payer, "/payer", "ended", "This payer is taken no more; choose another, or give the plan's name.")
	default:
		all.must(line(c.Plan.Reveal(), maxName), "/plan", "plan", "Give the plan's name as the card has it, in one line of at most 60 characters.")
	}
}

// mbi is the shape of a Medicare Beneficiary Identifier: eleven characters, of which the letters
// are none of S, L, O, I, B and Z (CMS, Understanding the Medicare Beneficiary Identifier
// Format).
var mbi = regexp.MustCompile(`^[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9][AC-HJKMNP-RT-Y]{2}[0-9]{2}$`)

// checkMember returns the member's number as it is kept: an MBI without its dashes.
func (c Card) checkMember(all *problems, m Medicare) phi.Text {
	if m.Original() {
		plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(c.Member.Reveal()))
		all.must(mbi.MatchString(plain), "/member_id", "mbi",
			"A Medicare number has eleven characters, such as 1EG4-TE5-MK73, and none of the letters S, L, O, I, B and Z. Copy it from the red, white and blue card.")
		return phi.Text(plain)
	}
	kept := trimmed(c.Member)
	all.must(len(kept) >= minPayerID && number(kept, maxNumber), "/member_id", "member_id",
		"Give the member's number as the card has it: 2 to 50 letters, digits, spaces, hyphens, dots and slashes.")
	return kept
}

// checkRelation holds who the subscriber is to the relation. Everyone whom Medicare covers is a
// member of their own.
func (c Card) checkRelation(all *problems, m Medicare, today civil.Day) {
	known := slices.Contains(Relations, c.Relation)
	all.must(known, "/relation", "relation", "Give what the patient is to the one whose insurance it is: self, spouse, child or other.")
	all.must(!known || c.Relation == Self || m == NotMedicare, "/relation", "medicare", "Medicare covers each person by themselves: the patient is the member.")
	s := c.Subscriber
	if c.Relation == Self {
		all.must(s == Subscriber{}, "/relation", "not_self", "The insurance is the patient's own, so leave out the name of somebody else; or say whose it is.")
		return
	}
	all.must(line(s.First.Reveal(), maxFirst), "/subscriber/first_name", "name", "Give the first name of the one whose insurance it is, in at most 35 characters.")
	all.must(line(s.Last.Reveal(), maxName), "/subscriber/last_name", "name", "Give the last name of the one whose insurance it is, in at most 60 characters.")
	all.must(!s.Birth.IsZero() && !s.Birth.After(today) && today.YearsSince(s.Birth) <= maxAge, "/subscriber/birth_date", "birth",
		"Give the day of birth of the one whose insurance it is.")
	all.must(slices.Contains(sexes, s.Sex), "/subscriber/sex", "sex", "Give female, male, other or unknown, or leave it out.")
}

var sexes = []string{"", "female", "male", "other", "unknown"}

// numbers are what cards have as numbers, in characters that X12 can carry.
var numbers = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z ./-]*$`)

func number(t phi.Text, most int) bool {
	return len(t) <= most && numbers.MatchString(t.Reveal())
}

func trimmed(t phi.Text) phi.Text { return phi.Text(strings.TrimSpace(t.Reveal())) }

// line reports whether s is a line that people can read: not blank, not longer than most, and
// without characters that control what is around them.
func line(s string, most int) bool {
	if phi.Text(s).Blank() || !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) < 0
}

// problems collects all that is wrong with an input. The zero value is empty.
type problems []fault.Problem

// must adds a problem of where unless ok.
func (p *problems) must(ok bool, where, code, text string) {
	if !ok {
		*p = append(*p, fault.Problem{Where: where, Code: code, Text: text})
	}
}

// err is a fault.Invalid with all problems; nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", p...)
}
