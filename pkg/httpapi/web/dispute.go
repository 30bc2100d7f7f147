package web

import (
	"net/http"
	"strings"
	"time"

	"evisit/pkg/billing"
	"evisit/pkg/clinic/office"
	"evisit/pkg/practice"
)

// A disputeView is a disputed charge, to who answers the bank about it.
type disputeView struct {
	Visit, Number, Payment, Shown string
	Heading                       string
	Stands                        []string // sentences
	Due                           string
	Money                         []fact
	Evidence                      []disputeText
	EvidenceIs                    string // what Evidence is
	CanAnswer, CanAccept          bool
	Complaints                    []complaint
}

// A disputeText is one field of the evidence.
type disputeText struct {
	Name  string
	Lines []string
}

func disputePath(visit string) string { return deskPath(visit) + "/dispute" }

// dispute shows a disputed charge, and what can be sent to the bank about it.
func (s *site) dispute(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showDispute(w, r, v, nil, http.StatusOK)
}

func (s *site) showDispute(w http.ResponseWriter, r *http.Request, v visitor, wrong []complaint, code int) error {
	d, err := s.Office.Dispute(r.Context(), v.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	view := disputeOf(d, v.practice, s.Now())
	view.Complaints = wrong
	return s.show(w, &v, page{view: "dispute", title: errorTitle(view.Heading, wrong), data: view, code: code})
}

func disputeOf(d office.Dispute, p practice.Practice, now time.Time) disputeView {
	pay, said := d.Payment, d.Evidence
	view := disputeView{
		Visit: d.Visit.ID, Number: d.Visit.Number(), Payment: pay.ID, Shown: said.Hash(), Heading: "A disputed charge",
		Stands: append(disputeStands(pay.Dispute, p, now), decidedWords(d, p)...), EvidenceIs: evidenceIs(d),
		CanAnswer: d.CanAnswer, CanAccept: d.CanAccept,
	}
	if pay.Dispute.Inquiry() {
		view.Heading = "A bank's inquiry about a charge"
	}
	if pay.Dispute.AwaitsAnswer() && !pay.Dispute.Due.IsZero() {
		view.Due = p.Local(pay.Dispute.Due)
	}
	tell := func(name, value string) { view.Money = append(view.Money, fact{name, value}) }
	tell("Receipt", d.Visit.Receipt(pay.ID))
	tell("Charged", pay.Collected.String())
	tell("Contested", pay.Dispute.Amount.String())
	if pay.Withdrawn > 0 {
		tell("Taken back by the bank", pay.Withdrawn.String())
	}
	if pay.DisputeFee > 0 {
		tell("Stripe's fee for it", pay.DisputeFee.String())
	}
	tell("What the cardholder says", capital(strings.ReplaceAll(pay.Dispute.Reason, "_", " ")))
	view.Evidence = disputeTexts(said)
	return view
}

// disputeTexts are the fields of the evidence that say something.
func disputeTexts(said billing.Evidence) []disputeText {
	var all []disputeText
	for _, part := range []struct{ name, text string }{
		{"What was sold", said.Product},
		{"Day of the service", said.Service},
		{"What happened", said.Activity},
		{"When a card is charged and refunded", said.Policy},
		{"Numbers", said.Text},
	} {
		if part.text != "" {
			all = append(all, disputeText{part.name, strings.Split(part.text, "\n")})
		}
	}
	return all
}

// disputeStands says how a dispute stands, and what comes next.
func disputeStands(d billing.Dispute, p practice.Practice, now time.Time) []string {
	switch {
	case d.Won():
		return []string{"The bank has decided for you. The money is in your account at Stripe again."}
	case d.Lost() && d.Missed:
		return []string{"The dispute is lost: the bank was not answered in time. The cardholder keeps the money."}
	case d.Lost():
		return []string{"The dispute is lost. The cardholder keeps the money."}
	case !d.Open():
		return []string{"The bank has closed its inquiry. It has taken no money."}
	case d.Answered && (d.Decision != billing.Answering || d.Overtaken()):
		return []string{"The bank was answered at Stripe, not from here, and decides; that can take two months or more. You will be told. What it was told is at Stripe."}
	case d.Answered:
		return []string{"The bank was answered, and decides; that can take two months or more. You will be told."}
	case d.Decision == billing.Answering:
		return []string{"What is below was handed to Stripe at " + p.Local(d.Decided) + ", and is on its way to the bank. If that does not succeed, it is in your work."}
	case d.Decision == billing.Accepting:
		return []string{"You gave the dispute up at " + p.Local(d.Decided) + "; that is on its way to the bank. If that does not succeed, it is in your work."}
	case !d.Answerable(now):
		return []string{"The time in which the bank takes an answer is over, and none was sent."}
	case d.Inquiry():
		return []string{"A bank asks about this charge. It has taken no money yet. An inquiry that is not answered may become a dispute. You can also refund the charge at Stripe, which ends the inquiry."}
	}
	return []string{"A cardholder's bank has taken this money back, and decides who keeps it. Without an answer the money is lost. The charge cannot be refunded meanwhile."}
}

// evidenceIs says what the evidence on the page is.
func evidenceIs(d office.Dispute) string {
	of := d.Payment.Dispute
	switch {
	case of.Overtaken() && of.Decision == billing.Answering:
		return "What was chosen here, and was not sent"
	case of.Decision == billing.Answering && of.AwaitsAnswer():
		return "What is sent to the bank"
	case of.Decision == billing.Answering:
		return "What was sent to the bank"
	case d.CanAnswer:
		return "What the record can tell the bank"
	}
	return "What the record says, which was not sent from here"
}

// decidedWords say who decided about a dispute, and what came of it.
func decidedWords(d office.Dispute, p practice.Practice) []string {
	of, who := d.Payment.Dispute, d.By.Name
	if of.Decision == billing.Undecided || who == "" {
		who = "One of you"
	}
	what := who + " chose at " + p.Local(of.Decided) + " to send what is below."
	if of.Decision == billing.Accepting {
		what = who + " chose at " + p.Local(of.Decided) + " to give the dispute up."
	}
	switch {
	case of.Decision == billing.Undecided, of.AwaitsAnswer():
		return nil
	case !of.Overtaken():
		return []string{what}
	case of.Answered:
		return []string{what + " That had no effect: the bank had been answered at Stripe."}
	}
	return []string{what + " That had no effect: the dispute had ended, or was given up at Stripe, before it was carried out."}
}

// answerDispute has the bank answered with what the visitor was shown.
func (s *site) answerDispute(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.decideDispute(w, r, v, billing.Answering)
}

// acceptDispute gives a dispute up.
func (s *site) acceptDispute(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.decideDispute(w, r, v, billing.Accepting)
}

func (s *site) decideDispute(w http.ResponseWriter, r *http.Request, v visitor, what billing.Decision) error {
	form, err := posted(r)
	if err != nil {
		return err
	}
	id, said := r.PathValue("id"), office.DisputeAnswer{Payment: form.Get("payment"), Decision: what}
	if what == billing.Answering {
		said.Shown = form.Get("shown")
	}
	if _, err := s.Office.DecideDispute(r.Context(), v.Caller, id, said); err != nil {
		code, text, ok := explain(err)
		if !ok {
			return err
		}
		return s.showDispute(w, r, v, aboutPage(text), code)
	}
	return redirect(w, disputePath(id))
}
