package httpapi

import (
	"time"

	"evisit/pkg/coverage"
	"evisit/pkg/phi"
)

// A payer that claims go to.
type payerInput struct {
	// The payer's id at the clearinghouse: 2 to 20 letters, digits and hyphens. It never changes.
	ID string `json:"id" validate:"required,max=40"`
	// As claims name it, and as patients find it.
	Name string `json:"name" validate:"required,max=240"`
	// The claim filing indicator code: `11` to `17`, `AM`, `BL`, `CH`, `CI`, `DS`, `FI`, `HM`, `LM`, `MA`, `MB`, `MC`,
	// `OF`, `TV`, `VA`, `WC` or `ZZ` (X12 837P, SBR09).
	Filing coverage.Filing `json:"filing_code" validate:"required,max=2"`
	// The id of the receiver of its files: 2 to 15 letters, digits and hyphens. Left out: it takes no electronic
	// claims.
	Address string `json:"electronic_address,omitempty" validate:"max=40"`
}

func (in payerInput) domain() coverage.Payer {
	return coverage.Payer{ID: in.ID, Name: in.Name, Filing: in.Filing, Address: in.Address}
}

// A payer, as it is registered.
type payerReply struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// The claim filing indicator code.
	Filing coverage.Filing `json:"filing_code"`
	// What kind of insurance that is, in words.
	Kind string `json:"kind"`
	// Which part of Medicare it is; absent: none.
	Medicare coverage.Medicare `json:"medicare,omitempty" schema:"enum=part_a|part_b|advantage"`
	Address  string            `json:"electronic_address,omitempty"`
	// Since when no new coverage may name it; absent: one may.
	Ended *time.Time `json:"ended_at,omitempty"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
}

func showPayer(p coverage.Payer) payerReply {
	return payerReply{p.ID, p.Name, p.Filing, p.Filing.Words(), p.Filing.Medicare(), p.Address, when(p.Ended), p.Version}
}

func replyPayer(p coverage.Payer, err error) (Reply, error) {
	return Reply{Body: showPayer(p), ETag: etag(p.Version)}, err
}

var listPayers = Endpoint{
	Method: "GET", Path: "/payers", ID: "listPayers", Group: "Coverages",
	For:  "List the payers that a coverage may name",
	Text: "By name. For everyone whom a practice knows; for who runs the system, ended ones are among them.",
	By:   ByRegistry, Who: Known,
	Out: payersReply{}, OutText: "All of them; the list has no pages.",
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Registrar.Payers(r.Context(), r.Caller)
		out := payersReply{[]payerReply{}}
		for _, p := range all {
			out.Payers = append(out.Payers, showPayer(p))
		}
		return Reply{Body: out}, err
	},
}

type payersReply struct {
	Payers []payerReply `json:"payers"`
}

var registerPayer = Endpoint{
	Method: "POST", Path: "/payers", ID: "registerPayer", Group: "Operator",
	For:  "Register a payer",
	Text: "Patients and practices may name it in coverages from then on. The same registration again returns the payer. For who runs the system.",
	By:   ByRegistry, Who: Known, In: payerInput{},
	Out: payerReply{}, OutText: "The payer.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "payer_exists"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyPayer(a.Registrar.RegisterPayer(r.Context(), r.Caller, r.In.(*payerInput).domain()))
	},
}

var changePayer = Endpoint{
	Method: "PUT", Path: "/payers/{payer}", ID: "changePayer", Group: "Operator",
	For:  "Correct what a payer was registered with",
	Text: "Replaces all of it but the id. Coverages that name it are then of the corrected payer. For who runs the system.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: payerInput{},
	Out: payerReply{}, OutText: "The payer.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyPayer(a.Registrar.ChangePayer(r.Context(), r.Caller, r.PathValue("payer"), r.In.(*payerInput).domain()))
	},
}

var endPayer = Endpoint{
	Method: "POST", Path: "/payers/{payer}/end", ID: "endPayer", Group: "Operator",
	For:  "Keep new coverages from naming a payer",
	Text: "Coverages that name it stay as they are. Repeating it succeeds and changes nothing. For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: payerReply{}, OutText: "The payer.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve:   setEnded(true),
}

var resumePayer = Endpoint{
	Method: "POST", Path: "/payers/{payer}/resume", ID: "resumePayer", Group: "Operator",
	For:  "Let new coverages name an ended payer again",
	Text: "For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: payerReply{}, OutText: "The payer.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve:   setEnded(false),
}

func setEnded(ended bool) func(*API, *Request) (Reply, error) {
	return func(a *API, r *Request) (Reply, error) {
		return replyPayer(a.Registrar.EndPayer(r.Context(), r.Caller, r.PathValue("payer"), ended))
	}
}

// What a health plan's card says, and how the patient uses it.
type coverageInput struct {
	// The id of one of the payers that are listed; left out: the plan is none of these.
	Payer string `json:"payer,omitempty" validate:"max=40"`
	// The plan's name as the card has it, if it is none of the payers that are listed.
	Plan phi.Text `json:"plan,omitempty" validate:"max=240"`
	// The member's number as the card has it. That of original Medicare is kept without its dashes.
	Member phi.Text `json:"member_id" validate:"required,max=100"`
	// The number of the group; it may be left out.
	Group phi.Text `json:"group,omitempty" validate:"max=100"`
	// What the patient is to the one whose insurance it is: `self`, `spouse`, `child` or `other`.
	Relation   coverage.Relation `json:"relation" validate:"required,max=20"`
	Subscriber *subscriberField  `json:"subscriber,omitempty"`
	// The first day on which it holds, as 2026-01-01; it may be left out.
	From string `json:"from,omitempty" validate:"max=10,date" schema:"format=date"`
	// The last; it may be left out.
	Until string `json:"until,omitempty" validate:"max=10,date" schema:"format=date"`
	// `1` for the plan that pays first, `2` for the next, `3` for the third.
	Priority int `json:"priority" validate:"required"`
}

// Whose insurance it is; left out if it is the patient's own.
type subscriberField struct {
	First phi.Text `json:"first_name" validate:"required,max=140"`
	Last  phi.Text `json:"last_name" validate:"required,max=240"`
	// As 1990-04-12.
	Birth string `json:"birth_date" validate:"required,max=10,date" schema:"format=date"`
	// `female`, `male`, `other` or `unknown`; it may be left out.
	Sex string `json:"sex,omitempty" validate:"max=10"`
}

func (in coverageInput) domain() coverage.Card {
	card := coverage.Card{
		Payer: in.Payer, Plan: in.Plan, Member: in.Member, Group: in.Group, Relation: in.Relation, Priority: in.Priority,
		From: civilDay(in.From), Until: civilDay(in.Until),
	}
	if s := in.Subscriber; s != nil {
		card.Subscriber = coverage.Subscriber{First: s.First, Last: s.Last, Birth: civilDay(s.Birth), Sex: s.Sex}
	}
	return card
}

// A health plan of a patient.
type coverageReply struct {
	ID string `json:"id"`
	// The id of the payer; absent: the plan is none of the payers that are known, and has its name in `plan`.
	Payer     string `json:"payer,omitempty"`
	PayerName string `json:"payer_name,omitempty"`
	// The payer's claim filing indicator code.
	Filing coverage.Filing `json:"filing_code,omitempty"`
	// Which part of Medicare it is; absent: none, or the plan is none of the payers that are known.
	Medicare coverage.Medicare `json:"medicare,omitempty" schema:"enum=part_a|part_b|advantage"`
	Plan     string            `json:"plan,omitempty"`
	Member   string            `json:"member_id"`
	Group    string            `json:"group,omitempty"`
	// `self`, `spouse`, `child` or `other`.
	Relation   coverage.Relation `json:"relation"`
	Subscriber *subscriberField  `json:"subscriber,omitempty"`
	// The first day on which it holds; absent: it is not known.
	From string `json:"from,omitempty" schema:"format=date"`
	// The last; absent: none is known. One before the first says that it never held.
	Until string `json:"until,omitempty" schema:"format=date"`
	// The payer's turn: 1 pays first.
	Priority int `json:"priority" schema:"min=1"`
	// Who entered it.
	By      string    `json:"entered_by"`
	Entered time.Time `json:"entered_at"`
	// When somebody at the practice compared it with the card as it is now; absent: nobody has.
	Checked   *time.Time `json:"checked_at,omitempty"`
	CheckedBy string     `json:"checked_by,omitempty"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
}

func showCoverage(h coverage.Held) coverageReply {
	c := h.Card
	out := coverageReply{
		ID: h.ID, Payer: c.Payer, PayerName: h.Payer.Name, Filing: h.Payer.Filing, Medicare: h.Medicare(), Plan: c.Plan.Reveal(),
		Member: c.Member.Reveal(), Group: c.Group.Reveal(), Relation: c.Relation, From: c.From.String(), Until: c.Until.String(), Priority: c.Priority,
		By: h.By, Entered: h.At, Checked: when(h.Checked.At), CheckedBy: h.Checked.By, Version: h.Version,
	}
	if s := c.Subscriber; s != (coverage.Subscriber{}) {
		out.Subscriber = &subscriberField{s.First, s.Last, s.Birth.String(), s.Sex}
	}
	return out
}

func replyCoverage(h coverage.Held, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	return Reply{Body: showCoverage(h), ETag: etag(h.Version)}, nil
}

var listCoverages = Endpoint{
	Method: "GET", Path: "/patients/{patient}/coverages", ID: "listCoverages", Group: "Coverages",
	For:  "List the health plans of a patient",
	Text: "Ended ones too, in the order in which they were entered. For the patient, who acts for them, staff and administrators; each read is recorded.",
	By:   ByRegistry, Who: Known,
	Out: coveragesReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyCoverages(a.Registrar.Coverages(r.Context(), r.Caller, r.PathValue("patient")))
	},
}

type coveragesReply struct {
	Coverages []coverageReply `json:"coverages" schema:"max=50"`
}

func replyCoverages(all []coverage.Held, err error) (Reply, error) {
	out := coveragesReply{[]coverageReply{}}
	for _, h := range all {
		out.Coverages = append(out.Coverages, showCoverage(h))
	}
	return Reply{Body: out}, err
}

// Which plan pays first, and which next.
type orderInput struct {
	// At most 20. A plan that is not named keeps its turn.
	Turns []turnInput `json:"turns" validate:"required,max=20,dive"`
}

// The turn that a plan is to have.
type turnInput struct {
	ID string `json:"id" validate:"required,max=128"`
	// `1` for the plan that pays first, `2` for the next, `3` for the third.
	Priority int `json:"priority" validate:"required"`
	// The version of the plan as you saw it. Give it, so that what was decided on an older one is refused.
	Version int `json:"version,omitempty" validate:"min=0"`
}

func (in orderInput) domain() []coverage.Turn {
	var out []coverage.Turn
	for _, t := range in.Turns {
		out = append(out, coverage.Turn{Coverage: t.ID, Priority: t.Priority, Version: t.Version})
	}
	return out
}

var orderCoverages = Endpoint{
	Method: "POST", Path: "/patients/{patient}/coverage-order", ID: "orderCoverages", Group: "Coverages",
	For: "Say which health plan pays first, and which next",
	Text: "All turns are taken at once, so that two plans can change places. A plan whose turn is changed by the patient, or by who acts for them, waits to be compared " +
		"with the card again. Turns that stand already change nothing.",
	By: ByRegistry, Who: Known, In: orderInput{},
	Out: coveragesReply{}, OutText: "All plans of the patient.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "coverage_priority"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyCoverages(a.Registrar.OrderCoverages(r.Context(), r.Caller, r.PathValue("patient"), r.In.(*orderInput).domain()))
	},
}

var addCoverage = Endpoint{
	Method: "POST", Path: "/patients/{patient}/coverages", ID: "addCoverage", Group: "Coverages",
	For: "Enter a health plan of a patient",
	Text: "Entered by the patient, or by who acts for them, it is work for the practice's staff until they have compared it with the card; entered by staff or " +
		"administrators, it counts as compared.",
	By: ByRegistry, Who: Known, Once: true, In: coverageInput{},
	Out: coverageReply{}, OutText: "The coverage.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "coverage_priority"}, {Code: "coverages_full"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		card := r.In.(*coverageInput).domain()
		return replyCoverage(a.Registrar.AddCoverage(r.Context(), r.Caller, r.PathValue("patient"), card))
	},
}

var changeCoverage = Endpoint{
	Method: "PUT", Path: "/patients/{patient}/coverages/{coverage}", ID: "changeCoverage", Group: "Coverages",
	For: "Change what is written of a health plan",
	Text: "Replaces all that its card says. Changed by the patient, or by who acts for them, it waits to be compared with the card again. Sending what stands " +
		"changes nothing.",
	By: ByRegistry, Who: Known, IfMatch: true, In: coverageInput{},
	Out: coverageReply{}, OutText: "The coverage.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "coverage_priority"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		card := r.In.(*coverageInput).domain()
		return replyCoverage(a.Registrar.ChangeCoverage(r.Context(), r.Caller, r.PathValue("patient"), r.PathValue("coverage"), card))
	},
}

// When a health plan ends.
type lastInput struct {
	// The last day on which it holds, as 2026-12-31; left out: today.
	Last string `json:"last,omitempty" validate:"max=10,date" schema:"format=date"`
}

var endCoverage = Endpoint{
	Method: "POST", Path: "/patients/{patient}/coverages/{coverage}/end", ID: "endCoverage", Group: "Coverages",
	For: "Say with which day a health plan ends",
	Text: "It is never deleted. One that has not begun may end before it does, and then never holds; one that has ended by that day stays as it is. Ended by the " +
		"patient, or by who acts for them, it waits to be compared with the card again.",
	By: ByRegistry, Who: Known, IfMatch: true, In: lastInput{},
	Out: coverageReply{}, OutText: "The coverage.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		last := civilDay(r.In.(*lastInput).Last)
		return replyCoverage(a.Registrar.EndCoverage(r.Context(), r.Caller, r.PathValue("patient"), r.PathValue("coverage"), last))
	},
}

var checkCoverage = Endpoint{
	Method: "POST", Path: "/patients/{patient}/coverages/{coverage}/check", ID: "checkCoverage", Group: "Coverages",
	For:  "Say that a health plan was compared with its card",
	Text: "The work that asks for it ends. Repeating it succeeds and changes nothing. For staff and administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true,
	Out: coverageReply{}, OutText: "The coverage.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "merged"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return replyCoverage(a.Registrar.CheckCoverage(r.Context(), r.Caller, r.PathValue("patient"), r.PathValue("coverage")))
	},
}
