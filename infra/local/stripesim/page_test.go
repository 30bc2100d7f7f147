package stripesim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
)

// browser returns a client that does not follow redirects, so that a test sees them.
func browser() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// A seen is an answer whose body was read.
type seen struct {
	status   int
	location string
	body     string
}

func (b *bench) do(method, path, media, body string) seen {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	resp, err := browser().Do(req)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		b.Fatal(err)
	}
	return seen{resp.StatusCode, resp.Header.Get("Location"), string(text)}
}

func (b *bench) get(path string) seen {
	b.Helper()
	return b.do(http.MethodGet, path, "", "")
}

func (b *bench) post(path string, form url.Values) seen {
	b.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

func (b *bench) postJSON(path, body string) seen {
	b.Helper()
	return b.do(http.MethodPost, path, "application/json", body)
}

// read decodes an answer as JSON.
func (r seen) read(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("reading %s: %v", r.body, err)
	}
}

// clear removes the faults with one effect.
func (b *bench) clear(do string) {
	b.Helper()
	var list []stripesim.Fault
	b.get("/sim/faults").read(b, &list)
	for _, f := range list {
		if f.Do == do {
			b.do(http.MethodDelete, "/sim/faults/"+f.ID, "", "")
		}
	}
}

// The hosted page pays with a card, with authentication if the card asks for it, once.
func TestPage_Pay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs := s.newSession()
	page := "/pay/" + cs.ID
	card := func(number string) url.Values { return url.Values{"card": {number}} }
	for _, step := range []struct {
		name     string
		got      func() seen
		status   int
		shows    string
		location string
	}{
		{"the page", func() seen { return b.get(page) }, 200, "Pay $49.00", ""},
		{"a declined card", func() seen { return b.post(page, card(stripesim.CardInsufficientFunds)) }, 402, "insufficient_funds", ""},
		{"an unknown card", func() seen { return b.post(page, card("4111")) }, 402, "Pay $49.00", ""},
		{"a card to authenticate", func() seen { return b.post(page, card(stripesim.CardAuthenticate)) }, 303, "", b.url + page + "/authenticate"},
		{"the bank's page", func() seen { return b.get(page + "/authenticate") }, 200, "Complete authentication", ""},
		{"failing authentication", func() seen { return b.post(page+"/authenticate", url.Values{"answer": {"fail"}}) }, 402, "Pay $49.00", ""},
		{"trying again", func() seen { return b.post(page, card(stripesim.CardAuthenticate)) }, 303, "", b.url + page + "/authenticate"},
		{
			"completing authentication", func() seen { return b.post(page+"/authenticate", url.Values{"answer": {"complete"}}) },
			303, "", "http://127.0.0.1:1/done?s=" + cs.ID,
		},
		{"the page once paid", func() seen { return b.get(page) }, 410, "is complete", ""},
		{"paying twice", func() seen { return b.post(page, card(stripesim.CardSuccess)) }, 410, "is complete", ""},
		{"a page of no session", func() seen { return b.get("/pay/cs_test_nothing") }, 404, "", ""},
	} {
		got := step.got()
		if got.status != step.status || !strings.Contains(got.body, step.shows) || got.location != step.location {
			t.Errorf("%s: %d to %q\n%s", step.name, got.status, got.location, got.body)
		}
	}
	if o := s.oracle(); o.Holds.Count != 1 {
		t.Errorf("oracle: %+v", o)
	}
}

func TestPage_Expired(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cs := b.shop(lake).newSession()
	b.advance(24 * time.Hour)
	if got := b.get("/pay/" + cs.ID); got.status != http.StatusGone || !strings.Contains(got.body, "expired") {
		t.Errorf("page: %d\n%s", got.status, got.body)
	}
}

// Faults, payments, ticks, webhooks and the oracle are reached over HTTP.
func TestControl_OverHTTP(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cs := b.shop(lake).newSession()

	var f stripesim.Fault
	if b.postJSON("/sim/faults", `{"do":"webhook_hold"}`).read(t, &f); f.ID == "" {
		t.Errorf("fault: %+v", f)
	}
	for path, body := range map[string]string{"/sim/faults": `{"do":"explode"}`, "/sim/pay": `{"cards":1}`} {
		if got := b.postJSON(path, body); got.status != http.StatusBadRequest {
			t.Errorf("%s %s: %+v", path, body, got)
		}
	}
	var p stripesim.Payment
	b.postJSON("/sim/pay", `{"session":"`+cs.ID+`","card":"4000002500003155","authenticate":true}`).read(t, &p)
	if p.IntentStatus != "requires_capture" {
		t.Errorf("paid: %+v", p)
	}
	var pending []stripesim.Delivery
	b.get("/sim/webhooks").read(t, &pending)
	if len(pending) != 5 || pending[0].Type != "payment_intent.created" || pending[0].Attempts != 0 {
		t.Errorf("pending: %+v", pending)
	}
	b.do(http.MethodDelete, "/sim/faults", "", "")
	b.postJSON("/sim/tick", "")
	if got := b.get("/sim/webhooks"); got.body != "[]" {
		t.Errorf("pending after the fault was cleared: %s", got.body)
	}
	var o stripesim.Oracle
	b.get("/sim/oracle?account="+lake).read(t, &o)
	if o.Held.Cents != 4900 || len(o.Intents) != 1 || o.Intents[0].Metadata["ref"] != "pay_1" {
		t.Errorf("oracle: %+v", o)
	}
	if got := b.get("/sim/oracle?account=acct_nowhere"); got.status != http.StatusNotFound {
		t.Errorf("oracle of no account: %+v", got)
	}
	if got := b.get("/v1/terminal/readers"); got.status != http.StatusNotFound || !strings.Contains(got.body, "invalid_request_error") {
		t.Errorf("a route that is not simulated: %+v", got)
	}
}
