package x12

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// Checks gathers what is wrong with what is to be written. Part, Index and Within
// say what it looks at, as "lines", 3 and "" do for the third line, and are
// empty or 0 at the top. A problem's Where joins them and the field by slashes.
type Checks struct {
	Problems     []fault.Problem
	Part, Within string
	Index        int // from 1
}

// Must notes a problem unless holds. text tells people what would be right.
func (c *Checks) Must(holds bool, field, code, text string) {
	if holds {
		return
	}
	index := ""
	if c.Index > 0 {
		index = strconv.Itoa(c.Index)
	}
	c.Problems = append(c.Problems, fault.Problem{Where: path.Join(c.Part, index, c.Within, field), Code: code, Text: text})
}

// Text is a value that must be there, of at most most characters.
func (c *Checks) Text(field, s string, most int) {
	c.Must(s != "", field, "missing", "This is needed.")
	c.Optional(field, s, most)
}

// Optional is a value that may be empty, of at most most characters.
func (c *Checks) Optional(field, s string, most int) {
	if len(s) > most {
		c.Must(false, field, "too_long", fmt.Sprintf("This may have at most %d characters.", most))
	}
	c.Must(Carries(s), field, "character", "Use the letters A to Z, digits and plain punctuation, without ~ * : ^ and without a space at the begin or end.")
}

// OneOf is a code of a list, whose words are parted by a space.
func (c *Checks) OneOf(field, s, list string) {
	if !listed(list, s) {
		c.Must(false, field, "unknown_code", "This must be one of "+list+".")
	}
}

// listed reports whether s is a word of list.
func listed(list, s string) bool {
	for list != "" {
		var word string
		if word, list, _ = strings.Cut(list, " "); word == s {
			return true
		}
	}
	return false
}

// Digits is digits alone, of one of these lengths.
func (c *Checks) Digits(field, s string, lengths ...int) {
	ok := slices.Contains(lengths, len(s))
	for i := range len(s) {
		ok = ok && '0' <= s[i] && s[i] <= '9'
	}
	if !ok {
		c.Must(false, field, "digits", fmt.Sprintf("This must be digits, %s of them.", strings.Trim(strings.ReplaceAll(fmt.Sprint(lengths), " ", " or "), "[]")))
	}
}

// Code is capitals and digits, from least to most of them.
func (c *Checks) Code(field, s string, least, most int) {
	ok := least <= len(s) && len(s) <= most
	for i := range len(s) {
		ok = ok && ('0' <= s[i] && s[i] <= '9' || 'A' <= s[i] && s[i] <= 'Z')
	}
	c.Must(ok, field, "code", "This must be a code of capital letters and digits, of the length that its list has, without a point.")
}

// Amount is an amount that is not negative.
func (c *Checks) Amount(field string, a money.Cents) {
	c.Must(0 <= a && a <= MaxAmount, field, "amount", "An amount must be from 0 to 99999999.99.")
}
