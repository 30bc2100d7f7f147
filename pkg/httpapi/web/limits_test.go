package web_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"evisit/pkg/clinic/limits"
)

// within asks until a page is refused as one of too many, and returns how often it
// was not.
func (b *browser) within(most int, ask func()) (passed int) {
	b.t.Helper()
	for passed = range most + 1 {
		ask()
		if b.code == http.StatusTooManyRequests {
			return passed
		}
	}
	return passed + 1
}

// toldToWait checks what a refused page says.
func (b *browser) toldToWait() {
	b.t.Helper()
	b.wants(http.StatusTooManyRequests, "Too often in a short time", "too many requests of this kind")
	if s, err := strconv.Atoi(b.head.Get("Retry-After")); err != nil || s < 1 || s > 300 {
		b.t.Errorf("Retry-After is %q", b.head.Get("Retry-After"))
	}
}

// Cookies of no session, sign-ins and writes have an end, and a new window begins
// at nothing. Who is signed in goes on reading.
func TestLimits_Pages(t *testing.T) {
	t.Parallel()
	t.Run("cookies of no session", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		ada, guess := h.as(t, "Ada", "/my"), h.browse(t)
		guess.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		ask := func() {
			guess.client.Jar.SetCookies(mustURL(t, h.url), []*http.Cookie{{Name: "evisit", Value: "guessed"}})
			guess.get("/my")
		}
		if n := guess.within(200, ask); n != limits.FailedProofs.Most {
			t.Errorf("%d guesses pass, want %d", n, limits.FailedProofs.Most)
		}
		guess.toldToWait()
		ada.get("/my")
		ada.wants(http.StatusOK, "My requests")
		h.pass(5 * time.Minute)
		if ask(); guess.code != http.StatusSeeOther {
			t.Errorf("in the next window: %d", guess.code)
		}
	})
	t.Run("sign-ins", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		b := h.browse(t)
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if n := b.within(400, func() { b.get("/sign-in") }); n != limits.SignIns.Most {
			t.Errorf("%d sign-ins pass, want %d", n, limits.SignIns.Most)
		}
		b.toldToWait()
		asked := h.provider.asked("/token")
		b.get("/signed-in?code=x&state=y")
		if h.provider.asked("/token") != asked {
			t.Error("the issuer is asked for more")
		}
	})
}
