package registry_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

// Two records are possible doubles if and only if they share a pair.
func TestPairs_FindEveryPossibleDouble(t *testing.T) {
	t.Parallel()
	m := registry.Marker{Key: []byte("secret"), Practice: "north"}
	draw := func(t *rapid.T, who string) registry.Marks {
		day := rapid.IntRange(0, 2).Draw(t, who+" day")
		c := identity.Contact{
			Name:  phi.Text(rapid.SampledFrom([]string{"Jane Doe", "doe, jane", "Kim Doe"}).Draw(t, who+" name")),
			Phone: phi.Text(rapid.SampledFrom([]string{"", "503 555 0100", "+15035550100", "503 555 0101"}).Draw(t, who+" phone")),
			Email: phi.Text(rapid.SampledFrom([]string{"", "jane@x.example", "kim@x.example"}).Draw(t, who+" email")),
		}
		if day > 0 {
			c.Birth = time.Date(1990, time.April, day, 0, 0, 0, 0, time.UTC)
		}
		return m.Marks(c)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		shared := slices.ContainsFunc(a.Pairs(), func(p registry.Pair) bool { return slices.Contains(b.Pairs(), p) })
		if shared != registry.PossibleDouble(a, b) {
			t.Fatalf("a shared pair: %t, a possible double: %t", shared, !shared)
		}
	})
	c := identity.Contact{Name: "Jane Doe", Birth: time.Date(1990, time.April, 12, 0, 0, 0, 0, time.UTC)}
	other := registry.Marker{Key: []byte("another"), Practice: "north"}
	if cmp.Equal(m.Marks(c).Pairs(), other.Marks(c).Pairs()) {
		t.Error("pairs do not depend on the key")
	}
}

func TestImport_GoesOnToItsEnd(t *testing.T) {
	t.Parallel()
	i := registry.Import{ID: "i1", Lines: 5}
	var ranges [][2]int
	for i.Done.IsZero() {
		var from, to int
		i, from, to = i.Next(2, today)
		ranges = append(ranges, [2]int{from, to})
	}
	if diff := cmp.Diff([][2]int{{0, 2}, {2, 4}, {4, 5}}, ranges); diff != "" || i.Version != 3 {
		t.Errorf("version %d, lines (-want +got):\n%s", i.Version, diff)
	}
	if none, _, _ := (registry.Import{}).Next(2, today); none.Done.IsZero() {
		t.Error("an import of nothing does not end")
	}
	m := registry.Marker{Key: []byte("secret"), Practice: "north"}
	i.Sum = m.Sum([]byte("file"))
	if err := i.Continues(m.Sum([]byte("file"))); err != nil {
		t.Errorf("the same file: %v", err)
	}
	if err := i.Continues(m.Sum([]byte("other"))); !errors.Is(err, fault.Conflict) {
		t.Errorf("another file: %v", err)
	}
}

func TestCheckContact_NamesEverythingWrong(t *testing.T) {
	t.Parallel()
	good := identity.Contact{Name: "Jane Doe", Birth: today.AddDate(-30, 0, 0), Sex: "f", Email: "jane@X.example", Phone: "503 555 0100"}
	got, err := registry.CheckContact(good, today)
	if err != nil || got.Email != "jane@x.example" || got.Phone != "+15035550100" || got.Sex != "female" {
		t.Fatalf("kept as %s %s %s: %v", got.Email.Reveal(), got.Phone.Reveal(), got.Sex, err)
	}
	_, err = registry.CheckContact(identity.Contact{Name: " \n", Birth: today.AddDate(1, 0, 0), Sex: "x", Email: "jane", Phone: "1"}, today)
	f, ok := fault.Public(err)
	if !ok || len(f.Problems) != 5 {
		t.Errorf("problems: %v", err)
	}
}

// A person born on a leap day is of age on the first of March.
func TestAdult_InTheZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	for birth, want := range map[string]string{"2008-03-02": "2026-03-02T08:00:00Z", "2008-02-29": "2026-03-01T08:00:00Z", "2008-07-01": "2026-07-01T07:00:00Z"} {
		b, err := time.Parse(time.DateOnly, birth)
		if err != nil {
			t.Fatal(err)
		}
		if got := identity.Adult(b, zone).UTC().Format(time.RFC3339); got != want {
			t.Errorf("born %s: of age at %s, want %s", birth, got, want)
		}
	}
}
