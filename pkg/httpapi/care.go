package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

type repliedReply struct {
	visitReply
	Diversion *diversionReply `json:"diversion,omitempty"`
}

func (a *API) sendMessage(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Text    phi.Text        `json:"text" validate:"required,max=8000"`
		Answers json.RawMessage `json:"answers"` // a QuestionnaireResponse: answers put right
	}
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	var more intake.Response
	if in.Answers != nil {
		if more, err = intake.ParseResponse(in.Answers); err != nil {
			return err
		}
	}
	v, d, err := a.clinic.Reply(r.Context(), c, r.PathValue("id"), in.Text, more)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(v.Version))
	return reply(w, http.StatusOK, repliedReply{showVisit(v), showDiversion(d)})
}

func (a *API) take(w http.ResponseWriter, r *http.Request) error {
	c, err := a.ask(r, nil)
	if err != nil {
		return err
	}
	v, err := a.clinic.Take(r.Context(), c, r.PathValue("id"))
	return visited(w, http.StatusOK, v, err)
}

func (a *API) askBack(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Text phi.Text `json:"text" validate:"required,max=8000"`
	}
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	v, err := a.clinic.Ask(r.Context(), c, r.PathValue("id"), in.Text)
	return visited(w, http.StatusOK, v, err)
}

func (a *API) answer(w http.ResponseWriter, r *http.Request) error {
	var in visit.Conclusion // its own Problems says all that is missing at once
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	v, err := a.clinic.Answer(r.Context(), c, r.PathValue("id"), in)
	return visited(w, http.StatusOK, v, err)
}

func (a *API) decline(w http.ResponseWriter, r *http.Request) error {
	return a.turnAway(w, r, visit.Declined)
}

func (a *API) redirect(w http.ResponseWriter, r *http.Request) error {
	return a.turnAway(w, r, visit.Redirected)
}

func (a *API) turnAway(w http.ResponseWriter, r *http.Request, to visit.Status) error {
	var in struct {
		Reason string   `json:"reason" validate:"required,oneof=needs_exam needs_tests emergency not_suitable out_of_scope duplicate other"`
		Text   phi.Text `json:"text" validate:"required,max=8000"`
	}
	c, err := a.ask(r, &in)
	if err != nil {
		return err
	}
	v, err := a.clinic.TurnAway(r.Context(), c, r.PathValue("id"), to, in.Reason, in.Text)
	return visited(w, http.StatusOK, v, err)
}

type chartReply struct {
	Visit     visitReply      `json:"visit"`
	Contact   contactReply    `json:"contact"`
	Response  intake.Response `json:"response"` // FHIR QuestionnaireResponse
	Answers   []qaReply       `json:"answers"`
	Flags     []flagReply     `json:"flags"`
	Derived   []derivedReply  `json:"derived"`
	Messages  []messageReply  `json:"messages"`
	Diversion *diversionReply `json:"diversion,omitempty"`
}

type contactReply struct {
	Name  phi.Text `json:"name"`
	Birth string   `json:"birth_date"`
	Sex   string   `json:"sex"`
	Phone phi.Text `json:"phone,omitempty"`
}

type qaReply struct {
	LinkID   string     `json:"link_id"`
	Question string     `json:"question"`
	Answers  []phi.Text `json:"answers"`
	Row      int        `json:"row,omitempty"`
}

type flagReply struct {
	Rule    string   `json:"rule"`
	Message phi.Text `json:"message"`
	Source  string   `json:"source"`
}

type derivedReply struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

type messageReply struct {
	Seq    int                `json:"seq"`
	Kind   clinic.MessageKind `json:"kind"`
	From   string             `json:"from"`
	Name   string             `json:"name,omitempty"`
	At     time.Time          `json:"at"`
	Text   phi.Text           `json:"text"`
	ReadAt *time.Time         `json:"read_at,omitempty"`
}

func (a *API) chart(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	ch, err := a.clinic.Chart(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	out := chartReply{
		Visit:    showVisit(ch.Visit),
		Contact:  contactReply{ch.Contact.Name, ch.Contact.Birth.Format(time.DateOnly), ch.Contact.Sex, ch.Contact.Phone},
		Response: ch.Response, Answers: []qaReply{}, Flags: []flagReply{}, Derived: []derivedReply{}, Messages: []messageReply{},
		Diversion: showDiversion(ch.Diversion),
	}
	for _, q := range ch.Answers {
		out.Answers = append(out.Answers, qaReply(q))
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
	w.Header().Set("ETag", etag(ch.Visit.Version))
	return reply(w, http.StatusOK, out)
}

func showMessage(m clinic.Said) messageReply {
	out := messageReply{Seq: m.Seq, Kind: m.Kind, From: m.From, Name: m.Name, At: m.At, Text: m.Text}
	if !m.ReadAt.IsZero() {
		out.ReadAt = &m.ReadAt
	}
	return out
}

func (a *API) document(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	doc, addendum, err := a.clinic.Document(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Document json.RawMessage `json:"document"`
		Addendum json.RawMessage `json:"addendum,omitempty"`
	}{doc, addendum})
}

type checkReply struct {
	Disposition intake.Disposition `json:"disposition"`
	Rules       []firedReply       `json:"rules"`
	Errors      []fault.Problem    `json:"errors"`
	Derived     []derivedReply     `json:"derived"`
	Response    intake.Response    `json:"response"` // as it would be kept
}

type firedReply struct {
	ID       string          `json:"id"`
	Severity intake.Severity `json:"severity"`
	Message  string          `json:"message"`
	Source   string          `json:"source"`
}
