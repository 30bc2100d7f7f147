package clinic_test

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/request"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// An alarm is a request whose answers raise a red flag, and what else is wrong
// with it.
type alarm struct {
	text    phi.Text
	answers intake.Response
	version int    // named by the sender of a page; 0: none
	key     string // used for another request before
}

// An obstacle would have a request refused without its red flag.
type obstacle struct {
	onlyIn visit.Status // the status it is met in; empty: any
	set    func(w *world, id string, a *alarm)
}

var obstacles = map[string]obstacle{
	"Nothing": {set: func(*world, string, *alarm) {}},
	"AnswersWrong": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, page(said{"uti-onset": -1}).Items...)
	}},
	"UnknownLinkID": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, intake.Ask("no-such", intake.Boolean(true)))
	}},
	"QuestionTwice": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, page(said{"uti-onset": 3}).Items[0], page(said{"uti-onset": 4}).Items[0])
	}},
	"FileSent": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, intake.Ask("uti-onset", intake.File(intake.Attachment{ContentType: "image/png", Data: "AAAA"})))
	}},
	"StateMoved": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, page(said{"location-state": "WA"}).Items...)
	}},
	"StateNotServed": {set: func(w *world, _ string, _ *alarm) {
		w.practice(func(p *practice.Practice) { p.States = []string{"NY"} })
	}},
	"AnotherPerson": {set: func(_ *world, _ string, a *alarm) {
		a.answers.Items = append(a.answers.Items, page(said{"completed-by": []string{"caregiver"}}).Items...)
	}},
	"AnotherForm":  {set: func(_ *world, _ string, a *alarm) { a.answers.Questionnaire = "https://example.org/other|1" }},
	"StaleVersion": {set: func(_ *world, _ string, a *alarm) { a.version = 1 }},
	"NoVersion":    {set: func(_ *world, _ string, a *alarm) { a.version = -1 }},
	"BlankText":    {set: func(_ *world, _ string, a *alarm) { a.text = " " }},
	"NoText":       {set: func(_ *world, _ string, a *alarm) { a.text = "" }},
	"LongText":     {set: func(_ *world, _ string, a *alarm) { a.text = phi.Text(strings.Repeat("x", 8001)) }},
	"TextWithZero": {set: func(_ *world, _ string, a *alarm) { a.text = "a\x00b" }},
	"KeyUsed": {set: func(w *world, _ string, a *alarm) {
		a.key = "used"
		if _, err := w.request.Start(w.ctx, w.once(jane, a.key, "another request"), "uti-women", "", ""); err != nil {
			w.Fatalf("start: %v", err)
		}
	}},
	"ConsentReplaced": {set: func(w *world, _ string, _ *alarm) {
		w.practice(func(p *practice.Practice) { p.Consent.Version = "2026-02" })
	}},
	"QuoteExpired":   {onlyIn: visit.Draft, set: func(w *world, _ string, _ *alarm) { w.pass(billing.QuoteLife) }},
	"PageEnded":      {onlyIn: visit.AwaitingPayment, set: func(w *world, _ string, _ *alarm) { w.pass(billing.QuoteLife + time.Hour) }},
	"PaidAndUnheard": {onlyIn: visit.AwaitingPayment, set: func(w *world, id string, _ *alarm) { w.pays(id, stripesim.CardSuccess) }},
	"MessageCap": {onlyIn: visit.InReview, set: func(w *world, id string, _ *alarm) {
		for i := range visit.MessageCap {
			w.replies(id, phi.Text("More "+string(rune('a'+i))))
		}
	}},
	"SameWordsAgain": {onlyIn: visit.InReview, set: func(w *world, id string, a *alarm) { w.replies(id, a.text) }},
	"Late":           {onlyIn: visit.Queued, set: func(w *world, _ string, _ *alarm) { w.pass(25 * time.Hour) }},
}

// everything sets all obstacles that are met in any status.
func everything(w *world, id string, a *alarm) {
	for _, name := range slices.Sorted(maps.Keys(obstacles)) {
		if o := obstacles[name]; o.onlyIn == "" {
			o.set(w, id, a)
		}
	}
}

// A red flag is heard in every status before the answer, whichever way it comes
// and whatever stands beside it: the visit ends, nothing is charged, a payment
// that arrives later is released, the practice is told, and the request sent
// again shows the same instructions. With SHORT=1 one obstacle alone is met by one way.
func TestRedFlag_HeardWhateverElse(t *testing.T) {
	t.Parallel()
	short := os.Getenv("SHORT") != ""
	stages := map[visit.Status]func(w *world) string{
		visit.Draft: (*world).draft, visit.AwaitingPayment: (*world).submitted, visit.Queued: (*world).queued,
		visit.InReview: (*world).taken, visit.AwaitingPatient: func(w *world) string {
			id := w.taken()
			w.asks(id, "Since when?")
			return id
		},
	}
	ways := map[string]func(w *world, id string, a alarm) (visit.Visit, *record.Diversion, error){
		"SavePage": func(w *world, id string, a alarm) (visit.Visit, *record.Diversion, error) {
			s, err := w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Version: a.version, Page: request.Answers(a.answers)})
			return s.Visit, s.Diversion, err
		},
		"Reply": func(w *world, id string, a alarm) (visit.Visit, *record.Diversion, error) {
			c := w.as(jane)
			if a.key != "" {
				c = w.once(jane, a.key, "the alarm")
			}
			return w.request.Reply(w.ctx, c, id, request.Message{Text: a.text, Answers: a.answers})
		},
	}
	for status, stage := range stages {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			each := map[string]obstacle{"Everything": {set: everything}}
			for name, o := range obstacles {
				if o.onlyIn == status || o.onlyIn == "" && status == visit.InReview { // which has an obstacle of every kind
					each[name] = o
				}
			}
			for i, name := range slices.Sorted(maps.Keys(each)) {
				for j, way := range slices.Sorted(maps.Keys(ways)) {
					if short && name != "Everything" && j != i%len(ways) {
						continue
					}
					o, send := each[name], ways[way]
					t.Run(way+"/"+name, func(t *testing.T) {
						t.Parallel()
						w := newWorld(t)
						id := stage(w)
						a := alarm{text: "I am confused.", answers: page(said{"uti-confused": true})}
						o.set(w, id, &a)
						before := w.visit(id).FromPatient
						first, shown, err := send(w, id, a)
						if err != nil {
							t.Fatalf("%v %s", err, causes(err))
						}
						again, shownAgain, err := send(w, id, a)
						if err != nil || again.Version != first.Version || shownAgain == nil || shownAgain.Message != shown.Message {
							t.Errorf("sent again: version %d after %d, %+v, %v", again.Version, first.Version, shownAgain, err)
						}
						if kept := first.FromPatient > before; kept != (way == "Reply" && chart.ValidMessage(a.text)) {
							t.Errorf("the words are kept: %t", kept)
						}
						w.settle()
						w.paysLate(id)
						w.diverted(id, intake.Emergency, shown)
						w.finish()
						w.handled()
					})
				}
			}
		})
	}
}

// paysLate puts a card on the payment page of a visit that was not paid, if it is
// still open.
func (w *world) paysLate(id string) {
	w.Helper()
	v := w.visit(id)
	if len(v.Payments) == 0 || w.latest(id).payment.State != billing.Opened {
		return
	}
	w.pays(id, stripesim.CardSuccess)
	w.settle()
}

// Over the cap a message is refused unless it raises a red flag, and after the
// answer so is every page.
func TestRedFlag_OthersAreRefusedAsBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	for i := range visit.MessageCap {
		w.replies(id, phi.Text("More "+string(rune('a'+i))))
	}
	_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "Yet more.", Answers: page(said{"uti-onset": 3})})
	w.refused(err, "message_limit")
	_, err = w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(page(said{"uti-onset": 3}))})
	w.refused(err, "wrong_status")
	w.answers(id)
	before := w.visit(id)
	_, err = w.request.SavePage(w.ctx, w.as(jane), id, request.Save{Page: request.Answers(page(said{"uti-confused": true}))})
	w.refused(err, "wrong_status")
	_, _, err = w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "I am confused.", Answers: page(said{"uti-confused": true})})
	w.refused(err, "wrong_status")
	if after := w.visit(id); after.Version != before.Version {
		t.Errorf("refused, it is version %d after %d", after.Version, before.Version)
	}
}

// Answers that were stored under rules that did not stop them are stopped when
// their price is asked for or they are sent, before any other refusal.
func TestRedFlag_FoundBeforeSending(t *testing.T) {
	t.Parallel()
	for way, send := range map[string]func(w *world, c clinic.Caller, id string) error{
		"Quote":            func(w *world, c clinic.Caller, id string) error { _, err := w.request.Quote(w.ctx, c, id); return err },
		"Submit":           sendsUnder("", "2026-01"),
		"SubmitNoQuote":    sendsUnder("invented", "2026-01"),
		"SubmitOldConsent": sendsUnder("", "2025-01"),
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.draft()
			w.keeps(id, page(with(urinary, said{"uti-confused": true, "uti-onset": -1, "location-state": "NY"})))
			w.pass(billing.QuoteLife)
			c := w.once(jane, "key", id)
			for range 2 {
				w.refused(send(w, c, id), "diverted")
			}
			w.stands(id, visit.Diverted)
			shown, err := w.charts.Diversion(w.ctx, w.visit(id))
			if err != nil {
				t.Fatal(err)
			}
			w.diverted(id, intake.Emergency, shown)
		})
	}
}

func sendsUnder(quote, consent string) func(w *world, c clinic.Caller, id string) error {
	return func(w *world, c clinic.Caller, id string) error {
		s := request.Submission{Quote: quote, Consent: consent}
		if quote == "" {
			s.Quote = w.visit(id).Quote.ID
		}
		_, err := w.request.Submit(w.ctx, c, id, s)
		return err
	}
}

// keeps stores a draft's answers without any check.
func (w *world) keeps(id string, r intake.Response) {
	w.Helper()
	v := w.visit(id)
	next, sealed, err := w.charts.SealAnswers(w.ctx, v, r)
	if err != nil {
		w.Fatalf("seal: %v", err)
	}
	next.Version++
	w.does("keep", func() error {
		return w.tape.Commit(context.Background(), clinic.Commit{
			Visit: &next, Answers: sealed, Audit: []audit.Record{{ID: "kept-" + id, Practice: v.Practice, At: w.now(), Visit: id, Version: next.Version}},
		})
	})
}
