package httpapi

import (
	"encoding/json"
	"time"

	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/request"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

var sendMessage = Endpoint{
	Method: "POST", Path: "/visits/{id}/messages", ID: "sendMessage", Group: "Visits: patient",
	For: "Write to the practice",
	Text: "The patient replies to a question, or adds something, at no extra charge, until the answer is given. A reply " +
		"resumes the promise. `answers` puts earlier answers of the form right; if they raise a red flag the visit ends " +
		"as `diverted`, in any status before the answer and whatever else is wrong with the message, and a hold is " +
		"released: an emergency at once, anything else only with `confirm`; without it nothing is sent and nothing ends, and " +
		"`detail` of the 409 `diversion_unconfirmed` says what would. The same message sent again as the last one is taken as the same.",
	Who: Bearer, Does: identity.WriteToTeam, Once: true, IfMatch: true, Versioned: true,
	In:  patientMessageRequest{},
	Out: repliedVisitReply{}, OutText: "Sent, or diverted.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "response-malformed", When: "the answers are nested deeper than any form"},
		{Code: "denied"},
		{Code: "wrong_status"},
		{Code: "message_limit"},
		{Code: "changed"},
		{Code: "diversion_unconfirmed", When: "nothing was sent, and nothing has ended"},
		{Code: "invalid_request"},
		{Code: "message_length"},
		{Code: "answers_wrong"},
		{Code: "other_form"},
		{Code: "state_moved"},
		{Code: "response-invalid"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*patientMessageRequest)
		more, err := in.corrections()
		if err != nil {
			return Reply{}, err
		}
		v, d, err := a.Request.Reply(r.Context(), r.Caller, r.PathValue("id"), request.Message{
			Text: in.Text, Answers: more, Confirmed: intake.Disposition(in.Confirm),
		})
		if err == nil {
			v, err = a.Kernel.WithReads(r.Context(), v)
		}
		return Reply{ETag: etag(v.Version), Body: repliedVisitReply{a.showVisit(r, v), showDiversion(d)}}, err
	},
}

type patientMessageRequest struct {
	// From 1 to 8,000 characters, not blank. Anything else is refused, unless the
	// answers raise a red flag: that is heard first.
	Text    phi.Text        `json:"text"`
	Answers json.RawMessage `json:"answers" schema:"ref=QuestionnaireResponse"`
	// What the patient has confirmed that the answers end the visit with.
	Confirm string `json:"confirm" validate:"omitempty,oneof=urgent ineligible"`
}

func (in *patientMessageRequest) corrections() (intake.Response, error) {
	if in.Answers == nil {
		return intake.Response{}, nil
	}
	return intake.ParseResponse(in.Answers)
}

// A visit after the patient wrote.
type repliedVisitReply struct {
	visitReply
	Diversion *diversionReply `json:"diversion,omitempty"`
}

var takeVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/take", ID: "takeVisit", Group: "Visits: practice",
	For: "Take a visit",
	Text: "Makes you the one who answers it. Of two who take it at once one wins; the other gets 409 `already_taken` with " +
		"the winner's name. A clinician must be licensed where the patient is. Repeating it succeeds.",
	Who: Bearer, Does: identity.TakeVisit, Once: true, IfMatch: true, Versioned: true,
	Out: visitReply{}, OutText: "Yours.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "not_licensed"},
		{Code: "already_taken"},
		{Code: "wrong_status"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Desk.Take(r.Context(), r.Caller, r.PathValue("id"))
		return a.replyVisit(r, v), err
	},
}

var askPatient = Endpoint{
	Method: "POST", Path: "/visits/{id}/ask", ID: "askPatient", Group: "Visits: practice",
	For: "Ask the patient back",
	Text: "The promise stands still until the patient replies; without a reply the visit expires after five days. The same " +
		"text again, while waiting, is taken as the same question.",
	Who: Bearer, Does: identity.TreatVisit, Once: true, IfMatch: true, Versioned: true,
	In:  textRequest{},
	Out: visitReply{}, OutText: "Asked.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status"},
		{Code: "message_limit"},
		{Code: "changed"},
		{Code: "message_length"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*textRequest)
		v, err := a.Desk.Ask(r.Context(), r.Caller, r.PathValue("id"), in.Text)
		return a.replyVisit(r, v), err
	},
}

type textRequest struct {
	// At most 8,000 characters.
	Text phi.Text `json:"text" validate:"required,max=8000"`
}

var answerVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/answer", ID: "answerVisit", Group: "Visits: practice",
	For: "Give the answer",
	Text: "Sends the reply, writes the encounter document and asks for the card to be charged, all as one: for the quote's amount, its lower " +
		"one for your kind of clinician, or the `fee_cents` that you say, of which 0 releases the hold. The answer " +
		"stands even if the charge then fails. Without the document stored there is no answer: 503 " +
		"`document_not_stored`, repeat it. Repeating it succeeds and sends nothing twice; with " +
		"another reply, plan, diagnosis, fee or other minutes it is refused, and what was answered stands.",
	Who: Bearer, Does: identity.TreatVisit, Once: true, IfMatch: true, Versioned: true,
	In:  conclusionRequest{},
	Out: visitReply{}, OutText: "Answered.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "not_licensed"},
		{Code: "wrong_status"},
		{Code: "changed"},
		{Code: "done_otherwise"},
		{Code: "answer_incomplete", When: "`problems` lists all that is missing"},
		{Code: "invalid_request", When: "the fee is above the quote's for your kind of clinician, or cannot be charged to a card"},
		{Code: "document_not_stored", When: "nothing was sent; repeat it"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*conclusionRequest)
		v, err := a.Desk.Answer(r.Context(), r.Caller, r.PathValue("id"), in.conclusion())
		return a.replyVisit(r, v), err
	},
}

// What an answer must say. Give either diagnoses or `no_diagnosis`.
//
// The visit's own check says all that is missing at once, so nothing is held
// against the schema before it.
type conclusionRequest struct {
	// The answer, to the patient.
	Reply     phi.Text           `json:"reply" schema:"required max=8000"`
	Diagnoses []diagnosisRequest `json:"diagnoses" schema:"max=12"`
	// Why there is no diagnosis.
	NoDiagnosis phi.Text    `json:"no_diagnosis" schema:"max=8000"`
	Plan        planRequest `json:"plan" schema:"required"`
	// The answering clinician's own minutes. Left out, none are stated: it does not
	// mean 0.
	Minutes *int `json:"minutes" schema:"min=0 max=600"`
	// What the answer is to cost, if less than the quote has for your kind of clinician: 0,
	// which waives the fee, or at least 50. Left out, the fee is the quote's.
	Fee *int64 `json:"fee_cents" schema:"min=0 max=10000000"`
	// Why the fee is lower, given with it. The patient can read it.
	FeeReason phi.Text `json:"fee_reason" schema:"max=8000"`
}

type diagnosisRequest struct {
	// ICD-10-CM, with its point.
	Code    string   `json:"code" schema:"required pattern=^[A-TV-Z][0-9][0-9AB](\\.[0-9A-Z]{1,4})?$"`
	Display phi.Text `json:"display"`
}

// What comes next, for the patient.
type planRequest struct {
	// What to do.
	Do phi.Text `json:"do" schema:"required max=8000"`
	// What calls for care at once.
	Warnings phi.Text `json:"warning_signs" schema:"required max=8000"`
	// When to be seen: a date, or "as needed".
	FollowUp phi.Text `json:"follow_up" schema:"required max=8000"`
}

func (in *conclusionRequest) conclusion() visit.Conclusion {
	out := visit.Conclusion{
		Reply: in.Reply, NoDiagnosis: in.NoDiagnosis, Plan: visit.Plan(in.Plan), Minutes: in.Minutes,
		Fee: (*money.Cents)(in.Fee), FeeReason: in.FeeReason,
	}
	for _, d := range in.Diagnoses {
		out.Diagnoses = append(out.Diagnoses, visit.Diagnosis(d))
	}
	return out
}

var declineVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/decline", ID: "declineVisit", Group: "Visits: practice",
	For: "Decline a visit",
	Text: "Ends a visit you have taken without an answer, for example because it is out of scope. The text tells the " +
		"patient why and where to turn. A hold is released, and what was charged is refunded. Repeating it " +
		"succeeds; with another reason or text it is refused.",
	Who: Bearer, Does: identity.TreatVisit, Once: true, IfMatch: true, Versioned: true,
	In:  turnAwayRequest{},
	Out: visitReply{}, OutText: "Ended.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status"},
		{Code: "done_otherwise"},
		{Code: "changed"},
		{Code: "message_length"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.turnAway(r, visit.Declined)
	},
}

var redirectVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/redirect", ID: "redirectVisit", Group: "Visits: practice",
	For: "Redirect to care in person",
	Text: "Ends a visit you have taken because the patient should be seen in person. The text tells the patient why and " +
		"where to turn. A hold is released, and what was charged is refunded. Repeating it " +
		"succeeds; with another reason or text it is refused.",
	Who: Bearer, Does: identity.TreatVisit, Once: true, IfMatch: true, Versioned: true,
	In:  turnAwayRequest{},
	Out: visitReply{}, OutText: "Ended.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status"},
		{Code: "done_otherwise"},
		{Code: "changed"},
		{Code: "message_length"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.turnAway(r, visit.Redirected)
	},
}

func (a *API) turnAway(r *Request, to visit.Status) (Reply, error) {
	in := r.In.(*turnAwayRequest)
	v, err := a.Desk.TurnAway(r.Context(), r.Caller, r.PathValue("id"), to, visit.Reason(in.Reason), in.Text)
	return a.replyVisit(r, v), err
}

type turnAwayRequest struct {
	// Why, for the practice's figures. The patient is told it in the words of the
	// visit's `reason`; to the desk it says: `needs_exam`: needs an examination.
	// `needs_tests`: needs tests first. `emergency`: needs emergency care.
	// `not_suitable`: not suited to an e-visit. `out_of_scope`: outside what this
	// practice treats. `duplicate`: sent twice. `other`: another reason, told in the
	// message.
	Reason string `json:"reason" validate:"required,oneof=needs_exam needs_tests emergency not_suitable out_of_scope duplicate other"`
	// Why and where to turn, for the patient. At most 8,000 characters.
	Text phi.Text `json:"text" validate:"required,max=8000"`
}

var releaseVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/release", ID: "releaseVisit", Group: "Visits: practice",
	For: "Give a visit back",
	Text: "Gives a visit that you have taken back to its pool, where a colleague may take it. The promised time stands, and so does " +
		"a question that the patient was asked. Repeating it succeeds, until a colleague has taken it.",
	Who: Bearer, Does: identity.ReleaseVisit, Once: true, IfMatch: true, Versioned: true,
	Out: visitReply{}, OutText: "Back in its pool.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "already_taken", When: "a colleague has taken it since"},
		{Code: "wrong_status"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Desk.Release(r.Context(), r.Caller, r.PathValue("id"))
		return a.replyVisit(r, v), err
	},
}

var handOverVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/hand-over", ID: "handOverVisit", Group: "Visits: practice",
	For: "Hand a visit over",
	Text: "Makes a colleague the one who answers a visit that you have taken; `listColleagues` lists who may. The promised time stands. " +
		"The note is for colleagues: it is in the chart that they read, and never shown to the patient's side. A work item tells the " +
		"colleague. Repeating it succeeds; with another note it is refused.",
	Who: Bearer, Does: identity.HandOverVisit, Once: true, IfMatch: true, Versioned: true,
	In:  handOverRequest{},
	Out: visitReply{}, OutText: "Theirs.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "already_taken", When: "a colleague has it by now"},
		{Code: "wrong_status"},
		{Code: "done_otherwise"},
		{Code: "changed"},
		{Code: "colleague_cannot"},
		{Code: "message_length"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*handOverRequest)
		v, err := a.Desk.HandOver(r.Context(), r.Caller, r.PathValue("id"), in.To, in.Text)
		return a.replyVisit(r, v), err
	},
}

type handOverRequest struct {
	// A colleague's id.
	To string `json:"to" validate:"required,max=64"`
	// What the colleague should know. At most 8,000 characters.
	Text phi.Text `json:"text" validate:"required,max=8000"`
}

var takeOverVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/take-over", ID: "takeOverVisit", Group: "Visits: practice",
	For: "Take a visit over",
	Text: "Makes you the one who answers a visit that a colleague has taken, for example because they are absent. You must be one who could " +
		"have taken it. The promised time stands. The reason is for colleagues, as a note is, and a work item tells the one who had it. Of two who take it over at once " +
		"one wins; the other gets 409 `already_taken` with the winner's name. Repeating it succeeds; with another reason it is refused.",
	Who: Bearer, Does: identity.TakeOverVisit, Once: true, IfMatch: true, Versioned: true,
	In:  takeOverRequest{},
	Out: visitReply{}, OutText: "Yours.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "not_licensed"},
		{Code: "not_taken"},
		{Code: "already_taken", When: "it is another colleague's than the one you name"},
		{Code: "wrong_status"},
		{Code: "done_otherwise"},
		{Code: "changed"},
		{Code: "message_length"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*takeOverRequest)
		v, err := a.Desk.TakeOver(r.Context(), r.Caller, r.PathValue("id"), in.From, in.Text)
		return a.replyVisit(r, v), err
	},
}

type takeOverRequest struct {
	// The id of the colleague who has it, as you saw it.
	From string `json:"from" validate:"required,max=64"`
	// Why you take it over. At most 8,000 characters.
	Text phi.Text `json:"text" validate:"required,max=8000"`
}

var listColleagues = Endpoint{
	Method: "GET", Path: "/visits/{id}/colleagues", ID: "listColleagues", Group: "Visits: practice",
	For:  "List who may be handed a visit",
	Text: "The colleagues to whom you may hand over a visit that you have taken: who answers such visits, is licensed where the patient is, and has access.",
	Who:  Known, Does: identity.HandOverVisit,
	Out: colleaguesReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		_, ps, err := a.Desk.Colleagues(r.Context(), r.Caller, r.PathValue("id"))
		out := colleaguesReply{[]holderReply{}}
		for _, p := range ps {
			out.Colleagues = append(out.Colleagues, holderReply{p.ID, p.Display})
		}
		return Reply{Body: out}, err
	},
}

type colleaguesReply struct {
	Colleagues []holderReply `json:"colleagues"`
}

var getChart = Endpoint{
	Method: "GET", Path: "/visits/{id}/chart", ID: "getChart", Group: "Visits: content",
	For: "Read a visit's content",
	Text: "Answers, messages and what the form flags, for the patient's side and for those who may treat. Every call is " +
		"recorded before it is answered, and the patient can list who read. When the patient's side reads it, every " +
		"message so far counts as read.",
	Who: Known, Does: identity.ReadChart, Versioned: true,
	Out: chartReply{}, OutText: "The chart.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		_, ch, err := a.Charts.ReadChart(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		return Reply{ETag: etag(ch.Visit.Version), Body: a.showChart(r, ch)}, nil
	},
}

// All that is known of a visit's content.
type chartReply struct {
	Visit     visitReply         `json:"visit"`
	Contact   contactReply       `json:"contact"`
	Response  intake.Response    `json:"response"`
	Answers   []questionAnswered `json:"answers"`
	Flags     []flagReply        `json:"flags"`
	Derived   []derivedReply     `json:"derived"`
	Messages  []messageReply     `json:"messages"`
	Diversion *diversionReply    `json:"diversion,omitempty"`
	// What colleagues told each other when the visit changed hands, the first first.
	// Absent for the patient's side, who are never shown it.
	Notes []noteReply `json:"notes,omitempty"`
}

// What somebody of the practice wrote for colleagues when a visit changed hands, from who
// had it to who has it from then on. It never changes.
type noteReply struct {
	// 1 for the first.
	Seq int `json:"seq" schema:"min=1"`
	// `hand_over`: the holder gave the visit to a colleague. `take_over`: a colleague
	// took the visit from its holder.
	Kind record.NoteKind `json:"kind"`
	By   holderReply     `json:"by"`
	From holderReply     `json:"from"`
	To   holderReply     `json:"to"`
	// When it was written.
	At   time.Time `json:"at"`
	Text phi.Text  `json:"text"`
}

// Who the patient is.
type contactReply struct {
	Name phi.Text `json:"name"`
	// Absent if it is not known.
	Birth string `json:"birth_date,omitempty" schema:"format=date"`
	// FHIR administrative gender; empty if unknown.
	Sex   string   `json:"sex"`
	Phone phi.Text `json:"phone,omitempty"`
}

// One question and what was answered, in words.
type questionAnswered struct {
	LinkID   string     `json:"link_id"`
	Question string     `json:"question"`
	Answers  []phi.Text `json:"answers"`
	// Of a repeating group, from 1.
	Row int `json:"row,omitempty" schema:"min=1"`
	// In that row, the rows of the repeating groups in each other, from the outside in.
	Within []int `json:"within,omitempty"`
	// The answer under which it is asked, of a question that takes several.
	Of phi.Text `json:"of,omitempty"`
}

// A rule that fired without stopping the patient.
type flagReply struct {
	Rule    string   `json:"rule"`
	Message phi.Text `json:"message"`
	Source  string   `json:"source"`
}

// A value computed across answers for the clinician.
type derivedReply struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// One thing said in a visit. It never changes.
type messageReply struct {
	// 1 for the first.
	Seq int `json:"seq" schema:"min=1"`
	// `ask`: the clinician needs to know more. `info`: the patient replied or
	// added something. `number`: where a diverted patient may be called. `answer`:
	// the answer. `notice`: why it was declined or redirected.
	Kind record.MessageKind `json:"kind"`
	// A person's id.
	From string `json:"from"`
	// Of the practice's people, as displayed.
	Name string `json:"name,omitempty"`
	// When it was sent.
	At   time.Time `json:"at"`
	Text phi.Text  `json:"text"`
	// When the patient's side had read it; absent until then.
	ReadAt *time.Time `json:"read_at,omitempty"`
}

func (a *API) showChart(r *Request, ch chart.Chart) chartReply {
	out := chartReply{
		Visit:    a.showVisit(r, ch.Visit),
		Contact:  contactReply{ch.Contact.Name, showDay(ch.Contact.Birth), ch.Contact.Sex, ch.Contact.Phone},
		Response: ch.Response, Answers: []questionAnswered{}, Flags: []flagReply{}, Derived: []derivedReply{}, Messages: []messageReply{},
		Diversion: showDiversion(ch.Diversion),
	}
	for _, q := range ch.Answers {
		out.Answers = append(out.Answers, questionAnswered(q))
	}
	for _, f := range ch.Flags {
		out.Flags = append(out.Flags, flagReply(f))
	}
	for _, d := range ch.Derived {
		out.Derived = append(out.Derived, derivedReply{d.ID, d.Text})
	}
	for _, m := range ch.Messages {
		out.Messages = append(out.Messages, showMessage(m))
	}
	for _, n := range ch.Notes {
		out.Notes = append(out.Notes, noteReply{
			n.Seq, n.Kind, showHolder(n.By), showHolder(n.From), showHolder(n.To), n.At, n.Text,
		})
	}
	return out
}

func showMessage(m record.Message) messageReply {
	return messageReply{Seq: m.Seq, Kind: m.Kind, From: m.From, Name: m.Name, At: m.At, Text: m.Text, ReadAt: when(m.ReadAt)}
}

var getEncounterDocument = Endpoint{
	Method: "GET", Path: "/visits/{id}/document", ID: "getEncounterDocument", Group: "Visits: content",
	For: "Read the encounter document",
	Text: "The immutable record written with the answer, and, once closed, its addendum with read times and receipts. " +
		"The times that they give the answer and the closing are to the minute; the visit has the instant. " +
		"Before it is sent it is proved to be the bytes whose hash was committed. The call is recorded like a read of " +
		"the chart.",
	Who: Known, Does: identity.ReadChart,
	Out: documentsReply{}, OutText: "The document.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "no_document", When: "not answered yet"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		doc, addendum, err := a.Charts.ReadDocuments(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{Body: documentsReply{doc, addendum}}, err
	},
}

type documentsReply struct {
	Document json.RawMessage `json:"document" schema:"ref=EncounterDocument"`
	Addendum json.RawMessage `json:"addendum,omitempty" schema:"ref=Addendum"`
}
