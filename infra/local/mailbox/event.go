package mailbox

import (
	"strconv"
	"time"
)

// An Event is an event that SES publishes about a mail through a configuration set.
// The JSON has the names and nesting of SES. Of Delivery, Bounce, Complaint and
// DeliveryDelay the field that EventType names is set.
type Event struct {
	EventType     string         `json:"eventType"`
	Mail          EventMail      `json:"mail"`
	Delivery      *DeliveryEvent `json:"delivery,omitempty"`
	Bounce        *BounceEvent   `json:"bounce,omitempty"`
	Complaint     *Complaint     `json:"complaint,omitempty"`
	DeliveryDelay *DelayEvent    `json:"deliveryDelay,omitempty"`
}

// EventMail identifies the mail of an Event.
type EventMail struct {
	Timestamp   time.Time           `json:"timestamp"` // when the mail was accepted
	Source      string              `json:"source"`
	MessageID   string              `json:"messageId"`
	Destination []string            `json:"destination"`
	Tags        map[string][]string `json:"tags"` // the tags that the sender set
}

// DeliveryEvent says that a mail arrived.
type DeliveryEvent struct {
	Timestamp    time.Time `json:"timestamp"`
	Recipients   []string  `json:"recipients"`
	SMTPResponse string    `json:"smtpResponse"`
}

// BounceEvent says that a mail was permanently refused.
type BounceEvent struct {
	BounceType        string      `json:"bounceType"`
	BounceSubType     string      `json:"bounceSubType"`
	BouncedRecipients []Recipient `json:"bouncedRecipients"`
	Timestamp         time.Time   `json:"timestamp"`
	FeedbackID        string      `json:"feedbackId"`
}

// Complaint says that a recipient marked a mail as unwanted.
type Complaint struct {
	ComplainedRecipients  []Recipient `json:"complainedRecipients"`
	Timestamp             time.Time   `json:"timestamp"`
	FeedbackID            string      `json:"feedbackId"`
	ComplaintFeedbackType string      `json:"complaintFeedbackType"`
}

// DelayEvent says that a mail has not arrived yet.
type DelayEvent struct {
	DelayType         string      `json:"delayType"`
	DelayedRecipients []Recipient `json:"delayedRecipients"`
	Timestamp         time.Time   `json:"timestamp"`
}

// Recipient is an address in an Event, with the reply of its mail server.
type Recipient struct {
	EmailAddress   string `json:"emailAddress"`
	Action         string `json:"action,omitempty"`
	Status         string `json:"status,omitempty"`
	DiagnosticCode string `json:"diagnosticCode,omitempty"`
}

func (s step) event() Event {
	e := Event{Mail: EventMail{
		Timestamp:   s.mail.At,
		Source:      s.mail.From,
		MessageID:   s.mail.ID,
		Destination: s.mail.To,
		Tags:        map[string][]string{},
	}}
	for k, v := range s.mail.Tags {
		e.Mail.Tags[k] = []string{v}
	}
	feedback := s.mail.ID + "-" + strconv.FormatInt(s.seq, 10)
	switch s.outcome {
	case "bounced":
		e.EventType = "Bounce"
		e.Bounce = &BounceEvent{
			BounceType: "Permanent", BounceSubType: "General", Timestamp: s.due, FeedbackID: feedback,
			BouncedRecipients: []Recipient{{s.address, "failed", "5.1.1", "smtp; 550 5.1.1 user unknown"}},
		}
	case "complained":
		e.EventType = "Complaint"
		e.Complaint = &Complaint{
			ComplaintFeedbackType: "abuse", Timestamp: s.due, FeedbackID: feedback,
			ComplainedRecipients: []Recipient{{EmailAddress: s.address}},
		}
	case "delayed":
		e.EventType = "DeliveryDelay"
		e.DeliveryDelay = &DelayEvent{
			DelayType: "MailboxFull", Timestamp: s.due,
			DelayedRecipients: []Recipient{{EmailAddress: s.address, Status: "4.2.2", DiagnosticCode: "smtp; 452 4.2.2 mailbox full"}},
		}
	default:
		e.EventType = "Delivery"
		e.Delivery = &DeliveryEvent{Timestamp: s.due, Recipients: []string{s.address}, SMTPResponse: "250 2.0.0 OK"}
	}
	return e
}
