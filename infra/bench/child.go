package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A child is the process of a measured server.
type child struct {
	cmd    *exec.Cmd
	url    string
	client *http.Client
}

func startChild(ctx context.Context, name string, env []string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, name) //nolint:gosec // the program is this executable
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := bufio.NewReader(out)
	url, err := r.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // writing the request log is part of the measured work
	return &child{cmd: cmd, url: strings.TrimSpace(url), client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: writers},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c *child) stop() { _ = errors.Join(c.cmd.Process.Signal(syscall.SIGTERM), c.cmd.Wait()) }

// send sends a request and reads the reply, whose status must be the given one.
func (c *child) send(r *http.Request, status int) error {
	res, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != status {
		err = fmt.Errorf("%s answered %s: %s", r.URL.Path, res.Status, b)
	}
	return err
}

// used returns the child's CPU time so far, the sum over its threads. No time is lost
// with a thread, because Go's threads do not end.
func (c *child) used() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", c.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, errors.Join(err, errors.New("there is no /proc to measure by"))
	}
	var sum time.Duration
	for _, t := range threads {
		b, err := os.ReadFile(t) //nolint:gosec // the path is in /proc
		if err != nil {
			return 0, err
		}
		on, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// A contender is a child as one kind of request finds it, and what was measured of it,
// round by round.
type contender struct {
	child     *child
	request   func(ctx context.Context, n int) (*http.Request, error)
	perSecond []float64
	cpu       []float64 // the child's CPU milliseconds per request
}

// compete sends the same requests to each contender in turn, some rounds of them.
func compete(ctx context.Context, rounds, perRound, status int, all ...*contender) error {
	for n := range rounds {
		for _, c := range all {
			if err := c.round(ctx, n*perRound, perRound, status); err != nil {
				return err
			}
		}
	}
	return nil
}

// round sends n requests, from number first on.
func (c *contender) round(ctx context.Context, first, n, status int) error {
	before, err := c.child.used()
	if err != nil {
		return err
	}
	began := time.Now()
	err = parallel(n, func(i int) error {
		r, err := c.request(ctx, first+i)
		if err != nil {
			return err
		}
		return c.child.send(r, status)
	})
	took := time.Since(began)
	after, failed := c.child.used()
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	c.perSecond = append(c.perSecond, float64(n)/took.Seconds())
	c.cpu = append(c.cpu, float64((after-before).Microseconds())/1000/float64(n))
	return nil
}

// parallel calls do for 0 to n-1 from as many goroutines as there are writers.
func parallel(n int, do func(i int) error) error {
	failures := make([]error, writers)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failures[w] == nil; i = int(next.Add(1)) - 1 {
				failures[w] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(failures...)
}
