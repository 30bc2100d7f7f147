package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Hash is SHA-256 of a stored row's bytes.
type Hash [sha256.Size]byte

var hashText = base64.RawURLEncoding.Strict()

func (h Hash) String() string { return hashText.EncodeToString(h[:]) }

// MarshalText writes 43 characters of unpadded base64url.
func (h Hash) MarshalText() ([]byte, error) { return hashText.AppendEncode(nil, h[:]), nil }

// UnmarshalText accepts what MarshalText writes and nothing else.
func (h *Hash) UnmarshalText(text []byte) error {
	b, err := hashText.DecodeString(string(text))
	if err != nil || len(text) != hashText.EncodedLen(len(h)) || len(b) != len(h) {
		return errors.New("audit: not the text of a hash")
	}
	copy(h[:], b)
	return nil
}

// A Type is one of DynamoDB's scalar types.
type Type byte

// The types that rows have attributes of.
const (
	Text   Type = 'S'
	Number Type = 'N' // its digits, as DynamoDB returns them
	Binary Type = 'B'
)

// A Value is one attribute of a row.
type Value struct {
	Type  Type
	Bytes []byte
}

// An Item is a row as stored: its attributes by name, "pk" and "sk" among them.
type Item map[string]Value

// wholeKey is the sort key of a row that has its partition key for itself.
const wholeKey = "-"

// Key returns the row's primary key as text: the partition key and, unless it is
// "-", a slash and the sort key. Two keys that contain slashes may have the same
// text; their rows have different hashes.
func (i Item) Key() string {
	pk, sk := string(i["pk"].Bytes), string(i["sk"].Bytes)
	if sk == wholeKey {
		return pk
	}
	return pk + "/" + sk
}

// Pointer returns the position of the record that named the row when it was
// stored.
func (i Item) Pointer() string { return string(i["a"].Bytes) }

// Bytes returns the row's only canonical form: its attributes in the order of
// their names, each a type, a name and a value, the last two after their
// lengths. Two different rows never have the same bytes.
func (i Item) Bytes() []byte {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(i)) {
		v := i[name]
		b = append(b, byte(v.Type))
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
		b = binary.AppendUvarint(b, uint64(len(v.Bytes)))
		b = append(b, v.Bytes...)
	}
	return b
}

// Hash returns SHA-256 of Bytes. Both keys are part of it, so a row has another
// hash under another key.
func (i Item) Hash() Hash { return sha256.Sum256(i.Bytes()) }

// ParseItem is the inverse of Bytes: it accepts the canonical form of a row that
// has a primary key, and nothing else. The values are parts of b.
func ParseItem(b []byte) (Item, error) {
	i, before := Item{}, []byte(nil)
	for rest := b; len(rest) > 0; {
		t := Type(rest[0])
		name, after, ok := cutText(rest[1:])
		value, after, ok2 := cutText(after)
		switch {
		case !ok || !ok2 || t != Text && t != Number && t != Binary:
			return nil, fmt.Errorf("audit: byte %d begins no attribute of a row", len(b)-len(rest))
		case len(i) > 0 && bytes.Compare(name, before) <= 0:
			return nil, errors.New("audit: attributes of a row out of order")
		}
		i[string(name)], before, rest = Value{t, value}, name, after
	}
	if i["pk"].Type != Text || i["sk"].Type != Text {
		return nil, errors.New("audit: a row without a key")
	}
	return i, nil
}

// cutText cuts text with its length before it off the beginning of b. A length
// has no more bytes than it needs.
func cutText(b []byte) (text, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || w > 1 && b[w-1] == 0 || n > uint64(len(b)-w) { //nolint:gosec // w is at most len(b)
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true //nolint:gosec // n is at most len(b)
}
