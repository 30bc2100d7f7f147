package membership_test

import (
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/membership"
)

// noon is when the first year begins: noon in New York, five hours before in UTC.
var noon = time.Date(2026, time.March, 2, 17, 0, 0, 0, time.UTC)

func newYork(t rapid.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// annual is the membership of the seed: $350 a year, for one person and up to two more.
func annual() membership.Terms {
	return membership.Terms{
		Offer: "annual-350", Version: 1, From: noon.AddDate(-1, 0, 0), Price: 350_00, PerMember: 100_00, Members: 3, Visits: 4,
		Classes: []string{"em", "em-image"}, Grace: 14, Notice: 30, Refund: membership.RefundRule{Full: 14, Later: membership.ByMonths},
	}
}

// code is that of the fault in err; empty if there is none.
func code(err error) string {
	f, ok := fault.Public(err)
	if !ok {
		return ""
	}
	return f.Code
}

// places are where an error says that something is wrong, with the codes.
func places(err error) []string {
	f, ok := fault.Public(err)
	if !ok {
		return nil
	}
	var all []string
	for _, p := range f.Problems {
		all = append(all, p.Where+" "+p.Code)
	}
	return all
}
