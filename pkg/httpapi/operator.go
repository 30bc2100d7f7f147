package httpapi

import (
	"time"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
)

var registerPractice = Endpoint{
	Method: "POST", Path: "/practices", ID: "registerPractice", Group: "Operator",
	For: "Register a practice",
	Text: "A new practice has decided nothing: it offers no form, and is sent no request before its administrator has said what it does. " +
		"The same registration again returns the practice. For who runs the system.",
	By: ByRegistry, Who: Known,
	In:  registration{},
	Out: standingReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "practice_exists"}, {Code: "account_taken"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		p, err := a.Registrar.Register(r.Context(), r.Caller, r.In.(*registration).domain())
		return a.replyStanding(r, p.ID, err)
	},
}

// What a practice is registered with.
type registration struct {
	// Stands in the practice's address for good: 3 to 40 small letters, digits and
	// hyphens.
	ID      string       `json:"id" validate:"required"`
	Name    string       `json:"name" validate:"required"`
	Address addressInput `json:"address"`
	// IANA name, such as America/Chicago.
	Zone string `json:"time_zone" validate:"required"`
	// The number that patients are told to call.
	Phone string `json:"phone" validate:"required"`
	// Where letters to the practice go.
	Inbox string `json:"inbox" validate:"required"`
	// The group's National Provider Identifier.
	NPI string `json:"npi" validate:"required"`
	// Employer Identification Number, with or without its hyphen.
	EIN string `json:"ein" validate:"required"`
	// Code in the Health Care Provider Taxonomy.
	Taxonomy string `json:"taxonomy" validate:"required"`
	// The practice's connected account at Stripe, if it has one.
	Account string `json:"stripe_account,omitempty"`
	// The platform's part of what patients pay by what begins from now on, in hundredths of a
	// percent: 250 is 2.5%. It is taken of what is captured, rounded down to a cent, and given
	// back in proportion with refunds.
	PlatformFee int `json:"platform_fee_basis_points,omitempty"`
}

// A place in the United States that letters reach.
type addressInput struct {
	Line  string `json:"line" validate:"required"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city" validate:"required"`
	// Two letters.
	State string `json:"state" validate:"required"`
	// Five digits, or nine.
	ZIP string `json:"zip" validate:"required"`
}

func (r registration) domain() registry.Registration {
	return registry.Registration{
		ID: r.ID, Name: r.Name, Address: practice.Address(r.Address), Zone: r.Zone, Phone: r.Phone, Inbox: r.Inbox,
		NPI: r.NPI, EIN: r.EIN, Taxonomy: r.Taxonomy, Account: r.Account, PlatformFee: r.PlatformFee,
	}
}

// How a practice stands, for who runs the system.
type standingReply struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Address addressInput `json:"address"`
	// IANA name.
	Zone     string `json:"time_zone"`
	Phone    string `json:"phone"`
	Inbox    string `json:"inbox"`
	NPI      string `json:"npi,omitempty"`
	EIN      string `json:"ein,omitempty"`
	Taxonomy string `json:"taxonomy,omitempty"`
	Account  string `json:"stripe_account,omitempty"`
	// The platform's part of what patients pay, in hundredths of a percent.
	PlatformFee int `json:"platform_fee_basis_points" schema:"min=0 max=3000"`
	// When it was registered.
	Since time.Time `json:"since"`
	// Since when it may begin nothing new; absent if it is not suspended.
	Suspended *time.Time `json:"suspended_at,omitempty"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
	// Items of work that somebody there must do.
	Open int `json:"open_work" schema:"min=0"`
	// Of these, events that the system gave up.
	Parked int `json:"parked" schema:"min=0"`
	// When the first of them is due, or was.
	Oldest *time.Time `json:"earliest_due_at,omitempty"`
}

func showStanding(s registrar.Standing) standingReply {
	return standingReply{
		ID: s.ID, Name: s.Name, Address: addressInput(s.Address), Zone: s.Zone, Phone: s.Phone, Inbox: s.Inbox,
		NPI: s.NPI, EIN: s.EIN, Taxonomy: s.Taxonomy, Account: s.Account, PlatformFee: s.PlatformFee, Since: s.Since, Suspended: when(s.Suspended),
		Version: s.Version, Open: s.Open, Parked: s.Parked, Oldest: when(s.Oldest),
	}
}

var listPractices = Endpoint{
	Method: "GET", Path: "/practices", ID: "listPractices", Group: "Operator",
	For:  "List all practices and how they stand",
	Text: "With the work that waits there, and what the system gave up. Of patients and their requests it says nothing. For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: standingsReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Registrar.Practices(r.Context(), r.Caller)
		out := standingsReply{[]standingReply{}}
		for _, s := range all {
			out.Practices = append(out.Practices, showStanding(s))
		}
		return Reply{Body: out}, err
	},
}

type standingsReply struct {
	Practices []standingReply `json:"practices"`
}

var readPractice = Endpoint{
	Method: "GET", Path: "/practices/{practice}", ID: "readPractice", Group: "Operator",
	For:  "Read how one practice stands",
	Text: "As the list has it. For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: standingReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyStanding(r, r.PathValue("practice"), nil)
	},
}

var changePractice = Endpoint{
	Method: "PUT", Path: "/practices/{practice}", ID: "changePractice", Group: "Operator",
	For:  "Correct what a practice was registered with",
	Text: "Replaces all of it but the id, which stands in addresses. For who runs the system.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: registration{},
	Out: standingReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "account_taken"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		p, err := a.Registrar.Change(r.Context(), r.Caller, r.PathValue("practice"), r.In.(*registration).domain())
		return a.replyStanding(r, p.ID, err)
	},
}

var suspendPractice = Endpoint{
	Method: "POST", Path: "/practices/{practice}/suspend", ID: "suspendPractice", Group: "Operator",
	For:  "Keep a practice from beginning anything new",
	Text: "Within half a minute no request can be started or priced there. Open ones run out as they would: they are answered, paid or expire. For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: standingReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve:   setSuspended(true),
}

var unsuspendPractice = Endpoint{
	Method: "POST", Path: "/practices/{practice}/resume", ID: "unsuspendPractice", Group: "Operator",
	For:  "Let a suspended practice begin again",
	Text: "For who runs the system.",
	By:   ByRegistry, Who: Known,
	Out: standingReply{}, OutText: "The practice.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve:   setSuspended(false),
}

func setSuspended(suspended bool) func(*API, *Request) (Reply, error) {
	return func(a *API, r *Request) (Reply, error) {
		p, err := a.Registrar.Suspend(r.Context(), r.Caller, r.PathValue("practice"), suspended)
		return a.replyStanding(r, p.ID, err)
	}
}

// replyStanding says how a practice stands, unless something went wrong before.
func (a *API) replyStanding(r *Request, id string, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	s, err := a.Registrar.Practice(r.Context(), r.Caller, id)
	return Reply{Body: showStanding(s), ETag: etag(s.Version)}, err
}

var inviteAdministrator = Endpoint{
	Method: "POST", Path: "/practices/{practice}/invitations", ID: "inviteAdministrator", Group: "Operator",
	For: "Invite a practice's administrator",
	Text: "Sends a letter whose link is good for seven days and one person, who signs in with that e-mail address confirmed and a second " +
		"factor. Administrators invite everybody else. For who runs the system.",
	By: ByRegistry, Who: Known, Once: true, In: administratorInput{},
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*administratorInput)
		return a.invite(r, registry.Administrator(r.PathValue("practice"), phi.Text(in.Email), in.Name))
	},
}
