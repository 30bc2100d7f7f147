package fuzz

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// maxReply is Lambda's.
const maxReply = 6 << 20

// digits are what findings of one kind differ in.
var digits = regexp.MustCompile(`[0-9]+`)

// A marker stands in everything that is written in a visit, and says in whose.
func marker(patient, pool string) string { return "MARK." + patient + "." + pool + "." }

var markers = regexp.MustCompile(`MARK\.([a-z-]+)\.([a-z]+)\.`)

// names are the patients' own.
var names = map[string]string{"Jane Smith": "jane-smith", "Tom Okafor": "tom-okafor", "Rosa Diaz": "rosa-diaz", "Hana Kim": "hana-kim"}

// pageStatuses are what a page may answer.
var pageStatuses = []int{200, 303, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429}

// judge says in what a reply is wrong, whatever the document says of its operation.
func judge(a ask, described bool, got reply) []string {
	var wrong []string
	not := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	head := got.header
	kind, _, _ := strings.Cut(head.Get("Content-Type"), ";")
	not(got.status < http.StatusInternalServerError, "a fault of ours")
	not(len(got.body) <= maxReply, "%d bytes are more than Lambda sends", len(got.body))
	not(head.Get("X-Content-Type-Options") == "nosniff", "its type may be guessed")
	not(head.Get("Referrer-Policy") != "", "it has no Referrer-Policy")
	not(head.Get("Cache-Control") != "", "it has no Cache-Control")
	if kind == "text/html" && got.status/100 != 3 {
		policy := head.Get("Content-Security-Policy")
		not(strings.Contains(policy, "default-src 'none'") && strings.Contains(policy, "frame-ancestors 'none'"), "its Content-Security-Policy is %q", policy)
	}
	if to := head.Get("Location"); got.status/100 == 3 && got.status != http.StatusNotModified {
		not(leadsHome(to), "it leads to %q", to)
	}
	if got.status == http.StatusMethodNotAllowed {
		not(head.Get("Allow") != "", "it does not say which methods there are")
	}
	if !described {
		not(slices.Contains(pageStatuses, got.status) || leadsHome(head.Get("Location")), "no page answers so")
		not(len(got.body) == 0 || got.status/100 == 3 || slices.Contains([]string{"text/html", "text/css", "application/zip", "application/problem+json"}, kind), "no page is %q", kind)
	}
	if kind == "application/zip" {
		got.body = unzipped(got.body)
	}
	return append(wrong, leaks(a.who, a.withoutOwn(got))...)
}

// unzipped is what the files of an archive hold; nothing of a body that is none.
func unzipped(body []byte) []byte {
	var all []byte
	r, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil
	}
	for _, f := range r.File {
		if rc, err := f.Open(); err == nil {
			b, _ := io.ReadAll(rc)
			all = append(all, b...)
		}
	}
	return all
}

// withoutOwn is the body of a reply without the marks that the request itself sent. Who
// typed something is shown it again by the page that refuses it.
func (a ask) withoutOwn(got reply) []byte {
	body := got.body
	if got.status < http.StatusBadRequest {
		return body
	}
	for _, own := range markers.FindAll(a.body, -1) {
		body = bytes.ReplaceAll(body, own, nil)
	}
	return body
}

// away is where a page that must be left quickly leads.
const away = "https://www.weather.gov/"

// leadsHome says that an address is one of ours, of the issuer's or a payment page, or
// away.
func leadsHome(to string) bool {
	local := strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, `/\`)
	return local || strings.HasPrefix(to, "http://127.0.0.1:") || to == away
}

// leaks lists what a reply says of patients whom the caller may not read.
func leaks(who *person, body []byte) []string {
	var wrong []string
	for _, m := range markers.FindAllSubmatch(body, -1) {
		if patient, pool := string(m[1]), string(m[2]); !who.reads(patient, pool) {
			wrong = append(wrong, fmt.Sprintf("it says what %s wrote, to the %s people", patient, pool))
		}
	}
	for name, patient := range names {
		if bytes.Contains(body, []byte(name)) && !who.reads(patient, clinicalPool) && !who.reads(patient, staffPool) && !who.registers(patient) {
			wrong = append(wrong, "it names "+name)
		}
	}
	return wrong
}

// codeIn is the code of a problem detail.
func codeIn(got reply) string {
	var p struct {
		Code string `json:"code"`
	}
	if got.status < http.StatusBadRequest || json.Unmarshal(got.body, &p) != nil {
		return ""
	}
	return p.Code
}

// A logged keeps the lines of the system's log that should not be there: errors, and
// words of patients.
type logged struct {
	mu  sync.Mutex
	bad []string
}

func (l *logged) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"level":"ERROR"`)) || leaks(nil, line) != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.bad = append(l.bad, string(line))
	}
	return len(line), nil
}

func (l *logged) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	bad := l.bad
	l.bad = nil
	return bad
}

// The judge finds each kind of wrong reply, so that a run without findings says
// something.
func TestJudge_FindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	jane := &person{ID: "jane-smith", Role: "patient", Practice: "lakeside"}
	ada := &person{ID: "ada-brooks", Role: "admin", Practice: "lakeside"}
	sam := &person{ID: "sam-lee", Role: "staff", Practice: "lakeside"}
	good := http.Header{
		"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"same-origin"}, "Cache-Control": {"no-store"},
		"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	for name, tc := range map[string]struct {
		who  *person
		got  reply
		want string // empty: nothing is wrong
		sent string
	}{
		"a good page":                    {who: jane, got: reply{200, good, []byte(marker("jane-smith", clinicalPool))}, want: ""},
		"a fault":                        {who: jane, got: reply{503, good, nil}, want: "a fault of ours"},
		"too long":                       {who: jane, got: reply{200, good, make([]byte, maxReply+1)}, want: "more than Lambda"},
		"a colleague's note":             {who: jane, got: reply{200, good, []byte(marker("jane-smith", clinicalPool+note))}, want: "it says what"},
		"a header that is missing":       {who: jane, got: reply{200, with("X-Content-Type-Options", ""), nil}, want: "guessed"},
		"a page without a policy":        {who: jane, got: reply{200, with("Content-Security-Policy", ""), nil}, want: "Content-Security-Policy"},
		"a redirect to another site":     {who: jane, got: reply{303, with("Location", "//evil.example"), nil}, want: "leads to"},
		"a status that no page has":      {who: jane, got: reply{418, good, nil}, want: "no page answers so"},
		"another patient's words":        {who: jane, got: reply{200, good, []byte(marker("tom-okafor", clinicalPool))}, want: "what tom-okafor wrote"},
		"a patient's words to nobody":    {got: reply{200, good, []byte(marker("tom-okafor", clinicalPool))}, want: "what tom-okafor wrote"},
		"clinical words to an admin":     {who: ada, got: reply{200, good, []byte(marker("tom-okafor", clinicalPool))}, want: "what tom-okafor wrote"},
		"clinical words to staff":        {who: sam, got: reply{200, good, []byte(marker("tom-okafor", clinicalPool))}, want: "what tom-okafor wrote"},
		"words for staff to staff":       {who: sam, got: reply{200, good, []byte(marker("tom-okafor", staffPool))}, want: ""},
		"another practice's patient":     {who: sam, got: reply{200, good, []byte("Hana Kim")}, want: "it names Hana Kim"},
		"a method refused without Allow": {who: jane, got: reply{405, good, nil}, want: "which methods"},
		"words typed a moment ago":       {got: reply{401, good, []byte(marker("tom-okafor", clinicalPool))}, sent: "text=" + marker("tom-okafor", clinicalPool)},
		"others beside those typed":      {got: reply{401, good, []byte(marker("tom-okafor", staffPool))}, sent: "text=" + marker("tom-okafor", clinicalPool), want: "what tom-okafor wrote"},
		"typed, and not refused":         {got: reply{200, good, []byte(marker("tom-okafor", staffPool))}, sent: "text=" + marker("tom-okafor", staffPool), want: "what tom-okafor wrote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wrong := judge(ask{who: tc.who, body: []byte(tc.sent)}, false, tc.got)
			if tc.want == "" && len(wrong) > 0 || tc.want != "" && !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, tc.want) }) {
				t.Errorf("found %q, want %q", wrong, tc.want)
			}
		})
	}
}
