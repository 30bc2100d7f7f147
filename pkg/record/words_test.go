package record_test

import (
	"testing"
	"time"

	"evisit/pkg/intake"
	"evisit/pkg/record"
)

// Instructions are the messages of the rules that decide, each text once, and a promise
// of contact where there is a number to keep it.
func TestInstructions_EachTextOnce(t *testing.T) {
	t.Parallel()
	const call911, call988, promise = "Call 911.", "Call 988.", "We will call you today."
	to := &intake.Contact{Pool: "clinical", Within: time.Hour, Question: "phone", Promise: promise}
	rule := func(s intake.Severity, message string) intake.Fired {
		return intake.Fired{Rule: intake.Rule{ID: message, Severity: s, Message: message}}
	}
	contact := func(s intake.Severity, message string, reachable bool) intake.Fired {
		return intake.Fired{Rule: intake.Rule{ID: message, Severity: s, Message: message, Contact: to}, Reachable: reachable}
	}
	for name, tt := range map[string]struct {
		fired []intake.Fired
		want  string
	}{
		"one":                       {[]intake.Fired{rule(intake.SeverityEmergency, call911)}, call911},
		"two of one text":           {[]intake.Fired{rule(intake.SeverityEmergency, call911), rule(intake.SeverityEmergency, call911)}, call911},
		"two texts":                 {[]intake.Fired{rule(intake.SeverityEmergency, call911), rule(intake.SeverityEmergency, call988)}, call911 + "\n" + call988},
		"one that does not decide":  {[]intake.Fired{rule(intake.SeverityEmergency, call911), contact(intake.SeverityUrgent, call988, true)}, call911},
		"a contact with a number":   {[]intake.Fired{contact(intake.SeverityEmergency, call988, true)}, call988 + "\n" + promise},
		"a contact without":         {[]intake.Fired{contact(intake.SeverityEmergency, call988, false)}, call988},
		"two contacts of one words": {[]intake.Fired{contact(intake.SeverityEmergency, call988, true), contact(intake.SeverityEmergency, call988, true)}, call988 + "\n" + promise},
	} {
		if got := record.Instructions(intake.Result{Disposition: intake.Emergency, Fired: tt.fired}); got.Reveal() != tt.want {
			t.Errorf("%s: %q, want %q", name, got.Reveal(), tt.want)
		}
	}
}
