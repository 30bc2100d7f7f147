package files_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/files"
)

// newClient returns an SDK client of the server at url. Only the endpoint and
// path-style addresses differ from the configuration of a function.
func newClient(t *testing.T, url string) *s3.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(),
		config.WithRegion("us-east-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		t.Fatal(err)
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.BaseEndpoint = aws.String(url)
		o.UsePathStyle = true
	})
}

func serve(t *testing.T, dir string) (*s3.Client, string) {
	t.Helper()
	h, err := files.Handler(dir)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(func() {
		srv.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return newClient(t, srv.URL), srv.URL
}

func put(t *testing.T, c *s3.Client, key, body string) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(files.Bucket), Key: aws.String(key), Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, c *s3.Client, key string) (*s3.GetObjectOutput, string) {
	t.Helper()
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(out.Body) // reading also checks the checksum in the reply
	if err != nil {
		t.Fatal(err)
	}
	return out, string(b)
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != code {
		t.Errorf("error is %v, want %s", err, code)
	}
}

// An object has the body, headers and checksum that it was put with.
func TestServer_PutGet(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	for name, body := range map[string]string{
		"a document": `{"resourceType":"Composition"}`,
		"nothing":    "",
		"five MB":    strings.Repeat("0123456789abcdef", 5<<16),
		"bytes":      "\x00\r\n\xff0;chunk-signature=\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := aws.String("documents/a b/é+?#%/" + name)
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(files.Bucket), Key: key, Body: strings.NewReader(body),
				ContentType: aws.String("application/fhir+json"), Metadata: map[string]string{"version": "3"},
				ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("key-1"),
			})
			if err != nil {
				t.Fatal(err)
			}
			out, got := get(t, c, *key)
			if got != body {
				t.Errorf("%d bytes came back other than the %d put", len(got), len(body))
			}
			if aws.ToString(out.ChecksumCRC32) == "" {
				t.Error("the checksum the SDK sent was not kept")
			}
			head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(files.Bucket), Key: key})
			if err != nil {
				t.Fatal(err)
			}
			if aws.ToInt64(head.ContentLength) != int64(len(body)) || aws.ToString(head.ContentType) != "application/fhir+json" ||
				head.Metadata["version"] != "3" || aws.ToString(head.ETag) != aws.ToString(out.ETag) ||
				head.ServerSideEncryption != types.ServerSideEncryptionAwsKms {
				t.Errorf("head is %+v", head)
			}
		})
	}
}

// A put replaces the body and the metadata of the object.
func TestServer_PutReplaces(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(files.Bucket), Key: aws.String("k"), Body: strings.NewReader("long and old"), Metadata: map[string]string{"old": "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "k", "new")
	out, got := get(t, c, "k")
	if got != "new" || len(out.Metadata) != 0 {
		t.Errorf("object is %q with metadata %v", got, out.Metadata)
	}
}

// Of concurrent writers with If-None-Match exactly one creates the object.
func TestServer_PutIfNoneMatch(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	const writers = 8
	errs := make(chan error, writers)
	for n := range writers {
		go func() {
			_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(files.Bucket), Key: aws.String("doc"), IfNoneMatch: aws.String("*"),
				Body: strings.NewReader(fmt.Sprint("by ", n)),
			})
			errs <- err
		}()
	}
	wins := 0
	for range writers {
		err := <-errs
		if err == nil {
			wins++
			continue
		}
		wantCode(t, err, "PreconditionFailed")
	}
	if wins != 1 {
		t.Errorf("%d of %d writers created the one object", wins, writers)
	}
}

// A put with If-Match succeeds on the version that was read, and not on a later one.
func TestServer_PutIfMatch(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	put(t, c, "doc", "one")
	out, _ := get(t, c, "doc")
	in := func(etag *string) *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("doc"), IfMatch: etag, Body: strings.NewReader("two")}
	}
	if _, err := c.PutObject(t.Context(), in(out.ETag)); err != nil {
		t.Fatal(err)
	}
	_, err := c.PutObject(t.Context(), in(out.ETag))
	wantCode(t, err, "PreconditionFailed")
}

// Bodies that match their checksum are stored, and others are refused.
func TestServer_PutChecksums(t *testing.T) {
	t.Parallel()
	c, url := serve(t, t.TempDir())
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256} {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(files.Bucket), Key: aws.String("doc"), Body: strings.NewReader("hello"), ChecksumAlgorithm: a,
		})
		if err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if _, got := get(t, c, "doc"); got != "hello" {
			t.Errorf("%s: object is %q", a, got)
		}
	}
	for _, tc := range []struct {
		header, value string
		status        int
		code          string
	}{
		{"X-Amz-Checksum-Crc32", "AAAAAA==", 400, "BadDigest"},
		{"X-Amz-Checksum-Sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 400, "BadDigest"},
		{"X-Amz-Content-Sha256", strings.Repeat("0", 64), 400, "BadDigest"},
		{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 501, "NotImplemented"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/"+files.Bucket+"/doc", strings.NewReader("damaged"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(tc.header, tc.value)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != tc.status || !bytes.Contains(b, []byte(tc.code)) {
			t.Errorf("%s %s: answer is %s %s, want %d %s", tc.header, tc.value, res.Status, b, tc.status, tc.code)
		}
	}
	if _, got := get(t, c, "doc"); got != "hello" {
		t.Errorf("a damaged put left %q", got)
	}
}

func TestServer_GetRange(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	put(t, c, "doc", "0123456789")
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(files.Bucket), Key: aws.String("doc"), Range: aws.String("bytes=2-5"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Body.Close() }()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != "2345" || aws.ToString(out.ContentRange) != "bytes 2-5/10" {
		t.Errorf("part is %q, %s", b, aws.ToString(out.ContentRange))
	}
}

func TestServer_AbsentObjectOrBucket(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	ctx := t.Context()
	_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("absent")})
	if _, ok := errors.AsType[*types.NoSuchKey](err); !ok {
		t.Errorf("error is %v, want NoSuchKey", err)
	}
	_, err = c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("absent")})
	if _, ok := errors.AsType[*types.NotFound](err); !ok {
		t.Errorf("error is %v, want NotFound", err)
	}
	_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("elsewhere"), Key: aws.String("doc")})
	wantCode(t, err, "NoSuchBucket")
	_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("elsewhere"), Key: aws.String("doc"), Body: strings.NewReader("x")})
	wantCode(t, err, "NoSuchBucket")
	_, err = c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(files.Bucket), Key: aws.String("absent")})
	if err != nil {
		t.Errorf("deleting an absent object: %v", err)
	}
}

func TestServer_CreateDeleteListBuckets(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	ctx, name := t.Context(), aws.String("reports")
	if _, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name})
	wantCode(t, err, "BucketAlreadyExists")
	if _, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("r"), Body: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name})
	wantCode(t, err, "BucketNotEmpty")
	if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: name, Key: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: name}); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Buckets) != 1 || aws.ToString(out.Buckets[0].Name) != files.Bucket {
		t.Errorf("buckets are %+v", out.Buckets)
	}
}

// Pages of every size list every key or common prefix once.
func TestServer_ListPages(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	for _, key := range []string{"a", "b/1", "b/2", "b/3", "c/1", "c/2", "d", "other"} {
		put(t, c, key, key)
	}
	for name, tc := range map[string]struct {
		prefix, delimiter string
		want              []string
	}{
		"all":              {"", "", []string{"a", "b/1", "b/2", "b/3", "c/1", "c/2", "d", "other"}},
		"below a prefix":   {"b/", "", []string{"b/1", "b/2", "b/3"}},
		"by folder":        {"", "/", []string{"a", "b/", "c/", "d", "other"}},
		"below a folder":   {"c/", "/", []string{"c/1", "c/2"}},
		"below no key":     {"z", "", nil},
		"by partial names": {"b/", "2", []string{"b/1", "b/2", "b/3"}},
	} {
		for _, size := range []int32{1, 2, 3, 100} {
			t.Run(fmt.Sprint(name, " in pages of ", size), func(t *testing.T) {
				t.Parallel()
				in := &s3.ListObjectsV2Input{Bucket: aws.String(files.Bucket), Prefix: aws.String(tc.prefix), MaxKeys: aws.Int32(size)}
				if tc.delimiter != "" {
					in.Delimiter = aws.String(tc.delimiter)
				}
				got := map[string]int{}
				for p := s3.NewListObjectsV2Paginator(c, in); p.HasMorePages(); {
					out, err := p.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for _, o := range out.Contents {
						got[aws.ToString(o.Key)]++
					}
					for _, d := range out.CommonPrefixes {
						got[aws.ToString(d.Prefix)]++
					}
				}
				want := map[string]int{}
				for _, k := range tc.want {
					want[k] = 1
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("entries differ (-want +got):\n%s", d)
				}
			})
		}
	}
}

// A concurrent reader gets the body of one put, not a mixture.
func TestServer_ConcurrentPutGet(t *testing.T) {
	t.Parallel()
	c, _ := serve(t, t.TempDir())
	body := func(n int) string { return strings.Repeat(string(rune('a'+n)), 200<<10) }
	put(t, c, "doc", body(0))
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 5 {
				put(t, c, "doc", body(n))
			}
		})
		wg.Go(func() {
			for range 5 {
				_, got := get(t, c, "doc")
				if len(got) != 200<<10 || strings.Trim(got, got[:1]) != "" {
					t.Errorf("read a mixture of %d bytes", len(got))
				}
			}
		})
	}
	wg.Wait()
}

func TestServer_ObjectsSurviveRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before, _ := serve(t, dir)
	put(t, before, "doc", "kept")
	after, _ := serve(t, dir) // the first server is not closed, as a killed process closes nothing
	if _, got := get(t, after, "doc"); got != "kept" {
		t.Errorf("object is %q", got)
	}
}

func TestHandler_AbsentFolder(t *testing.T) {
	t.Parallel()
	if h, err := files.Handler(t.TempDir() + "/absent"); err == nil {
		t.Error("Handler succeeded", h.Close())
	}
}

// victimEnv is the environment variable that makes this test binary the process that
// is killed; its value is the folder to serve.
const victimEnv = "EVISIT_TEST_FILES_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimEnv); dir != "" {
		if err := serveVictim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serveVictim serves dir until it is killed, and prints the server's URL.
func serveVictim(dir string) error {
	h, err := files.Handler(dir)
	if err != nil {
		return err
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	if _, err := fmt.Fprintln(os.Stdout, srv.URL); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin) // also ends when the test process ends
	return err
}

// startVictim starts a process that serves dir.
func startVictim(t *testing.T, dir string) (*exec.Cmd, *s3.Client) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	victim := exec.CommandContext(t.Context(), self)
	victim.Env = append(os.Environ(), victimEnv+"="+dir)
	victim.Stderr = os.Stderr
	if _, err := victim.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return victim, newClient(t, strings.TrimSpace(url))
}

// A killed server leaves the object whole, as the last acknowledged put or a later one
// wrote it.
func TestServer_Killed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	body := func(n int) string { return strings.Repeat(fmt.Sprintf("%08d", n), 32<<10) }
	next, acknowledged := 0, -1
	for kill := range 5 {
		t.Run(fmt.Sprint("kill ", kill), func(t *testing.T) {
			victim, c := startVictim(t, dir)
			killed := make(chan error, 1)
			for round := 0; ; round++ {
				if round == 4 {
					go func() { killed <- victim.Process.Kill() }() // while puts go on
				}
				n := next
				next++
				_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
					Bucket: aws.String(files.Bucket), Key: aws.String("doc"),
					Body: strings.NewReader(body(n)), Metadata: map[string]string{"n": strconv.Itoa(n)},
				})
				if err != nil {
					if round < 4 {
						t.Fatal(err)
					}
					break
				}
				acknowledged = n
			}
			if err := <-killed; err != nil {
				t.Fatal(err)
			}
			if err := victim.Wait(); err == nil {
				t.Fatal("the server ended by itself")
			}
			// The put that the kill interrupted may or may not be stored.
			after, _ := serve(t, dir)
			out, got := get(t, after, "doc")
			n, err := strconv.Atoi(out.Metadata["n"])
			if err != nil {
				t.Fatal(err)
			}
			if n < acknowledged || n >= next || got != body(n) {
				t.Errorf("object is %d bytes marked %d; %d was acknowledged", len(got), n, acknowledged)
			}
		})
	}
}
