package x12

import "io"

// NewReaderOfBlocks is NewReader with blocks of another size.
func NewReaderOfBlocks(src io.Reader, block int) *Reader { return newReader(src, block) }

// Raw is element n as it is in the file.
func (r *Reader) Raw(n int) string { return r.raw(n) }
