package audit_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
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

// leaf is the n-th of a log, a second after the one before.
func leaf(n int, action string) []byte {
	r := audit.Record{ID: fmt.Sprintf("r%d", n), Practice: "p1", At: noon.Add(time.Duration(n) * time.Second), Action: action}
	b, err := r.Leaf()
	if err != nil {
		panic(err)
	}
	return b
}

func leaves(from, to int) [][]byte {
	var out [][]byte
	for n := from; n < to; n++ {
		out = append(out, leaf(n, "visit.read"))
	}
	return out
}

func vkey(t testing.TB, k audit.Key) string {
	t.Helper()
	s, err := k.VerifierKey("p1")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// extend is Extend where it must succeed.
func extend(t testing.TB, kept, head audit.Head, leaves [][]byte) audit.Head {
	t.Helper()
	next, err := key("one").Extend("p1", kept, head, leaves)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func checkpoint(t testing.TB, k audit.Key, leaves [][]byte) []byte {
	t.Helper()
	var f audit.Frontier
	for _, leaf := range leaves {
		f = f.Add(leaf)
	}
	c, err := k.Checkpoint("p1", f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpenCheckpoint_OursAlone(t *testing.T) {
	t.Parallel()
	signed := checkpoint(t, key("one"), leaves(0, 3))
	size, root, err := audit.VerifyCheckpoint(vkey(t, key("one")), signed)
	if err != nil || size != 3 || root == (tlog.Hash{}) {
		t.Errorf("VerifyCheckpoint = %d, %v, %v", size, root, err)
	}
	for _, text := range []string{
		"evisit.example/log/p1\n3\n", "evisit.example/log/p1\n03\n" + root.String() + "\n", "evisit.example/log/p1\n-3\n" + root.String() + "\n",
		"evisit.example/log/p2\n3\n" + root.String() + "\n", "evisit.example/log/p1\n3\n" + root.String() + "\nmore\n", "evisit.example/log/p1\n3\nroot\n",
	} {
		if size, _, err := audit.VerifyCheckpoint(vkey(t, key("one")), noteOf(t, text)); err == nil {
			t.Errorf("%q is a checkpoint of %d leaves", text, size)
		}
	}
	if _, _, err := audit.VerifyCheckpoint("evisit.example/log/p1", signed); err == nil {
		t.Error("a checkpoint is opened without a key")
	}
}

// noteOf signs any text with the log's own key.
func noteOf(t *testing.T, text string) []byte {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, noteSigner{})
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// A noteSigner is key "one" as a signer of any note.
type noteSigner struct{}

func (noteSigner) Name() string { return "evisit.example/log/p1" }

func (noteSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(key("one").Private, msg), nil }

func (noteSigner) KeyHash() uint32 {
	s, err := key("one").VerifierKey("p1")
	if err != nil {
		panic(err)
	}
	v, err := note.NewVerifier(s)
	if err != nil {
		panic(err)
	}
	return v.KeyHash()
}

func TestHead_JSON(t *testing.T) {
	t.Parallel()
	h := extend(t, audit.Head{}, audit.Head{}, leaves(0, 5))
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	back, err := audit.ParseHead(vkey(t, key("one")), b)
	if d := cmp.Diff(h, back); err != nil || d != "" {
		t.Errorf("ParseHead = %v, and differs:\n%s", err, d)
	}
	for _, member := range []string{`{"through":"20260302T120004.123Z#r4"`, `"tree":{"size":5,"hashes":["`, `"checkpoint":"evisit.example/log/p1\n5\n`} {
		if !bytes.Contains(b, []byte(member)) {
			t.Errorf("%s lacks %s", b, member)
		}
	}
}

// A tree proves itself by its signature: whatever else a head says is refused.
func TestHead_CheckRefusesAnotherTree(t *testing.T) {
	t.Parallel()
	h := extend(t, audit.Head{}, audit.Head{}, leaves(0, 5))
	for name, spoil := range map[string]func(*audit.Head){
		"Size":          func(h *audit.Head) { h.Tree.Size = 6 },
		"NegativeSize":  func(h *audit.Head) { h.Tree.Size = -5 },
		"Hash":          func(h *audit.Head) { h.Tree.Hashes[1][0] ^= 1 },
		"Order":         func(h *audit.Head) { slices.Reverse(h.Tree.Hashes) },
		"RootAlone":     func(h *audit.Head) { h.Tree.Hashes = []tlog.Hash{h.Tree.Root()} },
		"NoHashes":      func(h *audit.Head) { h.Tree.Hashes = nil },
		"NoTree":        func(h *audit.Head) { h.Tree = audit.Frontier{} },
		"NoThrough":     func(h *audit.Head) { h.Through = "" },
		"NoCheckpoint":  func(h *audit.Head) { h.Checkpoint = "" },
		"OthersKey":     func(h *audit.Head) { h.Checkpoint = string(checkpoint(t, key("two"), leaves(0, 5))) },
		"Earlier":       func(h *audit.Head) { h.Checkpoint = string(checkpoint(t, key("one"), leaves(0, 4))) },
		"OnlyAPosition": func(h *audit.Head) { *h = audit.Head{Through: h.Through} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := h
			bad.Tree.Hashes = slices.Clone(h.Tree.Hashes)
			spoil(&bad)
			if err := bad.Check(vkey(t, key("one"))); err == nil {
				t.Errorf("Check accepts %+v", bad)
			}
			if next, err := key("one").Extend("p1", audit.Head{}, bad, leaves(5, 6)); err == nil {
				t.Errorf("Extend signs %+v behind it", next)
			}
			if next, err := key("one").Extend("p1", bad, h, leaves(5, 6)); err == nil && bad.Tree.Size != 0 {
				t.Errorf("Extend believes what was kept, and signs %+v", next)
			}
		})
	}
}

func TestExtend_SignsWhatContinues(t *testing.T) {
	t.Parallel()
	kept := extend(t, audit.Head{}, audit.Head{}, leaves(0, 3))
	head := extend(t, kept, kept, leaves(3, 4))
	got := extend(t, kept, head, leaves(4, 9))
	if got.Checkpoint != string(checkpoint(t, key("one"), leaves(0, 9))) {
		t.Errorf("signed %q", got.Checkpoint)
	}
	if want := "20260302T120008.123Z#r8"; got.Through != want || got.Tree.Size != 9 {
		t.Errorf("%d leaves through %s, want 9 through %s", got.Tree.Size, got.Through, want)
	}
	if again := extend(t, kept, got, nil); !cmp.Equal(again, got) {
		t.Errorf("adding nothing made %+v of %+v", again, got)
	}
}

func TestExtend_RefusesSmallerOrForked(t *testing.T) {
	t.Parallel()
	kept := extend(t, audit.Head{}, audit.Head{}, leaves(0, 5))
	other := extend(t, audit.Head{}, audit.Head{}, append(leaves(0, 4), leaf(4, "chart.read")))
	misplaced := kept
	misplaced.Through = "20260302T120001.123Z#r1"
	for name, test := range map[string]struct {
		kept, head audit.Head
		leaves     [][]byte
		want       error
	}{
		"HeadLost":          {kept, audit.Head{}, leaves(0, 9), audit.ErrSmaller},
		"HeadPutBack":       {kept, extend(t, audit.Head{}, audit.Head{}, leaves(0, 4)), leaves(4, 9), audit.ErrSmaller},
		"HeadOfAnother":     {kept, other, leaves(5, 9), audit.ErrForked},
		"HeadMisplaced":     {kept, misplaced, leaves(2, 9), audit.ErrForked},
		"NothingToAdd":      {kept, audit.Head{}, nil, audit.ErrSmaller},
		"LeafAgain":         {kept, kept, leaves(4, 9), nil},
		"LeavesOutOfOrder":  {kept, kept, [][]byte{leaf(6, ""), leaf(5, "")}, nil},
		"LeafTwice":         {kept, kept, [][]byte{leaf(6, ""), leaf(6, "")}, nil},
		"NotALeaf":          {kept, kept, [][]byte{[]byte("x")}, nil},
		"KeptNotAuthentic":  {audit.Head{Through: "x", Tree: kept.Tree, Checkpoint: "x"}, kept, leaves(5, 9), nil},
		"FirstLeavesTwice":  {audit.Head{}, kept, leaves(0, 9), nil},
		"HeadWithNoLogLeft": {kept, audit.Head{Through: kept.Through}, leaves(5, 9), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, err := key("one").Extend("p1", test.kept, test.head, test.leaves)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || next.Checkpoint != "" {
				t.Errorf("Extend = %+v, %v; want %v", next, err, test.want)
			}
		})
	}
	public := key("one")
	public.Private = nil
	if next, err := public.Extend("p1", kept, kept, leaves(5, 9)); err == nil {
		t.Errorf("Extend without a private key = %+v", next)
	}
}

// However a log is cut into sweeps, and whenever its head is kept, each signed
// tree is the prefix of every later one.
func TestExtend_EachTreeIsAPrefixOfTheNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var kept, head audit.Head
		var tree audit.Tree
		for n, sweep := 0, 0; sweep < 6; sweep++ {
			to := n + rapid.IntRange(0, 9).Draw(rt, "new")
			next, err := key("one").Extend("p1", kept, head, leaves(n, to))
			if err != nil {
				rt.Fatal(err)
			}
			for _, leaf := range leaves(n, to) {
				if err := tree.Add(leaf); err != nil {
					rt.Fatal(err)
				}
			}
			if head.Tree.Size > 0 {
				proof, err := tree.ProvePrefix(head.Tree.Size)
				if err != nil {
					rt.Fatal(err)
				}
				if err := tlog.CheckTree(proof, next.Tree.Size, next.Tree.Root(), head.Tree.Size, head.Tree.Root()); err != nil {
					rt.Fatalf("%d leaves after %d: %v", next.Tree.Size, head.Tree.Size, err)
				}
			}
			if n, head = to, next; rapid.Bool().Draw(rt, "keep") {
				kept = head
			}
		}
	})
}

func TestTree_ProvesItsLeavesAlone(t *testing.T) {
	t.Parallel()
	const n = 70
	var tree audit.Tree
	var f audit.Frontier
	if _, err := tree.ProveLeaf(0); err == nil {
		t.Error("the empty tree proves a leaf")
	}
	for size, l := range leaves(0, n) {
		if err := tree.Add(l); err != nil {
			t.Fatal(err)
		}
		f = f.Add(l)
		for at := range size + 1 {
			proof, err := tree.ProveLeaf(int64(at))
			if err != nil {
				t.Fatal(err)
			}
			check := func(at int, leaf []byte) error {
				return tlog.CheckRecord(proof, f.Size, f.Root(), int64(at), tlog.RecordHash(leaf))
			}
			if err := check(at, leaf(at, "visit.read")); err != nil {
				t.Errorf("leaf %d of %d: %v", at, f.Size, err)
			}
			if check(at, leaf(at, "chart.read")) == nil || check(at+1, leaf(at, "visit.read")) == nil {
				t.Errorf("leaf %d of %d: the proof proves another", at, f.Size)
			}
		}
	}
	if _, err := tree.ProveLeaf(n); err == nil {
		t.Error("a leaf behind the last is proved")
	}
	if _, err := tree.ProvePrefix(n + 1); err == nil {
		t.Error("a longer tree is proved to be a prefix")
	}
}

func TestStretch_BetweenKeptHeads(t *testing.T) {
	t.Parallel()
	first := extend(t, audit.Head{}, audit.Head{}, leaves(0, 5))
	second := extend(t, first, first, leaves(5, 12))
	third := extend(t, second, second, leaves(12, 20))
	for name, test := range map[string]struct {
		spoil func(l [][]byte) [][]byte
		want  string // empty: it holds
	}{
		"Sound":     {func(l [][]byte) [][]byte { return l }, ""},
		"Altered":   {func(l [][]byte) [][]byte { l[9] = leaf(14, "chart.read"); return l }, "a leaf from number 12 to 19"},
		"Reordered": {func(l [][]byte) [][]byte { l[2], l[3] = l[3], l[2]; return l }, "leaf 8, record 20260302T120007.123Z#r7, comes after"},
		"Removed":   {func(l [][]byte) [][]byte { return slices.Delete(l, 8, 9) }, "a checkpoint is of 20 leaves, and there are 19"},
		"Added":     {func(l [][]byte) [][]byte { return append(l, leaf(20, "")) }, "a checkpoint is of 20 leaves, and there are 21"},
		"Unread":    {func(l [][]byte) [][]byte { l[0] = l[0][1:]; return l }, "leaf 5 cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := audit.NewStretch(vkey(t, key("one")), first)
			if err != nil {
				t.Fatal(err)
			}
			err = func() error {
				for n, leaf := range test.spoil(leaves(5, 20)) {
					if _, err := s.Add(leaf); err != nil {
						return err
					}
					if n == 6 {
						if err := s.Signed([]byte(second.Checkpoint)); err != nil {
							return err
						}
					}
				}
				return errors.Join(s.Signed([]byte(third.Checkpoint)), s.End())
			}()
			found, _ := errors.AsType[*audit.Finding](err)
			if test.want == "" && err != nil || test.want != "" && (found == nil || found.Kind != audit.LogAltered || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("found %v, want %q", err, test.want)
			}
		})
	}
	s, err := audit.NewStretch(vkey(t, key("one")), first)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Signed([]byte(strings.Replace(first.Checkpoint, "\n5\n", "\n6\n", 1))); err == nil {
		t.Error("a checkpoint that nobody signed is accepted")
	}
	if _, err := s.Add(leaf(5, "")); err != nil || s.End() == nil {
		t.Errorf("Add = %v, and a leaf that no checkpoint signs is accepted", err)
	}
}
