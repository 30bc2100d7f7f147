package lambdatest_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// The alarm on events given up counts lines of the log by this field.
func TestLog_AlarmCountsParkedEvent(t *testing.T) {
	t.Parallel()
	tpl := readTemplate(t)
	var filter struct{ FilterPattern string }
	if err := tpl.Decode("ParkedMetric", &filter); err != nil {
		t.Fatal(err)
	}
	if want := `{ $.parked IS TRUE }`; filter.FilterPattern != want {
		t.Errorf("the alarm counts %s, where this test looks for %s", filter.FilterPattern, want)
	}
	w := newWorld(t)
	plantSaid(w)
	event := w.fill(w.read("charge/stripe-said.json"))
	w.plantRows(event)
	f := w.start("charge", w.settings("charge", newGuard(t, "charge")))
	if _, err := f.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	w.must(f.Close()) // what it wrote has then arrived
	n := 0
	for l := range strings.Lines(f.Log()) {
		var fields struct {
			Parked bool `json:"parked"`
		}
		if err := json.Unmarshal([]byte(l), &fields); err != nil {
			t.Errorf("a line of the log is not JSON: %s", l)
		}
		if fields.Parked {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines are counted, want 1:\n%s", n, f.Log())
	}
}
