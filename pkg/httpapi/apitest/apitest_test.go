package apitest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evisit/pkg/httpapi/apitest"
)

// A witness is a test that may fail without failing this one.
type witness struct {
	testing.TB
	said []string
}

func (w *witness) Helper() {}
func (w *witness) Errorf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

const good = `{"id":"p","name":"P","phone":"1","time_zone":"UTC","states":[],"answer_within_minutes":1,"who_reads":"we","consent":{"version":"1","text":"t","language":"en"}}`

func TestChecked_MisfitFailsTheTest(t *testing.T) {
	t.Parallel()
	problem := `{"type":"about:blank","title":"Not Found","status":404,"code":"not_found","detail":"d"}`
	for name, tc := range map[string]struct {
		method, path, sent, token string
		code                      int
		contentType, reply        string
		fits                      bool
	}{
		"a good reply":                         {"GET", "/practice", "", "x", 200, "application/json", good, true},
		"a member too many":                    {"GET", "/practice", "", "x", 200, "application/json", good[:len(good)-1] + `,"extra":1}`, false},
		"a member missing":                     {"GET", "/practice", "", "x", 200, "application/json", `{"id":"p"}`, false},
		"a member of the wrong type":           {"GET", "/practice", "", "x", 200, "application/json", strings.Replace(good, `"p"`, "1", 1), false},
		"null for a list":                      {"GET", "/practice", "", "x", 200, "application/json", strings.Replace(good, `[]`, "null", 1), false},
		"another content type":                 {"GET", "/practice", "", "x", 200, "text/plain", good, false},
		"a status of no operation's":           {"GET", "/practice", "", "x", 418, "application/json", good, false},
		"no token, and let in":                 {"GET", "/practice", "", "", 200, "application/json", good, false},
		"a problem":                            {"GET", "/practice", "", "x", 404, "application/problem+json", problem, true},
		"a problem of an unknown code":         {"GET", "/practice", "", "x", 404, "application/problem+json", strings.Replace(problem, "not_found", "strange", 1), false},
		"a code of another operation":          {"GET", "/practice", "", "x", 404, "application/problem+json", strings.Replace(problem, "not_found", "no_document", 1), false},
		"a wrong request refused":              {"POST", "/visits/v/ask", `{"text":7}`, "x", 404, "application/problem+json", problem, true},
		"a wrong request let in":               {"POST", "/stripe/connect", `{"id":`, "", 200, "application/json", `{"received":true}`, false},
		"a page, which is not in the document": {"GET", "/my/visits", "", "", 200, "text/html", "<p>", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm() // a JSON body is left alone
				var b [64]byte
				_, _ = r.Body.Read(b[:])
				w.Header().Set("Content-Type", tc.contentType)
				w.WriteHeader(tc.code)
				_, _ = w.Write([]byte(tc.reply))
			})
			request := func(base string) *http.Request {
				r := httptest.NewRequestWithContext(t.Context(), tc.method, base+tc.path, strings.NewReader(tc.sent))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Stripe-Signature", "s")
				if tc.token != "" {
					r.Header.Set("Authorization", "Bearer "+tc.token)
				}
				return r
			}
			at := &witness{TB: t}
			apitest.Checked(at, h).ServeHTTP(httptest.NewRecorder(), request(""))
			if fits := len(at.said) == 0; fits != tc.fits {
				t.Errorf("at the handler it fits: %t, want %t: %q", fits, tc.fits, at.said)
			}

			srv := httptest.NewServer(h)
			defer srv.Close()
			over := &witness{TB: t}
			r := request(srv.URL)
			r.RequestURI = ""
			res, err := apitest.Transport{T: over}.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := res.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if fits := len(over.said) == 0; fits != tc.fits {
				t.Errorf("over the network it fits: %t, want %t: %q", fits, tc.fits, over.said)
			}
		})
	}
}
