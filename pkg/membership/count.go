package membership

import (
	"fmt"
	"slices"
	"time"

	"evisit/pkg/fault"
)

// A Count is the included visits of a membership that were used in one year, by all members. It is
// written on the condition that its version is the one that was read, so that two visits at once
// cannot both be the last one included. A year's first Count has the version 0 and no uses.
type Count struct {
	Membership string    `json:"membership"`
	Year       time.Time `json:"year"` // its start
	Uses       []Use     `json:"uses,omitempty"`
	Version    int       `json:"version"`
}

// A Use is one visit that a membership included.
type Use struct {
	Visit   string    `json:"visit"`
	Patient string    `json:"patient"`
	At      time.Time `json:"at"` // when it was submitted
}

// Used returns how many of the included visits are used as far as a patient is concerned: by all
// members if they share them, else by the patient.
func (c Count) Used(patient string, t Terms) int {
	n := 0
	for _, u := range c.Uses {
		if t.Shared || u.Patient == patient {
			n++
		}
	}
	return n
}

// Use returns c with a patient's visit that the terms include. Whether it is included is decided
// before by Covers; Use only never goes above the cap (fault.Conflict, cap_used). A visit that is
// there already changes nothing.
func (c Count) Use(visit, patient string, t Terms, at time.Time) (Count, error) {
	if c.has(visit) {
		return c, nil
	}
	if c.Used(patient, t) >= t.Visits {
		return Count{}, fault.New(fault.Conflict, "cap_used", fmt.Sprintf("The %s of this year are used.", includedVisits(t.Visits)))
	}
	c.Uses = append(slices.Clone(c.Uses), Use{Visit: visit, Patient: patient, At: at})
	c.Version++
	return c, nil
}

// GiveBack returns c without a visit that was not answered: it was cancelled, declined, redirected,
// diverted, deleted as a draft, or expired. A visit that is not there changes nothing.
func (c Count) GiveBack(visit string) Count {
	if !c.has(visit) {
		return c
	}
	c.Uses = slices.DeleteFunc(slices.Clone(c.Uses), func(u Use) bool { return u.Visit == visit })
	c.Version++
	return c
}

func (c Count) has(visit string) bool {
	return slices.ContainsFunc(c.Uses, func(u Use) bool { return u.Visit == visit })
}

func includedVisits(n int) string {
	return count(n, "included visit", "included visits")
}

// CountAt is the count, of these, of m's year that an instant falls in; a new one if nothing was used.
func (m Membership) CountAt(counts []Count, at time.Time) Count {
	year := m.YearAt(at)
	for _, c := range counts {
		if c.Membership == m.ID && c.Year.Equal(year) {
			return c
		}
	}
	return Count{Membership: m.ID, Year: year}
}
