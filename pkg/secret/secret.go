// Package secret keeps what a function must know and nobody else may. A secret is
// read at first use, kept for five minutes, and read again early if it is refused,
// for that at most once a minute: a stranger who sends what is refused cannot make us
// read the store for each request. Which store that is, is not known here.
package secret

import (
	"encoding/json"
	"fmt"
)

// The names of the secrets, below the folder of an installation. In the store each
// is one JSON object.
const (
	API        = "api"        // a Stripe: the key of the function api
	Charge     = "charge"     // a Stripe: the key of the function charge
	Stripehook = "stripehook" // a Webhooks
	Content    = "content"    // a Keyset
	Log        = "log"        // a Seed
	Origin     = "origin"     // a Front
)

// Stripe is a restricted secret key of Stripe's.
type Stripe struct {
	Key string `json:"stripe_key"`
}

// Webhooks are the signing secrets of the two endpoints that Stripe calls.
type Webhooks struct {
	Platform string `json:"platform"` // events of the platform's own account
	Connect  string `json:"connect"`  // events of connected accounts
}

// Keyset is the Tink keyset that content is sealed with, encrypted under a KMS key;
// base64 in the store.
type Keyset struct {
	Keyset []byte `json:"keyset"`
}

// Seed is the Ed25519 seed that signs the audit logs; base64 in the store.
type Seed struct {
	Seed []byte `json:"seed"`
}

// Front is what the distribution in front of the functions proves itself with.
type Front struct {
	Sent     string `json:"sent"`     // what it sends
	Accepted string `json:"accepted"` // what functions accept, separated by commas, or NoFront
}

const redacted = "[redacted]"

// Secrets do not print.

func (Stripe) String() string   { return redacted }
func (Webhooks) String() string { return redacted }
func (Keyset) String() string   { return redacted }
func (Seed) String() string     { return redacted }
func (Front) String() string    { return redacted }

// NoFront as Front.Accepted says that there is no distribution, as on a laptop.
const NoFront = "none"

// decode reads a secret of the store into v. Its error quotes nothing of b.
func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("it is not the JSON of a %T", v)
	}
	return nil
}
