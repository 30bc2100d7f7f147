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

// A route is one operation of Stripe's API: its path in the description's form, and
// the permission that a key needs.
type route struct {
	method, path, permission string
	serve                    func(context.Context, *tx, *call) (any, error)
}

var routes = []route{
	{http.MethodPost, "/v1/payment_intents", "payment_intents:write", createIntent},
	{http.MethodGet, "/v1/payment_methods", "payment_methods:read", listMethods},
	{http.MethodGet, "/v1/payment_methods/{payment_method}", "payment_methods:read", getMethod},
	{http.MethodPost, "/v1/payment_methods/{payment_method}/detach", "payment_methods:write", detachMethod},
	{http.MethodPost, "/v1/customers/{customer}", "customers:write", updateCustomer},
	{http.MethodGet, "/v1/customers/{customer}/payment_methods", "payment_methods:read", listCustomersMethods},
	{http.MethodPost, "/v1/products", "products:write", createProduct},
	{http.MethodGet, "/v1/products", "products:read", listProducts},
	{http.MethodGet, "/v1/products/{id}", "products:read", getProduct},
	{http.MethodPost, "/v1/products/{id}", "products:write", updateProduct},
	{http.MethodPost, "/v1/prices", "prices:write", createPrice},
	{http.MethodGet, "/v1/prices", "prices:read", listPrices},
	{http.MethodGet, "/v1/prices/{price}", "prices:read", getPrice},
	{http.MethodPost, "/v1/prices/{price}", "prices:write", updatePrice},
	{http.MethodGet, "/v1/subscriptions", "subscriptions:read", listSubscriptions},
	{http.MethodGet, "/v1/subscriptions/{subscription_exposed_id}", "subscriptions:read", getSubscription},
	{http.MethodPost, "/v1/subscriptions/{subscription_exposed_id}", "subscriptions:write", updateSubscription},
	{http.MethodDelete, "/v1/subscriptions/{subscription_exposed_id}", "subscriptions:write", cancelSubscription},
	{http.MethodGet, "/v1/invoices", "invoices:read", listInvoices},
	{http.MethodGet, "/v1/invoices/{invoice}", "invoices:read", getInvoice},
	{http.MethodGet, "/v1/invoices/{invoice}/lines", "invoices:read", listInvoiceLines},
	{http.MethodPost, "/v1/invoices/{invoice}/pay", "invoices:write", payInvoice},
	{http.MethodGet, "/v1/invoiceitems", "invoices:read", listInvoiceItems},
	{http.MethodPost, "/v1/billing_portal/configurations", "billing_portal:write", createPortalSettings},
	{http.MethodGet, "/v1/billing_portal/configurations", "billing_portal:read", listPortalSettings},
	{http.MethodGet, "/v1/billing_portal/configurations/{configuration}", "billing_portal:read", getPortalSettings},
	{http.MethodPost, "/v1/billing_portal/configurations/{configuration}", "billing_portal:write", updatePortalSettings},
	{http.MethodPost, "/v1/billing_portal/sessions", "billing_portal:write", createPortal},
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
	{http.MethodGet, "/v1/radar/early_fraud_warnings", "radar:read", listWarnings},
	{http.MethodGet, "/v1/radar/early_fraud_warnings/{early_fraud_warning}", "radar:read", getWarning},
	{http.MethodPost, "/v1/customers", "customers:write", createCustomer},
	{http.MethodGet, "/v1/customers", "customers:read", listCustomers},
	{http.MethodGet, "/v1/customers/{customer}", "customers:read", getCustomer},
	{http.MethodGet, "/v1/balance", "balance:read", getBalance},
	{http.MethodGet, "/v1/balance_transactions", "balance_transactions:read", listTransactions},
	{http.MethodGet, "/v1/balance_transactions/{id}", "balance_transactions:read", getTransaction},
	{http.MethodGet, "/v1/application_fees", "application_fees:read", listFees},
	{http.MethodGet, "/v1/application_fees/{id}", "application_fees:read", getFee},
	{http.MethodPost, "/v1/payouts", "payouts:write", createPayout},
	{http.MethodGet, "/v1/payouts", "payouts:read", listPayouts},
	{http.MethodGet, "/v1/payouts/{payout}", "payouts:read", getPayout},
	{http.MethodGet, "/v1/disputes", "disputes:read", listDisputes},
	{http.MethodGet, "/v1/disputes/{dispute}", "disputes:read", getDispute},
	{http.MethodPost, "/v1/disputes/{dispute}", "disputes:write", updateDispute},
	{http.MethodPost, "/v1/disputes/{dispute}/close", "disputes:write", closeDispute},
	{http.MethodGet, "/v1/events", "events:read", listEvents},
	{http.MethodGet, "/v1/events/{id}", "events:read", getEvent},
	{http.MethodPost, "/v1/webhook_endpoints", "webhook_endpoints:write", createEndpoint},
	{http.MethodGet, "/v1/webhook_endpoints", "webhook_endpoints:read", listEndpoints},
	{http.MethodGet, "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_endpoints:read", getEndpoint},
	{http.MethodPost, "/v1/webhook_endpoints/{webhook_endpoint}", "webhook_endpoints:write", updateEndpoint},
	{http.MethodGet, "/v1/account", "accounts:read", getAccount},
	{http.MethodGet, "/v1/accounts/{account}", "accounts:read", getAccount},
	{http.MethodGet, "/v1/accounts", "accounts:read", listAccounts},
	{http.MethodPost, "/v1/accounts", "accounts:write", createAccount},
	{http.MethodPost, "/v1/account_links", "account_links:write", createAccountLink},
}

// A call is one request, with parameters of the description's types.
type call struct {
	id     string // id of the object in the path
	path   string
	params map[string]any
	expand []string
}

// decode reads the call's parameters into p. A parameter that p does not have is
// refused although Stripe accepts it, so that no caller relies on an effect that is
// not simulated.
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

// maxBody is the most that is read of a request.
const maxBody = 1 << 20

var pathID = regexp.MustCompile(`\{(\w+)\}`)

// api returns the handler of one operation.
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
		s.calls.Add(1)
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
			closeWithoutAnswer(w)
			return
		}
		req := &request{Sim: s, route: rt, op: op, id: id, key: key, account: account, trouble: trouble}
		if idName != "" {
			req.call.id = r.PathValue(idName)
		}
		out := req.answer(w, r)
		if trouble.loseAnswer {
			closeWithoutAnswer(w)
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

// A request is the state of one call while the simulator handles it.
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
	out, err := q.handle(w, r)
	if err == nil {
		return out
	}
	var clientErr *failure
	if !errors.As(err, &clientErr) {
		q.opt.Log.ErrorContext(r.Context(), "stripe simulator failed", "request", q.id, "method", r.Method, "path", r.URL.Path, "err", err)
		clientErr = &failure{Status: http.StatusInternalServerError, Type: apiTrouble, Message: "stripe simulator: " + err.Error()}
	}
	return clientErr.reply()
}

func (f *failure) reply() *reply {
	body, err := json.Marshal(map[string]any{"error": f})
	if err != nil {
		body = []byte(`{"error":{"type":"api_error","message":"this error cannot be shown"}}`)
	}
	return &reply{status: f.Status, body: body}
}

// handle checks the key, reads the parameters, marks the idempotency key as in use,
// and then acts or replays the stored reply.
func (q *request) handle(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if err := q.authorize(r); err != nil {
		return nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	params, err := q.params(r, q.op.request)
	if err != nil {
		return nil, err
	}
	if err := q.readParams(r, params); err != nil {
		return nil, err
	}
	unlock, err := q.lockKey(q.account, q.key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	q.pause(q.trouble.delay)
	if err := q.expireDue(r.Context()); err != nil {
		return nil, err
	}
	return q.actOnce(r.Context())
}

// readParams sets the request's hash and the call's parameters.
func (q *request) readParams(r *http.Request, params map[string]any) (err error) {
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

// authorize checks the key and the key's permission for the operation.
func (q *request) authorize(r *http.Request) error {
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

// pause waits for d of real time, even if the caller has hung up, because the call
// then still acts.
func (s *Sim) pause(d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-s.stopped:
	}
}

// actOnce returns the reply stored under the idempotency key, or acts and stores the
// reply, in one transaction.
func (q *request) actOnce(ctx context.Context) (*reply, error) {
	from := origin{ID: &q.id}
	if q.key != "" {
		from.Key = &q.key
	}
	var out *reply
	err := q.update(ctx, q.account, from, func(ctx context.Context, t *tx) error {
		connected, err := t.connected(ctx, q.account)
		if err != nil {
			return err
		}
		if !connected {
			return noAccess(q.account)
		}
		if q.key != "" {
			if out, err = t.loadReply(ctx, q.key, q.hash); out != nil || err != nil {
				return err
			}
		}
		if out, err = q.act(ctx, t); err != nil {
			return err
		}
		if q.key == "" || out.status == http.StatusConflict || out.status == http.StatusTooManyRequests {
			return nil
		}
		return t.storeReply(ctx, q.key, q.hash, out)
	})
	return out, err
}

// act runs the operation and returns its result or failure as a reply, which must fit
// Stripe's description.
func (q *request) act(ctx context.Context, t *tx) (*reply, error) {
	if q.trouble.status != 0 {
		return faultReply(q.trouble.status), nil
	}
	result, err := q.route.serve(ctx, t, &q.call)
	var clientErr *failure
	if errors.As(err, &clientErr) {
		return q.encodeReply(q.op.failure, clientErr.Status, map[string]any{"error": clientErr})
	}
	if err != nil {
		return nil, err
	}
	shown, err := t.render(result)
	if err != nil {
		return nil, err
	}
	if err := t.expandAll(ctx, shown, q.call.expand); errors.As(err, &clientErr) {
		return clientErr.reply(), nil
	} else if err != nil {
		return nil, err
	}
	return q.encodeReply(q.op.reply, http.StatusOK, shown)
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

// unrouted answers requests of operations that are not simulated.
func unrouted(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-Id", "req_"+rand.Text())
	f := &failure{Status: http.StatusNotFound, Type: invalidRequest, Message: "the simulator has no " + r.Method + " " + r.URL.Path}
	_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, maxBody))
	write(w, f.reply())
}
