package lambdatest_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The alarm on events given up counts lines of the log by these two fields.
func TestAnEventGivenUpIsALineThatTheAlarmCounts(t *testing.T) {
	t.Parallel()
	tpl := readTemplate(t)
	var filter struct{ FilterPattern string }
	if err := tpl.Decode("ParkedMetric", &filter); err != nil {
		t.Fatal(err)
	}
	if want := `{ ($.parked IS TRUE) || ($.msg = "event parked") }`; filter.FilterPattern != want {
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
	n := 0
	for l := range strings.Lines(f.Log()) {
		var fields struct {
			Parked bool   `json:"parked"`
			Msg    string `json:"msg"`
		}
		if err := json.Unmarshal([]byte(l), &fields); err != nil {
			t.Errorf("a line of the log is not JSON: %s", l)
		}
		if fields.Parked || fields.Msg == "event parked" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines are counted, want 1:\n%s", n, f.Log())
	}
}

// Letters name times in the practice's zone, and the machine may know none.
func TestNotifyBringsItsTimeZones(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./functions/notify")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(out)), "time/tzdata") {
		t.Error("time/tzdata is not linked in")
	}
}
