package web

import (
	"net/http"
	"net/url"

	"evisit/pkg/coverage"
)

const payersAt = "/manage/payers"

func filingOptions() []option {
	var all []option
	for _, f := range coverage.Filings() {
		all = append(all, option{Value: string(f), Label: f.Words() + " (" + string(f) + ")"})
	}
	return all
}

var payerForm = []field{
	{Kind: "text", ID: "name", Name: "name", Label: "Name, as claims have it", Required: true, Help: []string{"Patients find the payer by it."}},
	{Kind: "select", ID: "filing", Name: "filing", Label: "Kind of insurance", Required: true, Options: filingOptions(), Help: []string{"In brackets: the claim filing indicator code."}},
	{Kind: "text", ID: "address", Name: "address", Label: "Electronic address", Help: []string{"The id of the receiver that its files are sent to. Empty: it takes no electronic claims."}},
}

var newPayerForm = append([]field{{
	Kind: "text", ID: "id", Name: "id", Label: "Payer id", Required: true, Help: []string{"As the clearinghouse knows the payer, such as 60054. It never changes."},
}}, payerForm...)

var payerPlaces = map[string]string{"/id": "id", "/name": "name", "/filing_code": "filing", "/electronic_address": "address"}

func (f filled) payer(id string) coverage.Payer {
	return coverage.Payer{ID: id, Name: f.text("name").Reveal(), Filing: coverage.Filing(f.values.Get("filing")), Address: f.text("address").Reveal()}
}

type payersView struct {
	Payers []payerRow
}

type payerRow struct {
	ID, Name, Kind, Address string
	Medicare, Ended         bool
}

// payers lists all payers, for who runs the system.
func (s *site) payers(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := s.Registrar.KeepsPayers(r.Context(), v.Caller); err != nil {
		return err
	}
	all, err := s.Registrar.Payers(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	var view payersView
	for _, p := range all {
		view.Payers = append(view.Payers, payerRow{p.ID, p.Name, p.Filing.Words(), p.Address, p.Filing.Medicare() != coverage.NotMedicare, !p.Ended.IsZero()})
	}
	return s.show(w, &v, page{view: "payers", title: "Payers", data: view})
}

var payersCrumb = &link{Href: payersAt, Text: "Payers"}

func newPayerSheet() sheet {
	return sheet{
		Crumb: payersCrumb, Title: "Register a payer", Action: payersAt, Button: "Register", Fields: with(newPayerForm, nil),
		Intro: []string{"Patients and practices can then choose it for their health plans."},
	}
}

func (s *site) newPayer(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := s.Registrar.KeepsPayers(r.Context(), v.Caller); err != nil {
		return err
	}
	return s.showSheet(w, &v, newPayerSheet(), "", http.StatusOK)
}

func (s *site) registerPayer(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, newPayerForm, payerPlaces)
	if err != nil {
		return err
	}
	p, err := s.Registrar.RegisterPayer(r.Context(), v.Caller, f.payer(f.text("id").Reveal()))
	if err != nil {
		return s.refusedSheet(w, &v, newPayerSheet(), f, err)
	}
	return redirect(w, payerPath(p.ID)+"?done=registered")
}

var payerDone = map[string]string{"registered": "The payer is registered.", "changed": "The change is made."}

func payerPath(id string) string { return payersAt + "/" + url.PathEscape(id) }

func (v visitor) payerSheet(p coverage.Payer) sheet {
	at := payerPath(p.ID)
	sh := sheet{
		Crumb: payersCrumb, Title: p.Name, Action: at, Button: "Save", Hidden: seen(p.Version),
		Fields:  with(payerForm, url.Values{"name": {p.Name}, "filing": {string(p.Filing)}, "address": {p.Address}}),
		Facts:   []fact{{"Payer id", p.ID}},
		Presses: []press{newPress(false, at+"/end", "danger", "End: no new health plan may name it")},
	}
	if !p.Ended.IsZero() {
		sh.Facts = append(sh.Facts, fact{"Ended since", v.practice.Local(p.Ended)})
		sh.Presses = []press{newPress(false, at+"/resume", "second", "Let new health plans name it again")}
	}
	return sh
}

func (s *site) payer(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := s.Registrar.Payer(r.Context(), v.Caller, r.PathValue("payer"))
	if err != nil {
		return err
	}
	sh := v.payerSheet(p)
	sh.Done = payerDone[r.URL.Query().Get("done")]
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

func (s *site) changePayer(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, payerForm, payerPlaces)
	if err != nil {
		return err
	}
	id := r.PathValue("payer")
	if _, err = s.Registrar.ChangePayer(r.Context(), v.Caller, id, f.payer(id)); err == nil {
		return redirect(w, payerPath(id)+"?done=changed")
	}
	p, failed := s.Registrar.Payer(r.Context(), v.Caller, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, v.payerSheet(p), f, err)
}

// endPayer keeps new health plans from naming a payer, or ends that.
func (s *site) endPayer(ended bool) func(http.ResponseWriter, *http.Request, visitor) error {
	return func(w http.ResponseWriter, r *http.Request, v visitor) error {
		p, err := s.Registrar.EndPayer(r.Context(), v.Caller, r.PathValue("payer"), ended)
		if err != nil {
			return err
		}
		return redirect(w, payerPath(p.ID)+"?done=changed")
	}
}
