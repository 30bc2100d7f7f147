// Command demo plays every kind of paid visit over evisit's public HTTP API, as
// patients, a caregiver and clinicians, and prints what each of them sees. Then it
// proves from the API and the payment simulator that every cent and every answer is
// accounted for.
//
// The command starts a system on free ports and a temporary folder. With BASE_URL it
// uses the system that runs there, and moves that system's clock by about two days. The
// exit code is 1 if a scenario fails or a statement cannot be proved.
//
// As demo money it lives a practice's month instead, in a system of its own: visits by every
// way of payment, memberships, refunds, disputes and payouts, and compares the books with Stripe.
// As demo practice it opens a practice instead, in a system of its own where nobody is
// registered: from its registration to its first paid visit.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"evisit/infra/demo/proof"
	"evisit/infra/local/system"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	play := func() error { return run(ctx, os.Getenv("BASE_URL"), os.Stdout) }
	switch strings.Join(os.Args[1:], " ") {
	case "practice":
		play = func() error { return openDoors(ctx, os.Stdout) }
	case "money":
		play = func() error { return tellMonth(ctx, os.Stdout) }
	}
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1) //nolint:gocritic // stop only undoes the signal handler
	}
}

func run(ctx context.Context, base string, out io.Writer) error {
	if base != "" {
		return demonstrate(ctx, base, out)
	}
	return withSystem(ctx, false, func(sys *system.System) error { return demonstrate(ctx, sys.URL, out) })
}

// withSystem plays something on a system of its own, which is gone afterwards.
func withSystem(ctx context.Context, empty bool, play func(*system.System) error) error {
	data, err := os.MkdirTemp("", "evisit-demo-")
	if err != nil {
		return err
	}
	sys, err := start(ctx, data, empty)
	if err == nil {
		err = errors.Join(play(sys), sys.Close())
	}
	return errors.Join(err, os.RemoveAll(data))
}

func demonstrate(ctx context.Context, base string, out io.Writer) error {
	claim, err := play(ctx, newClient(http.DefaultTransport), base, out, scenarios)
	if err != nil {
		return err
	}
	return prove(ctx, claim, out)
}

func start(ctx context.Context, data string, empty bool) (*system.System, error) {
	return system.Start(ctx, system.Options{
		Addr: "127.0.0.1:0", Data: data, Empty: empty,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
}

// play plays the stories in order, and returns the claim to prove.
func play(ctx context.Context, c *client, base string, out io.Writer, stories []scenario) (proof.Claim, error) {
	k, err := join(ctx, c, base, out)
	if err != nil {
		return proof.Claim{}, err
	}
	since, err := k.now(ctx)
	if err != nil {
		return proof.Claim{}, err
	}
	for i, sc := range stories {
		if _, err := fmt.Fprintf(out, "\n%2d %s\n", i+1, sc.title); err != nil {
			return proof.Claim{}, err
		}
		s := &scene{cast: k}
		if sc.play(ctx, s); s.err != nil {
			return proof.Claim{}, fmt.Errorf("scenario %d, %q: %w", i+1, sc.title, s.err)
		}
	}
	// The last records must be older than a minute, because the log is signed up to a
	// minute ago.
	if err := k.advance(ctx, 2*time.Minute); err != nil {
		return proof.Claim{}, err
	}
	return proof.Claim{BaseURL: base, Since: since, Reads: k.reads}, nil
}

// settling is how long a mail, or another late effect, may take before it counts as
// missing.
const settling = 10 * time.Second

// prove checks claim until it holds or settling has passed, and prints the report.
func prove(ctx context.Context, claim proof.Claim, out io.Writer) error {
	deadline, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for {
		report, err := proof.Check(ctx, claim)
		if err != nil {
			return err
		}
		if !report.Holds() && pause(deadline, time.Second/4) {
			continue
		}
		if _, err := fmt.Fprintf(out, "\nProof, from the API and the payment simulator alone\n%s\n", report); err != nil {
			return err
		}
		if !report.Holds() {
			return errors.New("not everything could be proved; see above")
		}
		return nil
	}
}
