package audit

import (
	"errors"
	"iter"
	"maps"
	"strconv"
	"strings"
)

// CheckNamed compares a row with a leaf, at position, that names it. stored is
// the row as stored now, nil if there is none; by is the record that the row
// points to, as stored now, nil if there is none. Whether by is in the log is
// for a Stretch over that part of the log to show. The error is a *Finding.
func CheckNamed(position string, named Row, stored Item, by *Record) error {
	if stored == nil {
		return &Finding{Kind: Removed, Key: named.Key, Position: position}
	}
	err := CheckStored(stored, by)
	found, _ := errors.AsType[*Finding](err)
	switch pointer := stored.Pointer(); {
	case stored.Key() != named.Key:
		return &Finding{Kind: Moved, Key: named.Key, From: stored.Key(), Position: position}
	case found != nil && found.Kind == Unlogged, // the leaf does name the key
		found == nil && pointer == position && stored.Hash() != named.Hash: // by is not the leaf
		return &Finding{Kind: Changed, Key: named.Key, Position: position}
	case found == nil && named.newer(stored, pointer < position):
		return &Finding{Kind: PutBack, Key: named.Key, Position: position}
	}
	return err
}

// newer reports whether the row named is newer than the one stored. Where rows
// have versions these say so; else later, by their records' positions. Clocks
// differ, and two records of one millisecond are in the order of their ids.
func (r Row) newer(stored Item, later bool) bool {
	if r.Version == 0 {
		return later
	}
	return stored.version() < r.Version
}

// version is a row's; 0 for one that is written once.
func (i Item) version() int {
	n, _ := strconv.Atoi(string(i["v"].Bytes)) // absent is 0
	return n
}

// CheckStored compares a stored row with by, the record that the row points to,
// nil if there is none. It cannot notice a row that was put back: that takes
// CheckNamed with the leaf of the later state. The error is a *Finding.
func CheckStored(stored Item, by *Record) error {
	key, pointer := stored.Key(), stored.Pointer()
	unlogged := &Finding{Kind: Unlogged, Key: key, Position: pointer}
	if by == nil || by.Position() != pointer {
		return unlogged
	}
	hash, named := stored.Hash(), false
	for _, r := range by.Rows {
		if r.Key == key && r.Hash == hash {
			return nil
		}
		named = named || r.Key == key
	}
	for _, r := range by.Rows {
		for other := range stored.withKey(r.Key) {
			if other.Hash() == r.Hash {
				return &Finding{Kind: Moved, Key: key, From: r.Key, Position: pointer}
			}
		}
	}
	if named {
		return &Finding{Kind: Changed, Key: key, Position: pointer}
	}
	return unlogged
}

// withKey yields the row under each primary key that has the text key: one,
// unless key contains slashes.
func (i Item) withKey(key string) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		other := maps.Clone(i)
		set := func(pk, sk string) bool {
			other["pk"], other["sk"] = Value{Text, []byte(pk)}, Value{Text, []byte(sk)}
			return yield(other)
		}
		if !set(key, wholeKey) {
			return
		}
		for n := range len(key) {
			if strings.HasPrefix(key[n:], "/") && !set(key[:n], key[n+1:]) {
				return
			}
		}
	}
}
