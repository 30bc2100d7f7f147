// Command bench measures what the system costs, and prints one table. Requests and
// starts are measured beside a floor in the same run: a bare handler that makes the
// same calls to AWS and replies with as many bytes, or a function of nothing but the
// SDK. Of those, ratios say something; absolute times are this machine's affair. What
// a visit's life, a sweep and an export read and write is measured in DynamoDB's units.
//
// Bench measures the named parts, or all of them. LONG=1 makes logs and visits ten
// times as long. A ratio or a number that misses its aim is marked; only a visit's life
// that writes more than 125 units fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := run(ctx, log, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only undoes the signal handler
	}
}

// A part of the table.
type part struct {
	name    string
	measure func(context.Context, *slog.Logger, *table) error
}

var parts = []part{
	{"requests", measureRequests},
	{"life", measureLife},
	{"money", measureMoney},
	{"starts", measureStarts},
	{"logs", measureLogs},
	{"visits", measureVisits},
}

var long = os.Getenv("LONG") != ""

// run measures the parts that args name, or runs one of the measured servers. Each
// server is a process of its own, so that its CPU time is not counted with the engine's
// and the driver's.
func run(ctx context.Context, log *slog.Logger, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "floor":
		return serveFloor(ctx, log)
	case len(args) == 1 && args[0] == "api":
		return serveAPI(ctx)
	}
	for _, name := range args {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q", name)
		}
	}
	t := &table{out: os.Stdout}
	for _, p := range parts {
		if len(args) > 0 && !slices.Contains(args, p.name) {
			continue
		}
		if err := p.measure(ctx, log, t); err != nil {
			return fmt.Errorf("measuring %s: %w", p.name, err)
		}
	}
	t.end()
	return errors.Join(t.failures...)
}
