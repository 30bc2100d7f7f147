package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
)

var discountForm = []field{
	{Kind: "text", ID: "percent", Name: "percent", Label: "Percent taken off the price", Required: true, Help: []string{"A whole number. 100 waives the price."}},
	{Kind: "select", ID: "reason", Name: "reason", Label: "Why", Required: true, Options: reliefOptions()},
	{Kind: "date", ID: "first", Name: "first", Label: "First day", Help: []string{"Empty: at once."}},
	{Kind: "date", ID: "last", Name: "last", Label: "Last day", Required: true, Help: []string{"Within a year of the first."}},
}

func reliefOptions() []option {
	var all []option
	for _, r := range identity.Reliefs {
		all = append(all, option{Value: string(r), Label: capital(r.Words())})
	}
	return all
}

var discountPlaces = map[string]string{"/percent": "percent", "/reason": "reason", "/first": "first", "/last": "last"}

func discountAt(patient string) string {
	return patientPath(patient) + "/discount"
}

// discountWords say what is taken off the prices for a patient, and until when.
func discountWords(d identity.Discount, p practice.Practice, now time.Time) string {
	if d.Percent == 0 {
		return "None"
	}
	words := fmt.Sprintf("%d %% off", d.Percent)
	if d.Percent == 100 {
		words = "Prices are waived"
	}
	if d.From.After(now) {
		words += " from " + p.Local(d.From)
	}
	words += " until " + lastDay(d.Until, p) + ": " + d.Reason.Words()
	if !d.Until.After(now) {
		words += ". It is over."
	}
	return words
}

func (s *site) discountSheet(r *http.Request, v visitor, id string) (sheet, error) {
	p, err := s.Registrar.Patient(r.Context(), v.Caller, id)
	if err != nil {
		return sheet{}, err
	}
	sh := sheet{
		Crumb: &link{Href: patientPath(p.ID), Text: "The patient"}, Title: "Discount of " + p.Contact.Name.Reveal(),
		Intro: []string{
			"It is taken off every price of the practice for this patient, whoever answers, and shown with the price before it is accepted. What is left and is less than 50 cents is waived.",
			"A price that was shown before stands until it expires.",
		},
		Facts:  []fact{{"Now", discountWords(p.Discount, v.practice, s.Now())}},
		Action: discountAt(p.ID), Button: "Give this discount", Fields: with(discountForm, nil), Hidden: seen(p.Version),
	}
	if p.Discount.Percent > 0 {
		sh.Presses = append(sh.Presses, newPress(false, discountAt(p.ID)+"/end", "second", "Take the discount back"))
	}
	return sh, nil
}

// discount shows a patient's discount, with a form to give another.
func (s *site) discount(w http.ResponseWriter, r *http.Request, v visitor) error {
	sh, err := s.discountSheet(r, v, r.PathValue("patient"))
	if err != nil {
		return err
	}
	return s.showSheet(w, &v, sh, "", http.StatusOK)
}

// discounting reads a discount as it was filled in.
func (f filled) discounting() (d registrar.Discounting, unclear []fault.Problem) {
	day := func(name string) civil.Day {
		text := f.text(name).Reveal()
		day, err := civil.Parse(text)
		if text != "" && err != nil {
			unclear = append(unclear, fault.Problem{Where: "/" + name, Code: "date", Text: "Choose a day, or write it as 2026-03-02: year, month, day."})
		}
		return day
	}
	return registrar.Discounting{
		Percent: number(f.text("percent").Reveal()), Reason: identity.Relief(f.values.Get("reason")), First: day("first"), Last: day("last"),
	}, unclear
}

func (s *site) giveDiscount(w http.ResponseWriter, r *http.Request, v visitor) error {
	v, f, err := v.readSheetAsSeen(r, discountForm, discountPlaces)
	if err != nil {
		return err
	}
	id := r.PathValue("patient")
	given, unclear := f.discounting()
	err = judged(r.Context(), unclear, func(ctx context.Context) error {
		_, err := s.Registrar.GiveDiscount(ctx, v.Caller, id, given)
		return err
	})
	if err == nil {
		return redirect(w, patientPath(id)+"?done=changed")
	}
	sh, failed := s.discountSheet(r, v, id)
	if failed != nil {
		return failed
	}
	return s.refusedSheet(w, &v, sh, f, err)
}

// endDiscount takes a patient's discount back.
func (s *site) endDiscount(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, err := s.Registrar.EndDiscount(r.Context(), v.Caller, r.PathValue("patient"))
	return s.afterPatient(w, r, v, err, "changed")
}
