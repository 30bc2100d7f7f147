package httpapi

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"evisit/pkg/fault"
)

// A counter is a key set that counts the signatures it verifies, which is once
// for each token that is not remembered.
type counter struct {
	oidc.KeySet
	n int
}

func (c *counter) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	c.n++
	return c.KeySet.VerifySignature(ctx, token)
}

// A remembering is Tokens of one issuer with a clock, and what signs for it.
type remembering struct {
	*Tokens
	keys   *counter
	signer jose.Signer
	now    time.Time
}

func newRemembering(t *testing.T) *remembering {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := &remembering{now: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)}
	if r.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil); err != nil {
		t.Fatal(err)
	}
	r.keys = &counter{KeySet: &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{key.Public()}}}
	r.Tokens = NewTokens(nil, func() time.Time { return r.now })
	r.trust(Issuer{URL: "https://issuer.example", Audience: "evisit"}, r.keys)
	return r
}

func (r *remembering) token(t *testing.T, subject string, life time.Duration) string {
	t.Helper()
	token, err := jwt.Signed(r.signer).Claims(jwt.Claims{
		Issuer: "https://issuer.example", Subject: subject, Audience: jwt.Audience{"evisit"},
		IssuedAt: jwt.NewNumericDate(r.now), Expiry: jwt.NewNumericDate(r.now.Add(life)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// proves checks that the token proves subject, or nobody if that is empty, and
// how many signatures were verified since it was issued.
func (r *remembering) proves(t *testing.T, token, subject string, verified int) {
	t.Helper()
	p, err := r.Prove(t.Context(), token)
	if p.Proof.Subject != subject || (subject == "") != errors.Is(err, fault.Anonymous) {
		t.Errorf("the token proves %q, %v, want %q", p.Proof.Subject, err, subject)
	}
	if r.keys.n != verified {
		t.Errorf("%d signatures were verified, want %d", r.keys.n, verified)
	}
}

func TestTokens_RememberedForAMinute(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	token := r.token(t, "ada", time.Hour)
	r.proves(t, token, "ada", 1)
	r.now = r.now.Add(tokenMemory - time.Millisecond)
	r.proves(t, token, "ada", 1)
	r.now = r.now.Add(time.Millisecond)
	r.proves(t, token, "ada", 2)
	if tokenMemory > time.Minute {
		t.Errorf("tokens are remembered for %s", tokenMemory)
	}
}

func TestTokens_NotRememberedBeyondTheirExpiry(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	token := r.token(t, "ada", 20*time.Second)
	r.proves(t, token, "ada", 1)
	r.now = r.now.Add(20*time.Second - time.Millisecond)
	r.proves(t, token, "ada", 1)
	r.now = r.now.Add(2 * time.Millisecond)
	r.proves(t, token, "", 2)
}

// A token that was refused is never remembered, and each is remembered as its own.
func TestTokens_RememberOnlyWhatWasVerified(t *testing.T) {
	t.Parallel()
	r := newRemembering(t)
	ada, bea := r.token(t, "ada", time.Hour), r.token(t, "bea", time.Hour)
	forged := ada[:len(ada)-4] + "AAAA"
	r.proves(t, ada, "ada", 1)
	r.proves(t, bea, "bea", 2)
	r.proves(t, forged, "", 3)
	r.proves(t, forged, "", 4)
	r.proves(t, ada, "ada", 4)
}
