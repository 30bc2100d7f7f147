package clinic_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A sent request is what a person sends to the visit that at makes, with one of
// two inputs.
type sent struct {
	name string
	who  string
	at   func(w *world) string
	send func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error)
}

func textOf(other bool) phi.Text {
	if other {
		return "Something else."
	}
	return "Something."
}

var requests = []sent{
	{"start", jane, func(*world) string { return "" }, func(w *world, c clinic.Caller, _ string, other bool) (visit.Visit, error) {
		form := "uti-women"
		if other {
			form = "admin-request"
		}
		return w.request.Start(w.ctx, c, form, "", "")
	}},
	{"save", jane, (*world).draft, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		days := 3
		if other {
			days = 4
		}
		s, err := w.request.SavePage(w.ctx, c, id, request.Save{Page: request.Answers(page(said{"uti-onset": days}))})
		return s.Visit, err
	}},
	{"quote", jane, func(w *world) string {
		id := w.draft()
		w.pass(billing.QuoteLife)
		return id
	}, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		o, err := w.request.Quote(w.ctx, c, id)
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
		s, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: w.visit(id).Quote.ID, Language: language})
		return s.Visit, err
	}},
	{"cancel", jane, (*world).queued, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.request.Cancel(w.ctx, c, id)
	}},
	{"delete", jane, (*world).draft, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.request.Delete(w.ctx, c, id)
	}},
	{"take", ana, (*world).queued, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.desk.Take(w.ctx, c, id)
	}},
	{"ask", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		return w.desk.Ask(w.ctx, c, id, textOf(other))
	}},
	{"reply", jane, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		v, _, err := w.request.Reply(w.ctx, c, id, request.Message{Text: textOf(other)})
		return v, err
	}},
	{"answer", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		with := cystitis
		with.Reply = textOf(other)
		return w.desk.Answer(w.ctx, c, id, with)
	}},
	{"decline", ana, (*world).taken, func(w *world, c clinic.Caller, id string, other bool) (visit.Visit, error) {
		return w.desk.TurnAway(w.ctx, c, id, visit.Declined, "not_suited", textOf(other))
	}},
	{"acknowledge", jane, (*world).answered, func(w *world, c clinic.Caller, id string, _ bool) (visit.Visit, error) {
		return w.request.Acknowledge(w.ctx, c, id)
	}},
}

func TestRequest_SentTwice(t *testing.T) {
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
			t.Run("SameKeySameResult", func(*testing.T) {
				before := w.again(first.ID)
				second, err := r.send(w, c, id, false)
				if err != nil || second.ID != first.ID || second.Version != first.Version || second.Status != first.Status {
					t.Errorf("second: %s version %d, %v; first: %s version %d", second.Status, second.Version, err, first.Status, first.Version)
				}
				if n := w.again(first.ID) - before; n != 1 {
					t.Errorf("%d audit records say so", n)
				}
			})
			t.Run("SameKeyOtherInputRefused", func(*testing.T) {
				_, err := r.send(w, w.once(r.who, "key", 2), id, true)
				w.refused(err, "idempotency_key_reused")
				if now := w.visit(first.ID); now.Version != first.Version {
					t.Errorf("it changed the visit to version %d", now.Version)
				}
			})
			if r.name == "start" || r.name == "save" {
				return // without a key each is another
			}
			t.Run("WithoutKeyDoesNothingMore", func(*testing.T) {
				second, err := r.send(w, w.as(r.who), id, false)
				if err != nil || second.Version != first.Version || second.Status != first.Status {
					t.Errorf("second: %s version %d, %v; first: %s version %d", second.Status, second.Version, err, first.Status, first.Version)
				}
			})
		})
	}
}

// again counts the records of requests on a visit that were repeated.
func (w *world) again(id string) int {
	w.Helper()
	rs, err := w.tape.Trail(w.ctx, id, time.Time{})
	if err != nil {
		w.Fatalf("trail: %v", err)
	}
	n := 0
	for _, r := range rs {
		if strings.HasSuffix(r.Action, ":again") {
			n++
		}
	}
	return n
}

// A repeated request is authorized again, with the person's role and the visit's
// state of now.
func TestRequest_RepeatedIsAuthorizedAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, who string
		at        func(w *world) string
		send      func(w *world, c clinic.Caller, id string) error
		change    func(w *world)
		code      string
	}{
		{"Deactivated", ana, (*world).queued, takeIt, func(w *world) {
			p := person(ana)
			p.Inactive = true
			w.becomes(p)
		}, "unknown_person"},
		{"OfAnotherPracticeNow", ana, (*world).queued, takeIt, func(w *world) {
			p := person(ana)
			p.Practice = "harbor"
			w.becomes(p)
		}, "choose_practice"}, // both know her now, and neither is named
		{"ANurseNow", ana, (*world).queued, takeIt, func(w *world) {
			p := person(ana)
			p.Role = identity.Nurse
			w.becomes(p)
		}, "denied"},
		{"GrantEnded", elena, (*world).rosasDraft, func(w *world, c clinic.Caller, id string) error {
			s, err := w.request.Submit(w.ctx, c, id, request.Submission{Quote: w.visit(id).Quote.ID})
			if (err == nil) != (s.Page != "") {
				w.Errorf("page %q, %v", s.Page, err)
			}
			return err
		}, func(w *world) {
			p := person(elena)
			p.Grants = []identity.Grant{{Patient: rosa, Until: w.now()}}
			w.becomes(p)
		}, "not_found"},
		{"GrantEndedStart", elena, func(*world) string { return "" }, func(w *world, c clinic.Caller, _ string) error {
			v, err := w.request.Start(w.ctx, c, "admin-request", "", rosa)
			if (err == nil) != (v.ID != "") {
				w.Errorf("visit %q, %v", v.ID, err)
			}
			return err
		}, func(w *world) {
			p := person(elena)
			p.Grants = []identity.Grant{{Patient: rosa, Until: w.now()}}
			w.becomes(p)
		}, "not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.at(w)
			c := w.once(test.who, "key", id)
			for range 2 {
				if err := test.send(w, c, id); err != nil {
					t.Fatal(err)
				}
			}
			test.change(w)
			w.refused(test.send(w, c, id), test.code)
		})
	}
}

func takeIt(w *world, c clinic.Caller, id string) error {
	_, err := w.desk.Take(w.ctx, c, id)
	return err
}

// rosasDraft is a priced draft that Elena filled in for Rosa.
func (w *world) rosasDraft() string {
	w.Helper()
	id := w.starts(elena, "admin-request", rosa)
	w.saves(elena, id, forRosa)
	w.prices(elena, id)
	return id
}

// A key ends after 48 hours, though the engine may remove its row long after.
func TestRequest_KeyEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	starts := func() string {
		v, err := w.request.Start(w.ctx, w.once(jane, "key", "start"), "uti-women", "", "")
		if err != nil {
			t.Fatalf("start: %v", err)
		}
		return v.ID
	}
	saves := func(days int) error {
		_, err := w.request.SavePage(w.ctx, w.once(jane, "another key", days), starts(), request.Save{Page: request.Answers(page(said{"uti-onset": days}))})
		return err
	}
	first := starts()
	if err := saves(3); err != nil {
		t.Fatal(err)
	}
	w.pass(clinic.RequestLife - time.Second)
	if again := starts(); again != first {
		t.Errorf("a second before its end the key starts another visit, %s", again)
	}
	w.refused(saves(4), "idempotency_key_reused")
	w.pass(time.Second)
	second := starts()
	if second == first {
		t.Error("at its end the key still has its first result")
	}
	if again := starts(); again != second {
		t.Errorf("used anew, the key starts another visit each time: %s, %s", second, again)
	}
	if err := saves(4); err != nil {
		t.Errorf("at its end the key is still bound to its input: %v", err)
	}
}

func TestStep_WrongStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	for _, r := range requests {
		switch r.name {
		case "ask", "answer", "decline", "take": // the practice has not been sent it
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

func TestVisit_OfAnotherPracticeIsNotFound(t *testing.T) {
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
			"visit":    func(c clinic.Caller) error { _, err := w.office.Visit(w.ctx, c, id); return err },
			"chart":    func(c clinic.Caller) error { _, _, err := w.charts.ReadChart(w.ctx, c, id); return err },
			"document": func(c clinic.Caller) error { _, _, err := w.charts.ReadDocuments(w.ctx, c, id); return err },
			"money":    func(c clinic.Caller) error { _, _, err := w.office.Money(w.ctx, c, id); return err },
			"trail":    func(c clinic.Caller) error { _, _, err := w.office.Trail(w.ctx, c, id); return err },
			"pay":      func(c clinic.Caller) error { _, err := w.request.Pay(w.ctx, c, id); return err },
			"page":     func(c clinic.Caller) error { _, err := w.request.Show(w.ctx, c, id); return err },
			"draft":    func(c clinic.Caller) error { _, err := w.request.Draft(w.ctx, c, id); return err },
			"desk":     func(c clinic.Caller) error { _, err := w.desk.Show(w.ctx, c, id); return err },
		} {
			if err := read(w.as(who)); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s may read the %s: %v", who, what, err)
			}
		}
	}
}

func TestTake_WhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lapsed := person(ben)
	lapsed.ID, lapsed.Licenses = "carl-lapsed", []identity.License{{State: "OR", Number: "MD-1", Expires: start}}
	w.becomes(lapsed)
	inWashington := w.starts(jane, "uti-women", "")
	w.saves(jane, inWashington, with(urinary, said{"location-state": []string{"WA"}}))
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
		_, err := w.desk.Take(w.ctx, w.as(test.who), test.visit)
		w.refused(err, test.code)
	}
	for who, id := range map[string]string{ana: inWashington, ben: inOregon, sam: paper} {
		w.takes(who, id)
	}
	queue := func(who string) int {
		vs, _, err := w.desk.Queue(w.ctx, w.as(who), "", 10)
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
	w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(sam), paper, paperwork); return err })
	w.settle()
	w.states(paper, billing.Captured)
	w.proven(paper)
}

func TestAnswer_LicenseEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	p := person(ana)
	p.Licenses = []identity.License{{State: "OR", Number: "MD-1", Expires: w.now().Add(time.Hour)}}
	w.becomes(p)
	w.pass(time.Hour)
	_, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis)
	w.refused(err, "not_licensed")
	if w.trouble.called(puts) != 0 {
		t.Error("a document was written")
	}
	w.stands(id, visit.InReview)
}

func TestPerson_DeactivatedIsUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	p := person(ana)
	p.Inactive = true
	w.becomes(p)
	_, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis)
	w.refused(err, "unknown_person")
	_, _, err = w.desk.Queue(w.ctx, w.as(ana), "", 10)
	w.refused(err, "unknown_person")
	_, err = w.chart(ana, id)
	w.refused(err, "unknown_person")
	_, err = w.chart("stranger", id)
	w.refused(err, "unknown_person")
	w.stands(id, visit.InReview)
}

func TestGrant_CaregiverActsUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.request.Start(w.ctx, w.as(elena), "admin-request", "", jane)
	w.refused(err, "not_found")
	id := w.starts(elena, "admin-request", rosa)
	w.saves(elena, id, records)
	_, err = w.request.Quote(w.ctx, w.as(elena), id)
	w.refused(err, "identity_mismatch")
	w.saves(elena, id, forRosa)
	o := w.prices(elena, id)
	_, trail, err := w.office.Trail(w.ctx, w.as(elena), id)
	if err != nil || len(trail) == 0 || trail[0].Actor.OnBehalf != rosa || trail[0].Actor.ID != elena {
		t.Errorf("the trail says %+v, %v", trail, err)
	}
	w.becomes(func() identity.Person {
		p := person(elena)
		p.Grants = slices.Clone(p.Grants)
		p.Grants[0].Until = w.now().Add(time.Minute)
		return p
	}())
	w.pass(time.Minute)
	_, err = w.request.Submit(w.ctx, w.as(elena), id, request.Submission{Quote: o.Quote.ID})
	w.refused(err, "not_found")
	w.submits(rosa, w.ownOf(id), w.visit(id).Quote.ID)
}

func TestSavePage_Stale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft()
	v := w.visit(id)
	if _, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Version: v.Version, Page: request.Answers(page(said{"uti-onset": 3}))}); err != nil {
		t.Fatal(err)
	}
	_, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Version: v.Version, Page: request.Answers(page(said{"uti-onset": 4}))})
	w.refused(err, "stale")
}

func TestStart_FormRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct{ who, form, version, code string }{
		{tom, "uti-women", "", "not_eligible"},
		{rosa, "uti-women", "", "not_eligible"},
		{jane, "invented", "", "unknown_form"},
		{jane, "uti-women", "9.9.9", "unknown_form"},
		{jane, "evisit-common", "", "not_offered"},
	} {
		_, err := w.request.Start(w.ctx, w.as(test.who), test.form, test.version, "")
		w.refused(err, test.code)
	}
}

func TestMessages_Bounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	for _, bad := range []phi.Text{"", phi.Text(make([]byte, 8001))} {
		_, err := w.desk.Ask(w.ctx, w.as(ana), id, bad)
		w.refused(err, "message_length")
	}
	for i := range visit.MessageCap {
		w.replies(id, phi.Text("More "+string(rune('a'+i))))
	}
	_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "Yet more."})
	w.refused(err, "message_limit")
	w.answers(id)
	w.charged(id)
}

func TestAnswer_Incomplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	_, err := w.desk.Answer(w.ctx, w.as(ana), id, visit.Conclusion{Minutes: new(-1)})
	w.refused(err, "answer_incomplete")
	if f, ok := fault.Public(err); !ok || len(f.Problems) != 6 {
		t.Errorf("not all is named: %+v", f)
	}
	w.stands(id, visit.InReview)
}

// The trail names what the patient's side did, whatever it left the visit as.
func TestTrail_NamesWhatPatientsDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cancelled, stopped, owing := w.queued(), w.draft(), w.owing()
	w.cancels(cancelled)
	w.saves(jane, stopped, said{"uti-confused": true})
	w.acknowledges(jane, stopped)
	w.acknowledges(jane, owing)
	w.does("pay link", func() error { _, err := w.request.Pay(w.ctx, w.as(jane), owing); return err })
	filled := []string{"visit.fill:draft", "visit.fill:awaiting_payment"}
	for id, want := range map[string][]string{
		cancelled: {"visit.cancel"}, stopped: {"visit.acknowledge", "visit.fill:diverted"}, owing: {"visit.acknowledge", "visit.pay"},
	} {
		_, trail, err := w.office.Trail(w.ctx, w.as(ada), id)
		if err != nil {
			t.Fatal(err)
		}
		var did []string
		for _, r := range trail {
			if r.Actor.ID == jane && r.Action != "visit.start" && !slices.Contains(filled, r.Action) {
				did = append(did, r.Action)
			}
		}
		if slices.Sort(did); !slices.Equal(did, want) { // records of one moment are in no order
			t.Errorf("the trail has %v, want %v", did, want)
		}
	}
}
