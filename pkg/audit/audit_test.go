package audit_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"evisit/pkg/audit"
)

// Leaves are hashed and signed, so their bytes may never change.
func TestALeafHasTheSameBytesForEver(t *testing.T) {
	t.Parallel()
	full := audit.Record{
		ID: "r1", Practice: "p1", At: time.Date(2026, time.March, 2, 12, 0, 0, 123_000_000, time.UTC),
		Actor:  audit.Actor{ID: "u1", Role: "caregiver", OnBehalf: "pat1", IP: "192.0.2.1"},
		Action: "visit.read", Visit: "v1", Resource: "document", Version: 3, Hash: "ab",
		Accepted: &audit.Acceptance{Quote: "q1", Amount: 4000, Consent: "2026-01", ConsentHash: "cd", Language: "en", UserAgent: "ua"},
	}
	least := audit.Record{ID: "r2", Practice: "p1", At: full.At, Actor: audit.Actor{ID: "system:sweep", Role: "system"}, Action: "log.sign"}
	for want, r := range map[string]audit.Record{
		`{"id":"r1","practice":"p1","at":"2026-03-02T12:00:00.123Z","actor":{"id":"u1","role":"caregiver","on_behalf":"pat1","ip":"192.0.2.1"},` +
			`"action":"visit.read","visit":"v1","resource":"document","version":3,"hash":"ab",` +
			`"accepted":{"quote":"q1","amount_cents":4000,"consent":"2026-01","consent_hash":"cd","language":"en","user_agent":"ua"}}`: full,
		`{"id":"r2","practice":"p1","at":"2026-03-02T12:00:00.123Z","actor":{"id":"system:sweep","role":"system"},"action":"log.sign"}`: least,
	} {
		if got, err := r.Leaf(); err != nil || string(got) != want {
			t.Errorf("Leaf = %s, %v\nwant %s", got, err, want)
		}
	}
}

func TestAFrontiersRootIsTheTreesHash(t *testing.T) {
	t.Parallel()
	if got, want := (audit.Frontier{}).Root(), tlog.Hash(sha256.Sum256(nil)); got != want {
		t.Errorf("root of the empty tree = %v, want %v", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		var f audit.Frontier
		var stored []tlog.Hash
		read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(indexes))
			for i, n := range indexes {
				out[i] = stored[n]
			}
			return out, nil
		})
		for n, leaf := range rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 1, 70).Draw(t, "leaves") {
			hs, err := tlog.StoredHashes(int64(n), leaf, read)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, hs...)
			before := audit.Frontier{Size: f.Size, Hashes: slices.Clone(f.Hashes)}
			next := f.Add(leaf)
			if _ = f.Add([]byte("another")); !cmp.Equal(before, f) {
				t.Fatalf("adding leaf %d changed the frontier before it", n)
			}
			f = next
			want, err := tlog.TreeHash(int64(n)+1, read)
			if err != nil || f.Root() != want || f.Size != int64(n)+1 {
				t.Fatalf("root of %d leaves = %v, want %v, %v", f.Size, f.Root(), want, err)
			}
		}
	})
}

func key(seed string) audit.Key {
	sum := sha256.Sum256([]byte(seed))
	private := ed25519.NewKeyFromSeed(sum[:])
	return audit.Key{Base: "evisit.example/log", Private: private, Public: ed25519.PublicKey(private[ed25519.PublicKeySize:])}
}

func TestACheckpointIsOpenedByItsOwnPracticesKeyAlone(t *testing.T) {
	t.Parallel()
	f := audit.Frontier{}.Add([]byte("a")).Add([]byte("b"))
	signed, err := key("one").Checkpoint("p1", f)
	if err != nil {
		t.Fatal(err)
	}
	open := func(k audit.Key, practice string, msg []byte) (*note.Note, error) {
		t.Helper()
		vkey, err := k.VerifierKey(practice)
		if err != nil {
			t.Fatal(err)
		}
		v, err := note.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		return note.Open(msg, note.VerifierList(v))
	}
	n, err := open(key("one"), "p1", signed)
	root := f.Root()
	if want := fmt.Sprintf("evisit.example/log/p1\n2\n%s\n", root.String()); err != nil || n.Text != want {
		t.Fatalf("opened = %+v, %v; want %s", n, err, want)
	}
	for name, try := range map[string]func() (*note.Note, error){
		"another key":      func() (*note.Note, error) { return open(key("two"), "p1", signed) },
		"another practice": func() (*note.Note, error) { return open(key("one"), "p2", signed) },
		"another size": func() (*note.Note, error) {
			return open(key("one"), "p1", []byte(strings.Replace(string(signed), "\n2\n", "\n1\n", 1)))
		},
	} {
		if n, err := try(); err == nil {
			t.Errorf("%s opens %q", name, n.Text)
		}
	}
}
