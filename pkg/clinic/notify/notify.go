// Package notify sends people e-mail without health information. It decrypts
// contact data to address letters and nothing else. What a letter is about is
// decided where its event is put.
package notify

import (
	"context"
	"fmt"
	"strings"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
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

// letters are all the letters there are, by event.
var letters = map[outbox.Kind]struct{ subject, body string }{
	outbox.Received:          {"Your request was received", "Your request was received. Expect an answer by {time}.\n\nThis service is not for emergencies: in an emergency call 911.\n\nFollow your request here:\n{link}"},
	outbox.Asked:             {"A question about your request", "You have a new message. Please read it and reply; your request waits for you.\n\n{link}"},
	outbox.Answered:          {"Your request was answered", "Your answer is ready to read.\n\n{link}"},
	outbox.Ended:             {"Your request has ended", "Your request ended without an answer, and you will not be charged. Please see what to do next.\n\n{link}"},
	outbox.Late:              {"Your request is taking longer", "Your answer is later than promised. You may wait, call the practice, or cancel without charge.\n\n{link}"},
	outbox.Charged:           {"Your receipt", "Your payment was collected. The receipt is here:\n{link}"},
	outbox.ChargeFailed:      {"Your payment did not go through", "Your answer is ready, but your card could not be charged. You can pay here:\n{link}"},
	outbox.CheckoutAbandoned: {"Your request was not sent", "The payment page closed before it was paid, so your request was not sent. What you entered is kept:\n{link}"},
	outbox.Replied:           {"A patient has written", "A patient has written about a request.\n\n{link}"},
	outbox.Diverted:          {"A request was diverted", "A request was stopped and the patient was told where to turn.\n\n{link}"},
}

// toPractice lists the letters that go to the practice and not to the patient.
var toPractice = map[outbox.Kind]bool{outbox.Replied: true, outbox.Diverted: true}

// Reads are what a Room reads besides the kernel.
type Reads interface {
	Visit(ctx context.Context, id string) (visit.Visit, error)
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

// Act sends the letter of one event. The recipient and the text follow from the
// visit as read now, not from the event. If the mail was sent and the reply was
// lost, or the event is not marked done, it is sent again: a duplicate is better
// than no letter.
func (m *Room) Act(ctx context.Context, d outbox.Delivery) error {
	l, ok := letters[d.Kind]
	if !ok {
		return fmt.Errorf("event %s of kind %s has no letter", d.ID, d.Kind)
	}
	v, err := m.Store.Visit(ctx, d.Visit)
	if err != nil {
		return err
	}
	p, err := m.Kernel.Practice(ctx, v.Practice)
	if err != nil {
		return err
	}
	to, link := phi.Text(p.Inbox), m.Pages+"/desk/visits/"+v.ID
	if !toPractice[d.Kind] {
		contact, err := m.Charts.Contact(ctx, v.Patient)
		if err != nil {
			return err
		}
		to, link = contact.Email, m.Pages+"/my/visits/"+v.ID
	}
	return m.Mail.Send(ctx, Letter{
		Key: d.ID, To: to, Subject: p.Name + ": " + l.subject,
		Body: p.Name + "\n\n" + strings.NewReplacer("{time}", p.Local(v.Promise.By), "{link}", link).Replace(l.body) + "\n",
	})
}
