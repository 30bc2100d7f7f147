package clinic

import (
	"context"
	"errors"
	"slices"

	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// errUnread is of a function that has no contact data and was asked by a patient.
var errUnread = errors.New("no contact data can be read here, and a minor's day of birth is needed")

// Minority returns what the policy on minors of p's practice means for a patient whom p is
// or acts for. The patient is read, with their contact data, only where it can mean
// something: if p came to sign in as them under 18, or acts for them where the practice
// lets minors keep what they send to themselves.
func (k *Kernel) Minority(ctx context.Context, p identity.Person, patient string) (identity.Minority, error) {
	now := k.Time()
	if p.Works() || p.Practice == "" || !p.ReadsFor(patient, now) {
		return identity.Minority{}, nil
	}
	own := p.IsOwn(patient)
	if own && !p.Minor {
		return identity.Minority{}, nil
	}
	here, err := k.Practice(ctx, p.Practice)
	if err != nil || !own && here.Minors.OwnFrom == 0 {
		return identity.Minority{}, err
	}
	who, err := k.merged(ctx, patient)
	if err != nil {
		return identity.Minority{}, err
	}
	zone, err := here.Location()
	m := here.Minors.Of(who.Contact.Birth, who.Person, zone, now)
	m.Phone = here.Phone
	return m, err
}

// merged reads a patient, or the one whose double that is.
func (k *Kernel) merged(ctx context.Context, patient string) (identity.Patient, error) {
	if k.Patient == nil {
		return identity.Patient{}, errUnread
	}
	who, err := k.Patient(ctx, patient)
	if err == nil && who.Into != "" {
		return k.merged(ctx, who.Into)
	}
	return who, err
}

// resource returns v as the policy sees it when p asks for it.
func (k *Kernel) resource(ctx context.Context, p identity.Person, v visit.Visit) (r identity.Resource, err error) {
	r = v.Resource()
	if v.By != p.ID || p.Minor {
		r.Minority, err = k.Minority(ctx, p, v.Patient)
	}
	return r, err
}

// Shown returns those of a patient's visits that c's person may know of, which was read
// with the grant to act for the patient.
func (k *Kernel) Shown(ctx context.Context, c Caller, patient string, vs []visit.Visit) ([]visit.Visit, error) {
	m, err := k.Minority(ctx, c.Person, patient)
	if err != nil || m.Own == "" {
		return vs, err
	}
	now := k.Time()
	return slices.DeleteFunc(vs, func(v visit.Visit) bool {
		r := v.Resource()
		r.Minority = m
		return !slices.Contains(identity.Rights(c.Person, r, now), identity.ReadVisit)
	}), nil
}
