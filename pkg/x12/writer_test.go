package x12_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12"
	"evisit/pkg/x12/x12test"
)

var (
	at    = x12test.At
	group = x12.Group{Kind: "HC", Sender: "EVISITSUBMIT", Receiver: "CLEARINGHOUSE", At: at, Control: 7, Version: "005010X222A1"}
)

func TestWriter_WritesTheSameBytes(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	w := x12.NewWriter(&file, x12test.Interchange)
	w.Group(group)
	w.Set("837")
	w.Segment("BHT", "0019", "00", "A", "20260129", "0930", "CH")
	w.Start("SV1").Parts("HC", "99421", "25", "").Money(30_50).Put("", "1", "", "").End()
	w.Set("837")
	w.Segment("REF", "D9", "B")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(whole, "ST*837*0002~", "ST*837*0002*005010X222A1~", 1); file.String() != want {
		t.Errorf("wrote\n%s, want\n%s", file.String(), want)
	}
}

func TestWriter_Refuses(t *testing.T) {
	t.Parallel()
	value := func(v string) func(*x12.Writer) {
		return func(w *x12.Writer) { w.Set("837"); w.Segment("REF", "D9", v) }
	}
	regroup := func(change func(*x12.Group)) func(*x12.Writer) {
		return func(w *x12.Writer) { g := group; change(&g); w.Group(g) }
	}
	for name, write := range map[string]func(*x12.Writer){
		"element separator":        value("a*b"),
		"repetition separator":     value("a^b"),
		"component separator":      value("a:b"),
		"segment's end":            value("a~b"),
		"new line":                 value("a\nb"),
		"control character":        value("a\x00b"),
		"delete":                   value("a\x7fb"),
		"accent":                   value("Muñoz"),
		"emoji":                    value("🙂"),
		"space at the end":         value("a "),
		"space at the begin":       value(" a"),
		"only a space":             value(" "),
		"megabytes":                value(strings.Repeat("A", 10<<20)),
		"separator in a component": func(w *x12.Writer) { w.Set("837"); w.Start("HI").Parts("ABK", "N30:00").End() },
		"eleven digits":            func(w *x12.Writer) { w.Set("837"); w.Start("AMT").Money(x12.MaxAmount + 1).End() },
		"eleven digits less":       func(w *x12.Writer) { w.Set("837"); w.Start("AMT").Money(-x12.MaxAmount - 1).End() },
		"receiver of 16":           regroup(func(g *x12.Group) { g.Receiver = "A234567890123456" }),
		"sender of 1":              regroup(func(g *x12.Group) { g.Sender = "A" }),
		"group's control number":   regroup(func(g *x12.Group) { g.Control = 1_000_000_000 }),
		"group's year":             regroup(func(g *x12.Group) { g.At = time.Time{} }),
		"group of no kind":         regroup(func(g *x12.Group) { g.Kind = "" }),
		"set after the end":        func(w *x12.Writer) { _ = w.Close(); w.Set("837") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var file strings.Builder
			w := x12.NewWriter(&file, x12test.Interchange)
			w.Group(group)
			write(w)
			if err := w.Close(); !errors.Is(err, fault.Invalid) || !errors.Is(w.Err(), err) {
				t.Errorf("error %v", err)
			}
			refusedOrWhole(t, file.String())
		})
	}
}

// refusedOrWhole fails if a file whose writing failed reads as one that is whole,
// unless the failure was after its end.
func refusedOrWhole(t *testing.T, file string) {
	t.Helper()
	if _, err := segments(x12.NewReader(strings.NewReader(file))); err == nil && !strings.HasSuffix(file, "IEA*1*000000001~") {
		t.Errorf("a file that was not finished reads as whole: %s", file)
	}
}

func TestNewWriter_Refuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*x12.Interchange){
		"receiver of 16":         func(i *x12.Interchange) { i.Receiver.ID = "A234567890123456" },
		"sender with a tilde":    func(i *x12.Interchange) { i.Sender.ID = "EV~ISIT" },
		"no sender":              func(i *x12.Interchange) { i.Sender.ID = "" },
		"accent":                 func(i *x12.Interchange) { i.Sender.ID = "EVISÍT" },
		"qualifier of 1":         func(i *x12.Interchange) { i.Sender.Qualifier = "Z" },
		"qualifier's character":  func(i *x12.Interchange) { i.Receiver.Qualifier = "Z*" },
		"control number 0":       func(i *x12.Interchange) { i.Control = 0 },
		"control number too big": func(i *x12.Interchange) { i.Control = 1_000_000_000 },
		"no time":                func(i *x12.Interchange) { i.At = time.Time{} },
	} {
		i := x12test.Interchange
		change(&i)
		var file strings.Builder
		w := x12.NewWriter(&file, i)
		w.Group(group)
		w.Set("837")
		if err := w.Close(); !errors.Is(err, fault.Invalid) || file.Len() > 0 {
			t.Errorf("%s: error %v, wrote %q", name, err, file.String())
		}
	}
}

type full struct{ room int }

var errFull = errors.New("no space is left")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriter_DestinationFails(t *testing.T) {
	t.Parallel()
	w := x12.NewWriter(&full{room: 40_000}, x12test.Interchange)
	w.Group(group)
	w.Set("837")
	for range 10_000 {
		w.Segment("REF", "D9", "0123456789")
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

// What X12 can carry comes back as it was; anything else is refused.
func TestWriter_RoundTrip(t *testing.T) {
	t.Parallel()
	element := rapid.OneOf(rapid.StringN(0, 40, -1), rapid.StringMatching(`[A-Z0-9 .,'&/-]{0,30}`))
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.SliceOfN(element, 1, 6), 1, 20).Draw(t, "segments")
		var file strings.Builder
		w := x12.NewWriter(&file, x12test.Interchange)
		w.Group(group)
		w.Set("837")
		carried, want := true, []string(nil)
		for _, elements := range all {
			for _, e := range elements {
				carried = carried && x12.Carries(e)
			}
			w.Segment("REF", elements...)
			want = append(want, strings.TrimRight("REF|"+strings.Join(elements, "|"), "|"))
		}
		err := w.Close()
		if (err == nil) != carried {
			t.Fatalf("carried %t, error %v", carried, err)
		}
		if err != nil {
			return
		}
		got, err := segments(x12.NewReader(strings.NewReader(file.String())))
		if err != nil {
			t.Fatal(err)
		}
		if body := got[3 : len(got)-3]; !bar(all) && !cmp.Equal(want, body) {
			t.Error(cmp.Diff(want, body))
		}
	})
}

// bar reports whether an element has the bar that the test joins elements with.
func bar(all [][]string) bool { return strings.Contains(fmt.Sprint(all), "|") }

func TestAmount_ReadsAndPrints(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]money.Cents{
		"0": 0, "30": 3000, "5.7": 570, ".5": 50, ".05": 5, "-14.3": -1430, "99999999.99": x12.MaxAmount, "-.01": -1,
	} {
		got, ok := x12.ParseAmount(s)
		if printed := string(x12.AppendAmount(nil, want)); !ok || got != want || printed != s {
			t.Errorf("%s read as %d, %t; printed as %s", s, got, ok, printed)
		}
	}
	for s, want := range map[string]money.Cents{"5.70": 570, "030.00": 3000, "30.": 3000, "0.5000": 50, "-0": 0} {
		if got, ok := x12.ParseAmount(s); !ok || got != want {
			t.Errorf("%s read as %d, %t", s, got, ok)
		}
	}
	for _, s := range []string{"", "-", ".", "-.", "+5", "5.705", "1,5", "1e3", "5.5.5", " 5", "--5", "$5", "100000000", "9223372036854775807", strings.Repeat("9", 40), "0x5"} {
		if got, ok := x12.ParseAmount(s); ok {
			t.Errorf("%q read as %d", s, got)
		}
	}
}

func TestAmount_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := money.Cents(rapid.Int64Range(-int64(x12.MaxAmount), int64(x12.MaxAmount)).Draw(t, "cents"))
		if got, ok := x12.ParseAmount(string(x12.AppendAmount(nil, c))); !ok || got != c {
			t.Errorf("%d read as %d", c, got)
		}
	})
}

func TestParseDay_ReadsAndPrints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(1, 9998*365).Draw(t, "day"))
		d, ok := x12.ParseDay(day.Format("20060102"))
		if !ok || d != civil.Of(day, time.UTC) || x12.DayText(d) != day.Format("20060102") {
			t.Errorf("%s read as %s", day, d)
		}
	})
	for _, s := range []string{"", "20260229", "20261301", "20260100", "20260132", "2026011", "202601011", "00000101", "2026-1-1", "2026 101"} {
		if d, ok := x12.ParseDay(s); ok || !d.IsZero() {
			t.Errorf("%q read as %s", s, d)
		}
	}
	if x12.DayText(civil.Day{}) != "" {
		t.Error("no day is printed")
	}
}

func TestParseTime_ReadsWhatIsATime(t *testing.T) {
	t.Parallel()
	for _, s := range [][2]string{{"260129", "0930"}, {"20260129", "093015"}, {"20260129", "09301599"}} {
		if got, ok := x12.ParseTime(s[0], s[1]); !ok || !got.Equal(at) {
			t.Errorf("%s read as %s", s, got)
		}
	}
	for _, s := range [][2]string{{"260129", ""}, {"", "0930"}, {"260129", "2400"}, {"260129", "0960"}, {"260129", "09:30"}, {"20260129", "-930"}, {"20260129", "093"}} {
		if got, ok := x12.ParseTime(s[0], s[1]); ok {
			t.Errorf("%s read as %s", s, got)
		}
	}
}
