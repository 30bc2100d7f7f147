package membership_test

import (
	"strings"
	"testing"

	"evisit/pkg/membership"
)

// What is read before it is accepted names every price, limit and exception of the terms.
func TestTerms_Text(t *testing.T) {
	t.Parallel()
	one := membership.Terms{Price: 350_00, Members: 1, Visits: 12, Classes: []string{"em"}, Grace: 14, Notice: 30, Refund: membership.RefundRule{Full: 14, Later: membership.ByMonths}}
	family, none, free := one, one, one
	family.Members, family.PerMember, family.Shared, family.Forms = 4, 100_00, true, []string{"uti-women"}
	none.Visits, none.Classes, none.Grace = 0, nil, 0
	free.Members, free.NonCovered = 3, true
	for _, test := range []struct {
		name  string
		terms membership.Terms
		price string
		says  []string
		lacks []string
	}{
		{"one", one, "$350.00 a year", []string{"12 visits a year: medical visits", "at least 30 days before", "for 14 days more", "Medicare Part B", "within 14 days", "months that have not begun"}, []string{"member:", "together"}},
		{"family", family, "$350.00 a year, and $100.00 for each further person, up to 4 people", []string{"for all members together: only 1 form"}, nil},
		{"none", none, "$350.00 a year", []string{"includes no visits"}, []string{"Medicare", "fails"}},
		{"free", free, "$350.00 a year for up to 3 people", []string{"for each member"}, []string{"Medicare"}},
	} {
		text := test.terms.Text()
		if got := test.terms.PriceText(); got != test.price {
			t.Errorf("%s costs %q, want %q", test.name, got, test.price)
		}
		for _, s := range test.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s: %q lacks %q", test.name, text, s)
			}
		}
		for _, s := range test.lacks {
			if strings.Contains(text, s) {
				t.Errorf("%s: %q says %q", test.name, text, s)
			}
		}
	}
}
