package system

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/local/guard"
	"evisit/infra/template"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
	"evisit/pkg/vault"
)

// readPolicy reads the template in file, or else the repository's.
func readPolicy(file string) (template.Template, error) {
	if file == "" {
		var err error
		if file, err = template.Find(); err != nil {
			return template.Template{}, err
		}
	}
	return template.Read(file)
}

// under returns the parts of one function: p with clients held to the function's
// policy.
func (s *System) under(function string, p setup.Parts) setup.Parts {
	g := guard.New(s.policy, function, s.opt.Log)
	s.guards[function] = g
	open, stored := p.Sealer, p.Secret
	var database dynamodb.Options
	var objects s3.Options
	var letters sesv2.Options
	g.DynamoDB(&database)
	g.S3(&objects)
	g.SES(&letters)
	p.Database = through(p.Database, database.APIOptions)
	p.Objects = through(p.Objects, objects.APIOptions)
	p.Letters = through(p.Letters, letters.APIOptions)
	p.Secret = func(ctx context.Context, name string) ([]byte, error) {
		if err := g.Secret(ctx, name); err != nil {
			return nil, err
		}
		return stored(ctx, name)
	}
	p.Sealer = func(ctx context.Context) (vault.Sealer, error) {
		if err := errors.Join(g.Secret(ctx, secret.Content), g.Keyset(ctx)); err != nil {
			return nil, err
		}
		return open(ctx)
	}
	return p
}

// through returns c, whose calls go through further steps of middleware.
func through(c aws.Config, steps []func(*middleware.Stack) error) aws.Config {
	c.APIOptions = slices.Concat(c.APIOptions, steps)
	return c
}

// Denied lists what the functions were refused by their policies, each kind
// once.
func (s *System) Denied() []string {
	var all []string
	for _, function := range slices.Sorted(maps.Keys(s.guards)) {
		all = append(all, s.guards[function].Denied()...)
	}
	return all
}
