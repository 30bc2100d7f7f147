package intake_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/intake"
)

func TestAcceptance_AnswersTheLastPage(t *testing.T) {
	t.Parallel()
	f := sample(t)
	pages := f.Pages()
	for i, p := range pages {
		if got, want := p.IsLast(), i == len(pages)-1; got != want {
			t.Errorf("page %d, %q, is the last: %v", i+1, p.Title, got)
		}
	}
	var asked []string
	for _, it := range pages[len(pages)-1].Items {
		asked = append(asked, it.LinkID)
	}
	var given []string
	for _, e := range intake.Acceptance().Items {
		given = append(given, e.LinkID)
	}
	if d := cmp.Diff(asked, given); d != "" {
		t.Errorf("asked and accepted (-asked +accepted):\n%s", d)
	}
	required := f.JSON()
	for _, linkID := range asked {
		mark := `"linkId":"` + linkID + `"`
		required = bytes.Replace(required, []byte(mark), []byte(mark+`,"required":true`), 1)
	}
	f, err := intake.Load(required)
	if err != nil {
		t.Fatal(explain(err))
	}
	before := f.Check(respond(t, bare))
	after := f.Check(respond(t, bare).Merge(intake.Acceptance()))
	for _, linkID := range asked {
		if !slices.Contains(places(before.Problems), linkID+" required") {
			t.Errorf("%s is not missing before it is accepted: %v", linkID, places(before.Problems))
		}
	}
	if d := cmp.Diff(places(after.Problems), places(before.BeforePrice())); d != "" {
		t.Errorf("what keeps it from being priced, and from being sent once accepted, differ (-sent +priced):\n%s", d)
	}
}

func TestBeforePrice_WrongAcceptanceStands(t *testing.T) {
	t.Parallel()
	res := sample(t).Check(respond(t, `{"linkId":"fee-ack","answer":[{"valueString":"yes"}]}`))
	got := places(res.BeforePrice())
	if !slices.Contains(got, "fee-ack type") || slices.Contains(got, "consent-ack required") {
		t.Errorf("problems before the price: %v", got)
	}
}
