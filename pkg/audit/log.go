package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Frontier is the right edge of a Merkle tree (RFC 6962): the roots of the
// complete subtrees that Size leaves make, largest first. It suffices to add
// leaves and to compute the root. The zero Frontier is the empty tree.
type Frontier struct {
	Size   int64       `json:"size"`
	Hashes []tlog.Hash `json:"hashes,omitempty"`
}

// Add returns f with a leaf appended; f itself is not changed.
func (f Frontier) Add(leaf []byte) Frontier {
	h := tlog.RecordHash(leaf)
	hs := append([]tlog.Hash{}, f.Hashes...)
	for n := f.Size; n&1 == 1; n >>= 1 {
		h = tlog.NodeHash(hs[len(hs)-1], h)
		hs = hs[:len(hs)-1]
	}
	return Frontier{f.Size + 1, append(hs, h)}
}

// Root returns the tree's hash; that of the empty tree is SHA-256 of no bytes.
func (f Frontier) Root() tlog.Hash {
	if len(f.Hashes) == 0 {
		return sha256.Sum256(nil)
	}
	h := f.Hashes[len(f.Hashes)-1]
	for i := len(f.Hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.Hashes[i], h)
	}
	return h
}

// A Key signs the checkpoints of every practice's log. A thief of it can sign a
// false log, but not hide that two signed logs differ.
type Key struct {
	// Base begins each log's origin: a schemeless URL that names this system.
	Base    string
	Public  ed25519.PublicKey
	Private ed25519.PrivateKey // nil where nothing is signed
}

// Origin returns the name of a practice's log.
func (k Key) Origin(practice string) string { return k.Base + "/" + practice }

// Checkpoint signs the state of a practice's log in the C2SP tlog-checkpoint
// format.
func (k Key) Checkpoint(practice string, f Frontier) ([]byte, error) {
	text := checkpointText(k.Origin(practice), f.Size, f.Root())
	if len(k.Private) != ed25519.PrivateKeySize {
		return nil, errors.New("audit: there is no key to sign the log with")
	}
	return note.Sign(&note.Note{Text: text}, signer{k.Origin(practice), k.Private})
}

func checkpointText(origin string, size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, root)
}

// VerifyCheckpoint returns the size and root that msg signs, if it is a
// checkpoint of the log that vkey is for.
func VerifyCheckpoint(vkey string, msg []byte) (size int64, root tlog.Hash, err error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, tlog.Hash{}, fmt.Errorf("audit: the log's public key: %w", err)
	}
	return verifyCheckpoint(v, msg)
}

func verifyCheckpoint(v note.Verifier, msg []byte) (size int64, root tlog.Hash, err error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return 0, tlog.Hash{}, fmt.Errorf("audit: a checkpoint: %w", err)
	}
	var sized, hashed error
	lines := strings.Split(n.Text, "\n")
	if len(lines) == 4 {
		size, sized = strconv.ParseInt(lines[1], 10, 64)
		root, hashed = tlog.ParseHash(lines[2])
	}
	if sized != nil || hashed != nil || size < 0 || n.Text != checkpointText(v.Name(), size, root) {
		return 0, tlog.Hash{}, fmt.Errorf("audit: what %s signed is not a checkpoint", v.Name())
	}
	return size, root, nil
}

// VerifierKey returns the key that verifies a practice's checkpoints, in the
// encoding of signed notes.
func (k Key) VerifierKey(practice string) (string, error) {
	return note.NewEd25519VerifierKey(k.Origin(practice), k.Public)
}

// A signer signs notes under one name; one key serves many names.
type signer struct {
	name string
	key  ed25519.PrivateKey
}

func (s signer) Name() string                    { return s.name }
func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// KeyHash is the first four bytes of SHA-256 over name, newline, algorithm 1
// and public key (C2SP signed-note).
func (s signer) KeyHash() uint32 {
	const ed25519Algorithm = 1
	var b bytes.Buffer
	b.WriteString(s.name + "\n")
	b.WriteByte(ed25519Algorithm)
	b.Write(s.key[ed25519.SeedSize:])
	sum := sha256.Sum256(b.Bytes())
	return binary.BigEndian.Uint32(sum[:4])
}
