package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

const (
	patient   = "jane-smith"
	clinician = "ana-rivera"
	admin     = "ada-brooks"

	queued   = 80 // visits that are sent
	read     = 20 // of them answered; so many that each trail stays a usual one of 20 to 70 records
	worked   = 50 // items of work
	saved    = 40 // drafts that a page is saved of, in turn
	perRound = 200
	rounds   = 5
)

// A scene is what the requests are about.
type scene struct {
	sent     []draft // of a free form, complete and quoted, by carer for a patient each: to be sent
	drafts   []draft // likewise, of patient: to be saved
	answered []draft // with a question, a reply and the answer; read in turn
	feePage  int
	asks     []ask
}

// prepare makes the scene through the rooms.
func (b *workbench) prepare(ctx context.Context) (*scene, error) {
	s := &scene{}
	var err error
	if s.drafts, err = b.drafts(ctx, patient, make([]string, saved)); err != nil {
		return nil, err
	}
	if s.answered, err = b.drafts(ctx, patient, make([]string, read)); err != nil {
		return nil, err
	}
	for _, d := range s.answered { // one after the other: while one awaits its answer, no other is sent
		if err := b.send(ctx, patient, d); err != nil {
			return nil, err
		}
		if err := b.answer(ctx, d.Visit); err != nil {
			return nil, err
		}
	}
	ids, err := wards(ctx, b.people, 0, 2+rounds*perRound+queued)
	if err != nil {
		return nil, err
	}
	all, err := b.drafts(ctx, carer, ids)
	if err != nil {
		return nil, err
	}
	waiting := all[:queued]
	s.sent = all[queued:]
	if err := parallel(queued, func(n int) error { return b.send(ctx, carer, waiting[n]) }); err != nil {
		return nil, err
	}
	if err := b.giveWork(ctx, waiting[:worked]); err != nil {
		return nil, err
	}
	d, err := b.rooms.Request.Draft(ctx, b.as(patient), s.drafts[0].Visit)
	if err != nil {
		return nil, err
	}
	s.feePage = len(d.Form.Pages())
	s.asks, err = b.asks(ctx, s)
	return s, err
}

// drafts makes a draft of a person's for each patient; empty is themselves.
func (b *workbench) drafts(ctx context.Context, by string, patients []string) ([]draft, error) {
	out := make([]draft, len(patients))
	return out, parallel(len(out), func(i int) (err error) {
		out[i], err = b.draft(ctx, by, patients[i])
		return err
	})
}

func (b *workbench) send(ctx context.Context, by string, d draft) error {
	_, err := b.rooms.Request.Submit(ctx, b.as(by), d.Visit, request.Submission{Quote: d.Quote})
	return err
}

func (b *workbench) draft(ctx context.Context, by, patient string) (draft, error) {
	who := b.as(by)
	v, err := b.rooms.Request.Start(ctx, who, "medication-refill", "", patient)
	if err != nil {
		return draft{}, err
	}
	page, err := intake.ParseResponse([]byte(refill))
	if err != nil {
		return draft{}, err
	}
	if _, err := b.rooms.Request.SavePage(ctx, who, v.ID, request.Save{Page: request.Answers(page)}); err != nil {
		return draft{}, err
	}
	o, err := b.rooms.Request.Quote(ctx, who, v.ID)
	return draft{v.ID, o.Quote.ID}, err
}

// answer has a visit asked about, replied to and answered.
func (b *workbench) answer(ctx context.Context, id string) error {
	who := b.as(clinician)
	if _, err := b.rooms.Desk.Take(ctx, who, id); err != nil {
		return err
	}
	if _, err := b.rooms.Desk.Ask(ctx, who, id, "Since when do you take it?"); err != nil {
		return err
	}
	if _, _, err := b.rooms.Request.Reply(ctx, b.as(patient), id, request.Message{Text: "For two years."}); err != nil {
		return err
	}
	_, err := b.rooms.Desk.Answer(ctx, who, id, visit.Conclusion{
		Reply: "I have sent the prescription to your pharmacy.", NoDiagnosis: "a refill", Minutes: new(4),
		Plan: visit.Plan{Do: "Take it as before.", Warnings: "Dizziness, or a swollen face: call us the same day.", FollowUp: "as needed"},
	})
	return err
}

// giveWork adds an item of work about each visit.
func (b *workbench) giveWork(ctx context.Context, about []draft) error {
	k := b.rooms.Kernel
	now := k.Time()
	for _, d := range about {
		i := work.New(work.Item{Kind: work.VisitDiverted, Practice: "lakeside", Pool: identity.ClinicalPool, Visit: d.Visit}, d.Visit, now)
		rec := k.Record(clinic.System("bench"), "work.open", visit.Visit{ID: d.Visit, Practice: i.Practice, Version: 1}, now)
		if err := k.Store.Commit(ctx, clinic.Commit{Work: []work.Item{i}, Audit: []audit.Record{rec}}); err != nil {
			return err
		}
	}
	return nil
}

// asks are the requests that are measured.
func (b *workbench) asks(ctx context.Context, s *scene) ([]ask, error) {
	cookies, tokens := map[string]string{}, map[string]string{}
	var err error
	for _, p := range []string{patient, carer, clinician, admin} {
		if cookies[p], err = b.cookie(ctx, p); err != nil {
			return nil, err
		}
		if tokens[p], err = b.issuer.Token(p, time.Hour); err != nil {
			return nil, err
		}
	}
	page := func(name, who, path string, about ...draft) ask {
		return ask{Name: name, Method: http.MethodGet, Path: path, Cookie: cookies[who], Status: http.StatusOK, About: about}
	}
	mine := "/my/visits/" + visitMark
	return []ask{
		{
			Name: "submit", Method: http.MethodPost, Path: "/visits/" + visitMark + "/submit", Token: tokens[carer], Status: http.StatusOK,
			Type: "application/json", Body: accepting(quoteMark), About: s.sent,
		},
		{Name: "inbox", Method: http.MethodGet, Path: "/queue?limit=50", Token: tokens[clinician], Status: http.StatusOK},
		page("requests", patient, "/my"),
		page("answered", patient, mine, s.answered...),
		page("form", patient, mine+"/form/1", s.drafts[0]),
		{
			Name: "save", Method: http.MethodPost, Path: mine + "/form/1", Cookie: cookies[patient], Status: http.StatusSeeOther,
			Type: "application/x-www-form-urlencoded", Body: firstPage.Encode(), About: s.drafts,
		},
		page("fee", patient, mine+"/form/"+strconv.Itoa(s.feePage), s.drafts[0]),
		page("trail", patient, mine+"/trail", s.answered...),
		page("desk", clinician, "/desk"),
		page("chart", clinician, "/desk/visits/"+visitMark, s.answered...),
		page("work", admin, "/desk/work"),
	}, nil
}

// firstPage is the first page of the form, as a browser sends it.
var firstPage = url.Values{
	"emergency-ack": {"true"}, "completed-by": {"self"}, "location-state": {"OR"}, "language": {"en"}, "callback-phone": {"+1 503 555 0177"},
	"seen-7d": {"false"}, "surgery-90d": {"false"}, "accident": {"false"}, "pregnant": {"no"}, "conditions": {"none"},
	"allergy-none": {"true"}, "medications": {"none"}, "payment-route": {"self-pay"},
}
