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
	c, err := o.logReader(ctx, c)
	if err != nil {
		return clinic.LogHead{}, err
	}
	return o.signedHead(ctx, c.Person.Practice)
}

func (o *Office) signedHead(ctx context.Context, practice string) (clinic.LogHead, error) {
	h, err := o.Store.LogHead(ctx, practice)
	if err == nil && h.Version == 0 {
		return h, fault.New(fault.NotFound, "no_checkpoint", "the log has no checkpoint yet; one is signed within minutes of the first record")
	}
	return h, err
}

// LogVerifier returns the key that verifies the checkpoints of the caller's
// practice.
func (o *Office) LogVerifier(ctx context.Context, c clinic.Caller) (string, error) {
	c, err := o.logReader(ctx, c)
	if err != nil {
		return "", err
	}
	return o.LogKey.VerifierKey(c.Person.Practice)
}

// logReader returns c with its person read, who may read the log of their practice.
func (o *Office) logReader(ctx context.Context, c clinic.Caller) (clinic.Caller, error) {
	c, err := o.Kernel.Identify(ctx, c)
	if err != nil {
		return c, err
	}
	at := identity.Resource{Practice: c.Person.Practice, Whole: true}
	return c, o.Kernel.Allow(ctx, c, identity.ReadLog, at, clinic.Subject{Practice: at.Practice})
}

// The bounds of one page of an export keep it below the 6 MB that a function may
// reply with: leaves grow by a half in JSON, and a row's bytes by a third in base64.
// The rows of one leaf were one transaction of at most 4 MB.
const (
	leavesPage     = 2000
	maxLeavesBytes = 3 << 20
	rowsPage       = 500 // leaves whose rows are looked up
	rowsRead       = 100 // rows that are looked up at once: DynamoDB's limit
	maxRowsBytes   = 3 << 20
)

// ExportLog returns a page of the leaves of the log of the caller's practice,
// after position after, up to its latest checkpoint; and the position after
// which the next page begins, empty at the end. The leaves are as stored now: an
// auditor recomputes the root from them and compares it with the signed one. That
// the caller read them is recorded, once an hour.
func (o *Office) ExportLog(ctx context.Context, c clinic.Caller, after string) (leaves []clinic.Leaf, next string, err error) {
	leaves, err = o.leaves(ctx, c, after, leavesPage)
	size := 0
	for n, leaf := range leaves {
		if size += len(leaf.Bytes); size > maxLeavesBytes && n > 0 {
			return leaves[:n], leaves[n-1].Position, err
		}
	}
	if len(leaves) == leavesPage {
		next = leaves[leavesPage-1].Position
	}
	return leaves, next, err
}

func (o *Office) leaves(ctx context.Context, c clinic.Caller, after string, limit int) ([]clinic.Leaf, error) {
	c, err := o.logReader(ctx, c)
	if err != nil {
		return nil, err
	}
	h, err := o.signedHead(ctx, c.Person.Practice)
	if err != nil {
		return nil, err
	}
	if after != "" && (!audit.IsPosition(after) || after > h.Through) {
		return nil, fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right",
			fault.Problem{Where: "after", Code: "position", Text: "the position of a record of the signed log, as the Link of a page has it, or nothing to begin"})
	}
	leaves, err := o.Store.Log(ctx, h.Practice, after, h.Through, limit)
	if err == nil {
		err = o.Kernel.RecordList(ctx, c, identity.ReadLog, clinic.Subject{Practice: h.Practice})
	}
	return leaves, err
}

// ExportRows returns a page of rows, as stored now, that the leaves after
// position after were the first to name; and the position after which the next
// page begins, empty at the end. Over all pages each row that the log covers
// comes once. A page ends before the leaf whose rows would make it too large.
func (o *Office) ExportRows(ctx context.Context, c clinic.Caller, after string) (rows []audit.Line, next string, err error) {
	leaves, err := o.leaves(ctx, c, after, rowsPage)
	if err != nil {
		return nil, "", err
	}
	named, err := firstNamed(leaves)
	if err != nil {
		return nil, "", err
	}
	size, through := 0, ""
	for len(named) > 0 {
		var batch []naming
		batch, named = cutBatch(named)
		stored, err := o.Store.Stored(ctx, keysOf(batch))
		if err != nil {
			return nil, "", err
		}
		for _, n := range batch {
			lines, bytes := n.lines(stored)
			if size > 0 && size+bytes > maxRowsBytes {
				return rows, through, nil
			}
			rows, size, through = append(rows, lines...), size+bytes, n.position
		}
	}
	if len(leaves) == rowsPage {
		next = leaves[rowsPage-1].Position
	}
	return rows, next, nil
}

// A naming is a leaf's position and the keys of the rows that it was the first
// to name.
type naming struct {
	position string
	keys     []string
}

// firstNamed returns the namings of leaves, without those of no row. Only a row
// that is written more than once has a version. A key comes once.
func firstNamed(leaves []clinic.Leaf) ([]naming, error) {
	var all []naming
	seen := map[string]bool{}
	for _, leaf := range leaves {
		r, err := audit.ParseLeaf(leaf.Bytes)
		if err != nil {
			return nil, err
		}
		n := naming{position: leaf.Position}
		for _, row := range r.Rows {
			if row.Version <= 1 && !seen[row.Key] {
				seen[row.Key], n.keys = true, append(n.keys, row.Key)
			}
		}
		if len(n.keys) > 0 {
			all = append(all, n)
		}
	}
	return all, nil
}

// cutBatch cuts off as many namings as are read at once, one at least.
func cutBatch(all []naming) (batch, rest []naming) {
	n, keys := 0, 0
	for n < len(all) && (n == 0 || keys+len(all[n].keys) <= rowsRead) {
		keys, n = keys+len(all[n].keys), n+1
	}
	return all[:n], all[n:]
}

func keysOf(batch []naming) []string {
	var keys []string
	for _, n := range batch {
		keys = append(keys, n.keys...)
	}
	return keys
}

// lines returns the lines of those rows that are stored, and the length of their
// bytes.
func (n naming) lines(stored map[string]audit.Item) (lines []audit.Line, bytes int) {
	for _, k := range n.keys {
		if is, ok := stored[k]; ok {
			lines = append(lines, audit.Line{Key: k, Row: is.Bytes()})
			bytes += len(lines[len(lines)-1].Row)
		}
	}
	return lines, bytes
}
