package fuzz

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"evisit/pkg/httpapi"
)

// openVisits is how many visits are underway at once, at most.
const openVisits = 24

// step does one thing: moves a visit forward by a step that should succeed, asks
// anything of anyone, or lets time pass.
func (w *world) step() {
	w.t.Helper()
	const betweenJumps = 300 // steps
	switch n := w.IntN(1000); {
	case n < 1000/betweenJumps:
		w.pass(oneOf(w, 6*time.Minute, 6*time.Minute, 20*time.Minute, time.Hour, 3*time.Hour, 25*time.Hour, 3*24*time.Hour))
	case n < 380:
		w.walk(openVisits)
	case n < 382:
		w.knocks()
	case n < 400:
		w.endsWork()
	case n < 460:
		w.runsOffice()
	case n < 700:
		w.asks()
	default:
		w.opensPages()
	}
}

func oneOf[T any](w *world, of ...T) T { return of[w.IntN(len(of))] }

// walk moves some visit forward, or has one more started.
func (w *world) walk(most int) {
	w.t.Helper()
	var open []*visit
	for _, v := range w.visits {
		if !v.over() || v.Status == "expired" && !v.again {
			open = append(open, v)
		}
	}
	if len(open) < most && w.IntN(4) == 0 || len(open) == 0 {
		w.starts()
		return
	}
	w.advance(open[w.IntN(len(open))])
}

func (w *world) starts() {
	who := oneOf(w, "jane-smith", "jane-smith", "tom-okafor", "elena-diaz", "hana-kim", "min-kim")
	name := oneOf(w, "uti-women", "back-pain", "respiratory", "medication-refill", "admin-request", "pink-eye", "rash-skin", "mental-health-phq9-gad7")
	p := w.person(who)
	in := map[string]string{"form": name}
	if p.Role == "caregiver" {
		in["patient"] = p.patient()
	}
	w.does("startVisit", p, nil, in)
}

// does asks for an operation with a body that should be right.
func (w *world) does(op string, p *person, v *visit, in any) (reply, bool) {
	w.t.Helper()
	var body []byte
	switch in := in.(type) {
	case nil:
	case []byte:
		body = in
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			w.t.Fatal(err)
		}
	}
	a := w.request(endpoint(op), p, v)
	a.body = body
	if body == nil {
		a.header.Del("Content-Type")
	} else {
		a.header.Set("Content-Type", "application/json")
	}
	return w.send(a)
}

// advance takes a visit's next step.
func (w *world) advance(v *visit) {
	w.t.Helper()
	side, team := w.side(v), w.team(v)
	switch v.Status {
	case "draft":
		w.fills(v, side)
	case "awaiting_payment":
		w.pays(v, side)
	case "queued":
		w.does("takeVisit", team, v, nil)
	case "in_review":
		w.treats(v, team)
	case "awaiting_patient":
		if w.IntN(8) == 0 {
			w.passes(v, team)
			return
		}
		w.does("sendMessage", side, v, map[string]string{"text": w.text(side, v)})
	case "expired":
		_, v.again = w.does("sendAgain", side, v, nil)
	case "answered":
		w.does(oneOf(w, "getChart", "getEncounterDocument"), side, v, nil)
		w.does(oneOf(w, "listAccess", "getRecord", "listPayments"), w.person(v.Patient), nil, nil)
		if w.lacks("acceptDispute") || w.IntN(6) == 0 { // few answers are disputed, and all of it must be met
			w.contests(v, side)
		}
		if w.lacks("recordClaim") || w.IntN(3) == 0 {
			w.does("recordClaim", w.person(oneOf(w, "sam-lee", "ada-brooks")), v, map[string]string{"reference": oneOf(w, "PCN-1", "PCN-2")})
		}
		if w.IntN(3) == 0 {
			w.does("acknowledgeVisit", side, v, nil)
		}
	}
}

// fills saves what is still missing of a draft, and sends it once nothing is.
func (w *world) fills(v *visit, side *person) {
	w.t.Helper()
	f, ok := w.forms[v.Form.Name]
	if !ok {
		got, sent := w.does("getForm", side, v, nil)
		if !sent || json.Unmarshal(got.body, &f) != nil {
			return
		}
		w.forms[v.Form.Name] = f
	}
	known := v.Form.Name + " " + v.Patient
	if v.answers == nil {
		v.answers = map[string]json.RawMessage{}
		maps.Copy(v.answers, w.filled[known])
	}
	if v.tries++; v.tries > 12 {
		w.does("cancelVisit", side, v, nil)
		return
	}
	if w.IntN(25) == 0 {
		w.does("deleteVisit", side, v, nil)
		return
	}
	got, _ := w.does("saveAnswers", side, v, f.response(v.answers))
	var saved struct {
		Missing  []whereabouts `json:"missing"`
		Problems []whereabouts `json:"problems"`
	}
	if json.Unmarshal(got.body, &saved) != nil {
		return
	}
	for _, p := range saved.Problems {
		delete(v.answers, p.Where)
	}
	more := false
	for _, m := range saved.Missing {
		for _, q := range f.find(m.Where) {
			if v.answers[q.LinkID] == nil && q.LinkID != "fee-ack" && q.LinkID != "consent-ack" {
				v.answers[q.LinkID], more = q.answer(v), true
			}
		}
	}
	if more || got.status >= http.StatusBadRequest || v.Status != "draft" {
		return
	}
	w.filled[known] = v.answers
	w.does("checkAnswers", side, v, f.response(v.answers))
	w.does("quoteVisit", side, v, nil)
	if v.Quote == nil {
		return
	}
	if got, _ := w.does("submitVisit", side, v, accepting(v)); codeIn(got) == "already_underway" {
		v.beside = namedIn(got)
	}
}

// namedIn is the id with which a problem's text ends: of the request that is underway.
func namedIn(got reply) string {
	var refused struct {
		Problems []struct {
			Text string `json:"text"`
		} `json:"problems"`
	}
	if json.Unmarshal(got.body, &refused) != nil || len(refused.Problems) == 0 {
		return ""
	}
	text := refused.Problems[0].Text
	return text[strings.LastIndex(text, " ")+1:]
}

// A whereabouts says of a problem which question it is about.
type whereabouts struct {
	Where string `json:"where"`
}

func accepting(v *visit) map[string]any {
	quote := "none"
	if v.Quote != nil {
		quote = v.Quote.ID
	}
	return map[string]any{"quote": quote, "accept_fee": true, "accept_consent": true, "language": "en", "beside": v.beside}
}

// pays pays the open page, asks for one, or looks whether Stripe's word has come.
func (w *world) pays(v *visit, side *person) {
	w.t.Helper()
	got, ok := w.does("getLedger", side, v, nil)
	var money struct {
		Payments []struct {
			State   string `json:"state"`
			Session string `json:"checkout_session"`
		} `json:"payments"`
	}
	if !ok || json.Unmarshal(got.body, &money) != nil {
		return
	}
	if n := len(money.Payments); n > 0 && money.Payments[n-1].State == "opened" {
		card := oneOf(w, "4242424242424242", "4242424242424242", "4242424242424242", "4000000000000002", "4000000000007007")
		w.tool(http.MethodPost, w.sys.Stripe+"/sim/pay", map[string]string{"session": money.Payments[n-1].Session, "card": card}, nil)
	}
	if w.IntN(4) == 0 {
		w.does("openCheckout", side, v, nil)
	}
	w.does("getVisit", side, v, nil)
}

// contests has a cardholder dispute the charge of an answer, and the practice answer the
// bank, or give up.
func (w *world) contests(v *visit, side *person) {
	w.t.Helper()
	got, _ := w.does("getLedger", side, v, nil)
	var money struct {
		Payments []struct {
			State  string `json:"state"`
			Intent string `json:"payment_intent"`
		} `json:"payments"`
	}
	if json.Unmarshal(got.body, &money) != nil || len(money.Payments) == 0 || money.Payments[len(money.Payments)-1].State != "captured" {
		return
	}
	admin := w.person(map[string]string{"lakeside": "ada-brooks", "harbor": "ruth-vance"}[v.Practice])
	w.refunds(v, admin)
	w.tool(http.MethodPost, w.sys.Stripe+"/sim/hand", map[string]string{"do": "dispute", "id": money.Payments[len(money.Payments)-1].Intent}, nil)
	w.pass(2 * time.Minute)
	got, _ = w.does("getDispute", admin, v, nil)
	var shown struct {
		Payment string `json:"payment"`
		Shown   string `json:"shown"`
	}
	if json.Unmarshal(got.body, &shown) != nil {
		return
	}
	if w.seen.done["answerDispute"] > 0 && (w.seen.done["acceptDispute"] == 0 || w.IntN(2) == 0) {
		w.does("acceptDispute", admin, v, map[string]string{"payment": shown.Payment})
		return
	}
	w.does("answerDispute", admin, v, map[string]string{"payment": shown.Payment, "shown": shown.Shown})
}

// refunds has an administrator refund a cent of the latest charge of a visit.
func (w *world) refunds(v *visit, admin *person) {
	w.t.Helper()
	got, _ := w.does("getRefunds", admin, v, nil)
	var shown struct {
		Payments []struct {
			Payment string `json:"payment"`
			Left    int    `json:"left_cents"`
			Can     int    `json:"can_refund_cents"`
		} `json:"payments"`
	}
	if json.Unmarshal(got.body, &shown) != nil || len(shown.Payments) == 0 {
		return
	}
	if p := shown.Payments[len(shown.Payments)-1]; p.Can > 0 {
		w.does("refundVisit", admin, v, map[string]any{"payment": p.Payment, "amount_cents": 1, "left_cents": p.Left, "reason": "courtesy"})
	}
}

// treats asks back, answers, or turns away.
func (w *world) treats(v *visit, team *person) {
	w.t.Helper()
	switch act := w.IntN(8); {
	case act > 5 || w.lacks("handOverVisit", "takeOverVisit"): // few visits come this far
		w.passes(v, team)
	case act == 0:
		w.does("askPatient", team, v, map[string]string{"text": w.text(team, v)})
	case act == 1:
		w.does(oneOf(w, "declineVisit", "redirectVisit"), team, v, map[string]string{"reason": "needs_exam", "text": w.text(team, v)})
	case act < 4:
		w.does("getChart", team, v, nil)
	default:
		w.does("answerVisit", team, v, map[string]any{
			"reply": w.text(team, v), "no_diagnosis": "None was asked for.", "minutes": 4,
			"plan": map[string]string{"do": w.text(team, v), "warning_signs": "Fever.", "follow_up": "as needed"},
		})
	}
}

// lacks reports whether one of some operations has not succeeded yet.
func (w *world) lacks(ops ...string) bool {
	return slices.ContainsFunc(ops, func(op string) bool { return w.seen.done[op] == 0 })
}

// passes has a visit change hands, with a note where there is one.
func (w *world) passes(v *visit, team *person) {
	w.t.Helper()
	text := marker(v.Patient, v.Pool+note) + " Please."
	switch colleague := map[string]string{"ana-rivera": "ben-chen", "ben-chen": "ana-rivera"}[team.ID]; {
	case colleague == "" || w.IntN(3) == 0 && !w.lacks("handOverVisit", "takeOverVisit"):
		w.does("releaseVisit", team, v, nil)
	case w.lacks("handOverVisit") || w.IntN(2) == 0 && !w.lacks("takeOverVisit"):
		w.does("listColleagues", team, v, nil)
		w.does("handOverVisit", team, v, map[string]string{"to": colleague, "text": text})
	default:
		w.does("takeOverVisit", w.person(colleague), v, map[string]string{"from": team.ID, "text": text})
	}
}

// knocks proves oneself wrongly more often than anyone may.
func (w *world) knocks() {
	w.t.Helper()
	all := httpapi.Endpoints()
	for range 140 {
		a := w.request(all[w.IntN(len(all))], nil, nil)
		a.header.Set("Authorization", "Bearer "+w.mangled())
		w.send(a)
	}
	w.pass(6 * time.Minute)
}

// endsWork has somebody of a practice look at what there is to do, and end some of it.
func (w *world) endsWork() {
	w.t.Helper()
	p := w.person(oneOf(w, "ana-rivera", "ana-rivera", "ada-brooks", "sam-lee", "omar-haddad", "ruth-vance"))
	w.does("listWork", p, nil, nil)
	w.does("listReconciliations", w.person("ada-brooks"), nil, nil)
	w.does("listPayouts", w.person(oneOf(w, "ada-brooks", "ruth-vance", "sam-lee")), nil, nil)
	if n := len(w.works); n > 0 && w.works[n-1].who == p {
		w.does("endWork", p, nil, nil)
	}
}

// text is what somebody writes in a visit.
func (w *world) text(p *person, v *visit) string {
	if v == nil || !p.reads(v.Patient, v.Pool) {
		return oneOf(w, "Please call us.", "a", "Ärztin 患者 👩‍⚕️", "<b>bold</b> & 'so'")
	}
	return marker(v.Patient, v.Pool) + oneOf(w, " It began two days ago.", " Thank you.", " <script>alert(1)</script>", " Ärztin 患者 👩‍⚕️")
}

// side is who acts for the visit's patient.
func (w *world) side(v *visit) *person {
	who := v.Patient
	switch {
	case who == "rosa-diaz":
		who = "elena-diaz"
	case who == "hana-kim" && w.IntN(3) == 0:
		who = "min-kim"
	}
	return w.person(who)
}

// team is who handles the visit: who has taken it, else somebody who may.
func (w *world) team(v *visit) *person {
	switch {
	case v.Holder != nil:
		return w.person(v.Holder.ID)
	case v.Pool == staffPool && v.Practice == "lakeside":
		return w.person("sam-lee")
	case v.Pool == staffPool:
		return w.person("leo-park")
	case v.Practice == "harbor":
		return w.person("omar-haddad")
	}
	return w.person(oneOf(w, "ana-rivera", "ana-rivera", "ben-chen"))
}

// person is one of the cast, who is always the same.
func (w *world) person(id string) *person {
	for _, p := range w.people {
		if p.ID == id {
			return p
		}
	}
	panic("the cast has no " + id)
}

func endpoint(id string) *httpapi.Endpoint {
	for _, e := range httpapi.Endpoints() {
		if e.ID == id {
			return e
		}
	}
	panic("there is no operation " + id)
}
