package limits_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/clinic/limits"
	"evisit/pkg/fault"
	"evisit/pkg/store"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// A tally notes how often rows are added to.
type tally struct {
	limits.Store
	mu    sync.Mutex
	calls int
	down  bool
}

func (s *tally) AddCount(ctx context.Context, key string, n int, ends time.Time) (int, error) {
	s.mu.Lock()
	s.calls++
	down := s.down
	s.mu.Unlock()
	if down {
		return 0, fault.Busy
	}
	return s.Store.AddCount(ctx, key, n, ends)
}

// processes are limiters on one table.
func processes(t *testing.T, n int, now func() time.Time) ([]*limits.Limiter, *tally) {
	t.Helper()
	db, table := dynamodb.NewFromConfig(enginetest.Config(t)), enginetest.TableName()
	if err := store.CreateTable(t.Context(), db, table); err != nil {
		t.Fatal(err)
	}
	s := &tally{Store: store.New(db, table)}
	var all []*limits.Limiter
	for range n {
		all = append(all, &limits.Limiter{Store: s, Now: now, Log: slog.New(slog.DiscardHandler)})
	}
	return all, s
}

func rules() []limits.Rule {
	return []limits.Rule{limits.FailedProofs, limits.SignIns, limits.PersonWrites, limits.AddressWrites}
}

// Two processes let pass what the rule allows, and at most a batch more each.
func TestCount_TrueAcrossTwoProcesses(t *testing.T) {
	t.Parallel()
	for _, r := range rules() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			both, _ := processes(t, 2, func() time.Time { return noon.Add(2 * time.Minute) })
			passed := 0
			for n := range 2 * r.Most {
				err := both[n%2].Count(t.Context(), r, "ada")
				if err == nil {
					passed++
					continue
				}
				if wait, ok := fault.RetryAfter(err); !errors.Is(err, fault.TooMany) || !ok || wait != 3*time.Minute {
					t.Fatalf("%v, to wait for %v", err, wait)
				}
			}
			if passed < r.Most || passed > r.Most+2*r.Batch {
				t.Errorf("%d passed, want %d and at most %d more", passed, r.Most, 2*r.Batch)
			}
			if err := both[0].Count(t.Context(), r, "bea"); err != nil {
				t.Errorf("another is refused: %v", err)
			}
		})
	}
}

// Many at once are counted once each, and each of them may be adding a batch.
func TestCount_ManyAtOnce(t *testing.T) {
	t.Parallel()
	both, _ := processes(t, 2, func() time.Time { return noon })
	r := limits.Rule{Name: "test", Most: 400, Window: time.Minute, Batch: 10}
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for n := range 16 {
		all.Go(func() {
			for range 50 {
				if both[n%2].Count(t.Context(), r, "ada") == nil {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if passed < r.Most || passed > r.Most+16*r.Batch {
		t.Errorf("%d passed of 800, want %d and few more", passed, r.Most)
	}
}

// A late row's first answer comes after its second.
type late struct {
	limits.Store
	first, second chan struct{} // closed when the first was asked for, and the second answered
	mu            sync.Mutex
	calls         int
}

func (s *late) AddCount(ctx context.Context, key string, n int, ends time.Time) (int, error) {
	s.mu.Lock()
	s.calls++
	call := s.calls
	total, err := s.Store.AddCount(ctx, key, n, ends)
	s.mu.Unlock()
	if call == 1 {
		close(s.first)
		<-s.second
	}
	return total, err
}

// Answers that cross count nothing twice.
func TestCount_AnswersCross(t *testing.T) {
	t.Parallel()
	all, rows := processes(t, 1, func() time.Time { return noon })
	one, s := all[0], &late{Store: rows, first: make(chan struct{}), second: make(chan struct{})}
	one.Store = s
	r := limits.Rule{Name: "test", Most: 40, Window: time.Minute, Batch: 10}
	passed := func(times int) (n int) {
		for range times {
			if one.Count(t.Context(), r, "ada") == nil {
				n++
			}
		}
		return n
	}
	before := make(chan int)
	go func() { before <- passed(r.Batch) }()
	<-s.first
	n := passed(r.Batch)
	close(s.second)
	n += <-before
	if n += passed(r.Most); n != r.Most {
		t.Errorf("%d passed, want %d", n, r.Most)
	}
}

// A new window begins at nothing, and what few do never reaches the table.
func TestCount_WindowsAndRows(t *testing.T) {
	t.Parallel()
	now := noon
	one, rows := processes(t, 1, func() time.Time { return now })
	for range 3 {
		for n := range limits.FailedProofs.Most {
			if err := one[0].Count(t.Context(), limits.FailedProofs, "192.0.2.1"); err != nil {
				t.Fatalf("proof %d: %v", n, err)
			}
		}
		if err := one[0].Count(t.Context(), limits.FailedProofs, "192.0.2.1"); !errors.Is(err, fault.TooMany) {
			t.Errorf("one more than there may be: %v", err)
		}
		now = now.Add(limits.FailedProofs.Window)
	}
	before := rows.calls
	for range 40 { // the writes of a visit
		for _, r := range rules()[2:] {
			if err := one[0].Count(t.Context(), r, "ada"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rows.calls != before {
		t.Errorf("the writes of a visit are added to rows %d times", rows.calls-before)
	}
	// Who is refused costs nothing more.
	for range 5 * limits.FailedProofs.Most {
		_ = one[0].Count(t.Context(), limits.FailedProofs, "192.0.2.2")
	}
	if n, most := rows.calls-before, limits.FailedProofs.Most/limits.FailedProofs.Batch+1; n > most {
		t.Errorf("five times too many are added to rows %d times, want %d at most", n, most)
	}
}

func TestCount_TableDoesNotAnswer(t *testing.T) {
	t.Parallel()
	one, rows := processes(t, 1, func() time.Time { return noon })
	rows.down = true
	for n := range limits.FailedProofs.Most {
		if err := one[0].Count(t.Context(), limits.FailedProofs, "192.0.2.1"); err != nil {
			t.Fatalf("proof %d: %v", n, err)
		}
	}
	if err := one[0].Count(t.Context(), limits.FailedProofs, "192.0.2.1"); !errors.Is(err, fault.TooMany) {
		t.Errorf("what this process has counted itself: %v", err)
	}
	if err := (*limits.Limiter)(nil).Count(t.Context(), limits.FailedProofs, "192.0.2.1"); err != nil {
		t.Errorf("no limiter: %v", err)
	}
}

func TestAddress_NetworkOfOneSubscriber(t *testing.T) {
	t.Parallel()
	for ip, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::": "2001:db8:1:2::/64", "2001:db8:1:3::1": "2001:db8:1:3::/64",
		"fe80::1%eth0": "fe80::/64", "::1": "::/64", "": "", "not an address": "not an address",
	} {
		if got := limits.Address(ip); got != want {
			t.Errorf("Address(%q) = %q, want %q", ip, got, want)
		}
	}
}
