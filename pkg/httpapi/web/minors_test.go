package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// An administrator decides on minors on the page; the page by which patients register says
// what holds, and who may no longer act for themselves is told where to turn.
func TestMinors_OnThePages(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/settings")
	adm.press("Decide", url.Values{"act-from": {"11"}, "own-from": {"old"}})
	adm.wants(http.StatusUnprocessableEntity)
	for id, want := range map[string]string{"act-from": "from 12 to 17", "own-from": "whole years"} {
		if got := adm.mistakes(id); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("beside %s: %q", id, got)
		}
	}
	adm.press("Decide", url.Values{"act-from": {"16"}, "own-from": {"17"}})
	adm.wants(http.StatusOK)
	if got := adm.value("act-from")[0] + " " + adm.value("own-from")[0]; got != "16 17" {
		t.Errorf("decided are %s", got)
	}

	kim := h.browse(t)
	kim.get("/join/oak")
	kim.link("Sign in to register")
	kim.press("Kim", nil)
	kim.wants(http.StatusOK, "Who is under 16 is registered by the practice")
	birth := h.clock().AddDate(-16, 0, -1)
	kim.press("Register", url.Values{"name": {"Kim Kay"}, "birth": {birth.Format(time.DateOnly)}, "sex": {"female"}})
	kim.wants(http.StatusOK, "My requests")

	adm.press("Decide", url.Values{"act-from": {""}, "own-from": {""}})
	adm.wants(http.StatusOK)
	h.pass(time.Minute) // processes remember for 20 seconds what a practice has decided
	kim.get("/my")
	kim.wants(http.StatusForbidden, "until then a parent or guardian does", "555-0100")
	adm.press("Decide", url.Values{"minors": {"refused"}, "from": {h.clock().AddDate(0, 0, 10).Format(time.DateOnly)}})
	adm.wants(http.StatusOK, "no requests are taken for patients under 18; none of them acts before 18")
}
