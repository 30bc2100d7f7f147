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

// Once makes a request repeatable: the same key with the same input has the
// result of the first; with other input it is refused.
type Once struct {
	Key   string // scoped by NewOnce to subject and route
	Input string // hash of the input
}

// NewOnce scopes an idempotency key to who uses it and for what.
func NewOnce(subject, route, key string, input []byte) Once {
	sum := sha256.Sum256(input)
	return Once{Key: subject + " " + route + " " + key, Input: hex.EncodeToString(sum[:])}
}

// RequestLife is how long an idempotency key is remembered.
const RequestLife = 48 * time.Hour

func (c Caller) request(result string, now time.Time) *Request {
	if c.Once.Key == "" {
		return nil
	}
	return &Request{Key: c.Once.Key, Input: c.Once.Input, Result: result, Ends: now.Add(RequestLife)}
}

// earlier returns the result of c's request if it was carried out before; empty
// if it was not.
func (k *Kernel) earlierResult(ctx context.Context, c Caller) (string, error) {
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
		return "", fault.New(fault.Conflict, "idempotency_key_reused", "this Idempotency-Key was used for a different request; use a new one")
	}
	return r.Result, nil
}

// again turns why into success if this very request was carried out before, and
// into a refusal if its key was used for something else. The visit is shown as
// it is now, to who may do this to it now, and that is recorded.
func (k *Kernel) repeatOr(ctx context.Context, c Caller, do identity.Action, why error) (visit.Visit, error) {
	id, err := k.earlierResult(ctx, c)
	if err != nil {
		return visit.Visit{}, err
	}
	if id == "" {
		return visit.Visit{}, why
	}
	return k.showRepeated(ctx, c, do, id)
}

// unchanged is the result of a request that finds nothing left to do: v, unless
// its key was used before.
func (k *Kernel) unchanged(ctx context.Context, c Caller, do identity.Action, v visit.Visit) (visit.Visit, error) {
	id, err := k.earlierResult(ctx, c)
	if err != nil || id == "" {
		return v, err
	}
	return k.showRepeated(ctx, c, do, id)
}

// repeated shows a visit to who may do this to it now, and records that.
func (k *Kernel) showRepeated(ctx context.Context, c Caller, do identity.Action, id string) (visit.Visit, error) {
	c, v, err := k.LoadVisit(ctx, c, do, id)
	if err != nil {
		return visit.Visit{}, err
	}
	m := Commit{Audit: []audit.Record{k.Record(c.Actor(v.Patient), string(do)+":again", v, k.Time())}}
	if err := k.Store.Commit(ctx, m); err != nil {
		return visit.Visit{}, err
	}
	return v, nil
}

// Start commits a new visit, unless c's request began one before, which is then
// the result.
func (k *Kernel) Start(ctx context.Context, c Caller, v visit.Visit) (visit.Visit, error) {
	now := k.Time()
	err := k.Store.Commit(ctx, Commit{
		Visit: &v, Request: c.request(v.ID, now),
		Audit: []audit.Record{k.Record(c.Actor(v.Patient), string(identity.StartVisit), v, now)},
	})
	if err != nil {
		return k.repeatOr(ctx, c, identity.ReadVisit, err)
	}
	return v, nil
}
