// Package reconcile compares the books with Stripe's balance: what the ledger has on the account
// stripe of each payment, membership and payout with the movements of the balance that belong to
// it. It decides what is a difference. Reading either side, telling people and posting are left
// to others: nothing is ever posted to make the two agree.
package reconcile

import (
	"slices"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A Transaction is one movement of an account's balance at Stripe (a balance transaction).
type Transaction struct {
	ID     string
	Amount money.Cents // before Fee; what leaves the account is below zero
	Fee    money.Cents // what Stripe took of it; below zero: gave back
	// Object is whose money moved: the intent of a charge, of a refund and of a dispute, a payout,
	// else the movement's source at Stripe, or the movement itself.
	Object string
	// Ref is the payment in the metadata of what moved it, if Stripe shows it: a hint.
	Ref string
}

// A Total is what several movements come to. Gross less Fee is what the balance has of them.
type Total struct {
	Gross money.Cents `json:"gross,omitempty"`
	Fee   money.Cents `json:"fee,omitempty"`
}

func (t Total) add(u Total) Total { return Total{t.Gross + u.Gross, t.Fee + u.Fee} }

// Net is what the balance has of it.
func (t Total) Net() money.Cents { return t.Gross - t.Fee }

// String says t in words: $40.00, less $1.46 of fees.
func (t Total) String() string {
	switch {
	case t == Total{}:
		return "nothing"
	case t.Fee == 0:
		return t.Gross.String()
	case t.Fee < 0:
		return t.Gross.String() + ", and " + (-t.Fee).String() + " of fees returned"
	}
	return t.Gross.String() + ", less " + t.Fee.String() + " of fees"
}

// Books is what entries have on the account stripe, as Stripe tells it: with what Stripe and the
// platform took apart.
func Books(entries []ledger.Entry) Total {
	sums := ledger.Balances(entries)
	fee := sums[ledger.StripeFees] + sums[ledger.PlatformFees] + sums[ledger.DisputeFees]
	return Total{Gross: sums[ledger.Stripe] + fee, Fee: fee}
}

// Moved sums transactions, each once however often it is among them.
func Moved(all ...[]Transaction) Total {
	var t Total
	counted := map[string]bool{}
	for _, ts := range all {
		for _, x := range ts {
			if !counted[x.ID] {
				counted[x.ID] = true
				t = t.add(Total{x.Amount, x.Fee})
			}
		}
	}
	return t
}

// A Group is the transactions of one object.
type Group struct {
	Object, Ref  string
	Transactions []Transaction
}

// Groups sorts transactions by their objects, in the order in which they come.
func Groups(ts []Transaction) []Group {
	var all []Group
	for _, x := range ts {
		at := slices.IndexFunc(all, func(g Group) bool { return g.Object == x.Object })
		if at < 0 {
			at = len(all)
			all = append(all, Group{Object: x.Object})
		}
		g := &all[at]
		g.Transactions = append(g.Transactions, x)
		if g.Ref == "" {
			g.Ref = x.Ref
		}
	}
	return all
}

// A Difference says that the books and Stripe have not the same of one thing.
type Difference struct {
	// About names the payment, membership or payout in the books; empty: nothing here is known of
	// Object.
	About string `json:"about,omitempty"`
	// Object is Stripe's id; empty: the books name nothing at Stripe.
	Object string `json:"object,omitempty"`
	Books  Total  `json:"books"`
	Stripe Total  `json:"stripe"`
}

// Compare returns the difference of what the books and Stripe have in all of one thing. It
// reports false if there is none.
func Compare(about, object string, books, stripe Total) (Difference, bool) {
	return Difference{about, object, books, stripe}, books != stripe
}

// Key names what d is about, the same each time it is compared.
func (d Difference) Key() string {
	if d.About != "" {
		return d.About
	}
	return d.Object
}

// String says d in words, for the practice's people.
func (d Difference) String() string {
	return "The books have " + d.Books.String() + "; Stripe has " + d.Stripe.String()
}

// An Accepted is a Difference that somebody at the practice has said is dealt with, as it stands.
type Accepted struct {
	Difference

	By string    `json:"by"` // a person's id
	On time.Time `json:"on"`
}

// A Window is a time whose movements are compared: from From on, and before Through.
type Window struct {
	From    time.Time `json:"from"`
	Through time.Time `json:"through"`
}

// Settled is how long movements are left alone before they are compared: webhooks and the looks
// that follow have then had their time.
const Settled = time.Hour

// WindowAfter is the window from the end of the one before to what is settled at now, in whole
// seconds as Stripe counts. It reports false if nothing is.
func WindowAfter(through, now time.Time) (Window, bool) {
	w := Window{through.Truncate(time.Second), now.Add(-Settled).Truncate(time.Second)}
	return w, w.Through.After(w.From)
}

// Half is the first half of w, for a window that has too many movements to be compared at once. It
// reports false of a second, which cannot be halved.
func (w Window) Half() (Window, bool) {
	if w.Through.Sub(w.From) < 2*time.Second {
		return w, false
	}
	w.Through = w.From.Add((w.Through.Sub(w.From) / 2).Truncate(time.Second))
	return w, true
}

// An Outcome is what the comparison of one window came to.
type Outcome struct {
	Practice string `json:"practice"`
	Account  string `json:"account"`
	Window
	At time.Time `json:"at"`
	// Transactions counts Stripe's movements in the window, and Compared what they, and the entries
	// of the window, are about.
	Transactions int `json:"transactions"`
	Compared     int `json:"compared"`
	// Books and Stripe are what both sides have in all of what was compared, movements and entries
	// of other times included.
	Books  Total `json:"books"`
	Stripe Total `json:"stripe"`
	// Differences counts what differs and nobody has accepted, and Found has the first maxFound of them.
	Differences int          `json:"differences"`
	Found       []Difference `json:"found,omitempty"`
	// Accepted counts what differs as somebody has accepted it, and Known has the first maxFound of them.
	Accepted int        `json:"accepted,omitempty"`
	Known    []Accepted `json:"known,omitempty"`
}

// maxFound keeps a row small, whatever differs.
const maxFound = 100

// WithAccepted returns o after a comparison whose difference somebody has accepted.
func (o Outcome) WithAccepted(a Accepted) Outcome {
	o = o.With(a.Difference, false)
	o.Accepted++
	if len(o.Known) < maxFound {
		o.Known = append(slices.Clip(o.Known), a)
	}
	return o
}

// With returns o after one comparison, of which nobody has accepted a difference.
func (o Outcome) With(d Difference, differs bool) Outcome {
	o.Compared++
	o.Books, o.Stripe = o.Books.add(d.Books), o.Stripe.add(d.Stripe)
	if differs {
		o.Differences++
		if len(o.Found) < maxFound {
			o.Found = append(slices.Clip(o.Found), d)
		}
	}
	return o
}

// A Progress is how far an account was compared.
type Progress struct {
	Practice string `json:"practice"`
	Account  string `json:"account"`
	// Through is the end of the last window; zero: none was compared.
	Through time.Time `json:"through,omitzero"`
	// Open are the differences of the last comparison, accepted ones last, which are compared again with the
	// next window whatever moves in it.
	Open    []Difference `json:"open,omitempty"`
	Version int          `json:"-"`
}

// After returns p after a comparison.
func (p Progress) After(o Outcome) Progress {
	p.Through, p.Open = o.Through, slices.Clip(o.Found)
	for _, a := range o.Known {
		p.Open = append(p.Open, a.Difference)
	}
	p.Version++
	return p
}
