// Package seal encrypts content with Tink's authenticated encryption. The keyset
// is itself encrypted under a KMS key; on a laptop the keyset is a plain file.
// Each ciphertext is bound to its place: practice, patient, record, field and
// version. Bytes moved to another place cannot be decrypted.
package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"evisit/pkg/vault"
)

// A Sealer is a vault.Sealer. It is safe for concurrent use.
type Sealer struct{ aead tink.AEAD }

var _ vault.Sealer = (*Sealer)(nil)

// Seal implements vault.Sealer.
func (s *Sealer) Seal(_ context.Context, at vault.Place, plain []byte) ([]byte, error) {
	b, err := s.aead.Encrypt(plain, associatedData(at))
	if err != nil {
		return nil, fmt.Errorf("sealing %s of %s: %w", at.Field, at.Record, err)
	}
	return b, nil
}

// Unseal implements vault.Sealer.
func (s *Sealer) Unseal(_ context.Context, at vault.Place, sealed []byte) ([]byte, error) {
	b, err := s.aead.Decrypt(sealed, associatedData(at))
	if err != nil {
		return nil, fmt.Errorf("unsealing %s of %s: %w", at.Field, at.Record, err)
	}
	return b, nil
}

// associatedData joins the parts of a place with their lengths, so that no two
// places have the same associated data.
func associatedData(p vault.Place) []byte {
	var b []byte
	for _, part := range []string{p.Practice, p.Patient, p.Record, p.Field} {
		b = fmt.Appendf(b, "%d:%s", len(part), part)
	}
	return fmt.Appendf(b, "%d", p.Version)
}

// File loads the keyset in path and makes a new keyset if there is no file. The
// keyset is not encrypted and its reader can unseal everything, so File is for a
// laptop only.
func File(path string) (*Sealer, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if err := newKeysetFile(path); err != nil {
			return nil, fmt.Errorf("making keyset %s: %w", path, err)
		}
		b, err = os.ReadFile(path) //nolint:gosec // the operator names the file
	}
	if err != nil {
		return nil, fmt.Errorf("reading keyset: %w", err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("reading keyset %s: %w", path, err)
	}
	return newSealer(h)
}

// newKeysetFile writes a new keyset whole or not at all, and never over another: a
// keyset cut short or replaced would lose everything sealed with it.
func newKeysetFile(path string) error {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keyset-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.Write(b.Bytes()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil // another process made the file first, and may have sealed with its keyset
}

// KMS loads a keyset that was encrypted under the KMS key named by keyID.
func KMS(ctx context.Context, client *kms.Client, keyID string, encrypted []byte) (*Sealer, error) {
	h, err := keyset.Read(keyset.NewJSONReader(bytes.NewReader(encrypted)), &kmsKey{ctx, client.Decrypt, keyID})
	if err != nil {
		return nil, fmt.Errorf("opening the keyset under %s: %w", keyID, err)
	}
	return newSealer(h)
}

func newSealer(h *keyset.Handle) (*Sealer, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("using the keyset: %w", err)
	}
	return &Sealer{a}, nil
}

// A kmsKey is a KMS key as Tink's AEAD, for decrypting the keyset once. It holds
// the one call that it makes: Tink holds a kmsKey in an interface, and a function
// that links html/template would link all calls of a client in it.
type kmsKey struct {
	ctx     context.Context //nolint:containedctx // Tink's interface takes no context; a kmsKey lives for one call
	decrypt func(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
	keyID   string
}

// keysetContext is the encryption context's purpose. KMS refuses to decrypt a
// ciphertext of another purpose, even one under the same key.
const keysetContext = "evisit-keyset"

// Encrypt fails: a function makes no keyset.
func (k *kmsKey) Encrypt([]byte, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }

func (k *kmsKey) Decrypt(sealed, _ []byte) ([]byte, error) {
	out, err := k.decrypt(k.ctx, &kms.DecryptInput{
		KeyId: &k.keyID, CiphertextBlob: sealed, EncryptionContext: map[string]string{"purpose": keysetContext},
	})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}
