// Package phi holds the type of protected health information: text that may
// identify a person or tell of their health.
package phi

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode"
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

// Blank reports whether the text shows its reader nothing: it is empty, or every
// character in it is a space, a control or a character without a shape. A patient
// must not be sent such a reply, nor a required question be answered with it.
func (t Text) Blank() bool { return !strings.ContainsFunc(string(t), shows) }

// shows reports whether a character has a shape. Unicode counts two that have
// none among the symbols.
func shows(r rune) bool {
	const brailleBlank, nullNotehead = '\u2800', '\U0001D159'
	return r != brailleBlank && r != nullNotehead && !unicode.IsSpace(r) &&
		!unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
