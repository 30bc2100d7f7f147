package web

import (
	"bytes"
	"html/template"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/phi"
)

func TestLocal_OurOwnPagesOnly(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/my":                          "/my",
		"/my/visits/1?paid=1":          "/my/visits/1?paid=1",
		"":                             "",
		"my":                           "",
		"//evil.example":               "",
		"/\\evil.example":              "",
		"/\t/evil.example":             "",
		"/a\\b":                        "",
		"https://evil.example":         "",
		"javascript:alert(1)":          "",
		"/%2f%2fevil.example":          "",
		"/sign-in?next=/sign-in":       "",
		"/signed-in?state=x":           "",
		"/my\r\nSet-Cookie: a=b":       "",
		"/" + strings.Repeat("a", 600): "",
	} {
		if got := local(path); got != want {
			t.Errorf("local(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestSetCookie_BoundToTheHostUnderHTTPS(t *testing.T) {
	t.Parallel()
	for secure, want := range map[bool]string{
		true:  "__Host-evisit=x; Path=/; HttpOnly; Secure; SameSite=Lax",
		false: "evisit=x; Path=/; HttpOnly; SameSite=Lax",
	} {
		w := httptest.NewRecorder()
		(&site{secure: secure}).setCookie(w, sessionCookie, "x", 0)
		if got := w.Header().Get("Set-Cookie"); got != want {
			t.Errorf("secure %v: %s, want %s", secure, got, want)
		}
	}
}

// Private text must be revealed by name: a template that forgets prints this.
func TestTemplate_DoesNotPrintPrivateText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p>`)).Execute(&b, phi.Text("secret")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "secret") {
		t.Errorf("printed %s", b.String())
	}
}

func TestFormsTo_ThePaymentPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base, checkout, want string }{
		{"https://care.example", "", "https://checkout.stripe.com"},
		{"https://care.example", "https://pay.example", "https://pay.example"},
		{"http://127.0.0.1:8080", "", "https://checkout.stripe.com http://127.0.0.1:*"},
	} {
		u := mustParse(t, c.base)
		if got := formsTo(c.checkout, u); got != c.want {
			t.Errorf("formsTo(%q, %s) = %q, want %q", c.checkout, c.base, got, c.want)
		}
	}
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
