package clinic

import (
	"context"
	"fmt"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// Mail sends e-mail. Key identifies the mail, for whoever can tell duplicates.
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
	outbox.Received:    {"Your request was received", "Your request was received. Expect an answer by {time}.\n\nThis service is not for emergencies: in an emergency call 911.\n\nFollow your request here:\n{link}"},
	outbox.Asked:       {"A question about your request", "You have a new message. Please read it and reply; your request waits for you.\n\n{link}"},
	outbox.Answered:    {"Your request was answered", "Your answer is ready to read.\n\n{link}"},
	outbox.Ended:       {"Your request has ended", "Your request ended without an answer, and you will not be charged. Please see what to do next.\n\n{link}"},
	outbox.Late:        {"Your request is taking longer", "Your answer is later than promised. You may wait, call the practice, or cancel without charge.\n\n{link}"},
	outbox.Charged:     {"Your receipt", "Your payment was collected. The receipt is here:\n{link}"},
	outbox.ChargeFails: {"Your payment did not go through", "Your answer is ready, but your card could not be charged. You can pay here:\n{link}"},
	outbox.CheckoutEnd: {"Your request was not sent", "The payment page closed before it was paid, so your request was not sent. What you entered is kept:\n{link}"},
	outbox.Replied:     {"A patient has written", "A patient has written about a request.\n\n{link}"},
	outbox.Diverted:    {"A request was diverted", "A request was stopped and the patient was told where to turn.\n\n{link}"},
}

// toPractice are the letters that the practice gets rather than the patient.
var toPractice = map[outbox.Kind]bool{outbox.Replied: true, outbox.Diverted: true}

// Notify writes to whoever an event concerns. If the mail is sent and the
// answer is lost it is sent again: told twice is better than not at all.
func (cl *Clinic) Notify(ctx context.Context, d outbox.Delivery) error {
	l, ok := letters[d.Kind]
	if !ok {
		return fmt.Errorf("event %s of kind %s has no letter", d.ID, d.Kind)
	}
	p, err := cl.practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	to, link := phi.Text(p.Inbox), cl.Pages+"/desk/visits/"+d.Visit
	if !toPractice[d.Kind] {
		contact, err := cl.contact(ctx, d.Patient)
		if err != nil {
			return err
		}
		to, link = contact.Email, cl.Pages+"/my/visits/"+d.Visit
	}
	err = cl.Mail.Send(ctx, Letter{
		Key: d.ID, To: to, Subject: p.Name + ": " + l.subject,
		Body: p.Name + "\n\n" + strings.NewReplacer("{time}", p.Local(d.Until), "{link}", link).Replace(l.body) + "\n",
	})
	if err != nil {
		return err
	}
	return cl.done(ctx, d)
}

// Location is the zone of the practice's days and hours.
func (p Practice) Location() (*time.Location, error) { return practice.Zone(p.Zone) }

// Local writes a time as the practice's people say it. A practice without a
// zone that exists is neither written nor read, so UTC, which the text would
// name, is for values made otherwise.
func (p Practice) Local(t time.Time) string {
	zone, err := p.Location()
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon Jan 2, 3:04 PM MST")
}

// Who returns the person that issuer's subject is. Someone unknown or
// deactivated is not let in.
func (cl *Clinic) Who(ctx context.Context, issuer, subject string) (identity.Person, error) {
	p, err := cl.Store.Person(ctx, issuer, subject)
	if f, ok := fault.Public(err); ok && f.Kind == fault.NotFound || err == nil && p.Inactive {
		return identity.Person{}, errUnknown
	}
	return p, err
}

var errUnknown = fault.New(fault.Anonymous, "unknown_person", "you are signed in, but no practice here knows you")

// known returns c with its person looked up.
func (cl *Clinic) known(ctx context.Context, c Caller) (Caller, error) {
	if c.Person.ID != "" {
		return c, nil
	}
	var err error
	c.Person, err = cl.Who(ctx, c.Proof.Issuer, c.Proof.Subject)
	return c, err
}

// A Ward is a patient someone acts for, themselves or another.
type Ward struct {
	Patient string
	Name    phi.Text
}

// Wards lists whom the caller may act for now, themselves first.
func (cl *Clinic) Wards(ctx context.Context, c Caller) ([]Ward, error) {
	var ids []string
	if c.Person.Patient != "" {
		ids = append(ids, c.Person.Patient)
	}
	for _, g := range c.Person.Grants {
		if c.Person.ActsFor(g.Patient, cl.now()) && g.Patient != c.Person.Patient {
			ids = append(ids, g.Patient)
		}
	}
	wards := make([]Ward, len(ids))
	for i, id := range ids {
		contact, err := cl.contact(ctx, id)
		if err != nil {
			return nil, err
		}
		wards[i] = Ward{id, contact.Name}
	}
	return wards, nil
}

// Practice returns the practice a person belongs to.
func (cl *Clinic) Practice(ctx context.Context, c Caller) (Practice, error) {
	return cl.practice(ctx, c.Person.Practice)
}

// Visit returns a visit's state, for those who may see it.
func (cl *Clinic) Visit(ctx context.Context, c Caller, id string) (visit.Visit, error) {
	return cl.allowed(ctx, c, identity.ReadVisit, id, cl.now())
}
