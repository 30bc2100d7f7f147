package work

import (
	"regexp"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// maxReference bounds the reference of a claim.
const maxReference = 40

// reference is the form of one: what payers and clearinghouses give a claim, and a few words.
var reference = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z #./-]*$`)

// Billed returns i, of kind PlanBill, ended by someone at now who sent the claim, with its reference; if none was sent,
// that is why. One that has ended with the same reference is returned unchanged.
//
// Errors: fault.Invalid for a reference that is none; fault.Conflict (done_otherwise) if it ended
// with another.
func (i Item) Billed(ref, by string, now time.Time) (Item, error) {
	ref = strings.TrimSpace(ref)
	if len(ref) > maxReference || !reference.MatchString(ref) {
		return i, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", fault.Problem{
			Where: "/reference", Code: "reference",
			Text: "Give the claim's number or, if none was sent, why, in 1 to 40 letters, digits, spaces, hyphens, dots, slashes and number signs.",
		})
	}
	if !i.Open() {
		if i.Reference == ref {
			return i, nil
		}
		return i, fault.New(fault.Conflict, "done_otherwise", "this was done already, and not as you send it now: the claim was recorded as "+i.Reference+"; that stands")
	}
	i.Reference = ref
	return i.End(by, now), nil
}
