package web

import (
	"net/http"
	"net/url"
	"strconv"

	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/paper"
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
	File     string // where it is a PDF file; empty if that cannot write its letters
	Shown    string // when all of it was so
}

type paidRow struct{ Day, What, Number, Request, Amount string }

// payments shows what the visitor, or somebody they act for, paid in a year.
func (s *site) payments(w http.ResponseWriter, r *http.Request, v visitor) error {
	of, view, err := s.paidIn(r, v)
	if err != nil {
		return err
	}
	if s.yearSheet(view).Unwritable() == "" {
		view.File = paymentsOf(of.Patient.ID) + "/file?year=" + strconv.Itoa(of.Year)
	}
	zone, err := of.Practice.Location()
	if err != nil {
		return err
	}
	for this, n := s.Now().In(zone).Year(), 0; n < 3; n++ {
		text := strconv.Itoa(this - n)
		view.Years = append(view.Years, link{Href: paymentsOf(of.Patient.ID) + "?year=" + text, Text: text})
	}
	return s.show(w, &v, page{view: "payments", title: "What you paid in " + strconv.Itoa(of.Year), data: view})
}

// paymentsFile sends the same as a PDF file.
func (s *site) paymentsFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	_, view, err := s.paidIn(r, v)
	if err != nil {
		return err
	}
	return sendSheet(w, s.yearSheet(view), "paid-in-"+strconv.Itoa(view.Year))
}

func (s *site) paidIn(r *http.Request, v visitor) (request.Statement, paymentsView, error) {
	year := 0
	if text := r.URL.Query().Get("year"); text != "" {
		var err error
		if year, err = strconv.Atoi(text); err != nil {
			return request.Statement{}, paymentsView{}, fault.New(fault.NotFound, "not_found", "there is no such year")
		}
	}
	of, err := s.Request.Payments(r.Context(), v.Caller, r.PathValue("patient"), year)
	if err != nil {
		return of, paymentsView{}, err
	}
	view := paymentsView{
		Year: of.Year, Patient: of.Patient.Contact.Name, Born: bornWords(of.Patient.Contact.Birth), Practice: of.Practice,
		Address: addressWords(of.Practice.Address), Total: of.Total.String(), Shown: of.Practice.Local(s.Now()),
	}
	for _, p := range of.Paid {
		view.Paid = append(view.Paid, paidRowOf(p, of.Practice))
	}
	return of, view, nil
}

func (s *site) yearSheet(view paymentsView) paper.Sheet {
	part := paper.Part{Heading: "Payments", Sum: paper.Row{What: "Paid by the patient", Amount: view.Total}}
	for _, p := range view.Paid {
		subject := "yearly membership"
		if p.Request != "" {
			subject = "online request " + p.Request
		}
		row := paper.Row{What: p.What + ": " + subject, Note: p.Day, Amount: p.Amount}
		if p.Number != "" {
			row.Note += ", number " + p.Number
		}
		part.Rows = append(part.Rows, row)
	}
	if len(part.Rows) == 0 {
		part.Rows = []paper.Row{{What: "Nothing was paid in " + strconv.Itoa(view.Year) + "."}}
	}
	return paper.Sheet{
		Title: "Paid in " + strconv.Itoa(view.Year), Made: s.Now(), Facts: paidFacts(view.Patient, view.Born, view.Practice), Parts: []paper.Part{part},
		Foot: "As of " + view.Shown + ". Requests that are kept out of the patient's list are not here.",
	}
}

func paidRowOf(p books.Paid, of practice.Practice) paidRow {
	row := paidRow{Day: of.Local(p.At), What: entryWords(string(p.Kind)), Number: p.Number, Amount: p.Amount.String()}
	if p.Visit != "" {
		row.Request = visit.Visit{ID: p.Visit}.Number()
	}
	return row
}
