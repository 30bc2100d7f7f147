package httpapi_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
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

// A red flag is heard though the request around it would be refused.
func TestRedFlag_HeardBeforeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flag := page(map[string]any{"uti-confused": true})
	key := map[string]string{"Idempotency-Key": "used"}
	states := map[string]func() shownVisit{
		"draft": func() shownVisit { return w.draft(t) }, "submitted": func() shownVisit { return w.submitted(t) },
		"queued": func() shownVisit { return w.queued(t) },
	}
	for state, reach := range states {
		for name, c := range map[string]call{
			"no version":     {method: "PATCH", path: "/answers", body: flag, header: map[string]string{"If-Match": "garbage"}},
			"old version":    {method: "PATCH", path: "/answers", body: flag, header: map[string]string{"If-Match": `"1"`}},
			"no text":        {method: "POST", path: "/messages", body: map[string]any{"answers": flag}},
			"blank text":     {method: "POST", path: "/messages", body: map[string]any{"text": " ", "answers": flag}},
			"too long":       {method: "POST", path: "/messages", body: map[string]any{"text": strings.Repeat("x", 8001), "answers": flag}},
			"a key used":     {method: "POST", path: "/messages", body: map[string]any{"text": "I am confused.", "answers": flag}, header: key},
			"nothing at all": {method: "POST", path: "/messages", body: map[string]any{"text": "I am confused.", "answers": flag}},
		} {
			v := reach()
			if c.header["Idempotency-Key"] != "" && state == "queued" {
				w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/messages", body: map[string]any{"text": "Hello."}, header: key}, nil)
			}
			c.as, c.path = "jane-smith", "/visits/"+v.ID+c.path
			for range 2 {
				var out struct {
					Status    string
					Visit     struct{ Status string }
					Diversion struct{ Message, Phone string }
				}
				w.do(t, c, &out)
				if cmp.Or(out.Status, out.Visit.Status) != "diverted" || out.Diversion.Message == "" || out.Diversion.Phone == "" {
					t.Errorf("%s, %s: %+v", state, name, out)
				}
			}
		}
	}
}

// The check of answers alone says so too.
func TestCheckAnswers_RedFlagOfAnotherForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := page(map[string]any{"uti-confused": true})
	body["questionnaire"] = "https://example.org/other"
	var out struct{ Disposition string }
	w.do(t, call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check", body: body}, &out)
	if out.Disposition != "emergency" {
		t.Errorf("the check says %q", out.Disposition)
	}
	refused(t, send(t, w.api, call{as: "jane-smith", method: "POST", path: "/forms/uti-women/check", body: map[string]any{
		"resourceType": "QuestionnaireResponse", "questionnaire": "https://example.org/other",
	}}), 422, "other_form")
}
