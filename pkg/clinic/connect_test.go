package clinic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/seed"
	"evisit/pkg/billing"
	"evisit/pkg/practice"
	"evisit/pkg/work"
)

// unconnected is a world whose first practice has no account at Stripe.
func unconnected(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.practice(func(p *practice.Practice) { p.Account = "" })
	w.settle()
	return w
}

// connects asks for Lakeside's account at Stripe, which has no ID while it is being made.
func (w *world) connects() billing.Account {
	w.Helper()
	var a billing.Account
	w.does("connect", func() (err error) {
		a, err = w.registrar.ConnectAccount(w.ctx, w.as(ada))
		return err
	})
	return a
}

// made are the accounts that Stripe has for Lakeside.
func (w *world) made() []string {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx, http.MethodGet, w.simURL+"/v1/accounts?limit=100", nil)
	if err != nil {
		w.Fatalf("%v", err)
	}
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatalf("%v", err)
	}
	defer func() { _ = reply.Body.Close() }()
	var list struct {
		Data []struct {
			ID       string            `json:"id"`
			Metadata map[string]string `json:"metadata"`
		} `json:"data"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&list); err != nil || reply.StatusCode != http.StatusOK {
		w.Fatalf("listing accounts: %d, %v", reply.StatusCode, err)
	}
	var ids []string
	for _, a := range list.Data {
		if a.Metadata["practice"] == "lakeside" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// leavesPage opens a page of Stripe's, leaves it in one of the ways there are, and returns where
// it leads to.
func (w *world) leavesPage(page, how string) string {
	w.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	opened, err := client.Get(page)
	if err != nil {
		w.Fatalf("%v", err)
	}
	_ = opened.Body.Close()
	if opened.StatusCode == http.StatusSeeOther {
		return opened.Header.Get("Location")
	}
	left, err := client.PostForm(page, url.Values{"left": {how}})
	if err != nil {
		w.Fatalf("%v", err)
	}
	_ = left.Body.Close()
	return left.Header.Get("Location")
}

// A practice without an account connects one: two administrators who press at once, twice,
// have one made; until Stripe has what it asks for nothing that costs something can be
// sent, and after that it can.
func TestConnect_OneAccountFromPressToPayment(t *testing.T) {
	t.Parallel()
	w := unconnected(t)
	w.does("look", func() error { _, err := w.registrar.TakeUpAccount(w.ctx, w.as(ada)); return err })
	w.settle()
	if ids := w.made(); len(ids) != 0 {
		t.Errorf("made although nobody asked: %v", ids)
	}
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			if _, err := w.registrar.ConnectAccount(w.ctx, w.as(ada)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	w.settle()
	a := w.connects()
	if ids := w.made(); len(ids) != 1 || a.ID != ids[0] || a.MayCharge() {
		t.Fatalf("Stripe made %v, and the practice has %+v", ids, a)
	}
	if again := w.connects(); again.ID != a.ID {
		t.Errorf("pressed again, it has %s", again.ID)
	}
	w.settle()
	w.needs(work.AccountDisabled, 0) // who is in the middle of it knows
	w.wrote(inbox, "Stripe", 0)
	_, err := w.request.Start(w.ctx, w.as(jane), "uti-women", "", "")
	w.refused(err, "no_payments")

	page := w.accountPage()
	if to := w.leavesPage(page, "half"); !strings.HasSuffix(to, "/manage/settings#payments") {
		t.Errorf("Stripe leads to %s", to)
	}
	if to := w.leavesPage(page, "finish"); !strings.HasSuffix(to, "/desk/account") {
		t.Errorf("a page that was used leads to %s", to)
	}
	late := w.accountPage()
	w.pass(6 * time.Minute)
	if to := w.leavesPage(late, "finish"); !strings.HasSuffix(to, "/desk/account") {
		t.Errorf("a page that has ended leads to %s", to)
	}
	w.leavesPage(w.accountPage(), "finish")
	w.settle()
	w.pass(forgets)
	if _, err := w.request.Start(w.ctx, w.as(jane), "uti-women", "", ""); err != nil {
		t.Errorf("once Stripe has all: %v", err)
	}
	w.handled()
}

func (w *world) accountPage() string {
	w.Helper()
	p, err := w.office.AccountPage(w.ctx, w.as(ada))
	if err != nil {
		w.Fatalf("%v (%v)", err, errors.Unwrap(err))
	}
	return p.URL
}

// However the call that makes the account is lost, one is made.
func TestConnect_LostCalls(t *testing.T) {
	t.Parallel()
	for _, e := range []effect{connects, commits} {
		for _, l := range losses {
			t.Run(fmt.Sprintf("%s/%s", e, l), func(t *testing.T) {
				t.Parallel()
				w := unconnected(t)
				w.connects()
				w.trouble.order(e, 1, l)
				w.drain()
				w.trouble.heal()
				w.hour()
				w.wantConnected()
			})
		}
	}
}

func (w *world) wantConnected() {
	w.Helper()
	if a, ids := w.connects(), w.made(); len(ids) != 1 || a.ID != ids[0] {
		w.Errorf("Stripe made %v, and the practice has %q", ids, a.ID)
	}
	w.settle()
	w.handled()
}

// A process that ends after the account was made, and is followed by none for longer than
// Stripe knows the key: the account is found by whose it is.
func TestConnect_KeyForgotten(t *testing.T) {
	t.Parallel()
	w := unconnected(t)
	w.connects()
	w.trouble.order(connects, 1, killedAfter)
	w.drain()
	w.trouble.heal()
	w.pass(26 * time.Hour)
	w.minute()
	w.settle()
	w.wantConnected()
}

// Only an administrator connects, and only the account of their own practice; one that the
// operator named stays.
func TestConnect_WhoMay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, who := range []string{ana, jane} {
		_, err := w.registrar.ConnectAccount(w.ctx, w.as(who))
		if _, err2 := w.office.AccountPage(w.ctx, w.as(who)); err == nil || err2 == nil {
			t.Errorf("%s: %v, %v", who, err, err2)
		}
	}
	if a := w.connects(); a.ID != seed.Accounts[0] || len(w.made()) != 0 {
		t.Errorf("the practice has %+v", a)
	}
	w.practice(func(p *practice.Practice) { p.Account = "" })
	_, err := w.office.AccountPage(w.ctx, w.as(ada))
	w.refused(err, "no_account")
}
