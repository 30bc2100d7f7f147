package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// A Stretch is a part of a log, read in order from one head on. It needs reads
// alone: the daily check of a part of a log is the leaves between two kept
// heads.
type Stretch struct {
	verifier note.Verifier
	tree     Frontier
	through  string
	signed   int64
}

// NewStretch begins after head from, which it checks; after the zero Head it
// begins with the log's first leaf.
func NewStretch(vkey string, from Head) (*Stretch, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("audit: the log's public key: %w", err)
	}
	if err := from.check(v); err != nil {
		return nil, err
	}
	return &Stretch{v, from.Tree, from.Through, from.Tree.Size}, nil
}

// Add adds the next leaf and returns its record.
func (s *Stretch) Add(leaf []byte) (Record, error) {
	r, err := ParseLeaf(leaf)
	if err != nil {
		return Record{}, logAltered("leaf %d cannot be read: %v", s.tree.Size, err)
	}
	at := r.Position()
	if at <= s.through {
		return Record{}, logAltered("leaf %d, record %s, comes after record %s", s.tree.Size, at, s.through)
	}
	s.tree, s.through = s.tree.Add(leaf), at
	return r, nil
}

// Signed compares the leaves so far with a checkpoint of as many leaves. The
// more checkpoints, the closer a difference is located.
func (s *Stretch) Signed(checkpoint []byte) error {
	size, root, err := verifyCheckpoint(s.verifier, checkpoint)
	switch {
	case err != nil:
		return logAltered("behind leaf %d, record %s: %v", s.tree.Size-1, s.through, err)
	case size != s.tree.Size:
		return logAltered("a checkpoint is of %d leaves, and there are %d through record %s; %d are as signed", size, s.tree.Size, s.through, s.signed)
	case root != s.tree.Root():
		return logAltered("a leaf from number %d to %d, record %s, is not as it was signed", s.signed, size-1, s.through)
	}
	s.signed = size
	return nil
}

// End returns an error if leaves follow the last checkpoint.
func (s *Stretch) End() error {
	if s.tree.Size != s.signed {
		return logAltered("no checkpoint signs the leaves from number %d to %d", s.signed, s.tree.Size-1)
	}
	return nil
}
