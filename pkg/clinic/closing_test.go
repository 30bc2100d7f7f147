package clinic_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
	"evisit/pkg/civil"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/office"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/statement"
	"evisit/pkg/vault"
)

// monthEnds lets time pass until a while after the month that is closed next can be, by minutes
// that are far apart, and runs deadline.
func (w *world) monthEnds() {
	w.Helper()
	c := w.closing()
	zone := w.zone()
	w.pass(c.Due(zone).Sub(w.now()) + time.Minute)
	w.minute()
	w.settle()
}

func (w *world) zone() *time.Location {
	w.Helper()
	p, err := w.tape.Practice(w.ctx, "lakeside")
	if err != nil {
		w.Fatalf("%v", err)
	}
	zone, err := p.Location()
	if err != nil {
		w.Fatalf("%v", err)
	}
	return zone
}

func (w *world) closing() statement.Closing {
	w.Helper()
	c, err := w.tape.Closing(w.ctx, "lakeside")
	if err != nil {
		w.Fatalf("how far the books are closed: %v", err)
	}
	return c
}

// sums are what the accounts stand at by every entry that was booked before an instant.
func (w *world) sums(before time.Time) (accounts map[ledger.Account]money.Cents, entries int) {
	w.Helper()
	var all []ledger.Entry
	for e, err := range books.Between(w.ctx, w.tape, "lakeside", statement.Oldest, before) {
		if err != nil {
			w.Fatalf("%v", err)
		}
		all = append(all, e)
	}
	return ledger.Balances(all), len(all)
}

// closedAt checks that the books are closed until an instant, and that the balance there is that of
// all entries before it.
func (w *world) closedAt(until time.Time) {
	w.Helper()
	if c := w.closing(); !c.Until.Equal(until) {
		w.Errorf("the books are closed until %s, want %s", c.Until, until)
	}
	kept, err := w.tape.BalanceAt(w.ctx, "lakeside", until)
	sums, entries := w.sums(until)
	want := statement.Balance{Practice: "lakeside", Before: until, Entries: entries, Accounts: sums}
	if err != nil || !kept.Same(want) {
		w.Errorf("the balance at %s is %+v, %v; want %+v", until, kept, err, want)
	}
}

func (w *world) statement(from, to string) (office.Booked, *statement.Statement) {
	w.Helper()
	b, s, err := w.office.Statement(w.ctx, w.as(ada), statement.Question{From: from, To: to})
	if err != nil {
		w.Fatalf("statement from %s to %s: %v", from, to, err)
	}
	return b, s
}

// carries checks that a statement begins and ends with what every entry of the books until then adds
// up to.
func (w *world) carries(from, to string) {
	w.Helper()
	b, s := w.statement(from, to)
	begin, end := s.Period.Bounds(b.Zone)
	for at, got := range map[time.Time]statement.Balance{begin: b.Opening, end: b.Closing} {
		sums, entries := w.sums(at)
		if want := (statement.Balance{Practice: "lakeside", Before: at, Entries: entries, Accounts: sums}); !got.Same(want) {
			w.Errorf("the statement from %s to %s has %+v, want %+v", from, to, got, want)
		}
	}
}

// What Stripe tells of a closed month is booked into the open one: the closed one stays as it was.
func TestBooks_LateWebhookIsOfTheOpenMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.chargedFor()
	w.agreesWithStripe()
	c := w.closing()
	april := c.Ends(w.zone())
	w.pass(april.Add(-time.Hour).Sub(w.now()))
	w.byDashboard(id, 12_50)
	late := w.mailed()
	if len(late) == 0 {
		t.Fatal("the refund has no webhook")
	}
	w.pass(c.Due(w.zone()).Sub(w.now()))
	if _, err := w.deadline.Run(w.ctx); err != nil {
		t.Fatalf("deadline: %v", err)
	}
	w.closedAt(april)
	closed, _ := w.tape.BalanceAt(w.ctx, "lakeside", april)
	for _, body := range append(late, late...) {
		w.hears(body)
	}
	w.settle()
	w.closedAt(april)
	if closed.Accounts[ledger.Refunds] != 0 {
		t.Errorf("March is closed with a refund that nobody knew of: %+v", closed)
	}
	if b, s := w.statement("2026-03-01", "2026-03-31"); s.Accounts[ledger.Refunds] != 0 || !b.Closing.Same(closed) {
		t.Errorf("March became %+v", b.Closing)
	}
	if _, s := w.statement("2026-04-01", "2026-04-30"); s.Accounts[ledger.Refunds] != 12_50 {
		t.Errorf("April has refunds of %s", s.Accounts[ledger.Refunds])
	}
	w.monthEnds()
	w.closedAt(civil.Date(2026, 5, 1).Start(w.zone()))
	w.carries("2026-03-15", "2026-04-20")
	w.handled()
}

// The months of a practice's books are closed one by one, days after each ended, also one in which
// nothing happened; a statement begins with what the accounts stood at, and adds up.
func TestBooks_ClosedMonthByMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chargedFor()
	w.agreesWithStripe()
	zone := w.zone()
	april, may, june := civil.Date(2026, 4, 1).Start(zone), civil.Date(2026, 5, 1).Start(zone), civil.Date(2026, 6, 1).Start(zone)
	w.pass(april.Add(3 * 24 * time.Hour).Sub(w.now()))
	w.minute()
	if c := w.closing(); !c.First() {
		t.Errorf("March is closed on %s: %+v", w.now(), c)
	}
	w.chargedFor() // in April, before March is closed
	w.monthEnds()
	w.closedAt(april)
	b, s := w.statement("2026-03-01", "2026-03-31")
	if len(b.Opening.Accounts) != 0 || b.Opening.Entries != 0 || b.Closing.Entries != s.Whole.Entries || s.Whole.Entries == 0 || !b.Closed.Equal(april) {
		t.Errorf("March: %+v", b)
	}
	w.monthEnds()
	w.closedAt(may)
	w.monthEnds() // nothing happened in May
	w.closedAt(june)
	for _, days := range [][2]string{{"2026-03-01", "2026-03-31"}, {"2026-04-01", "2026-04-30"}, {"2026-03-10", "2026-04-20"}, {"2026-05-01", "2026-05-31"}, {"2026-04-15", "2026-06-30"}, {"2026-01-01", "2026-12-31"}} {
		w.carries(days[0], days[1])
	}
	w.agreesWithStripe()
	w.handled()
}

// Of several that close a month at once one does.
func TestBooks_ClosedOnceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.chargedFor()
	w.agreesWithStripe()
	c := w.closing()
	w.pass(c.Due(w.zone()).Sub(w.now()))
	run := func() error { _, err := w.deadline.Run(w.ctx); return err }
	for _, err := range atOnce(run, run, run) {
		if err != nil {
			t.Errorf("deadline: %v", err)
		}
	}
	w.closedAt(c.Ends(w.zone()))
	if got := w.closing(); got.Version != c.Version+1 {
		t.Errorf("closed %d times", got.Version-c.Version)
	}
}

// Whatever call or answer is lost, and whenever the process is killed, a month is closed, and with
// what it had.
func TestBooks_ClosingAnyLossIsMadeGood(t *testing.T) {
	t.Parallel()
	for _, l := range losses {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.chargedFor()
			w.agreesWithStripe()
			c := w.closing()
			w.pass(c.Due(w.zone()).Sub(w.now()) - time.Hour)
			w.minute() // all else that is due
			w.settle()
			w.pass(c.Due(w.zone()).Sub(w.now()))
			due, _, err := w.tape.DueClosings(w.ctx, w.now(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			w.trouble.order(commits, 1+slices.Index(due, "lakeside"), l)
			_ = w.alive(func() error { _, err := w.deadline.Run(w.ctx); return err })
			w.trouble.heal()
			if done := l == answerLost || l == killedAfter; w.closing().First() == done {
				t.Errorf("another commit is lost: %+v", w.closing())
			}
			w.pass(2 * time.Hour)
			w.minute()
			w.settle()
			w.closedAt(c.Ends(w.zone()))
		})
	}
}

// An entry that comes into a closed month, or leaves it, and a balance that is gone, are told and
// alarmed, and no figure is shown of what they are in; months that do not need them are.
func TestBooks_ClosedStaysClosed(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*world){
		"AnEntryComes": func(w *world) {
			w.inject(ledger.Charged("late.q", "lakeside", 5_00, 0, civil.Date(2026, 3, 20).Start(w.zone())))
		},
		"AnEntryIsGone": func(w *world) {
			var entries []place
			w.rows(func(i item) {
				if strings.HasPrefix(attr(i, "sk"), "ENTRY#") && strings.HasSuffix(attr(i, "sk"), "#capture") {
					entries = append(entries, place{attr(i, "pk"), attr(i, "sk")})
				}
			})
			w.deleteRow(entries[0])
		},
		"ItsBalanceIsChanged": func(w *world) {
			at := w.balancePlaces()[0]
			i := w.row(at)
			i["d"] = str(strings.Replace(attr(i, "d"), `"stripe":`, `"stripe":1`, 1))
			w.putRow(i)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.chargedFor()
			w.agreesWithStripe()
			w.monthEnds()
			harm(w)
			_, s, err := w.office.Statement(w.ctx, w.as(ada), statement.Question{From: "2026-03-01", To: "2026-03-31"})
			if _, public := fault.Public(err); !errors.Is(err, vault.ErrBroken) || public || s != nil {
				t.Errorf("March is shown as %+v, %v", s, err)
			}
			_, s, err = w.office.Statement(w.ctx, w.as(ada), statement.Question{From: "2026-04-01", To: "2026-04-30"})
			if shown := err == nil && s != nil; shown != (name != "ItsBalanceIsChanged") {
				t.Errorf("April, which begins with the balance and reads no entry of March, is shown as %+v, %v", s, err)
			}
		})
	}
	t.Run("ItIsGone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.chargedFor()
		w.agreesWithStripe()
		w.monthEnds()
		w.deleteRow(w.balancePlaces()[0])
		if _, _, err := w.office.Statement(w.ctx, w.as(ada), statement.Question{From: "2026-04-01", To: "2026-04-30"}); !errors.Is(err, vault.ErrBroken) {
			t.Errorf("April begins without it: %v", err)
		}
		c := w.closing()
		w.pass(c.Due(w.zone()).Sub(w.now()))
		if _, err := w.deadline.Run(w.ctx); err != nil {
			t.Errorf("deadline: %v", err)
		}
		if got := w.closing(); !got.Until.Equal(c.Until) {
			t.Errorf("the next month is closed on a balance that is gone: %+v", got)
		}
	})
}

// balancePlaces are where the balances of closed months lie.
func (w *world) balancePlaces() (all []place) {
	w.Helper()
	w.rows(func(i item) {
		if attr(i, "pk") == "BALANCE#lakeside" && attr(i, "sk") != "NEXT" {
			all = append(all, place{attr(i, "pk"), attr(i, "sk")})
		}
	})
	if len(all) == 0 {
		w.Fatalf("no month is closed")
	}
	return all
}

// A practice that never paid has nothing to close; one whose first payment is later begins with that
// month.
func TestBooks_BeginWithTheFirstEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if b, _ := w.statement("", ""); !b.Closed.IsZero() || b.Closing.Entries != 0 {
		t.Errorf("before anything is booked: %+v", b)
	}
	id := w.submitted()
	w.pays(id, stripesim.CardSuccess)
	w.settle()
	w.agreesWithStripe()
	if c := w.closing(); c.Month != civil.Date(2026, 3, 1) || !c.First() {
		t.Errorf("it begins with %+v", c)
	}
	accounts, _ := w.sums(w.now().Add(time.Hour))
	b, _ := w.statement("", "")
	if got := slices.Collect(maps.Values(b.Closing.Accounts)); len(got) == 0 || b.Closing.Accounts[ledger.Holds] != accounts[ledger.Holds] {
		t.Errorf("what is held stands at %v, want %v", b.Closing.Accounts, accounts)
	}
}
