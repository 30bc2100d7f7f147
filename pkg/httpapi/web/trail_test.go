package web

import (
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
	"evisit/pkg/record"
)

// The trail has the latest first, what others did in a row as one act, and what the
// visitor did apart, each thing once.
func TestTrail_Folded(t *testing.T) {
	t.Parallel()
	ada := audit.Actor{ID: "ada", Role: "patient"}
	cal := audit.Actor{ID: "cal", Role: "caregiver", OnBehalf: "p-ada"}
	doctor := audit.Actor{ID: "drx", Role: "clinician", Name: "Xenia Xu, MD"}
	nurse := audit.Actor{ID: "nan", Role: "nurse", Name: "Nan North, RN"}
	charge := audit.Actor{ID: "system:charge", Role: "system"}
	var records []audit.Record
	for n, r := range []audit.Record{
		{Actor: ada, Action: "visit.fill:queued"},
		{Actor: charge, Action: "payment.held"},
		{Actor: ada, Action: "chart.read:page"},
		{Actor: doctor, Action: "chart.read:chart"},
		{Actor: doctor, Action: "chart.read:chart"},
		{Actor: doctor, Action: "visit.take:in_review"},
		{Actor: doctor, Action: "chart.read:chart"},
		{Actor: cal, Action: "chart.read:page"},
		{Actor: ada, Action: "chart.read:page"},
		{Actor: nurse, Action: "visit.treat", Outcome: audit.Refused, Reason: "role"},
		{Actor: nurse, Action: "visit.treat", Outcome: audit.Refused, Reason: "role"},
	} {
		r.At = time.Date(2026, 3, 2, 12, n, 0, 0, time.UTC)
		records = append(records, r)
	}
	p := practice.Practice{Core: practice.Core{Zone: "UTC"}}
	at := func(a act, minute int) act {
		when := time.Date(2026, 3, 2, 12, minute, 0, 0, time.UTC)
		a.When, a.Machine = p.Local(when), when.Format(time.RFC3339)
		return a
	}
	xenia := func(what string, times, minute int) act {
		return at(act{Act: record.Act{Who: "Xenia Xu, MD", Role: "clinician", What: what}, Times: times}, minute)
	}
	theirs := []act{
		xenia("read the answers and messages", 1, 6), xenia("took the request", 1, 5), xenia("read the answers and messages", 2, 4),
		at(act{Act: record.Act{Who: "The system", What: "noted that the card is held"}, Times: 1}, 1),
	}
	refused := at(act{Act: record.Act{Who: "Nan North, RN", Role: "nurse", What: "ask, answer or decline", Refused: true, Why: "not part of their role"}, Times: 2}, 10)
	for name, test := range map[string]struct {
		visitor visitor
		want    trailView
	}{
		"the patient": {
			visitor{Caller: clinic.Caller{Person: identity.Person{ID: "ada", Patient: "p-ada"}}},
			trailView{
				Others: append([]act{refused, at(act{Act: record.Act{Who: "Caregiver", Role: "for you", What: "read the request"}, Times: 1}, 7)}, theirs...),
				Own: []act{
					at(act{Act: record.Act{Who: "You", What: "read the request"}, Times: 2}, 8), at(act{Act: record.Act{Who: "You", What: "sent the request"}, Times: 1}, 0),
				},
			},
		},
		"the caregiver": {
			visitor{Caller: clinic.Caller{Person: identity.Person{ID: "cal"}}, For: "Ada Adams"},
			trailView{
				Others: append(append([]act{refused, at(act{Act: record.Act{Who: "Ada Adams", Role: "patient", What: "read the request"}, Times: 1}, 8)}, theirs[:3]...),
					at(act{Act: record.Act{Who: "Ada Adams", Role: "patient", What: "read the request"}, Times: 1}, 2), theirs[3],
					at(act{Act: record.Act{Who: "Ada Adams", Role: "patient", What: "sent the request"}, Times: 1}, 0)),
				Own: []act{at(act{Act: record.Act{Who: "You", What: "read the request"}, Times: 1}, 7)},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.visitor.practice = p
			var got trailView
			got.fill(records, test.visitor)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("the trail differs (-want +got):\n%s", d)
			}
		})
	}
}

// A long trail is cut into pages, which together have each act once, in order.
func TestTrail_Pages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, trailLength, trailLength + 1, 3*trailLength + 7} {
		var all []act
		for i := range n {
			all = append(all, act{Act: record.Act{What: strconv.Itoa(i)}})
		}
		var seen []act
		own := 0
		for skip, pages := 0, 0; pages < 10; pages++ {
			view := trailView{Visit: "v", Others: all, Own: []act{{Act: record.Act{What: "mine"}}}}
			view.cut(skip)
			if len(view.Others) > trailLength || (view.Latest == "") != (skip == 0) {
				t.Fatalf("of %d acts a page after %d has %d, and the beginning at %q", n, skip, len(view.Others), view.Latest)
			}
			seen, own = append(seen, view.Others...), own+len(view.Own)
			if view.Earlier == "" {
				break
			}
			u, err := url.Parse(view.Earlier)
			if err != nil || u.Path != "/my/visits/v/trail" {
				t.Fatalf("%q: %v", view.Earlier, err)
			}
			if skip, err = strconv.Atoi(u.Query().Get(afterField)); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(all, seen); d != "" || own != 1 {
			t.Errorf("the pages of %d acts have others, and %d times the visitor's own (-want +got):\n%s", n, own, d)
		}
	}
}
