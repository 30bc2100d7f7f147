package main

import (
	"strings"
	"testing"
)

// Asking for help is no mistake; asking for what there is not is one, and is told where
// help is.
func TestCommand_Help(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"help", "-h", "-help", "--help"} {
		if err := command(t.Context(), []string{arg}); err != nil {
			t.Errorf("%s: %v", arg, err)
		}
	}
	for _, args := range [][]string{{"sed"}, {"seed", "twice"}, {"--verbose"}} {
		if err := command(t.Context(), args); err == nil || !strings.Contains(err.Error(), "--help") {
			t.Errorf("%q: %v, want an error that names --help", args, err)
		}
	}
}
