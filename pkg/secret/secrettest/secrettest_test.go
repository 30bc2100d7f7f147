package secrettest_test

import (
	"testing"

	"evisit/pkg/secret/secrettest"
)

func TestFixed_NeverChanges(t *testing.T) {
	t.Parallel()
	k, tried := secrettest.Fixed("one"), 0
	if err := k.Use(t.Context(), func(v string) bool { tried++; return true }); err != nil || tried != 1 {
		t.Errorf("refused, and tried %d times, %v", tried, err)
	}
	if v, err := k.Get(t.Context()); err != nil || v != "one" {
		t.Error(v, err)
	}
}
