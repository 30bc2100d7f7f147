package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What a practice decides on its membership is sold from the day that was chosen, is shown
// before it begins, and can be taken back until then; everything that is wrong is told at once,
// and what was typed stands.
func TestOffer_Decided(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/settings")
	adm.wants(http.StatusOK, "The yearly membership")
	adm.get("/manage/membership")
	adm.wants(http.StatusOK, "Yearly membership", "No membership is sold.")
	adm.press("Decide", url.Values{"price": {"350"}, "members": {"1"}, "visits": {"12"}, "classes": {"em"}, "forms": {"uti-women"}, "full": {"14"}, "later": {"months"}})
	adm.wants(http.StatusOK, "It is decided.", "Version 1: $350.00 a year.", "12 visits a year: only 1 form", "Medicare Part B", "within 14 days")

	adm.press("Decide", url.Values{"price": {"380"}, "from": {h.clock().AddDate(0, 2, 0).Format(time.DateOnly)}})
	adm.wants(http.StatusOK, "Version 1: $350.00 a year.", "Version 2: $380.00 a year.")
	adm.press("Take back what begins on ", nil)
	adm.wants(http.StatusOK, "It is taken back.", "Version 1: $350.00 a year.")
	if strings.Contains(adm.text(), "$380.00") {
		t.Error("what was taken back still begins")
	}

	adm.press("Decide", url.Values{"price": {"a lot"}, "members": {"many"}, "visits": {"-1"}, "grace": {"1000"}})
	adm.wants(http.StatusUnprocessableEntity, "dollars and cents", "whole number", "0 to 90 days of grace")
	if got := adm.value("price"); len(got) != 1 || got[0] != "a lot" {
		t.Errorf("what was typed is %q", got)
	}
	adm.get("/manage/membership")
	adm.press("Sell no memberships any more", nil)
	adm.wants(http.StatusOK, "Nobody can join any more.", "No membership is sold.")

	h.as(t, "Dr. X", "/manage/membership").wants(http.StatusForbidden)
}

// The second of two who decide from pages of the same moment is told.
func TestOffer_DecidedOnAPageThatIsOld(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm, other := h.as(t, "Adm", "/manage/membership"), h.as(t, "Adm", "/manage/membership")
	other.press("Decide", url.Values{"price": {"350"}, "classes": {"em"}})
	h.pass(time.Minute)
	adm.press("Decide", url.Values{"price": {"300"}, "classes": {"em"}})
	adm.wants(http.StatusPreconditionFailed)
	adm.get("/manage/membership")
	adm.wants(http.StatusOK, "Version 1: $350.00 a year.")
}
