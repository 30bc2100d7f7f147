package secretstore_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"evisit/infra/local/safe"
	"evisit/pkg/secret"
	"evisit/pkg/secretstore"
)

func TestSource_ReadsBelowItsFolder(t *testing.T) {
	t.Parallel()
	s, err := safe.New()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	read := secretstore.Source(secretsmanager.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), "evisit/production")
	if err := errors.Join(s.Put("evisit/production/api", secret.Stripe{Key: "rk_1"}), s.Put("evisit/other/log", secret.Seed{})); err != nil {
		t.Fatal(err)
	}
	if b, err := read(t.Context(), secret.API); err != nil || string(b) != `{"stripe_key":"rk_1"}` {
		t.Errorf("read %s, %v", b, err)
	}
	_, err = read(t.Context(), secret.Log)
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); !none {
		t.Errorf("a secret of another folder: %v", err)
	}
}
