package registrar

import (
	"context"
	"errors"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// mayMerge returns nil if p, as a double, may be merged into to, or why it may not.
func mayMerge(p, to identity.Patient) error {
	switch {
	case p.Into != "" || to.Into != "":
		return errMerged
	case p.Person == "":
		return errNoOwner
	case to.Person != "":
		return errTwoOf
	}
	return nil
}

// A Twin is a patient who may be the same person as another one.
type Twin struct {
	identity.Patient

	// Double is the id of that of the two records that Merge takes as the double. It is
	// empty if Merge takes neither, and then WhyNot says why.
	Double string
	WhyNot error
}

// mostTwins bounds the records that one page compares.
const mostTwins = 10

// Twins returns a patient of the caller's practice, and those who may be the same person,
// mostTwins at most. It records the read of each.
func (r *Room) Twins(ctx context.Context, c clinic.Caller, id string) (identity.Patient, []Twin, error) {
	c, p, err := r.patientFor(ctx, c, identity.ManagePatients, id)
	if err != nil {
		return p, nil, err
	}
	ids, err := r.Doubles(ctx, c, id)
	if err != nil {
		return p, nil, err
	}
	var all []Twin
	for _, id := range ids[:min(len(ids), mostTwins)] {
		other, err := r.Patient(ctx, c, id)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return p, nil, err
		}
		all = append(all, twinOf(p, other))
	}
	return p, all, nil
}

func twinOf(p, other identity.Patient) Twin {
	t := Twin{Patient: other, Double: p.ID, WhyNot: mayMerge(p, other)}
	if t.WhyNot == nil {
		return t
	}
	if mayMerge(other, p) == nil {
		return Twin{Patient: other, Double: other.ID}
	}
	t.Double = ""
	return t
}
