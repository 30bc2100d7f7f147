package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"evisit/infra/demo/proof"
	"evisit/infra/local/system"
)

// A month is lived by lakeside from its first morning to its last evening: what people do is
// played on some of its days, and each day has one line for each of them.
type month struct {
	*scene // prints nothing: one step of a visit is not worth a line here

	shown   io.Writer
	zone    *time.Location
	first   time.Time // nine in the morning of its first day, in the practice's zone
	account string    // the practice's at Stripe
	past    map[string]*care
}

// tellMonth plays a month in a system of its own, prints what it came to, proves it, and then
// shows how a difference is found.
func tellMonth(ctx context.Context, out io.Writer) error {
	return withSystem(ctx, false, func(sys *system.System) error {
		m, claim, err := live(ctx, sys.URL, out, len(script))
		if err != nil {
			return err
		}
		if err := m.tells(ctx, claim); err != nil {
			return err
		}
		if err := prove(ctx, claim, out); err != nil {
			return err
		}
		m.finds(ctx)
		return m.err
	})
}

// live plays the first days of the script, and lets the rest of the month pass if these are all.
func live(ctx context.Context, base string, out io.Writer, days int) (*month, proof.Claim, error) {
	k, err := join(ctx, newClient(http.DefaultTransport), base, io.Discard)
	if err != nil {
		return nil, proof.Claim{}, err
	}
	m := &month{scene: &scene{cast: k}, shown: out, past: map[string]*care{}}
	m.begins(ctx)
	last := m.lastDay()
	if days < len(script) {
		last = m.day(days)
	}
	claim := proof.Claim{BaseURL: base, Since: m.first, Month: &proof.Month{
		Practice: "lakeside", From: m.day(1).Format(time.DateOnly), To: last.Format(time.DateOnly),
	}}
	m.tell("%s at Lakeside Family Medicine\n", m.first.Format("January 2006"))
	for day, deeds := range script[:min(days, len(script))] {
		m.wakes(ctx, day+1)
		for _, does := range deeds {
			line := does(m, ctx)
			if m.err != nil {
				return nil, claim, fmt.Errorf("day %d: %w", day+1, m.err)
			}
			m.tell("   %s  %s", m.day(day+1).Format("Jan 02"), line)
		}
	}
	m.ends(ctx, last)
	claim.Reads = m.reads
	return m, claim, m.err
}

func (m *month) tell(format string, args ...any) {
	m.do(func() error {
		_, err := fmt.Fprintf(m.shown, format+"\n", args...)
		return err
	})
}

// day is nine in the morning of a day of the month.
func (m *month) day(n int) time.Time { return m.first.AddDate(0, 0, n-1) }

// begins moves the clock to the first morning of the next month.
func (m *month) begins(ctx context.Context) {
	m.do(func() (err error) {
		if m.zone, err = time.LoadLocation("America/Los_Angeles"); err != nil {
			return err
		}
		now, err := m.now(ctx)
		year, of, _ := now.In(m.zone).Date()
		m.first = time.Date(year, of+1, 1, 9, 0, 0, 0, m.zone)
		return err
	})
	m.wakes(ctx, 1)
}

// wakes moves the clock to the morning of a day, in steps of a day, as clocks go, and has everybody
// sign in anew.
func (m *month) wakes(ctx context.Context, day int) {
	m.do(func() error {
		for {
			now, err := m.now(ctx)
			left := m.day(day).Sub(now)
			if err != nil || left <= 0 {
				return err
			}
			if err := m.advance(ctx, min(left, 24*time.Hour)); err != nil {
				return err
			}
		}
	})
	m.do(func() error { return m.signIn(ctx) })
}

func (m *month) lastDay() time.Time { return m.first.AddDate(0, 1, -1) }

// ends lets the time until a last day pass, and so much after it that it is compared.
func (m *month) ends(ctx context.Context, last time.Time) {
	m.wakes(ctx, last.Day()+3)
	m.do(func() error {
		return m.until(ctx, "the last day to be compared with Stripe", func(ctx context.Context) (bool, error) {
			c, err := m.comparisons(ctx)
			return len(c) > 0 && c[0].Through.After(last.AddDate(0, 0, 1)), err
		})
	})
}

// A comparison is one of the books with Stripe.
type comparison struct {
	From         time.Time `json:"from"`
	Through      time.Time `json:"through"`
	Transactions int       `json:"transactions"`
	Compared     int       `json:"compared"`
	Differences  int       `json:"differences"`
	Found        []struct {
		Object string `json:"stripe_object"`
		Text   string `json:"text"`
	} `json:"found"`
}

// comparisons lists them, the newest first.
func (m *month) comparisons(ctx context.Context) ([]comparison, error) {
	var all struct {
		Comparisons []comparison `json:"reconciliations"`
	}
	err := m.who("ada-brooks").get(ctx, "/practice/reconciliations", &all)
	return all.Comparisons, err
}

// tells prints what the practice's money page says of the month, how its visits were paid for, and
// what the comparisons with Stripe came to.
func (m *month) tells(ctx context.Context, claim proof.Claim) error {
	var s struct {
		Visits      int `json:"visits_charged"`
		Memberships int `json:"memberships_paid"`
		ByWay       []struct {
			Way string `json:"way"`
			sums
		} `json:"by_way"`
		Whole sums `json:"totals"`
	}
	path := "/practice/money?" + url.Values{"from": {claim.Month.From}, "to": {claim.Month.To}}.Encode()
	m.do(func() error { return m.who("ada-brooks").get(ctx, path, &s) })
	ways := m.ways(ctx)
	all, err := m.comparisons(ctx)
	if err = errors.Join(m.err, err); err != nil {
		return err
	}
	m.tell("\nThe month, as its money page has it")
	m.tell("   %-38s %10s %10s %10s %8s %10s", "", "collected", "refunded", "disputed", "fees", "net")
	for _, w := range s.ByWay {
		if w.Entries > 0 && w.Way != "payout" {
			m.tell("   %-38s %s", wayWords[w.Way], w.sums)
		}
	}
	m.tell("   %-38s %s", "Together", s.Whole)
	m.tell("   %-38s %10s", "Paid out to the bank", dollars(s.Whole.PaidOut))
	m.tell("   %d visits charged, %d memberships paid; visits by what they cost:", s.Visits, s.Memberships)
	for _, basis := range bases {
		m.tell("   %-38s %10d", basis.text, ways[basis.name])
	}
	moved, compared, differ := 0, 0, 0
	for _, c := range all {
		moved, compared, differ = moved+c.Transactions, compared+c.Compared, differ+c.Differences
	}
	m.tell("\nCompared with Stripe %d times, from %s to %s: %d movements of the balance, %d comparisons, %d differences",
		len(all), all[len(all)-1].From.In(m.zone).Format("Jan 02"), all[0].Through.In(m.zone).Format("Jan 02"), moved, compared, differ)
	return m.err
}

// A sums is what some entries come to, in cents.
type sums struct {
	Entries   int   `json:"entries"`
	Collected int64 `json:"collected_cents"`
	Refunded  int64 `json:"refunded_cents"`
	Disputed  int64 `json:"disputed_cents"`
	Fees      int64 `json:"fees_cents"`
	PaidOut   int64 `json:"paid_out_cents"`
	Net       int64 `json:"net_cents"`
}

func (s sums) String() string {
	return fmt.Sprintf("%10s %10s %10s %8s %10s", dollars(s.Collected), dollars(s.Refunded), dollars(s.Disputed), dollars(s.Fees), dollars(s.Net))
}

var wayWords = map[string]string{
	"card": "Visits, paid by card", "membership": "Yearly memberships", "uncharged": "Visits whose hold was released",
}

// bases are why a visit costs what it does.
var bases = []struct{ name, text string }{
	{"practice_fee", "at the practice's price"},
	{"sliding_scale", "at less, for who cannot pay it"},
	{"membership", "included in a membership"},
	{"waiver", "waived by the practice"},
	{"no_charge", "never charged"},
}

// ways counts lakeside's visits by why they cost what they do.
func (m *month) ways(ctx context.Context) map[string]int {
	n := map[string]int{}
	for _, p := range []string{"jane-smith", "tom-okafor", "rosa-diaz"} {
		var all struct {
			Visits []struct {
				Quote struct {
					Basis string `json:"basis"`
				} `json:"quote"`
			} `json:"visits"`
		}
		m.do(func() error { return m.who(p).get(ctx, "/visits?limit=100", &all) })
		for _, v := range all.Visits {
			n[v.Quote.Basis]++
		}
	}
	return n
}

// finds has Stripe take a part of the balance for nothing that it names, and sees that the next
// comparison makes it somebody's work, with both sides.
func (m *month) finds(ctx context.Context) {
	m.tell("\nStripe takes $7.00 of the balance, for nothing that it names")
	var made struct {
		ID string `json:"id"`
	}
	m.hand(ctx, map[string]any{"do": "adjust", "id": m.account, "amount": -7_00}, &made)
	m.do(func() error { return m.advance(ctx, 27*time.Hour) })
	m.do(func() error { return m.signIn(ctx) })
	ada := m.who("ada-brooks")
	var item todo
	m.do(func() error {
		return m.until(ctx, "the difference to be work", func(ctx context.Context) (bool, error) {
			var err error
			item, err = ada.work(ctx, "books.differ", "")
			return item.ID != "", err
		})
	})
	var all []comparison
	m.do(func() (err error) {
		all, err = m.comparisons(ctx)
		return err
	})
	if m.err != nil {
		return
	}
	m.check(all[0].Differences == 1 && len(all[0].Found) == 1 && all[0].Found[0].Object == made.ID, "the comparison found %+v", all[0])
	m.check(item.Difference.Text == all[0].Found[0].Text, "the work says %q", item.Difference.Text)
	m.tell("   The next comparison finds it: %s.", item.Difference.Text)
	m.tell("   It is in the work of %s, due %s, about %s.", ada.Name, item.Due.In(m.zone).Format("Jan 02 15:04"), all[0].Found[0].Object)
	m.scene.ends(ctx, ada, item)
	m.tell("   She asks Stripe, and ends the item.")
}
