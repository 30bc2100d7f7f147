package intake

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A Kind is the FHIR value[x] of a Value.
type Kind uint8

// The kinds of value an item may be answered with. UnusableValue is any other value;
// its JSON is kept, so that the answer can be named and shown again.
const (
	NoValue Kind = iota
	BooleanValue
	IntegerValue
	DecimalValue
	StringValue
	DateValue
	DateTimeValue
	CodingValue
	AttachmentValue
	TimeValue
	URIValue
	QuantityValue
	UnusableValue
)

var valueNames = [...]string{
	BooleanValue:    "valueBoolean",
	IntegerValue:    "valueInteger",
	DecimalValue:    "valueDecimal",
	StringValue:     "valueString",
	DateValue:       "valueDate",
	DateTimeValue:   "valueDateTime",
	CodingValue:     "valueCoding",
	AttachmentValue: "valueAttachment",
	TimeValue:       "valueTime",
	URIValue:        "valueUri",
	QuantityValue:   "valueQuantity",
}

// A Coding is a code in a system. Rules compare the code alone.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// An Attachment names a stored file. Size is in bytes, 0 when not given.
type Attachment struct {
	ContentType string
	URL         string
	Size        int64
	Hash        string // base64 of the SHA-1, as FHIR defines it
	Title       string
	Creation    string
	Data        string // base64; empty if the bytes are at URL
}

// A Value is one answer's value. Values are compared with Equal.
type Value struct {
	kind   Kind
	truth  bool
	whole  int32
	text   string // a string, date, dateTime, time, uri; a decimal's or quantity's literal; unusable JSON
	name   string // name of an unusable value's member
	wrong  string // codeRange for an unusable value of which only the size is wrong
	coding Coding // of a quantity, its unit: Display is how people write it
	file   *Attachment
}

// Boolean returns a yes or no.
func Boolean(b bool) Value { return Value{kind: BooleanValue, truth: b} }

// Integer returns a whole number.
func Integer(i int32) Value { return Value{kind: IntegerValue, whole: i} }

// Decimal returns the number that literal writes as a JSON number, digit for digit.
// Check refuses a literal that is no JSON number.
func Decimal(literal string) Value { return Value{kind: DecimalValue, text: literal} }

// String returns free text.
func String(s string) Value { return Value{kind: StringValue, text: s} }

// Date returns a day, written 2026-02-28.
func Date(s string) Value { return Value{kind: DateValue, text: s} }

// DateTime returns an instant, written 2026-02-28T08:30:00-05:00.
func DateTime(s string) Value { return Value{kind: DateTimeValue, text: s} }

// Time returns a time of day, written 08:30:00.
func Time(s string) Value { return Value{kind: TimeValue, text: s} }

// URI returns a web address.
func URI(s string) Value { return Value{kind: URIValue, text: s} }

// Quantity returns the number that literal writes as a JSON number, in a unit, whose
// Display is how people write it. The zero Coding is no unit.
func Quantity(literal string, unit Coding) Value {
	return Value{kind: QuantityValue, text: literal, coding: unit}
}

// Code returns a chosen option.
func Code(c Coding) Value { return Value{kind: CodingValue, coding: c} }

// File returns an attachment.
func File(a Attachment) Value { return Value{kind: AttachmentValue, file: &a} }

// Kind returns the kind of the value, which says which accessor below applies.
func (v Value) Kind() Kind { return v.kind }

// Bool returns a boolean's value, and false for any other kind.
func (v Value) Bool() bool { return v.truth }

// Int returns an integer's value, and 0 for any other kind.
func (v Value) Int() int32 { return v.whole }

// Coding returns the coding chosen, or a quantity's unit; empty for any other kind.
func (v Value) Coding() Coding { return v.coding }

// File returns the attachment, and false for any other kind.
func (v Value) File() (Attachment, bool) {
	if v.file == nil {
		return Attachment{}, false
	}
	return *v.file, true
}

// Text returns the value for a person to read: yes or no, the number, the text, the
// option's display, the file's title. The text is health information.
func (v Value) Text() string {
	switch v.kind {
	case BooleanValue:
		if v.truth {
			return "yes"
		}
		return "no"
	case IntegerValue:
		return strconv.FormatInt(int64(v.whole), 10)
	case CodingValue:
		if v.coding.Display != "" {
			return v.coding.Display
		}
		return v.coding.Code
	case AttachmentValue:
		if v.file.Title != "" {
			return v.file.Title
		}
		return v.file.URL
	case QuantityValue:
		return strings.TrimSpace(plain(v.text) + " " + UnitWords(v.coding))
	case DecimalValue:
		return plain(v.text)
	default:
		return v.text
	}
}

// Number returns the digits of a quantity, without its unit, and an empty text for any
// other kind.
func (v Value) Number() string {
	if v.kind == QuantityValue {
		return plain(v.text)
	}
	return ""
}

// Equal reports whether two values are the same answer, written the same way.
func (v Value) Equal(o Value) bool {
	if v.file != nil && o.file != nil {
		if *v.file != *o.file {
			return false
		}
		v.file, o.file = nil, nil
	}
	return v == o
}

func (v Value) number() (number, bool) {
	switch v.kind {
	case IntegerValue:
		return integerNumber(int64(v.whole)), true
	case DecimalValue, QuantityValue:
		return parseNumber(v.text)
	default:
		return number{}, false
	}
}

// appendJSON writes the value as a member of an answer, "valueBoolean":true.
func (v Value) appendJSON(b []byte) []byte {
	switch v.kind {
	case NoValue:
		return b
	case UnusableValue:
		return append(append(appendString(b, v.name), ':'), v.text...)
	default:
	}
	b = append(appendString(b, valueNames[v.kind]), ':')
	switch v.kind {
	case BooleanValue:
		return strconv.AppendBool(b, v.truth)
	case IntegerValue:
		return strconv.AppendInt(b, int64(v.whole), 10)
	case DecimalValue:
		return v.appendNumber(b)
	case CodingValue:
		return v.coding.appendJSON(b)
	case AttachmentValue:
		return v.file.appendJSON(b)
	case QuantityValue:
		return v.appendQuantity(b)
	default:
		return appendString(b, v.text)
	}
}

func (v Value) appendQuantity(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.key("value")
	o.b = Decimal(v.text).appendNumber(o.b)
	o.text("unit", v.coding.Display)
	o.text("system", v.coding.System)
	o.text("code", v.coding.Code)
	return append(o.b, '}')
}

// appendNumber writes a literal as the number it is, or as text if it is none.
func (v Value) appendNumber(b []byte) []byte {
	if json.Valid([]byte(v.text)) {
		return append(b, v.text...)
	}
	return appendString(b, v.text)
}

func (c Coding) appendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.text("system", c.System)
	o.text("code", c.Code)
	o.text("display", c.Display)
	return append(o.b, '}')
}

func (a *Attachment) appendJSON(b []byte) []byte {
	o := object{b: append(b, '{')}
	o.text("contentType", a.ContentType)
	o.text("data", a.Data)
	o.text("url", a.URL)
	if a.Size > 0 {
		o.key("size")
		o.b = strconv.AppendInt(o.b, a.Size, 10)
	}
	o.text("hash", a.Hash)
	o.text("title", a.Title)
	o.text("creation", a.Creation)
	return append(o.b, '}')
}

// An object writes the members of a JSON object, leaving out empty ones.
type object struct {
	b     []byte
	comma bool
}

func (o *object) key(name string) {
	if o.comma {
		o.b = append(o.b, ',')
	}
	o.comma = true
	o.b = append(appendString(o.b, name), ':')
}

func (o *object) text(name, s string) {
	if s != "" {
		o.key(name)
		o.b = appendString(o.b, s)
	}
}

// appendString writes s as JSON, with the characters of HTML left as they are.
func appendString(b []byte, s string) []byte {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return append(append(append(b, '"'), s...), '"')
	}
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return append(b, `""`...)
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}
