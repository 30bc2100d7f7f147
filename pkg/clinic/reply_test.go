package clinic_test

import (
	"testing"

	"evisit/pkg/clinic/request"
	"evisit/pkg/visit"
)

// A reply is the same again only if its answers are: a red flag is heard
// though the words beside it were sent before.
func TestReply_SameWordsOtherAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.asked()
	reply := func(s said) visit.Visit {
		t.Helper()
		v, _, err := w.request.Reply(w.ctx, w.as(jane), id, request.Message{Text: "Please see my answers.", Answers: page(s)})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := reply(said{"uti-onset": 5})
	if again := reply(said{"uti-onset": 5}); again.Version != first.Version {
		t.Errorf("the same reply again made version %d of %d", again.Version, first.Version)
	}
	if other := reply(said{"uti-onset": 4}); other.Messages != first.Messages+1 {
		t.Errorf("other answers were not kept: %d messages", other.Messages)
	}
	flagged := reply(said{"uti-confused": true})
	if flagged.Status != visit.Diverted {
		t.Errorf("a red flag leaves the visit %s", flagged.Status)
	}
	if again := reply(said{"uti-confused": true}); again.Version != flagged.Version {
		t.Errorf("the same red flag again made version %d of %d", again.Version, flagged.Version)
	}
}
