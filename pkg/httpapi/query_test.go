package httpapi_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/httpapi"
)

// asks is who may ask an endpoint of lists or parameters, and a valid query.
var asks = map[string]struct{ as, query string }{
	"listForms":       {"jane-smith", "patient=jane-smith"},
	"listVisits":      {"jane-smith", "limit=1"},
	"listPatients":    {"sam-lee", "limit=1"},
	"listQueue":       {"ana-rivera", "limit=1"},
	"listAccess":      {"jane-smith", "limit=1"},
	"getRecord":       {"jane-smith", "limit=1"},
	"exportLog":       {"ada-brooks", ""},
	"getMoney":        {"ada-brooks", "from=2026-03-01&to=2026-03-02"},
	"listEntries":     {"ada-brooks", "from=2026-03-01&to=2026-03-02&limit=1"},
	"exportEntries":   {"ada-brooks", "from=2026-03-01&to=2026-03-02"},
	"exportRows":      {"ada-brooks", ""},
	"getMembership":   {"jane-smith", "patient=jane-smith"},
	"listPayments":    {"jane-smith", "year=2026"},
	"getTrail":        {"jane-smith", ""},
	"checkAnswers":    {"jane-smith", "birth_date=1990-05-01&sex=female"},
	"saveAnswers":     {"jane-smith", "confirm=urgent"},
	"compareVersions": {"ada-brooks", "from=0.2.0-common-0.2.0&to=0.2.0-common-0.2.0"},
}

// Each parameter of each endpoint that has any, mangled in every way: a clear
// refusal that names the parameter, never the beginning or the end of a list.
func TestQuery_MangledIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.closed(t)
	filled := strings.NewReplacer("{name}", "uti-women", "{id}", w.draft(t).ID)
	w.moved.Add(int64(5 * time.Minute))
	if _, err := w.sign.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := audit.Record{At: w.now().Add(time.Hour), ID: "x"}.Position()
	mangled := map[string][]string{
		"":           {"\x00", "a\nb", "\xff", strings.Repeat("2", 5000)}, // any
		"cursor":     {"x", "AAAA", base64.RawURLEncoding.EncodeToString([]byte("20260302T150000.000Zabc"))},
		"limit":      {"0", "-1", "101", "1e1", "x", "99999999999999999999"},
		"after":      {"0", "2026", "zzz", "é", "20260302T150000.000Z", "20260302T150000.000Z#", "20261302T150000.000Z#a", "20260302T150000.000Z#" + strings.Repeat("a", 200), later},
		"birth_date": {"yesterday", "1990-13-01", "19900501"},
		"money from": {"yesterday", "20260301", "1999-12-31"},
		"money to":   {"yesterday", "2026-02-28", "2027-01-01"},
		"figure":     {"holds", "Fees"},
		"way":        {"cash"},
		"sex":        {"f", "Female"},
		"confirm":    {"emergency", "continue", "true", "Urgent"},
	}
	for _, e := range httpapi.Endpoints() {
		names := parametersOf(e)
		ask, listed := asks[e.ID]
		if (len(names) > 0) != listed {
			t.Errorf("%s has the parameters %v, and the test asks for it: %t", e.ID, names, listed)
		}
		if !listed {
			continue
		}
		t.Run(e.ID, func(t *testing.T) {
			with := func(query string) call {
				c := call{as: ask.as, method: e.Method, path: filled.Replace(e.Path) + "?" + query}
				if e.Method != http.MethodGet {
					c.body = `{"resourceType":"QuestionnaireResponse"}`
				}
				return c
			}
			for _, name := range names {
				wrong := slices.Concat(mangled[""], mangled[name])
				if strings.HasPrefix(e.Path, "/practice/money") {
					wrong = append(wrong, mangled["money "+name]...)
				}
				for _, value := range wrong {
					good, err := url.ParseQuery(ask.query)
					if err != nil {
						t.Fatal(err)
					}
					good.Set(name, value)
					p := refused(t, send(t, w.bare, with(good.Encode())), http.StatusUnprocessableEntity, "invalid_request")
					if d := cmp.Diff([]string{name}, wheres(p.Problems)); d != "" {
						t.Errorf("%s=%.40q (-want +got):\n%s", name, value, d)
					}
				}
				refused(t, send(t, w.bare, with(name+"=1&"+name+"=1")), http.StatusUnprocessableEntity, "invalid_request")
			}
			for _, query := range []string{"state=x", "Cursor=x", "%zz", "a;b", "=1"} {
				refused(t, send(t, w.bare, with(query)), http.StatusUnprocessableEntity, "invalid_request")
			}
		})
	}
	refused(t, send(t, w.bare, call{as: "jane-smith", method: "GET", path: "/me?since=2026"}), http.StatusUnprocessableEntity, "invalid_request")
}

func parametersOf(e *httpapi.Endpoint) (names []string) {
	for _, q := range e.Query {
		names = append(names, q.Name)
	}
	if e.Paged {
		names = append(names, "cursor", "limit")
	}
	return names
}

// A cursor is good for the list that gave it, and for who asked for that.
func TestCursor_OfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		w.queued(t)
	}
	next := func(as, path string) string {
		var page struct{ Next string }
		w.do(t, call{as: as, method: "GET", path: path}, &page)
		if page.Next == "" {
			t.Fatalf("%s has no second page for %s", path, as)
		}
		return page.Next
	}
	own, queue := next("jane-smith", "/visits?limit=1"), next("ana-rivera", "/queue?limit=1")
	for _, c := range []struct {
		as, path string
		ok       bool
	}{
		{"jane-smith", "/visits?cursor=" + own, true},
		{"ana-rivera", "/queue?cursor=" + queue, true},
		{"jane-smith", "/visits?cursor=" + queue, false},
		{"ana-rivera", "/queue?cursor=" + own, false},
		{"ben-chen", "/queue?cursor=" + queue, false},    // a colleague's
		{"omar-haddad", "/queue?cursor=" + queue, false}, // of another practice
		{"jane-smith", "/visits?patient=jane-smith&cursor=" + own, false},
		{"hana-kim", "/visits?cursor=" + own, false},
	} {
		res := send(t, w.api, call{as: c.as, method: "GET", path: c.path})
		if c.ok {
			if res.Code != http.StatusOK {
				t.Errorf("%s for %s: %d", c.path, c.as, res.Code)
			}
			continue
		}
		refused(t, res, http.StatusUnprocessableEntity, "invalid_request")
	}
}
