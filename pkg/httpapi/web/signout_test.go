package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
)

// twin is another browser with the cookies that b has now.
func (h *house) twin(t *testing.T, b *browser) *browser {
	t.Helper()
	other := h.browse(t)
	site, err := url.Parse(h.url)
	must(t, err)
	cookies := b.client.Jar.Cookies(site)
	if len(cookies) == 0 {
		t.Fatal("a browser that is signed in has no cookie")
	}
	other.client.Jar.SetCookies(site, cookies)
	return other
}

// A session is a row: signing out ends it for every copy of its cookie.
func TestSignOut_OldCookieOpensNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	ada.startUTI()
	form := ada.at.String()
	copied := h.twin(t, ada)
	copied.get(form)
	copied.wants(http.StatusOK, "page 1 of")

	ada.press("Sign out", nil)
	ada.wants(http.StatusOK, "Sign in to begin")
	copied.post(form, url.Values{"completed-by": {"self"}})
	copied.wants(http.StatusUnauthorized, "no longer signed in")
	copied.get(form)
	if copied.at.Path != "/authorize" {
		t.Errorf("after signing out the old cookie opens %s", copied.at)
	}

	// Another session of the same person goes on, and pressing twice does no harm.
	again := h.as(t, "Ada", "/my")
	ada.post(h.url+"/sign-out", nil)
	ada.wants(http.StatusOK, "Sign in to begin")
	again.get("/my")
	again.wants(http.StatusOK, "My requests")
}

func TestSession_CookieIsOpaqueAndEndsWithItsToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	site, err := url.Parse(h.url)
	must(t, err)
	for _, c := range ada.client.Jar.Cookies(site) {
		if strings.Contains(c.Value, ".") || len(c.Value) > 40 {
			t.Errorf("cookie %s is %q: a token, not a session", c.Name, c.Value)
		}
	}
	h.pass(59 * time.Minute)
	ada.get("/my")
	ada.wants(http.StatusOK, "My requests")
	h.pass(time.Minute)
	ada.get("/my")
	if ada.at.Path != "/authorize" {
		t.Errorf("after its token ended the session opens %s", ada.at)
	}
}

// The person is read with every page, so a deactivation ends what a session opens.
func TestSession_OfSomeoneDeactivated(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, _ := h.sent(t, ada)
	drx.get("/desk/visits/" + id)
	page, at := drx.page, drx.at
	gone := identity.Person{ID: "drx", Practice: "oak", Role: identity.Clinician, Display: "Xenia Xu, MD", Inactive: true}
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: h.issuer.URL, Subject: "drx"}, gone))
	for _, path := range []string{"/desk", "/desk/work", "/desk/visits/" + id} {
		drx.get(path)
		drx.wants(http.StatusUnauthorized, "no practice here knows you")
	}
	drx.page, drx.at = page, at
	drx.press("Take this visit", nil)
	drx.wants(http.StatusUnauthorized, "no practice here knows you")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Waiting to be read")
}
