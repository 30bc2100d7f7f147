package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// Tokens verifies ID tokens of one issuer and finds whose they are. A token
// proves issuer and subject only; the person is a row, read on every request,
// so that a deactivation holds at once.
type Tokens struct {
	verifier *oidc.IDTokenVerifier
	issuer   string
	clinic   *clinic.Clinic
}

// NewTokens trusts tokens of issuer for audience, signed with the keys at
// jwksURL, which are fetched when first needed and when a new key appears.
func NewTokens(ctx context.Context, issuer, jwksURL, audience string, cl *clinic.Clinic, now func() time.Time) *Tokens {
	keys := oidc.NewRemoteKeySet(ctx, jwksURL)
	return &Tokens{
		verifier: oidc.NewVerifier(issuer, keys, &oidc.Config{
			ClientID: audience, Now: now, SupportedSigningAlgs: []string{oidc.RS256},
		}),
		issuer: issuer, clinic: cl,
	}
}

// maxToken is longer than any token we accept.
const maxToken = 8 << 10

// Prove implements People.
func (t *Tokens) Prove(ctx context.Context, token string) (clinic.Proof, error) {
	if token == "" || len(token) > maxToken {
		return clinic.Proof{}, anonymous("sign in first: send Authorization: Bearer and your token", nil)
	}
	id, err := t.verifier.Verify(ctx, token)
	if err != nil && strings.Contains(err.Error(), "fetching keys") { // the library keeps no error for it
		return clinic.Proof{}, fault.Hide(fault.Busy, "try_again", "we cannot check who you are just now; repeat the same request", err)
	}
	if err != nil {
		return clinic.Proof{}, anonymous("this token is not valid here, or no longer; sign in again", err)
	}
	return clinic.Proof{Issuer: t.issuer, Subject: id.Subject}, nil
}

// Person implements People.
func (t *Tokens) Person(ctx context.Context, token string) (identity.Person, error) {
	p, err := t.Prove(ctx, token)
	if err != nil {
		return identity.Person{}, err
	}
	return t.clinic.Who(ctx, p.Issuer, p.Subject)
}

func anonymous(text string, cause error) error {
	return fault.Hide(fault.Anonymous, "not_signed_in", text, cause)
}

// bearer is what r's token proves of who makes it. Who that is is read with
// whatever else the request needs.
func (a *API) bearer(r *http.Request) (clinic.Caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	p, err := a.people.Prove(r.Context(), token)
	if err != nil {
		return clinic.Caller{}, err
	}
	return clinic.Caller{Proof: p, IP: ClientIP(r), UserAgent: r.UserAgent()}, nil
}

// caller is who makes r.
func (a *API) caller(r *http.Request) (clinic.Caller, error) {
	c, err := a.bearer(r)
	if err != nil {
		return c, err
	}
	c.Person, err = a.clinic.Who(r.Context(), c.Proof.Issuer, c.Proof.Subject)
	return c, err
}

// maxKey bounds an Idempotency-Key.
const maxKey = 200

// once makes the caller's request repeatable if it carries an Idempotency-Key.
// The key holds for this person and this address only.
func once(c clinic.Caller, r *http.Request, input []byte) (clinic.Caller, error) {
	k := r.Header.Get("Idempotency-Key")
	if k == "" {
		return c, nil
	}
	if len(k) > maxKey {
		return c, fault.New(fault.Invalid, "invalid_request", "some headers need to be put right",
			fault.Problem{Where: "Idempotency-Key", Code: "max", Text: "at most " + strconv.Itoa(maxKey) + " characters"})
	}
	c.Once = clinic.NewOnce(c.Proof.Issuer+" "+c.Proof.Subject, r.Method+" "+r.URL.Path, k, input)
	return c, nil
}

// ask is the beginning of most handlers: who asks, and what for.
func (a *API) ask(r *http.Request, v any) (clinic.Caller, error) {
	c, err := a.bearer(r)
	if err != nil {
		return c, err
	}
	var input []byte
	if v != nil {
		if input, err = decode(r, v); err != nil {
			return c, err
		}
	}
	return once(c, r, input)
}

// version reads If-Match; 0 where there is none. It is an ETag of ours, which
// is a version in quotes.
func version(r *http.Request) (int, error) {
	tag := r.Header.Get("If-Match")
	if tag == "" || tag == "*" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.Trim(tag, `"`))
	if err != nil || n < 1 {
		return 0, fault.New(fault.Stale, "stale", "If-Match is not a version of this; read it again and use its ETag")
	}
	return n, nil
}

func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }
