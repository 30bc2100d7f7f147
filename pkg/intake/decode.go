package intake

import (
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/fault"
)

const responseType = "QuestionnaireResponse"

// responseStatuses are the statuses that FHIR allows for a response.
var responseStatuses = []string{"in-progress", "completed", "amended", "entered-in-error", "stopped"}

// Ignored members are those that FHIR allows and that carry no answer; one that begins
// with _ holds the extensions of a primitive. Members that could change the meaning of
// others (modifierExtension, implicitRules) are not ignored but refused as unknown.
var (
	ignoredOfResponse = []string{
		"id", "meta", "language", "text", "contained", "extension", "identifier", "basedOn", "partOf",
		"subject", "encounter", "authored", "author", "source",
		"_id", "_language", "_questionnaire", "_status", "_authored",
	}
	ignoredOfItem   = []string{"id", "extension", "definition", "text", "_linkId", "_definition", "_text"}
	ignoredOfAnswer = []string{
		"id", "extension", "_valueBoolean", "_valueInteger", "_valueDecimal", "_valueString", "_valueDate", "_valueDateTime",
		"_valueTime", "_valueUri",
	}
)

// ParseResponse reads a FHIR QuestionnaireResponse in JSON, of a whole form or of
// one page. Text that is not one JSON object is a fault.Malformed; unknown members
// and wrong structure are a fault.Invalid naming each by JSON pointer; more
// than MaxResponseBytes is a fault.TooLarge.
//
// A value of the wrong type or out of all bounds is not an error here. The value is
// kept and Check names its linkId, so that one bad number does not hide an emergency
// in another answer.
func ParseResponse(data []byte) (Response, error) { return parseResponse(data, parseTree) }

func parseResponse(data []byte, read func([]byte) (node, error)) (Response, error) {
	if len(data) > MaxResponseBytes {
		return Response{}, fault.New(fault.TooLarge, "response-too-large", "These answers are too long. Shorten them and try again.")
	}
	root, err := read(data)
	if err != nil {
		return Response{}, fault.Hide(fault.Malformed, "response-malformed", "The answers could not be read: "+whyUnreadable(err)+".", err)
	}
	d := decoder{}
	r := d.response(root)
	if len(d.problems) > 0 {
		return Response{}, fault.New(fault.Invalid, "response-invalid", "The answers are not a FHIR R4 QuestionnaireResponse.", d.problems...)
	}
	return r, nil
}

type decoder struct {
	problems []fault.Problem
	entries  int
}

// maxStructureProblems bounds the reply to a response of the wrong structure, whose
// sender learns nothing from further problems.
const maxStructureProblems = 50

func (d *decoder) problem(where *place, code, text string) {
	if len(d.problems) < maxStructureProblems {
		d.problems = append(d.problems, fault.Problem{Where: where.pointer(), Code: code, Text: text})
	}
}

func (d *decoder) unknown(at *place, name string) {
	if len(name) > maxLinkIDLength {
		name = name[:maxLinkIDLength]
	}
	d.problem(at.member(strings.ToValidUTF8(name, "")), "unknown", "This member is not known here. Leave it out.")
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// A place is where a value is: a member or an element of the value around it, which
// for those of the root is nil. Its pointer is written for a problem alone.
type place struct {
	around *place
	name   string // of a member
	index  int    // of an element; -1 for a member
}

func (p *place) member(name string) *place { return &place{around: p, name: name, index: -1} }
func (p *place) element(index int) *place  { return &place{around: p, index: index} }

// pointer is the JSON pointer to p.
func (p *place) pointer() string {
	switch {
	case p == nil:
		return ""
	case p.index < 0:
		return p.around.pointer() + "/" + pointerEscapes.Replace(p.name)
	}
	return p.around.pointer() + "/" + strconv.Itoa(p.index)
}

func (d *decoder) response(n node) Response {
	var r Response
	if n.kind != objectNode {
		d.problem(nil, "type", "A QuestionnaireResponse is a JSON object.")
		return r
	}
	for _, m := range n.children {
		at := (*place)(nil).member(m.name)
		switch m.name {
		case "resourceType":
			if d.text(m, at) != responseType {
				d.problem(at, "type", "resourceType is "+responseType+".")
			}
		case "questionnaire":
			r.Questionnaire = d.text(m, at)
		case "status":
			if r.Status = d.text(m, at); !slices.Contains(responseStatuses, r.Status) {
				d.problem(at, "option", "status is one of "+strings.Join(responseStatuses, ", ")+".")
			}
		case "item":
			r.Items = d.items(m, at)
		default:
			if !slices.Contains(ignoredOfResponse, m.name) {
				d.unknown(nil, m.name)
			}
		}
	}
	return r
}

func (d *decoder) text(n node, at *place) string {
	if n.kind != stringNode || strings.TrimSpace(n.text) == "" {
		d.problem(at, "type", "This is text, and not empty.")
		return ""
	}
	return n.text
}

func (d *decoder) array(n node, at *place) []node {
	if n.kind != arrayNode {
		d.problem(at, "type", "This is a list.")
		return nil
	}
	if d.entries += len(n.children); d.entries > maxEntries {
		d.problem(at, "structure", "There are too many items.")
		return nil
	}
	return n.children
}

func (d *decoder) items(n node, at *place) []Entry {
	elems := d.array(n, at)
	if len(elems) == 0 {
		return nil
	}
	items := make([]Entry, len(elems))
	for i, e := range elems {
		items[i] = d.entry(e, at.element(i))
	}
	return items
}

func (d *decoder) entry(n node, at *place) Entry {
	var e Entry
	if n.kind != objectNode {
		d.problem(at, "type", "An item is a JSON object.")
		return e
	}
	for _, m := range n.children {
		in := at.member(m.name)
		switch m.name {
		case "linkId":
			if e.LinkID = d.text(m, in); len(e.LinkID) > maxLinkIDLength {
				d.problem(in, "length", "A linkId has at most 255 characters.")
			}
		case "answer":
			given := d.array(m, in)
			e.Answers = slices.Grow(e.Answers, len(given))
			for i, a := range given {
				e.Answers = append(e.Answers, d.answer(a, in.element(i)))
			}
		case "item":
			e.Items = d.items(m, in)
		default:
			if !slices.Contains(ignoredOfItem, m.name) {
				d.unknown(at, m.name)
			}
		}
	}
	if e.LinkID == "" {
		d.problem(at.member("linkId"), "required", "Every item has a linkId.")
	}
	return e
}

func (d *decoder) answer(n node, at *place) Answer {
	var a Answer
	if n.kind != objectNode {
		d.problem(at, "type", "An answer is a JSON object.")
		return a
	}
	for _, m := range n.children {
		switch read, isValue := valueReaders[m.name]; {
		case isValue && a.Value.kind != NoValue:
			d.problem(at, "structure", "An answer has one value.")
		case isValue:
			a.Value = read(m)
			if a.Value.kind == UnusableValue {
				a.Value.name, a.Value.text = m.name, m.raw
			}
		case m.name == "item":
			a.Items = d.items(m, at.member(m.name))
		case !slices.Contains(ignoredOfAnswer, m.name):
			d.unknown(at, m.name)
		}
	}
	return a
}

var unusable = Value{kind: UnusableValue}

// valueReaders read each value[x] that FHIR allows in an answer. A reference is never
// usable, because no item type of ours asks for one.
var valueReaders = map[string]func(node) Value{
	"valueBoolean":    readBoolean,
	"valueInteger":    readInteger,
	"valueDecimal":    readDecimal,
	"valueString":     textReader(String),
	"valueDate":       textReader(Date),
	"valueDateTime":   textReader(DateTime),
	"valueCoding":     readCoding,
	"valueAttachment": readAttachment,
	"valueTime":       textReader(Time),
	"valueUri":        textReader(URI),
	"valueQuantity":   readQuantity,
	"valueReference":  func(node) Value { return unusable },
}

func readBoolean(n node) Value {
	if n.kind != boolNode {
		return unusable
	}
	return Boolean(n.truth)
}

func readInteger(n node) Value {
	if n.kind != numberNode || !integerLiteral().MatchString(n.text) {
		return unusable
	}
	i, err := strconv.ParseInt(n.text, 10, 32)
	if err != nil {
		return Value{kind: UnusableValue, wrong: codeRange}
	}
	return Integer(int32(i))
}

func readDecimal(n node) Value {
	if n.kind != numberNode {
		return unusable
	}
	if _, ok := parseNumber(n.text); !ok {
		return Value{kind: UnusableValue, wrong: codeRange}
	}
	return Decimal(n.text)
}

func textReader(as func(string) Value) func(node) Value {
	return func(n node) Value {
		if n.kind != stringNode {
			return unusable
		}
		return as(n.text)
	}
}

func readCoding(n node) Value {
	var c Coding
	fields := map[string]*string{"system": &c.System, "code": &c.Code, "display": &c.Display}
	if !readTexts(n, fields, "id", "extension", "version", "userSelected") {
		return unusable
	}
	return Code(c)
}

// readQuantity reads a quantity without a comparator: "less than 5" is no number.
func readQuantity(n node) Value {
	var unit Coding
	fields := map[string]*string{"unit": &unit.Display, "system": &unit.System, "code": &unit.Code}
	if !readTexts(n, fields, "id", "extension", "value") {
		return unusable
	}
	number := readDecimal(n.member("value"))
	if number.kind != DecimalValue {
		return number
	}
	return Quantity(number.text, unit)
}

func readAttachment(n node) Value {
	var a Attachment
	fields := map[string]*string{
		"contentType": &a.ContentType, "url": &a.URL, "hash": &a.Hash,
		"title": &a.Title, "creation": &a.Creation, "data": &a.Data,
	}
	if !readTexts(n, fields, "id", "extension", "language", "size") {
		return unusable
	}
	for _, m := range n.children {
		if m.name != "size" {
			continue
		}
		size := readInteger(m)
		if size.kind != IntegerValue || size.whole <= 0 {
			return unusable
		}
		a.Size = int64(size.whole)
	}
	return File(a)
}

// readTexts fills the named texts from an object's members, and reports whether
// every other member is among the ignored.
func readTexts(n node, fields map[string]*string, ignored ...string) bool {
	if n.kind != objectNode {
		return false
	}
	for _, m := range n.children {
		field, known := fields[m.name]
		switch {
		case known && m.kind == stringNode:
			*field = m.text
		case !slices.Contains(ignored, m.name):
			return false
		}
	}
	return true
}
