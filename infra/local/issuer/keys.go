package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// GeneratePlanKey makes a key pair for a health plan that signs with ES384: the
// private key in PKCS #8 PEM for the plan, and the public key for AddPlan.
func GeneratePlanKey() (privatePEM string, public jose.JSONWebKey, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return "", jose.JSONWebKey{}, fmt.Errorf("making plan key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", jose.JSONWebKey{}, fmt.Errorf("making plan key: %w", err)
	}
	public = jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.ES384), Use: "sig"}
	if public.KeyID, err = keyID(public); err != nil {
		return "", jose.JSONWebKey{}, err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), public, nil
}

func checkPlanKey(k jose.JSONWebKey) error {
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P384() {
			return errors.New("an EC key must be on P-384")
		}
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return errors.New("an RSA key must have 2048 bits or more")
		}
	default:
		return fmt.Errorf("a %T is not a public RSA or EC key", k.Key)
	}
	return nil
}

// A state is kept across restarts. Without the signing key or the refresh tokens every
// session would end, and without the plans' keys every plan would need a new key.
type state struct {
	Key      jose.JSONWebKey            `json:"signing_key"`
	Plans    map[string]jose.JSONWebKey `json:"plans"`
	Families map[string]family          `json:"refresh_tokens,omitempty"`
	People   []Person                   `json:"people,omitempty"` // who signed in as somebody new
}

func loadState(path string) (state, error) {
	if path != "" {
		b, err := os.ReadFile(path) //nolint:gosec // the path is the local system's own setting
		if err == nil {
			return parseState(path, b)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return state{}, fmt.Errorf("reading key: %w", err)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return state{}, fmt.Errorf("making key: %w", err)
	}
	s := state{Key: jose.JSONWebKey{Key: key, Algorithm: string(jose.RS256), Use: "sig"}}
	if s.Key.KeyID, err = keyID(s.Key); err != nil {
		return state{}, err
	}
	return s, s.save(path)
}

func parseState(path string, b []byte) (state, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return state{}, fmt.Errorf("reading key in %s: %w", path, err)
	}
	if _, ok := s.Key.Key.(*rsa.PrivateKey); !ok || !s.Key.Valid() {
		return state{}, fmt.Errorf("reading key in %s: it is no RSA private key", path)
	}
	return s, nil
}

func (s state) withPlan(clientID string, key jose.JSONWebKey) state {
	s.Plans = maps.Clone(s.Plans)
	if s.Plans == nil {
		s.Plans = map[string]jose.JSONWebKey{}
	}
	s.Plans[clientID] = key
	return s
}

// save replaces the file in one step, so that a process killed at any moment leaves a
// whole file.
func (s state) save(path string) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("keeping key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // CreateTemp lets only the owner read the file
	if err != nil {
		return fmt.Errorf("keeping key: %w", err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keeping key: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

func keyID(k jose.JSONWebKey) (string, error) {
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("naming key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
