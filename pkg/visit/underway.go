package visit

import (
	"slices"

	"evisit/pkg/fault"
)

// Underway reports whether the request was sent, and was neither answered nor has ended:
// its card is to be held, or it awaits its answer.
func (s Status) Underway() bool { return s == AwaitingPayment || s.AwaitsAnswer() }

// An Underway names the visits of one patient on one form, whatever its version, that
// were sent and were underway when the last of them was sent. Each submission writes its
// next version, so of two submissions at once one is decided again and finds the other.
// No later step writes it: whether a visit that it names is still underway says the
// visit's own row.
type Underway struct {
	Practice string `json:"practice"`
	Patient  string `json:"-"`
	Form     string `json:"-"`      // its name
	Visits   []Sent `json:"visits"` // in the order in which they were sent
	Version  int    `json:"-"`      // 0: nothing was sent yet
}

// A Sent is a visit that was sent, and its version then: who reads an earlier one reads
// what it was before.
type Sent struct {
	ID      string `json:"id"`
	Version int    `json:"v"`
}

// With returns u with v, which is sent now, and of the other visits that u names those that
// are still underway, as known has them.
func (u Underway) With(v Visit, known []Visit) Underway {
	u.Practice, u.Patient, u.Form = v.Practice, v.Patient, v.Form.Name
	u.Visits = slices.DeleteFunc(slices.Clone(u.Visits), func(s Sent) bool {
		return s.ID == v.ID || !slices.ContainsFunc(known, func(k Visit) bool { return k.ID == s.ID && k.Status.Underway() })
	})
	u.Visits = append(u.Visits, Sent{v.ID, v.Version})
	u.Version++
	return u
}

// LastUnderway returns the last of vs that is underway; zero if none is.
func LastUnderway(vs []Visit) Visit {
	for _, v := range slices.Backward(vs) {
		if v.Status.Underway() {
			return v
		}
	}
	return Visit{}
}

// SentBeside refuses to send a request for the same patient and on the same form as v,
// which is underway, unless its sender says that they know: beside is then v's id.
func (v Visit) SentBeside(beside string) error {
	if v.ID == beside {
		return nil
	}
	return fault.New(fault.Conflict, "already_underway",
		"a request on this form, number "+v.Number()+", is "+v.Status.words()+" already, so this one was not sent; "+
			"add to that one, or say that this one is to be sent beside it",
		fault.Problem{Where: "/beside", Code: "underway", Text: "to send a second request on purpose, give the id of the one that is underway: " + v.ID})
}
