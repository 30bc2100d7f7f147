package registrar

import (
	"context"
	"errors"
	"slices"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// sideBySide bounds the reads of one request that are under way at once.
const sideBySide = 16

// keyWords are how many ids the secret of a practice's marks is made of, of at least 64
// random bits each.
const keyWords = 4

func (r *Room) newKey() []byte {
	var key []byte
	for range keyWords {
		key = append(key, r.Kernel.NewID()...)
	}
	return key
}

// A marker makes the marks of a practice's patients.
type marker struct {
	registry.Marker
	made bool // its key is stored: patients may have its marks
}

// marker returns what makes the marks of a practice's patients. Its key is made at
// first use, which is recorded as by's act.
func (r *Room) marker(ctx context.Context, by audit.Actor, practice string) (marker, error) {
	m, err := r.madeMarker(ctx, practice)
	if err != nil || m.made {
		return m, err
	}
	row, err := r.Charts.SealMarkKey(ctx, practice, r.newKey())
	if err != nil {
		return m, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{MarkKey: &row, Audit: []audit.Record{{
		ID: r.Kernel.NewID(), Practice: practice, At: r.Kernel.Time(), Actor: by, Action: string(identity.ManagePatients) + ":marking", Resource: practice,
	}}})
	if err != nil && !errors.Is(err, clinic.ErrExists) {
		return m, err
	}
	return r.madeMarker(ctx, practice)
}

// madeMarker returns the practice's marker and writes nothing. Where the practice has no
// key yet it is of a key that is not stored; no patient has the marks that it makes.
func (r *Room) madeMarker(ctx context.Context, practice string) (marker, error) {
	m := marker{Marker: registry.Marker{Practice: practice}}
	row, err := r.Store.MarkKey(ctx, practice)
	if errors.Is(err, fault.NotFound) {
		m.Key = r.newKey()
		return m, nil
	}
	if err != nil {
		return m, err
	}
	m.made = true
	m.Key, err = r.Charts.OpenMarkKey(ctx, row)
	return m, err
}

// marksOf are the rows by which a patient is found as a possible double.
func marksOf(m marker, p identity.Patient) []clinic.Mark {
	var all []clinic.Mark
	for _, pair := range m.Marks(p.Contact).Pairs() {
		all = append(all, clinic.Mark{Key: string(pair), Patient: p.ID})
	}
	return all
}

// doubles returns for each of who the ids of those patients of m's practice, but for
// except, who may be the same person.
func (r *Room) doubles(ctx context.Context, m marker, who []identity.Contact, except ...string) ([][]string, error) {
	out := make([][]string, len(who))
	if !m.made {
		return out, nil
	}
	marks := make([]registry.Marks, len(who))
	var keys []string
	for i, c := range who {
		marks[i] = m.Marks(c)
		for _, pair := range marks[i].Pairs() {
			keys = append(keys, string(pair))
		}
	}
	ids, err := r.marked(ctx, keys)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(except, id) })
	found, err := r.patientsOf(ctx, m.Practice, ids)
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if p.Standing.Reason.Foreign() {
			continue
		}
		theirs := m.Marks(p.Contact)
		for i := range who {
			if registry.PossibleDouble(marks[i], theirs) {
				out[i] = append(out[i], p.ID)
			}
		}
	}
	return out, nil
}

// patientsOf reads those of ids who are patients of a practice and of no file that was not
// imported whole.
func (r *Room) patientsOf(ctx context.Context, practice string, ids []string) ([]identity.Patient, error) {
	rows := make([]clinic.Patient, len(ids))
	err := clinic.Each(len(ids), sideBySide, func(i int) error {
		row, err := r.Store.LatestPatient(ctx, ids[i])
		if errors.Is(err, fault.NotFound) { // a mark that somebody put there
			return nil
		}
		rows[i] = row
		return err
	})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row clinic.Patient) bool { return row.Practice != practice })
	if rows, err = r.whole(ctx, rows); err != nil {
		return nil, err
	}
	all := make([]identity.Patient, len(rows))
	err = clinic.Each(len(rows), sideBySide, func(i int) (err error) {
		all[i], err = r.Charts.OpenPatient(ctx, rows[i])
		return err
	})
	return all, err
}

// marked returns the patients who have any of keys, each once.
func (r *Room) marked(ctx context.Context, keys []string) ([]string, error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	lists := make([][]string, len(keys))
	err := clinic.Each(len(keys), sideBySide, func(i int) (err error) {
		lists[i], err = r.Store.Marked(ctx, keys[i])
		return err
	})
	ids := slices.Concat(lists...)
	slices.Sort(ids)
	return slices.Compact(ids), err
}
