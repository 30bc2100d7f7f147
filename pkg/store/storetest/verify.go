package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
)

var verifyTests = []test{
	{"Covered_EveryRowOnceOverAllSegments", coveredOnce},
	{"Stored_ByTheKeysThatRecordsName", storedByKey},
	{"RecordAt_ByPosition", recordAt},
}

// inTable returns the covered rows by the practice whose
// log covers them and their keys.
func inTable(t *testing.T, s bench, segments int) map[string]audit.Item {
	t.Helper()
	rows := map[string]audit.Item{}
	for segment := range segments {
		err := s.Covered(t.Context(), segment, segments, func(practice string, row audit.Item) error {
			key := practice + " " + row.Key()
			if _, twice := rows[key]; twice {
				t.Errorf("%s comes twice", key)
			}
			rows[key] = row
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// named lists the rows that the records of practices' logs name, by practice and
// key.
func named(t *testing.T, s bench, practices ...string) map[string]audit.Row {
	t.Helper()
	rows := map[string]audit.Row{}
	for _, practice := range practices {
		leaves, err := s.Log(t.Context(), practice, "", end, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range parsed(t, leaves) {
			for _, row := range r.Rows {
				rows[practice+" "+row.Key] = row
			}
		}
	}
	return rows
}

func coveredOnce(t *testing.T, s bench) {
	commit(t, s, everything())
	want := named(t, s, practiceID, audit.Platform)
	if len(want) < 15 {
		t.Fatalf("the records name %d rows", len(want))
	}
	for _, segments := range []int{1, 7, 100} {
		got := map[string]audit.Row{}
		for key, row := range inTable(t, s, segments) {
			got[key] = audit.Row{Key: row.Key(), Version: want[key].Version, Hash: row.Hash()}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows in %d segments (-named by records +got):\n%s", segments, diff)
		}
	}
	stop := errors.New("enough")
	if err := s.Covered(t.Context(), 0, 1, func(string, audit.Item) error { return stop }); err != stop { //nolint:errorlint // it must be passed on as it is
		t.Errorf("Covered = %v, want what each said", err)
	}
}

func storedByKey(t *testing.T, s bench) {
	slashed := clinic.Token{Proof: clinic.Proof{Issuer: "https://issuer/with/slashes", Subject: "a/b|c"}, Version: 1}
	commit(t, s, everything(), clinic.Commit{Token: &slashed, Audit: []audit.Record{{ID: "slashed", Practice: audit.Platform, At: noon}}})
	var keys []string
	want := map[string]audit.Item{}
	for _, row := range inTable(t, s, 1) {
		keys = append(keys, row.Key())
		want[row.Key()] = row
	}
	got, err := s.Stored(t.Context(), append(keys, "CASE#none", "CHART#none/ANSWERS"))
	same(t, "Stored", got, err, want)
	got, err = s.Stored(t.Context(), []string{"CASE#visit-1"})
	same(t, "the visit alone", slices.Collect(maps.Keys(got)), err, []string{"CASE#visit-1"})
	many := make([]string, 150) // more than one call may ask for
	for n := range many {
		many[n] = fmt.Sprintf("CASE#visit-%d", n)
	}
	got, err = s.Stored(t.Context(), many)
	same(t, "one of many", slices.Collect(maps.Keys(got)), err, []string{"CASE#visit-1"})
}

func recordAt(t *testing.T, s bench) {
	r := record("record-1", "visit-1", noon)
	other := r
	other.Practice, other.Action = "practice-2", "elsewhere"
	commit(t, s, clinic.Commit{Audit: []audit.Record{r, other}})
	for _, want := range []audit.Record{r, other} {
		got, err := s.RecordAt(t.Context(), want.Practice, want.Position())
		same(t, "RecordAt", got, err, &want)
	}
	later := r
	later.At = noon.Add(time.Millisecond)
	for _, position := range []string{"", "#", "x", "20260302T120000.123Z", later.Position(), r.Position() + "x"} {
		got, err := s.RecordAt(t.Context(), practiceID, position)
		same(t, "RecordAt "+position, got, err, (*audit.Record)(nil))
	}
	got, err := s.RecordAt(t.Context(), "practice-3", r.Position())
	same(t, "RecordAt elsewhere", got, err, (*audit.Record)(nil))
}
