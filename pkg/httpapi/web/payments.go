package web

import (
	"net/http"
	"net/url"
	"strconv"

	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

const paymentsAt = "/my/payments"

func paymentsOf(patient string) string { return paymentsAt + "/" + url.PathEscape(patient) }

// A paymentsView is what a patient paid in a year, to be printed and handed on, with no word of why.
type paymentsView struct {
	Year     int
	Years    []link
	Patient  phi.Text
	Born     string
	Practice practice.Practice
	Address  string
	Paid     []paidRow
	Total    string
	Shown    string // when all of it was so
}

type paidRow struct{ Day, What, Number, Request, Amount string }

// payments shows what the visitor, or somebody they act for, paid in a year.
func (s *site) payments(w http.ResponseWriter, r *http.Request, v visitor) error {
	year := 0
	if text := r.URL.Query().Get("year"); text != "" {
		var err error
		if year, err = strconv.Atoi(text); err != nil {
			return fault.New(fault.NotFound, "not_found", "there is no such year")
		}
	}
	of, err := s.Request.Payments(r.Context(), v.Caller, r.PathValue("patient"), year)
	if err != nil {
		return err
	}
	view := paymentsView{
		Year: of.Year, Patient: of.Patient.Contact.Name, Born: bornWords(of.Patient.Contact.Birth), Practice: of.Practice,
		Address: addressWords(of.Practice.Address), Total: of.Total.String(), Shown: of.Practice.Local(s.Now()),
	}
	zone, err := of.Practice.Location()
	if err != nil {
		return err
	}
	for this, n := s.Now().In(zone).Year(), 0; n < 3; n++ {
		text := strconv.Itoa(this - n)
		view.Years = append(view.Years, link{Href: paymentsOf(of.Patient.ID) + "?year=" + text, Text: text})
	}
	for _, p := range of.Paid {
		view.Paid = append(view.Paid, paidRowOf(p, of.Practice))
	}
	return s.show(w, &v, page{view: "payments", title: "What you paid in " + strconv.Itoa(of.Year), data: view})
}

func paidRowOf(p books.Paid, of practice.Practice) paidRow {
	row := paidRow{Day: of.Local(p.At), What: entryWords(string(p.Kind)), Number: p.Number, Amount: p.Amount.String()}
	if p.Visit != "" {
		row.Request = visit.Visit{ID: p.Visit}.Number()
	}
	return row
}
