package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
)

var practiceForm = []field{
	{Kind: "text", ID: "name", Name: "name", Label: "Name, as patients know it", Required: true},
	{Kind: "text", ID: "line", Name: "line", Label: "Street and number", Required: true},
	{Kind: "text", ID: "line2", Name: "line2", Label: "Suite, floor"},
	{Kind: "text", ID: "city", Name: "city", Label: "City", Required: true},
	{Kind: "text", ID: "state", Name: "state", Label: "State", Required: true, Help: []string{"Two letters, such as OR."}},
	{Kind: "text", ID: "zip", Name: "zip", Label: "ZIP code", Required: true},
	{Kind: "text", ID: "zone", Name: "zone", Label: "Time zone", Required: true, Help: []string{"Its IANA name, such as America/Chicago."}},
	{Kind: "text", ID: "phone", Name: "phone", Label: "Number that patients are told to call", Required: true},
	{Kind: "text", ID: "inbox", Name: "inbox", Label: "E-mail address for letters to the practice", Required: true},
	{Kind: "text", ID: "npi", Name: "npi", Label: "NPI of the group", Required: true},
	{Kind: "text", ID: "ein", Name: "ein", Label: "EIN", Required: true},
	{Kind: "text", ID: "taxonomy", Name: "taxonomy", Label: "Taxonomy code", Required: true, Help: []string{"Ten characters, such as 207Q00000X."}},
	{Kind: "text", ID: "account", Name: "account", Label: "Connected account at Stripe", Help: []string{"Such as acct_1AbCdEfGhIjKlMnO. Without it nobody can pay yet."}},
	{Kind: "text", ID: "platform-fee", Name: "platform-fee", Label: "The platform's part, in percent of what patients pay", Mode: "decimal", Help: []string{
		"From 0 to 30, such as 2.5. Payments and memberships that have begun keep theirs. Empty: nothing.",
	}},
}

var registrationForm = append([]field{{
	Kind: "text", ID: "id", Name: "id", Label: "Id", Required: true,
	Help: []string{"Stands in the practice's address for good: 3 to 40 small letters, digits and hyphens."},
}}, practiceForm...)

var practicePlaces = map[string]string{
	"/id": "id", "/name": "name", "/address/line2": "line2", "/address/city": "city", "/address/state": "state", "/address/zip": "zip",
	"/time_zone": "zone", "/phone": "phone", "/inbox": "inbox", "/npi": "npi", "/ein": "ein", "/taxonomy": "taxonomy", "/stripe_account": "account",
	"/platform_fee_basis_points": "platform-fee",
	"/address/line":              "line",
}

// registration is what was filled in; what cannot be read is unclear.
func (f filled) registration(id string) (r registry.Registration, unclear []fault.Problem) {
	text := func(name string) string { return f.text(name).Reveal() }
	r = registry.Registration{
		ID: id, Name: text("name"), Zone: text("zone"), Phone: text("phone"), Inbox: text("inbox"),
		Address: practice.Address{Line: text("line"), Line2: text("line2"), City: text("city"), State: text("state"), ZIP: text("zip")},
		NPI:     text("npi"), EIN: text("ein"), Taxonomy: text("taxonomy"), Account: text("account"),
	}
	if part := text("platform-fee"); part != "" {
		hundredths, read := dollars(part) // an amount has as many decimals as a percentage here
		if !read {
			unclear = append(unclear, fault.Problem{Where: "/platform_fee_basis_points", Code: "format", Text: "Give a percentage with two decimals at most, such as 2.5."})
		}
		r.PlatformFee = int(hundredths)
	}
	return r, unclear
}

// percentage is hundredths of a percent as they are filled in: 2.5; nothing is empty.
func percentage(hundredths int) string {
	if hundredths == 0 {
		return ""
	}
	whole, part := strconv.Itoa(hundredths/100), fmt.Sprintf("%02d", hundredths%100)
	return strings.TrimSuffix(whole+"."+strings.TrimRight(part, "0"), ".")
}

func practiceValues(p practice.Practice) url.Values {
	return url.Values{
		"name": {p.Name}, "line": {p.Address.Line}, "line2": {p.Address.Line2}, "city": {p.Address.City}, "state": {p.Address.State}, "zip": {p.Address.ZIP},
		"zone": {p.Zone}, "phone": {p.Phone}, "inbox": {p.Inbox}, "npi": {p.NPI}, "ein": {p.EIN}, "taxonomy": {p.Taxonomy}, "account": {p.Account},
		"platform-fee": {percentage(p.PlatformFee)},
	}
}

type practicesView struct{ Practices []standingRow }

type standingRow struct {
	ID, Name, Suspended, Oldest string
	Open, Parked                int
}

// practices lists all practices, for who runs the system.
func (s *site) practices(w http.ResponseWriter, r *http.Request, v visitor) error {
	all, err := s.Registrar.Practices(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	var view practicesView
	for _, st := range all {
		row := standingRow{ID: st.ID, Name: st.Name, Open: st.Open, Parked: st.Parked}
		if !st.Oldest.IsZero() {
			row.Oldest = st.Local(st.Oldest)
		}
		if !st.Suspended.IsZero() {
			row.Suspended = st.Local(st.Suspended)
		}
		view.Practices = append(view.Practices, row)
	}
	return s.show(w, &v, page{view: "practices", title: "Practices", data: view})
}

var practicesCrumb = &link{Href: "/manage/practices", Text: "Practices"}

func registrationSheet() sheet {
	return sheet{
		Crumb: practicesCrumb, Title: "Register a practice", Action: "/manage/practices", Button: "Register", Fields: with(registrationForm, nil),
		Intro: []string{"It takes no request before its administrator has said what it offers."},
	}
}

func (s *site) newPractice(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Registrar.Practices(r.Context(), v.Caller); err != nil {
		return err
	}
	return s.showSheet(w, &v, registrationSheet(), "", http.StatusOK)
}

func (s *site) registerPractice(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, registrationForm, practicePlaces)
	if err != nil {
		return err
	}
	var p practice.Practice
	in, unclear := f.registration(f.text("id").Reveal())
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		p, err = s.Registrar.Register(ctx, v.Caller, in)
		return err
	})
	if err != nil {
		return s.refusedSheet(w, &v, registrationSheet(), f, err)
	}
	return redirect(w, practicePath(p.ID)+"?done=registered")
}

var practiceDone = map[string]string{
	"registered": "The practice is registered. Invite its administrator next.", "invited": "The letter is on its way.", "changed": "The change is made.",
}

// practicePath is where an operator sees a practice.
func practicePath(practice string) string { return "/manage/practices/" + url.PathEscape(practice) }

func practiceSheet(st registrar.Standing) sheet {
	at := practicePath(st.ID)
	sh := sheet{
		Crumb: practicesCrumb, Title: st.Name, Action: at, Button: "Save", Fields: with(practiceForm, practiceValues(st.Practice)), Hidden: seen(st.Version),
		Facts:   []fact{{"Id", st.ID}, {"Registered", st.Local(st.Since)}},
		Presses: []press{newPress(false, at+"/suspend", "danger", "Suspend: nothing new begins")},
	}
	if !st.Suspended.IsZero() {
		sh.Facts = append(sh.Facts, fact{"Suspended since", st.Local(st.Suspended)})
		sh.Presses = []press{newPress(false, at+"/resume", "second", "End the suspension")}
	}
	return sh
}

func (s *site) practicePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	st, err := s.Registrar.Practice(r.Context(), v.Caller, r.PathValue("practice"))
	if err != nil {
		return err
	}
	sh := practiceSheet(st)
	sh.Done, sh.Invite = practiceDone[r.URL.Query().Get("done")], practicePath(st.ID)+"/invite"
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

func (s *site) changePractice(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, practiceForm, practicePlaces)
	if err != nil {
		return err
	}
	id := r.PathValue("practice")
	in, unclear := f.registration(id)
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.Change(ctx, v.Caller, id, in)
		return err
	})
	if err == nil {
		return redirect(w, practicePath(id)+"?done=changed")
	}
	st, failed := s.Registrar.Practice(r.Context(), v.Caller, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, practiceSheet(st), f, err)
}

func (s *site) suspend(suspended bool) func(http.ResponseWriter, *http.Request, visitor) error {
	return func(w http.ResponseWriter, r *http.Request, v visitor) error {
		p, err := s.Registrar.Suspend(r.Context(), v.Caller, r.PathValue("practice"), suspended)
		code, text, ok := explain(err)
		switch {
		case err == nil:
			return redirect(w, practicePath(p.ID)+"?done=changed")
		case !ok:
			return err
		}
		st, failed := s.Registrar.Practice(r.Context(), v.Caller, r.PathValue("practice"))
		if failed != nil {
			return failed
		}
		return s.showSheet(w, &v, practiceSheet(st), text, code)
	}
}
