package clinic_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// Each record is a minute after the one before it in the trail.
func TestReadMarks_FromTheTrail(t *testing.T) {
	t.Parallel()
	type rec struct {
		who, action string
		version     int
	}
	const (
		askAction    = "visit.treat:awaiting_patient"
		answerAction = "visit.treat:answered"
		replyAction  = "message.send:in_review"
		chartRead    = "chart.read:chart"
		pageRead     = "chart.read:page"
		docRead      = "chart.read:document"
	)
	actors := map[string]audit.Actor{
		jane:  {ID: jane, Role: "patient"},
		elena: {ID: elena, Role: "caregiver", OnBehalf: jane},
		ana:   {ID: ana, Role: "clinician"},
		nora:  {ID: nora, Role: "nurse", OnBehalf: jane}, // who has a grant, and may read as a nurse only
	}
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	mark := func(through, n int, by string) visit.ReadMark {
		return visit.ReadMark{Through: through, At: at(n), By: by}
	}
	for name, test := range map[string]struct {
		trail []rec
		want  []visit.ReadMark
	}{
		"Nothing":                {nil, nil},
		"BeforeTheQuestion":      {[]rec{{jane, chartRead, 5}, {ana, askAction, 6}}, nil},
		"AfterTheQuestion":       {[]rec{{ana, askAction, 6}, {jane, chartRead, 6}}, []visit.ReadMark{mark(1, 1, jane)}},
		"OnThePage":              {[]rec{{ana, askAction, 6}, {jane, pageRead, 6}}, []visit.ReadMark{mark(1, 1, jane)}},
		"TheFirstCounts":         {[]rec{{ana, askAction, 6}, {jane, chartRead, 6}, {jane, chartRead, 6}}, []visit.ReadMark{mark(1, 1, jane)}},
		"ByCaregiver":            {[]rec{{ana, askAction, 6}, {elena, chartRead, 6}, {jane, chartRead, 6}}, []visit.ReadMark{mark(1, 1, elena)}},
		"ByClinician":            {[]rec{{ana, askAction, 6}, {ana, chartRead, 6}, {nora, chartRead, 6}}, nil},
		"ShownBeforeItWasThere":  {[]rec{{ana, askAction, 6}, {jane, chartRead, 5}}, nil}, // recorded after the question all the same
		"RecordedByASlowClock":   {[]rec{{jane, chartRead, 6}, {ana, askAction, 6}}, []visit.ReadMark{mark(1, 0, jane)}},
		"RefusedDocument":        {[]rec{{ana, askAction, 6}, {jane, docRead, 6}, {ana, answerAction, 7}}, nil},
		"RefusedDocumentForEver": {[]rec{{ana, askAction, 6}, {jane, docRead, 6}}, nil},
		"Document":               {[]rec{{ana, answerAction, 6}, {jane, docRead, 7}}, []visit.ReadMark{mark(1, 1, jane)}},
		"OtherActions":           {[]rec{{ana, askAction, 6}, {jane, "visit.read:again", 6}, {jane, "message.send:again", 6}, {jane, "visit.cancel", 7}}, nil},
		"TwoMessages": {
			[]rec{{ana, askAction, 6}, {jane, chartRead, 6}, {jane, replyAction, 7}, {ana, askAction, 8}, {ana, chartRead, 8}, {elena, pageRead, 8}},
			[]visit.ReadMark{mark(1, 1, jane), mark(2, 2, jane), mark(3, 5, elena)},
		},
		"TwoMessagesOneRead": {
			[]rec{{ana, askAction, 6}, {jane, replyAction, 7}, {ana, answerAction, 8}, {jane, chartRead, 9}},
			[]visit.ReadMark{mark(3, 3, jane)},
		},
		"RepliedUnread":   {[]rec{{ana, askAction, 6}, {jane, replyAction, 7}}, nil},
		"RepliedReading":  {[]rec{{ana, askAction, 6}, {jane, chartRead, 6}, {elena, replyAction, 7}}, []visit.ReadMark{mark(1, 1, jane), mark(2, 2, elena)}},
		"AnsweredUnread":  {[]rec{{ana, askAction, 6}, {jane, chartRead, 6}, {ana, answerAction, 7}}, []visit.ReadMark{mark(1, 1, jane)}},
		"RequestRepeated": {[]rec{{ana, askAction, 6}, {ana, "visit.treat:again", 6}, {jane, chartRead, 6}, {ana, answerAction, 7}}, []visit.ReadMark{mark(1, 2, jane)}},
		"DeclinedAndRead": {[]rec{{ana, "visit.treat:declined", 6}, {jane, chartRead, 6}}, []visit.ReadMark{mark(1, 1, jane)}},
	} {
		var trail []audit.Record
		for n, r := range test.trail {
			trail = append(trail, audit.Record{At: at(n), Actor: actors[r.who], Action: r.action, Version: r.version})
		}
		if diff := cmp.Diff(test.want, clinic.ReadMarks(trail)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// known is a visit as those who list or read it are told of it.
func (w *world) known(id string) visit.Visit {
	w.Helper()
	v, err := w.office.Kernel.WithReads(w.ctx, w.visit(id))
	if err != nil {
		w.Fatalf("reads of visit %s: %v", id, err)
	}
	return v
}

// readAt is when each message was read, as the clinician's chart says.
func (w *world) readAt(id string) []time.Time {
	w.Helper()
	c, err := w.chart(ana, id)
	if err != nil {
		w.Fatalf("chart: %v", err)
	}
	var all []time.Time
	for _, m := range c.Messages {
		all = append(all, m.ReadAt)
	}
	return all
}

// addendum is what closing added to a visit's document.
func (w *world) addendum(id string) record.Addendum {
	w.Helper()
	var a record.Addendum
	_, raw, err := w.charts.ReadDocuments(w.ctx, w.as(ana), id)
	if err == nil {
		err = json.Unmarshal(raw, &a)
	}
	if err != nil {
		w.Fatalf("addendum: %v", err)
	}
	return a
}

// A read by the patient's side leaves the visit's row as it is, and is known to
// everyone who is told of it.
func TestRead_ByPatientsSideIsDerivedFromItsRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := person(elena)
	grant := p.Grants[0]
	grant.Patient = jane
	p.Grants = append(slices.Clone(p.Grants), grant)
	w.becomes(p)
	id := w.taken()
	w.asks(id, "Since when?")
	if got := w.readAt(id); !slices.Equal(got, make([]time.Time, 1)) || !w.known(id).Unread() {
		t.Errorf("a question that only clinicians saw was read at %v", got)
	}
	row := w.visit(id)
	w.pass(time.Hour)
	first := w.now()
	if _, err := w.request.Show(w.ctx, w.as(elena), id); err != nil { // the page
		t.Fatal(err)
	}
	w.pass(time.Hour)
	for range 2 {
		c, err := w.chart(jane, id)
		if err != nil || c.Visit.Unread() || len(c.Messages) != 1 || !c.Messages[0].ReadAt.Equal(first) || c.Visit.Version != row.Version {
			t.Errorf("the patient is shown %+v of %+v, %v", c.Messages, c.Visit, err)
		}
	}
	if got := w.readAt(id); !slices.EqualFunc(got, []time.Time{first}, time.Time.Equal) {
		t.Errorf("the clinician is told that it was read at %v, want %v", got, first)
	}
	if diff := cmp.Diff(row, w.visit(id)); diff != "" {
		t.Errorf("reading changed the visit (-before +after):\n%s", diff)
	}
	w.replies(id, "Since Monday.")
	replied := w.now()
	if w.known(id).Unread() {
		t.Error("what was read is unread once they replied")
	}
	w.answers(id)
	w.drain()
	if !w.known(id).Unread() {
		t.Error("an answer that nobody read is not unread")
	}
	w.pass(time.Hour)
	last := w.now()
	if c, err := w.chart(jane, id); err != nil || c.Visit.Unread() || !c.Messages[2].ReadAt.Equal(last) {
		t.Errorf("the patient who reads is shown %+v, %v", c.Messages, err)
	}
	want := []visit.ReadMark{{Through: 1, At: first, By: elena}, {Through: 2, At: replied}, {Through: 3, At: last}}
	if diff := cmp.Diff(want, w.known(id).Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	if steps := w.known(id).Timeline(); steps[len(steps)-1] != (visit.Step{Kind: visit.StepRead, At: last}) {
		t.Errorf("steps: %+v", steps)
	}
	w.pass(time.Hour)
	w.acknowledges(jane, id)
	if diff := cmp.Diff(want, w.addendum(id).Reads); diff != "" {
		t.Errorf("the addendum's reads (-want +got):\n%s", diff)
	}
	if v := w.stands(id, visit.Closed); len(v.Reads) != len(want) || v.Unread() {
		t.Errorf("the closed visit has the reads %+v", v.Reads)
	}
	w.proven(id)
}

// A visit that closes by itself says who read the answer, if anyone did.
func TestDeadline_AddendumHasWhatWasRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	read, unread := w.answered(), w.answered()
	w.pass(time.Hour)
	at := w.now()
	if _, err := w.request.Show(w.ctx, w.as(jane), read); err != nil {
		t.Fatal(err)
	}
	w.pass(7*24*time.Hour + time.Minute)
	w.minute()
	for id, want := range map[string][]visit.ReadMark{read: {{Through: 1, At: at}}, unread: {}} {
		if diff := cmp.Diff(want, w.addendum(id).Reads); diff != "" {
			t.Errorf("the addendum's reads (-want +got):\n%s", diff)
		}
		if v := w.stands(id, visit.Closed); v.Unread() != (len(want) == 0) {
			t.Errorf("the closed visit has the reads %+v", v.Reads)
		}
	}
}

// A read while the clinician asks keeps neither from being done, and the
// question counts as read if it was shown.
func TestRead_WhileTheClinicianAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 6 {
		id := w.taken()
		before, shown := w.visit(id).Version, 0
		patient, clinician := w.as(jane), w.as(ana)
		errs := atOnce(
			func() error { _, err := w.desk.Ask(w.ctx, clinician, id, "Since when?"); return err },
			func() error {
				_, c, err := w.charts.ReadChart(w.ctx, patient, id)
				shown = len(c.Messages)
				return err
			},
		)
		if errs[0] != nil || errs[1] != nil {
			t.Errorf("asking: %v; reading: %v", errs[0], errs[1])
		}
		v := w.known(id)
		if v.Version != before+1 || v.Unread() != (shown == 0) {
			t.Errorf("%d messages were shown; unread %t at version %d", shown, v.Unread(), v.Version-before)
		}
	}
}
