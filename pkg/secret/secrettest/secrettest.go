// Package secrettest makes secrets for tests, which have no store of secrets.
package secrettest

import (
	"context"
	"log/slog"
	"time"

	"evisit/pkg/secret"
)

// Fixed returns a secret that is v for ever, also once it was refused.
func Fixed[T any](v T) *secret.Kept[T] {
	same := func(context.Context, string) ([]byte, error) { return nil, nil }
	form := func(context.Context, []byte) (T, error) { return v, nil }
	at := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	return secret.Keep(same, "fixed", form, func() time.Time { return at }, slog.New(slog.DiscardHandler))
}
