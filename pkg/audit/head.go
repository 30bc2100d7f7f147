package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A Head is the state of a log: its tree, the position of its last leaf, and the
// tree's checkpoint. The zero Head is the empty log. The checkpoint proves the
// tree; Through is proved only by adding the leaves again from an earlier
// trusted head (see Stretch). Heads are kept as JSON, where nothing can be
// overwritten, by package sweep.
type Head struct {
	Through    string   `json:"through"`
	Tree       Frontier `json:"tree"`
	Checkpoint string   `json:"checkpoint"`
}

// ParseHead reads a head from its JSON and checks it.
func ParseHead(vkey string, b []byte) (Head, error) {
	var h Head
	if err := json.Unmarshal(b, &h); err != nil {
		return Head{}, fmt.Errorf("decoding a log's head: %w", err)
	}
	if err := h.Check(vkey); err != nil {
		return Head{}, err
	}
	return h, nil
}

// Check returns an error unless the checkpoint signs the tree.
func (h Head) Check(vkey string) error {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return fmt.Errorf("audit: the log's public key: %w", err)
	}
	return h.check(v)
}

func (h Head) check(v note.Verifier) error {
	if h.Checkpoint == "" && h.Through == "" && h.Tree.Size == 0 && len(h.Tree.Hashes) == 0 {
		return nil
	}
	size, root, err := verifyCheckpoint(v, []byte(h.Checkpoint))
	if err != nil {
		return err
	}
	if size != h.Tree.Size || h.Through == "" || bits.OnesCount64(uint64(size)) != len(h.Tree.Hashes) || h.Tree.Root() != root { //nolint:gosec // a size is not negative
		return fmt.Errorf("audit: a head through %q whose tree of %d leaves is not the one signed", h.Through, h.Tree.Size)
	}
	return nil
}

// Follows returns an error unless h may be the head, at now, of a log of which
// kept was kept where nothing can be overwritten. It does not prove that the one
// tree continues the other (see Stretch). The error is ErrForked if the two
// cannot both be of one log, and both are signed; any other says that h is not
// what was stored, and the log may go on from kept.
func (h Head) Follows(vkey string, kept Head, now time.Time) error {
	if err := h.Check(vkey); err != nil {
		return err
	}
	switch {
	case h.Through > (Record{At: now, ID: "~"}).Position(): // "~" sorts after every id
		return fmt.Errorf("audit: a head through %q, which is later than %s", h.Through, now.UTC().Format(time.RFC3339))
	case h.Tree.Size < kept.Tree.Size:
		return fmt.Errorf("%w: %d leaves, and %d were signed", ErrSmaller, h.Tree.Size, kept.Tree.Size)
	case h.Tree.Size > kept.Tree.Size || h.Tree.Root() == kept.Tree.Root() && h.Through == kept.Through:
		return nil
	case h.Tree.Root() != kept.Tree.Root():
		return fmt.Errorf("%w: at %d leaves", ErrForked, h.Tree.Size)
	}
	return fmt.Errorf("audit: a head through %q whose %d leaves end with %q", h.Through, h.Tree.Size, kept.Through)
}

// The errors of a log that is not signed. Both mean that its head was replaced,
// and a person must find out by whom.
var (
	// ErrSmaller is for a head behind the kept one. If the head was lost, the
	// log continues from the kept one.
	ErrSmaller = errors.New("audit: the log would be smaller than it was")
	ErrForked  = errors.New("audit: the log would differ from what was signed before")
)

// Extend adds leaves to the log at head and signs it. kept is the log's latest
// head that was kept where nothing can be overwritten, read before head. A head
// larger than kept is trusted to continue it because it is signed, and Extend
// signs nothing else; before such a head is kept itself, a Stretch from kept to
// it must hold.
func (k Key) Extend(practice string, kept, head Head, leaves [][]byte) (Head, error) {
	vkey, err := k.VerifierKey(practice)
	if err != nil {
		return Head{}, err
	}
	if err := kept.Check(vkey); err != nil {
		return Head{}, fmt.Errorf("the head that was kept: %w", err)
	}
	s, err := NewStretch(vkey, head)
	switch {
	case err != nil:
		return Head{}, err
	case head.Tree.Size < kept.Tree.Size:
		return Head{}, fmt.Errorf("%w: %d leaves, and %d were signed", ErrSmaller, head.Tree.Size, kept.Tree.Size)
	case head.Tree.Size == kept.Tree.Size && (head.Tree.Root() != kept.Tree.Root() || head.Through != kept.Through):
		return Head{}, fmt.Errorf("%w: at %d leaves", ErrForked, head.Tree.Size)
	case len(leaves) == 0:
		return head, nil
	}
	for _, leaf := range leaves {
		if _, err := s.Add(leaf); err != nil {
			return Head{}, err
		}
	}
	signed, err := k.Checkpoint(practice, s.tree)
	return Head{s.through, s.tree, string(signed)}, err
}
