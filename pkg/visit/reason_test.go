package visit_test

import (
	"testing"

	"evisit/pkg/visit"
)

// reasons are all reasons for which a visit can end.
var reasons = append([]visit.Reason{
	visit.Unanswered, visit.NoReply, visit.HoldLost, visit.ByPatient, visit.Urgent, visit.Ineligible,
}, visit.TurnAwayReasons...)

// Every reason has words of its own for the patient and for the desk.
func TestReason_InWords(t *testing.T) {
	t.Parallel()
	seen := map[string]visit.Reason{}
	for _, r := range reasons {
		for _, words := range []string{r.ForPatient(), r.ForDesk()} {
			if other, told := seen[words]; words == "" || words == string(r) || told {
				t.Errorf("%s is told as %q, as is %q", r, words, other)
			}
			seen[words] = r
		}
	}
	if none := visit.Reason(""); none.ForPatient() != "" || none.ForDesk() != "" {
		t.Error("a visit that has not ended has a reason")
	}
}
