package fuzz

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	stripewebhook "github.com/stripe/stripe-go/v76/webhook"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
)

// examples are the bodies that the document shows, by operation.
type examples map[string]json.RawMessage

func readExamples() (examples, error) {
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody struct {
				Content map[string]struct {
					Example json.RawMessage `json:"example"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(httpapi.Document(), &doc); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	out := examples{}
	for _, methods := range doc.Paths {
		for _, op := range methods {
			if ex := op.RequestBody.Content["application/json"].Example; ex != nil {
				out[op.OperationID] = ex
			}
		}
	}
	return out, nil
}

// asks asks for some operation of the document, as someone, in a way that may be
// right, nearly right or hostile; often for one that has not succeeded yet.
func (w *world) asks() {
	w.t.Helper()
	all := httpapi.Endpoints()
	if never := w.seen.never(); len(never) > 0 && w.IntN(5) == 0 {
		w.asksFor(endpoint(oneOf(w, never...)), false)
		return
	}
	w.asksFor(all[w.IntN(len(all))], w.IntN(4) > 0)
}

// asksFor asks for an operation, as its example has it, or mutated.
func (w *world) asksFor(e *httpapi.Endpoint, mutated bool) {
	w.t.Helper()
	v := w.aVisit()
	a := w.request(e, w.caller(e, v), v)
	if mutated {
		w.mutate(&a, e)
	}
	if e.Who == httpapi.Signature {
		w.sign(&a, e)
	}
	w.send(a)
}

// aVisit is one to ask about: of each status as often.
func (w *world) aVisit() *visit {
	byStatus := map[string][]*visit{}
	var order []string
	for _, v := range w.visits {
		if byStatus[v.Status] == nil {
			order = append(order, v.Status)
		}
		byStatus[v.Status] = append(byStatus[v.Status], v)
	}
	if len(order) == 0 {
		return nil
	}
	of := byStatus[order[w.IntN(len(order))]]
	return of[w.IntN(len(of))]
}

// caller is who asks: mostly somebody who may, else anybody, or nobody.
func (w *world) caller(e *httpapi.Endpoint, v *visit) *person {
	switch n := w.IntN(20); {
	case n == 0, e.ID == "joinPractice": // guests join: of the cast, each would then have to name a practice
		return nil
	case n < 8 || v == nil:
		return w.people[w.IntN(len(w.people))]
	}
	switch e.Group {
	case "Visits: practice":
		return w.team(v)
	case "Operator":
		return w.person("operator.pat-quinn")
	case "Patients":
		return w.person(oneOf(w, "sam-lee", "ada-brooks", "jane-smith", "leo-park"))
	case "Forms of the practice", "Settings":
		return w.person(oneOf(w, "ada-brooks", "ada-brooks", "dora-quist", "ruth-vance"))
	case "People":
		if e.By == httpapi.ByRegistry {
			return w.person(oneOf(w, "ada-brooks", "ada-brooks", "ruth-vance", "ana-rivera"))
		}
	case "Practice":
		if e.ID == "endWork" && len(w.works) > 0 {
			return w.works[w.IntN(len(w.works))].who
		}
		return w.person(oneOf(w, "ada-brooks", "ada-brooks", "ruth-vance", "ana-rivera", "sam-lee", "vera-holt"))
	}
	return w.side(v)
}

// request is one that should be right, as far as its body goes; who may not be who
// may.
func (w *world) request(e *httpapi.Endpoint, who *person, v *visit) ask {
	a := ask{op: e.ID, who: who, method: e.Method, target: w.path(e, who, v), header: http.Header{}, body: w.body(e, who, v)}
	if strings.Contains(e.Path, "/visits/{id}") {
		a.visit = v
	}
	if who != nil && e.Who != httpapi.Anyone && e.Who != httpapi.Signature {
		a.header.Set("Authorization", "Bearer "+who.Token)
	}
	if a.body != nil {
		a.header.Set("Content-Type", "application/json")
	}
	if e.Once && w.IntN(3) == 0 {
		a.header.Set("Idempotency-Key", fmt.Sprint("key-", w.IntN(6)))
	}
	if e.IfMatch && v != nil && w.IntN(4) == 0 {
		a.header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(v.Version)))
	}
	var query []string
	for _, p := range e.Query {
		if w.IntN(3) == 0 || p.Name == "from" || p.Name == "to" {
			query = append(query, p.Name+"="+url.QueryEscape(w.parameter(p)))
		}
	}
	if e.Paged && w.IntN(2) == 0 {
		query = append(query, fmt.Sprint("limit=", 1+w.IntN(100)))
	}
	if len(query) > 0 {
		a.target += "?" + strings.Join(query, "&")
	}
	return a
}

func (w *world) parameter(p httpapi.Param) string {
	switch p.Name {
	case "from", "to":
		return oneOf(w, "draft", "draft", "0.2.0-common-0.2.0")
	case "patient":
		return oneOf(w, "jane-smith", "rosa-diaz", "hana-kim", "nobody")
	case "sex":
		return oneOf(w, "female", "male", "x")
	}
	return oneOf(w, "2026-03-02", "0", "", "1985-04-12")
}

func (w *world) path(e *httpapi.Endpoint, who *person, v *visit) string {
	id, name, version, work := "v0", "uti-women", "0.2.0", "w0"
	if v != nil {
		id, name, version = v.ID, v.Form.Name, v.Form.Version
	}
	for _, item := range w.works {
		if work == "w0" || item.who == who {
			work = item.id
		}
	}
	replacements := []string{
		"{id}", url.PathEscape(id), "{name}", url.PathEscape(name), "{version}", url.PathEscape(version), "{work}", url.PathEscape(work),
	}
	for part, named := range w.names {
		replacements = append(replacements, "{"+part+"}", url.PathEscape(named))
	}
	return strings.NewReplacer(replacements...).Replace(e.Path)
}

// body is the document's example, with what is true of the visit put in.
func (w *world) body(e *httpapi.Endpoint, who *person, v *visit) []byte {
	example := []byte(w.said[e.ID])
	if example == nil {
		return nil
	}
	if v == nil {
		return example
	}
	switch e.ID {
	case "startVisit":
		in := map[string]string{"form": v.Form.Name}
		if who != nil && who.Role == "caregiver" {
			in["patient"] = who.patient()
		}
		return encoded(in)
	case "submitVisit":
		return encoded(accepting(v))
	case "sendMessage":
		if f, ok := w.forms[v.Form.Name]; ok && v.answers != nil && who.reads(v.Patient, v.Pool) && w.IntN(2) == 0 {
			return encoded(map[string]any{"text": w.text(who, v), "answers": json.RawMessage(f.response(v.answers))})
		}
	case "saveAnswers", "checkAnswers":
		if f, ok := w.forms[v.Form.Name]; ok && v.answers != nil && who.reads(v.Patient, v.Pool) && w.IntN(4) > 0 {
			return f.response(v.answers)
		}
	case "receiveConnectEvent", "receivePlatformEvent":
		return bytes.ReplaceAll(example, []byte("evt_"), fmt.Appendf(nil, "evt_%d", w.IntN(1000)))
	}
	return w.inOwnWords(example, who, v)
}

// inOwnWords puts the words of the visit in for those of the example.
func (w *world) inOwnWords(example []byte, who *person, v *visit) []byte {
	var in map[string]any
	if json.Unmarshal(example, &in) != nil {
		return example
	}
	for _, name := range []string{"text", "reply"} {
		if _, ok := in[name].(string); ok {
			in[name] = w.text(who, v)
		}
	}
	return encoded(in)
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // all that is encoded was decoded, or is texts
	}
	return b
}

// sign signs an event for its endpoint; or, sometimes, wrongly. What is signed is heard
// whatever type it is said to be; Stripe says that it is JSON.
func (w *world) sign(a *ask, e *httpapi.Endpoint) {
	a.header.Set("Content-Type", "application/json")
	secret := map[string]string{"receivePlatformEvent": "whsec_simulated_platform", "receiveConnectEvent": "whsec_simulated_connect"}[e.ID]
	at := w.jumped
	switch w.IntN(8) {
	case 0:
		secret = "whsec_other"
	case 1:
		at = at.Add(-time.Hour)
	case 2:
		a.header.Set("Stripe-Signature", oneOf(w, "", "t=,v1=", "t=99999999999999999999,v1=00", "\xff"))
		return
	}
	a.header.Set("Stripe-Signature", stripewebhook.GenerateTestSignedPayload(&stripewebhook.UnsignedPayload{Payload: a.body, Secret: secret, Timestamp: at}).Header)
}

// opensPages asks for a page, or sends a form that one of them had.
func (w *world) opensPages() {
	w.t.Helper()
	var p *person
	if w.IntN(25) > 0 {
		p = w.people[w.IntN(len(w.people))]
	}
	v := w.aVisit()
	if v != nil && w.IntN(10) < 7 {
		if p = w.side(v); w.IntN(2) == 0 {
			p = w.team(v)
		}
	}
	a := w.page(p, v)
	if p != nil && w.IntN(20) > 0 {
		const idle = 10 * time.Minute
		if p.cookie == "" || w.jumped.Sub(p.since) > idle && w.IntN(8) > 0 {
			w.signIn(p)
		}
		a.header.Set("Cookie", p.cookie)
	} else {
		a.who = nil
	}
	if w.IntN(3) == 0 {
		w.mutatePage(&a)
	}
	w.send(a)
}

// page is a request for a page of p's, or a form of p's filled in.
func (w *world) page(p *person, v *visit) ask {
	if p != nil && len(p.pages) > 0 && w.IntN(2) == 0 {
		return w.fillsIn(p, p.pages[len(p.pages)-1-w.IntN(min(len(p.pages), 8))])
	}
	a := ask{op: w.route(p, v), who: p, header: http.Header{}}
	var path string
	a.method, path, _ = strings.Cut(a.op, " ")
	id := "v0"
	if v != nil {
		id = v.ID
	}
	if strings.Contains(path, "/visits/{id}") {
		a.visit = v
	} else if len(w.works) > 0 {
		id = oneOf(w, w.works...).id
	}
	a.target = strings.NewReplacer("{$}", "", "{id}", url.PathEscape(id), "{page}", fmt.Sprint(1+w.IntN(9))).Replace(path)
	if a.method == http.MethodPost {
		a.header.Set("Content-Type", "application/x-www-form-urlencoded")
		a.header.Set("Sec-Fetch-Site", "same-origin")
	}
	return a
}

// route is a page's route: half the time one that has forms for p, of the visit.
func (w *world) route(p *person, v *visit) string {
	if p == nil || v == nil || w.IntN(2) == 0 {
		return oneOf(w, web.Patterns(httpapi.ByAPI, httpapi.ByRegistry)...)
	}
	switch {
	case !p.isPatientSide():
		return oneOf(w, "GET /desk", "GET /desk/work", "GET /desk/visits/{id}", "GET /desk/visits/{id}")
	case v.Status == "draft":
		return "GET /my/visits/{id}/form/{page}"
	}
	return oneOf(w, "GET /my", "GET /my/visits/{id}", "GET /my/visits/{id}", "GET /kept")
}

// fillsIn is a form as a person fills it in.
func (w *world) fillsIn(p *person, f webForm) ask {
	a := ask{who: p, method: f.method, target: f.action, header: http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"}, "Sec-Fetch-Site": {"same-origin"},
	}}
	for _, v := range w.visits {
		if strings.Contains(f.action, v.ID) {
			a.visit = v
		}
	}
	a.op = routeOf(f.action)
	fields := url.Values{}
	for _, in := range f.fields {
		if len(in.values) == 0 || in.kind == "submit" && w.IntN(8) > 0 || in.kind == "checkbox" && w.IntN(3) > 0 {
			continue
		}
		value := in.values[w.IntN(len(in.values))]
		switch {
		case in.kind == "radio" && w.IntN(4) > 0: // mostly no, so that a form comes to an end
			value = in.values[len(in.values)-1]
		case in.kind == "text" && value == "":
			value = oneOf(w, w.text(p, a.visit), "3", "2031-01-01", "")
		}
		fields.Add(in.name, value)
	}
	a.body = []byte(fields.Encode())
	return a
}

// routeOf is the page's route that an address is of.
func routeOf(target string) string {
	mux := http.NewServeMux()
	for _, pattern := range web.Patterns(httpapi.ByAPI, httpapi.ByRegistry) {
		mux.Handle(pattern, http.NotFoundHandler())
	}
	u, err := url.Parse(target)
	if err != nil {
		return "no page"
	}
	_, pattern := mux.Handler(&http.Request{Method: http.MethodPost, URL: u, Host: ""})
	if pattern == "" {
		return "no page"
	}
	return pattern
}
