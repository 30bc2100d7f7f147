package coding

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
)

// windowLength is how long time adds up (CPT): seven days of 24 hours, also where
// the clocks change.
const windowLength = 7 * 24 * time.Hour

// relatedDays is how many days before and after a window a related visit counts.
const relatedDays = 7

// A Window is the time in which the minutes of a patient's visits to one group and
// specialty add up to one code, from From to before Until.
type Window struct {
	Opener string // the visit whose first review opened it
	From   time.Time
	Until  time.Time
}

func (w Window) holds(t time.Time) bool { return !t.Before(w.From) && t.Before(w.Until) }

// lastRelated returns the last day on which a related visit keeps the window from
// being reported.
func (w Window) lastRelated(zone *time.Location) civil.Day {
	return civil.Of(w.Until, zone).AddDays(relatedDays)
}

// Release returns the first instant at which a claim for the window may be sent:
// the start of the day after the seventh day after the window.
func (w Window) Release(zone *time.Location) time.Time {
	return w.lastRelated(zone).AddDays(1).Start(zone)
}

// windows puts visits into windows: the earliest first review opens one, and what is
// first reviewed within it belongs to it; the next one after it opens another.
func windows(visits []Visit) []Window {
	sorted := slices.Clone(visits)
	slices.SortFunc(sorted, func(a, b Visit) int {
		return cmp.Or(a.FirstReview.Compare(b.FirstReview), strings.Compare(a.ID, b.ID))
	})
	var all []Window
	for _, v := range sorted {
		if n := len(all); n == 0 || !all[n-1].holds(v.FirstReview) {
			all = append(all, Window{Opener: v.ID, From: v.FirstReview, Until: v.FirstReview.Add(windowLength)})
		}
	}
	return all
}

// qualifies says whether a visit opens a window, or its time is added to one: the
// patient's side started it, it needs an evaluation, it has been reviewed, and
// nothing of its own keeps it from being reported. It also names what would have
// to be known.
func (v Visit) qualifies() (Answer, Fact) {
	switch {
	case v.NotReported || v.StartedBy == ByPractice || v.Subject.nonEvaluative():
		return No, ""
	case v.StartedBy == "":
		return Unknown, FactStartedBy
	case v.Subject == "":
		return Unknown, FactSubject
	case v.FirstReview.IsZero():
		return Unknown, FactFirstReview
	}
	return Yes, ""
}

func (s Subject) nonEvaluative() bool { return s != "" && s != Problem }
