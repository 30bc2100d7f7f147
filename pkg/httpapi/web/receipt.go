package web

import (
	"net/http"

	"evisit/pkg/clinic/books"
	"evisit/pkg/paper"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A receiptView is what a patient paid for a request, or owes for its answer, to be printed and
// handed on: who was paid by whom for what and when, and no word of why.
type receiptView struct {
	Title        string
	Back, Number string
	File         string // where it is a PDF file; empty if that cannot write its letters
	Patient      phi.Text
	Born         string
	Practice     practice.Practice
	Address      string
	By, Answered string // who answered and when; empty before there is an answer
	Receipts     []receiptPart
	Plan         string       // the health plan of whose bill this is the patient's share; empty if of none
	Invoice      *invoicePart // nil: nothing is owed
	Shown        string       // when all of it was so
}

type receiptPart struct {
	Number, Paid string
	Lines        []entry
}

// An invoicePart is the fee of an answer, which is not paid yet.
type invoicePart struct{ Number, Owed string }

func receiptPath(visit string) string { return myPath(visit) + "/receipt" }

// receipt shows what was paid for a request. One for which nothing was collected, and nothing is
// owed, has none.
func (s *site) receipt(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	if v.Person.Works() {
		return redirect(w, deskPath(id))
	}
	view, of, err := s.receiptOf(r, v)
	if err != nil {
		return err
	}
	if view.Title == "" {
		return redirect(w, myPath(id))
	}
	if s.sheetOf(view).Unwritable() == "" {
		view.File = receiptPath(id) + ".pdf"
	}
	return s.show(w, &v, page{view: "receipt", title: view.Title, leave: of.Private(), data: view})
}

// receiptFile sends the receipt as a PDF file.
func (s *site) receiptFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	if v.Person.Works() {
		return redirect(w, deskPath(r.PathValue("id")))
	}
	view, of, err := s.receiptOf(r, v)
	if err != nil {
		return err
	}
	if view.Title == "" {
		return redirect(w, myPath(of.ID))
	}
	return sendSheet(w, s.sheetOf(view), "receipt-"+of.Number())
}

// receiptOf reads the money of a request. A view without a title has nothing to show.
func (s *site) receiptOf(r *http.Request, v visitor) (receiptView, visit.Visit, error) {
	of, m, err := s.Office.Money(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return receiptView{}, of, err
	}
	who, err := s.Charts.Patient(r.Context(), of.Patient)
	if err != nil {
		return receiptView{}, of, err
	}
	receipts := m.Receipts(of)
	view := receiptView{
		Title: receiptTitle(of, receipts), Back: myPath(of.ID), Number: of.Number(), Patient: who.Contact.Name, Born: bornWords(who.Contact.Birth),
		Practice: v.practice, Address: addressWords(v.practice.Address), Receipts: receiptParts(receipts, v.practice), Plan: of.Quote.Plan.Name, Shown: v.practice.Local(s.Now()),
	}
	if of.Owed {
		view.Invoice = &invoicePart{of.Receipt(of.Payment), of.Fee().String()}
	}
	if !of.Times.Answered.IsZero() {
		view.By, view.Answered = of.Holder.Display, v.practice.Local(of.Times.Answered)
	}
	return view, of, nil
}

// receiptTitle names the paper about what was paid for v, and owed; empty if nothing was.
func receiptTitle(v visit.Visit, receipts []books.Receipt) string {
	switch {
	case v.Owed:
		return "Invoice"
	case len(receipts) > 0:
		return "Receipt"
	}
	return ""
}

func receiptParts(all []books.Receipt, p practice.Practice) []receiptPart {
	var parts []receiptPart
	for _, r := range all {
		part := receiptPart{Number: r.Number, Paid: r.Paid.String()}
		for _, l := range r.Lines {
			part.Lines = append(part.Lines, entry{entryWords(string(l.Kind)), l.Amount.String(), p.Local(l.At)})
		}
		parts = append(parts, part)
	}
	return parts
}

func (s *site) sheetOf(view receiptView) paper.Sheet {
	sheet := paper.Sheet{Title: view.Title, Made: s.Now(), Foot: "As of " + view.Shown, Facts: paidFacts(view.Patient, view.Born, view.Practice)}
	sheet.Facts = append(sheet.Facts, paper.Fact{Name: "Service", Lines: []string{"Online request, answered in writing", "Request number " + view.Number}})
	if view.Answered != "" {
		sheet.Facts = append(sheet.Facts, paper.Fact{Name: "Answered", Lines: []string{view.Answered + ", by " + view.By}})
	}
	if view.Plan != "" {
		sheet.Facts = append(sheet.Facts, paper.Fact{Name: "Health plan", Lines: []string{planShareWords(view.Plan)}})
	}
	for _, r := range view.Receipts {
		part := paper.Part{Heading: "Receipt " + r.Number, Sum: paper.Row{What: "Paid by the patient", Amount: r.Paid}}
		for _, l := range r.Lines {
			part.Rows = append(part.Rows, paper.Row{What: l.What, Note: l.When, Amount: l.Amount})
		}
		sheet.Parts = append(sheet.Parts, part)
	}
	if i := view.Invoice; i != nil {
		sheet.Parts = append(sheet.Parts, paper.Part{
			Heading: "Invoice " + i.Number, Rows: []paper.Row{{What: "Fee for the answer, not paid yet", Amount: i.Owed}},
			Sum: paper.Row{What: "To be paid by the patient", Amount: i.Owed},
		})
	}
	return sheet
}

// planShareWords say that what was paid, or is owed, is a share of what a plan allows.
func planShareWords(plan string) string {
	return "The amount is the estimated share of a member of " + plan + ", which the practice bills for the rest, and which decides what the share is in the end."
}

// paidFacts say who paid whom.
func paidFacts(patient phi.Text, born string, p practice.Practice) []paper.Fact {
	to := []string{p.Name}
	for _, l := range []struct{ before, words string }{{"", addressWords(p.Address)}, {"", p.Phone}, {"NPI ", p.NPI}, {"Tax number ", p.EIN}} {
		if l.words != "" {
			to = append(to, l.before+l.words)
		}
	}
	return []paper.Fact{{Name: "Patient", Lines: []string{patient.Reveal() + ", born " + born}}, {Name: "Paid to", Lines: to}}
}

// sendSheet sends a sheet as a PDF file of a name.
func sendSheet(w http.ResponseWriter, s paper.Sheet, name string) error {
	file, err := s.Draw()
	if err != nil {
		return err
	}
	return sendFile(w, "application/pdf", name+".pdf", file)
}
