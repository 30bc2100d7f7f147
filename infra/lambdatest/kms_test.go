package lambdatest_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

const keyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// A vault is one KMS key. A ciphertext opens only with the encryption context
// it was made with, as at KMS.
type vault struct{ gcm cipher.AEAD }

func newVault() (*vault, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return &vault{gcm}, err
}

func bound(context map[string]string) []byte {
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(context)) {
		b.WriteString(k + "\x00" + context[k] + "\x00")
	}
	return b.Bytes()
}

// ServeHTTP serves KMS's Decrypt, which is all that a function may call.
func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refuse := func(kind string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"` + kind + `","message":"refused"}`))
	}
	var in struct {
		KeyID             string            `json:"KeyId"`
		CiphertextBlob    []byte            `json:"CiphertextBlob"`
		EncryptionContext map[string]string `json:"EncryptionContext"`
	}
	if r.Header.Get("X-Amz-Target") != "TrentService.Decrypt" {
		refuse("AccessDeniedException")
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.KeyID != keyARN {
		refuse("IncorrectKeyException")
		return
	}
	plain, err := v.gcm.Open(nil, nil, in.CiphertextBlob, bound(in.EncryptionContext))
	if err != nil {
		refuse("InvalidCiphertextException")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(struct {
		KeyID     string `json:"KeyId"`
		Plaintext []byte `json:"Plaintext"`
	}{keyARN, plain})
}

// Encrypt and Decrypt let Tink write a keyset under the key.
func (v *vault) Encrypt(plain, _ []byte) ([]byte, error) {
	return v.gcm.Seal(nil, nil, plain, bound(map[string]string{"purpose": "evisit-keyset"})), nil
}

func (v *vault) Decrypt([]byte, []byte) ([]byte, error) { return nil, errors.New("not here") }

// newKeyset returns a keyset as it is deployed: encrypted under the vault's key.
func newKeyset(t *testing.T, v *vault) string {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := h.Write(keyset.NewJSONWriter(&b), v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
