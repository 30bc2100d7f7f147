package web

import (
	"net/http"
	"strings"

	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A sentView confirms that a request was sent, or says that its payment is not
// reported yet.
type sentView struct {
	Visit, Title string
	Number       string
	Awaited      bool // whether the card is held is not known yet
	Again        string
	Next         []string
	Phone        string
}

func sentPath(visit string) string { return myPath(visit) + "/sent" }

// sent is where sending a request leads, and paying for it: its number, and what
// happens next. Of a request that was not just sent, the request itself tells more.
func (s *site) sent(w http.ResponseWriter, r *http.Request, v visitor) error {
	vis, err := s.Office.Visit(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	if v.Person.Works() || vis.Status != visit.AwaitingPayment && !vis.Status.AwaitsAnswer() {
		return redirect(w, myPath(vis.ID))
	}
	title, err := s.title(r, vis)
	if err != nil {
		return err
	}
	view := sentView{
		Visit: vis.ID, Title: title, Number: vis.Number(), Awaited: vis.Status == visit.AwaitingPayment, Again: sentPath(vis.ID),
		Next: afterSending(vis, v.practice, v.Person.Patient == vis.Patient), Phone: v.practice.Phone,
	}
	heading := "Your request was sent"
	if view.Awaited {
		heading = "Waiting for the payment service"
	}
	return s.show(w, &v, page{view: "sent", title: heading, data: view})
}

// afterSending says what happens next with a request in the queue; own says that the
// reader is the patient.
func afterSending(v visit.Visit, p practice.Practice, own bool) []string {
	next := []string{
		"Who reads it: " + sentence(p.Readers),
		"You will be answered by " + p.Local(v.Promise.By) + ".",
	}
	if own {
		next = append(next, "We send you an e-mail when there is an answer or a question. It says nothing about your health; what it is about is here.")
	} else {
		next = append(next, "We send the patient an e-mail when there is an answer or a question. You can look here at any time.")
	}
	if !v.Quote.Free() {
		next = append(next, strings.TrimSpace(v.Quote.Amount.String()+" is held on your card. It is charged only when the answer is given. "+v.Quote.Most()))
	}
	return next
}
