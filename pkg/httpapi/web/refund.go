package web

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/fault"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

func refundPath(visit string) string { return deskPath(visit) + "/refund" }

// refundForm is the form of a refund of at most most.
func refundForm(most money.Cents) []field {
	reasons := field{Kind: "radios", ID: "reason", Name: "reason", Label: "Why", Required: true, Help: []string{"The patient is told this."}}
	for i, r := range billing.RefundReasons {
		o := option{ID: reasons.ID, Value: string(r), Label: capital(r.Text())}
		if i > 0 {
			o.ID += "-" + string(r)
		}
		reasons.Options = append(reasons.Options, o)
	}
	return []field{
		{Kind: "text", ID: "amount", Name: "amount", Label: "How much, in dollars", Required: true, Mode: "decimal", Values: one(""), Help: []string{"Such as 12.50. At most " + most.String() + "."}},
		reasons,
	}
}

var refundPlaces = map[string]string{"/amount_cents": "amount", "/reason": "reason"}

// refundable is the first payment of which the visitor can refund something; false if there
// is none.
func refundable(found office.Refunds) (office.Refundable, bool) {
	at := slices.IndexFunc(found.Payments, func(p office.Refundable) bool { return p.Most > 0 })
	if at < 0 {
		return office.Refundable{}, false
	}
	return found.Payments[at], true
}

// refundSheet shows what was charged and refunded, and the form of another refund, if the
// visitor can have one.
func refundSheet(found office.Refunds, p practice.Practice) sheet {
	sh := sheet{
		Crumb: &link{Href: "/desk/work", Text: "Back to the work"}, Title: "Refund a payment",
		Intro: []string{"Request " + found.Visit.Number() + "."},
	}
	if len(found.Payments) == 0 {
		sh.Intro = append(sh.Intro, "Nothing was charged.")
	}
	for _, pay := range found.Payments {
		sh.Facts = append(sh.Facts, fact{"Receipt " + found.Visit.Receipt(pay.ID), refundableWords(pay)})
		for _, e := range found.Entries {
			if e.Payment == pay.ID {
				sh.Facts = append(sh.Facts, fact{entryWords(string(e.Kind)), refundedWords(e, p)})
			}
		}
	}
	pay, ok := refundable(found)
	if !ok {
		sh.Intro = append(sh.Intro, "You can refund nothing of it now.")
		return sh
	}
	sh.Action, sh.Button, sh.Fields = refundPath(found.Visit.ID), "Refund it", refundForm(pay.Most)
	sh.Hidden = []hiddenField{{"payment", pay.ID}, {"left", strconv.FormatInt(int64(pay.Left()), 10)}}
	return sh
}

// refundableWords says how much of a payment was charged and refunded, and what is on its way.
func refundableWords(p office.Refundable) string {
	words := p.Collected.String() + " charged, " + p.Refunded.String() + " refunded"
	if p.Withdrawn > 0 {
		words += ", " + p.Withdrawn.String() + " taken back by the cardholder's bank"
	}
	switch a := p.Asked; a.Stage {
	case billing.RefundAsked:
		words += "; " + a.Amount.String() + " is being refunded for " + a.By
	case billing.RefundUndone:
		words += "; " + a.Amount.String() + " for " + a.By + " was not refunded"
	case billing.RefundMade:
	}
	return words
}

// refundedWords says how much was refunded, when, by whom and why.
func refundedWords(e ledger.Entry, p practice.Practice) string {
	words := e.Amount().String() + ", " + p.Local(e.At)
	switch {
	case e.By != "":
		words += ", by " + e.By + ": " + billing.RefundReason(e.Reason).Text()
	case e.Kind == ledger.Refund:
		words += ", at Stripe or by a rule"
	}
	return words
}

// toRefund leads an administrator, who reads no charts, from a visit's page to that on which
// its payment is refunded, if one can be; otherwise the refusal of the visit's page stands.
func (s *site) toRefund(w http.ResponseWriter, r *http.Request, v visitor, refusal error) error {
	id := r.PathValue("id")
	found, err := s.Office.Refunds(r.Context(), v.Caller, id)
	if err != nil {
		return refusal
	}
	if _, ok := refundable(found); !ok {
		return refusal
	}
	return redirect(w, refundPath(id))
}

func (s *site) refund(w http.ResponseWriter, r *http.Request, v visitor) error {
	found, err := s.Office.Refunds(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	sh := refundSheet(found, v.practice)
	if r.URL.Query().Get("done") != "" {
		sh.Done = "It is being refunded. The patient is told when it is made."
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// exactDollars is how an amount is typed that is paid: nothing in it can be misread.
var exactDollars = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{2})?$`)

// refundVisit has a payment refunded as the visitor typed.
func (s *site) refundVisit(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	f, err := readSheet(r, nil, refundPlaces)
	if err != nil {
		return err
	}
	left, _ := strconv.ParseInt(f.values.Get("left"), 10, 64) // what cannot be read was shown to nobody, and is refused so
	asked := office.RefundRequest{
		Payment: f.values.Get("payment"), Left: money.Cents(left), Reason: billing.RefundReason(f.values.Get("reason")),
	}
	var unclear []fault.Problem
	text := strings.TrimSpace(f.values.Get("amount"))
	if asked.Amount, _ = dollars(text); !exactDollars.MatchString(text) {
		unclear = append(unclear, fault.Problem{Where: "/amount_cents", Code: "format", Text: "Give dollars and cents, such as 12.50."})
	}
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Office.Refund(ctx, v.Caller, id, asked)
		return err
	})
	if err == nil {
		return redirect(w, refundPath(id)+"?done=1")
	}
	found, failed := s.Office.Refunds(r.Context(), v.Caller, id)
	if failed != nil {
		return failed
	}
	sh := refundSheet(found, v.practice)
	f.Form = sh.Fields
	return s.refusedSheet(w, &v, sh, f, err)
}
