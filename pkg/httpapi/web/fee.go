package web

import (
	"errors"
	"net/http"
	"slices"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

type feeView struct {
	Form       string
	Visit      string
	Title      string
	Back       string
	Complaints []complaint // what is not accepted, or has changed
	Quote      string
	Amount     string
	Most       string // the amounts, if it costs less when some clinicians answer
	Free       bool
	Included   bool // in the patient's membership
	Caveat     string
	Plan       billing.Plan // whose member's share the price is; zero of another price
	Alone      string       // that no health plan is told; empty where the patient does not pay themselves
	Discount   string       // what the practice takes off for the patient; empty: nothing
	Until      string       // how long the price holds
	Estimate   string       // where the price is printed; empty where the patient said that they do not pay themselves
	Charged    string
	Within     string
	Readers    string
	Consent    practice.Consent
	Agreement  string // the consent's text in Language
	Language   string
	Fee, Terms acceptance
	Later      acceptance // of what need not be ticked: that the card may be charged later
	Beside     string     // the request underway that the patient sends this one beside; empty if none
}

// An acceptance is a box that must be ticked.
type acceptance struct {
	ID, Name, Label string
	Value           string // empty: true
	Ticked          bool
	Error           string
}

// showFee shows what the visit costs and what is agreed to by sending it. What keeps
// it from being priced is told where the answers are checked.
func (s *site) showFee(w http.ResponseWriter, r *http.Request, v visitor, view feeView, code int) error {
	id := r.PathValue("id")
	o, err := s.Request.Quote(r.Context(), v.Caller, id)
	if err != nil {
		_, _, answerable := explain(err)
		switch {
		case o.Visit.ID != "" && o.Visit.Status != visit.Draft:
			return redirect(w, myPath(id))
		case answerable && o.Form != nil:
			return redirect(w, checkPath(id))
		}
		return err
	}
	other, err := s.Request.UnderwayBeside(r.Context(), v.Caller, o.Visit)
	switch {
	case err != nil:
		return err
	case other.ID != "" && other.ID != view.Beside:
		return redirect(w, checkPath(id)+"?"+unconfirmedField+"=1")
	}
	view.Quote, view.Amount, view.Free = o.Quote.ID, o.Quote.Amount.String(), o.Quote.Free()
	view.Included = o.Quote.Basis == billing.ByMember
	view.Most, view.Discount, view.Until = o.Quote.Most(), o.Quote.Discount(), v.practice.Local(o.Quote.ExpiresAt)
	view.Caveat, view.Charged, view.Plan, view.Alone = o.Quote.Caveat.Text(), httpapi.WhenCharged, o.Quote.Plan, o.Quote.Restriction()
	if o.Quote.Caveat == "" && !view.Included && o.Quote.Basis != billing.PlanShare {
		view.Estimate = estimatePath(id)
	}
	view.Within, view.Readers = lasting(o.Terms.Answer), o.Readers
	view.Consent, view.Language = o.Consent, o.Language
	view.Agreement, _ = o.Consent.In(o.Language)
	f, n := o.Form, len(o.Form.Pages())
	view.Form, view.Visit, view.Title, view.Back = f.Title(), id, f.Pages()[n-1].Title, checkPath(id)
	view.Fee = box(f, intake.FeeItem, view.Fee)
	view.Terms = box(f, intake.ConsentItem, view.Terms)
	view.Later.ID, view.Later.Name, view.Later.Value = "later", laterField, billing.LaterWords
	view.Later.Label = billing.LaterText(o.Quote.Amount)
	for _, a := range []acceptance{view.Fee, view.Terms} {
		if a.Error != "" {
			view.Complaints = append(view.Complaints, complaint{Href: "#" + a.ID, Text: a.Error}) // its label is a paragraph
		}
	}
	return s.show(w, &v, page{view: "fee", title: errorTitle(view.Title, view.Complaints), data: view, code: code, pays: true, leave: f.Private()})
}

// laterField is the name of the box by which a patient agrees that the card may be charged
// later; its value is the version of the words beside it.
const laterField = "later"

func box(f *intake.Form, linkID string, a acceptance) acceptance {
	a.ID, a.Name = htmlID(linkID), linkID
	if it, ok := f.Item(linkID); ok {
		a.Label = it.Text
	}
	return a
}

// submit sends the request under the accepted quote and leads to the payment
// page, if anything is to be paid.
func (s *site) submit(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	view := feeView{
		Beside: values.Get(besideField),
		Fee:    acceptance{Ticked: values.Get(intake.FeeItem) == "true"},
		Terms:  acceptance{Ticked: values.Get(intake.ConsentItem) == "true"},
		Later:  acceptance{Ticked: values.Get(laterField) == billing.LaterWords},
	}
	if !view.Fee.Ticked || !view.Terms.Ticked {
		if !view.Fee.Ticked {
			view.Fee.Error = "Tick this box to accept the fee."
		}
		if !view.Terms.Ticked {
			view.Terms.Error = "Tick this box to agree to the terms."
		}
		return s.showFee(w, r, v, view, http.StatusUnprocessableEntity)
	}
	sent, err := s.Request.Submit(r.Context(), v.Caller, id, request.Submission{
		Quote: values.Get("quote"), Consent: values.Get("consent"), Language: values.Get("language"),
		Beside: view.Beside, Later: values.Get(laterField),
	})
	switch {
	case err == nil && sent.Page != "":
		return redirect(w, sent.Page)
	case err == nil:
		return redirect(w, sentPath(id))
	case !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.Invalid):
		return err
	}
	code, text, _ := explain(err)
	if f, _ := fault.Public(err); slices.Contains([]string{"no_quote", "quote_replaced", "quote_expired", "consent_replaced", "later_words_replaced"}, f.Code) {
		text = "The price or the terms have changed since you opened this page. This is what holds now; please read it and accept it again."
	}
	view.Complaints = aboutPage(text)
	view.Fee.Ticked, view.Terms.Ticked, view.Later.Ticked = false, false, false // what they accepted is not what stands there now
	return s.showFee(w, r, v, view, code)
}

// pay leads to the payment page of a visit that waits for its payment.
func (s *site) pay(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	sent, err := s.Request.Pay(r.Context(), v.Caller, id)
	switch {
	case err != nil:
		return err
	case sent.Page == "":
		sent.Page = myPath(id) + "?paid=1"
	}
	if err := s.keepRest(r, v, myPath(id), values); err != nil {
		return err
	}
	return redirect(w, sent.Page)
}
