package registry

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// InvitationLife is how long an invitation may be accepted.
const InvitationLife = 7 * 24 * time.Hour

// An Invitation lets one person join a practice, once. Whoever has its code and the
// mailbox that it was sent to may accept it.
type Invitation struct {
	ID       string
	Practice string
	Role     identity.Role
	Display  string    // how the practice will show the person: name and credential
	Email    phi.Text  // where it was sent
	Code     [32]byte  // SHA-256 of the code in the letter, which is not kept
	By       string    // who invites
	At       time.Time // when
	Accepted *Holder   // nil until it was accepted
	Revoked  bool
	Version  int
}

// A Holder is who signed in to accept an invitation.
type Holder struct{ Issuer, Subject string }

// Invite returns an invitation with everything said, or a fault.Invalid that names
// what is wrong.
func Invite(i Invitation, code string) (Invitation, error) {
	var p problems
	email, ok := Email(i.Email.Reveal())
	p.must(ok, "/email", "email", "Give one e-mail address.")
	p.must(slices.Contains(invited, i.Role), "/role", "role", "Give a role at the practice: clinician, nurse, staff or admin.")
	p.must(plain(i.Display), "/display", "display", "Give the name that patients see, with the credential, in at most 120 characters.")
	if len(p) > 0 {
		return Invitation{}, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", p...)
	}
	i.Email, i.Display = phi.Text(email), strings.TrimSpace(i.Display)
	i.Code, i.Accepted, i.Revoked, i.Version = sha256.Sum256([]byte(code)), nil, false, 1
	return i, nil
}

// invited are the roles that one joins a practice in by invitation.
var invited = []identity.Role{identity.Clinician, identity.Nurse, identity.Staff, identity.Admin}

// Accept returns i as accepted at now by who, whose token says that email is their
// confirmed address; empty if it says none. The same person accepts again without a
// change. Another code is fault.NotFound, as an invitation that never was.
func (i Invitation) Accept(code string, who Holder, email string, now time.Time) (Invitation, error) {
	given := sha256.Sum256([]byte(code))
	switch {
	case subtle.ConstantTimeCompare(given[:], i.Code[:]) != 1:
		return i, fault.New(fault.NotFound, "no_invitation", "this invitation does not exist; open the link of the letter as it was sent")
	case i.Accepted != nil && *i.Accepted == who:
		return i, nil
	case i.Accepted != nil:
		return i, fault.New(fault.Conflict, "invitation_used", "this invitation was accepted already; ask for one of your own")
	case i.Revoked:
		return i, fault.New(fault.Conflict, "invitation_revoked", "this invitation was taken back; ask the practice")
	case !now.Before(i.At.Add(InvitationLife)):
		return i, fault.New(fault.Conflict, "invitation_expired", "this invitation was good for seven days; ask for a new one")
	case email == "":
		return i, fault.New(fault.Denied, "email_unconfirmed", "your sign-in has no confirmed e-mail address; confirm it where you sign in, and open the link again")
	case !strings.EqualFold(email, i.Email.Reveal()):
		return i, fault.New(fault.Denied, "invitation_other_address", "this invitation was sent to another address than the one you sign in with")
	}
	i.Accepted, i.Version = &who, i.Version+1
	return i, nil
}
