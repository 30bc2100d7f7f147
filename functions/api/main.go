// Command api serves patients, clinicians and practices: the JSON API and the pages. Its
// Stripe key makes payment pages and cannot move money.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"evisit/pkg/awslambda"
	"evisit/pkg/setup"
	"evisit/pkg/setup/api"
)

func main() {
	log := setup.NewLog()
	if err := run(context.Background(), log); err != nil {
		log.Error("api cannot start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	parts, err := setup.AWS(log)
	if err != nil {
		return err
	}
	h, err := api.Handler(parts)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(awslambda.HTTP(h), lambda.WithContext(ctx))
	return nil
}
