package verify_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// with is a row with some attributes changed.
func with(i item, changed item) item {
	out := maps.Clone(i)
	maps.Copy(out, changed)
	return out
}

func without(i item, name string) item {
	out := maps.Clone(i)
	delete(out, name)
	return out
}

// own is a row that logs and sweeps are made of.
func (w *world) own(pk, sk string) item {
	w.Helper()
	out, err := w.db.GetItem(w.Context(), &dynamodb.GetItemInput{
		TableName: &w.table, Key: item{"pk": str(pk), "sk": str(sk)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil || out.Item == nil {
		w.Fatalf("there is no row %s / %s: %v", pk, sk, err)
	}
	return out.Item
}

// An owned is a row of the log's or the sweep's own: as it is, as it was an hour
// before, and another practice's, or another one.
type owned struct{ is, was, other item }

// damage is what may become of a row.
var damage = map[string]func(w *world, r owned){
	"undecodable":     func(w *world, r owned) { w.put(with(r.is, item{"d": str("{")})) },
	"without content": func(w *world, r owned) { w.put(without(r.is, "d")) },
	"of another type": func(w *world, r owned) {
		w.put(with(r.is, item{"d": &types.AttributeValueMemberB{Value: []byte("x")}}))
	},
	"of a later format":   func(w *world, r owned) { w.put(with(r.is, item{"f": &types.AttributeValueMemberN{Value: "99"}})) },
	"without a version":   func(w *world, r owned) { w.put(without(without(r.is, "v"), "w")) },
	"removed":             func(w *world, r owned) { w.remove(r.is) },
	"older put back":      func(w *world, r owned) { w.put(r.was) },
	"of another practice": func(w *world, r owned) { w.remove(r.is); w.put(under(r.other, r.is)) },
	"garbled key":         func(w *world, r owned) { w.remove(r.is); w.put(with(r.is, item{"sk": str("zzz")})) },
	"key of another":      func(w *world, r owned) { w.remove(r.is); w.put(r.other) },
}

// Each row that logs and sweeps are made of, damaged in every way: who notices,
// that the other practice's log is signed and compared meanwhile, and that in the
// end nothing is hidden: what the damaged practice wrote is signed within a day.
func TestOwnRows_DamagedHideNothing(t *testing.T) {
	const hour, day = "ACTIVE#hours", "ACTIVE#of#lakeside"
	for name, c := range map[string]struct {
		row    string
		sweep  bool // logs the damage, which is an alarm
		verify bool // finds it
		late   bool // the practice's log is signed by the daily look only
	}{
		"LOG undecodable":           {row: "LOG", sweep: true, verify: true},
		"LOG without content":       {row: "LOG", sweep: true, verify: true},
		"LOG of another type":       {row: "LOG", sweep: true, verify: true},
		"LOG of a later format":     {row: "LOG", sweep: true, verify: true},
		"LOG without a version":     {row: "LOG", sweep: true, verify: true},
		"LOG removed":               {row: "LOG", sweep: true, verify: true},
		"LOG older put back":        {row: "LOG", sweep: true, verify: true},
		"LOG of another practice":   {row: "LOG", sweep: true, verify: true},
		"SWEEP undecodable":         {row: "SWEEP", sweep: true},
		"SWEEP without content":     {row: "SWEEP", sweep: true},
		"SWEEP of another type":     {row: "SWEEP", sweep: true},
		"SWEEP of a later format":   {row: "SWEEP", sweep: true},
		"SWEEP without a version":   {row: "SWEEP", sweep: true},
		"SWEEP removed":             {row: "SWEEP", sweep: true},
		"SWEEP older put back":      {row: "SWEEP"}, // they do again what they did
		"SWEEP of another practice": {row: "SWEEP", sweep: true},
		// Of these rows the key alone matters.
		hour + " undecodable":    {row: hour},
		hour + " older put back": {row: hour},
		hour + " removed":        {row: hour, late: true},
		hour + " garbled key":    {row: hour, sweep: true, late: true},
		hour + " key of another": {row: hour, late: true},
		day + " undecodable":     {row: day},
		day + " older put back":  {row: day},
		day + " removed":         {row: day},
		day + " garbled key":     {row: day},
		day + " key of another":  {row: day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var log bytes.Buffer
			w.kernel.Log = slog.New(slog.NewJSONHandler(&log, nil))
			harm := func(r owned) { damage[strings.TrimPrefix(name, c.row+" ")](w, r) }
			w.plant()
			w.writes("first")
			w.sign()
			was := w.ownRows()
			w.moved += time.Hour
			w.writes("second")
			w.sign()
			w.sweep = &sweep.Room{Kernel: w.kernel, Store: w.store, LogKey: w.sweep.LogKey, Signer: w.sweep.Signer, Heads: w.sweep.Heads, Shards: store.Shards} // another process
			of := w.ownRows()[c.row]
			of.was = was[c.row].is
			if log.Len() > 0 {
				t.Fatalf("before the damage the log says %s", log.String())
			}

			before := w.sizes()
			harm(of)
			if f := w.compare("lakeside"); (f != nil) != c.verify {
				t.Errorf("of lakeside it is found that %v", f)
			}
			if f := w.compare("harbor"); f != nil {
				t.Errorf("of harbor it is found that %v", f)
			}
			w.loseEvent()
			w.writes("third")
			if strings.HasPrefix(c.row, "ACTIVE") {
				harm(of)
			}
			w.moved += 40 * time.Minute // within the hour
			w.sign()
			after := w.sizes()
			if after["harbor"] != before["harbor"]+1 {
				t.Errorf("harbor's log had %d leaves, and has %d", before["harbor"], after["harbor"])
			}
			if grown := after["lakeside"] == before["lakeside"]+1; grown == c.late {
				t.Errorf("lakeside's log had %d leaves, and has %d", before["lakeside"], after["lakeside"])
			}
			if said := strings.Contains(log.String(), `"level":"ERROR","msg":"altered"`); said != c.sweep {
				t.Errorf("the sweep logs %s", log.String())
			}
			if !strings.Contains(log.String(), "an event's delivery was lost") {
				t.Errorf("the lost event is not found; the sweep logs %s", log.String())
			}
			for n := 0; c.late && n < 24; n++ {
				w.moved += time.Hour
				w.sign()
			}
			if after := w.sizes(); after["lakeside"] != before["lakeside"]+1 {
				t.Errorf("a day later lakeside's log had %d leaves, and has %d", before["lakeside"], after["lakeside"])
			}
			if f := w.whole(); f != nil {
				t.Errorf("in the end it is found that %v", f)
			}
		})
	}
}

// ownRows are the rows that a sweep of lakeside's log is made of.
func (w *world) ownRows() map[string]owned {
	w.Helper()
	hour, day := sweep.HourOf(w.kernel.Time()), w.kernel.Time().Format(time.DateOnly)
	return map[string]owned{
		"LOG":                {is: w.own("LOG#lakeside", "-"), other: w.own("LOG#harbor", "-")},
		"SWEEP":              {is: w.own("SWEEP#state", "-"), other: w.own("LOG#harbor", "-")},
		"ACTIVE#hours":       {is: w.own("ACTIVE#hours", hour+"#lakeside"), other: w.own("ACTIVE#hours", hour+"#harbor")},
		"ACTIVE#of#lakeside": {is: w.own("ACTIVE#of#lakeside", day), other: w.own("ACTIVE#of#harbor", day)},
	}
}

// writes writes a row of each practice.
func (w *world) writes(about string) {
	w.Helper()
	for _, id := range []string{"lakeside", "harbor"} {
		i := work.New(work.Item{Kind: work.EventParked, Practice: id, Pool: identity.OfficePool}, about, start)
		w.commit(clinic.Commit{Work: []work.Item{i}}, id)
	}
}

// loseEvent puts an event that the stream never delivers.
func (w *world) loseEvent() {
	w.Helper()
	w.kernel.Writer = outbox.ByAPI
	v := visit.Visit{ID: "visit1", Practice: "lakeside"}
	w.commit(clinic.Commit{Events: []outbox.Event{w.kernel.Event(outbox.Late, outbox.Notify, v, w.kernel.Time())}})
}

// compare is what comparing one log whole finds; nil if nothing.
func (w *world) compare(practice string) *audit.Finding {
	w.Helper()
	_, _, err := w.verify.CompareAll(w.Context(), practice)
	f, ok := errors.AsType[*audit.Finding](err)
	if err != nil && !ok {
		w.Errorf("comparing %s: %v", practice, err)
	}
	return f
}

// sizes are how many leaves of each log are signed.
func (w *world) sizes() map[string]int64 {
	w.Helper()
	out := map[string]int64{}
	for _, id := range []string{"lakeside", "harbor"} {
		h, err := w.store.LogHead(w.Context(), id)
		if err != nil {
			w.Errorf("the head of %s: %v", id, err)
		}
		out[id] = h.Tree.Size
	}
	return out
}
