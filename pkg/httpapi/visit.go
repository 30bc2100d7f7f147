package httpapi

import (
	"net/http"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

type visitReply struct {
	ID       string        `json:"id"`
	Practice string        `json:"practice"`
	Patient  string        `json:"patient"`
	Form     formRef       `json:"form"`
	Pool     identity.Pool `json:"pool"`
	Status   visit.Status  `json:"status"`
	Reason   string        `json:"reason,omitempty"`
	State    string        `json:"state,omitempty"`
	Quote    *quoteReply   `json:"quote,omitempty"`
	Promise  *promiseReply `json:"promise,omitempty"`
	Holder   *holderReply  `json:"clinician,omitempty"`
	Messages int           `json:"messages"`
	Unread   bool          `json:"unread"`
	Document string        `json:"document,omitempty"`
	Payments []string      `json:"payments"`
	Timeline []stepReply   `json:"timeline"`
	Version  int           `json:"version"`
}

type formRef struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type quoteReply struct {
	ID        string        `json:"id"`
	Amount    int64         `json:"amount_cents"`
	Currency  string        `json:"currency"`
	Basis     billing.Basis `json:"basis"`
	Caveat    string        `json:"caveat,omitempty"`
	ExpiresAt time.Time     `json:"expires_at"`
}

type promiseReply struct {
	AnswerBy time.Time  `json:"answer_by"`
	GivesUp  time.Time  `json:"gives_up_at"`
	Late     bool       `json:"late"`
	PausedAt *time.Time `json:"paused_at,omitempty"`
}

type holderReply struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type stepReply struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
}

func showVisit(v visit.Visit) visitReply {
	r := visitReply{
		ID: v.ID, Practice: v.Practice, Patient: v.Patient, Form: formRef{v.Form.Name, v.Form.Version},
		Pool: v.Pool, Status: v.Status, Reason: v.Reason, State: v.State, Messages: v.Messages,
		Unread: v.FromTeam > 0 && v.ReadAt(v.Messages).IsZero(), Document: v.Document,
		Payments: append([]string{}, v.Payments...), Timeline: timeline(v), Version: v.Version,
	}
	if v.Quote.ID != "" {
		q := showQuote(v.Quote)
		r.Quote = &q
	}
	if !v.Promise.By.IsZero() {
		r.Promise = &promiseReply{AnswerBy: v.Promise.By, GivesUp: v.Promise.Ends, Late: v.Promise.Told}
		if !v.Promise.Paused.IsZero() {
			r.Promise.PausedAt = &v.Promise.Paused
		}
	}
	if v.Holder.ID != "" {
		r.Holder = &holderReply{v.Holder.ID, v.Holder.Display}
	}
	return r
}

func showQuote(q billing.Quote) quoteReply {
	return quoteReply{q.ID, int64(q.Amount), "usd", q.Basis, q.Caveat, q.ExpiresAt}
}

func timeline(v visit.Visit) []stepReply {
	steps := []stepReply{}
	add := func(step string, at time.Time) {
		if !at.IsZero() {
			steps = append(steps, stepReply{step, at})
		}
	}
	add("started", v.Times.Started)
	add("submitted", v.Times.Submitted)
	add("queued", v.Times.Queued)
	add("taken", v.Times.Taken)
	add("asked", v.Times.Asked)
	add("answered", v.Times.Answered)
	if v.Document != "" {
		add("read", v.ReadAt(v.Messages))
	}
	if v.Status.Over() {
		add(string(v.Status), v.Times.Ended)
	}
	return steps
}

// visited replies with a visit and its version as ETag.
func visited(w http.ResponseWriter, code int, v visit.Visit, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(v.Version))
	return reply(w, code, showVisit(v))
}

func (a *API) startVisit(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Form    string `json:"form" validate:"required,max=64"`
		Version string `json:"version" validate:"max=64"`
		Patient string `json:"patient" validate:"max=64"`
	}
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	v, err := a.clinic.Start(r.Context(), c, in.Form, in.Version, in.Patient)
	if err == nil {
		w.Header().Set("Location", "/visits/"+v.ID)
	}
	return visited(w, http.StatusCreated, v, err)
}

type visitList struct {
	Visits []visitReply `json:"visits"`
	Next   string       `json:"next,omitempty"` // cursor of the next page
}

func listed(w http.ResponseWriter, vs []visit.Visit, next string, err error) error {
	if err != nil {
		return err
	}
	out := visitList{Visits: []visitReply{}, Next: showCursor(next)}
	for _, v := range vs {
		out.Visits = append(out.Visits, showVisit(v))
	}
	return reply(w, http.StatusOK, out)
}

// page is who asks for a list, and for which part of it.
func (a *API) page(r *http.Request) (c clinic.Caller, after string, n int, err error) {
	if c, err = a.caller(r); err != nil {
		return c, "", 0, err
	}
	if after, err = cursor(r); err != nil {
		return c, "", 0, err
	}
	n, err = limit(r)
	return c, after, n, err
}

func (a *API) listVisits(w http.ResponseWriter, r *http.Request) error {
	c, after, n, err := a.page(r)
	if err != nil {
		return err
	}
	vs, next, err := a.clinic.Mine(r.Context(), c, r.URL.Query().Get("patient"), after, n)
	return listed(w, vs, next, err)
}

func (a *API) queue(w http.ResponseWriter, r *http.Request) error {
	c, after, n, err := a.page(r)
	if err != nil {
		return err
	}
	vs, next, err := a.clinic.Queue(r.Context(), c, after, n)
	return listed(w, vs, next, err)
}

func (a *API) getVisit(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	v, err := a.clinic.Visit(r.Context(), c, r.PathValue("id"))
	return visited(w, http.StatusOK, v, err)
}

type diversionReply struct {
	Disposition intake.Disposition `json:"disposition"`
	Rules       []string           `json:"rules"`
	Message     phi.Text           `json:"message"`
	Phone       string             `json:"phone"`
	Charged     bool               `json:"charged"` // never true
}

func showDiversion(d *clinic.Diversion) *diversionReply {
	if d == nil {
		return nil
	}
	r := &diversionReply{Disposition: d.Disposition, Rules: []string{}, Message: d.Message, Phone: d.Phone}
	for _, f := range d.Rules {
		r.Rules = append(r.Rules, f.ID)
	}
	return r
}

type savedReply struct {
	Visit     visitReply      `json:"visit"`
	Missing   []fault.Problem `json:"missing"`
	Diversion *diversionReply `json:"diversion,omitempty"`
}

func (a *API) saveAnswers(w http.ResponseWriter, r *http.Request) error {
	c, err := a.bearer(r)
	if err != nil {
		return err
	}
	v, err := version(r)
	if err != nil {
		return err
	}
	b, err := body(r)
	if err != nil {
		return err
	}
	page, err := intake.ParseResponse(b)
	if err != nil {
		return err
	}
	s, err := a.clinic.SavePage(r.Context(), c, r.PathValue("id"), v, page)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(s.Visit.Version))
	return reply(w, http.StatusOK, savedReply{
		Visit: showVisit(s.Visit), Missing: append([]fault.Problem{}, s.Missing...), Diversion: showDiversion(s.Diversion),
	})
}

type offerReply struct {
	quoteReply
	AnswerWithin int          `json:"answer_within_minutes"`
	Readers      string       `json:"who_reads"`
	Charged      string       `json:"when_charged"`
	Consent      consentReply `json:"consent"`
	Visit        visitReply   `json:"visit"`
}

type consentReply struct {
	Version string `json:"version"`
	Text    string `json:"text"`
}

// WhenCharged tells a patient before they accept a price what happens to their
// card.
const WhenCharged = "Your card is held now and charged only when your answer is given. If you are not answered, nothing is charged."

func (a *API) quote(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ask(r, nil)
	if err != nil {
		return err
	}
	o, err := a.clinic.Quote(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	out := offerReply{
		quoteReply: showQuote(o.Quote), AnswerWithin: int(o.Terms.Answer.Minutes()), Readers: o.Readers,
		Consent: consentReply(o.Consent), Visit: showVisit(o.Visit), Charged: WhenCharged,
	}
	if o.Quote.Free() {
		out.Charged = "This request is free of charge."
	}
	w.Header().Set("ETag", etag(o.Visit.Version))
	return reply(w, http.StatusOK, out)
}

type sentReply struct {
	visitReply
	CheckoutURL string `json:"checkout_url,omitempty"`
}

func sent(w http.ResponseWriter, s clinic.Sent, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(s.Visit.Version))
	return reply(w, http.StatusOK, sentReply{showVisit(s.Visit), s.Page})
}

func (a *API) submit(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Quote         string `json:"quote" validate:"required,max=64"`
		AcceptFee     bool   `json:"accept_fee" validate:"eq=true"`
		AcceptConsent bool   `json:"accept_consent" validate:"eq=true"`
		Consent       string `json:"consent_version" validate:"max=64"`
		Language      string `json:"language" validate:"max=16"`
	}
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	s, err := a.clinic.Submit(r.Context(), c, r.PathValue("id"), clinic.Submission{Quote: in.Quote, Consent: in.Consent, Language: in.Language})
	return sent(w, s, err)
}

func (a *API) checkout(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ask(r, nil)
	if err != nil {
		return err
	}
	s, err := a.clinic.Pay(r.Context(), c, r.PathValue("id"))
	return sent(w, s, err)
}

func (a *API) cancel(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ask(r, nil)
	if err != nil {
		return err
	}
	v, err := a.clinic.Cancel(r.Context(), c, r.PathValue("id"))
	return visited(w, http.StatusOK, v, err)
}

func (a *API) acknowledge(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ask(r, nil)
	if err != nil {
		return err
	}
	v, err := a.clinic.Acknowledge(r.Context(), c, r.PathValue("id"))
	return visited(w, http.StatusOK, v, err)
}
