// Command bench measures, in one run and on one engine, what submitting a
// visit costs beside a bare handler that decodes the same JSON, does the same
// read and sends the same transaction, and what one whole visit costs in
// DynamoDB's units. It prints ratios; absolute times are this machine's affair.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
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

// run measures, or runs one of the measured servers. Each server is a process of its
// own, so that its CPU time is not counted with the engine's and the driver's.
func run(ctx context.Context, log *slog.Logger, args []string) error {
	if len(args) == 1 && args[0] == "floor" {
		return serveFloor(ctx)
	}
	if len(args) == 1 && args[0] == "api" {
		return serveAPI(ctx, log)
	}
	if err := measureSubmit(ctx, log); err != nil {
		return fmt.Errorf("measuring submit: %w", err)
	}
	if err := measureUnits(ctx, log); err != nil {
		return fmt.Errorf("measuring units: %w", err)
	}
	return nil
}
