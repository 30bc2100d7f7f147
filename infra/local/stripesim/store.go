package stripesim

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "modernc.org/sqlite" // driver "sqlite"
)

// schema is the schema of the state. All changes of one request are one transaction,
// so a process killed at any moment leaves whole requests only. synchronous=OFF is
// safe against a kill and not against a loss of power, which a simulator need not be.
const schema = `
PRAGMA journal_mode=WAL;
PRAGMA synchronous=OFF;
PRAGMA busy_timeout=5000;
CREATE TABLE IF NOT EXISTS objects (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
	account TEXT NOT NULL, kind TEXT NOT NULL, due INTEGER, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_due ON objects (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL, hook INTEGER NOT NULL,
	made INTEGER NOT NULL, next INTEGER NOT NULL, attempts INTEGER NOT NULL, state TEXT NOT NULL, last TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_next ON deliveries (next, id) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS replies (
	account TEXT NOT NULL, key TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL,
	status INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (account, key));
CREATE INDEX IF NOT EXISTS replies_at ON replies (at);
`

func openDB(ctx context.Context, file string) (*sql.DB, error) {
	if file == "" {
		file = ":memory:"
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
	}
	// There is one connection, because a database in memory exists only as long as its
	// connection, and Sim.mu admits one transaction at a time anyway.
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", file, err), db.Close())
	}
	return db, nil
}

// Statements that are run again and again are parsed once.
const (
	putObject = `INSERT INTO objects (id, account, kind, due, body) VALUES (?1, ?2, ?3, nullif(?4, 0), ?5)
		ON CONFLICT (id) DO UPDATE SET due = nullif(?4, 0), body = ?5`
	getObject      = `SELECT body FROM objects WHERE id = ? AND account = ? AND kind = ?`
	objectDue      = `SELECT account, kind, id, due FROM objects WHERE due <= ? ORDER BY due, seq LIMIT 1`
	pendingDue     = selectDeliveries + `WHERE state = 'pending' AND next <= ? AND hook < ? ORDER BY `
	deliveriesDue  = pendingDue + `next, d.id LIMIT ?`
	insertDelivery = `INSERT INTO deliveries (event, type, hook, made, next, attempts, state, last) VALUES (?, ?, ?, ?, ?, 0, ?, '')`
	// deliveriesAnyhow are those that are due in any order.
	deliveriesAnyhow = pendingDue + `random() LIMIT ?`
	updateDelivery   = `UPDATE deliveries SET attempts = ?, state = ?, last = ?, next = ? WHERE id = ?`
)

// prepare parses the statements that are run again and again.
func prepare(ctx context.Context, db *sql.DB) (map[string]*sql.Stmt, error) {
	parsed := map[string]*sql.Stmt{}
	for _, query := range []string{putObject, getObject, objectDue, deliveriesDue, deliveriesAnyhow, insertDelivery, updateDelivery} {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("preparing %s: %w", query, err)
		}
		parsed[query] = stmt
	}
	return parsed, nil
}

// parsed is the statement of one of the queries that prepare knows.
func (t *tx) parsed(ctx context.Context, query string) *sql.Stmt {
	return t.sql.StmtContext(ctx, t.sim.parsed[query])
}

// A tx is the transaction of one request or Tick, with its account and its time.
type tx struct {
	sim           *Sim
	sql           *sql.Tx
	now           time.Time
	clock         time.Time // what the clock says; now is before it while expireDue does what was due earlier
	account       string
	origin        origin
	hasDeliveries bool // deliveries were queued
}

// An origin is the request that caused an event. The zero origin is of events that no
// request caused, such as the expiry of a hold.
type origin struct {
	ID  *string `json:"id"`
	Key *string `json:"idempotency_key"`
}

// update runs f in a transaction under the simulator's lock. The changes are
// kept if f succeeds or returns a failure, and dropped for any other error.
func (s *Sim) update(ctx context.Context, account string, from origin, f func(context.Context, *tx) error) error {
	// The transaction goes on if the client hangs up, as it does at Stripe.
	ctx = context.WithoutCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	db, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning: %w", err)
	}
	now := s.opt.Now().UTC()
	t := &tx{sim: s, sql: db, now: now, clock: now, account: account, origin: from}
	ferr := f(ctx, t)
	var clientErr *failure
	if ferr != nil && !errors.As(ferr, &clientErr) {
		return errors.Join(ferr, db.Rollback())
	}
	if err := db.Commit(); err != nil {
		return fmt.Errorf("committing: %w", err)
	}
	if t.hasDeliveries {
		s.wakeUp()
	}
	return ferr
}

// An object is a row: Stripe's JSON, with the simulator's own fields in "_sim", which
// no client sees.
type object interface{ kindAndID() (kind, id string) }

// put stores an object. due is when expireDue expires the object, in unix seconds, or
// zero for never.
func (t *tx) put(ctx context.Context, o object, due int64) error {
	kind, id := o.kindAndID()
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", id, err)
	}
	_, err = t.parsed(ctx, putObject).ExecContext(ctx, id, t.account, kind, due, string(body))
	if err != nil {
		return fmt.Errorf("storing %s: %w", id, err)
	}
	return nil
}

// get loads an object of the transaction's account into o. An object of another
// account is missing. param is the client's name of the id, for the failure.
func (t *tx) get(ctx context.Context, kind, id, param string, o object) error {
	var body string
	err := t.parsed(ctx, getObject).QueryRowContext(ctx, id, t.account, kind).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return missing(kind, id, param)
	}
	if err != nil {
		return fmt.Errorf("loading %s: %w", id, err)
	}
	return decode(id, body, o)
}

func decode(id, body string, o object) error {
	if err := json.Unmarshal([]byte(body), o); err != nil {
		return fmt.Errorf("decoding %s: %w", id, err)
	}
	return nil
}

// each calls f with the stored JSON that a query selects as its only column, until f
// returns false or an error.
func (t *tx) each(ctx context.Context, query string, args []any, f func(body string) (more bool, err error)) (err error) {
	rows, err := t.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return fmt.Errorf("listing: %w", err)
		}
		if more, err := f(body); err != nil || !more {
			return err
		}
	}
	return rows.Err()
}

func (t *tx) bodies(ctx context.Context, query string, args ...any) ([]string, error) {
	var out []string
	err := t.each(ctx, query, args, func(body string) (bool, error) {
		out = append(out, body)
		return true, nil
	})
	return out, err
}

// all decodes every object of a kind in the transaction's account, oldest first.
func all[T any, P interface {
	*T
	object
}](ctx context.Context, t *tx, kind string,
) ([]P, error) {
	bodies, err := t.bodies(ctx, `SELECT body FROM objects WHERE account = ? AND kind = ? ORDER BY seq`, t.account, kind)
	if err != nil {
		return nil, err
	}
	out := make([]P, len(bodies))
	for i, body := range bodies {
		out[i] = new(T)
		if err := decode(kind, body, out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func newID(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()) }
