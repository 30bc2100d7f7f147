package notify

import (
	"context"
	"net/url"

	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// invitation is the letter with which somebody joins a practice. Whoever has it and the
// mailbox that it went to may accept.
var invitation = text{
	"You are invited to join us",
	"You are invited to work with us here. Open this link, sign in with this e-mail address and a second factor, and accept. " +
		"The link is good for one person, until {ends}.\n\n{link}\n\nIf you did not expect this letter, leave it; nobody joins without your sign-in.",
}

// invite sends the letter of an invitation that may still be accepted.
func (m *Room) invite(ctx context.Context, d outbox.Delivery) error {
	f, err := m.facts(ctx, d, true)
	if err != nil {
		return err
	}
	row, err := m.Store.Invitation(ctx, d.Invitation)
	if err != nil {
		return err
	}
	if !row.Open(f.now) {
		m.Kernel.Log.InfoContext(ctx, "a letter is no longer true", "event", d.ID, "kind", d.Kind)
		return nil
	}
	i, err := m.Charts.OpenInvitation(ctx, row)
	if err != nil {
		return err
	}
	p, err := m.Kernel.Practice(ctx, i.Practice)
	if err != nil {
		return err
	}
	link := m.Pages + "/accept/" + i.ID + "?" + url.Values{"code": {i.Secret.Reveal()}}.Encode()
	return m.send(ctx, d.ID, i.Email, link, p, visit.Visit{}, invitation.until(p.Local(i.Ends())))
}
