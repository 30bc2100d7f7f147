// Package safe stands in for AWS KMS and AWS Secrets Manager over HTTP, in the
// protocol of both (JSON 1.1), for tests. It has one KMS key. As at KMS, a ciphertext
// opens only with the encryption context that it was made with; as at Secrets Manager,
// a secret has a name, an ARN that ends in six letters of chance, and versions of which
// the last is served.
package safe

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// KeyARN names the one KMS key.
const KeyARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// A Permit decides as IAM does whether an action on a secret or on the key may be
// done; nil permits all. The id is a secret's name or KeyARN.
type Permit func(ctx context.Context, action, id string) error

// A Safe is both services. It is safe for concurrent use.
type Safe struct {
	gcm cipher.AEAD

	mu      sync.Mutex
	secrets map[string]string // by name
	reads   map[string]int    // of each secret
	closed  bool
}

// New returns a safe with a new key and no secret.
func New() (*Safe, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return &Safe{gcm: gcm, secrets: map[string]string{}, reads: map[string]int{}}, err
}

// Put stores v as JSON under name, such as evisit/production/api.
func (s *Safe) Put(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[name] = string(b)
	return nil
}

// Secret returns what is stored under name; empty if there is nothing.
func (s *Safe) Secret(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[name]
}

// Reads returns how often the secret called name was asked for.
func (s *Safe) Reads(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[name]
}

// Close has Secrets Manager answer nothing but errors, or answer again.
func (s *Safe) Close(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = closed
}

// Seal encrypts plain under the key, with an encryption context.
func (s *Safe) Seal(plain []byte, bound map[string]string) []byte {
	return s.gcm.Seal(nil, nil, plain, textOf(bound)) //nolint:gosec // the nonce is random, and made by Seal
}

func textOf(bound map[string]string) []byte {
	var b bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(bound)) {
		b.WriteString(k + "\x00" + bound[k] + "\x00")
	}
	return b.Bytes()
}

// ServeHTTP serves both services without limits.
func (s *Safe) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.For(nil).ServeHTTP(w, r) }

// For returns the services as one function sees them.
func (s *Safe) For(permit Permit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply, err := s.answer(r, permit)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err != nil {
			var e refusal
			if !errors.As(err, &e) {
				e = "AccessDeniedException" // of permit
			}
			w.WriteHeader(http.StatusBadRequest)
			reply = map[string]string{"__type": string(e), "message": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(reply)
	})
}

// A refusal is the type of an error of AWS.
type refusal string

func (r refusal) Error() string { return string(r) }

// A call is a request of either service.
type call struct {
	KeyID             string            `json:"KeyId"`
	Plaintext         []byte            `json:"Plaintext"`
	CiphertextBlob    []byte            `json:"CiphertextBlob"`
	EncryptionContext map[string]string `json:"EncryptionContext"`
	SecretID          string            `json:"SecretId"`
	Name              string            `json:"Name"`
	SecretString      string            `json:"SecretString"`
}

func (s *Safe) answer(r *http.Request, permit Permit) (any, error) {
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	signedFor := map[string]string{"TrentService": "kms", "secretsmanager": "secretsmanager"}[service]
	if signedFor == "" || !strings.Contains(r.Header.Get("Authorization"), "/"+signedFor+"/aws4_request") {
		return nil, refusal("IncompleteSignatureException")
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var c call
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, refusal("SerializationException")
	}
	id := KeyARN
	if service == "secretsmanager" {
		id = c.SecretID + c.Name // one of them
	}
	if permit != nil {
		if err := permit(r.Context(), signedFor+":"+operation, id); err != nil {
			return nil, err
		}
	}
	if service == "secretsmanager" {
		return s.secretsManager(operation, id, c.SecretString)
	}
	return s.kms(operation, c)
}

func (s *Safe) kms(operation string, c call) (any, error) {
	if c.KeyID != KeyARN {
		return nil, refusal(map[bool]string{true: "IncorrectKeyException", false: "NotFoundException"}[operation == "Decrypt"])
	}
	type reply struct {
		KeyID          string `json:"KeyId"`
		CiphertextBlob []byte `json:"CiphertextBlob,omitempty"`
		Plaintext      []byte `json:"Plaintext,omitempty"`
	}
	switch operation {
	case "Encrypt":
		return reply{KeyID: KeyARN, CiphertextBlob: s.Seal(c.Plaintext, c.EncryptionContext)}, nil
	case "Decrypt":
		plain, err := s.gcm.Open(nil, nil, c.CiphertextBlob, textOf(c.EncryptionContext))
		if err != nil {
			return nil, refusal("InvalidCiphertextException")
		}
		return reply{KeyID: KeyARN, Plaintext: plain}, nil
	}
	return nil, refusal("UnknownOperationException")
}

func (s *Safe) secretsManager(operation, name, text string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, refusal("InternalServiceError")
	}
	stored, there := s.secrets[name]
	type reply struct {
		ARN          string `json:"ARN"`
		Name         string `json:"Name"`
		VersionID    string `json:"VersionId"`
		SecretString string `json:"SecretString,omitempty"`
	}
	out := reply{ARN: "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + name + "-AbCdEf", Name: name, VersionID: rand.Text()}
	switch {
	case operation == "CreateSecret" && there:
		return nil, refusal("ResourceExistsException")
	case operation == "CreateSecret":
		s.secrets[name] = text
	case !there:
		return nil, refusal("ResourceNotFoundException")
	case operation == "PutSecretValue":
		s.secrets[name] = text
	case operation == "GetSecretValue":
		s.reads[name]++
		out.SecretString = stored
	default:
		return nil, refusal("UnknownOperationException")
	}
	return out, nil
}
