package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// Nothing is left of the answers of a deleted draft: not in the table, in no list and
// in no reply. That it was deleted is in its trail, once.
func TestDelete_NothingIsLeftOfADraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft, other := w.draft(t), w.draft(t)
	at := "/visits/" + draft.ID
	var v struct {
		shownVisit
		Reason, State string
		Can           []string
		Timeline      []struct{ Step string }
	}
	w.do(t, call{as: "jane-smith", method: "DELETE", path: at, header: map[string]string{"Idempotency-Key": "k"}}, &v)
	if v.Status != "deleted" || v.Version != draft.Version+1 || v.State != "" || v.Quote.ID != "" || len(v.Can) > 0 ||
		len(v.Timeline) != 2 || v.Timeline[1].Step != "deleted" {
		t.Errorf("deleted, the visit is %+v", v)
	}
	w.scan(t, func(i map[string]types.AttributeValue) {
		if attribute(i["pk"]) == "CHART#"+draft.ID && i["s"] != nil {
			t.Errorf("row %s of the chart still holds content", attribute(i["sk"]))
		}
	})
	var list struct{ Visits []shownVisit }
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits"}, &list)
	if len(list.Visits) != 1 || list.Visits[0].ID != other.ID {
		t.Errorf("listed: %+v, want %s alone", list.Visits, other.ID)
	}
	var chart struct{ Answers []any }
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/chart"}, &chart)
	if len(chart.Answers) > 0 {
		t.Errorf("its chart has %v", chart.Answers)
	}
	for name, header := range map[string]map[string]string{"repeated": {"Idempotency-Key": "k"}, "pressed again": nil} {
		var again shownVisit
		w.do(t, call{as: "jane-smith", method: "DELETE", path: at, header: header}, &again)
		if diff := cmp.Diff(v.shownVisit, again); diff != "" {
			t.Errorf("%s (-first +again):\n%s", name, diff)
		}
	}
	var trail struct{ Records []struct{ Action string } }
	w.do(t, call{as: "jane-smith", method: "GET", path: at + "/audit"}, &trail)
	deleted := 0
	for _, r := range trail.Records {
		if r.Action == "visit.delete" {
			deleted++
		}
	}
	if deleted != 1 {
		t.Errorf("the trail tells %d times that it was deleted: %+v", deleted, trail.Records)
	}
}

// What comes for a deleted draft changes nothing: not even answers that raise a red
// flag.
func TestDelete_WhatComesLaterDoesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "DELETE", path: "/visits/" + draft.ID}, nil)
	w.nothingWritten(t, func(t *testing.T) {
		for action, c := range asking(draft) {
			ofPractice := []string{"take", "ask", "answer", "decline", "redirect", "release", "hand_over", "take_over"}
			if c.as = "jane-smith"; action == "delete" || slices.Contains(ofPractice, action) {
				continue
			}
			res := send(t, w.api, c)
			if res.Code != http.StatusConflict || !strings.Contains(res.Body.String(), "deleted") && action != "pay" {
				t.Errorf("%s of a deleted draft: %d %s", action, res.Code, res.Body)
			}
		}
	})
}

// A request that was sent, and one that is over, cannot be deleted.
func TestDelete_OnlyDrafts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for state, reach := range w.reach(t) {
		v := reach()
		c := call{as: "jane-smith", method: "DELETE", path: "/visits/" + v.ID}
		if state == "draft" || state == "priced" || state == "deleted" {
			w.do(t, c, nil)
			continue
		}
		w.nothingWritten(t, func(t *testing.T) { refused(t, send(t, w.api, c), http.StatusConflict, "wrong_status") })
	}
}

// Nobody else can delete a draft, and it is to them as if there was none; a caregiver
// can delete what they may fill in.
func TestDelete_ByWhomItIsFilledIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.draft(t).ID
	none := send(t, w.api, call{as: "tom-okafor", method: "DELETE", path: "/visits/" + strings.Repeat("x", len(id))}).Body.String()
	for _, s := range w.strangers(t) {
		res := send(t, w.api, call{as: s.who, method: "DELETE", path: "/visits/" + id})
		if res.Code != s.status || s.status == http.StatusNotFound && res.Body.String() != none {
			t.Errorf("%s: %d %s, want what there is of no visit: %s", s.who, res.Code, res.Body, none)
		}
	}
	for _, who := range []string{"ana-rivera", "nora-patel", "sam-lee", "ada-brooks"} { // a draft is not for the practice to see
		if res := send(t, w.api, call{as: who, method: "DELETE", path: "/visits/" + id}); res.Code != http.StatusForbidden && res.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", who, res.Code, res.Body)
		}
	}
	var v shownVisit
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + id}, &v)
	if v.Status != "draft" {
		t.Errorf("the draft is %s", v.Status)
	}
	w.do(t, call{as: "elena-diaz", method: "POST", path: "/visits", body: map[string]any{"form": "admin-request", "patient": "rosa-diaz"}}, &v)
	w.do(t, call{as: "elena-diaz", method: "DELETE", path: "/visits/" + v.ID}, &v)
	if v.Status != "deleted" {
		t.Errorf("a caregiver's draft is %s", v.Status)
	}
}
