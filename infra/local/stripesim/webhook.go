package stripesim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	deliveryPending   = "pending"
	deliveryDelivered = "delivered"
	deliveryGivenUp   = "given up"

	// deliverFor is how long the delivery of an event is retried, and at least leastAttempts
	// times: the clock may jump past all of them. The waits between attempts double from the
	// first to the longest.
	deliverFor    = 3 * 24 * time.Hour
	leastAttempts = 5
	firstBackoff  = 5 * time.Second
	longBackoff   = 6 * time.Hour

	endpointPatience = 10 * time.Second // real time
	deliveryBatch    = 64
)

// A Delivery is the delivery of one event to one endpoint. Next is the time of the next
// attempt, on the shared clock.
type Delivery struct {
	ID       int64     `json:"id"`
	Event    string    `json:"event"`
	Type     string    `json:"type"`
	Connect  bool      `json:"connect"`
	Made     time.Time `json:"made"`
	Next     time.Time `json:"next"`
	Attempts int       `json:"attempts"`
	State    string    `json:"state"`
	Last     string    `json:"last,omitempty"` // the last attempt's outcome

	hook int
	body string
}

// queueDeliveries stores an event's deliveries and returns the number of endpoints.
func (t *tx) queueDeliveries(ctx context.Context, e *event) (int, error) {
	wait, copies := t.sim.faults.planDelivery(e.Type)
	n := 0
	for i, hook := range t.sim.opt.Webhooks {
		if hook.Connect != (e.Account != "") {
			continue
		}
		n++
		t.hasDeliveries = true
		for range copies {
			_, err := t.parsed(ctx, insertDelivery).ExecContext(ctx,
				e.ID, e.Type, i, t.clock.UnixMilli(), t.clock.Add(wait).UnixMilli(), deliveryPending)
			if err != nil {
				return 0, fmt.Errorf("planning delivery of %s: %w", e.ID, err)
			}
		}
	}
	return n, nil
}

// deliver sends the deliveries that are due until none is due. Endpoints are served
// concurrently, each with one event at a time.
func (s *Sim) deliver(ctx context.Context) error {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	for {
		due, err := s.dueDeliveries(ctx)
		if err != nil || len(due) == 0 {
			return err
		}
		byHook := map[int][]Delivery{}
		for _, d := range due {
			byHook[d.hook] = append(byHook[d.hook], d)
		}
		var wg sync.WaitGroup
		errs := make([]error, len(s.opt.Webhooks))
		for hook, ds := range byHook {
			wg.Go(func() {
				for _, d := range ds {
					errs[hook] = errors.Join(errs[hook], s.attempt(ctx, d))
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
}

func (s *Sim) dueDeliveries(ctx context.Context) ([]Delivery, error) {
	if s.faults.holdsBack() {
		return nil, nil
	}
	query := deliveriesDue
	if s.faults.shuffles() {
		query = deliveriesAnyhow
	}
	var due []Delivery
	err := s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		rows, err := t.parsed(ctx, query).QueryContext(ctx, t.now.UnixMilli(), len(s.opt.Webhooks), deliveryBatch)
		if err == nil {
			due, err = t.readDeliveries(rows)
		}
		return err
	})
	return due, err
}

// selectDeliveries begins a query that deliveries can read.
const selectDeliveries = `SELECT d.id, d.event, d.type, d.hook, d.made, d.next, d.attempts, d.state, d.last, o.body
	FROM deliveries d JOIN objects o ON o.id = d.event `

func (t *tx) deliveries(ctx context.Context, query string, args ...any) ([]Delivery, error) {
	rows, err := t.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("listing deliveries: %w", err)
	}
	return t.readDeliveries(rows)
}

// readDeliveries reads and closes the rows of selectDeliveries.
func (t *tx) readDeliveries(rows *sql.Rows) (_ []Delivery, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	var out []Delivery
	for rows.Next() {
		var d Delivery
		var made, next int64
		if err := rows.Scan(&d.ID, &d.Event, &d.Type, &d.hook, &made, &next, &d.Attempts, &d.State, &d.Last, &d.body); err != nil {
			return nil, fmt.Errorf("listing deliveries: %w", err)
		}
		d.Made, d.Next = time.UnixMilli(made).UTC(), time.UnixMilli(next).UTC()
		d.Connect = d.hook < len(t.sim.opt.Webhooks) && t.sim.opt.Webhooks[d.hook].Connect
		out = append(out, d)
	}
	return out, rows.Err()
}

// attempt sends one delivery once and records the outcome.
func (s *Sim) attempt(ctx context.Context, d Delivery) error {
	outcome := s.send(ctx, d)
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		d.Attempts++
		d.State, d.Last = deliveryDelivered, "delivered"
		if outcome != nil {
			d.State, d.Last = deliveryPending, outcome.Error()
			d.Next = t.now.Add(backoff(d.Attempts))
			if d.Next.Sub(d.Made) > deliverFor && d.Attempts >= leastAttempts {
				d.State = deliveryGivenUp
			}
		}
		_, err := t.parsed(ctx, updateDelivery).ExecContext(ctx,
			d.Attempts, d.State, d.Last, d.Next.UnixMilli(), d.ID)
		if err != nil {
			return fmt.Errorf("recording delivery of %s: %w", d.Event, err)
		}
		return nil
	})
}

func backoff(attempts int) time.Duration {
	wait := firstBackoff
	for i := 1; i < attempts && wait < longBackoff; i++ {
		wait *= 2
	}
	return min(wait, longBackoff)
}

// send posts one event and returns nil if the endpoint accepts the event.
func (s *Sim) send(ctx context.Context, d Delivery) error {
	drop, loseAnswer := s.faults.deliveryFault(d.Type)
	if drop {
		return errors.New("dropped on the way")
	}
	ctx, cancel := context.WithTimeout(ctx, endpointPatience)
	defer cancel()
	hook := s.opt.Webhooks[d.hook]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader([]byte(d.body)))
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "Stripe/1.0 (simulated)")
	req.Header.Set("Stripe-Signature", sign(hook.Secret, s.opt.Now(), []byte(d.body)))
	resp, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if loseAnswer {
		return errors.New("the answer was lost")
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("endpoint answered %d", resp.StatusCode)
	}
	return nil
}

// sign returns a signature of Stripe's scheme v1.
func sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(t + "."))
	_, _ = mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
