package httpapi_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/apitest"
	"evisit/pkg/visit"
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
	var served []string
	for _, e := range httpapi.Endpoints() {
		served = append(served, e.Pattern())
	}
	slices.Sort(served)
	if d := cmp.Diff(served, slices.Sorted(maps.Keys(documented))); d != "" {
		t.Errorf("routes served and documented differ (-served +documented):\n%s", d)
	}
}

// The document tells the reasons for which a visit ends in the words of pages and
// letters, and offers a clinician the reasons that the desk offers.
func TestDocument_ReasonsInWords(t *testing.T) {
	t.Parallel()
	doc, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	schema := func(name, property string) *openapi3.Schema {
		return doc.Components.Schemas[name].Value.Properties[property].Value
	}
	ended, away := schema("Visit", "reason"), schema("TurnAway", "reason")
	if len(ended.Enum) < 13 {
		t.Errorf("a visit ends for %v only", ended.Enum)
	}
	for _, code := range ended.Enum {
		r := visit.Reason(code.(string))
		if words := "`" + string(r) + "`: " + r.ForPatient(); !strings.Contains(ended.Description, words) {
			t.Errorf("it is not documented that %s", words)
		}
	}
	var offered []any
	for _, r := range visit.TurnAwayReasons {
		offered = append(offered, string(r))
		if words := "`" + string(r) + "`: " + r.ForDesk() + "."; !strings.Contains(away.Description, words) {
			t.Errorf("it is not documented that %s", words)
		}
	}
	if d := cmp.Diff(offered, away.Enum); d != "" {
		t.Errorf("reasons offered at the desk and by the API differ (-desk +API):\n%s", d)
	}
}
