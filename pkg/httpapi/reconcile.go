package httpapi

import (
	"time"

	"evisit/pkg/reconcile"
)

var listReconciliations = Endpoint{
	Method: "GET", Path: "/practice/reconciliations", ID: "listReconciliations", Group: "Practice",
	For: "See whether the books agree with Stripe",
	Text: "Each day, what moved the balance of the practice's account at Stripe is compared with the books, the newest day first. What " +
		"differs is looked at again before it is called a difference, and is then work (`books.differ`); nothing is ever posted to make " +
		"the two agree. For admins.",
	Who: Known,
	Out: reconciliationsReply{}, OutText: "The latest 100 comparisons; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Office.Outcomes(r.Context(), r.Caller)
		out := reconciliationsReply{[]reconciliationReply{}}
		for _, o := range all {
			out.Reconciliations = append(out.Reconciliations, showOutcome(o))
		}
		return Reply{Body: out}, err
	},
}

type reconciliationsReply struct {
	Reconciliations []reconciliationReply `json:"reconciliations" schema:"max=100"`
}

// How the books compared with Stripe in one window of time.
type reconciliationReply struct {
	// The practice's connected account at Stripe.
	Account string `json:"account"`
	// The window: what moved from `from` on, and before `through`. It ends an hour before the comparison.
	From    time.Time `json:"from"`
	Through time.Time `json:"through"`
	At      time.Time `json:"compared_at"`
	// How often the balance at Stripe moved.
	Transactions int `json:"transactions" schema:"min=0"`
	// How many payments, memberships, payouts and things unknown here were compared.
	Compared int       `json:"compared" schema:"min=0"`
	Books    sideReply `json:"books"`
	Stripe   sideReply `json:"stripe"`
	// How many of them differ, without those that somebody accepted.
	Differences int `json:"differences" schema:"min=0"`
	// The first 100 that differ.
	Found []differenceReply `json:"found" schema:"max=100"`
	// How many differ as somebody accepted it: by ending the work about it (`endWork`). One that changes afterwards is a difference again.
	Accepted int `json:"accepted" schema:"min=0"`
	// The first 100 of them.
	Known []acceptedReply `json:"known" schema:"max=100"`
}

// What differs as somebody accepted it.
type acceptedReply struct {
	Difference differenceReply `json:"difference"`
	// A person's id.
	By string    `json:"accepted_by"`
	On time.Time `json:"accepted_at"`
}

// What one side has of all that was compared, at other times too. The balance has `gross_cents` less `fee_cents`.
type sideReply struct {
	Gross int64 `json:"gross_cents" schema:"min=-1000000000000 max=1000000000000"`
	// What Stripe took.
	Fee int64 `json:"fee_cents" schema:"min=-1000000000000 max=1000000000000"`
}

// What the books and Stripe have not the same of. Of work, it is of `books.differ` alone.
type differenceReply struct {
	// The payment, membership or payout in the books; absent of what is not known there.
	About string `json:"about,omitempty"`
	// Stripe's id; absent if the books name nothing at Stripe.
	Object string    `json:"stripe_object,omitempty"`
	Books  sideReply `json:"books"`
	Stripe sideReply `json:"stripe"`
	// Both sides in words.
	Text string `json:"text"`
}

func showOutcome(o reconcile.Outcome) reconciliationReply {
	out := reconciliationReply{
		o.Account, o.From, o.Through, o.At, o.Transactions, o.Compared, showSide(o.Books), showSide(o.Stripe), o.Differences, []differenceReply{}, o.Accepted, []acceptedReply{},
	}
	for _, a := range o.Known {
		out.Known = append(out.Known, acceptedReply{showDifference(a.Difference), a.By, a.On})
	}
	for _, d := range o.Found {
		out.Found = append(out.Found, showDifference(d))
	}
	return out
}

func showSide(t reconcile.Total) sideReply { return sideReply{int64(t.Gross), int64(t.Fee)} }

func showDifference(d reconcile.Difference) differenceReply {
	return differenceReply{d.About, d.Object, showSide(d.Books), showSide(d.Stripe), d.String()}
}
