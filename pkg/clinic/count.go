package clinic

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"evisit/pkg/ledger"
	"evisit/pkg/metric"
	"evisit/pkg/work"
)

// Counted returns s with a line in log for each commit that was stored and that
// moved money, opened work of a counted kind, or both: the metrics of the commit
// and nothing else of it. A commit whose answer was lost is not counted.
func Counted(s Store, log *slog.Logger) Store { return &counted{s, log} }

type counted struct {
	Store

	log *slog.Logger
}

func (s *counted) Commit(ctx context.Context, c Commit) error {
	if err := s.Store.Commit(ctx, c); err != nil {
		return err
	}
	if counts := countsOf(c); len(counts) > 0 {
		s.log.LogAttrs(ctx, slog.LevelInfo, "counted", counts...)
	}
	return nil
}

// ofEntries and ofWork name the metric that an entry of the books, and an item of
// work that is opened, counts for.
var (
	ofEntries = map[ledger.Kind]metric.Name{
		ledger.Hold: metric.Held, ledger.Capture: metric.Captured, ledger.Charge: metric.Captured, ledger.Release: metric.Released,
		ledger.Refund: metric.Refunded, ledger.RefundFailed: metric.RefundFailed,
	}
	ofWork = map[work.Kind]metric.Name{
		work.EventParked: metric.Parked, work.PaymentFailed: metric.CaptureFailed,
		work.VisitLate: metric.Late, work.VisitExpired: metric.Expired,
	}
)

// countsOf returns the metrics of c by name. An entry is new in its commit, and an
// item of a counted kind that is open in a commit was opened by it.
func countsOf(c Commit) []slog.Attr {
	var counts map[metric.Name]int // most commits count nothing
	add := func(m metric.Name, counted bool) {
		if !counted {
			return
		}
		if counts == nil {
			counts = map[metric.Name]int{}
		}
		counts[m]++
	}
	for _, e := range c.Entries {
		m, known := ofEntries[e.Kind]
		add(m, known)
	}
	for _, i := range c.Work {
		m, known := ofWork[i.Kind]
		add(m, known && i.Open())
	}
	attrs := make([]slog.Attr, 0, len(counts))
	for _, m := range slices.Sorted(maps.Keys(counts)) {
		attrs = append(attrs, m.Of(counts[m]))
	}
	return attrs
}
