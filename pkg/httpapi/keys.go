package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// lookUpEvery is how often a key that the set does not have is looked up at
	// most, whatever its name. A new key works at once, unless another was looked
	// up just before: issuers publish keys longer ahead than that.
	lookUpEvery = 30 * time.Second
	// lookUpAgain is the same where the issuer did not answer.
	lookUpAgain = 2 * time.Second
	// keyPatience is how long the issuer may take to send its keys, and maxKeys how
	// large they may be.
	keyPatience = 10 * time.Second
	maxKeys     = 1 << 20
)

// errNoKeys says that a signature could not be checked, because the issuer did
// not send its keys.
var errNoKeys = errors.New("the issuer's keys cannot be read")

// A keySet is an issuer's keys, as oidc.KeySet wants them: those at url, read when
// a token is first verified, and again when a token names a key that they have
// not. It is safe for concurrent use.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu   sync.RWMutex
	keys []jose.JSONWebKey // nil before they were read

	looking sync.Mutex // held by the one look-up there is, and for what is below
	next    time.Time  // when a key that is not there may be looked up again
	failed  error      // why the last look-up failed; nil if it did not
}

func newKeySet(url string, now func() time.Time) *keySet {
	return &keySet{url: url, client: &http.Client{Timeout: keyPatience}, now: now}
}

// VerifySignature implements oidc.KeySet.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, errors.New("the token has not one signature")
	}
	if !strings.HasSuffix(token, "."+base64.RawURLEncoding.EncodeToString(signed.Signatures[0].Signature)) {
		return nil, errors.New("the signature is not written as base64url writes it") // bits that nothing verifies are not 0
	}
	keys, err := s.named(ctx, signed.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if payload, err := signed.Verify(k); err == nil {
			return payload, nil
		}
	}
	return nil, errors.New("the signature is by none of the issuer's keys")
}

// named returns the keys of that name, and all keys if a token names none. It looks
// up a key that is not there, or waits for the look-up of another request.
func (s *keySet) named(ctx context.Context, name string) ([]jose.JSONWebKey, error) {
	if found, _ := s.have(name); len(found) > 0 {
		return found, nil
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	found, read := s.have(name)
	if len(found) > 0 {
		return found, nil
	}
	if s.now().Before(s.next) {
		return nil, s.failed
	}
	keys, err := s.read(ctx)
	if err != nil {
		s.failed, s.next = fmt.Errorf("%w: %w", errNoKeys, err), s.now().Add(lookUpAgain)
		return nil, s.failed
	}
	s.mu.Lock()
	s.keys = keys
	s.mu.Unlock()
	s.failed = nil
	if read { // the first read is no look-up: whose keys they are, nobody could know before
		s.next = s.now().Add(lookUpEvery)
	}
	found, _ = s.have(name)
	return found, nil
}

// have returns the keys of that name that were read, and whether any were read.
func (s *keySet) have(name string) (found []jose.JSONWebKey, read bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range s.keys {
		if name == "" || k.KeyID == name {
			found = append(found, k)
		}
	}
	return found, s.keys != nil
}

// read reads the keys. It goes on where the request that wants them is given up,
// because others wait for it.
func (s *keySet) read(ctx context.Context) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxKeys))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.New("the issuer answers " + res.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, err
	}
	keys := []jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(raw, &k) == nil && k.Valid() && k.IsPublic() && (k.Use == "" || k.Use == "sig") {
			keys = append(keys, k) // the others are for uses that we do not know
		}
	}
	return keys, nil
}
