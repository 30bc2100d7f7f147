package clinic_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/record"
	"evisit/pkg/store"
	"evisit/pkg/visit"
)

// A tape is the store, and remembers which events its commits armed, as the
// table's stream would deliver them.
type tape struct {
	*store.Store
	trouble *trouble

	mu      sync.Mutex
	armed   []string
	undone  map[string]bool        // events put and neither done nor parked, nor waiting for an account
	buckets map[outbox.Bucket]bool // in which events were put
	// before is each visit as it was before its latest commit, where reads at half
	// the price lag; nil where they do not.
	before map[string]moment
	// wordless are the actions that were recorded of a visit or a patient, and that have
	// no words for the patient who reads who did what.
	wordless map[string]bool
}

// A moment is a version of a visit's rows.
type moment struct {
	rows    clinic.Rows
	content clinic.Content
}

// lag makes reads at half the price, and trails, return what was before the latest commit.
func (s *tape) lag() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = map[string]moment{}
}

// earlier is a visit before its latest commit; it reports false if reads do not
// lag, or there was none.
func (s *tape) earlier(visit string) (moment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.before[visit]
	return m, ok
}

// remember keeps what a visit is before a commit of it.
func (s *tape) remember(ctx context.Context, c clinic.Commit) error {
	s.mu.Lock()
	lags := s.before != nil
	s.mu.Unlock()
	if !lags || c.Visit == nil {
		return nil
	}
	var m moment
	var err error
	if m.rows, err = s.Store.Load(ctx, clinic.Query{Visit: c.Visit.ID, Answers: true, Latest: true}); err != nil {
		return err
	}
	if m.content, err = s.Store.Content(ctx, c.Visit.ID, true); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[c.Visit.ID] = m
	return nil
}

func (s *tape) Load(ctx context.Context, q clinic.Query) (clinic.Rows, error) {
	rows, err := s.Store.Load(ctx, q)
	if m, ok := s.earlier(q.Visit); ok && !q.Latest {
		rows.Visit = m.rows.Visit
		if q.Answers {
			rows.Answers = m.rows.Answers
		}
	}
	return rows, err
}

func (s *tape) Reread(ctx context.Context, event, of string, consistent bool) (outbox.Delivery, visit.Visit, error) {
	d, v, err := s.Store.Reread(ctx, event, of, consistent)
	if m, ok := s.earlier(of); ok && !consistent {
		v = m.rows.Visit
	}
	return d, v, err
}

func (s *tape) Content(ctx context.Context, visit string, consistent bool) (clinic.Content, error) {
	if m, ok := s.earlier(visit); ok && !consistent {
		return m.content, nil
	}
	return s.Store.Content(ctx, visit, consistent)
}

func (s *tape) Trail(ctx context.Context, of string, since time.Time) ([]audit.Record, error) {
	trail, err := s.Store.Trail(ctx, of, since)
	if m, ok := s.earlier(of); ok {
		trail = slices.DeleteFunc(trail, func(r audit.Record) bool { return r.Version > m.rows.Visit.Version })
	}
	return trail, err
}

func (s *tape) Commit(ctx context.Context, c clinic.Commit) error {
	return s.trouble.around(commits, func() error {
		if err := s.trouble.refused(c); err != nil {
			return err
		}
		if err := s.remember(ctx, c); err != nil {
			return err
		}
		if err := s.Store.Commit(ctx, c); err != nil {
			return err
		}
		s.record(ctx, c)
		return nil
	})
}

// ofPractice reports whether an event is about a practice, or an account that one has.
func (s *tape) ofPractice(ctx context.Context, d outbox.Delivery) bool {
	if d.Practice != "" || d.Account == "" {
		return true
	}
	_, err := s.PracticeOf(ctx, d.Account)
	return err == nil
}

func (s *tape) record(ctx context.Context, c clinic.Commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.undone == nil {
		s.undone, s.buckets, s.wordless = map[string]bool{}, map[outbox.Bucket]bool{}, map[string]bool{}
	}
	for _, r := range c.Audit {
		if r.Action != "" && (r.Visit != "" || r.Patient != "") && !hasWords(r) {
			s.wordless[r.Action+string(r.Outcome)] = true
		}
	}
	for _, e := range c.Events {
		if e.Later.IsZero() {
			s.armed = append(s.armed, e.ID)
			s.undone[e.ID] = true
		}
		_, bucket, _ := outbox.Origin(e.ID)
		s.buckets[bucket] = true
	}
	for _, d := range c.Deliveries {
		if d.Armed {
			s.armed = append(s.armed, d.ID)
			s.undone[d.ID] = true // an event for later, from now on
		}
		if waits := !d.Armed && d.Note == clinic.AccountLost && s.ofPractice(ctx, d); d.Parked || waits {
			delete(s.undone, d.ID)
		}
	}
	delete(s.undone, c.Done)
}

// hasWords reports whether a patient reads r in words. What somebody was refused to do has
// words of its own: "tried to" goes before them.
func hasWords(r audit.Record) bool {
	done, known := record.ActionWords(r.Action)
	if r.Outcome == audit.Refused {
		return record.ActOf(r, record.Reader{}).What != done
	}
	return known
}

// speechless returns the actions that have no words, and should have.
func (s *tape) speechless() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.wordless))
}

// Undelivered asks the table only about buckets that have events: a clock that
// is moved by days passes hundreds that have none.
func (s *tape) Undelivered(ctx context.Context, b outbox.Bucket) ([]string, error) {
	s.mu.Lock()
	any := s.buckets[b]
	s.mu.Unlock()
	if !any {
		return nil, nil
	}
	return s.Store.Undelivered(ctx, b)
}

// take returns the events armed since it was last called.
func (s *tape) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.armed
	s.armed = nil
	return ids
}

func (s *tape) put(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = append(s.armed, ids...)
}

// pending lists the events that are still to be handled.
func (s *tape) pending() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.undone))
}

// forget leaves events to nobody: the test does not deliver them.
func (s *tape) forget(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.undone, id)
	}
}
