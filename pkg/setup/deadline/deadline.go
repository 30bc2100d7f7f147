// Package deadline makes the handler of the function deadline.
package deadline

import (
	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/deadline"
	"evisit/pkg/outbox"
	"evisit/pkg/setup"
	"evisit/pkg/setup/records"
	"evisit/pkg/store"
)

// Handler returns the handler of the schedule: it acts on the passed deadlines
// of visits.
func Handler(p setup.Parts) (awslambda.ScheduleHandler, error) {
	s := p.Store()
	k := p.Kernel(outbox.ByDeadline, s)
	charts, err := records.Keeper(p, k, s)
	if err != nil {
		return nil, err
	}
	room := &deadline.Room{Kernel: k, Charts: charts, Store: s, Shards: store.Shards}
	return awslambda.Schedule("deadline", room.Run, p.Log), nil
}
