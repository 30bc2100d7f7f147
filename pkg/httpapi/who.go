package httpapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
)

// An Issuer is one whose ID tokens are trusted, for an audience and by the keys at an
// address, which are fetched when first needed and when a new key appears. AlwaysTwo
// says that it signs in nobody without a second factor, so that its tokens need not.
type Issuer struct {
	URL, Keys, Audience string
	AlwaysTwo           bool
}

// Tokens verifies ID tokens, each by the keys of the issuer that it names, and of no
// other. A token proves who signed in and how, and which addresses of theirs the
// issuer has confirmed; the person, with role and practice, is a row, read on every
// request, so that a deactivation holds at once. A token that was verified is
// remembered for a minute at most, and never longer than it is valid. It is safe for
// concurrent use.
type Tokens struct {
	trusted map[string]trusted // by the issuer's URL
	now     func() time.Time

	mu sync.Mutex
	// Verified is guarded by mu; exported, its addresses print redacted.
	Verified map[[sha256.Size]byte]verified
}

// trusted is an issuer that is trusted, and what verifies its tokens.
type trusted struct {
	Issuer
	verifier *oidc.IDTokenVerifier
}

// verified is a token's holder, and until when the token need not be verified
// again.
type verified struct {
	clinic.Proven
	until time.Time
}

const (
	tokenMemory = time.Minute
	maxVerified = 10_000 // tokens remembered; when there are more it starts over
)

// NewTokens trusts tokens of the issuers.
func NewTokens(issuers []Issuer, now func() time.Time) *Tokens {
	t := &Tokens{trusted: map[string]trusted{}, now: now, Verified: map[[sha256.Size]byte]verified{}}
	for _, i := range issuers {
		t.trust(i, newKeySet(i.Keys, now))
	}
	return t
}

func (t *Tokens) trust(i Issuer, keys oidc.KeySet) {
	t.trusted[i.URL] = trusted{i, oidc.NewVerifier(i.URL, keys, &oidc.Config{
		ClientID: i.Audience, Now: t.now, SupportedSigningAlgs: []string{oidc.RS256},
	})}
}

// maxToken is longer than any token we accept.
const maxToken = 8 << 10

// Prove implements People.
func (t *Tokens) Prove(ctx context.Context, token string) (clinic.Proven, error) {
	if token == "" || len(token) > maxToken {
		return clinic.Proven{}, notSignedIn("sign in first: send Authorization: Bearer and your token", nil)
	}
	key, now := sha256.Sum256([]byte(token)), t.now()
	if p, ok := t.remembered(key, now); ok {
		return p, nil
	}
	p, ends, err := t.verify(ctx, token, now)
	if err != nil && strings.Contains(err.Error(), errNoKeys.Error()) { // the library keeps the text alone
		return clinic.Proven{}, fault.Hide(fault.Busy, "try_again", "we cannot check who you are just now; repeat the same request", err)
	}
	if err != nil {
		return clinic.Proven{}, notSignedIn("this token is not valid here, or no longer; sign in again", err)
	}
	t.remember(key, p, ends, now)
	return p, nil
}

// verify returns what a token proves, and when it expires.
func (t *Tokens) verify(ctx context.Context, token string, now time.Time) (clinic.Proven, time.Time, error) {
	i, ok := t.trusted[issuerOf(token)]
	if !ok {
		return clinic.Proven{}, time.Time{}, errors.New("its issuer is not trusted")
	}
	id, err := i.verifier.Verify(ctx, token)
	if err == nil {
		err = checkUse(token, now)
	}
	if err != nil {
		return clinic.Proven{}, time.Time{}, err
	}
	p, err := provenBy(i.Issuer, id)
	return p, id.Expiry, err
}

func (t *Tokens) remembered(key [sha256.Size]byte, now time.Time) (clinic.Proven, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.Verified[key]
	return v.Proven, ok && now.Before(v.until)
}

func (t *Tokens) remember(key [sha256.Size]byte, p clinic.Proven, ends, now time.Time) {
	until := now.Add(tokenMemory)
	if ends.Before(until) {
		until = ends
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.Verified) >= maxVerified {
		clear(t.Verified)
	}
	t.Verified[key] = verified{p, until}
}

func notSignedIn(text string, cause error) error {
	return fault.Hide(fault.Anonymous, "not_signed_in", text, cause)
}

// bearer is the holder of r's token. The person is looked up later, together with
// what else the request reads.
func (a *API) bearer(r *http.Request) (clinic.Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) > 1 {
		token = ""
	}
	p, err := a.people.Prove(r.Context(), token)
	if err != nil {
		return clinic.Caller{}, err
	}
	c := clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent(), Found: &identity.Person{}}
	c.Practice, err = namedPractice(r)
	return c.By(p), err
}

// namedPractice is the practice that r names; empty if it names none.
func namedPractice(r *http.Request) (string, error) {
	given := r.Header.Values(clinic.PracticeHeader)
	switch {
	case len(given) == 0:
		return "", nil
	case len(given) > 1:
		return "", badHeader(clinic.PracticeHeader, "repeated", "give it once")
	case given[0] == "":
		return "", badHeader(clinic.PracticeHeader, "required", "name a practice, or leave the header out")
	case len(given[0]) > maxID:
		return "", badHeader(clinic.PracticeHeader, "max", "the id of a practice, as GET /me lists it")
	}
	return given[0], nil
}

// known is the holder of r's token with their person looked up.
func (a *API) known(r *http.Request) (clinic.Caller, error) {
	c, err := a.bearer(r)
	if err != nil {
		return c, err
	}
	return a.Kernel.Identify(r.Context(), c)
}

// callerOf is the caller of r, as far as w needs it; zero where anyone may ask.
func (a *API) callerOf(w Who, r *http.Request) (clinic.Caller, error) {
	switch w {
	case Bearer, Holder:
		return a.bearer(r)
	case Known:
		return a.known(r)
	case Member:
		c, err := a.known(r)
		if clinic.IsUnchosen(err) {
			err = nil
		}
		return c, err
	case Anyone, Signature:
	}
	return clinic.Caller{}, nil
}

// maxKey bounds an Idempotency-Key, in characters.
const maxKey = 200

// repeatable returns c with r's Idempotency-Key, if it has one. A key holds for
// one person and one address; the same input may be written in another way. An
// empty key is refused: a client that sends it counts on one.
func repeatable(c clinic.Caller, r *http.Request, input []byte) (clinic.Caller, error) {
	given := r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		return c, nil
	}
	k := given[0]
	switch {
	case k == "":
		return c, badKey("required", "give a key, or leave the header out")
	case utf8.RuneCountInString(k) > maxKey:
		return c, badKey("max", "at most "+strconv.Itoa(maxKey)+" characters")
	}
	input, err := canonical(input)
	c.Once = clinic.NewOnce(whoAsks(c), r.Method+" "+r.URL.Path, k, input)
	return c, err
}

// whoAsks tells callers apart: a person, and one of several practices if they name it.
func whoAsks(c clinic.Caller) string {
	who := c.Proof.Issuer + " " + c.Proof.Subject
	if c.Practice != "" {
		who += "\x00" + c.Practice
	}
	return who
}

func badKey(code, text string) error { return badHeader("Idempotency-Key", code, text) }

func badHeader(name, code, text string) error {
	return fault.New(fault.Invalid, "invalid_request", "some headers need to be put right",
		fault.Problem{Where: name, Code: code, Text: text})
}

// checkHeaders refuses a header with one value that comes twice: who reads the first
// and who reads the last would do different things.
func checkHeaders(r *http.Request) error {
	for _, name := range []string{"Idempotency-Key", "If-Match"} {
		if len(r.Header.Values(name)) > 1 {
			return badHeader(name, "repeated", "give it once")
		}
	}
	return nil
}

// noVersion is a version that nothing has.
const noVersion = -1

// version reads If-Match, an ETag of ours, which is a version in quotes; 0 where
// there is none, and noVersion where it is no ETag of ours, or empty: the endpoint
// refuses it as any other that is not the latest.
func version(r *http.Request) int {
	tag := r.Header.Get("If-Match")
	if len(r.Header.Values("If-Match")) == 0 || tag == "*" {
		return 0
	}
	n, err := strconv.Atoi(strings.Trim(tag, `"`))
	if err != nil || n < 1 {
		return noVersion
	}
	return n
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }
