// Package notify writes to people, without a word of health. It decrypts
// contact data to address its letters and nothing else.
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

// Mail sends e-mail. Key identifies the mail, for those who can tell duplicates.
type Mail interface {
	Send(ctx context.Context, m Letter) error
}

// A Letter is an e-mail. Plain mail is not private, so it holds the practice's
// name, a time and a link, and no word of health (domain rule SY1).
type Letter struct {
	Key     string
	To      phi.Text
	Subject string
	Body    string
}

// letters are all we ever write, by event.
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

// toPractice are the letters that the practice gets rather than the patient.
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

// Handle acts on one event, and writes down how it went.
func (m *Room) Handle(ctx context.Context, d outbox.Delivery) error {
	return m.Kernel.Deliver(ctx, d, owner, m.Act)
}

// owner is the practice that an event without one concerns: there is no such
// event for notify.
func owner(context.Context, outbox.Delivery) string { return "" }

// Act writes to those whom an event concerns. The event says that there is
// something to tell; what is told, and to whom, is read from the visit. If the
// mail is sent and the answer is lost it is sent again: told twice is better
// than not at all.
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
	err = m.Mail.Send(ctx, Letter{
		Key: d.ID, To: to, Subject: p.Name + ": " + l.subject,
		Body: p.Name + "\n\n" + strings.NewReplacer("{time}", p.Local(v.Promise.By), "{link}", link).Replace(l.body) + "\n",
	})
	if err != nil {
		return err
	}
	return m.Kernel.Done(ctx, d)
}
