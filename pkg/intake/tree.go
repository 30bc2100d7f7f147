package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/phi"
)

// A node is one JSON value, with numbers as the text writes them.
type node struct {
	kind     nodeKind
	truth    bool
	name     string // name of a member of an object
	text     string // text of a string or a number
	children []node // members or elements, in order
	raw      string
}

// member returns the member of an object by name, or a null.
func (n node) member(name string) node {
	if n.kind == objectNode {
		for _, m := range n.children {
			if m.name == name {
				return m
			}
		}
	}
	return node{}
}

// with returns an object with another text as its member.
func (n node) with(name, text string) node {
	n.children = slices.Clone(n.children)
	raw := []byte{'{'}
	for i := range n.children {
		m := &n.children[i]
		if m.name == name {
			m.text, m.raw = text, string(appendString(nil, text))
		}
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(append(appendString(raw, m.name), ':'), m.raw...)
	}
	n.raw = string(append(raw, '}'))
	return n
}

// MarshalJSON returns the value as it was written.
func (n node) MarshalJSON() ([]byte, error) { return []byte(n.raw), nil }

type nodeKind byte

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

// maxMembers is the most members of one object, more than twice what any FHIR type
// has.
const maxMembers = 64

// What parseTree refuses of text that is JSON, in words for its sender.
var (
	errNotText = errors.New("this is not UTF-8 text, or it escapes half of a character")
	errDeep    = fmt.Errorf("this is nested deeper than %d levels", maxDepth)
	errTwice   = errors.New("a member is given twice in one object")
	errMany    = fmt.Errorf("an object has more than %d members", maxMembers)
)

// whyUnreadable is what of parseTree's error its sender may be told.
func whyUnreadable(err error) string {
	for _, known := range []error{errNotText, errDeep, errTwice, errMany} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "this is not one JSON object"
}

// tooDeep reports whether data, if it is JSON, is nested deeper than maxDepth.
func tooDeep(data []byte) bool {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inText && b == '\\':
			i++
		case b == '"':
			inText = !inText
		case inText:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// parseTree reads exactly one JSON value. Unlike the standard decoder, parseTree
// refuses input that two readers could understand differently (a repeated member,
// text that is no text) and nesting deeper than any form has.
func parseTree(data []byte) (node, error) {
	if err := unwelcome(data); err != nil {
		return node{}, err
	}
	if !json.Valid(data) {
		var v json.RawMessage
		return node{}, fmt.Errorf("reading JSON: %w", json.Unmarshal(data, &v))
	}
	t := tree{data: string(data)}
	return t.value()
}

// validTree is parseTree for data that are known to be one JSON value.
func validTree(data []byte) (node, error) {
	if err := unwelcome(data); err != nil {
		return node{}, err
	}
	t := tree{data: string(data)}
	return t.value()
}

func unwelcome(data []byte) error {
	if !phi.Whole(data) {
		return errNotText
	}
	if tooDeep(data) {
		return errDeep
	}
	return nil
}

// A tree walks text that is known to be valid JSON. The texts of its nodes are parts
// of data.
type tree struct {
	data string
	at   int
	open []node // the children so far of the values that are being walked
}

func (t *tree) space() byte {
	for {
		switch b := t.data[t.at]; b {
		case ' ', '\t', '\n', '\r', ',', ':':
			t.at++
		default:
			return b
		}
	}
}

func (t *tree) value() (node, error) {
	first := t.space()
	from := t.at
	var n node
	var err error
	switch first {
	case '{', '[':
		n, err = t.composite(first)
	case '"':
		n.kind = stringNode
		n.text, err = t.text()
	case 't', 'f', 'n':
		n.kind, n.truth = boolNode, first == 't'
		t.at += len("true")
		if first == 'f' {
			t.at++
		}
		if first == 'n' {
			n.kind = nullNode
		}
	default:
		n.kind = numberNode
		for t.at < len(t.data) && strings.IndexByte("+-.0123456789Ee", t.data[t.at]) >= 0 {
			t.at++
		}
		n.text = t.data[from:t.at]
	}
	n.raw = t.data[from:t.at]
	return n, err
}

func (t *tree) composite(open byte) (node, error) {
	n := node{kind: arrayNode}
	if open == '{' {
		n.kind = objectNode
	}
	t.at++
	first := len(t.open)
	for b := t.space(); b != '}' && b != ']'; b = t.space() {
		var name string
		if n.kind == objectNode {
			var err error
			if name, err = t.text(); err != nil {
				return node{}, err
			}
			members := t.open[first:]
			if slices.ContainsFunc(members, func(m node) bool { return m.name == name }) {
				return node{}, errTwice
			}
			if len(members) == maxMembers {
				return node{}, errMany
			}
		}
		child, err := t.value()
		if err != nil {
			return node{}, err
		}
		child.name = name
		t.open = append(t.open, child)
	}
	t.at++
	n.children = slices.Clone(t.open[first:])
	t.open = t.open[:first]
	return n, nil
}

func (t *tree) text() (string, error) {
	from, escaped := t.at, false
	for t.at++; t.data[t.at] != '"'; t.at++ {
		if t.data[t.at] == '\\' {
			escaped = true
			t.at++
		}
	}
	t.at++
	if !escaped {
		return t.data[from+1 : t.at-1], nil
	}
	var s string
	if err := json.Unmarshal([]byte(t.data[from:t.at]), &s); err != nil {
		return "", fmt.Errorf("reading JSON: %w", err)
	}
	return s, nil
}
