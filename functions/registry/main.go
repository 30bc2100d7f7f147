// Command registry serves those who say who belongs to a practice and what it decides:
// operators, administrators, medical directors, and who is invited. It alone may write that,
// and reads no visit and no chart.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"evisit/pkg/awslambda"
	"evisit/pkg/setup"
	"evisit/pkg/setup/registry"
)

func main() {
	log := setup.NewLog()
	if err := run(context.Background(), log); err != nil {
		log.Error("registry cannot start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	parts, err := setup.AWS(log)
	if err != nil {
		return err
	}
	h, err := registry.Handler(parts)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(awslambda.HTTP(h), lambda.WithContext(ctx))
	return nil
}
