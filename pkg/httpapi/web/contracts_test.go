package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// An administrator enters on a page what a plan allows, is told everything that is wrong at once,
// sees what members pay and why, and removes it.
func TestContracts_EnteredAndRemoved(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.payers(t)
	adm := h.as(t, "Adm", "/manage/settings")
	adm.link("Contracts with payers")
	adm.wants(http.StatusOK, "No contract is entered.", "Cascade Mutual (60054)")
	adm.press("Enter", url.Values{"procedure": {"9942"}, "rate": {"a lot"}, "copay": {"1.234"}, "part": {"0.5"}, "from": {"soon"}})
	adm.wants(http.StatusUnprocessableEntity, "Choose one of the payers", "five characters", "dollars and cents", "a whole number from 1 to 100", "Choose a day")
	if got := adm.value("rate"); len(got) != 1 || got[0] != "a lot" {
		t.Errorf("what was typed is %q", got)
	}
	adm.get("/manage/contracts")
	adm.press("Enter", url.Values{"payer": {"60054"}, "procedure": {"g2010"}, "rate": {"-80"}, "copay": {"0"}, "from": {"2026-01-01"}})
	adm.wants(http.StatusUnprocessableEntity, "more than nothing, up to $100000.00")
	adm.press("Enter", url.Values{"rate": {"33.33"}, "copay": {""}, "part": {"33"}})
	adm.wants(http.StatusOK, "The contract is entered.", "allows $33.33 for G2010. The patient's share is 33 % of it, rounded down to the cent: $10.99. It holds today.")
	adm.press("Remove Cascade Mutual, G2010 from 2026-01-01", nil)
	adm.wants(http.StatusOK, "The contract is removed.", "No contract is entered.")
	if strings.Contains(adm.text(), "$33.33") {
		t.Error("a removed contract is still shown")
	}
	h.as(t, "Dr. X", "/manage/contracts").wants(http.StatusForbidden)
}
