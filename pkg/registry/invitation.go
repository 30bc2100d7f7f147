package registry

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/npi"
	"evisit/pkg/phi"
)

// InvitationLife is how long an invitation may be accepted.
const InvitationLife = 7 * 24 * time.Hour

// An Invitation lets one person join a practice, once: one who has
// its code, and signs in with the address that it was sent to.
type Invitation struct {
	ID       string   `json:"id"`
	Practice string   `json:"practice"`
	Email    phi.Text `json:"-"` // where it was sent
	// Secret is the code in the letter, Code its SHA-256.
	Secret phi.Text `json:"-"`
	Code   []byte   `json:"code"`
	Worker          // of who is to work at the practice; else zero
	// Patient is whose record is to be the invited person's own; empty: nobody's.
	Patient string `json:"patient,omitempty"`
	// Acts is the grant that the invited person is to get; nil: none. Its Person is
	// empty.
	Acts     *identity.Grant `json:"acts,omitempty"`
	By       string          `json:"by"` // who invites
	At       time.Time       `json:"at"` // when
	Accepted *Holder         `json:"accepted,omitempty"`
	Person   string          `json:"person,omitempty"` // whom the holder became
	Revoked  bool            `json:"revoked,omitempty"`
	Version  int             `json:"-"`
}

// A Worker is what a practice says of someone who works there.
type Worker struct {
	// Roles are what the person may do, the first of them what lists name.
	Roles []identity.Role `json:"roles"`
	// Display is how patients see the person: name and credential.
	Display string `json:"display"`
	// NPI is the National Provider Identifier of who treats; it may be empty.
	NPI string `json:"npi,omitempty"`
	// Kind is what a clinician is by license; empty if it is not said.
	Kind     coding.Kind        `json:"kind,omitempty"`
	Licenses []identity.License `json:"licenses,omitempty"`
}

// Administrator is the invitation of a practice's administrator.
func Administrator(practice string, email phi.Text, display string) Invitation {
	return Invitation{Practice: practice, Email: email, Worker: Worker{Roles: []identity.Role{identity.Admin}, Display: display}}
}

// A Holder is who signed in to accept an invitation.
type Holder struct{ Issuer, Subject string }

// Roles are those at a practice, the one that counts most first: reading a chart is
// treatment if who reads it is a clinician, whatever else they are.
var Roles = []identity.Role{identity.Clinician, identity.Nurse, identity.Staff, identity.Director, identity.Admin}

// maxLicenses is more than there are states and territories.
const maxLicenses = 60

// Check returns w as it is kept, its roles in the order of Roles, or a fault.Invalid
// that names everything that is wrong with it. An expired license is one:
// its date is wrong, or the person.
func (w Worker) Check(now time.Time) (Worker, error) {
	var p problems
	w = w.check(&p, now)
	return w, p.err()
}

func (w Worker) check(p *problems, now time.Time) Worker {
	p.must(len(w.Roles) > 0, "/roles", "required", "Give at least one role: clinician, nurse, staff, director or admin.")
	for i, r := range w.Roles {
		at := "/roles/" + strconv.Itoa(i)
		p.must(slices.Contains(Roles, r), at, "role", "Give a role at the practice: clinician, nurse, staff, director or admin.")
		p.must(!slices.Contains(w.Roles[:i], r), at, "repeated", "Give each role once.")
	}
	p.must(plain(w.Display), "/name", "display", "Give the name that patients see, with the credential, in at most 120 characters.")
	p.must(w.NPI == "" || npi.Valid(w.NPI), "/npi", "npi", "An NPI has ten digits, the first 1 or 2, and its last is the check digit; one of these is wrong.")
	p.must(w.Kind == "" || w.Kind.Treats(), "/kind", "kind", "Give a kind of clinician: "+clinicians()+".")
	p.must(w.Kind == "" || slices.Contains(w.Roles, identity.Clinician), "/kind", "role", "Only a clinician has a kind: give that role, or leave the kind out.")
	p.must(len(w.Licenses) <= maxLicenses, "/licenses", "max", "Give one license for each state.")
	licenses := slices.Clone(w.Licenses)
	for i := range licenses {
		l, at := &licenses[i], "/licenses/"+strconv.Itoa(i)
		p.must(validState(l.State), at+"/state", "state", "Give the state or territory by its two letters, such as OR.")
		p.must(plain(l.Number), at+"/number", "number", "Give the license's number as the board writes it, in at most 120 characters.")
		p.must(now.Before(l.Expires), at+"/expires", "expired", "Give the day on which the license ends, in the future.")
		p.must(!slices.ContainsFunc(licenses[:i], func(o identity.License) bool { return o.State == l.State }), at+"/state", "repeated", "Give one license for each state.")
		l.Number, l.Expires = strings.TrimSpace(l.Number), l.Expires.UTC()
	}
	w.Licenses, w.Display = licenses, strings.TrimSpace(w.Display)
	w.Roles = slices.DeleteFunc(slices.Clone(Roles), func(r identity.Role) bool { return !slices.Contains(w.Roles, r) })
	return w
}

// clinicians lists the kinds of clinician, for the author of an input.
func clinicians() string {
	var all []string
	for _, k := range coding.Clinicians {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// On returns p as w says of them.
func (w Worker) On(p identity.Person) identity.Person {
	p.Role, p.Also = w.Roles[0], nil
	if len(w.Roles) > 1 {
		p.Also = w.Roles[1:]
	}
	p.Display, p.NPI, p.Kind, p.Licenses = w.Display, w.NPI, w.Kind, nil
	if len(w.Licenses) > 0 {
		p.Licenses = w.Licenses
	}
	return p
}

// WorkerOf returns what the practice of p says of them.
func WorkerOf(p identity.Person) Worker {
	return Worker{Roles: append([]identity.Role{p.Role}, p.Also...), Display: p.Display, NPI: p.NPI, Kind: p.Kind, Licenses: p.Licenses}
}

// Invite returns an invitation with everything said, or a fault.Invalid that names
// what is wrong.
func Invite(i Invitation) (Invitation, error) {
	var p problems
	email, ok := Email(i.Email.Reveal())
	p.must(ok, "/email", "email", "Give one e-mail address.")
	if i.ToWork() {
		i.Worker = i.check(&p, i.At)
	}
	if err := p.err(); err != nil {
		return Invitation{}, err
	}
	code := sha256.Sum256([]byte(i.Secret.Reveal()))
	i.Email, i.Code = phi.Text(email), code[:]
	i.Accepted, i.Person, i.Revoked, i.Version = nil, "", false, 1
	return i, nil
}

// ToWork reports whether the invitation is to work at the practice.
func (i Invitation) ToWork() bool { return i.Patient == "" && i.Acts == nil }

// Ends is the instant from which the invitation may be accepted no more.
func (i Invitation) Ends() time.Time { return i.At.Add(InvitationLife) }

// Open reports whether i may be accepted at now.
func (i Invitation) Open(now time.Time) bool {
	return i.Accepted == nil && !i.Revoked && now.Before(i.Ends())
}

// ErrNoInvitation says that there is no invitation with that id and code.
var ErrNoInvitation = fault.New(fault.NotFound, "no_invitation", "this invitation does not exist; open the link of the letter as it was sent")

var errUsed = fault.New(fault.Conflict, "invitation_used", "this invitation was accepted already; ask for one of your own")

// Accept returns i as accepted at now by who, as person, whose token says that email
// is their confirmed address; empty if it says none. The same holder accepts again
// without a change. Another code is fault.NotFound, as an invitation that never was.
func (i Invitation) Accept(code string, who Holder, email, person string, now time.Time) (Invitation, error) {
	given := sha256.Sum256([]byte(code))
	switch {
	case subtle.ConstantTimeCompare(given[:], i.Code) != 1:
		return i, ErrNoInvitation
	case i.Accepted != nil && *i.Accepted == who:
		return i, nil
	case i.Accepted != nil:
		return i, errUsed
	case i.Revoked:
		return i, fault.New(fault.Conflict, "invitation_revoked", "this invitation was taken back; ask the practice")
	case !now.Before(i.Ends()):
		return i, fault.New(fault.Conflict, "invitation_expired", "this invitation was good for seven days; ask for a new one")
	case email == "":
		return i, fault.New(fault.Denied, "email_unconfirmed", "your sign-in has no confirmed e-mail address; confirm it where you sign in, and open the link again")
	case !strings.EqualFold(email, i.Email.Reveal()):
		return i, fault.New(fault.Denied, "invitation_other_address", "this invitation was sent to another address than the one you sign in with")
	}
	i.Accepted, i.Person, i.Version = &who, person, i.Version+1
	return i, nil
}

// Revoke returns i taken back. One that was taken back already is returned unchanged;
// one that was accepted is a conflict: deactivate the person, or end the grant.
func (i Invitation) Revoke() (Invitation, error) {
	switch {
	case i.Accepted != nil && i.Acts != nil:
		return i, fault.New(fault.Conflict, "invitation_used", "this invitation was accepted already; end what it gave instead")
	case i.Accepted != nil:
		return i, fault.New(fault.Conflict, "invitation_used", "this invitation was accepted already; deactivate the person instead")
	case i.Revoked:
		return i, nil
	}
	i.Revoked, i.Version = true, i.Version+1
	return i, nil
}
