package practice

import (
	"fmt"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// TakesFor refuses a request for who was born on a day and is a minor at now, if p takes
// none for minors.
func (p Practice) TakesFor(birth, now time.Time) error {
	minor, err := p.IsMinor(birth, now)
	if err != nil || !minor || !p.Minors.Refused {
		return err
	}
	return fault.New(fault.Conflict, "minors_not_taken", "This practice takes no online requests for patients under 18. Please call the practice: "+p.Phone)
}

// LetsAct refuses who was born on a day and may not sign in as a patient of p at now.
func (p Practice) LetsAct(birth, now time.Time) error {
	zone, err := p.Location()
	if err == nil {
		err = p.TakesFor(birth, now)
	}
	if err != nil || p.Minors.Acts(birth, zone, now) {
		return err
	}
	return fault.New(fault.Conflict, "minor", fmt.Sprintf("Who is under %d is registered by the practice, with a parent or guardian. Please call it: %s", p.Minors.ActingAge(), p.Phone))
}

// IsMinor reports whether who was born on a day is under 18 at now, in p's zone.
func (p Practice) IsMinor(birth, now time.Time) (bool, error) {
	zone, err := p.Location()
	return err == nil && now.Before(identity.Adult(birth, zone)), err
}
