package office

import (
	"context"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// Checkpoint returns the latest signed head of the log of the caller's practice.
func (o *Office) Checkpoint(ctx context.Context, c clinic.Caller) (clinic.LogHead, error) {
	practice, err := o.logToRead(ctx, c)
	if err != nil {
		return clinic.LogHead{}, err
	}
	h, err := o.Store.LogHead(ctx, practice)
	if err == nil && h.Version == 0 {
		return h, fault.New(fault.NotFound, "no_checkpoint", "the log has no checkpoint yet; one is signed within minutes of the first record")
	}
	return h, err
}

// LogVerifier returns the key that verifies the checkpoints of the caller's
// practice.
func (o *Office) LogVerifier(ctx context.Context, c clinic.Caller) (string, error) {
	practice, err := o.logToRead(ctx, c)
	if err != nil {
		return "", err
	}
	return o.LogKey.VerifierKey(practice)
}

// logToRead returns the practice whose log the caller may read.
func (o *Office) logToRead(ctx context.Context, c clinic.Caller) (practice string, err error) {
	c, err = o.Kernel.Identify(ctx, c)
	if err != nil {
		return "", err
	}
	at := identity.Resource{Practice: c.Person.Practice}
	return at.Practice, identity.Allow(c.Person, identity.ReadLog, at, o.Kernel.Time())
}

// The bounds of one page of an export keep it below the size that a function may
// reply with: a leaf has at most a kilobyte, half as much again
// in JSON; a row has up to 400.
const (
	leavesPage   = 2000
	rowsPage     = 500 // leaves whose rows are looked up
	maxRowsBytes = 3 << 20
)

// ExportLog returns a page of the leaves of the log of the caller's practice,
// after position after, up to its latest checkpoint; and the position after
// which the next page begins, empty at the end. The leaves are as stored now: an
// auditor recomputes the root from them and compares it with the signed one.
func (o *Office) ExportLog(ctx context.Context, c clinic.Caller, after string) (leaves []clinic.Leaf, next string, err error) {
	leaves, err = o.leaves(ctx, c, after, leavesPage)
	if len(leaves) == leavesPage {
		next = leaves[leavesPage-1].Position
	}
	return leaves, next, err
}

func (o *Office) leaves(ctx context.Context, c clinic.Caller, after string, limit int) ([]clinic.Leaf, error) {
	h, err := o.Checkpoint(ctx, c)
	if err != nil {
		return nil, err
	}
	return o.Store.Log(ctx, h.Practice, after, h.Through, limit)
}

// ExportRows returns a page of rows, as stored now, that the leaves after
// position after were the first to name; and the position after which the next
// page begins, empty at the end. Over all pages each row that the log covers
// comes once.
func (o *Office) ExportRows(ctx context.Context, c clinic.Caller, after string) (rows []audit.Line, next string, err error) {
	leaves, err := o.leaves(ctx, c, after, rowsPage)
	if err != nil {
		return nil, "", err
	}
	size := 0
	for n, leaf := range leaves {
		r, err := audit.ParseLeaf(leaf.Bytes)
		if err != nil {
			return nil, "", err
		}
		of, err := o.firstWritten(ctx, r)
		if err != nil {
			return nil, "", err
		}
		for _, row := range of {
			size += len(row.Row)
		}
		rows = append(rows, of...)
		if size > maxRowsBytes || n == rowsPage-1 {
			return rows, leaf.Position, nil
		}
	}
	return rows, "", nil
}

// firstWritten returns the rows that r was the first to name: only a row that is
// written more than once has a version.
func (o *Office) firstWritten(ctx context.Context, r audit.Record) ([]audit.Line, error) {
	var keys []string
	for _, row := range r.Rows {
		if row.Version <= 1 {
			keys = append(keys, row.Key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	stored, err := o.Store.Stored(ctx, keys)
	if err != nil {
		return nil, err
	}
	var lines []audit.Line
	for _, k := range keys {
		if is, ok := stored[k]; ok {
			lines = append(lines, audit.Line{Key: k, Row: is.Bytes()})
		}
	}
	return lines, nil
}
