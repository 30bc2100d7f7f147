package claim_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/claim"
	"evisit/pkg/money"
	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/p835"
)

// Answers to one attempt lead to the same state in whatever order and number they come.
func TestHear_AnyOrderIsTheSame(t *testing.T) {
	t.Parallel()
	sent := maker{t}.sent()
	rapid.Check(t, func(t *rapid.T) {
		answers := []func(claim.Claim) (claim.Claim, claim.Effect){
			file(1, ack.Accepted), file(1, ack.Rejected), form(1, ack.Accepted), form(1, ack.Rejected),
			told(report(control(1), "A1:19")), told(report(control(1), "A2:20")), told(report(control(1), "A7:562:85")),
		}
		told := rapid.SliceOfNDistinct(rapid.IntRange(0, len(answers)-1), 1, len(answers), rapid.ID).Draw(t, "answers")
		slices.Sort(told) // as they stand, each is of a later stage
		want := sent
		for _, n := range told {
			want, _ = answers[n](want)
		}
		got := sent
		for _, n := range rapid.Permutation(append(slices.Clone(told), told...)).Draw(t, "order") {
			got, _ = answers[n](got)
		}
		if got.State != want.State || got.Attempts[0].Heard != want.Attempts[0].Heard || !slices.Equal(got.Problems, want.Problems) {
			t.Fatalf("%s after %s; want %s after %s", got.State, got.Attempts[0].Heard, want.State, want.Attempts[0].Heard)
		}
	})
}

// What a payer says of a claim, each payment in a remittance of its own, comes to the same books in
// whatever order and number it comes, if what is suspended is posted again.
func TestPost_AnyOrderIsTheSame(t *testing.T) {
	t.Parallel()
	accepted := maker{t}.accepted()
	type statement struct {
		trace string
		said  *p835.Claim
	}
	rapid.Check(t, func(t *rapid.T) {
		var story []statement
		say := func(p *p835.Claim) { story = append(story, statement{string(rune('A' + len(story))), p}) }
		for i := range rapid.IntRange(1, 4).Draw(t, "decisions") {
			p := denial(1)
			if rapid.Bool().Draw(t, "pays") {
				paid := money.Cents(rapid.IntRange(1, 3).Draw(t, "paid")) * 1_00
				p = pays(1, paid, 20_00-paid, 10_00, 0)
			}
			if i > 0 { // a payer takes back its decision before it makes another
				say(reversal(story[len(story)-1].said))
			}
			say(p)
		}
		post := func(c claim.Claim, s statement) claim.Claim {
			next, _, err := c.Post(remittance(s.trace), s.said, at(50, 8))
			if err != nil {
				return c
			}
			return next
		}
		want := accepted
		for _, s := range story {
			before := want
			if want = post(want, s); want.Version == before.Version {
				t.Fatalf("in order, %s is not posted", s.trace)
			}
		}
		got := accepted
		order := rapid.Permutation(append(slices.Clone(story), story...)).Draw(t, "order")
		for range order {
			for _, s := range order {
				got = post(got, s)
			}
		}
		if got.State != want.State || got.Books() != want.Books() || got.Settle(10_00) != want.Settle(10_00) {
			t.Fatalf("%s, %+v; want %s, %+v", got.State, got.Books(), want.State, want.Books())
		}
	})
}
