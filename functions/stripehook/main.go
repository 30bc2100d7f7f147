// Command stripehook receives Stripe's webhooks: it verifies, keeps the event and answers. It has
// the two signing secrets and no Stripe key.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"evisit/pkg/awslambda"
	"evisit/pkg/setup"
	"evisit/pkg/setup/stripehook"
)

func main() {
	log := setup.NewLog()
	if err := run(context.Background(), log); err != nil {
		log.Error("stripehook cannot start", "err", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	parts, err := setup.AWS(log)
	if err != nil {
		return err
	}
	h, err := stripehook.Handler(parts)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(awslambda.HTTP(h), lambda.WithContext(ctx))
	return nil
}
