package visit

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
)

// MessageCap is how many messages each side may send in one visit; a longer
// exchange is a visit or a call (eRisk; domain rule G13).
const MessageCap = 6

// Each step below returns the next state of the visit. Repeated by the person who
// made it, a step returns the visit with its Version unchanged, so that a request
// whose reply was lost is not refused as a conflict. Saved and Priced always make
// a new version. What was said, accepted or answered with a step is not in the
// visit: the step's caller compares that, and refuses what differs with
// DoneOtherwise.

// Saved returns v with answers saved, which voids a quote made for other
// answers. State is the US state that the patient is in, empty while unknown.
func (v Visit) Saved(state string) (Visit, error) {
	if v.Status != Draft {
		return Visit{}, v.refuse("change its answers")
	}
	v.State, v.Quote = state, billing.Quote{}
	return v.next(Draft), nil
}

// Priced returns v with a quote to accept; the zero Quote is none.
func (v Visit) Priced(q billing.Quote) (Visit, error) {
	if v.Status != Draft {
		return Visit{}, v.refuse("price it again")
	}
	v.Quote = q
	return v.next(Draft), nil
}

// Submit returns v submitted: queued at once if the quote is free, else awaiting
// a hold under payment.
func (v Visit) Submit(quote, payment string, t Terms, now time.Time) (Visit, error) {
	switch {
	case v.Status != Draft && v.Quote.ID == quote && !v.Status.Over():
		return v, nil
	case v.Status != Draft:
		return Visit{}, v.refuse("submit it")
	case v.Quote.ID == "":
		return Visit{}, fault.New(fault.Conflict, "no_quote", "ask for a quote first, and accept it")
	case v.Quote.ID != quote:
		return Visit{}, fault.New(fault.Conflict, "quote_replaced", "that quote was replaced by a newer one; ask for it, and accept that")
	case !now.Before(v.Quote.ExpiresAt):
		return Visit{}, fault.New(fault.Conflict, "quote_expired", "the quote has expired; ask for a new one")
	}
	v.Times.Submitted = now
	if v.Quote.Free() {
		return v.queue(t, now), nil
	}
	v.Payment, v.CheckoutEnds = payment, v.Quote.PageEnds()
	v.Payments = append(v.Payments[:len(v.Payments):len(v.Payments)], payment)
	return v.next(AwaitingPayment), nil
}

// HoldPlaced returns v queued, its card held under payment until before. It
// reports false if v does not want that hold, which must then be released.
func (v Visit) HoldPlaced(payment string, before time.Time, t Terms, now time.Time) (Visit, bool) {
	if v.Status != AwaitingPayment || v.Payment != payment {
		return v, v.WantsPayment(payment)
	}
	v.CaptureBefore, v.CheckoutEnds = before, time.Time{}
	return v.queue(t, now), true
}

// WantsPayment reports whether v needs a hold under payment. One whose fee was waived
// with the answer needs none.
func (v Visit) WantsPayment(payment string) bool {
	return v.Payment == payment && (v.Status == AwaitingPayment || v.Status.AwaitsAnswer() || v.feeDue())
}

// MayCapture reports whether the hold under payment may be captured, as far as Fee: v
// is answered for a fee, and wants that payment.
func (v Visit) MayCapture(payment string) bool { return v.Payment == payment && v.feeDue() }

// feeDue reports whether v was answered, and its fee not waived.
func (v Visit) feeDue() bool { return (v.Status == Answered || v.Status == Closed) && !v.Waived() }

// Waived reports whether v was answered for nothing although its quote was not free.
func (v Visit) Waived() bool { return v.Reduced > 0 && v.Fee() == 0 }

// Fee returns what the answer of v costs: at most the quote's amount, and before the
// answer that.
func (v Visit) Fee() money.Cents { return v.Quote.Amount - v.Reduced }

// Keeps returns how much of what was collected under payment v keeps: its fee, and
// nothing of a payment that it does not want. What is collected above it is refunded.
func (v Visit) Keeps(payment string) money.Cents {
	if !v.WantsPayment(payment) {
		return 0
	}
	return v.Fee()
}

func (v Visit) queue(t Terms, now time.Time) Visit {
	v.Times.Queued, v.Wake = now, time.Time{}
	v.Promise = Promise{By: now.Add(t.Answer), Ends: now.Add(t.Answer + t.GiveUp)}
	return v.next(Queued)
}

// CheckoutAbandoned returns v in draft again, its answers kept, because the page
// of payment expired unpaid.
func (v Visit) CheckoutAbandoned(payment string) Visit {
	if v.Status != AwaitingPayment || v.Payment != payment {
		return v
	}
	v.Payment, v.Quote, v.CheckoutEnds, v.Times.Submitted, v.Card = "", billing.Quote{}, time.Time{}, time.Time{}, CardHeld
	return v.next(Draft)
}

// AskStripeAgain returns v with Stripe to be asked again later about its page,
// which Stripe still reports as payable past its time, or whose bank takes its
// days: after as long as the page has ended, ten minutes at least and half a day
// at most.
func (v Visit) AskStripeAgain(now time.Time) Visit {
	if v.Status != AwaitingPayment {
		return v
	}
	wait := min(max(now.Sub(v.Quote.PageEnds()), 10*time.Minute), 12*time.Hour)
	v.CheckoutEnds, v.Wake = now.Add(wait), time.Time{}
	return v.next(v.Status)
}

// WithStray returns v with a payment that this system did not ask for, which v
// does not want.
func (v Visit) WithStray(payment string) Visit {
	at := len(v.Payments)
	if v.Payment != "" {
		at-- // the payment that v wants stays the last
	}
	v.Payments = slices.Insert(slices.Clone(v.Payments), at, payment)
	return v.next(v.Status)
}

// PageRefused returns an answered v whose new pay link Stripe refused to make, so
// that the next has another name.
func (v Visit) PageRefused() Visit {
	v.Quote.Refused++
	return v.next(v.Status)
}

// PayLink returns an answered v that wants payment in place of the one that
// failed.
func (v Visit) PayLink(payment string) Visit {
	if !v.feeDue() || v.Payment == payment {
		return v
	}
	v.Payment = payment
	v.Payments = append(v.Payments[:len(v.Payments):len(v.Payments)], payment)
	return v.next(v.Status)
}

// FollowPayment returns v after p changed: the fee of an answered visit, if it has one, is owed while
// the payment that it wants is neither held nor collected, nor on its way from a
// bank.
func (v Visit) FollowPayment(p billing.Payment, now time.Time) Visit {
	owed := v.feeDue() && p.State != billing.Processing && p.Payable(now) != billing.NotPayable && !v.ChargesCard(p)
	if p.ID != v.Payment || v.Owed == owed {
		return v
	}
	v.Owed = owed
	return v.next(v.Status)
}

// Payable reports whether v can be paid at now: its payment page has not
// expired, or the fee of its answer is owed.
func (v Visit) Payable(now time.Time) bool {
	return v.Status == AwaitingPayment && now.Before(v.Quote.PageEnds()) || v.Owed
}

// HoldLost returns v expired because its hold lapsed, or was released at Stripe,
// before the answer. An answered visit is returned unchanged.
func (v Visit) HoldLost(payment string, now time.Time) Visit {
	if !v.Status.AwaitsAnswer() || v.Payment != payment {
		return v
	}
	return v.ended(Expired, HoldLost, now)
}

// Ask returns v awaiting the patient, with one more message.
func (v Visit) Ask(now time.Time) (Visit, error) {
	switch {
	case v.Status != InReview:
		return Visit{}, v.refuse("ask the patient")
	case v.FromTeam >= MessageCap-1, v.FromPatient >= MessageCap: // one message is left for the answer, one for the reply
		return Visit{}, fault.New(fault.Conflict, "message_limit", "this exchange has grown long; answer it, or redirect it to a visit or a call")
	}
	v.Promise, v.Times.Asked = v.Promise.pause(now), now
	v.Messages++
	v.FromTeam++
	return v.next(AwaitingPatient), nil
}

// Reply returns v with one more message of the patient's side, which resumes a
// paused promise; a visit that nobody holds is then in the queue. Before the answer
// the patient may add information at any time, without charge.
func (v Visit) Reply(now time.Time) (Visit, error) {
	switch {
	case !v.Status.AwaitsAnswer():
		return Visit{}, v.refuse("add to it")
	case v.FromPatient >= MessageCap:
		return Visit{}, fault.New(fault.Conflict, "message_limit", "you have sent as many messages as one e-visit allows; please call the practice")
	}
	to := v.Status
	if to == AwaitingPatient {
		to = Queued
		if v.Taken() {
			to = InReview
		}
		v.Promise = v.Promise.resume(now)
	}
	return v.Said().next(to), nil
}

// Said returns v with one more message of the patient's side. The words that come
// with a red flag are kept so, in every status and beyond MessageCap; all others
// are a Reply. The version is Divert's to count.
func (v Visit) Said() Visit {
	v.Messages++
	v.FromPatient++
	return v
}

// Answer returns v answered by p. document is the hash of the encounter
// document; minutes are p's own, nil if not stated. The fee is decided with it, by what
// p is: the quote's lower prices are not needed after that, and are in the document.
func (v Visit) Answer(p identity.Person, document string, minutes *int, now time.Time) (Visit, error) {
	if !v.Taken() {
		return Visit{}, v.refuse("answer it")
	}
	if err := v.mayTreat(p, now); err != nil {
		return Visit{}, err
	}
	v.Promise = v.Promise.resume(now)
	v.Document, v.Times.Answered = document, now
	if minutes != nil {
		v.Minutes = *minutes
	}
	v.Reduced, v.Quote.Lower = v.Quote.Amount-v.Quote.FeeOf(p.Kind), nil
	v.CaptureBefore = time.Time{} // the same commit asks for the capture; the payment has its own deadline
	v.Messages++
	v.FromTeam++
	return v.next(Answered), nil
}

// BillsPlan reports whether the practice bills a health plan for v: it is answered, and its patient
// was quoted the share of a member, and has not asked that no plan is told.
func (v Visit) BillsPlan() bool {
	return (v.Status == Answered || v.Status == Closed) && v.Quote.Basis == billing.PlanShare && !v.Quote.Restricted
}

// LowerFee returns v, answered just now, with the fee that who answers it says; nil
// leaves it.
func (v Visit) LowerFee(said *money.Cents) (Visit, error) {
	fee, err := billing.LowerFee(v.Fee(), said)
	v.Reduced = v.Quote.Amount - fee
	return v, err
}

// MarkRead returns v with every message so far read by the patient's side, who
// say so.
func (v Visit) MarkRead(by string, now time.Time) Visit {
	next := v.ReadNow(by, now)
	if len(next.Reads) == len(v.Reads) {
		return v
	}
	return next.next(v.Status)
}

// Close returns v closed, by the patient or after CloseAfter. addendum is the
// hash of the object that adds receipts and read times to the document.
func (v Visit) Close(addendum string, now time.Time) (Visit, error) {
	if v.Status == Closed {
		return v, nil
	}
	if v.Status != Answered {
		return Visit{}, v.refuse("acknowledge it")
	}
	v = v.ended(Closed, "", now)
	v.Addendum = addendum
	return v, nil
}

// Divert returns v stopped by a red flag, which may come at any time before the
// answer.
func (v Visit) Divert(why Reason, now time.Time) (Visit, error) {
	if v.Status == Diverted {
		return v, nil
	}
	if !v.Status.BeforeAnswer() {
		return Visit{}, v.refuse("change its answers")
	}
	return v.ended(Diverted, why, now), nil
}

// GiveNumber returns a diverted v with one more message of the patient's side: the
// number at which the practice may call them.
func (v Visit) GiveNumber() (Visit, error) {
	switch {
	case v.Status != Diverted:
		return Visit{}, v.refuse("give a number to be called at")
	case v.FromPatient >= 2*MessageCap:
		return Visit{}, fault.New(fault.Conflict, "message_limit", "you have given as many numbers as can be kept; please call the practice")
	}
	return v.Said().next(Diverted), nil
}

// Private reports whether v was diverted so that others in the patient's home must
// find no trace of it: it is in no list of the patient's, and no letter tells of it.
func (v Visit) Private() bool { return v.Status == Diverted && v.Reason == Private }

// ConfirmDiversion returns a diverted v with the patient's confirmation that
// they read where to seek care (forms README, divert record).
func (v Visit) ConfirmDiversion(now time.Time) Visit {
	if v.Status != Diverted || !v.Times.Understood.IsZero() {
		return v
	}
	v.Times.Understood = now
	return v.next(Diverted)
}

// Cancel returns v cancelled by the patient, who may do so until the answer.
func (v Visit) Cancel(now time.Time) (Visit, error) {
	if v.Status == Cancelled {
		return v, nil
	}
	if !v.Status.BeforeAnswer() {
		return Visit{}, v.refuse("cancel it")
	}
	return v.ended(Cancelled, ByPatient, now), nil
}

// Delete returns a draft v deleted by the patient's side: without answers, which its
// commit removes, and without what was decided on them.
func (v Visit) Delete(now time.Time) (Visit, error) {
	if v.Status == Deleted {
		return v, nil
	}
	if v.Status != Draft {
		return Visit{}, v.refuse("delete it")
	}
	v = v.ended(Deleted, "", now)
	v.State, v.Quote = "", billing.Quote{}
	if v.Saves > 0 {
		v.Saves++
	}
	return v, nil
}

// Again returns a draft on form with which by sends v again, which expired. The draft's
// id follows from v's, so that pressing twice makes one draft.
func (v Visit) Again(form Form, by string, now time.Time) (Visit, error) {
	if v.Status != Expired {
		return Visit{}, v.refuse("send it again")
	}
	return Start(v.AgainID(), v.Practice, v.Patient, by, form, now), nil
}

// AgainID returns the id of the visit that v is sent again as: 80 bits, as of other ids.
func (v Visit) AgainID() string {
	sum := sha256.Sum256([]byte("again " + v.ID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}

// Withdrawn reports whether the patient's side withdrew v: what it was to send again
// can be sent again as v.AgainID.
func (v Visit) Withdrawn() bool { return v.Status == Deleted || v.Status == Cancelled }

// HasAnswers reports whether answers of v are stored.
func (v Visit) HasAnswers() bool { return v.Saves > 0 && v.Status != Deleted }

// Unlisted reports whether v is in no list of the patient's: it is private, or was
// deleted.
func (v Visit) Unlisted() bool { return v.Private() || v.Status == Deleted }

// TurnAway returns v ended by its holder without an answer: declined, or
// redirected to care in person.
func (v Visit) TurnAway(to Status, reason Reason, now time.Time) (Visit, error) {
	if to != Declined && to != Redirected {
		return Visit{}, fmt.Errorf("visit %s: turned away to %s", v.ID, to)
	}
	switch {
	case v.Status == to && v.Reason == reason:
		return v, nil
	case v.Status == to:
		return Visit{}, DoneOtherwise("it was " + string(to) + " with the reason " + string(v.Reason))
	case !v.Taken():
		return Visit{}, v.refuse("turn it away")
	}
	v = v.ended(to, reason, now)
	v.Messages++
	v.FromTeam++
	return v, nil
}

// DoneOtherwise refuses a step that was made already, and not as it is asked for now;
// stands says how it was made.
func DoneOtherwise(stands string) error {
	return fault.New(fault.Conflict, "done_otherwise", "this was done already, and not as you send it now: "+stands+"; that stands")
}

// Expire returns v expired because it was not answered in time, or the patient
// did not reply in time.
func (v Visit) Expire(now time.Time) (Visit, error) {
	if v.Status == Expired {
		return v, nil
	}
	if !v.Status.AwaitsAnswer() {
		return Visit{}, v.refuse("expire it")
	}
	reason := Unanswered
	switch held := v.holdEnds(); {
	case v.Status == AwaitingPatient && !now.Before(v.Promise.Paused.Add(PatientTime)):
		reason = NoReply
	case v.Status == AwaitingPatient && !held.IsZero() && !now.Before(held):
		reason = HoldLost // the patient still had time
	}
	return v.ended(Expired, reason, now), nil
}

func (v Visit) refuse(what string) error {
	return fault.New(fault.Conflict, "wrong_status", fmt.Sprintf("this visit is %s, so you cannot %s", v.Status.words(), what))
}

func (s Status) words() string {
	switch s {
	case AwaitingPayment:
		return "waiting for its payment"
	case InReview:
		return "in review"
	case AwaitingPatient:
		return "waiting for the patient's reply"
	case Draft, Queued, Answered, Closed, Diverted, Cancelled, Declined, Redirected, Expired, Deleted:
	}
	return string(s)
}
