package httpapi_test

import (
	"net/http"
	"slices"
	"testing"
)

// The save that leaves nothing missing replies with the price, and asking for the
// price then writes nothing.
func TestSaveAnswers_RepliesWithThePrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var draft shownVisit
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits", body: map[string]any{"form": "uti-women"}}, &draft)
	type priced struct {
		ID     string
		Amount int64 `json:"amount_cents"`
	}
	var saved struct {
		Visit struct {
			Quote *priced
			Can   []string
		}
	}
	path := "/visits/" + draft.ID
	w.do(t, call{as: "jane-smith", method: "PATCH", path: path + "/answers", body: page(map[string]any{"uti-onset": 2})}, &saved)
	if saved.Visit.Quote != nil || slices.Contains(saved.Visit.Can, "submit") {
		t.Errorf("half filled in: %+v", saved.Visit)
	}
	tag := w.do(t, call{as: "jane-smith", method: "PATCH", path: path + "/answers", body: page(urinary())}, &saved).Get("ETag")
	if q := saved.Visit.Quote; q == nil || q.ID == "" || q.Amount == 0 || !slices.Contains(saved.Visit.Can, "submit") {
		t.Fatalf("filled in: %+v", saved.Visit)
	}
	var offer struct {
		priced
		Consent struct{ Text string }
	}
	var asked http.Header
	written := w.written(t, func() { asked = w.do(t, call{as: "jane-smith", method: "POST", path: path + "/quote"}, &offer) })
	if len(written) != 0 || asked.Get("ETag") != tag || offer.priced != *saved.Visit.Quote || offer.Consent.Text == "" {
		t.Errorf("asked for, it is %+v of version %s and wrote %v; the save replied %+v of version %s", offer, asked.Get("ETag"), written, *saved.Visit.Quote, tag)
	}
}
