// Package verify makes the handler of the function verify.
package verify

import (
	"context"

	"evisit/pkg/awslambda"
	"evisit/pkg/clinic/verify"
	"evisit/pkg/setup"
	"evisit/pkg/setup/bucket"
)

// Room returns the room that compares rows with the logs that cover them.
func Room(p setup.Parts) (*verify.Room, error) {
	c := p.Config
	if err := setup.Need(map[string]string{"EVISIT_LOG_ORIGIN": c.Log.Base, "EVISIT_LOG_PUBLIC": string(c.Log.Public)}); err != nil {
		return nil, err
	}
	heads, err := bucket.Of(p)
	if err != nil {
		return nil, err
	}
	s := p.Store()
	return &verify.Room{Kernel: p.Kernel("", s), Store: s, Heads: heads, LogKey: c.Log}, nil
}

// Handler returns the handler of the schedule, which runs each hour.
func Handler(p setup.Parts) (awslambda.ScheduleHandler, error) {
	room, err := Room(p)
	if err != nil {
		return nil, err
	}
	once := func(ctx context.Context) (int, error) { return 0, room.Run(ctx) }
	return awslambda.Schedule("verify", once, p.Log), nil
}
