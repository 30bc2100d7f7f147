package stripesim

import (
	"bytes"
	"context"
	_ "embed" // the page
	"html/template"
	"net/http"
	"slices"
	"time"
)

const (
	kindAccountLink = "account_link"

	// linkLasts is how long the page of an account link can be opened.
	linkLasts = 5 * time.Minute

	capabilityActive   = "active"
	capabilityInactive = "inactive"

	disabledPastDue = "requirements.past_due"
	disabledPending = "requirements.pending_verification"
)

// Ways to leave the page on which an account's owner gives its details.
const (
	onboardFinish = "finish" // all that is needed, and Stripe has nothing to check
	onboardCheck  = "check"  // all that is needed, and Stripe checks it
	onboardHalf   = "half"   // who the business is, and not its bank account
	onboardLeave  = "leave"  // nothing
)

// What a new account must give, by the step that gives it.
var (
	businessDetails = []string{"business_profile.url", "business_type", "individual.verification.document"}
	bankDetails     = []string{"external_account", "tos_acceptance.date", "tos_acceptance.ip"}
)

// requirements are what Stripe wants of an account, by the names of the account's
// fields, and why the account is disabled.
type requirements struct {
	Alternatives    []string `json:"alternatives"`
	CurrentDeadline *int64   `json:"current_deadline"`
	CurrentlyDue    []string `json:"currently_due"`
	DisabledReason  *string  `json:"disabled_reason"`
	Errors          []string `json:"errors"`
	EventuallyDue   []string `json:"eventually_due"`
	PastDue         []string `json:"past_due"`
	Pending         []string `json:"pending_verification"`
}

type capabilities struct {
	CardPayments string `json:"card_payments,omitempty"`
	Transfers    string `json:"transfers,omitempty"`
}

// require says what is due of an account and why it is disabled; if nothing, empty.
func (a *account) require(due []string, disabled string) {
	if due == nil {
		due = []string{}
	}
	a.Requirements = requirements{
		Alternatives: []string{}, CurrentlyDue: due, Errors: []string{}, EventuallyDue: due, PastDue: due, Pending: []string{},
	}
	if disabled != "" {
		a.Requirements.DisabledReason = &disabled
	}
	a.ChargesEnabled, a.PayoutsEnabled = disabled == "", disabled == ""
	a.Capabilities = capabilities{CardPayments: capabilityInactive, Transfers: capabilityInactive}
	if disabled == "" {
		a.Capabilities = capabilities{CardPayments: capabilityActive, Transfers: capabilityActive}
	}
}

// onboard gives an account's details as its owner left the page.
func (a *account) onboard(left string) {
	switch left {
	case onboardFinish:
		a.DetailsSubmitted = true
		a.require(nil, "")
	case onboardCheck:
		a.DetailsSubmitted = true
		a.require(nil, disabledPending)
		a.Requirements.Pending = []string{"individual.verification.document"}
	case onboardHalf:
		a.require(bankDetails, disabledPastDue)
	}
}

// newAccount returns an account of type standard whose owner has given no details.
func (t *tx) newAccount(id string) *account {
	a := &account{
		ID: id, Object: kindAccount, Country: "US", Created: t.now.Unix(), DefaultCurrency: "usd",
		Metadata: map[string]string{}, Type: "standard",
	}
	a.require(slices.Concat(businessDetails, bankDetails), disabledPastDue)
	a.setTerms(t.sim.opt.termsOf(id), t.now)
	return a
}

// createAccount serves POST /v1/accounts, for accounts of type standard.
func createAccount(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		BusinessType    *string           `json:"business_type"`
		Country         string            `json:"country"`
		DefaultCurrency string            `json:"default_currency"`
		Email           *string           `json:"email"`
		Metadata        map[string]string `json:"metadata"`
		Type            string            `json:"type"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	switch {
	case t.account != Platform:
		return nil, invalid("", "", "only a platform can make accounts")
	case p.Type != "standard":
		return nil, notModelled("type", "an account of type "+p.Type)
	case p.Country != "" && p.Country != "US":
		return nil, notModelled("country", p.Country)
	case p.DefaultCurrency != "" && p.DefaultCurrency != "usd":
		return nil, notModelled("default_currency", p.DefaultCurrency)
	}
	if err := checkMetadata("metadata", p.Metadata); err != nil {
		return nil, err
	}
	a := t.newAccount(newID("acct"))
	a.BusinessType, a.Email, a.Metadata = p.BusinessType, p.Email, orEmpty(p.Metadata)
	owner := *t
	owner.account = a.ID
	return a, owner.put(ctx, a, a.due())
}

// An accountLink is the address of the page on which an account's owner gives its
// details. It works once, and for linkLasts.
type accountLink struct {
	Object    string         `json:"object"`
	Created   int64          `json:"created"`
	ExpiresAt int64          `json:"expires_at"`
	URL       string         `json:"url"`
	Sim       accountLinkSim `json:"_sim"`
}

type accountLinkSim struct {
	ID         string `json:"id"`
	Account    string `json:"account"`
	RefreshURL string `json:"refresh_url"`
	ReturnURL  string `json:"return_url"`
	Opened     bool   `json:"opened"`
	Used       bool   `json:"used"`
}

func (l *accountLink) kindAndID() (kind, id string) { return kindAccountLink, l.Sim.ID }

// createAccountLink serves POST /v1/account_links, for onboarding.
func createAccountLink(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Account    string `json:"account"`
		Collect    string `json:"collect"`
		RefreshURL string `json:"refresh_url"`
		ReturnURL  string `json:"return_url"`
		Type       string `json:"type"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	connected, err := t.connected(ctx, p.Account)
	switch {
	case err != nil:
		return nil, err
	case t.account != Platform || p.Account == Platform || !connected:
		return nil, noAccess(p.Account)
	case p.Type != "account_onboarding":
		return nil, notModelled("type", p.Type)
	case !isURL(p.RefreshURL):
		return nil, invalid("url_invalid", "refresh_url", "not a URL: "+p.RefreshURL)
	case !isURL(p.ReturnURL):
		return nil, invalid("url_invalid", "return_url", "not a URL: "+p.ReturnURL)
	}
	l := &accountLink{
		Object: kindAccountLink, Created: t.now.Unix(), ExpiresAt: t.now.Add(linkLasts).Unix(),
		Sim: accountLinkSim{ID: newID("acclink"), Account: p.Account, RefreshURL: p.RefreshURL, ReturnURL: p.ReturnURL},
	}
	l.URL = t.sim.baseURL + "/connect/" + l.Sim.ID
	return l, t.put(ctx, l, 0)
}

// checkEnabled refuses a payment to an account that Stripe has not enabled.
func (t *tx) checkEnabled(ctx context.Context) error {
	var a account
	if err := t.get(ctx, kindAccount, t.account, "", &a); err != nil {
		return err
	}
	if a.ChargesEnabled {
		return nil
	}
	return invalid("", "", "this account cannot take payments now; requirements.disabled_reason of the account says why. No payment was made.")
}

// setEnabled disables an account as Stripe does whose details it can no longer confirm,
// or enables it.
func (t *tx) setEnabled(ctx context.Context, yes bool) (*account, error) {
	a := new(account)
	if err := t.get(ctx, kindAccount, t.account, "id", a); err != nil {
		return nil, err
	}
	if a.ChargesEnabled == yes {
		return nil, invalid("", "id", "account "+a.ID+" is so already")
	}
	if yes {
		a.onboard(onboardFinish)
	} else {
		a.require([]string{"individual.verification.document"}, disabledPastDue)
	}
	return a, t.change(ctx, "account.updated", a, a.due())
}

//go:embed onboard.html
var onboardHTML string

var onboardTemplate = template.Must(template.New("onboard").Parse(onboardHTML))

// serveOnboarding registers the page of account links, which needs the link alone.
func (s *Sim) serveOnboarding() {
	s.mux.HandleFunc("GET /connect/{link}", s.showOnboarding)
	s.mux.HandleFunc("POST /connect/{link}", s.postOnboarding)
}

// withLink runs f on an account link and its account, in the account. If the link no
// longer works, withLink returns where to go instead.
func (s *Sim) withLink(ctx context.Context, id string, f func(context.Context, *tx, *accountLink, *account) error) (instead string, err error) {
	err = s.update(ctx, Platform, origin{}, func(ctx context.Context, t *tx) error {
		l, a := new(accountLink), new(account)
		if err := t.get(ctx, kindAccountLink, id, "link", l); err != nil {
			return err
		}
		if l.Sim.Used || !l.Sim.Opened && t.now.Unix() >= l.ExpiresAt {
			instead = l.Sim.RefreshURL
			return nil
		}
		owner := *t
		owner.account = l.Sim.Account
		if err := owner.get(ctx, kindAccount, l.Sim.Account, "account", a); err != nil {
			return err
		}
		if err := f(ctx, &owner, l, a); err != nil {
			return err
		}
		t.hasDeliveries = owner.hasDeliveries
		return t.put(ctx, l, 0)
	})
	return instead, err
}

func (s *Sim) showOnboarding(w http.ResponseWriter, r *http.Request) {
	var out bytes.Buffer
	instead, err := s.withLink(r.Context(), r.PathValue("link"), func(_ context.Context, _ *tx, l *accountLink, a *account) error {
		l.Sim.Opened = true
		return onboardTemplate.Execute(&out, a)
	})
	switch {
	case err != nil:
		s.pageError(w, r, err)
	case instead != "":
		http.Redirect(w, r, instead, http.StatusSeeOther)
	default:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = out.WriteTo(w)
	}
}

// postOnboarding leaves the page in one of the ways to leave it.
func (s *Sim) postOnboarding(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	left, to := r.PostFormValue("left"), ""
	instead, err := s.withLink(r.Context(), r.PathValue("link"), func(ctx context.Context, t *tx, l *accountLink, a *account) error {
		if !slices.Contains([]string{onboardFinish, onboardCheck, onboardHalf, onboardLeave}, left) {
			return invalid("", "left", "the page cannot be left so")
		}
		l.Sim.Used, to = true, l.Sim.ReturnURL
		if left == onboardLeave || a.DetailsSubmitted {
			return nil
		}
		a.onboard(left)
		return t.change(ctx, "account.updated", a, a.due())
	})
	if err != nil {
		s.pageError(w, r, err)
		return
	}
	if instead != "" {
		to = instead
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
