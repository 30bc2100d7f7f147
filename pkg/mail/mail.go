// Package mail sends e-mail through Amazon SES.
package mail

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"evisit/pkg/clinic/notify"
)

// A Sender is a notify.Mail. It is safe for concurrent use.
type Sender struct {
	client *sesv2.Client
	from   string
	events *string // configuration set; nil is none
}

var _ notify.Mail = (*Sender)(nil)

// New returns a sender whose mails come from the given address. SES tells of what
// becomes of them as the configuration set called events says; empty is none.
func New(client *sesv2.Client, from, events string) *Sender {
	s := &Sender{client: client, from: from}
	if events != "" {
		s.events = &events
	}
	return s
}

// Send implements notify.Mail. The letter's key is sent as a tag, which SES repeats
// in the letter's delivery events.
func (s *Sender) Send(ctx context.Context, l notify.Letter) error {
	utf8 := aws.String("UTF-8")
	_, err := s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &s.from,
		Destination:      &types.Destination{ToAddresses: []string{l.To.Reveal()}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: &l.Subject, Charset: utf8},
			Body:    &types.Body{Text: &types.Content{Data: &l.Body, Charset: utf8}},
		}},
		EmailTags:            []types.MessageTag{{Name: aws.String("event"), Value: aws.String(tagValue(l.Key))}},
		ConfigurationSetName: s.events,
	})
	if err != nil {
		return fmt.Errorf("sending letter %s: %w", l.Key, err)
	}
	return nil
}

// tagValue replaces the characters that SES does not allow in a tag's value.
func tagValue(key string) string {
	b := []byte(key)
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '@':
		default:
			b[i] = '_'
		}
	}
	return string(b)
}
