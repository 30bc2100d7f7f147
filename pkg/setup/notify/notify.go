// Package notify makes the handler of the function notify.
package notify

import (
	_ "time/tzdata" // letters tell times of a practice's zone; a function's machine may know none

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/mail"
	"evisit/pkg/outbox"
	"evisit/pkg/setup"
	"evisit/pkg/setup/content"
	"evisit/pkg/vault"
)

// Handler returns the stream handler that sends letters.
func Handler(p setup.Parts) (awslambda.StreamHandler, error) {
	c := p.Config
	if err := setup.Need(map[string]string{"EVISIT_PAGES": c.Pages, "EVISIT_MAIL_FROM": c.MailFrom, "EVISIT_MAIL_EVENTS": c.MailEvents}); err != nil {
		return nil, err
	}
	sealer, err := content.Sealer(p)
	if err != nil {
		return nil, err
	}
	s := p.Store()
	k := p.Kernel("", s)
	room := &notify.Room{
		Kernel: k, Store: s, Charts: &chart.Keeper{Kernel: k, Store: s, Vault: vault.Vault{Sealer: sealer}},
		Mail: mail.New(sesv2.NewFromConfig(p.Letters), c.MailFrom, c.MailEvents), Pages: c.Pages,
	}
	return awslambda.Stream(outbox.Notify, room.Handle, p.Log), nil
}
