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

func TestTheSessionIsHiddenFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	jane := sit(t, start(t).URL, "cookies")
	jane.signIn("Jane Smith")
	found := 0
	for _, c := range call(jane, network.GetCookies, network.GetCookiesParams{}).Cookies {
		found++
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" || !c.Session {
			t.Errorf("the cookie %s has HttpOnly %t, SameSite %q, path %q, session %t", c.Name, c.HTTPOnly, c.SameSite, c.Path, c.Session)
		}
	}
	if found != 1 {
		t.Errorf("signed in, there are %d cookies, want the session's alone", found)
	}
	jane.press("Sign out")
	if cs := call(jane, network.GetCookies, network.GetCookiesParams{}).Cookies; len(cs) != 0 {
		t.Errorf("signed out, the cookies %v are left", cs)
	}
}

// Another port of the same host is another origin and yet the same site, so
// the cookie comes along and only the check of the origin stands in the way.
// Another name is another site.
func TestAnotherOriginCannotStartARequest(t *testing.T) {
	t.Parallel()
	site := start(t).URL
	var page string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(other.Close)
	jane := newWindow(t, site, "origin")
	jane.signIn("Jane Smith")
	page = fmt.Sprintf(`<!doctype html><title>Elsewhere</title><form method="post" action="%s/my/visits">%s</form>`,
		site, ask[string](jane, `[...document.querySelectorAll("form[action='/my/visits']")].at(-1).innerHTML`))
	drafts := func() int {
		jane.open("/my")
		return strings.Count(jane.text(), "Not sent yet")
	}
	for name, from := range map[string]string{"port": other.URL, "host": strings.Replace(other.URL, "127.0.0.1", "localhost", 1)} {
		jane.open(from)
		jane.leads(func() { ask[bool](jane, `(document.forms[0].requestSubmit(), true)`) })
		if code := jane.answered(); code != http.StatusForbidden {
			t.Errorf("from another %s a form is answered %d at %s", name, code, jane.address())
		}
		jane.reads("This was sent from another site, so it was refused")
		if n := drafts(); n != 0 {
			t.Errorf("from another %s a form made %d requests", name, n)
		}
	}
	jane.press("Start Urinary symptoms") // the same form, from where it belongs
	if n := drafts(); n != 1 {
		t.Errorf("from our own page the form made %d requests", n)
	}
}
