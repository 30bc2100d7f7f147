package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

type myView struct {
	People []someone
	Forms  []offered
	Within string
	Phone  string // the practice's
	Gone   bool   // a draft was just deleted
}

// someone is a patient the visitor may act for.
type someone struct {
	ID, Called string
	Self       bool
	Visits     []listed
	Older      string // where the rest of the list is
	Patient    identity.Patient
	Underway   map[string]visit.Visit // by form, the last request that awaits its answer
	Standing   string                 // what the practice has to say of it; empty: nothing
	ReadOnly   bool                   // the visitor may start nothing for them
}

// offered is a form, and for whom of the visitor's patients it can be started.
type offered struct {
	Name, Title, Price string
	Buttons            []startButton
	ForAll             bool // what the only button says is so for everybody
}

// A startButton starts a request for one patient, or says why that cannot be done.
type startButton struct {
	For      someone
	WhyNot   string
	Once     string    // makes the same press one request
	Underway *underway // a request on the form that awaits its answer; nil if there is none
}

// An underway is a request that was sent and awaits its answer, as a page warns of it before
// the same is sent again.
type underway struct {
	ID, Href, Number string
	Status, Sent     string
}

// underwayOf is v as p's pages warn of it; nil if v is zero.
func underwayOf(v visit.Visit, p practice.Practice) *underway {
	if v.ID == "" {
		return nil
	}
	return &underway{v.ID, myPath(v.ID), v.Number(), record.StatusWords(v.Status), p.Local(v.Times.Submitted)}
}

type listed struct {
	Href, Title, Status, When, By string
	Late, Yours                   bool // Yours: the patient is waited for
	Holder, State                 string
}

const listLength = 25

func (s *site) mine(w http.ResponseWriter, r *http.Request, v visitor) error {
	offers, err := s.Request.Forms(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	m := myView{Gone: r.URL.Query().Get("deleted") != "", Within: lasting(v.practice.Terms.Answer), Phone: v.practice.Phone}
	people, err := s.actsFor(r, v)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := s.listVisits(r, v, &p); err != nil {
			return err
		}
		if !p.ReadOnly {
			if p.Underway, err = s.Request.UnderwayOf(r.Context(), v.Caller, p.ID); err != nil {
				return err
			}
		}
		m.People = append(m.People, p)
	}
	if len(m.People) == 0 {
		return errNobodyToActFor
	}
	if err := m.offer(offers, v.practice, s.Kernel.NewID()); err != nil {
		return err
	}
	v.otherPatient = nil
	if only := m.People[0]; len(m.People) == 1 && !only.Self {
		v.For = phi.Text(only.Called)
	}
	return s.show(w, &v, page{view: "my", title: "My requests", data: m})
}

var errNobodyToActFor = fault.New(fault.Denied, "nobody_to_act_for", "you have no requests of your own, and nobody has let you act for them")

// offer lists the forms, each with a button or a reason for each of the people.
func (m *myView) offer(offers []request.Offering, at practice.Practice, once string) error {
	for _, o := range offers {
		if o.Form.BillingClass() == "none" {
			continue
		}
		f := offered{Name: o.Form.Name(), Title: o.Form.Title(), Price: priceWords(o)}
		for i, p := range m.People {
			why, err := o.WhyNot(&p.Patient)
			if err != nil {
				return err
			}
			if why == "" && p.ReadOnly {
				why = "You may read what is theirs, and send nothing for them."
			}
			f.Buttons = append(f.Buttons, startButton{
				For: p, WhyNot: why, Once: fmt.Sprintf("%s-%s-%d", once, f.Name, i), Underway: underwayOf(p.Underway[f.Name], at),
			})
			if f.ForAll = o.Refusal() != nil; f.ForAll {
				break
			}
		}
		m.Forms = append(m.Forms, f)
	}
	return nil
}

// actsFor lists whom the visitor may act for now, themselves first.
func (s *site) actsFor(r *http.Request, v visitor) ([]someone, error) {
	wards, err := s.Request.Wards(r.Context(), v.Caller)
	if err != nil {
		return nil, err
	}
	var all []someone
	for _, w := range wards {
		p := someone{ID: w.ID, Called: w.Contact.Name.Reveal(), Patient: w.Patient, Standing: standingWords(w.Standing), ReadOnly: w.ReadOnly}
		if w.ID == v.Person.Patient {
			p.Called, p.Self = "You", true
		}
		all = append(all, p)
	}
	return all, nil
}

// standingWords say to a patient how they stand, where it is not as everybody does.
func standingWords(s identity.Standing) string {
	switch s.State {
	case identity.Warned:
		return "The practice warns you that it may suspend online requests: " + s.Reason.Words() + "."
	case identity.Suspended:
		return "Online requests are suspended: " + s.Reason.Words() + "."
	case identity.Active:
	}
	return ""
}

func (s *site) listVisits(r *http.Request, v visitor, p *someone) error {
	cursor := ""
	if r.URL.Query().Get("of") == p.ID {
		cursor = clipCursor(r.URL.Query().Get("after"))
	}
	vs, next, err := s.Request.ListVisits(r.Context(), v.Caller, p.ID, cursor, listLength)
	if err != nil {
		return err
	}
	if vs, err = s.Kernel.WithAllReads(r.Context(), vs); err != nil {
		return err
	}
	for _, vis := range vs {
		title, err := s.title(r, vis)
		if err != nil {
			return err
		}
		p.Visits = append(p.Visits, listed{
			Href: myPath(vis.ID), Title: title, Status: record.StatusWords(vis.Status), When: v.practice.Local(vis.Times.Started),
			Yours: vis.Status == visit.Draft || vis.Status == visit.AwaitingPayment || vis.Status == visit.AwaitingPatient ||
				vis.Unread(),
		})
	}
	if next != "" {
		p.Older = "/my?" + url.Values{"of": {p.ID}, "after": {next}}.Encode()
	}
	return nil
}

// maxCursor is longer than any cursor the clinic gives out.
const maxCursor = 200

// clipCursor passes on what may be a cursor of ours; anything else starts over.
func clipCursor(s string) string {
	if len(s) > maxCursor {
		return ""
	}
	return s
}

func (s *site) title(r *http.Request, v visit.Visit) (string, error) {
	f, err := s.form(r, v)
	if err != nil {
		return "", err
	}
	return f.Title(), nil
}

// form is the form version that v started with.
func (s *site) form(r *http.Request, v visit.Visit) (*intake.Form, error) {
	return s.Kernel.Form(r.Context(), v.Practice, v.Form.Name, v.Form.Version)
}

// start opens a draft and leads to its first page.
func (s *site) start(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	form, patient := values.Get("form"), values.Get("patient")
	v = v.once("POST /my/visits", values, form+"\n"+patient)
	vis, err := s.Request.Start(r.Context(), v.Caller, form, "", patient)
	if err != nil {
		return err
	}
	return redirect(w, formPath(vis.ID, 1))
}

// sendAgain leads to the first page of the draft with which an expired request is sent
// again, or to what became of it.
func (s *site) sendAgain(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.stepTo(w, r, v, func(id string, _ post) (string, error) {
		next, err := s.Request.Again(r.Context(), v.Caller, id)
		if next.Status == visit.Draft {
			return formPath(next.ID, 1), err
		}
		return myPath(next.ID), err
	})
}

func (s *site) cancel(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.step(w, r, v, func(id string, _ post) error {
		_, err := s.Request.Cancel(r.Context(), v.Caller, id)
		return err
	})
}

func (s *site) acknowledge(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.step(w, r, v, func(id string, _ post) error {
		_, err := s.Request.Acknowledge(r.Context(), v.Caller, id)
		return err
	})
}

// write sends what the patient replies or adds.
func (s *site) write(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.step(w, r, v, func(id string, p post) error {
		_, _, err := s.Request.Reply(r.Context(), v.Caller, id, request.Message{Text: p.text("text")})
		return err
	}, "text")
}

// giveNumber keeps where a diverted patient may be called.
func (s *site) giveNumber(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.step(w, r, v, func(id string, p post) error {
		_, _, err := s.Request.GiveNumber(r.Context(), v.Caller, id, phi.Text(strings.Join(p.texts("number"), " ")))
		return err
	}, "number")
}

// step does what a button on the page of a request is for, with the fields sent. It leads
// back to the request, or shows it again with why nothing was done and what was typed.
func (s *site) step(w http.ResponseWriter, r *http.Request, v visitor, do func(id string, p post) error, sent ...string) error {
	return s.stepTo(w, r, v, func(id string, p post) (string, error) { return myPath(id), do(id, p) }, sent...)
}

// stepTo is a step that leads to the address that do returns.
func (s *site) stepTo(w http.ResponseWriter, r *http.Request, v visitor, do func(id string, p post) (string, error), sent ...string) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	to, err := do(id, post{values: values})
	if err == nil {
		if err = s.keepRest(r, v, myPath(id), values, sent...); err == nil {
			return redirect(w, to)
		}
		return err
	}
	code, text, ok := explain(err)
	if !ok {
		return err
	}
	wrong, _ := mistakes(err, messagePlaces)
	return s.showVisit(w, r, v, visitView{typed: values, wrong: wrong}, text, code)
}
