package practice

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"evisit/pkg/fault"
)

// A Consent is the text a patient accepts before a visit, in each language in which the
// practice has it (eRisk; guideline G15). A new text is a new version; what was accepted is
// kept for ever.
type Consent struct {
	Version string `json:"version"`
	Text    string `json:"text"` // in Language
	// Language is that of Text, a code of ISO 639; empty: en.
	Language string `json:"language,omitempty"`
	// Others is the text in further languages.
	Others map[string]string `json:"others,omitempty"`
}

const english = "en"

// Main returns the language of Text.
func (c Consent) Main() string {
	if c.Language == "" {
		return english
	}
	return c.Language
}

// Languages lists the languages of the text, that of Text first.
func (c Consent) Languages() []string {
	return append([]string{c.Main()}, slices.Sorted(maps.Keys(c.Others))...)
}

// In returns the text in a language, of which a region or script is not regarded: es-MX
// is es. Empty is the main language. It reports false if the text is not there in it.
func (c Consent) In(language string) (string, bool) {
	language, _, _ = strings.Cut(strings.ToLower(language), "-")
	if language == "" || language == c.Main() {
		return c.Text, true
	}
	text, ok := c.Others[language]
	return text, ok
}

// maxConsent bounds a consent text, in characters, and maxLanguages their number.
const (
	maxConsent   = 20_000
	maxLanguages = 20
)

var (
	languageCode   = regexp.MustCompile(`^[a-z]{2,3}$`)
	consentVersion = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)
)

func (c Consent) problems() []fault.Problem {
	var all []fault.Problem
	must := func(ok bool, where, code, text string) {
		if !ok {
			all = append(all, fault.Problem{Where: where, Code: code, Text: text})
		}
	}
	must(consentVersion.MatchString(c.Version), "/version", "version", "Name the version in at most 40 letters, digits and . _ -, such as 2026-11.")
	must(languageCode.MatchString(c.Main()), "/language", "language", "Give a language by its code of ISO 639, such as en or es.")
	must(len(c.Others) <= maxLanguages, "/others", "range", fmt.Sprintf("At most %d further languages.", maxLanguages))
	texts := map[string]string{"/text": c.Text}
	for language, text := range c.Others {
		must(languageCode.MatchString(language) && language != c.Main(), "/others/"+language, "language",
			"Give each further language once, by its code of ISO 639, such as es.")
		texts["/others/"+language] = text
	}
	for _, where := range slices.Sorted(maps.Keys(texts)) {
		n := utf8.RuneCountInString(texts[where])
		must(strings.TrimSpace(texts[where]) != "" && n <= maxConsent, where, "text", fmt.Sprintf("The text has from 1 to %d characters.", maxConsent))
	}
	return all
}

// At returns the practice as it has decided to be at t.
func (p Practice) At(t time.Time) Practice {
	p.Config = p.Config.At(t)
	if p.ConsentNext != "" && !p.ConsentFrom.After(t) {
		p.Consent, p.Consenting = p.NextConsent, p.ConsentNext
		p.NextConsent, p.ConsentNext, p.ConsentFrom = Consent{}, "", time.Time{}
	}
	return p
}

// same reports whether c and d are one text under one version; none is the same as no text.
func (c Consent) same(d Consent) bool {
	return c.Version != "" && c.Version == d.Version && c.Text == d.Text && c.Main() == d.Main() && maps.Equal(c.Others, d.Others)
}

// DecideConsent returns the practice as it is at now, with another consent text from from
// on; the zero from is at once. One that begins later takes the place of another that was
// to come, and a text that is to come already begins at from instead. A text that holds
// then anyway changes nothing. It reports whether the text is new.
func (p Practice) DecideConsent(c Consent, from, now time.Time) (Practice, bool, error) {
	p = p.At(now)
	if c.same(p.Consent) && (p.ConsentNext == "" || !from.After(now)) {
		return p, false, nil
	}
	all := c.problems()
	if !from.IsZero() && from.Before(now.Add(-slack)) || from.After(now.Add(furthest)) {
		all = append(all, fault.Problem{Where: "/from", Code: "range", Text: "A consent text begins now, or later within two years."})
	}
	if len(all) > 0 {
		return Practice{}, false, fault.New(fault.Invalid, "invalid_request", "this consent text cannot be taken", all...)
	}
	moved := c.same(p.NextConsent)
	switch {
	case moved && from.Equal(p.ConsentFrom):
		return p, false, nil
	case !moved && (c.Version == p.Consent.Version || c.Version == p.NextConsent.Version):
		return Practice{}, false, fault.New(fault.Conflict, "consent_exists", "this consent version was used before; give the text a new version")
	case from.After(now):
		p.NextConsent, p.ConsentNext, p.ConsentFrom = c, c.Version, from
		return p, !moved, nil
	case moved:
		p.NextConsent, p.ConsentNext, p.ConsentFrom = Consent{}, "", time.Time{}
	}
	p.Consent, p.Consenting = c, c.Version
	return p, !moved, nil
}
