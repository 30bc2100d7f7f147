package web

import (
	"net/http"

	"evisit/pkg/clinic/books"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
)

// A receiptView is what a patient paid for a request, to be printed and handed on: who was paid
// by whom for what and when, and no word of why.
type receiptView struct {
	Back, Number string
	Patient      phi.Text
	Born         string
	Practice     practice.Practice
	Address      string
	By, Answered string // who answered and when; empty before there is an answer
	Receipts     []receiptPart
	Shown        string // when all of it was so
}

type receiptPart struct {
	Number, Paid string
	Lines        []entry
}

func receiptPath(visit string) string { return myPath(visit) + "/receipt" }

// receipt shows what was paid for a request. One for which nothing was collected has none.
func (s *site) receipt(w http.ResponseWriter, r *http.Request, v visitor) error {
	id := r.PathValue("id")
	if v.Person.Works() {
		return redirect(w, deskPath(id))
	}
	of, m, err := s.Office.Money(r.Context(), v.Caller, id)
	if err != nil {
		return err
	}
	receipts := m.Receipts(of)
	if len(receipts) == 0 {
		return redirect(w, myPath(id))
	}
	who, err := s.Charts.Patient(r.Context(), of.Patient)
	if err != nil {
		return err
	}
	view := receiptView{
		Back: myPath(id), Number: of.Number(), Patient: who.Contact.Name, Born: bornWords(who.Contact.Birth),
		Practice: v.practice, Address: addressWords(v.practice.Address), Receipts: receiptParts(receipts, v.practice), Shown: v.practice.Local(s.Now()),
	}
	if !of.Times.Answered.IsZero() {
		view.By, view.Answered = of.Holder.Display, v.practice.Local(of.Times.Answered)
	}
	return s.show(w, &v, page{view: "receipt", title: "Receipt", leave: of.Private(), data: view})
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
