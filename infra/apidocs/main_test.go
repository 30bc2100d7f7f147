package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/httpapi"
)

const (
	root         = "../.."
	documentFile = root + "/pkg/httpapi/openapi.json"
	pageFile     = root + "/pkg/httpapi/docs.html"
	partsFolder  = root + "/pkg/httpapi/document"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPage_IsOfTheDocument(t *testing.T) {
	t.Parallel()
	want, err := render(read(t, documentFile))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(read(t, pageFile))); d != "" {
		t.Errorf("run go generate ./pkg/httpapi (-document +page):\n%s", d)
	}
}

func TestDocument_IsWhatEndpointsDeclare(t *testing.T) {
	t.Parallel()
	want, err := openapi(httpapi.Endpoints(), partsFolder, root)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(read(t, documentFile))); d != "" {
		t.Errorf("run go generate ./pkg/httpapi (-declared +document):\n%s", d)
	}
}

func TestDocument_RefusesMistakes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mistake func(e *httpapi.Endpoint)
		want    string
	}{
		"a code that is none":           {func(e *httpapi.Endpoint) { e.Refuses = []httpapi.Refusal{{Code: "strange"}} }, "strange"},
		"a code of another status":      {func(e *httpapi.Endpoint) { e.Refuses = []httpapi.Refusal{{Code: "changed", Status: 422}} }, "changed (422)"},
		"a schema that the frame lacks": {func(e *httpapi.Endpoint) { e.Out = httpapi.Foreign("Strange") }, "Strange"},
		"a wildcard the frame lacks":    {func(e *httpapi.Endpoint) { e.Path += "/{strange}" }, "strange"},
		"a type without a name":         {func(e *httpapi.Endpoint) { e.Out = struct{}{} }, "no name"},
		"a type that has no schema":     {func(e *httpapi.Endpoint) { e.Out = make(chan int) }, "chan int"},
		"an example of no operation":    {func(e *httpapi.Endpoint) { e.ID = "strange" }, "no such operation"},
		"an example of no status":       {func(e *httpapi.Endpoint) { e.Refuses = nil }, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := httpapi.Endpoints()
			for i, e := range all {
				if e.ID == "getForm" {
					wrong := *e
					tc.mistake(&wrong)
					all[i] = &wrong
				}
			}
			if _, err := openapi(all, partsFolder, root); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("the document is made with %v, want an error that names %q", err, tc.want)
			}
		})
	}
}

type describedTwice struct {
	// The form's own words are lost.
	Form formOfTest `json:"form"`
}

type formOfTest struct {
	Name string `json:"name"`
}

// What is said of a field would be lost where its type says something itself.
func TestSchemas_RefuseTwoDescriptions(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "main_test.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	twice := reflect.TypeFor[describedTwice]()
	s := &schemas{source: &source{packages: map[string][]*ast.File{twice.PkgPath(): {file}}}, types: map[string]reflect.Type{}}
	if _, err := s.structured(twice); err == nil || !strings.Contains(err.Error(), "Form") {
		t.Errorf("a schema is made with %v, want an error that names the field", err)
	}
}

func TestPage_LoadsAndRunsNothing(t *testing.T) {
	t.Parallel()
	page := read(t, pageFile)
	for _, unwanted := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", " onclick", "javascript:"} {
		if bytes.Contains(page, []byte(unwanted)) {
			t.Errorf("the page has %q", unwanted)
		}
	}
}

func TestPage_EveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	page := string(read(t, pageFile))
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 50 {
		t.Fatalf("only %d links", len(links))
	}
	for _, l := range links {
		if n := strings.Count(page, `id="`+l[1]+`"`); n != 1 {
			t.Errorf("#%s is there %d times", l[1], n)
		}
	}
}
