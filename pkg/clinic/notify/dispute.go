package notify

import (
	"context"
	"slices"
	"strings"

	"evisit/pkg/billing"
	"evisit/pkg/outbox"
)

// disputeLetters are the letters to the practice about a dispute that is open, by event:
// of a dispute, whose money the bank has taken, and of an inquiry.
var disputeLetters = map[outbox.Kind]struct{ dispute, inquiry text }{
	outbox.DisputeOpened: {
		text{"A charge is disputed", "A cardholder disputes a charge, and their bank has taken {amount}. Please answer the bank by {due}, or accept the dispute: without an answer the money is lost.\n\n{link}"},
		text{"A bank asks about a charge", "A cardholder's bank asks about a charge of {amount}. No money was taken. Please answer by {due}: an inquiry that is not answered may become a dispute.\n\n{link}"},
	},
	outbox.DisputeDue: {
		text{"A dispute is soon due", "A charge of {amount} is disputed, and the bank was not answered yet. It takes an answer until {due}; without one the money is lost.\n\n{link}"},
		text{"A bank's inquiry is soon due", "A bank asks about a charge of {amount}, and was not answered yet. Please answer by {due}: an inquiry that is not answered may become a dispute.\n\n{link}"},
	},
	outbox.DisputeMissed: {
		text{"A dispute was not answered in time", "A charge of {amount} is disputed. The bank took an answer until {due}, and none was sent. Please find out why, and what can still be done at Stripe.\n\n{link}"},
		text{"A bank's inquiry was not answered in time", "A bank asked about a charge of {amount} and wanted an answer by {due}. None was sent. Please find out why: it may become a dispute.\n\n{link}"},
	},
}

// disputeEndings are the letters to the practice about how a dispute ended.
var (
	disputeWon    = text{"A dispute is won", "The dispute about a charge of {amount} is decided for you: the money is in your account at Stripe again.\n\n{link}"}
	disputeLost   = text{"A dispute is lost", "The dispute about a charge of {amount} is decided for the cardholder, who keeps the money.\n\n{link}"}
	disputeUnsent = text{"A dispute is lost without an answer", "The dispute about a charge of {amount} is lost: the bank took an answer until {due}, and none was sent. Please find out why.\n\n{link}"}
	inquiryClosed = text{"A bank's inquiry is closed", "A bank asked about a charge of {amount}, and has closed its inquiry. It has taken no money.\n\n{link}"}
)

// aboutDispute are the kinds whose letters are about the dispute of the payment they name.
var aboutDispute = []outbox.Kind{outbox.DisputeOpened, outbox.DisputeDue, outbox.DisputeMissed, outbox.DisputeEnded}

// disputeLetter is the letter to the practice of an event about the dispute of f's payment.
func (m *Room) disputeLetter(ctx context.Context, k outbox.Kind, f facts) (letter, error) {
	p, err := m.Kernel.Practice(ctx, f.visit.Practice)
	if err != nil {
		return letter{}, err
	}
	d := f.payment.Dispute
	l := letter{holds: func(f facts) bool { return disputeHolds(k, f) }}
	switch {
	case k == outbox.DisputeEnded:
		l.text = disputeEnding(d)
	case d.Inquiry():
		l.text = disputeLetters[k].inquiry
	default:
		l.text = disputeLetters[k].dispute
	}
	due := "the day that Stripe names"
	if !d.Due.IsZero() {
		due = p.Local(d.Due)
	}
	l.body = strings.NewReplacer("{amount}", d.Amount.String(), "{due}", due).Replace(l.body)
	return l, nil
}

func disputeEnding(d billing.Dispute) text {
	switch {
	case d.Won():
		return disputeWon
	case d.Lost() && d.Missed:
		return disputeUnsent
	case d.Lost():
		return disputeLost
	}
	return inquiryClosed
}

// disputeHolds reports whether the letter of an event about a dispute is still true.
func disputeHolds(k outbox.Kind, f facts) bool {
	d := f.payment.Dispute
	switch k { //nolint:exhaustive // the others are about no dispute
	case outbox.DisputeOpened, outbox.DisputeDue:
		return d.Answerable(f.now)
	case outbox.DisputeMissed:
		return d.AwaitsAnswer() && d.Missed
	}
	return !d.Open()
}

// deskPath is the page that a letter to the practice leads to.
func deskPath(k outbox.Kind, visit string) string {
	if slices.Contains(aboutDispute, k) {
		return "/desk/visits/" + visit + "/dispute"
	}
	return "/desk/visits/" + visit
}
