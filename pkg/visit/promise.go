package visit

import "time"

// A Promise is when the patient was told to expect an answer. It is paused while
// the visit awaits the patient (guideline G30).
type Promise struct {
	By time.Time `json:"by"` // an answer after By is late
	// Ends is when an unanswered request expires. It is after By.
	Ends time.Time `json:"ends"`
	Told bool      `json:"told,omitempty"` // the patient was told that it is late
	// Paused is when the promise was paused; zero while it runs.
	Paused time.Time `json:"paused,omitzero"`
}

// Terms are the times that a practice promises. They are fixed for a visit when
// it is queued.
type Terms struct {
	Answer time.Duration // promised time to an answer
	GiveUp time.Duration // more time before an unanswered request expires
}

const (
	// HoldMargin is how long before its hold lapses an unanswered visit expires:
	// the fee of a later answer might not be collectable.
	HoldMargin = 12 * time.Hour
	// PatientTime is how long a patient has to reply to a question.
	PatientTime = 5 * 24 * time.Hour
	// CloseAfter is how long after its answer a visit closes that the patient
	// did not acknowledge.
	CloseAfter = 7 * 24 * time.Hour
	// checkoutGrace gives Stripe's webhook about an expired page time to arrive
	// before Stripe is asked.
	checkoutGrace = 2 * time.Minute
)

func (p Promise) pause(now time.Time) Promise {
	p.Paused = now
	return p
}

func (p Promise) resume(now time.Time) Promise {
	if p.Paused.IsZero() {
		return p
	}
	stood := max(0, now.Sub(p.Paused)) // clocks of two functions may differ
	p.By, p.Ends, p.Paused = p.By.Add(stood), p.Ends.Add(stood), time.Time{}
	return p
}

// Due returns v's next deadline; zero if it has none.
func (v Visit) Due() time.Time {
	switch v.Status {
	case AwaitingPayment:
		return v.CheckoutEnds.Add(checkoutGrace)
	case Queued, InReview:
		if !v.Promise.Told {
			return earliest(v.Promise.By, v.holdEnds())
		}
		return earliest(v.Promise.Ends, v.holdEnds())
	case AwaitingPatient:
		return earliest(v.Promise.Paused.Add(PatientTime), v.holdEnds())
	case Answered:
		return v.Times.Answered.Add(CloseAfter)
	case Draft, Closed, Diverted, Cancelled, Declined, Redirected, Expired, Deleted:
	}
	return time.Time{}
}

func (v Visit) holdEnds() time.Time {
	if v.CaptureBefore.IsZero() {
		return time.Time{}
	}
	return v.CaptureBefore.Add(-HoldMargin)
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// An Overdue is what must be done about a passed deadline.
type Overdue string

const (
	NothingDue  Overdue = ""
	TellLate    Overdue = "tell_late"
	ExpireVisit Overdue = "give_up"
	CloseVisit  Overdue = "close"
	AskStripe   Overdue = "ask_checkout" // ask Stripe whether the payment page was paid
	RenewHold   Overdue = "renew_hold"   // have the hold on the card renewed, as the patient agreed
)

// Overdue returns what must be done about v's deadline at now.
func (v Visit) Overdue(now time.Time) Overdue {
	if due := v.Due(); due.IsZero() || now.Before(due) {
		return NothingDue
	}
	switch v.Status {
	case AwaitingPayment:
		return AskStripe
	case Answered:
		return CloseVisit
	case Queued, InReview:
		over := earliest(v.Promise.Ends, v.holdEnds())
		if now.Before(over) {
			return TellLate
		}
		return v.overdueHold(v.Promise.Ends, now)
	case AwaitingPatient:
		return v.overdueHold(v.Promise.Paused.Add(PatientTime), now)
	case Draft, Closed, Diverted, Cancelled, Declined, Redirected, Expired, Deleted:
	}
	return NothingDue
}

// overdueHold is what must be done about a visit that expires at ends, or whose hold runs
// out before that.
func (v Visit) overdueHold(ends, now time.Time) Overdue {
	if v.OutlivesHold() && now.Before(ends) {
		return RenewHold
	}
	return ExpireVisit
}

// Late reports whether the promised time passed without an answer, at now or, if
// earlier, when v was answered or ended. While the promise is paused, Late is as
// it was when the patient was asked.
func (v Visit) Late(now time.Time) bool {
	if v.Promise.By.IsZero() {
		return false
	}
	for _, stopped := range []time.Time{v.Promise.Paused, v.Times.Answered, v.Times.Ended} {
		if !stopped.IsZero() {
			now = stopped
			break
		}
	}
	return !now.Before(v.Promise.By)
}

// WakeWhenDue returns v to be read again at Due: it was read before its
// deadline.
func (v Visit) WakeWhenDue() Visit {
	if v.Wake.Equal(v.Due()) {
		return v
	}
	v.Wake = time.Time{}
	return v.next(v.Status)
}

// maxPostpone bounds how long a visit whose deadline failed is postponed.
const maxPostpone = time.Hour

// Postpone returns v, whose deadline could not be acted on, to be read again
// after as long as it has been due, a minute at least and an hour at most.
func (v Visit) Postpone(now time.Time) Visit {
	v = v.next(v.Status)
	v.Wake = now.Add(min(max(now.Sub(v.Due()), time.Minute), maxPostpone))
	return v
}

// ToldLate returns v with the patient told that the promised time passed.
func (v Visit) ToldLate() Visit {
	if v.Promise.Told || !v.Status.AwaitsAnswer() {
		return v
	}
	v.Promise.Told, v.Wake = true, time.Time{}
	return v.next(v.Status)
}
