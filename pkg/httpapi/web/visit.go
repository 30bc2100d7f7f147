package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/session"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

type visitView struct {
	ID, Title  string
	Number     string
	For        phi.Text // the patient, to those who act for them
	Status     string
	Tone       string // how the state looks: calm, wait, good, stop
	Next       []string
	Complaints []complaint
	Steps      []step
	Messages   []message
	Diversion  *diversion
	Answer     *answered
	Answers    []answerRow
	Payments   []payment
	Alone      string // that no health plan is told; empty where the patient does not pay themselves
	Receipt    *link  // where what was paid, or is owed, is printed; nil if nothing was
	Resume     string
	Again      string // where to look whether we have heard of the payment
	CanPay     bool
	SendAgain  bool // an expired request
	CanCancel  bool
	Delete     string // where a draft is deleted; empty if it cannot be
	CanWrite   string // what writing is called; empty if it cannot be done
	Message    field
	CanAck     string // what confirming is called
	Strays     []stray
	Kept       bool // something typed is kept, and not sent
	Back       bool // it is back in its field
	Trail      string

	typed url.Values        // what was written and refused, or is kept
	wrong map[string]string // what is wrong with it, by field
	Phone string
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
	Call       *call // nil if nobody is to call the patient
}

// A call is that somebody calls a diverted patient.
type call struct {
	Number  phi.Text // where; empty while it is not known
	Promise string   // what is promised once it is
	Ask     field    // for the number, or another one
}

// answered is the plan of an answered visit, from its encounter document.
type answered struct {
	By                     string
	Diagnoses              []diagnosis
	NoDiagnosis            phi.Text
	Do, Warnings, FollowUp phi.Text
	Minutes                string // the clinician's own, in words; empty if not stated
	Fee                    string // to what the clinician lowered the fee; empty if not
	FeeReason              phi.Text
}

type diagnosis struct {
	Code    string
	Display phi.Text
}

type answerRow struct {
	Row      string   // 2.1 is the first of a group in the second of another; empty outside
	Of       phi.Text // the answer under which it is asked, if there may be several
	Question string
	Answers  []phi.Text
}

type payment struct {
	Words   string
	Receipt string // number; empty where nothing was collected
	Entries []entry
}

type entry struct{ What, Amount, When string }

// visit shows a patient's side of a request.
func (s *site) visit(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showVisit(w, r, v, visitView{}, "", http.StatusOK)
}

// showVisit shows a patient's side of a request. view has what was written and refused,
// and alert why, if that is not beside its field.
func (s *site) showVisit(w http.ResponseWriter, r *http.Request, v visitor, view visitView, alert string, code int) error {
	id := r.PathValue("id")
	if v.Person.Works() {
		return redirect(w, deskPath(id))
	}
	if view.typed == nil {
		v.Kept = session.UnsentOf(v.Proof, myPath(id))
	}
	shown, err := s.Request.Show(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	v.Caller, v.For, v.otherPatient = shown.Caller, shown.Chart.Contact.Name, nil // the name is read if it is another's
	ch, q := shown.Chart, r.URL.Query()
	view.Answer = answerOf(shown.Answer)
	if err := s.restore(r, v, &view); err != nil {
		return err
	}
	view.fill(v, ch, shown.Money, s.Now())
	paid := q.Get("paid") != ""
	if paid && ch.Visit.Status == visit.AwaitingPayment {
		view.CanPay, view.Again = false, myPath(id)+"?paid=1"
	}
	view.setMessage()
	if len(view.Complaints) == 0 {
		view.Complaints = aboutPage(alert)
	}
	view.setNextSteps(paid, q.Get("left") != "", ch.Visit, billing.FateOf(shown.Money.Payments), v.practice, s.Now())
	if words := unansweredCard(ch.Visit, shown.Money.Wanted(ch.Visit)); words != "" {
		view.Next = append(view.Next, words)
	}
	return s.show(w, &v, page{
		view: "visit", title: errorTitle(view.Title, view.Complaints), data: view, code: code, pays: view.CanPay, leave: ch.Visit.Private(),
		keeps: view.Keeps(), enter: view.enter(),
	})
}

// restore reads what the visitor wrote on the page of a request and did not send, unless
// they sent it now.
func (s *site) restore(r *http.Request, v visitor, view *visitView) error {
	if view.typed != nil {
		view.Kept = view.typed.Get(keptField) != ""
		return nil
	}
	f, err := s.sessions.Unsent(r.Context(), *v.Kept)
	view.typed, view.Kept, view.Back = f.Values, len(f.Values) > 0, len(f.Values) > 0
	return err
}

// text is what was written in a field.
func (view visitView) text(name string) phi.Text { return post{values: view.typed}.text(name) }

// Keeps reports whether the page has something typed to keep, or a field to type in.
func (view visitView) Keeps() bool {
	return view.CanWrite != "" || view.AsksNumber() || len(view.Strays) > 0
}

// AsksNumber reports whether the page has the field for a number to call.
func (view visitView) AsksNumber() bool { return view.Diversion != nil && view.Diversion.Call != nil }

// AckClass is how the button that confirms looks: under instructions, not as the first
// thing to do.
func (view visitView) AckClass() string {
	if view.Diversion != nil {
		return "second"
	}
	return ""
}

func (view visitView) enter() enter {
	if !view.AsksNumber() {
		return enter{}
	}
	return enter{myPath(view.ID) + "/number", "Have this number called"}
}

// myPath is where the patient sees a visit.
func myPath(visit string) string { return "/my/visits/" + url.PathEscape(visit) }

func (view *visitView) fill(v visitor, ch chart.Chart, m books.Money, now time.Time) {
	vis, p := ch.Visit, v.practice
	view.ID, view.Title, view.Number, view.Phone = vis.ID, ch.Form.Title(), vis.Number(), p.Phone
	view.Trail = myPath(vis.ID) + "/trail"
	if v.Person.Patient != vis.Patient {
		view.For = ch.Contact.Name
	}
	view.Status, view.Tone = record.StatusWords(vis.Status), tone(vis.Status)
	view.Steps, view.Messages = steps(vis, p), messages(ch.Messages, v)
	view.Payments, view.Alone = payments(vis, m, p), vis.Quote.Restriction()
	if title := receiptTitle(vis, m.Receipts(vis)); title != "" {
		view.Receipt = &link{Href: receiptPath(vis.ID), Text: title + " to print"}
	}
	if vis.Status != visit.Draft {
		view.Answers = answerRows(ch.Answers)
	}
	if d := ch.Diversion; d != nil {
		view.Diversion = &diversion{Heading: turnTo[d.Disposition], Emergency: d.Disposition == intake.Emergency, Message: d.Message, Phone: d.Phone}
		if to := d.Contact(); to != nil {
			view.setCall(to, ch)
		}
		if !vis.Times.Understood.IsZero() {
			view.Diversion.Understood = p.Local(vis.Times.Understood)
		}
	}
	view.setActions(vis, ch, vis.Can(v.Person, now))
}

// setCall asks for the number to call a diverted patient at, with one that was
// refused.
func (view *visitView) setCall(to *intake.Contact, ch chart.Chart) {
	ask := field{Kind: "text", ID: "number", Name: "number", Label: "Phone number to call you at", Required: true, Values: []phi.Text{view.text("number")}}
	if it, ok := ch.Form.Item(to.Question); ok {
		ask.Hint, ask.Max = hint(it), it.MaxLength
	}
	if ch.Number != "" {
		ask.Label = "Another phone number to call you at"
	}
	if wrong := view.wrong["number"]; wrong != "" {
		ask.Errors = []string{wrong}
	}
	view.Complaints = append(view.Complaints, complaints([]field{ask})...)
	view.Diversion.Call = &call{Number: ch.Number, Promise: to.Promise, Ask: ask}
}

var turnTo = map[intake.Disposition]string{
	intake.Emergency:  "Get help now",
	intake.Urgent:     "You need to be seen in person today",
	intake.Ineligible: "An e-visit is not right for this",
}

// setActions says which buttons the patient's side has.
func (view *visitView) setActions(vis visit.Visit, ch chart.Chart, can []visit.Action) {
	if slices.Contains(can, visit.Fill) {
		view.Resume = resume(vis.ID, ch.Form, ch.Response)
	}
	view.CanPay, view.CanCancel = slices.Contains(can, visit.Pay), slices.Contains(can, visit.Cancel)
	view.SendAgain = slices.Contains(can, visit.SendAgain)
	if slices.Contains(can, visit.Delete) { // nothing was sent that could be cancelled
		view.CanCancel, view.Delete = false, deletePath(vis.ID)
	}
	if slices.Contains(can, visit.Reply) {
		view.CanWrite = "Add information"
		if vis.Status == visit.AwaitingPatient {
			view.CanWrite = "Send your reply"
		}
	}
	if slices.Contains(can, visit.Acknowledge) {
		view.CanAck = "I have read this answer"
		if vis.Status == visit.Diverted {
			view.CanAck = "I have read this and know where to turn"
		}
	}
}

// messagePlaces is where the clinic says that a problem with a message is.
var messagePlaces = map[string]string{"/text": "text", "/number": "number"}

// setMessage draws the field of a message, with what was written, and lists what was
// written in a field that is no longer there.
func (view *visitView) setMessage() {
	if text := view.text("number"); text != "" && !view.AsksNumber() {
		view.Strays = append(view.Strays, stray{"number", "Number to call", text})
	}
	if view.CanWrite == "" {
		if text := view.text("text"); text != "" {
			view.Strays = append(view.Strays, stray{"text", "Your message", text})
		}
		return
	}
	view.Message = field{
		Kind: "area", ID: "text", Name: "text", Label: "Your message", Required: true, Values: []phi.Text{view.text("text")},
		Help: []string{"It costs nothing extra and goes to the one who answers this request."},
	}
	if wrong := view.wrong["text"]; wrong != "" {
		view.Message.Errors = []string{wrong}
	}
	view.Complaints = append(view.Complaints, complaints([]field{view.Message})...)
}

func tone(s visit.Status) string {
	switch s {
	case visit.Draft, visit.AwaitingPayment, visit.AwaitingPatient:
		return "wait"
	case visit.Answered, visit.Closed:
		return "good"
	case visit.Diverted, visit.Redirected:
		return "stop"
	case visit.Queued, visit.InReview, visit.Cancelled, visit.Declined, visit.Expired, visit.Deleted:
	}
	return "calm"
}

// setNextSteps says what happens next. A payment may be made before Stripe
// reports it. fate is of the money, for a visit that ended without an answer.
func (view *visitView) setNextSteps(paid, left bool, v visit.Visit, fate billing.Fate, p practice.Practice, now time.Time) {
	say := func(format string, args ...any) { view.Next = append(view.Next, fmt.Sprintf(format, args...)) }
	by := p.Local(v.Promise.By)
	switch v.Status {
	case visit.Draft:
		if len(v.Payments) > 0 {
			say("The payment page closed before it was paid. To send your request again, continue the form: check your answers, and accept the price.")
		}
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
		say("%s", sentenceLate(v, now, "Your request was received. You will be answered by "+by))
		say("If your condition gets worse, do not wait for the answer: call us, or 911 in an emergency.")
	case visit.InReview:
		say("%s", sentenceLate(v, now, v.Holder.Display+" is reading your request. You will be answered by "+by))
	case visit.AwaitingPatient:
		asks := v.Holder.Display + " has a question for you"
		if v.Times.Taken.IsZero() || v.Times.Taken.After(v.Times.Asked) { // a colleague of theirs asked
			asks = "There is a question for you"
		}
		say("%s. Your request waits until you reply; the time does not count.", asks)
	case visit.Answered:
		say("%s has answered. Please read the answer and the warning signs, and confirm that you have read them.", v.Holder.Display)
		say("If you do nothing, the request closes by itself after seven days.")
	case visit.Closed:
		say("This request is closed. If your condition changes, call us or send a new request.")
	case visit.Diverted:
		if fate == billing.NeverCharged {
			say("You have not been charged, and you will not be.")
		} else {
			say("%s", fate.Text())
		}
	case visit.Cancelled:
		say("%s %s", v.Reason.ForPatient(), fate.Text())
	case visit.Declined:
		say("%s declined this request. %s The message below says more.", v.Holder.Display, v.Reason.ForPatient())
		say("%s", fate.Text())
	case visit.Redirected:
		say("%s asks you to be seen in person. %s The message below says where.", v.Holder.Display, v.Reason.ForPatient())
		say("%s", fate.Text())
	case visit.Deleted:
		say("You deleted this request before it was sent. Its answers are gone, and nothing was charged.")
	case visit.Expired:
		say("%s %s You may call us, or send it again.", v.Reason.ForPatient(), fate.Text())
	}
	if v.Owed {
		say("Your payment for this answer did not go through. Please pay the fee below; the answer is yours either way.")
	}
}

// unansweredCard says what becomes of the card of a payment before its answer, beside what every patient is told: that it was charged
// by hand at Stripe, or what the patient agreed to.
func unansweredCard(v visit.Visit, p billing.Payment) string {
	switch {
	case !v.Status.AwaitsAnswer():
	case p.Collected > 0:
		return "The practice has charged your card before you were answered. If your request ends without an answer, all of it is refunded."
	case v.Card == visit.CardAgreed:
		return "If the hold on your card runs out before you are answered, the card is held or charged again, no more than " + v.Quote.Amount.String() +
			", as you agreed; it is charged only once you are answered."
	case v.Card == visit.CardRefused:
		return "Your card could not be held again. If its hold has run out when you are answered, you are sent a link to pay the fee."
	}
	return ""
}

func sentenceLate(v visit.Visit, now time.Time, s string) string {
	if v.Late(now) {
		return "We are sorry: your answer takes longer than promised. You may wait, call us, or cancel at no cost."
	}
	return sentence(s)
}

func steps(v visit.Visit, p practice.Practice) []step {
	var all []step
	for _, s := range v.Timeline() {
		all = append(all, step{record.StepWords(s.Kind, v), p.Local(s.At), s.At.Format(time.RFC3339)})
	}
	return all
}

var messageKinds = map[record.MessageKind]string{
	record.Ask: "Question", record.Info: "Message", record.Reply: "Answer", record.Notice: "Notice", record.Number: "Number to call",
}

func messages(said []record.Message, v visitor) []message {
	var all []message
	for _, m := range said {
		out := message{Who: m.Name, When: v.practice.Local(m.At), Machine: m.At.Format(time.RFC3339), Kind: messageKinds[m.Kind], Text: m.Text}
		switch {
		case m.From == v.Person.ID:
			out.Who = "You"
		case out.Who == "":
			out.Who = "The patient's side"
		}
		if !m.ReadAt.IsZero() && m.Kind != record.Info {
			out.Read = v.practice.Local(m.ReadAt)
		}
		all = append(all, out)
	}
	return all
}

func payments(v visit.Visit, m books.Money, p practice.Practice) []payment {
	var all []payment
	for _, pay := range m.Payments {
		out := payment{Words: paymentWords(pay)}
		if pay.Collected > 0 {
			out.Receipt = v.Receipt(pay.ID)
		}
		if pay.State == billing.Opened && pay.CardOf == "" && !v.WantsPayment(pay.ID) {
			out.Words = "The payment page was not paid; nothing was charged"
		}
		if !v.Times.Answered.IsZero() && pay.ID == v.Payment {
			out.Words = answeredWords(v, pay)
		}
		for _, e := range m.Entries {
			if words := entryWords(string(e.Kind)); e.Payment == pay.ID && words != "" {
				if e.Reason != "" {
					words += ": " + billing.RefundReason(e.Reason).Text()
				}
				out.Entries = append(out.Entries, entry{words, e.Amount().String(), p.Local(e.At)})
			}
		}
		all = append(all, out)
	}
	return all
}

// answeredWords says what became of the payment that an answered visit wants, or wanted
// until its fee was waived.
func answeredWords(v visit.Visit, p billing.Payment) string {
	switch {
	case p.State == billing.Held && v.Waived():
		return p.Held.String() + " held on your card; it is being released, for your answer costs nothing"
	case p.State == billing.Held && v.Reduced > 0:
		return p.Held.String() + " held on your card; " + v.Fee().String() + " of it is being charged now, for your answer, and the rest released"
	case p.State == billing.Held:
		return p.Held.String() + " held on your card; it is being charged now, for your answer"
	case v.ChargesCard(p):
		return "The hold on your card expired; " + v.Fee().String() + " is being charged to it now, for your answer, as you agreed"
	case p.Excess(v.Keeps(p.ID)) > 0:
		return paymentWords(p) + "; " + p.Excess(v.Keeps(p.ID)).String() + " of it is being refunded, for your answer costs " + v.Fee().String()
	case p.State == billing.Captured && v.Reduced > 0:
		return paymentWords(p) + "; you were quoted " + v.Quote.Amount.String()
	}
	return paymentWords(p)
}

// entryWords says what an entry of the books is to the patient; empty for what is the
// practice's alone.
func entryWords(kind string) string {
	switch kind {
	case "hold":
		return "Held on your card"
	case "capture", "charge", "membership_fee":
		return "Charged"
	case "release":
		return "Released"
	case "refund":
		return "Refunded"
	case "refund_failed":
		return "Refund did not go through"
	case "dispute_taken":
		return "Taken back by your bank"
	case "dispute_fee", "dispute_fee_returned", "stripe_fee", "stripe_fee_returned", "platform_fee", "platform_fee_returned":
		return ""
	case "dispute_returned":
		return "Returned by your bank, which decided that the charge stands"
	}
	return kind
}

func answerRows(qas []record.QA) []answerRow {
	var all []answerRow
	for _, q := range qas {
		all = append(all, answerRow{q.Rows(), q.Of, q.Question, q.Answers})
	}
	return all
}

// answerOf is what the page shows of an answer; nil before there is one.
func answerOf(given *record.Answer) *answered {
	if given == nil {
		return nil
	}
	c := given.Conclusion
	a := &answered{
		By: given.By.Display, NoDiagnosis: c.NoDiagnosis, Minutes: minutesWords(c.Minutes),
		Do: c.Plan.Do, Warnings: c.Plan.Warnings, FollowUp: c.Plan.FollowUp,
	}
	if c.Fee != nil {
		a.Fee, a.FeeReason = c.Fee.String(), c.FeeReason
	}
	for _, d := range c.Diagnoses {
		a.Diagnoses = append(a.Diagnoses, diagnosis(d))
	}
	return a
}
