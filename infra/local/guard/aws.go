package guard

import (
	"context"
	"errors"
	"path"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/smithy-go/middleware"

	"evisit/infra/template"
)

const (
	bucketARN   = "Documents.Arn"
	streamARN   = "Table.StreamArn"
	identityARN = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailIdentity}"
	eventsARN   = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailEvents}"
	keysetKey   = "ContentKeyArn"
)

// S3 holds a client to the policy.
func (g *Guard) S3(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, before(g.permitObject), func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("GuardMissing", g.hideMissing), middleware.Before)
	})
}

func (g *Guard) permitObject(ctx context.Context, in any) error {
	a := template.Access{Resource: "${Documents.Arn}/"}
	switch p := in.(type) {
	case *s3.GetObjectInput:
		a.Action, a.Resource = "s3:GetObject", a.Resource+aws.ToString(p.Key)
	case *s3.HeadObjectInput:
		a.Action, a.Resource = "s3:GetObject", a.Resource+aws.ToString(p.Key)
	case *s3.PutObjectInput:
		a.Action, a.Resource = "s3:PutObject", a.Resource+aws.ToString(p.Key)
	case *s3.ListObjectsV2Input:
		a.Action, a.Resource = "s3:ListBucket", bucketARN
	default:
		a.Action, a.Resource = "s3:"+middleware.GetOperationName(ctx), bucketARN
		return g.refuse(ctx, a, unknownCall)
	}
	return g.Permit(ctx, a)
}

// hideMissing does as S3: whether an object is missing is told only to those who
// may list the bucket; others are refused.
func (g *Guard) hideMissing(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	middleware.InitializeOutput, middleware.Metadata, error,
) {
	out, meta, err := next.HandleInitialize(ctx, in)
	_, noKey := errors.AsType[*s3types.NoSuchKey](err)
	_, notFound := errors.AsType[*s3types.NotFound](err)
	if list := (template.Access{Action: "s3:ListBucket", Resource: bucketARN}); (noKey || notFound) && g.allowing(list) < 0 {
		err = accessDenied(list.Action, g.function+" is not authorized to perform: s3:ListBucket, without which a missing object is not told from one that is closed")
	}
	return out, meta, err
}

// SES holds a client to the policy.
func (g *Guard) SES(o *sesv2.Options) {
	o.APIOptions = append(o.APIOptions, before(func(ctx context.Context, in any) error {
		a := template.Access{Action: "ses:" + middleware.GetOperationName(ctx), Resource: identityARN}
		p, known := in.(*sesv2.SendEmailInput)
		if !known {
			return g.refuse(ctx, a, unknownCall)
		}
		err := g.Permit(ctx, a)
		if p.ConfigurationSetName != nil {
			a.Resource = eventsARN
			err = errors.Join(err, g.Permit(ctx, a))
		}
		return err
	}))
}

// Keyset permits opening the content keyset, which KMS does in production.
func (g *Guard) Keyset(ctx context.Context) error {
	return g.Permit(ctx, template.Access{Action: "kms:Decrypt", Resource: keysetKey})
}

// Secret permits reading the secret of Secrets Manager called name, such as
// evisit/production/api, whatever the folder: an installation has one.
func (g *Guard) Secret(ctx context.Context, name string) error {
	return g.Permit(ctx, template.Access{Action: "secretsmanager:GetSecretValue", Resource: template.SecretARN(path.Base(name))})
}

// Stream permits reading the table's stream, which Lambda does with the role of
// the function it feeds.
func (g *Guard) Stream(ctx context.Context) error {
	failures := []error{g.Permit(ctx, template.Access{Action: "dynamodb:ListStreams", Resource: "*"})}
	for _, action := range []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"} {
		failures = append(failures, g.Permit(ctx, template.Access{Action: action, Resource: streamARN}))
	}
	return errors.Join(failures...)
}
