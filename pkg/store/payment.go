package store

import (
	"fmt"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/money"
	"evisit/pkg/vault"
)

// A paymentRow is a payment as its row packs it, for the same reasons as a
// visitRow: the page's URL leaves little space. The payment's visit is the
// beginning of its id.
type paymentRow struct {
	// ID repeats what the key says, so that a moved row is noticed.
	ID            string        `json:"i"`
	Account       string        `json:"a"`
	Amount        money.Cents   `json:"m"`
	State         billing.State `json:"s"`
	AtOnce        bool          `json:"o,omitempty"`
	Session       string        `json:"cs,omitempty"`
	URL           string        `json:"u,omitempty"`
	SessionEnds   moment        `json:"ce,omitempty"`
	Intent        string        `json:"pi,omitempty"`
	Held          money.Cents   `json:"h,omitempty"`
	Collected     money.Cents   `json:"c,omitempty"`
	Refunded      money.Cents   `json:"g,omitempty"`
	CaptureBefore moment        `json:"cb,omitempty"`
	Why           string        `json:"w,omitempty"`
	HeldAt        moment        `json:"ha,omitempty"`
	EndedAt       moment        `json:"ea,omitempty"`
}

func newPaymentRow(p billing.Payment) (paymentRow, error) {
	if paidFor(p.ID) != p.Visit {
		return paymentRow{}, fmt.Errorf("store: payment %s is said to be for visit %s", p.ID, p.Visit)
	}
	since := clock(p.OpenedAt)
	return paymentRow{
		ID: p.ID, Account: p.Account, Amount: p.Amount, State: p.State, AtOnce: p.AtOnce, Session: p.Session, URL: p.URL,
		SessionEnds: since.moment(p.SessionEnds), Intent: p.Intent, Held: p.Held, Collected: p.Collected, Refunded: p.Refunded,
		CaptureBefore: since.moment(p.CaptureBefore), Why: p.Why, HeldAt: since.moment(p.HeldAt), EndedAt: since.moment(p.EndedAt),
	}, nil
}

func readPayment(i item) (billing.Payment, error) {
	var row paymentRow
	if err := unpack(i, "payment", &row); err != nil {
		return billing.Payment{}, err
	}
	if keyOf(i) != paymentKey(row.ID) {
		return billing.Payment{}, fmt.Errorf("payment %s: %w: it lies where %s belongs", row.ID, vault.ErrBroken, text(i, "sk"))
	}
	since := clock(stamped(i, "booked"))
	return billing.Payment{
		ID: row.ID, Visit: paidFor(row.ID), Practice: text(i, "l"), Account: row.Account, Amount: row.Amount, State: row.State, AtOnce: row.AtOnce,
		Session: row.Session, URL: row.URL, SessionEnds: since.time(row.SessionEnds), Intent: row.Intent,
		Held: row.Held, Collected: row.Collected, Refunded: row.Refunded,
		CaptureBefore: since.time(row.CaptureBefore), Why: row.Why, HeldAt: since.time(row.HeldAt), EndedAt: since.time(row.EndedAt),
		OpenedAt: time.Time(since), Version: count(i, "v"),
	}, nil
}
