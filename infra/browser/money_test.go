//go:build browser

package browser

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// atStripe asks the simulator for something, and decodes the reply.
func (p *person) atStripe(stripe, method, path, body string, out any) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, stripe+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || out != nil && json.Unmarshal(b, out) != nil {
		p.t.Fatalf("%s %s: %v, %s: %s", method, path, err, res.Status, b)
	}
}

// joins becomes a member on the page of the membership, and looks at what leaving gives back.
func (p *person) joins() {
	p.t.Helper()
	p.goTo("/my/membership")
	p.wantText("$350.00 a year")
	p.checkPage("membership-offer", http.StatusOK)
	p.press("Join, and go to the payment page")
	p.wantText("There is a problem")
	p.checkPage("membership-not-accepted", http.StatusUnprocessableEntity)
	p.choose("Medicare", "No")
	p.choose("Terms", "I have read the terms above, and accept them and the price")
	p.press("Join, and go to the payment page")
	p.click(p.find("radio", "4242424242424242"), 1)
	p.press("Pay $350.00")
	p.retryUntil("It is renewed for another year", func() { p.goTo("/my/membership") })
	p.checkPage("membership", http.StatusOK)
	p.follow("End it at once, and have $350.00 refunded")
	p.wantText("$350.00")
	p.checkPage("membership-leave", http.StatusOK)
}

// paysByLink sends a request with a card that can be held and not charged, has it answered, and pays by
// the link that is left. It returns the request's page.
func (p *person) paysByLink(site string) string {
	p.t.Helper()
	p.goTo("/my")
	p.press("Start Urinary symptoms")
	p.fillUntil("When you are charged", urinary())
	p.acceptFeeAndTerms()
	p.press("Send, and go to the payment page")
	p.click(p.find("radio", "4000000000007007"), 1)
	p.press("Pay $40.00")
	p.retryUntil("Your request was sent", func() { p.follow("Look again") })
	p.follow("See your request")
	visit := p.path()
	ana := newPersonSignedIn(p.t, site, "money-ana", "Ana Rivera, MD")
	ana.follow("Urinary symptoms")
	ana.press("Take this visit")
	ana.write("Reply to the patient", "This looks like a bladder infection.")
	ana.concludes()
	p.retryUntil("Go to the payment page", func() { p.goTo(visit) })
	p.checkPage("pay-link", http.StatusOK)
	p.press("Go to the payment page")
	p.click(p.find("radio", "4242424242424242"), 1)
	p.press("Pay $40.00")
	p.retryUntil("Receipt to print", func() { p.goTo(visit) })
	p.follow("Receipt to print")
	p.checkPage("receipt", http.StatusOK)
	p.checkPrint("receipt", "Lakeside Family Medicine", "Jane Smith", "Paid by the patient", "$40.00")
	p.checkFile("receipt", "Lakeside Family Medicine", "Jane Smith", "Paid by the patient", "$40.00")
	return visit
}

// The pages of money: a membership and what leaving it gives back, a pay link, a receipt, a dispute,
// and the comparison with Stripe.
func TestMoney_PagesOfPatientAndPractice(t *testing.T) {
	t.Parallel()
	sys := startSystem(t)
	jane := newPersonSignedIn(t, sys.URL, "money-jane", "Jane Smith")
	jane.joins()
	visit := jane.paysByLink(sys.URL)

	var truth struct {
		Intents []struct {
			ID, Account, Invoice string
			Received             int64 `json:"amount_received"`
		} `json:"payment_intents"`
	}
	jane.atStripe(sys.Stripe, http.MethodGet, "/sim/oracle", "", &truth)
	account := ""
	for _, pi := range truth.Intents {
		if pi.Received > 0 && pi.Invoice == "" {
			account = pi.Account
			jane.atStripe(sys.Stripe, http.MethodPost, "/sim/hand", `{"do":"dispute","id":"`+pi.ID+`"}`, nil)
		}
	}
	ada := newPersonSignedIn(t, sys.URL, "money-ada", "Ada Brooks")
	disputed := strings.Replace(visit, "/my/", "/desk/", 1) + "/dispute"
	ada.retryUntil("Send this to the bank", func() { ada.goTo(disputed) })
	ada.checkPage("dispute", http.StatusOK)
	ada.press("Send this to the bank")
	ada.wantText("was handed to Stripe")
	ada.retryUntil("The bank was answered, and decides", func() { ada.goTo(disputed) })
	ada.checkPage("dispute-answered", http.StatusOK)

	ada.atStripe(sys.Stripe, http.MethodPost, "/sim/hand", `{"do":"adjust","id":"`+account+`","amount":-700}`, nil)
	ada.passes("27h")
	later := newPersonSignedIn(t, sys.URL, "money-ada", "Ada Brooks")
	later.retryUntil("The books and Stripe differ", func() { later.goTo("/desk/work") })
	later.wantText("The books have nothing; Stripe has -$7.00")
	later.checkPage("work-difference", http.StatusOK)
	later.goTo("/desk/money")
	later.wantText("Compared with Stripe", "The books and Stripe differ")
	later.checkPage("money-compared", http.StatusOK)
}
