package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"pgregory.net/rapid"

	"evisit/pkg/seal"
	"evisit/pkg/vault"
)

func newSealer(t *testing.T) *seal.Sealer {
	t.Helper()
	s, err := seal.File(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func places() *rapid.Generator[vault.Place] {
	// Parts of few letters, digits and colons are easily confused when joined.
	part := rapid.StringMatching(`[a1:]{0,4}`)
	return rapid.Custom(func(t *rapid.T) vault.Place {
		return vault.Place{
			Practice: part.Draw(t, "practice"), Patient: part.Draw(t, "patient"), Record: part.Draw(t, "record"),
			Field: part.Draw(t, "field"), Version: rapid.IntRange(0, 3).Draw(t, "version"),
		}
	})
}

// Sealed content is unsealed in its own place; moved, altered or cut short it is
// refused.
func TestUnseal_OnlyInItsPlace(t *testing.T) {
	t.Parallel()
	s := newSealer(t)
	rapid.Check(t, func(t *rapid.T) {
		at, plain := places().Draw(t, "at"), rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed, err := s.Seal(context.Background(), at, plain)
		if err != nil {
			t.Fatal(err)
		}
		if unsealed, err := s.Unseal(context.Background(), at, sealed); err != nil || !bytes.Equal(unsealed, plain) {
			t.Errorf("unsealed as %q, %v", unsealed, err)
		}
		if len(plain) > 8 && bytes.Contains(sealed, plain) {
			t.Error("the content is not encrypted")
		}
		if moved := places().Draw(t, "moved"); moved != at {
			if unsealed, err := s.Unseal(context.Background(), moved, sealed); err == nil {
				t.Errorf("sealed at %+v, unsealed at %+v: %q", at, moved, unsealed)
			}
		}
		altered := bytes.Clone(sealed)
		altered[rapid.IntRange(0, len(altered)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := s.Unseal(context.Background(), at, altered); err == nil {
			t.Error("altered content was unsealed")
		}
		if _, err := s.Unseal(context.Background(), at, sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")]); err == nil {
			t.Error("content cut short was unsealed")
		}
	})
}

// The same content sealed twice gives different bytes.
func TestSeal_SameContentDiffers(t *testing.T) {
	t.Parallel()
	s, at := newSealer(t), vault.Place{Practice: "p", Record: "r", Field: "f"}
	one, err := s.Seal(t.Context(), at, []byte("same"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.Seal(t.Context(), at, []byte("same"))
	if err != nil || bytes.Equal(one, two) {
		t.Errorf("sealed twice alike, %v", err)
	}
}

// Unseal's error names the field and record, and quotes no content.
func TestUnseal_ErrorHasNoContent(t *testing.T) {
	t.Parallel()
	s := newSealer(t)
	_, err := s.Unseal(t.Context(), vault.Place{Practice: "lakeside", Record: "v1", Field: "answers"}, []byte("chest pain"))
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("answers of v1")) || bytes.Contains([]byte(err.Error()), []byte("chest")) {
		t.Errorf("the error is %v", err)
	}
}

// Processes that make the keyset file at the same time all use one keyset, and
// leave no other file.
func TestFile_MadeConcurrently(t *testing.T) {
	t.Parallel()
	at := vault.Place{Practice: "p", Record: "r", Field: "f"}
	for range 10 {
		dir := t.TempDir()
		path := filepath.Join(dir, "keyset.json")
		var wg sync.WaitGroup
		sealed := make([][]byte, 8)
		for i := range sealed {
			wg.Go(func() {
				s, err := seal.File(path)
				if err != nil {
					t.Error(err)
					return
				}
				if sealed[i], err = s.Seal(context.Background(), at, []byte("kept")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s, err := seal.File(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range sealed {
			if _, err := s.Unseal(t.Context(), at, b); err != nil {
				t.Fatalf("content that one process sealed is lost: %v", err)
			}
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 1 {
			t.Errorf("files left: %v, %v", left, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the keyset's mode is %v, %v", info.Mode(), err)
		}
	}
}

// A file that holds no keyset is refused and not overwritten.
func TestFile_NotAKeyset(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyset.json")
	for _, content := range []string{"", "{", `{"primaryKeyId":1}`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.File(path); err == nil {
			t.Errorf("%q was taken for a keyset", content)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != content {
			t.Errorf("the file became %q, %v", b, err)
		}
	}
	if _, err := seal.File(filepath.Join(t.TempDir(), "missing", "keyset.json")); err == nil {
		t.Error("a keyset was made in a folder that is not there")
	}
}

// A fakeKMS decrypts as KMS does, under one key and its encryption context.
type fakeKMS struct {
	t   *testing.T
	key tink.AEAD
	id  string
}

func (k fakeKMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		KeyID             string            `json:"KeyId"`
		CiphertextBlob    string            `json:"CiphertextBlob"`
		EncryptionContext map[string]string `json:"EncryptionContext"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		k.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	sealed, err := base64.StdEncoding.DecodeString(in.CiphertextBlob)
	if err != nil || r.Header.Get("X-Amz-Target") != "TrentService.Decrypt" || in.KeyID != k.id {
		k.refuse(w)
		return
	}
	plain, err := k.key.Decrypt(sealed, []byte(in.EncryptionContext["purpose"]))
	if err != nil {
		k.refuse(w)
		return
	}
	if err := json.NewEncoder(w).Encode(map[string]string{"KeyId": k.id, "Plaintext": base64.StdEncoding.EncodeToString(plain)}); err != nil {
		k.t.Error(err)
	}
}

func (k fakeKMS) refuse(w http.ResponseWriter) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"__type":"InvalidCiphertextException"}`))
}

func newAEAD(t *testing.T) tink.AEAD {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	a, err := aead.New(h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A contextAEAD encrypts under an encryption context of its own, as KMS does.
type contextAEAD struct {
	tink.AEAD
	context string
}

func (b contextAEAD) Encrypt(plain, _ []byte) ([]byte, error) {
	return b.AEAD.Encrypt(plain, []byte(b.context))
}

// A keyset under a KMS key unseals in every process; a keyset under another key or
// another encryption context is refused.
func TestKMS_Keyset(t *testing.T) {
	t.Parallel()
	k := fakeKMS{t: t, key: newAEAD(t), id: "alias/evisit"}
	srv := httptest.NewServer(k)
	t.Cleanup(srv.Close)
	client := kms.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	encrypted := func(under tink.AEAD) []byte {
		h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := h.Write(keyset.NewJSONWriter(&b), under); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	good := encrypted(contextAEAD{k.key, "evisit-keyset"})
	at := vault.Place{Practice: "p", Record: "r", Field: "f"}
	s, err := seal.KMS(t.Context(), client, k.id, good)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Seal(t.Context(), at, []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := seal.KMS(t.Context(), client, k.id, good)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := again.Unseal(t.Context(), at, sealed); err != nil || string(b) != "kept" {
		t.Errorf("another process unsealed %q, %v", b, err)
	}
	for name, load := range map[string]func() error{
		"another key's keyset": func() error {
			_, err := seal.KMS(t.Context(), client, k.id, encrypted(contextAEAD{newAEAD(t), "evisit-keyset"}))
			return err
		},
		"something else sealed under the key": func() error {
			_, err := seal.KMS(t.Context(), client, k.id, encrypted(contextAEAD{k.key, "another purpose"}))
			return err
		},
		"a key that KMS does not let us use": func() error { _, err := seal.KMS(t.Context(), client, "alias/other", good); return err },
		"no keyset":                          func() error { _, err := seal.KMS(t.Context(), client, k.id, nil); return err },
	} {
		if load() == nil {
			t.Errorf("%s was loaded", name)
		}
	}
}
