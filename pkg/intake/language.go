package intake

import (
	"slices"
	"strings"
	"sync"
)

// extTranslation holds a text in another language, on the text's element: _text, _title.
const extTranslation = hl7Base + "translation"

// Languages returns the languages that some text of the form is translated to, in order.
// The language of the form itself, if its author gives one, comes first.
func (f *Form) Languages() []string {
	f.compiled.once.Do(func() { f.compiled.languages = f.spoken() })
	return f.compiled.languages
}

// spoken looks for the form's languages.
func (f *Form) spoken() []string {
	var found []string
	root, err := parseTree(f.json)
	if err != nil {
		return nil
	}
	var walk func(node)
	walk = func(n node) {
		lang := ""
		switch {
		case n.member("url").text == extTranslation:
			lang, _ = translation(n)
		case n.member("language").kind == stringNode && n.member("value").kind == stringNode: // a designation
			lang = n.member("language").text
		}
		if lang != "" && !slices.Contains(found, lang) {
			found = append(found, lang)
		}
		for _, m := range n.children {
			walk(m)
		}
	}
	walk(root)
	slices.Sort(found)
	if own := f.res.Language; own != "" {
		found = slices.DeleteFunc(found, func(lang string) bool { return lang == own })
		found = slices.Insert(found, 0, own)
	}
	return found
}

// In returns the form with its texts in a language, as pages draw it: es for es and
// es-US, where there is no es-US. A text without a translation stays as it is. The form
// is the same otherwise: its JSON, its hash and what Check decides and keeps. Each
// language is compiled once.
func (f *Form) In(language string) *Form {
	languages := f.Languages()
	if !slices.Contains(languages, language) {
		language, _, _ = strings.Cut(language, "-")
	}
	if language == f.res.Language || !slices.Contains(languages, language) {
		return f
	}
	return f.as(version{language, f.version.link, f.version.only})
}

// A version is how a form is compiled anew: its texts in a language, and a question with
// only some of its options. The zero version is the form as its author wrote it.
type version struct {
	language string
	link     string
	only     string // codes, parted by spaces
}

// as returns the form in a version, which is compiled once.
func (f *Form) as(v version) *Form {
	g, known := f.compiled.forms.Load(v)
	if !known {
		c := newCompiler(f.res)
		c.language, c.catalog.language = v.language, v.language
		c.shape()
		c.link()
		c.form.json, c.form.hash, c.form.compiled, c.form.version = f.json, f.hash, f.compiled, v
		if it := c.form.byLink[v.link]; it != nil {
			it.offer(strings.Fields(v.only))
		}
		g, _ = f.compiled.forms.LoadOrStore(v, c.form)
	}
	return g.(*Form).With(f.facts)
}

// A shelf keeps what is made of a form when it is first asked for.
type shelf struct {
	once      sync.Once
	languages []string
	forms     sync.Map // version → *Form
}

// say returns a text of a part in the language that the form is compiled in.
func (c *compiler) say(text string, s source, element string) string {
	if c.language == "" {
		return text
	}
	best := ""
	for _, m := range s.kept {
		if m.name != element {
			continue
		}
		for _, e := range m.value.member("extension").children {
			if lang, said := translation(e); e.member("url").text == extTranslation && speaks(lang, c.language) && (best == "" || lang == c.language) {
				best = said
			}
		}
	}
	if best == "" {
		return text
	}
	return best
}

// translation reads the language and the words of a translation.
func translation(e node) (lang, said string) {
	for _, part := range e.member("extension").children {
		switch part.member("url").text {
		case "lang":
			lang = part.member("valueCode").text
		case "content":
			said = part.member("valueString").text + part.member("valueMarkdown").text
		}
	}
	return lang, said
}

// speaks reports whether a text in the language lang serves who asks for wanted.
func speaks(lang, wanted string) bool {
	general, _, _ := strings.Cut(wanted, "-")
	return lang != "" && (lang == wanted || lang == general)
}
