// Package vault seals content, bound to its place, and puts documents as objects
// named by the hash of their bytes. What the content means, and the technologies
// that encrypt and store, are left to others.
package vault

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"evisit/pkg/fault"
)

// A Place is where a sealed value belongs. Every part of it is bound to the
// ciphertext: a value that is moved, or put back after it was replaced, does not
// decrypt in the place that the visit names.
type Place struct {
	Practice string
	Patient  string
	Record   string // the visit, or the patient
	Field    string
	Version  int // of a field that is replaced; 0 for one that never changes
}

// A Sealer encrypts content for its place. While it has no key, both methods
// return an error of kind fault.Busy.
type Sealer interface {
	Seal(ctx context.Context, at Place, plain []byte) ([]byte, error)
	// Unseal fails if the sealed bytes were altered or belong to another place.
	Unseal(ctx context.Context, at Place, sealed []byte) ([]byte, error)
}

// Objects keeps immutable objects.
type Objects interface {
	// Put stores an object under a key derived from its content. Putting the
	// same object again succeeds.
	Put(ctx context.Context, key string, data []byte) error
	// Get returns an object, or an error of kind fault.NotFound if there is none.
	// A store that does not answer is fault.Busy.
	Get(ctx context.Context, key string) ([]byte, error)
}

// A Vault seals values and keeps documents. It is safe for concurrent use.
type Vault struct {
	Sealer  Sealer
	Objects Objects
}

// ErrBroken marks content that differs from what was committed: altered, moved,
// replaced by an older value, or missing. It is never shown, and raises an
// alarm.
var ErrBroken = errors.New("stored content is not what was committed")

// maxPlain bounds the size of an unpacked value.
const maxPlain = 8 << 20

// Seal encrypts x as deflated JSON: the JSON of forms repeats itself.
func (v Vault) Seal(ctx context.Context, at Place, x any) ([]byte, error) {
	plain, err := encode(x)
	if err != nil {
		return nil, fmt.Errorf("encoding %s of %s: %w", at.Field, at.Record, err)
	}
	packed, err := deflate(plain)
	if err != nil {
		return nil, fmt.Errorf("packing %s of %s: %w", at.Field, at.Record, err)
	}
	return v.Sealer.Seal(ctx, at, packed)
}

// Unseal decrypts sealed into x. It returns ErrBroken if sealed does not
// decrypt, and fault.Busy while there is no key to decrypt with.
func (v Vault) Unseal(ctx context.Context, at Place, sealed []byte, x any) error {
	packed, err := v.unseal(ctx, at, sealed)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", at.Field, at.Record, err)
	}
	plain, err := inflate(packed)
	if err != nil {
		return fmt.Errorf("unpacking %s of %s: %w", at.Field, at.Record, err)
	}
	if err := decode(plain, x); err != nil {
		return fmt.Errorf("decoding %s of %s failed", at.Field, at.Record) // the cause may quote content
	}
	return nil
}

// encode and decode are json.Marshal and json.Unmarshal for what reads and writes its
// own JSON too, without the walks over the whole text by which those check it: the
// text is as its type wrote it, or it would not have decrypted.
func encode(x any) ([]byte, error) {
	if m, ok := x.(json.Marshaler); ok {
		return m.MarshalJSON()
	}
	return json.Marshal(x)
}

func decode(plain []byte, x any) error {
	if u, ok := x.(json.Unmarshaler); ok {
		return u.UnmarshalJSON(plain)
	}
	return json.Unmarshal(plain, x)
}

func (v Vault) unseal(ctx context.Context, at Place, sealed []byte) ([]byte, error) {
	plain, err := v.Sealer.Unseal(ctx, at, sealed)
	if err != nil && !errors.Is(err, fault.Busy) {
		err = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return plain, err
}

// PutDocument seals a document, puts it under the hash of its content, and
// returns the hash. The same document has the same hash.
func (v Vault) PutDocument(ctx context.Context, at Place, doc any) (string, error) {
	plain, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("encoding a document of %s: %w", at.Record, err)
	}
	hash := Hash(plain)
	sealed, err := v.Sealer.Seal(ctx, documentPlace(at, hash), plain)
	if err != nil {
		return "", err
	}
	if err := v.Objects.Put(ctx, objectKey(at, hash), sealed); err != nil {
		return "", fault.Hide(fault.Busy, "document_not_stored", "the record of this visit cannot be stored just now, so nothing was sent; try again", err)
	}
	return hash, nil
}

// Document returns the bytes of the document with that hash. A document that is
// missing or altered is ErrBroken; fault.Busy says that it cannot be read just now.
func (v Vault) Document(ctx context.Context, at Place, hash string) (json.RawMessage, error) {
	sealed, err := v.Objects.Get(ctx, objectKey(at, hash))
	if f, ok := fault.Public(err); ok && f.Kind == fault.NotFound {
		return nil, fmt.Errorf("document of %s: %w: it is gone", at.Record, ErrBroken)
	}
	if err != nil {
		return nil, err
	}
	plain, err := v.unseal(ctx, documentPlace(at, hash), sealed)
	if err != nil {
		return nil, fmt.Errorf("document of %s: %w", at.Record, err)
	}
	if Hash(plain) != hash {
		return nil, fmt.Errorf("document of %s: %w: its hash is another", at.Record, ErrBroken)
	}
	return plain, nil
}

func documentPlace(at Place, hash string) Place {
	at.Field = "document/" + hash
	return at
}

func objectKey(at Place, hash string) string {
	return "documents/" + at.Practice + "/" + at.Record + "/" + hash
}

// Hash is SHA-256 in hexadecimal.
func Hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// HashJSON returns the hash of v's JSON, whose fields are in the order of its
// type.
func HashJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("vault: %T cannot be JSON: %v", v, err)) // a programming error
	}
	return Hash(b)
}

// deflaters are kept for reuse: making one costs far more than using it.
var deflaters sync.Pool

func deflate(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	w, ok := deflaters.Get().(*flate.Writer)
	if ok {
		w.Reset(&packed)
	} else {
		var err error
		if w, err = flate.NewWriter(&packed, flate.DefaultCompression); err != nil {
			return nil, err
		}
	}
	defer deflaters.Put(w)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

var inflaters = sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}

func inflate(packed []byte) ([]byte, error) {
	r := inflaters.Get()
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return nil, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, 8*len(packed))) // more than most unpack to
	_, err := io.Copy(plain, io.LimitReader(r.(io.Reader), maxPlain))
	return plain.Bytes(), err
}
