package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxTail bounds the time between the first and the last of the leaves that
// follow the rows of a Replay. A row written in that time may have been read
// before or after the write, and nothing tells which.
const maxTail = time.Hour

// A Replay compares all rows of a log with the log. Add to it
//
//   - every leaf, in order, and a checkpoint of them all, at least;
//   - then every row as stored, in any order, read after those leaves;
//   - then, if a row is newer than those leaves, the leaves signed since,
//     through that row's, within maxTail, and a checkpoint of them.
//
// Each method returns its first *Finding. Nothing may be added after an error. A Replay keeps each leaf's position, each key with its last hash, and
// eight bytes of every earlier hash, without pointers: about 60 bytes a leaf and 150
// a key.
type Replay struct {
	log     *Stretch
	wroteAt texts // the position of each leaf
	keys    texts
	last    []state // of each key
	index   map[keyHash]int
	earlier map[mark]struct{} // what last had before

	rows    int64
	reading bool                // a row was added
	newer   map[string][]Item   // rows newer than the leaves before them, by pointer
	newKeys map[string]struct{} // of newer
	tail    time.Time           // of the first leaf behind the rows
}

// A state is what a record wrote under a key, and whether it was found there.
type state struct {
	hash    Hash
	leaf    int32 // its number, for wroteAt
	version int32 // 0 for a row that is written once
	found   bool
}

// A keyHash is half of SHA-256 of a key, by which Replay finds the key.
type keyHash [sha256.Size / 2]byte

func hashOfKey(key string) keyHash {
	sum := sha256.Sum256([]byte(key))
	return keyHash(sum[:])
}

// texts is a list of strings in one piece of memory.
type texts struct {
	all  []byte
	ends []int
}

func (t *texts) add(s string) { t.all = append(t.all, s...); t.ends = append(t.ends, len(t.all)) }

func (t *texts) at(n int) string {
	begin := 0
	if n > 0 {
		begin = t.ends[n-1]
	}
	return string(t.all[begin:t.ends[n]])
}

// A mark is the beginning of a Hash. It only tells a row that was put back from
// a changed one, once the row's whole hash is known to be wrong.
type mark [8]byte

func markOf(h Hash) mark { return mark(h[:]) }

// NewReplay begins at the first leaf of the log that vkey is for.
func NewReplay(vkey string) (*Replay, error) {
	s, err := NewStretch(vkey, Head{})
	if err != nil {
		return nil, err
	}
	return &Replay{
		log: s, index: map[keyHash]int{}, earlier: map[mark]struct{}{},
		newer: map[string][]Item{}, newKeys: map[string]struct{}{},
	}, nil
}

// Leaf adds the next leaf.
func (r *Replay) Leaf(leaf []byte) error {
	rec, err := r.log.Add(leaf)
	if err != nil {
		return err
	}
	if r.reading {
		return r.newerRows(rec)
	}
	r.wroteAt.add(r.log.through)
	for _, row := range rec.Rows {
		h := hashOfKey(row.Key)
		written := state{hash: row.Hash, leaf: int32(len(r.wroteAt.ends) - 1), version: int32(row.Version)} //nolint:gosec // a log has fewer leaves, a row fewer versions
		if n, known := r.index[h]; known {
			// Clocks differ, and two records of one millisecond are in the order of their
			// ids: which was written last is for the versions to say.
			if written.version < r.last[n].version {
				r.earlier[markOf(written.hash)] = struct{}{}
				continue
			}
			r.earlier[markOf(r.last[n].hash)] = struct{}{}
			r.last[n] = written
			continue
		}
		r.index[h] = len(r.last)
		r.keys.add(row.Key)
		r.last = append(r.last, written)
	}
	return nil
}

// find returns the last state written under a key; nil if there is none.
func (r *Replay) find(key string) *state {
	n, known := r.index[hashOfKey(key)]
	if !known {
		return nil
	}
	return &r.last[n]
}

// position returns the position of the record that wrote s.
func (r *Replay) position(s state) string { return r.wroteAt.at(int(s.leaf)) }

// newerRows compares a leaf that follows the rows with the rows that point to
// it.
func (r *Replay) newerRows(rec Record) error {
	if r.tail.IsZero() {
		r.tail = rec.At
	}
	if rec.At.Sub(r.tail) > maxTail {
		return fmt.Errorf("audit: the rows were read before record %s, more than %v after record %s", rec.Position(), maxTail, r.tail.UTC().Format(positionLayout))
	}
	for _, i := range r.newer[rec.Position()] {
		err := CheckStored(i, &rec)
		if found, ok := errors.AsType[*Finding](err); ok && found.Kind == Unlogged {
			return r.unwritten(i.Key(), i.Pointer())
		}
		if err != nil {
			return err
		}
	}
	delete(r.newer, rec.Position())
	return nil
}

// Checkpoint adds a checkpoint of the leaves so far.
func (r *Replay) Checkpoint(msg []byte) error { return r.log.Signed(msg) }

// Leaves returns how many leaves were added.
func (r *Replay) Leaves() int64 { return r.log.tree.Size }

// Row adds a row: its key, and its Item's bytes.
func (r *Replay) Row(key string, b []byte) error {
	if err := r.log.End(); err != nil {
		return err
	}
	if r.log.tree.Size == 0 || !r.tail.IsZero() {
		return fmt.Errorf("audit: row %s is out of place: rows come after the log, and before what it grew by since", key)
	}
	r.reading = true
	i, err := ParseItem(b)
	if err != nil {
		return r.unwritten(key, "")
	}
	if i.Key() != key {
		return &Finding{Kind: Moved, Key: key, From: i.Key(), Position: i.Pointer()}
	}
	s := r.find(key)
	if _, twice := r.newKeys[key]; twice || s != nil && s.found {
		return fmt.Errorf("audit: row %s comes twice", key)
	}
	r.rows++
	if s != nil {
		s.found = true
	}
	hash := Hash(sha256.Sum256(b))
	switch {
	case s != nil && s.hash == hash:
		return nil
	case i.Pointer() > r.log.through:
		r.newKeys[key] = struct{}{}
		r.newer[i.Pointer()] = append(r.newer[i.Pointer()], i)
		return nil
	}
	return r.explain(i, hash)
}

// explain returns what is wrong with a row that differs from its last state.
func (r *Replay) explain(i Item, hash Hash) error {
	key := i.Key()
	if s := r.find(key); s != nil && r.wrote(hash) {
		return &Finding{Kind: PutBack, Key: key, Position: r.position(*s)}
	}
	for n, s := range r.last {
		if r.position(s) < i.Pointer() {
			continue // the row says that it was written after this one
		}
		other := r.keys.at(n)
		for moved := range i.withKey(other) {
			if h := moved.Hash(); h == s.hash || r.wrote(h) {
				return &Finding{Kind: Moved, Key: key, From: other, Position: i.Pointer()}
			}
		}
	}
	return r.unwritten(key, i.Pointer())
}

func (r *Replay) wrote(h Hash) bool {
	_, ok := r.earlier[markOf(h)]
	return ok
}

// unwritten returns the finding for bytes that no record wrote: Changed under a
// key that the log names, else Unlogged.
func (r *Replay) unwritten(key, pointer string) error {
	if s := r.find(key); s != nil {
		return &Finding{Kind: Changed, Key: key, Position: r.position(*s)}
	}
	return &Finding{Kind: Unlogged, Key: key, Position: pointer}
}

// End ends the replay and returns how many leaves and rows agree.
func (r *Replay) End() (leaves, rows int64, err error) {
	if err := r.log.End(); err != nil {
		return 0, 0, err
	}
	if r.log.tree.Size == 0 {
		return 0, 0, logAltered("there is no leaf")
	}
	if len(r.newer) > 0 {
		at := slices.Min(slices.Collect(maps.Keys(r.newer)))
		return 0, 0, r.unwritten(r.newer[at][0].Key(), at)
	}
	if err := r.missing(); err != nil {
		return 0, 0, err
	}
	return r.log.tree.Size, r.rows, nil
}

// missing returns a finding for the row that was written first of those not
// added.
func (r *Replay) missing() error {
	first := -1
	for n, s := range r.last {
		if !s.found && (first < 0 || s.leaf < r.last[first].leaf) {
			first = n
		}
	}
	if first < 0 {
		return nil
	}
	return &Finding{Kind: Removed, Key: r.keys.at(first), Position: r.position(r.last[first])}
}
