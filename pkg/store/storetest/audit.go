package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/protocol"
	"evisit/pkg/reconcile"
	"evisit/pkg/registry"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

var auditTests = []test{
	{"Commit_AuditRecordIsWrittenOnce", recordOnce},
	{"Commit_CoveredRowWithoutRecord", uncovered},
	{"Commit_RecordNamesRowsOfItsPractice", rowsByPractice},
	{"Trail_OneVisitInOrder", trail},
	{"LatestTrail_OfAPatient", latestTrail},
	{"Log_InOrderBetweenPositions", logInOrder},
	{"Log_PagesThroughDaysAndShards", logPages},
	{"Active_HoursByPractice", active},
}

// end is after every position of a record.
const end = "99991231T235959.999Z#~"

func recordOnce(t *testing.T, s bench) {
	first := record("record-1", "visit-1", noon)
	second := first
	second.Action, second.Visit = "visit.forged", "visit-2"
	commit(t, s, clinic.Commit{Audit: []audit.Record{first}})
	beside := clinic.Commit{Audit: []audit.Record{second}, Request: &clinic.Request{Key: "k", Ends: noon}}
	for name, c := range map[string]clinic.Commit{"alone": {Audit: []audit.Record{second}}, "beside": beside} {
		if err := s.Commit(t.Context(), c); err == nil {
			t.Errorf("%s: a record of the same time and id was written", name)
		}
	}
	leaves, err := s.Log(t.Context(), practiceID, "", end, 10)
	same(t, "Log", parsed(t, leaves), err, []audit.Record{first})
	if _, err := s.Request(t.Context(), "k"); err == nil {
		t.Error("the refused commit left its request behind")
	}
}

func parsed(t *testing.T, leaves []clinic.Leaf) []audit.Record {
	t.Helper()
	var rs []audit.Record
	for _, l := range leaves {
		r, err := audit.ParseLeaf(l.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if r.Position() != l.Position {
			t.Errorf("the record of %s is at %s", r.Position(), l.Position)
		}
		rs = append(rs, r)
	}
	return rs
}

// covered is one commit of each kind of row that a log covers.
func covered() map[string]clinic.Commit {
	v, p := draft("visit-1"), practiceOne()
	return map[string]clinic.Commit{
		"visit":      {Visit: &v},
		"underway":   {Underway: &visit.Underway{Practice: practiceID, Patient: patientID, Form: "uti", Visits: []visit.Sent{{ID: "visit-1", Version: 5}}, Version: 1}},
		"payment":    {Payments: []billing.Payment{payment("quote-1", noon)}},
		"evidence":   {Evidence: []clinic.Evidence{{Payment: payment("quote-1", noon), Evidence: billing.Evidence{Text: "Receipt"}}}},
		"payout":     {Payout: &billing.Payout{Practice: practiceID, Account: "acct_1", PayoutState: billing.PayoutState{ID: "po_1", Made: noon}, Version: 1}},
		"outcome":    {Outcome: &reconcile.Outcome{Practice: practiceID, Account: "acct_1", Window: reconcile.Window{Through: noon}}},
		"progress":   {Progress: &reconcile.Progress{Practice: practiceID, Account: "acct_1", Version: 1}},
		"closing":    {Closing: &clinic.Closing{Closing: statement.FirstClosing(practiceID, noon, time.UTC)}},
		"balance":    {Balance: &statement.Balance{Practice: practiceID, Before: noon}},
		"account":    {Standing: &billing.Account{ID: "acct_1", Practice: practiceID, Version: 1}},
		"opened":     {Opened: &clinic.OpenedAccount{Practice: practiceID, Account: "acct_1"}},
		"membership": {Memberships: []clinic.Membership{{Membership: membershipOne()}}},
		"count":      {Counts: []clinic.Count{{Count: membership.Count{Membership: patientID + ".m1", Year: noon, Version: 1}, Practice: practiceID}}},
		"bill":       {Bills: []membership.Bill{{Membership: patientID + ".m1", Practice: practiceID, Invoice: "in_1", Version: 1}}},
		"entry":      {Entries: []ledger.Entry{entry("hold", ledger.Hold, noon)}},
		"work":       {Work: []work.Item{workItem("visit-1")}},
		"practice":   register(p),
		"person":     {Person: personOne()},
		"grant":      {Grants: []identity.Grant{{Practice: practiceID, Patient: patientID, Person: "person-1", Version: 1}}},
		"token":      {Token: &clinic.Token{Proof: clinic.Proof{Issuer: "i", Subject: "s"}, Version: 1}},
		"patient":    {Patients: []clinic.Patient{{Patient: identity.Patient{ID: patientID, Practice: practiceID, Version: 1}, Sealed: []byte("sealed")}}},
		"import":     {Import: &registry.Import{ID: "i1", Practice: practiceID, Version: 1}},
		"mark key":   {MarkKey: &clinic.MarkKey{Practice: practiceID, Sealed: []byte("sealed")}},
		"invitation": {Invitation: &clinic.Invitation{Invitation: registry.Invitation{ID: "i1", Practice: practiceID, At: noon, Version: 1}, Sealed: []byte("sealed")}},
		"coverage":   {Coverages: []clinic.Coverage{*coverageOne(1)}},
		"contract":   {Contract: &billing.Contract{Practice: practiceID, Payer: "60054", Code: "99421", From: civil.Date(2026, 1, 1), Version: 1}},
		"payer":      {Payer: &coverage.Payer{ID: "60054", Version: 1}},
		"draft":      {Draft: &protocol.Draft{Practice: practiceID, Name: "uti", Version: 1}},
		"form":       {Forms: []clinic.Form{{Practice: practiceID, Name: "uti", Version: "1", JSON: []byte("{}")}}},
	}
}

// uncovered commits rows that no record of their log names: without a record, with
// another practice's record, and without a practice. Each is refused.
func uncovered(t *testing.T, s bench) {
	for name, c := range covered() {
		for why, records := range map[string][]audit.Record{
			"no record":        nil,
			"another's record": {{ID: "record-1", Practice: "practice-2", At: noon}},
		} {
			c.Audit = records
			if err := s.Commit(t.Context(), c); err == nil {
				t.Errorf("%s with %s was written", name, why)
			}
		}
	}
	v := draft("visit-2")
	v.Practice = ""
	if err := s.Commit(t.Context(), clinic.Commit{Visit: &v, Audit: []audit.Record{{ID: "record-2", At: noon}}}); err == nil {
		t.Error("a visit of no practice was written")
	}
	if rows, err := s.Load(t.Context(), clinic.Query{Visit: "visit-1", Person: "person-1", Latest: true}); err != nil || !cmp.Equal(rows, clinic.Rows{}) {
		t.Errorf("the refused commits left %+v, %v", rows, err)
	}
}

// rowsByPractice commits rows of two practices and of none at once: each is
// named by the first record of its own log, and by no other.
func rowsByPractice(t *testing.T, s bench) {
	other := *personOne()
	other.ID, other.Practice = "person-2", "practice-2"
	v := draft("visit-1")
	commit(t, s, clinic.Commit{
		Visit: &v, Answers: []byte("sealed"), Person: &other, Token: &clinic.Token{Proof: clinic.Proof{Issuer: "i", Subject: "s"}, Version: 1},
		Audit: []audit.Record{
			{ID: "r1", Practice: "practice-2", At: noon},
			{ID: "r2", Practice: practiceID, At: noon},
			{ID: "r3", Practice: practiceID, At: noon},
			{ID: "r4", Practice: audit.Platform, At: noon},
		},
	})
	got := map[string][]string{}
	for _, practice := range []string{practiceID, "practice-2", audit.Platform} {
		leaves, err := s.Log(t.Context(), practice, "", end, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range parsed(t, leaves) {
			var versions []string
			for _, row := range r.Rows {
				versions = append(versions, fmt.Sprint(row.Version))
			}
			got[r.ID] = versions
		}
	}
	want := map[string][]string{"r1": {"1"}, "r2": {"1", "0"}, "r3": nil, "r4": {"1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions of the rows that records name (-want +got):\n%s", diff)
	}
}

// trail has records of one visit on several days and in every shard, between
// those of visits whose names begin alike.
func trail(t *testing.T, s bench) {
	var c clinic.Commit
	var want []audit.Record
	for n := range 30 {
		at := noon.Add(time.Duration(30-n) * 5 * time.Hour)
		own := record(fmt.Sprintf("own-%02d", n), "visit-1", at)
		want = append(want, own)
		c.Audit = append(c.Audit, own,
			record(fmt.Sprintf("longer-%02d", n), "visit-10", at), record(fmt.Sprintf("none-%02d", n), "", at))
	}
	same1, same2 := record("b", "visit-1", noon), record("a", "visit-1", noon)
	want = append(want, same1, same2)
	commit(t, s, c, clinic.Commit{Audit: []audit.Record{same1}}, clinic.Commit{Audit: []audit.Record{same2}})
	slices.SortFunc(want, func(a, b audit.Record) int { return strings.Compare(a.Position(), b.Position()) })
	eventually(t, func() string {
		got, err := s.Trail(t.Context(), "visit-1", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return cmp.Diff(want, got)
	})
	for n, since := range []time.Time{want[0].At, want[7].At, want[7].At.Add(time.Millisecond), want[len(want)-1].At.Add(time.Second)} {
		first := slices.IndexFunc(want, func(r audit.Record) bool { return !r.At.Before(since) })
		if first < 0 {
			first = len(want)
		}
		got, err := s.Trail(t.Context(), "visit-1", since)
		if diff := cmp.Diff(want[first:], got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("case %d: the trail since %v: %v (-want +got):\n%s", n, since, err, diff)
		}
	}
}

// days commits records of practiceID, and of another practice beside each, and
// returns the positions in order. Each day has enough to be in every shard.
func days(t *testing.T, s bench, each int, days ...time.Time) []string {
	t.Helper()
	var positions []string
	for _, day := range days {
		var c clinic.Commit
		for n := range each {
			r := record(fmt.Sprintf("r-%03d", (n*7)%each), "", day.Add(time.Duration(n/2)*time.Minute))
			other := r
			other.Practice = "practice-2"
			c.Audit = append(c.Audit, r, other)
			positions = append(positions, r.Position())
		}
		commit(t, s, c)
	}
	slices.Sort(positions)
	return positions
}

func positionsOf(leaves []clinic.Leaf) []string {
	var ps []string
	for _, l := range leaves {
		ps = append(ps, l.Position)
	}
	return ps
}

// latestTrail proves that what names a patient and no visit is in the patient's trail, the
// newest first and from a position back, but for what they looked up themselves; and
// that a visit's records are in the visit's alone.
func latestTrail(t *testing.T, s bench) {
	own := audit.Actor{ID: "person-1", Role: string(identity.PatientRole)}
	for n, r := range []audit.Record{
		{Action: "visit.list", Actor: own},
		{Action: "visit.read", Actor: own, Resource: "visit-1"},
		{Action: "record.download", Actor: own},
		{Action: "visit.list", Actor: audit.Actor{ID: "person-2", Role: string(identity.Caregiver), OnBehalf: patientID}},
		{Action: "visit.list", Actor: audit.Actor{ID: "person-3", Role: string(identity.PatientRole), OnBehalf: patientID}},
		{Action: "visit.list", Actor: own, Outcome: audit.Refused},
		{Action: "chart.read:page", Actor: own, Visit: "visit-1"},
	} {
		r.ID, r.Practice, r.At = fmt.Sprint("record-", n), practiceID, noon.Add(time.Duration(n)*time.Minute)
		if r.Visit == "" {
			r.Patient = patientID
		}
		commit(t, s, clinic.Commit{Audit: []audit.Record{r}})
	}
	for _, want := range []struct {
		of, before string
		limit      int
		ids        string
	}{
		{patientID, "", 10, "record-5 record-4 record-3 record-2 "},
		{patientID, "", 2, "record-5 record-4 "},
		{patientID, audit.Record{ID: "record-4", At: noon.Add(4 * time.Minute)}.Position(), 10, "record-3 record-2 "},
		{"visit-1", "", 10, "record-6 "},
		{"nobody", "", 10, ""},
	} {
		eventually(t, func() string {
			rs, err := s.LatestTrail(t.Context(), want.of, want.before, want.limit)
			if err != nil {
				t.Fatal(err)
			}
			ids := ""
			for _, r := range rs {
				ids += r.ID + " "
			}
			return cmp.Diff(want.ids, ids)
		})
	}
}

func logInOrder(t *testing.T, s bench) {
	midnight := time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	yesterday, tomorrow := record("yesterday", "", midnight.Add(-time.Millisecond)), record("tomorrow", "", midnight.AddDate(0, 0, 1))
	commit(t, s, clinic.Commit{Audit: []audit.Record{yesterday, tomorrow}})
	last := record("last", "", midnight.AddDate(0, 0, 1).Add(-time.Millisecond).In(time.FixedZone("west", -8*3600)))
	commit(t, s, clinic.Commit{Audit: []audit.Record{last}})
	all := append(days(t, s, 40, midnight), last.Position(), tomorrow.Position())
	all = append([]string{yesterday.Position()}, all...)
	for name, test := range map[string]struct {
		after, through string
		limit          int
		want           []string
	}{
		"all of it":          {"", end, 100, all},
		"a limit":            {"", end, 7, all[:7]},
		"after one":          {all[6], end, 100, all[7:]},
		"after one, limited": {all[6], end, 5, all[7:12]},
		"through one":        {"", all[6], 100, all[:7]},
		"between two":        {all[3], all[6], 100, all[4:7]},
		"after the last":     {all[42], end, 100, nil},
		"nothing between":    {all[6], all[6], 100, nil},
		"backwards":          {all[7], all[6], 100, nil},
	} {
		leaves, err := s.Log(t.Context(), practiceID, test.after, test.through, test.limit)
		same(t, name, positionsOf(leaves), err, test.want)
	}
}

// logPages reads a log of days apart, by pages of every size that cuts within a
// day, between two, and across several.
func logPages(t *testing.T, s bench) {
	midnight := time.Date(2026, time.February, 26, 0, 0, 0, 0, time.UTC)
	all := days(t, s, 10, midnight, midnight.AddDate(0, 0, 1), midnight.AddDate(0, 0, 20), midnight.AddDate(1, 0, 0))
	for _, limit := range []int{1, 3, 10, 20, 25, 40, 100} {
		var got []string
		for after := ""; ; {
			leaves, err := s.Log(t.Context(), practiceID, after, end, limit)
			if err != nil {
				t.Fatal(err)
			}
			if len(leaves) > limit {
				t.Fatalf("a page of %d has %d leaves", limit, len(leaves))
			}
			got = append(got, positionsOf(leaves)...)
			if len(leaves) < limit || len(got) > len(all) {
				break
			}
			after = got[len(got)-1]
		}
		if diff := cmp.Diff(all, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for name, test := range map[string]struct {
		after, through string
		want           []string
	}{
		"through a position":   {"", all[24], all[:25]},
		"between positions":    {all[4], all[24], all[5:25]},
		"after the last":       {all[39], all[39], nil},
		"backwards over days":  {all[30], all[5], nil},
		"after no position":    {"2026", end, all},
		"after what is none":   {"zzz", end, nil},
		"after what is beyond": {end, end, nil},
	} {
		leaves, err := s.Log(t.Context(), practiceID, test.after, test.through, 100)
		same(t, name, positionsOf(leaves), err, test.want)
	}
}

func active(t *testing.T, s bench) {
	at := func(practice string, hours int) audit.Record {
		r := record(fmt.Sprintf("%s-%d", practice, hours), "", noon.Add(time.Duration(hours)*time.Hour))
		r.Practice = practice
		return r
	}
	commit(t, s,
		clinic.Commit{Audit: []audit.Record{at("p2", 0), at("p1", 0), at("p#3", 1)}},
		clinic.Commit{Audit: []audit.Record{at("p1", 30)}},
	)
	again := at("p1", 0)
	again.ID = "again"
	commit(t, s, clinic.Commit{Audit: []audit.Record{again}})
	all := []sweep.Activity{{Practice: "p1", Hour: "2026-03-02T12"}, {Practice: "p2", Hour: "2026-03-02T12"}, {Practice: "p#3", Hour: "2026-03-02T13"}, {Practice: "p1", Hour: "2026-03-03T18"}}
	for name, test := range map[string]struct {
		from  string
		limit int
		want  []sweep.Activity
	}{
		"from the beginning": {"", 10, all},
		"from an hour on":    {"2026-03-02T12", 10, all},
		"from the next":      {"2026-03-02T13", 10, all[2:]},
		"between two":        {"2026-03-02T14", 10, all[3:]},
		"after the last":     {"2026-03-03T19", 10, []sweep.Activity{}},
		"a limit":            {"", 3, all[:3]},
	} {
		got, err := s.Active(t.Context(), test.from, test.limit)
		same(t, name, got, err, test.want)
	}
}
