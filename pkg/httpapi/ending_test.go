package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
)

// An answer that ends a visit is told as what it would do, and does it once it is
// confirmed by name: in a draft, and with a message of a visit that was sent.
func TestDiversion_ConfirmedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fever := page(map[string]any{"uti-fever": true})
	type saved struct {
		Visit       shownVisit
		Diversion   *struct{ Disposition string }
		WouldDivert *struct {
			Disposition, Message, Phone string
			Causes                      []struct {
				LinkID  string `json:"link_id"`
				Answers []string
			}
		} `json:"would_divert"`
	}
	id := w.draft(t).ID
	save := func(query string) (out saved) {
		t.Helper()
		w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + id + "/answers" + query, body: fever}, &out)
		return out
	}
	s := save("")
	if would := s.WouldDivert; s.Visit.Status != "draft" || s.Diversion != nil || would == nil || would.Disposition != "urgent" || would.Message == "" ||
		would.Phone == "" || len(would.Causes) != 1 || would.Causes[0].LinkID != "uti-fever" || !slices.Equal(would.Causes[0].Answers, []string{"Yes"}) {
		t.Fatalf("saved: %+v", s)
	}
	refused(t, send(t, w.bare, call{as: "jane-smith", method: "POST", path: "/visits/" + id + "/quote"}), http.StatusConflict, "diversion_unconfirmed")
	if s = save("?confirm=ineligible"); s.Visit.Status != "draft" || s.WouldDivert == nil {
		t.Errorf("what nobody was shown is confirmed: %+v", s)
	}
	if s = save("?confirm=urgent"); s.Visit.Status != "diverted" || s.Diversion == nil || s.WouldDivert != nil {
		t.Errorf("confirmed: %+v", s)
	}

	id = w.queued(t).ID
	message := func(confirm string) call {
		return call{as: "jane-smith", method: "POST", path: "/visits/" + id + "/messages", body: map[string]any{
			"text": "I have a fever now.", "answers": fever, "confirm": confirm,
		}}
	}
	p := refused(t, send(t, w.bare, message("")), http.StatusConflict, "diversion_unconfirmed")
	if got := wheres(p.Problems); !slices.Equal(got, []string{"uti-fever"}) {
		t.Errorf("refused for %v", got)
	}
	var v shownVisit
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + id}, &v)
	if v.Status != "queued" || v.Messages != 0 {
		t.Errorf("unconfirmed it is %s with %d messages", v.Status, v.Messages)
	}
	w.do(t, message("urgent"), &v)
	if v.Status != "diverted" {
		t.Errorf("confirmed it is %s", v.Status)
	}
}
