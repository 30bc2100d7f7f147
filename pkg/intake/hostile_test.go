package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// What nobody writes by hand is refused in words, in time, and with no more problems than
// somebody reads.
func TestPublish_Hostile(t *testing.T) {
	t.Parallel()
	repeated := func(n int, item string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = strings.ReplaceAll(item, "#", fmt.Sprint(i))
		}
		return strings.Join(all, ",")
	}
	const plain = `{"linkId":"l#","type":"string","text":"x"}`
	nested := func(depth int) string {
		return strings.Repeat(`{"linkId":"g","type":"group","text":"G","item":[`, depth) + one + strings.Repeat(`]}`, depth)
	}
	for name, tt := range map[string]struct {
		data string
		kind fault.Kind
		text string // of the fault or of its first problem
	}{
		"2 MB":                      {written(`"description":"`+strings.Repeat("x", 2<<20)+`"`, one), fault.TooLarge, "larger than 1 MB"},
		"2 MB of brackets":          {strings.Repeat("[", 2<<20), fault.TooLarge, "larger than 1 MB"},
		"10,000 items":              {written("", repeated(10_000, plain)), fault.TooLarge, "more than 2000 items"},
		"as many in groups":         {written("", repeated(100, `{"linkId":"g#","type":"group","text":"G","item":[`+repeated(30, `{"linkId":"h","type":"string","text":"x"}`)+`]}`)), fault.TooLarge, "more than 2000 items"},
		"2,000 wrong items":         {written("", repeated(2000, `{"linkId":"l#","type":"choice","text":"x","minimum":1}`)), fault.Invalid, "no such member"},
		"deep":                      {written("", nested(500)), fault.Malformed, "nested deeper than"},
		"deep, a member of none":    {written(`"meta":`+strings.Repeat(`{"x":`, 5000)+"1"+strings.Repeat("}", 5000), one), fault.Malformed, "nested deeper than"},
		"a member twice":            {written("", `{"linkId":"a","linkId":"b","type":"string","text":"x"}`), fault.Malformed, "given twice"},
		"a member twice, escaped":   {written("", `{"linkId":"a","link\u0049d":"b","type":"string","text":"x"}`), fault.Malformed, "given twice"},
		"20,000 contained":          {written(`"contained":[`+repeated(20_000, `{"resourceType":"X","id":"#"}`)+`]`, one), fault.Invalid, "at most 500"},
		"2,000 times 1,000 options": {written(`"contained":[`+set("v", compose(`{"system":"s","concept":[`+concepts(1000)+`]}`))+`]`, repeated(2000, `{"linkId":"l#","type":"choice","text":"x","answerValueSet":"https://example.org/vs/v"}`)), fault.Invalid, "at most 50000 options"},
		"conditions on each other":  {written("", `{"linkId":"a","type":"boolean","text":"A","enableWhen":[{"question":"b","operator":"exists","answerBoolean":true}]},{"linkId":"b","type":"boolean","text":"B","enableWhen":[{"question":"a","operator":"exists","answerBoolean":true}]}`), fault.Invalid, "does not come before"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := intake.Publish(nil, []byte(tt.data))
		late := ctx.Err()
		cancel()
		f, ok := fault.Public(err)
		if !ok || !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v, want %s", name, err, tt.kind)
			continue
		}
		said := f.Text
		if len(f.Problems) > 0 {
			said = f.Problems[0].Text
		}
		if !strings.Contains(said, tt.text) || len(f.Problems) > 201 {
			t.Errorf("%s: %q and %d problems, want %q", name, said, len(f.Problems), tt.text)
		}
		if late != nil {
			t.Errorf("%s: took more than five seconds", name)
		}
	}
}
