// Command dynamodblocal runs another command while Amazon's DynamoDB Local
// serves, with DYNAMODB_ENDPOINT naming it:
//
//	go run ./infra/local/dynamodblocal go test ./pkg/store/...
//
// dynamodblocal ends when the command ends, with the command's exit code. CI runs the
// tests of the store under it, because dynoxide may accept what DynamoDB refuses.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"evisit/infra/local/engine"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "dynamodblocal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, command []string) error {
	if len(command) == 0 {
		return errors.New("usage: dynamodblocal command [argument...]")
	}
	e, err := engine.StartAmazon(ctx, engine.Options{})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // running the user's command is the program's purpose
	cmd.Env = append(os.Environ(), "DYNAMODB_ENDPOINT="+e.Endpoint())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return errors.Join(cmd.Run(), e.Close())
}
