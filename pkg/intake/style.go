package intake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The extensions that say how a text is drawn, and that a part is not understood
// otherwise.
const (
	extStyle     = hl7Base + "rendering-style"
	extXHTML     = hl7Base + "rendering-xhtml"
	extMarkdown  = hl7Base + "rendering-markdown"
	extSensitive = hl7Base + "rendering-styleSensitive"
)

// A Style is how an author would have the text of an item drawn (FHIR, rendering-style):
// what is left of it once it is read, of which pages draw all. The zero Style is that of
// the page.
type Style struct {
	Bold, Italic, Underlined, Struck bool
	Hue                              Hue
}

// A Hue is the colour of a text. Pages have a shade of each for light screens and one for
// dark screens, both of which can be read; so an author's colour is drawn as its hue.
type Hue string

// The hues. The zero Hue is the colour of the page's texts.
const (
	Red    Hue = "red"
	Brown  Hue = "brown"
	Green  Hue = "green"
	Teal   Hue = "teal"
	Blue   Hue = "blue"
	Purple Hue = "purple"
	Grey   Hue = "grey"
)

// maxStyle is far more than the style of one text is, in bytes.
const maxStyle = 500

// A rgb is a colour, each part from 0 to 255.
type rgb struct{ red, green, blue int }

// colours are the names of colours that are read. Those that could not be read as text are
// among them, to be refused as such.
var colours = map[string]rgb{
	"black": {0, 0, 0}, "gray": {128, 128, 128}, "grey": {128, 128, 128}, "dimgray": {105, 105, 105}, "dimgrey": {105, 105, 105},
	"silver": {192, 192, 192}, "white": {255, 255, 255}, "maroon": {128, 0, 0}, "darkred": {139, 0, 0}, "firebrick": {178, 34, 34},
	"crimson": {220, 20, 60}, "red": {255, 0, 0}, "orange": {255, 165, 0}, "yellow": {255, 255, 0}, "lime": {0, 255, 0},
	"green": {0, 128, 0}, "darkgreen": {0, 100, 0}, "teal": {0, 128, 128}, "aqua": {0, 255, 255}, "cyan": {0, 255, 255},
	"blue": {0, 0, 255}, "mediumblue": {0, 0, 205}, "darkblue": {0, 0, 139}, "navy": {0, 0, 128}, "indigo": {75, 0, 130},
	"purple": {128, 0, 128}, "fuchsia": {255, 0, 255}, "magenta": {255, 0, 255}, "saddlebrown": {139, 69, 19},
}

// The text of a style that is read at all has neither quotation marks, escapes, comments
// nor markup.
var (
	plainStyle = lazily(`^[A-Za-z0-9#%.,():;\s-]*$`)
	property   = lazily(`^[a-z-]{1,40}$`)
	hexColour  = lazily(`^#(?:[0-9a-f]{3}|[0-9a-f]{6})$`)
	rgbColour  = lazily(`^rgb\(\s*([0-9]{1,3})\s*,\s*([0-9]{1,3})\s*,\s*([0-9]{1,3})\s*\)$`)
)

// parseStyle reads a style. What of it is not drawn is named in words that hold nothing
// else of its text.
func parseStyle(css string) (s Style, colour rgb, undrawn []string) {
	if len(css) > maxStyle {
		return s, colour, []string{fmt.Sprintf("a style of more than %d characters", maxStyle)}
	}
	if !plainStyle().MatchString(css) {
		return s, colour, []string{"a style with more in it than names, numbers and colours"}
	}
	for declaration := range strings.SplitSeq(strings.ToLower(css), ";") {
		name, value, ok := strings.Cut(declaration, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case name == "" && !ok:
		case !ok || !property().MatchString(name):
			undrawn = append(undrawn, "a declaration that is none of CSS")
		case name == "color":
			var why string
			if s.Hue, colour, why = parseColour(value); why != "" {
				undrawn = append(undrawn, why)
			}
		case !s.set(name, value):
			undrawn = append(undrawn, name)
		}
	}
	return s, colour, undrawn
}

// set takes a declaration over, and reports false for one that is not drawn.
func (s *Style) set(name, value string) bool {
	switch name {
	case "font-weight":
		s.Bold = slices.Contains([]string{"bold", "bolder", "600", "700", "800", "900"}, value)
		return s.Bold || value == "normal" || value == "400"
	case "font-style":
		s.Italic = value == "italic" || value == "oblique"
		return s.Italic || value == "normal"
	case "text-decoration", "text-decoration-line":
		lines := strings.Fields(value)
		s.Underlined, s.Struck = slices.Contains(lines, "underline"), slices.Contains(lines, "line-through")
		for _, line := range lines {
			if line != "underline" && line != "line-through" && (line != "none" || len(lines) > 1) {
				return false
			}
		}
		return len(lines) > 0
	}
	return false
}

// parseColour finds the hue of a colour, or says why it is drawn in none.
func parseColour(value string) (Hue, rgb, string) {
	c, ok := colours[value]
	if m := rgbColour().FindStringSubmatch(value); m != nil {
		c, ok = rgb{decimal(m[1]), decimal(m[2]), decimal(m[3])}, true
	} else if hexColour().MatchString(value) {
		digits := value[1:]
		if len(digits) == 3 {
			digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
		}
		n, _ := strconv.ParseUint(digits, 16, 32)
		c, ok = rgb{int(n >> 16), int(n >> 8 & 0xff), int(n & 0xff)}, true
	}
	if !ok || max(c.red, c.green, c.blue) > 255 {
		return "", rgb{}, "color, other than by a name that is known here, #rrggbb or rgb(r, g, b)"
	}
	if c.pale() {
		return "", rgb{}, "color, which is too pale to be read on white"
	}
	hue, ok := c.hue()
	if !ok {
		return "", rgb{}, "color, other than " + allHues
	}
	return hue, c, ""
}

const allHues = "black, grey, red, brown, green, teal, blue and purple"

func decimal(digits string) int {
	n, _ := strconv.Atoi(digits) // at most three digits
	return n
}

// pale reports whether text of the colour has less contrast with white than 3 to 1 (WCAG
// 2.2, relative luminance, with a gamma of 2 so that it is reckoned in whole numbers; that
// calls a colour pale a little earlier).
func (c rgb) pale() bool {
	const white = 255 * 255
	luminance := 2126*c.red*c.red + 7152*c.green*c.green + 722*c.blue*c.blue
	return luminance > 3000*white
}

// hue is where the colour is on the wheel; false for one that no hue is near to, such as
// olive.
func (c rgb) hue() (Hue, bool) {
	most, least := max(c.red, c.green, c.blue), min(c.red, c.green, c.blue)
	chroma := most - least
	const grey, black = 40, 64
	if chroma < grey {
		if most < black {
			return "", true
		}
		return Grey, true
	}
	var degrees int
	switch most {
	case c.red:
		degrees = (60*(c.green-c.blue)/chroma + 360) % 360
	case c.green:
		degrees = 60*(c.blue-c.red)/chroma + 120
	default:
		degrees = 60*(c.red-c.green)/chroma + 240
	}
	for _, to := range []struct {
		below int
		hue   Hue
	}{{18, Red}, {48, Brown}, {75, ""}, {165, Green}, {200, Teal}, {258, Blue}, {345, Purple}, {360, Red}} {
		if degrees < to.below {
			return to.hue, to.hue != ""
		}
	}
	return "", false
}

// Names is what the style is: some of bold, italic, underlined and struck, and a hue. There
// are none for that of the page.
func (s Style) Names() []string {
	var all []string
	for _, n := range []struct {
		is   bool
		name string
	}{{s.Bold, "bold"}, {s.Italic, "italic"}, {s.Underlined, "underlined"}, {s.Struck, "struck"}, {s.Hue != "", string(s.Hue)}} {
		if n.is {
			all = append(all, n.name)
		}
	}
	return all
}

// sensitive reports whether an extension says that its part is not understood without its
// style.
func (e extension) sensitive() bool {
	return e.ValueBoolean == nil || *e.ValueBoolean
}

// styled reads how the text of an item is to be drawn. Of an item that is not understood
// without its style, all must be drawn; of another, the author is told what is not.
func (c *compiler) styled(it *Item, s sourceItem) {
	given := s.elementOf("_text")
	it.sensitive = it.sensitive || c.published && slices.ContainsFunc(given, func(e node) bool {
		value := e.member("valueBoolean")
		return e.member("url").text == extSensitive && (value.kind != boolNode || value.truth)
	})
	undrawn := stylesOf(nil, s.Extension)
	for _, e := range given {
		undrawn = append(undrawn, c.style(it, s.Text, e)...)
	}
	for _, m := range s.kept {
		if m.name != "_text" {
			undrawn = append(undrawn, stylesIn(m.value)...)
		}
	}
	for _, o := range s.AnswerOption {
		undrawn = append(undrawn, o.styles()...)
	}
	for _, code := range s.Code {
		if s.Text == "" {
			undrawn = append(undrawn, code.styles()...)
		}
	}
	if it.sensitive && c.shades == nil {
		c.shades = map[Hue]rgb{}
	}
	c.undrawn(it.LinkID, it.named(), it.sensitive, undrawn)
}

// style reads one extension of an item's text, and says what of it is not drawn. Markup
// that says what the text says is none.
func (c *compiler) style(it *Item, text string, e node) []string {
	switch e.member("url").text {
	case extStyle:
		style, colour, undrawn := parseStyle(e.member("valueString").text)
		if it.Style = style; it.sensitive && style.Hue != "" {
			c.shaded(it, colour)
		}
		return undrawn
	case extXHTML:
		if e.member("valueString").text == text {
			return nil
		}
	case extMarkdown:
		if e.member("valueMarkdown").text == text {
			return nil
		}
	}
	return stylesIn(e)
}

// shaded refuses two colours that would be drawn alike where colours are needed to
// understand the form.
func (c *compiler) shaded(it *Item, colour rgb) {
	if c.shades == nil {
		c.shades = map[Hue]rgb{}
	}
	if first, again := c.shades[it.Style.Hue]; again && first != colour {
		c.problem(it.LinkID, "style", "%s is not understood without its style, and its colour is drawn like another one of this form: both are %s here (rendering-styleSensitive).", it.named(), it.Style.Hue)
	}
	c.shades[it.Style.Hue] = colour
}

// styledForm looks at what is styled beside the items, none of which is drawn.
func (c *compiler) styledForm() {
	var undrawn, codes []string
	for _, m := range c.res.kept {
		if strings.HasPrefix(m.name, "_") {
			undrawn = append(undrawn, stylesIn(m.value)...)
		}
	}
	for _, e := range c.res.Extension {
		undrawn = append(undrawn, e.styles()...)
	}
	c.undrawn(shortName(extStyle), "This form", c.sensitive, undrawn)
	if c.shades == nil {
		return // no item is sensitive
	}
	for _, n := range c.res.Contained {
		codes = append(codes, stylesIn(n)...)
	}
	c.undrawn("contained", "What this form contains", true, codes)
}

// undrawn says which styles of a part are not drawn: a problem if the part is not
// understood without, else a remark.
func (c *compiler) undrawn(where, what string, sensitive bool, styles []string) {
	slices.Sort(styles)
	names := strings.Join(slices.Compact(styles), "; ")
	const drawn = "of a style, the weight, slant, underlining and colour of a question's text are drawn"
	switch {
	case names == "":
	case sensitive:
		c.problem(where, "style", "%s is not understood without its style (rendering-styleSensitive), of which this is not drawn: %s. Leave it out, or say it in words: %s.", what, names, drawn)
	default:
		c.remark(where, "style", "%s: this is not drawn: %s (%s).", what, names, drawn)
	}
}

// elementOf lists the extensions of a primitive of the part, such as _text.
func (s *source) elementOf(name string) []node {
	for _, m := range s.kept {
		if m.name == name {
			return m.value.member("extension").children
		}
	}
	return nil
}

func styling(url string) bool { return url == extStyle || url == extXHTML || url == extMarkdown }

// stylesIn lists the names of the extensions in n, at any depth, that style a text.
func stylesIn(n node) []string {
	var found []string
	for _, url := range urls(n) {
		if styling(url) {
			found = append(found, shortName(url))
		}
	}
	return found
}

// stylesOf lists those of a part: among what is kept of it and among its extensions.
func stylesOf(kept []member, extensions []extension) []string {
	var found []string
	for _, m := range kept {
		found = append(found, stylesIn(m.value)...)
	}
	for _, e := range extensions {
		found = append(found, e.styles()...)
	}
	return found
}

func (e extension) styles() []string {
	found := stylesOf(e.kept, e.Extension)
	if styling(e.URL) {
		found = append(found, shortName(e.URL))
	}
	if e.ValueCoding != nil {
		found = append(found, e.ValueCoding.styles()...)
	}
	return found
}

func (x option) styles() []string {
	found := stylesOf(x.kept, x.Extension)
	if x.ValueCoding != nil {
		found = append(found, x.ValueCoding.styles()...)
	}
	return found
}

func (c sourceCoding) styles() []string { return stylesOf(c.kept, c.Extension) }
