// Command firstday makes what must be there before the first deployment, and checks
// what is there. It never replaces a key or a secret unless it is told to.
//
//	go run ./infra/firstday keys -stage production -kms-key ARN [-log-public BASE64] [-check]
//	go run ./infra/firstday webhooks -stage production -domain visit.example.org [-check] [-replace]
//	go run ./infra/firstday check
//
// keys makes the content keyset, encrypted under the KMS key, the seed of the audit
// logs and the secret of the distribution, in Secrets Manager, and prints the public
// half of the seed; with -check it makes nothing, and checks all six secrets.
//
// webhooks makes the two endpoints at Stripe and keeps their signing secrets; with
// -check it makes and changes nothing. STRIPE_SECRET_KEY is a key of the platform's
// account that may write webhook endpoints, and is kept nowhere.
//
// check proves, without an account, that template, policies, settings and documents
// are complete and agree (make deploy-check).
//
// Account and region are those of the AWS command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"evisit/infra/template"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: firstday keys | webhooks | check; with -h each says what it takes")

// A command is one word of the command line.
type command struct {
	flags  *flag.FlagSet
	needed []string // flags that must be given
	run    func(context.Context) error
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	c, known := newCommand(args[0], getenv, out)
	if !known {
		return errUsage
	}
	if err := c.flags.Parse(args[1:]); err != nil {
		return err
	}
	var failures []error
	if c.flags.NArg() > 0 {
		failures = append(failures, fmt.Errorf("%q is not understood", c.flags.Args()))
	}
	for _, name := range c.needed {
		if f := c.flags.Lookup(name); f.Value.String() == "" {
			failures = append(failures, fmt.Errorf("give -%s: %s", name, f.Usage))
		}
	}
	if len(failures) > 0 {
		return errors.Join(failures...)
	}
	return c.run(ctx)
}

// newCommand returns the command called name; false if there is none.
func newCommand(name string, getenv func(string) string, out io.Writer) (command, bool) {
	flags := flag.NewFlagSet("firstday "+name, flag.ContinueOnError)
	flags.SetOutput(out)
	switch name {
	case "keys":
		return keysCommand(flags, out), true
	case "webhooks":
		return webhooksCommand(flags, getenv, out), true
	case "check":
		return command{flags: flags, run: func(context.Context) error {
			file, err := template.Find()
			if err != nil {
				return err
			}
			return deployCheck(filepath.Dir(file), out)
		}}, true
	}
	return command{}, false
}

const aboutStage = "the parameter Stage, such as production"

func keysCommand(flags *flag.FlagSet, out io.Writer) command {
	k := keys{out: out}
	stage := flags.String("stage", "", aboutStage)
	flags.BoolVar(&k.check, "check", false, "make nothing, and check all six secrets")
	flags.StringVar(&k.kmsKey, "kms-key", "", "ARN of the KMS key that encrypts the keyset: the parameter ContentKeyArn")
	flags.StringVar(&k.public, "log-public", "", "the parameter LogPublicKey of an installation that there is")
	return command{flags, []string{"stage", "kms-key"}, func(ctx context.Context) error {
		var err error
		if k.kms, k.vault, err = services(ctx, *stage); err != nil {
			return err
		}
		return k.run(ctx)
	}}
}

func webhooksCommand(flags *flag.FlagSet, getenv func(string) string, out io.Writer) command {
	w := webhooks{out: out, key: getenv("STRIPE_SECRET_KEY"), base: getenv("STRIPE_API_BASE")}
	stage := flags.String("stage", "", aboutStage)
	flags.BoolVar(&w.check, "check", false, "make and change nothing")
	flags.StringVar(&w.domain, "domain", "", "the parameter DomainName, such as visit.example.org")
	flags.BoolVar(&w.replace, "replace", false, "switch off an endpoint that cannot be put right, and make another")
	return command{flags, []string{"stage", "domain"}, func(ctx context.Context) error {
		if w.key == "" {
			return errors.New("set STRIPE_SECRET_KEY to a key of the platform's account that may write webhook endpoints")
		}
		var err error
		if _, w.vault, err = services(ctx, *stage); err != nil {
			return err
		}
		return w.run(ctx)
	}}
}

// services returns the clients of the account that the AWS command line would use.
func services(ctx context.Context, stage string) (*kms.Client, vault, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, vault{}, fmt.Errorf("finding the account: %w", err)
	}
	return kms.NewFromConfig(cfg), vault{secretsmanager.NewFromConfig(cfg), "evisit/" + stage}, nil
}
