package request

import (
	"context"
	"errors"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// Checkout makes payment pages. Called again with the same Key it returns the
// same page. A definite no is a *clinic.Refusal.
type Checkout interface {
	NewPage(ctx context.Context, p PageRequest) (session, url string, err error)
	// NewMembershipPage makes a customer, and the page on which they subscribe.
	NewMembershipPage(ctx context.Context, p MembershipPage) (customer, session, url string, err error)
}

// A PageRequest has what a payment page needs, and no word of the visit's
// content.
type PageRequest struct {
	Account string
	Key     string // idempotency key
	Ref     string // our payment id, kept in Stripe's metadata
	Amount  money.Cents
	AtOnce  bool
	// Platform is what the platform takes of what the page collects; 0: nothing.
	Platform money.Cents
	// KeepCard has Stripe keep the card, for charges without the patient to which they agreed.
	KeepCard bool
	Ends     time.Time
	Done     string // where the page leads when paid
	Back     string // and when left
}

func refusedByStripe(err error) bool {
	_, refused := errors.AsType[*clinic.Refusal](err)
	return refused
}

// linkEvery is how long a repeated request for a pay link returns the same link.
const linkEvery = time.Hour

// Pay returns the payment page of a visit: the page of a visit that awaits
// payment, or a new pay link for an answered visit whose fee is owed.
func (m *Room) Pay(ctx context.Context, c clinic.Caller, id string) (Sent, error) {
	v, _, err := clinic.Step(ctx, m.Kernel, c, identity.FillVisit, clinic.Query{Visit: id},
		func(in clinic.Input) (clinic.Decision, clinic.Nothing, error) {
			if in.Visit.Status == visit.AwaitingPayment {
				return clinic.Decision{}, clinic.Nothing{}, nil
			}
			d, err := m.payLink(ctx, in)
			return d, clinic.Nothing{}, err
		})
	if err != nil {
		return Sent{}, err
	}
	return m.pageOf(ctx, v)
}

func (m *Room) payLink(ctx context.Context, in clinic.Input) (clinic.Decision, error) {
	v := in.Visit
	if !v.Owed {
		return clinic.Decision{}, fault.New(fault.Conflict, "nothing_to_pay", "there is nothing to pay for this visit")
	}
	known, err := books.Load(ctx, m.Store, v)
	if err != nil {
		return clinic.Decision{}, err
	}
	last := known.Wanted(v)
	if last.Payable(in.Now) != billing.ByLink {
		return clinic.Decision{}, nil // its page can still be paid, or Stripe has yet to report whether it was paid
	}
	if err := in.Stale(); err != nil {
		return clinic.Decision{}, err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return clinic.Decision{}, err
	}
	p.Account = last.Account
	if err := m.checkPayable(ctx, p, v.Fee()); err != nil {
		return clinic.Decision{}, err
	}
	began := in.Now.Truncate(linkEvery)
	pay, err := m.newPage(ctx, billing.Payment{
		ID: v.ID + "." + v.Quote.Page() + began.Format("-20060102T15"), Visit: v.ID, Practice: v.Practice, Account: last.Account,
		Amount: v.Fee(), Platform: p.PlatformFee, AtOnce: true, SessionEnds: began.Add(2 * linkEvery),
	}, in.Now)
	if refusedByStripe(err) {
		next := v.PageRefused()
		return clinic.Decision{Visit: &next, RefuseWith: err}, nil
	}
	if err != nil {
		return clinic.Decision{}, err
	}
	next := v.PayLink(pay.ID)
	look := m.Kernel.Event(outbox.CheckPayment, outbox.Charge, next, in.Now)
	look.Later = pay.NextLook(in.Now)
	return clinic.Change(v, next, clinic.Commit{
		Payments: []billing.Payment{pay}, Events: []outbox.Event{look}, Audit: m.record(in, "visit.pay", next),
	}), nil
}

// keyReused is Stripe's code for a key under which another call was made; the next
// attempt has another key.
const keyReused = "idempotency_error"

// newPage makes p's page at Stripe. Everything in the call follows from p, and
// p's id is the key, so a repeated call after a lost reply finds the same page.
// After a refusal that another try would only repeat, the patient is told so.
func (m *Room) newPage(ctx context.Context, p billing.Payment, now time.Time) (billing.Payment, error) {
	back := m.Pages + "/my/visits/" + p.Visit
	done := back + "/sent"
	if p.AtOnce { // for an answer, which was sent long ago
		done = back + "?paid=1"
	}
	var err error
	p.Session, p.URL, err = m.Checkout.NewPage(ctx, PageRequest{
		Account: p.Account, Key: p.ID, Ref: p.ID, Amount: p.Amount, AtOnce: p.AtOnce, Platform: p.AtOncePart(), KeepCard: p.Later.Words != "",
		Ends: p.SessionEnds, Done: done, Back: back + "?left=1",
	})
	refused, definite := errors.AsType[*clinic.Refusal](err)
	switch {
	case definite && !refused.Temporary && refused.Code != keyReused:
		return p, fault.Hide(fault.Conflict, "payment_page_refused",
			"Stripe refuses to make a payment page for this practice; nothing was sent, your answers are kept, please call the practice", err)
	case err != nil:
		return p, fault.Hide(fault.Busy, "payment_page_unavailable",
			"the payment page cannot be opened just now, so nothing was sent; your answers are kept, repeat the same request", err)
	}
	return billing.NewPayment(p, now)
}

// pageOf returns the page where v's payment can be paid. It refuses while Stripe
// has yet to report whether the last page was paid.
func (m *Room) pageOf(ctx context.Context, v visit.Visit) (Sent, error) {
	known, err := books.Load(ctx, m.Store, v)
	if err != nil {
		return Sent{}, err
	}
	p := known.Wanted(v)
	switch p.Payable(m.Kernel.Time()) {
	case billing.AtPage:
		return Sent{Visit: v, Page: p.URL}, nil
	case billing.AwaitsStripe:
		return Sent{}, fault.New(fault.Conflict, "payment_pending", "Stripe has yet to report whether the last payment page was paid; look again in some minutes")
	case billing.NotPayable, billing.ByLink: // it was paid, or changed, since v was read
	}
	return Sent{Visit: v}, nil
}
