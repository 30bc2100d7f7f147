// Package intake holds the questionnaires that a patient answers before a visit, and
// decides which questions are asked, which answers are missing or wrong, and
// whether the patient must be sent elsewhere than to an e-visit.
//
// A source is a FHIR R4 Questionnaire with our extensions. Publishing composes
// the common block and one protocol into a Form, which never changes again;
// Form.Check evaluates a Response against it. The same bytes always give the
// same result: nothing here reads a clock, a random source or a file.
//
// Other packages store forms, record who approved a form, decide which version is
// offered, and keep the record of a diversion.
package intake

import (
	"fmt"
	"log/slog"
)

// extensionBase is the canonical base of our own extensions.
const extensionBase = "https://example.org/fhir/StructureDefinition/"

// Limits on the input, far above any real form or response.
const (
	MaxQuestionnaireBytes = 1 << 20
	MaxResponseBytes      = 1 << 20

	maxDepth   = 24
	maxEntries = 5000 // items and answers of one response together
)

// Maximum lengths, in characters, of items without a maxLength.
const (
	defaultStringLength = 1000
	defaultTextLength   = 10_000
	maxLinkIDLength     = 255
)

const redacted = "[redacted]"

// Answers are health information, so every type that holds answers prints and logs
// as [redacted] under every verb.

func (Response) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
func (Entry) Format(f fmt.State, _ rune)      { _, _ = f.Write([]byte(redacted)) }
func (Answer) Format(f fmt.State, _ rune)     { _, _ = f.Write([]byte(redacted)) }
func (Value) Format(f fmt.State, _ rune)      { _, _ = f.Write([]byte(redacted)) }
func (Attachment) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }
func (Derived) Format(f fmt.State, _ rune)    { _, _ = f.Write([]byte(redacted)) }
func (Result) Format(f fmt.State, _ rune)     { _, _ = f.Write([]byte(redacted)) }

func (Response) LogValue() slog.Value   { return slog.StringValue(redacted) }
func (Entry) LogValue() slog.Value      { return slog.StringValue(redacted) }
func (Answer) LogValue() slog.Value     { return slog.StringValue(redacted) }
func (Value) LogValue() slog.Value      { return slog.StringValue(redacted) }
func (Attachment) LogValue() slog.Value { return slog.StringValue(redacted) }
func (Derived) LogValue() slog.Value    { return slog.StringValue(redacted) }
func (Result) LogValue() slog.Value     { return slog.StringValue(redacted) }

// totalExpression is the one calculated expression the engine evaluates: the
// sum of the ordinal values of the top-level items whose linkId matches.
var totalExpression = lazily(
	`^%resource\.item\.where\(linkId\.matches\('([^']+)'\)\)\.answer\.value\.ordinal\(\)\.sum\(\)$`)
