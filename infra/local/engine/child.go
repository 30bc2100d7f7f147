package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var errPortTaken = errors.New("the port was taken meanwhile")

// A child is the process of an engine.
type child struct {
	cmd     *exec.Cmd
	out     *output
	done    chan struct{} // closed once the process has been reaped
	stopped atomic.Bool   // stop has been called, so that the end is no error
}

// run starts the program and returns when the program listens.
func run(ctx context.Context, p program, port int, log *slog.Logger) (*child, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &child{
		// ctx limits the start only; the engine runs on after ctx is done.
		//nolint:gosec // the path is the pinned binary, or one that the user named
		cmd:  exec.CommandContext(context.WithoutCancel(ctx), p.path, p.args(port)...),
		out:  &output{mark: p.ready, ready: make(chan struct{})},
		done: make(chan struct{}),
	}
	c.cmd.Dir = p.dir
	c.cmd.Env = append(os.Environ(), p.env...)
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.out
	c.cmd.SysProcAttr = childAttributes()
	started := make(chan error)
	go c.startAndReap(ctx, started, log)
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case <-c.out.ready:
		log.DebugContext(ctx, "database engine listens", "engine", p.name, "port", port, "pid", c.cmd.Process.Pid)
		return c, nil
	case <-c.done:
		said := c.out.tail()
		if strings.Contains(said, "already in use") {
			return nil, errPortTaken
		}
		return nil, fmt.Errorf("it ended at once (%s): %s", c.cmd.ProcessState, said)
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("it does not listen: %w: %s", ctx.Err(), c.out.tail()), c.stop(stopTimeout))
	}
}

// startAndReap starts the process and waits for its end. The kernel ends the process
// when the thread that started it ends, so startAndReap keeps the thread.
func (c *child) startAndReap(ctx context.Context, started chan<- error, log *slog.Logger) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	defer close(c.done)
	err = c.cmd.Wait()
	if !c.stopped.Load() && c.out.isReady() {
		log.ErrorContext(ctx, "database engine ended by itself", "err", err, "said", c.out.tail())
	}
}

// stop asks the process to end, each second until it has, because a process that is
// just starting may miss the first time, and kills it if it has not ended after grace.
func (c *child) stop(grace time.Duration) error {
	c.stopped.Store(true)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for end := time.After(grace); ; {
		if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stopping engine %d: %w", c.cmd.Process.Pid, err)
		}
		select {
		case <-c.done:
			return nil
		case <-again.C:
			continue
		case <-end:
		}
		break
	}
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing engine %d: %w", c.cmd.Process.Pid, err)
	}
	<-c.done
	return fmt.Errorf("engine %d did not stop within %s and was killed", c.cmd.Process.Pid, grace)
}

// An output closes ready when a process has printed mark, and keeps the last bytes
// printed for error texts.
type output struct {
	mark  string
	ready chan struct{}

	mu   sync.Mutex
	kept []byte
}

const keptOutput = 2048

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, b...)
	if !o.isReady() && bytes.Contains(o.kept, []byte(o.mark)) {
		close(o.ready)
	}
	if extra := len(o.kept) - keptOutput; extra > 0 {
		o.kept = append(o.kept[:0], o.kept[extra:]...)
	}
	return len(b), nil
}

func (o *output) isReady() bool {
	select {
	case <-o.ready:
		return true
	default:
		return false
	}
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.TrimSpace(string(o.kept))
}
