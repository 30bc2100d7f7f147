//go:build browser

// Package browser tests the pages in Chromium, by mouse and keyboard and with scripts
// off, and checks the requirements of every page on the way. Other packages test the
// rules of a visit; these tests check that the pages show them and can be used.
//
// The package is built with the tag browser, because it needs Debian's chromium and
// axe-core from infra/local/axe, which a plain test run does not install. Screenshots
// of every page are saved in .build/screenshots.
package browser

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"evisit/infra/local/system"
)

const (
	chromiumPath = "/usr/bin/chromium"
	axePath      = "../local/axe/node_modules/axe-core/axe.min.js"
	pictures     = "../../.build/screenshots"
)

var (
	chromium context.Context // chromedp's handle of the browser
	axe      string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the Chromium of all tests and runs them. A missing Chromium or axe-core is
// a failure.
func run(m *testing.M) (int, error) {
	script, err := os.ReadFile(axePath)
	if err != nil {
		return 1, fmt.Errorf("axe-core is not there; run npm ci --prefix infra/local/axe: %w", err)
	}
	axe = string(script)
	if err := os.RemoveAll(pictures); err != nil {
		return 1, err
	}
	if err := os.MkdirAll(pictures, 0o750); err != nil {
		return 1, err
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), flags()...)
	defer free()
	ctx, stop := chromedp.NewContext(allocator)
	defer stop()
	if err := chromedp.Do(ctx); err != nil {
		return 1, fmt.Errorf("%s does not start: %w", chromiumPath, err)
	}
	chromium = ctx //nolint:fatcontext // set once, before any test
	return m.Run(), nil
}

// flags make Chromium headless and keep it from calling other hosts. chromedp makes and
// removes a UserDataDir, since none is given.
func flags() []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(chromiumPath), chromedp.WindowSize(desktop, tall), chromedp.Flag("lang", "en-US")}
	for _, name := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
		"hide-scrollbars", "mute-audio",
	} {
		opts = append(opts, chromedp.Flag(name, true))
	}
	return opts
}

// startSystem starts a whole system for one test.
func startSystem(t *testing.T) *system.System {
	t.Helper()
	s, err := system.Start(context.WithoutCancel(t.Context()), system.Options{
		Addr: "127.0.0.1:0", Data: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
