//go:build browser

// Package browser proves the pages in Chromium: what a person can do with a
// mouse and a keyboard while the pages' scripts are off, and what holds for
// every page on the way. The rules of a visit are proved elsewhere; here they
// only have to be reachable and legible.
//
// It is built with the tag browser, because it needs two things that a plain
// test run does not install: Debian's chromium, and axe-core from
// infra/local/axe. Pictures of every page go to .build/screenshots.
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
	program  = "/usr/bin/chromium"
	axePath  = "../local/axe/node_modules/axe-core/axe.min.js"
	pictures = "../../.build/screenshots"
)

var (
	chromium context.Context // chromedp's handle of a browser
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

// run starts the one Chromium of all tests. Without it, or without axe-core,
// nothing is proved, so that is a failure.
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
		return 1, fmt.Errorf("%s does not start: %w", program, err)
	}
	chromium = ctx //nolint:fatcontext // set once, before any test
	return m.Run(), nil
}

// flags keep Chromium on this machine and quiet. Without a UserDataDir chromedp
// makes a new one and removes it.
func flags() []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.WindowSize(desktop, tall), chromedp.Flag("lang", "en-US")}
	for _, name := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "no-default-browser-check",
		"disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage",
		"hide-scrollbars", "mute-audio",
	} {
		opts = append(opts, chromedp.Flag(name, true))
	}
	return opts
}

// start brings up a whole system for one test.
func start(t *testing.T) *system.System {
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
