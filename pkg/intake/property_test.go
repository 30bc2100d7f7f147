package intake_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/intake"
)

// anyValue draws values that are often valid for some item of the sample, and
// sometimes for no item.
func anyValue() *rapid.Generator[intake.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.Bool(), intake.Boolean),
		rapid.Map(rapid.Int32Range(-5, 120), intake.Integer),
		rapid.Map(rapid.SampledFrom([]string{"98.6", "98.60", "104.5", "104.4", "94", "1e2", "1e99"}), intake.Decimal),
		rapid.Map(rapid.SampledFrom([]string{"", " ", "TX", "tx", "a drug", "a long, long text"}), intake.String),
		rapid.Map(rapid.SampledFrom([]string{"2026-01-01", "2026-02-30"}), intake.Date),
		rapid.Map(rapid.SampledFrom([]string{"2026-01-01T00:00:00Z", "2026-01-01"}), intake.DateTime),
		rapid.Map(rapid.SampledFrom([]string{"none", "cough", "daily", "hourly", "yes", "no", "other"}), func(code string) intake.Value {
			return intake.Code(intake.Coding{Code: code})
		}),
		rapid.Map(rapid.SampledFrom([]string{"image/png", "text/html"}), func(mime string) intake.Value {
			return intake.File(intake.Attachment{ContentType: mime, Size: 7})
		}),
	)
}

// anyResponse draws entries of the form, most of them in their place.
func anyResponse(f *intake.Form) *rapid.Generator[intake.Response] {
	return rapid.Custom(func(t *rapid.T) intake.Response {
		return intake.Response{Items: anyEntries(t, f, f.Items())}
	})
}

func anyEntries(t *rapid.T, f *intake.Form, items []*intake.Item) []intake.Entry {
	var entries []intake.Entry
	for _, it := range items {
		times := rapid.SampledFrom([]int{0, 1, 1, 1, 1, 2, 4}).Draw(t, it.LinkID)
		if it.Type != intake.Group {
			times = min(times, 2)
		}
		for range times {
			entries = append(entries, anyEntry(t, f, it))
		}
	}
	if len(entries) > 0 && rapid.IntRange(0, 9).Draw(t, "misplace") == 0 {
		entries = append(entries, anyEntry(t, f, rapid.SampledFrom(f.Items()).Draw(t, "misplaced")))
	}
	return rapid.Permutation(entries).Draw(t, "order")
}

func anyEntry(t *rapid.T, f *intake.Form, it *intake.Item) intake.Entry {
	if it.Type == intake.Group {
		return intake.Row(it.LinkID, anyEntries(t, f, it.Items)...)
	}
	e := intake.Entry{LinkID: it.LinkID}
	for range rapid.SampledFrom([]int{0, 1, 1, 1, 2}).Draw(t, "answers") {
		e.Answers = append(e.Answers, intake.Answer{Value: anyValue().Draw(t, "value")})
	}
	return e
}

func wantSame(t *rapid.T, what string, a, b intake.Result) {
	t.Helper()
	if a.Disposition != b.Disposition {
		t.Fatalf("%s: %s and %s", what, a.Disposition, b.Disposition)
	}
	if d := cmp.Diff(a.Fired, b.Fired); d != "" {
		t.Fatalf("%s: other rules\n%s", what, d)
	}
	if d := cmp.Diff(a.Problems, b.Problems); d != "" {
		t.Fatalf("%s: other problems\n%s", what, d)
	}
	if !a.Response.Equal(b.Response) {
		t.Fatalf("%s: another response is kept", what)
	}
}

func TestCheck_TwiceIsTheSame(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyResponse(f).Draw(t, "response")
		wantSame(t, "again", f.Check(r), f.Check(r))
	})
}

// Checking the kept response fires the same rules as checking the given response:
// dropping answers to disabled items and adding totals changes no outcome.
func TestCheck_KeptResponseIsTheSame(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		first := f.Check(anyResponse(f).Draw(t, "response"))
		second := f.Check(first.Response)
		if d := cmp.Diff(ids(first.Fired), ids(second.Fired)); d != "" || first.Disposition != second.Disposition {
			t.Fatalf("another outcome\n%s", d)
		}
		wantSame(t, "once more", second, f.Check(second.Response))
	})
}

// A response that was marshaled and parsed has the same rules and problems.
func TestCheck_StoredResponseIsTheSame(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyResponse(f).Draw(t, "response")
		data, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		stored, err := intake.ParseResponse(data)
		if err != nil {
			t.Fatalf("reading back %s: %v", data, err)
		}
		a, b := f.Check(r), f.Check(stored)
		if d := cmp.Diff(a.Fired, b.Fired); d != "" {
			t.Fatalf("other rules\n%s", d)
		}
		if d := cmp.Diff(places(a.Problems), places(b.Problems)); d != "" {
			t.Fatalf("other problems\n%s", d)
		}
	})
}

// The order of top-level items changes neither the rules that fire nor the number
// of problems.
func TestCheck_OrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyResponse(f).Draw(t, "response")
		var reversed intake.Response
		for i := len(r.Items) - 1; i >= 0; i-- {
			linkID := r.Items[i].LinkID
			if slices.ContainsFunc(r.Items[:i], func(e intake.Entry) bool { return e.LinkID == linkID }) {
				continue // rows of one group keep their order, after the first
			}
			for _, e := range r.Items {
				if e.LinkID == linkID {
					reversed.Items = append(reversed.Items, e)
				}
			}
		}
		a, b := f.Check(r), f.Check(reversed)
		if d := cmp.Diff(a.Fired, b.Fired); d != "" {
			t.Fatalf("other rules\n%s", d)
		}
		if len(a.Problems) != len(b.Problems) {
			t.Fatalf("%v and %v", places(a.Problems), places(b.Problems))
		}
	})
}

// An unknown linkId is a problem wherever it is, and changes no rule.
func TestCheck_UnknownLinkID(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		r := anyResponse(f).Draw(t, "response")
		before := f.Check(r)
		stray := intake.Ask("stray", anyValue().Draw(t, "value"))
		at := rapid.IntRange(-1, len(r.Items)-1).Draw(t, "at")
		if at < 0 {
			r.Items = append(r.Items, stray)
		} else {
			r.Items[at].Items = append(r.Items[at].Items, stray)
		}
		after := f.Check(r)
		found := false
		for _, p := range after.Problems {
			found = found || p.Where == "stray" && p.Code == "unknown"
		}
		if !found {
			t.Fatalf("stray is not named among %v", places(after.Problems))
		}
		if d := cmp.Diff(before.Fired, after.Fired); d != "" {
			t.Fatalf("the unknown linkId changed the rules\n%s", d)
		}
	})
}

func TestResponse_MergeTwiceIsMergeOnce(t *testing.T) {
	t.Parallel()
	f := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		draft := anyResponse(f).Draw(t, "draft")
		page := anyResponse(f).Draw(t, "page")
		once := draft.Merge(page)
		if !once.Merge(page).Equal(once) {
			t.Fatal("another draft")
		}
	})
}
