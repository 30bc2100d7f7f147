package web

import (
	"net/http"
	"strings"

	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

type workView struct{ Items []task }

type task struct {
	ID, What, Why, Code, Since, Due string
	Visit, Number                   string // empty if it is about none
	Dispute                         string // address of the page of the dispute that it is about
	Refund                          string // address of the page on which its payment is refunded
	Claim                           string // address of the page on which the claim is recorded that ends it
	Late, Parked, Account           bool   // Account: it is about the account at Stripe
}

var taskWords = map[work.Kind]string{
	work.EventParked:   "Given up",
	work.PaymentFailed: "An answer's fee was not collected",
	work.VisitDiverted: "A request was stopped by a red flag",
	work.VisitLate:     "A request is late: answer it",
	work.VisitExpired:  "A request expired unanswered: see that the patient is cared for",

	work.PaymentEarly:         "A card was charged at Stripe before the request was answered: find out who did that, and answer the request or refund it",
	work.PaymentReversed:      "More was charged than is owed, and is refunded: find out how",
	work.RefundFailed:         "A refund failed: return the money another way",
	work.FraudWarned:          "A card's issuer warns of fraud: refund the fee, or expect a dispute",
	work.StrayPayment:         "Somebody paid a page that was not asked for, and the money is given back: find out who made it",
	work.VisitHanded:          "A colleague handed a request over: answer it",
	work.VisitTakenOver:       "A colleague took a request over: see why",
	work.VisitsReturned:       "A colleague has no access any more: the requests that they had taken wait in the queue again",
	work.PatientUnverified:    "Somebody registered as a patient: match them to a person",
	work.CoverageUnchecked:    "A health plan was entered or changed: compare it with the card",
	work.MembershipUnrefunded: "What is owed of a membership that ended was not refunded: return it another way",
	work.MembershipDisputed:   "The bank of who paid for a membership wants the money back, or asks about it: answer it in Stripe's dashboard before it is due, with what its page says",
	work.MembershipUnpaid:     "The payment for a membership failed: see with the patient that it can be paid",
	work.MembershipMedicare:   "Medicare covers what a member's membership includes: see which visits were included since",
	work.Dispute:              "A charge is disputed, or a bank asks about it: answer the bank",
	work.DisputeMissed:        "A bank was not answered in time: find out why",
	work.AccountLost:          "The account at Stripe cannot be reached: connect it again",
	work.AccountDisabled:      "Stripe has disabled the account: give it what it asks for",
	work.PayoutFailed:         "Your bank refused a payout, and the money is at Stripe: give Stripe a bank account that takes it",
	work.PlanBill:             "A visit was answered for a health plan's member: send the plan the claim, and record it",
	work.BooksDiffer:          "The books and Stripe differ: find out why, at Stripe and in the entries here, and have it put right where it is wrong",
}

// work lists what waits for the visitor or their colleagues.
func (s *site) work(w http.ResponseWriter, r *http.Request, v visitor) error {
	items, err := s.Office.Work(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	var view workView
	for _, i := range items {
		t := task{
			Account: i.Kind == work.AccountLost || i.Kind == work.AccountDisabled || i.Kind == work.PayoutFailed || i.Kind == work.BooksDiffer,
			ID:      i.ID, What: taskWords[i.Kind], Visit: i.Visit, Number: visit.Visit{ID: i.Visit}.Number(), Why: capital(visit.Reason(i.Note).ForDesk()), Parked: i.Kind == work.EventParked,
			Since: v.practice.Local(i.Made), Due: v.practice.Local(i.Due), Late: !s.Now().Before(i.Due),
		}
		switch {
		case t.Parked:
			t.What += ": " + outbox.Kind(i.EventKind).Task()
			t.Why, t.Code = outbox.Reason(i.Note), strings.TrimSpace(i.Note+" "+i.EventKind+" "+i.Event)
		case t.Why == "":
			t.Code = i.Note
		}
		if i.Kind == work.BooksDiffer {
			t.Why, t.Code = i.Difference.String(), i.Difference.Object
		}
		if i.Kind == work.Dispute || i.Kind == work.DisputeMissed {
			t.Dispute = disputePath(i.Visit)
		}
		if i.Kind == work.MembershipDisputed {
			t.Dispute = memberAtDesk(i.Patient)
		}
		if i.Kind == work.RefundFailed || i.Kind == work.FraudWarned {
			t.Refund = refundPath(i.Visit)
		}
		if i.Kind == work.PlanBill {
			t.Claim = claimPath(i.Visit)
		}
		view.Items = append(view.Items, t)
	}
	return s.show(w, &v, page{view: "work", title: "Work", data: view})
}

// endWork takes the visitor's word that an item is dealt with.
func (s *site) endWork(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Office.EndWork(r.Context(), v.Caller, r.PathValue("id")); err != nil {
		return err
	}
	return redirect(w, "/desk/work")
}

// resumeWork has what was given up tried again.
func (s *site) resumeWork(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Office.ResumeWork(r.Context(), v.Caller, r.PathValue("id")); err != nil {
		return err
	}
	return redirect(w, "/desk/work")
}
