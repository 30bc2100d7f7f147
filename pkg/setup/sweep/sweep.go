// Package sweep makes the handler of the function sweep.
package sweep

import (
	"errors"

	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/bucket"
	"evisit/pkg/setup/secrets"
	"evisit/pkg/store"
)

// Handler returns the handler of the schedule: it re-arms events that were not
// handled and signs the audit logs.
func Handler(p setup.Parts) (awslambda.ScheduleHandler, error) {
	c := p.Config
	p, err := secrets.With(p)
	if err := errors.Join(err, setup.Need(map[string]string{"EVISIT_LOG_ORIGIN": c.Log.Base, "EVISIT_LOG_PUBLIC": string(c.Log.Public)})); err != nil {
		return nil, err
	}
	heads, err := bucket.Of(p)
	if err != nil {
		return nil, err
	}
	s := p.Store()
	room := &sweep.Room{Kernel: p.Kernel("", s), Store: s, LogKey: c.Log, Signer: secrets.Kept(p, secret.Log, secret.SeedOf(c.Log.Public)).Get, Heads: heads, Shards: store.Shards}
	return awslambda.Schedule("sweep", room.Run, p.Log), nil
}
