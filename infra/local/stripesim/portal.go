package stripesim

import (
	"bytes"
	"context"
	_ "embed" // the page
	"errors"
	"html/template"
	"net/http"
	"time"
)

const (
	kindPortalSettings = "billing_portal.configuration"
	kindPortal         = "billing_portal.session"

	// portalLasts is how long a customer can use the page of a portal session.
	portalLasts = time.Hour

	prorationNone = "none"
)

// What a customer can do on the portal's page.
const (
	PortalCancel = "cancel" // cancels a subscription: at the end of its period, or at once if the settings say so
	PortalResume = "resume" // takes the cancellation at the period's end back
	PortalCard   = "card"   // makes a new card the one that pays
	PortalPay    = "pay"    // pays an open invoice
)

// portalSettings are what the portal lets customers do.
type portalSettings struct {
	ID               string            `json:"id"`
	Object           string            `json:"object"`
	Active           bool              `json:"active"`
	BusinessProfile  businessProfile   `json:"business_profile"`
	Created          int64             `json:"created"`
	DefaultReturnURL *string           `json:"default_return_url"`
	Features         portalFeatures    `json:"features"`
	IsDefault        bool              `json:"is_default"`
	Livemode         bool              `json:"livemode"`
	LoginPage        disabled          `json:"login_page"`
	Metadata         map[string]string `json:"metadata"`
	Updated          int64             `json:"updated"`
}

type businessProfile struct {
	Headline   *string `json:"headline"`
	PrivacyURL *string `json:"privacy_policy_url"`
	TermsURL   *string `json:"terms_of_service_url"`
}

type portalFeatures struct {
	CustomerUpdate struct {
		AllowedUpdates []string `json:"allowed_updates"`
		Enabled        bool     `json:"enabled"`
	} `json:"customer_update"`
	InvoiceHistory      disabled `json:"invoice_history"`
	PaymentMethodUpdate disabled `json:"payment_method_update"`
	SubscriptionCancel  struct {
		CancellationReason struct {
			Enabled bool     `json:"enabled"`
			Options []string `json:"options"`
		} `json:"cancellation_reason"`
		Enabled           bool   `json:"enabled"`
		Mode              string `json:"mode"`
		ProrationBehavior string `json:"proration_behavior"`
	} `json:"subscription_cancel"`
	SubscriptionPause  disabled `json:"subscription_pause"`
	SubscriptionUpdate struct {
		DefaultAllowedUpdates []string `json:"default_allowed_updates"`
		Enabled               bool     `json:"enabled"`
		ProrationBehavior     string   `json:"proration_behavior"`
	} `json:"subscription_update"`
}

func (p *portalSettings) kindAndID() (kind, id string) { return kindPortalSettings, p.ID }

// A portal is one customer's way into the portal's page.
type portal struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Configuration string  `json:"configuration"`
	Created       int64   `json:"created"`
	Customer      string  `json:"customer"`
	Livemode      bool    `json:"livemode"`
	Locale        *string `json:"locale"`
	ReturnURL     *string `json:"return_url"`
	URL           string  `json:"url"` // set when it is shown, as where the simulator runs may change
}

func (p *portal) kindAndID() (kind, id string) { return kindPortal, p.ID }

// check refuses features that the simulator's page does not have.
func (f *portalFeatures) check() error {
	for at, unmodelled := range map[string]bool{
		"customer_update":                          f.CustomerUpdate.Enabled,
		"subscription_pause":                       f.SubscriptionPause.Enabled,
		"subscription_update":                      f.SubscriptionUpdate.Enabled,
		"subscription_cancel][cancellation_reason": f.SubscriptionCancel.CancellationReason.Enabled,
	} {
		if unmodelled {
			return notModelled("features["+at+"]", "this feature of the portal")
		}
	}
	if f.SubscriptionCancel.ProrationBehavior == "always_invoice" {
		return notModelled("features[subscription_cancel][proration_behavior]", "always_invoice")
	}
	return nil
}

// complete fills in what Stripe sets when nothing is said.
func (f *portalFeatures) complete() {
	f.CustomerUpdate.AllowedUpdates, f.SubscriptionUpdate.DefaultAllowedUpdates = []string{}, []string{}
	f.SubscriptionCancel.CancellationReason.Options = []string{}
	f.SubscriptionUpdate.ProrationBehavior = prorationNone
	if f.SubscriptionCancel.Mode == "" {
		f.SubscriptionCancel.Mode = "at_period_end"
	}
	if f.SubscriptionCancel.ProrationBehavior == "" {
		f.SubscriptionCancel.ProrationBehavior = prorationNone
	}
}

type portalSettingsParams struct {
	Active           *bool             `json:"active"`
	BusinessProfile  *businessProfile  `json:"business_profile"`
	DefaultReturnURL *string           `json:"default_return_url"`
	Features         *portalFeatures   `json:"features"`
	Metadata         map[string]string `json:"metadata"`
}

// set changes what the parameters name. Features are given all together.
func (p *portalSettings) set(c *portalSettingsParams, now time.Time) error {
	var err error
	if p.Metadata, err = mergeMetadata(p.Metadata, c.Metadata); err != nil {
		return err
	}
	if c.DefaultReturnURL != nil && !isURL(*c.DefaultReturnURL) {
		return invalid("url_invalid", "default_return_url", "not a URL: "+*c.DefaultReturnURL)
	}
	if c.Active != nil {
		p.Active = *c.Active
	}
	if c.BusinessProfile != nil {
		p.BusinessProfile = *c.BusinessProfile
	}
	if c.DefaultReturnURL != nil {
		p.DefaultReturnURL = c.DefaultReturnURL
	}
	if c.Features != nil {
		if err := c.Features.check(); err != nil {
			return err
		}
		p.Features = *c.Features
	}
	p.Features.complete()
	p.Updated = now.Unix()
	return nil
}

// createPortalSettings serves POST /v1/billing_portal/configurations. The first
// configuration of an account is its default.
func createPortalSettings(ctx context.Context, t *tx, c *call) (any, error) {
	var p portalSettingsParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	there, err := all[portalSettings](ctx, t, kindPortalSettings)
	if err != nil {
		return nil, err
	}
	out := &portalSettings{
		ID: newID("bpc"), Object: kindPortalSettings, Active: true, Created: t.now.Unix(), IsDefault: len(there) == 0,
	}
	if err := out.set(&p, t.now); err != nil {
		return nil, err
	}
	return out, t.change(ctx, "billing_portal.configuration.created", out, 0)
}

// updatePortalSettings serves POST /v1/billing_portal/configurations/{configuration}.
func updatePortalSettings(ctx context.Context, t *tx, c *call) (any, error) {
	var p portalSettingsParams
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	out := new(portalSettings)
	if err := t.get(ctx, kindPortalSettings, c.id, "configuration", out); err != nil {
		return nil, err
	}
	if err := out.set(&p, t.now); err != nil {
		return nil, err
	}
	return out, t.change(ctx, "billing_portal.configuration.updated", out, 0)
}

// getPortalSettings serves GET /v1/billing_portal/configurations/{configuration}.
func getPortalSettings(ctx context.Context, t *tx, c *call) (any, error) {
	out := new(portalSettings)
	return out, t.get(ctx, kindPortalSettings, c.id, "configuration", out)
}

// listPortalSettings serves GET /v1/billing_portal/configurations.
func listPortalSettings(ctx context.Context, t *tx, c *call) (any, error) {
	want, rest := c.split("active", "is_default")
	return t.listWhere(ctx, rest, kindPortalSettings, func(o map[string]any) bool { return want.equals(o, "active", "is_default") })
}

// createPortal serves POST /v1/billing_portal/sessions.
func createPortal(ctx context.Context, t *tx, c *call) (any, error) {
	var p struct {
		Configuration string  `json:"configuration"`
		Customer      string  `json:"customer"`
		Locale        *string `json:"locale"`
		ReturnURL     *string `json:"return_url"`
	}
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if err := t.get(ctx, kindCustomer, p.Customer, "customer", new(customer)); err != nil {
		return nil, err
	}
	settings, err := t.portalSettings(ctx, p.Configuration)
	if err != nil {
		return nil, err
	}
	if p.ReturnURL != nil && !isURL(*p.ReturnURL) {
		return nil, invalid("url_invalid", "return_url", "not a URL: "+*p.ReturnURL)
	}
	out := &portal{
		ID: newID("bps"), Object: kindPortal, Configuration: settings.ID, Created: t.now.Unix(), Customer: p.Customer,
		Locale: p.Locale, ReturnURL: p.ReturnURL,
	}
	if out.ReturnURL == nil {
		out.ReturnURL = settings.DefaultReturnURL
	}
	return out, t.change(ctx, "billing_portal.session.created", out, 0)
}

// portalSettings loads an active configuration, or the account's default.
func (t *tx) portalSettings(ctx context.Context, id string) (*portalSettings, error) {
	if id != "" {
		p := new(portalSettings)
		if err := t.get(ctx, kindPortalSettings, id, "configuration", p); err != nil {
			return nil, err
		}
		if !p.Active {
			return nil, invalid("", "configuration", "the configuration "+id+" is not active")
		}
		return p, nil
	}
	there, err := all[portalSettings](ctx, t, kindPortalSettings)
	if err != nil {
		return nil, err
	}
	for _, p := range there {
		if p.IsDefault && p.Active {
			return p, nil
		}
	}
	return nil, invalid("", "configuration", "the account has no default configuration of its portal")
}

// A PortalAct is one thing that a customer does on the portal's page: to a
// subscription, with a card's number, or to an invoice.
type PortalAct struct {
	Do           string `json:"do"`
	Subscription string `json:"subscription,omitempty"`
	Card         string `json:"card,omitempty"`
	Invoice      string `json:"invoice,omitempty"`
}

// Portal does an act in a portal session. A declined card is an error.
func (s *Sim) Portal(ctx context.Context, sessionID string, a PortalAct) error {
	return s.withPortal(ctx, sessionID, func(ctx context.Context, t *tx, p *portal, f *portalFeatures) error {
		switch a.Do {
		case PortalCancel, PortalResume:
			return t.portalCancel(ctx, p, f, a)
		case PortalCard:
			return t.portalCard(ctx, p, f, a.Card)
		case PortalPay:
			return t.portalPay(ctx, p, f, a.Invoice)
		}
		return invalid("", "do", "the portal cannot do "+a.Do)
	})
}

// withPortal runs f in a portal session that has not expired, of any account.
func (s *Sim) withPortal(ctx context.Context, id string, f func(context.Context, *tx, *portal, *portalFeatures) error) error {
	if err := s.expireDue(ctx); err != nil {
		return err
	}
	return s.update(ctx, "", origin{}, func(ctx context.Context, t *tx) error {
		if err := t.find(ctx, kindPortal, id, "session"); err != nil {
			return err
		}
		var p portal
		if err := t.get(ctx, kindPortal, id, "session", &p); err != nil {
			return err
		}
		if t.now.Sub(time.Unix(p.Created, 0)) >= portalLasts {
			return &failure{Status: http.StatusGone, Type: invalidRequest, Message: "this page has expired"}
		}
		var settings portalSettings
		if err := t.get(ctx, kindPortalSettings, p.Configuration, "", &settings); err != nil {
			return err
		}
		return f(ctx, t, &p, &settings.Features)
	})
}

func (t *tx) portalCancel(ctx context.Context, p *portal, f *portalFeatures, a PortalAct) error {
	s := new(subscription)
	if err := t.get(ctx, kindSubscription, a.Subscription, "subscription", s); err != nil {
		return err
	}
	switch {
	case s.Customer != p.Customer:
		return missing(kindSubscription, a.Subscription, "subscription")
	case !f.SubscriptionCancel.Enabled || !s.lives() || s.CancelAtPeriodEnd == (a.Do == PortalCancel):
		return invalid("", "do", "the portal cannot "+a.Do+" this subscription")
	case a.Do == PortalCancel && f.SubscriptionCancel.Mode == "immediately":
		return t.cancelNow(ctx, s, f.SubscriptionCancel.ProrationBehavior != prorationNone, false)
	}
	s.endWithPeriod(a.Do == PortalCancel, t.now)
	return t.changeSubscription(ctx, s)
}

// portalCard attaches a new card to the customer. It pays from now on, for every
// subscription of the customer too.
func (t *tx) portalCard(ctx context.Context, p *portal, f *portalFeatures, number string) error {
	c, ok := cardByNumber(number)
	switch {
	case !f.PaymentMethodUpdate.Enabled:
		return invalid("", "do", "the portal cannot change the card")
	case !ok || c.kind != "":
		return &failure{Status: http.StatusPaymentRequired, Type: cardError, Code: "incorrect_number", Param: "card", Message: "this card number is not one of the simulator's"}
	case c.decline != "":
		return &failure{
			Status: http.StatusPaymentRequired, Type: cardError, Code: c.declineCode(), DeclineCode: c.decline,
			Message: "the card was declined: " + c.decline,
		}
	}
	var of customer
	if err := t.get(ctx, kindCustomer, p.Customer, "", &of); err != nil {
		return err
	}
	m := t.newMethod(c, of.Email)
	m.Customer = &of.ID
	if err := t.change(ctx, "payment_method.attached", m, 0); err != nil {
		return err
	}
	of.InvoiceSettings.DefaultPaymentMethod = &m.ID
	if err := t.change(ctx, "customer.updated", &of, 0); err != nil {
		return err
	}
	subs, err := all[subscription](ctx, t, kindSubscription)
	if err != nil {
		return err
	}
	for _, s := range subs {
		if s.Customer != of.ID || !s.lives() {
			continue
		}
		s.DefaultPaymentMethod = &m.ID
		if err := t.changeSubscription(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) portalPay(ctx context.Context, p *portal, f *portalFeatures, id string) error {
	inv := new(invoice)
	if err := t.get(ctx, kindInvoice, id, "invoice", inv); err != nil {
		return err
	}
	if inv.Customer != p.Customer {
		return missing(kindInvoice, id, "invoice")
	}
	if !f.InvoiceHistory.Enabled {
		return invalid("", "do", "the portal shows no invoices")
	}
	return t.payByRequest(ctx, inv, "")
}

//go:embed portal.html
var portalHTML string

var portalTemplate = template.Must(template.New("portal").Funcs(inPages).Funcs(template.FuncMap{
	"day": func(at int64) string { return time.Unix(at, 0).UTC().Format(time.DateOnly) },
}).Parse(portalHTML))

// A portalView is what the portal's page shows.
type portalView struct {
	Portal        *portal
	Features      *portalFeatures
	Subscriptions []*subscription
	Invoices      []*invoice
	Methods       []*method
	Default       string
	Cards         []card
	Message       string
}

func (t *tx) portalView(ctx context.Context, p *portal, f *portalFeatures) (*portalView, error) {
	view := &portalView{Portal: p, Features: f, Cards: offered([]string{"card"})}
	var of customer
	err := t.get(ctx, kindCustomer, p.Customer, "", &of)
	view.Default = deref(of.InvoiceSettings.DefaultPaymentMethod)
	subs, err2 := all[subscription](ctx, t, kindSubscription)
	for _, s := range subs {
		if s.Customer == p.Customer {
			view.Subscriptions = append(view.Subscriptions, s)
		}
	}
	invoices, err3 := all[invoice](ctx, t, kindInvoice)
	for _, inv := range invoices {
		if inv.Customer == p.Customer && inv.Status != invoiceDraft {
			view.Invoices = append(view.Invoices, inv)
		}
	}
	methods, err4 := all[method](ctx, t, kindMethod)
	for _, m := range methods {
		if is(m.Customer, p.Customer) && m.Card != nil {
			view.Methods = append(view.Methods, m)
		}
	}
	return view, errors.Join(err, err2, err3, err4)
}

// servePortal registers the portal's page, which works without JavaScript.
func (s *Sim) servePortal() {
	s.mux.HandleFunc("GET /portal/{session}", func(w http.ResponseWriter, r *http.Request) { s.showPortal(w, r, http.StatusOK, "") })
	s.mux.HandleFunc("POST /portal/{session}", s.postPortal)
}

func (s *Sim) showPortal(w http.ResponseWriter, r *http.Request, status int, message string) {
	var out bytes.Buffer
	err := s.withPortal(r.Context(), r.PathValue("session"), func(ctx context.Context, t *tx, p *portal, f *portalFeatures) error {
		view, err := t.portalView(ctx, p, f)
		if err != nil {
			return err
		}
		view.Message = message
		return portalTemplate.Execute(&out, view)
	})
	if err != nil {
		s.pageError(w, r, err)
		return
	}
	writePage(w, status, &out)
}

func (s *Sim) postPortal(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := s.Portal(r.Context(), r.PathValue("session"), PortalAct{
		Do: r.PostFormValue("do"), Subscription: r.PostFormValue("subscription"), Card: r.PostFormValue("card"), Invoice: r.PostFormValue("invoice"),
	})
	var clientErr *failure
	switch {
	case errors.As(err, &clientErr) && clientErr.Status != http.StatusNotFound && clientErr.Status != http.StatusGone:
		s.showPortal(w, r, clientErr.Status, clientErr.Message)
	case err != nil:
		s.pageError(w, r, err)
	default:
		http.Redirect(w, r, "/portal/"+r.PathValue("session"), http.StatusSeeOther)
	}
}

// serveOwnPortal does an act of the portal for a script.
func (s *Sim) serveOwnPortal(w http.ResponseWriter, r *http.Request) {
	var p struct {
		Session string `json:"session"`
		PortalAct
	}
	err := readJSON(w, r, &p)
	if err == nil {
		err = s.Portal(r.Context(), p.Session, p.PortalAct)
	}
	s.control(w, r, struct{}{}, err)
}
