package httpapi_test

import (
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/apitest"
)

func TestDocument_IsValidWithItsExamples(t *testing.T) {
	t.Parallel()
	doc, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDocument_HasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	doc, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented[method+" "+path] = true
		}
	}
	served := append(httpapi.New(httpapi.Rooms{}, nil, slog.New(slog.DiscardHandler)).Patterns(), httpapi.HookPatterns...)
	slices.Sort(served)
	if d := cmp.Diff(served, slices.Sorted(maps.Keys(documented))); d != "" {
		t.Errorf("routes served and documented differ (-served +documented):\n%s", d)
	}
}
