package clinic_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
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
	"evisit/pkg/billing"
	"evisit/pkg/blob"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/mail"
	"evisit/pkg/outbox"
	"evisit/pkg/seal"
	"evisit/pkg/store"
	"evisit/pkg/stripepay"
	"evisit/pkg/visit"
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

// A world is a clinic on the real engine with the standard cast, Stripe's
// simulator, S3 and SES stand-ins, and one clock that only the test moves.
// Nothing happens by itself: webhooks and events wait until the test hands
// them over.
type world struct {
	tester
	ctx     context.Context //nolint:containedctx // one test's own
	cl      *clinic.Clinic
	db      *dynamodb.Client
	sdk     aws.Config // of S3 and SES
	table   string
	sim     *stripesim.Sim
	simURL  string
	box     http.Handler // the mailbox's pages
	hook    http.Handler
	log     *logged
	trouble *trouble
	tape    *tape
	moved   atomic.Int64 // how far the clock is past start

	mu   sync.Mutex
	post []string // webhooks on their way
}

func (w *world) now() time.Time { return start.Add(time.Duration(w.moved.Load())) }

// pass lets time pass; Stripe does what is due by then.
func (w *world) pass(d time.Duration) {
	w.moved.Add(int64(d))
	w.sim.Tick(w.ctx)
}

// A logged keeps what the clinic logs.
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

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		tester: t, ctx: context.Background(), table: enginetest.TableName(),
		db: dynamodb.NewFromConfig(enginetest.Config(t)), log: &logged{}, trouble: &trouble{},
	}
	if err := store.CreateTable(w.ctx, w.db, w.table); err != nil {
		t.Fatal(err)
	}
	w.openStripe(t)
	w.openFilesAndMail(t)
	w.openClinic(t)
	w.plant(t)
	w.tape.take() // registration is nobody's event
	return w
}

// offered are the forms of both practices, compiled once.
var offered = sync.OnceValues(func() ([]*intake.Form, error) {
	all, err := seed.Forms()
	return slices.DeleteFunc(all, func(f *intake.Form) bool {
		return !slices.Contains([]string{"uti-women", "admin-request", "evisit-common"}, f.Name())
	}), err
})

// plant registers two practices and the standard cast.
func (w *world) plant(t *testing.T) {
	t.Helper()
	fs, err := offered()
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, f := range fs {
		versions[f.Name()] = f.Version()
	}
	for i, id := range []string{"lakeside", "harbor"} {
		if err := w.cl.AddPractice(w.ctx, clinic.Practice{
			ID: id, Name: "Practice " + id, Phone: "+1 503 555 0100", Inbox: "desk@" + id + ".example", Account: seed.Accounts[i],
			Zone: "America/Los_Angeles", States: []string{"OR", "WA"}, Forms: versions,
			Prices:  billing.PriceList{"uti-women": 40_00, "admin-request": 15_00},
			Terms:   visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour},
			Consent: clinic.Consent{Version: "2026-01", Text: "You may withdraw at any time."},
			Readers: "Those who work here.",
		}, fs); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range seed.Cast(start) {
		if m.Contact != nil {
			if err := w.cl.AddPatient(w.ctx, identity.Patient{ID: m.Person.Patient, Practice: m.Person.Practice, Contact: *m.Contact}); err != nil {
				t.Fatal(err)
			}
		}
		w.becomes(m.Person)
	}
}

func (w *world) openClinic(t *testing.T) {
	t.Helper()
	sealer, err := seal.File(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	stripe := stripepay.New(stripeKey, w.simURL)
	objects := s3.NewFromConfig(w.sdk, func(o *s3.Options) { o.UsePathStyle = true })
	w.tape = &tape{Store: store.New(w.db, w.table), trouble: w.trouble}
	w.cl = &clinic.Clinic{
		Store: w.tape, Seal: sealer,
		Blobs:    brokenBlobs{blob.New(objects, files.Bucket), w.trouble},
		Checkout: brokenCheckout{stripe, w.trouble}, Cards: brokenCards{stripe, w.trouble},
		Mail:  brokenMail{mail.New(sesv2.NewFromConfig(w.sdk), "no-reply@evisit.example"), w.trouble},
		Pages: "http://127.0.0.1", LogKey: audit.Key{Base: "evisit.example/log", Public: public, Private: private},
		Now: w.now, NewID: func() string { return strings.ToLower(rand.Text()[:16]) },
		Log: slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	w.hook = httpapi.NewHook(w.cl.Hear, func(b []byte, signature, secret string) (clinic.StripeEvent, bool, error) {
		return stripepay.Verify(b, signature, secret, w.now())
	}, httpapi.HookSecrets{Platform: "whsec_platform", Connect: connectSecret}, w.cl.Log)
}

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
		Now: w.now, Accounts: seed.Accounts, Keys: []stripesim.Key{{Secret: stripeKey, Allow: []string{"*"}}},
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

func (w *world) openFilesAndMail(t *testing.T) {
	t.Helper()
	objects, err := files.Handler(t.TempDir())
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
	w.box = box.Handler()
	mux := http.NewServeMux()
	mux.Handle("/v2/email/", w.box)
	mux.Handle("/", objects)
	w.sdk = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(serve(t, mux)),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// A tape is the store, and remembers which events its commits armed, as the
// table's stream would bring them.
type tape struct {
	clinic.Store
	trouble *trouble

	mu    sync.Mutex
	armed []string
}

func (s *tape) Commit(ctx context.Context, c clinic.Commit) error {
	return s.trouble.around(commits, func() error {
		if err := s.Store.Commit(ctx, c); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range c.Events {
			s.armed = append(s.armed, e.ID)
		}
		for _, d := range c.Tried {
			if d.Armed {
				s.armed = append(s.armed, d.ID)
			}
		}
		return nil
	})
}

// take returns the events armed since it was last called.
func (s *tape) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.armed
	s.armed = nil
	return ids
}

func (s *tape) put(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = append(s.armed, ids...)
}

// mailed returns Stripe's webhooks that have not been handed over.
func (w *world) mailed() []string {
	w.sim.Tick(w.ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	post := w.post
	w.post = nil
	return post
}

// hears hands a webhook over, signed now; it reports whether it was taken.
func (w *world) hears(body string) bool {
	w.Helper()
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: connectSecret, Timestamp: w.now()})
	r := httptest.NewRequestWithContext(w.ctx, http.MethodPost, "/stripe/connect", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Stripe-Signature", signed.Header)
	res := httptest.NewRecorder()
	w.hook.ServeHTTP(res, r)
	if res.Code/100 == 4 {
		w.Fatalf("a webhook was refused: %d %s", res.Code, res.Body)
	}
	return res.Code/100 == 2
}

func (w *world) act(d outbox.Delivery) func(context.Context, outbox.Delivery) error {
	if d.To == outbox.Charge {
		return w.cl.Charge
	}
	return w.cl.Notify
}

// deliver hands one event to its consumer, unless it is done or disarmed. An
// event whose outcome could not be written down comes again.
func (w *world) deliver(id string) {
	w.Helper()
	d, err := w.cl.Store.Delivery(w.ctx, id)
	if err != nil {
		w.Fatalf("event %s: %v", id, err)
	}
	if !d.Done.IsZero() || !d.Armed {
		return
	}
	if err := w.cl.Deliver(w.ctx, d, w.act(d)); err != nil {
		w.tape.put(id)
	}
}

// drain hands over webhooks and events until there are none.
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

// sweep runs one sweep, which a broken commit may fail, and all it leads to.
func (w *world) sweep() {
	w.Helper()
	if _, err := w.cl.Sweep(w.ctx); err != nil && !again(err) {
		w.Fatalf("sweep: %v", err)
	}
	w.drain()
}

const ever = 100 * 365 * 24 * time.Hour

// waiting lists what is still to come by itself.
func (w *world) waiting() (visits, deliveries []string) {
	w.Helper()
	visits, deliveries, err := w.cl.Store.Due(w.ctx, w.now().Add(ever), 1000)
	if err != nil {
		w.Fatalf("what is due: %v", err)
	}
	return visits, deliveries
}

// settle drives on until no event is left to be tried again.
func (w *world) settle() {
	w.Helper()
	w.drain()
	for n := range 24 {
		if _, deliveries := w.waiting(); len(deliveries) == 0 {
			return
		}
		w.pass(min(5*time.Second<<n, 5*time.Hour))
		w.sweep()
	}
	w.Fatalf("some events are never done")
}

// finish drives on until nothing at all is left to happen by itself.
func (w *world) finish() {
	w.Helper()
	for range 60 {
		w.settle()
		if visits, deliveries := w.waiting(); len(visits)+len(deliveries) == 0 && w.idle() {
			return
		}
		w.pass(23 * time.Hour)
		w.sweep()
	}
	visits, deliveries := w.waiting()
	w.Fatalf("still to come: visits %v, events %v", visits, deliveries)
}

// idle reports whether no payment page is open at Stripe.
func (w *world) idle() bool {
	return w.truth().OpenSessions == 0
}

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
