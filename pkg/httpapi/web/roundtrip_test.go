package web

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// Right answers to any question, in any rows, come back unchanged from the
// page that shows them: saving a page that nobody touched changes nothing.
func TestDrawing_SendsTheAnswersItShows(t *testing.T) {
	t.Parallel()
	all, zone := append(allForms(t), authored(t, everyKind), authored(t, rowsInRows), authored(t, underEach)), chicago(t)
	rapid.Check(t, func(t *rapid.T) {
		form := all[rapid.IntRange(0, len(all)-1).Draw(t, "form")]
		values := url.Values{}
		for _, it := range form.Items() {
			answer(t, values, it, "")
		}
		res := form.Check(post{values, zone}.answers(form.Items()))
		for _, p := range res.Wrong() {
			if p.Code != "consistency" { // two answers at odds are no matter of drawing
				t.Fatalf("%v answers wrongly: %s %s", values, p.Where, p.Text)
			}
		}
		again := intake.Response{}
		for _, p := range form.Pages() {
			fields := drawing{form: form, zone: zone}.page(p.Items, res.Response, form.Check(res.Response))
			again.Items = append(again.Items, post{sends(fields), zone}.answers(p.Items).Items...)
		}
		if got := form.Check(again); !got.Response.Equal(res.Response) || !slices.EqualFunc(got.Problems, res.Problems, sameProblem) {
			t.Fatalf("%v is drawn and sent as %v", values, again.Items)
		}
	})
}

// A question that was drawn before is shown as if it were drawn for the first time,
// whatever the answers, and with its problems if it has any.
func TestDrawing_RemembersWhatItDrew(t *testing.T) {
	t.Parallel()
	all, zone := append(allForms(t), authored(t, everyKind), authored(t, rowsInRows), authored(t, underEach)), chicago(t)
	var before sync.Map
	rapid.Check(t, func(t *rapid.T) {
		form := all[rapid.IntRange(0, len(all)-1).Draw(t, "form")]
		values := url.Values{}
		for _, it := range form.Items() {
			answer(t, values, it, "")
		}
		res := form.Check(post{values, zone}.answers(form.Items()))
		d := drawing{form: form, zone: zone}
		if rapid.Bool().Draw(t, "checked") {
			d.problems = res.Missing()
		}
		for _, p := range form.Pages() {
			want := drawn(t, d.page(p.Items, res.Response, res))
			d := d
			d.drawn = &before
			if got := drawn(t, d.page(p.Items, res.Response, res)); got != want {
				t.Fatalf("%v: page %q, drawn before:\n%s", values, p.Title, cmp.Diff(want, got))
			}
		}
	})
}

// Of two options with one code, the one that was chosen is shown as chosen.
func TestDrawing_RemembersEachSystemOfACode(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../intake/testdata/kinds.json")
	if err != nil {
		t.Fatal(err)
	}
	q, err := intake.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	form, err := intake.Alone(q)
	if err != nil {
		t.Fatal(err)
	}
	it, ok := form.Item("cell")
	if !ok {
		t.Fatal("the form has no such question")
	}
	var before sync.Map
	for _, c := range []intake.Coding{{System: "s", Code: "a"}, {System: "t", Code: "a"}, {System: "u", Code: "a"}, {Code: "a"}, {System: "t", Code: "b"}} {
		r := intake.Response{Items: []intake.Entry{intake.Ask("cell", intake.Code(c))}}
		d := drawing{form: form}
		want := drawn(t, d.page([]*intake.Item{it}, r, form.Check(r)))
		d.drawn = &before
		if got := drawn(t, d.page([]*intake.Item{it}, r, form.Check(r))); got != want {
			t.Errorf("%+v, drawn after the others:\n%s", c, cmp.Diff(want, got))
		}
	}
}

func drawn(t rapid.TB, fs []field) string {
	all := ""
	for _, f := range fs {
		html, err := drawField(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(html)
	}
	return all
}

func sameProblem(a, b fault.Problem) bool { return a == b }

// answer draws a right answer to an item, or none.
func answer(t *rapid.T, values url.Values, it *intake.Item, row string) {
	name := it.LinkID + row
	if it.Type == intake.Group {
		rows := 1
		if it.Repeats {
			rows = rapid.IntRange(0, 3).Draw(t, name)
			values.Set(rowsField+name, strconv.Itoa(rows))
		}
		for n := range rows {
			inner := row
			if it.Repeats {
				inner = within(row, n+1)
			}
			for _, child := range it.Items {
				answer(t, values, child, inner)
			}
		}
		return
	}
	if !asked(it) || !rapid.Bool().Draw(t, name+" answered") {
		return
	}
	for _, child := range it.Inner() {
		if !it.Repeats {
			answer(t, values, child, row)
			continue
		}
		for _, o := range it.Options {
			answer(t, values, child, under(it, o.Value, row))
		}
	}
	words := rapid.StringMatching(`[A-Za-z<&"' ~@.]{0,20}[a-z]`)
	switch it.Type {
	case intake.BooleanQ:
		values.Set(name, strconv.FormatBool(it.Statement || rapid.Bool().Draw(t, name)))
	case intake.IntegerQ:
		values.Set(name, strconv.Itoa(rapid.IntRange(bound(it.Min, 0), bound(it.Max, 99)).Draw(t, name)))
	case intake.DecimalQ:
		values.Set(name, fmt.Sprintf("%d.%d", rapid.IntRange(bound(it.Min, 0), bound(it.Max, 99)-1).Draw(t, name), rapid.IntRange(0, 99).Draw(t, name)))
	case intake.DateQ:
		values.Set(name, moment(t, name).Format(time.DateOnly))
	case intake.TimeQ:
		values.Set(name, moment(t, name).Format(rapid.SampledFrom([]string{"15:04", "15:04:05", "15:04:05.999"}).Draw(t, "layout")))
	case intake.URLQ:
		values.Set(name, "https://example.org/?"+rapid.StringMatching(`[a-z<&"']{0,9}`).Draw(t, name))
	case intake.QuantityQ:
		for range rapid.IntRange(1, it.Most()/25+1).Draw(t, name) {
			values.Add(name, rapid.SampledFrom([]string{"", "1.50", "3"}).Draw(t, name))
			values.Add(it.LinkID+"~"+row, strconv.Itoa(rapid.IntRange(0, max(len(it.Units)-1, 0)).Draw(t, name)))
		}
	case intake.DateTimeQ:
		values.Set(name, moment(t, name).Format(rapid.SampledFrom(clockLayouts).Draw(t, "layout")))
	case intake.Choice, intake.OpenChoice:
		most := 1
		if it.Repeats {
			most = len(it.Options)
		}
		for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(it.Options)-1), 1, most, rapid.ID).Draw(t, name) {
			if o := it.Options[i]; o.Exclusive {
				values[name] = []string{o.Key}
				break
			}
			values.Add(name, it.Options[i].Key)
		}
		if it.Type == intake.OpenChoice && rapid.Bool().Draw(t, "in own words") {
			values.Del(name)
			values.Set(it.LinkID+"~"+row, words.Draw(t, "other"))
		}
	default:
		s := words.Draw(t, name)
		s = s[len(s)-min(len(s), it.MaxLength):]
		switch it.LinkID {
		case "callback-phone", "mh-safe-phone":
			s = rapid.SampledFrom([]string{"503 555 0177", "+1 (503) 555-0177 x12"}).Draw(t, name)
		case "adm-fax":
			s += " 503 555 0177"
		case "rx-bp":
			s = "128/78"
		}
		values.Set(name, s)
	}
}

func bound(s string, otherwise int) int {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return otherwise
	}
	return int(f)
}

// moment is any time of some years, the hours that clocks skip or repeat too.
func moment(t *rapid.T, name string) time.Time {
	return time.UnixMilli(rapid.Int64Range(946684800000, 2208988800000).Draw(t, name)).UTC()
}
