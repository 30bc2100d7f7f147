// Package mailbox stands in for Amazon SES: it accepts mail over the SESv2
// SendEmail call, shows it at /dev/mail instead of sending it anywhere, and
// simulates what becomes of it, so that a bounce, a delay or a complaint can be
// tried at will.
//
// It simulates delivery, not policy: there are no quotas, no suppression list,
// no templates and no raw MIME.
package mailbox

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the "sqlite" driver
)

// A Behaviour is what an address does with mail sent to it.
type Behaviour string

// The behaviours. An address without one delivers.
const (
	Deliver  Behaviour = "deliver"
	Bounce   Behaviour = "bounce"
	Delay    Behaviour = "delay"    // reported late at once, delivered after the delay
	Complain Behaviour = "complain" // delivered, and then reported as unwanted
)

// A Mail is one accepted message. It is JSON at /dev/mail.json.
type Mail struct {
	ID         string            `json:"id"` // the MessageId given to the sender
	At         time.Time         `json:"at"` // accepted, on the shared clock
	From       string            `json:"from"`
	To         []string          `json:"to"` // every recipient, copies included
	Subject    string            `json:"subject"`
	Text       string            `json:"text"`
	HTML       string            `json:"html,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Deliveries []Delivery        `json:"deliveries"`
}

// A Delivery is what became of a mail for one recipient: "waiting", "delayed",
// "delivered", "bounced" or "complained".
type Delivery struct {
	Address string    `json:"address"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"` // of the outcome
}

// A Mailbox keeps mail in a SQLite file. It is safe for concurrent use, and for
// being killed at any moment.
type Mailbox struct {
	db  *sql.DB
	now func() time.Time
	log *slog.Logger

	settling sync.WaitGroup // after accepted mail

	mu        sync.Mutex
	listeners []func(context.Context, Event)
	telling   map[int64]bool // steps being told to the listeners now
}

const schema = `
CREATE TABLE IF NOT EXISTS mail (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
-- A step is one thing that happens to a mail at one address; told is 0 until
-- the listeners have heard of it.
CREATE TABLE IF NOT EXISTS step (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT NOT NULL, address TEXT NOT NULL,
	outcome TEXT NOT NULL, due INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS step_mail ON step (mail, seq);
CREATE INDEX IF NOT EXISTS step_address ON step (address, mail);
CREATE INDEX IF NOT EXISTS step_due ON step (due) WHERE told = 0;
CREATE TABLE IF NOT EXISTS behaviour (
	address TEXT PRIMARY KEY, behave TEXT NOT NULL, delay INTEGER NOT NULL);`

// Open returns the mailbox kept in the file at path, or in memory when path is
// empty. now is the shared clock.
func Open(ctx context.Context, path string, now func() time.Time, log *slog.Logger) (*Mailbox, error) {
	dsn := ":memory:"
	if path != "" {
		u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
		u.RawQuery = url.Values{"_pragma": {"journal_mode(wal)", "synchronous(normal)", "busy_timeout(5000)"}}.Encode()
		dsn = u.String()
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("opening mailbox: %w", err)
	}
	db.SetMaxOpenConns(1) // each connection to ":memory:" would be a mailbox of its own
	if _, err := db.ExecContext(ctx, schema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("opening mailbox %s: %w", path, err)
	}
	return &Mailbox{db: db, now: now, log: log, telling: map[int64]bool{}}, nil
}

// Close waits until the outcomes of accepted mail have been told, and releases
// the file. Stop serving first.
func (m *Mailbox) Close() error {
	m.settling.Wait()
	return m.db.Close()
}

// OnEvent adds f to those told of every outcome. As with SES, a listener hears
// of each at least once, and possibly before the sender has stored the
// message's id: what it needs to recognise a mail belongs in the mail's tags.
func (m *Mailbox) OnEvent(f func(context.Context, Event)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = append(m.listeners, f)
}

// Behave sets what address does from now on, each outcome coming delay after
// the mail. Mail already accepted keeps the fate it had.
func (m *Mailbox) Behave(ctx context.Context, address string, b Behaviour, delay time.Duration) error {
	key, err := bare(address)
	if err != nil {
		return err
	}
	if err := b.check(delay); err != nil {
		return err
	}
	_, err = m.db.ExecContext(ctx, `INSERT INTO behaviour (address, behave, delay) VALUES (?, ?, ?)
		ON CONFLICT (address) DO UPDATE SET behave = excluded.behave, delay = excluded.delay`, key, string(b), int64(delay))
	if err != nil {
		return fmt.Errorf("setting behaviour: %w", err)
	}
	return nil
}

// Settle tells the listeners of everything that is due and not yet told. The
// system calls it now and then, and after the clock moved; accepting a mail
// leads to it too.
func (m *Mailbox) Settle(ctx context.Context) error {
	steps, err := m.claimDue(ctx)
	if err != nil {
		return fmt.Errorf("settling mail: %w", err)
	}
	defer m.release(steps)
	for _, s := range steps {
		if err := m.tell(ctx, s); err != nil {
			return fmt.Errorf("settling mail %s: %w", s.mail.ID, err)
		}
	}
	return nil
}
