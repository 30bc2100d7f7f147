package visit_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/visit"
)

func TestWithReads_WhatReachesFurther(t *testing.T) {
	t.Parallel()
	mark := func(through, hour int, by string) visit.ReadMark {
		return visit.ReadMark{Through: through, At: noon.Add(time.Duration(hour) * time.Hour), By: by}
	}
	for name, test := range map[string]struct{ row, more, want []visit.ReadMark }{
		"None":           {nil, nil, nil},
		"New":            {nil, []visit.ReadMark{mark(1, 1, "carer"), mark(3, 2, "carer")}, []visit.ReadMark{mark(1, 1, "carer"), mark(3, 2, "carer")}},
		"KnownByTheRow":  {[]visit.ReadMark{mark(2, 1, "")}, []visit.ReadMark{mark(1, 1, "carer"), mark(2, 2, "carer"), mark(3, 3, "carer")}, []visit.ReadMark{mark(2, 1, ""), mark(3, 3, "carer")}},
		"ByThePatient":   {nil, []visit.ReadMark{mark(1, 1, "patient-1")}, []visit.ReadMark{mark(1, 1, "")}},
		"OfALaterVisit":  {nil, []visit.ReadMark{mark(5, 1, "carer"), mark(6, 2, "carer")}, []visit.ReadMark{mark(3, 1, "carer")}},
		"BeforeTheFirst": {nil, []visit.ReadMark{mark(0, 1, "carer")}, nil},
	} {
		v := visit.Visit{Patient: "patient-1", Messages: 3, Version: 7, Reads: test.row}
		got := v.WithReads(test.more...)
		if diff := cmp.Diff(test.want, got.Reads); diff != "" || got.Version != v.Version {
			t.Errorf("%s: version %d (-want +got):\n%s", name, got.Version, diff)
		}
	}
}
