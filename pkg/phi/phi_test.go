package phi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"evisit/pkg/phi"
)

const (
	secret = phi.Text("Ada Byrne has a cough")
	shown  = "[redacted]"
)

type inner struct {
	Note  phi.Text
	Notes []phi.Text
	ByKey map[string]phi.Text
	Point *phi.Text
	Any   any
}

type outer struct {
	ID    string
	Inner inner
	Next  *inner
}

func nested() outer {
	s := secret
	in := inner{s, []phi.Text{s, s}, map[string]phi.Text{"k": s}, &s, s}
	return outer{"visit-1", in, &in}
}

// Text prints as [redacted] by every function and verb of fmt, alone and inside
// other values. Formats that go vet refuses are left out, because go test runs
// vet first: %w of a value that is no error, %p of a value that is no pointer,
// and any verb but %v of a record that holds pointers to records. With those, fmt
// ignores the verb's method and prints the value's fields.
func TestText_PrintsRedacted(t *testing.T) {
	t.Parallel()
	s := secret
	values := map[string]any{
		"the text": s, "a pointer": &s, "a slice": []phi.Text{s}, "an array": [1]phi.Text{s},
		"a map": map[string]phi.Text{"k": s}, "a key": map[phi.Text]int{s: 1}, "an interface": any(s), "any": []any{s},
		"a struct": inner{Note: s}, "nested": nested(), "a pointer to nested": new(nested()),
	}
	const general = "%v %+v %#v %T %20v %-30v"
	for name, v := range values {
		verbs := general + " %s %q %x %X %d %t %c %U %e %o %b %#x %10s %-30q %.3s"
		if strings.Contains(name, "nested") {
			verbs = general
		}
		for verb := range strings.FieldsSeq(verbs) {
			if got := fmt.Sprintf(verb, v); leaks(got) {
				t.Errorf("%s under %s prints %s", name, verb, got)
			}
		}
		for function, got := range map[string]string{
			"Sprint": fmt.Sprint(v), "Sprintln": fmt.Sprintln(v), "Sprintf with too many": fmt.Sprintf(general[:0], v),
			"Errorf": fmt.Errorf("reading: %v", v).Error(), "Append": string(fmt.Append(nil, v)),
			"joined errors": errors.Join(errors.New("a"), fmt.Errorf("b: %+v", v)).Error(),
		} {
			if leaks(got) {
				t.Errorf("%s by %s prints %s", name, function, got)
			}
		}
	}
	if got := fmt.Sprintf("%s|%v|%q|%5d", s, s, s, s); got != strings.Join([]string{shown, shown, shown, shown}, "|") {
		t.Errorf("printed as %s", got)
	}
}

// leaks reports whether printed holds a word of the secret, in letters or in
// hexadecimal.
func leaks(printed string) bool {
	for word := range strings.FieldsSeq(string(secret)) {
		if len(word) > 2 && (strings.Contains(printed, word) || strings.Contains(strings.ToLower(printed), fmt.Sprintf("%x", word))) {
			return true
		}
	}
	return false
}

// Text logs as [redacted]: as a value by the text and the JSON handler, and inside
// a record by the text handler.
func TestText_LogsRedacted(t *testing.T) {
	t.Parallel()
	s := secret
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		log := slog.New(handler(&b))
		log.With("with", s).WithGroup("group").InfoContext(t.Context(), "said",
			"text", s, "any", any(s), "list", slog.GroupValue(slog.Any("text", s)), "err", fmt.Errorf("reading: %v", s))
		if leaks(b.String()) || strings.Count(b.String(), shown) != 5 {
			t.Errorf("%s: logged %s", name, b.String())
		}
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).InfoContext(t.Context(), "said", "nested", nested(), "pointer", &s, "list", []phi.Text{s})
	if leaks(b.String()) {
		t.Errorf("logged %s", b.String())
	}
}

// Text is unredacted in JSON, the form in which it is sealed and sent to its
// readers. A JSON log must therefore be given single values, never records.
func TestText_MarshalsUnredacted(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(map[string]phi.Text{"note": secret})
	if err != nil || string(b) != `{"note":"Ada Byrne has a cough"}` {
		t.Errorf("marshals as %s, %v", b, err)
	}
	var got map[string]phi.Text
	if err := json.Unmarshal(b, &got); err != nil || got["note"] != secret || got["note"].Reveal() != string(secret) {
		t.Errorf("reads back as %s, %v", got["note"].Reveal(), err)
	}
}

func TestText_Blank(t *testing.T) {
	t.Parallel()
	for name, blank := range map[string]phi.Text{
		"nothing":             "",
		"spaces":              " \t\r\n\u00a0\u2003\u3000\u1680",
		"lines":               "\u2028\u2029\u0085",
		"controls":            "\x00\x1b\x7f",
		"zero width":          "\u200b\u200c\u200d\u2060\ufeff",
		"soft hyphen":         "\u00ad",
		"direction":           "\u200e\u200f\u202a\u202e\u2066\u2069\u061c",
		"joiner":              "\u034f",
		"Hangul fillers":      "\u115f\u1160\u3164\uffa0",
		"Khmer vowels":        "\u17b4\u17b5",
		"Mongolian separator": "\u180b\u180e",
		"variation selectors": "\ufe0f\U000e0100",
		"tags":                "\U000e0001\U000e0041",
		"Braille blank":       "\u2800",
		"null notehead":       "\U0001d159",
		"a mixture":           " \u200b\n\u3164\u2800 ",
	} {
		if !blank.Blank() {
			t.Errorf("%s is taken for text", name)
		}
		if (blank + "7" + blank).Blank() {
			t.Errorf("7 among %s is taken for blank", name)
		}
	}
	for _, text := range []phi.Text{"a", ".", "-", "0", "é", "e\u0301", "痛い", "ألم", "👍🏽", "👨\u200d👩\u200d👧", "\u2801", "한", "ខ្ញុំ", "\ufffd"} {
		if text.Blank() {
			t.Errorf("%q is taken for blank", text.Reveal())
		}
	}
}
