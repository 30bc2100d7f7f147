// Package notify sends people e-mail without health information. It decrypts
// contact data to address letters and nothing else. What a letter is about is
// decided where its event is put.
package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// Mail sends e-mail.
type Mail interface {
	Send(ctx context.Context, m Letter) error
}

// A Letter is an e-mail. Plain mail is not private, so a letter holds the
// practice's name, a time and a link, and no health information (domain rule
// SY1). Key identifies the mail, so that a duplicate can be told.
type Letter struct {
	Key     string
	To      phi.Text
	Subject string
	Body    string
}

// A text is what a letter says.
type text struct{ subject, body string }

// until returns t with the time at which what it says ends.
func (t text) until(ends string) text {
	return text{t.subject, strings.Replace(t.body, "{ends}", ends, 1)}
}

// A letter is what one recipient is written. The zero letter is not sent.
type letter struct {
	text
	// holds reports whether the letter is still true; nil: what it says stays true.
	holds func(facts) bool
}

func (l letter) isTrue(f facts) bool { return l.subject == "" || l.holds == nil || l.holds(f) }

// facts are what the letters of an event are about, as read when they are sent.
type facts struct {
	visit   visit.Visit
	payment billing.Payment // of kinds in aboutPayment
	account bool            // the practice must do something about its account at Stripe
	now     time.Time
}

// What letters depend on.
func awaitsAnswer(f facts) bool  { return f.visit.Status.AwaitsAnswer() }
func awaitsPatient(f facts) bool { return f.visit.Status == visit.AwaitingPatient }
func isDraft(f facts) bool       { return f.visit.Status == visit.Draft }
func isOwed(f facts) bool        { return f.visit.Owed }
func isLate(f facts) bool        { return awaitsAnswer(f) && f.visit.Late(f.now) }
func isAnswered(f facts) bool {
	return f.visit.Status == visit.Answered || f.visit.Status == visit.Closed
}
func isSent(f facts) bool       { return awaitsAnswer(f) || isAnswered(f) }
func isUnanswered(f facts) bool { return f.visit.Status.Over() && !isAnswered(f) }
func isReversed(f facts) bool {
	return f.payment.Collected > 0 && !refundFailed(f) && !isContested(f)
}
func refundFailed(f facts) bool { return f.payment.Why == billing.RefundFailed }
func isContested(f facts) bool  { return f.payment.Withdrawn > 0 || f.payment.State == billing.Disputed }

func isNotRefunded(f facts) bool {
	return f.payment.State != billing.FullyRefunded && !isContested(f)
}
func hasAccountWork(f facts) bool { return f.account }

// aboutPayment are the kinds whose letters depend on the payment they name.
var aboutPayment = append([]outbox.Kind{outbox.Reversed, outbox.RefundFailed, outbox.Refunded, outbox.FraudWarned}, aboutDispute...)

// aboutAccount are the kinds whose letters are true while the practice has work of a kind
// about its account at Stripe.
var aboutAccount = map[outbox.Kind]work.Kind{outbox.AccountLost: work.AccountLost, outbox.AccountDisabled: work.AccountDisabled}

// letters are all the letters there are, by event: to the patient, and to the
// practice.
var letters = map[outbox.Kind]struct{ patient, practice letter }{
	outbox.Received: {
		patient:  letter{text{"Your request was received", "Your request {number} was received. Expect an answer by {time}.\n\nThis service is not for emergencies: in an emergency call 911.\n\nFollow your request here:\n{link}"}, isSent},
		practice: letter{text{"A new request", "A new request awaits an answer by {time}.\n\n{link}"}, awaitsAnswer},
	},
	outbox.Asked:    {patient: letter{text{"A question about your request", "You have a new message. Please read it and reply; your request waits for you.\n\n{link}"}, awaitsPatient}},
	outbox.Answered: {patient: letter{text{"Your request was answered", "Your answer is ready to read.{waived}\n\n{link}"}, isAnswered}},
	outbox.Ended: {
		patient: letter{text{"Your request has ended", "Your request ended without an answer, and you will not be charged. {why}Please see what to do next.\n\n{link}"}, isUnanswered},
	},
	outbox.Late: {
		patient:  letter{text{"Your request is taking longer", "Your answer is later than promised. You may wait, call the practice, or cancel at no cost.\n\n{link}"}, isLate},
		practice: letter{text{"A request is late", "A request was promised an answer by {time}, and the patient was told that it is late. It still awaits its answer.\n\n{link}"}, isLate},
	},
	outbox.Charged: {patient: letter{text{"Your receipt", "Your payment was collected: receipt {receipt}, for your request {number}.{fee} You find it here:\n{link}"}, nil}},
	outbox.ChargeFailed: {
		patient:  letter{text{"Your payment did not go through", "Your answer is ready, but your payment did not go through. You can pay here:\n{link}"}, isOwed},
		practice: letter{text{"A fee was not collected", "A request was answered, and its fee could not be collected. The patient was asked to pay by link.\n\n{link}"}, isOwed},
	},
	outbox.CheckoutAbandoned: {patient: letter{text{"Your request was not sent", "The payment page closed before it was paid, so your request was not sent. What you entered is kept:\n{link}"}, isDraft}},
	outbox.Replied:           {practice: letter{text{"A patient has written", "A patient has written about a request.\n\n{link}"}, isSent}},
	outbox.Diverted:          {practice: letter{text{"A request was diverted", "A request was stopped and the patient was told where to turn.\n\n{link}"}, nil}},
	outbox.Reversed: {
		patient:  letter{text{"A payment is refunded", "A payment was taken for your request that was not owed. It is refunded in full; your bank may take some days to show it.\n\n{link}"}, isReversed},
		practice: letter{text{"A payment without an answer is refunded", "A payment was taken that no answer calls for, perhaps by hand at Stripe. It is refunded. Please find out how it was made.\n\n{link}"}, isReversed},
	},
	outbox.RefundFailed: {
		patient:  letter{text{"Your refund did not go through", "A refund to your card or account did not go through. The practice will find another way to return the money; you may also call it.\n\n{link}"}, refundFailed},
		practice: letter{text{"A refund failed", "A refund did not reach the patient, and the money is in the practice's account at Stripe again. Please return it another way.\n\n{link}"}, refundFailed},
	},
	outbox.Refunded:      {patient: letter{text{"A refund of your payment", ""}, isRefunded}}, // its body is by refundBody
	outbox.FraudWarned:   {practice: letter{text{"A warning of fraud", "The issuer of a card warns that a payment may be fraudulent. Refund it at Stripe, or expect a dispute.\n\n{link}"}, isNotRefunded}},
	outbox.DisputeOpened: {}, outbox.DisputeDue: {}, outbox.DisputeMissed: {}, outbox.DisputeEnded: {}, // by disputeLetter
	outbox.AccountDisabled: {practice: letter{text{"Stripe has disabled your account", "Stripe asks for something before patients can pay you, or before it pays you out. Please sign in at Stripe and give what it asks for."}, hasAccountWork}},
	outbox.StrayFound:      {practice: letter{text{"A payment that was not asked for", "Somebody paid a page that this system did not make, or paid a second time. The money is refunded. Please find out who made the page.\n\n{link}"}, nil}},
	outbox.AccountLost:     {practice: letter{text{"Your Stripe account is disconnected", "Your account at Stripe cannot be reached, so nobody can pay and no fee can be collected. Please connect it again."}, hasAccountWork}},
}

// The letters about a visit that ended, where the usual one would not be true.
var (
	endedCharged = letter{text{"Your request has ended", "Your request ended without an answer. {why}{money} Please see what to do next.\n\n{link}"}, isUnanswered}
	expired      = letter{text{"A request has expired", "A request ended without an answer: {reason}. Please see that the patient is cared for.\n\n{link}"}, isUnanswered}
)

// The letters about an answered visit of which more was charged than its fee: to the
// practice, and, unless the fee is waived, to the patient.
var overcharged = struct{ patient, practice letter }{
	letter{text{"A part of your payment is refunded", "More was charged than your answer costs, which is {amount}. The rest is refunded; your bank may take some days to show it.\n\n{link}"}, isReversed},
	letter{text{"More was charged than an answer costs", "More was charged than an answer costs, perhaps by hand at Stripe. What is above the fee is refunded. Please find out how it was charged.\n\n{link}"}, isReversed},
}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	// Reread returns in one read how an event stands and the visit with the id of,
	// which may be empty; a record that does not exist is left zero. Unless
	// consistent, it may lag about a second, at half the cost.
	Reread(ctx context.Context, event, of string, consistent bool) (outbox.Delivery, visit.Visit, error)
	Payment(ctx context.Context, id string) (billing.Payment, error)
	// Invitation returns an invitation, its content sealed.
	Invitation(ctx context.Context, id string) (clinic.Invitation, error)
	Membership(ctx context.Context, id string) (membership.Membership, error)
}

// A Room is what the function notify has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Charts *chart.Keeper
	Store  Reads
	Mail   Mail
	// Pages is the base URL of the pages, without a trailing slash.
	Pages string
}

// Handle acts on one event and stores the outcome.
func (m *Room) Handle(ctx context.Context, d outbox.Delivery) error {
	return m.Kernel.Deliver(ctx, d, owner, m.Act)
}

// owner is for events that name no practice; notify has none.
func owner(context.Context, outbox.Delivery) string { return "" }

// Act sends the letters of one event. The recipients and the texts follow from the
// visit and its payment as read now, not from the event; a letter that is no longer
// true is not sent. An event that is done, or whose delivery has been followed by
// another, is left alone, and a recipient to whom an earlier try sent the letter is
// not written again. If a mail was sent and the reply was lost, or the process ended
// before the event was marked, or the mark is younger than the second that a read
// may lag, the letter is sent again: a duplicate is better than no letter.
func (m *Room) Act(ctx context.Context, d outbox.Delivery) error {
	switch d.Kind { //nolint:exhaustive // the rest are about visits and payments
	case outbox.Invited:
		return m.invite(ctx, d)
	case outbox.ContactChanged:
		return m.tellFormerAddress(ctx, d)
	}
	if l, ok := memberLetters[d.Kind]; ok {
		return m.tellMember(ctx, d, l)
	}
	l, ok := letters[d.Kind]
	if !ok {
		return fmt.Errorf("event %s of kind %s has no letter", d.ID, d.Kind)
	}
	f, err := m.facts(ctx, d, false)
	if err == nil && (d.Visit != f.visit.ID || !l.patient.isTrue(f) || !l.practice.isTrue(f)) { // it may lag behind the event
		f, err = m.facts(ctx, d, true)
	}
	if err != nil {
		return err
	}
	if d.Visit != f.visit.ID {
		return fault.New(fault.NotFound, "not_found", "the visit of event "+d.ID+" does not exist")
	}
	if d.Kind == outbox.Ended {
		if l.patient, err = m.ended(ctx, f.visit); err != nil {
			return err
		}
		if f.visit.Status == visit.Expired {
			l.practice = expired
		}
	}
	if d.Kind == outbox.Reversed && isAnswered(f) && d.Payment == f.visit.Payment {
		l.practice = overcharged.practice
		if !f.visit.Waived() {
			l.patient = overcharged.patient
		}
	}
	if d.Kind == outbox.Refunded {
		l.patient.body = refundBody(f.payment)
	}
	if slices.Contains(aboutDispute, d.Kind) {
		if l.practice, err = m.disputeLetter(ctx, d.Kind, f); err != nil {
			return err
		}
	}
	return m.write(ctx, d, f, l.patient, l.practice)
}

// facts reads what d is about. It returns clinic.ErrDone if d was handled.
func (m *Room) facts(ctx context.Context, d outbox.Delivery, consistent bool) (facts, error) {
	f := facts{now: m.Kernel.Time()}
	stands, v, err := m.Store.Reread(ctx, d.ID, d.Visit, consistent)
	if err != nil {
		return f, err
	}
	if !stands.Done.IsZero() || stands.Version > d.Version {
		return f, clinic.ErrDone
	}
	f.visit = v
	if slices.Contains(aboutPayment, d.Kind) {
		f.payment, err = m.Store.Payment(ctx, d.Payment)
	}
	if k, ok := aboutAccount[d.Kind]; ok {
		f.account, err = m.isOpen(ctx, k, d)
	}
	return f, err
}

// isOpen reports whether the practice still has an item of work of kind k about the account
// that d is about.
func (m *Room) isOpen(ctx context.Context, k work.Kind, d outbox.Delivery) (bool, error) {
	item, err := m.Kernel.Store.WorkItem(ctx, d.Practice, work.ID(k, d.Account))
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return item.Open(), err
}

// ended is the letter about a visit that ended without an answer. Any of its payments
// may have been collected: by hand at Stripe, or on a page that was made there.
func (m *Room) ended(ctx context.Context, v visit.Visit) (letter, error) {
	var all []billing.Payment
	for _, id := range v.Payments {
		p, err := m.Store.Payment(ctx, id)
		if err != nil {
			return letter{}, err
		}
		all = append(all, p)
	}
	fate := billing.FateOf(all)
	if fate == billing.NeverCharged {
		return letters[outbox.Ended].patient, nil
	}
	l := endedCharged
	l.body = strings.Replace(l.body, "{money}", fate.Text(), 1)
	return l, nil
}

// write sends the letters of an event to those who were not written yet. One that
// cannot be sent does not keep the other from being sent.
func (m *Room) write(ctx context.Context, d outbox.Delivery, f facts, patient, office letter) error {
	v := f.visit
	if d.Visit == "" {
		v.Practice = d.Practice
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return err
	}
	var sent outbox.Recipient
	var failures []error
	for _, to := range []struct {
		recipient outbox.Recipient
		letter    letter
		send      func() error
	}{
		{outbox.ToPatient, patient, func() error { return m.toPatient(ctx, d, p, v, patient.text) }},
		{outbox.ToPractice, office, func() error {
			return m.send(ctx, d.ID+".practice", phi.Text(p.Inbox), m.Pages+deskPath(d.Kind, v.ID), p, v, office.text)
		}},
	} {
		switch {
		case to.letter.subject == "" || d.Sent == to.recipient:
			continue
		case !to.letter.isTrue(f):
			m.Kernel.Log.InfoContext(ctx, "a letter is no longer true", "event", d.ID, "kind", d.Kind, "to", to.recipient)
			continue
		}
		if err := to.send(); err != nil {
			failures = append(failures, err)
			continue
		}
		sent = to.recipient
	}
	if err := errors.Join(failures...); err != nil && sent != "" {
		return &clinic.Partial{Sent: sent, Err: err}
	}
	return errors.Join(failures...)
}

func (m *Room) toPatient(ctx context.Context, d outbox.Delivery, p practice.Practice, v visit.Visit, t text) error {
	to, err := m.address(ctx, v)
	if err != nil {
		return err
	}
	return m.send(ctx, d.ID, to, m.Pages+"/my/visits/"+v.ID, p, v, t)
}

// address is where the patient's letters about v go: to who started it and acts for the
// patient still, else to the patient. Who acts may have come without an address.
func (m *Room) address(ctx context.Context, v visit.Visit) (phi.Text, error) {
	p, err := m.Charts.Patient(ctx, v.Patient)
	if err != nil {
		return "", err
	}
	if v.By != p.Person {
		g, err := m.Kernel.Store.Grant(ctx, v.Patient, v.By)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return "", err
		}
		if g.Invitation != "" && g.Active(m.Kernel.Time()) {
			return m.invitedAt(ctx, g.Invitation)
		}
	}
	return p.Contact.Email, nil
}

// invitedAt is the address to which an invitation went.
func (m *Room) invitedAt(ctx context.Context, id string) (phi.Text, error) {
	row, err := m.Store.Invitation(ctx, id)
	if err != nil {
		return "", err
	}
	i, err := m.Charts.OpenInvitation(ctx, row)
	return i.Email, err
}

// why says to the patient why v ended, where that tells nothing of their health; the
// page says it otherwise.
func why(v visit.Visit) string {
	if v.Status != visit.Expired && v.Status != visit.Cancelled {
		return ""
	}
	return v.Reason.ForPatient() + " "
}

// reduced says to the patient that the answer of v costs less than it was quoted; empty if
// it does not.
func reduced(v visit.Visit) string {
	if v.Reduced == 0 {
		return ""
	}
	return " Your answer costs " + v.Fee().String() + ", of the " + v.Quote.Amount.String() + " that you were quoted."
}

// waived says to the patient that the answer of v costs nothing, although its quote was
// not free.
func waived(v visit.Visit) string {
	if !v.Waived() {
		return ""
	}
	return " It costs you nothing."
}

func (m *Room) send(ctx context.Context, key string, to phi.Text, link string, p practice.Practice, v visit.Visit, t text) error {
	words := strings.NewReplacer("{time}", p.Local(v.Promise.By), "{why}", why(v), "{reason}", v.Reason.ForDesk(), "{link}", link,
		"{number}", v.Number(), "{receipt}", v.Receipt(v.Payment), "{fee}", reduced(v), "{waived}", waived(v), "{amount}", v.Fee().String())
	return m.Mail.Send(ctx, Letter{
		Key: key, To: to, Subject: p.Name + ": " + t.subject, Body: p.Name + "\n\n" + words.Replace(t.body) + "\n",
	})
}
