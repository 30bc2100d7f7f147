package clinic_test

import (
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/visit"
)

// A request that ran out of its time is sent again, paid and answered as any other,
// and the one that expired is not charged; one that expires again is sent again as
// another, with its own answers.
func TestAgain_ExpiredUnanswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expire := func(id string) {
		w.pays(id, stripesim.CardSuccess)
		w.settle()
		w.stands(id, visit.Queued)
		for range 3 {
			w.pass(25 * time.Hour)
			w.minute()
		}
		w.settle()
		w.stands(id, visit.Expired)
	}
	again := func(id string) visit.Visit {
		var v visit.Visit
		w.does("again", func() (err error) {
			v, err = w.request.Again(w.ctx, w.as(jane), id)
			return err
		})
		return v
	}
	send := func(id string, more said) {
		w.saves(jane, id, with(urinary, more))
		w.submits(jane, id, w.prices(jane, id).Quote.ID)
	}
	first := w.submitted()
	expire(first)
	second := again(first)
	if second.Status != visit.Draft || second.ID == first || again(first).ID != second.ID {
		t.Fatalf("sent again, it is %+v", second)
	}
	send(second.ID, said{"medications": "aspirin"})
	expire(second.ID)
	third := again(first)
	if third.ID == second.ID || third.ID != again(second.ID).ID {
		t.Fatalf("after it expired again, it is sent again as %s", third.ID)
	}
	c, err := w.chart(jane, third.ID)
	if err != nil {
		t.Fatal(err)
	}
	if vs := c.Response.Answers("medications"); len(vs) != 1 || vs[0].Text() != "aspirin" {
		t.Errorf("the medicines carried over are %v", vs)
	}
	if len(c.Response.Answers("uti-fever"))+len(c.Response.Answers("location-state")) > 0 {
		t.Error("what must be said anew is carried over")
	}
	send(third.ID, nil)
	w.pays(third.ID, stripesim.CardSuccess)
	w.settle()
	w.takes(ana, third.ID)
	w.answers(third.ID)
	w.finish()
	for _, id := range []string{first, second.ID, third.ID} {
		w.proven(id)
	}
	w.balanced()
	w.handled()
}
