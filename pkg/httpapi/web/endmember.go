package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"evisit/pkg/clinic/office"
	"evisit/pkg/fault"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

// memberAtDesk is where a practice sees a patient's membership.
func memberAtDesk(patient string) string { return "/desk/members/" + url.PathEscape(patient) }

// whenField is when a membership is to end: with its year, or at once.
const (
	whenField = "when"
	withYear  = "year"
	atOnce    = "now"
)

// endMemberForm is how and why a membership ends, of which back is refunded at once. One whose year is
// not paid ends at once alone.
func endMemberForm(paid bool, back money.Cents) []field {
	now := option{ID: whenField, Value: atOnce, Label: "At once, with " + back.String() + " refunded"}
	when := field{Kind: "radios", ID: whenField, Name: whenField, Label: "When it ends", Required: true, Options: []option{now}}
	if paid {
		now.ID = whenField + "-now"
		when.Options = []option{{ID: whenField, Value: withYear, Label: "With its year: visits stay included until then, and nothing is refunded"}, now}
	}
	reasons := field{Kind: "radios", ID: "reason", Name: "reason", Label: "Why", Required: true, Help: []string{"The patient is written this."}}
	for n, r := range membership.Reasons {
		o := option{ID: reasons.ID, Value: string(r), Label: r.Text()}
		if n > 0 {
			o.ID += "-" + string(r)
		}
		reasons.Options = append(reasons.Options, o)
	}
	return []field{when, reasons}
}

var endMemberPlaces = map[string]string{"/reason": "reason", "/at_once": whenField}

// patientsMembershipSheet shows a patient's membership to the practice, and how it is ended.
func (s *site) patientsMembershipSheet(m office.Member, patient string, p practice.Practice) sheet {
	sh := sheet{Crumb: &link{Href: patientPath(patient), Text: "The patient"}, Title: practice.MembershipName, Facts: []fact{{"Stands", stateWords[m.State]}}}
	switch m.State {
	case membership.Active, membership.PastDue:
		sh.Facts = append(sh.Facts, fact{"Year", m.Standing.Text(m.Zone)}, fact{"After it", afterWords(m.Membership)}, fact{"Included visits used", strconv.Itoa(m.Used())})
	case membership.Ended:
		sh.Facts = append(sh.Facts, fact{"Ended", p.Local(m.Ended.At) + ": " + endWords[m.Ended.Why]})
	case membership.Pending:
	}
	if _, open := m.Arrears(); open > 0 {
		sh.Facts = append(sh.Facts, fact{"Not paid", open.String()})
	}
	if owed := m.Owed(); owed > 0 {
		sh.Facts = append(sh.Facts, fact{"Owed, and not refunded yet", owed.String()})
	}
	if text := m.Reason().Text(); text != "" {
		sh.Facts = append(sh.Facts, fact{"Why the practice ends it", text})
	}
	for _, b := range m.Bills {
		sh.Facts = append(sh.Facts, fact{"Invoice " + b.Number, billWords(b, p)})
	}
	for _, d := range m.Disputes {
		sh.Facts = append(sh.Facts, fact{"Dispute of invoice " + d.Number, contestWords(d.Contest, p)})
		for _, part := range disputeTexts(d.Evidence) {
			sh.Facts = append(sh.Facts, fact{"For the bank: " + part.Name, strings.Join(part.Lines, "; ")})
		}
	}
	if !m.MayEnd {
		return sh
	}
	sh.Intro = []string{
		"You can end this membership. The patient is told by letter, with the reason, and cannot resume it.",
		"If it ends at once: " + m.Back.Text,
	}
	sh.Action, sh.Button, sh.Fields = memberAtDesk(patient)+"/end", "End this membership", endMemberForm(m.State == membership.Active, m.Back.Amount)
	sh.Hidden = []hiddenField{{membershipField, m.ID}, {refundField, strconv.FormatInt(int64(m.Back.Amount), 10)}}
	return sh
}

// contestWords say what a bank says of the payment of an invoice, and what is to be done.
func contestWords(c membership.Contest, p practice.Practice) string {
	words := "The cardholder says: " + strings.ReplaceAll(c.Reason, "_", " ") + "."
	if c.Inquiry {
		words += " The bank asks, and has taken no money."
	}
	switch {
	case !c.Awaits:
		return words + " It awaits no answer."
	case c.Due.IsZero():
		return words + " Answer it in Stripe's dashboard."
	}
	return words + " Answer it in Stripe's dashboard by " + p.Local(c.Due) + "."
}

// patientsMembership shows a patient's membership to who works at the practice.
func (s *site) patientsMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	patient := r.PathValue("patient")
	m, err := s.Office.Membership(r.Context(), v.Caller, patient)
	if errors.Is(err, office.ErrNoMember) {
		return s.showSheet(w, &v, sheet{
			Crumb: &link{Href: patientPath(patient), Text: "The patient"}, Title: practice.MembershipName, Intro: []string{"This patient has had no membership here."},
		}, "", http.StatusOK)
	}
	if err != nil {
		return err
	}
	sh := s.patientsMembershipSheet(m, patient, v.practice)
	if r.URL.Query().Get("done") != "" {
		sh.Done = "It is decided, and the patient is told."
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// endMembership ends the membership that the page showed.
func (s *site) endMembership(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, nil, endMemberPlaces)
	if err != nil {
		return err
	}
	patient := r.PathValue("patient")
	in := office.MembershipEnd{
		Membership: f.values.Get(membershipField), Reason: membership.Reason(f.values.Get("reason")),
		AtOnce: f.values.Get(whenField) == atOnce, Shown: money.Cents(number(f.values.Get(refundField))),
	}
	var unclear []fault.Problem
	if when := f.values.Get(whenField); when != withYear && when != atOnce {
		unclear = append(unclear, fault.Problem{Where: "/at_once", Code: "required", Text: "Say when it ends."})
	}
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Office.EndMembership(ctx, v.Caller, patient, in)
		return err
	})
	if err == nil {
		return redirect(w, memberAtDesk(patient)+"?done=1")
	}
	m, failed := s.Office.Membership(r.Context(), v.Caller, patient)
	if failed != nil {
		return failed
	}
	sh := s.patientsMembershipSheet(m, patient, v.practice)
	f.Form = sh.Fields
	return s.refusedSheet(w, &v, sh, f, err)
}
