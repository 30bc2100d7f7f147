package claim

import (
	"evisit/pkg/billing"
	"evisit/pkg/money"
)

// Books are what has become of what a claim billed: Billed is all the others together. They are
// zero of a claim that was never sent, and of one that is voided.
//
// What changes between two states of a claim (Less) is to be entered in the practice's books. Paid
// is income that comes from the payer, not by Stripe. The others are a memorandum, as a card's hold
// is: what was billed stays open until it is paid, the patient's, or written off. The patient's
// share itself is in the books by what their card paid and was refunded.
type Books struct {
	Billed     money.Cents `json:"billed"`
	Paid       money.Cents `json:"paid"`        // by the payer
	Share      money.Cents `json:"share"`       // the patient's, of which the card has paid its part
	WrittenOff money.Cents `json:"written_off"` // given up by contract, or by the practice's decision
	Open       money.Cents `json:"open"`        // nobody decided on it, or not for good
}

// Less is what b has more than a.
func (b Books) Less(a Books) Books {
	return Books{b.Billed - a.Billed, b.Paid - a.Paid, b.Share - a.Share, b.WrittenOff - a.WrittenOff, b.Open - a.Open}
}

// Books returns what has become of the charge. A denial leaves it open: only a person writes off
// what was denied, by closing the claim, and never the patient's share.
func (c Claim) Books() Books {
	sent, left := c.lastSent()
	if c.State == Voided || !left {
		return Books{}
	}
	var b Books
	switch s := c.standing(); {
	case s == nil:
		b = Books{Billed: sent.Said.Charge(), Open: sent.Said.Charge()}
	case s.Denial && c.State == Closed:
		b = Books{Billed: s.Charge, Share: s.Patient, Open: s.Charge - s.Patient}
	case s.Denial:
		b = Books{Billed: s.Charge, Open: s.Charge}
	default:
		b = Books{Billed: s.Charge, Paid: s.Paid, Share: s.Patient, WrittenOff: s.Contractual, Open: s.Other}
	}
	if c.State == Closed {
		b.WrittenOff, b.Open = b.WrittenOff+b.Open, 0
	}
	return b
}

// A Settlement is what is to be done about the patient's share. Share is what was captured, less
// Refund, with Ask, Above and Small.
type Settlement struct {
	// Open is set while the payer's word is not final: then nothing is refunded or asked for, and
	// the amounts are zero.
	Open   bool        `json:"open,omitempty"`
	Share  money.Cents `json:"share"`
	Refund money.Cents `json:"refund,omitempty"`
	Ask    money.Cents `json:"ask,omitempty"`   // within what the patient agreed to
	Above  money.Cents `json:"above,omitempty"` // more than the patient agreed to: for a person to decide
	Small  money.Cents `json:"small,omitempty"` // agreed to, and too little for a card to be charged
}

// Settle compares the patient's share with what was captured of them for the visit, less refunds.
// It is open until the payer decided; while the decision is a denial, is appealed or taken back;
// while the claim is being replaced or voided; and of a claim that was closed before any payer
// decided. The share of a voided claim is nothing: what takes its place has its own.
func (c Claim) Settle(captured money.Cents) Settlement {
	final := c.State == Paid || c.State == Voided || c.State == Closed && len(c.Posted) > 0
	if !final {
		return Settlement{Open: true}
	}
	s := Settlement{Share: c.Books().Share}
	if captured >= s.Share {
		s.Refund = captured - s.Share
		return s
	}
	agreed := min(s.Share, max(c.UpTo, captured))
	s.Ask, s.Above = agreed-captured, s.Share-agreed
	if s.Ask < billing.Smallest {
		s.Ask, s.Small = 0, s.Ask
	}
	return s
}
