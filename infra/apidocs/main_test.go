package main

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	documentFile = "../../pkg/httpapi/openapi.json"
	pageFile     = "../../pkg/httpapi/docs.html"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestThePageServedIsTheOneTheDocumentGives(t *testing.T) {
	t.Parallel()
	want, err := render(read(t, documentFile))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(read(t, pageFile))); d != "" {
		t.Errorf("run go generate ./pkg/httpapi (-document +page):\n%s", d)
	}
}

func TestThePageLoadsNothingAndRunsNothing(t *testing.T) {
	t.Parallel()
	page := read(t, pageFile)
	for _, unwanted := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", " onclick", "javascript:"} {
		if bytes.Contains(page, []byte(unwanted)) {
			t.Errorf("the page has %q", unwanted)
		}
	}
}

func TestEveryLinkOnThePageLeadsSomewhere(t *testing.T) {
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

// curl finds the calls of the first visit. A call with a body is a POST unless
// it says otherwise.
var curl = regexp.MustCompile(`(?s)curl (.*?)\$BASE(/[^\s<]*)`)

func TestTheFirstVisitCallsDocumentedOperationsOnly(t *testing.T) {
	t.Parallel()
	page := string(read(t, pageFile))
	mux := http.NewServeMux()
	for _, route := range regexp.MustCompile(`<b>([A-Z]+)</b> ([^<]+)</p>`).FindAllStringSubmatch(page, -1) {
		mux.Handle(route[1]+" "+route[2], http.NotFoundHandler())
	}
	calls := curl.FindAllStringSubmatch(page, -1)
	if len(calls) < 14 {
		t.Fatalf("only %d calls", len(calls))
	}
	for _, c := range calls {
		method := http.MethodGet
		if strings.Contains(c[1], "-d '") {
			method = http.MethodPost
		}
		if _, rest, ok := strings.Cut(c[1], "-X "); ok {
			method, _, _ = strings.Cut(rest, " ")
		}
		r, err := http.NewRequestWithContext(t.Context(), method, strings.ReplaceAll(c[2], "$VISIT", "v"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, pattern := mux.Handler(r); pattern == "" {
			t.Errorf("the first visit calls %s %s, which is no operation", method, c[2])
		}
	}
}
