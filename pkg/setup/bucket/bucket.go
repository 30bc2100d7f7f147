// Package bucket makes the client of the bucket of documents and signed heads,
// for the functions that use it.
package bucket

import (
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"evisit/pkg/blob"
	"evisit/pkg/setup"
)

// Of returns the function's bucket.
func Of(p setup.Parts) (*blob.Bucket, error) {
	if err := setup.Need(map[string]string{"EVISIT_BUCKET": p.Config.Bucket}); err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(p.Objects, func(o *s3.Options) { o.UsePathStyle = p.PathStyle })
	return blob.New(client, p.Config.Bucket), nil
}
