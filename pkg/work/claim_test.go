package work_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/work"
)

// A claim is recorded once, with a reference that says something.
func TestBilled_Reference(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	open := work.New(work.Item{Kind: work.PlanBill, Practice: "lakeside", Pool: identity.StaffPool, Visit: "v1"}, "v1", now)
	for _, wrong := range []string{"", "  ", "#1", strings.Repeat("1", 41), "a\nb", "ü"} {
		if got, err := open.Billed(wrong, "sam", now); !errors.Is(err, fault.Invalid) || !got.Open() {
			t.Errorf("%q: %+v, %v", wrong, got, err)
		}
	}
	for _, right := range []string{"1", strings.Repeat("1", 40), "PCN 2026/03-1.5 #7"} {
		got, err := open.Billed(" "+right+" ", "sam", now)
		if err != nil || got.Open() || got.Reference != right || got.EndedBy != "sam" || got.Version != open.Version+1 {
			t.Errorf("%q: %+v, %v", right, got, err)
		}
		again, err := got.Billed(right, "ada", now.Add(time.Hour))
		if err != nil || again != got {
			t.Errorf("%q again: %+v, %v", right, again, err)
		}
		if _, err := got.Billed("other", "sam", now); !errors.Is(err, fault.Conflict) {
			t.Errorf("another reference: %v", err)
		}
	}
}
