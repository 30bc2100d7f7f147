package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

type visitView struct {
	ID, Title string
	For       phi.Text // the patient, for whoever acts for them
	Status    string
	Tone      string // how the state looks: calm, wait, good, stop
	Next      []string
	Alert     string
	Steps     []step
	Messages  []message
	Diversion *diversion
	Answer    *answered
	Answers   []answerRow
	Payments  []payment
	Resume    string
	Again     string // where to look whether we have heard of the payment
	CanPay    bool
	CanCancel bool
	CanWrite  string // what writing is called; empty if it cannot be done
	CanAck    string // what confirming is called
	Typed     phi.Text
	Trail     string
	Phone     string
}

type step struct{ What, When, Machine string }

type message struct {
	Who, When, Machine, Read string
	Kind                     string
	Text                     phi.Text
}

type diversion struct {
	Heading    string
	Emergency  bool
	Message    phi.Text
	Phone      string
	Understood string
}

// An answered visit shows the plan that the answer's record holds.
type answered struct {
	By                     string
	Diagnoses              []diagnosis
	NoDiagnosis            phi.Text
	Do, Warnings, FollowUp phi.Text
	Minutes                int
}

type diagnosis struct {
	Code    string
	Display phi.Text
}

type answerRow struct {
	Row      int
	Question string
	Answers  []phi.Text
}

type payment struct {
	ID, Words string
	Entries   []entry
}

type entry struct{ What, Amount, When string }

// visit shows a patient's side of a request.
func (s *site) visit(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showVisit(w, r, v, visitView{}, http.StatusOK)
}

func (s *site) showVisit(w http.ResponseWriter, r *http.Request, v visitor, view visitView, code int) error {
	id := r.PathValue("id")
	vis, err := s.Clinic.Visit(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	if !v.Person.ActsFor(vis.Patient, s.Now()) {
		return see(w, "/desk/visits/"+id)
	}
	ch, err := s.Clinic.Chart(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	m, err := s.Clinic.Money(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	if view.Answer, err = s.given(r, v, ch.Visit); err != nil {
		return err
	}
	q := r.URL.Query()
	view.fill(v, ch, m)
	paid := q.Get("paid") != ""
	if paid && ch.Visit.Status == visit.AwaitingPayment {
		view.CanPay, view.Again = false, "/my/visits/"+id+"?paid=1"
	}
	view.told(paid, q.Get("left") != "", ch.Visit, v.practice)
	return s.show(w, &v, page{view: "visit", title: view.Title, data: view, code: code, pays: view.CanPay})
}

func (view *visitView) fill(v visitor, ch clinic.Chart, m clinic.Money) {
	vis, p := ch.Visit, v.practice
	view.ID, view.Title, view.Phone = vis.ID, ch.Form.Title(), p.Phone
	view.Trail = "/my/visits/" + vis.ID + "/trail"
	if v.Person.Patient != vis.Patient {
		view.For = ch.Contact.Name
	}
	view.Status, view.Tone = statusWords(vis.Status), tone(vis.Status)
	view.Steps, view.Messages = steps(vis, p), messages(ch.Messages, v)
	view.Payments = payments(m, p)
	if vis.Status != visit.Draft {
		view.Answers = inWords(ch.Answers)
	}
	if d := ch.Diversion; d != nil {
		view.Diversion = &diversion{Heading: turnTo[d.Disposition], Emergency: d.Disposition == intake.Emergency, Message: d.Message, Phone: d.Phone}
		if !vis.Times.Understood.IsZero() {
			view.Diversion.Understood = p.Local(vis.Times.Understood)
		}
	}
	view.may(vis, ch, m)
}

var turnTo = map[intake.Disposition]string{
	intake.Emergency:  "Get help now",
	intake.Urgent:     "You need to be seen in person today",
	intake.Ineligible: "An e-visit is not right for this",
}

// may says which buttons the patient's side has.
func (view *visitView) may(vis visit.Visit, ch clinic.Chart, m clinic.Money) {
	switch vis.Status {
	case visit.Draft:
		view.Resume, view.CanCancel = formPath(vis.ID, resume(ch.Form, ch.Response)), true
	case visit.AwaitingPayment:
		view.CanPay, view.CanCancel = true, true
	case visit.Queued, visit.InReview:
		view.CanWrite, view.CanCancel = "Add information", true
	case visit.AwaitingPatient:
		view.CanWrite, view.CanCancel = "Send your reply", true
	case visit.Answered:
		view.CanAck = "I have read this answer"
	case visit.Diverted:
		if vis.Times.Understood.IsZero() {
			view.CanAck = "I have read this and know where to turn"
		}
	case visit.Closed, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired:
	}
	if !vis.Times.Answered.IsZero() && len(m.Payments) > 0 {
		switch m.Payments[len(m.Payments)-1].State {
		case billing.Failed, billing.Lapsed, billing.Abandoned:
			view.CanPay = true
		case billing.Opened:
			view.CanPay = m.Payments[len(m.Payments)-1].AtOnce
		case billing.Held, billing.Captured, billing.Refunded, billing.Disputed, billing.Released:
		}
	}
}

func tone(s visit.Status) string {
	switch s {
	case visit.Draft, visit.AwaitingPayment, visit.AwaitingPatient:
		return "wait"
	case visit.Answered, visit.Closed:
		return "good"
	case visit.Diverted, visit.Redirected:
		return "stop"
	case visit.Queued, visit.InReview, visit.Cancelled, visit.Declined, visit.Expired:
	}
	return "calm"
}

// told says what happens next. A payment may be made before we hear of it.
func (view *visitView) told(paid, left bool, v visit.Visit, p clinic.Practice) {
	say := func(format string, args ...any) { view.Next = append(view.Next, fmt.Sprintf(format, args...)) }
	by := p.Local(v.Promise.By)
	switch v.Status {
	case visit.Draft:
		say("Your request was not sent yet. What you have entered is kept. Nothing is held or charged.")
	case visit.AwaitingPayment:
		switch {
		case paid:
			say("Thank you. We have not yet heard from the payment service that your card is held; this usually takes a few seconds. You need not pay again.")
		case left:
			say("You left the payment page, so your request was not sent. Nothing was charged. What you entered is kept.")
		default:
			say("Your request is sent as soon as your card is held. Nothing is charged before you are answered.")
		}
		if !paid {
			say("The payment page closes %s. After that you can send your request again.", p.Local(v.CheckoutEnds))
		}
	case visit.Queued:
		say("%s", sentenceLate(v, "Your request was received. You will be answered by "+by))
		say("If your condition gets worse, do not wait for the answer: call us, or 911 in an emergency.")
	case visit.InReview:
		say("%s", sentenceLate(v, v.Holder.Display+" is reading your request. You will be answered by "+by))
	case visit.AwaitingPatient:
		say("%s has a question for you. Your request waits until you reply; the time does not count.", v.Holder.Display)
	case visit.Answered:
		say("%s has answered. Please read the answer and the warning signs, and confirm that you have read them.", v.Holder.Display)
		say("If you do nothing, the request closes by itself after seven days.")
	case visit.Closed:
		say("This request is closed. If your condition changes, call us or send a new request.")
	case visit.Diverted:
		say("You have not been charged, and you will not be.")
	case visit.Cancelled:
		say("You cancelled this request. Nothing is charged; a hold on your card is let go.")
	case visit.Declined:
		say("%s declined this request; the message below says why. Nothing is charged.", v.Holder.Display)
	case visit.Redirected:
		say("%s asks you to be seen in person; the message below says where. Nothing is charged.", v.Holder.Display)
	case visit.Expired:
		view.Next = append(view.Next, expiry(v.Reason)+" Nothing is charged; a hold on your card is let go. Please call us, or send a new request.")
	}
	if view.CanPay && !v.Times.Answered.IsZero() {
		say("Your card could not be charged for this answer. Please pay the fee below; the answer is yours either way.")
	}
}

func sentenceLate(v visit.Visit, s string) string {
	if v.Promise.Told {
		return "We are sorry: your answer takes longer than promised. You may wait, call us, or cancel without charge."
	}
	return sentence(s)
}

func expiry(reason string) string {
	switch reason {
	case "no_reply":
		return "We had a question and did not hear from you, so this request ended without an answer."
	case "hold_lost":
		return "The hold on your card ended before the answer, so this request ended."
	}
	return "Nobody could answer your request in time. We are sorry."
}

func steps(v visit.Visit, p clinic.Practice) []step {
	var all []step
	add := func(what string, at time.Time) {
		if !at.IsZero() {
			all = append(all, step{what, p.Local(at), at.Format(time.RFC3339)})
		}
	}
	add("Started", v.Times.Started)
	add("Fee and terms accepted", v.Times.Submitted)
	add("Received", v.Times.Queued)
	add("Taken by "+v.Holder.Display, v.Times.Taken)
	add("Question asked", v.Times.Asked)
	add("Answered", v.Times.Answered)
	if v.Document != "" {
		add("Answer read", v.ReadAt(v.Messages))
	}
	if v.Status.Over() {
		add(statusWords(v.Status), v.Times.Ended)
	}
	return all
}

var messageKinds = map[clinic.MessageKind]string{
	clinic.Ask: "Question", clinic.Info: "Message", clinic.Reply: "Answer", clinic.Notice: "Notice",
}

func messages(said []clinic.Said, v visitor) []message {
	var all []message
	for _, m := range said {
		out := message{Who: m.Name, When: v.practice.Local(m.At), Machine: m.At.Format(time.RFC3339), Kind: messageKinds[m.Kind], Text: m.Text}
		switch {
		case m.From == v.Person.ID:
			out.Who = "You"
		case out.Who == "":
			out.Who = "The patient's side"
		}
		if !m.ReadAt.IsZero() && m.Kind != clinic.Info {
			out.Read = v.practice.Local(m.ReadAt)
		}
		all = append(all, out)
	}
	return all
}

func payments(m clinic.Money, p clinic.Practice) []payment {
	var all []payment
	for _, pay := range m.Payments {
		out := payment{ID: pay.ID, Words: paymentWords(pay)}
		if pay.State == billing.Held && !m.Visit.Times.Answered.IsZero() {
			out.Words = pay.Held.String() + " held on your card; it is being charged now, for your answer"
		}
		for _, e := range m.Entries {
			if e.Payment == pay.ID && len(e.Postings) > 0 {
				amount := e.Postings[0].Amount
				out.Entries = append(out.Entries, entry{entryWords(string(e.Kind)), max(amount, -amount).String(), p.Local(e.At)})
			}
		}
		all = append(all, out)
	}
	return all
}

func entryWords(kind string) string {
	switch kind {
	case "hold":
		return "Held on your card"
	case "capture", "charge":
		return "Charged"
	case "release":
		return "Let go"
	case "refund":
		return "Given back"
	}
	return kind
}

func inWords(qas []clinic.QA) []answerRow {
	var all []answerRow
	for _, q := range qas {
		all = append(all, answerRow{q.Row, q.Question, q.Answers})
	}
	return all
}

// given reads the record of an answered visit; nil before there is one.
func (s *site) given(r *http.Request, v visitor, vis visit.Visit) (*answered, error) {
	if vis.Document == "" {
		return nil, nil //nolint:nilnil // no answer yet is no error
	}
	raw, _, err := s.Clinic.Document(r.Context(), v.Caller, vis.ID)
	if err != nil {
		return nil, err
	}
	var doc clinic.Document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("reading the document of visit %s failed", vis.ID) // the cause may quote content
	}
	c := doc.Conclusion
	a := &answered{
		By: doc.By.Display, NoDiagnosis: c.NoDiagnosis, Minutes: c.Minutes,
		Do: c.Plan.Do, Warnings: c.Plan.Warnings, FollowUp: c.Plan.FollowUp,
	}
	for _, d := range c.Diagnoses {
		a.Diagnoses = append(a.Diagnoses, diagnosis(d))
	}
	return a, nil
}

type trailView struct {
	Visit, Title string
	Deeds        []act
}

// An act is one deed, or the same one several times in a row.
type act struct {
	When, Machine, Who, What string
	Times                    int
}

// trail lists who saw the request and did what.
func (s *site) trail(w http.ResponseWriter, r *http.Request, v visitor) error {
	vis, err := s.Clinic.Visit(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	records, err := s.Clinic.Trail(r.Context(), v.Caller, vis.ID)
	if err != nil {
		return err
	}
	view := trailView{Visit: vis.ID}
	if view.Title, err = s.title(r, vis); err != nil {
		return err
	}
	for _, rec := range records {
		a := act{v.practice.Local(rec.At), rec.At.Format(time.RFC3339), doer(rec.Actor, v), deed(rec.Action), 1}
		if n := len(view.Deeds); n > 0 && view.Deeds[n-1].Who == a.Who && view.Deeds[n-1].What == a.What {
			view.Deeds[n-1].Times++
			continue
		}
		view.Deeds = append(view.Deeds, a)
	}
	return s.show(w, &v, page{view: "trail", title: "Who has seen this", data: view})
}

func doer(a audit.Actor, v visitor) string {
	switch {
	case a.ID == v.Person.ID:
		return "You"
	case a.Name != "":
		return a.Name + " · " + roleWords(a.Role)
	case a.Role == "system":
		return "The system"
	case a.OnBehalf != "":
		return roleWords(a.Role) + ", for the patient"
	}
	return roleWords(a.Role)
}
