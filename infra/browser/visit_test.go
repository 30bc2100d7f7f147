//go:build browser

package browser

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// answers are the answers to a form's questions, by the beginning of the question's
// text: one option, several options, or a text.
type answers map[string][]string

func healthy() answers {
	return answers{
		"I understand that e-visits are not for emergencies": {"yes"},
		"Who is filling out this form?":                      {"The patient"},
		"State where the patient is right now":               {"Oregon"},
		"Are you pregnant":                                   {"No"},
		"Long-term conditions":                               {"None"},
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
		"Fever of 100.4", "New pain in your side", "Vomiting so you cannot", "New confusion", "Unable to pass urine",
		"Unusual vaginal discharge", "New partner", "Do you have a urinary catheter", "Kidney stones now", "Have you taken antibiotics",
	} {
		a[q] = []string{"No"}
	}
	a["How many days have you had symptoms?"] = []string{"2"}
	a["Which of these do you have?"] = []string{"Burning or pain when passing urine", "Going more often than usual"}
	a["How many urinary tract infections"] = []string{"1"}
	a["What have you tried so far?"] = []string{"Drinking more water"}
	return a
}

func (a answers) answerTo(question string) []string {
	longest := ""
	for q := range a {
		if strings.HasPrefix(question, q) && len(q) > len(longest) {
			longest = q
		}
	}
	return a[longest]
}

// unanswered are the texts of the page's questions that have no answer, in order.
func (p *person) unanswered() []string {
	p.t.Helper()
	return evaluate[[]string](p, `[...document.querySelectorAll(".field")]
		.filter(f => ![...f.querySelectorAll("input, select, textarea")].some(c => c.type === "radio" || c.type === "checkbox" ? c.checked : c.value.trim()))
		.map(f => f.querySelector(":scope > label, :scope > legend, :scope > .choice > label").innerText.trim())`)
}

// fill answers the page's questions that have no answer with a. A required question without an answer in a
// is a failure.
func (p *person) fill(a answers) {
	p.t.Helper()
	for _, q := range p.unanswered() {
		said := a.answerTo(q)
		switch {
		case said == nil && strings.Contains(q, "(optional)"):
		case said == nil:
			p.t.Fatalf("%s: at %s nobody knows the answer to %q", p.name, p.path(), q)
		case slices.ContainsFunc(p.elements("group"), func(g element) bool { return g.name == q }):
			p.choose(q, said...)
		case p.input(q) == "checkbox":
			p.tick(q)
		case p.input(q) == "select-one":
			p.pick(q, said[0])
		default:
			p.write(q, said[0])
		}
	}
}

// input is the type of the control that the label q belongs to.
func (p *person) input(q string) string {
	p.t.Helper()
	return evaluate[string](p, fmt.Sprintf(`[...document.querySelectorAll(".field label")].find(l => l.innerText.trim() == %q)?.control?.type ?? ""`, q))
}

// tick ticks the box of the statement q, unless it is ticked.
func (p *person) tick(q string) {
	p.t.Helper()
	if !evaluate[bool](p, fmt.Sprintf(`[...document.querySelectorAll(".field label")].find(l => l.innerText.trim() == %q).control.checked`, q)) {
		p.click(p.find("checkbox", q), 1)
	}
}

// pick chooses an option of the list q.
func (p *person) pick(q, option string) {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf(`(list => { list.value = [...list.options].find(o => o.text == %q).value; return list.dispatchEvent(new Event("change")) })(`+
		`[...document.querySelectorAll(".field label")].find(l => l.innerText.trim() == %q).control)`, option, q))
}

const (
	checkTitle = "Check your answers"
	slipTitle  = "Is this right?"
	feeTitle   = "Who reads it"
)

// completeForm fills in the form up to the check of all answers, and checks every page.
func (p *person) completeForm(a answers) {
	p.t.Helper()
	for range 20 {
		if p.hasText(checkTitle) {
			p.checkPage("check", http.StatusOK)
			return
		}
		p.checkPage("form", http.StatusOK)
		p.fill(a)
		p.press("Save and continue")
	}
	p.t.Fatalf("%s: the form has no end: %s", p.name, p.text())
}

// meetSlip says by mistake, on the page that asks it, that the patient is pregnant,
// and corrects it when asked whether that is right.
func (p *person) meetSlip() {
	p.t.Helper()
	pregnant := allergic()
	pregnant["Are you pregnant"] = []string{"Pregnant"}
	p.fillUntil(slipTitle, pregnant)
	p.wantText("Are you pregnant", "This ends the online request", "Nothing else that you entered is lost.")
	p.wantNoPrice()
	p.checkPage("ending", http.StatusOK)
	p.follow("Change Are you pregnant")
	p.choose("Are you pregnant", "No")
}

// changeAnswer changes one answer from the check of all answers, where it leads back.
func (p *person) changeAnswer() {
	p.t.Helper()
	p.wantText(checkTitle, "Drinking more water", "פניצילין")
	p.follow("Change What have you tried so far?")
	p.write("What have you tried so far?", "Cranberry juice")
	p.press("Save and continue")
	p.wantText(checkTitle, "Cranberry juice")
	if p.hasText("Drinking more water") {
		p.t.Error("the answer that was changed is still there")
	}
}

func (p *person) wantNoPrice() {
	p.t.Helper()
	if p.hasText("$") {
		p.t.Errorf("%s: a price is shown on %s", p.name, p.path())
	}
}

// The first visit of the README's "A first visit in five minutes".
func TestVisit_AsInREADME(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	jane, ana := newPerson(t, site, "jane"), newPerson(t, site, "ana")

	jane.goTo("/")
	jane.checkPage("landing", http.StatusOK)
	jane.follow("Sign in")
	jane.picture("jane-sign-in.png")
	jane.press("Sign in as Jane Smith")
	jane.checkPage("my", http.StatusOK)
	jane.press("Start Urinary symptoms")
	jane.makeMistake()
	jane.meetSlip()
	jane.completeForm(allergic())
	jane.changeAnswer()
	jane.follow("Continue to the price")
	jane.acceptFee()
	jane.pay()
	jane.checkPage("queued", http.StatusOK)
	visit := jane.path()
	jane.signOut()
	jane.wantText("Care without an appointment")

	ana.signIn("Ana Rivera, MD")
	ana.checkPage("queue", http.StatusOK)
	ana.follow("Urinary symptoms")
	ana.checkPage("desk-waiting", http.StatusOK)
	ana.wantText("Jane Smith", "Burning or pain when passing urine")
	ana.wantRightToLeft("ויטמין D, 1000 יחידות ביום")
	ana.press("Take this visit")
	ana.checkPage("desk-taken", http.StatusOK)
	ana.write("Your question", "Have you had this before?\nIf so, when?")
	ana.press("Ask")
	ana.wantText("Asked the patient", "If so, when?")
	ana.checkPage("desk-asked", http.StatusOK)

	jane.signIn("Jane Smith")
	jane.checkPage("my-asked", http.StatusOK)
	jane.follow("Urinary symptoms")
	jane.wantText("Waiting for your reply", "Have you had this before?")
	jane.checkPage("asked", http.StatusOK)
	jane.write("Your message", "Once, two years ago.")
	jane.press("Send your reply")
	jane.wantText("Once, two years ago.", "Being read")
	jane.checkPage("replied", http.StatusOK)

	ana.follow("Queue")
	ana.follow("Urinary symptoms")
	ana.wantText("Once, two years ago.")
	ana.sendAnswer()

	jane.retryUntil("$40.00 charged", func() { jane.goTo(visit) })
	jane.wantText("Answered", "Nitrofurantoin 100 mg", "Fever, or pain in your back", "Acute cystitis without hematuria")
	jane.checkPage("answered", http.StatusOK)
	jane.checkPrint("answered", "Lakeside Family Medicine", "Jane Smith", "Nitrofurantoin 100 mg", "Fever, or pain in your back", "Acute cystitis without hematuria")
	jane.follow("Who has seen this")
	jane.wantText("Ana Rivera, MD", "took the request", "read the answers and messages")
	jane.checkPage("trail", http.StatusOK)
	jane.follow("Urinary symptoms")
	jane.press("I have read this answer")
	jane.wantText("Answered and closed")
	jane.checkPage("closed", http.StatusOK)
	ada := newPersonSignedIn(t, site, "ada", "Ada Brooks")
	ada.refundsPart(visit)
	ada.looksAtMoney()
	jane.retryUntil("$40.00 charged, $12.50 of it refunded", func() { jane.goTo(visit) })
	jane.wantText("Refunded: as a courtesy")
	jane.checkPage("refunded", http.StatusOK)
	jane.goTo("/dev/mail")
	jane.wantText("Your request was received", "A question about your request", "Your request was answered", "Your receipt", "A refund of your payment")
	jane.picture("jane-mail.png")
}

// refundsPart refunds a part of what was charged for a visit, after an amount that is too
// much.
func (p *person) refundsPart(visit string) {
	p.t.Helper()
	p.goTo(strings.Replace(visit, "/my/", "/desk/", 1))
	p.wantText("Refund a payment", "$40.00 charged, $0.00 refunded", "At most $40.00")
	p.checkPage("refund", http.StatusOK)
	p.write("How much, in dollars", "40.01")
	p.choose("Why", "As a courtesy")
	p.press("Refund it")
	p.wantText("There is a problem", "most $40.00 of this payment can be refunded")
	p.checkPage("refund-too-much", http.StatusConflict)
	p.write("How much, in dollars", "12.50")
	p.choose("Why", "As a courtesy")
	p.press("Refund it")
	p.wantText("It is being refunded")
	p.retryUntil("$12.50 refunded", func() { p.goTo(p.path()) })
	p.wantText("At most $27.50")
	p.checkPage("refund-made", http.StatusOK)
}

// looksAtMoney goes from a figure of the practice's money to its entries, and prints it.
func (p *person) looksAtMoney() {
	p.t.Helper()
	p.follow("Money")
	p.retryUntil("$12.50", func() { p.goTo(p.path()) })
	p.wantText("1 visit, 0 yearly memberships", "$40.00", "$1.46", "$26.04", "Nothing is open")
	p.checkPage("money", http.StatusOK)
	p.checkPrint("money", "Collected", "$40.00", "By day: what came in", "Net", "$26.04")
	p.follow("Refunded")
	p.wantText("Together: $12.50")
	p.checkPage("money-entries", http.StatusOK)
}

// wantRightToLeft fails the test unless the page draws the text from right to left.
func (p *person) wantRightToLeft(words string) {
	p.t.Helper()
	if d := evaluate[[]string](p, fmt.Sprintf(`[...document.querySelectorAll("main *")].filter(e => !e.children.length && e.textContent.includes(%q)).map(e => getComputedStyle(e).direction)`, words)); len(d) != 1 || d[0] != "rtl" {
		p.t.Errorf("%s draws %q in the directions %q", p.path(), words, d)
	}
}

// makeMistake leaves a required field of the first page blank, and checks the error at
// the field and the link to the field.
func (p *person) makeMistake() {
	p.t.Helper()
	p.fill(urinary())
	p.write("Phone number where we can reach you today", " ")
	p.press("Save and continue")
	p.wantText("There is a problem")
	if at := evaluate[string](p, `document.activeElement.textContent`); at != "There is a problem" {
		p.t.Errorf("the focus is on %q, not on the summary", at)
	}
	p.checkPage("mistake", http.StatusUnprocessableEntity)
	field := p.find("textbox", "Phone number where we can reach you today")
	if !strings.Contains(field.about, "Error:") {
		p.t.Errorf("the field's description is %q, without the error", field.about)
	}
	p.click(p.find("link", "Phone number"), 1)
	if at := evaluate[string](p, `document.activeElement.labels[0].innerText`); !strings.HasPrefix(at, "Phone number") {
		p.t.Errorf("the summary leads to %q", at)
	}
	p.goTo(p.path())
}

// acceptFee checks the last page and submits the request, which leads to the payment
// page.
func (p *person) acceptFee() {
	p.t.Helper()
	p.wantText("$40.00", "When you are charged", "Within 24 hours after your card is held", "The clinicians and nurses of Lakeside Family Medicine")
	p.checkPage("fee", http.StatusOK)
	p.press("Send, and go to the payment page")
	p.wantText("Tick this box to accept the fee.", "Tick this box to agree to the terms.")
	p.checkPage("fee-not-accepted", http.StatusUnprocessableEntity)
	p.acceptFeeAndTerms()
	p.press("Send, and go to the payment page")
}

// pay pays with a declined card and then with a good card.
func (p *person) pay() {
	p.t.Helper()
	p.wantText("Checkout", "$40.00")
	p.picture(p.name + "-checkout.png")
	p.click(p.find("radio", "4000000000000002"), 1)
	p.press("Pay $40.00")
	p.wantText("declined")
	p.picture(p.name + "-checkout-declined.png")
	p.click(p.find("radio", "4242424242424242"), 1)
	p.press("Pay $40.00")
	p.seeRequest()
}

// seeRequest waits until the page where payment leads confirms that the request was
// sent, and goes on to the request.
func (p *person) seeRequest() {
	p.t.Helper()
	p.retryUntil("Your request was sent", func() { p.follow("Look again") })
	p.checkPage("sent", http.StatusOK)
	p.follow("See your request")
	p.wantText("Waiting to be read")
}

// sendAnswer answers the visit on the present page, after an attempt with missing
// fields.
func (p *person) sendAnswer() {
	p.t.Helper()
	p.write("Reply to the patient", "This looks like a bladder infection.")
	p.press("Send the answer")
	p.wantText("There is a problem")
	p.checkPage("desk-unfinished", http.StatusUnprocessableEntity)
	p.concludes()
	p.checkPage("desk-answered", http.StatusOK)
}

// concludes gives the parts of an answer that its reply does not have, and sends it.
func (p *person) concludes() {
	p.t.Helper()
	p.click(p.find("checkbox", "Acute cystitis without hematuria"), 1)
	p.write("What the patient should do", "Nitrofurantoin 100 mg twice a day for 5 days.")
	p.write("Warning signs", "Fever, or pain in your back.")
	p.write("Follow-up", "as needed")
	p.write("Your own minutes", "6")
	p.press("Send the answer")
	p.wantText("Answered")
}
