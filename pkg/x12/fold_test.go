package x12_test

import (
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/x12"
)

func TestFold_SaysWhatItChanged(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]struct {
		folded  string
		changed bool
	}{
		"":                    {"", false},
		"SMITH":               {"SMITH", false},
		" Mary  Ann ":         {"MARY ANN", false},
		"O’Neill":             {"O'NEILL", true},
		"Muñoz":               {"MUNOZ", true},
		"ﬁnn Ǣøß":             {"FINN AEOSS", true},
		"Nguyễn Thị":          {"NGUYEN THI", true},
		"Ana 🙂🏽":              {"ANA", true},
		"a~b*c:d^e\x00f\ng":   {"A B C D E F G", true},
		"1 Main St., #5 (up)": {"1 MAIN ST., #5 (UP)", false},
		"李":                   {"李", false},
	} {
		if folded, changed := x12.Fold(s); folded != want.folded || changed != want.changed {
			t.Errorf("%q folded to %q, changed %t", s, folded, changed)
		}
	}
}

// What is folded stays as it is when folded again, and has no separators.
func TestFold_IsStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		once, _ := x12.Fold(rapid.String().Draw(t, "s"))
		if twice, changed := x12.Fold(once); twice != once || changed {
			t.Errorf("%q, then %q", once, twice)
		}
	})
}
