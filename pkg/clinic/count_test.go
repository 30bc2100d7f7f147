package clinic_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/metric"
	"evisit/pkg/outbox"
)

// counts sums what the functions counted in the log.
func (w *world) counts() map[metric.Name]int {
	w.Helper()
	sums := map[metric.Name]int{}
	for l := range strings.Lines(w.log.String()) {
		var line map[string]json.RawMessage
		if json.Unmarshal([]byte(l), &line) != nil || string(line["msg"]) != `"counted"` {
			continue
		}
		for name, v := range line {
			if n, err := strconv.Atoi(string(v)); err == nil {
				sums[metric.Name(name)] += n
			}
		}
	}
	return sums
}

// Each thing that happens to a request and its money is counted once.
func TestCounted_OnceForEachChange(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act  func(w *world) (id string)
		want map[metric.Name]int
	}{
		"Unpaid":    {(*world).submitted, map[metric.Name]int{}},
		"Paid":      {(*world).queued, map[metric.Name]int{metric.Held: 1}},
		"Answered":  {(*world).answered, map[metric.Name]int{metric.Held: 1, metric.Captured: 1}},
		"Cancelled": {func(w *world) string { id := w.queued(); w.cancels(id); return id }, map[metric.Name]int{metric.Held: 1, metric.Released: 1}},
		"CaptureRefused": {(*world).owed, map[metric.Name]int{
			metric.Held: 1, metric.Released: 1, metric.CaptureFailed: 1,
		}},
		"PaidByLink": {
			func(w *world) string {
				id := w.owed()
				w.link(id)
				w.pays(id, stripesim.CardSuccess)
				return id
			},
			map[metric.Name]int{metric.Held: 1, metric.Released: 1, metric.CaptureFailed: 1, metric.Captured: 1},
		},
		"RefundedInParts": {
			func(w *world) string {
				id := w.answered()
				w.settle()
				for range 2 {
					w.refund(w.latest(id).payment.Intent, 20_00)
					w.settle()
				}
				return id
			},
			map[metric.Name]int{metric.Held: 1, metric.Captured: 1, metric.Refunded: 2},
		},
		"RefundFailed": {
			func(w *world) string {
				id := w.submitted()
				w.pays(id, stripesim.CardRefundFails)
				w.settle()
				w.hand(stripesim.HandCapture, w.latest(id).payment.Intent)
				w.cancels(id)
				w.settle()
				w.pass(3*24*time.Hour + time.Minute)
				return id
			},
			map[metric.Name]int{metric.Held: 1, metric.Captured: 1, metric.Refunded: 1, metric.RefundFailed: 1},
		},
		"LateThenAnswered": {
			func(w *world) string {
				id := w.taken()
				w.pass(25 * time.Hour)
				w.minute()
				w.answers(id) // ends the work, which counts nothing
				return id
			},
			map[metric.Name]int{metric.Held: 1, metric.Late: 1, metric.Captured: 1},
		},
		"LateThenExpired": {
			func(w *world) string {
				id := w.queued()
				for range 2 {
					w.pass(25 * time.Hour)
					w.minute()
				}
				return id
			},
			map[metric.Name]int{metric.Held: 1, metric.Late: 1, metric.Expired: 1, metric.Released: 1},
		},
		"EventGivenUp": {
			func(w *world) string {
				id := w.submitted()
				w.does("odd event", func() error {
					odd := w.office.Kernel.Event("odd", outbox.Notify, w.visit(id), w.now())
					return w.tape.Commit(w.ctx, clinic.Commit{Events: []outbox.Event{odd}})
				})
				return id
			},
			map[metric.Name]int{metric.Parked: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := test.act(w)
			w.settle()
			w.proven(id)
			if d := cmp.Diff(test.want, w.counts()); d != "" {
				t.Errorf("counted (-want +got):\n%s", d)
			}
		})
	}
}
