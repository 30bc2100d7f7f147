package httpapi_test

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
)

// asking is the request for each action that a visit's reply may list.
func asking(v shownVisit) map[string]call {
	at := "/visits/" + v.ID
	text := map[string]any{"text": "Since Monday."}
	away := map[string]any{"reason": "needs_exam", "text": "Please come in."}
	quote := v.Quote.ID
	if quote == "" {
		quote = "none"
	}
	return map[string]call{
		"fill":        {method: "PATCH", path: at + "/answers", body: page(map[string]any{"uti-onset": 3})},
		"quote":       {method: "POST", path: at + "/quote"},
		"submit":      {method: "POST", path: at + "/submit", body: map[string]any{"quote": quote, "accept_fee": true, "accept_consent": true}},
		"pay":         {method: "POST", path: at + "/checkout"},
		"cancel":      {method: "POST", path: at + "/cancel"},
		"delete":      {method: "DELETE", path: at},
		"again":       {method: "POST", path: at + "/again"},
		"reply":       {method: "POST", path: at + "/messages", body: text},
		"report":      {method: "PATCH", path: at + "/answers", body: page(map[string]any{"uti-confused": true})},
		"acknowledge": {method: "POST", path: at + "/acknowledge"},
		"take":        {method: "POST", path: at + "/take"},
		"ask":         {method: "POST", path: at + "/ask", body: text},
		"answer":      {method: "POST", path: at + "/answer", body: conclusion()},
		"decline":     {method: "POST", path: at + "/decline", body: away},
		"release":     {method: "POST", path: at + "/release"},
		"hand_over":   {method: "POST", path: at + "/hand-over", body: map[string]any{"to": "ben-chen", "text": "Please."}},
		"take_over":   {method: "POST", path: at + "/take-over", body: map[string]any{"from": "ana-rivera", "text": "She is absent."}},
		"redirect":    {method: "POST", path: at + "/redirect", body: away},
	}
}

// reach makes visits of jane-smith's as they stand in each state; ana-rivera has
// taken those that are taken.
func (w *world) reach(t testing.TB) map[string]func() shownVisit {
	t.Helper()
	then := func(from func() shownVisit, as, action string) func() shownVisit {
		return func() shownVisit {
			v := from()
			c := asking(v)[action]
			c.as = as
			w.do(t, c, &v)
			return v
		}
	}
	draft := func() shownVisit { return w.draft(t) }
	queued := func() shownVisit { return w.queued(t) }
	taken := then(queued, "ana-rivera", "take")
	answered := then(taken, "ana-rivera", "answer")
	diverted := func() shownVisit {
		v := w.draft(t)
		w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-confused": true})}, nil)
		return v
	}
	return map[string]func() shownVisit{
		"draft": draft, "submitted": func() shownVisit { return w.submitted(t) }, "queued": queued, "taken": taken,
		"priced": func() shownVisit { v := w.draft(t); v.Quote.ID = w.quote(t, v.ID); return v },
		"asked":  then(taken, "ana-rivera", "ask"), "answered": answered, "closed": then(answered, "jane-smith", "acknowledge"),
		"diverted": diverted, "shown where to turn": then(diverted, "jane-smith", "acknowledge"),
		"cancelled": then(queued, "jane-smith", "cancel"), "declined": then(taken, "ana-rivera", "decline"), "deleted": then(draft, "jane-smith", "delete"),
		"expired": func() shownVisit { return w.expired(t) },
	}
}

// A reply that shows a visit lists exactly what its reader can do with it.
func TestCan_AgreesWithTheRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	offered := map[string]bool{}
	for state, reach := range w.reach(t) {
		v := reach()
		for _, who := range []string{"jane-smith", "ana-rivera", "ben-chen", "nora-patel", "sam-lee", "ada-brooks"} {
			var seen struct {
				Can     []string
				Version int
			}
			res := send(t, w.api, call{as: who, method: "GET", path: "/visits/" + v.ID})
			if res.Code == http.StatusOK {
				w.do(t, call{as: who, method: "GET", path: "/visits/" + v.ID}, &seen)
			}
			for action, c := range asking(v) {
				c.as = who
				if !slices.Contains(seen.Can, action) {
					if res := send(t, w.api, c); res.Code < 400 && res.Header().Get("ETag") != strconv.Quote(strconv.Itoa(seen.Version)) {
						t.Errorf("%s: %s of %s, which is not offered: %d %s", state, action, who, res.Code, res.Body)
					}
					continue
				}
				offered[action] = true
				again := asking(reach())[action]
				again.as = who
				if in, ok := again.body.(map[string]any); ok && action == "submit" {
					in["beside"] = w.underway(t)
				}
				var after struct {
					Can         []string
					Visit       struct{ Can []string }
					CheckoutURL string `json:"checkout_url"`
				}
				w.do(t, again, &after)
				if after.Can == nil && after.Visit.Can == nil || action == "pay" && after.CheckoutURL == "" {
					t.Errorf("%s: %s by %s replies %+v", state, action, who, after)
				}
			}
		}
	}
	if want := len(asking(shownVisit{})); len(offered) != want {
		t.Errorf("only %v of %d actions were ever offered", offered, want)
	}
}
