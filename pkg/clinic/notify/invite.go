package notify

import (
	"context"
	"net/url"
	"strings"

	"evisit/pkg/outbox"
	"evisit/pkg/registry"
	"evisit/pkg/visit"
)

// invitation is the letter with which somebody joins a practice. One person may accept:
// who has the letter, and signs in with the address that it went to.
var invitation = text{
	"You are invited to join us",
	"You are invited to work with us here. Open this link, sign in with this e-mail address and a second factor, and accept. " +
		"The link is good for one person, until {ends}.\n\n{link}\n\nIf you did not expect this letter, leave it; nobody joins without your sign-in.",
}

// The letters with which somebody signs in as a patient, or acts for one.
var (
	welcome = text{
		"You can write to us online",
		"You are invited to send us requests online. Open this link, sign in with this e-mail address, and accept. " +
			"The link is good for one person, until {ends}.\n\n{link}\n\nIf you did not expect this letter, leave it; nothing happens without your sign-in.",
	}
	acting = text{
		"You are asked to act for somebody",
		"Somebody asks you to write to us for them, or for a child of yours. Open this link, sign in with this e-mail address, and accept. " +
			"The link is good for one person, until {ends}.\n\n{link}\n\nIf you did not expect this letter, leave it; nothing happens without your sign-in.",
	}
	contactChanged = text{
		"Your data with us were changed",
		"What we know you by was changed: your name, day of birth, sex, e-mail address or phone number, one of them or several. " +
			"If the e-mail address is another one now, our next letters go there. If you did not ask for this, call us: {phone}",
	}
)

// letterOf returns what an invitation says.
func letterOf(i registry.Invitation) text {
	switch {
	case i.ToWork():
		return invitation
	case i.Patient != "":
		return welcome
	}
	return acting
}

// tellFormerAddress writes to the address that a patient had before their contact data
// were changed. It is still theirs if something else was.
func (m *Room) tellFormerAddress(ctx context.Context, d outbox.Delivery) error {
	if _, err := m.facts(ctx, d, true); err != nil {
		return err
	}
	to, err := m.Charts.OpenAddress(ctx, d.Practice, d.Patient, d.ID, d.Address)
	if err != nil {
		return err
	}
	p, err := m.Kernel.Practice(ctx, d.Practice)
	if err != nil {
		return err
	}
	t := text{contactChanged.subject, strings.Replace(contactChanged.body, "{phone}", p.Phone, 1)}
	return m.send(ctx, d.ID, to, "", p, visit.Visit{}, t)
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
	return m.send(ctx, d.ID, i.Email, link, p, visit.Visit{}, letterOf(i).until(p.Local(i.Ends())))
}
