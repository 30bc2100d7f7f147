package web

import (
	"net/http"

	"evisit/pkg/billing"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// An estimateView is a good-faith estimate for a patient who pays themselves, to be printed:
// who asks whom for what, and the most that it costs (No Surprises Act, 45 CFR
// 149.610(c)(1)). Diagnoses and codes of services are known with the answer.
type estimateView struct {
	Back, Number   string
	Patient        phi.Text
	Born           string
	Practice       practice.Practice
	Address        string
	Service        string
	Amount, Most   string
	Discount       string
	Free           bool
	Given, Expires string
}

func estimatePath(visit string) string { return myPath(visit) + "/estimate" }

// estimate shows what a draft costs whose patient pays the fee themselves. What has no price
// that can be accepted, or was sent, has none.
func (s *site) estimate(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	o, err := s.Request.Quote(r.Context(), v.Caller, id)
	if err != nil {
		if _, _, answerable := explain(err); answerable && o.Visit.ID != "" {
			if o.Visit.Status != visit.Draft {
				return redirect(w, myPath(id))
			}
			return redirect(w, checkPath(id))
		}
		return err
	}
	if o.Quote.Basis == billing.PlanShare { // they do not pay for it themselves
		return redirect(w, formPath(id, len(o.Form.Pages())))
	}
	who, err := s.Charts.Patient(r.Context(), o.Visit.Patient)
	if err != nil {
		return err
	}
	return s.show(w, &v, page{view: "estimate", title: "Good-faith estimate", leave: o.Form.Private(), data: estimateView{
		Back: formPath(id, len(o.Form.Pages())), Number: o.Visit.Number(), Patient: who.Contact.Name, Born: bornWords(who.Contact.Birth),
		Practice: v.practice, Address: addressWords(v.practice.Address), Service: o.Form.Title(),
		Amount: o.Quote.Amount.String(), Most: o.Quote.Most(), Discount: o.Quote.Discount(), Free: o.Quote.Free(),
		Given: v.practice.Local(s.Now()), Expires: v.practice.Local(o.Quote.ExpiresAt),
	}})
}

// addressWords is an address in one line; empty if there is none.
func addressWords(a practice.Address) string {
	if a.Line == "" {
		return ""
	}
	words := a.Line
	if a.Line2 != "" {
		words += ", " + a.Line2
	}
	return words + ", " + a.City + ", " + a.State + " " + a.ZIP
}
