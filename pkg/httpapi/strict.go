package httpapi

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/phi"
)

// maxNesting is deeper than any body of ours.
const maxNesting = 32

// A level is one object or array that a strict reading is inside of.
type level struct {
	names map[string]bool // of an object's members so far; nil for an array
	name  string          // of the member that is read
	index int             // of the element that is read
	value bool            // the next token of an object is a value
}

// checkStrictly refuses JSON that two readers could understand differently, that
// is nested too deep, or that has text no store of ours keeps as it is. Text that is
// not JSON passes: decoding refuses it.
func checkStrictly(b []byte) error {
	if !phi.Whole(b) {
		return fault.New(fault.Malformed, "malformed_json", "the body is not UTF-8 text, or it escapes half of a character, such as \\ud800")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var open []level
	for {
		t, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or for decoding to refuse
		}
		s, isText := t.(string)
		if n := len(open) - 1; n >= 0 && open[n].names != nil && !open[n].value && isText {
			twice := open[n].names[s]
			open[n].names[s], open[n].name, open[n].value = true, s, true
			if twice {
				return fault.New(fault.Malformed, "malformed_json", "a member is given twice in one object",
					fault.Problem{Where: where(open), Code: "repeated", Text: "give it once"})
			}
			if strings.ContainsRune(s, 0) {
				return hasNUL(open)
			}
			continue
		}
		switch t {
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
			continue
		}
		if n := len(open) - 1; n >= 0 {
			open[n].value = false
			open[n].index++
		}
		if strings.ContainsRune(s, 0) {
			return hasNUL(open)
		}
		switch t {
		case json.Delim('{'):
			open = append(open, level{names: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{index: -1})
		}
		if len(open) > maxNesting {
			return fault.New(fault.Malformed, "malformed_json", "the body is nested deeper than "+strconv.Itoa(maxNesting)+" levels")
		}
	}
}

func hasNUL(open []level) error {
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
		fault.Problem{Where: where(open), Code: "characters", Text: "take out the character U+0000"})
}

// maxWhere bounds a pointer to what is wrong: names come from outside.
const maxWhere = 200

func where(open []level) string {
	var b strings.Builder
	for _, l := range open {
		b.WriteByte('/')
		if l.names == nil {
			b.WriteString(strconv.Itoa(max(l.index, 0)))
		} else {
			b.WriteString(l.name)
		}
	}
	return bounded(b.String())
}

// bounded is a pointer as it is shown.
func bounded(where string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(where[:min(len(where), maxWhere)], "\x00", ""), "")
}

// canonical is b, which is JSON, without what does not change its meaning: white
// space, the order of members and the way text is escaped.
func canonical(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
