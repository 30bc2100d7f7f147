package visit_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/visit"
)

// What expired is sent again as a new draft for the same patient; nothing else is.
func TestAgain_OnlyOfAnExpiredVisit(t *testing.T) {
	t.Parallel()
	now := visit.Form{Name: "uti", Version: "2", Class: "evisit"}
	for _, s := range statuses {
		v := at(t, s)
		next, err := v.Again(now, "person-2", noon)
		if s != visit.Expired {
			if err == nil {
				t.Errorf("what is %s is sent again as %+v", s, next)
			}
			continue
		}
		want := visit.Start(v.AgainID(), v.Practice, v.Patient, "person-2", now, noon)
		if diff := cmp.Diff(want, next); err != nil || diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

// The id of the next follows from the one before, has the form of other ids, and is
// another for each visit.
func TestAgainID_OneForEach(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^[a-z2-7]{16}$`)
	seen := map[string]bool{}
	v := visit.Visit{ID: "k7qf2m4pk7qf2m4p"}
	for range 100 {
		next := v.AgainID()
		if !id.MatchString(next) || seen[next] || next != v.AgainID() {
			t.Fatalf("%s is sent again as %q", v.ID, next)
		}
		seen[next] = true
		v.ID = next
	}
}
