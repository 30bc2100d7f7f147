// Package content makes the sealer of content, for the functions that decrypt
// any.
package content

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"evisit/pkg/fault"
	"evisit/pkg/seal"
	"evisit/pkg/setup"
	"evisit/pkg/vault"
)

// Sealer returns the sealer of contact data and of all else that is sealed in
// rows. The keyset is decrypted when content is first sealed or unsealed, because
// a function starts sooner without a call of KMS. If the keyset cannot be decrypted,
// sealing and unsealing fail with fault.Busy, log an error, and try again the next
// time.
func Sealer(p setup.Parts) (vault.Sealer, error) {
	c, open := p.Config, p.Sealer
	if open == nil {
		if err := setup.Need(map[string]string{"EVISIT_KMS_KEY": c.KMSKey, "EVISIT_KEYSET": string(c.Keyset)}); err != nil {
			return nil, err
		}
		open = func(ctx context.Context) (vault.Sealer, error) {
			return seal.KMS(ctx, kms.NewFromConfig(p.Keys), c.KMSKey, c.Keyset)
		}
	}
	return &lazySealer{open: open, log: p.Log, turn: make(chan struct{}, 1)}, nil
}

// A lazySealer opens its sealer when it is first used. It is safe for concurrent
// use.
type lazySealer struct {
	open func(context.Context) (vault.Sealer, error)
	log  *slog.Logger

	turn   chan struct{} // who has put a token here may use opened
	opened vault.Sealer  // nil until open has succeeded
}

// Seal implements vault.Sealer.
func (l *lazySealer) Seal(ctx context.Context, at vault.Place, plain []byte) ([]byte, error) {
	s, err := l.sealer(ctx)
	if err != nil {
		return nil, err
	}
	return s.Seal(ctx, at, plain)
}

// Unseal implements vault.Sealer.
func (l *lazySealer) Unseal(ctx context.Context, at vault.Place, sealed []byte) ([]byte, error) {
	s, err := l.sealer(ctx)
	if err != nil {
		return nil, err
	}
	return s.Unseal(ctx, at, sealed)
}

func (l *lazySealer) sealer(ctx context.Context) (vault.Sealer, error) {
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, busy(ctx.Err())
	}
	if l.opened == nil {
		s, err := l.open(ctx)
		if err != nil {
			l.log.ErrorContext(ctx, "the keyset of content cannot be decrypted", "err", err)
			return nil, busy(err)
		}
		l.opened = s
	}
	return l.opened, nil
}

func busy(err error) error {
	return fault.Hide(fault.Busy, "try_again", "the keys of our records do not answer just now; repeat the same request", err)
}
