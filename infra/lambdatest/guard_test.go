package lambdatest_test

import (
	"log/slog"
	"net/url"
	"testing"

	"evisit/infra/local/guard"
)

// newGuard returns the guard of a function. The test fails if the guard refused
// anything.
func newGuard(t *testing.T, function string) *guard.Guard {
	t.Helper()
	g := guard.New(readTemplate(t), function, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		for _, d := range g.Denied() {
			t.Errorf("not allowed by template.yaml: %s", d)
		}
	})
	return g
}

// guarded serves the engine to a function's process, held to its policy.
func (w *world) guarded(g *guard.Guard) string {
	w.Helper()
	u, err := url.Parse(database.Endpoint())
	w.must(err)
	return w.serve(g.Proxy(u))
}
