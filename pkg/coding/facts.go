package coding

import (
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// An Answer is what is known of a fact that is true or not. The zero Answer is
// unknown.
type Answer string

// The answers.
const (
	Unknown Answer = ""
	Yes     Answer = "yes"
	No      Answer = "no"
)

// A Last is the last day on which something happened, or that it never did. The
// zero Last is unknown.
type Last struct {
	On    civil.Day `json:"on,omitzero"`
	Never bool      `json:"never,omitempty"`
}

func (l Last) known() bool { return l.Never || !l.On.IsZero() }

// Facts are what is known of one online visit of a patient and around it. Each
// zero value is unknown, but for lists, which hold what is known; whether there is
// more is a fact of its own.
type Facts struct {
	// Zone is the practice's, whose days are the days of all rules.
	Zone *time.Location `json:"-"`
	// AsOf is when the facts were gathered. What could change after it is unknown.
	AsOf time.Time `json:"as_of,omitzero"`
	// Visit is the visit to be coded, one of Visits.
	Visit string `json:"visit"`
	// Visits are the patient's online visits to the practice, in any order, back to
	// a week without one, as one window begins behind another, and on to the end of the
	// visit's own.
	Visits []Visit `json:"visits"`
	// Time is the active time of the people who worked on them, also on other
	// patients' visits meanwhile; no time of a visit is unknown, not none.
	Time []Span `json:"time,omitempty"`
	// Clinician is the kind of the one who answers and bills.
	Clinician Kind `json:"clinician,omitempty"`

	// LastSeen is the patient's last face-to-face service by the clinician, or by
	// one of the same specialty of the group.
	LastSeen Last `json:"last_seen,omitzero"`
	// Consent is when the patient last consented to such services.
	Consent Last `json:"consent,omitzero"`

	// Encounters are known visits of any other kind, here or elsewhere.
	Encounters []Encounter `json:"encounters,omitempty"`
	// SeenBefore is whether the patient was seen for the same problem in the seven
	// days before the visit, besides Encounters; SeenAfter, in the days from then to
	// seven days after its window.
	SeenBefore Answer `json:"seen_before,omitempty"`
	SeenAfter  Answer `json:"seen_after,omitempty"`
	// Surgeries are known operations; Operated is whether there was another one in
	// the ninety days before the visit.
	Surgeries []Surgery `json:"surgeries,omitempty"`
	Operated  Answer    `json:"operated,omitempty"`
	// LedToVisit is whether the visit led to another one within the time that the
	// payer names. It is asked for where a payer has such a rule.
	LedToVisit Answer `json:"led_to_visit,omitempty"`
	// Accident is whether work, a car or another accident caused the problem.
	Accident Answer `json:"accident,omitempty"`

	// Secure is whether the platform protects health information as HIPAA asks;
	// Stored, whether it keeps what was written for good.
	Secure Answer `json:"secure,omitempty"`
	Stored Answer `json:"stored,omitempty"`

	// Place is the code of where the clinician normally works, typically 11.
	Place string `json:"place,omitempty"`
	// Modifiers are those that the biller wants on the line.
	Modifiers []string `json:"modifiers,omitempty"`

	// Route is how the visit is paid.
	Route Route `json:"route,omitempty"`
	// Payer is the plan's identifier, by which its Policy is found.
	Payer string `json:"payer,omitempty"`
	// Sent is set once a claim for the visit has been sent.
	Sent bool `json:"sent,omitempty"`
	// WaivesShare is whether the practice forgives the patient's share as a rule.
	WaivesShare Answer `json:"waives_share,omitempty"`
	// PartB is whether the patient has active Medicare Part B; OptedOut, whether the
	// clinician has opted out of Medicare.
	PartB    Answer `json:"part_b,omitempty"`
	OptedOut Answer `json:"opted_out,omitempty"`
	// Membership is whether the patient has one with the practice, and Member, what it
	// gives.
	Membership Answer `json:"membership,omitempty"`
	Member     Member `json:"member,omitzero"`
	// Restricted is whether the patient asked that the plan is not told; Paid, whether
	// they have paid the visit in full.
	Restricted Answer `json:"restricted,omitempty"`
	Paid       Answer `json:"paid,omitempty"`
	// Estimate is what is known of a good-faith estimate.
	Estimate Estimate `json:"estimate,omitzero"`
}

// A Visit is one online visit.
type Visit struct {
	ID string `json:"id"`
	// Group and Specialty are those of the clinician who answers.
	Group     string `json:"group,omitempty"`
	Specialty string `json:"specialty,omitempty"`
	// Received is when the inquiry came; FirstReview, when a clinician first read it in
	// person. Without a review and without time of anybody it was not reviewed yet.
	Received    time.Time `json:"received,omitzero"`
	FirstReview time.Time `json:"first_review,omitzero"`
	StartedBy   Party     `json:"started_by,omitempty"`
	Subject     Subject   `json:"subject,omitempty"`
	// NotReported is set once the visit cannot be reported for a reason of its own: it
	// opens no window, and its time is added to no other visit's.
	NotReported bool `json:"not_reported,omitempty"`
}

// A Party is who wrote the first message.
type Party string

// The parties.
const (
	ByPatient  Party = "patient"
	ByProxy    Party = "proxy"
	ByPractice Party = "practice"
)

// A Subject is what an inquiry is about. All but a Problem need no evaluation.
type Subject string

// The subjects.
const (
	Problem    Subject = "problem" // new or known
	Results    Subject = "results"
	Scheduling Subject = "scheduling"
	Refill     Subject = "refill"
	Billing    Subject = "billing"
)

// An Encounter is an evaluation of the patient by any clinician in person, by video
// or by phone, billed on its own.
type Encounter struct {
	On        civil.Day `json:"on"`
	Related   Answer    `json:"related,omitempty"`    // to the visit's problem
	SameGroup Answer    `json:"same_group,omitempty"` // by the clinician or the group's specialty
	Code      string    `json:"code,omitempty"`       // as billed
}

// A Surgery is an operation or procedure with the days of aftercare in its price.
type Surgery struct {
	On      civil.Day `json:"on"`
	Global  Global    `json:"global,omitempty"`
	Related Answer    `json:"related,omitempty"` // to the visit's problem
}

// A Global is how many days after it an operation's price includes, as the fee
// schedule's column has them.
type Global string

// The globals.
const (
	GlobalNone   Global = "XXX" // the concept does not apply
	GlobalDay    Global = "000"
	GlobalTen    Global = "010"
	GlobalNinety Global = "090"
)

// A Route is how a visit is paid.
type Route string

// The routes.
const (
	Insurance Route = "insurance"
	SelfPay   Route = "self-pay"
	ByMember  Route = "membership"
)

// A Member is what a membership gives.
type Member struct {
	IncludesVisits Answer      `json:"includes_visits,omitempty"`
	NonCoveredOnly bool        `json:"non_covered_only,omitempty"` // pays for what no plan covers, alone
	Monthly        money.Cents `json:"monthly,omitempty"`
	Family         bool        `json:"family,omitempty"`
}

// An Estimate is what is known of a good-faith estimate.
type Estimate struct {
	Requested Answer    `json:"requested,omitempty"`
	Arranged  civil.Day `json:"arranged,omitzero"` // when the service was arranged
	Given     Answer    `json:"given,omitempty"`
}
