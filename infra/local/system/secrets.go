package system

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"evisit/infra/local/stripesim"
	"evisit/infra/restricted"
	"evisit/pkg/audit"
	"evisit/pkg/secret"
	"evisit/pkg/setup"
)

// The simulator's keys.
var (
	apiKey    = stripesim.Key{Secret: "sk_test_simulated_api", Allow: restricted.Keys[secret.API]}
	chargeKey = stripesim.Key{Secret: "sk_test_simulated_charge", Allow: restricted.Keys[secret.Charge]}
)

// secrets returns what Secrets Manager has in production: what was set, or else what
// the stand-ins know, which it starts. The keyset is a file (seal.File).
func (s *System) secrets(ctx context.Context, c *setup.Config) (secret.Source, error) {
	key, hook := s.opt.Stripe.Key, s.opt.Stripe.Hook
	if key != "" && c.StripeBase == "" {
		if strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "rk_live_") {
			return nil, errors.New("STRIPE_SECRET_KEY is a live key; this system, where anyone may sign in as anyone, takes test keys only")
		}
		if hook.Platform == "" || hook.Connect == "" {
			return nil, errors.New("with a STRIPE_SECRET_KEY, set STRIPE_WEBHOOK_SECRET and STRIPE_CONNECT_WEBHOOK_SECRET to those of your endpoints")
		}
	}
	hook.Platform = cmp.Or(hook.Platform, "whsec_simulated_platform")
	hook.Connect = cmp.Or(hook.Connect, "whsec_simulated_connect")
	seed, err := s.logSeed()
	if err != nil {
		return nil, err
	}
	c.Log = audit.Key{Base: "evisit.local/log", Public: ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)}
	api, charge := key, key
	switch {
	case key == "" && c.StripeBase == "":
		api, charge = apiKey.Secret, chargeKey.Secret
		err = s.startStripe(ctx, c, hook)
	case key == "":
		api, charge = "sk_test_local", "sk_test_local" // a server at that base accepts any key
	}
	return fixed(map[string]any{
		secret.API: secret.Stripe{Key: api}, secret.Charge: secret.Stripe{Key: charge}, secret.Stripehook: hook,
		secret.Log: secret.Seed{Seed: seed}, secret.Origin: secret.Front{Sent: secret.NoFront, Accepted: secret.NoFront},
	}), err
}

// fixed is a source of secrets that do not change.
func fixed(all map[string]any) secret.Source {
	return func(_ context.Context, name string) ([]byte, error) {
		v, ok := all[name]
		if !ok {
			return nil, fmt.Errorf("there is no secret %s", name)
		}
		return json.Marshal(v)
	}
}

// logSeed keeps the seed of the key that signs the audit logs.
func (s *System) logSeed() ([]byte, error) {
	path := s.path("log.key")
	seed, err := os.ReadFile(path) //nolint:gosec // our own data folder
	if errors.Is(err, fs.ErrNotExist) {
		seed = make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seed)
		err = os.WriteFile(path, seed, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("the log's key in %s cannot be used: %w", path, err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the log's key in %s cannot be used: it has %d bytes, and not %d", path, len(seed), ed25519.SeedSize)
	}
	return seed, nil
}
