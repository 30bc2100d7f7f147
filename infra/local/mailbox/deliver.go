package mailbox

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// maxDelay is the most that the shared clock moves in one step.
const maxDelay = 400 * 24 * time.Hour

func (b Behaviour) check(delay time.Duration) error {
	switch b {
	case Deliver, Bounce, Delay, Complain:
	default:
		return fault.New(fault.Invalid, "behave", `"behave" is deliver, bounce, delay or complain.`)
	}
	if delay < 0 || delay > maxDelay {
		return fault.New(fault.Invalid, "delay", "The delay is between 0s and 9600h.")
	}
	if b == Delay && delay == 0 {
		return fault.New(fault.Invalid, "delay", `Say how long mail is delayed, such as "10m".`)
	}
	return nil
}

// bareAddress returns an address without a name and in lower case, the form in which
// behaviours and filters are matched.
func bareAddress(address string) (string, error) {
	a, err := mail.ParseAddress(address)
	if err != nil {
		return "", fault.Hide(fault.Invalid, "address", "That is not an e-mail address.", err)
	}
	return strings.ToLower(a.Address), nil
}

// A step is one outcome of a mail at one address, due or published.
type step struct {
	seq     int64
	address string
	outcome string
	due     time.Time
	mail    Mail
}

// stepsOf returns the steps of a mail that was accepted at now by an address with
// behaviour b.
func stepsOf(b Behaviour, address string, now time.Time, delay time.Duration) []step {
	later := now.Add(delay)
	switch b {
	case Bounce:
		return []step{{address: address, outcome: "bounced", due: later}}
	case Delay:
		return []step{{address: address, outcome: "delayed", due: now}, {address: address, outcome: "delivered", due: later}}
	case Complain:
		return []step{{address: address, outcome: "delivered", due: now}, {address: address, outcome: "complained", due: later}}
	default:
		return []step{{address: address, outcome: "delivered", due: later}}
	}
}

// accept stores a mail and its steps, and returns the mail's new id.
func (m *Mailbox) accept(ctx context.Context, in Mail) (string, error) {
	in.ID, in.At = rand.Text(), m.now().UTC()
	body, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("accepting mail: %w", err)
	}
	tx, err := m.db.BeginTx(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("accepting mail: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit, Rollback does nothing
	if _, err := tx.ExecContext(ctx, `INSERT INTO mail (id, body) VALUES (?, ?)`, in.ID, body); err != nil {
		return "", fmt.Errorf("accepting mail %s: %w", in.ID, err)
	}
	for _, to := range in.To {
		if err := insertSteps(ctx, tx, in, to); err != nil {
			return "", fmt.Errorf("accepting mail %s: %w", in.ID, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return "", fmt.Errorf("accepting mail %s: %w", in.ID, err)
	}
	return in.ID, nil
}

func insertSteps(ctx context.Context, tx *sql.Tx, in Mail, to string) error {
	address, err := bareAddress(to)
	if err != nil {
		return err
	}
	b, delay := Deliver, int64(0)
	err = tx.QueryRowContext(ctx, `SELECT behave, delay FROM behaviour WHERE address = ?`, address).Scan(&b, &delay)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("reading behaviour: %w", err)
	}
	for _, s := range stepsOf(b, address, in.At, time.Duration(delay)) {
		_, err := tx.ExecContext(ctx, `INSERT INTO step (mail, address, outcome, due) VALUES (?, ?, ?, ?)`,
			in.ID, s.address, s.outcome, s.due.UnixNano())
		if err != nil {
			return fmt.Errorf("deciding %s: %w", s.outcome, err)
		}
	}
	return nil
}

// takeDue returns the steps that are due and not published, and marks them as being
// published, so that no concurrent caller gets them. The steps are in order of time.
func (m *Mailbox) takeDue(ctx context.Context) ([]step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows, err := m.db.QueryContext(ctx, `
		SELECT step.seq, step.address, step.outcome, step.due, mail.body
		FROM step JOIN mail ON mail.id = step.mail
		WHERE step.told = 0 AND step.due <= ? ORDER BY step.due, step.seq`, m.now().UnixNano())
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	var due []step
	for rows.Next() {
		var s step
		var at int64
		var body []byte
		if err := rows.Scan(&s.seq, &s.address, &s.outcome, &at, &body); err != nil {
			return nil, fmt.Errorf("reading what is due: %w", err)
		}
		if err := json.Unmarshal(body, &s.mail); err != nil {
			return nil, fmt.Errorf("reading what is due: %w", err)
		}
		s.due = time.Unix(0, at).UTC()
		if !m.publishing[s.seq] {
			due = append(due, s)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	for _, s := range due {
		m.publishing[s.seq] = true
	}
	return due, nil
}

func (m *Mailbox) unmark(steps []step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range steps {
		delete(m.publishing, s.seq)
	}
}

// publish calls the listeners with the event of s and then records that s is
// published. If the process is killed in between, the event is published again, as
// SNS may do too.
func (m *Mailbox) publish(ctx context.Context, s step) error {
	m.mu.Lock()
	listeners := m.listeners
	m.mu.Unlock()
	e := s.event()
	for _, f := range listeners {
		f(ctx, e)
	}
	if _, err := m.db.ExecContext(ctx, `UPDATE step SET told = 1 WHERE seq = ?`, s.seq); err != nil {
		return fmt.Errorf("noting %s: %w", s.outcome, err)
	}
	return nil
}

// find returns the mail to an address, or all mail if to is empty, newest first. find
// returns at most limit mails, or all if limit is negative.
func (m *Mailbox) find(ctx context.Context, to string, limit int) ([]Mail, error) {
	return m.read(ctx, selectMail+`(? = '' OR id IN (SELECT mail FROM step WHERE address = ?)) ORDER BY seq DESC LIMIT ?`, to, to, limit)
}

func (m *Mailbox) byID(ctx context.Context, id string) (Mail, error) {
	found, err := m.read(ctx, selectMail+`id = ?`, id)
	if err != nil {
		return Mail{}, err
	}
	if len(found) == 0 {
		return Mail{}, fault.New(fault.NotFound, "mail", "There is no such mail.")
	}
	return found[0], nil
}

const selectMail = `
	SELECT body, (SELECT json_group_array(json_object('address', address, 'outcome', outcome, 'due', due, 'told', told))
		FROM (SELECT * FROM step WHERE step.mail = mail.id ORDER BY step.seq))
	FROM mail WHERE `

// read returns the mails that a selectMail query finds, with their deliveries.
func (m *Mailbox) read(ctx context.Context, query string, args ...any) ([]Mail, error) {
	rows, err := m.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading mail: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err has the error
	found := []Mail{}
	for rows.Next() {
		var body, steps []byte
		if err := rows.Scan(&body, &steps); err != nil {
			return nil, fmt.Errorf("reading mail: %w", err)
		}
		var one Mail
		if err := json.Unmarshal(body, &one); err != nil {
			return nil, fmt.Errorf("reading mail: %w", err)
		}
		if one.Deliveries, err = deliveries(one, steps); err != nil {
			return nil, fmt.Errorf("reading mail %s: %w", one.ID, err)
		}
		found = append(found, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading mail: %w", err)
	}
	return found, nil
}

// deliveries returns the last published step of a mail at each address.
func deliveries(of Mail, raw []byte) ([]Delivery, error) {
	var steps []struct {
		Address string `json:"address"`
		Outcome string `json:"outcome"`
		Due     int64  `json:"due"`
		Told    int    `json:"told"`
	}
	if err := json.Unmarshal(raw, &steps); err != nil {
		return nil, fmt.Errorf("reading steps: %w", err)
	}
	var out []Delivery
	at := map[string]int{}
	for _, s := range steps {
		n, seen := at[s.Address]
		if !seen {
			n = len(out)
			at[s.Address] = n
			out = append(out, Delivery{Address: s.Address, Outcome: "waiting", At: of.At})
		}
		if s.Told == 1 {
			out[n] = Delivery{Address: s.Address, Outcome: s.Outcome, At: time.Unix(0, s.Due).UTC()}
		}
	}
	return out, nil
}
