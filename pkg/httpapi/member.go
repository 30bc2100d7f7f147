package httpapi

import (
	"time"

	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coding"
	"evisit/pkg/membership"
	"evisit/pkg/money"
)

var getMembership = Endpoint{
	Method: "GET", Path: "/me/membership", ID: "getMembership", Group: "Memberships",
	For: "Read your yearly membership, and what your practice sells",
	Text: "What the practice sells now, with its terms in words; the patient's latest membership, if there was one; the invoices of all, and what the books say of them. A membership that awaits its first " +
		"payment has the page for it, and one whose renewal was not paid the page where it can be. For the patient, and who acts for them.",
	Who: Known, Query: []Param{{"patient", "", "A patient's id; else your own."}},
	Out: yearlyReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		v, err := a.Request.Membership(r.Context(), r.Caller, r.URL.Query().Get("patient"))
		return Reply{Body: a.showMembership(v)}, err
	},
}

var joinMembership = Endpoint{
	Method: "POST", Path: "/me/membership", ID: "joinMembership", Group: "Memberships",
	For: "Become a member",
	Text: "On the terms that you read, named by offer and version. The reply has the page where the first year is paid; the membership begins when Stripe reports that. The " +
		"same again returns the same membership: a patient has one at a time. Who has Medicare cannot join where Medicare covers what is included, nor who has a Medicaid plan that the practice takes.",
	Who: Known, In: becomeMember{},
	Out: memberReply{}, OutText: "The membership, which awaits its first payment, or runs already.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "no_patient"},
		{Code: "membership_not_sold"},
		{Code: "practice_suspended"},
		{Code: "terms_changed"},
		{Code: "medicare_member"},
		{Code: "medicaid_member"},
		{Code: "payment_pending"},
		{Code: "payment_page_refused"},
		{Code: "payment_page_unavailable"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*becomeMember)
		m, err := a.Request.Join(r.Context(), r.Caller, in.Patient, request.Joining{Offer: in.Offer, Terms: in.Terms, Medicare: in.medicare()})
		return Reply{Body: a.showMember(m)}, err
	},
}

var cancelMembership = Endpoint{
	Method: "POST", Path: "/me/membership/cancel", ID: "cancelMembership", Group: "Memberships",
	For: "Have your membership end with its year",
	Text: "Visits stay included until the year ends, and nothing more is charged. Until then it can be resumed. A membership whose renewal was not paid ends at once. The " +
		"same again changes nothing.",
	Who: Known, In: ofMembership{},
	Out: memberReply{}, OutText: "The membership, which is not renewed.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_patient"}, {Code: "not_a_member"}, {Code: "membership_pending"}, {Code: "membership_ended"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*ofMembership)
		m, err := a.Request.CancelMembership(r.Context(), r.Caller, in.Patient, in.Membership)
		return Reply{Body: a.showMember(m)}, err
	},
}

var resumeMembership = Endpoint{
	Method: "POST", Path: "/me/membership/resume", ID: "resumeMembership", Group: "Memberships",
	For:  "Have a membership go on that you cancelled",
	Text: "It is then renewed after its year, as if it had not been cancelled. The same again changes nothing.",
	Who:  Known, In: ofMembership{},
	Out: memberReply{}, OutText: "The membership, which is renewed.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "no_patient"},
		{Code: "not_a_member"},
		{Code: "membership_pending"},
		{Code: "membership_unpaid"},
		{Code: "membership_ended"},
		{Code: "offer_closed"},
		{Code: "medicare_member"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*ofMembership)
		m, err := a.Request.ResumeMembership(r.Context(), r.Caller, in.Patient, in.Membership)
		return Reply{Body: a.showMember(m)}, err
	},
}

var leaveMembership = Endpoint{
	Method: "POST", Path: "/me/membership/leave", ID: "leaveMembership", Group: "Memberships",
	For: "End your membership at once, with a refund",
	Text: "Only where something is refunded by the terms that you accepted: reading your membership shows how much (`leaving`), and it is named here. Nothing is included " +
		"any more. The same again changes nothing.",
	Who: Known, In: endAtOnce{},
	Out: memberReply{}, OutText: "The membership, which has ended.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "no_patient"},
		{Code: "not_a_member"},
		{Code: "membership_pending"},
		{Code: "membership_ended"},
		{Code: "nothing_refunded"},
		{Code: "refund_replaced"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*endAtOnce)
		m, err := a.Request.LeaveMembership(r.Context(), r.Caller, in.Patient, in.Membership, money.Cents(in.Refund))
		return Reply{Body: a.showMember(m)}, err
	},
}

// Which membership ends at once, and what is refunded of it.
type endAtOnce struct {
	// Who pays for it; without it, you.
	Patient string `json:"patient,omitempty" validate:"max=80"`
	// Its id, as it was read.
	Membership string `json:"membership" validate:"required,max=80"`
	// Cents, as they were read.
	Refund int64 `json:"refund_cents" validate:"min=1,max=10000000"`
}

// Which membership is meant.
type ofMembership struct {
	// Who pays for it; without it, you.
	Patient string `json:"patient,omitempty" validate:"max=80"`
	// Its id, as it was read.
	Membership string `json:"membership" validate:"required,max=80"`
}

// What somebody accepts who joins.
type becomeMember struct {
	// Who is to be the member; without it, you.
	Patient string `json:"patient,omitempty" validate:"max=80"`
	// The offer and the version of its terms that you read and accept.
	Offer string `json:"offer" validate:"required,max=40"`
	Terms int    `json:"terms" validate:"min=1"`
	// Whether the patient has Medicare Part B, or a Medicare Advantage plan, now or within the coming year; what their health plans tell decides before it.
	Medicare string `json:"medicare,omitempty" validate:"omitempty,oneof=yes no"`
}

func (in becomeMember) medicare() coding.Answer {
	switch in.Medicare {
	case "yes":
		return coding.Yes
	case "no":
		return coding.No
	}
	return coding.Unknown
}

// A patient's yearly membership, and what their practice sells.
type yearlyReply struct {
	Sold    *soldTerms    `json:"sold,omitempty"`
	Mine    *memberReply  `json:"mine,omitempty"`
	Leaving *leavingReply `json:"leaving,omitempty"`
	// Of all memberships that the patient had, the newest first.
	Invoices []billReply `json:"invoices"`
	// What was entered of them in the books, the oldest first. Each is of a membership, which stands as its payment.
	Entries []entryReply `json:"entries"`
}

// The terms on which a practice sells a membership now; absent if it sells none.
type soldTerms struct {
	Offer string `json:"offer"`
	Terms int    `json:"terms" schema:"min=1"`
	// Cents, of a year for one person.
	Price money.Cents `json:"price"`
	// What is accepted with it, for people.
	Text []string `json:"text"`
}

// A patient's latest membership; absent if there was none.
type memberReply struct {
	ID     string           `json:"id"`
	State  membership.State `json:"state"`
	Offer  string           `json:"offer"`
	Terms  int              `json:"terms" schema:"min=1"`
	Joined time.Time        `json:"joined"`
	// Where the first year is paid, until when; absent once it is not awaited.
	Page     string     `json:"page,omitempty"`
	PageEnds *time.Time `json:"page_ends,omitempty"`
	// Where the payment is made that failed, with any card, and how much is open; absent: none failed.
	Pay  string      `json:"pay,omitempty"`
	Open money.Cents `json:"open,omitempty"`
	// The year that runs; absent before the first payment.
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	// Whether another year follows.
	Renews bool `json:"renews"`
	// What who pays for it can do with it now: cancel it at the end of its year, or resume it.
	Can []string `json:"can" schema:"enum=cancel|resume"`
	// Why and when it ended; absent: it has not.
	Ended *time.Time     `json:"ended,omitempty"`
	Why   membership.Why `json:"why,omitempty"`
	// Why the practice ended it, or has it end with its year; absent if it did not, or sells no memberships any more.
	Reason membership.Reason `json:"reason,omitempty" schema:"enum=on_request|out_of_reach|care_ended|discontinued|in_error"`
}

// What is refunded of a membership that ends at once now; absent where nothing is.
type leavingReply struct {
	Refund int64 `json:"refund_cents" schema:"min=1"`
	// Why it is so much, in words.
	Text string `json:"text"`
}

// An invoice of a membership.
type billReply struct {
	Membership string      `json:"membership"`
	Number     string      `json:"number"`
	Amount     money.Cents `json:"amount"`
	Paid       money.Cents `json:"paid"`
	Refunded   money.Cents `json:"refunded"`
	// What disputes have of it.
	Withdrawn money.Cents `json:"withdrawn"`
	// The year that it pays for.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Absent: it is not paid.
	PaidAt *time.Time `json:"paid_at,omitempty"`
}

// given is t, or nothing if it is zero.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *API) showMembership(v request.Membership) yearlyReply {
	out := yearlyReply{Invoices: showBills(v.Bills), Entries: []entryReply{}}
	if v.Sold {
		out.Sold = &soldTerms{v.Terms.Offer, v.Terms.Version, v.Terms.Yearly(1), v.Terms.Sentences()}
	}
	if v.Mine.ID != "" {
		m := a.showMember(v.Mine)
		out.Mine = &m
	}
	if v.Leaving.Amount > 0 {
		out.Leaving = &leavingReply{int64(v.Leaving.Amount), v.Leaving.Text}
	}
	for _, e := range v.Entries {
		out.Entries = append(out.Entries, showEntry(e))
	}
	return out
}

func (a *API) showMember(m membership.Membership) memberReply {
	now := a.Kernel.Time()
	hold := m.TermsAt(now)
	out := memberReply{
		ID: m.ID, State: m.State, Offer: hold.Offer, Terms: hold.Version, Joined: m.Made, From: given(m.Standing.Start), Until: given(m.Standing.End),
		Renews: m.Renews(), Can: []string{}, Ended: given(m.Ended.At), Why: m.Ended.Why, Reason: m.Reason(),
	}
	if m.Cancels() {
		out.Can = append(out.Can, "cancel")
	}
	if m.Resumes(now) {
		out.Can = append(out.Can, "resume")
	}
	if m.Payable(now) {
		out.Page, out.PageEnds = m.Page.URL, given(m.Page.Ends)
	}
	out.Pay, out.Open = m.Arrears()
	return out
}

var getMember = Endpoint{
	Method: "GET", Path: "/practice/members/{patient}", ID: "getMember", Group: "Memberships",
	For: "Read a patient's yearly membership",
	Text: "The latest one, with its invoices, and, for administrators, what is refunded if your practice ends it at once, and what it can tell a bank that " +
		"disputes a payment for it: what was accepted, paid and used, without a word of health. For staff and administrators.",
	Who: Known,
	Out: heldReply{}, OutText: "The membership.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		m, err := a.Office.Membership(r.Context(), r.Caller, r.PathValue("patient"))
		return Reply{Body: a.showHeld(m)}, err
	},
}

var endMember = Endpoint{
	Method: "POST", Path: "/practice/members/{patient}/end", ID: "endMember", Group: "Memberships",
	For: "End a patient's yearly membership",
	Text: "With the year that is paid, so that visits stay included until then; or at once (`at_once`), with the days that are left refunded at least. The patient is told by " +
		"letter, with the reason, and cannot resume it. What is refunded at once is read with the membership, and named here. The same again changes nothing. For administrators.",
	Who: Known, In: endMemberInput{},
	Out: memberReply{}, OutText: "The membership, which is not renewed, or has ended.",
	Refuses: []Refusal{
		{Code: "denied"},
		{Code: "not_a_member"},
		{Code: "membership_pending"},
		{Code: "membership_unpaid"},
		{Code: "membership_ended"},
		{Code: "refund_replaced"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*endMemberInput)
		m, err := a.Office.EndMembership(r.Context(), r.Caller, r.PathValue("patient"), office.MembershipEnd{
			Membership: in.Membership, Reason: in.Reason, AtOnce: in.AtOnce, Shown: money.Cents(in.Refund),
		})
		return Reply{Body: a.showMember(m)}, err
	},
}

// How a membership ends.
type endMemberInput struct {
	// Its id, as it was read.
	Membership string `json:"membership" validate:"required,max=80"`
	// Why; the patient is told: `on_request` (they asked for it), `out_of_reach` (they live where the practice may not treat), `care_ended` (the
	// practice ends its care for them), `discontinued` (the practice gives the membership up) or `in_error` (it was begun by mistake).
	Reason membership.Reason `json:"reason" validate:"required,max=40"`
	// At once; otherwise with its year.
	AtOnce bool `json:"at_once,omitempty"`
	// Cents, as they were read, if it ends at once.
	Refund int64 `json:"refund_cents,omitempty" validate:"min=0,max=10000000"`
}

// A patient's latest membership, as the practice reads it.
type heldReply struct {
	Mine memberReply `json:"membership"`
	// How many included visits of its year were used, by all members.
	Used   int             `json:"used_visits" schema:"min=0"`
	Ending *endingNowReply `json:"ending,omitempty"`
	// Of all memberships that the patient had, the newest first.
	Invoices []billReply `json:"invoices"`
	// Of these invoices, for administrators.
	Disputes []memberDispute `json:"disputes"`
}

// A dispute, or an inquiry, of the bank of who paid an invoice of a membership. It is answered in Stripe's dashboard.
type memberDispute struct {
	Number  string `json:"number"`
	Inquiry bool   `json:"inquiry,omitempty"`
	// Stripe's code for what the cardholder says.
	Reason string `json:"reason"`
	// Whether it is to be answered, and until when; absent: Stripe does not say.
	Awaits   bool           `json:"awaits_answer"`
	Due      *time.Time     `json:"due,omitempty"`
	Evidence *evidenceReply `json:"evidence"`
}

// What is refunded if your practice ends the membership at once now; absent if you cannot end it.
type endingNowReply struct {
	Refund int64 `json:"refund_cents" schema:"min=0"`
	// Why it is so much, in words.
	Text string `json:"text"`
}

func (a *API) showHeld(m office.Member) heldReply {
	out := heldReply{Mine: a.showMember(m.Membership), Used: m.Used(), Invoices: showBills(m.Bills), Disputes: []memberDispute{}}
	for _, d := range m.Disputes {
		out.Disputes = append(out.Disputes, memberDispute{
			d.Number, d.Contest.Inquiry, d.Contest.Reason, d.Contest.Awaits, given(d.Contest.Due), showEvidence(d.Evidence),
		})
	}
	if m.MayEnd {
		out.Ending = &endingNowReply{int64(m.Back.Amount), m.Back.Text}
	}
	return out
}

func showBills(bills []membership.Bill) []billReply {
	all := []billReply{}
	for _, b := range bills {
		all = append(all, billReply{b.Membership, b.Number, b.Amount, b.Paid, b.Refunded, b.Withdrawn, b.Start, b.End, given(b.PaidAt)})
	}
	return all
}
