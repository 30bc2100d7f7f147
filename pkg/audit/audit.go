package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A Record says who did or read what, and when. It carries ids and hashes, never
// content. (HIPAA 45 CFR 164.312(b); domain rule H3.)
type Record struct {
	ID       string    `json:"id"`
	Practice string    `json:"practice"`
	At       time.Time `json:"at"`
	Actor    Actor     `json:"actor"`
	Action   string    `json:"action"`
	// Outcome is Refused if the action was not allowed; empty if it was done.
	Outcome Outcome `json:"outcome,omitempty"`
	Reason  string  `json:"reason,omitempty"` // why it was refused; see identity.Reason
	Visit   string  `json:"visit,omitempty"`
	// Patient is whose data it is about, where no visit is.
	Patient  string `json:"patient,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Version is the visit's, as this action left it or, for a read, showed it.
	Version int `json:"version,omitempty"`
	// Rows are the rows that were stored together with the record.
	Rows []Row `json:"rows,omitempty"`
	// Accepted is what the actor agreed to by this action.
	Accepted *Acceptance `json:"accepted,omitempty"`
}

// An Outcome says what became of an action.
type Outcome string

// Refused is the outcome of an action that the actor was not allowed.
const Refused Outcome = "refused"

// An Acceptance says which price and which consent text were accepted, in which
// language and with which browser. Actor and time are its record's. As part of
// the log it cannot be altered unnoticed. (eRisk; domain rules G15, G25, G26.)
type Acceptance struct {
	Quote       string `json:"quote"`
	Amount      int64  `json:"cents"`
	Consent     string `json:"consent"` // version
	ConsentHash string `json:"hash"`    // SHA-256 of the text
	Language    string `json:"lang,omitempty"`
	UserAgent   string `json:"agent,omitempty"`
	Beside      string `json:"beside,omitempty"` // the visit on the same form that was underway, as who accepted confirmed
}

// An Actor is the person or function that acted, their role, and the patient
// they acted for, if not themselves.
type Actor struct {
	ID       string `json:"id"`
	Role     string `json:"role"`
	Name     string `json:"name,omitempty"` // of those who work at the practice, as displayed
	OnBehalf string `json:"for,omitempty"`
	IP       string `json:"ip,omitempty"`
}

// A Row is the hash of the bytes stored under a key. One record names a key
// once.
type Row struct {
	Key     string `json:"k"`           // see Item.Key
	Version int    `json:"v,omitempty"` // of a row that changes
	Hash    Hash   `json:"h"`           // see Item.Hash
}

// Platform names the log of rows that belong to no single practice; it is the
// Practice of their records.
const Platform = "platform"

// Leaf returns the record as the log has it: JSON with fields in the order
// above. Its RFC 6962 leaf hash is SHA-256 of a zero byte and these bytes. They
// have no line break, and begin as no other line of an export does.
func (r Record) Leaf() ([]byte, error) { return json.Marshal(r) }

// ParseLeaf is the inverse of Leaf. It leaves out members that it does not know,
// so that a log which a later version wrote can be verified.
func ParseLeaf(leaf []byte) (Record, error) {
	var r Record
	if err := json.Unmarshal(leaf, &r); err != nil {
		return Record{}, fmt.Errorf("decoding a leaf: %w", err)
	}
	return r, nil
}

// positionLayout sorts as text in the order of time.
const positionLayout = "20060102T150405.000Z"

// Position returns the record's place in its log, which is in the order of
// positions as text. A row's attribute "a" is the position of the record that
// named it last.
func (r Record) Position() string { return r.At.UTC().Format(positionLayout) + "#" + r.ID }

// maxPosition is longer than any position.
const maxPosition = 128

// IsPosition reports whether s can be the position of a record.
func IsPosition(s string) bool {
	at, id, ok := strings.Cut(s, "#")
	if !ok || len(s) > maxPosition || id == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	t, err := time.Parse(positionLayout, at)
	return err == nil && t.Format(positionLayout) == at
}
