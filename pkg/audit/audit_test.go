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

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 123_000_000, time.UTC)

// Leaves are hashed and signed, so their bytes may never change.
func TestLeaf_SameBytesForEver(t *testing.T) {
	t.Parallel()
	full := audit.Record{
		ID: "r1", Practice: "p1", At: noon,
		Actor:  audit.Actor{ID: "u1", Role: "caregiver", Name: "A. Rivera, MD", OnBehalf: "pat1", IP: "192.0.2.1"},
		Action: "visit.fill:queued", Visit: "v1", Resource: "document", Version: 3,
		Rows:     []audit.Row{{"CASE#v1", 3, audit.Hash{1}}, {"CHART#v1/MSG#0001", 0, audit.Hash{255}}},
		Accepted: &audit.Acceptance{Quote: "q1", Amount: 4000, Consent: "2026-01", ConsentHash: "cd", Language: "en", UserAgent: "ua"},
	}
	least := audit.Record{ID: "r2", Practice: audit.Platform, At: noon, Actor: audit.Actor{ID: "system:sweep", Role: "system"}, Action: "log.sign"}
	for name, test := range map[string]struct {
		record audit.Record
		want   string
	}{
		"Full": {full, `{"id":"r1","practice":"p1","at":"2026-03-02T12:00:00.123Z",` +
			`"actor":{"id":"u1","role":"caregiver","name":"A. Rivera, MD","for":"pat1","ip":"192.0.2.1"},` +
			`"action":"visit.fill:queued","visit":"v1","resource":"document","version":3,` +
			`"rows":[{"k":"CASE#v1","v":3,"h":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},` +
			`{"k":"CHART#v1/MSG#0001","h":"_wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}],` +
			`"accepted":{"quote":"q1","cents":4000,"consent":"2026-01","hash":"cd","lang":"en","agent":"ua"}}`},
		"Least": {least, `{"id":"r2","practice":"platform","at":"2026-03-02T12:00:00.123Z","actor":{"id":"system:sweep","role":"system"},"action":"log.sign"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaf, err := test.record.Leaf()
			if err != nil || string(leaf) != test.want {
				t.Errorf("Leaf = %s, %v\nwant %s", leaf, err, test.want)
			}
			back, err := audit.ParseLeaf(leaf)
			if d := cmp.Diff(test.record, back); err != nil || d != "" {
				t.Errorf("ParseLeaf = %v, and differs:\n%s", err, d)
			}
		})
	}
}

// The rows of an answer, with every id of its real length and the longest
// address, are about the most that one commit stores.
func TestLeaf_SixRowsAreAThousandBytes(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("X", 26)
	r := audit.Record{
		ID: id, Practice: id, At: noon, Action: "visit.fill:awaiting_payment", Visit: id, Version: 12,
		Actor: audit.Actor{ID: id, Role: "caregiver", OnBehalf: id, IP: "2001:db8:1234:5678:9abc:def0:1234:5678"},
		Rows: []audit.Row{
			{Key: "CASE#" + id, Version: 12},
			{Key: "CHART#" + id + "/ANSWERS"},
			{Key: "CHART#" + id + "/MSG#0012"},
			{Key: "MONEY#" + id, Version: 12},
			{Key: "MONEY#" + id + "/ENTRY#captured"},
			{Key: "WORK#" + id + "/" + id, Version: 1},
		},
	}
	leaf, err := r.Leaf()
	if err != nil || len(leaf) > 1000 {
		t.Errorf("the leaf has %d bytes, %v: %s", len(leaf), err, leaf)
	}
}

func TestPosition_SortsAsTime(t *testing.T) {
	t.Parallel()
	if got, want := (audit.Record{ID: "id", At: noon}).Position(), "20260302T120000.123Z#id"; got != want {
		t.Errorf("Position = %s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := func(name string) time.Time {
			return time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, name)).In(time.FixedZone("", rapid.IntRange(-40000, 40000).Draw(t, "zone")))
		}
		a, b := audit.Record{ID: "a", At: at("first")}, audit.Record{ID: "b", At: at("second")}
		if a.At.Before(b.At) != (a.Position() < b.Position()) && !a.At.Equal(b.At) {
			t.Errorf("%s and %s", a.Position(), b.Position())
		}
	})
}

func TestFrontier_RootEqualsTreeHash(t *testing.T) {
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

func TestCheckpoint_VerifiedByItsKeyOnly(t *testing.T) {
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
