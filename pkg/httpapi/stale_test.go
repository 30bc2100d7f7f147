package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestIfMatch_AnotherVersionIsStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.draft(t)
	w.nothingWritten(t, func(t *testing.T) {
		for _, tag := range []string{`"1"`, `"99999999999999999999"`, `"0"`, `"-1"`, `W/"2"`, `"2", "3"`, "garbage", `"`, "", strings.Repeat("1", 5000)} {
			c := call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-onset": 3}), header: map[string]string{"If-Match": tag}}
			refused(t, send(t, w.api, c), 412, "stale")
		}
	})
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(map[string]any{"uti-onset": 3}), header: map[string]string{"If-Match": fmt.Sprintf(`"%d"`, v.Version)}}, nil)
}

// A step that was decided on another version is refused, and leaves nothing; the
// one on the latest succeeds, and sent again does too.
func TestIfMatch_StepOnAnotherVersionIsStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.queued(t).ID
	said := func(text string) any { return map[string]any{"text": text} }
	for _, step := range []struct {
		as, path string
		body     any
	}{
		{"jane-smith", "/messages", said("It burns less")},
		{"ana-rivera", "/take", nil},
		{"ana-rivera", "/ask", said("Since when?")},
		{"jane-smith", "/messages", said("Since Monday")},
		{"ana-rivera", "/answer", conclusion()},
		{"jane-smith", "/acknowledge", nil},
	} {
		var v struct{ Version int }
		w.do(t, call{as: step.as, method: "GET", path: "/visits/" + id}, &v)
		at := func(tag string) call {
			return call{as: step.as, method: "POST", path: "/visits/" + id + step.path, body: step.body, header: map[string]string{"If-Match": tag}}
		}
		w.nothingWritten(t, func(t *testing.T) {
			for _, tag := range []string{fmt.Sprintf("%q", fmt.Sprint(v.Version-1)), fmt.Sprintf("%q", fmt.Sprint(v.Version+1)), "garbage"} {
				refused(t, send(t, w.api, at(tag)), 412, "stale")
			}
		})
		latest := at(fmt.Sprintf("%q", fmt.Sprint(v.Version)))
		w.do(t, latest, nil)
		w.do(t, latest, nil) // its reply was lost
	}
}

// A red flag is heard whatever version it was decided on.
func TestIfMatch_NeverStopsARedFlag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tag := range []string{`"1"`, `"99"`, "garbage"} {
		for name, c := range map[string]call{
			"message": {method: "POST", path: "/messages", body: map[string]any{"text": "I am confused", "answers": page(map[string]any{"uti-confused": true})}},
			"page":    {method: "PATCH", path: "/answers", body: page(map[string]any{"uti-confused": true})},
		} {
			var id string
			if c.method == "PATCH" {
				id = w.draft(t).ID
			} else {
				id = w.queued(t).ID
			}
			c.as, c.path, c.header = "jane-smith", "/visits/"+id+c.path, map[string]string{"If-Match": tag}
			var v struct{ Status string }
			w.do(t, c, nil)
			w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + id}, &v)
			if v.Status != "diverted" {
				t.Errorf("%s, If-Match %s: the visit is %s", name, tag, v.Status)
			}
		}
	}
}

func TestIdempotencyKey_UsedForSomethingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := map[string]string{"Idempotency-Key": "k"}
	open := call{as: "jane-smith", method: "POST", path: "/visits", body: `{"form":"uti-women"}`, header: key}
	var first, again shownVisit
	// A repeated request shows the visit as it is now, and leaves a record of that.
	repeats := func(c call, out any) {
		t.Helper()
		keys := w.written(t, func() { w.do(t, c, out) })
		if len(keys) != 1 || !strings.HasPrefix(keys[0], "AUDIT#lakeside#") {
			t.Errorf("%s repeated wrote %q", c.path, keys)
		}
	}
	w.do(t, open, &first)
	repeats(open, &again)
	if again.ID != first.ID {
		t.Errorf("the same request opened %s and %s", first.ID, again.ID)
	}
	w.nothingWritten(t, func(t *testing.T) {
		other := open
		other.body = `{"form":"back-pain"}`
		refused(t, send(t, w.api, other), 409, "idempotency_key_reused")
	})
	v := w.queued(t)
	say := call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/messages", body: `{"text":"one"}`, header: key}
	w.do(t, say, nil)
	repeats(say, nil)
	w.nothingWritten(t, func(t *testing.T) {
		other := say
		other.body = `{"text":"two"}`
		refused(t, send(t, w.api, other), 409, "idempotency_key_reused")
	})
}
