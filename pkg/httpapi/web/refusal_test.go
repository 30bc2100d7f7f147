package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/web"
)

// with is well with some answers changed.
func with(changes url.Values) url.Values {
	v := url.Values{}
	for name, vs := range well {
		v[name] = vs
	}
	for name, vs := range changes {
		v[name] = vs
	}
	return v
}

func TestRedFlag_StopsBeforeAnyPrice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillIn(with(url.Values{"uti-confused": {"true"}}))
	ada.wants(http.StatusOK, "Get help now", "call 911", "You have not been charged", "555-0100")
	for _, never := range []string{"Cancel this request", "payment page", "What it costs"} {
		if strings.Contains(ada.text(), never) {
			t.Errorf("a diverted patient is offered %q", never)
		}
	}
	id := ada.visitID()
	ada.press("I have read this and know where to turn", nil)
	ada.wants(http.StatusOK, "You confirmed reading this")
	ada.get("/my/visits/" + id + "/form/1")
	ada.wants(http.StatusConflict, "sent already")
	ada.get("/my/visits/" + id + "/form/7")
	if ada.at.Path != "/my/visits/"+id {
		t.Errorf("the price of a diverted request is at %s", ada.at)
	}
	if len(h.stripe.sessions) > 0 {
		t.Error("a diverted request has a payment page")
	}
}

func TestFormPage_WrongAnswersAreKeptAndExplained(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillInTo("uti-onset")
	ada.press("Save and continue", url.Values{"uti-onset": {"many"}, "uti-sx": {"burning", "blood"}})
	ada.wants(http.StatusUnprocessableEntity, "Write a whole number from 0 to 60, in digits.", "There is a problem", "Answer yes or no")
	if got := ada.value("uti-onset"); got[0] != "many" {
		t.Errorf("the wrong answer typed is now %q", got)
	}
	if got := strings.Join(ada.value("uti-sx"), " "); got != "burning blood" {
		t.Errorf("the boxes ticked are now %q", got)
	}
	ada.press("Save and continue", url.Values{"uti-onset": {"61"}})
	ada.wants(http.StatusUnprocessableEntity, "Give a number from 0 to 60.")
	ada.press("Save and continue", url.Values{"uti-onset": {"3"}, "uti-fever": {"false"}})
	ada.wants(http.StatusUnprocessableEntity, "Answer yes or no")
	ada.get("/my/visits/" + ada.visitID())
	ada.link("Continue the form")
	if got := ada.value("uti-onset"); got[0] != "3" {
		t.Errorf("the answer kept is now %q", got)
	}
}

// fillInTo answers the pages before the one that asks linkID.
func (b *browser) fillInTo(linkID string) {
	b.t.Helper()
	for range 20 {
		if strings.Contains(b.at.Path, "/form/") {
			for _, f := range find(b.page, "form") {
				if _, has := b.fields(f); has[linkID] {
					return
				}
			}
		}
		before := b.at.Path
		b.press("Save and continue", b.asked(well))
		if b.at.Path == before {
			b.t.Fatalf("stuck at %s:\n%s", b.at, b.text())
		}
	}
	b.t.Fatalf("no page asks %s", linkID)
}

func TestFormPage_FurtherQuestionsAndRows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillInTo("allergy-none")
	ada.press("Save and continue", url.Values{
		"allergy-none": {"false"}, "medications": {"Aspirin"}, "pregnant": {"no"}, "conditions": {"none"},
	})
	ada.wants(http.StatusOK, "a few more questions", "Medicine and what happened 1")
	ada.press("Add another row", url.Values{"allergy-drug@1": {"Penicillin"}, "allergy-reaction~@1": {"Itchy & red"}})
	ada.wants(http.StatusOK, "Medicine and what happened 2")
	if got := ada.value("allergy-reaction~@1"); got[0] != "Itchy & red" {
		t.Errorf("what was written in the first row is now %q", got)
	}
	ada.press("Save and continue", url.Values{"allergy-drug@2": {"Sulfa"}})
	ada.wants(http.StatusUnprocessableEntity, "Medicine and what happened 2, Reaction: Choose an answer.")
	ada.press("Save and continue", url.Values{"allergy-drug@1": {""}, "allergy-reaction~@1": {""}, "allergy-reaction@2": {"rash"}})
	ada.wants(http.StatusOK, "page 4 of")
	ada.press("Back", nil)
	if got := ada.value("allergy-drug@1"); got[0] != "Sulfa" {
		t.Errorf("after the first row was emptied the first is %q", got)
	}
}

func TestFormPage_TimesInThePracticesZone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.press("Home blood-pressure", nil)
	ada.fillInTo("rd-kind")
	ada.press("Save and continue", url.Values{"rd-kind": {"bp"}})
	for !strings.Contains(ada.text(), "Blood-pressure reading 1") {
		before := ada.text()
		ada.press("Save and continue", nil)
		if ada.text() == before {
			t.Fatalf("no page asks for readings; at %s:\n%s", ada.at, before)
		}
	}
	ada.press("Save and continue", url.Values{"bp-time@1": {"2026-03-01T08:30"}, "bp-sys@1": {"80"}, "bp-dia@1": {"120"}})
	ada.wants(http.StatusUnprocessableEntity, "systolic")
	if got := ada.value("bp-time@1"); got[0] != "2026-03-01T08:30" {
		t.Errorf("the time typed is now %q", got)
	}
}

func TestPost_OfAnotherSiteIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	id := ada.visitID()
	for _, p := range web.Patterns(httpapi.ByAPI, httpapi.ByRegistry) {
		method, path, _ := strings.Cut(p, " ")
		if method != http.MethodPost {
			continue
		}
		path = strings.NewReplacer("{id}", id, "{page}", "1").Replace(path)
		for name, headers := range map[string]http.Header{
			"another site":   {"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}},
			"a sister site":  {"Sec-Fetch-Site": {"same-site"}, "Origin": {"https://evil.example"}},
			"an old browser": {"Origin": {"https://evil.example"}},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+path, strings.NewReader("text=x"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = headers.Clone()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			ada.send(r)
			if ada.code != http.StatusForbidden || !strings.Contains(ada.text(), "sent from another site") {
				t.Errorf("POST %s from %s: %d", path, name, ada.code)
			}
		}
	}
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Not sent yet")
}

func TestPages_AnotherPatientsRequestIsNotFound(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	id := ada.visitID()
	bea := h.as(t, "Bea", "/my")
	for _, p := range web.Patterns(httpapi.ByAPI, httpapi.ByRegistry) {
		method, path, _ := strings.Cut(p, " ")
		if !strings.Contains(path, "{id}") {
			continue
		}
		path = strings.NewReplacer("{id}", id, "{page}", "1").Replace(path)
		if method == http.MethodGet {
			bea.get(path)
		} else {
			bea.post(h.url+path, url.Values{
				"text": {"x"}, "question": {"x"}, "fee-ack": {"true"}, "consent-ack": {"true"}, "quote": {"q"},
				"to": {"declined"}, "reason": {"other"}, "reply": {"x"}, "do": {"x"}, "warnings": {"x"}, "follow-up": {"x"}, "no-diagnosis": {"x"},
			})
		}
		if bea.code != http.StatusNotFound {
			t.Errorf("%s %s by another patient: %d, want 404:\n%s", method, path, bea.code, bea.text())
		}
	}
	bea.press("Sign out", nil)
	bea.wants(http.StatusOK, "Sign in to begin")

	ada.get("/my/visits/" + id + "/trail")
	ada.wants(http.StatusOK, "Refused")
	for _, tried := range []string{"read the answers and messages", "change or send the request", "write a message", "take the request", "ask, answer or decline", "see who has seen this"} {
		if words := "tried to " + tried + " Refused: has nothing to do with it"; strings.Count(ada.text(), words) != 1 {
			t.Errorf("the trail tells %d times that somebody %s", strings.Count(ada.text(), words), words)
		}
	}
}

// An id in an address that no header can carry, or that leads elsewhere, is an id of nothing: where
// a page leads on with it, it is written as it came.
func TestPages_HostileIdsLeadNowhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	anID := regexp.MustCompile(`\{[^/}]*\}`)
	for _, who := range []struct{ name, home string }{{"Ada", "/my"}, {"Dr. X", "/desk"}, {"Adm", "/manage/people"}} {
		b := h.as(t, who.name, who.home)
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, p := range web.Patterns(httpapi.ByAPI, httpapi.ByRegistry) {
			method, path, _ := strings.Cut(p, " ")
			if !anID.MatchString(path) {
				continue
			}
			for _, id := range []string{"%00", "%0d%0aX-More:%20x", "%3fx%23", "%c3%a9"} {
				at := h.url + anID.ReplaceAllLiteralString(path, id)
				if method == http.MethodGet {
					b.get(at)
				} else {
					b.post(at, url.Values{"text": {"x"}})
				}
				to, err := url.Parse(b.head.Get("Location"))
				if err != nil || b.code >= 500 || b.head.Get("X-More") != "" || to.RawQuery != "" && strings.Contains(to.RawQuery, "x%23") {
					t.Errorf("%s of %s: %d, leads to %q: %v", p, who.name, b.code, b.head.Get("Location"), err)
				}
				if sent := "/" + strings.ToLower(id); b.code == http.StatusSeeOther && strings.Contains(to.Path, "visits/") && !strings.Contains(strings.ToLower(to.EscapedPath()), sent) {
					t.Errorf("%s of %s with %s leads to %q", p, who.name, id, b.head.Get("Location"))
				}
			}
		}
	}
}

func TestSignIn_LeadsWhereTheVisitorWanted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if b := h.as(t, "Ada", "/my?of=p-ada"); b.at.RequestURI() != "/my?of=p-ada" {
		t.Errorf("signed in at %s", b.at)
	}
	for _, next := range []string{"https://evil.example/x", "//evil.example", `/\evil.example`, "/%09/evil.example"} {
		if b := h.as(t, "Dr. X", "/sign-in?next="+url.QueryEscape(next)); b.at.String() != h.url+"/desk" && b.at.Host != strings.TrimPrefix(h.url, "http://") {
			t.Errorf("next=%s leads to %s", next, b.at)
		}
	}
}

func TestSignIn_FailuresSayWhatToDo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browse(t)
	b.get("/signed-in?code=x&state=y")
	b.wants(http.StatusBadRequest, "sign in again")
	b.get("/sign-in")
	b.get(h.url + "/signed-in?code=x&state=forged")
	b.wants(http.StatusBadRequest, "sign in again")
	b.get("/sign-in")
	forged := *b.at
	q := forged.Query()
	q.Set("nonce", "of-another-attempt")
	forged.RawQuery = q.Encode()
	b.get(forged.String())
	b.press("Ada", nil)
	b.wants(http.StatusBadRequest, "Signing in did not work")
	b.get("/sign-in?next=/my")
	b.press("Ada", nil)
	b.wants(http.StatusOK, "My requests")

	nobody := h.browse(t)
	nobody.get("/my")
	nobody.press("Nobody", nil)
	nobody.wants(http.StatusUnauthorized, "You are not known here", "no practice here knows you")
	nobody.get("/my")
	if strings.HasPrefix(nobody.at.String(), h.url) {
		t.Errorf("someone unknown has a session at %s", nobody.at)
	}
}

func TestSignIn_WhileTheIssuerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.issuer.Config.Handler = http.NotFoundHandler()
	b := h.browse(t)
	b.get("/")
	b.wants(http.StatusOK, "Care without an appointment")
	b.get("/sign-in")
	b.wants(http.StatusServiceUnavailable, "Signing in is not possible just now")
}

func TestStyle_MayBeKeptForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.browse(t)
	b.get("/")
	for _, l := range find(b.page, "link") {
		b.get(attr(l, "href"))
	}
	if b.code != http.StatusOK || b.head.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(b.head.Get("Cache-Control"), "immutable") {
		t.Errorf("the style at %s: %d %v", b.at, b.code, b.head)
	}
}

func TestMessage_RefusedIsShownAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	ada.get("/my/visits/" + id)
	page, at := ada.page, ada.at
	ada.press("Add information", url.Values{"text": {"  "}})
	ada.wants(http.StatusUnprocessableEntity, "Write a message")
	ada.press("Cancel the request", nil)
	ada.page, ada.at = page, at
	ada.press("Add information", url.Values{"text": {"One more thing"}})
	ada.wants(http.StatusConflict, "This visit is cancelled", "What you wrote was not sent", "One more thing")
	ada.page, ada.at = page, at
	ada.press("Cancel the request", nil)
	ada.wants(http.StatusOK, "Cancelled")
}

func TestRoles_SeeAndDoWhatIsTheirs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)

	nan := h.as(t, "Nan", "/desk/visits/"+id)
	nan.wants(http.StatusOK, "Burning or pain", "Ada Adams")
	if strings.Contains(nan.text(), "Take this visit") {
		t.Error("a nurse is offered to take a visit")
	}
	nan.post(h.url+"/desk/visits/"+id+"/take", nil)
	nan.wants(http.StatusForbidden, "Your role does not allow this")

	ada.get("/desk")
	ada.wants(http.StatusForbidden, "it is for clinicians, nurses, staff")
	ada.get("/desk/visits/" + id)
	ada.wants(http.StatusOK, "Waiting to be read")

	adm := h.as(t, "Adm", "/desk/work")
	adm.wants(http.StatusOK, "Nothing is waiting for you")
	adm.get("/desk/visits/" + id)
	adm.wants(http.StatusForbidden)

	cal := h.as(t, "Cal", "/my")
	cal.wants(http.StatusOK, "Waiting to be read")
	cal.get("/my/visits/" + id)
	cal.wants(http.StatusOK, "For Ada Adams")
	cal.press("Add information", url.Values{"text": {"Her daughter here"}})
	cal.wants(http.StatusOK, "Her daughter here")
	cal.press("Cancel the request", nil)
	cal.wants(http.StatusOK, "Cancelled", "released")
	cal.link("Who has seen this")
	cal.wants(http.StatusOK, "nurse", "read the answers and messages", "You")
	cal.get("/my")
	cal.press("Urinary symptoms", nil)
	cal.wants(http.StatusOK, "page 1 of")
}

// A trail of more than a page is shown from the latest on, and the rest by a link.
func TestTrail_ShowsEarlier(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	cal, drx := h.as(t, "Cal", "/my"), h.as(t, "Dr. X", "/desk")
	for range 26 {
		h.pass(time.Second)
		cal.get("/my/visits/" + id)
		h.pass(time.Second)
		drx.get("/desk/visits/" + id)
	}
	ada.get("/my/visits/" + id + "/trail")
	ada.wants(http.StatusOK, "What you did yourself", "Xenia Xu, MD")
	if n := len(find(find(ada.page, "ol")[0], "li")); n != 50 {
		t.Errorf("a page has %d acts of others, want 50", n)
	}
	ada.link("Show earlier")
	ada.wants(http.StatusOK, "Xenia Xu, MD", "noted that the card is held")
	if strings.Contains(ada.text(), "Show earlier") {
		t.Error("the last page leads on")
	}
	ada.link("Show the latest")
	ada.wants(http.StatusOK, "What you did yourself")
}

func TestTurnAway_WithAReasonInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	drx := h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.press("Take this visit", nil)
	drx.press("End without an answer", url.Values{"to": {"declined"}, "reason": {"other"}, "text": {"\u200b\u2060"}}) // shows nothing
	drx.wants(http.StatusUnprocessableEntity, "Tell the patient why")
	drx.get("/desk/visits/" + id)
	drx.press("End without an answer", url.Values{"text": {"Come to the office"}})
	drx.wants(http.StatusUnprocessableEntity, "Choose what the patient is told", "Choose a reason")
	drx.press("End without an answer", url.Values{"to": {"redirected"}, "reason": {"needs_exam"}})
	drx.wants(http.StatusOK, "Redirected", "Come to the office", "Why it ended", "Needs an examination")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Please be seen in person", "You need to be examined.", "Come to the office", "Nothing is charged")
	drx.post(h.url+"/desk/visits/"+id+"/answer", url.Values{
		"reply": {"Too late"}, "do": {"x"}, "warnings": {"x"}, "follow-up": {"x"}, "no-diagnosis": {"x"},
	})
	drx.wants(http.StatusConflict, "cannot answer it", "What you wrote was not sent", "Too late")
}

func TestStart_PressedTwiceIsOneRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	page, at := ada.page, ada.at
	ada.press("Urinary symptoms", nil)
	first := ada.visitID()
	ada.page, ada.at = page, at
	ada.press("Urinary symptoms", nil)
	if again := ada.visitID(); again != first {
		t.Errorf("the second press started %s beside %s", again, first)
	}
}

func TestPost_HostileIsRefusedInWords(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	form := ada.at.String()
	for name, c := range map[string]struct {
		kind, body string
		code       int
	}{
		"too large":     {"application/x-www-form-urlencoded", "medications=" + strings.Repeat("a", exchange.MaxBody), http.StatusRequestEntityTooLarge},
		"too many":      {"application/x-www-form-urlencoded", strings.Repeat("a=&", 4000), http.StatusRequestEntityTooLarge},
		"a file":        {"multipart/form-data; boundary=x", "--x\r\n\r\n--x--", http.StatusBadRequest},
		"broken":        {"application/x-www-form-urlencoded", "%zz", http.StatusBadRequest},
		"unknown":       {"application/x-www-form-urlencoded", "nothing-of-ours=1&fee-ack=true&rows:x=1&completed-by=self", http.StatusSeeOther},
		"odd types":     {"application/x-www-form-urlencoded", "emergency-ack=perhaps&completed-by=self&completed-by=parent", http.StatusUnprocessableEntity},
		"not UTF-8":     {"application/x-www-form-urlencoded", "medications=na%efve", http.StatusBadRequest},
		"half a letter": {"application/x-www-form-urlencoded", "medications=%ed%a0%bd", http.StatusBadRequest},
		"NUL":           {"application/x-www-form-urlencoded", "callback-phone=%00&completed-by=%00", http.StatusUnprocessableEntity},
		"a forged rows": {"application/x-www-form-urlencoded", "rows:allergy=999999&add=allergy", http.StatusOK},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, form, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", c.kind)
		res, err := (&http.Client{Transport: ada.client.Transport, Jar: ada.client.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		must(t, res.Body.Close())
		if res.StatusCode != c.code {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.code)
		}
	}
	ada.get("/my/visits/" + ada.visitID() + "/form/99")
	ada.wants(http.StatusNotFound, "no such page")
	ada.get("/nowhere")
	ada.wants(http.StatusNotFound, "no page at this address")
}

func TestPatterns_NotThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{}
	for _, e := range httpapi.Endpoints() {
		taken[e.Pattern()] = true
	}
	for _, p := range web.Patterns(httpapi.ByAPI, httpapi.ByRegistry) {
		if taken[p] {
			t.Errorf("%s is served by both", p)
		}
	}
}
