package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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

func TestSession_CookieIsOpaque(t *testing.T) {
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
}

// opens reports whether b's session still opens path.
func (b *browser) opens(path string) bool {
	b.t.Helper()
	b.get(b.base + path)
	return b.at.Path == path
}

// A session ends when it is idle, later for patients than for who works at a
// practice, and at the latest after twelve hours.
func TestSession_EndsWhenIdle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		who, home string
		idle      time.Duration
	}{
		{"Dr. X", "/desk", 15 * time.Minute},
		{"Nan", "/desk", 15 * time.Minute},
		{"Adm", "/desk/work", 15 * time.Minute},
		{"Ada", "/my", time.Hour},
		{"Cal", "/my", time.Hour},
	} {
		t.Run(c.who, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.as(t, c.who, c.home)
			uses := 0
			for began := h.clock(); h.clock().Sub(began) < 12*time.Hour; uses++ {
				if !b.opens(c.home) {
					t.Fatalf("%v after signing in the session, used each %v, opens %s", h.clock().Sub(began), c.idle-time.Second, b.at)
				}
				h.pass(c.idle - time.Second)
			}
			if b.opens(c.home) {
				t.Errorf("after twelve hours and %d uses the session still opens %s", uses, c.home)
			}
			b = h.as(t, c.who, c.home)
			h.pass(4 * time.Minute)
			if !b.opens(c.home) {
				t.Error("a use within the five minutes is refused")
			}
			h.pass(c.idle)
			if b.opens(c.home) {
				t.Errorf("idle for %v, the session still opens %s", c.idle, c.home)
			}
		})
	}
}

// A use is written at most every five minutes.
func TestSession_UseIsWrittenSeldom(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx := h.as(t, "Dr. X", "/desk")
	for minute := range 16 {
		h.calls.take()
		drx.get("/desk")
		wrote := slices.Contains(h.calls.take(), "PutItem")
		if want := minute%5 == 0 && minute > 0; wrote != want {
			t.Errorf("minute %d: written %v, want %v", minute, wrote, want)
		}
		h.pass(time.Minute)
	}
}

// Two pages asked for at once, when the ID token has ended, exchange the refresh
// token once: one that is used twice ends the sign-in at the issuer.
func TestSession_RenewedOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	for range 3 {
		h.pass(59 * time.Minute)
		ada.get("/my")
		h.pass(2 * time.Minute)
		h.log.take()
		var all sync.WaitGroup
		for range 12 {
			twin := h.twin(t, ada)
			all.Go(func() {
				twin.get("/my")
				if twin.at.Path != "/my" {
					t.Errorf("a page asked for while the session is renewed leads to %s", twin.at)
				}
			})
		}
		all.Wait()
		if log := h.log.take(); strings.Contains(log, "token refused") {
			t.Errorf("the refresh token was presented twice: %s", log)
		}
	}
}

// What the provider refuses to renew is over, also for those who did not ask it.
func TestSession_ProviderRefusesToRenew(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	copied := h.twin(t, ada)
	h.provider.forgetAll(t)
	h.pass(59 * time.Minute)
	if !ada.opens("/my") {
		t.Errorf("before the ID token ends, the session leads to %s", ada.at)
	}
	h.pass(time.Minute)
	for _, b := range []*browser{ada, copied} {
		if b.opens("/my") {
			t.Error("a session that the provider does not renew goes on")
		}
	}
}

// A provider that does not answer throws nobody out, and is asked again.
func TestSession_ProviderDoesNotAnswer(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	h.pass(59 * time.Minute)
	ada.get("/my")
	h.pass(2 * time.Minute)
	h.provider.answers(false)
	if !ada.opens("/my") || !strings.Contains(h.log.take(), "session not renewed") {
		t.Errorf("while the provider does not answer, the session leads to %s", ada.at)
	}
	h.provider.answers(true)
	h.pass(time.Minute)
	before := h.provider.exchanges()
	if !ada.opens("/my") || h.provider.exchanges() != before+1 {
		t.Errorf("once it answers again, the session leads to %s after %d exchanges", ada.at, h.provider.exchanges()-before)
	}
}

// Signing out ends the session at the provider too: its refresh token is worth
// nothing, and the browser is asked again who it is.
func TestSignOut_EndsTheProvidersSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	token := h.provider.lastRefresh()
	ada.press("Sign out", nil)
	ada.wants(http.StatusOK, "Sign in to begin")
	if h.provider.redeems(t, token) {
		t.Error("after signing out the refresh token can be exchanged")
	}
	if got := h.provider.asked("/logout"); got != 1 {
		t.Errorf("the browser was led to the provider's logout %d times", got)
	}
	site, err := url.Parse(h.url)
	must(t, err)
	if left := ada.client.Jar.Cookies(site); len(left) != 0 {
		t.Errorf("signed out, the cookies %v are left", left)
	}
}

// The refresh token is stored sealed, bound to its session.
func TestSession_RefreshTokenIsSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "Ada", "/my")
	token := h.provider.lastRefresh()
	if rows := h.stored(t); token == "" || strings.Contains(rows, token) || !strings.Contains(rows, "SESSION#") {
		t.Errorf("the refresh token %q is in the table in clear", token)
	}
}

// The addresses that the provider confirmed are stored sealed.
func TestSession_AddressesAreSealed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.as(t, "Kim", "/accept/none?code=none").wants(http.StatusOK, "kim@mail.example")
	if rows := h.stored(t); strings.Contains(rows, "kim@mail") || !strings.Contains(rows, "SESSION#") {
		t.Error("the address is in the table in clear")
	}
}

// Signed in is who the provider asked just now, not who it remembers.
func TestSignIn_AsksWhoSitsThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx := h.as(t, "Dr. X", "/desk")
	h.pass(20 * time.Minute)
	drx.get("/desk")
	if drx.at.Path != "/authorize" {
		t.Fatalf("idle, the clinician's browser is led to %s", drx.at)
	}
	drx.get(strings.ReplaceAll(drx.at.String(), "prompt=login", "")) // a provider that does not know prompts
	drx.wants(http.StatusBadRequest, "Signing in did not work")
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
		drx.wants(http.StatusUnauthorized, "this practice does not know you")
	}
	drx.page, drx.at = page, at
	drx.press("Take this visit", nil)
	drx.wants(http.StatusUnauthorized, "this practice does not know you")
	ada.get("/my/visits/" + id)
	ada.wants(http.StatusOK, "Waiting to be read")
	ada.get("/my/visits/" + id + "/trail")
	ada.wants(http.StatusOK, "Xenia Xu, MD, clinician tried to see or change the request Refused: no access any more")
	if n := strings.Count(h.stored(t), `"request.make"`); n != 4 {
		t.Errorf("four pages asked for left %d records", n)
	}
}

// Signing in, signing out and being refused are in the practice's log: who, from
// where, and what came of it.
func TestSession_IsAudited(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	drx := h.as(t, "Dr. X", "/desk")
	drx.press("Sign out", nil)
	gone := identity.Person{ID: "drx", Practice: "oak", Role: identity.Clinician, Display: "Xenia Xu, MD", Inactive: true}
	must(t, h.cast.AddPerson(t.Context(), clinic.Proof{Issuer: h.issuer.URL, Subject: "drx"}, gone))
	h.as(t, "Dr. X", "/desk").wants(http.StatusUnauthorized, "no practice here knows you")
	h.as(t, "Nobody", "/desk").wants(http.StatusUnauthorized, "no practice here knows you")
	rows := h.stored(t)
	for _, action := range []string{"session.start", "session.end", "session.refuse"} {
		n := 0
		for line := range strings.Lines(rows) {
			if strings.Contains(line, `"`+action+`"`) && strings.Contains(line, `"drx"`) && strings.Contains(line, "127.0.0.1") && strings.Contains(line, `"oak"`) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d records, want 1", action, n)
		}
	}
}
