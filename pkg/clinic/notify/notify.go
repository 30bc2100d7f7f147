// Package notify sends people e-mail without health information. It decrypts
// contact data to address letters and nothing else. What a letter is about is
// decided where its event is put.
package notify

import (
	"context"
	"fmt"
	"strings"

	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
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

// letters are all the letters there are, by event: to the patient, and to the
// practice. A letter without a subject is not sent.
var letters = map[outbox.Kind]struct{ patient, practice text }{
	outbox.Received: {
		patient:  text{"Your request was received", "Your request {number} was received. Expect an answer by {time}.\n\nThis service is not for emergencies: in an emergency call 911.\n\nFollow your request here:\n{link}"},
		practice: text{"A new request", "A new request awaits an answer by {time}.\n\n{link}"},
	},
	outbox.Asked:    {patient: text{"A question about your request", "You have a new message. Please read it and reply; your request waits for you.\n\n{link}"}},
	outbox.Answered: {patient: text{"Your request was answered", "Your answer is ready to read.\n\n{link}"}},
	outbox.Ended:    {patient: text{"Your request has ended", "Your request ended without an answer, and you will not be charged. {why}Please see what to do next.\n\n{link}"}},
	outbox.Late: {
		patient:  text{"Your request is taking longer", "Your answer is later than promised. You may wait, call the practice, or cancel without charge.\n\n{link}"},
		practice: text{"A request is late", "A request was promised an answer by {time}, and the patient was told that it is late. It still awaits its answer.\n\n{link}"},
	},
	outbox.Charged: {patient: text{"Your receipt", "Your payment was collected: receipt {receipt}, for your request {number}. You find it here:\n{link}"}},
	outbox.ChargeFailed: {
		patient:  text{"Your payment did not go through", "Your answer is ready, but your payment did not go through. You can pay here:\n{link}"},
		practice: text{"A fee was not collected", "A request was answered, and its fee could not be collected. The patient was asked to pay by link.\n\n{link}"},
	},
	outbox.CheckoutAbandoned: {patient: text{"Your request was not sent", "The payment page closed before it was paid, so your request was not sent. What you entered is kept:\n{link}"}},
	outbox.Replied:           {practice: text{"A patient has written", "A patient has written about a request.\n\n{link}"}},
	outbox.Diverted:          {practice: text{"A request was diverted", "A request was stopped and the patient was told where to turn.\n\n{link}"}},
	outbox.Reversed: {
		patient:  text{"A payment is refunded", "A payment was taken for your request that was not owed. It is refunded in full; your bank may take some days to show it.\n\n{link}"},
		practice: text{"A payment without an answer is refunded", "A payment was taken that no answer calls for, perhaps by hand at Stripe. It is refunded. Please find out how it was made.\n\n{link}"},
	},
	outbox.RefundFailed: {
		patient:  text{"Your refund did not go through", "A refund to your card or account did not go through. The practice will find another way to return the money; you may also call it.\n\n{link}"},
		practice: text{"A refund failed", "A refund did not reach the patient, and the money is in the practice's account at Stripe again. Please return it another way.\n\n{link}"},
	},
	outbox.FraudWarned: {practice: text{"A warning of fraud", "The issuer of a card warns that a payment may be fraudulent. Refund it at Stripe, or expect a dispute.\n\n{link}"}},
	outbox.StrayFound:  {practice: text{"A payment that was not asked for", "Somebody paid a page that this system did not make, or paid a second time. The money is given back. Please find out who made the page.\n\n{link}"}},
	outbox.AccountLost: {practice: text{"Your Stripe account is disconnected", "Your account at Stripe cannot be reached, so nobody can pay and no fee can be collected. Please connect it again."}},
}

// The letters about a visit that ended, where the usual one would not be true.
var (
	endedCharged = text{"Your request has ended", "Your request ended without an answer. {why}{money} Please see what to do next.\n\n{link}"}
	expired      = text{"A request has expired", "A request ended without an answer: {reason}. Please see that the patient is cared for.\n\n{link}"}
)

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Visit(ctx context.Context, id string) (visit.Visit, error)
	Payment(ctx context.Context, id string) (billing.Payment, error)
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
// visit and its payment as read now, not from the event. If a mail was sent and the
// reply was lost, or the event is not marked done, it is sent again: a duplicate is
// better than no letter.
func (m *Room) Act(ctx context.Context, d outbox.Delivery) error {
	l, ok := letters[d.Kind]
	if !ok {
		return fmt.Errorf("event %s of kind %s has no letter", d.ID, d.Kind)
	}
	v := visit.Visit{Practice: d.Practice}
	if d.Visit != "" {
		var err error
		if v, err = m.Store.Visit(ctx, d.Visit); err != nil {
			return err
		}
	}
	if d.Kind == outbox.Ended {
		var err error
		if l.patient, err = m.ended(ctx, v); err != nil {
			return err
		}
		if v.Status == visit.Expired {
			l.practice = expired
		}
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return err
	}
	if err := m.toPatient(ctx, d, p, v, l.patient); err != nil {
		return err
	}
	if l.practice.subject == "" {
		return nil
	}
	return m.send(ctx, d.ID+".practice", phi.Text(p.Inbox), m.Pages+"/desk/visits/"+v.ID, p, v, l.practice)
}

// ended is the letter about a visit that ended without an answer, whose fee may
// have been collected by hand at Stripe.
func (m *Room) ended(ctx context.Context, v visit.Visit) (text, error) {
	if v.Payment == "" {
		return letters[outbox.Ended].patient, nil
	}
	p, err := m.Store.Payment(ctx, v.Payment)
	fate := billing.FateOf([]billing.Payment{p})
	if err != nil || fate == billing.NeverCharged {
		return letters[outbox.Ended].patient, err
	}
	t := endedCharged
	t.body = strings.Replace(t.body, "{money}", fate.Text(), 1)
	return t, nil
}

func (m *Room) toPatient(ctx context.Context, d outbox.Delivery, p practice.Practice, v visit.Visit, t text) error {
	if t.subject == "" {
		return nil
	}
	contact, err := m.Charts.Contact(ctx, v.Patient)
	if err != nil {
		return err
	}
	return m.send(ctx, d.ID, contact.Email, m.Pages+"/my/visits/"+v.ID, p, v, t)
}

// why says to the patient why v ended, where that tells nothing of their health; the
// page says it otherwise.
func why(v visit.Visit) string {
	if v.Status != visit.Expired && v.Status != visit.Cancelled {
		return ""
	}
	return v.Reason.ForPatient() + " "
}

func (m *Room) send(ctx context.Context, key string, to phi.Text, link string, p practice.Practice, v visit.Visit, t text) error {
	words := strings.NewReplacer("{time}", p.Local(v.Promise.By), "{why}", why(v), "{reason}", v.Reason.ForDesk(), "{link}", link,
		"{number}", v.Number(), "{receipt}", v.Receipt(v.Payment))
	return m.Mail.Send(ctx, Letter{
		Key: key, To: to, Subject: p.Name + ": " + t.subject, Body: p.Name + "\n\n" + words.Replace(t.body) + "\n",
	})
}
