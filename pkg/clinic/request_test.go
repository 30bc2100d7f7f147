package clinic_test

import (
	"errors"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A request is something a person sends: to whatever at brings a visit to, with
// one of two inputs.
type request struct {
	name string
	who  string
	at   func(w *world) string
	send func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error)
}

func text(other bool) phi.Text {
	if other {
		return "Something else."
	}
	return "Something."
}

var requests = []request{
	{"start", jane, func(*world) string { return "" }, func(w *world, c clinic.Caller, _ string, other bool) (visit.Visit, error) {
		form := "uti-women"
		if other {
			form = "admin-request"
		}
		return w.cl.Start(w.ctx, c, form, "", "")
	}},
	{"save", jane, (*world).draft, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		days := 3
		if other {
			days = 4
		}
		s, err := w.cl.SavePage(w.ctx, c, id, 0, page(said{"uti-onset": days}))
		return s.Visit, err
	}},
	{"quote", jane, (*world).draft, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		o, err := w.cl.Quote(w.ctx, c, id)
		return o.Visit, err
	}},
	{"submit", jane, func(w *world) string {
		id := w.draft()
		w.prices(jane, id)
		return id
	}, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		language := "en"
		if other {
			language = "es"
		}
		s, err := w.cl.Submit(w.ctx, c, id, clinic.Submission{Quote: w.visit(id).Quote.ID, Language: language})
		return s.Visit, err
	}},
	{"cancel", jane, (*world).queued, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.cl.Cancel(w.ctx, c, id)
	}},
	{"take", ana, (*world).queued, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.cl.Take(w.ctx, c, id)
	}},
	{"ask", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		return w.cl.Ask(w.ctx, c, id, text(other))
	}},
	{"reply", jane, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		v, _, err := w.cl.Reply(w.ctx, c, id, text(other), intake.Response{})
		return v, err
	}},
	{"answer", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		with := cystitis
		with.Reply = text(other)
		return w.cl.Answer(w.ctx, c, id, with)
	}},
	{"decline", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		return w.cl.TurnAway(w.ctx, c, id, visit.Declined, "not_suited", text(other))
	}},
	{"acknowledge", jane, (*world).answered, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.cl.Acknowledge(w.ctx, c, id)
	}},
}

func TestARequestSentTwice(t *testing.T) {
	t.Parallel()
	for _, r := range requests {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := r.at(w)
			c := w.once(r.who, "key", 1)
			first, err := r.send(w, c, id, false)
			if err != nil {
				t.Fatalf("first: %v %s", err, causes(err))
			}
			t.Run("under its key has the same result", func(*testing.T) {
				second, err := r.send(w, c, id, false)
				if err != nil || second.ID != first.ID || second.Version != first.Version || second.Status != first.Status {
					t.Errorf("second: %s version %d, %v; first: %s version %d", second.Status, second.Version, err, first.Status, first.Version)
				}
			})
			t.Run("under its key with other input is refused", func(*testing.T) {
				_, err := r.send(w, w.once(r.who, "key", 2), id, true)
				w.refused(err, "idempotency_key_reused")
				if now := w.visit(first.ID); now.Version != first.Version {
					t.Errorf("it changed the visit to version %d", now.Version)
				}
			})
			if r.name == "start" || r.name == "save" {
				return // without a key each is another
			}
			t.Run("without a key succeeds, and does nothing more", func(*testing.T) {
				second, err := r.send(w, w.as(r.who), id, false)
				if err != nil || second.Version != first.Version || second.Status != first.Status {
					t.Errorf("second: %s version %d, %v; first: %s version %d", second.Status, second.Version, err, first.Status, first.Version)
				}
			})
		})
	}
}

func TestAStepIsRefusedWhereItDoesNotBelong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	for _, r := range requests {
		switch r.name {
		case "ask", "answer", "decline", "take": // nobody there has been sent it
			_, err := r.send(w, w.as(ana), id, false)
			w.refused(err, "not_found")
		case "reply", "acknowledge":
			_, err := r.send(w, w.as(r.who), id, false)
			w.refused(err, "wrong_status")
		}
	}
	w.cancels(id)
	for _, r := range requests {
		switch r.name {
		case "start", "cancel", "ask", "answer", "decline", "take":
		default:
			_, err := r.send(w, w.as(r.who), id, false)
			w.refused(err, "wrong_status")
		}
	}
}

func TestAnotherPracticesVisitIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.answered()
	other := w.queued()
	for _, who := range []string{omar, hana, tom} {
		for _, r := range requests {
			if r.name == "start" {
				continue
			}
			for _, of := range []string{id, other} {
				if _, err := r.send(w, w.as(who), of, false); !errors.Is(err, fault.NotFound) {
					t.Errorf("%s may %s: %v", who, r.name, err)
				}
			}
		}
		for what, read := range map[string]func(c clinic.Caller) error{
			"visit":    func(c clinic.Caller) error { _, err := w.cl.Visit(w.ctx, c, id); return err },
			"chart":    func(c clinic.Caller) error { _, err := w.cl.Chart(w.ctx, c, id); return err },
			"document": func(c clinic.Caller) error { _, _, err := w.cl.Document(w.ctx, c, id); return err },
			"money":    func(c clinic.Caller) error { _, err := w.cl.Money(w.ctx, c, id); return err },
			"trail":    func(c clinic.Caller) error { _, err := w.cl.Trail(w.ctx, c, id); return err },
			"pay":      func(c clinic.Caller) error { _, err := w.cl.Pay(w.ctx, c, id); return err },
		} {
			if err := read(w.as(who)); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s may read the %s: %v", who, what, err)
			}
		}
	}
}

func TestWhoMayTakeAVisit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lapsed := person(ben)
	lapsed.ID, lapsed.Licenses = "carl-lapsed", []identity.License{{State: "OR", Number: "MD-1", Expires: start}}
	w.becomes(lapsed)
	inWashington := w.starts(jane, "uti-women", "")
	w.saves(jane, inWashington, with(urinary, said{"location-state": "WA"}))
	w.submits(jane, inWashington, w.prices(jane, inWashington).Quote.ID)
	w.pays(inWashington, "4242424242424242")
	w.settle()
	inOregon := w.queued()
	paper := w.starts(jane, "admin-request", "")
	w.saves(jane, paper, records)
	w.submits(jane, paper, w.prices(jane, paper).Quote.ID)
	w.pays(paper, "4242424242424242")
	w.settle()
	for _, test := range []struct {
		who, visit, code string
	}{
		{ben, inWashington, "not_licensed"},
		{lapsed.ID, inOregon, "not_licensed"},
		{nora, inOregon, "denied"},
		{sam, inOregon, "denied"},
		{ana, paper, "not_found"},
		{jane, inOregon, "denied"},
	} {
		_, err := w.cl.Take(w.ctx, w.as(test.who), test.visit)
		w.refused(err, test.code)
	}
	for who, id := range map[string]string{ana: inWashington, ben: inOregon, sam: paper} {
		w.takes(who, id)
	}
	queue := func(who string) int {
		vs, _, err := w.cl.Queue(w.ctx, w.as(who), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(vs)
	}
	if queue(ana) != 2 || queue(sam) != 1 {
		t.Errorf("the pools list %d clinical and %d others", queue(ana), queue(sam))
	}
	paperwork := cystitis
	paperwork.Diagnoses, paperwork.NoDiagnosis = nil, "Not a medical question."
	w.does("answer", func() error { _, err := w.cl.Answer(w.ctx, w.as(sam), paper, paperwork); return err })
	w.settle()
	w.states(paper, billing.Captured)
	w.proven(paper)
}

func TestALicenseThatEndsBeforeTheAnswerKeepsItFromBeingGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	p := person(ana)
	p.Licenses = []identity.License{{State: "OR", Number: "MD-1", Expires: w.now().Add(time.Hour)}}
	w.becomes(p)
	w.pass(time.Hour)
	_, err := w.cl.Answer(w.ctx, w.as(ana), id, cystitis)
	w.refused(err, "not_licensed")
	if w.trouble.called(puts) != 0 {
		t.Error("a document was written")
	}
	w.stands(id, visit.InReview)
}

func TestADeactivatedPersonIsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	c := w.as(ana)
	p := person(ana)
	p.Inactive = true
	w.becomes(p)
	_, err := w.cl.Who(w.ctx, issuer, ana)
	w.refused(err, "unknown_person")
	c.Person.Inactive = true
	_, err = w.cl.Answer(w.ctx, c, id, cystitis)
	w.refused(err, "not_found")
}

func TestACaregiverActsWhileTheirGrantLasts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.cl.Start(w.ctx, w.as(elena), "admin-request", "", jane)
	w.refused(err, "not_found")
	id := w.starts(elena, "admin-request", rosa)
	forRosa := with(records, said{"completed-by": []string{"caregiver"}, "proxy-name": "Elena Diaz", "proxy-relationship": []string{"other"}, "proxy-authority": true})
	w.saves(elena, id, records)
	_, err = w.cl.Quote(w.ctx, w.as(elena), id)
	w.refused(err, "identity_mismatch")
	w.saves(elena, id, forRosa)
	o := w.prices(elena, id)
	trail, err := w.cl.Trail(w.ctx, w.as(elena), id)
	if err != nil || len(trail) == 0 || trail[0].Actor.OnBehalf != rosa || trail[0].Actor.ID != elena {
		t.Errorf("the trail says %+v, %v", trail, err)
	}
	w.becomes(func() identity.Person {
		p := person(elena)
		p.Grants[0].Until = w.now().Add(time.Minute)
		return p
	}())
	w.pass(time.Minute)
	_, err = w.cl.Submit(w.ctx, w.as(elena), id, clinic.Submission{Quote: o.Quote.ID})
	w.refused(err, "not_found")
	w.submits(rosa, w.ownOf(id), w.visit(id).Quote.ID)
}

// ownOf has Rosa say that she fills in the form herself, and price it anew.
func (w *world) ownOf(id string) string {
	w.Helper()
	w.saves(rosa, id, with(records, said{"proxy-name": nil, "proxy-relationship": nil, "proxy-authority": nil}))
	w.prices(rosa, id)
	return id
}

func TestWhatKeepsARequestFromBeingSent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		change     func(w *world, id string) clinic.Submission
	}{
		{"no quote was asked for", "no_quote", func(*world, string) clinic.Submission { return clinic.Submission{Quote: "invented"} }},
		{"the quote was replaced", "quote_replaced", func(w *world, id string) clinic.Submission {
			old := w.prices(jane, id).Quote.ID
			w.saves(jane, id, said{"uti-onset": 3})
			w.prices(jane, id)
			return clinic.Submission{Quote: old}
		}},
		{"the quote has expired", "quote_expired", func(w *world, id string) clinic.Submission {
			old := w.prices(jane, id).Quote.ID
			w.pass(time.Hour)
			return clinic.Submission{Quote: old}
		}},
		{"the consent was replaced", "consent_replaced", func(w *world, id string) clinic.Submission {
			quote := w.prices(jane, id).Quote.ID
			w.practice(func(p *clinic.Practice) { p.Consent.Version = "2026-02" })
			return clinic.Submission{Quote: quote, Consent: "2026-01"}
		}},
		{"no clinician is licensed there any more", "state_not_served", func(w *world, id string) clinic.Submission {
			quote := w.prices(jane, id).Quote.ID
			w.practice(func(p *clinic.Practice) { p.States = []string{"WA"} })
			return clinic.Submission{Quote: quote}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			s := test.change(w, id)
			_, err := w.cl.Submit(w.ctx, w.as(jane), id, s)
			w.refused(err, test.code)
			w.stands(id, visit.Draft)
			if o := w.truth(); o.OpenSessions != 0 {
				t.Error("a page was opened")
			}
		})
	}
}

func TestARequestAlreadySentIsFoundThoughTheConsentWasReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	s := clinic.Submission{Quote: w.prices(jane, id).Quote.ID, Consent: "2026-01"}
	sent, err := w.cl.Submit(w.ctx, w.as(jane), id, s)
	if err != nil {
		t.Fatal(err)
	}
	w.practice(func(p *clinic.Practice) { p.Consent.Version = "2026-02" })
	again, err := w.cl.Submit(w.ctx, w.as(jane), id, s)
	if err != nil || again.Page != sent.Page {
		t.Errorf("sent again: %+v, %v", again, err)
	}
}

func TestWhatCannotBePriced(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, code string
		answers    said
	}{
		{"unanswered questions", "answers_incomplete", said{"uti-onset": nil}},
		{"a state that is not served", "state_not_served", said{"location-state": "NY"}},
		{"another person's name", "identity_mismatch", said{
			"completed-by": []string{"caregiver"}, "proxy-name": "Someone", "proxy-relationship": []string{"other"}, "proxy-authority": true,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			w.saves(jane, id, test.answers)
			_, err := w.cl.Quote(w.ctx, w.as(jane), id)
			w.refused(err, test.code)
		})
	}
	t.Run("a form without a posted price", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.practice(func(p *clinic.Practice) { p.Prices = nil })
		id := w.draft()
		_, err := w.cl.Quote(w.ctx, w.as(jane), id)
		w.refused(err, "no_price")
	})
}

func TestAStaleSaveIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	v := w.visit(id)
	if _, err := w.cl.SavePage(w.ctx, w.as(jane), id, v.Version, page(said{"uti-onset": 3})); err != nil {
		t.Fatal(err)
	}
	_, err := w.cl.SavePage(w.ctx, w.as(jane), id, v.Version, page(said{"uti-onset": 4}))
	w.refused(err, "stale")
}

func TestAFormThatIsNotForThisPatientIsNotStarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct{ who, form, version, code string }{
		{tom, "uti-women", "", "not_eligible"},
		{rosa, "uti-women", "", "not_eligible"},
		{jane, "invented", "", "unknown_form"},
		{jane, "uti-women", "9.9.9", "unknown_form"},
		{jane, "evisit-common", "", "not_offered"},
	} {
		_, err := w.cl.Start(w.ctx, w.as(test.who), test.form, test.version, "")
		w.refused(err, test.code)
	}
}

func TestMessagesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	for _, bad := range []phi.Text{"", phi.Text(make([]byte, 8001))} {
		_, err := w.cl.Ask(w.ctx, w.as(ana), id, bad)
		w.refused(err, "message_length")
	}
	for i := range visit.MessageCap {
		w.replies(id, phi.Text("More "+string(rune('a'+i))))
	}
	_, _, err := w.cl.Reply(w.ctx, w.as(jane), id, "Yet more.", intake.Response{})
	w.refused(err, "message_limit")
	w.answers(id)
	w.charged(id)
}

func TestAnAnswerMustBeWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	_, err := w.cl.Answer(w.ctx, w.as(ana), id, visit.Conclusion{Minutes: -1})
	w.refused(err, "answer_incomplete")
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 6 {
		t.Errorf("not all is named: %+v", f)
	}
	w.stands(id, visit.InReview)
}
