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
	Asked              bool // an account is being made
}

const askedField = "account"

func (v visitor) accountView(a billing.Account, r *http.Request) accountView {
	view := accountView{ID: a.ID, Missing: a.Missing(), Due: a.Due, Gives: a.ID != "" && !a.InOrder() && !a.Disconnected}
	if a.Version > 0 {
		view.Since = v.practice.Local(a.Changed)
	}
	if view.Asked = a.ID == "" && r.URL.Query().Has(askedField); view.Asked {
		view.Missing = "An account is being made at Stripe, which takes some seconds. Then go on."
	}
	return view
}

// connectAccount has an account made at Stripe, and connects it when it is made.
func (s *site) connectAccount(w http.ResponseWriter, r *http.Request, v visitor) error {
	a, err := s.Registrar.ConnectAccount(r.Context(), v.Caller)
	switch {
	case err != nil:
		return err
	case a.ID == "":
		return redirect(w, settingsAt+"?"+askedField+"=asked#payments")
	}
	return redirect(w, settingsAt+"#payments")
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
