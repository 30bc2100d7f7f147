// Package registry decides how practices and people come to be known: what a
// practice gives to be registered, who may accept an invitation, which lines of a
// file are patients, and which two records may be of one person. Storing them, and
// asking who may, are left to others.
package registry

import (
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evisit/pkg/fault"
)

// problems collects all that is wrong with an input, so that its author hears of
// everything at once. The zero value is empty.
type problems []fault.Problem

// must adds a problem of where unless ok.
func (p *problems) must(ok bool, where, code, text string) {
	if !ok {
		*p = append(*p, fault.Problem{Where: where, Code: code, Text: text})
	}
}

// maxText bounds a name or a line of an address, in characters; maxEmail an e-mail
// address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const (
	maxText  = 120
	maxEmail = 254
)

// err is a fault.Invalid with all problems; nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", p...)
}

// plain reports whether s is a line that people can read: not blank, not too long,
// and without control characters or characters that change the direction of the
// text around them.
func plain(s string) bool {
	if strings.TrimSpace(s) == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) < 0
}

// Email returns an address without the space around it, its domain in small
// letters. It reports false for what is no address of one mailbox.
func Email(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	at := strings.LastIndexByte(s, '@')
	if err != nil || a.Address != s || len(s) > maxEmail || !strings.Contains(s[at:], ".") {
		return "", false
	}
	return s[:at] + strings.ToLower(s[at:]), true
}

// Phone returns a number as ITU-T E.164 writes it. A number without + is one of
// the North American Numbering Plan. It reports false for what cannot be dialled.
func Phone(s string) (string, bool) {
	s = strings.TrimSpace(s)
	international := strings.HasPrefix(s, "+")
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()\u00a0", r) {
			return -1
		}
		return r
	}, strings.TrimPrefix(s, "+"))
	if !allDigits(digits) {
		return "", false
	}
	if !international && len(digits) == nanpLength {
		digits = "1" + digits
	}
	if strings.HasPrefix(digits, "1") { // the plan's country code
		ok := len(digits) == 1+nanpLength && digits[1] >= '2' && digits[4] >= '2'
		return "+" + digits, ok
	}
	return "+" + digits, international && len(digits) >= 8 && len(digits) <= 15 && digits[0] != '0'
}

// nanpLength is the length of a North American number without its country code.
const nanpLength = 10

func allDigits(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// oldest is longer than anyone lived.
const oldest = 130

// Birth reads a day of birth, as ISO 8601 writes days. The error is for its author.
func Birth(s string, now time.Time) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(s))
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("write the day of birth as 1990-04-12: year, month, day")
	case t.After(now):
		return time.Time{}, fmt.Errorf("this day of birth is in the future")
	case t.Before(now.AddDate(-oldest, 0, 0)):
		return time.Time{}, fmt.Errorf("this day of birth is more than %d years ago", oldest)
	}
	return t, nil
}
