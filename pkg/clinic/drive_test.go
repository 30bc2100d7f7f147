package clinic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// Some of the cast.
const (
	jane  = "jane-smith"
	tom   = "tom-okafor"
	rosa  = "rosa-diaz"
	elena = "elena-diaz" // Rosa's caregiver, for a year
	ana   = "ana-rivera" // licensed in OR and WA
	ben   = "ben-chen"   // licensed in OR
	nora  = "nora-patel"
	sam   = "sam-lee"
	ada   = "ada-brooks"
	hana  = "hana-kim" // of the other practice, as is Omar
	omar  = "omar-haddad"
)

// as is a caller with the token of one of the cast.
func (w *world) as(id string) clinic.Caller {
	return clinic.Caller{Proof: clinic.Proof{Issuer: issuer, Subject: strings.TrimPrefix(id, "operator.")}, Strong: true, IP: "192.0.2.7", UserAgent: "test"}
}

// once is a caller whose request may be sent again.
func (w *world) once(id, key string, input any) clinic.Caller {
	w.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		w.Fatalf("input: %v", err)
	}
	c := w.as(id)
	c.Once = clinic.NewOnce(id, "POST /test", key, b)
	return c
}

type said map[string]any

// page is a response of simple answers: bool, int32 and text as themselves, a
// date as date, codings as a slice of their codes.
func page(answers said) intake.Response {
	var r intake.Response
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		e := intake.Ask(id)
		switch a := answers[id].(type) {
		case bool:
			e = intake.Ask(id, intake.Boolean(a))
		case int:
			e = intake.Ask(id, intake.Integer(int32(a)))
		case string:
			e = intake.Ask(id, intake.String(a))
		case day:
			e = intake.Ask(id, intake.Date(string(a)))
		case []string:
			for _, code := range a {
				e.Answers = append(e.Answers, intake.Answer{Value: intake.Code(intake.Coding{Code: code})})
			}
		case said:
			e = intake.Row(id, page(a).Items...)
		case nil: // withdrawn
		default:
			panic(fmt.Sprintf("no answer is a %T", a)) // a mistake in a test
		}
		r.Items = append(r.Items, e)
	}
	return r
}

type day string

func with(base, more said) said {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}

// aboutYou answers the block that every form begins with.
var aboutYou = said{
	"emergency-ack": true, "completed-by": []string{"self"}, "location-state": []string{"OR"}, "language": []string{"en"},
	"callback-phone": "+1 503 555 0177", "seen-7d": false, "surgery-90d": false, "accident": false, "pregnant": []string{"no"},
	"allergies": said{"allergy-none": true}, "conditions": []string{"none"}, "medications": "none", "payment-route": []string{"self-pay"},
}

// urinary answers all of uti-women for a simple case.
var urinary = with(aboutYou, said{
	"uti-onset": 2, "uti-sx": []string{"burning", "frequency"}, "uti-count": 1,
	"uti-fever": false, "uti-flank": false, "uti-vomit": false, "uti-confused": false, "uti-retention": false,
	"uti-discharge": false, "uti-sti": false, "uti-catheter": false, "uti-kidney": false, "uti-abx": false,
})

// records answers all of admin-request.
var records = with(aboutYou, said{
	"adm-type": []string{"records"}, "adm-symptoms": false, "adm-due": day("2026-04-01"), "adm-deliver": []string{"portal"},
})

var cystitis = visit.Conclusion{
	Reply:     "This looks like a simple bladder infection.",
	Diagnoses: []visit.Diagnosis{{Code: "N30.00", Display: "Acute cystitis without hematuria"}},
	Plan:      visit.Plan{Do: "Take the tablets for five days.", Warnings: "Fever, back pain or vomiting.", FollowUp: "as needed"},
	Minutes:   new(6),
}

// insist repeats a request until its outcome is known, as a client does.
func (w *world) insist(what string, send func() error) error {
	w.Helper()
	var err error
	for range 8 {
		if err = w.alive(send); !again(err) {
			return err
		}
	}
	w.Fatalf("%s: %v", what, err)
	return err
}

// does is insist for what must succeed.
func (w *world) does(what string, send func() error) {
	w.Helper()
	if err := w.insist(what, send); err != nil {
		w.Fatalf("%s: %v (%v)", what, err, causes(err))
	}
}

func causes(err error) string {
	f, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return fmt.Sprint(f.Code, " ", f.Problems, " ", errors.Unwrap(err))
}

// refused checks that err is a fault of that code.
func (w *world) refused(err error, code string) {
	w.Helper()
	if f, ok := fault.Public(err); !ok || f.Code != code {
		w.Errorf("the answer is %v, want %s", err, code)
	}
}

// chart shows someone a visit's chart.
func (w *world) chart(who, id string) (chart.Chart, error) {
	_, c, err := w.charts.ReadChart(w.ctx, w.as(who), id)
	return c, err
}

func (w *world) visit(id string) visit.Visit {
	w.Helper()
	v, err := w.tape.Visit(w.ctx, id)
	if err != nil {
		w.Fatalf("visit %s: %v", id, err)
	}
	return v
}

// stands checks a visit's status.
func (w *world) stands(id string, want visit.Status) visit.Visit {
	w.Helper()
	v := w.visit(id)
	if v.Status != want {
		w.Fatalf("visit is %s (%s), want %s", v.Status, v.Reason, want)
	}
	return v
}

func (w *world) starts(who, form, patient string) string {
	w.Helper()
	c := w.once(who, w.request.Kernel.NewID(), form)
	var v visit.Visit
	w.does("start", func() (err error) {
		v, err = w.request.Start(w.ctx, c, form, "", patient)
		return err
	})
	return v.ID
}

func (w *world) saves(who, id string, answers said) request.Saved {
	w.Helper()
	var s request.Saved
	w.does("save", func() (err error) {
		s, err = w.request.SavePage(w.ctx, w.as(who), id, request.Save{Page: request.Answers(page(answers))})
		return err
	})
	return s
}

func (w *world) prices(who, id string) request.Offer {
	w.Helper()
	var o request.Offer
	w.does("quote", func() (err error) {
		o, err = w.request.Quote(w.ctx, w.as(who), id)
		return err
	})
	return o
}

// submits sends a request, beside another one if that is underway.
func (w *world) submits(who, id, quote string) request.Sent {
	w.Helper()
	return w.submitsWith(who, id, quote, "")
}

// submitsWith is submits by a patient who agrees to words about charging the card later; empty: to
// none.
func (w *world) submitsWith(who, id, quote, later string) request.Sent {
	w.Helper()
	var s request.Sent
	w.does("submit", func() (err error) {
		other, err := w.request.UnderwayBeside(w.ctx, w.as(who), w.visit(id))
		if err != nil {
			return err
		}
		s, err = w.request.Submit(w.ctx, w.as(who), id, request.Submission{Quote: quote, Consent: "2026-01", Language: "en", Beside: other.ID, Later: later})
		return err
	})
	return s
}

// draft is a visit of Jane's with every question answered.
func (w *world) draft() string {
	w.Helper()
	id := w.starts(jane, "uti-women", "")
	w.saves(jane, id, urinary)
	return id
}

// submitted is a visit whose payment page is open.
func (w *world) submitted() string {
	w.Helper()
	id := w.draft()
	s := w.submits(jane, id, w.prices(jane, id).Quote.ID)
	if s.Page == "" {
		w.Fatalf("nowhere to pay: %+v", s.Visit)
	}
	return id
}

// queued is a visit whose card is held.
func (w *world) queued() string {
	w.Helper()
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.stands(id, visit.Queued)
	return id
}

// taken is a visit that Ana has taken.
func (w *world) taken() string {
	w.Helper()
	id := w.queued()
	w.takes(ana, id)
	return id
}

// answered is a visit answered by Ana and charged.
func (w *world) answered() string {
	w.Helper()
	id := w.taken()
	w.answers(id)
	w.drain()
	return id
}

// session is the latest payment's page at Stripe.
func (w *world) session(id string) string {
	w.Helper()
	v := w.visit(id)
	p, err := w.tape.Payment(w.ctx, v.Payments[len(v.Payments)-1])
	if err != nil {
		w.Fatalf("payment of %s: %v", id, err)
	}
	return p.Session
}

// pays puts a card on the visit's page, and confirms it if the bank asks.
func (w *world) pays(id, card string) stripesim.Payment {
	w.Helper()
	p, err := w.try(w.session(id), card)
	if err != nil {
		w.Fatalf("paying with %s: %v", card, err)
	}
	return p
}

func (w *world) try(session, card string) (stripesim.Payment, error) {
	yes := true
	if card != stripesim.CardAuthenticate {
		return w.sim.Pay(w.ctx, session, card, nil)
	}
	return w.sim.Pay(w.ctx, session, card, &yes)
}

func (w *world) takes(who, id string) {
	w.Helper()
	w.does("take", func() error { _, err := w.desk.Take(w.ctx, w.as(who), id); return err })
}

func (w *world) asks(id string, text phi.Text) {
	w.Helper()
	w.does("ask", func() error { _, err := w.desk.Ask(w.ctx, w.as(ana), id, text); return err })
}

func (w *world) replies(id string, text phi.Text) {
	w.Helper()
	w.does("reply", func() error {
		_, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: text})
		return err
	})
}

func (w *world) answers(id string) {
	w.Helper()
	w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(ana), id, cystitis); return err })
}

func (w *world) acknowledges(who, id string) {
	w.Helper()
	w.does("acknowledge", func() error { _, err := w.request.Acknowledge(w.ctx, w.as(who), id); return err })
}

func (w *world) deletes(id string) {
	w.Helper()
	w.does("delete", func() error { _, err := w.request.Delete(w.ctx, w.as(jane), id); return err })
}

func (w *world) cancels(id string) {
	w.Helper()
	w.does("cancel", func() error { _, err := w.request.Cancel(w.ctx, w.as(jane), id); return err })
}

// person is one of the cast, to be changed.
func person(id string) identity.Person {
	for _, m := range seed.Cast(start) {
		if m.Person.ID == id {
			return m.Person
		}
	}
	panic("nobody is " + id) // a mistake in a test
}

// becomes replaces what the practice knows of a person, and of their grants.
func (w *world) becomes(p identity.Person) {
	w.Helper()
	w.does("register", func() error {
		return w.registrar.AddPerson(w.ctx, clinic.Proof{Issuer: issuer, Subject: p.ID}, p)
	})
}

// licenses renews those of the clinicians, which the clock may have run past.
func (w *world) licenses() {
	w.Helper()
	for _, c := range seed.Cast(w.now()) {
		if c.Person.ID == ana || c.Person.ID == ben {
			w.becomes(c.Person)
		}
	}
}

// practice changes the settings of Jane's practice, and lets every function
// forget what it remembers of them.
func (w *world) practice(change func(*practice.Practice)) {
	w.Helper()
	p, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil {
		w.Fatalf("practice: %v", err)
	}
	change(&p)
	w.does("register", func() error { return w.registrar.AddPractice(w.ctx, p, nil) })
	for _, k := range w.kernels {
		k.ForgetPractice(p.ID)
	}
}
