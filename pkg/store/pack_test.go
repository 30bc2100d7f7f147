package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/coding"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// anyTime draws times of decisions, to the millisecond, and the zero time.
func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "never") {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(1_600_000_000_000, 4_000_000_000_000).Draw(t, "ms")).UTC()
	})
}

// anyVisit draws visits with every field set or not, whether or not a life leads
// to them.
func anyVisit() *rapid.Generator[visit.Visit] {
	text := rapid.StringN(0, 20, -1)
	when := anyTime()
	hash := rapid.StringMatching(`([0-9a-f]{64})?`)
	return rapid.Custom(func(t *rapid.T) visit.Visit {
		v := rapid.Make[visit.Visit]().Draw(t, "visit")
		v.ID, v.Practice, v.Patient, v.Version = "visit-1", "practice-1", text.Draw(t, "patient"), 1
		v.Document, v.Addendum = hash.Draw(t, "document"), hash.Draw(t, "addendum")
		v.Messages, v.Pool = v.FromPatient+v.FromTeam, v.Form.Pool()
		v.Payment, v.Payments = "", nil
		for n := range rapid.IntRange(0, 4).Draw(t, "payments") {
			v.Payments = append(v.Payments, v.ID+"."+string(rune('a'+n)))
		}
		if len(v.Payments) > 0 && rapid.Bool().Draw(t, "wants one") {
			v.Payment = v.Payments[len(v.Payments)-1]
		}
		v.Quote.Lower = nil
		for _, kind := range coding.Clinicians {
			if rapid.Bool().Draw(t, "lower") {
				v.Quote = withPrice(v.Quote, kind, money.Cents(rapid.Int64Range(0, int64(money.Max)).Draw(t, "cents")))
			}
		}
		if len(v.Reads) == 0 {
			v.Reads = nil
		}
		if len(v.Quote.Plan.Terms) == 0 {
			v.Quote.Plan.Terms = nil
		}
		for n := range v.Reads {
			v.Reads[n].At = when.Draw(t, "read")
		}
		for _, at := range []*time.Time{
			&v.Times.Submitted, &v.Times.Queued, &v.Times.Taken, &v.Times.Asked, &v.Times.Answered, &v.Times.Ended, &v.Times.Understood,
			&v.Promise.By, &v.Promise.Ends, &v.Promise.Paused, &v.CaptureBefore, &v.CheckoutEnds, &v.Quote.ExpiresAt, &v.Wake,
		} {
			*at = when.Draw(t, "time")
		}
		v.Times.Started = time.UnixMilli(rapid.Int64Range(1_600_000_000_000, 4_000_000_000_000).Draw(t, "started")).UTC()
		return v
	})
}

func withPrice(q billing.Quote, kind coding.Kind, price money.Cents) billing.Quote {
	if q.Lower == nil {
		q.Lower = billing.KindPrices{}
	}
	q.Lower[kind] = price
	return q
}

// Every visit reads back as it was written, so that a field added to a visit
// cannot be forgotten in its row.
func TestVisitRow_RoundTrip(t *testing.T) {
	t.Parallel()
	s := New(nil, "table")
	rapid.Check(t, func(t *rapid.T) {
		v := anyVisit().Draw(t, "v")
		ws, err := s.writes(clinic.Commit{Visit: &v, Audit: []audit.Record{{ID: "r", Practice: v.Practice, At: v.Times.Started}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := readVisit(ws[0].item.Put.Item)
		if diff := cmp.Diff(v, got); err != nil || diff != "" {
			t.Fatalf("%v (-stored +read):\n%s", err, diff)
		}
	})
}

func TestPaymentRow_RoundTrip(t *testing.T) {
	t.Parallel()
	s := New(nil, "table")
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Make[billing.Payment]().Draw(t, "payment")
		p.ID, p.Visit, p.Practice, p.Version = "visit-1.quote-1", "visit-1", "practice-1", 1
		for _, at := range []*time.Time{&p.SessionEnds, &p.CaptureBefore, &p.HeldAt, &p.EndedAt, &p.Later.At} {
			*at = anyTime().Draw(t, "time")
		}
		p.OpenedAt = time.UnixMilli(rapid.Int64Range(1_600_000_000_000, 4_000_000_000_000).Draw(t, "opened")).UTC()
		ws, err := s.writes(clinic.Commit{Payments: []billing.Payment{p}, Audit: []audit.Record{{ID: "r", Practice: p.Practice, At: p.OpenedAt}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := readPayment(ws[0].item.Put.Item)
		if diff := cmp.Diff(p, got); err != nil || diff != "" {
			t.Fatalf("%v (-stored +read):\n%s", err, diff)
		}
	})
}

// A payment is refused whose id does not begin with what it pays for.
func TestPaymentRow_AnotherVisits(t *testing.T) {
	t.Parallel()
	if _, err := newPaymentRow(billing.Payment{ID: "visit-1.quote-1", Visit: "visit-2"}); err == nil {
		t.Error("it was packed")
	}
}

// A mark by a reader whom the row does not list is an error.
func TestVisitRow_UnknownReader(t *testing.T) {
	t.Parallel()
	for _, who := range []int64{-1, 1} {
		if got, err := (visitRow{Reads: []readRow{{1, 1, who}}}).reads(clock{}); err == nil {
			t.Errorf("reader %d of none is %v", who, got)
		}
	}
}
