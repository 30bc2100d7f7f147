package clinic_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/record"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// deactivates takes someone's access away, as registering does.
func (w *world) deactivates(who string) {
	w.Helper()
	w.becomes(person(who).Activate(false, w.now()))
}

func (w *world) left(who string) time.Time {
	w.Helper()
	p, err := w.tape.Person(w.ctx, who)
	if err != nil {
		w.Fatalf("person %s: %v", who, err)
	}
	return p.Left
}

// runs runs the function deadline as its schedule does, until it finds nothing to do.
func (w *world) runs() {
	w.Helper()
	for range 10 {
		n, err := w.deadline.Run(w.ctx)
		if err != nil {
			w.Fatalf("deadline: %v", err)
		}
		if n == 0 {
			return
		}
	}
	w.Fatalf("deadline never ends")
}

// The visits of someone whose access was taken away go back to their pool within a
// minute, those that await the patient too; their promises stand, the pool is told once,
// and a colleague answers them.
func TestLeaver_VisitsGoBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reviewed, asked, bens := w.taken(), w.taken(), w.queued()
	w.asks(asked, "Since when?")
	w.takes(ben, bens)
	before := map[string]visit.Visit{reviewed: w.visit(reviewed), asked: w.visit(asked)}
	w.deactivates(ana)
	if _, err := w.desk.Answer(w.ctx, w.as(ana), reviewed, cystitis); err == nil {
		t.Error("who has no access answers")
	}
	w.runs()
	for id, was := range before {
		want := map[visit.Status]visit.Status{visit.InReview: visit.Queued, visit.AwaitingPatient: visit.AwaitingPatient}[was.Status]
		v := w.stands(id, want)
		if v.Holder.ID != "" || v.Promise != was.Promise || !v.Due().Equal(was.Due()) {
			t.Errorf("given back, it is with %q and promised %+v; it was %+v", v.Holder.ID, v.Promise, was.Promise)
		}
		w.proven(id)
	}
	w.acts(reviewed, "visit.take:in_review", "visit.return:queued")
	if v := w.stands(bens, visit.InReview); v.Holder.ID != ben {
		t.Errorf("a colleague's visit is with %q", v.Holder.ID)
	}
	if got := w.todo(ben, "") + "," + w.todo(sam, ""); got != "visits.returned," {
		t.Errorf("clinicians and staff have to do %q", got)
	}
	w.pass(time.Minute)
	w.runs()
	if at := w.left(ana); !at.IsZero() {
		t.Errorf("their visits are looked for still, since %v", at)
	}
	w.replies(asked, "Since Sunday.")
	w.stands(asked, visit.Queued)
	for _, id := range []string{reviewed, asked, bens} {
		w.takes(ben, id)
		w.does("answer", func() error { _, err := w.desk.Answer(w.ctx, w.as(ben), id, cystitis); return err })
	}
	w.settle()
	w.charged(reviewed)
	w.handled()
}

// A visit that was handed to someone in the moment in which they lost their access comes
// back, and so does one that they took in a request that was judged before.
func TestLeaver_HandedOverInBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	w.deactivates(ben)
	w.runs() // looks, and finds nothing yet
	v, err := w.visit(id).HandOver(person(ana), person(ben), w.now())
	if err != nil {
		t.Fatal(err)
	}
	w.does("commit", func() error { // as a request that read Ben before he lost his access
		r := w.desk.Kernel.Record(w.as(ana).Actor(v.Patient), "visit.hand_over:in_review", v, w.now())
		return w.tape.Commit(w.ctx, clinic.Commit{Visit: &v, Notes: []clinic.Note{w.note(v)}, Audit: []audit.Record{r}})
	})
	w.pass(50 * time.Second)
	w.runs()
	if v := w.stands(id, visit.Queued); v.Holder.ID != "" {
		t.Errorf("it is with %s", v.Holder.ID)
	}
	w.pass(10 * time.Second)
	w.runs()
	if at := w.left(ben); !at.IsZero() {
		t.Errorf("their visits are looked for still, since %v", at)
	}
	w.proven(id)
}

func (w *world) note(v visit.Visit) clinic.Note {
	w.Helper()
	n, err := w.charts.SealNote(w.ctx, v, record.Note{Kind: record.HandOver, Text: "Please."})
	if err != nil {
		w.Fatalf("note: %v", err)
	}
	return n
}

// Someone who got their access back in time keeps their visits.
func TestLeaver_ReactivatedKeepsVisits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.taken()
	back := person(ana)
	back.Left = w.now()
	w.becomes(back) // active, and nobody has cleared it
	w.runs()
	if v := w.stands(id, visit.InReview); v.Holder.ID != ana {
		t.Errorf("it is with %q", v.Holder.ID)
	}
	if at := w.left(ana); !at.IsZero() {
		t.Errorf("their visits are looked for, since %v", at)
	}
	w.answers(id)
	if p := person(ana).Activate(false, w.now()).Activate(true, w.now()); !p.Left.IsZero() || p.Inactive {
		t.Errorf("reactivated, they left at %v", p.Left)
	}
}

// More visits than one page of the queue go back, and a run that is cut short is taken up
// by the next; several at once do no harm.
func TestLeaver_CutShortGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for range 6 {
		ids = append(ids, w.taken())
	}
	w.deactivates(ana)
	w.trouble.order(commits, 3, killedAfter)
	if err := w.alive(func() error { _, err := w.deadline.Run(w.ctx); return err }); !errors.Is(err, errKilled) {
		t.Errorf("the run ends with %v", err)
	}
	given := 0
	for _, id := range ids {
		if w.visit(id).Holder.ID == "" {
			given++
		}
	}
	if given == 0 || given == len(ids) || w.left(ana).IsZero() {
		t.Fatalf("cut short, %d of %d are given back, left at %v", given, len(ids), w.left(ana))
	}
	run := func() error { _, err := w.deadline.Run(w.ctx); return err }
	if err := errors.Join(atOnce(run, run, run)...); err != nil {
		t.Errorf("deadline: %v", err)
	}
	w.runs()
	for _, id := range ids {
		w.stands(id, visit.Queued)
		w.acts(id, "visit.take:in_review", "visit.return:queued")
		w.proven(id)
	}
	if got := w.todo(ben, ""); got != "visits.returned" {
		t.Errorf("the pool has to do %q", got)
	}
}

// An itemReads counts the reads of work items.
type itemReads struct {
	clinic.Store

	items int
}

func (s *itemReads) WorkItem(ctx context.Context, practice, id string) (work.Item, error) {
	s.items++
	return s.Store.WorkItem(ctx, practice, id)
}

// Whether a pool was told is asked once, however many visits go back to it.
func TestLeaver_PoolIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.taken()
	}
	w.deactivates(ana)
	counted := &itemReads{Store: w.deadline.Kernel.Store}
	w.deadline.Kernel.Store = counted
	w.runs()
	if counted.items != 1 {
		t.Errorf("%d items were read for three visits, want 1", counted.items)
	}
	if got := w.todo(ben, ""); got != "visits.returned" {
		t.Errorf("the pool has to do %q", got)
	}
}

// An administrative request goes back to staff. A patient who is deactivated holds no
// visits: none is looked for.
func TestLeaver_StaffAndPatients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.paperwork()
	w.deactivates(sam)
	w.deactivates(tom)
	if at := w.left(tom); !at.IsZero() {
		t.Errorf("a patient left at %v", at)
	}
	w.runs()
	if v := w.stands(id, visit.Queued); v.Holder.ID != "" || v.Pool != identity.StaffPool {
		t.Errorf("it is with %q, for %s", v.Holder.ID, v.Pool)
	}
}
