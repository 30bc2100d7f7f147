// Package x12test is for the tests of the packages beside it: an envelope, golden
// files, and what every reader must refuse.
package x12test

import (
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/x12"
)

var update = flag.Bool("update", false, "write the golden files")

// At is when the envelope's files are made.
var At = time.Date(2026, 1, 29, 9, 30, 0, 0, time.UTC)

// Interchange is one that a practice sends.
var Interchange = x12.Interchange{
	Sender:   x12.Address{Qualifier: "ZZ", ID: "EVISITSUBMIT"},
	Receiver: x12.Address{Qualifier: "ZZ", ID: "CLEARINGHOUSE"},
	At:       At, Control: 1, Test: true,
}

// Group is one of Interchange, without kind and version.
var Group = x12.Group{Sender: "EVISITSUBMIT", Receiver: "CLEARINGHOUSE", At: At, Control: 1}

// Day is a day as X12 writes it, a number CCYYMMDD.
func Day(n int) civil.Day { return civil.Date(n/10000, time.Month(n/100%100), n%100) }

// Diff says how want and got differ, and is empty if they do not.
func Diff(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateComparable(civil.Day{})) }

// Golden compares what was written with a file of testdata, which has a line for
// each segment. With -update it writes the file.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	lines := strings.ReplaceAll(got, "~", "~\n")
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file) //nolint:gosec // the test names its own file
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != lines {
		t.Errorf("%s is not what was written:\n%s", file, lines)
	}
}

// A Spoil is a name, a place in a file, what stands there instead, and what the
// error then has.
type Spoil [4]string

// Refuses fails unless read refuses each spoilt file, in an error that has what is
// wanted and nothing of the file: what stands there instead may hold the word SECRET.
func Refuses(t *testing.T, file string, read func(io.Reader) error, spoils []Spoil) {
	t.Helper()
	for _, s := range spoils {
		name, old, instead, want := s[0], s[1], s[2], s[3]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spoilt := strings.Replace(file, old, instead, 1)
			if spoilt == file {
				t.Fatalf("the file has no %s", old)
			}
			err := read(strings.NewReader(spoilt))
			if !errors.Is(err, fault.Malformed) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

// RefusesCut fails unless read refuses the file when it is cut anywhere.
func RefusesCut(t *testing.T, file string, read func(io.Reader) error) {
	t.Helper()
	for cut := range len(strings.TrimSpace(file)) {
		if err := read(strings.NewReader(file[:cut])); !errors.Is(err, fault.Malformed) {
			t.Fatalf("cut at %d: error %v", cut, err)
		}
	}
}
