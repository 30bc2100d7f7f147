// Command notify acts on the table's stream by writing to people, without a word of health.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"evisit/pkg/setup"
	"evisit/pkg/setup/notify"
)

func main() {
	log := setup.NewLog()
	if err := run(context.Background(), log); err != nil {
		log.Error("notify cannot start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	parts, err := setup.AWS(log)
	if err != nil {
		return err
	}
	h, err := notify.Handler(parts)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
	return nil
}
