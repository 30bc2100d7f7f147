package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

const memberAt = "/my/membership"

// membershipField has the membership that a page showed: a press on another's page changes none.
const membershipField = "membership"

// memberOf is the page of a patient's membership.
func memberOf(patient string) string { return memberAt + "/" + url.PathEscape(patient) }

// memberForm is what somebody says and accepts who joins.
var memberForm = []field{
	{
		Kind: "radios", ID: "medicare", Name: "medicare", Label: "Medicare", Required: true,
		Help:    []string{"Does the patient have Medicare Part B, or a Medicare Advantage plan, now or within the coming year?"},
		Options: []option{{ID: "medicare", Value: "yes", Label: "Yes"}, {ID: "medicare-no", Value: "no", Label: "No"}},
	},
	{
		Kind: "checks", ID: "accept", Name: "accept", Label: "Terms", Required: true,
		Options: []option{{ID: "accept", Value: "yes", Label: "I have read the terms above, and accept them and the price"}},
	},
}

var memberPlaces = map[string]string{"/members/0/medicare": "medicare", "/accept": "accept"}

// memberSheet shows a patient's membership, and what they can do.
func (s *site) memberSheet(v request.Membership) (sheet, error) {
	p := v.Practice
	sh := sheet{Title: practice.MembershipName}
	zone, err := p.Location()
	if err != nil {
		return sh, err
	}
	m := v.Mine
	if m.ID != "" {
		sh.Facts = append(sh.Facts, fact{"Stands", stateWords[m.State]})
	}
	switch m.State {
	case membership.Pending:
		if m.Payable(s.Now()) {
			sh.Facts = append(sh.Facts, fact{"Price", m.Terms.Yearly(len(m.People)).String() + " for the first year"})
			sh.Links = append(sh.Links, link{Href: m.Page.URL, Text: "Pay for the first year"})
		} else {
			sh.Intro = append(sh.Intro, "Stripe has yet to report whether it was paid. Look again in some minutes.")
		}
	case membership.Active, membership.PastDue:
		sh.Facts = append(sh.Facts, fact{"Year", m.Standing.Text(zone)}, fact{"After it", afterWords(m)})
		sh.Hidden = []hiddenField{{membershipField, m.ID}}
		switch {
		case m.Cancels():
			sh.Action, sh.Button = memberOf(v.Patient)+"/cancel", "Cancel the membership"
			sh.Intro = append(sh.Intro, cancelWords(m, zone))
		case m.Resumes(s.Now()):
			sh.Action, sh.Button = memberOf(v.Patient)+"/resume", "Go on with the membership after all"
			sh.Intro = append(sh.Intro, "It is cancelled: you have it until "+m.Standing.LastDay(zone)+", and nothing more is charged. Until then you can say that it goes on after all.")
		}
		if page, amount := m.Arrears(); page != "" {
			sh.Links = append(sh.Links, link{Href: page, Text: "Pay the renewal: " + amount.String()})
		}
		if v.Leaving.Amount > 0 {
			sh.Links = append(sh.Links, link{Href: memberOf(v.Patient) + "/leave", Text: "End it at once, and have " + v.Leaving.Amount.String() + " refunded"})
		}
		if text := m.Unpaid(zone); text != "" {
			sh.Intro = append(sh.Intro, text)
		}
		if told, ok := m.Letter(zone); ok {
			sh.Intro = append(sh.Intro, told.Text)
		}
		sh.Intro = append(sh.Intro, m.TermsAt(s.Now()).Sentences()...)
	case membership.Ended:
		sh.Facts = append(sh.Facts, fact{"Ended", p.Local(m.Ended.At) + ": " + endWords[m.Ended.Why]})
		if text := m.Reason().Text(); text != "" {
			sh.Intro = append(sh.Intro, text)
		}
	}
	for _, b := range v.Bills {
		sh.Facts = append(sh.Facts, fact{"Invoice " + b.Number, billWords(b, p)})
	}
	switch {
	case !v.Joins():
	case v.Sold:
		sh.Intro = append(sh.Intro, "What it costs: "+v.Terms.Yearly(1).String()+" a year.")
		sh.Intro = append(sh.Intro, v.Terms.Sentences()...)
		sh.Action, sh.Button, sh.Fields = memberOf(v.Patient), "Join, and go to the payment page", with(memberForm, url.Values{"medicare": {declaredBy(v.Medicare)}})
		sh.Pays = true
		sh.Hidden = []hiddenField{{"offer", v.Terms.Offer}, {"terms", strconv.Itoa(v.Terms.Version)}}
	default:
		sh.Intro = append(sh.Intro, "The practice sells no membership now.")
	}
	return sh, nil
}

// declaredBy is what the health plans on record say already.
func declaredBy(m membership.Medicare) string {
	if m.PartB == coding.Yes {
		return "yes"
	}
	return ""
}

var stateWords = map[membership.State]string{
	membership.Pending: "Awaits its first payment", membership.Active: "Paid", membership.PastDue: "A payment failed", membership.Ended: "Ended",
}

var endWords = map[membership.Why]string{
	membership.NeverPaid: "it was not paid", membership.Cancelled: "as you asked", membership.ByPractice: "by the practice",
	membership.Unpaid: "a payment failed and was not made in time", membership.OfMedicare: "Medicare covers what it includes",
}

func afterWords(m membership.Membership) string {
	if m.Renews() {
		return "It is renewed for another year"
	}
	return "It ends, and nothing more is charged"
}

// cancelWords say what who cancels m brings about.
func cancelWords(m membership.Membership, zone *time.Location) string {
	if m.Standing.Paid == 0 {
		return "If you cancel it now, it ends at once, and nothing more is charged."
	}
	return "If you cancel it, you have it until " + m.Standing.LastDay(zone) + ", and nothing more is charged."
}

// billWords say what was paid by an invoice, and what was refunded of it.
func billWords(b membership.Bill, p practice.Practice) string {
	zone, err := p.Location()
	if err != nil {
		return b.Amount.String()
	}
	words := fmt.Sprintf("%s for %s", b.Amount, b.Text(zone))
	if b.PaidAt.IsZero() {
		return words + ", not paid"
	}
	words += ", paid on " + p.Local(b.PaidAt)
	if b.Refunded > 0 {
		words += ", of which " + b.Refunded.String() + " was refunded"
	}
	if b.Withdrawn > 0 {
		words += "; your bank took " + b.Withdrawn.String() + " back"
	}
	return words
}

// membership shows the membership of the visitor, or of somebody they act for.
func (s *site) membership(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showMembership(w, r, v, filled{}, nil)
}

// showMembership shows it with the form as it was sent and refused because of why; nil: it was not.
func (s *site) showMembership(w http.ResponseWriter, r *http.Request, v visitor, f filled, why error) error {
	mine, err := s.Request.Membership(r.Context(), v.Caller, r.PathValue("patient"))
	if err != nil {
		return err
	}
	sh, err := s.memberSheet(mine)
	if err != nil {
		return err
	}
	if why != nil {
		if f.Form == nil || len(sh.Fields) == 0 { // another form than the page's was refused, or one that the page has no more
			f.Form = sh.Fields
		}
		return s.refusedSheet(w, &v, sh, f, why)
	}
	if r.URL.Query().Get("paid") != "" && mine.Mine.State == membership.Pending {
		sh.Done = "Thank you. Your membership begins when the payment is reported, in a moment: look at this page again."
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// cancelMembership has the membership that the page showed end with its year.
func (s *site) cancelMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.changeMembership(w, r, v, s.Request.CancelMembership)
}

// resumeMembership has it go on after its year, although it was cancelled.
func (s *site) resumeMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.changeMembership(w, r, v, s.Request.ResumeMembership)
}

func (s *site) changeMembership(
	w http.ResponseWriter, r *http.Request, v visitor, change func(ctx context.Context, c clinic.Caller, patient, id string) (membership.Membership, error),
) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	of := r.PathValue("patient")
	if _, err := change(r.Context(), v.Caller, of, values.Get(membershipField)); err != nil {
		return s.showMembership(w, r, v, filled{newSentForm(url.Values{}, memberPlaces), nil}, err)
	}
	return redirect(w, memberOf(of))
}

// refundField has what a page said is refunded.
const refundField = "refund"

// leaving shows what is refunded if a membership ends at once, to be confirmed.
func (s *site) leaving(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showLeaving(w, r, v, nil)
}

// showLeaving shows it with why it was refused; nil: it was not.
func (s *site) showLeaving(w http.ResponseWriter, r *http.Request, v visitor, why error) error {
	mine, err := s.Request.Membership(r.Context(), v.Caller, r.PathValue("patient"))
	if err != nil {
		return err
	}
	back := mine.Leaving
	if back.Amount == 0 {
		return redirect(w, memberOf(mine.Patient))
	}
	sh := sheet{
		Crumb: &link{Href: memberOf(mine.Patient), Text: practice.MembershipName}, Title: "End the membership at once",
		Intro: []string{
			back.Text, "Then no visit is included any more, and nothing more is charged. It cannot be undone; you can join again.",
			"The money goes back to the card that paid. Your bank may take ten days to show it.",
		},
		Facts:  []fact{{"Refunded", back.Amount.String()}},
		Action: memberOf(mine.Patient) + "/leave", Button: "End it now, with " + back.Amount.String() + " back",
		Hidden: []hiddenField{{membershipField, mine.Mine.ID}, {refundField, strconv.FormatInt(int64(back.Amount), 10)}},
	}
	if why != nil {
		return s.refusedSheet(w, &v, sh, filled{newSentForm(url.Values{}, memberPlaces), nil}, why)
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// leaveMembership has the membership that the page showed end at once.
func (s *site) leaveMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	of := r.PathValue("patient")
	_, err = s.Request.LeaveMembership(r.Context(), v.Caller, of, values.Get(membershipField), money.Cents(number(values.Get(refundField))))
	if err != nil {
		return s.showLeaving(w, r, v, err)
	}
	return redirect(w, memberOf(of))
}

// join makes a membership on the terms that the page showed, and leads to the page for its payment.
func (s *site) joinMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, memberForm, memberPlaces)
	if err != nil {
		return err
	}
	of := r.PathValue("patient")
	in := request.Joining{Offer: f.values.Get("offer"), Terms: number(f.values.Get("terms"))}
	switch f.values.Get("medicare") {
	case "yes":
		in.Medicare = coding.Yes
	case "no":
		in.Medicare = coding.No
	}
	if f.values.Get("accept") != "yes" {
		return s.showMembership(w, r, v, f, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
			fault.Problem{Where: "/accept", Code: "required", Text: "Tick this box to accept the terms and the price."}))
	}
	m, err := s.Request.Join(r.Context(), v.Caller, of, in)
	if public, ok := fault.Public(err); ok && public.Code == "terms_changed" {
		return s.showMembership(w, r, v, filled{newSentForm(url.Values{}, memberPlaces), memberForm}, err)
	}
	switch {
	case err != nil:
		return s.showMembership(w, r, v, f, err)
	case m.Payable(s.Now()):
		return redirect(w, m.Page.URL)
	}
	return redirect(w, memberOf(m.Payer))
}
