package secret

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"evisit/pkg/fault"
)

const (
	// keptFor is how long a secret is used before it is read again.
	keptFor = 5 * time.Minute
	// pause is the least time between two readings for a secret that was refused, and
	// between two of a store that does not answer while a secret is kept.
	pause = time.Minute
	// patience is how long a reading may take, so that a store that hangs does not keep
	// from using a secret that is kept.
	patience = 4 * time.Second
)

// A Source reads the secret called name from where secrets are stored.
type Source func(ctx context.Context, name string) ([]byte, error)

// A Form makes of a stored secret what it is used as. Its error quotes nothing of the
// secret.
type Form[T any] func(ctx context.Context, stored []byte) (T, error)

// A Kept is one secret in the form in which it is used. It is safe for concurrent
// use; who waits for a reading waits no longer than its context.
type Kept[T any] struct {
	name   string
	source Source
	form   Form[T]
	now    func() time.Time
	log    *slog.Logger

	turn    chan struct{} // who has put a token here may use what follows
	stored  []byte        // as the source gave it
	value   T             // what form made of stored
	made    int           // how many values were made; 0 is none yet
	fresh   time.Time     // when the source last answered
	tried   time.Time     // when the source was last asked
	refused time.Time     // when the source was last asked for a secret that was refused
}

// Keep returns the secret called name of source, in the form that form gives it.
// The form is made again only if what is stored has changed.
func Keep[T any](source Source, name string, form Form[T], now func() time.Time, log *slog.Logger) *Kept[T] {
	return &Kept[T]{name: name, source: source, form: form, now: now, log: log, turn: make(chan struct{}, 1)}
}

// String names the secret and does not show it.
func (k *Kept[T]) String() string { return "[secret " + k.name + "]" }

// Get returns the secret. It fails with fault.Busy, and logs an error, if the secret
// cannot be read or used and none is kept. One that is kept is used for as long as
// the store does not answer.
func (k *Kept[T]) Get(ctx context.Context) (T, error) {
	v, _, err := k.get(ctx, 0)
	return v, err
}

// Use calls do with the secret. If do reports that it was refused, and the store has
// another by now, do is called once more with that one. Use fails as Get does.
func (k *Kept[T]) Use(ctx context.Context, do func(T) (refused bool)) error {
	v, made, err := k.get(ctx, 0)
	if err != nil || !do(v) {
		return err
	}
	if v, now, err := k.get(ctx, made); err == nil && now != made {
		do(v)
	}
	return nil
}

// get returns the secret and its number, which is another for each value. The value
// numbered refused is one that was refused.
func (k *Kept[T]) get(ctx context.Context, refused int) (T, int, error) {
	var none T
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return none, 0, busy(ctx.Err())
	}
	if k.mustAsk(refused) {
		if err := k.ask(ctx); err != nil {
			k.log.ErrorContext(ctx, "a secret cannot be read or used", "secret", k.name, "kept", k.made > 0, "err", err)
			if k.made == 0 {
				return none, 0, busy(err)
			}
		}
	}
	return k.value, k.made, nil
}

func (k *Kept[T]) mustAsk(refused int) bool {
	switch {
	case k.made == 0:
		return true
	case refused != k.made:
		return k.since(k.fresh) >= keptFor && k.since(k.tried) >= pause
	case k.since(k.refused) < pause:
		return false
	}
	k.refused = k.now()
	return true
}

// since is never negative: the clock of trials may go back.
func (k *Kept[T]) since(t time.Time) time.Duration { return k.now().Sub(t).Abs() }

func (k *Kept[T]) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	k.tried = k.now()
	b, err := k.source(ctx, k.name)
	if err != nil {
		return err
	}
	if k.made == 0 || !bytes.Equal(b, k.stored) {
		v, err := k.form(ctx, b)
		if err != nil {
			return err
		}
		k.stored, k.value, k.made = bytes.Clone(b), v, k.made+1
	}
	k.fresh = k.tried
	return nil
}

func busy(err error) error {
	return fault.Hide(fault.Busy, "try_again", "our keys do not answer just now; repeat the same request", err)
}
