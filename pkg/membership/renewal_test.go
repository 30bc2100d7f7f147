package membership_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/civil"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

// offerOf is the seed's offer with a second version that costs $380 and begins at an instant.
func offerOf(from time.Time) membership.Offer {
	dearer := annual()
	dearer.Version, dearer.From, dearer.Price = 2, from, 380_00
	return membership.Offer{ID: "annual-350", Practice: "practice-1", Versions: []membership.Terms{annual(), dearer}}
}

// Terms that the practice decides apply at a renewal that was announced in time, and to nobody
// before. The year ends on 2 March 2027 and notice is of 30 days: 31 January is the last day for it.
func TestAnnounce_TermsApplyAfterNotice(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	lastTime := civil.Date(2027, time.February, 1).Start(zone).Add(-1)
	for _, test := range []struct {
		name    string
		from    time.Time
		now     time.Time
		version int
		price   money.Cents
	}{
		{"early", noon, noon, 2, 480_00},
		{"on the last day", noon, lastTime, 2, 480_00},
		{"a day late", noon, lastTime.Add(1), 1, 450_00},
		{"they begin at the renewal", yearEnd, noon, 2, 480_00},
		{"they begin after it", yearEnd.Add(1), noon, 1, 450_00},
	} {
		m, err := active(t, annual()).Announce(offerOf(test.from), zone, test.now)
		if err != nil || m.Notice.Terms.Version != test.version || m.Notice.Price != test.price || !m.Notice.Renews.Equal(yearEnd) || m.Version != 3 {
			t.Errorf("%s: %+v, %v", test.name, m.Notice, err)
			continue
		}
		if again, err := m.Announce(offerOf(noon), zone, test.now.Add(time.Hour)); err != nil || !cmp.Equal(again, m) {
			t.Errorf("%s, again: %v", test.name, err)
		}
		for at, want := range map[time.Time]int{test.now: 1, yearEnd.Add(-1): 1, yearEnd: test.version} {
			if got := m.TermsAt(at).Version; got != want {
				t.Errorf("%s: version %d at %s, want %d", test.name, got, at, want)
			}
		}
		if got := m.RenewalPrice(test.now); got != test.price {
			t.Errorf("%s: is renewed for %s", test.name, got)
		}
	}
	unannounced := active(t, annual())
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	renewed := observe(t, unannounced, membership.Standing{At: yearEnd, Status: "active", Year: year, Paid: 450_00})
	if renewed.TermsAt(yearEnd).Version != 1 {
		t.Error("renewed without notice, and yet the terms changed")
	}
	// A year that somebody at Stripe made longer ends later, and so do its terms.
	m, err := unannounced.Announce(offerOf(noon), zone, noon)
	if err != nil {
		t.Fatal(err)
	}
	longer := standing(noon.Add(time.Hour), "trialing", 450_00)
	longer.End = yearEnd.AddDate(0, 3, 0)
	if m = observe(t, m, longer); m.TermsAt(yearEnd).Version != 1 {
		t.Error("the terms change before the renewal")
	}
}

// Terms are those of the notice from the renewal on, and the next notice is of the year after.
func TestAnnounce_YearAfterYear(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	offer := offerOf(noon)
	offer.Versions[1].Refund = membership.RefundRule{Later: membership.ByDays}
	m, err := active(t, annual()).Announce(offer, zone, noon)
	if err != nil {
		t.Fatal(err)
	}
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	m = observe(t, m, membership.Standing{At: yearEnd, Status: "active", Year: year, Paid: 480_00})
	if was, is := m.TermsAt(yearEnd.Add(-1)).Version, m.TermsAt(yearEnd).Version; was != 1 || is != 2 {
		t.Errorf("version %d before the renewal, %d from it on", was, is)
	}
	// The first year's rule would refund all within 14 days, and its price was $450.
	now := yearEnd.AddDate(0, 0, 10) // 356 of 366 days are left
	if r := m.RefundFor(membership.Cancelled, 0, zone, now); r.Amount != 466_89 || r.Basis != membership.UnusedDays {
		t.Errorf("in the second year %+v is refunded", r)
	}
	if letter, ok := m.Letter(zone); ok {
		t.Errorf("after the renewal there is a letter: %+v", letter)
	}
	m, err = m.Announce(offer, zone, yearEnd.Add(time.Hour))
	if err != nil || m.Terms.Version != 2 || m.Notice.Terms.Version != 2 || m.Notice.Price != 480_00 {
		t.Errorf("%+v, %v", m, err)
	}
	if l, ok := m.Letter(zone); !ok || len(l.Changes) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestAnnounce_Refusals(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	m := active(t, annual())
	for name, test := range map[string]struct {
		m    membership.Membership
		now  time.Time
		want string
	}{
		"cancelled": {m.Cancel(noon), noon, "no_renewal"},
		"too late":  {m, yearEnd, "no_renewal"},
		"not paid":  {enrolled(t, annual()), noon, "membership_pending"},
		"past due":  {observe(t, m, standing(noon.Add(time.Hour), "past_due", 0)), noon, "membership_unpaid"},
	} {
		if next, err := test.m.Announce(offerOf(noon), zone, test.now); code(err) != test.want || next.ID != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnnounce_OfferClosed(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	closed := offerOf(noon).Close(noon)
	m, err := active(t, annual()).Announce(closed, zone, yearEnd.AddDate(0, 0, -40))
	if err != nil || m.Renews() || m.Wanted() != membership.CancelAtEnd || m.RenewalPrice(noon) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	want := "The practice does not offer this membership any more. You have it until 1 March 2027; it is not renewed, and nothing more is charged for it."
	if l, ok := m.Letter(zone); !ok || l.Text != want || l.Price != 0 {
		t.Errorf("%+v", l)
	}
	if _, err := m.Resume(noon); code(err) != "offer_closed" {
		t.Errorf("resumed: %v", err)
	}
	// Somebody resumes it at Stripe.
	there := standing(noon.Add(time.Hour), "active", 450_00)
	there.Turn = m.Turn
	done, err := m.Carried(membership.CancelAtEnd, observed(there))
	if err != nil || done.Renews() || done.Wanted() != membership.CancelAtEnd {
		t.Errorf("resumed at Stripe: %+v, %v", done, err)
	}
	late, err := active(t, annual()).Announce(closed, zone, yearEnd.AddDate(0, 0, -10))
	if err != nil || !late.Renews() || late.Notice.Price != 450_00 {
		t.Errorf("closed, and announced too late: %+v, %v", late.Notice, err)
	}
}

func TestLetter(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	m, err := active(t, annual()).Announce(offerOf(noon), zone, noon)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := m.Letter(zone)
	want := membership.Letter{
		Renews: civil.Date(2027, time.March, 2), Price: 480_00,
		Changes: []membership.Change{{Code: "price", Text: "The price changes from $450.00 to $480.00 a year."}},
		Text: "Your membership is renewed on 2 March 2027 for another year. The year costs $480.00. The price changes from $450.00 to $480.00 a year. " +
			"If you do not want that, cancel by 1 March 2027: you then have your membership until that day, and nothing more is charged.",
	}
	if !ok || !cmp.Equal(got, want) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
	}
	if l, ok := active(t, annual()).Letter(zone); ok {
		t.Errorf("without a notice: %+v", l)
	}
}

func TestMispriced(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	at := func(m membership.Membership, price money.Cents) bool {
		s := standing(noon.Add(time.Hour), "active", 450_00)
		s.Price = price
		return observe(t, m, s).Mispriced(noon.Add(time.Hour))
	}
	m := active(t, annual())
	told, err := m.Announce(offerOf(noon), zone, noon)
	if err != nil {
		t.Fatal(err)
	}
	if at(m, 450_00) || !at(m, 480_00) || !at(m, 440_00) || at(m, 0) {
		t.Error("before a notice the price is the one that was accepted")
	}
	if at(told, 480_00) || !at(told, 450_00) || at(told.Cancel(noon), 450_00) {
		t.Error("after a notice the price is the one that was told, unless it is not renewed")
	}
}

func TestUnpaid_Words(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	failed := membership.Standing{At: yearEnd, Status: "past_due", Year: year}
	hard := annual()
	hard.Grace = 0
	for want, m := range map[string]membership.Membership{
		"": active(t, annual()),
		"The payment for your membership failed. Visits are included until 16 March 2027. If it is not paid by then, the membership ends.": observe(t, active(t, annual()), failed),
		"The payment for your membership failed. Visits are not included until it is paid.":                                                observe(t, active(t, hard), failed),
	} {
		if got := m.Unpaid(zone); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNextDue(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	const day = 24 * time.Hour
	pending, paid := enrolled(t, annual()), active(t, annual())
	told, err := paid.Announce(offerOf(noon), zone, noon)
	if err != nil {
		t.Fatal(err)
	}
	notice := civil.Date(2027, time.January, 24).Start(zone) // 37 days before 2 March
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	failed := observe(t, paid, membership.Standing{At: yearEnd, Status: "past_due", Year: year})
	over := failed.GraceEnds(zone)
	ended, err := failed.EndUnpaid(zone, over)
	if err != nil {
		t.Fatal(err)
	}
	canceled := observe(t, ended, membership.Standing{At: over.Add(time.Hour), Status: "canceled", Year: year})
	june := civil.Date(2026, time.June, 1)
	barred := paid.CoverageChanged("child", partB(june))
	for _, test := range []struct {
		name string
		m    membership.Membership
		now  time.Time
		due  time.Time
		do   []membership.Task
	}{
		{"pending", pending, noon, noon.Add(25 * time.Hour), nil},
		{"pending for long", pending, noon.Add(25 * time.Hour), noon.Add(31 * time.Hour), []membership.Task{membership.AskOfPayment}},
		{"paid", paid, noon, notice, nil},
		{"to be told", paid, notice, notice, []membership.Task{membership.TellRenewal}},
		{"to be told for days", paid, notice.Add(3 * day), notice, []membership.Task{membership.TellRenewal}},
		{"told", told, notice, yearEnd.Add(3 * time.Hour), nil},
		{"told by nobody", paid, yearEnd, yearEnd.Add(3 * time.Hour), nil},
		{"cancelled", paid.Cancel(noon), notice, yearEnd.Add(3 * time.Hour), nil},
		{"the year is over", told, yearEnd.Add(3 * time.Hour), yearEnd.Add(9 * time.Hour), []membership.Task{membership.AskOfRenewal}},
		{"failed", failed, yearEnd, yearEnd.Add(day), nil},
		{"failing for a day", failed, yearEnd.Add(day), yearEnd.Add(2 * day), []membership.Task{membership.AskOfPayment}},
		{"the last day of grace", failed, over.Add(-time.Hour), over, []membership.Task{membership.AskOfPayment}},
		{"the grace is over", failed, over, over, []membership.Task{membership.StopUnpaid, membership.AskOfPayment}},
		{"ended", ended, over, over.Add(3 * time.Hour), nil},
		{"ended, and not canceled", ended, over.Add(3 * time.Hour), over.Add(9 * time.Hour), []membership.Task{membership.AskOfCancel}},
		{"canceled", canceled, over.Add(3 * time.Hour), time.Time{}, nil},
		{"Medicare to come", barred, noon, june.Start(zone), nil},
		{"Medicare", barred, june.Start(zone), june.AddDays(1).Start(zone), []membership.Task{membership.SeeMedicare}},
		{"Medicare, and to be told", barred, notice, notice, []membership.Task{membership.SeeMedicare, membership.TellRenewal}},
	} {
		if got := test.m.NextDue(zone, test.now); !got.Equal(test.due) {
			t.Errorf("%s: due %s, want %s", test.name, got, test.due)
		}
		if got := test.m.Overdue(zone, test.now); !slices.Equal(got, test.do) {
			t.Errorf("%s: to do %v, want %v", test.name, got, test.do)
		}
	}
}

// Terms that include what Medicare covers, and that begin at a renewal, are not for who has it.
func TestResolution_TermsThatBeginLater(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	first, second := annual(), annual()
	first.NonCovered = true
	second.Version, second.From = 2, noon
	renewal := civil.Date(2027, time.March, 2)
	offer := membership.Offer{ID: "annual-350", Versions: []membership.Terms{first, second}}
	announce := func(m membership.Membership) membership.Membership {
		m, err := m.Announce(offer, zone, yearEnd.AddDate(0, 0, -37))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := active(t, first).CoverageChanged("child", partB(firstDay))
	if r := m.Resolution("child", membership.Count{}, zone, noon); r.Step != membership.NoStep {
		t.Errorf("before the notice: %+v", r)
	}
	m = announce(m)
	if r := m.Resolution("child", membership.Count{}, zone, yearEnd.Add(-24*time.Hour)); r.Step != membership.Wait || r.From != renewal {
		t.Errorf("after the notice: %+v", r)
	}
	if due := m.NextDue(zone, yearEnd.Add(-24*time.Hour)); !due.Equal(renewal.Start(zone)) {
		t.Errorf("due %s", due)
	}
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	m = observe(t, m, membership.Standing{At: yearEnd.Add(time.Hour), Status: "active", Year: year, Paid: 450_00})
	if r := m.Resolution("child", membership.Count{}, zone, yearEnd.Add(time.Hour)); r.Step != membership.Leave || r.Refund.Amount != 100_00 {
		t.Errorf("after the renewal: %+v", r)
	}
	// The other way round: from the renewal on, Medicare is no obstacle.
	first, second = second, first
	first.Version, second.Version, second.From = 1, 2, noon
	offer.Versions = []membership.Terms{first, second}
	m = announce(active(t, first).CoverageChanged("child", partB(renewal)))
	if r := m.Resolution("child", membership.Count{}, zone, yearEnd.Add(-24*time.Hour)); r.Step != membership.NoStep {
		t.Errorf("Medicare begins with terms that allow it: %+v", r)
	}
	m = m.CoverageChanged("child", partB(renewal.AddDays(-1)))
	if r := m.Resolution("child", membership.Count{}, zone, yearEnd.Add(-48*time.Hour)); r.Step != membership.Wait {
		t.Errorf("Medicare begins a day before: %+v", r)
	}
	m = observe(t, m, membership.Standing{At: yearEnd.Add(time.Hour), Status: "active", Year: year, Paid: 450_00})
	if r := m.Resolution("child", membership.Count{}, zone, yearEnd.Add(time.Hour)); r.Step != membership.NoStep {
		t.Errorf("it began before, and is no obstacle any more: %+v", r)
	}
	// Neither terms are for who has Medicare.
	second.NonCovered = false
	offer.Versions = []membership.Terms{first, second}
	m = announce(active(t, first).CoverageChanged("child", partB(renewal.AddDays(-9))))
	if r := m.Resolution("child", membership.Count{}, zone, noon); r.Step != membership.Wait || r.From != renewal.AddDays(-9) {
		t.Errorf("Medicare begins before the renewal: %+v", r)
	}
}

// From the renewal on, the grace, the notice and the number of members are those of the new terms.
func TestAnnounce_TermsOfTheNextYear(t *testing.T) {
	t.Parallel()
	zone := newYork(t)
	offer := offerOf(noon)
	next := &offer.Versions[1]
	next.Members, next.PerMember, next.Grace, next.Notice = 1, 0, 3, 10
	m, err := active(t, annual()).Announce(offer, zone, noon)
	if err != nil || m.Notice.Price != 380_00 {
		t.Fatalf("%+v, %v", m.Notice, err)
	}
	year := membership.Year{Start: yearEnd, End: yearEnd.AddDate(1, 0, 0)}
	failed := observe(t, m, membership.Standing{At: yearEnd, Status: "past_due", Year: year})
	if got, want := failed.GraceEnds(zone), civil.Date(2027, time.March, 6).Start(zone); !got.Equal(want) {
		t.Errorf("the grace ends at %s, want %s", got, want)
	}
	paid := observe(t, m, membership.Standing{At: yearEnd, Status: "active", Year: year, Paid: 380_00})
	if got, want := paid.NextDue(zone, yearEnd), civil.Date(2028, time.February, 14).Start(zone); !got.Equal(want) {
		t.Errorf("the next notice is due %s, want %s", got, want) // 17 days before 2 March
	}
	for patient, want := range map[string]membership.Cause{"parent": membership.Included, "child": membership.NotNamed} {
		v := membership.Visit{Patient: patient, Class: "em", At: yearEnd.Add(time.Hour)}
		if got := paid.Covers(v, membership.Count{}, zone); got.Cause != want {
			t.Errorf("%s: %+v", patient, got)
		}
	}
}
