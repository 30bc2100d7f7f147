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

// fillUntil fills pages in until one says word, which may be on the way.
func (p *person) fillUntil(word string, a answers) {
	p.t.Helper()
	for range 20 {
		if p.says(word) {
			return
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
	a["Do any of these apply to you?"] = []string{"None"}
	a["Chest pain or pressure"] = []string{"Yes"}
	return a
}

func TestChestPainLeadsToHelpAndNotToAPrice(t *testing.T) {
	t.Parallel()
	tom := sit(t, start(t).URL, "tom")
	tom.signIn("Tom Okafor")
	tom.press("Start Cold, sinus, flu")
	tom.fillUntil("Get help now", respiratory())
	tom.reads("Stopped for your safety", "911", "You have not been charged, and you will not be.")
	if tom.says("$") {
		t.Error("a price is shown beside an emergency")
	}
	tom.look("diverted", http.StatusOK)
	tom.press("I have read this and know where to turn")
	tom.reads("You confirmed reading this")
	tom.look("diverted-understood", http.StatusOK)
	tom.follow("My requests")
	tom.reads("Stopped for your safety")
}

func TestARequestIsCancelledBeforeItsAnswer(t *testing.T) {
	t.Parallel()
	jane := sit(t, start(t).URL, "cancel")
	jane.signIn("Jane Smith")
	jane.press("Start Urinary symptoms")
	jane.fillUntil(feeTitle, urinary())
	jane.follow("Leave it for later")
	jane.reads("Not sent yet", "Nothing is held or charged.")
	jane.look("draft", http.StatusOK)
	jane.follow("Continue the form")
	jane.reads("$40.00")
	jane.accept()
	jane.press("Send, and go to the payment page")
	jane.follow("Back without paying")
	jane.look("left", http.StatusOK)
	jane.press("Go to the payment page")
	jane.press("Pay $40.00")
	jane.until("Waiting to be read", func() { jane.follow("Look again") })
	jane.opens("Cancel this request")
	jane.press("Cancel the request")
	jane.until("nothing was charged", func() { jane.open(jane.path()) })
	jane.reads("Cancelled")
	jane.look("cancelled", http.StatusOK)
}

func (p *person) accept() {
	p.t.Helper()
	p.click(p.find("checkbox", "I have seen the fee"), 1)
	p.click(p.find("checkbox", "I agree to the e-visit terms"), 1)
}

// opens clicks on what is folded away.
func (p *person) opens(summary string) {
	p.t.Helper()
	p.click(p.find("DisclosureTriangle", summary), 1)
}

func TestACaregiverStartsForTheirPatient(t *testing.T) {
	t.Parallel()
	elena := sit(t, start(t).URL, "elena")
	elena.signIn("Elena Diaz")
	elena.look("caregiver", http.StatusOK)
	elena.press("Start for Rosa Diaz Back pain")
	a := healthy()
	a["Who is filling out this form?"] = []string{"Caregiver or health-care proxy of an adult"}
	a["Your full name"] = []string{"Elena Diaz"}
	a["Your relationship to the patient"] = []string{"Health-care power of attorney"}
	a["I am legally allowed"] = []string{"Yes"}
	elena.fill(a)
	elena.press("Save and continue")
	elena.reads("They lead to a few more questions on this page.")
	elena.look("more-questions", http.StatusOK)
	elena.fill(a)
	elena.press("Save and continue")
	elena.reads("page 2 of")
	elena.follow("My requests")
	elena.reads("Not sent yet")
	elena.follow("Back pain")
	elena.reads("For Rosa Diaz")
	elena.look("caregiver-draft", http.StatusOK)
}

func TestStaffSeeTheirQueueAndAdministratorsTheirWork(t *testing.T) {
	t.Parallel()
	site := start(t).URL
	sam := sit(t, site, "sam")
	sam.signIn("Sam Lee")
	sam.reads("Queue", "Nothing is waiting.")
	sam.look("staff-queue", http.StatusOK)
	ada := sit(t, site, "ada")
	ada.signIn("Ada Brooks")
	ada.look("work-items", http.StatusOK)
}

func TestAPageThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	jane := sit(t, start(t).URL, "lost")
	jane.open("/my/nowhere")
	jane.look("signed-out", http.StatusNotFound)
	jane.signIn("Jane Smith")
	jane.open("/my/visits/nobodys")
	jane.reads("Nothing here")
	jane.look("not-found", http.StatusNotFound)
	jane.follow("Go on from here")
	jane.reads("My requests")
}

// On a slow line a double click sends a form twice before the first answer is
// there.
func TestADoubleClickIsOneRequest(t *testing.T) {
	t.Parallel()
	site := start(t).URL
	jane, ana := sit(t, site, "double"), sit(t, site, "double-ana")
	jane.slow()
	ana.slow()
	jane.signIn("Jane Smith")
	jane.twice("Start Urinary symptoms")
	jane.reads("page 1 of")
	jane.fillUntil(feeTitle, urinary())
	jane.accept()
	jane.twice("Send, and go to the payment page")
	jane.reads("Checkout")
	jane.twice("Pay $40.00")
	jane.open("/my")
	if n := strings.Count(jane.text(), "Started "); n != 1 {
		t.Errorf("two clicks made %d requests:\n%s", n, jane.text())
	}
	jane.follow("Urinary symptoms")
	visit := jane.path()
	jane.until("Waiting to be read", func() { jane.open(visit) })
	jane.once("Held on your card")

	ana.signIn("Ana Rivera, MD")
	ana.follow("Urinary symptoms")
	ana.twice("Take this visit")
	ana.reads("In review")
	ana.write("Your question", "Since when?")
	ana.twice("Ask")
	ana.reads("Asked the patient")
	jane.open(visit)
	jane.once("Since when?")
	jane.write("Your message", "Since Monday.")
	jane.twice("Send your reply")
	jane.open(visit)
	jane.once("Since Monday.")
}

func (p *person) slow() {
	p.t.Helper()
	type conditions struct {
		Offline  bool    `json:"offline"`
		Latency  float64 `json:"latency"` // milliseconds
		Download float64 `json:"downloadThroughput"`
		Upload   float64 `json:"uploadThroughput"`
	}
	// The module describes a newer protocol, in which this has another name.
	slowly := cdp.Command[conditions, cdp.Empty]{Method: "Network.emulateNetworkConditions"}
	call(p, slowly, conditions{Latency: 300, Download: -1, Upload: -1})
}

// twice presses a button again while the first press is on its way. The presses
// come from a timer, because Chromium takes no mouse from us while a page loads.
func (p *person) twice(button string) {
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
	p.leads(func() {
		p.t.Helper()
		call(p, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
			ObjectID: b.ObjectID, FunctionDeclaration: `function() { setTimeout(() => this.click(), 20); setTimeout(() => this.click(), 120) }`,
		})
	})
	if n := sent() - before; n != 2 {
		p.t.Errorf("%s: a double click on %q sent %d posts", p.name, button, n)
	}
}

func (p *person) once(words string) {
	p.t.Helper()
	if n := strings.Count(p.text(), words); n != 1 {
		p.t.Errorf("%s: %s says %q %d times, want once:\n%s", p.name, p.path(), words, n, p.text())
	}
}
