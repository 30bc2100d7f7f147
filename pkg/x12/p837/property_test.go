package p837_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p837"
	"evisit/pkg/x12/x12test"
)

func text(t *rapid.T, name string) phi.Text {
	return phi.Text(rapid.OneOf(
		rapid.StringMatching(`[A-Z][A-Z .'-]{0,20}[A-Z]`),
		rapid.StringN(0, 12, 80),
		rapid.SampledFrom([]string{"", "Muñoz", "O’Neill", "~*:^", "🙂", "李", "A  B", strings.Repeat("A", 70)}),
	).Draw(t, name))
}

func person(t *rapid.T) p837.Person {
	return p837.Person{
		Last: text(t, "last"), First: text(t, "first"), Middle: text(t, "middle"), Suffix: text(t, "suffix"),
		Address: p837.Home{Street: text(t, "street"), Unit: text(t, "unit"), City: text(t, "city"), State: "OR", ZIP: "97205-1234"},
		Birth:   "19850412", Gender: phi.Text(rapid.SampledFrom([]string{"F", "M", "U"}).Draw(t, "gender")),
	}
}

func claim(t *rapid.T, id int) *p837.Claim {
	c := original()
	c.ID = fmt.Sprint("EV", id)
	c.Subscriber.Person = person(t)
	c.Subscriber.Group = text(t, "group").Reveal()
	if rapid.Bool().Draw(t, "dependent") {
		c.Patient = &p837.Dependent{Relationship: "19", Person: person(t)}
	}
	if rapid.Bool().Draw(t, "other payee") {
		c.Billing.Name, c.Billing.First = text(t, "payee").Reveal(), text(t, "payee's first").Reveal()
	}
	c.Diagnoses = diagnoses(rapid.IntRange(1, 13).Draw(t, "diagnoses"))
	c.Lines, c.Charge = nil, 0
	for i := range rapid.IntRange(1, 51).Draw(t, "lines") {
		l := p837.Line{
			Code: "99421", Charge: money.Cents(rapid.Int64Range(0, int64(x12.MaxAmount)/50).Draw(t, "charge")), Units: rapid.IntRange(1, 9999).Draw(t, "units"),
			Pointers: rapid.SliceOfNDistinct(rapid.IntRange(1, len(c.Diagnoses)), 1, min(4, len(c.Diagnoses)), rapid.ID).Draw(t, "pointers"),
			From:     x12test.Day(20260110), To: x12test.Day(20260110).AddDays(rapid.IntRange(0, 40).Draw(t, "days")), Control: fmt.Sprint(i),
		}
		c.Lines = append(c.Lines, l)
		c.Charge += l.Charge
	}
	return c
}

// Whatever names, addresses and amounts a claim has: it is refused and the file
// stays whole, or it comes back as it was written, and prints the same again.
func TestWriter_RoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var file strings.Builder
		w := p837.NewWriter(&file, x12test.Interchange, x12test.Group)
		last := original()
		if err := errors.Join(w.Begin(batch), w.Claim(last)); err != nil {
			t.Fatal(err)
		}
		want := []*p837.Claim{last}
		for i := range rapid.IntRange(0, 4).Draw(t, "claims") {
			c := claim(t, i)
			if rapid.Bool().Draw(t, "fitted") {
				c, _ = p837.Fit(c)
			}
			switch err := w.Claim(c); {
			case len(p837.Check(c)) == 0 && err == nil:
				want = append(want, c)
			case len(p837.Check(c)) == 0 || !errors.Is(err, fault.Invalid):
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := read(file.String())
		if err != nil || x12test.Diff(want, got) != "" {
			t.Fatalf("%v %s", err, x12test.Diff(want, got))
		}
		var again strings.Builder
		w = p837.NewWriter(&again, x12test.Interchange, x12test.Group)
		err = w.Begin(batch)
		for _, c := range got {
			err = errors.Join(err, w.Claim(c))
		}
		if err := errors.Join(err, w.Close()); err != nil || again.String() != file.String() {
			t.Errorf("%v: printed again as %s", err, again.String())
		}
	})
}

// What Fit returns, it would not change again.
func TestFit_IsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once, _ := p837.Fit(claim(t, 1))
		twice, changed := p837.Fit(once)
		if diff := x12test.Diff(once, twice); diff != "" || len(changed) > 0 {
			t.Errorf("%q %s", changed, diff)
		}
	})
}

// If it parses, it prints the same: a claim that is read and that Check allows is
// written, and reads as it was.
func FuzzReader(f *testing.F) {
	f.Add([]byte(write(f, batch, original(), child())))
	f.Add([]byte(strings.ReplaceAll(write(f, report(), child()), "~", "~\n")))
	f.Fuzz(func(t *testing.T, file []byte) {
		r := p837.NewReader(bytes.NewReader(file))
		for {
			c, err := r.Claim()
			if err != nil {
				if _, malformed := errors.AsType[*x12.Error](err); !malformed && !errors.Is(err, io.EOF) {
					t.Errorf("error %v", err)
				}
				return
			}
			if len(p837.Check(c)) > 0 || len(p837.CheckBatch(r.Batch())) > 0 {
				continue
			}
			got, err := read(write(t, r.Batch(), c))
			if err != nil || x12test.Diff(got, []*p837.Claim{c}) != "" {
				t.Fatalf("%v %s", err, x12test.Diff(got, []*p837.Claim{c}))
			}
		}
	})
}
