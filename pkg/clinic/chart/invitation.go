package chart

import (
	"context"

	"evisit/pkg/clinic"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
	"evisit/pkg/vault"
)

// An invited is what is sealed of an invitation.
type invited struct {
	Email  phi.Text `json:"email"`
	Secret phi.Text `json:"secret,omitempty"`
}

func invitedPlace(i registry.Invitation) vault.Place {
	return vault.Place{Practice: i.Practice, Record: i.ID, Field: "invitation", Version: i.Version}
}

// SealInvitation returns i as it is stored.
func (k *Keeper) SealInvitation(ctx context.Context, i registry.Invitation) (clinic.Invitation, error) {
	s, err := k.Vault.Seal(ctx, invitedPlace(i), invited{i.Email, i.Secret})
	return clinic.Invitation{Invitation: i, Sealed: s}, err
}

// OpenInvitation returns a stored invitation with its address and its code, which one
// that was accepted or taken back has no more.
func (k *Keeper) OpenInvitation(ctx context.Context, row clinic.Invitation) (registry.Invitation, error) {
	i, content := row.Invitation, invited{}
	err := k.Vault.Unseal(ctx, invitedPlace(i), row.Sealed, &content)
	i.Email, i.Secret = content.Email, content.Secret
	return i, err
}
