// Command deadline runs every minute: it does what came due on visits. It decrypts content and
// has no key of Stripe's.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"evisit/pkg/setup"
	"evisit/pkg/setup/deadline"
)

func main() {
	log := setup.NewLog()
	if err := run(context.Background(), log); err != nil {
		log.Error("deadline cannot start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	parts, err := setup.AWS(log)
	if err != nil {
		return err
	}
	h, err := deadline.Handler(parts)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
	return nil
}
