package coverage_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
)

var today = civil.Date(2026, time.March, 2)

func day(t *testing.T, s string) civil.Day {
	t.Helper()
	if s == "" {
		return civil.Day{}
	}
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
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

var (
	commercial = coverage.Payer{ID: "60054", Name: "Cascade Mutual", Filing: "CI", Address: "CASCADE", Version: 1}
	medicare   = coverage.Payer{ID: "MEDOR", Name: "Medicare of Oregon", Filing: "MB", Version: 1}
)

func TestPayer_Check(t *testing.T) {
	t.Parallel()
	p, err := coverage.Payer{ID: " sx110 ", Name: " Cascade Mutual ", Filing: "CI", Address: "cascade-1"}.Check()
	if want := (coverage.Payer{ID: "SX110", Name: "Cascade Mutual", Filing: "CI", Address: "CASCADE-1"}); err != nil || p != want {
		t.Errorf("kept as %+v, %v; want %+v", p, err, want)
	}
	_, err = coverage.Payer{ID: "6", Name: " ", Filing: "mb", Address: strings.Repeat("A", 16)}.Check()
	if got, want := places(err), []string{"/id id", "/name name", "/filing_code filing_code", "/electronic_address electronic_address"}; !slices.Equal(got, want) {
		t.Errorf("wrong in everything: %v, want %v", got, want)
	}
	for _, id := range []string{"", "60*54", "A--B", "-AB", "60 54", "ÄB", strings.Repeat("1", 21)} {
		if _, err := (coverage.Payer{ID: id, Name: "X", Filing: "CI"}).Check(); !slices.Equal(places(err), []string{"/id id"}) {
			t.Errorf("id %q: %v", id, places(err))
		}
	}
}

// The kinds of insurance are those of which a claim may be (X12 837P, SBR09), and each has words
// of its own.
func TestFilings_OfThe837P(t *testing.T) {
	t.Parallel()
	got := slices.Sorted(slices.Values(coverage.Filings()))
	want := strings.Fields("11 12 13 14 15 16 17 AM BL CH CI DS FI HM LM MA MB MC OF TV VA WC ZZ")
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("filings are %v, want %v", got, want)
	}
	words := map[string]coverage.Filing{}
	for _, f := range got {
		if other, taken := words[f.Words()]; taken || f.Words() == "" {
			t.Errorf("%s and %s are both %q", f, other, f.Words())
		}
		words[f.Words()] = f
	}
}

func TestFiling_Medicare(t *testing.T) {
	t.Parallel()
	want := map[coverage.Filing]coverage.Medicare{"MA": coverage.PartA, "MB": coverage.PartB, "16": coverage.Advantage}
	for _, f := range append(coverage.Filings(), "", "XX") {
		if m := f.Medicare(); m != want[f] {
			t.Errorf("%q is %q, want %q", f, m, want[f])
		}
		if o := f.Medicare().Original(); o != (f == "MA" || f == "MB") {
			t.Errorf("%q is original Medicare: %v", f, o)
		}
	}
}

func TestCard_Check(t *testing.T) {
	t.Parallel()
	good := coverage.Card{Payer: commercial.ID, Member: "W12 34-56", Group: "G/1.2", Relation: coverage.Self, Priority: 1}
	child := coverage.Card{
		Plan: "Northwest Health", Member: "77", Relation: coverage.Child, Priority: 3, From: today.AddDays(366), Until: today.AddDays(366),
		Subscriber: coverage.Subscriber{First: "Rosa", Last: "Diaz", Birth: civil.Date(1980, 5, 1), Sex: "female"},
	}
	ended := commercial
	ended.Ended = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		card, was coverage.Card
		payer     coverage.Payer
		change    func(*coverage.Card)
		want      []string
	}{
		"self":                         {card: good, payer: commercial},
		"child of a named plan":        {card: child},
		"nothing":                      {want: []string{"/payer required", "/member_id member_id", "/relation relation", "/subscriber/first_name name", "/subscriber/last_name name", "/subscriber/birth_date birth", "/priority priority"}},
		"payer and plan":               {card: good, payer: commercial, change: func(c *coverage.Card) { c.Plan = "x" }, want: []string{"/plan not_both"}},
		"unknown payer":                {card: good, want: []string{"/payer unknown"}},
		"ended payer":                  {card: good, payer: ended, want: []string{"/payer ended"}},
		"ended payer, as before":       {card: good, payer: ended, was: good},
		"plan of two lines":            {card: child, change: func(c *coverage.Card) { c.Plan = "a\nb" }, want: []string{"/plan plan"}},
		"plan too long":                {card: child, change: func(c *coverage.Card) { c.Plan = phi.Text(strings.Repeat("a", 61)) }, want: []string{"/plan plan"}},
		"member with a star":           {card: good, payer: commercial, change: func(c *coverage.Card) { c.Member = "A*B" }, want: []string{"/member_id member_id"}},
		"member of one":                {card: good, payer: commercial, change: func(c *coverage.Card) { c.Member = "A" }, want: []string{"/member_id member_id"}},
		"member too long":              {card: good, payer: commercial, change: func(c *coverage.Card) { c.Member = phi.Text(strings.Repeat("a", 51)) }, want: []string{"/member_id member_id"}},
		"group with a tilde":           {card: good, payer: commercial, change: func(c *coverage.Card) { c.Group = "~" }, want: []string{"/group group"}},
		"self with a subscriber":       {card: good, payer: commercial, change: func(c *coverage.Card) { c.Subscriber = child.Subscriber }, want: []string{"/relation not_self"}},
		"subscriber not born":          {card: child, change: func(c *coverage.Card) { c.Subscriber.Birth = today.AddDays(1) }, want: []string{"/subscriber/birth_date birth"}},
		"subscriber of an unknown sex": {card: child, change: func(c *coverage.Card) { c.Subscriber.Sex = "f" }, want: []string{"/subscriber/sex sex"}},
		"too far ahead":                {card: child, change: func(c *coverage.Card) { c.From, c.Until = today.AddDays(367), civil.Day{} }, want: []string{"/from range"}},
		"ends before it begins":        {card: child, change: func(c *coverage.Card) { c.Until = c.From.AddDays(-1) }, want: []string{"/until range"}},
		"fourth turn":                  {card: good, payer: commercial, change: func(c *coverage.Card) { c.Priority = 4 }, want: []string{"/priority priority"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			card := c.card
			if c.change != nil {
				c.change(&card)
			}
			kept, err := card.Check(c.was, c.payer, today)
			if got := places(err); !slices.Equal(got, c.want) {
				t.Fatalf("wrong are %v, want %v", got, c.want)
			}
			if err == nil && kept != card {
				t.Errorf("kept as %+v", kept)
			}
			if err != nil && kept != (coverage.Card{}) {
				t.Errorf("refused and kept as %+v", kept)
			}
		})
	}
}

// What people copy from a card with space around it is kept without.
func TestCard_CheckTrims(t *testing.T) {
	t.Parallel()
	card := coverage.Card{
		Plan: " Northwest Health ", Member: " 77 ", Group: " G ", Relation: coverage.Spouse, Priority: 1,
		Subscriber: coverage.Subscriber{First: " Rosa ", Last: " Diaz ", Birth: civil.Date(1980, 5, 1)},
	}
	kept, err := card.Check(coverage.Card{}, coverage.Payer{}, today)
	if err != nil || kept.Plan != "Northwest Health" || kept.Member != "77" || kept.Group != "G" || kept.Subscriber.First != "Rosa" || kept.Subscriber.Last != "Diaz" {
		t.Errorf("kept as %q %q %q %q %q: %v", kept.Plan.Reveal(), kept.Member.Reveal(), kept.Group.Reveal(), kept.Subscriber.First.Reveal(), kept.Subscriber.Last.Reveal(), err)
	}
}

// A number of original Medicare is an MBI, kept without its dashes; that of a private plan is not.
func TestCard_MedicareNumber(t *testing.T) {
	t.Parallel()
	check := func(p coverage.Payer, member string, relation coverage.Relation) (coverage.Card, error) {
		card := coverage.Card{Payer: p.ID, Member: phi.Text(member), Relation: relation, Priority: 1}
		if relation != coverage.Self {
			card.Subscriber = coverage.Subscriber{First: "A", Last: "B", Birth: civil.Date(1950, 1, 1)}
		}
		return card.Check(coverage.Card{}, p, today)
	}
	for _, right := range []string{"1EG4-TE5-MK73", "1eg4te5mk73", " 1EG4 TE5 MK73 ", "9A00A00AA00"} {
		kept, err := check(medicare, right, coverage.Self)
		want := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(right))
		if err != nil || kept.Member.Reveal() != want {
			t.Errorf("%q is kept as %q: %v", right, kept.Member.Reveal(), places(err))
		}
	}
	wrong := []string{"", "0EG4TE5MK73", "1EG4TE5MK7", "1EG4TE5MK733", "11G4TE5MK73", "1EGATE5MK73", "1EG44E5MK73", "1EG4TEAMK73", "1EG4TE51K73", "1EG4TE5M173", "1EG4TE5MKA3", "1EG4TE5MK7A", "123-45-6789A"}
	for _, letter := range strings.Split("SLOIBZ", "") { // in each place that has a letter
		wrong = append(wrong, "1"+letter+"G4TE5MK73", "1E"+letter+"4TE5MK73", "1EG4"+letter+"E5MK73", "1EG4T"+letter+"5MK73", "1EG4TE5"+letter+"K73", "1EG4TE5M"+letter+"73")
	}
	for _, w := range wrong {
		if _, err := check(medicare, w, coverage.Self); !slices.Equal(places(err), []string{"/member_id mbi"}) {
			t.Errorf("%q: %v", w, places(err))
		}
	}
	advantage := coverage.Payer{ID: "ADV1", Name: "Cascade Senior", Filing: "16", Version: 1}
	if kept, err := check(advantage, "H123-4", coverage.Self); err != nil || kept.Member != "H123-4" {
		t.Errorf("a number of Medicare Advantage: %q, %v", kept.Member.Reveal(), places(err))
	}
	for _, p := range []coverage.Payer{medicare, advantage} {
		if _, err := check(p, "1EG4TE5MK73", coverage.Spouse); !slices.Equal(places(err), []string{"/relation medicare"}) {
			t.Errorf("a spouse's %s: %v", p.Name, places(err))
		}
	}
}

func held(t *testing.T, id string, turn int, from, until string) coverage.Coverage {
	t.Helper()
	return coverage.Coverage{ID: id, Card: coverage.Card{Priority: turn, From: day(t, from), Until: day(t, until)}}
}

func TestActiveOn_ByTurn(t *testing.T) {
	t.Parallel()
	var all []coverage.Held
	for _, c := range []coverage.Coverage{
		held(t, "second", 2, "", ""), held(t, "ended", 1, "", "2026-03-01"), held(t, "first", 1, "2026-03-02", "2026-03-02"), held(t, "later", 3, "2026-03-03", ""),
	} {
		all = append(all, coverage.Held{Coverage: c})
	}
	for on, want := range map[string]string{"2026-03-01": "[ended second]", "2026-03-02": "[first second]", "2026-03-03": "[second later]"} {
		var got []string
		for _, c := range coverage.ActiveOn(all, day(t, on)) {
			got = append(got, c.ID)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("on %s: %v, want %s", on, got, want)
		}
	}
	late, early := coverage.Held{Coverage: held(t, "late", 1, "", "")}, coverage.Held{Coverage: held(t, "early", 1, "", "")}
	late.At = early.At.Add(time.Hour)
	if got := coverage.ActiveOn([]coverage.Held{early, late}, today); got[0].ID != "late" {
		t.Errorf("of two with one turn, %s is first", got[0].ID)
	}
}

func TestCoverage_Fits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b coverage.Coverage
		fits bool
	}{
		"one turn for ever":              {held(t, "a", 1, "", ""), held(t, "b", 1, "", ""), false},
		"other turns":                    {held(t, "a", 1, "", ""), held(t, "b", 2, "", ""), true},
		"itself":                         {held(t, "a", 1, "", ""), held(t, "a", 1, "", ""), true},
		"one after the other":            {held(t, "a", 1, "", "2026-12-31"), held(t, "b", 1, "2027-01-01", ""), true},
		"a day in common":                {held(t, "a", 1, "", "2027-01-01"), held(t, "b", 1, "2027-01-01", ""), false},
		"ended yesterday, first unknown": {held(t, "a", 1, "", "2026-03-01"), held(t, "b", 1, "", ""), true},
		"ends today, first unknown":      {held(t, "a", 1, "", "2026-03-02"), held(t, "b", 1, "", ""), false},
		"past days in common":            {held(t, "a", 1, "2025-01-01", "2025-12-31"), held(t, "b", 1, "2025-06-01", ""), true},
		"within the other":               {held(t, "a", 1, "2026-04-01", "2026-04-30"), held(t, "b", 1, "2026-01-01", "2026-12-31"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]coverage.Coverage{{c.a, c.b}, {c.b, c.a}} {
				err := pair[0].Fits([]coverage.Coverage{pair[1]}, today)
				f, _ := fault.Public(err)
				if c.fits != (err == nil) || !c.fits && f.Code != "coverage_priority" {
					t.Errorf("%s beside %s: %v", pair[0].ID, pair[1].ID, err)
				}
			}
		})
	}
}

func TestCoverage_FitsAsManyAsThereCanBe(t *testing.T) {
	t.Parallel()
	var all []coverage.Coverage
	for n := range coverage.MaxCoverages {
		all = append(all, held(t, fmt.Sprint(n), 1, "", "2020-01-01"))
	}
	one := held(t, "one", 1, "", "")
	if err := one.Fits(all[1:], today); err != nil {
		t.Errorf("the last that there can be: %v", err)
	}
	err := one.Fits(all, today)
	if f, _ := fault.Public(err); f == nil || f.Code != "coverages_full" || !errors.Is(err, fault.Conflict) {
		t.Errorf("one too many: %v", err)
	}
	if err := all[0].Fits(all, today); err != nil {
		t.Errorf("a change of one among all: %v", err)
	}
}

func TestCoverage_End(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, until, last string
		want              string // the last day then; empty: refused
	}{
		"today":                   {"", "", "", "2026-03-02"},
		"a day":                   {"2026-01-01", "", "2026-02-28", "2026-02-28"},
		"earlier than it would":   {"", "2026-12-31", "", "2026-03-02"},
		"ended already":           {"", "2026-02-01", "", "2026-02-01"},
		"not later than it would": {"", "2026-03-31", "2026-04-30", "2026-03-31"},
		"before its first day":    {"2026-01-01", "", "2025-12-31", ""},
		"never begun":             {"2026-06-01", "", "", "2026-03-02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := held(t, "a", 1, c.from, c.until).End(day(t, c.last), today)
			switch {
			case c.want == "" && !slices.Equal(places(err), []string{"/last range"}):
				t.Errorf("refused as %v, %v", places(err), err)
			case c.want != "" && (err != nil || got.Card.Until.String() != c.want):
				t.Errorf("ends with %s, %v; want %s", got.Card.Until, err, c.want)
			}
			if name == "never begun" && got.Active(today) {
				t.Error("it holds before its first day")
			}
		})
	}
}

// Nothing that identifies a person is printed.
func TestCard_PrintsNothing(t *testing.T) {
	t.Parallel()
	c := held(t, "a", 1, "", "")
	c.Card.Member, c.Card.Plan, c.Card.Group, c.Card.Subscriber.Last = "SECRET", "SECRET", "SECRET", "SECRET"
	if s := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(s, "SECRET") {
		t.Errorf("printed as %s", s)
	}
}
