package lambdatest_test

import (
	"context"
	"debug/elf"
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

func TestFunctions_BuildForLambda(t *testing.T) {
	t.Parallel()
	for _, f := range functions {
		out := filepath.Join(t.TempDir(), "bootstrap")
		if err := build(t.Context(), f, out, false); err != nil {
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
