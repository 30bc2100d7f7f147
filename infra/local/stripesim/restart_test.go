package stripesim_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/stripesim"
)

// TestMain makes the test binary a simulator's process that a test kills, if
// STRIPESIM_SERVE_DB is set.
func TestMain(m *testing.M) {
	if db := os.Getenv("STRIPESIM_SERVE_DB"); db != "" {
		serveUntilKilled(db)
	}
	os.Exit(m.Run())
}

func serveUntilKilled(db string) {
	sim, err := stripesim.New(context.Background(), stripesim.Options{
		Now: time.Now, DB: db, Accounts: []string{lake}, Keys: []stripesim.Key{{Secret: key, Allow: []string{"*"}}},
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	srv := httptest.NewServer(sim)
	sim.SetBaseURL(srv.URL)
	fmt.Println(srv.URL)
	select {}
}

// spawn starts a simulator's process on b's state, which b's shops then call.
func (b *bench) spawn() (kill func()) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), self)
	cmd.Env = append(os.Environ(), "STRIPESIM_SERVE_DB="+b.db)
	cmd.Stderr = b.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	b.url = strings.TrimSpace(line)
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

// Sessions, payments and idempotency keys survive a kill of the simulator.
func TestNew_StateSurvivesKill(t *testing.T) {
	t.Parallel()
	b := &bench{T: t, db: filepath.Join(t.TempDir(), "stripe.db")}
	s := b.shop(lake)

	kill := b.spawn()
	cs, err := s.createSession(s.sessionParams(4900, "evt_1-1"))
	if err != nil {
		t.Fatal(err)
	}
	kill()
	if _, err := s.session(cs.ID); err == nil {
		t.Fatal("the process was not killed")
	}

	kill = b.spawn()
	again, err := s.createSession(s.sessionParams(4900, "evt_1-1"))
	if err != nil {
		t.Fatal(err)
	}
	if again.ID != cs.ID || again.LastResponse.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the key was forgotten: %s, then %s", cs.ID, again.ID)
	}
	paid := b.postJSON("/sim/pay", `{"session":"`+cs.ID+`","card":"`+stripesim.CardSuccess+`"}`)
	cs, err = s.session(cs.ID)
	if err != nil || cs.PaymentIntent == nil {
		t.Fatalf("paying after a restart: %+v, %v", paid, err)
	}
	kill()

	kill = b.spawn()
	defer kill()
	if _, err := s.capture(cs.PaymentIntent.ID, 0, ""); err != nil {
		t.Fatal(err)
	}
	if cs, err = s.session(cs.ID); err != nil || cs.PaymentStatus != "paid" {
		t.Errorf("session: %+v, %v", cs, err)
	}
}

func TestNew_WebhooksSurviveRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	b.db = filepath.Join(t.TempDir(), "stripe.db")
	b.start()
	b.answer(http.StatusServiceUnavailable)
	b.shop(lake).newHold(stripesim.CardSuccess)
	b.sim.Tick(t.Context())
	b.stop()

	b.answer(http.StatusOK)
	b.start()
	b.advance(5 * time.Second)
	want := []string{
		"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated", "checkout.session.completed",
	}
	if diff := cmp.Diff(want, b.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
