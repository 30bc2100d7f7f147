package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/demo/proof"
	"evisit/infra/local/system"
	"evisit/pkg/httpapi/apitest"
)

// A world is a running system and what the fuzzer knows of it.
type world struct {
	*rand.Rand
	t      *testing.T
	sys    *system.System
	client *http.Client
	people []*person
	visits []*visit
	works  []workItem
	forms  map[string]form
	filled map[string]map[string]json.RawMessage // complete answers, by form and patient
	said   examples
	seen   *coverage
	log    *logged
	sent   int
	found  []finding
	kinds  map[string]bool   // of findings, each reported once
	jumped time.Time         // when the clock was last moved, by the clock
	names  map[string]string // of the parts of paths that are no visit's, as somebody named them last
	joined map[string]string // the guest of each administrator who works there, whom nobody else counts on
}

// A workItem is one that a person has to do.
type workItem struct {
	id  string
	who *person
}

// A finding is a reply that is not as described.
type finding struct {
	request int
	text    string
}

// A person is one of the cast, with a token and a session of the pages.
type person struct {
	ID, Name, Role, Practice, Token string

	cookie string    // of the pages
	since  time.Time // when the session began
	pages  []webForm // forms seen on pages, to send
}

func (p *person) isPatientSide() bool {
	return p != nil && (p.Role == "patient" || p.Role == "caregiver")
}

// patients are whom a person of the patient's side acts for.
func (p *person) patient() string {
	switch {
	case p == nil:
		return ""
	case p.Role == "patient":
		return p.ID
	case p.ID == "elena-diaz":
		return "rosa-diaz"
	case p.ID == "min-kim":
		return "hana-kim"
	}
	return ""
}

// reads says if p may read what was written in the visits of a patient, or what
// colleagues wrote to each other about them.
func (p *person) reads(patient, pool string) bool {
	pool, isNote := strings.CutSuffix(pool, note)
	switch {
	case p == nil:
		return false
	case p.isPatientSide():
		return p.patient() == patient && !isNote
	case practiceOf[patient] != p.Practice:
		return false
	case p.Role == "staff":
		return pool == staffPool
	}
	return pool == clinicalPool && (p.Role == "clinician" || p.Role == "nurse")
}

// registers reports whether p may read who a patient is, and nothing of their visits.
func (p *person) registers(patient string) bool {
	return p != nil && p.Role == "admin" && practiceOf[patient] == p.Practice
}

const (
	clinicalPool = "clinical"
	staffPool    = "staff"
	note         = "note" // ends the pool of what is for colleagues alone
)

// practiceOf are the patients of the cast.
var practiceOf = map[string]string{
	"jane-smith": "lakeside", "tom-okafor": "lakeside", "rosa-diaz": "lakeside", "hana-kim": "harbor",
}

// A visit is what is known of one: enough to take its next step.
type visit struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	Patient  string `json:"patient"`
	Status   string `json:"status"`
	again    bool   // expired, and was sent again
	beside   string // the request underway that the patient was told of
	Pool     string `json:"pool"`
	Version  int    `json:"version"`
	Form     struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	} `json:"form"`
	Quote *struct {
		ID string `json:"id"`
	} `json:"quote"`
	Holder *struct {
		ID string `json:"id"`
	} `json:"clinician"`
	Checkout string   `json:"checkout_url"`
	Payments []string `json:"payments"`

	answers map[string]json.RawMessage // by linkId, as far as they were filled in
	tries   int                        // to fill in the form
}

func (v *visit) over() bool {
	return !slices.Contains([]string{"draft", "awaiting_payment", "queued", "in_review", "awaiting_patient", "answered"}, v.Status)
}

func newWorld(t *testing.T, r *rand.Rand) *world {
	t.Helper()
	w := &world{
		Rand: r, names: map[string]string{"practice": "practice-0", "person": "nobody", "invitation": "none", "patient": "jane-smith", "payer": "none", "coverage": "none", "contract": "none"}, joined: map[string]string{},
		t: t, forms: map[string]form{}, filled: map[string]map[string]json.RawMessage{}, seen: newCoverage(), kinds: map[string]bool{}, log: &logged{},
	}
	var err error
	w.sys, err = system.Start(context.WithoutCancel(t.Context()), system.Options{
		Addr: "127.0.0.1:0", Data: t.TempDir(),
		Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.sys.Close(); err != nil {
			t.Error(err)
		}
	})
	w.client = &http.Client{
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       10 * time.Minute, // a jump of the clock does all that is due in it
	}
	if w.said, err = readExamples(); err != nil {
		t.Fatal(err)
	}
	return w
}

// join learns the cast and its tokens, or gets it new ones.
func (w *world) join() {
	w.t.Helper()
	var cast struct{ People []*person }
	w.tool(http.MethodPost, w.sys.URL+"/dev/seed", nil, &cast)
	if w.people == nil {
		w.people = cast.People
		w.jumped = w.now()
		return
	}
	for i, p := range cast.People {
		w.people[i].Token = p.Token
	}
}

// tool calls what is no part of the API: the clock, the seed, the simulator.
func (w *world) tool(method, address string, in, out any) {
	w.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, address, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= http.StatusInternalServerError {
		w.t.Fatalf("%s %s answered %d: %s (%v)", method, address, res.StatusCode, b, err)
	}
	if out == nil || res.StatusCode >= http.StatusBadRequest {
		return
	}
	if err := json.Unmarshal(b, out); err != nil {
		w.t.Fatalf("%s %s: %v", method, address, err)
	}
}

func (w *world) now() time.Time {
	w.t.Helper()
	var clock struct{ Now time.Time }
	w.tool(http.MethodGet, w.sys.URL+"/dev/clock", nil, &clock)
	return clock.Now
}

// pass moves the clock, on which what is due is done. Tokens are renewed: they are
// good for a month.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.tool(http.MethodPost, w.sys.URL+"/dev/clock", map[string]string{"advance": d.String()}, nil)
	w.jumped = w.now()
	w.join()
}

// signIn gives a person a session, by the pages and the issuer's.
func (w *world) signIn(p *person) {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	browser := &http.Client{Transport: w.client.Transport, Jar: jar, Timeout: time.Minute}
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.sys.URL+"/sign-in", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	page, at := w.browse(browser, r)
	forms := formsOf(page, at.Path)
	if len(forms) == 0 {
		w.t.Fatalf("at %s nobody can sign in: %s", at, page)
	}
	fields := forms[0].values()
	fields.Set("subject", strings.TrimPrefix(p.ID, "operator."))
	r, err = http.NewRequestWithContext(w.t.Context(), http.MethodPost, at.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.browse(browser, r)
	home, err := url.Parse(w.sys.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	p.cookie, p.since = "", w.jumped
	for _, c := range jar.Cookies(home) {
		if c.Name == "evisit" {
			p.cookie = c.Name + "=" + c.Value
		}
	}
	if p.cookie == "" {
		w.t.Fatalf("signing in as %s gave no session", p.ID)
	}
}

func (w *world) browse(c *http.Client, r *http.Request) (page []byte, at *url.URL) {
	w.t.Helper()
	res, err := c.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if page, err = io.ReadAll(res.Body); err != nil {
		w.t.Fatal(err)
	}
	return page, res.Request.URL
}

// An ask is one request.
type ask struct {
	op     string  // an operation, or a page's route
	who    *person // nil: nobody that the system knows
	method string
	target string // path and query, as sent
	header http.Header
	body   []byte
	visit  *visit // that it is about
}

// A reply is what came back.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes a request and judges its reply. A request that no client can send is
// let be.
func (w *world) send(a ask) (reply, bool) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), a.method, w.sys.URL+a.target, bytes.NewReader(a.body))
	if err != nil {
		return reply{}, false
	}
	r.Header = a.header.Clone()
	res, err := w.client.Do(r)
	if err != nil {
		if isUnsendable(err) {
			return reply{}, false
		}
		w.find(a, reply{}, fmt.Sprintf("no reply: %v", err))
		return reply{}, false
	}
	got := reply{status: res.StatusCode, header: res.Header}
	got.body, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		w.find(a, got, fmt.Sprintf("the reply ends early: %v", err))
	}
	w.sent++
	status := "none"
	if a.visit != nil {
		status = a.visit.Status
	}
	code := codeIn(got)
	w.seen.count(a.op, status, got.status, code)
	operation, err := apitest.Check(w.t.Context(), apitest.Exchange{Request: r, Sent: a.body, Status: got.status, Header: got.header, Got: got.body})
	if err != nil {
		w.find(a, got, "it is not as the document says: "+err.Error())
	}
	for _, wrong := range judge(a, operation != "", got) {
		w.find(a, got, wrong)
	}
	for _, line := range w.log.take() {
		w.find(a, got, "the log says "+line)
	}
	w.learn(a, got)
	return got, true
}

// isUnsendable says that Go's client refused to send a request.
func isUnsendable(err error) bool {
	return strings.Contains(err.Error(), "invalid header field") || strings.Contains(err.Error(), "invalid method") ||
		strings.Contains(err.Error(), "net/http: invalid")
}

// find notes a reply that is not as described; of each kind the first.
func (w *world) find(a ask, got reply, what string) {
	kind := fmt.Sprint(a.op, got.status, codeIn(got), digits.ReplaceAllString(what[:min(len(what), 90)], "n"))
	if w.kinds[kind] {
		return
	}
	w.kinds[kind] = true
	who := "nobody"
	if a.who != nil {
		who = a.who.ID
	}
	w.found = append(w.found, finding{w.sent, fmt.Sprintf("%s as %s: %s\nanswered %d %s\n%s", a.op, who, what, got.status, clip(got.body), a.curl(w.sys.URL))})
}

func clip(b []byte) string {
	const most = 1_500
	if len(b) > most {
		return fmt.Sprintf("%q… (%d bytes)", b[:most], len(b))
	}
	return fmt.Sprintf("%q", b)
}

// learn remembers what a reply shows: visits, work items, forms to fill in.
func (w *world) learn(a ask, got reply) {
	if got.status >= http.StatusBadRequest || a.method == http.MethodHead {
		return
	}
	kind := got.header.Get("Content-Type")
	switch {
	case strings.HasPrefix(kind, "text/html") && a.who != nil:
		a.who.pages = append(a.who.pages, slices.DeleteFunc(formsOf(got.body, a.target), func(f webForm) bool { return f.action == "/sign-out" })...)
		const kept = 30
		a.who.pages = a.who.pages[max(0, len(a.who.pages)-kept):]
	case kind == "application/json":
		var shown struct {
			visit
			Visit  json.RawMessage `json:"visit"`
			Visits []visit         `json:"visits"`
			Items  []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		if json.Unmarshal(got.body, &shown) != nil {
			return
		}
		var inner visit
		if json.Unmarshal(shown.Visit, &inner) == nil {
			w.update(inner)
		}
		w.update(shown.visit)
		for _, v := range shown.Visits {
			w.update(v)
		}
		if a.op == "listWork" {
			for _, i := range shown.Items {
				w.works = append(w.works[max(0, len(w.works)-20):], workItem{i.ID, a.who})
			}
		}
	}
}

// update remembers what a reply shows of a visit; what has no patient is none, as a dispute.
func (w *world) update(v visit) {
	if v.ID == "" || v.Status == "" || v.Patient == "" {
		return
	}
	for _, known := range w.visits {
		if known.ID == v.ID {
			if v.Checkout == "" {
				v.Checkout = known.Checkout
			}
			v.answers, v.tries, v.again, v.beside = known.answers, known.tries, known.again, known.beside
			*known = v
			return
		}
	}
	w.visits = append(w.visits, &v)
}

// settle lets time pass when all is asked: the logs must still prove every row, the
// books be those of Stripe, and nothing have gone wrong behind the replies.
func (w *world) settle() {
	w.t.Helper()
	w.pass(3 * time.Hour)
	w.pass(2 * time.Minute)
	var logs []system.Verified
	w.tool(http.MethodPost, w.sys.URL+"/dev/verify", nil, &logs)
	for _, l := range logs {
		if l.Found != "" {
			w.found = append(w.found, finding{w.sent, "verifying: " + l.Found})
		}
	}
	if len(logs) == 0 {
		w.found = append(w.found, finding{w.sent, "verifying finds something, or no log"})
	}
	for _, line := range w.log.take() {
		w.found = append(w.found, finding{w.sent, "the log says " + line})
	}
	report, err := proof.Check(w.t.Context(), proof.Claim{BaseURL: w.sys.URL, Since: w.now()})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range report.Findings() {
		w.found = append(w.found, finding{w.sent, "it cannot be proved: " + f})
	}
}
