package web

import (
	"net/http"
	"strings"

	"evisit/pkg/billing"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

type workView struct{ Items []task }

type task struct {
	ID, What, Why, Code, Since, Due string
	Visit, Number                   string // empty if it is about none
	Patient                         *link  // whom it is about where it is about no visit
	Step                            *link  // the page on which it is done
	Claim                           bool   // what is recorded at Step ends it
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
	work.RefundFailed:         "A refund came back: return the money another way",
	work.RefundUnmade:         "A refund that one of you asked for was not made: see what is left of the charge before you return more",
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
	patients := make([]string, len(items))
	for n, i := range items {
		patients[n] = i.Patient
	}
	names, err := s.Registrar.Names(r.Context(), v.Caller, patients)
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
		case i.Kind == work.RefundUnmade:
			t.Why, t.Code = unmadeWords(i.Note), i.Note
		case t.Why == "":
			t.Code = i.Note
		}
		if i.Kind == work.BooksDiffer {
			t.Why, t.Code = i.Difference.String(), i.Difference.Object
		}
		if name := names[i.Patient]; !name.Blank() {
			t.Patient = &link{Href: patientPath(i.Patient), Text: name.Reveal()}
		}
		t.Step, t.Claim = stepOf(i), i.Kind == work.PlanBill
		view.Items = append(view.Items, t)
	}
	return s.show(w, &v, page{view: "work", title: "Work", data: view})
}

// unmadeWords say why a refund that somebody asked for was not made, and what is to be done.
func unmadeWords(note string) string {
	switch note {
	case billing.LessLeft:
		return "Less is left of the charge than was asked for: something was refunded elsewhere meanwhile, such as at Stripe. Nothing more was returned. If the patient is still owed something, refund that; if not, this is done."
	case billing.BankHasIt:
		return "The cardholder's bank has the money, or a part of it, because of a dispute, and gives it to the cardholder or back to you. Do not return it another way while the bank decides."
	}
	return "Stripe refused it, and nothing was returned. Refund it again when that can be, or return it another way; not both."
}

// stepOf leads to where an item is done, beside the visit that it is about; nil if nothing but the visit, the
// account at Stripe or the presses of the item is.
func stepOf(i work.Item) *link {
	switch i.Kind {
	case work.Dispute, work.DisputeMissed:
		return &link{Href: disputePath(i.Visit), Text: "See the dispute"}
	case work.RefundFailed, work.RefundUnmade:
		return &link{Href: refundPath(i.Visit), Text: "See what was charged and refunded"}
	case work.FraudWarned, work.PaymentEarly:
		return &link{Href: refundPath(i.Visit), Text: "Refund the payment"}
	case work.PlanBill:
		return &link{Href: claimPath(i.Visit), Text: "Bill the health plan"}
	case work.MembershipDisputed:
		return &link{Href: memberAtDesk(i.Patient), Text: "See the dispute"}
	case work.MembershipUnpaid, work.MembershipUnrefunded, work.MembershipMedicare:
		return &link{Href: memberAtDesk(i.Patient), Text: "See the membership"}
	case work.BooksDiffer:
		if i.Membership != "" {
			return &link{Href: memberAtDesk(i.Patient), Text: "See the membership"}
		}
	case work.PatientUnverified:
		return &link{Href: patientPath(i.Patient), Text: "See the patient"}
	case work.CoverageUnchecked:
		return &link{Href: coveragesOf(i.Patient), Text: "Check the health plan"}
	case work.VisitsReturned:
		return &link{Href: "/desk", Text: "See the queue"}
	case work.EventParked, work.PaymentFailed, work.VisitDiverted, work.VisitLate, work.VisitExpired, work.PaymentReversed, work.StrayPayment,
		work.AccountLost, work.AccountDisabled, work.PayoutFailed, work.VisitHanded, work.VisitTakenOver:
	}
	return nil
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
