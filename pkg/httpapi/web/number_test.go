package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"evisit/pkg/visit"
)

// unsafeAtHome are answers of somebody who must not be seen asking for help.
func unsafeAtHome() url.Values {
	answers := with(url.Values{
		"mh-attempt": {"false"}, "mh-harm-others": {"false"}, "mh-psychosis": {"false"}, "mh-mania": {"false"}, "mh-safe": {"false"},
	})
	for _, q := range []string{
		"phq9-1", "phq9-2", "phq9-3", "phq9-4", "phq9-5", "phq9-6", "phq9-7", "phq9-8", "phq9-9",
		"gad7-1", "gad7-2", "gad7-3", "gad7-4", "gad7-5", "gad7-6", "gad7-7",
	} {
		answers[q] = []string{"LA6568-5"}
	}
	return answers
}

// Who is unsafe at home is asked for a safe number, has a way out of every page, and
// leaves no trace in the list; the practice calls that number only.
func TestDiversion_UnsafeAtHome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.press("Mood and anx", nil)
	for strings.Contains(ada.at.Path, "/form/") {
		ada.leavesFirst()
		ada.press("Save and continue", ada.asked(unsafeAtHome()))
		ada.wants(http.StatusOK)
	}
	ada.wants(http.StatusOK, "Is this right?", "Do you feel safe at home?")
	ada.leavesFirst()
	ada.press("Yes, that is right", nil)
	ada.wants(http.StatusOK, "800-799-7233", "Phone number to call you at")
	ada.leavesFirst()
	if strings.Contains(ada.text(), "We will call you") {
		t.Error("a call is promised before there is a number")
	}
	id := ada.visitID()
	ada.press("Have this number called", url.Values{"number": {"later"}})
	ada.wants(http.StatusUnprocessableEntity, "There is a problem", "phone number")
	if got := ada.value("number"); got[0] != "later" {
		t.Errorf("what was typed is now %q", got)
	}
	ada.press("Have this number called", url.Values{"number": {"503 555 0199"}})
	ada.wants(http.StatusOK, "We will call you today, only at the number you gave as safe. 503 555 0199")
	ada.get("/my")
	ada.wants(http.StatusOK, "No requests yet")
	ada.get("/my/data/access")
	if strings.Contains(ada.text(), visit.Visit{ID: id}.Number()) {
		t.Error("who saw the data tells of the request")
	}
	for name, content := range ada.file("/my/data/record") {
		if strings.Contains(name+content, id) || strings.Contains(content, "800-799-7233") {
			t.Errorf("%s of the record tells of the request", name)
		}
	}

	nan := h.as(t, "Nan", "/desk/work")
	nan.wants(http.StatusOK, "stopped by a red flag")
	nan.link(visit.Visit{ID: id}.Number())
	nan.wants(http.StatusOK, "Call the patient, at this number only: 503 555 0199")
	for _, a := range find(nan.page, "a") {
		if to := attr(a, "href"); strings.HasPrefix(to, "tel:") && to != "tel:5035550199" && to != "tel:911" && to != "tel:5550100" {
			t.Errorf("the desk offers to call %s", to)
		}
	}
}

// The PHQ-9 and the GAD-7 are each whole on one page, with the question that their items
// complete; beside the item about suicide is where to turn, whatever is answered.
func TestForm_InstrumentsAreWhole(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.press("Mood and anx", nil)
	seen := 0
	for strings.Contains(ada.at.Path, "/form/") && seen < 2 {
		names := ada.fieldNames()
		for instrument, items := range map[string]int{"phq9": 9, "gad7": 7} {
			if !strings.Contains(names, " "+instrument+"-1 ") {
				continue
			}
			seen++
			ada.wants(http.StatusOK, "Over the last 2 weeks, how often have you been bothered by any of the following problems?")
			for n := range items {
				if name := fmt.Sprintf(" %s-%d ", instrument, n+1); !strings.Contains(names, name) {
					t.Errorf("%s has no item%s", ada.at.Path, name)
				}
			}
			if instrument != "phq9" {
				ada.wants(http.StatusOK, "Feeling afraid as if something awful might happen")
				continue
			}
			ada.wants(http.StatusOK, "Thoughts that you would be better off dead or of hurting yourself in some way")
			about := ""
			each(ada.page, func(n *html.Node) {
				if attr(n, "id") == "q-phq9-9-about" {
					about = text(n)
				}
			})
			if !strings.Contains(about, "call or text 988") {
				t.Errorf("beside item 9 is said %q", about)
			}
		}
		ada.press("Save and continue", ada.asked(unsafeAtHome()))
	}
	if seen != 2 {
		t.Errorf("%d instruments are found, want 2", seen)
	}
}

// leavesFirst checks that the first thing to be reached with the keyboard leads away.
func (b *browser) leavesFirst() {
	b.t.Helper()
	var first *html.Node
	each(b.page, func(n *html.Node) {
		if first == nil && (n.Data == "a" || n.Data == "button" || n.Data == "input") && attr(n, "tabindex") != "-1" {
			first = n
		}
	})
	if first == nil || attr(first, "href") != "/leave" {
		b.t.Errorf("%s has no quick way out", b.at)
	}
}

func TestLeave_ToAnotherSiteWithoutASession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.get("/leave")
	ada.wants(http.StatusSeeOther)
	if to := ada.head.Get("Location"); !strings.HasPrefix(to, "https://") || strings.HasPrefix(to, h.url) || ada.head.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("it leads to %s under %q", to, ada.head.Get("Referrer-Policy"))
	}
	ada.at = mustURL(t, h.url+"/")
	ada.get("/my")
	if ada.at.Path != "/authorize" {
		t.Errorf("going back leads to %s", ada.at)
	}
}
