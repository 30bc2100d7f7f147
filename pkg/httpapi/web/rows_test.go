package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Removing a row leaves the others, in their order, and all else that was typed on the
// page; only what is saved then is kept. The last row is emptied, and a blank one has
// nothing to remove.
func TestForm_RemoveRow(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.fillInTo("allergy-none")
	page := ada.at.Path
	ada.press("Save and continue", ada.asked(with(url.Values{"allergy-none": {"false"}})))
	holds := func(drugs ...string) {
		t.Helper()
		if got := ada.value("rows:allergy"); !slices.Equal(got, []string{string(rune('0' + len(drugs)))}) {
			t.Errorf("the page has %s rows, want %d", got, len(drugs))
		}
		for n, want := range drugs {
			if got := ada.value("allergy-drug@" + string(rune('1'+n))); got[0] != want {
				t.Errorf("row %d holds %q, want %q", n+1, got, want)
			}
		}
	}
	holds("")
	for _, b := range find(ada.page, "button") {
		if attr(b, "name") == "remove" {
			t.Error("a blank row can be removed")
		}
	}
	ada.press("Add another row", url.Values{"allergy-drug@1": {"Penicillin"}, "pharmacy": {"Elm Street"}})
	ada.press("Add another row", url.Values{"allergy-drug@2": {"Sulfa"}})
	ada.press("Remove Medicine and what happened 2", url.Values{"allergy-drug@3": {"Codeine"}, "medications": {"Vitamin D"}})
	ada.wants(http.StatusOK)
	holds("Penicillin", "Codeine")
	ada.press("Remove Medicine and what happened 1", nil)
	holds("Codeine")
	ada.press("Remove Medicine and what happened 1", nil)
	holds("")
	if got, also := ada.value("pharmacy"), ada.value("medications"); got[0] != "Elm Street" || strings.TrimSpace(also[0]) != "Vitamin D" {
		t.Errorf("beside the rows the page holds %q and %q", got, also)
	}
	for _, forged := range []string{"allergy", "allergy@9", "@1", "nothing@1", "allergy@1.1"} {
		ada.post(h.url+page, url.Values{"remove": {forged}, "rows:allergy": {"1"}, "allergy-none": {"false"}, "allergy-drug@1": {"Sulfa"}})
		ada.wants(http.StatusOK)
		holds("Sulfa")
	}
	ada.get(page)
	holds("")
}
