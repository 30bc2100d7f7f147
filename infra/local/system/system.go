// Package system runs all of evisit in one process, with local stand-ins for
// AWS, Stripe and an identity provider. Its handlers are those of the Lambda
// functions, made by the same constructors; the callers are local: a poller of
// the table's stream, a ticker, and net/http. Each function has its own clients,
// held to its policy in template.yaml; registering the cast and the stand-ins
// are held to none.
package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/clock"
	"evisit/infra/local/engine"
	"evisit/infra/local/files"
	"evisit/infra/local/guard"
	"evisit/infra/local/issuer"
	"evisit/infra/local/mailbox"
	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/infra/template"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/verify"
	"evisit/pkg/fault"
	"evisit/pkg/seal"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/store"
	"evisit/pkg/vault"
)

// Options say where a system listens and keeps its data.
type Options struct {
	Addr string // host:port of the system; port 0 takes a free one
	// StripeAddr is the simulator's host:port; empty is a free port. Nothing
	// listens there when Stripe has a Key, which is Stripe's own.
	StripeAddr string
	Data       string // folder; made if need be
	// Accounts are the connected accounts of the two practices; empty is those
	// that the simulator knows. Stripe itself knows only yours.
	Accounts []string
	Config   setup.Config
	Stripe   StripeSecrets
	Log      *slog.Logger
	// SweepEvery is how often, in real time, the schedule runs; 0 is 5 seconds.
	SweepEvery time.Duration
	// Meter are steps of middleware that the functions' calls to DynamoDB go
	// through, for those who measure them.
	Meter []func(*middleware.Stack) error
	// Empty starts the system without the cast: nobody is registered, and one of those
	// who run it registers the first practice.
	Empty bool
	// Template is the file whose policies the functions run under; empty is the
	// repository's template.yaml.
	Template string
}

// StripeSecrets are what Stripe itself knows a system by. All empty is the simulator,
// or whatever answers at Config's StripeBase.
type StripeSecrets struct {
	Key  string // STRIPE_SECRET_KEY: a key of Stripe's test mode
	Hook secret.Webhooks
}

// A System is the whole of evisit, running.
type System struct {
	URL    string // of the API, the pages and the development tools
	Stripe string // of the simulator; empty with Stripe itself

	opt      Options
	policy   template.Template
	guards   map[string]*guard.Guard // by function
	lock     *os.File
	clock    *clock.Clock
	engine   *engine.Engine
	sim      *stripesim.Sim
	issuer   *issuer.Issuer
	mailbox  *mailbox.Mailbox
	kernel   *clinic.Kernel // for development tools alone
	cast     *registrar.Room
	verifier *verify.Room
	minute   []func(context.Context) error // deadline, sweep and verify
	schedule sync.Mutex                    // held while they run
	poller   *poller
	trusted  string // the issuer whose tokens the functions accept
	servers  []*http.Server
	closers  []func() error
	stop     context.CancelFunc
	running  sync.WaitGroup
	failed   chan error
}

// Table is the name of the table of the laptop's system.
const Table = "evisit"

// Start starts the system and registers the cast. If a part cannot start, those
// before it are stopped again and the error says why in one line.
func Start(ctx context.Context, o Options) (_ *System, err error) {
	if o.SweepEvery == 0 {
		o.SweepEvery = 5 * time.Second
	}
	if len(o.Accounts) == 0 {
		o.Accounts = seed.Accounts
	}
	if len(o.Accounts) != len(seed.Accounts) {
		return nil, fmt.Errorf("name %d connected accounts, one for each practice", len(seed.Accounts))
	}
	s := &System{opt: o, guards: map[string]*guard.Guard{}, failed: make(chan error, 8)}
	if s.policy, err = readPolicy(o.Template); err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.lockData(); err != nil {
		return nil, err
	}
	main, err := listen(ctx, o.Addr)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, ignoreClosed(main.Close))
	s.URL = "http://" + main.Addr().String()
	if s.clock, err = clock.Load(s.path("clock"), o.Config.ClockOffset); err != nil {
		return nil, err
	}
	parts, err := s.startParts(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.serve(ctx, main, parts)
}

// lockData takes the data folder for this process alone.
func (s *System) lockData() error {
	if err := os.MkdirAll(s.opt.Data, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("another system is running on the data in %s; stop it, or set EVISIT_DATA to another folder", s.opt.Data), f.Close())
	}
	s.lock = f
	return nil
}

func (s *System) path(name string) string { return filepath.Join(s.opt.Data, name) }

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use; stop what listens there, or set EVISIT_ADDR to another host:port (the payment simulator takes the port after it)", addr)
	}
	return l, err
}

// startParts starts the engine and the stand-ins, and returns the parts of
// functions.
func (s *System) startParts(ctx context.Context) (setup.Parts, error) {
	sdk, err := s.startDatabase(ctx)
	if err != nil {
		return setup.Parts{}, err
	}
	inner, err := s.startInner(ctx)
	if err != nil {
		return setup.Parts{}, err
	}
	cfg, err := s.config()
	if err != nil {
		return setup.Parts{}, err
	}
	source, err := s.secrets(ctx, &cfg)
	if err != nil {
		return setup.Parts{}, err
	}
	sealer, err := seal.File(s.path("keyset.json"))
	if err != nil {
		return setup.Parts{}, err
	}
	awsAt := func(url string) aws.Config {
		return aws.Config{
			Region: engine.Region, BaseEndpoint: aws.String(url),
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}
	}
	objects := inner
	if cfg.S3 != "" {
		objects = cfg.S3
	}
	return setup.Parts{
		Config: cfg, Now: s.clock.Now, Log: s.opt.Log,
		Database: through(sdk, s.opt.Meter), Objects: awsAt(objects), Letters: awsAt(inner), PathStyle: true,
		Secret: source,
		Sealer: func(context.Context) (vault.Sealer, error) { return sealer, nil },
	}, nil
}

func (s *System) startDatabase(ctx context.Context) (aws.Config, error) {
	if url := s.opt.Config.DynamoDB; url != "" {
		s.engine = engine.At(url)
	} else {
		var err error
		if s.engine, err = engine.Start(ctx, engine.Options{DB: s.path("dynamo.db"), Log: s.opt.Log}); err != nil {
			return aws.Config{}, err
		}
		s.running.Go(func() {
			select {
			case <-ctx.Done():
			case <-s.engine.Done():
				s.failed <- errors.New("the database engine stopped by itself; start again, nothing committed is lost")
			}
		})
	}
	sdk := s.engine.Config()
	s.poller = &poller{
		streams: dynamodbstreams.NewFromConfig(sdk), db: dynamodb.NewFromConfig(sdk), table: Table,
		folder: s.opt.Data, loss: newLoss(s.opt.Data), log: s.opt.Log,
	}
	return sdk, store.CreateTable(ctx, dynamodb.NewFromConfig(sdk), Table)
}

// startInner serves S3 and SES on an address that only this process knows, and
// the mailbox for people.
func (s *System) startInner(ctx context.Context) (string, error) {
	objects, err := files.Handler(s.opt.Data)
	if err != nil {
		return "", err
	}
	s.closers = append(s.closers, objects.Close)
	box, err := mailbox.Open(ctx, s.path("mail.db"), s.clock.Now, s.opt.Log)
	if err != nil {
		return "", err
	}
	s.closers = append(s.closers, box.Close)
	s.clock.OnAdvance(func() { s.settleMail(ctx) })
	s.mailbox = box
	mux := http.NewServeMux()
	mux.Handle("/v2/email/", box.Handler())
	mux.Handle("/", objects)
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s.listenOn(l, mux)
	return "http://" + l.Addr().String(), nil
}

// Close stops the parts in the reverse order of their start, and returns when
// all have stopped. State is on disk. Close fails if a policy refused a function
// anything.
func (s *System) Close() error {
	s.stop()
	var failures []error
	for i := len(s.servers) - 1; i >= 0; i-- {
		failures = append(failures, s.shutdown(s.servers[i]))
	}
	s.running.Wait()
	if s.sim != nil {
		failures = append(failures, s.sim.Close())
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		failures = append(failures, s.closers[i]())
	}
	if s.engine != nil {
		failures = append(failures, s.engine.Close())
	}
	if s.lock != nil {
		// A child of this process that was just forked may still have the file.
		failures = append(failures, syscall.Flock(int(s.lock.Fd()), syscall.LOCK_UN), s.lock.Close())
	}
	for _, d := range s.Denied() {
		failures = append(failures, errors.New("not allowed by the template: "+d))
	}
	return errors.Join(failures...)
}

func (s *System) shutdown(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}

// Done delivers the error of a part that stopped by itself.
func (s *System) Done() <-chan error { return s.failed }

func (s *System) listenOn(l net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	s.servers = append(s.servers, srv)
	s.running.Go(func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", l.Addr(), err)
		}
	})
}

func ignoreClosed(f func() error) func() error {
	return func() error {
		if err := f(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// plant writes the cast, unless the issuer's people are known already.
func (s *System) plant(ctx context.Context) error {
	cast := seed.Cast(s.clock.Now())
	last := clinic.Proof{Issuer: s.trusted, Subject: cast[len(cast)-2].Subject()} // before the operator, of whom there is no row
	_, err := s.kernel.Identify(ctx, clinic.Caller{Proof: last, Strong: true})
	if !errors.Is(err, fault.Anonymous) {
		return err
	}
	if err := seed.Plant(ctx, s.cast, s.trusted, s.opt.Accounts); err != nil {
		return err
	}
	return seed.Cover(ctx, s.cast)
}
