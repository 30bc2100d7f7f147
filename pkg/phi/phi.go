// Package phi holds the type of text that may identify a person or tell of
// their health.
package phi

import (
	"fmt"
	"log/slog"
)

// Text is free text, an answer or contact data. It prints and logs as
// [redacted] whatever the verb, so that it cannot slip into a log line or an
// error. It marshals to JSON as itself: a reply or a sealed record that names
// the field means to carry it. Reveal is the one way to the plain string.
type Text string

const redacted = "[redacted]"

// Reveal returns the text for the person entitled to read it.
func (t Text) Reveal() string { return string(t) }

func (Text) String() string             { return redacted }
func (Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
func (Text) LogValue() slog.Value       { return slog.StringValue(redacted) }
