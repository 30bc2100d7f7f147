package clinic

import (
	"context"
	"iter"
)

// A Leaf is one record of a log, as it was stored and is hashed.
type Leaf struct {
	Position string
	Bytes    []byte
}

// A LogReader returns the leaves of a practice's log in order, after position after up to
// and including position through, at most limit.
type LogReader func(ctx context.Context, practice, after, through string, limit int) ([]Leaf, error)

// Leaves yields every leaf of a practice's log after position after up to and including
// position through, in order. It reads them in pages of at most page leaves. An error is
// yielded last.
func (read LogReader) Leaves(ctx context.Context, practice, after, through string, page int) iter.Seq2[Leaf, error] {
	return func(yield func(Leaf, error) bool) {
		for after := after; after < through; {
			leaves, err := read(ctx, practice, after, through, page)
			if err != nil {
				yield(Leaf{}, err)
				return
			}
			if len(leaves) == 0 {
				return
			}
			for _, l := range leaves {
				if !yield(l, nil) {
					return
				}
			}
			after = leaves[len(leaves)-1].Position
		}
	}
}
