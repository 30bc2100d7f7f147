package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/issuer"
)

// A provider is the issuer of a house, which may be down, and what it was asked.
type provider struct {
	*issuer.Issuer
	url string

	mu      sync.Mutex
	up      bool
	paths   []string
	forms   []url.Values // of exchanges
	refresh []string     // every refresh token it gave
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	up := p.up
	p.paths = append(p.paths, r.URL.Path)
	p.mu.Unlock()
	if !up {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_ = r.ParseForm() // the issuer judges it
	rec := httptest.NewRecorder()
	p.Issuer.ServeHTTP(rec, r)
	var given struct {
		Refresh string `json:"refresh_token"`
	}
	if r.URL.Path == "/token" && json.Unmarshal(rec.Body.Bytes(), &given) == nil {
		p.mu.Lock()
		p.forms = append(p.forms, r.PostForm)
		if given.Refresh != "" {
			p.refresh = append(p.refresh, given.Refresh)
		}
		p.mu.Unlock()
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

func (p *provider) answers(up bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = up
}

// asked is how often a path was asked for.
func (p *provider) asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(" "+strings.Join(p.paths, "  ")+" ", " "+path+" ")
}

// exchanges is how many refresh tokens it was asked to exchange.
func (p *provider) exchanges() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, f := range p.forms {
		if f.Get("grant_type") == "refresh_token" {
			n++
		}
	}
	return n
}

func (p *provider) lastRefresh() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refresh) == 0 {
		return ""
	}
	return p.refresh[len(p.refresh)-1]
}

// post sends a form to the provider, as the relying party.
func (p *provider) post(t *testing.T, path string, form url.Values) int {
	t.Helper()
	form.Set("client_id", clientID)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(form.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	must(t, err)
	must(t, res.Body.Close())
	return res.StatusCode
}

func (p *provider) redeems(t *testing.T, token string) bool {
	t.Helper()
	return p.post(t, "/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}) == http.StatusOK
}

// forgetAll ends every sign-in at the provider, as its operator may.
func (p *provider) forgetAll(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	given := p.refresh
	p.mu.Unlock()
	for _, token := range given {
		p.post(t, "/oauth2/revoke", url.Values{"token": {token}})
	}
}

// stored is all rows, as text.
func (h *house) stored(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	pages := dynamodb.NewScanPaginator(h.db, &dynamodb.ScanInput{TableName: &h.table})
	for pages.HasMorePages() {
		out, err := pages.NextPage(t.Context())
		must(t, err)
		for _, i := range out.Items {
			for _, v := range i {
				switch v := v.(type) {
				case *types.AttributeValueMemberS:
					fmt.Fprintln(&b, v.Value)
				case *types.AttributeValueMemberB:
					fmt.Fprintln(&b, string(v.Value))
				}
			}
		}
	}
	return b.String()
}
