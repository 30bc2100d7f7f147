package identity

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// An Action is something a person may ask for.
type Action string

const (
	StartVisit     Action = "visit.start"
	ListVisits     Action = "visit.list"      // of one patient
	ReadVisit      Action = "visit.read"      // its state and times
	ReadChart      Action = "chart.read"      // answers, messages, document
	HoldMembership Action = "membership.hold" // join, cancel, resume
	EndMembership  Action = "membership.end"  // a patient's, by the practice
	FillVisit      Action = "visit.fill"      // answers, quote, submit, pay, cancel, delete, acknowledge
	WriteToTeam    Action = "message.send"    // the patient's side of the exchange
	ReadQueue      Action = "queue.read"
	TakeVisit      Action = "visit.take"
	TreatVisit     Action = "visit.treat" // ask, answer, decline, redirect
	ReadMoney      Action = "ledger.read"
	ReadBooks      Action = "ledger.books" // what the practice's books add up to, their entries, its payouts, and whether they agree with Stripe
	ReadTrail      Action = "audit.read"   // who did and saw what in one visit
	ReadLog        Action = "log.read"     // the practice's whole log
	ReadWork       Action = "work.read"    // what a person of the practice must do
	EndWork        Action = "work.end"
	ResumeWork     Action = "work.resume" // have what was parked tried again

	ReadDispute   Action = "dispute.read"   // a disputed payment, and what can be submitted about it
	AnswerDispute Action = "dispute.answer" // submit that to the bank, or accept the dispute

	RefundPayment Action = "payment.refund" // by hand; how much is for the practice to decide

	BillPlan Action = "plan.bill" // see what is to be billed to a health plan for a visit, and record that it was

	RunPractices   Action = "practice.run"    // register and suspend practices, see how they stand; keep the payers
	ReadRoster     Action = "roster.read"     // who works at the practice
	ManagePeople   Action = "roster.change"   // invite, change, deactivate
	DecideTerms    Action = "terms.decide"    // prices, turnaround, consent, forms offered
	ConnectAccount Action = "account.connect" // have an account at Stripe, and give its details there
	WriteForms     Action = "form.write"      // drafts of forms
	ApproveForms   Action = "form.approve"

	ReadAccess     Action = "access.read"     // who did and saw what of a patient's data, across visits
	DownloadRecord Action = "record.download" // all that is stored of a patient

	ReadPatient    Action = "patient.read"     // contact data, standing, coverage, who acts for them
	ChangePatient  Action = "patient.change"   // contact data, coverage
	DelegatePower  Action = "patient.delegate" // have somebody act for the patient, or no more
	ManagePatients Action = "patient.manage"   // register, invite, import, verify, merge; warn and suspend; check coverages

	GiveDiscounts Action = "discount.give" // to a patient, and take them back

	ReleaseVisit  Action = "visit.release"
	HandOverVisit Action = "visit.hand_over"
	TakeOverVisit Action = "visit.take_over"
)

// A Relation is how a person stands to a resource.
type Relation string

const (
	Acts   Relation = "acts"   // is the patient, or acts for them under a grant for everything
	Reads  Relation = "reads"  // is the patient, or has a grant of any scope
	Team   Relation = "team"   // works at the resource's practice
	Holder Relation = "holder" // works there and has taken the visit
	Former Relation = "former" // works there, and was the last to release the visit or to hand it over
)

// A Pool is the group of a practice's people that a visit or a work item is for.
// Administrative requests never reach clinicians, nor clinical requests staff
// (stories 4 and 20).
type Pool string

const (
	ClinicalPool Pool = "clinical"
	StaffPool    Pool = "staff"
	OfficePool   Pool = "office" // administrators: money, and events that were parked
)

// A Resource is what an action touches. The zero fields match nobody.
type Resource struct {
	Practice string
	Patient  string
	// Starter is the person who began the visit, Minority what the practice decided on the
	// patient, if that is a minor.
	Starter  string
	Minority Minority
	Holder   string // the person who has taken the visit
	// HolderName is how the practice shows the holder, for a refusal.
	HolderName string
	Former     string // the person who released the visit, or handed it over to Holder
	Pool       Pool   // empty: not bound to a pool
	// Unsent marks a request that the practice has not been sent: the people who
	// work there have no relation to it.
	Unsent bool
	// Whole marks what is the practice's as a whole: its lists and its log.
	// Everyone there may know of them.
	Whole bool
}

// policy says who may do what; an action that is not listed is denied.
var policy = []struct {
	roles    []Role
	relation Relation
	pool     Pool // empty: any
	actions  []Action
}{
	{[]Role{PatientRole, Caregiver}, Reads, "", []Action{ListVisits, ReadVisit, ReadChart, ReadMoney, ReadTrail, ReadAccess, DownloadRecord, ReadPatient}},
	{[]Role{PatientRole, Caregiver}, Acts, "", []Action{StartVisit, FillVisit, WriteToTeam, ChangePatient, HoldMembership}},
	{[]Role{PatientRole}, Acts, "", []Action{DelegatePower}},
	{[]Role{Clinician, Nurse}, Team, ClinicalPool, []Action{ReadVisit, ReadChart, ReadQueue, ReadWork, EndWork}},
	{[]Role{Clinician}, Team, ClinicalPool, []Action{TakeVisit, TakeOverVisit}},
	{[]Role{Clinician}, Holder, ClinicalPool, []Action{TreatVisit, ReleaseVisit, HandOverVisit}},
	{[]Role{Clinician}, Former, ClinicalPool, []Action{ReleaseVisit, HandOverVisit}}, // the same again
	{[]Role{Staff}, Team, StaffPool, []Action{ReadVisit, ReadChart, ReadQueue, TakeVisit, TakeOverVisit, ReadWork, EndWork}},
	{[]Role{Staff}, Holder, StaffPool, []Action{TreatVisit, ReleaseVisit, HandOverVisit}},
	{[]Role{Staff}, Former, StaffPool, []Action{ReleaseVisit, HandOverVisit}},
	{[]Role{Staff, Admin}, Team, "", []Action{ReadVisit, ReadMoney, RefundPayment, BillPlan, ReadPatient, ChangePatient, DelegatePower, ManagePatients, GiveDiscounts}},
	{[]Role{Admin}, Team, "", []Action{ReadTrail, ReadLog, ReadWork, EndWork, ResumeWork, ManagePeople, DecideTerms, ConnectAccount, ReadDispute, AnswerDispute, ReadBooks, EndMembership}},
	{[]Role{Admin, Director}, Team, "", []Action{ReadRoster, WriteForms}},
	{[]Role{Director}, Team, "", []Action{ApproveForms}},
	{[]Role{Operator}, Team, "", []Action{RunPractices, ReadWork, EndWork, ResumeWork}}, // of the platform, which is their practice
}

// Allow returns nil if p may do a to r at now. If p has no relation to r at all
// the error is NotFound, so that an id tells nothing to a stranger; otherwise it
// is Denied, and says why.
func Allow(p Person, a Action, r Resource, now time.Time) error {
	switch may := Rights(p, r, now); {
	case slices.Contains(may, a):
		return nil
	case p.keptFrom(r, now) != "":
		return fault.New(fault.Denied, "denied", p.keptFrom(r, now))
	case len(may) > 0 || r.Whole && p.worksAt(r.Practice):
		return fault.New(fault.Denied, "denied", whyNot(p, a, r))
	}
	return fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")
}

// Reason says in a word why Allow refuses p, for the audit record of a refusal:
// "inactive", "other_practice", "grant_ended", "no_relation", "minor" by the practice's
// policy on minors, or "role" for someone who may know of r. The caller is not told it.
func Reason(p Person, a Action, r Resource, now time.Time) string {
	switch {
	case p.Inactive:
		return "inactive"
	case p.Practice != r.Practice:
		return "other_practice"
	case p.keptFrom(r, now) != "":
		return "minor"
	case errors.Is(Allow(p, a, r, now), fault.Denied):
		return "role"
	case slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.Patient == r.Patient }):
		return "grant_ended"
	}
	return "no_relation"
}

// A Purpose is what a record was read or changed for (HIPAA, 45 CFR 164.506 and
// 164.524).
type Purpose string

const (
	Individual Purpose = "individual" // the patient's own request, or of who acts for them
	Treatment  Purpose = "treatment"
	Payment    Purpose = "payment"
	Operations Purpose = "operations"
)

// PurposeOf returns the purpose of an action in an audit record, which begins with
// an Action or with what the system did. It follows from role and action, so
// records do not have it.
func PurposeOf(r Role, action string) Purpose {
	name, _, _ := strings.Cut(action, ":")
	switch area, _, _ := strings.Cut(name, "."); {
	case r == PatientRole || r == Caregiver:
		return Individual
	case area == "payment" || area == "account" || area == "ledger" || area == "dispute":
		return Payment
	case r == Clinician || r == Nurse || r == Staff:
		switch Action(name) { //nolint:exhaustive // the rest are operations
		case ReadVisit, ReadChart, TakeVisit, TreatVisit, ReadQueue, ReleaseVisit, HandOverVisit, TakeOverVisit:
			return Treatment
		}
	}
	return Operations
}

// Rights are the actions that p may do to r at now.
func Rights(p Person, r Resource, now time.Time) []Action {
	var may []Action
	for _, rule := range policy {
		if p.Inactive || rule.pool != "" && rule.pool != r.Pool || !slices.ContainsFunc(rule.roles, p.Has) || !p.relates(rule.relation, r, now) {
			continue
		}
		may = append(may, rule.actions...)
	}
	return may
}

// roleNames say who has a role, in a refusal.
var roleNames = map[Role]string{
	PatientRole: "the patient", Caregiver: "who acts for the patient", Clinician: "clinicians", Nurse: "nurses", Staff: "staff",
	Admin: "administrators", Director: "the medical director", Operator: "who runs the system",
}

// whyNot says why p, who may know of r, may not do a.
func whyNot(p Person, a Action, r Resource) string {
	var who []string
	for _, rule := range policy {
		if !slices.Contains(rule.actions, a) || rule.pool != "" && rule.pool != r.Pool && !r.Whole {
			continue
		}
		if rule.relation == Acts && slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.Patient == r.Patient && g.Scope == Reading }) {
			return "you may read what is this patient's, and no more: that is what you were granted"
		}
		if rule.relation == Holder && slices.ContainsFunc(rule.roles, p.Has) {
			if r.Holder == "" {
				return "nobody has taken this visit, and only who takes it may do this"
			}
			return cmp.Or(r.HolderName, "a colleague") + " has taken this visit, and nobody else may do this"
		}
		for _, role := range rule.roles {
			if name := roleNames[role]; !slices.Contains(who, name) {
				who = append(who, name)
			}
		}
	}
	if len(who) == 0 {
		return "your role does not allow this"
	}
	return "your role does not allow this; it is for " + strings.Join(who, ", ")
}

// PoolOf returns the pool whose queue p works from.
func (p Person) PoolOf() Pool {
	if p.Role == Staff {
		return StaffPool
	}
	return ClinicalPool
}

// worksAt reports whether p, of whatever role, belongs to the practice.
func (p Person) worksAt(practice string) bool {
	return !p.Inactive && p.Practice != "" && p.Practice == practice && roleNames[p.Role] != ""
}

func (p Person) relates(rel Relation, r Resource, now time.Time) bool {
	if p.Practice == "" || p.Practice != r.Practice {
		return false
	}
	switch rel {
	case Acts:
		return p.ActsFor(r.Patient, now) && p.keptFrom(r, now) == ""
	case Reads:
		return p.ReadsFor(r.Patient, now) && p.keptFrom(r, now) == ""
	case Team:
		return !r.Unsent
	case Holder:
		return p.ID != "" && r.Holder == p.ID
	case Former:
		return p.ID != "" && r.Former == p.ID
	}
	return false
}
