package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// A node is one JSON value, with numbers as they were written.
type node struct {
	kind    nodeKind
	text    string // of a string or a number
	truth   bool
	members []member // in order
	elems   []node
	raw     []byte
}

type member struct {
	name  string
	value node
}

type nodeKind byte

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
)

// parseTree reads exactly one JSON value. It refuses what the standard decoder
// lets pass and two readers could understand differently: a repeated member,
// text that is not UTF-8, anything after the value; and nesting no form has.
func parseTree(data []byte) (node, error) {
	if !utf8.Valid(data) {
		return node{}, errors.New("not UTF-8 text")
	}
	d := treeDecoder{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	d.dec.UseNumber()
	n, err := d.value(0)
	if err != nil {
		return node{}, err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return node{}, errors.New("more follows the first JSON value")
	}
	return n, nil
}

type treeDecoder struct {
	data []byte
	dec  *json.Decoder
}

func (d *treeDecoder) value(depth int) (node, error) {
	from := d.dec.InputOffset()
	t, err := d.dec.Token()
	if err != nil {
		return node{}, fmt.Errorf("reading JSON: %w", err)
	}
	var n node
	switch t := t.(type) {
	case bool:
		n = node{kind: boolNode, truth: t}
	case json.Number:
		n = node{kind: numberNode, text: t.String()}
	case string:
		n = node{kind: stringNode, text: t}
	case json.Delim:
		if depth == maxDepth {
			return node{}, errors.New("nested too deeply")
		}
		if n, err = d.composite(t, depth+1); err != nil {
			return node{}, err
		}
	}
	n.raw = bytes.TrimLeft(d.data[from:d.dec.InputOffset()], " \t\r\n:,")
	return n, nil
}

func (d *treeDecoder) composite(open json.Delim, depth int) (node, error) {
	n := node{kind: arrayNode}
	if open == '{' {
		n.kind = objectNode
	}
	seen := map[string]bool{}
	for d.dec.More() {
		var name string
		if n.kind == objectNode {
			t, err := d.dec.Token()
			if err != nil {
				return node{}, fmt.Errorf("reading JSON: %w", err)
			}
			name, _ = t.(string)
			if seen[name] {
				return node{}, errors.New("a member is given twice in one object")
			}
			seen[name] = true
		}
		v, err := d.value(depth)
		if err != nil {
			return node{}, err
		}
		if n.kind == objectNode {
			n.members = append(n.members, member{name, v})
		} else {
			n.elems = append(n.elems, v)
		}
	}
	if _, err := d.dec.Token(); err != nil { // the closing delimiter
		return node{}, fmt.Errorf("reading JSON: %w", err)
	}
	return n, nil
}
