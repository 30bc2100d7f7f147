// Package phi holds the type of protected health information: text that may
// identify a person or tell of their health.
package phi

import (
	"fmt"
	"log/slog"
)

// Text is free text, an answer or contact data. Text prints and logs as
// [redacted] under every verb, which keeps it out of log lines and errors. Text
// marshals to JSON unredacted, because a reply or a sealed record that has the
// field is meant to carry it. Reveal returns the plain string.
type Text string

const redacted = "[redacted]"

// Reveal returns the plain text, for a reader who is entitled to it.
func (t Text) Reveal() string { return string(t) }

func (Text) String() string             { return redacted }
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
func (Text) LogValue() slog.Value       { return slog.StringValue(redacted) }
