package clinic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"evisit/pkg/fault"
)

// StartSession commits a session for the holder of a proof and returns the value
// of its cookie, of which only a hash is stored.
func (k *Kernel) StartSession(ctx context.Context, p Proof, ends time.Time) (cookie string, err error) {
	cookie = k.NewID() + k.NewID() // each has 80 random bits
	return cookie, k.Store.Commit(ctx, Commit{Session: &Session{Hash: cookieHash(cookie), Proof: p, Ends: ends}})
}

// Session returns the proof of the session under a cookie. An unknown, expired
// or signed-out session is fault.Anonymous.
func (k *Kernel) Session(ctx context.Context, cookie string) (Proof, error) {
	signedOut := fault.New(fault.Anonymous, "not_signed_in", "you are not signed in, or no longer; sign in again")
	if cookie == "" || len(cookie) > 100 {
		return Proof{}, signedOut
	}
	s, err := k.Store.Session(ctx, cookieHash(cookie))
	if errors.Is(err, fault.NotFound) || err == nil && (s.Ended || !k.Now().Before(s.Ends)) {
		return Proof{}, signedOut
	}
	return s.Proof, err
}

// EndSession ends the session under a cookie. If there is none, nothing is to be
// done.
func (k *Kernel) EndSession(ctx context.Context, cookie string) error {
	p, err := k.Session(ctx, cookie)
	if errors.Is(err, fault.Anonymous) {
		return nil
	}
	if err != nil {
		return err
	}
	return k.Store.Commit(ctx, Commit{Session: &Session{Hash: cookieHash(cookie), Proof: p, Ends: k.Time(), Ended: true}})
}

func cookieHash(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}
