package stripesim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stripe/stripe-mock/spec"
)

// A page is one page of a list in Stripe's form.
type page struct {
	Object  string `json:"object"`
	Data    []any  `json:"data"`
	HasMore bool   `json:"has_more"`
	URL     string `json:"url"`
}

// render returns the JSON of an object that a client sees.
func (t *tx) render(v any) (map[string]any, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	var shown map[string]any
	if err := json.Unmarshal(body, &shown); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	t.forClient(shown)
	if data, ok := shown["data"].([]any); ok {
		for _, item := range data {
			if m, ok := item.(map[string]any); ok {
				t.forClient(m)
			}
		}
	}
	return shown, nil
}

// forClient removes the simulator's own fields and sets the page's address, which
// depends on where the simulator runs.
func (t *tx) forClient(shown map[string]any) {
	delete(shown, "_sim")
	if shown["object"] == kindTransaction {
		t.showStatus(shown)
		if shown["source"] == "" {
			shown["source"] = nil
		}
	}
	if moved, ok := shown["balance_transactions"].([]any); ok {
		for _, x := range moved {
			if m, ok := x.(map[string]any); ok {
				t.forClient(m)
			}
		}
	}
	if shown["object"] == kindSession && shown["status"] == sessionOpen {
		shown["url"] = t.sim.baseURL + "/pay/" + fmt.Sprint(shown["id"])
	}
	if shown["object"] == kindInvoice && shown["status"] != invoiceDraft {
		shown["hosted_invoice_url"] = t.sim.baseURL + "/invoice/" + fmt.Sprint(shown["id"])
	}
	if shown["object"] == kindPortal {
		shown["url"] = t.sim.baseURL + "/portal/" + fmt.Sprint(shown["id"])
	}
}

// encodeReply encodes a reply. A reply that does not fit its schema is a bug of the
// simulator and an error.
func (q *request) encodeReply(s *spec.Schema, status int, v map[string]any) (*reply, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding reply: %w", err)
	}
	var plain map[string]any
	if err := json.Unmarshal(body, &plain); err != nil {
		return nil, fmt.Errorf("encoding reply: %w", err)
	}
	if err := q.description.fits(s, plain); err != nil {
		return nil, fmt.Errorf("reply to %s %s does not fit stripe's description: %w", q.route.method, q.call.path, err)
	}
	return &reply{status: status, body: body}, nil
}

// fits returns an error if an object does not fit its schema.
func (s *Sim) fits(kind string, shown map[string]any) error {
	schema, err := s.schema(kind)
	if err != nil {
		return err
	}
	return s.description.fits(schema, shown)
}

// list serves a list operation: newest first, filtered by equality of the named fields
// and by creation time.
func (t *tx) list(ctx context.Context, c *call, kind string, filters ...string) (any, error) {
	params := map[string]any{}
	want := map[string]string{}
	for name, v := range c.params {
		if text, ok := v.(string); ok && slices.Contains(filters, name) {
			want[name] = text
		} else {
			params[name] = v
		}
	}
	return t.listWhere(ctx, &call{path: c.path, params: params}, kind, func(o map[string]any) bool { return hasAll(o, want) })
}

// listWhere is list with a filter of its own.
func (t *tx) listWhere(ctx context.Context, c *call, kind string, wanted func(map[string]any) bool) (any, error) {
	var p struct {
		Limit         int    `json:"limit"`
		StartingAfter string `json:"starting_after"`
		Created       any    `json:"created"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if p.Limit < 0 || p.Limit > 100 {
		return nil, invalid("parameter_invalid_integer", "limit", "limit is from 1 to 100")
	}
	between, err := parseCreated(p.Created)
	if err != nil {
		return nil, err
	}
	query, args := `SELECT body FROM objects WHERE account = ? AND kind = ?`, []any{t.account, kind}
	if kind == kindAccount { // an account is its own object, and the platform lists them
		query, args = `SELECT body FROM objects WHERE kind = ?`, []any{kind}
	}
	if p.StartingAfter != "" {
		owner := *t
		if kind == kindAccount {
			owner.account = p.StartingAfter
		}
		if err := owner.exists(ctx, kind, p.StartingAfter); err != nil {
			return nil, err
		}
		query, args = query+` AND seq < (SELECT seq FROM objects WHERE id = ?)`, append(args, p.StartingAfter)
	}
	out := page{Object: "list", URL: c.path, Data: []any{}}
	err = t.each(ctx, query+` ORDER BY seq DESC`, args, func(body string) (bool, error) {
		var o map[string]any
		if err := json.Unmarshal([]byte(body), &o); err != nil {
			return false, fmt.Errorf("decoding %s: %w", kind, err)
		}
		if !wanted(o) || !between.contains(o["created"]) {
			return true, nil
		}
		if len(out.Data) == limitOr(p.Limit) {
			out.HasMore = true
			return false, nil
		}
		out.Data = append(out.Data, o)
		return true, nil
	})
	return out, err
}

func limitOr(limit int) int {
	if limit == 0 {
		return 10
	}
	return limit
}

func (t *tx) exists(ctx context.Context, kind, id string) error {
	found, err := t.bodies(ctx, `SELECT id FROM objects WHERE id = ? AND account = ? AND kind = ?`, id, t.account, kind)
	if err == nil && len(found) == 0 {
		err = missing(kind, id, "starting_after")
	}
	return err
}

func hasAll(o map[string]any, want map[string]string) bool {
	for name, value := range want {
		if o[name] != value {
			return false
		}
	}
	return true
}

// A span is a range of creation times, by Stripe's names of its bounds.
type span map[string]float64

func parseCreated(v any) (span, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case float64:
		return span{"gte": v, "lte": v}, nil
	case map[string]any:
		out := span{}
		for op, at := range v {
			n, ok := at.(float64)
			if !ok {
				return nil, invalid("parameter_invalid_integer", "created["+op+"]", "not a time")
			}
			out[op] = n
		}
		return out, nil
	default:
		return nil, invalid("", "created", "not a time or a range of times")
	}
}

func (s span) contains(v any) bool {
	at, _ := v.(float64)
	for op, bound := range s {
		ok := map[string]bool{"gt": at > bound, "gte": at >= bound, "lt": at < bound, "lte": at <= bound}[op]
		if !ok {
			return false
		}
	}
	return true
}

// anyKind is in expandable the kind of a field that may have objects of several.
const anyKind = ""

// expandable are the fields that can be expanded, with the kinds of their objects.
var expandable = map[string]string{
	"application_fee":        kindFee,
	"balance_transaction":    kindTransaction,
	"charge":                 kindCharge,
	"customer":               kindCustomer,
	"default_payment_method": kindMethod,
	"dispute":                kindDispute,
	failureBooking:           kindTransaction,
	"invoice":                kindInvoice,
	"latest_charge":          kindCharge,
	"latest_invoice":         kindInvoice,
	"payment_intent":         kindIntent,
	"payment_method":         kindMethod,
	"product":                kindProduct,
	"source":                 anyKind,
	"subscription":           kindSubscription,
}

// expandAll replaces ids by their objects, for paths such as
// latest_charge.balance_transaction or data.customer.
func (t *tx) expandAll(ctx context.Context, shown map[string]any, paths []string) error {
	for _, path := range paths {
		if err := t.expand(ctx, shown, path, path); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) expand(ctx context.Context, in map[string]any, path, whole string) error {
	field, rest, deeper := strings.Cut(path, ".")
	if list, ok := in[field].([]any); ok && field == "data" && deeper {
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				if err := t.expand(ctx, m, rest, whole); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := t.expandField(ctx, in, field, whole); err != nil {
		return err
	}
	if inner, ok := in[field].(map[string]any); ok && deeper {
		return t.expand(ctx, inner, rest, whole)
	}
	return nil
}

func (t *tx) expandField(ctx context.Context, in map[string]any, field, whole string) error {
	if field == "line_items" && in["object"] == kindSession {
		var s session
		if err := t.get(ctx, kindSession, fmt.Sprint(in["id"]), "session", &s); err != nil {
			return err
		}
		items, err := t.render(s.lineItems())
		in[field] = items
		return err
	}
	if field == "refunds" && in["object"] == kindCharge {
		if _, shown := in[field]; shown {
			return nil
		}
		refunds, err := t.refundsOf(ctx, fmt.Sprint(in["id"]))
		in[field] = refunds
		return err
	}
	kind, known := expandable[field]
	value, present := in[field]
	if !present && field == failureBooking && in["object"] == kindRefund {
		return nil // it has not failed
	}
	if !known || !present {
		return invalid("", "expand", "this property cannot be expanded: "+whole)
	}
	id, ok := value.(string)
	if !ok {
		return nil // the field is absent or already expanded
	}
	bodies, err := t.bodies(ctx, `SELECT body FROM objects WHERE id = ? AND account = ? AND ? IN (kind, '')`, id, t.account, kind)
	if err != nil {
		return err
	}
	if len(bodies) == 0 {
		return missing(kind, id, "expand")
	}
	shown, err := t.render(json.RawMessage(bodies[0]))
	in[field] = shown
	return err
}
