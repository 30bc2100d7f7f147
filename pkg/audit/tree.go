package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree has every hash of a log's tree in memory, about 64 bytes a leaf, to
// prove its leaves and prefixes. tlog.CheckRecord and tlog.CheckTree check the
// proofs.
type Tree struct {
	size   int64
	hashes []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		if n < 0 || n >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("audit: a tree of %d leaves has no hash %d", t.size, n)
		}
		out[i] = t.hashes[n]
	}
	return out, nil
}

// Add appends a leaf.
func (t *Tree) Add(leaf []byte) error {
	more, err := tlog.StoredHashes(t.size, leaf, t)
	if err != nil {
		return err
	}
	t.size, t.hashes = t.size+1, append(t.hashes, more...)
	return nil
}

// ProveLeaf proves that leaf n, the first being 0, is in the tree.
func (t *Tree) ProveLeaf(n int64) (tlog.RecordProof, error) { return tlog.ProveRecord(t.size, n, t) }

// ProvePrefix proves that the tree of the first n leaves became this one by
// appending.
func (t *Tree) ProvePrefix(n int64) (tlog.TreeProof, error) { return tlog.ProveTree(t.size, n, t) }
