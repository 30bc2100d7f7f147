package httpapi

import (
	"time"

	"evisit/pkg/coding"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

// Someone who is invited to be administrator.
type administratorInput struct {
	Email string `json:"email" validate:"required"`
	// The name that people see.
	Name string `json:"name" validate:"required"`
}

// Someone who is invited to work at the practice.
type invitationInput struct {
	Email string `json:"email" validate:"required"`
	workerInput
}

// What a practice says of someone who works there.
type workerInput struct {
	// `clinician`, `nurse`, `staff`, `director` (the medical director) and `admin`, one
	// or several.
	Roles []identity.Role `json:"roles" validate:"required"`
	// Name and credential, as patients see them.
	Name string `json:"name" validate:"required"`
	// National Provider Identifier, of those who treat.
	NPI string `json:"npi,omitempty"`
	// What a clinician is by license, on which the price of an answer may depend:
	// `physician`, `np` (nurse practitioner), `pa` (physician assistant), `cns` (clinical
	// nurse specialist), `cnm` (nurse-midwife), `pt`, `ot` and `slp` (therapists), `lcsw`
	// (clinical social worker), `psychologist`.
	Kind     coding.Kind    `json:"kind,omitempty"`
	Licenses []licenseInput `json:"licenses,omitempty" validate:"dive"`
}

// A license to treat patients who are in a state.
type licenseInput struct {
	// Two letters.
	State  string `json:"state" validate:"required"`
	Number string `json:"number" validate:"required"`
	// The instant from which it holds no more.
	Expires time.Time `json:"expires" validate:"required"`
}

func (w workerInput) domain() registry.Worker {
	out := registry.Worker{Roles: w.Roles, Display: w.Name, NPI: w.NPI, Kind: w.Kind}
	for _, l := range w.Licenses {
		out.Licenses = append(out.Licenses, identity.License(l))
	}
	return out
}

var listPeople = Endpoint{
	Method: "GET", Path: "/people", ID: "listPeople", Group: "People",
	For:  "List who works at your practice",
	Text: "Those who were deactivated too. For administrators and the medical director.",
	By:   ByRegistry, Who: Known,
	Out: peopleReply{}, OutText: "All of them, by role; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Registrar.People(r.Context(), r.Caller)
		out := peopleReply{[]personReply{}}
		for _, p := range all {
			out.People = append(out.People, showPerson(p))
		}
		return Reply{Body: out}, err
	},
}

type peopleReply struct {
	People []personReply `json:"people"`
}

// Someone who works, or worked, at the practice.
type personReply struct {
	ID string `json:"id"`
	workerReply
	// Whether they can sign in.
	Active bool `json:"active"`
	// For If-Match.
	Version int `json:"version" schema:"min=1"`
}

// What a practice says of someone who works there.
type workerReply struct {
	// The first is what lists and trails name.
	Roles []identity.Role `json:"roles"`
	Name  string          `json:"name"`
	NPI   string          `json:"npi,omitempty"`
	// Of a clinician, if the practice said it.
	Kind     coding.Kind    `json:"kind,omitempty"`
	Licenses []licenseInput `json:"licenses"`
}

func showWorker(w registry.Worker) workerReply {
	out := workerReply{append([]identity.Role{}, w.Roles...), w.Display, w.NPI, w.Kind, []licenseInput{}}
	for _, l := range w.Licenses {
		out.Licenses = append(out.Licenses, licenseInput(l))
	}
	return out
}

func showPerson(p identity.Person) personReply {
	return personReply{p.ID, showWorker(registry.WorkerOf(p)), !p.Inactive, p.Version}
}

func (a *API) replyPerson(p identity.Person, err error) (Reply, error) {
	return Reply{Body: showPerson(p), ETag: etag(p.Version)}, err
}

var getPerson = Endpoint{
	Method: "GET", Path: "/people/{person}", ID: "getPerson", Group: "People",
	For:  "Read what your practice says of someone who works there",
	Text: "For administrators and the medical director.",
	By:   ByRegistry, Who: Known,
	Out: personReply{}, OutText: "The person.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPerson(a.Registrar.Person(r.Context(), r.Caller, r.PathValue("person")))
	},
}

var changePerson = Endpoint{
	Method: "PUT", Path: "/people/{person}", ID: "changePerson", Group: "People",
	For:  "Change what someone may do, their name or licenses",
	Text: "Replaces all of it, from that person's next request on. The last administrator stays one. For administrators.",
	By:   ByRegistry, Who: Known, IfMatch: true, In: workerInput{},
	Out: personReply{}, OutText: "The person.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "last_admin"}, {Code: "stale"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPerson(a.Registrar.ChangePerson(r.Context(), r.Caller, r.PathValue("person"), r.In.(*workerInput).domain()))
	},
}

var deactivatePerson = Endpoint{
	Method: "POST", Path: "/people/{person}/deactivate", ID: "deactivatePerson", Group: "People",
	For:  "Take away what someone may do, at once",
	Text: "From their next request on they are known to the practice no more; what they did stays theirs. The last administrator cannot be deactivated. Repeating it succeeds and changes nothing. For administrators.",
	By:   ByRegistry, Who: Known,
	Out: personReply{}, OutText: "The person.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "last_admin"}, {Code: "changed"}},
	Serve:   activate(false),
}

var reactivatePerson = Endpoint{
	Method: "POST", Path: "/people/{person}/reactivate", ID: "reactivatePerson", Group: "People",
	For:  "Give back to someone what they could do",
	Text: "Repeating it succeeds and changes nothing. For administrators.",
	By:   ByRegistry, Who: Known,
	Out: personReply{}, OutText: "The person.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "changed"}},
	Serve:   activate(true),
}

func activate(active bool) func(*API, *Request) (Reply, error) {
	return func(a *API, r *Request) (Reply, error) {
		return a.replyPerson(a.Registrar.Activate(r.Context(), r.Caller, r.PathValue("person"), active))
	}
}

var invitePerson = Endpoint{
	Method: "POST", Path: "/invitations", ID: "invitePerson", Group: "People",
	For: "Invite someone to work at your practice",
	Text: "Sends a letter whose link is good for seven days and one person, who signs in with that e-mail address confirmed and a second " +
		"factor. For administrators.",
	By: ByRegistry, Who: Known, Once: true, In: invitationInput{},
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		in := r.In.(*invitationInput)
		return a.invite(r, registry.Invitation{Email: phi.Text(in.Email), Worker: in.domain()})
	},
}

func (a *API) invite(r *Request, i registry.Invitation) (Reply, error) {
	i, err := a.Registrar.Invite(r.Context(), r.Caller, i)
	return Reply{Body: showInvitation(i)}, err
}

// An invitation: to work at a practice, to sign in as a patient, or to act for one.
type invitationReply struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	Email    string `json:"email"`
	// Of who is to work there; else empty.
	workerReply
	// As whom the invited person is to sign in.
	Patient string `json:"patient,omitempty"`
	// For whom the invited person is to act.
	ActsFor string `json:"acts_for,omitempty"`
	// The person who invites.
	By string    `json:"invited_by"`
	At time.Time `json:"invited_at"`
	// The instant from which it can be accepted no more.
	Ends     time.Time `json:"expires_at"`
	Accepted bool      `json:"accepted"`
	// Whether it was taken back.
	Revoked bool `json:"revoked"`
}

func showInvitation(i registry.Invitation) invitationReply {
	out := invitationReply{
		ID: i.ID, Practice: i.Practice, Email: i.Email.Reveal(), workerReply: showWorker(i.Worker), Patient: i.Patient,
		By: i.By, At: i.At, Ends: i.Ends(), Accepted: i.Accepted != nil, Revoked: i.Revoked,
	}
	if i.Acts != nil {
		out.ActsFor = i.Acts.Patient
	}
	return out
}

var listInvitations = Endpoint{
	Method: "GET", Path: "/invitations", ID: "listInvitations", Group: "People",
	For:  "List your practice's open invitations",
	Text: "Those that were neither accepted nor taken back, the oldest first; some may have expired. For administrators.",
	By:   ByRegistry, Who: Known,
	Out: invitationsReply{}, OutText: "All of them; the list has no pages.",
	Refuses: []Refusal{{Code: "denied"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		all, err := a.Registrar.Invitations(r.Context(), r.Caller)
		out := invitationsReply{[]invitationReply{}}
		for _, i := range all {
			out.Invitations = append(out.Invitations, showInvitation(i))
		}
		return Reply{Body: out}, err
	},
}

type invitationsReply struct {
	Invitations []invitationReply `json:"invitations"`
}

var revokeInvitation = Endpoint{
	Method: "POST", Path: "/invitations/{invitation}/revoke", ID: "revokeInvitation", Group: "People",
	For:  "Take back an invitation",
	Text: "Its link is then good for nobody. Repeating it succeeds and changes nothing. For administrators.",
	By:   ByRegistry, Who: Known,
	Out: invitationReply{}, OutText: "The invitation.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "no_invitation"}, {Code: "invitation_used"}, {Code: "changed"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		i, err := a.Registrar.Revoke(r.Context(), r.Caller, r.PathValue("invitation"))
		return Reply{Body: showInvitation(i)}, err
	},
}

var acceptInvitation = Endpoint{
	Method: "POST", Path: "/invitations/{invitation}/accept", ID: "acceptInvitation", Group: "People",
	For: "Accept an invitation",
	Text: "Send the code of the letter with a token whose confirmed e-mail address is the one that the letter went to; to work at the practice, of a sign-in with a second factor. " +
		"From then on the token's holder is the person that the reply names. Repeating it succeeds and changes nothing.",
	By: ByRegistry, Who: Holder, In: acceptInput{},
	Out: personReply{}, OutText: "Who you are at the practice.",
	Refuses: []Refusal{
		{Code: "second_factor"},
		{Code: "email_unconfirmed"},
		{Code: "invitation_other_address"},
		{Code: "no_invitation"},
		{Code: "invitation_used"},
		{Code: "invitation_revoked"},
		{Code: "invitation_expired"},
		{Code: "already_member"},
		{Code: "already_joined"},
		{Code: "minor"},
		{Code: "minors_not_taken"},
		{Code: "merged"},
		{Code: "changed"},
	},
	Serve: func(a *API, r *Request) (Reply, error) {
		return a.replyPerson(a.Registrar.Accept(r.Context(), r.Caller, r.PathValue("invitation"), r.In.(*acceptInput).Code))
	},
}

// What the letter has.
type acceptInput struct {
	Code string `json:"code" validate:"required,max=100"`
}
