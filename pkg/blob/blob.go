// Package blob keeps immutable objects in S3.
package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"evisit/pkg/fault"
	"evisit/pkg/vault"
)

// A Bucket is vault.Objects on one S3 bucket. It is safe for concurrent use.
type Bucket struct {
	client *s3.Client
	name   string
}

var _ vault.Objects = (*Bucket)(nil)

// New returns the bucket called name.
func New(client *s3.Client, name string) *Bucket { return &Bucket{client, name} }

// Put implements vault.Objects. A key is derived from the content, so putting an
// object again writes the same bytes.
func (b *Bucket) Put(ctx context.Context, key string, data []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(data)})
	if err != nil {
		return fmt.Errorf("storing object %s: %w", key, err)
	}
	return nil
}

// First returns the object under prefix whose key sorts first, or an error of
// kind fault.NotFound.
func (b *Bucket) First(ctx context.Context, prefix string) ([]byte, error) {
	return b.From(ctx, prefix, "")
}

// From is First for keys that sort after start.
func (b *Bucket) From(ctx context.Context, prefix, start string) ([]byte, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, MaxKeys: aws.Int32(1)}
	if start != "" {
		in.StartAfter = &start
	}
	out, err := b.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, fault.Hide(fault.Busy, "try_again", "our records do not answer just now; repeat the same request", fmt.Errorf("listing objects under %s: %w", prefix, err))
	}
	if len(out.Contents) == 0 {
		return nil, fault.New(fault.NotFound, "not_found", "there is no such object")
	}
	return b.Get(ctx, aws.ToString(out.Contents[0].Key))
}

// Names lists, of the objects under prefix, what stands between it and the next
// slash, each once.
func (b *Bucket) Names(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, Delimiter: aws.String("/")}
	for pages := s3.NewListObjectsV2Paginator(b.client, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fault.Hide(fault.Busy, "try_again", "our records do not answer just now; repeat the same request", fmt.Errorf("listing objects under %s: %w", prefix, err))
		}
		for _, p := range out.CommonPrefixes {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
		}
	}
	return names, nil
}

// maxObject is the most that Get reads into memory.
const maxObject = 16 << 20

// Get implements vault.Objects.
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
