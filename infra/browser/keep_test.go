//go:build browser

package browser

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/google/go-cmp/cmp"
)

// fillScript fills in the questions of the page at once, and returns those that are
// required and have no answer. Of the answers that a question's text begins with, the
// longest is meant.
const fillScript = `(answers => {
	const unanswered = []
	for (const field of document.querySelectorAll(".field")) {
		const text = field.querySelector(":scope > label, :scope > legend, :scope > .choice > label").innerText.trim()
		const key = Object.keys(answers).filter(k => text.startsWith(k)).sort((a, b) => b.length - a.length)[0]
		if (key === undefined) {
			if (!text.includes("(optional)")) unanswered.push(text)
			continue
		}
		for (const control of field.querySelectorAll("input, select, textarea")) {
			const label = control.labels[0]?.innerText.trim() ?? ""
			if (control.type === "radio" || control.type === "checkbox")
				control.checked = answers[key].some(a => label.startsWith(a)) || (label === text && answers[key][0] === "yes")
			else if (control.type === "select-one")
				control.value = [...control.options].find(o => o.text === answers[key][0]).value
			else if (!control.closest(".other"))
				control.value = answers[key][0]
		}
	}
	return unanswered
})`

// fillAtOnce answers the page's questions with a, without mouse and keyboard.
func (p *person) fillAtOnce(a answers) {
	p.t.Helper()
	said, err := json.Marshal(a)
	if err != nil {
		p.t.Fatal(err)
	}
	if left := evaluate[[]string](p, fillScript+"("+string(said)+")"); len(left) > 0 {
		p.t.Fatalf("%s: at %s nobody knows the answer to %q", p.name, p.path(), left)
	}
}

// filledIn is what the fields of the page's form hold, by their names.
func (p *person) filledIn() map[string][]string {
	p.t.Helper()
	return evaluate[map[string][]string](p, `(() => {
		const all = {}
		for (const c of document.querySelectorAll("main form [name]:not(button, [type=hidden])")) {
			all[c.name] ??= []
			if (c.type !== "radio" && c.type !== "checkbox" || c.checked) all[c.name].push(c.value)
		}
		return all
	})()`)
}

// buttons are the names of the buttons that can be seen on the page.
func (p *person) buttons() []string {
	p.t.Helper()
	return evaluate[[]string](p, `[...document.querySelectorAll("button")].filter(b => b.checkVisibility() && b.tabIndex >= 0).map(b => b.innerText.trim().replace(/\s+/g, " "))`)
}

// allergic are answers with a text from right to left, and with rows of a group.
func allergic() answers {
	a := urinary()
	a["I have no known medicine allergies"] = []string{"No"}
	a["Medicine"] = []string{"פניצילין"}
	a["Reaction"] = []string{"Rash"}
	a["Medicines, vitamins and supplements you take now"] = []string{"ויטמין D, 1000 יחידות ביום\nושום דבר אחר"}
	a["Preferred pharmacy"] = []string{"Elm Street, 97201"}
	return a
}

// Whatever button of a page of questions is pressed, all that was filled in is there
// when the patient comes back to the page, in a narrow window and in a wide one.
func TestForm_NoButtonLosesAnswers(t *testing.T) {
	t.Parallel()
	buttons := []string{"Save and continue", "Back", "Leave it for later", "Sign out", "Add another row", "My requests", "My data", "Lakeside Family Medicine"}
	known := append(slices.Clone(buttons), "Remove") // which TestForm_RemoveRow presses
	for n, button := range buttons {
		width := []int64{narrow, desktop}[n%2]
		t.Run(fmt.Sprintf("%s at %d", button, width), func(t *testing.T) {
			t.Parallel()
			jane := newPerson(t, startSystem(t).URL, fmt.Sprintf("keep-%d", n))
			jane.setWindow(width, 1, "light")
			jane.signIn("Jane Smith")
			jane.press("Start Urinary symptoms")
			pressed := 0
			for range 20 {
				if !strings.Contains(jane.path(), "/form/") {
					break
				}
				for _, b := range jane.buttons() {
					if !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(b, k) }) {
						t.Errorf("nobody knows whether %q of %s loses answers", b, jane.path())
					}
				}
				if jane.keepsAnswers(button) {
					pressed++
				}
				jane.press("Save and continue")
			}
			jane.wantText("Check your answers", "פניצילין", "ושום דבר אחר", "Elm Street")
			if pressed == 0 {
				t.Errorf("no page has the button %q", button)
			}
		})
	}
}

// keepsAnswers fills in the page, presses a button, and compares the fields when the
// page is there again. It reports whether the page has the button.
func (p *person) keepsAnswers(button string) bool {
	p.t.Helper()
	p.fillAtOnce(allergic())
	if !slices.ContainsFunc(p.buttons(), func(b string) bool { return strings.HasPrefix(b, button) }) {
		return false
	}
	at, before := p.path(), p.filledIn()
	if button == "Sign out" {
		p.signOut()
		p.signIn("Jane Smith")
	} else {
		p.press(button)
	}
	if button != "Add another row" {
		p.goTo(at)
	}
	after := p.filledIn()
	for name := range after {
		if _, asked := before[name]; !asked {
			delete(after, name) // the answers opened it
		}
	}
	if d := cmp.Diff(before, after); d != "" {
		p.t.Errorf("%s: %q loses answers of %s (-before +after):\n%s", p.name, button, at, d)
	}
	p.fillAtOnce(allergic())
	return true
}

// A row is removed with the keyboard alone, by a button that names it, and all else on
// the page stays as it was typed.
func TestForm_RemoveRow(t *testing.T) {
	t.Parallel()
	jane := newPersonSignedIn(t, startSystem(t).URL, "rows", "Jane Smith")
	jane.press("Start Urinary symptoms")
	jane.fillUntil("I have no known medicine allergies", urinary())
	said := allergic()
	said["Medicine"] = []string{""}
	jane.fillAtOnce(said)
	jane.press("Save and continue")
	for n, drug := range []string{"Penicillin", "Sulfa", "Codeine"} {
		if n > 0 {
			jane.press("Add another row to")
		}
		row := jane.find("group", fmt.Sprintf("Medicine and what happened %d", n+1))
		jane.click(jane.find("textbox", "Medicine", row), 1)
		call(jane, input.InsertText, input.InsertTextParams{Text: drug})
	}
	jane.checkPage("three-rows", http.StatusOK)
	before := jane.filledIn()
	call(jane, dom.Focus, dom.FocusParams{BackendNodeID: jane.find("button", "Remove Medicine and what happened 2").id})
	jane.loadPage(jane.pressEnter)
	after := jane.filledIn()
	for name, values := range map[string][]string{"allergy-drug@1": {"Penicillin"}, "allergy-drug@2": {"Codeine"}, "allergy-drug@3": nil} {
		if !slices.Equal(after[name], values) {
			t.Errorf("%s holds %q, want %q", name, after[name], values)
		}
	}
	group := func(name string, _ []string) bool { return strings.Contains(name, "@") }
	maps.DeleteFunc(before, group)
	maps.DeleteFunc(after, group)
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("removing a row changes other answers (-before +after):\n%s", d)
	}
	if at := evaluate[string](jane, `document.activeElement.querySelector("legend")?.innerText ?? ""`); !strings.HasPrefix(at, "Medicine and what happened") {
		t.Errorf("after a row is removed the focus is on %q, not on its group", at)
	}
	jane.checkPage("two-rows", http.StatusOK)
}

// Whatever button of a visit's page is pressed, at the desk or by the patient, what was
// typed there is there again when its writer comes back.
func TestVisit_NoButtonLosesTexts(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	jane, ana := newPerson(t, site, "texts-jane"), newPerson(t, site, "texts-ana")
	jane.signIn("Jane Smith")
	jane.press("Start Urinary symptoms")
	jane.fillUntil(feeTitle, urinary())
	jane.acceptFeeAndTerms()
	jane.press("Send, and go to the payment page")
	jane.press("Pay $40.00")
	jane.retryUntil("Your request was sent", func() { jane.follow("Look again") })
	jane.follow("See your request")
	jane.keepsTexts("Jane Smith", []string{"Lakeside Family Medicine", "My requests", "My data", "Who has seen this", "Sign out"}, []string{"Add information", "Cancel the request"})

	ana.signIn("Ana Rivera, MD")
	ana.follow("Urinary symptoms")
	ana.press("Take this visit")
	ana.unfold("Decline")
	ana.keepsTexts("Ana Rivera, MD", []string{"Lakeside Family Medicine", "Queue", "Work", "Hand it over to a colleague", "Sign out"},
		[]string{"Ask", "Send the answer", "End without an answer or a charge", "Give it back to the queue"})
	ana.click(ana.find("textbox", "Follow-up"), 1)
	before := ana.filledIn()
	ana.loadPage(ana.pressEnter)
	ana.wantText("kept for you alone, and not sent yet", "In review")
	if d := cmp.Diff(before, ana.filledIn()); d != "" {
		t.Errorf("Enter loses texts (-before +after):\n%s", d)
	}
}

// keepsTexts fills in every field of the page, presses each of the buttons that lead
// away, and compares the fields when who is there again. Others are the page's other
// buttons.
func (p *person) keepsTexts(who string, away, others []string) {
	p.t.Helper()
	for _, b := range p.buttons() {
		if !slices.Contains(away, b) && !slices.Contains(others, b) {
			p.t.Errorf("nobody knows whether %q of %s loses texts", b, p.path())
		}
	}
	at := p.path()
	for n, button := range away {
		p.setWindow([]int64{narrow, desktop}[n%2], 1, "light")
		before := evaluate[map[string][]string](p, fmt.Sprintf(fillAllScript, n))
		if button == "Sign out" {
			p.signOut()
			p.signIn(who)
		} else {
			p.press(button)
		}
		if p.path() == at {
			p.t.Errorf("%q leads nowhere", button)
		}
		p.goTo(at)
		if d := cmp.Diff(before, p.filledIn()); d != "" || len(before) == 0 {
			p.t.Errorf("%s: %q loses texts of %s (-before +after):\n%s", p.name, button, at, d)
		}
		if n == 0 {
			p.checkPage("texts-back", http.StatusOK)
		}
	}
}

// fillAllScript writes a number and something in each field of the page, and returns what
// the fields hold.
const fillAllScript = `(n => {
	const all = {}
	for (const c of document.querySelectorAll("main form [name]:not(button, [type=hidden])")) {
		all[c.name] ??= []
		if (c.type === "checkbox" || c.type === "radio") c.checked = all[c.name].length === 0 && n %% 2 === 0
		else if (c.tagName === "SELECT") c.selectedIndex = 1 + n
		else c.value = n + " של מי"
		if (c.type !== "radio" && c.type !== "checkbox" || c.checked) all[c.name].push(c.value)
	}
	return all
})(%d)`
