package record_test

import (
	"strings"
	"testing"

	"evisit/pkg/audit"
	"evisit/pkg/identity"
	"evisit/pkg/record"
)

// Each act on what a practice keeps of a patient is told in words, done or refused. The
// tests of package clinic find an act that is not in this list.
func TestActOf_OfPatientsHasWords(t *testing.T) {
	t.Parallel()
	suffixes := map[identity.Action][]string{
		identity.ReadPatient:   {""},
		identity.ChangePatient: {":contact"},
		identity.DelegatePower: {":invited", ":uninvited", ":revoked"},
		identity.GiveDiscounts: {":given", ":ended"},
		identity.EndMembership: {":with_year", ":at_once"},
		identity.ManagePatients: {
			":registered", ":imported", ":joined", ":invited", ":verified", ":warned", ":suspended", ":reactivated", ":seen", ":merged",
		},
	}
	told := map[string]string{}
	tell := func(r audit.Record) {
		a := record.ActOf(r, record.Reader{})
		if a.What == "" || strings.HasPrefix(a.What, "patient ") || strings.ContainsAny(a.What, ".:_") {
			t.Errorf("%s %s is told as %q", r.Action, r.Outcome, a.What)
		}
		if other, twice := told[a.What]; twice {
			t.Errorf("%s and %s are both told as %q", r.Action, other, a.What)
		}
		told[a.What] = r.Action
	}
	for do, all := range suffixes {
		tell(audit.Record{Action: string(do), Outcome: audit.Refused})
		for _, suffix := range all {
			if _, known := record.ActionWords(string(do) + suffix); !known {
				t.Errorf("there are no words for %s%s", do, suffix)
			}
			tell(audit.Record{Action: string(do) + suffix})
		}
	}
}
