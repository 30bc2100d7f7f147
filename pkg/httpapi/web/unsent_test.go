package web_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/clinic/limits"
)

// written is something in each field of the desk's forms, of which none is sent.
func written() url.Values {
	return url.Values{
		"question": {secret + "?\r\nAnd since when?"}, "reply": {secret + " 1"}, "code": {"N30.00"}, "other-codes": {"R30.0"},
		"no-diagnosis": {secret + " 2"}, "do": {secret + " 3"}, "warnings": {secret + " 4"}, "follow-up": {secret + " 5"}, "minutes": {"7"},
		"to": {"declined"}, "reason": {"other"}, "text": {secret + " 6"},
	}
}

// holds checks that the fields of the page hold want, and those that want does not name
// nothing, if they are there.
func (b *browser) holds(want url.Values) {
	b.t.Helper()
	got := url.Values{}
	for name := range written() {
		if !strings.Contains(b.fieldNames(), " "+name+" ") {
			continue
		}
		if vs := slices.DeleteFunc(b.value(name), func(s string) bool { return s == "" }); len(vs) > 0 {
			got[name] = vs
		}
	}
	for _, vs := range want {
		vs[0] = strings.ReplaceAll(vs[0], "\r\n", "\n")
	}
	for _, vs := range got { // the first line break of a textarea is none of its text
		vs[0] = strings.ReplaceAll(strings.TrimPrefix(vs[0], "\n"), "\r\n", "\n")
	}
	if d := cmp.Diff(want, got); d != "" {
		b.t.Errorf("the page holds other texts than were written (-want +got):\n%s", d)
	}
}

// fieldNames are the names of the fields that the page has, each between spaces.
func (b *browser) fieldNames() string {
	names := " "
	for _, tag := range []string{"input", "textarea", "select"} {
		for _, n := range find(b.page, tag) {
			names += attr(n, "name") + " "
		}
	}
	return names
}

func without(all url.Values, names ...string) url.Values {
	all = maps.Clone(all)
	for _, name := range names {
		delete(all, name)
	}
	return all
}

// taken is a clinician at the page of a visit that they have taken.
func (h *house) taken(t *testing.T) (drx *browser, path string) {
	t.Helper()
	id, _ := h.sent(t, h.as(t, "Ada", "/my"))
	drx = h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.press("Take this visit", nil)
	return drx, "/desk/visits/" + id
}

// Whatever button of the desk's page is pressed, what was typed and not sent is there when
// its writer comes back, sealed meanwhile, and nobody else sees it.
func TestUnsent_DeskButtons(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, path := h.taken(t)
	for _, button := range find(drx.page, "button") {
		if name := text(button); !slices.Contains([]string{"Keep what you wrote", "Oak Street Clinic", "Sign out", "Queue", "Work", "Ask", "Send the answer", "End without an answer or a charge", "Give it back to the queue", "Hand it over to a colleague"}, name) {
			t.Errorf("nobody knows whether %q loses what was typed", name)
		}
	}
	for _, c := range []struct{ button, leads string }{
		{"Oak Street Clinic", "/desk"}, {"Work", "/desk/work"}, {"Sign out", "/"}, {"Queue", "/desk"}, {"Hand it over to a colleague", path + "/hand-over"},
	} {
		drx.press(c.button, written())
		if drx.at.Path != c.leads {
			t.Errorf("%q leads to %s, want %s", c.button, drx.at, c.leads)
		}
		if rows := h.stored(t); strings.Contains(rows, secret) {
			t.Error("what was typed is not sealed")
		}
		if c.button == "Sign out" {
			h.signIn(drx, "Dr. X")
			if drx.at.Path != "/desk" {
				t.Errorf("after signing in again the clinician is at %s", drx.at)
			}
		}
		drx.get(path)
		drx.wants(http.StatusOK, "kept for you alone, and not sent yet")
		drx.holds(written())
	}
	dry := h.as(t, "Dr. Y", path)
	if strings.Contains(dry.text(), secret) {
		t.Error("a colleague sees what was not sent")
	}

	drx.press("Ask", written())
	drx.wants(http.StatusOK, "Asked the patient", secret+"?")
	drx.holds(without(written(), "question"))

	empty := url.Values{}
	for name := range without(written(), "question") {
		empty[name] = nil
	}
	drx.press("Queue", empty)
	drx.get(path)
	drx.holds(url.Values{})
}

// The texts of a form that is gone are shown, and kept until they are thrown away.
func TestUnsent_FormIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, path := h.taken(t)
	drx.press("Send the answer", without(written(), "no-diagnosis"))
	drx.wants(http.StatusOK, "Answered", "What you wrote was not sent", secret+"?", secret+" 6")
	drx.press("Queue", nil)
	drx.get(path)
	drx.wants(http.StatusOK, "What you wrote was not sent", "And since when?")
	drx.press("Throw it away", nil)
	drx.wants(http.StatusOK, "Answered")
	if drx.at.Path != path || strings.Contains(drx.text(), "was not sent") {
		t.Errorf("thrown away, it is still at %s", drx.at)
	}
}

// A form that is refused for a reason that has no place on its page is shown with what
// was typed, to be sent again; whatever button is pressed there keeps it.
func TestUnsent_Refused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		code   int
		breaks func(t *testing.T, h *house)
		mends  func(h *house)
	}{
		{
			"too often", http.StatusTooManyRequests,
			func(t *testing.T, h *house) {
				t.Helper()
				for range limits.PersonWrites.Most {
					_ = h.rooms.Limits.Count(t.Context(), limits.PersonWrites, h.issuer.URL+" drx")
				}
			},
			func(h *house) { h.pass(limits.PersonWrites.Window) },
		},
		{
			"database does not write", http.StatusServiceUnavailable,
			func(_ *testing.T, h *house) { h.calls.lose("TransactWriteItems") },
			func(h *house) { h.calls.lose("") },
		},
		{
			"database does not read", http.StatusServiceUnavailable,
			func(_ *testing.T, h *house) { h.calls.lose("BatchGetItem") },
			func(h *house) { h.calls.lose("") },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			drx, path := h.taken(t)
			c.breaks(t, h)
			for _, button := range []string{"Ask", "Send it again"} {
				set := written()
				if button != "Ask" {
					set = nil
				}
				drx.press(button, set)
				drx.wants(c.code, "What you filled in is still here", secret+"?", secret+" 6")
			}
			c.mends(h)
			drx.press("Send it again", nil)
			drx.wants(http.StatusOK, "Asked the patient")
			drx.holds(without(written(), "question"))

			c.breaks(t, h)
			drx.press("Send the answer", url.Values{"no-diagnosis": nil})
			drx.wants(c.code, secret+" 1")
			c.mends(h)
			drx.press("Queue", nil)
			drx.get(path)
			drx.holds(without(written(), "question", "no-diagnosis"))
		})
	}
}

// What a patient writes on the page of a request outlives every button of it.
func TestUnsent_PatientsMessage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	page := "/my/visits/" + id
	ada.get(page)
	for _, button := range find(ada.page, "button") {
		if name := text(button); !slices.Contains([]string{"Oak Street Clinic", "Sign out", "My requests", "My data", "Add information", "Who has seen this", "Cancel the request"}, name) {
			t.Errorf("nobody knows whether %q loses what was typed", name)
		}
	}
	for _, button := range []string{"Oak Street Clinic", "My requests", "My data", "Who has seen this", "Sign out"} {
		ada.press(button, url.Values{"text": {secret}})
		if button == "Sign out" {
			h.signIn(ada, "Ada")
		}
		ada.get(page)
		ada.wants(http.StatusOK, "kept for you alone")
		if got := ada.value("text"); strings.TrimSpace(got[0]) != secret {
			t.Errorf("%q leaves %q", button, got)
		}
	}
	cal := h.as(t, "Cal", page)
	if strings.Contains(cal.text(), secret) {
		t.Error("who acts for the patient sees what the patient did not send")
	}
	h.calls.lose("TransactWriteItems")
	ada.press("Add information", nil)
	ada.wants(http.StatusServiceUnavailable, "What you filled in is still here", secret)
	h.calls.lose("")
	ada.press("Send it again", nil)
	ada.wants(http.StatusOK, secret)
	if got := ada.value("text"); strings.TrimSpace(got[0]) != "" {
		t.Errorf("what was sent is still in the field: %q", got)
	}
	ada.press("Cancel the request", url.Values{"text": {"Another thing"}})
	ada.wants(http.StatusOK, "Cancelled", "What you wrote was not sent", "Another thing")
	ada.press("Throw it away", nil)
	if ada.at.Path != page || strings.Contains(ada.text(), "Another thing") {
		t.Errorf("what was thrown away is still at %s", ada.at)
	}
}

// A page of a request that is refused has its answers with it.
func TestUnsent_FormPage(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	first := ada.at.Path
	answers := ada.asked(well)
	h.calls.lose("TransactWriteItems")
	ada.press("Save and continue", answers)
	ada.wants(http.StatusServiceUnavailable, "What you filled in is still here", "Who is filling")
	h.calls.lose("")
	ada.press("Send it again", nil)
	ada.wants(http.StatusOK, "page 2 of")
	ada.press("My requests", ada.asked(well))
	ada.wants(http.StatusOK, "Not sent yet")
	ada.get(first)
	for name, want := range answers {
		if got := ada.value(name); !slices.Equal(got, want) {
			t.Errorf("%s is %q, was %q", name, got, want)
		}
	}
}

// What was typed is kept for thirty days, and of a bounded number of pages.
func TestUnsent_NotForEver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx, path := h.taken(t)
	drx.press("Queue", written())
	h.pass(29 * 24 * time.Hour)
	h.signIn(drx, "Dr. X")
	drx.get(path)
	drx.wants(http.StatusOK, secret)
	h.pass(24 * time.Hour)
	h.signIn(drx, "Dr. X")
	drx.get(path)
	if strings.Contains(drx.text(), secret) {
		t.Error("after thirty days it is still kept")
	}
	for n := range 101 {
		drx.post(fmt.Sprintf("%s/desk/visits/x%d/keep", h.url, n), url.Values{"text": {secret}, "press": {"/desk/work"}})
		if kept := drx.at.Path == "/desk/work"; kept != (n < 100) {
			t.Fatalf("text %d leads to %s", n, drx.at)
		}
	}
	drx.wants(http.StatusRequestEntityTooLarge, "wait for you to send them", "What you filled in is still here", secret)
}
