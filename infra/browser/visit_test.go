//go:build browser

package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// answers are what somebody says to a form's questions, by how these begin: an
// option, several options, or words.
type answers map[string][]string

func healthy() answers {
	return answers{
		"I understand that e-visits are not for emergencies": {"Yes"},
		"Who is filling out this form?":                      {"The patient"},
		"Two-letter code of the state":                       {"OR"},
		"Preferred language for the reply":                   {"English"},
		"Phone number where we can reach you today":          {"503 555 0177"},
		"Has the patient been seen":                          {"No"},
		"Is this about an operation":                         {"No"},
		"Was this caused by work":                            {"No"},
		"I have no known medicine allergies":                 {"Yes"},
		"Medicines, vitamins and supplements you take now":   {"Vitamin D, 1000 units a day"},
		"How will this visit be paid?":                       {"I will pay the posted fee myself"},
	}
}

func urinary() answers {
	a := healthy()
	for _, q := range []string{
		"Fever of 100.4", "New pain in your side", "Vomiting so you cannot", "New confusion", "Unable to pass urine", "Are you or could you be pregnant",
		"Unusual vaginal discharge", "New partner", "Do you have a urinary catheter", "Kidney stones now", "Weak immune system or poorly", "Have you taken antibiotics",
	} {
		a[q] = []string{"No"}
	}
	a["How many days have you had symptoms?"] = []string{"2"}
	a["Which of these do you have?"] = []string{"Burning or pain when passing urine", "Going more often than usual"}
	a["How many urinary tract infections"] = []string{"1"}
	a["What have you tried so far?"] = []string{"Drinking more water"}
	return a
}

func (a answers) to(question string) []string {
	for q, said := range a {
		if strings.HasPrefix(question, q) {
			return said
		}
	}
	return nil
}

// questions are what the page asks, in its order.
func (p *person) questions() []string {
	p.t.Helper()
	return ask[[]string](p, `[...document.querySelectorAll(".field")].map(f => f.querySelector(":scope > label, :scope > legend").innerText.trim())`)
}

// fill answers everything on the page that a says something to, and fails at a
// question that must be answered and is not.
func (p *person) fill(a answers) {
	p.t.Helper()
	for _, q := range p.questions() {
		said := a.to(q)
		switch {
		case said == nil && strings.Contains(q, "(optional)"):
		case said == nil:
			p.t.Fatalf("%s: at %s nobody knows the answer to %q", p.name, p.path(), q)
		case slices.ContainsFunc(p.things("group"), func(g thing) bool { return g.name == q }):
			p.choose(q, said...)
		default:
			p.write(q, said[0])
		}
	}
}

const feeTitle = "Who reads it"

// complete goes through the form to its last page, looking at every one.
func (p *person) complete(a answers) {
	p.t.Helper()
	for range 20 {
		if p.says(feeTitle) {
			return
		}
		p.look("form", http.StatusOK)
		p.fill(a)
		p.picture(fmt.Sprintf("%s-%02d-form-filled.png", p.name, p.shot))
		p.press("Save and continue")
	}
	p.t.Fatalf("%s: the form has no end: %s", p.name, p.text())
}

// README's "A first visit in five minutes", step by step.
func TestAFirstVisitAsTheReadmeTellsIt(t *testing.T) {
	t.Parallel()
	site := start(t).URL
	jane, ana := sit(t, site, "jane"), sit(t, site, "ana")

	jane.open("/")
	jane.look("landing", http.StatusOK)
	jane.follow("Sign in")
	jane.picture("jane-sign-in.png")
	jane.press("Sign in as Jane Smith")
	jane.look("my", http.StatusOK)
	jane.press("Start Urinary symptoms")
	jane.errs()
	jane.complete(urinary())
	jane.acceptsFee()
	jane.pays()
	jane.look("queued", http.StatusOK)
	visit := jane.path()
	jane.press("Sign out")
	jane.reads("Care without an appointment")

	ana.signIn("Ana Rivera, MD")
	ana.look("queue", http.StatusOK)
	ana.follow("Urinary symptoms")
	ana.look("desk-waiting", http.StatusOK)
	ana.reads("Jane Smith", "Burning or pain when passing urine")
	ana.press("Take this visit")
	ana.look("desk-taken", http.StatusOK)
	ana.write("Your question", "Have you had this before?\nIf so, when?")
	ana.press("Ask")
	ana.reads("Asked the patient", "If so, when?")
	ana.look("desk-asked", http.StatusOK)

	jane.signIn("Jane Smith")
	jane.look("my-asked", http.StatusOK)
	jane.follow("Urinary symptoms")
	jane.reads("Waiting for your reply", "Have you had this before?")
	jane.look("asked", http.StatusOK)
	jane.write("Your message", "Once, two years ago.")
	jane.press("Send your reply")
	jane.reads("Once, two years ago.", "Being read")
	jane.look("replied", http.StatusOK)

	ana.follow("Queue")
	ana.follow("Urinary symptoms")
	ana.reads("Once, two years ago.")
	ana.answers()

	jane.until("$40.00 charged", func() { jane.open(visit) })
	jane.reads("Answered", "Nitrofurantoin 100 mg", "Fever, or pain in your back", "Acute cystitis without hematuria")
	jane.look("answered", http.StatusOK)
	jane.follow("Who has seen this")
	jane.reads("Ana Rivera, MD", "took the request", "read the answers and messages")
	jane.look("trail", http.StatusOK)
	jane.follow("Urinary symptoms")
	jane.press("I have read this answer")
	jane.reads("Answered and closed")
	jane.look("closed", http.StatusOK)
	jane.open("/dev/mail")
	jane.reads("Your request was received", "A question about your request", "Your request was answered", "Your receipt")
	jane.picture("jane-mail.png")
}

// errs makes one mistake on the first page and reads what is wrong beside the
// field, where the line of the summary leads.
func (p *person) errs() {
	p.t.Helper()
	p.fill(urinary())
	p.write("Phone number where we can reach you today", " ")
	p.press("Save and continue")
	p.reads("Please look at 1 thing")
	p.look("mistake", http.StatusUnprocessableEntity)
	field := p.find("textbox", "Phone number where we can reach you today")
	if !strings.Contains(field.about, "Error:") {
		p.t.Errorf("the field's description is %q, without the error", field.about)
	}
	p.click(p.find("link", "Phone number"), 1)
	if at := ask[string](p, `document.activeElement.labels[0].innerText`); !strings.HasPrefix(at, "Phone number") {
		p.t.Errorf("the summary leads to %q", at)
	}
	p.open(p.path())
}

// acceptsFee reads the last page and sends the request, which leads to the
// simulator's page.
func (p *person) acceptsFee() {
	p.t.Helper()
	p.reads("$40.00", "When you are charged", "Within 24 hours after your card is held", "The clinicians and nurses of Lakeside Family Medicine")
	p.look("fee", http.StatusOK)
	p.press("Send, and go to the payment page")
	p.reads("Tick this box to accept the fee.", "Tick this box to agree to the terms.")
	p.look("fee-not-accepted", http.StatusUnprocessableEntity)
	p.accept()
	p.press("Send, and go to the payment page")
}

// pays with a card that is declined and then with one that is not.
func (p *person) pays() {
	p.t.Helper()
	p.reads("Checkout", "$40.00")
	p.picture(p.name + "-checkout.png")
	p.click(p.find("radio", "4000000000000002"), 1)
	p.press("Pay $40.00")
	p.reads("declined")
	p.picture(p.name + "-checkout-declined.png")
	p.click(p.find("radio", "4242424242424242"), 1)
	p.press("Pay $40.00")
	p.until("Waiting to be read", func() { p.follow("Look again") })
}

// answers closes the visit that Ana has open, at her second attempt.
func (p *person) answers() {
	p.t.Helper()
	p.write("Reply to the patient", "This looks like a bladder infection.")
	p.press("Send the answer")
	p.reads("Please look at")
	p.look("desk-unfinished", http.StatusUnprocessableEntity)
	p.click(p.find("checkbox", "Acute cystitis without hematuria"), 1)
	p.write("What the patient should do", "Nitrofurantoin 100 mg twice a day for 5 days.")
	p.write("Warning signs", "Fever, or pain in your back.")
	p.write("Follow-up", "as needed")
	p.write("Your own minutes", "6")
	p.press("Send the answer")
	p.reads("Answered")
	p.look("desk-answered", http.StatusOK)
}
