package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Line is one line of an export: a leaf, a checkpoint, or a row with the key
// that it is under.
type Line struct {
	Leaf       []byte
	Checkpoint string
	Key        string
	Row        []byte // an Item's bytes
}

// How each kind of line begins.
var (
	leafBegins       = []byte(`{"id":`)
	checkpointBegins = []byte(`{"checkpoint":`)
	rowBegins        = []byte(`{"row":`)
)

type checkpointLine struct {
	Checkpoint string `json:"checkpoint"`
}

type rowLine struct {
	Key   string `json:"row"`
	Bytes []byte `json:"bytes"`
}

// maxLine is above a row of 400 KB, the largest there is, in base64.
const maxLine = 1 << 20

var errLine = errors.New("audit: not a line of an export")

// Append appends the line, with its line break, to b.
func (l Line) Append(b []byte) ([]byte, error) {
	text, err := l.Leaf, error(nil)
	switch {
	case l.Leaf != nil:
		if !bytes.HasPrefix(text, leafBegins) || bytes.ContainsRune(text, '\n') {
			err = errLine
		}
	case l.Checkpoint != "":
		text, err = json.Marshal(checkpointLine{l.Checkpoint})
	default:
		text, err = json.Marshal(rowLine{l.Key, l.Row})
	}
	return append(append(b, text...), '\n'), err
}

// parseLine reads a line without its line break. Only a line that Append would
// write is one.
func parseLine(b []byte) (Line, error) {
	var l Line
	var err error
	switch {
	case bytes.HasPrefix(b, leafBegins):
		return Line{Leaf: b}, nil
	case bytes.HasPrefix(b, checkpointBegins):
		var c checkpointLine
		err = json.Unmarshal(b, &c)
		l = Line{Checkpoint: c.Checkpoint}
	case bytes.HasPrefix(b, rowBegins):
		var r rowLine
		err = json.Unmarshal(b, &r)
		l = Line{Key: r.Key, Row: r.Bytes}
	}
	if err != nil {
		return Line{}, fmt.Errorf("%w: %w", errLine, err)
	}
	if again, err := l.Append(nil); err != nil || !bytes.Equal(again[:len(again)-1], b) {
		return Line{}, errLine
	}
	return l, nil
}

// Lines reads an export, or a page of one. It ends at the first error. A Leaf is
// valid until the next line is read.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		in := bufio.NewScanner(r)
		in.Buffer(nil, maxLine)
		in.Split(wholeLines)
		for n := 1; in.Scan(); n++ {
			l, err := parseLine(in.Bytes())
			if err != nil {
				yield(Line{}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(l, nil) {
				return
			}
		}
		if err := in.Err(); err != nil {
			yield(Line{}, fmt.Errorf("reading an export: %w", err))
		}
	}
}

// wholeLines splits at line breaks, of which the last line must have one.
func wholeLines(b []byte, atEnd bool) (advance int, token []byte, err error) {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n + 1, b[:n], nil
	}
	if atEnd && len(b) > 0 {
		return 0, nil, errors.New("the last line is cut short")
	}
	return 0, nil, nil
}

// Read feeds the replay an export, or the next page of one.
func (r *Replay) Read(in io.Reader) error {
	for l, err := range Lines(in) {
		if err != nil {
			return err
		}
		if err := r.Line(l); err != nil {
			return err
		}
	}
	return nil
}

// Line is fed the next line of an export.
func (r *Replay) Line(l Line) error {
	switch {
	case l.Leaf != nil:
		return r.Leaf(l.Leaf)
	case l.Checkpoint != "":
		return r.Checkpoint([]byte(l.Checkpoint))
	default:
		return r.Row(l.Key, l.Row)
	}
}
