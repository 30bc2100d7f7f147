package clinic_test

import (
	"errors"
	"strings"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A step sent again with any of its fields changed is no repetition: it is refused
// with what stands, or kept as one more of its kind, and nothing is taken for the
// same and dropped. Sent again as it was, it changes nothing.
func TestStep_SentAgainOtherwise(t *testing.T) {
	t.Parallel()
	type send func(w *world, c clinic.Caller, id string) (visit.Visit, error)
	answer := func(change func(*visit.Conclusion)) send {
		return func(w *world, c clinic.Caller, id string) (visit.Visit, error) {
			said := cystitis
			change(&said)
			return w.desk.Answer(w.ctx, c, id, said)
		}
	}
	away := func(to visit.Status, reason visit.Reason, text phi.Text) send {
		return func(w *world, c clinic.Caller, id string) (visit.Visit, error) {
			return w.desk.TurnAway(w.ctx, c, id, to, reason, text)
		}
	}
	submit := func(consent, language string) send {
		return func(w *world, c clinic.Caller, id string) (visit.Visit, error) {
			other, err := w.request.UnderwayBeside(w.ctx, w.as(jane), w.visit(id))
			if err != nil {
				return visit.Visit{}, err
			}
			s, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: w.visit(id).Quote.ID, Consent: consent, Language: language, Beside: other.ID})
			return s.Visit, err
		}
	}
	ask := func(text phi.Text) send {
		return func(w *world, c clinic.Caller, id string) (visit.Visit, error) { return w.desk.Ask(w.ctx, c, id, text) }
	}
	reply := func(text phi.Text, more intake.Response) send {
		return func(w *world, c clinic.Caller, id string) (visit.Visit, error) {
			v, _, err := w.request.Reply(w.ctx, c, id, request.Message{Text: text, Answers: more})
			return v, err
		}
	}
	days := func(n int) intake.Response { return page(said{"uti-onset": n}) }
	priced := func(w *world) string {
		id := w.draft()
		w.prices(jane, id)
		return id
	}
	type change struct {
		name string
		send send
		code string // empty: it is kept, as one more
		says string
	}
	for _, step := range []struct {
		name, who string
		at        func(w *world) string
		first     send
		changes   []change
	}{
		{"answer", ana, (*world).taken, answer(func(*visit.Conclusion) {}), []change{
			{"reply", answer(func(c *visit.Conclusion) { c.Reply = "Another." }), "done_otherwise", "differs in its reply;"},
			{"diagnosis", answer(func(c *visit.Conclusion) { c.Diagnoses = []visit.Diagnosis{{Code: "N39.0"}} }), "done_otherwise", "differs in its diagnoses"},
			{"one diagnosis more", answer(func(c *visit.Conclusion) {
				c.Diagnoses = append(c.Diagnoses[:1:1], visit.Diagnosis{Code: "N39.0"})
			}), "done_otherwise", "differs in its diagnoses"},
			{"words of a diagnosis", answer(func(c *visit.Conclusion) {
				c.Diagnoses = []visit.Diagnosis{{Code: c.Diagnoses[0].Code, Display: "Another"}}
			}), "done_otherwise", "differs in its diagnoses"},
			{"no diagnosis", answer(func(c *visit.Conclusion) { c.Diagnoses, c.NoDiagnosis = nil, "None." }), "done_otherwise", "reason for no diagnosis"},
			{"what to do", answer(func(c *visit.Conclusion) { c.Plan.Do = "Another." }), "done_otherwise", "differs in its plan"},
			{"warning signs", answer(func(c *visit.Conclusion) { c.Plan.Warnings = "Another." }), "done_otherwise", "differs in its plan"},
			{"follow-up", answer(func(c *visit.Conclusion) { c.Plan.FollowUp = "Another." }), "done_otherwise", "differs in its plan"},
			{"minutes", answer(func(c *visit.Conclusion) { c.Minutes = new(*c.Minutes + 1) }), "done_otherwise", "differs in its minutes"},
			{"no minutes", answer(func(c *visit.Conclusion) { c.Minutes = nil }), "done_otherwise", "differs in its minutes"},
			{"declined", away(visit.Declined, "other", "Please call."), "wrong_status", "answered"},
		}},
		{"decline", ana, (*world).taken, away(visit.Declined, "needs_exam", "Please call."), []change{
			{"reason", away(visit.Declined, "needs_tests", "Please call."), "done_otherwise", "declined with the reason needs_exam"},
			{"text", away(visit.Declined, "needs_exam", "Please come."), "done_otherwise", "another message"},
			{"redirected", away(visit.Redirected, "needs_exam", "Please call."), "wrong_status", "declined"},
		}},
		{"redirect", ana, (*world).taken, away(visit.Redirected, "needs_exam", "Please come."), []change{
			{"reason", away(visit.Redirected, "emergency", "Please come."), "done_otherwise", "redirected with the reason needs_exam"},
			{"text", away(visit.Redirected, "needs_exam", "Please call."), "done_otherwise", "another message"},
			{"declined", away(visit.Declined, "needs_exam", "Please come."), "wrong_status", "redirected"},
		}},
		{"submit", jane, priced, submit("2026-01", "en"), []change{
			{"consent", submit("2025-01", "en"), "done_otherwise", "version 2026-01 of the consent"},
			{"language", submit("2026-01", "es"), "done_otherwise", "another language, en"},
			{"quote", func(w *world, c clinic.Caller, id string) (visit.Visit, error) {
				s, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: "another", Consent: "2026-01", Language: "en"})
				return s.Visit, err
			}, "wrong_status", "waiting for its payment"},
		}},
		{"ask", ana, (*world).taken, ask("Since when?"), []change{
			{"text", ask("How often?"), "wrong_status", "waiting for the patient's reply"},
		}},
		{"reply", jane, (*world).taken, reply("It is the same.", days(3)), []change{
			{"answers", reply("It is the same.", days(4)), "", ""},
			{"text", reply("It is worse.", days(3)), "", ""},
		}},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, c := range step.changes {
				id := step.at(w)
				first, err := step.first(w, w.once(step.who, id, "first"), id)
				if err != nil {
					t.Fatalf("%s: %v %s", step.name, err, causes(err))
				}
				again, err := step.first(w, w.as(step.who), id)
				if err != nil || again.Version != first.Version {
					t.Errorf("the same again: version %d after %d, %v", again.Version, first.Version, err)
				}
				_, err = c.send(w, w.once(step.who, id, "another"), id)
				w.refused(err, "idempotency_key_reused")
				for _, caller := range []clinic.Caller{w.as(step.who), w.once(step.who, id+"2", "another")} {
					v, err := c.send(w, caller, id)
					if c.code == "" {
						if err != nil || v.Version != first.Version+1 {
							t.Errorf("another %s: version %d after %d, %v", c.name, v.Version, first.Version, err)
						}
						continue
					}
					w.refused(err, c.code)
					if f, _ := fault.Public(err); f == nil || !strings.Contains(f.Text, c.says) {
						t.Errorf("another %s is refused with %v, which does not say %q", c.name, err, c.says)
					}
					if now := w.visit(id); now.Version != first.Version {
						t.Errorf("another %s made version %d of %d", c.name, now.Version, first.Version)
					}
				}
			}
		})
	}
}

// Who presses twice is led to the same page, also where the trail does not have the
// first press yet.
func TestSubmit_AgainBeforeTheTrailHasIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	w.prices(jane, id)
	w.tape.lag()
	said := request.Submission{Quote: w.visit(id).Quote.ID, Consent: "2026-01", Language: "en"}
	first, err := w.request.Submit(w.ctx, w.as(jane), id, said)
	if err != nil || first.Page == "" {
		t.Fatalf("submit = %+v, %v", first, err)
	}
	again, err := w.request.Submit(w.ctx, w.as(jane), id, said)
	if err != nil || again.Page != first.Page || again.Visit.Version != first.Visit.Version {
		t.Errorf("again = %+v, %v, want %+v", again, err, first)
	}
	said.Consent = "2025-01"
	if _, err := w.request.Submit(w.ctx, w.as(jane), id, said); !errors.Is(err, fault.Conflict) {
		t.Errorf("with another consent: %v", err)
	}
}
