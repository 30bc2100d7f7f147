package content_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/seal"
	"evisit/pkg/setup"
	"evisit/pkg/setup/content"
	"evisit/pkg/vault"
)

var place = vault.Place{Practice: "p", Record: "r", Field: "f"}

// stands is a clock that stands.
func stands() time.Time { return time.Unix(0, 0) }

// A keyring opens a keyset, or fails while err is set.
type keyring struct {
	opened atomic.Int64
	err    error
	sealer vault.Sealer
}

func newKeyring(t *testing.T) *keyring {
	t.Helper()
	s, err := seal.File(filepath.Join(t.TempDir(), "keyset.json"))
	if err != nil {
		t.Fatal(err)
	}
	return &keyring{sealer: s}
}

func (k *keyring) open(context.Context) (vault.Sealer, error) {
	k.opened.Add(1)
	return k.sealer, k.err
}

func sealer(t *testing.T, k *keyring, log *bytes.Buffer) vault.Sealer {
	t.Helper()
	s, err := content.Sealer(setup.Parts{Sealer: k.open, Now: stands, Log: slog.New(slog.NewJSONHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealer_OpensTheKeysetAtFirstUseAndOnce(t *testing.T) {
	t.Parallel()
	k := newKeyring(t)
	s := sealer(t, k, &bytes.Buffer{})
	if n := k.opened.Load(); n != 0 {
		t.Errorf("opened %d times before its first use", n)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			sealed, err := s.Seal(t.Context(), place, []byte("kept"))
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := s.Unseal(t.Context(), place, sealed); err != nil || string(b) != "kept" {
				t.Errorf("unsealed %q, %v", b, err)
			}
		})
	}
	wg.Wait()
	if n := k.opened.Load(); n != 1 {
		t.Errorf("opened %d times, want once", n)
	}
}

// Content that cannot be decrypted for want of a key is not altered content: it is
// there once the keyset can be opened.
func TestSealer_ClosedKeysetIsLoggedAndTriedAgain(t *testing.T) {
	t.Parallel()
	k, log := newKeyring(t), &bytes.Buffer{}
	v := vault.Vault{Sealer: sealer(t, k, log)}
	sealed, err := (vault.Vault{Sealer: k.sealer}).Seal(t.Context(), place, "kept")
	if err != nil {
		t.Fatal(err)
	}
	k.err = errors.New("AccessDeniedException")
	var got string
	_, sealing := v.Seal(t.Context(), place, "new")
	for what, err := range map[string]error{"sealing": sealing, "unsealing": v.Unseal(t.Context(), place, sealed, &got)} {
		if !errors.Is(err, fault.Busy) || errors.Is(err, vault.ErrBroken) || !errors.Is(err, k.err) {
			t.Errorf("%s without a key: %v", what, err)
		}
	}
	if n := strings.Count(log.String(), `"level":"ERROR","msg":"a secret cannot be read or used","secret":"content","kept":false,"err":"AccessDeniedException"`); n != 2 {
		t.Errorf("logged %d times, want twice:\n%s", n, log)
	}
	k.err = nil
	if err := v.Unseal(t.Context(), place, sealed, &got); err != nil || got != "kept" {
		t.Errorf("with the key again: %q, %v", got, err)
	}
}

func TestSealer_WaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	opening, end := make(chan struct{}), make(chan struct{})
	slow := func(context.Context) (vault.Sealer, error) {
		close(opening)
		<-end
		return newKeyring(t).sealer, nil
	}
	s, err := content.Sealer(setup.Parts{Sealer: slow, Now: stands, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Seal(t.Context(), place, nil); err != nil {
			t.Error(err)
		}
	})
	<-opening
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Seal(ctx, place, nil); !errors.Is(err, fault.Busy) || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left: %v", err)
	}
	close(end)
	wg.Wait()
}
