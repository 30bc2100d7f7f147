// Command firstday makes what must be there before the first deployment, and checks
// what is there. It never replaces a key or a secret unless it is told to.
//
//	go run ./infra/firstday keys -stage production -kms-key ARN [-log-public BASE64] [-check]
//	go run ./infra/firstday webhooks -stage production -domain visit.example.org [-check] [-replace]
//
// keys makes the content keyset, encrypted under the KMS key, the seed of the audit
// logs and the secret of the distribution, in Secrets Manager, and prints the public
// half of the seed; with -check it makes nothing, and checks all six secrets.
//
// webhooks makes the two endpoints at Stripe and keeps their signing secrets; with
// -check it makes and changes nothing. STRIPE_SECRET_KEY is a key of the platform's
// account that may write webhook endpoints, and is kept nowhere.
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

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: firstday keys | webhooks; with -h each says what it takes")

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet("firstday "+args[0], flag.ContinueOnError)
	flags.SetOutput(out)
	stage := flags.String("stage", "", "the parameter Stage, such as production")
	check := flags.Bool("check", false, "make and change nothing")
	var err error
	switch args[0] {
	case "keys":
		k := keys{out: out}
		flags.StringVar(&k.kmsKey, "kms-key", "", "ARN of the KMS key that encrypts the keyset: the parameter ContentKeyArn")
		flags.StringVar(&k.public, "log-public", "", "the parameter LogPublicKey of an installation that there is")
		if err = parse(flags, args[1:], "stage", "kms-key"); err != nil {
			return err
		}
		k.check = *check
		if k.kms, k.vault, err = services(ctx, *stage); err != nil {
			return err
		}
		return k.run(ctx)
	case "webhooks":
		w := webhooks{out: out, key: getenv("STRIPE_SECRET_KEY"), base: getenv("STRIPE_API_BASE")}
		flags.StringVar(&w.domain, "domain", "", "the parameter DomainName, such as visit.example.org")
		flags.BoolVar(&w.replace, "replace", false, "switch off an endpoint that cannot be put right, and make another")
		if err = parse(flags, args[1:], "stage", "domain"); err != nil {
			return err
		}
		if w.key == "" {
			return errors.New("set STRIPE_SECRET_KEY to a key of the platform's account that may write webhook endpoints")
		}
		w.check = *check
		if _, w.vault, err = services(ctx, *stage); err != nil {
			return err
		}
		return w.run(ctx)
	}
	return errUsage
}

// parse reads the flags, of which those named must be given.
func parse(flags *flag.FlagSet, args []string, needed ...string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	var failures []error
	if flags.NArg() > 0 {
		failures = append(failures, fmt.Errorf("%q is not understood", flags.Args()))
	}
	for _, name := range needed {
		if flags.Lookup(name).Value.String() == "" {
			failures = append(failures, fmt.Errorf("give -%s: %s", name, flags.Lookup(name).Usage))
		}
	}
	return errors.Join(failures...)
}

// services returns the clients of the account that the AWS command line would use.
func services(ctx context.Context, stage string) (*kms.Client, vault, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, vault{}, fmt.Errorf("finding the account: %w", err)
	}
	return kms.NewFromConfig(cfg), vault{secretsmanager.NewFromConfig(cfg), "evisit/" + stage}, nil
}
