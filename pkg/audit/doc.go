// Package audit defines the record of who did what, reads included, the
// append-only Merkle log of these records, and what the log proves: that no
// record and no stored row was altered, removed, put back or moved. It decides
// on values; others read and write them.
//
// # The log
//
// A practice's log is its records in the order of their positions, each a leaf
// (Record.Leaf) of a tree as in RFC 6962. Rows of no single practice are in the
// log named Platform. A checkpoint in the C2SP tlog-checkpoint format signs the
// tree. Every record names the rows stored together with it, with the hash of
// their bytes (Item.Hash), and every row names in its attribute "a" the position
// of its record. Covered rows are never deleted: a row whose content must go is
// stored once more without it.
//
// # Ways to verify
//
//   - Replay compares everything with everything, from an export or live.
//   - Stretch adds the leaves between two heads that were kept, CheckNamed looks
//     at each row that they name, and CheckStored at any row as it is found:
//     together they verify a part of the log and of the rows by reading alone.
//   - Tree proves single leaves, and that a log continues an earlier one.
//
// # The form of an export
//
// An export is text, one JSON object a line, each line ended by a line feed. Its
// pages, one behind the other, are the export. A line is told by its first
// member:
//
//	{"id":…                       a leaf; the line is the leaf's very bytes
//	{"checkpoint":"…"}            a checkpoint of all leaves before it
//	{"row":"CASE#…","bytes":"…"}  a row's key (Item.Key) and, in base64, its bytes (Item.Bytes)
//
// Leaves come first, with a checkpoint behind the last and any number between
// them; then the rows; then, if a row is newer than these leaves, the leaves
// signed since and their checkpoint (see Replay for why). Members are in this
// order, without blanks, as encoding/json writes them.
package audit
