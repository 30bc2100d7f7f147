package stripesim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	return t.store(ctx, event{Type: kind, APIVersion: apiVersion}, shown)
}

// store completes an event of a type, a version and a mode with its object, and stores
// it and its deliveries.
func (t *tx) store(ctx context.Context, of event, shown map[string]any) error {
	snapshot, err := json.Marshal(shown)
	if err != nil {
		return fmt.Errorf("encoding event about %v: %w", shown["id"], err)
	}
	e := &of
	e.ID, e.Object, e.Created, e.Data, e.Request = newID("evt"), kindEvent, t.now.Unix(), eventData{Object: snapshot}, t.origin
	if t.account != Platform {
		e.Account = t.account
	}
	if e.PendingWebhooks, err = t.queueDeliveries(ctx, e); err != nil {
		return err
	}
	return t.put(ctx, e, 0)
}

// change stores an object and emits the event of its change. due is as in put.
func (t *tx) change(ctx context.Context, kind string, o object, due int64) error {
	if err := t.put(ctx, o, due); err != nil {
		return err
	}
	return t.emit(ctx, kind, o)
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
	types, _ := c.params["types"].([]any)
	if len(types) == 0 {
		return t.list(ctx, c, kindEvent, "type")
	}
	if len(types) > 20 {
		return nil, invalid("", "types", "at most 20 types")
	}
	delete(c.params, "types")
	return t.listWhere(ctx, c, kindEvent, func(o map[string]any) bool { return slices.Contains(types, o["type"]) })
}
