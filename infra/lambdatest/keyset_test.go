package lambdatest_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"evisit/infra/local/safe"
)

// A sealing lets Tink write a keyset under the key of a safe.
type sealing struct{ *safe.Safe }

func (s sealing) Encrypt(plain, _ []byte) ([]byte, error) {
	return s.Seal(plain, map[string]string{"purpose": "evisit-keyset"}), nil
}

func (sealing) Decrypt([]byte, []byte) ([]byte, error) { return nil, errors.New("not here") }

// newKeyset returns a keyset as it is deployed: encrypted under the safe's key.
func newKeyset(t *testing.T, s *safe.Safe) []byte {
	t.Helper()
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := h.Write(keyset.NewJSONWriter(&b), sealing{s}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
