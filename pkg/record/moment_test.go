package record_test

import (
	"testing"
	"time"

	"evisit/pkg/record"
)

func TestMoment_SameForTriesOfOneMinute(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		t.Helper()
		out, err := time.Parse(time.RFC3339Nano, "2026-03-02T"+s+"Z")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, test := range map[string]struct {
		now     time.Time
		earlier []time.Time
		want    time.Time
	}{
		"the minute":                   {at("12:03:59.999"), nil, at("12:03:00")},
		"on the minute":                {at("12:03:00"), nil, at("12:03:00")},
		"after what happened long ago": {at("12:03:40"), []time.Time{at("11:00:07"), {}}, at("12:03:00")},
		"after what happened in it":    {at("12:03:40"), []time.Time{at("12:03:20.5"), at("12:03:10")}, at("12:03:20.5")},
	} {
		if got := record.Moment(test.now, test.earlier...); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
