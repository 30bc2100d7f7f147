package stripesim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/infra/local/stripesim"
)

// A browser stays where it is sent, so that a test sees the sending.
func browser() *http.Client {
	return &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (b *bench) do(method, path, media, body string) (*http.Response, string) {
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
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return resp, string(text)
}

func (b *bench) post(path string, form url.Values) (*http.Response, string) {
	b.Helper()
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode())
}

// clear ends one kind of fault, through the control interface.
func (b *bench) clear(do string) {
	b.Helper()
	_, body := b.do(http.MethodGet, "/sim/faults", "", "")
	var list []stripesim.Fault
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		b.Fatal(err)
	}
	for _, f := range list {
		if f.Do == do {
			b.do(http.MethodDelete, "/sim/faults/"+f.ID, "", "")
		}
	}
}

func TestThePageTakesACard(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs := s.open(4900)
	page := "/pay/" + cs.ID
	if resp, body := b.do(http.MethodGet, page, "", ""); resp.StatusCode != 200 || !strings.Contains(body, "Pay $49.00") {
		t.Errorf("page: %d\n%s", resp.StatusCode, body)
	}
	resp, body := b.post(page, url.Values{"card": {stripesim.CardInsufficientFunds}})
	if resp.StatusCode != http.StatusPaymentRequired || !strings.Contains(body, "insufficient_funds") || !strings.Contains(body, "Pay $49.00") {
		t.Errorf("after a declined card: %d\n%s", resp.StatusCode, body)
	}
	if resp, body = b.post(page, url.Values{"card": {"4111"}}); resp.StatusCode != http.StatusPaymentRequired || !strings.Contains(body, "Pay $49.00") {
		t.Errorf("after an unknown card: %d\n%s", resp.StatusCode, body)
	}
	if resp, _ = b.post(page, url.Values{"card": {stripesim.CardAuthenticate}}); resp.Header.Get("Location") != b.url+page+"/authenticate" {
		t.Errorf("asked to authenticate: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, body = b.do(http.MethodGet, page+"/authenticate", "", ""); !strings.Contains(body, "Complete authentication") {
		t.Errorf("authentication page: %d\n%s", resp.StatusCode, body)
	}
	if resp, body = b.post(page+"/authenticate", url.Values{"answer": {"fail"}}); resp.StatusCode != http.StatusPaymentRequired || !strings.Contains(body, "Pay $49.00") {
		t.Errorf("after failing to authenticate: %d\n%s", resp.StatusCode, body)
	}
	b.post(page, url.Values{"card": {stripesim.CardAuthenticate}})
	resp, _ = b.post(page+"/authenticate", url.Values{"answer": {"complete"}})
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "http://127.0.0.1:1/done?s="+cs.ID {
		t.Errorf("paid: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, body = b.do(http.MethodGet, page, "", ""); resp.StatusCode != http.StatusGone || !strings.Contains(body, "complete") {
		t.Errorf("page of a paid session: %d\n%s", resp.StatusCode, body)
	}
	if resp, _ = b.post(page, url.Values{"card": {stripesim.CardSuccess}}); resp.StatusCode != http.StatusGone {
		t.Errorf("paying twice: %d", resp.StatusCode)
	}
	if o := s.oracle(); o.Holds.Count != 1 {
		t.Errorf("oracle: %+v", o)
	}
	if resp, _ = b.do(http.MethodGet, "/pay/cs_test_nothing", "", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("no such page: %d", resp.StatusCode)
	}
}

func TestAnExpiredPageSaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	cs := b.shop(lake).open(4900)
	b.advance(24 * time.Hour)
	if resp, body := b.do(http.MethodGet, "/pay/"+cs.ID, "", ""); resp.StatusCode != http.StatusGone || !strings.Contains(body, "expired") {
		t.Errorf("page: %d\n%s", resp.StatusCode, body)
	}
}

func TestScriptsDriveItOverHTTP(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	cs := s.open(4900)
	const media = "application/json"

	if resp, body := b.do(http.MethodPost, "/sim/faults", media, `{"do":"webhook_hold"}`); resp.StatusCode != 200 || !strings.Contains(body, `"id":"fault_1"`) {
		t.Errorf("fault: %d %s", resp.StatusCode, body)
	}
	for path, body := range map[string]string{"/sim/faults": `{"do":"explode"}`, "/sim/pay": `{"cards":1}`} {
		if resp, _ := b.do(http.MethodPost, path, media, body); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: %d", path, body, resp.StatusCode)
		}
	}
	var p stripesim.Payment
	_, body := b.do(http.MethodPost, "/sim/pay", media, `{"session":"`+cs.ID+`","card":"4000002500003155","authenticate":true}`)
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.IntentStatus != "requires_capture" {
		t.Errorf("pay: %s, %v", body, err)
	}
	var pending []stripesim.Delivery
	_, body = b.do(http.MethodGet, "/sim/webhooks", "", "")
	if err := json.Unmarshal([]byte(body), &pending); err != nil || len(pending) != 5 || pending[0].Type != "payment_intent.created" || pending[0].Attempts != 0 {
		t.Errorf("pending: %s, %v", body, err)
	}
	b.do(http.MethodDelete, "/sim/faults", "", "")
	b.do(http.MethodPost, "/sim/tick", media, "")
	if _, body = b.do(http.MethodGet, "/sim/webhooks", "", ""); body != "[]" {
		t.Errorf("pending after release: %s", body)
	}
	var o stripesim.Oracle
	_, body = b.do(http.MethodGet, "/sim/oracle?account="+lake, "", "")
	if err := json.Unmarshal([]byte(body), &o); err != nil || o.Held.Cents != 4900 || o.Intents[0].Metadata["ref"] != "pay_1" {
		t.Errorf("oracle: %s, %v", body, err)
	}
	if resp, _ := b.do(http.MethodGet, "/sim/oracle?account=acct_nowhere", "", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("oracle of nobody: %d", resp.StatusCode)
	}
	if resp, body := b.do(http.MethodGet, "/v1/disputes", "", ""); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "invalid_request_error") {
		t.Errorf("what is not simulated: %d %s", resp.StatusCode, body)
	}
}
