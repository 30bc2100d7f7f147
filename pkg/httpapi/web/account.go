package web

import (
	"net/http"

	"evisit/pkg/billing"
)

// An accountView is how the practice's account at Stripe stands.
type accountView struct {
	ID, Missing, Since string
	Due                []string
	Gives              bool // its owner can give Stripe what it asks for
}

func (v visitor) accountView(a billing.Account) accountView {
	view := accountView{ID: a.ID, Missing: a.Missing(), Due: a.Due, Gives: gives(a)}
	if a.Version > 0 {
		view.Since = v.practice.Local(a.Changed)
	}
	return view
}

// gives reports whether Stripe has a page on which the account's owner gives what is missing.
func gives(a billing.Account) bool { return a.ID != "" && !a.InOrder() && !a.Disconnected }

// Where an account is made and waited for, and what leads to Stripe's page about it.
const (
	connectingAt  = "/manage/account"
	accountPageAt = "/desk/account"
)

const askedField = "asked"

// connectAccount has an account made at Stripe.
func (s *site) connectAccount(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Registrar.ConnectAccount(r.Context(), v.Caller); err != nil {
		return err
	}
	return redirect(w, connectingAt+"?"+askedField+"=1")
}

// connecting waits for the account that was asked for, connects it when it is made, and leads
// on to Stripe. It does so by a header, because browsers hold the redirect that answers a form
// to the form-action of its page.
func (s *site) connecting(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := s.Registrar.TakeUpAccount(r.Context(), v.Caller)
	switch {
	case err != nil:
		return err
	case a.ID == "" && r.URL.Query().Has(askedField):
		w.Header().Set("Refresh", "3; url="+connectingAt+"?"+askedField+"=1")
	case gives(a):
		w.Header().Set("Refresh", "0; url="+accountPageAt)
	default:
		return redirect(w, settingsAt+"#payments")
	}
	return s.show(w, &v, page{view: "connecting", title: "Your account at Stripe", data: v.accountView(a)})
}

// accountPage leads to a page at Stripe on which the practice gives what Stripe asks for.
// Stripe leads here again if such a page cannot be opened any more.
func (s *site) accountPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := s.Office.AccountPage(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	return redirect(w, p.URL)
}
