package lambdatest_test

import (
	"context"
	"debug/elf"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"evisit/infra/lambdatest"
)

const root = "../.."

var functions = []string{"api", "charge", "deadline", "notify", "registry", "stripehook", "sweep", "verify"}

var built = map[string]func() (string, error){}

func init() {
	for _, f := range functions {
		built[f] = sync.OnceValues(func() (string, error) {
			out := filepath.Join(binaries, f, "bootstrap")
			return out, build(context.Background(), f, out, true)
		})
	}
}

// Two builds at once would both compile what both functions import.
var building sync.Mutex

func build(ctx context.Context, function, out string, here bool) error {
	building.Lock()
	defer building.Unlock()
	return lambdatest.Build(ctx, root, function, out, here)
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

// Every function is built for Lambda's processor, and needs nothing of its machine. With
// SHORT=1 one alone is: the others differ from those built for this machine in the
// processor only.
func TestFunctions_BuildForLambda(t *testing.T) {
	t.Parallel()
	of := functions
	if os.Getenv("SHORT") != "" {
		of = []string{"stripehook"}
	}
	for _, f := range of {
		out := filepath.Join(t.TempDir(), "bootstrap")
		if err := build(t.Context(), f, out, false); err != nil {
			t.Fatal(err)
		}
		if got := standsAlone(t, f, out); got != elf.EM_AARCH64 {
			t.Errorf("%s is built for %s", f, got)
		}
	}
	for _, f := range functions {
		standsAlone(t, f, binary(t, f))
	}
}

// standsAlone fails the test if a function's binary needs a dynamic linker. It returns the
// processor that it is for.
func standsAlone(t *testing.T, function, path string) elf.Machine {
	t.Helper()
	bin, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range bin.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s needs a dynamic linker", function)
		}
	}
	if err := bin.Close(); err != nil {
		t.Error(err)
	}
	return bin.Machine
}
