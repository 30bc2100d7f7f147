// Package blob keeps immutable objects in S3.
package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
)

// A Bucket is clinic.Blobs on one S3 bucket. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	name   string
}

var _ clinic.Blobs = (*Bucket)(nil)

// New returns the bucket called name.
func New(client *s3.Client, name string) *Bucket { return &Bucket{client, name} }

// Put implements clinic.Blobs. A key is derived from the content, so putting an
// object again writes the same bytes.
func (b *Bucket) Put(ctx context.Context, key string, data []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(data)})
	if err != nil {
		return fmt.Errorf("storing object %s: %w", key, err)
	}
	return nil
}

// maxObject is the most that Get reads into memory.
const maxObject = 16 << 20

// Get implements clinic.Blobs.
func (b *Bucket) Get(ctx context.Context, key string) (data []byte, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if _, missing := errors.AsType[*types.NoSuchKey](err); missing {
		return nil, fault.Hide(fault.NotFound, "not_found", "there is no such object", err)
	}
	if err != nil {
		return nil, fault.Hide(fault.Busy, "try_again", "our records do not answer just now; repeat the same request", fmt.Errorf("fetching object %s: %w", key, err))
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	data, err = io.ReadAll(io.LimitReader(out.Body, maxObject))
	if err != nil {
		return nil, fmt.Errorf("fetching object %s: %w", key, err)
	}
	return data, nil
}
