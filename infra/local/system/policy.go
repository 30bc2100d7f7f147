package system

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"evisit/infra/local/guard"
	"evisit/infra/template"
	"evisit/pkg/clinic"
	"evisit/pkg/setup"
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
	open := p.Sealer
	p.DB = dynamodb.New(p.DB.Options(), g.DynamoDB)
	p.S3 = s3.New(p.S3.Options(), g.S3)
	p.Mail = sesv2.New(p.Mail.Options(), g.SES)
	p.Sealer = func(ctx context.Context) (clinic.Sealer, error) {
		if err := g.Keyset(ctx); err != nil {
			return nil, err
		}
		return open(ctx)
	}
	return p
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
