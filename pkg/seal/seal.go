// Package seal encrypts content with Tink's authenticated encryption. The data
// keys are themselves encrypted under a KMS key; on a laptop they lie in a
// file. Each ciphertext is bound to its practice, record and field, so that
// bytes moved to another place do not open.
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

	"evisit/pkg/clinic"
)

// A Sealer is a clinic.Sealer. It is safe for concurrent use.
type Sealer struct{ aead tink.AEAD }

var _ clinic.Sealer = (*Sealer)(nil)

// Seal implements clinic.Sealer.
func (s *Sealer) Seal(_ context.Context, at clinic.Place, plain []byte) ([]byte, error) {
	b, err := s.aead.Encrypt(plain, associated(at))
	if err != nil {
		return nil, fmt.Errorf("sealing %s of %s: %w", at.Field, at.Record, err)
	}
	return b, nil
}

// Open implements clinic.Sealer.
func (s *Sealer) Open(_ context.Context, at clinic.Place, sealed []byte) ([]byte, error) {
	b, err := s.aead.Decrypt(sealed, associated(at))
	if err != nil {
		return nil, fmt.Errorf("unsealing %s of %s: %w", at.Field, at.Record, err)
	}
	return b, nil
}

// associated joins a place's parts with their lengths, so that no two places
// give the same bytes.
func associated(p clinic.Place) []byte {
	return fmt.Appendf(nil, "%d:%s%d:%s%d:%s", len(p.Practice), p.Practice, len(p.Record), p.Record, len(p.Field), p.Field)
}

// File opens the keyset in path, making a new one if there is none. It is for
// a laptop: whoever reads the file can open everything.
func File(path string) (*Sealer, error) {
	b, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if err := newFile(path); err != nil {
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
	return from(h)
}

// newFile writes a keyset whole or not at all, and never over another: half of
// one, or one replaced, would lose everything sealed with it.
func newFile(path string) error {
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
	return nil // someone else was quicker, and may have sealed with theirs
}

// KMS opens a keyset that was encrypted under the KMS key named by keyID.
func KMS(ctx context.Context, client *kms.Client, keyID string, encrypted []byte) (*Sealer, error) {
	h, err := keyset.Read(keyset.NewJSONReader(bytes.NewReader(encrypted)), &master{ctx, client, keyID})
	if err != nil {
		return nil, fmt.Errorf("opening the keyset under %s: %w", keyID, err)
	}
	return from(h)
}

func from(h *keyset.Handle) (*Sealer, error) {
	a, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("using the keyset: %w", err)
	}
	return &Sealer{a}, nil
}

// A master is a KMS key as Tink's AEAD, for reading a keyset once at start. It
// calls the SDK's concrete client: Tink's own KMS module holds clients in
// interfaces, which keeps the linker from dropping what we do not use.
type master struct {
	ctx    context.Context //nolint:containedctx // Tink's interface takes none; it lives for one call
	client *kms.Client
	keyID  string
}

const keysetContext = "evisit-keyset"

func (m *master) Encrypt(plain, _ []byte) ([]byte, error) {
	out, err := m.client.Encrypt(m.ctx, &kms.EncryptInput{
		KeyId: &m.keyID, Plaintext: plain, EncryptionContext: map[string]string{"purpose": keysetContext},
	})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

func (m *master) Decrypt(sealed, _ []byte) ([]byte, error) {
	out, err := m.client.Decrypt(m.ctx, &kms.DecryptInput{
		KeyId: &m.keyID, CiphertextBlob: sealed, EncryptionContext: map[string]string{"purpose": keysetContext},
	})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}
