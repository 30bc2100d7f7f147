package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

const keyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// Keys stand in for KMS. Nothing is kept from anybody by them: a ciphertext is the text.
type keys struct {
	url    string
	keyset string
	close  func() error
}

// plainly is Tink's AEAD of keys.
type plainly struct{}

func (plainly) Encrypt(plain, _ []byte) ([]byte, error)  { return plain, nil }
func (plainly) Decrypt(sealed, _ []byte) ([]byte, error) { return sealed, nil }

func serveKeys() (*keys, error) {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := h.Write(keyset.NewJSONWriter(&b), plainly{}); err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() { _ = http.Serve(l, http.HandlerFunc(decrypt)) }() //nolint:gosec // ends with the listener
	return &keys{url: "http://" + l.Addr().String(), keyset: b.String(), close: l.Close}, nil
}

// decrypt serves KMS's Decrypt.
func decrypt(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Sealed []byte `json:"CiphertextBlob"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(struct {
		KeyID string `json:"KeyId"`
		Plain []byte `json:"Plaintext"`
	}{keyARN, in.Sealed})
}

// settings are what any function is given.
func (k *keys) settings() map[string]string {
	text := base64.StdEncoding.EncodeToString
	seed := make([]byte, ed25519.SeedSize)
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return map[string]string{ //nolint:gosec // these stand in for secrets
		"EVISIT_TABLE": mainTable, "EVISIT_BUCKET": "bench", "EVISIT_PAGES": "https://visit.example.org",
		"OIDC_ISSUER": "https://issuer.example", "OIDC_JWKS_URL": "https://issuer.example/jwks", "OIDC_AUDIENCE": "bench",
		"STRIPE_SECRET_KEY": "sk_test_unused", "STRIPE_WEBHOOK_SECRET": "whsec_platform", "STRIPE_CONNECT_WEBHOOK_SECRET": "whsec_connect", "EVISIT_STRIPE_MODE": "test",
		"EVISIT_ORIGIN_SECRETS": "none", "EVISIT_STAFF_IDLE": "15m",
		"EVISIT_KMS_KEY": keyARN, "EVISIT_KEYSET": text([]byte(k.keyset)), "EVISIT_MAIL_FROM": "no-reply@visit.example.org",
		"EVISIT_LOG_ORIGIN": "visit.example.org/log", "EVISIT_LOG_SEED": text(seed), "EVISIT_LOG_PUBLIC": text(public),
		"AWS_ENDPOINT_URL_KMS": k.url,
	}
}
