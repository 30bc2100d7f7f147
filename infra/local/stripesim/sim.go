// Package stripesim is a stateful simulator of the part of Stripe's HTTP API
// that evisit uses, for a laptop and for tests. It answers stripe-go as Stripe does
// (API version 2023-10-16), serves a hosted Checkout page and those of invoices, signs and
// retries webhooks, and fails on command.
//
// The simulator's Oracle computes what was held, captured, released, refunded, disputed
// and paid out from the simulator's objects alone. Requests and replies are checked
// against Stripe's OpenAPI description. A request that Stripe accepts and the simulator
// does not model is refused, never ignored.
//
// Beside the API under /v1 and the pages under /pay, /portal and /invoice, scripts use:
//
//	GET    /sim/oracle?account=   the Oracle of an account, or of all accounts
//	POST   /sim/pay               {"session", "card", "authenticate"}: Pay
//	POST   /sim/portal            {"session"} and a PortalAct: Portal
//	POST   /sim/hand              an Act, by hand at Stripe; the page /sim/hand has a button for each
//	GET    /sim/calls             how often the API was called since the simulator started
//	POST   /sim/tick              Tick
//	GET    /sim/webhooks          pending deliveries; ?all=1 every delivery
//	POST   /sim/faults            a Fault; GET lists the faults, DELETE clears all or /{id}
//
// A person's acts at Stripe's own pages, and what banks and accounts' owners do, are the
// Acts of Hand: captures, refunds and refunds that fail, bank payments, warnings of
// fraud, inquiries, disputes and how they end, payouts and payouts that fail, more pages
// with the same reference, an account disconnected, disabled or enabled, a subscription
// canceled, events of the other mode or of another version.
//
// An account's Terms say what Stripe takes of its money and when the rest is available
// and paid out. Without Terms nothing is taken, and all is available at once. The owner
// of an account that the API made gives its details at the page of an account link,
// under /connect.
//
// Two properties of this API version are unexpected. The release of a hold, or of the
// part that a smaller capture left, is a Refund with a charge.refunded event and
// counts in the charge's amount_refunded. A Checkout session has no PaymentIntent
// until its customer first tries a card.
//
// Webhook endpoints made by the API are kept and listed; events are sent to those of
// Options alone.
//
// A subscription is yearly, made by a Checkout session, and renewed by the clock:
// invoice.upcoming is sent seven days before its period ends; then an invoice is a draft
// for an hour, and the saved card is charged. In place of Smart Retries a failed renewal
// is tried again on the 3rd, 7th and 14th day, and then the subscription is canceled, or
// unpaid if HandRenewalsUnpaid set its account so. A clock that jumps over several of
// these does them in order, each dated when it was due. Trials, coupons, taxes, other
// intervals, invoices made by hand and proration_behavior always_invoice are not
// simulated.
//
// The Billing Portal's page lets a customer cancel a subscription, resume it, change the
// card and pay an open invoice, as far as the configuration says so. A new card there
// pays for all of the customer's subscriptions.
//
// Uploaded files, reserves, debits of a negative balance, currencies other than US
// dollars, and payment methods other than the simulator's are not simulated.
package stripesim

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options are the settings of a simulator.
type Options struct {
	Now      func() time.Time // the clock of holds, sessions, idempotency keys and retries
	DB       string           // SQLite file of the state; if empty, the state is in memory
	Accounts []string         // connected accounts, in addition to those in DB
	Terms    map[string]Terms // of accounts, by id; those of AnyAccount are of new accounts that it does not name
	Keys     []Key
	Webhooks []Webhook // endpoints, in the same order at every start
	Log      *slog.Logger
}

// A Key is a secret key and its permissions, such as "charges:read" or
// "payment_intents:write", which includes reading. "*" permits everything.
type Key struct {
	Secret string
	Allow  []string
}

func (k Key) allows(permission string) bool {
	resource, isRead := strings.CutSuffix(permission, ":read")
	return slices.Contains(k.Allow, "*") || slices.Contains(k.Allow, permission) ||
		isRead && slices.Contains(k.Allow, resource+":write")
}

// A Webhook is an endpoint. An endpoint with Connect receives the events of connected
// accounts, and an endpoint without Connect those of the platform.
type Webhook struct {
	URL, Secret string
	Connect     bool
}

// A Sim is a simulator. It is safe for concurrent use.
type Sim struct {
	*description
	opt    Options
	db     *sql.DB
	parsed map[string]*sql.Stmt
	mux    *http.ServeMux
	client *http.Client
	faults faults
	calls  atomic.Int64 // of the API

	mu      sync.Mutex // one transaction at a time
	baseURL string     // guarded by mu

	inUseMu sync.Mutex
	inUse   map[string]bool // idempotency keys in progress

	delivering sync.Mutex // one call of deliver at a time
	wake       chan struct{}
	stop       context.CancelFunc
	stopped    chan struct{}
}

// tickEvery is the real time between two calls of Tick.
const tickEvery = 100 * time.Millisecond

// New loads the state and starts to deliver webhooks, until Close. The context limits
// the start only.
func New(ctx context.Context, opt Options) (*Sim, error) {
	d, err := stripeDescription()
	if err != nil {
		return nil, err
	}
	db, err := openDB(ctx, opt.DB)
	if err != nil {
		return nil, err
	}
	parsed, err := prepare(ctx, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &Sim{
		description: d,
		opt:         opt,
		db:          db,
		parsed:      parsed,
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
	s.servePortal()
	s.serveInvoices()
	s.serveOnboarding()
	s.serveControl()
	for _, id := range append([]string{Platform}, s.opt.Accounts...) {
		if err := s.AddAccount(ctx, id); err != nil {
			return err
		}
	}
	for id, terms := range s.opt.Terms {
		if id == AnyAccount {
			continue
		}
		if err := s.SetTerms(ctx, id, terms); err != nil {
			return fmt.Errorf("terms of account %s: %w", id, err)
		}
	}
	return s.opt.Terms[AnyAccount].check()
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

// SetBaseURL sets the address of the simulator's pages.
func (s *Sim) SetBaseURL(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseURL = strings.TrimSuffix(url, "/")
}

func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Tick expires the sessions and holds that are due, ends the refunds, bank payments,
// disputes and payouts that are due, makes the payouts of the day, and sends the
// webhooks that are due.
// Tick returns when the webhooks are answered.
func (s *Sim) Tick(ctx context.Context) {
	err := s.expireDue(ctx)
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

// wakeUp makes run call Tick at once instead of after tickEvery.
func (s *Sim) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// datedWhenDue are the kinds that expireDue dates when they were due. Others are dated
// when the clock is found to have passed that.
var datedWhenDue = []string{kindAccount, kindInvoice, kindPayout, kindSubscription}

// expireDue does what is due, in the order in which it became due: objects end, accounts
// are paid out, and subscriptions are renewed. Every request calls expireDue first, so
// that it cannot act on an object that has expired.
func (s *Sim) expireDue(ctx context.Context) error {
	return s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		now := t.now
		var last dueObject
		for {
			d, ok, err := t.due(ctx, now)
			if err != nil || !ok {
				return err
			}
			if d == last {
				return fmt.Errorf("%s is still due at %d", d.id, d.due)
			}
			last, t.account, t.now = d, d.account, now
			if slices.Contains(datedWhenDue, d.kind) {
				t.now = time.Unix(d.due, 0).UTC()
			}
			if err := t.expireObject(ctx, d); err != nil {
				return fmt.Errorf("ending %s: %w", d.id, err)
			}
		}
	})
}

type dueObject struct {
	account, kind, id string
	due               int64
}

// due is the object that has been due for the longest time. What it does may be due
// again, as when the clock jumps over years of a subscription.
func (t *tx) due(ctx context.Context, now time.Time) (d dueObject, ok bool, err error) {
	err = t.parsed(ctx, objectDue).QueryRowContext(ctx, now.Unix()).Scan(&d.account, &d.kind, &d.id, &d.due)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("looking up what is due: %w", err)
	}
	return d, true, nil
}

func (t *tx) expireObject(ctx context.Context, d dueObject) error {
	switch d.kind {
	case kindSubscription:
		return t.advanceSubscription(ctx, d.id)
	case kindInvoice:
		return t.advanceInvoice(ctx, d.id)
	}
	if d.kind == kindSession {
		var s session
		if err := t.get(ctx, d.kind, d.id, "", &s); err != nil {
			return err
		}
		return t.expire(ctx, &s)
	}
	switch d.kind {
	case kindRefund:
		return t.endRefund(ctx, d.id)
	case kindPayout:
		return t.arrive(ctx, d.id)
	case kindDispute:
		return t.endDispute(ctx, d.id)
	case kindAccount:
		return t.payOutDaily(ctx)
	}
	var pi intent
	if err := t.get(ctx, d.kind, d.id, "", &pi); err != nil {
		return err
	}
	if pi.Status == intentProcessing {
		return t.endBankPayment(ctx, &pi)
	}
	reason := canceledAutomatic
	return t.cancel(ctx, &pi, &reason)
}
