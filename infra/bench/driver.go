package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/engine"
	"evisit/infra/local/system"
	"evisit/pkg/setup"
)

// A driver drives a running system of its own over HTTP, as its people would.
type driver struct {
	system *system.System
	engine *engine.Engine // the system's
	dir    string
	tokens map[string]string // by person
}

// openSystem starts a system whose schedule runs only when the driver has it run.
func openSystem(ctx context.Context, log *slog.Logger, meter ...func(*middleware.Stack) error) (_ *driver, err error) {
	dir, err := os.MkdirTemp("", "evisit-bench-")
	if err != nil {
		return nil, err
	}
	d := &driver{dir: dir, tokens: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.engine, err = engine.Start(ctx, engine.Options{DB: filepath.Join(dir, "dynamo.db"), Log: log}); err != nil {
		return nil, err
	}
	d.system, err = system.Start(ctx, system.Options{
		Addr: "127.0.0.1:0", Data: dir, Log: log, SweepEvery: 24 * time.Hour, Meter: meter, Config: setup.Config{DynamoDB: d.engine.Endpoint()},
	})
	if err != nil {
		return nil, err
	}
	var cast system.Seeded
	if err := d.call(ctx, http.MethodPost, "/dev/seed", "", "", &cast); err != nil {
		return nil, err
	}
	for _, p := range cast.People {
		d.tokens[p.ID] = p.Token
	}
	return d, nil
}

func (d *driver) Close() error {
	var failures []error
	if d.system != nil {
		failures = append(failures, d.system.Close())
	}
	if d.engine != nil {
		failures = append(failures, d.engine.Close())
	}
	return errors.Join(append(failures, os.RemoveAll(d.dir))...)
}

// call asks the system as a person, or as nobody.
func (d *driver) call(ctx context.Context, method, path, who, body string, out any) error {
	return callJSON(ctx, wire{method, d.system.URL + path, d.tokens[who], body}, out)
}

// step takes a step of a visit.
func (d *driver) step(ctx context.Context, visit, who, verb, body string, out any) error {
	return d.call(ctx, http.MethodPost, "/visits/"+visit+"/"+verb, who, body, out)
}

// save saves answers of a visit.
func (d *driver) save(ctx context.Context, visit, who, page string) error {
	return d.call(ctx, http.MethodPatch, "/visits/"+visit+"/answers", who, page, nil)
}

// advance moves the clock, which runs deadline and sweep before it returns.
func (d *driver) advance(ctx context.Context, by time.Duration) error {
	return d.call(ctx, http.MethodPost, "/dev/clock", "", `{"advance":"`+by.String()+`"}`, nil)
}

// advanceInto moves the clock to some time after its next hour begins.
func (d *driver) advanceInto(ctx context.Context, after time.Duration) error {
	var clock struct{ Now time.Time }
	if err := d.call(ctx, http.MethodGet, "/dev/clock", "", "", &clock); err != nil {
		return err
	}
	hour := clock.Now.Truncate(time.Hour).Add(time.Hour)
	return d.advance(ctx, hour.Add(after).Sub(clock.Now).Round(time.Second))
}
