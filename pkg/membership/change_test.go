package membership_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/membership"
)

func TestTerms_Changes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*membership.Terms)
		people int
		want   map[string]string
	}{
		"nothing":              {func(t *membership.Terms) { t.Version, t.Classes = 2, []string{"em-image", "em"} }, 1, nil},
		"the price":            {func(t *membership.Terms) { t.Price = 380_00 }, 2, map[string]string{"price": "The price changes from $450.00 to $480.00 a year."}},
		"that of others":       {func(t *membership.Terms) { t.PerMember = 0 }, 1, map[string]string{"per_member": "A further person costs $0.00 a year instead of $100.00."}},
		"shared by one":        {func(t *membership.Terms) { t.Shared = true }, 1, nil},
		"shared by two":        {func(t *membership.Terms) { t.Shared = true }, 2, map[string]string{"shared": "The members use the included visits together, instead of each having as many."}},
		"fewer visits":         {func(t *membership.Terms) { t.Visits = 1 }, 1, map[string]string{"visits": "A year includes 1 visit instead of 4 visits."}},
		"paperwork":            {func(t *membership.Terms) { t.Classes = []string{"em", "admin-fee"} }, 1, map[string]string{"included": "Which requests are included changes: from then on medical visits, forms and paperwork."}},
		"no visits":            {func(t *membership.Terms) { t.Visits, t.Classes = 0, nil }, 1, map[string]string{"visits": "A year includes no visits instead of 4 visits.", "included": "Which requests are included changes: from then on none."}},
		"by days":              {func(t *membership.Terms) { t.Refund = membership.RefundRule{Full: 1, Later: membership.ByDays} }, 1, map[string]string{"refund": "What is refunded changes. If you end the membership at once within 1 day after the first day of a year, and used no included visit in it, all you paid for the year is refunded; else the days that are left are refunded."}},
		"one form":             {func(t *membership.Terms) { t.Forms = []string{"uti"} }, 1, map[string]string{"included": "Which requests are included changes: from then on only 1 form."}},
		"not opted out":        {func(t *membership.Terms) { t.OptedOut = true }, 1, nil},
		"grace and notice":     {func(t *membership.Terms) { t.Grace, t.Notice = 0, 1 }, 1, map[string]string{"grace": "After a failed payment, visits are included for no days instead of 14 days.", "notice": "A renewal is announced 1 day before it instead of 30 days."}},
		"refund":               {func(t *membership.Terms) { t.Refund = membership.RefundRule{} }, 1, map[string]string{"refund": "What is refunded changes. If you end the membership at once, nothing is refunded."}},
		"who joined last goes": {func(t *membership.Terms) { t.Members, t.PerMember = 2, 0 }, 3, map[string]string{"price": "The price changes from $550.00 to $350.00 a year.", "per_member": "A further person costs $0.00 a year instead of $100.00.", "members": "The membership is for at most 2 people instead of 3 people. You are 3: who joined last is no member any more."}},
	} {
		next := annual()
		test.change(&next)
		got := map[string]string{}
		for _, c := range annual().Changes(next, test.people) {
			got[c.Code] = c.Text
		}
		if len(got) != len(test.want) || len(got) > 0 && !cmp.Equal(got, test.want) {
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(test.want, got))
		}
	}
	was, bars := annual(), annual()
	was.NonCovered = true
	if got := was.Changes(bars, 1); len(got) != 1 || got[0].Code != "medicare" {
		t.Errorf("visits that Medicare covers: %+v", got)
	}
}
