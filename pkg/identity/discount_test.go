package identity_test

import (
	"slices"
	"testing"
	"time"

	"evisit/pkg/identity"
)

func TestDiscount_PercentAt(t *testing.T) {
	t.Parallel()
	d := identity.Discount{Percent: 60, From: noon, Until: noon.Add(time.Hour)}
	for after, want := range map[time.Duration]int{-1: 0, 0: 60, time.Hour - 1: 60, time.Hour: 0} {
		if got := d.PercentAt(noon.Add(after)); got != want {
			t.Errorf("%s after it began it is %d %%, want %d", after, got, want)
		}
	}
	if got := (identity.Discount{}).PercentAt(noon); got != 0 {
		t.Errorf("none is %d %%", got)
	}
}

// Everything that is wrong with a discount is named at once.
func TestDiscount_Check(t *testing.T) {
	t.Parallel()
	good := identity.Discount{Percent: 1, Reason: identity.Hardship, From: noon, Until: noon.Add(time.Hour)}
	for name, test := range map[string]struct {
		change func(*identity.Discount)
		want   []string
	}{
		"good":                 {func(*identity.Discount) {}, nil},
		"a waiver for a year":  {func(d *identity.Discount) { d.Percent, d.Until = 100, noon.AddDate(1, 0, 1) }, nil},
		"nothing":              {func(d *identity.Discount) { *d = identity.Discount{} }, []string{"/percent", "/reason", "/last"}},
		"more than all":        {func(d *identity.Discount) { d.Percent = 101 }, []string{"/percent"}},
		"less than nothing":    {func(d *identity.Discount) { d.Percent = -1 }, []string{"/percent"}},
		"of no reason":         {func(d *identity.Discount) { d.Reason = "friendship" }, []string{"/reason"}},
		"over already":         {func(d *identity.Discount) { d.Until = noon }, []string{"/last"}},
		"over before it began": {func(d *identity.Discount) { d.From = d.Until }, []string{"/last"}},
		"longer than a year":   {func(d *identity.Discount) { d.Until = noon.AddDate(1, 0, 3) }, []string{"/last"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := good
			test.change(&d)
			var got []string
			for _, p := range d.Check(noon) {
				got = append(got, p.Where)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("wrong are %q, want %q", got, test.want)
			}
		})
	}
}
