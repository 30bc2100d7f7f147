package intake

import (
	"fmt"
	"slices"
	"strings"

	"evisit/pkg/fault"
)

// Limits on what one form may offer to choose from. A list of more answers than
// maxOptions is no list to choose from, and maxCodes bounds the work for value sets that
// include each other.
const (
	maxOptions   = 1000
	maxCodes     = 50_000
	maxContained = 500
)

// contain adds the definitions to what the resource contains, unless it has one of the
// same url. They are found by url, so one whose id is taken gets another. Size is that of
// the questionnaire's text.
func (q *resource) contain(size int, definitions [][]byte) error {
	if len(definitions) > maxContained {
		return fault.New(fault.TooLarge, "questionnaire-too-large", fmt.Sprintf("More than %d value sets are handed in with this questionnaire.", maxContained))
	}
	for i, data := range definitions {
		if size += len(data); size > MaxQuestionnaireBytes {
			return fault.New(fault.TooLarge, "questionnaire-too-large", "This questionnaire and its value sets are together larger than 1 MB.")
		}
		n, err := parseTree(data)
		if err != nil {
			return unreadable(err)
		}
		kind := n.member("resourceType").text
		if kind != valueSetType && kind != codeSystemType || n.member("url").text == "" || n.member("id").text == "" {
			return fault.New(fault.Invalid, "questionnaire-shape", "What is handed in beside a questionnaire is a ValueSet or a CodeSystem.",
				fault.Problem{Where: fmt.Sprintf("definition %d", i+1), Code: "type", Text: "This is a ValueSet or a CodeSystem with its id and url."})
		}
		same := func(c node) bool {
			return c.member("resourceType").text == kind && c.member("url").text == n.member("url").text
		}
		if slices.ContainsFunc(q.Contained, same) {
			continue
		}
		for id := n.member("id").text; slices.ContainsFunc(q.Contained, func(c node) bool { return c.member("id").text == id }); {
			id = kind + "-" + id
			n = n.with("id", id)
		}
		q.Contained = append(slices.Clip(q.Contained), n)
	}
	return nil
}

const (
	valueSetType   = "ValueSet"
	codeSystemType = "CodeSystem"
)

// A concept is a code that may be chosen.
type concept struct {
	Coding
	said      string // Display in the language wanted
	extension []extension
}

// A catalog finds and expands the value sets that a questionnaire contains.
type catalog struct {
	contained []node
	expanded  map[string]expansion
	codes     int // that were looked at
	language  string
	defined   map[string]map[string]concept // by code, of each code system that was looked into
}

// define returns what a contained code system says of a code; nothing of one that it does
// not have.
func (c *catalog) define(code Coding) concept {
	defined, ok := c.defined[code.System]
	if !ok {
		var all gathering
		if system, found := c.find(codeSystemType, code.System); found && code.System != "" {
			for _, e := range system.member("concept").children {
				c.concept(code.System, e, &all)
			}
		}
		defined = map[string]concept{}
		for _, k := range all.concepts {
			defined[k.Code] = k
		}
		if c.defined == nil {
			c.defined = map[string]map[string]concept{}
		}
		c.defined[code.System] = defined
	}
	return defined[code.Code]
}

// words are those that a contained code system has for a code.
func (c *catalog) words(code Coding) string {
	if k := c.define(code); k.Display != k.Code {
		return k.said
	}
	return ""
}

// score is that which a contained code system has for a code, or nil.
func (c *catalog) score(code Coding) *int {
	for _, e := range c.define(code).extension {
		if score, ok := wholeDecimal(e.number()); ok && score <= maxOrdinal {
			return &score
		}
	}
	return nil
}

type expansion struct {
	concepts []concept
	why      string // why it cannot be expanded; empty if it can
}

// find returns the contained resource that a reference names: #id, url or url|version.
func (c *catalog) find(kind, reference string) (node, bool) {
	url, version, _ := strings.Cut(reference, "|")
	for _, n := range c.contained {
		id := "#" + n.member("id").text
		if n.member("resourceType").text == kind &&
			(reference == id || url == n.member("url").text && (version == "" || version == n.member("version").text)) {
			return n, true
		}
	}
	return node{}, false
}

// expand lists the codes of a value set, or says why it cannot.
func (c *catalog) expand(reference string) expansion {
	if known, ok := c.expanded[reference]; ok {
		return known
	}
	c.expanded[reference] = expansion{why: "the value set " + reference + " includes itself"}
	found := c.listed(reference)
	switch {
	case found.why != "":
		found.concepts = nil
	case len(found.concepts) > maxOptions:
		found = expansion{why: fmt.Sprintf("the value set %s has more than %d codes", reference, maxOptions)}
	case len(found.concepts) == 0:
		found.why = "the value set " + reference + " has no codes"
	}
	c.expanded[reference] = found
	return found
}

func (c *catalog) listed(reference string) expansion {
	set, ok := c.find(valueSetType, reference)
	if !ok {
		return expansion{why: "the value set " + reference + " is not contained in the form: hand it in with the form, or list its codes as answerOption"}
	}
	var found gathering
	if set.member("modifierExtension").kind != nullNode {
		return expansion{why: "the value set " + reference + " has a modifierExtension"}
	}
	if whole := set.member("expansion"); whole.kind == objectNode {
		c.contains(whole.member("contains"), &found)
		if total := readInteger(whole.member("total")); total.kind == IntegerValue && int(total.whole) > len(found.concepts) {
			return expansion{why: "the expansion of the value set " + reference + " is not whole"}
		}
		return c.bounded(found)
	}
	for _, include := range set.member("compose").member("include").children {
		if why := c.include(reference, include, &found); why != "" {
			return expansion{why: why}
		}
	}
	for _, exclude := range set.member("compose").member("exclude").children {
		var out gathering
		if why := c.include(reference, exclude, &out); why != "" {
			return expansion{why: why}
		}
		found.concepts = slices.DeleteFunc(found.concepts, func(k concept) bool { return out.seen[named(k.Coding)] })
	}
	return c.bounded(found)
}

func (c *catalog) bounded(found gathering) expansion {
	if c.codes > maxCodes {
		return expansion{why: fmt.Sprintf("its value sets together list more than %d codes", maxCodes)}
	}
	return expansion{concepts: found.concepts}
}

// A gathering collects codes, each once.
type gathering struct {
	concepts []concept
	seen     map[Coding]bool
}

// named is a coding without its words.
func named(c Coding) Coding { return Coding{System: c.System, Code: c.Code} }

func (g *gathering) add(k concept) {
	if g.seen == nil {
		g.seen = map[Coding]bool{}
	}
	if !g.seen[named(k.Coding)] {
		g.seen[named(k.Coding)] = true
		g.concepts = append(g.concepts, k)
	}
}

// read makes a concept of a contains, a compose's concept or a code system's concept.
func (c *catalog) read(system string, n node) (concept, string) {
	c.codes++
	k := concept{Coding: Coding{System: system, Code: n.member("code").text, Display: n.member("display").text}}
	if k.Display == "" {
		k.Display = k.Code
	}
	k.said = k.Display
	for _, d := range n.member("designation").children {
		if c.language != "" && speaks(d.member("language").text, c.language) && (k.said == k.Display || d.member("language").text == c.language) {
			k.said = d.member("value").text
		}
	}
	if extensions := n.member("extension"); extensions.kind == arrayNode {
		for _, e := range extensions.children {
			number := e.member("valueDecimal")
			if number.kind == nullNode {
				number = e.member("valueInteger")
			}
			if url := e.member("url").text; (url == extOrdinal || url == extWeight) && number.kind == numberNode {
				k.extension = append(k.extension, extension{URL: extOrdinal, ValueDecimal: jsonNumber(number.text)})
			}
		}
	}
	if k.Code == "" {
		return k, "a code of it is empty"
	}
	return k, ""
}

func (c *catalog) contains(n node, into *gathering) {
	for _, e := range n.children {
		if c.codes > maxCodes {
			return
		}
		if k, wrong := c.read(e.member("system").text, e); wrong == "" && !e.member("abstract").truth && !e.member("inactive").truth {
			into.add(k)
		}
		c.contains(e.member("contains"), into)
	}
}

// include adds the codes of one include, or says why it cannot.
func (c *catalog) include(reference string, n node, into *gathering) string {
	system, concepts, sets := n.member("system").text, n.member("concept"), n.member("valueSet")
	switch {
	case c.codes > maxCodes:
		return ""
	case n.member("filter").kind != nullNode:
		return "the value set " + reference + " is made by a filter: list its codes"
	case sets.kind == arrayNode && (system != "" || len(sets.children) != 1):
		return "the value set " + reference + " is the intersection of several: list its codes"
	case sets.kind == arrayNode:
		inner := c.expand(sets.children[0].text)
		for _, k := range inner.concepts {
			c.codes++
			into.add(k)
		}
		return inner.why
	case concepts.kind == nullNode:
		defined, ok := c.find(codeSystemType, system)
		if !ok {
			return "the value set " + reference + " has every code of " + system + ", which is not contained in the form: list its codes"
		}
		concepts = defined.member("concept")
	}
	for _, e := range concepts.children {
		if why := c.concept(system, e, into); why != "" {
			return "the value set " + reference + ": " + why
		}
	}
	return ""
}

// concept adds a concept and, of a code system, those below it.
func (c *catalog) concept(system string, n node, into *gathering) string {
	if c.codes > maxCodes {
		return ""
	}
	k, wrong := c.read(system, n)
	if wrong != "" {
		return wrong
	}
	into.add(k)
	for _, e := range n.member("concept").children {
		if why := c.concept(system, e, into); why != "" {
			return why
		}
	}
	return ""
}
