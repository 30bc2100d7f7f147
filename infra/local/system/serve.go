package system

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"evisit/infra/local/issuer"
	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/awslambda"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/setup/charge"
	"evisit/pkg/setup/deadline"
	"evisit/pkg/setup/notify"
	"evisit/pkg/setup/records"
	"evisit/pkg/setup/registry"
	"evisit/pkg/setup/stripehook"
	"evisit/pkg/setup/sweep"
	"evisit/pkg/setup/verify"
)

// config completes what the environment left open with the local parts.
func (s *System) config() (setup.Config, error) {
	c := s.opt.Config
	c.Table, c.Pages, c.StripeMode = Table, s.URL, "test"
	c.MailFrom, c.MailEvents = "no-reply@evisit.example", "evisit-local"
	if c.Bucket == "" {
		c.Bucket = "evisit"
	}
	return c, s.startIssuer(&c)
}

func (s *System) startIssuer(c *setup.Config) error {
	if len(c.Issuers) == 0 {
		c.Issuers = []setup.Issuer{{}}
	}
	first := &c.Issuers[0]
	first.Audience = cmp.Or(first.Audience, "evisit")
	var err error
	s.issuer, err = issuer.New(issuer.Options{
		URL: s.URL + "/dev/issuer", Audience: first.Audience, ClientID: first.Audience,
		RedirectURIs: []string{s.URL + "/signed-in"}, LogoutURIs: []string{s.URL + "/"}, KeyFile: s.path("issuer.json"),
		People: s.people, Now: s.clock.Now, Log: s.opt.Log,
	})
	if err != nil {
		return err
	}
	if first.URL == "" {
		first.URL, first.Keys = s.URL+"/dev/issuer", s.issuer.JWKSURL()
	}
	s.trusted = first.URL
	for n := range c.Operators {
		c.Operators[n].Issuer = cmp.Or(c.Operators[n].Issuer, s.trusted)
	}
	if len(c.Operators) == 0 {
		c.Operators = []clinic.Proof{{Issuer: s.trusted, Subject: seed.Operator}}
	}
	return nil
}

func (s *System) people(context.Context) []issuer.Person {
	var ps []issuer.Person
	for _, m := range seed.Cast(s.clock.Now()) {
		p := issuer.Person{
			Subject: m.Subject(), Name: m.Name, Role: string(m.Person.Role), Practice: m.Person.Practice, TwoFactors: m.Person.Works(),
			Email: m.Subject() + "@" + m.Person.Practice + ".example", EmailVerified: true, PhoneVerified: true,
		}
		if m.Contact != nil {
			p.Email, p.Phone = m.Contact.Email.Reveal(), m.Contact.Phone.Reveal()
		}
		ps = append(ps, p)
	}
	return ps
}

// listPrice is what Stripe takes of an account of the United States. All money is available at
// once, and is paid out by hand.
var listPrice = stripesim.Terms{
	BasisPoints: stripesim.StandardTerms.BasisPoints, FixedCents: stripesim.StandardTerms.FixedCents, DisputeCents: stripesim.StandardTerms.DisputeCents,
}

func (s *System) startStripe(ctx context.Context, c *setup.Config, hook secret.Webhooks) error {
	addr := s.opt.StripeAddr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	s.sim, err = stripesim.New(ctx, stripesim.Options{
		Now: s.clock.Now, DB: s.path("stripe.db"), Accounts: s.opt.Accounts, Keys: []stripesim.Key{apiKey, chargeKey},
		Terms: map[string]stripesim.Terms{stripesim.AnyAccount: listPrice},
		Webhooks: []stripesim.Webhook{
			{URL: s.URL + webhook.PlatformPath, Secret: hook.Platform},
			{URL: s.URL + webhook.ConnectPath, Secret: hook.Connect, Connect: true},
		},
		Log: s.opt.Log,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.Stripe = "http://" + l.Addr().String()
	s.sim.SetBaseURL(s.Stripe)
	s.listenOn(l, s.sim)
	s.clock.OnAdvance(func() { s.sim.Tick(ctx) })
	c.StripeBase = s.Stripe
	return nil
}

// serve starts the functions.
func (s *System) serve(ctx context.Context, main net.Listener, parts setup.Parts) error {
	if err := s.startTools(parts); err != nil {
		return err
	}
	if !s.opt.Empty {
		if err := s.plant(ctx); err != nil {
			return err
		}
	}
	people, err := api.Handler(s.under("api", parts))
	if err != nil {
		return err
	}
	known, err := registry.Handler(s.under("registry", parts))
	if err != nil {
		return err
	}
	hook, err := stripehook.Handler(s.under("stripehook", parts))
	if err != nil {
		return err
	}
	money, err := charge.Handler(s.under("charge", parts))
	if err != nil {
		return err
	}
	letters, err := notify.Handler(s.under("notify", parts))
	if err != nil {
		return err
	}
	due, err := deadline.Handler(s.under("deadline", parts))
	if err != nil {
		return err
	}
	again, err := sweep.Handler(s.under("sweep", parts))
	if err != nil {
		return err
	}
	hourly, err := verify.Handler(s.under("verify", parts))
	if err != nil {
		return err
	}
	if err := errors.Join(s.guards["charge"].Stream(ctx), s.guards["notify"].Stream(ctx)); err != nil {
		return err
	}
	for _, h := range []awslambda.ScheduleHandler{due, again, s.hourly(hourly)} {
		s.minute = append(s.minute, func(ctx context.Context) error { return h(ctx, events.CloudWatchEvent{}) })
	}
	s.poller.steadily = s.clock.WithoutJump
	s.clock.OnAdvance(func() { s.sweepNow(ctx) })
	s.listenOn(main, s.routes(people, known, hook))
	s.running.Go(func() { s.poller.run(ctx, string(outbox.Charge), money) })
	s.running.Go(func() { s.poller.run(ctx, string(outbox.Notify), letters) })
	s.running.Go(func() { s.tick(ctx) })
	return nil
}

// hourly is a function that the schedule runs when an hour of the clock begins.
func (s *System) hourly(h awslambda.ScheduleHandler) awslambda.ScheduleHandler {
	hour := s.clock.Now().Truncate(time.Hour)
	return func(ctx context.Context, e events.CloudWatchEvent) error {
		now := s.clock.Now().Truncate(time.Hour)
		if !now.After(hour) {
			return nil
		}
		hour = now
		return h(ctx, e)
	}
}

// startTools makes the registrar that registers the cast; no function has one.
func (s *System) startTools(parts setup.Parts) error {
	table := parts.Store()
	s.kernel = parts.Kernel(outbox.ByAPI, table)
	charts, err := records.Keeper(parts, s.kernel, table)
	if err != nil {
		return err
	}
	if s.verifier, err = verify.Room(parts); err != nil {
		return err
	}
	s.cast = &registrar.Room{Kernel: s.kernel, Store: table, Charts: charts}
	return nil
}

// routes hands a request to a function by its routes, as the gateway does, or to one
// of the development tools, which no function has. No function's path is cleaned on
// the way.
func (s *System) routes(api, known, hook http.Handler) http.Handler {
	api, known, hook = s.steady(api), s.steady(known), s.steady(hook)
	registry, stripehook := s.policy.Functions["registry"], s.policy.Functions["stripehook"]
	tools := http.NewServeMux()
	tools.Handle("/dev/issuer/", s.issuer)
	mail := s.mailbox.Handler()
	tools.Handle("/dev/mail", mail)
	tools.Handle("/dev/mail.json", mail)
	tools.Handle("/dev/mail/", mail)
	tools.Handle("/dev/clock", s.clock.Handler())
	tools.Handle("POST /dev/sweep", s.forbidCrossOrigin(s.serveSweep))
	tools.Handle("POST /dev/verify", s.forbidCrossOrigin(s.serveVerify))
	tools.Handle("POST /dev/stream", s.forbidCrossOrigin(s.serveLoss))
	tools.Handle("POST /dev/access", s.forbidCrossOrigin(s.serveAccess))
	tools.Handle("POST /dev/seed", s.forbidCrossOrigin(s.serveSeed))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/dev/"):
			tools.ServeHTTP(w, r)
		case stripehook.Serves(r.Method, path):
			hook.ServeHTTP(w, r)
		case registry.Serves(r.Method, path):
			known.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// steady keeps the clock from being moved while a function runs. As the gateway
// does, it gives the function a request that was received whole: nobody who sends
// slowly holds the clock.
func (s *System) steady(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, exchange.MaxBody+1))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		s.clock.WithoutJump(func() { h.ServeHTTP(w, r) })
	})
}

// A failing is a reader of nothing, which ends with the error or, without one, as
// any other.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, cmp.Or(f.err, io.EOF) }

func (s *System) forbidCrossOrigin(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.opt.Log.ErrorContext(r.Context(), "development tool failed", "route", r.Pattern, "err", err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
}

func (s *System) tick(ctx context.Context) {
	t := time.NewTicker(s.opt.SweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.sweepNow(ctx)
			s.settleMail(ctx)
		}
	}
}

func (s *System) sweepNow(ctx context.Context) {
	if err := s.runMinute(ctx); err != nil && ctx.Err() == nil {
		s.opt.Log.ErrorContext(ctx, "deadline or sweep failed", "err", err)
	}
}

// runMinute runs what the schedule runs each minute, one run at a time and without a
// jump of the clock in it: verify would else find records that sweep had no time to
// sign.
func (s *System) runMinute(ctx context.Context) error {
	s.schedule.Lock()
	defer s.schedule.Unlock()
	var failures []error
	s.clock.WithoutJump(func() {
		for _, run := range s.minute {
			failures = append(failures, run(ctx))
		}
	})
	return errors.Join(failures...)
}

func (s *System) settleMail(ctx context.Context) {
	if err := s.mailbox.PublishDue(ctx); err != nil && ctx.Err() == nil {
		s.opt.Log.WarnContext(ctx, "mailbox not settled", "err", err)
	}
}

func (s *System) serveSweep(w http.ResponseWriter, r *http.Request) error {
	if err := s.runMinute(r.Context()); err != nil {
		return err
	}
	return writeJSON(w, struct {
		Now time.Time `json:"swept_at"`
	}{s.clock.Now()})
}

// A Verified is what `make verify` prints of one log.
type Verified struct {
	Practice string `json:"practice"`
	Leaves   int64  `json:"leaves"`
	Rows     int64  `json:"rows"`
	Found    string `json:"found,omitempty"` // the first row or record that differs from the log
}

// serveVerify compares the whole table with every log, and replies 409 if there
// is a finding. Records of the last minute are not signed yet, so it first moves
// the clock on by two minutes.
func (s *System) serveVerify(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.clock.Advance(2 * time.Minute); err != nil {
		return err
	}
	logs, err := s.verifier.Logs(r.Context())
	if err != nil {
		return err
	}
	var out []Verified
	for _, id := range logs {
		v := Verified{Practice: id}
		v.Leaves, v.Rows, err = s.verifier.CompareAll(r.Context(), id)
		if finding, ok := errors.AsType[*audit.Finding](err); ok {
			v.Found, err = finding.Error(), nil
		}
		if err != nil {
			return fmt.Errorf("verifying the log of %s: %w", id, err)
		}
		out = append(out, v)
	}
	if slices.ContainsFunc(out, func(v Verified) bool { return v.Found != "" }) {
		w.WriteHeader(http.StatusConflict)
	}
	return writeJSON(w, out)
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
