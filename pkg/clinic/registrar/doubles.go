package registrar

import (
	"context"
	"errors"
	"slices"
	"sync"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// sideBySide bounds the reads of one request that are under way at once.
const sideBySide = 16

// eachOf calls do for each of n, several side by side, and returns their errors.
func eachOf(n int, do func(int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	free := make(chan struct{}, sideBySide)
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			errs[i] = do(i)
			<-free
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

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

// marker returns what makes the marks of a practice's patients. Its key is made at
// first use.
func (r *Room) marker(ctx context.Context, c clinic.Caller, practice string) (registry.Marker, error) {
	m, made, err := r.madeMarker(ctx, practice)
	if err != nil || made {
		return m, err
	}
	row, err := r.Charts.SealMarkKey(ctx, practice, r.newKey())
	if err != nil {
		return m, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{
		MarkKey: &row, Audit: r.record(c, practice, identity.ManagePatients, "marking", practice, r.Kernel.Time()),
	})
	if err != nil && !errors.Is(err, clinic.ErrExists) {
		return m, err
	}
	m, _, err = r.madeMarker(ctx, practice)
	return m, err
}

// madeMarker returns the practice's marker and writes nothing. It reports false where the
// practice has no key yet; no patient has the marks that its marker then makes.
func (r *Room) madeMarker(ctx context.Context, practice string) (registry.Marker, bool, error) {
	m := registry.Marker{Practice: practice}
	row, err := r.Store.MarkKey(ctx, practice)
	if errors.Is(err, fault.NotFound) {
		m.Key = r.newKey()
		return m, false, nil
	}
	if err != nil {
		return m, false, err
	}
	m.Key, err = r.Charts.OpenMarkKey(ctx, row)
	return m, true, err
}

// marksOf are the rows by which a patient is found as a possible double.
func marksOf(m registry.Marker, p identity.Patient) []clinic.Mark {
	var all []clinic.Mark
	for _, pair := range m.Marks(p.Contact).Pairs() {
		all = append(all, clinic.Mark{Key: string(pair), Patient: p.ID})
	}
	return all
}

// doubles returns for each of who the ids of those patients of m's practice, but for
// except, who may be the same person.
func (r *Room) doubles(ctx context.Context, m registry.Marker, who []identity.Contact, except ...string) ([][]string, error) {
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
	found := make([]identity.Patient, len(ids))
	err = eachOf(len(ids), func(i int) error {
		p, err := r.readPatient(ctx, ids[i])
		if err == nil && p.Practice == m.Practice {
			found[i] = p
		}
		if errors.Is(err, fault.NotFound) { // its import is not done
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(who))
	for _, p := range found {
		if p.ID == "" || p.Standing.Reason.Foreign() {
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

// marked returns the patients who have any of keys, each once.
func (r *Room) marked(ctx context.Context, keys []string) ([]string, error) {
	slices.Sort(keys)
	keys = slices.Compact(keys)
	lists := make([][]string, len(keys))
	err := eachOf(len(keys), func(i int) (err error) {
		lists[i], err = r.Store.Marked(ctx, keys[i])
		return err
	})
	ids := slices.Concat(lists...)
	slices.Sort(ids)
	return slices.Compact(ids), err
}
