package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"evisit/pkg/seal"
	"evisit/pkg/secret"
	pkgvault "evisit/pkg/vault"
)

// keys makes and checks the installation's own secrets.
type keys struct {
	kms    *kms.Client
	vault  vault
	kmsKey string
	public string // the public half that logs are verified with; empty: not deployed yet
	check  bool
	out    io.Writer
}

// A kind is one secret: how it is made, and what is said of one that is right.
type kind struct {
	name  string
	make  func(context.Context) (any, error) // nil: it is not made here
	check func(context.Context, []byte) (said string, err error)
	how   string // to have one that is not made here
}

func (k *keys) kinds() []kind {
	const byHand = "restrict a key in Stripe's dashboard and store it, as infra/DEPLOY.md says"
	own := []kind{
		{name: secret.Content, make: k.newKeyset, check: k.keyset},
		{name: secret.Log, make: k.newSeed, check: k.seed},
		{name: secret.Origin, make: k.newFront, check: k.front},
	}
	if !k.check {
		return own
	}
	return append(own,
		kind{name: secret.API, check: stripeKey, how: byHand},
		kind{name: secret.Charge, check: stripeKey, how: byHand},
		kind{name: secret.Stripehook, check: k.webhooks, how: "run firstday webhooks"},
	)
}

// run looks at every secret, and fails if any is missing or wrong.
func (k *keys) run(ctx context.Context) error {
	var failures []error
	for _, of := range k.kinds() {
		said, err := k.look(ctx, of)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", *k.vault.id(of.name), err))
			continue
		}
		_, _ = fmt.Fprintf(k.out, "%s: %s\n", *k.vault.id(of.name), said)
	}
	return errors.Join(failures...)
}

// look makes a secret that is missing, and checks it as it is stored.
func (k *keys) look(ctx context.Context, of kind) (string, error) {
	stored, err := k.vault.read(ctx, of.name)
	if err != nil {
		return "", err
	}
	made := ""
	if stored == nil {
		if of.make == nil || k.check {
			how := of.how
			if of.make != nil {
				how = "run firstday keys without -check"
			}
			return "", errors.New("there is none; " + how)
		}
		value, err := of.make(ctx)
		if err != nil {
			return "", err
		}
		if err := k.vault.create(ctx, of.name, value); err != nil {
			return "", err
		}
		if stored, err = k.vault.read(ctx, of.name); err != nil {
			return "", err
		}
		made = "made; "
	}
	said, err := of.check(ctx, stored)
	return made + said, err
}

func (k *keys) newKeyset(ctx context.Context) (any, error) {
	b, err := seal.NewKeyset(ctx, k.kms, k.kmsKey)
	return secret.Keyset{Keyset: b}, err
}

// keyset opens the keyset as functions do, and seals with it.
func (k *keys) keyset(ctx context.Context, stored []byte) (string, error) {
	b, err := secret.KeysetOf(stored)
	if err != nil {
		return "", err
	}
	s, err := seal.KMS(ctx, k.kms, k.kmsKey, b)
	if err != nil {
		return "", err
	}
	at, probe := pkgvault.Place{Practice: "firstday", Record: "probe", Field: "text"}, []byte("sealed on the first day")
	sealed, err := s.Seal(ctx, at, probe)
	if err != nil {
		return "", err
	}
	plain, err := s.Unseal(ctx, at, sealed)
	if err != nil {
		return "", fmt.Errorf("what it seals does not open: %w", err)
	}
	if !bytes.Equal(plain, probe) {
		return "", errors.New("what it seals opens as something else")
	}
	return "opens under " + k.kmsKey, nil
}

func (k *keys) newSeed(context.Context) (any, error) {
	if k.public != "" {
		return nil, errors.New("the seed of the logs that -log-public verifies is gone, and no other can go on signing them; restore it (infra/RUNBOOK.md)")
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed)
	return secret.Seed{Seed: seed}, nil
}

func (k *keys) seed(ctx context.Context, stored []byte) (string, error) {
	var s secret.Seed
	if err := json.Unmarshal(stored, &s); err != nil || len(s.Seed) != ed25519.SeedSize {
		return "", fmt.Errorf("it is not a seed of %d bytes", ed25519.SeedSize)
	}
	public, _ := ed25519.NewKeyFromSeed(s.Seed).Public().(ed25519.PublicKey)
	shown := base64.StdEncoding.EncodeToString(public)
	if k.public == "" {
		return "its public half is the parameter LogPublicKey=" + shown, nil
	}
	given, err := base64.StdEncoding.DecodeString(k.public)
	if err != nil {
		return "", errors.New("-log-public is not base64")
	}
	if _, err := secret.SeedOf(given)(ctx, stored); err != nil {
		return "", fmt.Errorf("%w: it is %s, not %s", err, shown, k.public)
	}
	return "its public half is LogPublicKey", nil
}

func (k *keys) newFront(context.Context) (any, error) {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	text := hex.EncodeToString(b)
	return secret.Front{Sent: text, Accepted: text}, nil
}

// front checks that functions accept what the distribution sends, and nothing short.
func (k *keys) front(ctx context.Context, stored []byte) (string, error) {
	var s secret.Front
	if err := json.Unmarshal(stored, &s); err != nil {
		return "", errors.New("it is not JSON")
	}
	accepted, err := secret.AcceptedOf(ctx, stored)
	switch {
	case err != nil:
		return "", err
	case s.Accepted == secret.NoFront:
		return "", errors.New(`accepted is "none", with which anyone may pass by the firewall`)
	case !slices.Contains(accepted, s.Sent):
		return "", errors.New("what is sent is not among what is accepted: nobody would be served")
	case slices.ContainsFunc(accepted, func(a string) bool { return len(a) < 32 }):
		return "", errors.New("one that is accepted is shorter than 32 characters, and could be guessed")
	}
	return fmt.Sprintf("what is sent is accepted (%d accepted)", len(accepted)), nil
}

func stripeKey(ctx context.Context, stored []byte) (string, error) {
	key, err := secret.KeyOf(ctx, stored)
	if err != nil {
		return "", err
	}
	for prefix, said := range map[string]string{"rk_live_": "a restricted live key", "rk_test_": "a restricted test key"} {
		if strings.HasPrefix(key, prefix) {
			return said, nil
		}
	}
	return "", errors.New("it is no restricted key of Stripe's (rk_live_… or rk_test_…)")
}

func (k *keys) webhooks(ctx context.Context, stored []byte) (string, error) {
	s, err := secret.WebhooksOf(ctx, stored)
	if err == nil && s.Platform == s.Connect {
		err = errors.New("platform and connect are the same; each endpoint has its own")
	}
	return "has both signing secrets", err
}
