package system

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"evisit/infra/local/seed"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
)

// An access is what one of the cast may do: sign in, or, with a patient, act for that
// patient.
type access struct {
	Person  string `json:"person"`
	Patient string `json:"patient,omitempty"`
	Allowed bool   `json:"allowed"`
}

// serveAccess takes away or gives back what one of the cast may do, as an operator
// does: {"person":"ben-chen","allowed":false} deactivates a person, and
// {"person":"elena-diaz","patient":"rosa-diaz","allowed":false} ends a grant.
func (s *System) serveAccess(w http.ResponseWriter, r *http.Request) error {
	var in access
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in); err != nil {
		return fmt.Errorf(`send {"person":…,"allowed":…}, or {"person":…,"patient":…,"allowed":…}: %w`, err)
	}
	now := s.clock.Now()
	for _, m := range seed.Cast(now) {
		if m.Person.ID != in.Person || m.Person.Role == identity.Operator {
			continue
		}
		if err := s.setAccess(r, m.Person, in, now); err != nil {
			return err
		}
		return writeJSON(w, in)
	}
	return fmt.Errorf("the cast has no %q", in.Person)
}

func (s *System) setAccess(r *http.Request, p identity.Person, in access, now time.Time) error {
	if in.Patient == "" {
		p = p.Activate(in.Allowed, now.UTC().Truncate(time.Millisecond))
		return s.cast.AddPerson(r.Context(), clinic.Proof{Issuer: s.trusted, Subject: p.ID}, p)
	}
	until := now
	if in.Allowed {
		until = now.AddDate(1, 0, 0).UTC()
	}
	return s.cast.AddGrant(r.Context(), identity.Grant{Practice: p.Practice, Patient: in.Patient, Person: p.ID, Until: until})
}
