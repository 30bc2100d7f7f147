package web_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/engine/enginetest"
	"evisit/infra/local/issuer"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/hook"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/web"
	"evisit/pkg/identity"
	"evisit/pkg/library"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/reconcile"
	"evisit/pkg/seal"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/store"
	"evisit/pkg/vault"
	"evisit/pkg/visit"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const clientID = "evisit-pages"

// A house is the whole of what the pages stand on, of one test.
type house struct {
	rooms     httpapi.Rooms
	cast      *registrar.Room
	hook      *hook.Room
	collect   *charge.Room
	store     *store.Store
	db        *dynamodb.Client // not counted
	table     string
	calls     *calls
	objects   *drawer
	stripe    *stripe
	issuer    *httptest.Server
	provider  *provider
	providers []*provider
	url       string
	log       logged

	mu  sync.Mutex
	now time.Time
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOf(t, lateServer(t))
}

// newHouseOf is a house whose people sign in at the issuers of servers.
func newHouseOf(t *testing.T, servers ...*httptest.Server) *house {
	t.Helper()
	h := &house{
		now: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC), table: enginetest.TableName(), calls: &calls{},
		objects: &drawer{objects: map[string][]byte{}}, stripe: &stripe{sessions: map[string]*session{}},
	}
	site := lateServer(t)
	h.url, h.issuer = site.URL, servers[0]
	h.db = dynamodb.NewFromConfig(enginetest.Config(t))
	if err := store.CreateTable(t.Context(), h.db, h.table); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&h.log, nil))
	h.open(t, log)
	register(t, h.cast, h.issuer.URL)

	var issuers []httpapi.Issuer
	for _, s := range servers {
		p := h.provides(t, s, log)
		issuers = append(issuers, httpapi.Issuer{URL: s.URL, Keys: p.JWKSURL(), Audience: clientID})
	}
	people := httpapi.NewTokens(issuers, h.clock)
	pages := web.New(web.Options{
		Serves: []httpapi.Function{httpapi.ByAPI, httpapi.ByRegistry},
		Rooms:  h.rooms, People: people, Issuers: issuers, BaseURL: h.url, Now: h.clock, Log: log,
	})
	site.Config.Handler = httpapi.New(httpapi.Of(httpapi.ByAPI, httpapi.ByRegistry), h.rooms, people, log).Handler(pages)
	return h
}

// provides makes s an issuer that signs in the cast; the first is the house's provider.
func (h *house) provides(t *testing.T, s *httptest.Server, log *slog.Logger) *provider {
	t.Helper()
	is, err := issuer.New(issuer.Options{
		URL: s.URL, ClientID: clientID, RedirectURIs: []string{h.url + "/signed-in"}, LogoutURIs: []string{h.url + "/"},
		People: func(context.Context) []issuer.Person { return cast }, Now: h.clock, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{Issuer: is, url: s.URL, up: true}
	s.Config.Handler = p
	h.providers = append(h.providers, p)
	h.provider = h.providers[0]
	return p
}

// open makes the rooms of api and what the other functions do for a visit.
func (h *house) open(t *testing.T, log *slog.Logger) {
	t.Helper()
	sealer, err := seal.File(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	db := enginetest.Config(t)
	db.APIOptions = append(db.APIOptions, h.calls.count)
	parts := setup.Parts{
		Config: setup.Config{Table: h.table, Bucket: "documents", Pages: h.url}, Now: h.clock, Log: log, Database: db,
		Secret: func(context.Context, string) ([]byte, error) {
			return nil, errors.New("no part of this test has secrets")
		},
		Sealer: func(context.Context) (vault.Sealer, error) { return sealer, nil },
	}
	if h.rooms, err = api.Rooms(parts); err != nil {
		t.Fatal(err)
	}
	h.rooms.Request.Checkout, h.rooms.Charts.Vault.Objects = h.stripe, h.objects
	h.rooms.Office.Accounts = h.stripe
	h.store = parts.Store()
	h.cast = &registrar.Room{Kernel: h.rooms.Kernel, Store: h.store, Charts: h.rooms.Charts}
	h.rooms.Registrar = h.cast
	h.rooms.Author = &author.Room{Kernel: h.rooms.Kernel, Store: h.store, Library: library.Load}
	h.hook = &hook.Room{Kernel: parts.Kernel(outbox.ByStripe, h.store)}
	h.collect = &charge.Room{Kernel: parts.Kernel(outbox.ByCharge, h.store), Store: h.store, Cards: h.stripe, Subscriptions: h.stripe, Balance: h.stripe}
}

// A logged is what was logged, as lines of JSON.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was logged since it was last called.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// calls are the names of the store's calls to the database.
type calls struct {
	mu    sync.Mutex
	names []string
	lost  string // the name of the calls that fail
}

// lose makes all calls with a name fail, none if it is empty.
func (c *calls) lose(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = name
}

// count is a step of middleware that notes each call.
func (c *calls) count(s *middleware.Stack) error {
	note := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		c.mu.Lock()
		name := awsmiddleware.GetOperationName(ctx)
		c.names = append(c.names, name)
		lost := c.lost == name
		c.mu.Unlock()
		if lost {
			return middleware.InitializeOutput{}, middleware.Metadata{}, errors.New("lost")
		}
		return next.HandleInitialize(ctx, in)
	}
	return s.Initialize.Add(middleware.InitializeMiddlewareFunc("count", note), middleware.After)
}

// take returns the calls since it was last called, in order.
func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := c.names
	c.names = nil
	return names
}

// lateServer is a server whose handler is set once its address is known.
func lateServer(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s
}

// The cast. Subject and person id are the same.
var cast = []issuer.Person{
	{Subject: "ada", Name: "Ada"},
	{Subject: "bea", Name: "Bea"},
	{Subject: "cal", Name: "Cal"},
	{Subject: "drx", Name: "Dr. X", TwoFactors: true},
	{Subject: "dry", Name: "Dr. Y", TwoFactors: true},
	{Subject: "nan", Name: "Nan", TwoFactors: true},
	{Subject: "adm", Name: "Adm", TwoFactors: true},
	{Subject: "nobody", Name: "Nobody"},
	{Subject: "ops", Name: "Olu", TwoFactors: true},
	{Subject: "kim", Name: "Kim", Email: "kim@mail.example", EmailVerified: true, TwoFactors: true},
}

func register(t *testing.T, r *registrar.Room, issuerURL string) {
	t.Helper()
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	p := practice.Practice{
		ID: "oak",
		Core: practice.Core{
			Name: "Oak Street Clinic", Phone: "555-0100", Inbox: "desk@oak.example", Account: "acct_oak",
			Zone: "America/Chicago", Readers: "Clinicians and nurses of this practice",
		},
		Config: practice.Config{
			States: []string{"TX"}, Forms: map[string]string{}, Prices: billing.PriceList{},
			Terms: visit.Terms{Answer: 24 * time.Hour, GiveUp: 24 * time.Hour},
		},
		Consent: practice.Consent{Version: "1", Text: "You agree to be answered in writing."},
	}
	for _, f := range all {
		p.Forms[f.Name()] = f.Version()
		p.Prices[f.Name()] = money.Cents(4000)
	}
	must(t, r.AddPractice(t.Context(), p, all))
	for who, name := range map[string]phi.Text{"ada": "Ada Adams", "bea": "Bea Brown"} {
		must(t, r.AddPatient(t.Context(), identity.Patient{ID: "p-" + who, Practice: "oak", Person: who, Contact: identity.Contact{
			Name: name, Email: "x@mail.example", Birth: time.Date(1990, 5, 17, 0, 0, 0, 0, time.UTC), Sex: "female",
		}}))
	}
	license := []identity.License{{State: "TX", Number: "1", Expires: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}}
	for _, person := range []identity.Person{
		{ID: "ada", Role: identity.PatientRole, Patient: "p-ada"},
		{ID: "bea", Role: identity.PatientRole, Patient: "p-bea"},
		{ID: "cal", Role: identity.Caregiver, Grants: []identity.Grant{{Patient: "p-ada"}}},
		{ID: "drx", Role: identity.Clinician, Display: "Xenia Xu, MD", Licenses: license},
		{ID: "dry", Role: identity.Clinician, Display: "Yves Yoder, MD", Licenses: license},
		{ID: "nan", Role: identity.Nurse, Display: "Nan North, RN"},
		{ID: "adm", Role: identity.Admin, Display: "Adam Admin"},
	} {
		person.Practice = "oak"
		must(t, r.AddPerson(t.Context(), clinic.Proof{Issuer: issuerURL, Subject: person.ID}, person))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A drawer keeps objects in memory.
type drawer struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (d *drawer) Put(_ context.Context, key string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[key] = slices.Clone(data)
	return nil
}

func (d *drawer) Get(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.objects[key]
	if !ok {
		return nil, fault.New(fault.NotFound, "not_found", "no such object")
	}
	return b, nil
}

// stripe stands in for Stripe: pages that may be paid, and what became of them.
type stripe struct {
	mu       sync.Mutex
	sessions map[string]*session // by key
	account  billing.AccountState
	// subscriptions are the pages on which somebody may subscribe, by their sessions.
	subscriptions map[string]*subscribed
	opened        int // accounts that were made
}

type session struct {
	req request.PageRequest
	id  string
	obs billing.Observation
}

const stripePage = "https://checkout.stripe.com/c/pay/"

func (s *stripe) NewPage(_ context.Context, p request.PageRequest) (id, url string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[p.Key] == nil {
		s.sessions[p.Key] = &session{req: p, id: "cs_" + p.Key}
	}
	return s.sessions[p.Key].id, stripePage + p.Key, nil
}

func (s *stripe) find(object string) (*session, error) {
	for _, x := range s.sessions {
		if x.id == object || x.obs.Intent == object {
			return x, nil
		}
	}
	return nil, fmt.Errorf("no object %s", object)
}

// Payout says that no object is a payout.
func (s *stripe) Payout(context.Context, string, string) (billing.PayoutState, bool, error) {
	return billing.PayoutState{}, false, nil
}

// Transactions says that nothing moved.
func (s *stripe) Transactions(context.Context, string, reconcile.Window, int) ([]reconcile.Transaction, bool, error) {
	return nil, true, nil
}

func (s *stripe) TransactionsOf(context.Context, string, string) ([]reconcile.Transaction, error) {
	return nil, nil
}

func (s *stripe) Observe(_ context.Context, _, object string) (string, billing.Observation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(object, "sub_") {
		return "", billing.Observation{}, nil // of a membership
	}
	x, err := s.find(object)
	if err != nil {
		return "", billing.Observation{}, err
	}
	return x.req.Ref, x.obs, nil
}

func (s *stripe) Capture(_ context.Context, _, intent string, amount, _ money.Cents, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.find(intent)
	if err != nil {
		return err
	}
	x.obs.Status, x.obs.Capturable, x.obs.Received = "succeeded", 0, amount
	return nil
}

func (s *stripe) Release(_ context.Context, _, intent, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.find(intent)
	if err != nil {
		return err
	}
	x.obs.Status, x.obs.Capturable = "canceled", 0
	return nil
}

func (s *stripe) Refund(_ context.Context, r charge.Refund, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.find(r.Intent)
	if err != nil {
		return err
	}
	if x.obs.Refunded += r.Amount; r.Amount == 0 {
		x.obs.Refunded = x.obs.Received
	}
	return nil
}

func (s *stripe) Expire(_ context.Context, _, page, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, err := s.find(page)
	if err != nil {
		return err
	}
	x.obs.SessionOver = true
	return nil
}

func (s *stripe) SubmitEvidence(_ context.Context, _, dispute string, said billing.Evidence, _ string) error {
	return s.ofDispute(dispute, func(d *billing.Dispute) {
		d.Status, d.Submissions, d.Told = "under_review", d.Submissions+1, said.Hash()
	})
}

func (s *stripe) AcceptDispute(_ context.Context, _, dispute, _ string) error {
	return s.ofDispute(dispute, func(d *billing.Dispute) { d.Status = "lost" })
}

// ofDispute changes the dispute with that id.
func (s *stripe) ofDispute(id string, change func(*billing.Dispute)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.sessions {
		if x.obs.Dispute.ID == id {
			change(&x.obs.Dispute)
			return nil
		}
	}
	return fmt.Errorf("no dispute %s", id)
}

func (s *stripe) Account(context.Context, string) (billing.AccountState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.account, nil
}

func (s *stripe) OpenAccount(context.Context, string, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return fmt.Sprintf("acct_opened%d", s.opened), nil
}

// ChargeCard is refused: this stripe keeps no cards.
func (s *stripe) ChargeCard(context.Context, charge.CardCharge, string) (string, error) {
	return "", &clinic.Refusal{Code: "no_saved_card", Final: true}
}

func (s *stripe) FindCardCharge(context.Context, charge.CardCharge) (string, error) { return "", nil }

func (s *stripe) FindAccount(context.Context, string, time.Time) (string, error) { return "", nil }

func (s *stripe) NewAccountPage(_ context.Context, account, done, again string) (string, time.Time, error) {
	return "https://connect.stripe.com/setup/s/" + account + "?" + url.Values{"done": {done}, "again": {again}}.Encode(), time.Date(2026, 3, 2, 15, 1, 0, 0, time.UTC), nil
}

func (s *stripe) Changes(context.Context, string, time.Time, string) ([]charge.Change, string, error) {
	return nil, "", nil
}

// payCard pays the page at url with a card that is held, and tells us by a
// webhook.
func (h *house) payCard(t *testing.T, url string) {
	t.Helper()
	key := url[len(stripePage):]
	h.stripe.mu.Lock()
	x := h.stripe.sessions[key]
	if x == nil {
		h.stripe.mu.Unlock()
		t.Fatalf("no payment page at %s", url)
	}
	x.obs = billing.Observation{
		Intent: "pi_" + key, Status: "requires_capture", Capturable: x.req.Amount, CaptureBefore: h.clock().Add(6 * 24 * time.Hour),
	}
	h.stripe.mu.Unlock()
	h.hear(t, x.id)
}

// becomes changes what Stripe says of the payment at url, and tells us by a
// webhook.
func (h *house) becomes(t *testing.T, url string, change func(*billing.Observation)) {
	t.Helper()
	h.stripe.mu.Lock()
	x := h.stripe.sessions[url[len(stripePage):]]
	change(&x.obs)
	h.stripe.mu.Unlock()
	h.hear(t, x.id)
}

func (h *house) hear(t *testing.T, object string) {
	t.Helper()
	e := hook.StripeEvent{ID: rand.Text(), Account: "acct_oak", Object: object, Created: h.clock()}
	must(t, h.hook.ReceiveStripeEvent(t.Context(), e))
	d, err := h.store.Delivery(t.Context(), outbox.NewID(outbox.ByStripe, e.Created, e.Account+"."+e.ID))
	must(t, err)
	must(t, h.collect.Act(t.Context(), d))
}
