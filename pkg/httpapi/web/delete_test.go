package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// A draft is deleted after one question. It is gone from the list, and its pages say
// what became of it.
func TestDelete_AsksOnceAndIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	ada.press("Save and continue", ada.asked(well))
	id := ada.visitID()
	at := "/my/visits/" + id
	ada.get(at)
	if strings.Contains(ada.text(), "Cancel the request") {
		t.Error("a draft, of which nothing was sent, can be cancelled as well")
	}
	ada.link("Delete this request")
	ada.wants(http.StatusOK, "Delete this request?", "Urinary symptoms", "cannot be brought back", "Yes, delete it")
	ada.link("Keep it")
	ada.wants(http.StatusOK, "Not sent yet")
	ada.link("Delete this request")
	twin := h.twin(t, ada)
	twin.get(h.url + at + "/delete")
	ada.press("Yes, delete it", nil)
	ada.wants(http.StatusOK, "The request was deleted", "No requests yet")
	twin.press("Yes, delete it", nil) // pressed again
	twin.wants(http.StatusOK, "The request was deleted")
	ada.get(at)
	ada.wants(http.StatusOK, "You deleted this request before it was sent", "Started", "Deleted")
	for _, page := range []string{"/form/1", "/check", "/delete"} {
		ada.get(h.url + at + page)
		if strings.Contains(ada.text(), "Save and continue") || strings.Contains(ada.text(), "Yes, delete it") {
			t.Errorf("%s of a deleted draft: %s", page, ada.text())
		}
	}
	ada.get(h.url + at + "/trail")
	ada.wants(http.StatusOK, "deleted the draft and its answers")
	bea := h.as(t, "Bea", "/my")
	bea.get(at + "/delete")
	bea.wants(http.StatusNotFound)
}

// A page of a draft that was kept is thrown away with the draft, and one that is kept
// after it was deleted changes nothing.
func TestDelete_KeptPagesDoNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	id, page := ada.visitID(), ada.at.Path
	answers := ada.asked(well)
	h.pass(2 * time.Hour)
	ada.press("Save and continue", answers)
	ada.wants(http.StatusUnauthorized, "kept for a day")
	late := h.twin(t, ada) // the session that has ended
	late.at = ada.at
	h.signIn(ada, "Ada")
	ada.wants(http.StatusOK, "Your answers on one page")
	ada.get("/my/visits/" + id + "/delete")
	ada.press("Yes, delete it", nil)
	ada.get("/kept")
	ada.wants(http.StatusOK, "Nothing is kept")

	late.post(h.url+page, answers)
	late.wants(http.StatusUnauthorized, "kept for a day")
	ada.get("/kept")
	ada.press("Send it now", nil)
	ada.wants(http.StatusConflict, "deleted")
	ada.get("/kept")
	ada.wants(http.StatusOK, "Nothing is kept")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "You deleted this request")
}
