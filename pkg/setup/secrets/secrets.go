// Package secrets gives the functions that have secrets the store that they are in.
package secrets

import (
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"evisit/pkg/secret"
	"evisit/pkg/secretstore"
	"evisit/pkg/setup"
)

// Kept keeps the secret called name, which p must have a source for.
func Kept[T any](p setup.Parts, name string, form secret.Form[T]) *secret.Kept[T] {
	return secret.Keep(p.Secret, name, form, p.Now, p.Log)
}

// With returns p with a source of secrets: its own or, if it has none, Secrets
// Manager, from which nothing is read before it is needed.
func With(p setup.Parts) (setup.Parts, error) {
	if p.Secret != nil {
		return p, nil
	}
	if err := setup.Need(map[string]string{"EVISIT_SECRETS": p.Config.Secrets}); err != nil {
		return p, err
	}
	p.Secret = secretstore.Source(secretsmanager.NewFromConfig(p.Secrets), p.Config.Secrets)
	return p, nil
}
