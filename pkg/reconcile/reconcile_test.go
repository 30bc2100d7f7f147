package reconcile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/reconcile"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func entries(t *testing.T, made ...func() (ledger.Entry, error)) []ledger.Entry {
	t.Helper()
	all := make([]ledger.Entry, len(made))
	for n, make := range made {
		var err error
		if all[n], err = make(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// What the books have is told as Stripe tells it: gross, and what Stripe and the platform took, for a
// dispute too.
func TestBooks_AsStripeTellsThem(t *testing.T) {
	t.Parallel()
	got := reconcile.Books(entries(t,
		func() (ledger.Entry, error) { return ledger.Held("v.p", "x", 40_00, noon) },
		func() (ledger.Entry, error) { return ledger.Captured("v.p", "x", 40_00, 30_00, 1_17, noon) },
		func() (ledger.Entry, error) { return ledger.Refunded("v.p", "x", 0, 5_00, 0, noon) },
		func() (ledger.Entry, error) { return ledger.Disputed("v.p", "x", 0, 25_00, 4, noon) },
		func() (ledger.Entry, error) { return ledger.DisputeFee("v.p", "x", 0, 15_00, 4, noon) },
		func() (ledger.Entry, error) { return ledger.PlatformFee("v.p", "x", 0, 75, 5, noon) },
		func() (ledger.Entry, error) { return ledger.PlatformFee("v.p", "x", 75, 63, 6, noon) },
	))
	if want := (reconcile.Total{Gross: 0, Fee: 16_80}); got != want || got.Net() != -16_80 {
		t.Errorf("books: %+v, net %s; want %+v", got, got.Net(), want)
	}
}

// Transactions are of the object that they move, and each counts once.
func TestGroups_ByObject(t *testing.T) {
	t.Parallel()
	charge := reconcile.Transaction{ID: "txn_1", Amount: 40_00, Fee: 1_46, Object: "pi_1", Ref: "v.p"}
	back := reconcile.Transaction{ID: "txn_2", Amount: -40_00, Object: "pi_1"}
	out := reconcile.Transaction{ID: "txn_3", Amount: -10_00, Object: "po_1"}
	want := []reconcile.Group{
		{Object: "pi_1", Ref: "v.p", Transactions: []reconcile.Transaction{back, charge}},
		{Object: "po_1", Transactions: []reconcile.Transaction{out}},
	}
	if diff := cmp.Diff(want, reconcile.Groups([]reconcile.Transaction{back, out, charge})); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	if got := reconcile.Moved([]reconcile.Transaction{back, charge}, []reconcile.Transaction{charge}); got != (reconcile.Total{Fee: 1_46}) {
		t.Errorf("moved: %+v", got)
	}
}

// A difference has both sides in words and cents, and is known again by what it is about.
func TestDifference_Words(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d    reconcile.Difference
		key  string
		says string
	}{
		{
			reconcile.Difference{About: "v.p", Object: "pi_1", Books: reconcile.Total{Gross: 40_00, Fee: 1_46}, Stripe: reconcile.Total{Gross: 40_00, Fee: 1_47}},
			"v.p", "The books have $40.00, less $1.46 of fees; Stripe has $40.00, less $1.47 of fees",
		},
		{
			reconcile.Difference{Object: "pi_2", Stripe: reconcile.Total{Gross: -5_00, Fee: -20}},
			"pi_2", "The books have nothing; Stripe has -$5.00, and $0.20 of fees returned",
		},
	} {
		if test.d.Key() != test.key || test.d.String() != test.says {
			t.Errorf("%q %q, want %q %q", test.d.Key(), test.d, test.key, test.says)
		}
	}
}

// Windows follow each other without a gap, end an hour before, and halve down to a second.
func TestWindow_WithoutGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		through := noon.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "through")))
		now := noon.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(t, "now")))
		w, due := reconcile.WindowAfter(through, now)
		if due != w.Through.After(w.From) || now.Sub(w.Through) < reconcile.Settled || w.From.After(through) || through.Sub(w.From) >= time.Second {
			t.Fatalf("after %s at %s: %+v, due %t", through, now, w, due)
		}
		for due {
			half, ok := w.Half()
			if !ok {
				if w.Through.Sub(w.From) >= 2*time.Second {
					t.Errorf("%+v cannot be halved", w)
				}
				return
			}
			if half.From != w.From || !half.Through.After(half.From) || !half.Through.Before(w.Through) || half.Through.Nanosecond() != 0 {
				t.Fatalf("half of %+v is %+v", w, half)
			}
			w = half
		}
	})
}

// An outcome counts and sums what was compared, keeps what differs in bounds, and is where the next
// comparison goes on.
func TestOutcome_Counts(t *testing.T) {
	t.Parallel()
	o := reconcile.Outcome{Practice: "lakeside", Account: "acct_1", Window: reconcile.Window{From: noon, Through: noon.Add(time.Hour)}}
	same := reconcile.Total{Gross: 40_00, Fee: 1_46}
	o = o.With(reconcile.Compare("v.p", "pi_1", same, same))
	for n := range 150 {
		o = o.With(reconcile.Compare("", string(rune('a'+n)), reconcile.Total{}, reconcile.Total{Gross: 1_00}))
	}
	want := reconcile.Total{Gross: 40_00 + money.Cents(150*1_00), Fee: 1_46}
	if o.Compared != 151 || o.Differences != 150 || len(o.Found) != 100 || o.Books != same || o.Stripe != want {
		t.Errorf("outcome: %d compared, %d differ, %d found, %+v and %+v", o.Compared, o.Differences, len(o.Found), o.Books, o.Stripe)
	}
	accepted := reconcile.Accepted{Difference: reconcile.Difference{Object: "pi_2", Stripe: reconcile.Total{Gross: 2_00}}, By: "ada", On: noon}
	with := o.WithAccepted(accepted)
	if with.Compared != 152 || with.Differences != 150 || with.Accepted != 1 || len(with.Known) != 1 || with.Known[0] != accepted || with.Stripe.Gross != want.Gross+2_00 {
		t.Errorf("accepted: %d compared, %d differ, %d accepted, %+v", with.Compared, with.Differences, with.Accepted, with.Known)
	}
	p := reconcile.Progress{Practice: "lakeside", Account: "acct_1", Version: 3}.After(with)
	if p.Version != 4 || !p.Through.Equal(o.Through) || len(p.Open) != 101 || p.Open[100] != accepted.Difference {
		t.Errorf("progress: version %d, through %s, %d open", p.Version, p.Through, len(p.Open))
	}
}
