package coding_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/coding"
)

func event(visit, person string, act coding.Act, activity coding.Activity, clock string) coding.Event {
	k := coding.Physician
	switch person {
	case "kim":
		k = coding.Nurse
	case "ray":
		k = coding.Staff
	}
	return coding.Event{Visit: visit, Person: person, Kind: k, Activity: activity, Act: act, At: at("2026-01-14 " + clock)}
}

func TestMinutes(t *testing.T) {
	t.Parallel()
	const (
		review = coding.Review
		reply  = coding.Reply
	)
	for _, c := range []struct {
		name   string
		events []coding.Event
		want   []string // visit person activity from until
	}{
		{name: "nothing is unknown"},
		{name: "opened alone is unknown", events: []coding.Event{event("v1", "rivera", coding.Opened, review, "10:00:00")}},
		{name: "from opening over saving to posting", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"),
			event("v1", "rivera", coding.Saved, reply, "10:02:00"),
			event("v1", "rivera", coding.Posted, reply, "10:04:30"),
		}, want: []string{"v1 rivera reply 10:00:00 10:04:30"}},
		{name: "a gap of three minutes", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v1", "rivera", coding.Posted, review, "10:03:00"),
		}, want: []string{"v1 rivera review 10:00:00 10:03:00"}},
		{name: "a gap of a second more", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v1", "rivera", coding.Posted, review, "10:03:01"),
		}, want: []string{"v1 rivera review 10:00:00 10:03:00"}},
		{name: "a night", events: []coding.Event{
			event("v1", "rivera", coding.Saved, review, "01:00:00"), event("v1", "rivera", coding.Saved, review, "09:00:00"), event("v1", "rivera", coding.Posted, reply, "09:01:00"),
		}, want: []string{"v1 rivera review 01:00:00 01:03:00", "v1 rivera reply 09:00:00 09:01:00"}},
		{name: "nothing after posting", events: []coding.Event{
			event("v1", "rivera", coding.Posted, reply, "10:00:00"), event("v1", "rivera", coding.Opened, review, "10:02:00"), event("v1", "rivera", coding.Saved, review, "10:02:30"),
		}, want: []string{"v1 rivera review 10:02:00 10:02:30"}},
		{name: "two visits at once are never counted twice", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v2", "rivera", coding.Opened, review, "10:01:00"),
			event("v1", "rivera", coding.Saved, reply, "10:02:00"), event("v2", "rivera", coding.Posted, reply, "10:03:00"), event("v1", "rivera", coding.Posted, reply, "10:04:00"),
		}, want: []string{"v1 rivera review 10:00:00 10:01:00", "v2 rivera review 10:01:00 10:02:00", "v1 rivera reply 10:02:00 10:03:00"}},
		{name: "people apart", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v1", "kim", coding.Opened, review, "10:00:30"),
			event("v1", "rivera", coding.Posted, reply, "10:01:00"), event("v1", "kim", coding.Saved, coding.Note, "10:01:00"),
		}, want: []string{"v1 kim note 10:00:30 10:01:00", "v1 rivera reply 10:00:00 10:01:00"}},
		{name: "the same moment twice", events: []coding.Event{
			event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v1", "rivera", coding.Opened, review, "10:00:00"), event("v1", "rivera", coding.Posted, reply, "10:01:00"),
		}, want: []string{"v1 rivera reply 10:00:00 10:01:00"}},
	} {
		for range 2 { // in either order
			var got []string
			for _, s := range coding.Minutes(c.events) {
				got = append(got, s.Visit+" "+s.Person+" "+string(s.Activity)+" "+s.From.Format(time.TimeOnly)+" "+s.Until.Format(time.TimeOnly))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, d)
			}
			slices.Reverse(c.events)
		}
	}
}

// Clinicians, nurses and staff are apart, and whose time nobody measured is not there.
func TestByRole(t *testing.T) {
	t.Parallel()
	spans := coding.Minutes([]coding.Event{
		event("v1", "rivera", coding.Opened, coding.Review, "10:00:00"), event("v1", "rivera", coding.Posted, coding.Reply, "10:02:00"),
		event("v1", "park", coding.Opened, coding.Review, "11:00:00"), event("v1", "park", coding.Saved, coding.Note, "11:01:00"),
		event("v1", "kim", coding.Opened, coding.Review, "10:00:00"), event("v1", "kim", coding.Saved, coding.Note, "10:00:30"),
		event("v1", "ray", coding.Opened, coding.Review, "10:00:00"),
		event("v2", "rivera", coding.Opened, coding.Review, "12:00:00"), event("v2", "rivera", coding.Posted, coding.Reply, "12:01:00"),
	})
	want := map[coding.Role]time.Duration{coding.ClinicianTime: 3 * time.Minute, coding.NurseTime: 30 * time.Second}
	if d := cmp.Diff(want, coding.ByRole(spans, "v1")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := coding.ByRole(spans, "v3"); len(got) != 0 {
		t.Errorf("of a visit that nobody opened: %v", got)
	}
}

func drawEvents(t *rapid.T, acts ...coding.Act) []coding.Event {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) coding.Event {
		return coding.Event{
			Visit:    rapid.SampledFrom([]string{"v1", "v2", "v3"}).Draw(t, "visit"),
			Person:   rapid.SampledFrom([]string{"rivera", "kim"}).Draw(t, "person"),
			Kind:     rapid.SampledFrom([]coding.Kind{coding.Physician, coding.Nurse, ""}).Draw(t, "kind"),
			Activity: rapid.SampledFrom([]coding.Activity{coding.Review, coding.Reply}).Draw(t, "activity"),
			Act:      rapid.SampledFrom(acts).Draw(t, "act"),
			At:       at("2026-01-14 10:00:00").Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "seconds")) * time.Second),
		}
	}), 0, 30).Draw(t, "events")
}

func total(spans []coding.Span) time.Duration {
	var d time.Duration
	for _, s := range spans {
		d += s.Until.Sub(s.From)
	}
	return d
}

// Whatever happens in whatever order: the same spans, in order, none empty, no
// moment of a person twice, nothing outside a person's first and last event, and no
// more than MaxGap for each event.
func TestMinutes_Properties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t, coding.Opened, coding.Saved, coding.Posted)
		spans := coding.Minutes(events)
		if d := cmp.Diff(spans, coding.Minutes(rapid.Permutation(events).Draw(t, "order"))); d != "" {
			t.Fatalf("in another order (-one +other):\n%s", d)
		}
		for i, s := range spans {
			if !s.From.Before(s.Until) {
				t.Fatalf("an empty span: %v", s)
			}
			if i > 0 && spans[i-1].Person == s.Person && s.From.Before(spans[i-1].Until) {
				t.Fatalf("counted twice: %v and %v", spans[i-1], s)
			}
		}
		if got := total(spans); got > time.Duration(len(events))*coding.MaxGap || got > 2*time.Hour {
			t.Fatalf("%s of %d events", got, len(events))
		}
	})
}

// Working more is never less time: another opening or saving takes nothing away.
func TestMinutes_MoreEventsMoreTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := drawEvents(t, coding.Opened, coding.Saved)
		more := drawEvents(t, coding.Opened, coding.Saved)
		if before, after := total(coding.Minutes(events)), total(coding.Minutes(append(more, events...))); after < before {
			t.Fatalf("%s, and with more events %s", before, after)
		}
	})
}
