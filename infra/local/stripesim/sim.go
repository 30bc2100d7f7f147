// Package stripesim is a stateful simulator of the part of Stripe's HTTP API
// that evisit uses, for a laptop and for tests. It speaks to stripe-go as
// Stripe does (API version 2023-10-16), serves its own hosted Checkout page,
// signs and retries webhooks, and makes trouble on command.
//
// It is an oracle: what was held, taken, released and given back is computed
// only from its own objects. Requests and replies are checked against Stripe's
// own OpenAPI description. What Stripe would accept and the simulator does not
// model is refused, never ignored.
//
// Beside the API under /v1 and the pages under /pay, scripts and checkers use:
//
//	GET    /sim/oracle?account=   the truth about an account, or about all
//	POST   /sim/pay               {"session", "card", "authenticate"}: what the page does
//	POST   /sim/tick              do what is due, return when webhooks are answered
//	GET    /sim/webhooks          deliveries not yet taken; ?all=1 every one
//	POST   /sim/faults            a Fault; GET lists them, DELETE clears all or /{id}
//
// Two habits of this API version surprise: letting go of a hold, or of the
// part that a smaller capture left, is a Refund with a charge.refunded event
// and counts in the charge's amount_refunded; and a Checkout session has no
// PaymentIntent until its customer first tries a card.
//
// It leaves out what evisit does not use: fees, payouts, disputes,
// subscriptions, currencies other than US dollars, cards other than its own.
package stripesim

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what a simulator starts with.
type Options struct {
	Now      func() time.Time // the clock that holds, sessions, keys and retries live by
	DB       string           // SQLite file of the state; empty keeps it in memory
	Accounts []string         // connected accounts that exist, besides those added before
	Keys     []Key
	Webhooks []Webhook // endpoints, in an order that stays the same over restarts
	Log      *slog.Logger
}

// A Key is a secret key and what it may do: "payment_intents:write" (which
// includes reading), "charges:read"; "*" is everything and none is nothing.
type Key struct {
	Secret string
	Allow  []string
}

func (k Key) allows(permission string) bool {
	resource, isRead := strings.CutSuffix(permission, ":read")
	return slices.Contains(k.Allow, "*") || slices.Contains(k.Allow, permission) ||
		isRead && slices.Contains(k.Allow, resource+":write")
}

// A Webhook is an endpoint. One with Connect gets the events of connected
// accounts, one without the platform's own.
type Webhook struct {
	URL, Secret string
	Connect     bool
}

// A Sim is the simulator. It may be used from several goroutines.
type Sim struct {
	*description
	opt    Options
	db     *sql.DB
	mux    *http.ServeMux
	client *http.Client
	faults faults

	mu      sync.Mutex // one request or step of the clock at a time
	baseURL string     // guarded by mu

	inUseMu sync.Mutex
	inUse   map[string]bool // idempotency keys in progress

	delivering sync.Mutex // one sender of webhooks at a time
	wake       chan struct{}
	stop       context.CancelFunc
	stopped    chan struct{}
}

// tickEvery is how often, in real time, the simulator looks at the clock.
const tickEvery = 100 * time.Millisecond

// New opens the state and starts delivering webhooks. Close stops it; the
// context only bounds the start.
func New(ctx context.Context, opt Options) (*Sim, error) {
	d, err := stripeDescription()
	if err != nil {
		return nil, err
	}
	db, err := openDB(ctx, opt.DB)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Sim{
		description: d,
		opt:         opt,
		db:          db,
		mux:         http.NewServeMux(),
		inUse:       map[string]bool{},
		wake:        make(chan struct{}, 1),
		stop:        stop,
		stopped:     make(chan struct{}),
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
	if err := s.prepare(ctx); err != nil {
		stop()
		_ = db.Close()
		return nil, err
	}
	go s.run(running)
	return s, nil
}

func (s *Sim) prepare(ctx context.Context) error {
	for _, rt := range routes {
		h, err := s.api(rt)
		if err != nil {
			return err
		}
		s.mux.HandleFunc(rt.method+" "+rt.path, h)
	}
	s.mux.HandleFunc("/v1/", unrouted)
	s.servePages()
	s.serveControl()
	for _, id := range append([]string{Platform}, s.opt.Accounts...) {
		if err := s.AddAccount(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Close stops the deliveries and closes the state.
func (s *Sim) Close() error {
	s.stop()
	<-s.stopped
	s.client.CloseIdleConnections()
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing: %w", err)
	}
	return nil
}

// SetBaseURL tells where the simulator's pages are reachable.
func (s *Sim) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(url, "/")
}

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Tick does everything that is due by the clock: sessions expire, holds lapse,
// webhooks go out. It returns when they have been answered.
func (s *Sim) Tick(ctx context.Context) {
	err := s.settle(ctx)
	if err == nil {
		err = s.deliver(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.opt.Log.ErrorContext(ctx, "stripe simulator's clock failed", "err", err)
	}
}

func (s *Sim) run(ctx context.Context) {
	defer close(s.stopped)
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.wake:
		}
		s.Tick(ctx)
	}
}

// poke has the background look at once, not at the next tick.
func (s *Sim) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// settle expires sessions and lapses holds that are due. Every request does so
// first: what the clock has ended must not be acted upon.
func (s *Sim) settle(ctx context.Context) error {
	return s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		due, err := t.due(ctx)
		if err != nil {
			return err
		}
		for _, d := range due {
			t.account = d.account
			if err := t.end(ctx, d); err != nil {
				return fmt.Errorf("ending %s: %w", d.id, err)
			}
		}
		return nil
	})
}

type dueObject struct{ account, kind, id string }

func (t *tx) due(ctx context.Context) (_ []dueObject, err error) {
	rows, err := t.sql.QueryContext(ctx, `SELECT account, kind, id FROM objects WHERE due <= ? ORDER BY due, seq`, t.now.Unix())
	if err != nil {
		return nil, fmt.Errorf("listing what is due: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []dueObject
	for rows.Next() {
		var d dueObject
		if err := rows.Scan(&d.account, &d.kind, &d.id); err != nil {
			return nil, fmt.Errorf("listing what is due: %w", err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func (t *tx) end(ctx context.Context, d dueObject) error {
	if d.kind == kindSession {
		var s session
		if err := t.get(ctx, d.kind, d.id, "", &s); err != nil {
			return err
		}
		return t.expire(ctx, &s)
	}
	var pi intent
	if err := t.get(ctx, d.kind, d.id, "", &pi); err != nil {
		return err
	}
	reason := canceledAutomatic
	return t.cancel(ctx, &pi, &reason)
}
