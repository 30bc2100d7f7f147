package stripesim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// fits names the path of the first place where an object does not fit its schema.
func TestDescription_Fits(t *testing.T) {
	t.Parallel()
	d, err := stripeDescription()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := d.schema("balance")
	if err != nil {
		t.Fatal(err)
	}
	fitting := func() map[string]any {
		return map[string]any{
			"object": "balance", "livemode": false, "pending": []any{},
			"available": []any{map[string]any{"amount": 1.0, "currency": "usd"}},
		}
	}
	for _, test := range []struct {
		name, path string
		change     func(map[string]any)
	}{
		{"fitting", "", func(map[string]any) {}},
		{"with a field of a later version", "", func(m map[string]any) { m["later"] = 1.0 }},
		{"without a required field", "livemode", func(m map[string]any) { delete(m, "livemode") }},
		{"with a null where none may be", "livemode", func(m map[string]any) { m["livemode"] = nil }},
		{"with a value outside the list", "object", func(m map[string]any) { m["object"] = "purse" }},
		{"with a fraction of a cent", "available[0][amount]", func(m map[string]any) {
			m["available"] = []any{map[string]any{"amount": 1.5, "currency": "usd"}}
		}},
		{"with an object for a list", "pending", func(m map[string]any) { m["pending"] = map[string]any{} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := fitting()
			test.change(m)
			err := d.fits(schema, m)
			var v *violation
			if errors.As(err, &v) != (test.path != "") || v != nil && v.path != test.path {
				t.Errorf("got %v, want a violation at %q", err, test.path)
			}
		})
	}
}

// A reply that does not fit its schema is answered with 500, and its changes are
// dropped.
func TestAPI_ReplyDoesNotFit(t *testing.T) {
	t.Parallel()
	s, err := New(t.Context(), Options{
		Now:  func() time.Time { return time.Unix(1_767_225_600, 0) },
		Keys: []Key{{Secret: "sk_test_all", Allow: []string{"*"}}},
		Log:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h, err := s.api(route{http.MethodGet, "/v1/balance", "balance:read", func(ctx context.Context, t *tx, _ *call) (any, error) {
		return balanceReply{Object: "purse"}, t.put(ctx, &customer{ID: "cus_1", Object: kindCustomer}, 0)
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/v1/balance", nil)
	r.Header.Set("Authorization", "Bearer sk_test_all")
	w := httptest.NewRecorder()
	h(w, r)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "does not fit") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	err = s.update(t.Context(), Platform, origin{}, func(ctx context.Context, t *tx) error {
		return t.get(ctx, kindCustomer, "cus_1", "", new(customer))
	})
	var clientErr *failure
	if !errors.As(err, &clientErr) || clientErr.Status != http.StatusNotFound {
		t.Errorf("what the failed request wrote: %v, want nothing", err)
	}
}

// No form makes the simulator answer with 5xx.
func FuzzCreateSession_Form(f *testing.F) {
	s, err := New(f.Context(), Options{
		Now:  func() time.Time { return time.Unix(1_767_225_600, 0) },
		Keys: []Key{{Secret: "sk_test_all", Allow: []string{"*"}}},
		Log:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	const line = "mode=payment&success_url=http://a/&line_items[0][quantity]=1&line_items[0][price_data][currency]=usd&" +
		"line_items[0][price_data][unit_amount]=4900&line_items[0][price_data][product_data][name]=Visit"
	for _, form := range []string{
		"", line, line + "&expand[]=customer&expand[0]=x", "a[]=1&a[b]=2", "a[b]=1&a=2", "[]=1", "a[", "line_items[99999][quantity]=1",
		"line_items=1&line_items[0][quantity]=1", "metadata=", "metadata[a][b]=1", "mode=payment&mode[]=x", "%", "a[][b]=1&a[][]=2", "expand[0][x]=1",
	} {
		f.Add(form)
	}
	f.Fuzz(func(t *testing.T, form string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/checkout/sessions", strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer sk_test_all")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}

// No form makes another operation answer with 5xx.
func FuzzPost_Form(f *testing.F) {
	s, err := New(f.Context(), Options{
		Now:  func() time.Time { return time.Unix(1_767_225_600, 0) },
		Keys: []Key{{Secret: "sk_test_all", Allow: []string{"*"}}},
		Log:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	var posts []string
	for _, rt := range routes {
		if rt.method != http.MethodGet {
			posts = append(posts, rt.method+" "+pathID.ReplaceAllString(rt.path, "x"))
		}
	}
	for i := range posts {
		for _, form := range []string{
			"", "metadata=", "metadata[a]=", "expand[]=x", "active=maybe", "customer=cus_1&configuration=", "name=x&active=false",
			"currency=usd&unit_amount=1&recurring[interval]=year&recurring[interval_count]=-1&product_data[name]=", "items[0][id]=&items[0][quantity]=-1",
			"amount=50&currency=usd&confirm=true&off_session=true&customer=a&payment_method=b", "amount=1e9&currency=usd&off_session=one_off",
			"features[subscription_cancel][enabled]=true&business_profile[headline]=", "invoice_now=true&prorate=true",
			"mode=subscription&success_url=http://a/&line_items[0][price]=p&line_items[0][quantity]=1&subscription_data[metadata][a]=b",
		} {
			f.Add(i, form)
		}
	}
	f.Fuzz(func(t *testing.T, at int, form string) {
		method, path, _ := strings.Cut(posts[uint(at)%uint(len(posts))], " ")
		r := httptest.NewRequest(method, path, strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer sk_test_all")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s answered %d %s", method, path, w.Code, w.Body)
		}
	})
}

func BenchmarkSim_SessionToCapture(b *testing.B) {
	s, err := New(b.Context(), Options{
		Now: time.Now, DB: b.TempDir() + "/stripe.db", Accounts: []string{"acct_1"},
		Keys: []Key{{Secret: "sk_test_all", Allow: []string{"*"}}}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	post := func(path, form string) string {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer sk_test_all")
		r.Header.Set("Stripe-Account", "acct_1")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
		_, id, _ := strings.Cut(w.Body.String(), `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		return id
	}
	for b.Loop() {
		cs := post("/v1/checkout/sessions", "mode=payment&success_url=http://127.0.0.1/&line_items[0][quantity]=1&"+
			"line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=4900&"+
			"line_items[0][price_data][product_data][name]=Visit&payment_intent_data[capture_method]=manual")
		p, err := s.Pay(b.Context(), cs, CardSuccess, nil)
		if err != nil {
			b.Fatal(err)
		}
		post("/v1/payment_intents/"+p.Intent+"/capture", "")
	}
}
