package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"golang.org/x/text/language"

	"evisit/pkg/intake"
)

// languageField is the parameter of a page that names the language to draw its form in;
// the cookie of that name keeps it.
const languageField = "language"

// A tongue is a language that a form is written in, to be chosen.
type tongue struct {
	Code, Name string
	Press      string // the address at which the form is drawn in it
	Chosen     bool
}

// languageNames are what the languages call themselves; one that is not listed is shown
// by its code.
var languageNames = map[string]string{
	"ar": "العربية", "de": "Deutsch", "en": "English", "es": "Español", "fa": "فارسی", "fr": "Français", "hi": "हिन्दी",
	"ht": "Kreyòl ayisyen", "it": "Italiano", "ja": "日本語", "km": "ខ្មែរ", "ko": "한국어", "pl": "Polski", "pt": "Português",
	"ru": "Русский", "so": "Soomaali", "tl": "Tagalog", "uk": "Українська", "vi": "Tiếng Việt", "zh": "中文",
}

// chosenLanguage is the language in which to draw f, whose author may have translated
// it: the one that the page's address names, which is kept from then on, else that which
// was chosen before, else what the browser asks for, else the form's own.
func (s *site) chosenLanguage(w http.ResponseWriter, r *http.Request, f *intake.Form) string {
	all := f.Languages()
	if len(all) == 0 {
		return ""
	}
	if asked := r.URL.Query().Get(languageField); slices.Contains(all, asked) {
		s.setCookie(w, languageField, asked, 365*24*60*60)
		return asked
	}
	if c, err := r.Cookie(s.cookieName(languageField)); err == nil && slices.Contains(all, c.Value) {
		return c.Value
	}
	var written []language.Tag
	for _, code := range all {
		written = append(written, language.Make(code))
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return all[0]
	}
	_, n, _ := language.NewMatcher(written).Match(wanted...)
	return all[n]
}

// tongues are the languages between which a reader of f, at a path, may choose; none if
// it is written in one.
func tongues(f *intake.Form, chosen, path string) []tongue {
	codes := f.Languages()
	if len(codes) < 2 {
		return nil
	}
	var all []tongue
	for _, code := range codes {
		all = append(all, tongue{
			Code: code, Name: cmp.Or(languageNames[code], code), Press: path + "?" + url.Values{languageField: {code}}.Encode(), Chosen: code == chosen,
		})
	}
	return all
}
