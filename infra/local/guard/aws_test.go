package guard_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/files"
	"evisit/infra/local/guard"
	"evisit/infra/template"
)

// refusal is the code that an error of AWS has; "" is no error.
func refusal(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("not an error of AWS: %v", err)
	}
	return refused.ErrorCode()
}

// bucket is a real bucket with one document, and clients of it: as the desk may
// use it, and as one may that is also allowed to list it.
func bucket(t *testing.T) (held, listing *s3.Client, g *guard.Guard) {
	t.Helper()
	objects, err := files.Handler(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(objects)
	t.Cleanup(func() {
		srv.Close()
		if err := objects.Close(); err != nil {
			t.Error(err)
		}
	})
	free := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	_, err = free.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("documents/a"), Body: strings.NewReader("a")})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	g = desk(t, log)
	tpl, err := template.Read(filepath.Join("testdata", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f := tpl.Functions["desk"]
	f.Statements = append(f.Statements, template.Statement{Effect: "Allow", Actions: []string{"s3:ListBucket"}, Resources: []string{"Documents.Arn"}})
	tpl.Functions["desk"] = f
	return s3.New(free.Options(), g.S3), s3.New(free.Options(), guard.New(tpl, "desk", log).S3), g
}

func TestGuard_S3Calls(t *testing.T) {
	t.Parallel()
	held, _, g := bucket(t)
	name := aws.String(files.Bucket)
	_, get := held.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("documents/a")})
	_, head := held.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: name, Key: aws.String("documents/a")})
	_, outside := held.GetObject(t.Context(), &s3.GetObjectInput{Bucket: name, Key: aws.String("exports/a")})
	_, put := held.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String("documents/b"), Body: strings.NewReader("b")})
	_, list := held.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: name})
	_, remove := held.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: name, Key: aws.String("documents/a")})
	var got []string
	for _, err := range []error{get, head, outside, put, list, remove} {
		got = append(got, refusal(t, err))
	}
	if d := cmp.Diff([]string{"", "", "AccessDenied", "AccessDenied", "AccessDenied", "AccessDenied"}, got); d != "" {
		t.Errorf("codes (-want +got):\n%s", d)
	}
	want := []string{
		"desk: s3:GetObject on ${Documents.Arn}/exports/a: the role does not allow it",
		"desk: s3:PutObject on ${Documents.Arn}/documents/b: the role does not allow it",
		"desk: s3:ListBucket on Documents.Arn: the role does not allow it",
		"desk: s3:DeleteObject on Documents.Arn: the guard does not know this kind of call",
	}
	if d := cmp.Diff(want, g.Denied()); d != "" {
		t.Errorf("denied (-want +got):\n%s", d)
	}
}

func TestGuard_S3MissingObject(t *testing.T) {
	t.Parallel()
	held, listing, g := bucket(t)
	in := &s3.GetObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("documents/none")}
	if _, err := held.GetObject(t.Context(), in); refusal(t, err) != "AccessDenied" {
		t.Errorf("without s3:ListBucket: %v", err)
	}
	if len(g.Denied()) != 0 {
		t.Errorf("a call that the role allows counts as denied: %q", g.Denied())
	}
	_, err := listing.GetObject(t.Context(), in)
	if _, missing := errors.AsType[*types.NoSuchKey](err); !missing {
		t.Errorf("with s3:ListBucket: %v", err)
	}
}

func TestGuard_SESCalls(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	t.Cleanup(srv.Close)
	g := desk(t, slog.New(slog.DiscardHandler))
	ses := sesv2.New(sesv2.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, g.SES)
	_, send := ses.SendEmail(t.Context(), &sesv2.SendEmailInput{Content: &sestypes.EmailContent{}})
	_, told := ses.SendEmail(t.Context(), &sesv2.SendEmailInput{Content: &sestypes.EmailContent{}, ConfigurationSetName: aws.String("evisit")})
	if refusal(t, told) != "AccessDeniedException" || len(g.Denied()) != 1 {
		t.Errorf("sending with a configuration set that the role may not use: %v", told)
	}
	_, account := ses.GetAccount(t.Context(), &sesv2.GetAccountInput{})
	if refusal(t, send) != "" || refusal(t, account) != "AccessDeniedException" || len(g.Denied()) != 2 {
		t.Errorf("sending: %v; reading the account: %v; denied: %q", send, account, g.Denied())
	}
}

func TestGuard_Secrets(t *testing.T) {
	t.Parallel()
	g := desk(t, slog.New(slog.DiscardHandler))
	own, bare := g.Secret(t.Context(), "evisit/production/desk"), g.Secret(t.Context(), "desk")
	other, longer := g.Secret(t.Context(), "evisit/production/charge"), g.Secret(t.Context(), "evisit/production/desk-old")
	if own != nil || bare != nil || refusal(t, other) != "AccessDeniedException" || refusal(t, longer) != "AccessDeniedException" || len(g.Denied()) != 2 {
		t.Errorf("own: %v, %v; another's: %v, %v; denied: %q", own, bare, other, longer, g.Denied())
	}
}

func TestGuard_KeysetAndStream(t *testing.T) {
	t.Parallel()
	for _, sid := range []string{"Content", "Stream", "StreamNames"} {
		tpl, err := template.Read("testdata/template.yaml")
		if err != nil {
			t.Fatal(err)
		}
		whole := guard.New(tpl, "desk", slog.New(slog.DiscardHandler))
		if err := errors.Join(whole.Keyset(t.Context()), whole.Stream(t.Context())); err != nil {
			t.Fatal(err)
		}
		f := tpl.Functions["desk"]
		for n := range f.Statements {
			if f.Statements[n].Sid == sid {
				f.Statements[n].Actions = nil
			}
		}
		lacking := guard.New(tpl, "desk", slog.New(slog.DiscardHandler))
		keyset, stream := lacking.Keyset(t.Context()), lacking.Stream(t.Context())
		if (keyset != nil) != (sid == "Content") || (stream != nil) == (sid == "Content") {
			t.Errorf("without %s: keyset %v, stream %v", sid, keyset, stream)
		}
	}
}
