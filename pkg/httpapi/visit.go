package httpapi

import (
	"net/http"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/record"
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
	// patient never replied.
	Status visit.Status `json:"status"`
	// Why it ended, absent until then and of an answered visit. In words for the
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
	State   string        `json:"state,omitempty"`
	Quote   *quoteReply   `json:"quote,omitempty"`
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
	// for a `quote`, `submit`, `pay` (checkout), `cancel`, `reply` (messages),
	// `report` a red flag (answers that raise one, saved or with a message),
	// `acknowledge`; `take`, `ask`, `answer`, `decline`, `redirect`. What is not
	// listed is refused, or was done already. What is listed may still be refused
	// for what is sent along, such as answers that are not complete.
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
	Amount   int64  `json:"amount_cents" schema:"min=0 max=10000000"`
	Currency string `json:"currency" schema:"const=usd"`
	// `practice_fee`: the practice's posted price. `no_charge`: this kind of
	// request is never charged.
	Basis billing.Basis `json:"basis"`
	// What the patient should know about how they said they would pay.
	Caveat string `json:"caveat,omitempty"`
	// It may be accepted until then. Changing an answer voids it.
	ExpiresAt time.Time `json:"expires_at"`
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
	Step visit.StepKind `json:"step" schema:"enum=started|submitted|queued|taken|asked|answered|read|closed|diverted|cancelled|declined|redirected|expired"`
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
	if !v.Promise.By.IsZero() {
		out.Promise = &promiseReply{AnswerBy: v.Promise.By, GivesUp: v.Promise.Ends, Late: v.Late(now)}
		if !v.Promise.Paused.IsZero() {
			out.Promise.PausedAt = &v.Promise.Paused
		}
	}
	if v.Holder.ID != "" {
		out.Holder = &holderReply{v.Holder.ID, v.Holder.Display}
	}
	return out
}

func showQuote(q billing.Quote) quoteReply {
	return quoteReply{q.ID, int64(q.Amount), "usd", q.Basis, q.Caveat.Text(), q.ExpiresAt}
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
		{Code: "not_eligible"},
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
	Refuses: []Refusal{{Code: "denied"}},
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

var saveAnswers = Endpoint{
	Method: "PATCH", Path: "/visits/{id}/answers", ID: "saveAnswers", Group: "Visits: patient",
	For: "Save a page of answers",
	Text: "Merges one page into a draft: what the draft had under each top-level linkId on the page is replaced, and an " +
		"item without answers clears it. All answers so far are checked again. Wrong ones refuse the whole page (422) " +
		"and nothing is kept; missing ones are listed in `missing`. A quote given before is void; once nothing is missing " +
		"and the request can be sent, the reply has the new one, as `visit.quote`. If the answers raise a red flag the " +
		"visit ends as `diverted`, uncharged, whatever else is wrong with the page: an emergency at once, anything else only " +
		"once the patient has confirmed it. Show `diversion` to the patient; show `would_divert` with the answers that count, " +
		"and save again with `confirm` (an empty page will do), or with other answers. Until then the draft has the answers " +
		"and no price; a page with wrong answers beside, and any of a visit that was sent, is 409 `diversion_unconfirmed`. Of a " +
		"visit already sent and not yet answered, a page is kept only if it ends the visit; corrections of any other kind go with " +
		"a message. Saving the same page again leaves the same " +
		"answers. It takes no Idempotency-Key: use If-Match to keep two devices from overwriting each other.",
	Who: Bearer, Does: identity.FillVisit, IfMatch: true, Versioned: true,
	Query: []Param{{"confirm", "", "The `disposition` of the `would_divert` that the patient has confirmed: `urgent` or `ineligible`. The visit " +
		"ends if the answers still lead there."}},
	In: intake.Response{}, InText: "One page of answers, or several.",
	Out: savedDraftReply{}, OutText: "Saved, or diverted.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "wrong_status", When: "it is no draft any more, and the answers raise no red flag"},
		{Code: "changed", When: "another save was quicker, more than once"},
		{Code: "stale", When: "it changed since the ETag you named, and the answers raise no red flag; read it again"},
		{Code: "diversion_unconfirmed", When: "nothing was saved, and nothing has ended"},
		{Code: "answers_wrong"},
		{Code: "invalid_request"},
		{Code: "other_form"},
		{Code: "response-invalid"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		confirmed := intake.Disposition(r.URL.Query().Get("confirm"))
		if confirmed != "" && confirmed != intake.Urgent && confirmed != intake.Ineligible {
			return Reply{}, badParameter("confirm", "oneof", "one of: urgent, ineligible")
		}
		s, err := a.Request.SavePage(r.Context(), r.Caller, r.PathValue("id"), request.Save{
			Version: r.Caller.Version, Page: request.Answers(r.In.(intake.Response)), Confirmed: confirmed,
		})
		if err == nil {
			s.Visit, err = a.Kernel.WithReads(r.Context(), s.Visit)
		}
		return Reply{ETag: etag(s.Visit.Version), Body: a.showSaved(r, s)}, err
	},
}

// What saving a page left behind.
type savedDraftReply struct {
	Visit visitReply `json:"visit"`
	// Still to be answered before a quote.
	Missing []fault.Problem `json:"missing"`
	// Answers for which the practice will refuse the request: it serves no such
	// state, or someone else than the one signed in fills the form in.
	Unsendable  []fault.Problem `json:"unsendable,omitempty"`
	Diversion   *diversionReply `json:"diversion,omitempty"`
	WouldDivert *endingReply    `json:"would_divert,omitempty"`
}

func (a *API) showSaved(r *Request, s request.Saved) savedDraftReply {
	return savedDraftReply{
		Visit: a.showVisit(r, s.Visit), Missing: append([]fault.Problem{}, s.Missing...), Unsendable: s.Unsendable,
		Diversion: showDiversion(s.Diversion), WouldDivert: showEnding(s.Ending),
	}
}

// Answers that end a visit as soon as the patient confirms them; nothing has ended
// yet. Show the patient `message` and `phone`, and ask once whether the answers are right.
type endingReply struct {
	// What to confirm.
	Disposition intake.Disposition `json:"disposition" schema:"enum=urgent|ineligible"`
	// The answers that count; none if it is the patient's age or sex that does.
	Causes  []questionAnswered `json:"causes"`
	Message phi.Text           `json:"message"`
	// The practice's.
	Phone string `json:"phone"`
}

func showEnding(e *request.Ending) *endingReply {
	if e == nil {
		return nil
	}
	out := &endingReply{Disposition: e.Disposition, Causes: []questionAnswered{}, Message: e.Message, Phone: e.Phone}
	for _, q := range e.Causes {
		out.Causes = append(out.Causes, questionAnswered(q))
	}
	return out
}

// Why a visit was stopped by a red flag. Show `message` and `phone` to the
// patient at once.
type diversionReply struct {
	// Why.
	Disposition intake.Disposition `json:"disposition" schema:"enum=emergency|urgent|ineligible"`
	// Ids of the rules that fired.
	Rules   []string `json:"rules"`
	Message phi.Text `json:"message"`
	// The practice's.
	Phone string `json:"phone"`
	// A diverted visit is never charged.
	Charged bool       `json:"charged" schema:"const=false"`
	Contact *callReply `json:"contact,omitempty"`
}

// Somebody calls the patient, if there is a number: show `promise` only then.
type callReply struct {
	// How soon after the diversion.
	Within int `json:"within_minutes" schema:"min=1"`
	// What the patient may be told once there is a number: given in the form, of which
	// `message` then says it, or with giveNumber.
	Promise string `json:"promise"`
}

func showDiversion(d *record.Diversion) *diversionReply {
	if d == nil {
		return nil
	}
	r := &diversionReply{Disposition: d.Disposition, Rules: []string{}, Message: d.Message, Phone: d.Phone}
	for _, f := range d.Rules {
		r.Rules = append(r.Rules, f.ID)
	}
	if to := d.Contact(); to != nil {
		r.Contact = &callReply{Within: int(to.Within.Minutes()), Promise: to.Promise}
	}
	return r
}

var quoteVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/quote", ID: "quoteVisit", Group: "Visits: patient",
	For: "Ask for the price",
	Text: "Prices a draft whose questions are all answered; the two of the last page, `fee-ack` and `consent-ack`, are " +
		"answered by submitting. Show the patient everything in the reply. Nothing is charged. It returns the quote that " +
		"the last save gave, while at least half an hour of it is left, and else a new one; where a save gave none, it tells " +
		"why. A red flag found here ends the visit and is told as 409 `diverted`.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	Out: offerReply{}, OutText: "The offer.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "wrong_status"},
		{Code: "no_price"},
		{Code: "state_not_served"},
		{Code: "diverted"},
		{Code: "diversion_unconfirmed", When: "save with `confirm`, or with other answers"},
		{Code: "changed"},
		{Code: "answers_incomplete"},
		{Code: "identity_mismatch"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		o, err := a.Request.Quote(r.Context(), r.Caller, r.PathValue("id"))
		return Reply{ETag: etag(o.Visit.Version), Body: a.showOffer(r, o)}, err
	},
}

// A quote with everything the patient accepts along with it.
type offerReply struct {
	quoteReply
	// The promised time to an answer, from when it is queued.
	AnswerWithin int `json:"answer_within_minutes" schema:"min=0"`
	// Who at the practice reads requests.
	Readers string `json:"who_reads"`
	// What happens to the card, in a sentence to show.
	Charged string       `json:"when_charged"`
	Consent consentReply `json:"consent"`
	Visit   visitReply   `json:"visit"`
}

// The text a patient accepts before a visit. A new text is a new version.
type consentReply struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// WhenCharged tells a patient before they accept a price what happens to their
// card.
const WhenCharged = "Your card is held now and charged only when your answer is given. If you are not answered, nothing is charged."

func (a *API) showOffer(r *Request, o request.Offer) offerReply {
	out := offerReply{
		quoteReply: showQuote(o.Quote), AnswerWithin: int(o.Terms.Answer.Minutes()), Readers: o.Readers,
		Consent: consentReply(o.Consent), Visit: a.showVisit(r, o.Visit), Charged: WhenCharged,
	}
	if o.Quote.Free() {
		out.Charged = "This request is free of charge."
	}
	return out
}

var submitVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/submit", ID: "submitVisit", Group: "Visits: patient",
	For: "Accept the price and send",
	Text: "Accepts the quote and the consent for the patient and sends the visit. A free one is queued at once. Else it " +
		"waits for its payment page: send the patient to `checkout_url`, where the card is held, not charged; once " +
		"Stripe reports the hold it is queued, usually within seconds. Amounts are never taken from you. Repeating it " +
		"finds the same visit and the same page; with another consent or language it is refused. If Stripe is away the visit is kept and the reply is 503 " +
		"`payment_page_unavailable`: repeat it.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	In:  submissionRequest{},
	Out: sentVisitReply{}, OutText: "Sent.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "no_quote"},
		{Code: "quote_replaced"},
		{Code: "quote_expired"},
		{Code: "consent_replaced"},
		{Code: "done_otherwise"},
		{Code: "wrong_status"},
		{Code: "state_not_served"},
		{Code: "diverted"},
		{Code: "diversion_unconfirmed", When: "save with `confirm`, or with other answers"},
		{Code: "changed"},
		{Code: "invalid_request", When: "both acceptances must be true"},
		{Code: "answers_incomplete"},
		{Code: "identity_mismatch"},
		{Code: "payment_page_refused", When: "nothing was sent, the draft and its quote are as they were"},
		{Code: "payment_pending", When: "it was sent before, and its page has closed"},
		{Code: "payment_page_unavailable", When: "nothing was sent, the draft and its quote are as they were; repeat the same request"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*submissionRequest)
		s, err := a.Request.Submit(r.Context(), r.Caller, r.PathValue("id"), request.Submission{Quote: in.Quote, Consent: in.Consent, Language: in.Language})
		return a.replySent(r, s), err
	},
}

// The acceptance of a price and a consent.
type submissionRequest struct {
	// The id of the quote accepted.
	Quote string `json:"quote" validate:"required,max=64"`
	// The patient accepts the price.
	AcceptFee bool `json:"accept_fee" validate:"eq=true"`
	// The patient accepts the consent text shown with the quote.
	AcceptConsent bool `json:"accept_consent" validate:"eq=true"`
	// The version of the text that was shown. Give it, so that a text replaced in
	// between is refused.
	Consent string `json:"consent_version" validate:"max=64"`
	// The language it was shown in, a BCP 47 tag such as `en`.
	Language string `json:"language" validate:"omitempty,max=35,bcp47"`
}

// A visit that was submitted.
type sentVisitReply struct {
	visitReply
	// Where the patient pays. Absent when nothing is to be paid, or the payment
	// is already on its way.
	CheckoutURL string `json:"checkout_url,omitempty" schema:"min=1"`
}

func (a *API) replySent(r *Request, s request.Sent) Reply {
	return Reply{ETag: etag(s.Visit.Version), Body: sentVisitReply{a.showVisit(r, s.Visit), s.Page}}
}

var openCheckout = Endpoint{
	Method: "POST", Path: "/visits/{id}/checkout", ID: "openCheckout", Group: "Visits: patient",
	For: "Get the payment page again",
	Text: "For a patient who left the page: while the visit awaits payment it returns the page that is open. For an " +
		"answered visit whose card could not be charged it opens a new one, which charges at once. Repeating it returns " +
		"the same page; for some minutes after a page has closed, until Stripe reports whether it was paid, the answer is " +
		"409 `payment_pending`. A page closes three quarters of an hour after its quote expires; the visit then returns to " +
		"`draft`, answers kept.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	Out: sentVisitReply{}, OutText: "The visit, and where to pay.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "nothing_to_pay"},
		{Code: "payment_pending"},
		{Code: "payment_page_refused"},
		{Code: "changed"},
		{Code: "payment_page_unavailable"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		s, err := a.Request.Pay(r.Context(), r.Caller, r.PathValue("id"))
		if err == nil {
			s.Visit, err = a.Kernel.WithReads(r.Context(), s.Visit)
		}
		return a.replySent(r, s), err
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
