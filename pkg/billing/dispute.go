package billing

import (
	"strings"
	"time"

	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A Dispute says that a cardholder, or the issuer of the card, wants the money of a
// payment back, or only asks about it: that is an inquiry, of which no money moves. What
// it says is as fetched from Stripe, and from Answered on as told, or decided, here. The
// zero Dispute is none.
type Dispute struct {
	ID     string      // at Stripe
	Status string      // in Stripe's words
	Reason string      // Stripe's code for what the cardholder says
	Amount money.Cents // contested; it may differ from what was collected
	Opened time.Time
	Due    time.Time // until when evidence can be submitted; zero: Stripe does not say
	// Submissions counts the times that evidence was submitted: once for an inquiry, and
	// once for the dispute that it may become.
	Submissions int
	// Told is the Hash of the evidence that Stripe has, once some was submitted; empty: none was, or it was
	// not looked at.
	Told string
	// Answered says that evidence was submitted in the present stage, for an inquiry and
	// for a dispute apart.
	Answered bool
	// Warned says that Due was near and nothing was submitted, Missed that Due passed so.
	// Both are of the present stage, and stay when it ends.
	Warned bool
	Missed bool
	// Decision is what the practice decided, in the present stage, when Decided, and
	// Evidence the Hash of what is submitted.
	Decision Decision
	Decided  time.Time
	Evidence string
}

// told is what of a dispute is known here and not at Stripe.
type told struct {
	answered, warned, missed bool
	decision                 Decision
	decided                  time.Time
	evidence                 string
}

func (d Dispute) told() told {
	return told{d.Answered, d.Warned, d.Missed, d.Decision, d.Decided, d.Evidence}
}

// as returns d with what is known of it here.
func (d Dispute) as(t told) Dispute {
	d.Answered, d.Warned, d.Missed, d.Decision, d.Decided, d.Evidence = t.answered, t.warned, t.missed, t.decision, t.decided, t.evidence
	return d
}

// Stage names the stage of d: an inquiry, or a dispute that takes money.
func (d Dispute) Stage() string {
	if d.Inquiry() {
		return "inquiry"
	}
	return "dispute"
}

// The statuses of a dispute at Stripe that this system tells apart. The others, among
// them those that Stripe may add, are of a dispute that is open and awaits an answer.
const (
	disputeUnderReview = "under_review"
	disputeWon         = "won"
	disputeLost        = "lost"
	inquiryPrefix      = "warning_"
	inquiryUnderReview = "warning_under_review"
	inquiryClosed      = "warning_closed"
)

// Open reports whether d has not ended.
func (d Dispute) Open() bool {
	return d.ID != "" && d.Status != disputeWon && d.Status != disputeLost && d.Status != inquiryClosed
}

// Inquiry reports whether d is an inquiry, of which no money moves.
func (d Dispute) Inquiry() bool { return strings.HasPrefix(d.Status, inquiryPrefix) }

// Won reports whether the bank decided for the practice, and Lost against it.
func (d Dispute) Won() bool  { return d.Status == disputeWon }
func (d Dispute) Lost() bool { return d.Status == disputeLost }

// AwaitsAnswer reports whether evidence is to be submitted, as far as Stripe says.
func (d Dispute) AwaitsAnswer() bool {
	return d.Open() && d.Status != disputeUnderReview && d.Status != inquiryUnderReview
}

// Answerable reports whether evidence can be submitted at now.
func (d Dispute) Answerable(now time.Time) bool {
	return d.AwaitsAnswer() && (d.Due.IsZero() || now.Before(d.Due))
}

// Overtaken reports whether the Decision about d had no effect: before it was carried out the bank was answered at
// Stripe, in other words, or the dispute had ended, or was given up there.
func (d Dispute) Overtaken() bool {
	switch {
	case d.Decision == Undecided || d.AwaitsAnswer():
		return false
	case d.Decision == Accepting:
		return d.Answered || d.Won()
	case !d.Answered:
		return true
	}
	return d.Told != "" && d.Told != d.Evidence
}

// nearDue is how long before its due date an unanswered dispute is near it.
const nearDue = 3 * 24 * time.Hour

// follow returns the dispute that Stripe reports as o at now, after d.
func (d Dispute) follow(o Dispute, now time.Time) Dispute {
	known, before := o.ID == d.ID, 0
	if known {
		before = d.Submissions
	}
	if known && o.Inquiry() == d.Inquiry() && (!o.Open() || o.Due.Equal(d.Due)) { // the same stage
		o = o.as(d.told())
	}
	if known && !o.Open() && d.Status == o.Status { // it had ended
		return o
	}
	o.Answered = !o.AwaitsAnswer() && (o.Answered || o.Open() || o.Submissions > before)
	unsent := o.AwaitsAnswer() || o.Lost() && !o.Answered && o.Decision != Accepting
	if unsent && !o.Due.IsZero() {
		o.Warned = o.Warned || o.Open() && !now.Before(o.Due.Add(-nearDue))
		o.Missed = o.Missed || !now.Before(o.Due)
	}
	return o
}

const (
	// disputeEvery is how often Stripe is asked about an open dispute, whatever webhooks
	// say; dueGrace gives Stripe time to end one that was not answered.
	disputeEvery = 24 * time.Hour
	dueGrace     = 2 * time.Minute
)

// nextLook returns when Stripe is asked about d again: daily, when it is near its due
// date, and when that has passed.
func (d Dispute) nextLook(now time.Time) time.Time {
	next := now.Add(disputeEvery)
	if d.Due.IsZero() {
		return next
	}
	for _, at := range []time.Time{d.Due.Add(-nearDue), d.Due.Add(dueGrace)} {
		if at.After(now) && at.Before(next) {
			next = at
		}
	}
	return next
}

// dispute follows the latest dispute, and the money that all disputes of the payment have
// taken, up and down. An observation without a dispute says nothing of one.
func (s *settlement) dispute() error {
	if s.o.Dispute.ID == "" || s.Collected == 0 {
		return nil
	}
	s.Dispute = s.Dispute.follow(s.o.Dispute, s.now)
	change := s.Version + 1
	if before := s.Withdrawn; s.o.Withdrawn != before {
		s.Withdrawn = s.o.Withdrawn
		if err := s.post(ledger.Disputed(s.ID, s.Practice, before, s.Withdrawn, change, s.now)); err != nil {
			return err
		}
	}
	if before := s.DisputeFee; s.o.DisputeFee != before {
		s.DisputeFee = s.o.DisputeFee
		if err := s.post(ledger.DisputeFee(s.ID, s.Practice, before, s.DisputeFee, change, s.now)); err != nil {
			return err
		}
	}
	s.State = s.contested()
	return nil
}

// contested is the state of a collected payment that was ever disputed.
func (p Payment) contested() State {
	switch {
	case p.Refunded == p.Collected:
		return FullyRefunded
	case p.Dispute.Open() && !p.Dispute.Inquiry():
		return Disputed
	case p.Withdrawn > 0 && p.Refunded+p.Withdrawn >= p.Collected:
		return ChargedBack
	}
	return Captured
}
