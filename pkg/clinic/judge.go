package clinic

import (
	"context"
	"errors"

	"evisit/pkg/fault"
)

// refusedKey is where a context has why its request is refused.
type refusedKey struct{}

// Judge returns why a request is refused of whose input some was found wrong at the edge, with
// all else that is wrong with the input, so that its sender corrects it once. wrong is a
// fault.Invalid; do makes the request with what could be read of the input, under a context with
// which nothing can be committed.
//
// Who may not make the request is told that, and not what is wrong with it. What keeps a right
// input from being done, such as what it is about having changed, is not told: another input
// will be sent.
func Judge(ctx context.Context, wrong error, do func(context.Context) error) error {
	err := do(context.WithValue(ctx, refusedKey{}, wrong))
	switch {
	case err == nil:
		return wrong
	case errors.Is(err, fault.Anonymous), errors.Is(err, fault.Denied), errors.Is(err, fault.NotFound), IsUnchosen(err):
		return err
	}
	return fault.Both(wrong, err)
}

// Refused returns why the request of ctx is refused whatever is decided on it; nil if it is not.
// A Store commits nothing for a request that is refused.
func Refused(ctx context.Context) error {
	err, _ := ctx.Value(refusedKey{}).(error)
	return err
}
