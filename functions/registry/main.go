// Command registry serves who belongs to a practice, its patients and their contact data
// among them, its forms and what it decides: for operators, administrators, staff, medical
// directors, and for patients and invited people in what concerns themselves. It alone may
// write these, and reads no visit and no chart.
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
