package audit

import (
	"errors"
	"iter"
	"maps"
	"strings"
)

// CheckNamed decides on a row that a leaf, at position, says was stored. stored
// is the row as it is now, nil if there is none; by is the record that its
// pointer names, as the table has it now, nil if there is none. That by is in
// the log is for a Stretch over that part of the log to show. The error is a
// *Finding.
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
	case found == nil && pointer < position:
		return &Finding{Kind: PutBack, Key: named.Key, Position: position}
	}
	return err
}

// CheckStored decides on a row as it is stored, when all that is known is by,
// the record that its pointer names, nil if there is none. It does not notice
// a row that was put back: that takes the leaf that wrote the later state, and
// CheckNamed. The error is a *Finding.
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

// under yields the row as it would be under the primary keys that have the text
// key: one, unless it contains slashes.
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
