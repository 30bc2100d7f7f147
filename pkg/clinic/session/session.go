// Package session keeps people signed in to the pages. A session is a row behind
// an opaque cookie. It is renewed while it is used, ends when it is idle, and
// ends at sign-out, here and at the identity provider. A form that is posted
// after the end is kept, sealed, until its sender signs in again; so is what was
// typed on a page that its writer left without sending it.
//
// How a provider is asked, cookies and pages are left to others; so is what a
// person may do, which is read from rows for every request.
package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/vault"
)

const (
	// StaffIdle is how long a person who works at a practice may be idle, unless a
	// deployment sets another time (HIPAA, 45 CFR 164.312(a)(2)(iii): automatic
	// logoff).
	StaffIdle = 15 * time.Minute
	// PatientIdle is longer: patients look up medicines and measure themselves
	// while they fill in a form, on a device of their own, and see their own record
	// only.
	PatientIdle = time.Hour
	// Longest is how long a session lasts that is never idle: longer than a shift.
	Longest = 12 * time.Hour

	// seenEvery is how often the use of a session is written at most.
	seenEvery = 5 * time.Minute
	// exchangeTime bounds an exchange at the provider, after which another request
	// may try.
	exchangeTime = 30 * time.Second
)

// A Provider is the identity providers, each asked by its issuer about someone it
// signed in.
type Provider interface {
	// Refresh exchanges a refresh token. An error of kind fault.Anonymous is the
	// provider's refusal. Any other error leaves unknown whether the token was
	// used.
	Refresh(ctx context.Context, issuer, token string) (SignIn, error)
	// Revoke ends a refresh token at the provider. A token that has ended is no
	// error.
	Revoke(ctx context.Context, issuer, token string) error
}

// A SignIn is what a provider says of a person who has signed in.
type SignIn struct {
	clinic.Proven
	// Until is when the provider must be asked again, by the refresh token.
	Until time.Time
	// Refresh is the refresh token. Without one the session ends at Until.
	Refresh string
	// Name is how to call the person on the pages; empty if unknown.
	Name phi.Text
}

// A Keeper keeps sessions. Its exported fields must be set before use. It is safe
// for concurrent use.
type Keeper struct {
	Kernel    *clinic.Kernel
	Sealer    vault.Vault // its Objects are not used
	Provider  Provider
	StaffIdle time.Duration

	mu   sync.Mutex
	used map[string]time.Time // hash of a session to when this process last saw it used
}

// errOver is the refusal of a cookie that has no session, or no longer.
var errOver = fault.New(fault.Anonymous, "not_signed_in", "you are not signed in, or no longer; sign in again")

// A contact is what is sealed of the addresses that a provider confirmed.
type contact struct {
	Email phi.Text `json:"email,omitempty"`
	Phone phi.Text `json:"phone,omitempty"`
}

// Start begins a session of c, and returns the value of its cookie, of which only a
// hash is stored. The session is at the practice of c's person, which Identify has
// read. Without a person it is at none, until Choose says at which.
func (k *Keeper) Start(ctx context.Context, c clinic.Caller, in SignIn) (cookie string, err error) {
	cookie = k.Kernel.NewID() + k.Kernel.NewID() // each has 80 random bits
	now := k.Kernel.Time()
	s := clinic.Session{
		Hash: hashOf(cookie), Proof: in.Proof, Practice: c.Person.Practice, Strong: in.Strong,
		Seen: now, Renew: in.Until, Ends: now.Add(Longest), Version: 1,
	}
	if s.Refresh, err = k.seal(ctx, s.Hash, in.Refresh); err != nil {
		return "", err
	}
	if s.Name, err = k.sealName(ctx, s.Hash, in.Name); err != nil {
		return "", err
	}
	if in.Email != "" || in.Phone != "" {
		if s.Contact, err = k.Sealer.Seal(ctx, contactPlace(s.Hash), contact{in.Email, in.Phone}); err != nil {
			return "", err
		}
	}
	return cookie, k.Kernel.Store.Commit(ctx, clinic.Commit{Session: &s, Audit: k.record(c, "session.start", now)})
}

// Refuse records that c, whom practices once knew, was not signed in. Of someone
// whom no practice has ever known there is nothing to record.
func (k *Keeper) Refuse(ctx context.Context, c clinic.Caller) error {
	t, err := k.Kernel.Store.Token(ctx, c.Proof)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if len(t.Memberships) == 0 {
		return nil
	}
	var all []audit.Record
	for _, m := range t.Memberships {
		c.Person = identity.Person{ID: m.Person, Practice: m.Practice}
		all = append(all, k.record(c, "session.refuse", k.Kernel.Time())...)
	}
	return k.Kernel.Store.Commit(ctx, clinic.Commit{Audit: all})
}

// record returns the audit record of a sign-in or its end, in the log of the
// practice of c's person.
func (k *Keeper) record(c clinic.Caller, action string, now time.Time) []audit.Record {
	if c.Person.Practice == "" {
		return nil
	}
	return []audit.Record{{ID: k.Kernel.NewID(), Practice: c.Person.Practice, At: now, Actor: c.Actor(""), Action: action}}
}

// Use returns c as the holder of the session under cookie, with the name that the
// session began with, and keeps the session from becoming idle. If the ID token behind
// the session has expired, the provider is asked whether the sign-in still holds.
//
// Errors: an error of kind fault.Anonymous and code not_signed_in if there is no
// session or it has ended; the refusals of Kernel.Identify; fault.Busy.
func (k *Keeper) Use(ctx context.Context, cookie string, c clinic.Caller) (clinic.Caller, phi.Text, error) {
	return k.use(ctx, cookie, c, false)
}

// UseAnyway is Use also for a holder whom Identify refuses: no practice knows them, or
// several do and none is chosen. The caller's person is then zero.
func (k *Keeper) UseAnyway(ctx context.Context, cookie string, c clinic.Caller) (clinic.Caller, phi.Text, error) {
	return k.use(ctx, cookie, c, true)
}

func (k *Keeper) use(ctx context.Context, cookie string, c clinic.Caller, anyway bool) (clinic.Caller, phi.Text, error) {
	s, err := k.load(ctx, cookie)
	if err != nil {
		return c, "", err
	}
	now := k.Kernel.Time()
	if over(s, now) {
		return c, "", errOver
	}
	if c, err = k.holder(ctx, s, c); err != nil {
		return c, "", err
	}
	c, refused := k.Kernel.Identify(ctx, c)
	if refused != nil && (!anyway || !isRefusal(refused)) {
		return c, "", refused
	}
	if !now.Before(k.lastUsed(s).Add(k.idle(c.Person, refused))) {
		return c, "", errOver
	}
	k.noteUse(s.Hash, now)
	if err := k.keepUp(ctx, s, now); err != nil {
		return c, "", err
	}
	name, err := k.name(ctx, s)
	return c, name, err
}

// name returns how the pages call the holder of s; empty if that is unknown.
func (k *Keeper) name(ctx context.Context, s clinic.Session) (name phi.Text, err error) {
	if len(s.Name) > 0 {
		err = k.Sealer.Unseal(ctx, namePlace(s.Hash), s.Name, &name)
	}
	return name, err
}

// holder returns c as the holder of s, without their person.
func (k *Keeper) holder(ctx context.Context, s clinic.Session, c clinic.Caller) (clinic.Caller, error) {
	var known contact
	if len(s.Contact) > 0 {
		if err := k.Sealer.Unseal(ctx, contactPlace(s.Hash), s.Contact, &known); err != nil {
			return c, err
		}
	}
	c.Practice = s.Practice
	return c.By(clinic.Proven{Proof: s.Proof, Email: known.Email, Phone: known.Phone, Strong: s.Strong}), nil
}

// isRefusal reports whether err is what Identify refuses someone with.
func isRefusal(err error) bool {
	return errors.Is(err, fault.Anonymous) || errors.Is(err, fault.Denied) || clinic.IsUnchosen(err)
}

// keepUp has s, which is used now, last.
func (k *Keeper) keepUp(ctx context.Context, s clinic.Session, now time.Time) error {
	if !now.Before(s.Renew) {
		return k.renew(ctx, s, now)
	}
	if !now.Before(s.Seen.Add(seenEvery)) {
		return k.touch(ctx, s, now)
	}
	return nil
}

// Choose has the session under cookie go on at the practice of c's person, whom
// Identify has read there, and who is called name on its pages; was is who they were
// in it until now. It ends in the log of the one practice and begins in that of the
// other.
func (k *Keeper) Choose(ctx context.Context, cookie string, was, c clinic.Caller, name phi.Text) error {
	var err error
	for range tries {
		var s clinic.Session
		if s, err = k.load(ctx, cookie); err != nil {
			return err
		}
		now := k.Kernel.Time()
		if over(s, now) || s.Proof != c.Proof || !now.Before(k.lastUsed(s).Add(k.idle(c.Person, nil))) {
			return errOver
		}
		if s.Practice == c.Person.Practice {
			return nil
		}
		s.Practice, s.Seen, s.Version = c.Person.Practice, now, s.Version+1
		if s.Name, err = k.sealName(ctx, s.Hash, name); err != nil {
			return err
		}
		records := append(k.record(was, "session.end", now), k.record(c, "session.start", now)...)
		if err = k.Kernel.Store.Commit(ctx, clinic.Commit{Session: &s, Audit: records}); !errors.Is(err, clinic.ErrChanged) {
			return err
		}
	}
	return err
}

// over reports whether s has ended at now. A session without a version has ended:
// its row is of the format that had no renewal.
func over(s clinic.Session, now time.Time) bool {
	return s.Ended || s.Version == 0 || !now.Before(s.Ends)
}

// idle returns how long p may be idle, or a holder whom Identify refused. One who has yet
// to choose a practice may work there; one whom none knows sees nothing.
func (k *Keeper) idle(p identity.Person, refused error) time.Duration {
	if p.Works() || refused != nil && !clinic.IsUnknown(refused) {
		return k.StaffIdle
	}
	return PatientIdle
}

// lastUsed returns when s was last used, as far as its row and this process know.
// A use that only another process saw is known within seenEvery, so that a
// session may end that much too early, and never too late.
func (k *Keeper) lastUsed(s clinic.Session) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at := k.used[s.Hash]; at.After(s.Seen) {
		return at
	}
	return s.Seen
}

// maxUsed bounds the sessions whose last use a process remembers; at the bound
// all are forgotten.
const maxUsed = 10_000

func (k *Keeper) noteUse(hash string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil || len(k.used) >= maxUsed {
		k.used = map[string]time.Time{}
	}
	k.used[hash] = now
}

// touch writes that s is used. Its row is guarded: a session that was signed out
// in the meantime stays so, and is refused.
func (k *Keeper) touch(ctx context.Context, s clinic.Session, now time.Time) error {
	s.Seen, s.Version = now, s.Version+1
	return k.unlessOver(ctx, s, k.commit(ctx, s))
}

// unlessOver decides on the outcome of writing s. If someone else wrote the row
// first, nothing is lost, unless what they wrote is that the session has ended.
func (k *Keeper) unlessOver(ctx context.Context, s clinic.Session, err error) error {
	if !errors.Is(err, clinic.ErrChanged) {
		return err
	}
	now, err := k.Kernel.Store.Session(ctx, s.Hash)
	if err == nil && over(now, k.Kernel.Time()) {
		return errOver
	}
	return err
}

// renew asks the provider whether the sign-in behind s still holds. Refresh tokens
// rotate, and one that is used twice may end the sign-in: the request whose write
// is first exchanges it, and the others go on meanwhile. So does a session whose
// provider does not answer; the exchange is tried again.
func (k *Keeper) renew(ctx context.Context, s clinic.Session, now time.Time) error {
	if len(s.Refresh) == 0 {
		return errOver
	}
	if now.Before(s.Trying) {
		return nil
	}
	// A sender who hangs up must not stop an exchange: its answer holds the next token.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTime)
	defer cancel()
	s.Seen, s.Trying, s.Version = now, now.Add(exchangeTime), s.Version+1
	if err := k.commit(ctx, s); err != nil {
		return k.unlessOver(ctx, s, err)
	}
	token, err := k.unseal(ctx, s)
	if err != nil {
		return err
	}
	in, err := k.Provider.Refresh(ctx, s.Proof.Issuer, token)
	if err != nil && !errors.Is(err, fault.Anonymous) {
		k.Kernel.Log.WarnContext(ctx, "session not renewed", "err", err)
		return nil
	}
	s.Trying, s.Version = time.Time{}, s.Version+1
	if err != nil || in.Proof != s.Proof {
		s.Ends, s.Refresh = now, nil
		return errors.Join(errOver, k.commit(ctx, s))
	}
	s.Renew = in.Until // the second factor and the addresses stay those of the sign-in
	if s.Refresh, err = k.seal(ctx, s.Hash, in.Refresh); err != nil {
		return err
	}
	if err := k.commit(ctx, s); err != nil {
		k.revoke(ctx, s.Proof.Issuer, in.Refresh) // nobody knows it
		return k.unlessOver(ctx, s, err)
	}
	return nil
}

// tries bounds how often a session is changed while it is being used.
const tries = 5

// End ends the session of c under cookie for good, here and at the provider, and
// returns the issuer at which its holder signed in. If there is no session, nothing is
// to be done, and the issuer is empty. A provider that does not answer is logged: the
// session has ended all the same.
func (k *Keeper) End(ctx context.Context, cookie string, c clinic.Caller) (issuer string, err error) {
	for range tries {
		var s clinic.Session
		if s, err = k.load(ctx, cookie); errors.Is(err, fault.Anonymous) || err == nil && (s.Ended || s.Version == 0) {
			return s.Proof.Issuer, nil
		}
		if err != nil {
			return "", err
		}
		token, unsealed := k.unseal(ctx, s)
		c.Proof, c.Practice, c.Strong = s.Proof, s.Practice, s.Strong
		if c, err = k.Kernel.Identify(ctx, c); err != nil && !isRefusal(err) {
			return "", err
		}
		now := k.Kernel.Time()
		s.Ended, s.Ends, s.Refresh, s.Version = true, now, nil, s.Version+1
		err = k.Kernel.Store.Commit(ctx, clinic.Commit{Session: &s, Audit: k.record(c, "session.end", now)})
		if errors.Is(err, clinic.ErrChanged) {
			continue
		}
		if err == nil && unsealed == nil {
			k.revoke(ctx, s.Proof.Issuer, token)
		}
		return s.Proof.Issuer, errors.Join(err, unsealed)
	}
	return "", err
}

func (k *Keeper) revoke(ctx context.Context, issuer, token string) {
	if token == "" {
		return
	}
	if err := k.Provider.Revoke(ctx, issuer, token); err != nil {
		k.Kernel.Log.WarnContext(ctx, "refresh token not revoked", "err", err)
	}
}

// load returns the session under cookie, which may have ended.
func (k *Keeper) load(ctx context.Context, cookie string) (clinic.Session, error) {
	if cookie == "" || len(cookie) > 100 {
		return clinic.Session{}, errOver
	}
	s, err := k.Kernel.Store.Session(ctx, hashOf(cookie))
	if errors.Is(err, fault.NotFound) {
		return s, errOver
	}
	return s, err
}

func (k *Keeper) commit(ctx context.Context, s clinic.Session) error {
	return k.Kernel.Store.Commit(ctx, clinic.Commit{Session: &s})
}

func (k *Keeper) seal(ctx context.Context, hash, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	return k.Sealer.Seal(ctx, tokenPlace(hash), token)
}

func (k *Keeper) sealName(ctx context.Context, hash string, name phi.Text) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return k.Sealer.Seal(ctx, namePlace(hash), name)
}

func (k *Keeper) unseal(ctx context.Context, s clinic.Session) (token string, err error) {
	if len(s.Refresh) == 0 {
		return "", nil
	}
	err = k.Sealer.Unseal(ctx, tokenPlace(s.Hash), s.Refresh, &token)
	return token, err
}

// tokenPlace binds a refresh token to its session: in another's row it does not
// decrypt.
func tokenPlace(hash string) vault.Place {
	return vault.Place{Record: "session/" + hash, Field: "refresh"}
}

// namePlace binds a name to its session.
func namePlace(hash string) vault.Place {
	return vault.Place{Record: "session/" + hash, Field: "name"}
}

// contactPlace binds addresses to their session.
func contactPlace(hash string) vault.Place {
	return vault.Place{Record: "session/" + hash, Field: "contact"}
}

func hashOf(parts ...string) string {
	var b []byte
	for _, p := range parts {
		if len(parts) > 1 {
			b = fmt.Appendf(b, "%d:", len(p))
		}
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
