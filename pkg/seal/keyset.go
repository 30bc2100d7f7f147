package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// NewKeyset returns a new keyset encrypted under the KMS key named by keyID, as KMS
// loads it. No function makes one: it is made once, before there is anything sealed,
// and must never be lost.
func NewKeyset(ctx context.Context, client *kms.Client, keyID string) ([]byte, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := h.Write(keyset.NewJSONWriter(&b), &newKey{ctx, client, keyID}); err != nil {
		return nil, fmt.Errorf("encrypting a keyset under %s: %w", keyID, err)
	}
	return b.Bytes(), nil
}

// A newKey is a KMS key as Tink's AEAD, for encrypting a keyset once.
type newKey struct {
	ctx    context.Context //nolint:containedctx // Tink's interface takes no context; a newKey lives for one call
	client *kms.Client
	keyID  string
}

func (k *newKey) Encrypt(plain, _ []byte) ([]byte, error) {
	out, err := k.client.Encrypt(k.ctx, &kms.EncryptInput{
		KeyId: &k.keyID, Plaintext: plain, EncryptionContext: map[string]string{"purpose": keysetContext},
	})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

// Decrypt fails: a keyset that is being made is not read.
func (k *newKey) Decrypt([]byte, []byte) ([]byte, error) { return nil, errors.ErrUnsupported }
