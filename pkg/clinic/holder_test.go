package clinic_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// handsOver has Ana hand a visit over to Ben.
func (w *world) handsOver(id string, note phi.Text) {
	w.Helper()
	w.does("hand over", func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, ben, note); return err })
}

func (w *world) takesOver(who, id, from string, reason phi.Text) {
	w.Helper()
	w.does("take over", func() error { _, err := w.desk.TakeOver(w.ctx, w.as(who), id, from, reason); return err })
}

func (w *world) releases(who, id string) {
	w.Helper()
	w.does("release", func() error { _, err := w.desk.Release(w.ctx, w.as(who), id); return err })
}

// todo lists the kinds of someone's open work, about a visit.
func (w *world) todo(who, id string) string {
	w.Helper()
	items, err := w.office.Work(w.ctx, w.as(who))
	if err != nil {
		w.Fatalf("work of %s: %v", who, err)
	}
	var kinds []string
	for _, i := range items {
		if i.Visit == id {
			kinds = append(kinds, string(i.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// A visit that was released is in the queue as before. A colleague takes and answers it,
// and the document, the trail and the promise are true.
func TestRelease_TakenByAColleague(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	promised := w.visit(id).Promise
	w.asks(id, "Since when?")
	w.releases(ana, id)
	w.releases(ana, id) // whose first answer was lost
	v := w.stands(id, visit.AwaitingPatient)
	if v.Holder.ID != "" || !v.Promise.By.Equal(promised.By) {
		t.Errorf("released, it is with %q and promised by %v", v.Holder.ID, v.Promise.By)
	}
	w.replies(id, "Since Sunday.")
	w.stands(id, visit.Queued)
	_, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis)
	w.refused(err, "denied")
	w.takes(ben, id)
	_, err = w.desk.Release(w.ctx, w.as(ana), id)
	w.refused(err, "denied")
	w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(ben), id, cystitis); return err })
	w.drain()
	w.charged(id)
	w.proven(id)
	a, err := w.charts.Answer(w.ctx, w.visit(id))
	if err != nil || a.By.ID != ben {
		t.Errorf("answered by %+v, %v", a, err)
	}
	w.acts(id, "visit.take:in_review", "visit.treat:awaiting_patient", "visit.release:awaiting_patient", "message.send:queued", "visit.take:in_review", "visit.treat:answered")
	w.handled()
}

// acts checks which acts on a visit's holder and content its trail has, in order, each
// once.
func (w *world) acts(id string, want ...string) {
	w.Helper()
	_, trail, err := w.office.Trail(w.ctx, w.as(jane), id)
	if err != nil {
		w.Fatalf("trail: %v", err)
	}
	slices.SortStableFunc(trail, func(a, b audit.Record) int { return a.Version - b.Version }) // the clock stood still
	var got []string
	for _, r := range trail {
		if name, _, _ := strings.Cut(r.Action, ":"); r.Outcome == "" && (strings.HasPrefix(name, "visit.") && name != "visit.start" && name != "visit.fill" && name != "visit.pay" || name == "message.send") {
			got = append(got, r.Action)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		w.Errorf("the trail has %q, want %q", got, want)
	}
}

// A note is for colleagues: they read it in the chart, and the patient finds it nowhere,
// nor do the encounter document and the letters have it. A work item tells the new
// holder, and ends with the visit.
func TestHandOver_NoteIsForColleagues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	const note = "She lives next door to me."
	w.handsOver(id, note)
	w.handsOver(id, note)
	_, err := w.desk.HandOver(w.ctx, w.as(ana), id, ben, "Another note.")
	w.refused(err, "done_otherwise")
	if v := w.stands(id, visit.InReview); v.Holder.ID != ben || v.Notes != 1 {
		t.Errorf("handed over, it is with %q, %d notes", v.Holder.ID, v.Notes)
	}
	if got := w.todo(ben, id) + "," + w.todo(ana, id) + "," + w.todo(ada, id); got != "visit.handed,,visit.handed" {
		t.Errorf("Ben, Ana and the administrator have to do %q", got)
	}
	for who, want := range map[string]int{ana: 1, ben: 1, nora: 1, jane: 0} {
		ch, err := w.chart(who, id)
		if err != nil || len(ch.Notes) != want {
			t.Errorf("%s reads %d notes, %v", who, len(ch.Notes), err)
		}
		if want > 0 && (ch.Notes[0].Text != note || ch.Notes[0].By.ID != ana || ch.Notes[0].From.ID != ana || ch.Notes[0].To.ID != ben || ch.Notes[0].Kind != record.HandOver) {
			t.Errorf("%s reads %+v", who, ch.Notes[0])
		}
	}
	shown, err := w.request.Show(w.ctx, w.as(jane), id)
	if err != nil || len(shown.Chart.Notes) != 0 {
		t.Errorf("the patient's page has %d notes, %v", len(shown.Chart.Notes), err)
	}
	w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(ben), id, cystitis); return err })
	w.drain()
	doc, _, err := w.charts.ReadDocuments(w.ctx, w.as(jane), id)
	if err != nil || strings.Contains(string(doc), note) || !strings.Contains(string(doc), ben) {
		t.Errorf("the document has the note, or not who answered: %v", err)
	}
	for _, l := range append(w.letters(janes), w.letters("desk@lakeside.example")...) {
		if strings.Contains(l.Text, note) {
			t.Errorf("a letter has the note: %s", l.Text)
		}
	}
	if got := w.todo(ben, id); got != "" {
		t.Errorf("Ben, who answered, has to do %q", got)
	}
	w.acts(id, "visit.take:in_review", "visit.hand_over:in_review", "visit.treat:answered")
	w.proven(id)
	w.handled()
}

// The former holder learns that a colleague has the visit, and can do nothing more to it.
func TestTakeOver_FormerHolderIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.takesOver(ben, id, ana, "Ana is ill today.")
	w.takesOver(ben, id, ana, "Ana is ill today.")
	_, err := w.desk.TakeOver(w.ctx, w.as(ben), id, ana, "For another reason.")
	w.refused(err, "done_otherwise")
	if got := w.todo(ana, id) + "," + w.todo(ben, id); got != "visit.taken_over," {
		t.Errorf("Ana and Ben have to do %q", got)
	}
	_, err = w.desk.Answer(w.ctx, w.as(ana), id, cystitis)
	w.refused(err, "denied")
	ch, err := w.chart(ana, id)
	if err != nil || len(ch.Notes) != 1 || ch.Notes[0].Text != "Ana is ill today." || ch.Notes[0].From.ID != ana {
		t.Errorf("Ana reads %+v, %v", ch.Notes, err)
	}
	w.does("end", func() error {
		_, err := w.office.EndWork(w.ctx, w.as(ana), work.ID(work.VisitTakenOver, id+".1"))
		return err
	})
	if got := w.todo(ana, id); got != "" {
		t.Errorf("Ana still has to do %q", got)
	}
	w.acts(id, "visit.take:in_review", "visit.take_over:in_review")
}

// Who may not is refused, nothing is written, and the refusal is in the trail.
func TestHandOver_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.taken(), w.queued()
	gone := person(ben)
	gone.Inactive = true
	for name, test := range map[string]struct {
		do   func() error
		code string
	}{
		"hand over, not one's own": {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ben), id, ana, "x"); return err }, "denied"},
		"hand over, not taken":     {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), other, ben, "x"); return err }, "denied"},
		"to a nurse":               {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, nora, "x"); return err }, "colleague_cannot"},
		"to staff":                 {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, sam, "x"); return err }, "colleague_cannot"},
		"to nobody":                {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, "nobody", "x"); return err }, "colleague_cannot"},
		"to a name without end": {func() error {
			_, err := w.desk.HandOver(w.ctx, w.as(ana), id, strings.Repeat("x", 5000), "x")
			return err
		}, "colleague_cannot"},
		"to another practice": {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, omar, "x"); return err }, "colleague_cannot"},
		"without a note":      {func() error { _, err := w.desk.HandOver(w.ctx, w.as(ana), id, ben, " \u200b"); return err }, "message_length"},
		"with a note without end": {func() error {
			_, err := w.desk.HandOver(w.ctx, w.as(ana), id, ben, phi.Text(strings.Repeat("x", 8001)))
			return err
		}, "message_length"},
		"release, by a nurse":        {func() error { _, err := w.desk.Release(w.ctx, w.as(nora), id); return err }, "denied"},
		"release, by the patient":    {func() error { _, err := w.desk.Release(w.ctx, w.as(jane), id); return err }, "denied"},
		"release, not taken":         {func() error { _, err := w.desk.Release(w.ctx, w.as(ana), other); return err }, "denied"},
		"take over, by a nurse":      {func() error { _, err := w.desk.TakeOver(w.ctx, w.as(nora), id, ana, "x"); return err }, "denied"},
		"take over, without reason":  {func() error { _, err := w.desk.TakeOver(w.ctx, w.as(ben), id, ana, ""); return err }, "message_length"},
		"take over, not taken":       {func() error { _, err := w.desk.TakeOver(w.ctx, w.as(ben), other, ana, "x"); return err }, "not_taken"},
		"take over, from another":    {func() error { _, err := w.desk.TakeOver(w.ctx, w.as(ben), id, sam, "x"); return err }, "already_taken"},
		"take over, other practice":  {func() error { _, err := w.desk.TakeOver(w.ctx, w.as(omar), id, ana, "x"); return err }, "not_found"},
		"colleagues, not one's own":  {func() error { _, _, err := w.desk.Colleagues(w.ctx, w.as(ben), id); return err }, "denied"},
		"colleagues, by the patient": {func() error { _, _, err := w.desk.Colleagues(w.ctx, w.as(jane), id); return err }, "denied"},
	} {
		before := w.visit(id).Version
		err := test.do()
		if f, _ := fault.Public(err); f == nil || f.Code != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
		if v := w.visit(id); v.Version != before || v.Holder.ID != ana {
			t.Errorf("%s: version %d of %d, with %s", name, v.Version, before, v.Holder.ID)
		}
	}
	w.becomes(gone)
	_, err := w.desk.HandOver(w.ctx, w.as(ana), id, ben, "x")
	w.refused(err, "colleague_cannot")
	if _, fit, err := w.desk.Colleagues(w.ctx, w.as(ana), id); err != nil || len(fit) != 0 {
		t.Errorf("may be handed it: %v, %v", fit, err)
	}
	back := person(ben)
	back.Licenses = []identity.License{{State: "WA", Expires: start.AddDate(1, 0, 0)}}
	w.becomes(back)
	_, err = w.desk.HandOver(w.ctx, w.as(ana), id, ben, "x")
	w.refused(err, "colleague_cannot")
	w.becomes(person(ben))
	if _, fit, err := w.desk.Colleagues(w.ctx, w.as(ana), id); err != nil || len(fit) != 1 || fit[0].ID != ben {
		t.Errorf("may be handed it: %v, %v", fit, err)
	}
}

// paperwork is an administrative request that Sam has taken.
func (w *world) paperwork() string {
	w.Helper()
	id := w.starts(jane, "admin-request", "")
	w.saves(jane, id, records)
	w.submits(jane, id, w.prices(jane, id).Quote.ID)
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.takes(sam, id)
	return id
}

// An administrative request is handed from staff to staff, who need no license.
func TestHandOver_AdministrativeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second := person(sam)
	second.ID, second.Display = "sue-lee", "Sue Lee"
	w.becomes(second)
	id := w.paperwork()
	w.does("hand over", func() error { _, err := w.desk.HandOver(w.ctx, w.as(sam), id, second.ID, "Please."); return err })
	if v := w.stands(id, visit.InReview); v.Holder.ID != second.ID {
		t.Errorf("it is with %s", v.Holder.ID)
	}
	_, err := w.desk.TakeOver(w.ctx, w.as(ana), id, second.ID, "x")
	w.refused(err, "not_found")
}

// Of several who change the holder of a visit at once, or answer it, one succeeds at a
// time, and what stands in the end is what the last was told.
func TestTakeOver_AtOnceOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	third := person(ana)
	third.ID, third.Display = "cal-fox", "Cal Fox, MD"
	w.becomes(third)
	for range 4 {
		id := w.taken()
		over := func(who string) func() error {
			c := w.as(who)
			return func() error { _, err := w.desk.TakeOver(w.ctx, c, id, ana, "She is ill."); return err }
		}
		errs := atOnce(over(ben), over(third.ID))
		w.oneWins(errs)
		for n, err := range errs {
			holder := []string{ben, third.ID}[n]
			if err == nil && w.visit(id).Holder.ID != holder {
				t.Errorf("%s took it over, and %s holds it", holder, w.visit(id).Holder.ID)
			}
			if f, ok := fault.Public(err); ok && f.Code != "already_taken" {
				t.Errorf("the loser was told %s", f.Code)
			}
		}
		w.proven(id)
	}
}

func TestTakeOver_WhileItsHolderAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, other := range map[string]func(c clinic.Caller, id string) func() error{
		"take over": func(_ clinic.Caller, id string) func() error {
			c := w.as(ben)
			return func() error { _, err := w.desk.TakeOver(w.ctx, c, id, ana, "She is ill."); return err }
		},
		"hand over": func(c clinic.Caller, id string) func() error {
			return func() error { _, err := w.desk.HandOver(w.ctx, c, id, ben, "Please."); return err }
		},
		"release": func(c clinic.Caller, id string) func() error {
			return func() error { _, err := w.desk.Release(w.ctx, c, id); return err }
		},
	} {
		for range 3 {
			id, c := w.taken(), w.as(ana)
			errs := atOnce(other(c, id), func() error { _, err := w.desk.Answer(w.ctx, c, id, cystitis); return err })
			w.settle()
			v := w.visit(id)
			answered := v.Status == visit.Answered
			if answered != (errs[1] == nil) || answered == (errs[0] == nil) {
				t.Errorf("%s: %v, answer: %v, and the visit is %s with %q", name, errs[0], errs[1], v.Status, v.Holder.ID)
			}
			loser := errs[1]
			if answered {
				loser = errs[0]
			}
			if !errors.Is(loser, fault.Conflict) && !errors.Is(loser, fault.Denied) {
				t.Errorf("%s: the loser was told %v", name, loser)
			}
			w.proven(id)
		}
	}
	w.pass(time.Minute)
	w.handled()
}
