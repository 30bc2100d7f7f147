package httpapi_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
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
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	stripewebhook "github.com/stripe/stripe-go/v76/webhook"

	"evisit/infra/local/engine/enginetest"
	"evisit/infra/local/seed"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/author"
	"evisit/pkg/clinic/charge"
	"evisit/pkg/clinic/hook"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/clinic/request"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/apitest"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/httpapi/webhook"
	"evisit/pkg/intake"
	"evisit/pkg/library"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/reconcile"
	"evisit/pkg/seal"
	"evisit/pkg/secret"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
	"evisit/pkg/store"
	"evisit/pkg/stripepay"
	"evisit/pkg/vault"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const (
	testIssuer     = "https://issuer.example"
	platformSecret = "whsec_platform"
	connectSecret  = "whsec_connect"
)

var start = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// A world is the API over the rooms of the functions on the real engine, with
// the standard cast.
type world struct {
	store     *store.Store
	db        *dynamodb.Client
	table     string
	rooms     httpapi.Rooms
	cast      *registrar.Room
	collect   *charge.Room
	sign      *sweep.Room
	api, hook http.Handler // checked against the document
	bare      http.Handler // the API unchecked
	objects   *blobs
	moved     atomic.Int64 // how far the clock is past start
	log       logged
}

func (w *world) now() time.Time { return start.Add(time.Duration(w.moved.Load())) }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{table: enginetest.TableName(), objects: &blobs{}}
	ctx := context.Background()
	sealer, err := seal.File(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, log := testLogKey(t), slog.New(slog.NewJSONHandler(&w.log, nil))
	parts := setup.Parts{
		Config: setup.Config{Table: w.table, Bucket: "documents", Pages: "http://127.0.0.1", Log: key},
		Now:    w.now, Log: log, Database: enginetest.Config(t),
		Secret: func(context.Context, string) ([]byte, error) {
			return nil, errors.New("no part of this test has secrets")
		},
		Sealer: func(context.Context) (vault.Sealer, error) { return sealer, nil },
	}
	w.db, w.store = dynamodb.NewFromConfig(parts.Database), parts.Store()
	if err := store.CreateTable(ctx, w.db, w.table); err != nil {
		t.Fatal(err)
	}
	if w.rooms, err = api.Rooms(parts); err != nil {
		t.Fatal(err)
	}
	cards := &cards{held: map[string]money.Cents{}, captured: map[string]money.Cents{}, disputed: map[string]bool{}}
	w.rooms.Request.Checkout, w.rooms.Charts.Vault.Objects = cards, w.objects
	w.rooms.Office.Accounts = cards
	w.collect = &charge.Room{Kernel: parts.Kernel(outbox.ByCharge, w.store), Store: w.store, Cards: cards, Subscriptions: cards, Balance: cards}
	w.sign = &sweep.Room{Kernel: parts.Kernel("", w.store), Store: w.store, LogKey: key, Signer: secrettest.Fixed(key.Private).Get, Heads: &blobs{}, Shards: store.Shards}
	w.cast = &registrar.Room{Kernel: w.rooms.Kernel, Store: w.store, Charts: w.rooms.Charts}
	if err := seed.Plant(ctx, w.cast, testIssuer, seed.Accounts); err != nil {
		t.Fatal(err)
	}
	w.rooms.Registrar = w.cast
	w.rooms.Author = &author.Room{Kernel: w.rooms.Kernel, Store: w.store, Library: library.Load}
	w.bare = httpapi.New(httpapi.Of(httpapi.ByAPI, httpapi.ByRegistry), w.rooms, people{}, log).Handler(exchange.NotFound(log))
	w.api = apitest.Checked(t, w.bare)
	verify := func(b []byte, signature, secret string) (hook.StripeEvent, bool, error) {
		return stripepay.Verify(b, signature, secret, w.now())
	}
	receiver := &hook.Room{Kernel: parts.Kernel(outbox.ByStripe, w.store)}
	w.hook = apitest.Checked(t, exchange.Guard(webhook.New(receiver.ReceiveStripeEvent, verify, secrettest.Fixed(secret.Webhooks{Platform: platformSecret, Connect: connectSecret}), log), log))
	return w
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

func testLogKey(t testing.TB) audit.Key {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return audit.Key{Base: "evisit.example/log", Public: public, Private: private}
}

// people takes a person's id for their token, which proves a second factor unless it
// begins with oneFactor, and an e-mail address if it begins with confirmed.
type people struct{}

const (
	oneFactor = "one-factor."
	confirmed = "confirmed."
)

func (people) Prove(_ context.Context, token string) (clinic.Proven, error) {
	if token == "" {
		return clinic.Proven{}, fault.New(fault.Anonymous, "not_signed_in", "sign in first")
	}
	subject, weak := strings.CutPrefix(token, oneFactor)
	proven := clinic.Proven{Strong: !weak}
	if name, ok := strings.CutPrefix(subject, confirmed); ok {
		subject, proven.Email = name, phi.Text(name+"@mail.example")
	}
	proven.Proof = clinic.Proof{Issuer: testIssuer, Subject: subject}
	return proven, nil
}

// blobs keeps objects in memory.
type blobs struct{ sync.Map }

func (b *blobs) Put(_ context.Context, key string, data []byte) error {
	b.Store(key, slices.Clone(data))
	return nil
}

func (b *blobs) Get(_ context.Context, key string) ([]byte, error) {
	if v, ok := b.Load(key); ok {
		return v.([]byte), nil
	}
	return nil, fault.New(fault.NotFound, "not_found", "there is no such object")
}

func (b *blobs) First(ctx context.Context, prefix string) ([]byte, error) {
	first := ""
	b.Range(func(key, _ any) bool {
		if k := key.(string); strings.HasPrefix(k, prefix) && (first == "" || k < first) {
			first = k
		}
		return true
	})
	return b.Get(ctx, first)
}

func (b *blobs) Names(_ context.Context, prefix string) ([]string, error) {
	names := map[string]bool{}
	b.Range(func(key, _ any) bool {
		if rest, ok := strings.CutPrefix(key.(string), prefix); ok {
			name, _, _ := strings.Cut(rest, "/")
			names[name] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(names)), nil
}

// cards pays every page at once: its intent is held until captured or released.
// An intent's id is its payment's, after pi_.
type cards struct {
	mu       sync.Mutex
	held     map[string]money.Cents // 0 once released
	captured map[string]money.Cents
	disputed map[string]bool // intents whose charge the cardholder disputes
}

func (c *cards) NewPage(_ context.Context, p request.PageRequest) (session, url string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held["pi_"+p.Ref] = p.Amount
	return "cs_" + p.Ref, "https://pay.example/" + p.Ref, nil
}

func (c *cards) NewMembershipPage(_ context.Context, p request.MembershipPage) (customer, session, url string, err error) {
	return "cus_" + p.Ref, "cs_" + p.Ref, "https://pay.example/" + p.Ref, nil
}

func (c *cards) Subscribed(context.Context, string, string) (charge.Subscribed, error) {
	return charge.Subscribed{}, nil
}

func (c *cards) Payout(context.Context, string, string) (billing.PayoutState, bool, error) {
	return billing.PayoutState{}, false, nil
}

// Transactions says that nothing moved.
func (c *cards) Transactions(context.Context, string, reconcile.Window, int) ([]reconcile.Transaction, bool, error) {
	return nil, true, nil
}

func (c *cards) TransactionsOf(context.Context, string, string) ([]reconcile.Transaction, error) {
	return nil, nil
}

func (c *cards) Carry(context.Context, string, string, membership.Ask, int, string) error {
	return nil
}

func (c *cards) Reprice(context.Context, string, string, money.Cents, string) error { return nil }

func (c *cards) Observe(_ context.Context, _, object string) (string, billing.Observation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref, page := strings.CutPrefix(object, "cs_"); page {
		return ref, billing.Observation{Session: object, SessionOver: true}, nil // it is asked about once it was expired
	}
	held, known := c.held[object]
	o := billing.Observation{Intent: object, CaptureBefore: start.Add(7 * 24 * time.Hour)}
	switch {
	case c.captured[object] > 0:
		o.Status, o.Received = "succeeded", c.captured[object]
	case held > 0:
		o.Status, o.Capturable = "requires_capture", held
	case known:
		o.Status = "canceled"
	default:
		return "", o, &clinic.Refusal{Code: "resource_missing"}
	}
	if c.disputed[object] {
		o.Withdrawn = o.Received
		o.Dispute = billing.Dispute{
			ID: "dp_" + object, Status: "needs_response", Reason: "general", Amount: o.Received, Opened: start, Due: start.Add(14 * 24 * time.Hour),
		}
	}
	return strings.TrimPrefix(object, "pi_"), o, nil
}

func (c *cards) Capture(_ context.Context, _, intent string, amount, _ money.Cents, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.captured[intent] = amount
	return nil
}

func (c *cards) Refund(context.Context, charge.Refund, string) error { return nil }

func (c *cards) Expire(context.Context, string, string, string) error { return nil }

func (c *cards) SubmitEvidence(context.Context, string, string, billing.Evidence, string) error {
	return nil
}

func (c *cards) AcceptDispute(context.Context, string, string, string) error { return nil }

func (c *cards) Account(context.Context, string) (billing.AccountState, error) {
	return billing.AccountState{Charges: true, Payouts: true, Submitted: true}, nil
}

func (c *cards) OpenAccount(context.Context, string, string) (string, error) {
	return "acct_opened", nil
}

// ChargeCard is refused: this stripe keeps no cards.
func (c *cards) ChargeCard(context.Context, charge.CardCharge, string) (string, error) {
	return "", &clinic.Refusal{Code: "no_saved_card", Final: true}
}

func (c *cards) FindCardCharge(context.Context, charge.CardCharge) (string, error) { return "", nil }

func (c *cards) FindAccount(context.Context, string, time.Time) (string, error) { return "", nil }

func (c *cards) NewAccountPage(context.Context, string, string, string) (string, time.Time, error) {
	return "https://connect.stripe.com/setup/s/1", start.Add(5 * time.Minute), nil
}

func (c *cards) Changes(context.Context, string, time.Time, string) ([]charge.Change, string, error) {
	return nil, "", nil
}

func (c *cards) Release(_ context.Context, _, intent, _ string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[intent] = 0
	return nil
}

// A call is one request of the person whose token it carries.
type call struct {
	as, method, path string
	body             any // a string or bytes as they are, else as JSON; nil for none
	header           map[string]string
}

func (c call) request(t testing.TB) *http.Request {
	t.Helper()
	var body io.Reader
	kind := "application/json"
	switch b := c.body.(type) {
	case nil:
		kind = ""
	case string:
		body = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		body = strings.NewReader(string(j))
	}
	r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.as != "" {
		r.Header.Set("Authorization", "Bearer "+c.as)
	}
	for k, v := range c.header {
		r.Header.Set(k, v)
	}
	return r
}

func send(t testing.TB, h http.Handler, c call) *httptest.ResponseRecorder {
	t.Helper()
	return serve(h, c.request(t))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// do sends a call that must succeed and reads its reply into out.
func (w *world) do(t testing.TB, c call, out any) http.Header {
	t.Helper()
	res := send(t, w.api, c)
	if res.Code >= http.StatusBadRequest {
		t.Fatalf("%s %s as %s: %d %s", c.method, c.path, c.as, res.Code, res.Body)
	}
	if out != nil {
		if err := json.Unmarshal(res.Body.Bytes(), out); err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
	}
	return res.Header()
}

type shownVisit struct {
	ID, Status, Document string
	Version, Messages    int
	Payments             []string
	CheckoutURL          string `json:"checkout_url"`
	Quote                struct {
		ID     string
		Amount int64 `json:"amount_cents"`
	}
}

type shownProblem struct {
	Status   int             `json:"status"`
	Code     string          `json:"code"`
	Detail   string          `json:"detail"`
	Problems []fault.Problem `json:"problems"`
}

// refused checks that res is a problem of that status and code.
func refused(t testing.TB, res *httptest.ResponseRecorder, status int, code string) shownProblem {
	t.Helper()
	var p shownProblem
	if err := json.Unmarshal(res.Body.Bytes(), &p); err != nil || res.Header().Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%d is no problem detail: %q (%v)", res.Code, res.Body, err)
	}
	if res.Code != status || p.Status != status || p.Code != code || p.Detail == "" {
		t.Errorf("answer is %d %s, want %d %s", res.Code, res.Body, status, code)
	}
	return p
}

// page is a QuestionnaireResponse of simple answers: bool, int and text as
// themselves, a coding as a slice of its codes.
func page(answers map[string]any) map[string]any {
	var items []map[string]any
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		var values []map[string]any
		switch a := answers[id].(type) {
		case bool:
			values = append(values, map[string]any{"valueBoolean": a})
		case int:
			values = append(values, map[string]any{"valueInteger": a})
		case string:
			values = append(values, map[string]any{"valueString": a})
		case map[string]any:
			items = append(items, map[string]any{"linkId": id, "item": page(a)["item"]})
			continue
		case []string:
			for _, code := range a {
				values = append(values, map[string]any{"valueCoding": map[string]any{"code": code}})
			}
		default:
			panic(fmt.Sprintf("no answer is a %T", a)) // a mistake in a test
		}
		items = append(items, map[string]any{"linkId": id, "answer": values})
	}
	return map[string]any{"resourceType": "QuestionnaireResponse", "item": items}
}

// urinary answers everything that uti-women asks of a simple case.
func urinary() map[string]any {
	answers := map[string]any{
		"emergency-ack": true, "completed-by": []string{"self"}, "location-state": []string{"OR"}, "language": []string{"en"},
		"callback-phone": "+1 503 555 0177", "medications": "none", "payment-route": []string{"self-pay"},
		"pregnant": []string{"no"}, "allergies": map[string]any{"allergy-none": true}, "conditions": []string{"none"},
		"uti-onset": 2, "uti-sx": []string{"burning", "frequency"}, "uti-count": 1,
	}
	for _, id := range []string{
		"seen-7d", "surgery-90d", "accident", "uti-fever", "uti-flank", "uti-vomit", "uti-confused", "uti-retention",
		"uti-discharge", "uti-sti", "uti-catheter", "uti-kidney", "uti-abx",
	} {
		answers[id] = false
	}
	return answers
}

// draft opens a visit of jane-smith's with every question answered.
func (w *world) draft(t testing.TB) shownVisit {
	t.Helper()
	var v shownVisit
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits", body: map[string]any{"form": "uti-women"}}, &v)
	var saved struct {
		Visit   shownVisit
		Missing []fault.Problem
	}
	w.do(t, call{as: "jane-smith", method: "PATCH", path: "/visits/" + v.ID + "/answers", body: page(urinary())}, &saved)
	for _, p := range saved.Missing {
		if p.Where != "fee-ack" && p.Where != "consent-ack" {
			t.Fatalf("not answered: %+v", p)
		}
	}
	return saved.Visit
}

// submitted is a visit whose payment page is open.
func (w *world) submitted(t testing.TB) shownVisit {
	t.Helper()
	v := w.draft(t)
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + v.ID + "/submit", body: map[string]any{
		"quote": w.quote(t, v.ID), "accept_fee": true, "accept_consent": true, "beside": w.underway(t),
	}}, &v)
	return v
}

// underway is the request of jane-smith's on uti-women that awaits its answer; empty if none
// does.
func (w *world) underway(t testing.TB) string {
	t.Helper()
	var list struct {
		Forms []struct {
			Name     string
			Underway struct{ Visit string }
		}
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: "/forms"}, &list)
	for _, f := range list.Forms {
		if f.Name == "uti-women" {
			return f.Underway.Visit
		}
	}
	return ""
}

func (w *world) quote(t testing.TB, visit string) string {
	t.Helper()
	var offer struct{ ID string }
	w.do(t, call{as: "jane-smith", method: "POST", path: "/visits/" + visit + "/quote"}, &offer)
	return offer.ID
}

// queued is a visit whose card is held, as Stripe's webhook and charge leave it.
func (w *world) queued(t testing.TB) shownVisit {
	t.Helper()
	v := w.submitted(t)
	pi := "pi_" + v.Payments[0]
	if res := w.stripe(t, "/stripe/connect", connectSecret, event("evt_"+v.ID, seed.Accounts[0], pi)); res.Code != http.StatusOK {
		t.Fatalf("webhook: %d %s", res.Code, res.Body)
	}
	w.charge(t)
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + v.ID}, &v)
	if v.Status != "queued" {
		t.Fatalf("paid, the visit is %s", v.Status)
	}
	return v
}

// contests has the cardholder dispute the charge of an answered visit.
func (w *world) contests(t testing.TB, v shownVisit) {
	t.Helper()
	pi, c := "pi_"+v.Payments[0], w.collect.Cards.(*cards)
	c.mu.Lock()
	c.disputed[pi] = true
	c.mu.Unlock()
	if res := w.stripe(t, "/stripe/connect", connectSecret, event("evt_dispute_"+v.ID, seed.Accounts[0], pi)); res.Code != http.StatusOK {
		t.Fatalf("webhook: %d %s", res.Code, res.Body)
	}
	w.charge(t)
}

// expired is a request that nobody answered before its hold was lost.
func (w *world) expired(t testing.TB) shownVisit {
	t.Helper()
	v := w.queued(t)
	row, err := w.store.Visit(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	next := row.HoldLost(row.Payment, w.now())
	k := w.rooms.Kernel
	if err := w.store.Commit(t.Context(), clinic.Commit{
		Visit: &next, Audit: []audit.Record{k.Record(clinic.System("test"), "visit.due:expired", next, w.now())},
	}); err != nil {
		t.Fatal(err)
	}
	w.do(t, call{as: "jane-smith", method: "GET", path: "/visits/" + v.ID}, &v)
	if v.Status != "expired" {
		t.Fatalf("the visit is %s", v.Status)
	}
	return v
}

// practice changes the settings of lakeside.
func (w *world) practice(t testing.TB, change func(*practice.Practice), forms ...*intake.Form) {
	t.Helper()
	p, err := w.store.Practice(t.Context(), "lakeside")
	if err != nil {
		t.Fatal(err)
	}
	change(&p)
	if err := w.cast.AddPractice(t.Context(), p, forms); err != nil {
		t.Fatal(err)
	}
}

// charge carries out what waits for the function of that name.
func (w *world) charge(t testing.TB) {
	t.Helper()
	for key := range w.rows(t) {
		if !strings.HasPrefix(key, "OUTBOX#") {
			continue
		}
		d := w.delivery(t, strings.Fields(key)[1])
		if d.To != outbox.Charge || !d.Armed || !d.Done.IsZero() {
			continue
		}
		if err := w.collect.Handle(t.Context(), d); err != nil || w.delivery(t, d.ID).Done.IsZero() {
			t.Fatalf("%s is not done: %v", d.Kind, err)
		}
	}
}

func (w *world) delivery(t testing.TB, event string) outbox.Delivery {
	t.Helper()
	d, err := w.store.Delivery(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func event(id, account, intent string) string {
	e := map[string]any{
		"id": id, "object": "event", "api_version": "2023-10-16", "created": start.Unix(),
		"type": "payment_intent.amount_capturable_updated",
		"data": map[string]any{"object": map[string]any{"id": intent, "object": "payment_intent"}},
	}
	if account != "" {
		e["account"] = account
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers are always JSON
	}
	return string(b)
}

func signature(payload, secret string, at time.Time) string {
	return stripewebhook.GenerateTestSignedPayload(&stripewebhook.UnsignedPayload{Payload: []byte(payload), Secret: secret, Timestamp: at}).Header
}

func (w *world) stripe(t testing.TB, path, secret, payload string) *httptest.ResponseRecorder {
	t.Helper()
	return send(t, w.hook, call{method: "POST", path: path, body: payload, header: map[string]string{
		"Stripe-Signature": signature(payload, secret, start),
	}})
}

// rows is everything in the table but counts of requests and the records of
// refusals: the keys, and what each holds.
func (w *world) rows(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	w.scan(t, func(i map[string]types.AttributeValue) {
		if ofRefusal(i) {
			return
		}
		var held strings.Builder
		for _, name := range slices.Sorted(maps.Keys(i)) {
			b, err := json.Marshal(i[name])
			if err != nil {
				t.Fatal(err)
			}
			held.Write(b)
		}
		all[attribute(i["pk"])+" "+attribute(i["sk"])] = held.String()
	})
	return all
}

// scan calls each with every row of the table.
func (w *world) scan(t testing.TB, each func(map[string]types.AttributeValue)) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table})
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.Items {
			each(i)
		}
	}
}

// ofRefusal reports whether a refused request leaves the row: a count, a record, or
// the key that keeps the record from being written twice.
func ofRefusal(row map[string]types.AttributeValue) bool {
	switch word, _, _ := strings.Cut(attribute(row["pk"]), "#"); word {
	case "LIMIT":
		return true
	case "AUDIT":
		return strings.Contains(attribute(row["d"]), `"outcome":"refused"`)
	case "REQUEST":
		return attribute(row["input"]) == ""
	}
	return false
}

func attribute(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	return s.Value
}

// written lists the keys of the rows that f puts or changes.
func (w *world) written(t testing.TB, f func()) []string {
	t.Helper()
	before := w.rows(t)
	f()
	var keys []string
	for key, row := range w.rows(t) {
		if before[key] != row {
			keys = append(keys, key)
		}
	}
	return keys
}

// row reads one row of the table; put writes it as it is, also when t is over,
// and drop deletes it.
func (w *world) row(t testing.TB, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := w.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.table, Key: rowKey(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil || out.Item == nil {
		t.Fatalf("there is no row %s %s: %v", pk, sk, err)
	}
	return out.Item
}

func (w *world) put(t testing.TB, row map[string]types.AttributeValue) {
	t.Helper()
	if _, err := w.db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &w.table, Item: row}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) drop(t testing.TB, pk, sk string) {
	t.Helper()
	if _, err := w.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: rowKey(pk, sk)}); err != nil {
		t.Fatal(err)
	}
}

func rowKey(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}}
}

// unchanged checks, when t and its subtests are done, that the table is as it
// is now.
func (w *world) unchanged(t *testing.T) {
	t.Helper()
	before := w.rows(t)
	t.Cleanup(func() {
		if d := cmp.Diff(before, w.rows(t)); d != "" {
			t.Errorf("something was written:\n%s", d)
		}
	})
}

// nothingWritten runs f and checks that it changed nothing in the table.
func (w *world) nothingWritten(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run("each", func(t *testing.T) {
		w.unchanged(t)
		f(t)
	})
}
