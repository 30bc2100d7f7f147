package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// While a request awaits its answer, the list of forms names it, and another on its form is
// refused with its id until that is named as beside.
func TestSubmit_AlreadyUnderway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if id := w.underway(t); id != "" {
		t.Errorf("%s is underway", id)
	}
	first := w.submitted(t)
	if id := w.underway(t); id != first.ID {
		t.Errorf("%s is underway, want %s", id, first.ID)
	}
	second := w.draft(t)
	body := map[string]any{"quote": w.quote(t, second.ID), "accept_fee": true, "accept_consent": true}
	submit := call{as: "jane-smith", method: "POST", path: "/visits/" + second.ID + "/submit", body: body}
	for _, beside := range []string{"", second.ID, "x"} {
		body["beside"] = beside
		res := send(t, w.api, submit)
		refused(t, res, http.StatusConflict, "already_underway")
		if !strings.Contains(res.Body.String(), first.ID) {
			t.Errorf("beside %q: the request is not named: %s", beside, res.Body)
		}
	}
	body["beside"] = strings.Repeat("x", 65)
	refused(t, send(t, w.api, submit), http.StatusUnprocessableEntity, "invalid_request")
	body["beside"] = first.ID
	var sent shownVisit
	w.do(t, submit, &sent)
	if sent.Status != "awaiting_payment" || w.underway(t) != second.ID {
		t.Errorf("sent as %+v, and %s is underway", sent, w.underway(t))
	}
}
