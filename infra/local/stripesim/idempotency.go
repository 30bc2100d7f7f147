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

// keysKept is how long Stripe keeps an idempotency key.
const keysKept = 24 * time.Hour

// A reply is the status and body of an answer.
type reply struct {
	status   int
	body     []byte
	replayed bool
}

// requestHash is the same for two requests with the same method, path and parameters,
// in any order of the parameters.
func requestHash(method, path string, params map[string]any) (string, error) {
	canonical, err := json.Marshal(params)
	if err != nil {
		return "", fmt.Errorf("hashing parameters: %w", err)
	}
	sum := sha256.Sum256([]byte(method + " " + path + "\n" + string(canonical)))
	return hex.EncodeToString(sum[:]), nil
}

// lockKey marks a key as in use until unlock. Keys in use are in memory only, because
// a request that the end of the process interrupted has changed nothing.
func (s *Sim) lockKey(account, key string) (unlock func(), err error) {
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

// loadReply returns the reply stored under a key, or nil if there is no reply or it is
// too old. A reply to another request is a failure.
func (t *tx) loadReply(ctx context.Context, key, hash string) (*reply, error) {
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

// storeReply stores a reply and deletes the replies that are too old.
func (t *tx) storeReply(ctx context.Context, key, hash string, r *reply) error {
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
