package lambdatest_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

var functions = []string{"api", "charge", "deadline", "notify", "stripehook", "sweep", "verify"}

// recipe is the command that the Makefile builds a function for Lambda with,
// writing to out instead, so that what is tested cannot differ from what is
// deployed.
func recipe(function, out string) (string, error) {
	target := ".build/" + function + "/bootstrap"
	cmd := exec.Command("make", "--no-print-directory", "-n", "-C", root, "build-"+function)
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking make how it builds %s: %w", function, err)
	}
	line := strings.TrimSpace(string(b))
	for _, must := range []string{"GOOS=linux GOARCH=arm64 ", "CGO_ENABLED=0 ", "-trimpath ", "-tags lambda.norpc ", "-o " + target + " "} {
		if !strings.Contains(line, must) {
			return "", fmt.Errorf("make builds %s without %q: %s", function, must, line)
		}
	}
	return strings.Replace(line, "-o "+target, "-o '"+out+"'", 1), nil
}

func compile(command string) error {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = root
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, out.String())
	}
	return nil
}

var built = map[string]func() (string, error){}

func init() {
	for _, f := range functions {
		built[f] = sync.OnceValues(func() (string, error) {
			out := filepath.Join(binaries, f, "bootstrap")
			command, err := recipe(f, out)
			if err != nil {
				return "", err
			}
			host := "GOOS=" + runtime.GOOS + " GOARCH=" + runtime.GOARCH + " "
			return out, compile(strings.Replace(command, "GOOS=linux GOARCH=arm64 ", host, 1))
		})
	}
}

// binary is a function built as for Lambda, but for this machine.
func binary(t *testing.T, function string) string {
	t.Helper()
	path, err := built[function]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFunctions_BuildForLambda(t *testing.T) {
	t.Parallel()
	for _, f := range functions {
		out := filepath.Join(t.TempDir(), "bootstrap")
		command, err := recipe(f, out)
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(command); err != nil {
			t.Fatal(err)
		}
		bin, err := elf.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		if bin.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is built for %s", f, bin.Machine)
		}
		for _, p := range bin.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("%s needs a dynamic linker", f)
			}
		}
		if err := bin.Close(); err != nil {
			t.Error(err)
		}
	}
}
