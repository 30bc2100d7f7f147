package httpapi

import (
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/record"
)

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
		{Code: "no_payments"},
		{Code: "no_price"},
		{Code: "state_not_served"},
		{Code: "kind_not_taken"},
		{Code: "medicare_covers"},
		{Code: "medicaid_covers"},
		{Code: "practice_suspended"},
		{Code: "patient_suspended"},
		{Code: "not_established"},
		{Code: "minors_not_taken"},
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
	Later   *laterReply  `json:"later_charge,omitempty"`
	Consent consentReply `json:"consent"`
	Visit   visitReply   `json:"visit"`
}

// What a patient may agree to: that the card is held again, or charged for the answer,
// without them, if its hold runs out before they are answered. It must be off unless they
// choose it. Absent where no card is held.
type laterReply struct {
	// The version of the words; submitVisit takes it.
	Version string `json:"version"`
	Text    string `json:"text"`
}

// The text a patient accepts before a visit. A new text is a new version.
type consentReply struct {
	Version string `json:"version"`
	Text    string `json:"text"`
	// The language of the text, a code of ISO 639.
	Language string `json:"language"`
	// The text in further languages, by their codes.
	Others map[string]string `json:"others,omitempty"`
}

func showConsent(c practice.Consent) consentReply {
	return consentReply{c.Version, c.Text, c.Main(), c.Others}
}

// WhenCharged tells a patient before they accept a price what happens to their
// card.
const WhenCharged = "Your card is held now and charged only when your answer is given. If you are not answered, nothing is charged."

func (a *API) showOffer(r *Request, o request.Offer) offerReply {
	out := offerReply{
		quoteReply: showQuote(o.Quote), AnswerWithin: int(o.Terms.Answer.Minutes()), Readers: o.Readers,
		Consent: showConsent(o.Consent), Visit: a.showVisit(r, o.Visit), Charged: WhenCharged,
	}
	if o.Quote.Free() {
		out.Charged = whyUncharged(o.Quote)
	} else {
		out.Later = &laterReply{billing.LaterWords, billing.LaterText(o.Quote.Amount)}
	}
	return out
}

// whyUncharged tells a patient before they accept a price that no card is charged for the answer.
func whyUncharged(q billing.Quote) string {
	switch q.Basis {
	case billing.ByMember:
		return "Nothing is charged: your membership includes this request."
	case billing.PlanShare:
		return "Nothing is charged for your answer. What your plan leaves to you is asked for later."
	default:
		return "This request is free of charge."
	}
}

var submitVisit = Endpoint{
	Method: "POST", Path: "/visits/{id}/submit", ID: "submitVisit", Group: "Visits: patient",
	For: "Accept the price and send",
	Text: "Accepts the quote and the consent for the patient and sends the visit. A free one is queued at once. Else it " +
		"waits for its payment page: send the patient to `checkout_url`, where the card is held, not charged; once " +
		"Stripe reports the hold it is queued, usually within seconds. Amounts are never taken from you. Repeating it " +
		"finds the same visit and the same page; with another consent or language, or with or without `later_charge` as it was not sent, it is refused. While another request of the patient on " +
		"the form awaits its answer it is refused, too, unless `beside` names that one: two requests about one complaint are two fees. If Stripe is away the visit is kept and the reply is 503 " +
		"`payment_page_unavailable`: repeat it.",
	Who: Bearer, Does: identity.FillVisit, Once: true, IfMatch: true, Versioned: true,
	In:  submissionRequest{},
	Out: sentVisitReply{}, OutText: "Sent.",
	Refuses: []Refusal{
		{Code: "stale"},
		{Code: "denied"},
		{Code: "no_quote"},
		{Code: "no_price"},
		{Code: "quote_replaced"},
		{Code: "quote_expired"},
		{Code: "already_underway", When: "nothing was sent; if it is about something else, ask the patient and send it with `beside`"},
		{Code: "consent_replaced"},
		{Code: "consent_language"},
		{Code: "later_words_replaced"},
		{Code: "done_otherwise"},
		{Code: "wrong_status"},
		{Code: "state_not_served"},
		{Code: "kind_not_taken"},
		{Code: "medicare_covers", When: "it was entered after the quote; nothing was sent"},
		{Code: "medicaid_covers", When: "it was entered after the quote; nothing was sent"},
		{Code: "minors_not_taken"},
		{Code: "diverted"},
		{Code: "diversion_unconfirmed", When: "save with `confirm`, or with other answers"},
		{Code: "changed"},
		{Code: "invalid_request", When: "both acceptances must be true"},
		{Code: "answers_incomplete"},
		{Code: "identity_mismatch"},
		{Code: "no_payments"},
		{Code: "payment_page_refused", When: "nothing was sent, the draft and its quote are as they were"},
		{Code: "payment_pending", When: "it was sent before, and its page has closed"},
		{Code: "payment_page_unavailable", When: "nothing was sent, the draft and its quote are as they were; repeat the same request"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*submissionRequest)
		s, err := a.Request.Submit(r.Context(), r.Caller, r.PathValue("id"), request.Submission{
			Quote: in.Quote, Consent: in.Consent, Language: in.Language, Beside: in.Beside, Later: in.Later,
		})
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
	// The version of the words of `later_charge` of the offer, if the patient agreed to them:
	// the card may be held again, or charged for the answer, without them, if its hold runs
	// out before they are answered. Empty, which is what to begin with: they did not. The
	// request then ends with the hold.
	Later string `json:"later_charge" validate:"max=16"`
	// The visit on the same form that is underway, if the patient was told of it and sends
	// this one all the same. listForms and the refusal name it.
	Beside string `json:"beside" validate:"max=64"`
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
		{Code: "no_payments"},
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
