package lambdatest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

const forLambda = "GOOS=linux GOARCH=arm64 "

// Build builds a function of the source in root as the Makefile does for Lambda, so
// that what is tested or measured cannot differ from what is deployed, and writes it to
// out, which is an absolute path. If here, it is built for this machine instead.
func Build(ctx context.Context, root, function, out string, here bool) error {
	command, err := recipe(ctx, root, function, out)
	if err != nil {
		return err
	}
	if here {
		command = strings.Replace(command, forLambda, "GOOS="+runtime.GOOS+" GOARCH="+runtime.GOARCH+" ", 1)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command) //nolint:gosec // the Makefile's own command
	cmd.Dir = root
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, bytes.TrimSpace(said))
	}
	return nil
}

// recipe is the command that the Makefile builds a function for Lambda with, writing to
// out instead.
func recipe(ctx context.Context, root, function, out string) (string, error) {
	target := ".build/" + function + "/bootstrap"
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", "-n", "-C", root, "build-"+function) //nolint:gosec // the caller names its function
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking make how it builds %s: %w", function, err)
	}
	line := strings.TrimSpace(string(b))
	for _, must := range []string{forLambda, "CGO_ENABLED=0 ", "-trimpath ", "-tags lambda.norpc,nethttpomithttp2 ", "-o " + target + " "} {
		if !strings.Contains(line, must) {
			return "", fmt.Errorf("make builds %s without %q: %s", function, must, line)
		}
	}
	return strings.Replace(line, "-o "+target, "-o '"+out+"'", 1), nil
}
