//go:build amazon

package main

import (
	"errors"
	"os/exec"
	"testing"
)

// The command has the engine's endpoint in its environment, and its exit code is
// kept.
func TestRun_EndpointAndExitCode(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"sh", "-c", `test -n "$DYNAMODB_ENDPOINT" && exit 3`})
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("run = %v, want exit code 3", err)
	}
}
