// Package mailbox replaces Amazon SES on a laptop and in tests. It accepts mail by the
// SESv2 SendEmail call, shows the mail at /dev/mail instead of sending it, and
// publishes simulated deliveries, bounces, delays and complaints.
//
// Quotas, suppression lists, templates and raw MIME are not simulated.
package mailbox

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	_ "modernc.org/sqlite" // driver "sqlite"
)

// A Behaviour decides the outcomes of mail to an address.
type Behaviour string

// The behaviours. The default is Deliver.
const (
	Deliver  Behaviour = "deliver"
	Bounce   Behaviour = "bounce"
	Delay    Behaviour = "delay"    // delayed at once, and delivered after the delay
	Complain Behaviour = "complain" // delivered at once, and complained of after the delay
)

// A Mail is one accepted message. /dev/mail.json shows it as JSON.
type Mail struct {
	ID         string            `json:"id"` // the MessageId in the reply to the sender
	At         time.Time         `json:"at"` // when the mail was accepted, on the shared clock
	From       string            `json:"from"`
	To         []string          `json:"to"` // every recipient, copies included
	Subject    string            `json:"subject"`
	Text       string            `json:"text"`
	HTML       string            `json:"html,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Deliveries []Delivery        `json:"deliveries"`
}

// A Delivery is the last outcome of a mail for one recipient: "waiting", "delayed",
// "delivered", "bounced" or "complained".
type Delivery struct {
	Address string    `json:"address"`
	Outcome string    `json:"outcome"`
	At      time.Time `json:"at"` // time of the outcome
}

// A Mailbox keeps mail in a SQLite file. It is safe for concurrent use, and its process
// may be killed at any moment.
type Mailbox struct {
	db  *sql.DB
	now func() time.Time
	log *slog.Logger

	background sync.WaitGroup // calls of PublishDue after accepted mail

	mu         sync.Mutex
	listeners  []func(context.Context, Event)
	publishing map[int64]bool // steps that are being published, by sequence number
}

const schema = `
CREATE TABLE IF NOT EXISTS mail (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
-- A step is one outcome of a mail at one address; told is 1 when it is published.
CREATE TABLE IF NOT EXISTS step (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT NOT NULL, address TEXT NOT NULL,
	outcome TEXT NOT NULL, due INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS step_mail ON step (mail, seq);
CREATE INDEX IF NOT EXISTS step_address ON step (address, mail);
CREATE INDEX IF NOT EXISTS step_due ON step (due) WHERE told = 0;
CREATE TABLE IF NOT EXISTS behaviour (
	address TEXT PRIMARY KEY, behave TEXT NOT NULL, delay INTEGER NOT NULL);`

// Open opens the mailbox in the file at path, or in memory if path is empty. now is
// the shared clock.
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
	return &Mailbox{db: db, now: now, log: log, publishing: map[int64]bool{}}, nil
}

// Close waits until the events of accepted mail are published, and closes the file.
// Stop serving before calling Close.
func (m *Mailbox) Close() error {
	m.background.Wait()
	return m.db.Close()
}

// OnEvent adds a listener, which is called with every event. As with SES, an event is
// published at least once, and possibly before the sender has stored the message's
// id; a sender identifies the mail by its tags.
func (m *Mailbox) OnEvent(f func(context.Context, Event)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = append(m.listeners, f)
}

// Behave sets the behaviour of address for mail accepted from now on, with outcomes
// delay after the mail.
func (m *Mailbox) Behave(ctx context.Context, address string, b Behaviour, delay time.Duration) error {
	key, err := bareAddress(address)
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

// PublishDue publishes the events of the steps that are due and not published. The
// system calls PublishDue periodically and after the clock moved; accepting a mail
// calls PublishDue too.
func (m *Mailbox) PublishDue(ctx context.Context) error {
	steps, err := m.takeDue(ctx)
	if err != nil {
		return fmt.Errorf("publishing mail events: %w", err)
	}
	defer m.unmark(steps)
	for _, s := range steps {
		if err := m.publish(ctx, s); err != nil {
			return fmt.Errorf("publishing events of mail %s: %w", s.mail.ID, err)
		}
	}
	return nil
}
