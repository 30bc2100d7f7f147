// Package intake holds the questionnaires that a patient answers before a visit, and
// decides which questions are asked, which answers are missing or wrong, and
// whether the patient must be sent elsewhere than to an e-visit.
//
// A source is a FHIR R4 Questionnaire with our extensions. Publishing composes
// the common block and one protocol into a Form, which never changes again;
// Form.Check evaluates a Response against it. The same bytes always give the
// same result: nothing here reads a clock, a random source or a file.
//
// A calculatedExpression is evaluated if it is of this subset of FHIRPath, and otherwise
// refused: numbers, texts, true, false and {}; + - * / & | = != < <= > >= in contains
// and or; iif and the functions sum, count, exists, empty, first, not, where, select,
// combine, aggregate ($this, $total), ordinal, weight, round, power, ln, exp, toString;
// the code, system and display of a coding and the value of a quantity; and paths to
// the answers of questions, whose calculation may also stand before them:
//
//	%resource.item.where(linkId='g').item.where(linkId='a').answer.value  the answer to a in the group g
//	%resource.repeat(item).where(linkId='a')                              a in any group; descendants() under answers too
//	…where(linkId in ('a' | 'b')), …where(linkId.matches('^a'))           several; = and != with and, or
//	…where(linkId='a' and answer.exists()).count()                        how many of them are answered
//	%questionnaire.item.where(linkId='a').answerOption.value              the options of a
//	%name                                                                 the variable of that name, of the form or of an item around
//
// Arithmetic is exact; ln, exp and roots are right to more digits than an answer has. A
// sum of no answers is nothing, and so is what is reckoned with nothing. Nobody answers
// a calculated item, and a value that is none of its type is none. The score of an option
// is its ordinalValue or itemWeight, or that of its code in a value set or code system of
// the form. A targetConstraint that warns is left out, and the author told; another one is
// refused.
//
// The text of an item is drawn in its rendering-style as far as that is font-weight (normal,
// bold), font-style (normal, italic), text-decoration (underline, line-through) and color
// (a name, #rrggbb or rgb(), drawn as one of seven hues that can be read on light and dark
// pages); rendering-xhtml and rendering-markdown are drawn if they say what the text says.
// All other styles are left out and the author is told, or, of a form or an item that is
// rendering-styleSensitive, refused.
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
