package coding

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
)

// A tally is the time of a window, by what becomes of it.
type tally struct {
	counted   time.Duration
	first     civil.Day // the first and the last day of counted time
	last      civil.Day
	any       bool          // there is a span of these visits at all
	outside   time.Duration // before or after the window
	twice     time.Duration // the same moments of a person, counted once already
	elsewhere time.Duration // billed as another code
	assisting time.Duration // of nurses, staff, and clinicians of the other family
	excluded  time.Duration // on days of an evaluation that excludes it
	unknown   []string      // people of unknown kind
}

// A tallying is what a tally is of.
type tallying struct {
	zone     *time.Location
	window   Window
	visits   map[string]bool // whose time is added up
	family   Family
	excluded map[civil.Day]bool
}

// sum adds up spans, whatever their order. A moment of a person is counted once,
// for the span that began first, of any visit and any code.
func (c tallying) sum(spans []Span) tally {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int {
		return cmp.Or(strings.Compare(a.Person, b.Person), a.From.Compare(b.From), strings.Compare(a.Visit, b.Visit), strings.Compare(a.BilledAs, b.BilledAs), a.Until.Compare(b.Until),
			strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(string(a.Activity), string(b.Activity)))
	})
	var t tally
	var person string
	var taken time.Time // until when the person's time is taken
	for _, s := range sorted {
		if s.Person != person {
			person, taken = s.Person, time.Time{}
		}
		from := s.From
		if from.Before(taken) {
			from = taken
		}
		if s.Until.After(taken) {
			taken = s.Until
		}
		if c.visits[s.Visit] && s.Until.After(s.From) {
			c.add(&t, s, from)
		}
	}
	slices.Sort(t.unknown)
	t.unknown = slices.Compact(t.unknown)
	return t
}

// add puts a span of these visits where it belongs; what is before from is taken.
func (c tallying) add(t *tally, s Span, from time.Time) {
	t.any = true
	known, ok := kinds[s.Kind]
	switch {
	case !ok:
		t.unknown = append(t.unknown, s.Person)
		return
	case known.family != c.family || c.family == "":
		t.assisting += s.Until.Sub(s.From)
		return
	case s.BilledAs != "":
		t.elsewhere += s.Until.Sub(s.From)
		return
	}
	inside, until := clip(s.From, s.Until, c.window)
	t.outside += s.Until.Sub(s.From) - length(inside, until)
	free, until := clip(from, s.Until, c.window)
	t.twice += length(inside, until) - length(free, until)
	for free.Before(until) { // day by day
		day := civil.Of(free, c.zone)
		end := day.AddDays(1).Start(c.zone)
		if end.After(until) {
			end = until
		}
		c.count(t, day, end.Sub(free))
		free = end
	}
}

func (c tallying) count(t *tally, day civil.Day, d time.Duration) {
	if c.excluded[day] {
		t.excluded += d
		return
	}
	t.counted += d
	if t.first.IsZero() || day.Before(t.first) {
		t.first = day
	}
	if day.After(t.last) {
		t.last = day
	}
}

func clip(from, until time.Time, w Window) (time.Time, time.Time) {
	if from.Before(w.From) {
		from = w.From
	}
	if until.After(w.Until) {
		until = w.Until
	}
	return from, until
}

func length(from, until time.Time) time.Duration { return max(0, until.Sub(from)) }
