package clinic_test

import (
	"slices"
	"strings"
	"testing"

	"evisit/pkg/clinic/request"
	"evisit/pkg/intake"
	"evisit/pkg/visit"
)

// confirms saves an empty page of Jane's draft, with what she was shown and
// confirms.
func (w *world) confirms(id string, shown intake.Disposition) request.Saved {
	w.Helper()
	var s request.Saved
	w.does("confirm", func() (err error) {
		s, err = w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(intake.Response{}), Confirmed: shown})
		return err
	})
	return s
}

// slips are answers that end a request when they are confirmed.
var slips = map[string]struct {
	said  said
	to    intake.Disposition
	cause string
}{
	"Urgent":     {said{"uti-fever": true}, intake.Urgent, "uti-fever"},
	"Ineligible": {said{"uti-kidney": true}, intake.Ineligible, "uti-kidney"},
}

// An answer that diverts is shown back once: nothing ends, and nothing is priced or
// sent, before the patient confirms it.
func TestEnding_DraftWaitsToBeConfirmed(t *testing.T) {
	t.Parallel()
	for name, slip := range slips {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			quote := w.visit(id).Quote.ID
			s := w.saves(jane, id, slip.said)
			if e := s.Ending; s.Diversion != nil || e == nil || e.Disposition != slip.to || e.Message == "" || e.Phone == "" ||
				len(e.Causes) != 1 || e.Causes[0].LinkID != slip.cause || e.Causes[0].Answers[0] != "Yes" {
				t.Fatalf("saved: %+v", s.Ending)
			}
			if v := w.stands(id, visit.Draft); v.Quote.ID != "" {
				t.Errorf("it is priced: %+v", v.Quote)
			}
			_, err := w.request.Quote(w.ctx, w.as(jane), id)
			w.refused(err, "diversion_unconfirmed")
			_, err = w.request.Submit(w.ctx, w.as(jane), id, request.Submission{Quote: quote})
			w.refused(err, "diversion_unconfirmed")
			other := intake.Ineligible
			if slip.to == other {
				other = intake.Urgent
			}
			if s := w.confirms(id, other); s.Diversion != nil || s.Ending == nil {
				t.Errorf("what nobody was shown is confirmed: %+v", s.Diversion)
			}
			w.stands(id, visit.Draft)
			w.diverted(id, slip.to, w.confirms(id, slip.to).Diversion)
		})
	}
}

func TestEnding_ChangedAnswerGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	w.saves(jane, id, said{"uti-fever": true})
	if s := w.saves(jane, id, said{"uti-fever": false}); s.Ending != nil || s.Visit.Quote.ID == "" {
		t.Errorf("changed: %+v, quote %q", s.Ending, s.Visit.Quote.ID)
	}
}

// Of a message whose answers wait to be confirmed nothing is kept, and a page of a
// visit that was sent is not either.
func TestEnding_SentVisitWaitsToBeConfirmed(t *testing.T) {
	t.Parallel()
	for name, slip := range slips {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.taken()
			before := w.visit(id)
			send := func(shown intake.Disposition) error {
				_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "More.", Answers: page(slip.said), Confirmed: shown})
				return err
			}
			w.refused(send(""), "diversion_unconfirmed")
			_, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(page(slip.said))})
			w.refused(err, "diversion_unconfirmed")
			if v := w.visit(id); v.Version != before.Version {
				t.Errorf("version %d after %d", v.Version, before.Version)
			}
			if err := send(slip.to); err != nil {
				t.Fatal(err)
			}
			shown, err := w.charts.Diversion(w.ctx, w.stands(id, visit.Diverted))
			if err != nil {
				t.Fatal(err)
			}
			w.diverted(id, slip.to, shown)
		})
	}
}

// Beside a wrong answer the diverting one is shown back all the same; the page is
// kept only if it is kept as it was typed.
func TestEnding_BesideWrongAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	p := request.Answers(page(said{"uti-fever": true, "uti-onset": -3}))
	before := w.visit(id).Saves
	s, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: p})
	w.refused(err, "diversion_unconfirmed")
	if s.Ending == nil || w.visit(id).Saves != before {
		t.Errorf("refused: %+v, and %d saves after %d", s.Ending, w.visit(id).Saves, before)
	}
	if s, err = w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: p, AsTyped: true}); err != nil || s.Ending == nil || len(s.Wrong) != 1 {
		t.Fatalf("as typed: %+v, %v", s, err)
	}
	d, err := w.request.Draft(w.ctx, w.as(jane), id)
	if err != nil || d.Ending == nil || d.Response.Answers("uti-onset")[0].Int() != -3 {
		t.Errorf("the draft: %+v, %v", d.Ending, err)
	}
}

// What keeps a request from being sent is told by the save that causes it.
func TestSavePage_ToldWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		said said
		want []string
	}{
		"served":      {said{"location-state": []string{"OR"}}, nil},
		"not served":  {said{"location-state": []string{"NY"}}, []string{"location-state"}},
		"someone":     {said{"completed-by": []string{"caregiver"}}, []string{"completed-by"}},
		"both":        {said{"completed-by": []string{"caregiver"}, "location-state": []string{"NY"}}, []string{"location-state", "completed-by"}},
		"not yet":     {said{"uti-onset": 3}, nil},
		"without one": {said{"completed-by": []string{"self"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var where []string
			for _, p := range w.saves(jane, w.starts(jane, "uti-women", ""), tt.said).Unsendable {
				where = append(where, p.Where)
				if !strings.HasPrefix(p.Text, "this practice serves") && !strings.HasPrefix(p.Text, "you signed in") {
					t.Errorf("told %q", p.Text)
				}
			}
			if !slices.Equal(where, tt.want) {
				t.Errorf("told of %v, want %v", where, tt.want)
			}
		})
	}
}
