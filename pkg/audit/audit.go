// Package audit defines the record of who did what, reads included, and the
// append-only Merkle log that proves no record was altered or removed.
package audit

import (
	"encoding/json"
	"time"
)

// A Record says that someone did something, or saw it, and when. It carries
// ids and hashes, never content. (HIPAA 45 CFR 164.312(b); domain rule H3.)
type Record struct {
	ID       string    `json:"id"`
	Practice string    `json:"practice"`
	At       time.Time `json:"at"`
	Actor    Actor     `json:"actor"`
	Action   string    `json:"action"`
	Visit    string    `json:"visit,omitempty"`
	Resource string    `json:"resource,omitempty"`
	// Version and Hash identify the state that the action left behind or, for
	// a read, the state that was shown.
	Version int    `json:"version,omitempty"`
	Hash    string `json:"hash,omitempty"`
	// Content is the hash of the sealed bytes written along with the state:
	// answers, messages, the record of a diversion, in that order.
	Content string `json:"content,omitempty"`
	// Accepted is what the actor agreed to by this action.
	Accepted *Acceptance `json:"accepted,omitempty"`
}

// An Acceptance says which price and which consent were accepted, in which
// words and language, from where. Actor and time are its record's. Being part
// of the log, it cannot be altered unnoticed. (eRisk; domain rules G15, G25,
// G26.)
type Acceptance struct {
	Quote       string `json:"quote"`
	Amount      int64  `json:"amount_cents"`
	Consent     string `json:"consent"`      // version
	ConsentHash string `json:"consent_hash"` // SHA-256 of the text
	Language    string `json:"language,omitempty"`
	UserAgent   string `json:"user_agent,omitempty"`
}

// An Actor is who acted, in which role, for which patient if not themselves.
type Actor struct {
	ID       string `json:"id"`
	Role     string `json:"role"`
	Name     string `json:"name,omitempty"` // of those who work at the practice, as displayed
	OnBehalf string `json:"on_behalf,omitempty"`
	IP       string `json:"ip,omitempty"`
}

// Leaf is the record as the log holds it: JSON with fields in the order above.
// Its RFC 6962 leaf hash is SHA-256 of a zero byte and these bytes.
func (r Record) Leaf() ([]byte, error) { return json.Marshal(r) }
