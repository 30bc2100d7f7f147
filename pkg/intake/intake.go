// Package intake holds the questionnaires a patient answers before a visit,
// and decides what their answers mean: which were wanted, which are wrong,
// and whether the patient belongs somewhere other than an e-visit.
//
// A source is a FHIR R4 Questionnaire with our extensions. Publishing composes
// the common block and one protocol into a Form, which never changes again;
// Form.Check evaluates a Response against it. The same bytes always give the
// same result: nothing here reads a clock, a random source or a file.
//
// Storing forms, recording who approved one, deciding which version is offered,
// and keeping a diversion's record are left to others.
package intake

import (
	"fmt"
	"log/slog"
	"regexp"
)

// extensionBase is the canonical base of our own extensions.
const extensionBase = "https://example.org/fhir/StructureDefinition/"

// Limits on what is read. They are far above any real form or answer.
const (
	MaxQuestionnaireBytes = 1 << 20
	MaxResponseBytes      = 1 << 20

	maxDepth   = 24
	maxEntries = 5000 // items and answers of one response
)

// Lengths, in characters, where the form gives none.
const (
	defaultStringLength = 1000
	defaultTextLength   = 10_000
	maxLinkIDLength     = 255
)

// Items of the common block whose meaning the engine knows beyond their type.
const (
	feeItem     = "fee-ack"        // last page of every composed form
	consentItem = "consent-ack"    // last page of every composed form
	stateItem   = "location-state" // a US state, the District or a territory
)

const redacted = "[redacted]"

// Answers tell of a person's health, so whatever holds them prints and logs as
// [redacted], whatever the verb.

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
var totalExpression = regexp.MustCompile(
	`^%resource\.item\.where\(linkId\.matches\('([^']+)'\)\)\.answer\.value\.ordinal\(\)\.sum\(\)$`)
