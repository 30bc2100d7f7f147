package secret_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/secret"
	"evisit/pkg/secret/secrettest"
)

// A store is a source whose secret can be changed, and which may not answer.
type store struct {
	mu    sync.Mutex
	value string
	err   error
	reads int
}

func (s *store) read(context.Context, string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return []byte(s.value), s.err
}

// A kept is a secret of a store, by a clock that stands.
type kept struct {
	*secret.Kept[string]

	store  *store
	now    time.Time
	formed int
	log    bytes.Buffer
}

func newKept() *kept {
	k := &kept{store: &store{value: "one"}, now: time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC)}
	form := func(_ context.Context, b []byte) (string, error) {
		k.formed++
		if string(b) == "damaged" {
			return "", errors.New("it is damaged")
		}
		return string(b), nil
	}
	k.Kept = secret.Keep(k.store.read, "api", form, k.clock, slog.New(slog.NewTextHandler(&k.log, nil)))
	return k
}

func (k *kept) clock() time.Time { return k.now }

// is checks what Get returns, and how often the store was read until then.
func (k *kept) is(t *testing.T, want string, reads int) {
	t.Helper()
	if v, err := k.Get(t.Context()); err != nil || v != want || k.store.reads != reads {
		t.Errorf("the secret is %q after %d readings, %v; want %q after %d", v, k.store.reads, err, want, reads)
	}
}

// refuse uses the secret as one who accepts only want, and returns what was tried.
func (k *kept) refuse(t *testing.T, want string) (tried []string) {
	t.Helper()
	if err := k.Use(t.Context(), func(v string) bool { tried = append(tried, v); return v != want }); err != nil {
		t.Error(err)
	}
	return tried
}

func TestKept_ReadAtFirstUseAndAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	k := newKept()
	if k.store.reads != 0 {
		t.Error("it is read before it is used")
	}
	k.is(t, "one", 1)
	k.store.value = "two"
	k.now = k.now.Add(5*time.Minute - time.Second)
	k.is(t, "one", 1)
	k.now = k.now.Add(time.Second)
	k.is(t, "two", 2)
	k.now = k.now.Add(5 * time.Minute)
	k.is(t, "two", 3)
	if k.formed != 2 {
		t.Errorf("made %d times of two values", k.formed)
	}
	k.now = k.now.Add(-time.Hour) // a clock of trials
	k.is(t, "two", 4)
}

func TestKept_RefusedIsReadAgainAtOnce(t *testing.T) {
	t.Parallel()
	k := newKept()
	k.is(t, "one", 1)
	k.store.value = "two"
	if tried := k.refuse(t, "two"); strings.Join(tried, " ") != "one two" || k.store.reads != 2 {
		t.Errorf("tried %q in %d readings", tried, k.store.reads)
	}
	k.is(t, "two", 2)
}

// A stranger who is refused a thousand times a minute has the store read once a minute.
func TestKept_StrangersAreRefusedWithoutReading(t *testing.T) {
	t.Parallel()
	k := newKept()
	for range 3 * 60 * 20 {
		if tried := k.refuse(t, "of nobody"); len(tried) != 1 {
			t.Fatalf("an unchanged secret is tried %d times", len(tried))
		}
		k.now = k.now.Add(time.Minute / (60 * 20))
	}
	if k.store.reads != 1+3 {
		t.Errorf("read %d times in three minutes, want at first and once a minute", k.store.reads)
	}
}

// A value that another user of the secret has had replaced is not asked for again.
func TestKept_ReplacedMeanwhileIsTriedWithoutReading(t *testing.T) {
	t.Parallel()
	k := newKept()
	var tried []string
	err := k.Use(t.Context(), func(v string) bool {
		tried = append(tried, v)
		if v == "one" {
			k.store.value = "two"
			k.refuse(t, "two")
		}
		return v == "one"
	})
	if err != nil || strings.Join(tried, " ") != "one two" || k.store.reads != 2 {
		t.Errorf("tried %q in %d readings, %v", tried, k.store.reads, err)
	}
}

func TestKept_StoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	k := newKept()
	k.store.err = errors.New("InternalServiceError")
	if _, err := k.Get(t.Context()); !errors.Is(err, fault.Busy) || !errors.Is(err, k.store.err) {
		t.Errorf("none is kept: %v", err)
	}
	if err := k.Use(t.Context(), func(string) bool { t.Error("used"); return false }); !errors.Is(err, fault.Busy) {
		t.Errorf("none is kept: %v", err)
	}
	k.store.err = nil
	k.is(t, "one", 3)
	k.store.err = errors.New("InternalServiceError")
	k.now = k.now.Add(6 * time.Minute)
	k.is(t, "one", 4) // the one that is kept
	k.is(t, "one", 4) // and the store has a rest
	k.now = k.now.Add(time.Minute)
	k.store.err, k.store.value = nil, "damaged"
	k.is(t, "one", 5)
	if log := k.log.String(); strings.Count(log, "level=ERROR") != 4 || strings.Contains(log, "one") {
		t.Errorf("it logs %s", log)
	}
}

func TestKept_ManyUsersReadOnce(t *testing.T) {
	t.Parallel()
	k := newKept()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v, err := k.Get(t.Context()); err != nil || v != "one" {
				t.Error(v, err)
			}
		})
	}
	wg.Wait()
	k.is(t, "one", 1)
}

func TestKept_WaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	asking, end := make(chan struct{}), make(chan struct{})
	slow := func(context.Context, string) ([]byte, error) { close(asking); <-end; return nil, nil }
	k := secret.Keep(slow, "api", func(context.Context, []byte) (int, error) { return 1, nil }, newKept().clock, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	wg.Go(func() {
		if v, err := k.Get(t.Context()); err != nil || v != 1 {
			t.Error(v, err)
		}
	})
	<-asking
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Get(ctx); !errors.Is(err, fault.Busy) || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has left: %v", err)
	}
	close(end)
	wg.Wait()
}

// A store that hangs is given up after some seconds, and the kept secret is used.
func TestKept_StoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		source := func(ctx context.Context, _ string) ([]byte, error) {
			if hangs {
				<-ctx.Done()
			}
			return []byte("one"), ctx.Err()
		}
		form := func(_ context.Context, b []byte) (string, error) { return string(b), nil }
		k := secret.Keep(source, "api", form, time.Now, slog.New(slog.DiscardHandler)) //nolint:forbidigo // the bubble's clock
		if _, err := k.Get(t.Context()); err != nil {
			t.Fatal(err)
		}
		hangs = true
		time.Sleep(6 * time.Minute)
		began := time.Now() //nolint:forbidigo // the bubble's clock
		if v, err := k.Get(t.Context()); err != nil || v != "one" || time.Since(began) > 5*time.Second {
			t.Errorf("got %q, %v after %s", v, err, time.Since(began))
		}
	})
}

// Nothing that holds a secret shows it when it is printed.
func TestSecrets_DoNotPrint(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		secret.Stripe{Key: "hunter2"},
		secret.Webhooks{Platform: "hunter2"},
		secret.Keyset{Keyset: []byte("hunter2")},
		secret.Seed{Seed: []byte("hunter2")},
		secret.Front{Sent: "hunter2", Accepted: "hunter2"},
		secrettest.Fixed("hunter2"),
	} {
		if text := fmt.Sprintf("%v %+v %s", v, v, v); strings.Contains(text, "hunter2") || strings.Contains(text, "104") {
			t.Errorf("%T prints as %s", v, text)
		}
	}
}

func TestForms_AsWritten(t *testing.T) {
	t.Parallel()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	stored := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if key, err := secret.KeyOf(t.Context(), stored(secret.Stripe{Key: "rk_1"})); err != nil || key != "rk_1" {
		t.Errorf("key %q, %v", key, err)
	}
	hooks := secret.Webhooks{Platform: "whsec_1", Connect: "whsec_2"}
	if got, err := secret.WebhooksOf(t.Context(), stored(hooks)); err != nil || got != hooks {
		t.Errorf("webhooks %+v, %v", got, err)
	}
	if got, err := secret.KeysetOf(stored(secret.Keyset{Keyset: []byte("sealed")})); err != nil || string(got) != "sealed" {
		t.Errorf("keyset %q, %v", got, err)
	}
	if got, err := secret.SeedOf(public)(t.Context(), stored(secret.Seed{Seed: private.Seed()})); err != nil || !got.Equal(private) {
		t.Errorf("seed: %v", err)
	}
	for accepted, want := range map[string]string{"one": "one", "one,two": "one two", " one, two ": "one two", secret.NoFront: ""} {
		if got, err := secret.AcceptedOf(t.Context(), stored(secret.Front{Sent: "x", Accepted: accepted})); err != nil || strings.Join(got, " ") != want {
			t.Errorf("accepted %q: %q, %v", accepted, got, err)
		}
	}
	if _, err := secret.SeedOf(public)(t.Context(), stored(secret.Seed{Seed: other.Seed()})); err == nil || !strings.Contains(err.Error(), "public half") {
		t.Errorf("a seed of another key: %v", err)
	}
}

// What is stored wrongly is refused in words that quote nothing of it.
func TestForms_WrongIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	forms := map[string]func([]byte) error{
		"key":      func(b []byte) error { _, err := secret.KeyOf(t.Context(), b); return err },
		"webhooks": func(b []byte) error { _, err := secret.WebhooksOf(t.Context(), b); return err },
		"keyset":   func(b []byte) error { _, err := secret.KeysetOf(b); return err },
		"seed":     func(b []byte) error { _, err := secret.SeedOf(nil)(t.Context(), b); return err },
		"front":    func(b []byte) error { _, err := secret.AcceptedOf(t.Context(), b); return err },
	}
	for name, form := range forms {
		for _, stored := range []string{
			``, `hunter2`, `"hunter2"`, `{"hunter2":"hunter2"}`, `{"stripe_key":7,"platform":7,"keyset":"hunter2!","seed":"hunter2!","accepted":7}`,
			`{"platform":"hunter2"}`, `{"seed":"aHVudGVyMg=="}`, `{"accepted":" , "}`,
		} {
			if err := form([]byte(stored)); err == nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s of %s: %v", name, stored, err)
			}
		}
	}
}
