package intake

import (
	"slices"

	"evisit/pkg/fault"
)

// The last page of every composed form. It is shown once the price is known and
// is answered by submitting, not by filling in.
const (
	FeeItem     = "fee-ack"
	ConsentItem = "consent-ack"
)

// CallbackItem is the question of the common block for the number at which the patient
// can be reached about the request.
const CallbackItem = "callback-phone"

func isAcceptance(linkID string) bool { return linkID == FeeItem || linkID == ConsentItem }

// Acceptance returns the answers to the last page that submitting gives.
func Acceptance() Response {
	return Response{Items: []Entry{Ask(FeeItem, Boolean(true)), Ask(ConsentItem, Boolean(true))}}
}

// IsLast reports whether p is the page where fee and consent are accepted.
func (p Page) IsLast() bool {
	return slices.ContainsFunc(p.Items, func(it *Item) bool { return isAcceptance(it.LinkID) })
}

// BeforePrice returns the problems that keep the answers from being priced: all
// but that the last page is not answered yet.
func (res Result) BeforePrice() []fault.Problem {
	return slices.DeleteFunc(slices.Clone(res.Problems), func(p fault.Problem) bool {
		return p.Code == codeRequired && isAcceptance(p.Where)
	})
}
