package clinic_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic/request"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// accesses reads the whole access list of a patient by pages of a length.
func (w *world) accesses(who, patient string, length int) []request.Access {
	w.Helper()
	var all []request.Access
	for cursor, pages := "", 0; ; pages++ {
		page, next, err := w.request.AccessList(w.ctx, w.as(who), patient, cursor, length)
		if err != nil || len(page) > length || pages > 500 {
			w.Fatalf("page %d of the access list: %d, %v", pages, len(page), err)
		}
		all = append(all, page...)
		if next == "" {
			return all
		}
		cursor = next
	}
}

// Everyone who did or saw something is in the list once, across visits and newest first,
// however it is paged; what is about the patient as a whole is in it, and no request that
// is in no list of theirs.
func TestAccessList_AllOfItNewestFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second, draft, gone := w.closed(), w.taken(), w.draft(), w.draft()
	w.deletes(gone)
	w.pass(time.Hour)
	if _, err := w.chart(ben, first); err != nil {
		t.Fatal(err)
	}
	_, err := w.request.Show(w.ctx, w.as(tom), second)
	w.refused(err, "not_found")
	_, _, err = w.request.ListVisits(w.ctx, w.as(elena), jane, "", 10)
	w.refused(err, "not_found")
	_, _, err = w.request.ListVisits(w.ctx, w.as(jane), "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, id := range []string{first, second, draft} {
		trail, err := w.tape.Trail(w.ctx, id, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range trail {
			want[r.ID] = true
		}
	}
	all := w.accesses(jane, "", 7)
	seen := map[string]bool{}
	outside := ""
	for _, a := range all {
		if seen[a.ID] {
			t.Errorf("%s of %s is listed twice", a.Action, a.Actor.ID)
		}
		seen[a.ID] = true
		switch {
		case a.Record.Visit == "":
			outside += a.Actor.ID + " " + a.Action + " " + string(a.Outcome) + ","
		case !want[a.ID] && a.Actor.ID != jane, a.Visit.ID != a.Record.Visit || a.Visit.Number() == "":
			t.Errorf("listed: %s %s of %s", a.Actor.ID, a.Action, a.Record.Visit)
		}
		delete(want, a.ID)
	}
	if len(want) > 0 {
		t.Errorf("%d records are not listed", len(want))
	}
	if !slices.IsSortedFunc(all, func(a, b request.Access) int { return strings.Compare(b.Position(), a.Position()) }) {
		t.Error("the list is not in the order of time")
	}
	if !strings.Contains(outside, "elena-diaz visit.list refused") || strings.Contains(outside, jane+" visit.list") {
		t.Errorf("about no visit: %s", outside)
	}
	if got := len(w.accesses(jane, "", 1000)) - len(all); got < 1 || got > 100 { // each page read was recorded
		t.Errorf("read at once there are %d records more", got)
	}
}

// Whose data they are and who acts for them may have the list and the record, and nobody
// else: not another patient, nobody of the practice, and no one whose grant ended.
func TestAccessList_WhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ended := person(elena)
	ended.Grants[0].Until = w.now().Add(time.Hour)
	w.becomes(ended)
	for _, test := range []struct{ who, patient, code string }{
		{jane, "", ""},
		{jane, jane, ""},
		{elena, rosa, ""},
		{elena, "", "no_patient"},
		{elena, jane, "not_found"},
		{tom, jane, "not_found"},
		{hana, jane, "not_found"},
		{sam, jane, "denied"},
		{ada, jane, "denied"}, // who may know where visits of hers stand
		{ana, jane, "not_found"},
		{nora, jane, "not_found"},
		{ana, "", "not_found"},
		{omar, jane, "not_found"},
	} {
		_, _, listed := w.request.AccessList(w.ctx, w.as(test.who), test.patient, "", 10)
		_, _, taken := w.request.Download(w.ctx, w.as(test.who), request.Place{Patient: test.patient}, keep(new([]request.VisitRecord)))
		for what, err := range map[string]error{"the list": listed, "the record": taken} {
			if test.code == "" && err != nil {
				t.Errorf("%s is refused %s of %q: %v", test.who, what, test.patient, err)
			}
			if test.code != "" {
				w.refused(err, test.code)
			}
		}
	}
	w.pass(2 * time.Hour)
	_, _, err := w.request.AccessList(w.ctx, w.as(elena), rosa, "", 10)
	w.refused(err, "not_found")
}

func keep(all *[]request.VisitRecord) func(request.Record, request.VisitRecord) (bool, error) {
	return func(_ request.Record, v request.VisitRecord) (bool, error) {
		*all = append(*all, v)
		return false, nil
	}
}

// The record has every visit once, whatever the parts; that it was taken is recorded, and
// so is each visit's content as read, but for a draft's.
func TestDownload_EveryVisitOnceAndAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	closed, handed, draft, gone := w.closed(), w.taken(), w.draft(), w.draft()
	w.handsOver(handed, "She lives next door.")
	w.deletes(gone)
	want := []string{draft, handed, closed}
	for limit := 0; limit <= 3; limit++ {
		var all []request.VisitRecord
		parts := 0
		for cursor := ""; ; parts++ {
			rec, next, err := w.request.Download(w.ctx, w.as(jane), request.Place{Cursor: cursor, Limit: limit}, keep(&all))
			if err != nil || rec.Contact.Name != "Jane Smith" || (len(rec.Trail) > 0) != (cursor == "" && limit > 0) {
				t.Fatalf("part %d of limit %d: %q with %d acts, %v", parts, limit, rec.Contact.Name, len(rec.Trail), err)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
		var got []string
		for _, v := range all {
			got = append(got, v.Chart.Visit.ID)
			if len(v.Chart.Notes) > 0 {
				t.Error("the record has a colleague's note")
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("by parts of %d the record has %v, want %v", limit, got, want)
		}
		if limit > 0 && parts != (len(want)-1)/limit {
			t.Errorf("by %d there are %d parts", limit, parts+1)
		}
	}
	for id, reads := range map[string]int{closed: 4, handed: 4, draft: 0} {
		trail, err := w.tape.Trail(w.ctx, id, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, r := range trail {
			if r.Action == "chart.read:record" && r.Actor.ID == jane {
				got++
			}
		}
		if got != reads {
			t.Errorf("%s was read %d times, its trail says %d", id, reads, got)
		}
	}
	taken := 0
	for _, a := range w.accesses(jane, "", 50) {
		if a.Action == string(identity.DownloadRecord) && a.Outcome != audit.Refused {
			taken++
		}
	}
	if taken != 1+3+2+1 {
		t.Errorf("the record was taken %d times, by the list", taken)
	}
	w.stands(handed, visit.InReview)
}
