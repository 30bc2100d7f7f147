package coding

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Span is active time of one person on one visit, from From to before Until.
type Span struct {
	Visit    string    `json:"visit"`
	Person   string    `json:"person"`
	Kind     Kind      `json:"kind"`
	Activity Activity  `json:"activity,omitempty"`
	From     time.Time `json:"from"`
	Until    time.Time `json:"until"`
	// BilledAs is the code that the time is billed as already, if it is: care
	// management, anticoagulation, data review (99487 to 99491, 93792, 99091).
	BilledAs string `json:"billed_as,omitempty"`
}

// An Activity is what somebody does on a visit.
type Activity string

// The activities.
const (
	Review Activity = "review" // of the inquiry and the record
	Reply  Activity = "reply"
	Order  Activity = "order" // and prescriptions
	Note   Activity = "note"
)

// An Event is one time that the server has of somebody at work on a visit.
type Event struct {
	Visit    string
	Person   string
	Kind     Kind
	Activity Activity
	Act      Act
	At       time.Time
}

// An Act is what somebody did.
type Act string

// The acts. Posting ends the work on a visit until it is opened or saved again.
const (
	Opened Act = "opened"
	Saved  Act = "saved"
	Posted Act = "posted"
)

// MaxGap is how long somebody counts as active between two events: who does nothing
// for longer has turned to something else.
const MaxGap = 3 * time.Minute

// Minutes returns the active time of each person from the server's times, in any
// order, of all visits that they worked on. The time from one event of a person to
// their next one, at most MaxGap of it, is spent on the visit of the first, and on
// what the second did if it is of the same visit. Nothing is counted after the
// last event and after posting. So no moment of a person is counted twice, on
// whatever visits they work at once.
//
// A visit without a span has no measured time: its minutes are unknown, not 0.
// Spans are ordered by person and time.
func Minutes(events []Event) []Span {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, func(a, b Event) int {
		return cmp.Or(strings.Compare(a.Person, b.Person), a.At.Compare(b.At), strings.Compare(a.Visit, b.Visit),
			strings.Compare(string(a.Act), string(b.Act)), strings.Compare(string(a.Activity), string(b.Activity)), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	var spans []Span
	for i := 1; i < len(sorted); i++ {
		if s, ok := between(sorted[i-1], sorted[i]); ok {
			spans = join(spans, s)
		}
	}
	return spans
}

// between returns the time that a person was active from a to b, if any.
func between(a, b Event) (Span, bool) {
	if a.Person != b.Person || a.Act == Posted || !b.At.After(a.At) {
		return Span{}, false
	}
	s := Span{Visit: a.Visit, Person: a.Person, Kind: a.Kind, Activity: a.Activity, From: a.At, Until: b.At}
	if b.Visit == a.Visit {
		s.Activity = b.Activity
	}
	if limit := a.At.Add(MaxGap); s.Until.After(limit) {
		s.Until = limit
	}
	return s, true
}

// join adds a span, and makes one of it and the last if it goes on with the same.
func join(spans []Span, s Span) []Span {
	if n := len(spans) - 1; n >= 0 {
		last := spans[n]
		if last.Until.Equal(s.From) && last.Visit == s.Visit && last.Person == s.Person && last.Kind == s.Kind && last.Activity == s.Activity {
			spans[n].Until = s.Until
			return spans
		}
	}
	return append(spans, s)
}

// ByRole returns the active time on a visit of clinicians, nurses and staff apart.
// A role that no span is of is not in it: its time is unknown.
func ByRole(spans []Span, visit string) map[Role]time.Duration {
	sums := map[Role]time.Duration{}
	for _, s := range spans {
		if d := s.Until.Sub(s.From); s.Visit == visit && d > 0 {
			sums[s.Kind.Role()] += d
		}
	}
	return sums
}
