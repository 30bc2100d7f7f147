package stripesim

import (
	"context"
	"encoding/json"
	"fmt"
)

const kindEvent = "event"

// An event records a change of an object, with the object after the change.
type event struct {
	ID              string    `json:"id"`
	Object          string    `json:"object"`
	Account         string    `json:"account,omitempty"`
	APIVersion      string    `json:"api_version"`
	Created         int64     `json:"created"`
	Data            eventData `json:"data"`
	Livemode        bool      `json:"livemode"`
	PendingWebhooks int       `json:"pending_webhooks"`
	Request         origin    `json:"request"`
	Type            string    `json:"type"`
}

type eventData struct {
	Object json.RawMessage `json:"object"`
}

func (e *event) kindAndID() (kind, id string) { return kindEvent, e.ID }

// emit stores an event about an object, and the event's deliveries to the endpoints of
// the account.
func (t *tx) emit(ctx context.Context, kind string, about object) error {
	shown, err := t.render(about)
	if err != nil {
		return err
	}
	of, id := about.kindAndID()
	if err := t.sim.fits(of, shown); err != nil {
		return fmt.Errorf("event %s about %s: %w", kind, id, err)
	}
	snapshot, err := json.Marshal(shown)
	if err != nil {
		return fmt.Errorf("encoding event about %s: %w", id, err)
	}
	e := &event{
		ID: newID("evt"), Object: kindEvent, APIVersion: apiVersion, Created: t.now.Unix(),
		Data: eventData{Object: snapshot}, Request: t.origin, Type: kind,
	}
	if t.account != Platform {
		e.Account = t.account
	}
	if e.PendingWebhooks, err = t.queueDeliveries(ctx, e); err != nil {
		return err
	}
	return t.put(ctx, e, 0)
}

// getEvent serves GET /v1/events/{id}.
func getEvent(ctx context.Context, t *tx, c *call) (any, error) {
	e := new(event)
	if err := t.get(ctx, kindEvent, c.id, "id", e); err != nil {
		return nil, err
	}
	err := t.sql.QueryRowContext(ctx, `SELECT count(*) FROM deliveries WHERE event = ? AND state = ?`, e.ID, deliveryPending).Scan(&e.PendingWebhooks)
	if err != nil {
		return nil, fmt.Errorf("counting deliveries of %s: %w", e.ID, err)
	}
	return e, nil
}

// listEvents serves GET /v1/events.
func listEvents(ctx context.Context, t *tx, c *call) (any, error) {
	return t.list(ctx, c, kindEvent, "type")
}
