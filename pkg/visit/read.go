package visit

import (
	"slices"
	"time"
)

// A ReadMark says that the patient's side had read all messages up to Through
// at At (guideline G8). Who sends a message has read it.
type ReadMark struct {
	Through int       `json:"through"`
	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"` // who read, if not the patient
}

// WithReads returns v with those of marks that reach further than its own.
// Marks are in order. It is no step: Version is unchanged.
func (v Visit) WithReads(marks ...ReadMark) Visit {
	v.Reads = slices.Clip(v.Reads)
	for _, m := range marks {
		m.Through = min(m.Through, v.Messages) // v may be older than its reads
		if m.Through == 0 || !v.ReadAt(m.Through).IsZero() {
			continue
		}
		if m.By == v.Patient {
			m.By = ""
		}
		v.Reads = append(v.Reads, m)
	}
	return v
}

// ReadNow returns v as it is shown to a person of the patient's side, who reads
// every message so far. Like WithReads it is no step.
func (v Visit) ReadNow(by string, now time.Time) Visit {
	return v.WithReads(ReadMark{Through: v.Messages, At: now, By: by})
}

// ReadAt returns when the patient's side had read message seq; zero if not yet.
func (v Visit) ReadAt(seq int) time.Time {
	for _, m := range v.Reads {
		if m.Through >= seq {
			return m.At
		}
	}
	return time.Time{}
}

// Unread reports whether the patient's side has yet to read a message of the
// practice, as far as Reads say.
func (v Visit) Unread() bool { return v.FromTeam > 0 && v.ReadAt(v.Messages).IsZero() }
