package visit

import (
	"slices"
	"time"

	"evisit/pkg/billing"
)

// A CardUse is what may be done with the card that a visit was paid with when its hold ends
// before the answer.
type CardUse string

const (
	// CardHeld: the card was held and nothing more was agreed; the visit ends with the hold.
	CardHeld CardUse = ""
	// CardAgreed: the patient agreed that the card is held again, or charged for the answer,
	// without them (billing.LaterCharge).
	CardAgreed CardUse = "agreed"
	// CardRefused: they agreed, and the card refused. It is not tried again; the fee of the
	// answer is paid by link.
	CardRefused CardUse = "refused"
)

// OutlivesHold reports whether v goes on when its hold ends before the answer.
func (v Visit) OutlivesHold() bool { return v.Card != CardHeld }

// AgreeToCharge returns v, submitted just now, with the patient's agreement that their card
// may be held again, or charged for the answer, without them.
func (v Visit) AgreeToCharge() Visit {
	if v.Status == AwaitingPayment {
		v.Card = CardAgreed
	}
	return v
}

// AskRenewal returns v with its hold to be renewed: until it is, no hold bounds v.
func (v Visit) AskRenewal() Visit {
	v.CaptureBefore, v.Wake = time.Time{}, time.Time{}
	return v.next(v.Status)
}

// RenewsHold reports whether a hold in place of that under p is wanted: it was asked for, and
// none was placed since; v awaits its answer, and p is held or has lapsed.
func (v Visit) RenewsHold(p billing.Payment) bool {
	asked := v.CaptureBefore.IsZero() && v.Card == CardAgreed && v.Status.AwaitsAnswer()
	return asked && v.Payment == p.ID && (p.State == billing.Held || p.State == billing.Lapsed)
}

// WithRenewal returns v with a payment that is to renew its hold. Until its hold stands, v
// wants the payment that it has.
func (v Visit) WithRenewal(payment string) Visit {
	v.Payments = slices.Insert(slices.Clone(v.Payments), len(v.Payments)-1, payment)
	return v.next(v.Status)
}

// HoldRenewed returns v with the hold under payment, until before, in place of the one that
// it had, which is then to be released. It reports false if v does not want that hold,
// which must then be released.
func (v Visit) HoldRenewed(payment string, before time.Time) (Visit, bool) {
	if v.Payment == payment || v.Card != CardAgreed || !v.Status.AwaitsAnswer() || !slices.Contains(v.Payments, payment) {
		return v, v.WantsPayment(payment)
	}
	others := slices.DeleteFunc(slices.Clone(v.Payments), func(id string) bool { return id == payment })
	v.Payments, v.Payment = append(others, payment), payment
	v.CaptureBefore, v.Wake = before, time.Time{}
	return v.next(v.Status), true
}

// HoldLapsed returns v after the hold under payment ran out: expired as by HoldLost, unless
// the patient agreed that v goes on.
func (v Visit) HoldLapsed(payment string, now time.Time) Visit {
	if v.OutlivesHold() {
		return v
	}
	return v.HoldLost(payment, now)
}

// RefuseCard returns v whose card refused to be held, or charged, without the patient.
func (v Visit) RefuseCard() Visit {
	if v.Card != CardAgreed {
		return v
	}
	v.Card = CardRefused
	return v.next(v.Status)
}

// ChargesCard reports whether the fee of v's answer is to be charged to the card of p
// without the patient: its hold ended before it was captured, and they agreed.
func (v Visit) ChargesCard(p billing.Payment) bool {
	return v.Card == CardAgreed && v.MayCapture(p.ID) && p.State == billing.Lapsed
}
