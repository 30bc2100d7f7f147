package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"evisit/infra/local/files"
	"evisit/pkg/blob"
	"evisit/pkg/fault"
)

func newBucket(t *testing.T, h http.Handler, name string) *blob.Bucket {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return blob.New(s3.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1,
	}, func(o *s3.Options) { o.UsePathStyle = true }), name)
}

func fakeS3(t *testing.T) http.Handler {
	t.Helper()
	s, err := files.Handler(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Get returns the bytes that Put stored, and putting an object again succeeds.
func TestBucket_PutGet(t *testing.T) {
	t.Parallel()
	b := newBucket(t, fakeS3(t), files.Bucket)
	for _, data := range [][]byte{{}, {0}, []byte("plain words"), bytes.Repeat([]byte{0xff, '\n', 0}, 1<<18)} {
		for range 2 {
			if err := b.Put(t.Context(), "documents/lakeside/v1/ab", data); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := b.Get(t.Context(), "documents/lakeside/v1/ab"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("Get = %d bytes of %d, %v", len(got), len(data), err)
		}
	}
}

func TestGet_NotFound(t *testing.T) {
	t.Parallel()
	b := newBucket(t, fakeS3(t), files.Bucket)
	if got, err := b.Get(t.Context(), "documents/none"); !errors.Is(err, fault.NotFound) || got != nil {
		t.Errorf("Get = %q, %v", got, err)
	}
}

// If S3 fails, refuses or hangs up, Get is busy and Put fails.
func TestBucket_S3Fails(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"failing": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"refusing": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
		},
		"hanging up": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBucket(t, h, "documents")
			got, err := b.Get(t.Context(), "k")
			f, public := fault.Public(err)
			if !public || f.Kind != fault.Busy || got != nil {
				t.Errorf("Get = %q, %v", got, err)
			}
			if err := b.Put(t.Context(), "k", []byte("x")); err == nil {
				t.Error("Put succeeded")
			}
		})
	}
}

func TestGet_HalfAnObject(t *testing.T) {
	t.Parallel()
	b := newBucket(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}), "documents")
	if got, err := b.Get(t.Context(), "k"); err == nil {
		t.Errorf("Get = %q", got)
	}
}

func TestPut_ContextCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := newBucket(t, fakeS3(t), files.Bucket)
	if err := b.Put(ctx, "k", []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v", err)
	}
}
