package stripesim_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/account"
	"github.com/stripe/stripe-go/v76/accountlink"

	"evisit/infra/local/stripesim"
)

func (b *bench) accounts() account.Client { return account.Client{B: b.backend(), Key: key} }

func (b *bench) newAccount() *stripe.Account {
	b.Helper()
	a, err := b.accounts().New(&stripe.AccountParams{
		Params: stripe.Params{Context: b.Context()}, Type: stripe.String("standard"), Email: stripe.String("owner@example.org"),
		Country: stripe.String("US"), Metadata: map[string]string{"practice": "prac_1"},
	})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func (b *bench) account(id string) *stripe.Account {
	b.Helper()
	a, err := b.accounts().GetByID(id, &stripe.AccountParams{Params: stripe.Params{Context: b.Context()}})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// link returns the path of a new account link's page.
func (b *bench) link(id string) string {
	b.Helper()
	l, err := accountlink.Client{B: b.backend(), Key: key}.New(&stripe.AccountLinkParams{
		Params: stripe.Params{Context: b.Context()}, Account: stripe.String(id), Type: stripe.String("account_onboarding"),
		RefreshURL: stripe.String("http://127.0.0.1:1/again"), ReturnURL: stripe.String("http://127.0.0.1:1/back"),
	})
	if err != nil {
		b.Fatal(err)
	}
	if l.ExpiresAt != b.clock().Add(5*time.Minute).Unix() {
		b.Errorf("expires at %d", l.ExpiresAt)
	}
	return strings.TrimPrefix(l.URL, b.url)
}

const (
	back  = "http://127.0.0.1:1/back"
	again = "http://127.0.0.1:1/again"
)

// A new account cannot be charged until its owner has given all details and Stripe has
// checked them; each step is told to the platform.
func TestAccount_Onboarding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.newAccount()
	if a.ChargesEnabled || a.PayoutsEnabled || a.DetailsSubmitted || a.Requirements.DisabledReason != "requirements.past_due" ||
		len(a.Requirements.CurrentlyDue) < 4 || a.Type != "standard" || a.Email != "owner@example.org" || a.Metadata["practice"] != "prac_1" {
		t.Fatalf("new account: %+v %+v", a, a.Requirements)
	}
	s := b.shop(a.ID)
	if e := refusal(t, second(s.createSession(s.sessionParams(4900, "")))); e.HTTPStatusCode != http.StatusBadRequest || e.Type != "invalid_request_error" {
		t.Errorf("a session of an account that is not enabled: %v", e)
	}

	for _, step := range []struct {
		left               string
		events             []string
		submitted, enabled bool
		due                string
		reason             stripe.AccountRequirementsDisabledReason
	}{
		{"leave", nil, false, false, "business_type", "requirements.past_due"},
		{"half", []string{"account.updated"}, false, false, "external_account", "requirements.past_due"},
		{"check", []string{"account.updated"}, true, false, "", "requirements.pending_verification"},
	} {
		page := b.link(a.ID)
		if got := b.get(page); got.status != http.StatusOK || !strings.Contains(got.body, a.ID) {
			t.Fatalf("page: %+v", got)
		}
		if got := b.post(page, url.Values{"left": {step.left}}); got.status != http.StatusSeeOther || got.location != back {
			t.Fatalf("%s: %+v", step.left, got)
		}
		if got := b.get(page); got.location != again {
			t.Errorf("a link that was used: %+v", got)
		}
		b.wantEvents(step.events...)
		a = b.account(a.ID)
		if a.DetailsSubmitted != step.submitted || a.ChargesEnabled != step.enabled || a.Requirements.DisabledReason != step.reason ||
			step.due != "" != slices.Contains(a.Requirements.CurrentlyDue, step.due) {
			t.Errorf("after %s: %+v %+v", step.left, a, a.Requirements)
		}
	}
	b.hand(stripesim.HandEnable, a.ID)
	b.wantEvents("account.updated")
	if a = b.account(a.ID); !a.ChargesEnabled || !a.PayoutsEnabled || a.Requirements.DisabledReason != "" || len(a.Requirements.CurrentlyDue) != 0 {
		t.Errorf("enabled: %+v %+v", a, a.Requirements)
	}
	s.charged(4900, 100)
	if o := s.oracle(); o.BalanceCents != 4800 || !o.Accounts[0].ChargesEnabled || !o.Accounts[0].DetailsSubmitted {
		t.Errorf("oracle: %+v", o)
	}
}

// All details given at once enable an account. What a used or expired link is asked to
// do is not done.
func TestAccountLink_Once(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.newAccount()
	late := b.link(a.ID)
	b.advance(5 * time.Minute)
	for _, got := range []seen{b.get(late), b.post(late, url.Values{"left": {"finish"}})} {
		if got.location != again {
			t.Errorf("an expired link: %+v", got)
		}
	}
	if b.account(a.ID).ChargesEnabled {
		t.Fatal("an expired link enabled the account")
	}
	page, unused := b.link(a.ID), b.link(a.ID)
	b.get(page)
	b.advance(time.Hour)
	if got := b.post(page, url.Values{"left": {"dance"}}); got.status != http.StatusBadRequest {
		t.Errorf("left in no way: %+v", got)
	}
	if got := b.post(page, url.Values{"left": {"finish"}}); got.location != back {
		t.Errorf("an opened page: %+v", got)
	}
	if a = b.account(a.ID); !a.ChargesEnabled || !a.DetailsSubmitted {
		t.Errorf("finished: %+v", a)
	}
	b.wantEvents("account.updated")
	b.post(page, url.Values{"left": {"half"}})
	b.post(unused, url.Values{"left": {"half"}})
	b.wantEvents()
	if !b.account(a.ID).ChargesEnabled {
		t.Error("a used link disabled the account")
	}
	if got := b.get("/connect/acclink_none"); got.status != http.StatusNotFound {
		t.Errorf("no link: %+v", got)
	}
}

// A disabled account takes no new payment, on a page that is open neither, and can
// capture, release and refund those it has.
func TestAccount_Disabled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	s := b.shop(lake)
	captured, held, open := s.charged(4900, 0), s.newHold(stripesim.CardSuccess), s.newSession().ID
	b.events()
	b.hand(stripesim.HandDisable, lake)
	b.wantEvents("account.updated")
	a := b.account(lake)
	if a.ChargesEnabled || a.PayoutsEnabled || !a.DetailsSubmitted || a.Requirements.DisabledReason != "requirements.past_due" ||
		len(a.Requirements.PastDue) != 1 || a.Capabilities.CardPayments != "inactive" {
		t.Errorf("disabled: %+v %+v", a, a.Requirements)
	}
	if e := refusal(t, second(s.createSession(s.sessionParams(4900, "")))); e.HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("a new session: %v", e)
	}
	if _, err := b.sim.Pay(t.Context(), open, stripesim.CardSuccess, nil); err == nil {
		t.Error("an open page was paid")
	}
	if got := b.post("/pay/"+open, url.Values{"card": {stripesim.CardSuccess}}); got.status != http.StatusBadRequest || !strings.Contains(got.body, "cannot take payments") {
		t.Errorf("the open page: %+v", got)
	}
	if _, err := s.capture(held, 0, ""); err != nil {
		t.Errorf("capturing: %v", err)
	}
	if _, err := s.refund(captured, 0); err != nil {
		t.Errorf("refunding: %v", err)
	}
	if _, err := b.sim.Hand(t.Context(), stripesim.Act{Do: stripesim.HandDisable, ID: lake}); err == nil {
		t.Error("an account was disabled twice")
	}
	b.hand(stripesim.HandEnable, lake)
	if p := s.pay(open, stripesim.CardSuccess); p.IntentStatus != "requires_capture" {
		t.Errorf("enabled again: %+v", p)
	}
}

func TestAccount_Refuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.accounts().New(&stripe.AccountParams{Params: stripe.Params{Context: t.Context()}, Type: stripe.String("express")}); refusal(t, err).Code != "not_simulated" {
		t.Errorf("an account of another type: %v", err)
	}
	if _, err := b.accounts().New(&stripe.AccountParams{Params: b.shop(lake).params(""), Type: stripe.String("standard")}); refusal(t, err).HTTPStatusCode != http.StatusBadRequest {
		t.Errorf("an account made by an account: %v", err)
	}
	links := accountlink.Client{B: b.backend(), Key: key}
	for name, test := range map[string]struct {
		change func(*stripe.AccountLinkParams)
		status int
		param  string
	}{
		"of no account":       {func(p *stripe.AccountLinkParams) { p.Account = stripe.String("acct_nowhere") }, 403, ""},
		"of the platform":     {func(p *stripe.AccountLinkParams) { p.Account = stripe.String(stripesim.Platform) }, 403, ""},
		"without a way back":  {func(p *stripe.AccountLinkParams) { p.ReturnURL = nil }, 400, "return_url"},
		"without a way again": {func(p *stripe.AccountLinkParams) { p.RefreshURL = stripe.String("/again") }, 400, "refresh_url"},
		"to update":           {func(p *stripe.AccountLinkParams) { p.Type = stripe.String("account_update") }, 400, "type"},
	} {
		p := &stripe.AccountLinkParams{
			Params: stripe.Params{Context: t.Context()}, Account: stripe.String(lake), Type: stripe.String("account_onboarding"),
			RefreshURL: stripe.String(again), ReturnURL: stripe.String(back),
		}
		test.change(p)
		if _, err := links.New(p); refusal(t, err).HTTPStatusCode != test.status || refusal(t, err).Param != test.param {
			t.Errorf("a link %s: %v", name, err)
		}
	}
}

// An account made by the API, and its state, survive a restart; a repeated call makes
// one account.
func TestAccount_SurvivesRestartOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	b.db, b.terms = filepath.Join(t.TempDir(), "stripe.db"), map[string]stripesim.Terms{stripesim.AnyAccount: stripesim.StandardTerms}
	b.start()
	create := func() (*stripe.Account, error) {
		p := &stripe.AccountParams{Params: stripe.Params{Context: t.Context()}, Type: stripe.String("standard")}
		p.SetIdempotencyKey("account-1")
		return b.accounts().New(p)
	}
	b.fault(stripesim.Fault{Do: stripesim.LoseAnswer, Path: "/v1/accounts", Times: 1})
	if _, err := create(); err == nil {
		t.Fatal("a lost call was answered")
	}
	b.stop()
	b.start()
	a, err := create()
	if err != nil {
		t.Fatal(err)
	}
	b.post(b.link(a.ID), url.Values{"left": {"finish"}})
	b.stop()
	b.start()
	if a = b.account(a.ID); !a.ChargesEnabled {
		t.Errorf("after a restart: %+v", a)
	}
	s := b.shop(a.ID)
	s.charged(4900, 0)
	s.wantBalance(0, 4728)
	o, err := b.sim.Oracle(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, known := range o.Accounts {
		ids = append(ids, known.ID)
	}
	if diff := cmp.Diff([]string{stripesim.Platform, lake, hill, a.ID}, ids); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

// Each route of money after the charge needs its own permission.
func TestKey_PermissionsOfMoney(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, test := range []struct{ method, path, permission string }{
		{"GET", "/v1/application_fees", "application_fees:read"},
		{"GET", "/v1/application_fees/fee_1", "application_fees:read"},
		{"GET", "/v1/payouts", "payouts:read"},
		{"GET", "/v1/payouts/po_1", "payouts:read"},
		{"POST", "/v1/payouts", "payouts:write"},
		{"GET", "/v1/disputes", "disputes:read"},
		{"GET", "/v1/disputes/dp_1", "disputes:read"},
		{"POST", "/v1/disputes/dp_1", "disputes:write"},
		{"POST", "/v1/disputes/dp_1/close", "disputes:write"},
		{"POST", "/v1/accounts", "accounts:write"},
		{"POST", "/v1/account_links", "account_links:write"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, b.url+test.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("rk_test_reads_intents", "")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "permission "+test.permission) {
			t.Errorf("%s %s: %d %s", test.method, test.path, resp.StatusCode, body)
		}
	}
}

// The platform lists its accounts, the newest first, and none that was disconnected; an
// account lists none.
func TestAccount_Listed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, gone := b.newAccount(), b.newAccount()
	last := b.newAccount()
	b.hand(stripesim.HandDisconnect, gone.ID)
	var ids []string
	list := b.accounts().List(&stripe.AccountListParams{ListParams: stripe.ListParams{Context: b.Context(), Limit: stripe.Int64(1)}})
	for list.Next() {
		if a := list.Account(); a.Metadata["practice"] != "" {
			ids = append(ids, a.ID)
		}
	}
	if diff := cmp.Diff([]string{last.ID, first.ID}, ids); list.Err() != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", list.Err(), diff)
	}
	of := &stripe.AccountListParams{ListParams: stripe.ListParams{Context: b.Context()}}
	of.SetStripeAccount(first.ID)
	if list := b.accounts().List(of); list.Next() || list.Err() == nil {
		t.Error("an account lists accounts")
	}
}
