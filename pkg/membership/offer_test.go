package membership_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

func TestTerms_Check(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*membership.Terms)
		want   []string
	}{
		{"the seed's", func(*membership.Terms) {}, nil},
		{"the least price", func(t *membership.Terms) { t.Price = 100 }, nil},
		{"below it", func(t *membership.Terms) { t.Price = 99 }, []string{"/price range"}},
		{"nothing", func(t *membership.Terms) { t.Price = 0 }, []string{"/price range"}},
		{"below nothing", func(t *membership.Terms) { t.Price = -350_00 }, []string{"/price range"}},
		{"the most", func(t *membership.Terms) { t.Price, t.PerMember = money.Max, 0 }, nil},
		{"above it", func(t *membership.Terms) { t.Price = money.Max + 1 }, []string{"/price range"}},
		{"above it together", func(t *membership.Terms) { t.Price = money.Max - 1 }, []string{"/per_member range"}},
		{"a member below nothing", func(t *membership.Terms) { t.PerMember = -1 }, []string{"/per_member range"}},
		{"further people are included", func(t *membership.Terms) { t.PerMember = 0 }, nil},
		{"for one, with a price of others", func(t *membership.Terms) { t.Members = 1 }, []string{"/per_member range"}},
		{"for nobody", func(t *membership.Terms) { t.Members = 0 }, []string{"/members range", "/per_member range"}},
		{"for eleven", func(t *membership.Terms) { t.Members = 11 }, []string{"/members range"}},
		{"for ten", func(t *membership.Terms) { t.Members = 10 }, nil},
		{"no visits", func(t *membership.Terms) { t.Visits, t.Classes = 0, nil }, nil},
		{"no visits of some class", func(t *membership.Terms) { t.Visits = 0 }, []string{"/classes no_visits"}},
		{"visits below none", func(t *membership.Terms) { t.Visits = -1 }, []string{"/visits range"}},
		{"one a week", func(t *membership.Terms) { t.Visits = 52 }, nil},
		{"more", func(t *membership.Terms) { t.Visits = 53 }, []string{"/visits range"}},
		{"visits of no class", func(t *membership.Terms) { t.Classes = nil }, []string{"/classes required"}},
		{"what is free", func(t *membership.Terms) { t.Classes = []string{"em", "no-charge", "em"} }, []string{"/classes/1 option", "/classes/2 option"}},
		{"some forms", func(t *membership.Terms) { t.Forms = []string{"uti-women", "pink-eye"} }, nil},
		{"odd forms", func(t *membership.Terms) { t.Forms = []string{"uti", "", "uti", "a b"} }, []string{"/forms/1 form", "/forms/2 form", "/forms/3 form"}},
		{"many forms", func(t *membership.Terms) { t.Forms = many(101) }, []string{"/forms range"}},
		{"grace below nothing", func(t *membership.Terms) { t.Grace = -1 }, []string{"/grace_days range"}},
		{"no grace", func(t *membership.Terms) { t.Grace = 0 }, nil},
		{"long grace", func(t *membership.Terms) { t.Grace = 91 }, []string{"/grace_days range"}},
		{"no notice", func(t *membership.Terms) { t.Notice = 0 }, []string{"/notice_days range"}},
		{"early notice", func(t *membership.Terms) { t.Notice = 91 }, []string{"/notice_days range"}},
		{"no refund", func(t *membership.Terms) { t.Refund = membership.RefundRule{} }, nil},
		{"odd refund", func(t *membership.Terms) { t.Refund = membership.RefundRule{Full: -1, Later: "some"} }, []string{"/refund/full_days range", "/refund/later option"}},
		{"nothing at all", func(t *membership.Terms) { *t = membership.Terms{} }, []string{"/price range", "/members range", "/notice_days range"}},
	} {
		terms := annual()
		test.change(&terms)
		err := terms.Check()
		if got := places(err); !slices.Equal(got, test.want) || err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func many(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint("form-", i))
	}
	return all
}

func TestTerms_Yearly(t *testing.T) {
	t.Parallel()
	for people, want := range map[int]money.Cents{-1: 0, 0: 0, 1: 350_00, 2: 450_00, 3: 550_00, 4: 550_00} {
		if got := annual().Yearly(people); got != want {
			t.Errorf("a year for %d: %s, want %s", people, got, want)
		}
	}
}

func TestTerms_Includes(t *testing.T) {
	t.Parallel()
	some := annual()
	some.Forms = []string{"uti-women"}
	none := annual()
	none.Visits = 0
	for _, test := range []struct {
		terms       membership.Terms
		form, class string
		want        bool
	}{
		{annual(), "uti-women", "em", true},
		{annual(), "rash-skin", "em-image", true},
		{annual(), "absence-note", "admin-fee", false},
		{annual(), "billing", "no-charge", false},
		{some, "uti-women", "em", true},
		{some, "pink-eye", "em", false},
		{some, "uti-women", "admin-fee", false},
		{none, "uti-women", "em", false},
	} {
		if got := test.terms.Includes(test.form, test.class); got != test.want {
			t.Errorf("%s of class %s: %t", test.form, test.class, got)
		}
	}
}

func TestOffer_Decide(t *testing.T) {
	t.Parallel()
	now := noon
	first, second := annual(), annual()
	first.From, second.From, second.Price = time.Time{}, now.AddDate(0, 2, 0), 380_00
	o, err := membership.Offer{ID: "annual-350", Practice: "practice-1"}.Decide(first, now)
	if err != nil || len(o.Versions) != 1 || o.Versions[0].Version != 1 || !o.Versions[0].From.Equal(now) || o.Version != 1 {
		t.Fatalf("the first: %+v, %v", o, err)
	}
	if again, err := o.Decide(first, now.Add(time.Hour)); err != nil || !cmp.Equal(again, o) {
		t.Errorf("the same again: %v %s", err, cmp.Diff(o, again))
	}
	two, err := o.Decide(second, now.Add(time.Hour))
	if err != nil || len(two.Versions) != 2 || two.Versions[1].Version != 2 || two.Versions[1].Offer != "annual-350" || len(o.Versions) != 1 {
		t.Fatalf("the second: %+v, %v", two, err)
	}
	for at, want := range map[time.Time]int{now.Add(-1): 0, now: 1, second.From.Add(-1): 1, second.From: 2, now.AddDate(9, 0, 0): 2} {
		if got, ok := two.At(at); got.Version != want || ok != (want > 0) {
			t.Errorf("at %s: version %d, %t, want %d", at, got.Version, ok, want)
		}
	}
	for name, from := range map[string]time.Time{"past": now.Add(-1), "before the last": second.From, "too far": now.AddDate(3, 0, 0)} {
		third := second
		third.From, third.Price = from, 1
		if _, err := two.Decide(third, now); !errors.Is(err, fault.Invalid) || !slices.Contains(places(err), "/price range") || len(places(err)) < 2 {
			t.Errorf("%s: %v", name, places(err))
		}
	}
	closed := two.Close(now.Add(time.Hour))
	if _, ok := closed.At(now.Add(time.Hour)); ok || !cmp.Equal(closed.Close(now.Add(2*time.Hour)), closed) {
		t.Error("a closed offer is sold, or closed again")
	}
	if _, ok := closed.At(now.Add(time.Hour - 1)); !ok {
		t.Error("it is closed before its time")
	}
	if _, err := closed.Decide(first, now.Add(time.Hour)); code(err) != "offer_closed" {
		t.Errorf("decided when closed: %v", err)
	}
}
