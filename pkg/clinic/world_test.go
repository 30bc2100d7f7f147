package clinic_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/stripe/stripe-go/v76/webhook"

	"evisit/infra/local/engine/enginetest"
	"evisit/infra/local/files"
	"evisit/infra/local/mailbox"
	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/blob"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/clinic/deadline"
	"evisit/pkg/clinic/desk"
	"evisit/pkg/clinic/hook"
	"evisit/pkg/clinic/notify"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/fault"
	"evisit/pkg/library"
	"evisit/pkg/mail"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/seal"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/store"
	"evisit/pkg/stripepay"
	"evisit/pkg/vault"
)

func TestMain(m *testing.M) {
	// A check is the life of several visits: few of them, unless the command line
	// asks for more.
	if err := flag.Set("rapid.checks", lives); err != nil {
		panic(err)
	}
	enginetest.Main(m)
}

const (
	issuer        = "https://issuer.example"
	connectSecret = "whsec_connect"
	stripeKey     = "sk_test_everything"
)

var start = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// A tester is a *testing.T, or a check of a property.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// A world is every function's room on the real engine, with the standard cast,
// Stripe's simulator, S3 and SES stand-ins, and one clock that only the test
// moves. Nothing happens by itself: webhooks and events wait until the test
// delivers them, and the functions that run each minute until it runs them.
type world struct {
	tester
	ctx       context.Context //nolint:containedctx // one test's own
	request   *request.Room
	desk      *desk.Desk
	office    *office.Office
	registrar *registrar.Room
	author    *author.Room
	charge    *charge.Room
	deadline  *deadline.Room
	notify    *notify.Room
	sweep     *sweep.Room
	hook      *hook.Room
	charts    *chart.Keeper // api's
	kernels   []*clinic.Kernel
	db        *dynamodb.Client
	sdk       aws.Config // of S3 and SES
	table     string
	sim       *stripesim.Sim
	simURL    string
	files     *files.Server
	box       http.Handler // the mailbox's pages
	log       *logged
	trouble   *trouble
	tape      *tape
	moved     atomic.Int64 // how far the clock is past start
	byHand    bool         // somebody moves money at Stripe's own pages

	letterCheck letterCheck // set where nothing happens while a letter is sent

	mu   sync.Mutex
	post []string // webhooks on their way
}

func (w *world) now() time.Time { return start.Add(time.Duration(w.moved.Load())) }

// pass lets time pass; Stripe does what is due by then.
func (w *world) pass(d time.Duration) {
	w.moved.Add(int64(d))
	w.sim.Tick(w.ctx)
}

// A logged keeps what the functions log.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// serve runs h on a free port for as long as the test lasts.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// newWorld opens a world that is as planting left it.
func newWorld(t *testing.T) *world {
	t.Helper()
	g := planted(t)
	dir := t.TempDir()
	g.writeFiles(t, dir)
	w := openWorld(t, dir, g.log)
	w.tape.undone, w.tape.buckets, w.tape.wordless = map[string]bool{}, maps.Clone(g.buckets), map[string]bool{}
	g.writeRows(w)
	return w
}

// openWorld opens a world with nobody in it, whose files and keys are in dir.
func openWorld(t *testing.T, dir string, log audit.Key) *world {
	t.Helper()
	w := &world{
		tester: t, ctx: context.Background(), table: enginetest.TableName(),
		db: dynamodb.NewFromConfig(enginetest.Config(t)), log: &logged{}, trouble: &trouble{},
	}
	if err := store.CreateTable(w.ctx, w.db, w.table); err != nil {
		t.Fatal(err)
	}
	w.openStripe(t)
	w.openFilesAndMail(t, dir)
	w.openRooms(t, dir, log)
	t.Cleanup(func() {
		for _, action := range w.tape.speechless() {
			t.Errorf("patients read no words for %s", action)
		}
	})
	return w
}

// kernel is that of one function, which puts events as by.
func (w *world) kernel(by outbox.Writer) *clinic.Kernel {
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	k := &clinic.Kernel{
		Store: clinic.Counted(w.tape, log), Writer: by, Now: w.now, NewID: func() string { return strings.ToLower(rand.Text()[:16]) },
		Log: log, Operators: []clinic.Proof{{Issuer: issuer, Subject: seed.Operator}},
	}
	w.kernels = append(w.kernels, k)
	return k
}

// openRooms composes each function's room of what that function has.
func (w *world) openRooms(t *testing.T, dir string, log audit.Key) {
	t.Helper()
	sealer, err := seal.File(filepath.Join(dir, "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	stripe := stripepay.New(secrettest.Fixed(stripeKey), w.simURL)
	objects := s3.NewFromConfig(w.sdk, func(o *s3.Options) { o.UsePathStyle = true })
	v := vault.Vault{Sealer: sealer, Objects: brokenObjects{blob.New(objects, files.Bucket), w.trouble}}
	w.tape = &tape{Store: store.New(w.db, w.table), trouble: w.trouble}
	signer := secrettest.Fixed(log.Private).Get
	log.Private = nil
	keeper := func(k *clinic.Kernel) *chart.Keeper { return &chart.Keeper{Kernel: k, Vault: v, Store: w.tape} }

	api := w.kernel(outbox.ByAPI)
	w.charts = keeper(api)
	api.Patient = w.charts.Patient
	w.request = &request.Room{
		Kernel: api, Charts: w.charts, Store: w.tape, Checkout: brokenCheckout{stripe, w.trouble}, Pages: "http://127.0.0.1",
	}
	w.desk = &desk.Desk{Kernel: api, Charts: w.charts, Store: w.tape}
	w.office = &office.Office{Kernel: api, Store: w.tape, Accounts: stripe, Pages: "http://127.0.0.1", LogKey: log}
	w.registrar = &registrar.Room{Kernel: api, Store: w.tape, Charts: w.charts}
	w.author = &author.Room{Kernel: api, Store: w.tape, Library: library.Load}
	w.charge = &charge.Room{Kernel: w.kernel(outbox.ByCharge), Store: w.tape, Cards: brokenCards{stripe, w.trouble}, Subscriptions: brokenSubscriptions{stripe, w.trouble}, Balance: brokenBalance{stripe, w.trouble}}
	due := w.kernel(outbox.ByDeadline)
	w.deadline = &deadline.Room{Kernel: due, Charts: keeper(due), Store: w.tape, Shards: store.Shards}
	letters := w.kernel("")
	w.notify = &notify.Room{
		Kernel: letters, Charts: keeper(letters), Store: w.tape, Pages: "http://127.0.0.1",
		Mail: truthful{brokenMail{mail.New(sesv2.NewFromConfig(w.sdk), "no-reply@evisit.example", ""), w.trouble}, w},
	}
	w.sweep = &sweep.Room{Kernel: w.kernel(""), Store: w.tape, LogKey: log, Signer: signer, Heads: blob.New(objects, files.Bucket), Shards: store.Shards}
	w.hook = &hook.Room{Kernel: w.kernel(outbox.ByStripe), Mode: hook.Test}
}

// listPrice is what Stripe's list says of a card: 2.9 % and 30 cents of what is captured.
var listPrice = stripesim.Terms{BasisPoints: stripesim.StandardTerms.BasisPoints, FixedCents: stripesim.StandardTerms.FixedCents}

// feeOf40 is the list price of 40 dollars.
const feeOf40 money.Cents = 1_46

func (w *world) openStripe(t *testing.T) {
	t.Helper()
	letters := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return // the simulator was closed in the middle
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.post = append(w.post, string(b))
	}))
	var err error
	w.sim, err = stripesim.New(w.ctx, stripesim.Options{
		Now: w.now, Accounts: seed.Accounts, Terms: map[string]stripesim.Terms{stripesim.AnyAccount: listPrice}, Keys: []stripesim.Key{{Secret: stripeKey, Allow: []string{"*"}}},
		Webhooks: []stripesim.Webhook{{URL: letters, Secret: connectSecret, Connect: true}},
		Log:      slog.New(slog.NewTextHandler(w.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w.simURL = serve(t, w.sim)
	w.sim.SetBaseURL(w.simURL)
}

func (w *world) openFilesAndMail(t *testing.T, dir string) {
	t.Helper()
	objects, err := files.Handler(dir)
	if err != nil {
		t.Fatal(err)
	}
	box, err := mailbox.Open(w.ctx, "", w.now, slog.New(slog.NewTextHandler(w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(objects.Close(), box.Close()); err != nil {
			t.Error(err)
		}
	})
	w.files, w.box = objects, box.Handler()
	mux := http.NewServeMux()
	mux.Handle("/v2/email/", w.box)
	mux.Handle("/", objects)
	w.sdk = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(serve(t, mux)),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// mailed returns Stripe's webhooks that have not been delivered.
func (w *world) mailed() []string {
	w.sim.Tick(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	post := w.post
	w.post = nil
	return post
}

// hears delivers a webhook, signed now; it reports whether it was received.
func (w *world) hears(body string) bool {
	w.Helper()
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: connectSecret, Timestamp: w.now()})
	e, useful, err := stripepay.Verify([]byte(body), signed.Header, connectSecret, w.now())
	if err != nil {
		w.Fatalf("a webhook was refused: %v", err)
	}
	if !useful {
		return true
	}
	err = w.alive(func() error {
		return w.trouble.around(webhooks, func() error { return w.hook.ReceiveStripeEvent(w.ctx, e) })
	})
	if err != nil && !again(err) {
		w.Fatalf("a webhook was not received: %v", err)
	}
	return err == nil
}

// handle is the function that an event is for.
func (w *world) handle(d outbox.Delivery) func(context.Context, outbox.Delivery) error {
	if d.To == outbox.Charge {
		return w.charge.Handle
	}
	return w.notify.Handle
}

func (w *world) delivery(id string) outbox.Delivery {
	w.Helper()
	d, err := w.tape.Delivery(w.ctx, id)
	if err != nil {
		w.Fatalf("event %s: %v", id, err)
	}
	return d
}

// deliver hands one event to its consumer as the stream does, unless it is done
// or disarmed. An event whose outcome could not be written down is delivered
// again; one whose consumer is killed is not.
func (w *world) deliver(id string) {
	w.Helper()
	d := w.delivery(id)
	if !d.Done.IsZero() || !d.Armed {
		return
	}
	times := 1
	switch w.trouble.fate(deliveries) {
	case callLost, killedBefore:
		return
	case answerLost:
		times = 2
	case nothing, killedAfter, comesLate:
	}
	for range times {
		if err := w.alive(func() error { return w.handle(d)(w.ctx, d) }); err != nil && !errors.Is(err, errKilled) {
			w.tape.put(id)
		}
	}
}

// drain delivers webhooks and events until there are none.
func (w *world) drain() {
	w.Helper()
	for range 200 {
		post, ids := w.mailed(), w.tape.take()
		if len(post)+len(ids) == 0 {
			return
		}
		for _, body := range post {
			if !w.hears(body) {
				w.mu.Lock()
				w.post = append(w.post, body)
				w.mu.Unlock()
			}
		}
		for _, id := range ids {
			w.deliver(id)
		}
	}
	w.Fatalf("events never end")
}

// minute runs, once, what runs each minute, and delivers all it leads to. A
// commit that is lost may fail it.
func (w *world) minute() {
	w.Helper()
	for name, run := range map[string]func(context.Context) (int, error){"sweep": w.sweep.Run, "deadline": w.deadline.Run} {
		err := w.alive(func() error { _, err := run(w.ctx); return err })
		if err != nil && !again(err) {
			w.Fatalf("%s: %v", name, err)
		}
	}
	w.drain()
}

const ever = 100 * 365 * 24 * time.Hour

// dueVisits lists the visits that are due until a time, in each shard once.
func (w *world) dueVisits(until time.Time) []string {
	w.Helper()
	var all []string
	for shard := range store.Shards {
		ids, _, err := w.tape.DueVisits(w.ctx, shard, until, "", 1000)
		if err != nil {
			w.Fatalf("what is due: %v", err)
		}
		all = append(all, ids...)
	}
	return all
}

// settle drives on until no event is left to be tried again.
func (w *world) settle() {
	w.Helper()
	w.drain()
	for n := range 24 {
		if len(w.tape.pending()) == 0 {
			return
		}
		w.pass(min(5*time.Second<<n, 5*time.Hour))
		w.minute()
	}
	// A sweep reads a day of buckets at most: after days that passed at once, those that would have run
	// since catch up.
	for n := 0; n < 400 && len(w.tape.pending()) > 0; n++ {
		w.pass(time.Minute)
		w.minute()
	}
	if len(w.tape.pending()) == 0 {
		return
	}
	for _, id := range w.tape.pending() {
		w.Logf("never done: %+v", w.delivery(id))
	}
	w.Fatalf("some events are never done: %v", w.tape.pending())
}

// finish drives on until nothing at all is left to happen by itself.
func (w *world) finish() {
	w.Helper()
	for range 60 {
		w.settle()
		if len(w.dueVisits(w.now().Add(ever))) == 0 && w.idle() {
			return
		}
		w.pass(23 * time.Hour)
		w.minute()
	}
	w.Fatalf("still to come: visits %v", w.dueVisits(w.now().Add(ever)))
}

// idle reports whether no payment page is open at Stripe.
func (w *world) idle() bool { return w.truth().OpenSessions == 0 }

// again reports whether a request that failed so is to be sent again.
func again(err error) bool {
	f, public := fault.Public(err)
	return err != nil && (!public || f.Kind == fault.Busy)
}

// A letter is a mail as it lies in the mailbox.
type letter = mailbox.Mail

// letters returns the mail to an address, newest first.
func (w *world) letters(to string) []letter {
	w.Helper()
	res := httptest.NewRecorder()
	w.box.ServeHTTP(res, httptest.NewRequestWithContext(w.ctx, http.MethodGet, "/dev/mail.json?to="+to, nil))
	var out struct {
		Mails []letter `json:"mails"`
	}
	if err := json.Unmarshal(res.Body.Bytes(), &out); err != nil {
		w.Fatalf("mailbox: %v: %s", err, res.Body)
	}
	return out.Mails
}
