package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"evisit/infra/local/guard"
	"evisit/infra/local/stripesim"
)

// A machine runs the evisit program on one data folder, and starts the program again
// when it ends.
type machine struct {
	binary, data, addr string

	mu      sync.Mutex
	process *os.Process
	log     bytes.Buffer
}

// run keeps the program running until ctx ends.
func (m *machine) run(ctx context.Context) {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, m.binary)
		cmd.Env = append(os.Environ(), "EVISIT_ADDR="+m.addr, "EVISIT_DATA="+m.data, "DYNAMODB_ENDPOINT=", "S3_ENDPOINT=", "STRIPE_SECRET_KEY=", "EVISIT_CLOCK_OFFSET=")
		cmd.Stderr = &m.log
		if cmd.Start() != nil {
			return
		}
		m.mu.Lock()
		m.process = cmd.Process
		m.mu.Unlock()
		_ = cmd.Wait() // killed by kill, or unable to start because the killed program's engine still runs
		pause(ctx, 10*time.Millisecond)
	}
}

// losesCalls reports whether r has the simulator lose calls until it is told otherwise.
func losesCalls(r *http.Request) bool {
	if r.GetBody == nil {
		return false
	}
	body, err := r.GetBody()
	if err != nil {
		return false
	}
	var f stripesim.Fault
	return json.NewDecoder(body).Decode(&f) == nil && f.Do == stripesim.LoseCall && f.Times == 0
}

func (m *machine) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.process.Kill()
}

// A killer is a transport that kills the machine during some of the requests it sends.
type killer struct {
	machine *machine
	random  *rand.Rand

	mu    sync.Mutex
	left  int // writes until the next kill
	kills int
	spare bool // calls to Stripe are lost until somebody ends that, which a restart of the simulator would
	wait  sync.WaitGroup
}

// Number of writes between two kills, and the longest time from the start of a request
// to its kill. Reads do not count, because a client that waits for the restart by
// reading would cause the next kill.
const (
	fewestWrites, mostWrites = 4, 20
	latestKill               = 12 * time.Millisecond
)

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	lasting := losesCalls(r)
	if lasting {
		k.wait.Wait()
	}
	k.mu.Lock()
	if k.left == 0 && !k.spare && !lasting {
		k.left = fewestWrites + k.random.IntN(mostWrites-fewestWrites)
		k.kills++
		after := time.Duration(k.random.Int64N(int64(latestKill)))
		k.wait.Go(func() {
			time.Sleep(after)
			k.machine.kill()
		})
	}
	k.mu.Unlock()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && r.Method != http.MethodGet {
		k.mu.Lock()
		k.left = max(k.left-1, 0)
		if r.URL.Path == "/sim/faults" {
			k.spare = lasting
		}
		k.mu.Unlock()
	}
	return res, err
}

func TestDemo_KilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := &machine{binary: filepath.Join(dir, "evisit"), data: filepath.Join(dir, "data"), addr: twoFreePorts(t)}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", m.binary, "evisit/infra/local/evisit")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		if bytes.Contains(m.log.Bytes(), []byte(guard.Refusal)) {
			t.Error("a function was refused by its policy")
		}
		if t.Failed() {
			t.Logf("the program said:\n%s", m.log.Bytes())
		}
	})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	k := &killer{machine: m, random: rand.New(rand.NewPCG(seed, 0)), left: mostWrites}
	claim, err := play(ctx, newClient(k), "http://"+m.addr, t.Output(), scenarios)
	k.wait.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if k.kills < 5 {
		t.Errorf("only %d kills", k.kills)
	}
	t.Logf("%d kills", k.kills)
	// The system may be restarting; join waits until it answers.
	if _, err := join(ctx, newClient(&http.Transport{DisableKeepAlives: true}), "http://"+m.addr, t.Output()); err != nil {
		t.Fatal(err)
	}
	if err := prove(ctx, claim, t.Output()); err != nil {
		t.Fatal(err)
	}
}

// twoFreePorts returns an address whose next port, the simulator's, is free too. The
// program must find both free again after each kill. So they lie below 32768, where Linux
// begins to give ports to programs that ask for any.
func twoFreePorts(t *testing.T) string {
	t.Helper()
	const lowest, highest = 20_000, 32_000
	for range 50 {
		port := lowest + rand.IntN(highest-lowest)
		first, second := net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), net.JoinHostPort("127.0.0.1", strconv.Itoa(port+1))
		if free(t, first) && free(t, second) {
			return first
		}
	}
	t.Fatal("no two free ports side by side")
	return ""
}

func free(t *testing.T, addr string) bool {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	return l.Close() == nil
}
