package identity

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"evisit/pkg/fault"
)

// adulthood is the age from which a person decides for themselves.
const adulthood = 18

// YoungestActing is the least age from which a practice may let minors act for themselves.
const YoungestActing = 12

// Minors is what a practice decided on its patients under 18. The zero Minors takes
// requests for them, lets none of them act before 18, and lets who acts for them read all.
// At which age minors may consent, and to what, is the law of each state.
type Minors struct {
	// Refused is set if no request is taken for a minor.
	Refused bool `json:"refused,omitempty"`
	// ActFrom is the age from which minors sign in and send for themselves; 0: none does.
	ActFrom int `json:"act_from,omitempty"`
	// OwnFrom is the age from which what minors begin themselves is read by nobody who acts
	// for them, unless by a grant of their own; 0: who acts reads all. It is at least
	// ActFrom.
	OwnFrom int `json:"own_from,omitempty"`
}

// A Minority is what a practice's Minors mean for one patient at one time. The zero Minority
// is an adult's.
type Minority struct {
	// Dependent is set if the patient may not act for themselves yet, until the age Until.
	Dependent bool
	Until     int
	// Own is the person who signs in as the patient, if what they begin is theirs alone.
	Own string
	// Phone is the practice's, for a refusal.
	Phone string
}

// Birthday is the instant from which someone born on a day is of an age, in zone: the
// midnight that begins the birthday. Of someone born on 29 February it is 1 March in a
// common year.
func Birthday(birth time.Time, age int, zone *time.Location) time.Time {
	return time.Date(birth.Year()+age, birth.Month(), birth.Day(), 0, 0, 0, 0, zone)
}

// Adult is the instant from which someone born on a day is no minor, in zone: the
// midnight that begins their eighteenth birthday.
func Adult(birth time.Time, zone *time.Location) time.Time { return Birthday(birth, adulthood, zone) }

// Problems are what is wrong with m, by the names that it has in the API.
func (m Minors) Problems() []fault.Problem {
	var all []fault.Problem
	ages := fmt.Sprintf("Give an age from %d to %d, or 0 for none.", YoungestActing, adulthood-1)
	if m.ActFrom != 0 && (m.ActFrom < YoungestActing || m.ActFrom >= adulthood) {
		all = append(all, fault.Problem{Where: "/minors/act_from", Code: "range", Text: ages})
	}
	switch {
	case m.OwnFrom == 0:
	case m.OwnFrom < YoungestActing || m.OwnFrom >= adulthood:
		all = append(all, fault.Problem{Where: "/minors/own_from", Code: "range", Text: ages})
	case m.OwnFrom < m.ActingAge():
		all = append(all, fault.Problem{Where: "/minors/own_from", Code: "consistency", Text: "Minors keep to themselves what they send, so not from an age at which they send nothing."})
	}
	return all
}

// ActingAge is the age from which m lets people act for themselves.
func (m Minors) ActingAge() int {
	if m.ActFrom == 0 {
		return adulthood
	}
	return m.ActFrom
}

// Acts reports whether m lets who was born on a day act for themselves at now.
func (m Minors) Acts(birth time.Time, zone *time.Location, now time.Time) bool {
	return !now.Before(Birthday(birth, m.ActingAge(), zone))
}

// Of returns what m means at now for who was born on a day, as whom person signs in.
func (m Minors) Of(birth time.Time, person string, zone *time.Location, now time.Time) Minority {
	if !now.Before(Adult(birth, zone)) {
		return Minority{}
	}
	out := Minority{Dependent: !m.Acts(birth, zone, now), Until: m.ActingAge()}
	if m.OwnFrom > 0 && !now.Before(Birthday(birth, m.OwnFrom, zone)) {
		out.Own = person
	}
	return out
}

// keptFrom says why p, who stands for the patient of r, has no access to it by the
// practice's policy on minors, and where to turn; empty if p has.
func (p Person) keptFrom(r Resource, now time.Time) string {
	turn := ""
	if r.Minority.Phone != "" {
		turn = ": " + r.Minority.Phone
	}
	switch {
	case p.Practice != r.Practice || !p.ReadsFor(r.Patient, now):
		return ""
	case p.IsOwn(r.Patient):
		if !r.Minority.Dependent {
			return ""
		}
		return "this practice lets patients act for themselves from the age of " + strconv.Itoa(r.Minority.Until) +
			"; until then a parent or guardian does; please call it" + turn
	case r.Minority.Own == "" || r.Minority.Own != r.Starter || p.ID == r.Starter || p.grantedBy(r.Minority.Own, r.Patient, now):
		return ""
	}
	return "at this practice, what patients of this age send themselves is theirs alone, unless they have you act for them; ask them, or call the practice" + turn
}

func (p Person) grantedBy(giver, patient string, now time.Time) bool {
	return slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.Patient == patient && g.By == giver && g.Active(now) })
}

// IsOwn reports whether patient is p, or an earlier record of p's own.
func (p Person) IsOwn(patient string) bool {
	return p.Patient == patient || slices.ContainsFunc(p.Grants, func(g Grant) bool { return g.Patient == patient && g.Why == EarlierOwn })
}
