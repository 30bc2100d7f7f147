package audit

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Line is one line of an export: a leaf, a checkpoint, or a row and its key.
type Line struct {
	Leaf       []byte
	Checkpoint string
	Key        string
	Row        []byte // an Item's bytes
}

// The beginnings of the kinds of lines.
var (
	leafBegins       = []byte(`{"id":`)
	checkpointBegins = []byte(`{"checkpoint":`)
	rowBegins        = []byte(`{"row":`)
)

// The beginning and end of the last part of a row's line. No base64 has a quote.
var (
	bytesBegin = []byte(`,"bytes":"`)
	bytesEnd   = []byte(`"}`)
)

var rowBase64 = base64.StdEncoding.Strict()

// maxLine is above a row of 400 KB, the largest there is, in base64.
const maxLine = 1 << 20

var errLine = errors.New("audit: not a line of an export")

// Append appends the line, with its line break, to b.
func (l Line) Append(b []byte) ([]byte, error) {
	switch {
	case l.Leaf != nil:
		if !bytes.HasPrefix(l.Leaf, leafBegins) || bytes.IndexByte(l.Leaf, '\n') >= 0 {
			return nil, errLine
		}
		return append(append(b, l.Leaf...), '\n'), nil
	case l.Checkpoint != "":
		text, err := json.Marshal(l.Checkpoint)
		b = append(append(append(b, checkpointBegins...), text...), '}')
		return append(b, '\n'), err
	default:
		key, err := json.Marshal(l.Key)
		b = append(append(append(b, rowBegins...), key...), bytesBegin...)
		b = append(rowBase64.AppendEncode(b, l.Row), bytesEnd...)
		return append(b, '\n'), err
	}
}

// parseLine reads a line without its line break. It accepts only lines that
// Append would write.
func parseLine(b []byte) (Line, error) {
	if bytes.HasPrefix(b, leafBegins) {
		return Line{Leaf: b}, nil
	}
	if text, ok := cutAround(b, checkpointBegins, []byte("}")); ok {
		msg, err := parseText(text)
		if err != nil || msg == "" {
			return Line{}, errLine
		}
		return Line{Checkpoint: msg}, nil
	}
	text, ok := cutAround(b, rowBegins, bytesEnd)
	value := bytes.LastIndexByte(text, '"') + 1
	name, ok2 := bytes.CutSuffix(text[:value], bytesBegin)
	if !ok || !ok2 {
		return Line{}, errLine
	}
	key, err := parseText(name)
	if err != nil {
		return Line{}, err
	}
	row, err := rowBase64.AppendDecode([]byte{}, text[value:])
	if err != nil || bytes.IndexByte(text[value:], '\r') >= 0 { // which the decoder skips
		return Line{}, errLine
	}
	return Line{Key: key, Row: row}, nil
}

func cutAround(b, before, behind []byte) ([]byte, bool) {
	b, begins := bytes.CutPrefix(b, before)
	b, ends := bytes.CutSuffix(b, behind)
	return b, begins && ends
}

// parseText reads JSON text as encoding/json writes it.
func parseText(b []byte) (string, error) {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return "", fmt.Errorf("%w: %w", errLine, err)
	}
	if again, err := json.Marshal(s); err != nil || !bytes.Equal(again, b) {
		return "", errLine
	}
	return s, nil
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

// Read adds an export, or the next page of one, to the replay.
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

// Line adds the next line of an export.
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
