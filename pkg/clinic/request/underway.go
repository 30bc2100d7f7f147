package request

import (
	"context"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// UnderwayOf returns, for each form on which a patient has one, the last request that is
// underway and that the caller may know of; an empty patient is the caller. It may lag
// about a second.
func (m *Room) UnderwayOf(ctx context.Context, c clinic.Caller, patient string) (map[string]visit.Visit, error) {
	c, patient, err := m.forPatient(ctx, c, identity.StartVisit, patient)
	if err != nil {
		return nil, err
	}
	all, err := m.Store.UnderwayOf(ctx, patient)
	if err != nil {
		return nil, err
	}
	last := map[string]visit.Visit{}
	for _, u := range all {
		v, err := m.lastOf(ctx, c, u, "")
		if err != nil {
			return nil, err
		}
		if v.ID != "" {
			last[u.Form] = v
		}
	}
	return last, nil
}

// UnderwayBeside returns the last request of v's patient on v's form, other than v, that
// is underway and that the caller may know of; zero if there is none. It may lag about a
// second.
func (m *Room) UnderwayBeside(ctx context.Context, c clinic.Caller, v visit.Visit) (visit.Visit, error) {
	c, patient, err := m.forPatient(ctx, c, identity.StartVisit, v.Patient)
	if err != nil {
		return visit.Visit{}, err
	}
	u, err := m.Store.Underway(ctx, patient, v.Form.Name, false)
	if err != nil {
		return visit.Visit{}, err
	}
	return m.lastOf(ctx, c, u, v.ID)
}

// lastOf returns the last of u's visits that is underway and that c's person may know of,
// without the one of that id.
func (m *Room) lastOf(ctx context.Context, c clinic.Caller, u visit.Underway, without string) (visit.Visit, error) {
	vs, err := m.listed(ctx, u, without)
	if err == nil {
		vs, err = m.Kernel.Shown(ctx, c, u.Patient, vs)
	}
	return visit.LastUnderway(vs), err
}

// send returns what is committed with in's visit, as it is sent, so that no other on the
// same form is sent at the same moment. It refuses if one is underway that the sender may
// know of, unless they do: beside is its id, which is then returned. What a minor keeps to
// themselves holds nobody up. The refusal is recorded.
//
// What it reads may lag. A list that is not the latest is of a version with which the commit
// fails, and so is that which names a visit that was read as unsent and has been sent since.
func (m *Room) send(ctx context.Context, in clinic.Input, sent visit.Visit, beside string) (*visit.Underway, string, error) {
	v := in.Visit
	u, err := m.Store.Underway(ctx, v.Patient, v.Form.Name, in.Sure)
	if err != nil {
		return nil, "", err
	}
	known, err := m.listed(ctx, u, v.ID)
	if err != nil {
		return nil, "", err
	}
	next := u.With(sent, known)
	if known, err = m.Kernel.Shown(ctx, in.Caller, v.Patient, known); err != nil {
		return nil, "", err
	}
	last := visit.LastUnderway(known)
	if last.ID == "" {
		return &next, "", nil
	}
	if err = last.SentBeside(beside); err != nil && in.Sure {
		m.Kernel.RecordRefusal(ctx, in.Caller, identity.FillVisit, v, err)
	}
	return &next, last.ID, err
}

// listed reads the visits that u names, without the one of that id, each as it was sent or
// later.
func (m *Room) listed(ctx context.Context, u visit.Underway, without string) ([]visit.Visit, error) {
	var all []visit.Visit
	for _, s := range u.Visits {
		if s.ID == without {
			continue
		}
		rows, err := m.Kernel.Store.Load(ctx, clinic.Query{Visit: s.ID})
		if err == nil && rows.Visit.Version < s.Version { // what was read lags
			rows, err = m.Kernel.Store.Load(ctx, clinic.Query{Visit: s.ID, Latest: true})
		}
		if err != nil {
			return nil, err
		}
		all = append(all, rows.Visit)
	}
	return all, nil
}
