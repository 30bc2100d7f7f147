package protocol_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
	"evisit/pkg/library"
	"evisit/pkg/protocol"
)

var (
	ada  = protocol.Author{Person: "ada", Name: "Ada Brooks", At: time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)}
	dora = protocol.Author{Person: "dora", Name: "Dora Quist, MD", At: ada.At.Add(time.Hour)}
)

func shelf(t *testing.T) protocol.Library {
	t.Helper()
	l, err := library.Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// somebodys is a questionnaire that its author made for another system.
const somebodys = `{"resourceType":"Questionnaire","status":"active","item":[{"linkId":"1","type":"integer","text":"How many?"}]}`

// A questionnaire of another maker becomes a form with what the practice says of it.
func TestRead_SomebodyElsesQuestionnaire(t *testing.T) {
	t.Parallel()
	about := intake.About{Name: "how-many", URL: "https://example.org/how-many", Version: "1.0", Title: "How many", Billing: "em"}
	r, err := protocol.Read(shelf(t).Common, protocol.Source{Questionnaire: []byte(somebodys), About: about})
	if err != nil {
		f, _ := fault.Public(err)
		t.Fatal(err, f.Problems)
	}
	if r.Form.Name() != "how-many" || !strings.HasPrefix(r.Form.Version(), "1.0-common-") || r.Form.BillingClass() != "em" || len(r.Examination.Problems) > 0 {
		t.Errorf("it is %s %s, %v", r.Form.Name(), r.Form.Version(), r.Examination.Problems)
	}
	if _, err := protocol.Read(shelf(t).Common, protocol.Source{Questionnaire: []byte(somebodys)}); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a name: %v", err)
	}
}

// The whole of a source is bounded, and not each of its parts alone.
func TestRead_SizeOfAllParts(t *testing.T) {
	t.Parallel()
	half := json.RawMessage(`"` + strings.Repeat("x", protocol.MaxBytes/2) + `"`)
	_, err := protocol.Read(shelf(t).Common, protocol.Source{Questionnaire: half, ValueSets: []json.RawMessage{half}})
	if !errors.Is(err, fault.TooLarge) {
		t.Errorf("1 MB and more: %v", err)
	}
}

// Every protocol of the library may be approved and published as it is, and an approval is
// of one text.
func TestDraft_ApprovedAndPublished(t *testing.T) {
	t.Parallel()
	l := shelf(t)
	if len(l.Protocols) != 9 {
		t.Errorf("%d protocols", len(l.Protocols))
	}
	for _, e := range l.Protocols {
		r, err := protocol.Read(l.Common, e.Source)
		if err != nil {
			t.Fatal(e.Name, err)
		}
		d, err := r.Submit(protocol.Draft{}, "hill", e.Source, 0, ada)
		if err != nil || d.Version != 1 || d.Name != e.Name {
			t.Fatalf("%s: %+v, %v", e.Name, d, err)
		}
		if _, err := r.Publish(d, ada); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s is published without approval: %v", e.Name, err)
		}
		if _, err := r.Approve(d, strings.Repeat("0", 64), dora); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: another text is approved: %v", e.Name, err)
		}
		if d, err = r.Approve(d, r.Form.Hash(), dora); err != nil || d.Version != 2 || d.Approved.Person != "dora" {
			t.Fatalf("%s: approving: %+v, %v", e.Name, d.Approved, err)
		}
		out, err := r.Publish(d, ada)
		if err != nil || out.Version != 3 || *out.Published != ada {
			t.Errorf("%s: publishing: %+v, %v", e.Name, out.Published, err)
		}
		if again, err := r.Publish(out, dora); err != nil || again.Version != 3 || *again.Published != ada {
			t.Errorf("%s: publishing again: %+v, %v", e.Name, again.Published, err)
		}
		other := d
		other.Approved = &protocol.Approval{Author: dora, Hash: "of another text"} // the common block was another then
		if _, err := r.Publish(other, ada); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: another text's approval is taken: %v", e.Name, err)
		}
		if _, err := r.Submit(out, "hill", e.Source, 2, ada); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: a draft that was not seen is replaced: %v", e.Name, err)
		}
		if next, err := r.Submit(out, "hill", e.Source, 3, ada); err != nil || next.Approved != nil || next.Published != nil || next.Version != 4 {
			t.Errorf("%s: the next draft: %+v, %v", e.Name, next, err)
		}
	}
}
