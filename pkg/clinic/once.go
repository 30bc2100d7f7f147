package clinic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// A Once makes a request repeatable. A request with the same key and input
// returns the result of the first; one with the same key and another input is
// refused.
type Once struct {
	Key   string // scoped by NewOnce to subject and route
	Input string // hash of the input
}

// NewOnce returns an idempotency key that is valid for one subject and one
// route.
func NewOnce(subject, route, key string, input []byte) Once {
	sum := sha256.Sum256(input)
	return Once{Key: subject + " " + route + " " + key, Input: hex.EncodeToString(sum[:])}
}

// RequestLife is how long an idempotency key is remembered.
const RequestLife = 48 * time.Hour

// Request is the row by which c's request is known when it is repeated; nil if it has
// no idempotency key.
func (c Caller) Request(result string, now time.Time) *Request {
	if c.Once.Key == "" {
		return nil
	}
	return &Request{Key: c.Once.Key, Input: c.Once.Input, Result: result, Ends: now.Add(RequestLife)}
}

var errKeyReused = fault.New(fault.Conflict, "idempotency_key_reused", "this Idempotency-Key was used for a different request; use a new one")

// Earlier returns the result of c's request if it was carried out before
// under its idempotency key; empty otherwise.
func (k *Kernel) Earlier(ctx context.Context, c Caller) (string, error) {
	if c.Once.Key == "" {
		return "", nil
	}
	r, err := k.Store.Request(ctx, c.Once.Key)
	switch {
	case errors.Is(err, fault.NotFound), err == nil && !k.Time().Before(r.Ends):
		return "", nil
	case err != nil:
		return "", err
	case r.Input != c.Once.Input:
		return "", errKeyReused
	}
	return r.Result, nil
}

// repeatOr returns the visit if this request was carried out before, and why
// otherwise. A key that was used for another request is refused.
func (k *Kernel) repeatOr(ctx context.Context, c Caller, do identity.Action, why error) (visit.Visit, error) {
	id, err := k.Earlier(ctx, c)
	if err != nil {
		return visit.Visit{}, err
	}
	if id == "" {
		return visit.Visit{}, why
	}
	return k.showRepeated(ctx, c, do, id)
}

// unchanged returns v, on which a request found nothing to do, unless the
// request's key was used before.
func (k *Kernel) unchanged(ctx context.Context, c Caller, do identity.Action, v visit.Visit) (visit.Visit, error) {
	id, err := k.Earlier(ctx, c)
	if err != nil || id == "" {
		return v, err
	}
	return k.showRepeated(ctx, c, do, id)
}

// showRepeated returns the visit of a repeated request as it is now, if the
// caller may still take action do on it, and records that.
func (k *Kernel) showRepeated(ctx context.Context, c Caller, do identity.Action, id string) (visit.Visit, error) {
	c, v, err := k.LoadVisit(ctx, c, do, id)
	if err != nil {
		return visit.Visit{}, err
	}
	m := Commit{Audit: []audit.Record{k.Record(c.Actor(v.Patient), string(do)+againSuffix, v, k.Time())}}
	if err := k.Store.Commit(ctx, m); err != nil {
		return visit.Visit{}, err
	}
	return v, nil
}

// againSuffix ends the action of a repeated request's record.
const againSuffix = ":again"

// Start commits a new visit. If c's request was carried out before, Start
// returns the visit of then.
func (k *Kernel) Start(ctx context.Context, c Caller, v visit.Visit) (visit.Visit, error) {
	now := k.Time()
	err := k.Store.Commit(ctx, Commit{
		Visit: &v, Request: c.Request(v.ID, now),
		Audit: []audit.Record{k.Record(c.Actor(v.Patient), string(identity.StartVisit), v, now)},
	})
	if err != nil {
		return k.repeatOr(ctx, c, identity.ReadVisit, err)
	}
	return v, nil
}
