//go:build browser

package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// The session's cookie is HttpOnly and SameSite=Lax, is the only cookie of the pages, and
// is removed on sign-out, as the issuer's is.
func TestSession_Cookie(t *testing.T) {
	t.Parallel()
	jane := newPersonSignedIn(t, startSystem(t).URL, "cookies", "Jane Smith")
	found := 0
	for _, c := range call(jane, network.GetCookies, network.GetCookiesParams{}).Cookies {
		if strings.Contains(c.Path, "issuer") {
			continue // the development issuer's own
		}
		found++
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !c.Session {
			t.Errorf("the cookie %s has HttpOnly %t, SameSite %q, path %q, session %t", c.Name, c.HTTPOnly, c.SameSite, c.Path, c.Session)
		}
	}
	if found != 1 {
		t.Errorf("signed in, there are %d cookies, want the session's alone", found)
	}
	jane.signOut()
	if cs := call(jane, network.GetCookies, network.GetCookiesParams{}).Cookies; len(cs) != 0 {
		t.Errorf("signed out, the cookies %v are left", cs)
	}
}

// A page of another origin cannot start a request. A page on another port of the same
// host is of the same site, so that its form sends the cookie and only the check of
// the origin refuses the form. A page on another host name is of another site.
func TestRequest_RefusedFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	var page string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(other.Close)
	jane := newPersonWithScripts(t, site, "origin")
	jane.signIn("Jane Smith")
	page = fmt.Sprintf(`<!doctype html><title>Elsewhere</title><form method="post" action="%s/my/visits">%s</form>`,
		site, evaluate[string](jane, `[...document.querySelectorAll("form[action='/my/visits']")].at(-1).innerHTML`))
	drafts := func() int {
		jane.goTo("/my")
		return strings.Count(jane.text(), "Not sent yet")
	}
	for name, from := range map[string]string{"port": other.URL, "host": strings.Replace(other.URL, "127.0.0.1", "localhost", 1)} {
		jane.goTo(from)
		jane.loadPage(func() { evaluate[bool](jane, `(document.forms[0].requestSubmit(), true)`) })
		if code := jane.statusCode(); code != http.StatusForbidden {
			t.Errorf("from another %s a form is answered %d at %s", name, code, jane.address())
		}
		jane.wantText("This was sent from another site, so it was refused")
		if n := drafts(); n != 0 {
			t.Errorf("from another %s a form made %d requests", name, n)
		}
	}
	jane.press("Start Urinary symptoms") // the same form on our own page
	if n := drafts(); n != 1 {
		t.Errorf("from our own page the form made %d requests", n)
	}
}
