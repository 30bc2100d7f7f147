// Package issuer is an OpenID Connect issuer for development. It replaces the Cognito
// user pool, and its sign-in page signs in as any of the seeded people, or as somebody
// new, without a password. It also issues access tokens to registered health plans, as
// SMART Backend Services describes.
//
// An ID token has an issuer and a subject, the methods that its holder signed in by,
// and, for who asks for the scopes profile, email and phone, a name, which is to greet
// by, and addresses with whether they are confirmed; never a practice or a role, which
// are rows of the store.
package issuer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Lifetimes of codes and tokens.
const (
	codeLife    = time.Minute
	sessionLife = time.Hour
	// planLife is the most that SMART Backend Services allows, for a plan's access
	// token and for the assertion that requests the token.
	planLife = 5 * time.Minute
)

// A Person is a person on the sign-in page. Role and Practice are shown on the page
// and are in no token.
type Person struct {
	Subject  string `json:"subject"`
	Name     string `json:"name"`
	Role     string `json:"-"`
	Practice string `json:"-"`
	Email    string `json:"email,omitempty"`
	Phone    string `json:"phone,omitempty"`
	// EmailVerified and PhoneVerified say that the issuer has confirmed the address.
	EmailVerified bool `json:"email_verified,omitempty"`
	PhoneVerified bool `json:"phone_verified,omitempty"`
	// TwoFactors is set if the person signs in by a second factor, unless asked not to;
	// others do only where the relying party asks for it.
	TwoFactors bool `json:"two_factors,omitempty"`
}

// Options are the settings of an Issuer.
type Options struct {
	URL          string   // the issuer identifier, without a trailing slash; its path prefixes every route
	Audience     string   // aud of access tokens; ClientID if empty
	ClientID     string   // the one relying party, a public client using PKCE
	RedirectURIs []string // addresses the relying party may redirect to, compared exactly
	LogoutURIs   []string // likewise after signing out
	KeyFile      string   // file of the signing key, the plans and the refresh tokens; if empty, they are in memory only
	People       func(context.Context) []Person
	Now          func() time.Time
	Log          *slog.Logger
}

// An Issuer serves the issuer's pages and endpoints. It is safe for concurrent use.
// Codes, signed-in browsers and used assertions are in memory, so that a restart loses
// them.
type Issuer struct {
	http.Handler
	opts   Options
	path   string // of the URL
	signer jose.Signer

	mu       sync.Mutex
	state    state
	codes    map[string]grant
	browsers map[string]browser   // by cookie
	used     map[string]time.Time // client and jti of accepted assertions, until they expire
}

// New returns an issuer with the key in o.KeyFile, or with a new key.
func New(o Options) (*Issuer, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	if u.Host == "" || strings.HasSuffix(o.URL, "/") {
		return nil, fmt.Errorf("opening issuer: %q is not an absolute URL without a trailing slash", o.URL)
	}
	if o.ClientID == "" || o.People == nil || o.Now == nil || o.Log == nil {
		return nil, errors.New("opening issuer: ClientID, People, Now and Log are required")
	}
	if o.Audience == "" {
		o.Audience = o.ClientID
	}
	s, err := loadState(o.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: s.Key},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("opening issuer: %w", err)
	}
	i := &Issuer{
		opts:     o,
		path:     u.Path,
		signer:   signer,
		state:    s,
		codes:    map[string]grant{},
		browsers: map[string]browser{},
		used:     map[string]time.Time{},
	}
	i.Handler = i.routes(u.Path)
	return i, nil
}

// TokenURL returns the token endpoint's URL, which is also the audience of a plan's
// assertion.
func (i *Issuer) TokenURL() string { return i.opts.URL + "/token" }

// JWKSURL returns the URL of the public signing key.
func (i *Issuer) JWKSURL() string { return i.opts.URL + "/.well-known/jwks.json" }

// Token returns an ID token for subject that is valid for ttl from now, as a program
// sends it to the API. Token does not check that the subject is one of the people,
// because the seed prints tokens of people it has just created; anyone else signs in
// by two factors.
func (i *Issuer) Token(subject string, ttl time.Duration) (string, error) {
	if subject == "" || ttl <= 0 {
		return "", fmt.Errorf("issuing token for %q: a subject and a positive lifetime are required", subject)
	}
	p, known := i.person(context.Background(), subject)
	c := addressesOf(p)
	c.Subject, c.Audience, c.Use, c.Methods = subject, i.opts.Audience, idUse, methods(p.TwoFactors || !known)
	return i.sign(c, ttl)
}

// methods are those of a sign-in (RFC 8176).
func methods(twoFactors bool) []string {
	if twoFactors {
		return []string{"pwd", "otp"}
	}
	return []string{"pwd"}
}

// addressesOf returns the claims of p's addresses.
func addressesOf(p Person) claims {
	c := claims{Email: p.Email, Phone: p.Phone}
	if p.Email != "" {
		c.EmailVerified = &p.EmailVerified
	}
	if p.Phone != "" {
		c.PhoneVerified = &p.PhoneVerified
	}
	return c
}

// AddPlan registers a health plan's public key and replaces the plan's earlier key.
// AddPlan refuses private keys and keys too weak for RS384 or ES384.
func (i *Issuer) AddPlan(clientID string, key jose.JSONWebKey) error {
	if clientID == "" {
		return errors.New("registering plan: a client id is required")
	}
	if err := checkPlanKey(key); err != nil {
		return fmt.Errorf("registering plan %s: %w", clientID, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	next := i.state.withPlan(clientID, key)
	if err := next.save(i.opts.KeyFile); err != nil {
		return fmt.Errorf("registering plan %s: %w", clientID, err)
	}
	i.state = next
	return nil
}

// What a token is for, as Cognito says it in the claim token_use.
const (
	idUse     = "id"
	accessUse = "access"
)

// What a relying party asks for: the name, and the addresses (OpenID Connect Core, 5.4).
const (
	profileScope = "profile"
	emailScope   = "email"
	phoneScope   = "phone"
)

// claims are all claims that a token of this issuer can have.
type claims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience string           `json:"aud"`
	Expiry   *jwt.NumericDate `json:"exp"`
	IssuedAt *jwt.NumericDate `json:"iat"`
	AuthTime *jwt.NumericDate `json:"auth_time,omitempty"`
	Nonce    string           `json:"nonce,omitempty"`
	Name     string           `json:"name,omitempty"` // for the scope profile
	Methods  []string         `json:"amr,omitempty"`  // not after a refresh
	Use      string           `json:"token_use"`

	Email         string `json:"email,omitempty"` // for the scope email
	EmailVerified *bool  `json:"email_verified,omitempty"`
	Phone         string `json:"phone_number,omitempty"` // for the scope phone
	PhoneVerified *bool  `json:"phone_number_verified,omitempty"`

	Scope string `json:"scope,omitempty"` // scope of a plan's access token
}

func (i *Issuer) sign(c claims, life time.Duration) (string, error) {
	now := i.opts.Now()
	c.Issuer = i.opts.URL
	c.IssuedAt = jwt.NewNumericDate(now)
	c.Expiry = jwt.NewNumericDate(now.Add(life))
	s, err := jwt.Signed(i.signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("signing token for %s: %w", c.Subject, err)
	}
	return s, nil
}

func (i *Issuer) routes(prefix string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+prefix+"/.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET "+prefix+"/.well-known/jwks.json", i.jwks)
	mux.HandleFunc("POST "+prefix+"/token", i.token)
	mux.HandleFunc("POST "+prefix+"/oauth2/revoke", i.revoke)
	mux.HandleFunc("GET "+prefix+"/logout", i.logout)
	own := http.NewCrossOriginProtection()
	mux.HandleFunc("GET "+prefix+"/authorize", i.page)
	mux.Handle("POST "+prefix+"/authorize", own.Handler(http.HandlerFunc(i.signIn)))
	mux.Handle("POST "+prefix+"/people", own.Handler(http.HandlerFunc(i.serveNewcomer)))
	return http.MaxBytesHandler(mux, 64<<10)
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, struct {
		Issuer        string   `json:"issuer"`
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Revocation    string   `json:"revocation_endpoint"`
		EndSession    string   `json:"end_session_endpoint"`
		JWKS          string   `json:"jwks_uri"`
		Responses     []string `json:"response_types_supported"`
		Subjects      []string `json:"subject_types_supported"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
		Scopes        []string `json:"scopes_supported"`
		Grants        []string `json:"grant_types_supported"`
		Challenges    []string `json:"code_challenge_methods_supported"`
		AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
		AuthAlgs      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
		Claims        []string `json:"claims_supported"`
		TellsIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	}{
		Issuer:        i.opts.URL,
		Authorization: i.opts.URL + "/authorize",
		Token:         i.TokenURL(),
		Revocation:    i.opts.URL + "/oauth2/revoke",
		EndSession:    i.opts.URL + "/logout",
		JWKS:          i.JWKSURL(),
		Responses:     []string{"code"},
		Subjects:      []string{"public"},
		Algorithms:    []string{string(jose.RS256)},
		Scopes:        []string{"openid", profileScope, emailScope, phoneScope, "system/*.rs"},
		Grants:        []string{"authorization_code", "refresh_token", "client_credentials"},
		Challenges:    []string{"S256"},
		AuthMethods:   []string{"none", "private_key_jwt"},
		AuthAlgs:      []string{string(jose.RS384), string(jose.ES384)},
		Claims:        []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "amr", "nonce", "name", "email", "email_verified", "phone_number", "phone_number_verified", "token_use"},
		TellsIssuer:   true,
	})
}

func (i *Issuer) jwks(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	key := i.state.Key.Public()
	i.mu.Unlock()
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
}
