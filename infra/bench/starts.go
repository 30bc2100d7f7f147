package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"evisit/infra/lambdatest"
	"evisit/infra/template"
)

const starts = 15 // of each function

// What starting a function may take beside a function of nothing but the SDK, and how
// large its archive may be, in MB.
var startAims = map[string]struct{ ratio, size float64 }{
	"sweep": {1.25, 4}, "verify": {1.25, 4}, "stripehook": {1.25, 4},
	"charge": {1.5, 5.5}, "deadline": {1.5, 7}, "notify": {1.5, 7}, "registry": {1.75, 7}, "api": {1.9, 8},
}

var functions = []string{"sweep", "verify", "stripehook", "charge", "deadline", "notify", "registry", "api"}

// measureStarts times each function's real binary from its start to when it first asks
// for work, in turn with the bare one, and weighs what is deployed.
func measureStarts(ctx context.Context, _ *slog.Logger, t *table) error {
	file, err := template.Find()
	if err != nil {
		return err
	}
	policy, err := template.Read(file)
	if err != nil {
		return err
	}
	f := &foundry{root: filepath.Dir(file), policy: policy, env: settings()}
	if err := f.buildBare(ctx); err != nil {
		return err
	}
	for _, name := range functions {
		if err := errors.Join(f.build(ctx, name, true), f.build(ctx, name, false)); err != nil {
			return err
		}
	}
	took := map[string][]float64{}
	for range starts {
		for _, name := range append([]string{bareFunction}, functions...) {
			ms, err := f.start(ctx, name)
			if err != nil {
				return err
			}
			took[name] = append(took[name], ms)
		}
	}
	t.part(fmt.Sprintf("Start to first ask for work, ms, median of %d", starts), "function", "bare SDK")
	bare := took[bareFunction]
	for _, name := range functions {
		ms := took[name]
		t.line(line{
			what: name, ours: fmt.Sprintf("%.1f", median(ms)), floor: fmt.Sprintf("%.1f", median(bare)),
			value: median(ms) / median(bare), ratio: true, aim: atMost(startAims[name].ratio),
			note: fmt.Sprintf("least %.1f beside %.1f: %.2f", slices.Min(ms), slices.Min(bare), slices.Min(ms)/slices.Min(bare)),
		})
	}
	t.part("Archive for Lambda, MB", "function", "")
	for _, name := range functions {
		mb, err := f.weigh(name)
		if err != nil {
			return err
		}
		t.line(line{what: name, ours: fmt.Sprintf("%.2f", mb), value: mb, aim: atMost(startAims[name].size)})
	}
	return nil
}

const bareFunction = "bare"

// A foundry builds functions and starts them. What it built is kept for the next run,
// where the Makefile's own builds are.
type foundry struct {
	root   string
	policy template.Template
	env    map[string]string // all settings that any function is given
}

// binary is a function's, built for Lambda or for this machine.
func (f *foundry) binary(name string, here bool) string {
	if here {
		name = filepath.Join("bench", name)
	}
	return filepath.Join(f.root, ".build", name, "bootstrap")
}

func (f *foundry) build(ctx context.Context, name string, here bool) error {
	return lambdatest.Build(ctx, f.root, name, f.binary(name, here), here)
}

func (f *foundry) buildBare(ctx context.Context) error {
	out := f.binary(bareFunction, true)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags", "-s -w", "-o", out, "./infra/bench/bare") //nolint:gosec // a path of ours
	cmd.Dir, cmd.Env = f.root, append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the bare function: %w\n%s", err, said)
	}
	return nil
}

// start starts a function once and returns the milliseconds until it asks for work.
func (f *foundry) start(ctx context.Context, name string) (ms float64, err error) {
	env := map[string]string{"GOGC": f.policy.Functions["api"].Env["GOGC"]}
	for setting, as := range f.policy.Functions[name].Env {
		env[setting] = cmp.Or(f.env[setting], as)
	}
	began := time.Now()
	p, err := lambdatest.Start(f.binary(name, true), env)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	select {
	case <-p.Ready():
		return float64(time.Since(began).Microseconds()) / 1000, nil
	case <-p.Ended():
		return 0, fmt.Errorf("%s ended: %s", name, p.Log())
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// weigh is the size of a function's archive in MB.
func (f *foundry) weigh(name string) (mb float64, err error) {
	b, err := os.ReadFile(f.binary(name, false))
	if err != nil {
		return 0, err
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(b)
	}
	err = errors.Join(err, z.Close())
	return float64(out.Len()) / 1e6, err
}
