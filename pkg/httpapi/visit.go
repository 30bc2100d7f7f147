package httpapi

import (
	"net/http"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// One patient's request, as anyone who may see it sees it. No content: answers,
// messages and the document are read from the chart.
type visitReply struct {
	// Opaque.
	ID string `json:"id"`
	// What people call it by; nothing is found by it.
	Number   string  `json:"number"`
	Practice string  `json:"practice"`
	Patient  string  `json:"patient"`
	Form     formRef `json:"form"`
	// Who handles it: clinicians, or the front desk for administrative requests.
	Pool identity.Pool `json:"pool"`
	// Where it stands. `draft`: being filled in. `awaiting_payment`: the payment
	// page is open. `queued`: paid for or free, promised. `in_review`: taken by
	// someone. `awaiting_patient`: the patient was asked back and the promise
	// stands still. `answered`: the answer is there to read. `closed`: read, or a
	// week old. The rest ended without an answer and without a charge: `diverted`
	// by a red flag, `cancelled` by the patient, `declined` or `redirected` to
	// care in person by the clinician, `expired` because nobody answered or the
	// patient never replied, `deleted` by the patient as a draft: its answers are
	// gone, and it is in no list of the patient's.
	Status visit.Status `json:"status"`
	// Why it ended, absent until then and of an answered or deleted visit. In words for the
	// patient, of a diversion: `emergency`: You need emergency care. `urgent`: You
	// need to be seen in person today. `ineligible`: An e-visit is not right for this.
	// `private`: You were shown where to turn. Such a visit is in no list of the
	// patient's: others in their home must find no trace of it.
	// Of a request that was declined or redirected, `emergency` or: `needs_exam`: You
	// need to be examined. `needs_tests`: You need tests first. `not_suitable`: Your
	// problem is not suited to an e-visit. `out_of_scope`: The practice does not treat
	// this. `duplicate`: You sent the same request twice. `other`: The reason is in
	// the message to you. Of one that expired: `unanswered`: Nobody could answer your
	// request in time. We are sorry. `no_reply`: We had a question and did not hear
	// from you in time. `hold_lost`: The hold on your card ended before you were
	// answered. Of one that was cancelled: `by_patient`: You cancelled this request.
	Reason visit.Reason `json:"reason,omitempty"`
	// The US state the patient said they are in; it decides who may answer.
	State string      `json:"state,omitempty"`
	Quote *quoteReply `json:"quote,omitempty"`
	// What the answer costs, once there is one: the quote's amount, or less. Absent before.
	Fee     *int64        `json:"fee_cents,omitempty" schema:"min=0 max=10000000"`
	Promise *promiseReply `json:"promise,omitempty"`
	Holder  *holderReply  `json:"clinician,omitempty"`
	// How many messages were sent, both ways.
	Messages int `json:"messages" schema:"min=0"`
	// The practice wrote something the patient's side has not read. True in the
	// reply to what writes it.
	Unread bool `json:"unread"`
	// SHA-256 of the encounter document, in hex, once answered.
	Document string `json:"document,omitempty" schema:"pattern=^[0-9a-f]{64}$"`
	// Ids of every attempt to pay, oldest first; see the ledger.
	Payments []string `json:"payments"`
	// What happened when. A step that was undone, such as an abandoned
	// submission, is not listed.
	Timeline []stepReply `json:"timeline"`
	// Rises with every change. It is the ETag, in quotes.
	Version int `json:"version" schema:"min=1"`
	// What the caller may do with it now, always present: `fill` the answers, ask
	// for a `quote`, `submit`, `pay` (checkout), `cancel`, `delete`, send it `again`,
	// `reply` (messages), `report` a red flag (answers that raise one, saved or with
	// a message), `acknowledge`; `take`, `ask`, `answer`, `decline`, `redirect`,
	// `release` back to its pool, `hand_over` to a colleague, `take_over` from one. What
	// is not listed is refused, or was done already. What is listed may still be
	// refused for what is sent along, such as answers that are not complete.
	Can []visit.Action `json:"can"`
}

// The form version a visit started with; it keeps that one.
type formRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// A price offered before any charge.
type quoteReply struct {
	ID string `json:"id"`
	// What will be held and, on an answer, charged. Nothing above it ever is.
	Amount int64 `json:"amount_cents" schema:"min=0 max=10000000"`
	// What is charged instead if a clinician of that kind answers, in cents by kind; absent
	// if the amount is the same whoever does, and once that is decided.
	Lower map[coding.Kind]money.Cents `json:"amount_if_cents,omitempty"`
	// The amounts in a sentence to show before it is accepted; absent with those.
	Most     string `json:"at_most,omitempty"`
	Currency string `json:"currency" schema:"const=usd"`
	// `practice_fee`: the practice's posted price. `no_charge`: this kind of
	// request is never charged. `membership`: the patient's yearly membership
	// includes it. `sliding_scale`: the posted price less a part that the practice takes off
	// for the patient. `waiver`: the practice waives it for the patient. `plan_share`: the share
	// that members of the patient's health plan pay, as `plan` has it; the practice bills the plan.
	Basis billing.Basis `json:"basis"`
	// The posted price, and how much of it is taken off; absent without a discount.
	Listed  int64 `json:"list_price_cents,omitempty" schema:"min=50 max=10000000"`
	Percent int   `json:"discount_percent,omitempty" schema:"min=1 max=100"`
	// The discount in a sentence to show before the price is accepted; absent without one.
	Discount string           `json:"discount,omitempty"`
	Plan     *payingPlanReply `json:"plan,omitempty"`
	// What the patient should know about how they said they would pay.
	Caveat string `json:"caveat,omitempty"`
	// The patient pays the amount themselves: once it is paid, no health plan is told about the visit,
	// and no claim is sent. Absent where they do not.
	Restricted bool `json:"restricted,omitempty"`
	// That in a sentence, to show before the price is accepted; absent with it.
	Restriction string `json:"restriction,omitempty"`
	// It may be accepted until then. Changing an answer voids it.
	ExpiresAt time.Time `json:"expires_at"`
}

// What an amount of `plan_share` is reckoned by: what the payer of the patient's health plan allowed
// the practice when the price was offered.
type payingPlanReply struct {
	// The payer's id, and its name.
	Payer string `json:"payer"`
	Name  string `json:"name"`
	// The largest share among the codes that the answer may be billed by: what the plan may leave
	// to the patient in all, if they have met its deductible.
	UpTo int64 `json:"up_to_cents" schema:"min=0 max=10000000"`
	// Nothing is charged for the answer: the practice asks for the share once the payer has said what it is.
	Later bool `json:"later,omitempty"`
	// The codes by which the amount is reckoned: for each family of codes the one for the fewest
	// minutes.
	Terms []allowedReply `json:"terms"`
	// How the amount comes about, and what is open, in sentences to show before the price is accepted.
	Explained string `json:"explained"`
	Estimate  string `json:"estimate"`
}

// What a payer allows for a code.
type allowedReply struct {
	Code string `json:"code"`
	// What plan and patient pay together.
	Allowed int64 `json:"allowed_cents" schema:"min=1 max=10000000"`
	// What of it the patient pays.
	Share int64 `json:"share_cents" schema:"min=0 max=10000000"`
	// The share in percent of what is allowed; absent if it is a fixed amount.
	Percent int `json:"share_percent,omitempty" schema:"min=1 max=100"`
}

func showPlan(p billing.Plan) *payingPlanReply {
	if p.Payer == "" {
		return nil
	}
	out := &payingPlanReply{Payer: p.Payer, Name: p.Name, UpTo: int64(p.UpTo), Later: p.Later, Terms: []allowedReply{}, Explained: p.Explain(), Estimate: p.Estimate()}
	for _, t := range p.Terms {
		out.Terms = append(out.Terms, allowedReply{t.Code, int64(t.Rate), int64(t.Share), t.Percent})
	}
	return out
}

// When the patient was told to expect an answer.
type promiseReply struct {
	// Later than this is late.
	AnswerBy time.Time `json:"answer_by"`
	// Unanswered then, it expires and the hold is released.
	GivesUp time.Time `json:"gives_up_at"`
	// The promised time passed without an answer, while it was waited for or before
	// it came.
	Late bool `json:"late"`
	// Since when the promise stands still, waiting for the patient.
	PausedAt *time.Time `json:"paused_at,omitempty"`
}

// Who has taken a visit.
type holderReply struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// A step of a visit's life.
type stepReply struct {
	// A step, or the status it ended in.
	Step visit.StepKind `json:"step" schema:"enum=started|submitted|queued|taken|asked|answered|read|closed|diverted|cancelled|declined|redirected|expired|deleted"`
	// When.
	At time.Time `json:"at"`
}

func (a *API) showVisit(r *Request, v visit.Visit) visitReply {
	now := a.Kernel.Now()
	out := visitReply{
		ID: v.ID, Number: v.Number(), Practice: v.Practice, Patient: v.Patient, Form: formRef{v.Form.Name, v.Form.Version},
		Pool: v.Pool, Status: v.Status, Reason: v.Reason, State: v.State, Messages: v.Messages,
		Unread: v.Unread(), Document: v.Document,
		Payments: append([]string{}, v.Payments...), Timeline: []stepReply{}, Can: v.Can(r.Caller.Identified(), now), Version: v.Version,
	}
	for _, s := range v.Timeline() {
		out.Timeline = append(out.Timeline, stepReply{s.Kind, s.At})
	}
	if v.Quote.ID != "" {
		q := showQuote(v.Quote)
		out.Quote = &q
	}
	if !v.Times.Answered.IsZero() {
		out.Fee = new(int64(v.Fee()))
	}
	if !v.Promise.By.IsZero() {
		out.Promise = &promiseReply{AnswerBy: v.Promise.By, GivesUp: v.Promise.Ends, Late: v.Late(now)}
		if !v.Promise.Paused.IsZero() {
			out.Promise.PausedAt = &v.Promise.Paused
		}
	}
	if v.Holder.ID != "" {
		holder := showHolder(v.Holder)
		out.Holder = &holder
	}
	return out
}

func showHolder(h visit.Holder) holderReply { return holderReply{h.ID, h.Display} }

func showQuote(q billing.Quote) quoteReply {
	return quoteReply{
		q.ID, int64(q.Amount), q.Lower, q.Most(), "usd", q.Basis, int64(q.Listed), q.Percent, q.Discount(), showPlan(q.Plan), q.Caveat.Text(), q.Restricted, q.Restriction(), q.ExpiresAt,
	}
}

// replyVisit replies with a visit as a step left it, of whose reads it says what
// the row does.
func (a *API) replyVisit(r *Request, v visit.Visit) Reply {
	return Reply{ETag: etag(v.Version), Body: a.showVisit(r, v)}
}

// replyWithReads replies with a visit and what the patient's side has read of it.
func (a *API) replyWithReads(r *Request, v visit.Visit) (Reply, error) {
	v, err := a.Kernel.WithReads(r.Context(), v)
	return a.replyVisit(r, v), err
}

var startVisit = Endpoint{
	Method: "POST", Path: "/visits", ID: "startVisit", Group: "Visits: patient",
	For: "Start a draft",
	Text: "Opens a draft on an offered form for yourself or for a patient you act for. It costs nothing and nobody at the " +
		"practice sees it. Without an Idempotency-Key every call opens another draft.",
	Who: Known, Once: true, Versioned: true,
	In:     newVisitRequest{},
	Status: http.StatusCreated, Out: visitReply{}, OutText: "The draft.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "not_offered"},
		{Code: "topic_by_phone"},
		{Code: "not_eligible"},
		{Code: "practice_suspended"},
		{Code: "patient_suspended"},
		{Code: "not_established"},
		{Code: "minors_not_taken"},
		{Code: "no_patient"},
		{Code: "no_payments"},
		{Code: "no_price"},
		{Code: "state_not_served"},
		{Code: "unknown_form", Status: http.StatusUnprocessableEntity, When: "the practice offers no such form or version"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*newVisitRequest)
		v, err := a.Request.Start(r.Context(), r.Caller, in.Form, in.Version, in.Patient)
		return Reply{ETag: etag(v.Version), Location: "/visits/" + v.ID, Body: a.showVisit(r, v)}, err
	},
}

type newVisitRequest struct {
	// The name of an offered form.
	Form string `json:"form" validate:"required,max=64"`
	// Leave it out, or give the offered one.
	Version string `json:"version" validate:"max=64"`
	// Whom it is for, when a caregiver acts for someone; else yourself.
	Patient string `json:"patient" validate:"max=64"`
}

var listVisits = Endpoint{
	Method: "GET", Path: "/visits", ID: "listVisits", Group: "Visits: patient",
	For: "List a patient's visits",
	Text: "Yours, or with `patient` those of someone you act for, newest first. A visit just started may be missing for a " +
		"moment.",
	Who: Known, Paged: true,
	Query: []Param{{"patient", "", "A patient's id; else your own."}},
	Out:   visitList{}, OutText: "A page.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		vs, next, err := a.Request.ListVisits(r.Context(), r.Caller, r.URL.Query().Get("patient"), r.After, r.Limit)
		if err != nil {
			return Reply{}, err
		}
		return a.replyVisits(r, vs, next)
	},
}

var listQueue = Endpoint{
	Method: "GET", Path: "/queue", ID: "listQueue", Group: "Visits: practice",
	For: "List the work",
	Text: "The open visits of your pool at your practice, oldest promise first: clinicians and nurses see clinical " +
		"requests, staff administrative ones. It may lag a moment behind.",
	Who: Known, Paged: true,
	Out: visitList{}, OutText: "A page.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		vs, next, err := a.Desk.Queue(r.Context(), r.Caller, r.After, r.Limit)
		if err != nil {
			return Reply{}, err
		}
		return a.replyVisits(r, vs, next)
	},
}

// A page of visits.
type visitList struct {
	Visits []visitReply `json:"visits"`
	// The `cursor` of the next page; absent on the last.
	Next string `json:"next,omitempty" schema:"min=1"`
}

func (a *API) replyVisits(r *Request, vs []visit.Visit, next string) (Reply, error) {
	vs, err := a.Kernel.WithAllReads(r.Context(), vs)
	if err != nil {
		return Reply{}, err
	}
	out := visitList{Visits: make([]visitReply, 0, len(vs)), Next: showCursor(r.list, next)}
	for _, v := range vs {
		out.Visits = append(out.Visits, a.showVisit(r, v))
	}
	return Reply{Body: out}, nil
}

var getVisit = Endpoint{
	Method: "GET", Path: "/visits/{id}", ID: "getVisit", Group: "Visits: patient",
	For: "Read where a visit stands",
	Text: "Status, promise, price and times, without content. Poll it after payment until `status` is `queued`. Patients " +
		"see theirs; clinicians and staff those of their pool.",
	Who: Known, Does: identity.ReadVisit, Versioned: true,
	Out: visitReply{}, OutText: "The visit.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Office.Visit(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		return a.replyWithReads(r, v)
	},
}

var cancelVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/cancel", ID: "cancelVisit", Group: "Visits: patient",
	For: "Withdraw a visit",
	Text: "The patient may withdraw any time before the answer. A hold on the card is released, and what was charged is refunded. " +
		"Repeating it succeeds.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	Out: visitReply{}, OutText: "Cancelled.",
	Refuses: []Refusal{{Code: "stale"}, {Code: "denied"}, {Code: "wrong_status", When: "it was answered or is over"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Request.Cancel(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		return a.replyWithReads(r, v)
	},
}

var deleteVisit = Endpoint{
	Method: "DELETE", Path: "/visits/{id}", ID: "deleteVisit", Group: "Visits: patient",
	For: "Delete a draft",
	Text: "Deletes a draft and its answers, of which nothing is left in the table. The visit stays as `deleted`, with its audit " +
		"trail and in no list of the patient's; it cannot be filled in again. A request that was sent is cancelled instead. " +
		"Repeating it succeeds.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	Out: visitReply{}, OutText: "Deleted.",
	Refuses: []Refusal{{Code: "stale"}, {Code: "denied"}, {Code: "wrong_status", When: "it is no draft any more"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Request.Delete(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{ETag: etag(v.Version), Body: a.showVisit(r, v)}, err
	},
}

var sendAgain = Endpoint{
	Method: "POST", Path: "/visits/{id}/again", ID: "sendAgain", Group: "Visits: patient",
	For: "Send an expired visit again",
	Text: "Starts a draft on the form that the practice offers now, with the answers of the expired visit that fit it. What must be " +
		"said anew is left out: what the patient agrees to, where they are and can be reached, durations, and whatever an emergency " +
		"or urgent rule asks. Nothing is sent: fill, quote and submit the draft as any other. It takes no Idempotency-Key: repeating " +
		"it finds the same draft, or what became of it; one that was deleted or cancelled is followed by another. A visit whose payment " +
		"page closed unpaid is a draft itself, answers kept.",
	Who: Bearer, Does: identity.FillVisit, Versioned: true,
	Status: http.StatusCreated, Out: visitReply{}, OutText: "The draft.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "wrong_status", When: "it is not expired"},
		{Code: "not_offered"},
		{Code: "topic_by_phone"},
		{Code: "not_eligible"},
		{Code: "practice_suspended"},
		{Code: "patient_suspended"},
		{Code: "not_established"},
		{Code: "minors_not_taken"},
		{Code: "no_payments"},
		{Code: "no_price"},
		{Code: "state_not_served"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Request.Again(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		reply, err := a.replyWithReads(r, v)
		reply.Location = "/visits/" + v.ID
		return reply, err
	},
}

var giveNumber = Endpoint{
	Method: "POST", Path: "/visits/{id}/number", ID: "giveNumber", Group: "Visits: patient",
	For: "Give a number to be called at",
	Text: "For a diverted visit whose `diversion` has a `contact`: where the patient may be called. Ask for it together with " +
		"the instructions; without a number nobody can keep the promise. The last number holds. The practice's work item " +
		"is open again if it was ended before there was one.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	In:  numberRequest{},
	Out: repliedVisitReply{}, OutText: "Kept; `promise` is what the patient may be told now.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status", When: "it is not diverted"},
		{Code: "nobody_calls"},
		{Code: "message_limit", When: "numbers were given many times"},
		{Code: "changed"},
		{Code: "message_length"},
		{Code: "number_wrong"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, d, err := a.Request.GiveNumber(r.Context(), r.Caller, r.PathValue("id"), r.In.(*numberRequest).Number)
		return Reply{ETag: etag(v.Version), Body: repliedVisitReply{a.showVisit(r, v), showDiversion(&d)}}, err
	},
}

type numberRequest struct {
	// As the form asks for it, such as `503 555 0177`.
	Number phi.Text `json:"number"`
}

var acknowledgeVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/acknowledge", ID: "acknowledgeVisit", Group: "Visits: patient",
	For: "Confirm having read it",
	Text: "The patient's word that they read the answer, which closes the visit; without it a visit closes by itself after " +
		"seven days. For a diverted visit: that they saw where to turn. Repeating it succeeds.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	Out: visitReply{}, OutText: "Closed, or noted.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status", When: "it is not answered"},
		{Code: "changed"},
		{Code: "document_not_stored", When: "it was not closed; repeat it"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Request.Acknowledge(r.Context(), r.Caller, r.PathValue("id"))
		if err != nil {
			return Reply{}, err
		}
		return a.replyWithReads(r, v)
	},
}
