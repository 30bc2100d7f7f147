// Command evisit runs the whole system on this machine, or calls the system that
// runs there. evisit --help lists what it can be asked.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"evisit/infra/local/system"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "evisit:", err)
		os.Exit(1) //nolint:gocritic // stop only undoes the signal handler
	}
}

const usage = `evisit            run the whole system until interrupted
evisit seed       print the standard cast of the running system, with tokens, as JSON
evisit sweep      run deadline and sweep of the running system once, now
evisit verify     compare every row of the running system with the logs that cover it

EVISIT_ADDR (127.0.0.1:8080) says where it listens, EVISIT_DATA (.evisit) where its data
is, EVISIT_LOG=debug has it log all it does, EVISIT_EMPTY=1 registers nobody; the README
lists the rest.
`

func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return run(ctx)
	case len(args) == 1 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]):
		fmt.Print(usage)
		return nil
	case len(args) == 1 && slices.Contains([]string{"seed", "sweep", "verify"}, args[0]):
		return postToRunning(ctx, "/dev/"+args[0])
	}
	return errors.New("use: evisit [seed|sweep|verify], or evisit --help")
}

const defaultAddr = "127.0.0.1:8080"

func addr() string {
	if a := os.Getenv("EVISIT_ADDR"); a != "" {
		return a
	}
	return defaultAddr
}

func run(ctx context.Context) error {
	cfg, err := setup.Load(os.Getenv)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if os.Getenv("EVISIT_LOG") == "debug" {
		level = slog.LevelDebug
	}
	data := os.Getenv("EVISIT_DATA")
	if data == "" {
		data = ".evisit"
	}
	s, err := system.Start(ctx, system.Options{
		Addr: addr(), StripeAddr: stripeAddr(addr()), Data: data, Config: cfg, Accounts: accounts(), Empty: os.Getenv("EVISIT_EMPTY") != "",
		Stripe: system.StripeSecrets{
			Key:  os.Getenv("STRIPE_SECRET_KEY"),
			Hook: secret.Webhooks{Platform: os.Getenv("STRIPE_WEBHOOK_SECRET"), Connect: os.Getenv("STRIPE_CONNECT_WEBHOOK_SECRET")},
		},
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	printWelcome(s)
	select {
	case <-ctx.Done():
		fmt.Println("\nstopping")
	case err = <-s.Done():
	}
	return errors.Join(err, s.Close())
}

// accounts reads EVISIT_STRIPE_ACCOUNTS: the connected accounts, separated by commas,
// that the practices use if STRIPE_SECRET_KEY is a real key.
func accounts() []string {
	list := os.Getenv("EVISIT_STRIPE_ACCOUNTS")
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// stripeAddr is the address of the payment simulator: the port after the system's.
func stripeAddr(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	n, bad := strconv.Atoi(port)
	if err != nil || bad != nil || n == 0 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

func printWelcome(s *system.System) {
	fmt.Printf(`evisit is running on this machine.

  Pages            %[1]s
  API              %[1]s/docs    (a first visit to paste; OpenAPI: /openapi.json)
  Mailbox          %[1]s/dev/mail
  Clock            %[1]s/dev/clock    (POST {"advance":"36h"} moves it)
  Payments         %[2]s

Try first: open the pages, sign in as Jane Smith, and send a request about
urinary symptoms; pay with 4242 4242 4242 4242. Then sign in as Ana Rivera, MD,
take the request and answer it. In another terminal, "make seed" prints a
token for everyone, and "make demo" drives all of it by itself.

Ctrl-C stops it; what you did is kept.
`, s.URL, paymentsLine(s))
}

func paymentsLine(s *system.System) string {
	if s.Stripe == "" {
		return "Stripe, with the key in STRIPE_SECRET_KEY"
	}
	return s.Stripe + "    (simulated)"
}

// postToRunning posts to the running system and prints the reply.
func postToRunning(ctx context.Context, path string) error {
	url := "http://" + addr() + path
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("nothing answers at %s: start it with `make run`, or set EVISIT_ADDR to where it runs", addr())
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("%s answered %s: %s", url, res.Status, b)
	}
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}
