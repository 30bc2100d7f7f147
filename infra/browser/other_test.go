//go:build browser

package browser

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
)

// fillUntil fills in and saves pages until a page has the text word.
func (p *person) fillUntil(word string, a answers) {
	p.t.Helper()
	for range 20 {
		switch {
		case p.hasText(word):
			return
		case p.hasText(checkTitle):
			p.follow("Continue to the price")
			continue
		}
		p.fill(a)
		p.press("Save and continue")
	}
	p.t.Fatalf("%s: the form never said %q: %s", p.name, word, p.text())
}

func respiratory() answers {
	a := healthy()
	for _, q := range []string{
		"Fever of 100.4", "Are you short of breath?", "Pale, gray or blue lips", "New confusion", "Swelling or redness", "Worst headache",
		"Drooling", "Coughing up blood", "Have you already taken an antibiotic",
	} {
		a[q] = []string{"No"}
	}
	a["How many days have you been ill?"] = []string{"4"}
	a["Which of these do you have?"] = []string{"Cough", "Sore throat"}
	a["Compared with the start"] = []string{"About the same"}
	a["COVID-19 test"] = []string{"Not done"}
	a["Chest pain or pressure"] = []string{"Yes"}
	return a
}

// A redFlag is a request that its answers stop.
type redFlag struct {
	name, who, form string
	said            answers
}

func redFlags() []redFlag {
	confused := urinary()
	confused["New confusion"] = []string{"Yes"}
	return []redFlag{
		{"tom", "Tom Okafor", "Cold, sinus, flu", respiratory()},
		{"confused", "Jane Smith", "Urinary symptoms", confused},
	}
}

// isRaised returns the person whose request was stopped.
func (f redFlag) isRaised(t *testing.T, site string) *person {
	t.Helper()
	p := newPersonSignedIn(t, site, f.name, f.who)
	p.press("Start " + f.form)
	p.fillUntil("Get help now", f.said)
	return p
}

// An emergency stops the request at once, and leads to a page with instructions and no
// price.
func TestRequest_EmergencyStopsAtOnce(t *testing.T) {
	t.Parallel()
	for _, f := range redFlags() {
		t.Run(f.form, func(t *testing.T) {
			t.Parallel()
			p := f.isRaised(t, startSystem(t).URL)
			p.wantText("Stopped for your safety", "911", "You have not been charged, and you will not be.")
			p.wantNoPrice()
			p.checkPage("diverted", http.StatusOK)
			p.press("I have read this and know where to turn")
			p.wantText("You confirmed reading this")
			p.checkPage("diverted-understood", http.StatusOK)
			p.follow("My requests")
			p.wantText("Stopped for your safety")
		})
	}
}

// unsafeAtHome are answers of somebody who must not be seen asking for help.
func unsafeAtHome() answers {
	a := healthy()
	for _, q := range []string{
		"Little interest or pleasure", "Feeling down", "Trouble falling", "Feeling tired", "Poor appetite", "Feeling bad about yourself",
		"Trouble concentrating", "Moving or speaking so slowly", "Thoughts that you would be better off dead", "Feeling nervous",
		"Not being able to stop", "Worrying too much", "Trouble relaxing", "Being so restless", "Becoming easily annoyed", "Feeling afraid",
	} {
		a[q] = []string{"Not at all"}
	}
	for _, q := range []string{
		"Suicide attempt or self-harm", "Thoughts of hurting someone else?", "Hearing or seeing things", "Several days of very little sleep",
		"Do you feel safe at home?", "Alcohol or drug use", "Did you give birth",
	} {
		a[q] = []string{"No"}
	}
	return a
}

// Who confirms an answer that ends the request is asked where to call, on pages that
// can be left at once.
func TestRequest_EndedIsAskedWhereToCall(t *testing.T) {
	t.Parallel()
	jane := newPersonSignedIn(t, startSystem(t).URL, "unsafe", "Jane Smith")
	jane.press("Start Mood and anxiety")
	jane.find("link", "Leave this site now")
	jane.checkPage("form", http.StatusOK)
	jane.fillUntil("Little interest or pleasure", unsafeAtHome())
	jane.wantText("Over the last 2 weeks", "call or text 988")
	jane.checkPage("phq-9", http.StatusOK)
	jane.fillUntil(slipTitle, unsafeAtHome())
	jane.find("link", "Leave this site now")
	jane.wantText("Do you feel safe at home?")
	jane.wantNoPrice()
	jane.checkPage("ending", http.StatusOK)
	jane.press("Yes, that is right")
	jane.find("link", "Leave this site now")
	jane.wantText("800-799-7233")
	jane.wantNoPrice()
	jane.checkPage("asked-where", http.StatusOK)
	jane.write("Phone number to call you at", "later")
	jane.press("Have this number called")
	jane.checkPage("wrong-number", http.StatusUnprocessableEntity)
	jane.write("Phone number to call you at", "503 555 0199")
	jane.press("Have this number called")
	jane.wantText("We will call you today, only at the number you gave as safe. 503 555 0199")
	jane.checkPage("number-given", http.StatusOK)
	jane.follow("My requests")
	jane.wantText("No requests yet")
}

// A draft is kept and continued, and a paid request is cancelled before its answer.
func TestRequest_DraftPaidCancelled(t *testing.T) {
	t.Parallel()
	jane := newPersonSignedIn(t, startSystem(t).URL, "cancel", "Jane Smith")
	jane.press("Start Urinary symptoms")
	jane.fillUntil(feeTitle, urinary())
	jane.follow("Leave it for later")
	jane.wantText("Not sent yet", "Nothing is held or charged.")
	jane.checkPage("draft", http.StatusOK)
	jane.follow("Continue the form")
	jane.follow("Continue to the price")
	jane.wantText("$40.00")
	jane.acceptFeeAndTerms()
	jane.press("Send, and go to the payment page")
	jane.follow("Back without paying")
	jane.checkPage("left", http.StatusOK)
	jane.press("Go to the payment page")
	jane.press("Pay $40.00")
	jane.seeRequest()
	jane.unfold("Cancel this request")
	jane.press("Cancel the request")
	jane.retryUntil("nothing was charged", func() { jane.goTo(jane.path()) })
	jane.wantText("Cancelled")
	jane.checkPage("cancelled", http.StatusOK)
}

// A request like one that is underway is warned of where it is started and before its
// price, and is sent once the patient says that it is meant.
func TestRequest_SameComplaintTwice(t *testing.T) {
	t.Parallel()
	jane := newPersonSignedIn(t, startSystem(t).URL, "twice", "Jane Smith")
	jane.press("Start Urinary symptoms")
	jane.fillUntil(feeTitle, urinary())
	jane.acceptFeeAndTerms()
	jane.press("Send, and go to the payment page")
	jane.press("Pay $40.00")
	jane.goTo("/my")
	jane.wantText("on this is underway")
	jane.checkPage("my-underway", http.StatusOK)
	jane.press("Start Urinary symptoms")
	jane.fillUntil(checkTitle, urinary())
	jane.wantText("You have sent a request like this")
	jane.checkPage("check-underway", http.StatusOK)
	jane.press("Continue to the price")
	jane.wantText("There is a problem", "Tick this box")
	jane.checkPage("check-underway-unconfirmed", http.StatusOK)
	jane.tick("This request is about something else. Send it, too.")
	jane.press("Continue to the price")
	jane.wantText(feeTitle, "$40.00")
	jane.acceptFeeAndTerms()
	jane.press("Send, and go to the payment page")
	jane.wantText("$40.00")
}

func (p *person) acceptFeeAndTerms() {
	p.t.Helper()
	p.click(p.find("checkbox", "I have seen the fee"), 1)
	p.click(p.find("checkbox", "I agree to the e-visit terms"), 1)
}

// unfold clicks on the summary of a details element.
func (p *person) unfold(summary string) {
	p.t.Helper()
	p.click(p.find("DisclosureTriangle", summary), 1)
}

func TestRequest_CaregiverStartsForPatient(t *testing.T) {
	t.Parallel()
	elena := newPersonSignedIn(t, startSystem(t).URL, "elena", "Elena Diaz")
	elena.checkPage("caregiver", http.StatusOK)
	elena.press("Start for Rosa Diaz Back pain")
	a := healthy()
	a["Who is filling out this form?"] = []string{"Caregiver or health-care proxy of an adult"}
	a["Your full name"] = []string{"Elena Diaz"}
	a["Your relationship to the patient"] = []string{"Health-care power of attorney"}
	a["I am legally allowed"] = []string{"Yes"}
	elena.fill(a)
	elena.press("Save and continue")
	elena.wantText("They lead to a few more questions on this page.")
	elena.checkPage("more-questions", http.StatusOK)
	elena.fill(a)
	elena.press("Save and continue")
	elena.wantText("page 2 of")
	elena.follow("My requests")
	elena.wantText("Not sent yet")
	elena.follow("Back pain")
	elena.wantText("For Rosa Diaz")
	elena.checkPage("caregiver-draft", http.StatusOK)
}

func TestDesk_StaffQueueAndWorkItems(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	sam := newPersonSignedIn(t, site, "sam", "Sam Lee")
	sam.wantText("Queue", "Nothing is waiting.")
	sam.checkPage("staff-queue", http.StatusOK)
	ada := newPersonSignedIn(t, site, "ada", "Ada Brooks")
	ada.checkPage("no-work", http.StatusOK)

	for _, f := range redFlags() {
		f.isRaised(t, site)
	}
	ada.follow("Work")
	ada.wantTextTimes("A request was stopped by a red flag", 2)
	ada.checkPage("work-items", http.StatusOK)
	ada.press("This is done (A request was stopped by a red flag, visit ")
	ada.wantTextTimes("A request was stopped by a red flag", 1)
}

func TestPages_NotFound(t *testing.T) {
	t.Parallel()
	jane := newPerson(t, startSystem(t).URL, "lost")
	jane.goTo("/my/nowhere")
	jane.checkPage("signed-out", http.StatusNotFound)
	jane.signIn("Jane Smith")
	jane.goTo("/my/visits/nobodys")
	jane.wantText("Nothing here")
	jane.checkPage("not-found", http.StatusNotFound)
	jane.follow("Go on from here")
	jane.wantText("My requests")
}

// A double click, which on a slow line sends a form twice before the first reply,
// starts, submits, pays, takes and answers once.
func TestForms_DoubleClickActsOnce(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	jane, ana := newPerson(t, site, "double"), newPerson(t, site, "double-ana")
	jane.slowDown()
	ana.slowDown()
	jane.signIn("Jane Smith")
	jane.pressTwice("Start Urinary symptoms")
	jane.wantText("page 1 of")
	jane.fillUntil(feeTitle, urinary())
	jane.acceptFeeAndTerms()
	jane.pressTwice("Send, and go to the payment page")
	jane.wantText("Checkout")
	jane.pressTwice("Pay $40.00")
	jane.goTo("/my")
	if n := strings.Count(jane.text(), "Started "); n != 1 {
		t.Errorf("two clicks made %d requests:\n%s", n, jane.text())
	}
	jane.follow("Urinary symptoms")
	visit := jane.path()
	jane.retryUntil("Waiting to be read", func() { jane.goTo(visit) })
	jane.wantTextOnce("Held on your card")

	ana.signIn("Ana Rivera, MD")
	ana.follow("Urinary symptoms")
	ana.pressTwice("Take this visit")
	ana.wantText("In review")
	ana.write("Your question", "Since when?")
	ana.pressTwice("Ask")
	ana.wantText("Asked the patient")
	jane.goTo(visit)
	jane.wantTextOnce("Since when?")
	jane.write("Your message", "Since Monday.")
	jane.pressTwice("Send your reply")
	jane.goTo(visit)
	jane.wantTextOnce("Since Monday.")
}

func (p *person) slowDown() {
	p.t.Helper()
	type conditions struct {
		Offline  bool    `json:"offline"`
		Latency  float64 `json:"latency"` // milliseconds
		Download float64 `json:"downloadThroughput"`
		Upload   float64 `json:"uploadThroughput"`
	}
	// The cdproto module describes a newer protocol, in which this command has another name.
	slowly := cdp.Command[conditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}
	call(p, slowly, conditions{Latency: 300, Download: -1, Upload: -1})
}

// pressTwice presses a button again while the first press is sent. A timer in the page
// presses the button, because Chromium accepts no mouse events while a page loads.
func (p *person) pressTwice(button string) {
	p.t.Helper()
	p.scripts(true)
	defer p.scripts(false)
	sent := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.posts
	}
	before := sent()
	b := call(p, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: p.find("button", button).id}).Object
	p.loadPage(func() {
		p.t.Helper()
		call(p, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
			ObjectID: b.ObjectID, FunctionDeclaration: `function() { setTimeout(() => this.click(), 20); setTimeout(() => this.click(), 120) }`,
		})
	})
	if n := sent() - before; n != 2 {
		p.t.Errorf("%s: a double click on %q sent %d posts", p.name, button, n)
	}
}

func (p *person) wantTextOnce(words string) {
	p.t.Helper()
	p.wantTextTimes(words, 1)
}

// wantTextTimes checks how often words are on the page, in headings and texts that can be
// seen.
func (p *person) wantTextTimes(words string, want int) {
	p.t.Helper()
	seen := evaluate[string](p, `[...document.querySelectorAll("main *")].filter(e => !e.closest(".sr")).flatMap(e => [...e.childNodes]).filter(n => n.nodeType === 3).map(n => n.data).join("\n")`)
	if n := strings.Count(seen, words); n != want {
		p.t.Errorf("%s: %s says %q %d times, want %d:\n%s", p.name, p.path(), words, n, want, p.text())
	}
}
