package main

import (
	"fmt"
	"io"
	"slices"
)

// A table is printed line by line, as its parts are measured.
type table struct {
	out      io.Writer
	aims     int
	missed   int
	failures []error
}

// An aim is what a number should be at most, or at least; the zero aim is none.
type aim struct {
	op    string
	limit float64
}

func atMost(x float64) aim  { return aim{"≤", x} }
func atLeast(x float64) aim { return aim{"≥", x} }

// met reports whether x, as it is printed, meets a.
func (a aim) met(x float64) bool {
	x = float64(int(x*100+0.5)) / 100
	return a.op == "" || a.op == "≤" && x <= a.limit || a.op == "≥" && x >= a.limit
}

// A line is one row of the table.
type line struct {
	what        string
	ours, floor string
	value       float64 // what is aimed at: a ratio, or what ours says
	ratio       bool    // value is ours to floor
	aim         aim
	note        string
}

// part begins a part of the table; ours and floor head its columns.
func (t *table) part(title, ours, floor string) {
	t.write("\n%-46s %12s %12s %7s\n", title, ours, floor, "ratio")
}

func (t *table) line(l line) {
	ratio, want := "", ""
	if l.ratio {
		ratio = fmt.Sprintf("%.2f", l.value)
	}
	if l.aim.op != "" {
		want = fmt.Sprintf("%s %.4g", l.aim.op, l.aim.limit)
		t.aims++
		if !l.aim.met(l.value) {
			want += " missed"
			t.missed++
		}
	}
	t.write("  %-44s %12s %12s %7s  %-13s %s\n", l.what, l.ours, l.floor, ratio, want, l.note)
}

// note prints a sentence below a part.
func (t *table) note(format string, args ...any) { t.write("  "+format+"\n", args...) }

func (t *table) end() { t.write("\n%d of %d aims met\n", t.aims-t.missed, t.aims) }

func (t *table) write(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format, args...) }

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}

// ratios divides ours by floor, round by round.
func ratios(ours, floor []float64) []float64 {
	out := make([]float64, len(ours))
	for n := range ours {
		out[n] = ours[n] / floor[n]
	}
	return out
}
