package registry

import (
	"slices"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

var errLastAdmin = fault.New(fault.Conflict, "last_admin", "this is the practice's only administrator; make somebody else one first")

// Leave reports whether next takes the role of administrator from was, or access at
// all. It is a fault.Conflict if roster, who works at the practice, has no other
// active administrator then.
func Leave(was, next identity.Person, roster []identity.Person) (bool, error) {
	if !administers(was) || administers(next) {
		return false, nil
	}
	if !slices.ContainsFunc(roster, func(p identity.Person) bool { return p.ID != was.ID && administers(p) }) {
		return true, errLastAdmin
	}
	return true, nil
}

func administers(p identity.Person) bool { return !p.Inactive && p.Has(identity.Admin) }
