package stripesim

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// keysKept is how long Stripe remembers an idempotency key.
const keysKept = 24 * time.Hour

// A reply is an answer as it was or will be sent.
type reply struct {
	status   int
	body     []byte
	replayed bool
}

// requestHash identifies what a request asked for, whatever the order in which
// its parameters came.
func requestHash(method, path string, params map[string]any) (string, error) {
	canonical, err := json.Marshal(params)
	if err != nil {
		return "", fmt.Errorf("hashing parameters: %w", err)
	}
	sum := sha256.Sum256([]byte(method + " " + path + "\n" + string(canonical)))
	return hex.EncodeToString(sum[:]), nil
}

// claim marks a key as in progress; the caller releases it when it is not. It
// is held in memory only: a request cut short by the end of the process has
// changed nothing.
func (s *Sim) claim(account, key string) (release func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	name := account + "/" + key
	s.inUseMu.Lock()
	defer s.inUseMu.Unlock()
	if s.inUse[name] {
		return nil, &failure{
			Status: http.StatusConflict, Type: "idempotency_error", Code: "idempotency_key_in_use",
			Message: "another request with this idempotency key is in progress",
		}
	}
	s.inUse[name] = true
	return func() {
		s.inUseMu.Lock()
		defer s.inUseMu.Unlock()
		delete(s.inUse, name)
	}, nil
}

// stored looks a key's reply up: nil if there is none or it is forgotten. It
// fails if the key came with another request.
func (t *tx) stored(ctx context.Context, key, hash string) (*reply, error) {
	var had string
	var at int64
	r := &reply{replayed: true}
	err := t.sql.QueryRowContext(ctx, `SELECT hash, at, status, body FROM replies WHERE account = ? AND key = ?`, t.account, key).
		Scan(&had, &at, &r.status, &r.body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking up idempotency key %s: %w", key, err)
	case t.now.UnixMilli()-at >= keysKept.Milliseconds():
		return nil, nil
	case had != hash:
		return nil, &failure{
			Status: http.StatusBadRequest, Type: "idempotency_error",
			Message: "this idempotency key was used with another request",
		}
	}
	return r, nil
}

// store keeps a reply, and forgets those that are too old.
func (t *tx) store(ctx context.Context, key, hash string, r *reply) error {
	if _, err := t.sql.ExecContext(ctx, `DELETE FROM replies WHERE at <= ?`, t.now.Add(-keysKept).UnixMilli()); err != nil {
		return fmt.Errorf("forgetting idempotency keys: %w", err)
	}
	_, err := t.sql.ExecContext(ctx, `INSERT OR REPLACE INTO replies (account, key, hash, at, status, body) VALUES (?, ?, ?, ?, ?, ?)`,
		t.account, key, hash, t.now.UnixMilli(), r.status, r.body)
	if err != nil {
		return fmt.Errorf("storing reply for idempotency key %s: %w", key, err)
	}
	return nil
}
