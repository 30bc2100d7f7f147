package clinic_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"evisit/pkg/clinic"
)

// Each calls do once for every number, never more than so many at a time, and goes on
// after one that failed.
func TestEach_AllAndNeverMoreAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		var calls [10]atomic.Int64
		bad := errors.New("the third fails")
		err := clinic.Each(len(calls), 3, func(i int) error {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(time.Second)
			running.Add(-1)
			if calls[i].Add(1); i == 2 {
				return bad
			}
			return nil
		})
		if !errors.Is(err, bad) || most.Load() != 3 {
			t.Errorf("%v; %d side by side, want 3", err, most.Load())
		}
		for i := range calls {
			if n := calls[i].Load(); n != 1 {
				t.Errorf("%d was called %d times", i, n)
			}
		}
	})
}
