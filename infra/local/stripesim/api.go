package stripesim

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A route is one operation of Stripe's API: its path as the description writes
// it, and the permission a key needs.
type route struct {
	method, path, permission string
	serve                    func(context.Context, *tx, *call) (any, error)
}

var routes = []route{
	{http.MethodPost, "/v1/checkout/sessions", "checkout_sessions:write", createSession},
	{http.MethodGet, "/v1/checkout/sessions", "checkout_sessions:read", listSessions},
	{http.MethodGet, "/v1/checkout/sessions/{session}", "checkout_sessions:read", getSession},
	{http.MethodGet, "/v1/checkout/sessions/{session}/line_items", "checkout_sessions:read", listLineItems},
	{http.MethodPost, "/v1/checkout/sessions/{session}/expire", "checkout_sessions:write", expireSession},
	{http.MethodGet, "/v1/payment_intents", "payment_intents:read", listIntents},
	{http.MethodGet, "/v1/payment_intents/search", "payment_intents:read", searchIntents},
	{http.MethodGet, "/v1/payment_intents/{intent}", "payment_intents:read", getIntent},
	{http.MethodPost, "/v1/payment_intents/{intent}/capture", "payment_intents:write", captureIntent},
	{http.MethodPost, "/v1/payment_intents/{intent}/cancel", "payment_intents:write", cancelIntent},
	{http.MethodGet, "/v1/charges", "charges:read", listCharges},
	{http.MethodGet, "/v1/charges/{charge}", "charges:read", getCharge},
	{http.MethodPost, "/v1/refunds", "refunds:write", createRefund},
	{http.MethodGet, "/v1/refunds", "refunds:read", listRefunds},
	{http.MethodGet, "/v1/refunds/{refund}", "refunds:read", getRefund},
	{http.MethodPost, "/v1/customers", "customers:write", createCustomer},
	{http.MethodGet, "/v1/customers", "customers:read", listCustomers},
	{http.MethodGet, "/v1/customers/{customer}", "customers:read", getCustomer},
	{http.MethodGet, "/v1/balance", "balance:read", getBalance},
	{http.MethodGet, "/v1/balance_transactions", "balance_transactions:read", listTransactions},
	{http.MethodGet, "/v1/balance_transactions/{id}", "balance_transactions:read", getTransaction},
	{http.MethodGet, "/v1/events", "events:read", listEvents},
	{http.MethodGet, "/v1/events/{id}", "events:read", getEvent},
	{http.MethodGet, "/v1/account", "accounts:read", getAccount},
	{http.MethodGet, "/v1/accounts/{account}", "accounts:read", getAccount},
}

// A call is one request, its parameters already as the description wants them.
type call struct {
	id     string // of the object in the path
	path   string
	params map[string]any
	expand []string
}

// decode reads the call's parameters into p. What Stripe would accept and p
// lacks is refused rather than ignored, so that nobody relies on an effect
// that is not there.
func (c *call) decode(p any) error {
	body, err := json.Marshal(c.params)
	if err != nil {
		return fmt.Errorf("encoding parameters: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err = dec.Decode(p)
	if err == nil {
		return nil
	}
	what := strings.TrimPrefix(err.Error(), "json: ")
	param, unknown := strings.CutPrefix(what, "unknown field ")
	if !unknown {
		param = ""
	}
	return notModelled(strings.Trim(param, `"`), what)
}

func notModelled(param, what string) *failure {
	return invalid("not_simulated", param, "the simulator does not model this, though Stripe may: "+what)
}

// maxBody is more than any request of Stripe's API needs.
const maxBody = 1 << 20

var pathID = regexp.MustCompile(`\{(\w+)\}`)

// api makes the handler of one operation.
func (s *Sim) api(rt route) (http.HandlerFunc, error) {
	op, err := s.operation(rt.method, rt.path)
	if err != nil {
		return nil, err
	}
	idName := ""
	if m := pathID.FindStringSubmatch(rt.path); m != nil {
		idName = m[1]
	}
	return func(w http.ResponseWriter, r *http.Request) {
		id := newID("req")
		key := r.Header.Get("Idempotency-Key")
		w.Header().Set("Request-Id", id)
		w.Header().Set("Stripe-Version", apiVersion)
		account := r.Header.Get("Stripe-Account")
		if account == "" {
			account = Platform
		} else {
			w.Header().Set("Stripe-Account", account)
		}
		trouble := s.faults.forCall(r.Method, r.URL.Path, account)
		if trouble.loseCall {
			sever(w)
			return
		}
		req := &request{Sim: s, route: rt, op: op, id: id, key: key, account: account, trouble: trouble}
		if idName != "" {
			req.call.id = r.PathValue(idName)
		}
		out := req.answer(w, r)
		if trouble.loseAnswer {
			sever(w)
			return
		}
		if key != "" {
			w.Header().Set("Idempotency-Key", key)
		}
		if out.replayed {
			w.Header().Set("Idempotent-Replayed", "true")
		}
		write(w, out)
	}, nil
}

func write(w http.ResponseWriter, out *reply) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}

// A request is one call on its way through the simulator.
type request struct {
	*Sim
	route            route
	op               operation
	id, key, account string
	trouble          callFault
	call             call
	hash             string
}

func (q *request) answer(w http.ResponseWriter, r *http.Request) *reply {
	out, err := q.process(w, r)
	if err == nil {
		return out
	}
	var told *failure
	if !errors.As(err, &told) {
		q.opt.Log.ErrorContext(r.Context(), "stripe simulator failed", "request", q.id, "method", r.Method, "path", r.URL.Path, "err", err)
		told = &failure{Status: http.StatusInternalServerError, Type: apiTrouble, Message: "stripe simulator: " + err.Error()}
	}
	return told.reply()
}

func (f *failure) reply() *reply {
	body, err := json.Marshal(map[string]any{"error": f})
	if err != nil {
		body = []byte(`{"error":{"type":"api_error","message":"this error cannot be shown"}}`)
	}
	return &reply{status: f.Status, body: body}
}

// process is the life of a call: who, what, whether it was asked before, and
// only then the deed.
func (q *request) process(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if err := q.allow(r); err != nil {
		return nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	params, err := q.params(r, q.op.request)
	if err != nil {
		return nil, err
	}
	if err := q.prepare(r, params); err != nil {
		return nil, err
	}
	release, err := q.claim(q.account, q.key)
	if err != nil {
		return nil, err
	}
	defer release()
	q.pause(q.trouble.delay)
	if err := q.settle(r.Context()); err != nil {
		return nil, err
	}
	return q.once(r.Context())
}

// prepare takes the parameters apart and identifies the request.
func (q *request) prepare(r *http.Request, params map[string]any) (err error) {
	if r.Method != http.MethodPost {
		q.key = ""
	}
	if len(q.key) > 255 {
		return invalid("", "", "an idempotency key is at most 255 characters")
	}
	if q.hash, err = requestHash(r.Method, r.URL.Path, params); err != nil {
		return err
	}
	if expand, ok := params["expand"].([]any); ok {
		for _, e := range expand {
			q.call.expand = append(q.call.expand, fmt.Sprint(e))
		}
		delete(params, "expand")
	}
	q.call.path, q.call.params = r.URL.Path, params
	return nil
}

// allow checks the key, its permissions and its access to the account.
func (q *request) allow(r *http.Request) error {
	secret, _, basic := r.BasicAuth()
	if !basic {
		secret, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	i := slices.IndexFunc(q.opt.Keys, func(k Key) bool { return k.Secret == secret })
	if secret == "" || i < 0 {
		return &failure{Status: http.StatusUnauthorized, Type: invalidRequest, Message: "invalid API key: " + mask(secret)}
	}
	if !q.opt.Keys[i].allows(q.route.permission) {
		return &failure{
			Status: http.StatusForbidden, Type: invalidRequest,
			Message: fmt.Sprintf("the key %s lacks the permission %s on account %s", mask(secret), q.route.permission, q.account),
		}
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != apiVersion {
		return invalid("", "", "the simulator speaks version "+apiVersion+", not "+v)
	}
	return nil
}

func mask(secret string) string {
	if len(secret) < 12 {
		return "****"
	}
	return secret[:8] + "****" + secret[len(secret)-4:]
}

// pause waits real time, also for a caller who has hung up: the call acts all
// the same, late.
func (s *Sim) pause(d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-s.stopped:
	}
}

// once answers from the store of replies, or does the deed and stores its
// reply, in one transaction.
func (q *request) once(ctx context.Context) (*reply, error) {
	from := origin{ID: &q.id}
	if q.key != "" {
		from.Key = &q.key
	}
	var out *reply
	err := q.update(ctx, q.account, from, func(ctx context.Context, t *tx) error {
		known, err := t.knows(ctx, q.account)
		if err != nil {
			return err
		}
		if !known {
			return noAccess(q.account)
		}
		if q.key != "" {
			if out, err = t.stored(ctx, q.key, q.hash); out != nil || err != nil {
				return err
			}
		}
		if out, err = q.act(ctx, t); err != nil {
			return err
		}
		if q.key == "" || out.status == http.StatusConflict || out.status == http.StatusTooManyRequests {
			return nil
		}
		return t.store(ctx, q.key, q.hash, out)
	})
	return out, err
}

// act does what the call asks and shows the result, which must be as Stripe
// describes it. A failure is a result too.
func (q *request) act(ctx context.Context, t *tx) (*reply, error) {
	if q.trouble.status != 0 {
		return faultReply(q.trouble.status), nil
	}
	result, err := q.route.serve(ctx, t, &q.call)
	var told *failure
	if errors.As(err, &told) {
		return q.described(q.op.failure, told.Status, map[string]any{"error": told})
	}
	if err != nil {
		return nil, err
	}
	shown, err := t.render(result)
	if err != nil {
		return nil, err
	}
	if err := t.expandAll(ctx, shown, q.call.expand); errors.As(err, &told) {
		return told.reply(), nil
	} else if err != nil {
		return nil, err
	}
	return q.described(q.op.reply, http.StatusOK, shown)
}

func faultReply(status int) *reply {
	f := &failure{Status: status, Type: apiTrouble, Message: "ordered trouble"}
	switch status {
	case http.StatusTooManyRequests:
		f.Type, f.Code = invalidRequest, "rate_limit"
	case http.StatusConflict:
		f.Type, f.Code = invalidRequest, "lock_timeout"
	}
	return f.reply()
}

// unrouted answers what no operation serves.
func unrouted(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-Id", "req_"+rand.Text())
	f := &failure{Status: http.StatusNotFound, Type: invalidRequest, Message: "the simulator has no " + r.Method + " " + r.URL.Path}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	write(w, f.reply())
}
