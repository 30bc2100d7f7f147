package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
)

//go:embed page.html
var pageHTML string

// A page is the document as the template reads it: references followed, text
// made HTML.
type page struct {
	Title, Summary string
	Lead           template.HTML
	Topics         []topic
	Groups         []group
	Codes          template.HTML
	Shapes         []shape
}

type topic struct {
	Title, ID string
	Text      template.HTML
}

type group struct {
	Title, ID  string
	Text       template.HTML
	Operations []shownOperation
}

type shownOperation struct {
	ID, Method, Path, Summary string
	Public                    bool
	Text                      template.HTML
	Parameters                []member
	Body                      *body
	Replies                   []reply
}

type body struct {
	Text  template.HTML
	Types string
	Shape template.HTML
	JSON  string
}

type reply struct {
	Status  string
	Text    template.HTML
	Headers string
	Shape   template.HTML
	Types   string
	JSON    string
}

type shape struct {
	Name    string
	Text    template.HTML
	Members []member
}

type member struct {
	Name, Where string
	Required    bool
	Type        template.HTML
	Text        template.HTML
}

func render(source []byte) ([]byte, error) {
	var doc document
	if err := json.Unmarshal(source, &doc); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	p := page{Title: doc.Info.Title, Summary: doc.Info.Summary}
	for i, text := range strings.Split(doc.Info.Description, "\n\n") {
		if i == 0 {
			p.Lead = prose(text)
			continue
		}
		title, rest, ok := strings.Cut(strings.TrimPrefix(text, "**"), ".** ")
		if !ok {
			return nil, fmt.Errorf("a paragraph of the description has no title: %.40q", text)
		}
		p.Topics = append(p.Topics, topic{title, "about-" + slug(title), prose(rest)})
	}
	for _, t := range doc.Tags {
		g := group{Title: t.Name, ID: slug(t.Name), Text: prose(t.Description)}
		for _, path := range doc.Paths {
			for _, op := range path.Of {
				if !slices.Contains(op.Of.Tags, t.Name) {
					continue
				}
				shown, err := doc.operation(op.Of, strings.ToUpper(op.Name), path.Name)
				if err != nil {
					return nil, fmt.Errorf("%s %s: %w", op.Name, path.Name, err)
				}
				g.Operations = append(g.Operations, shown)
			}
		}
		p.Groups = append(p.Groups, g)
	}
	for _, s := range doc.Components.Schemas {
		if s.Name == "ProblemCode" {
			p.Codes = prose(s.Of.Description)
			continue
		}
		p.Shapes = append(p.Shapes, shape{s.Name, prose(s.Of.Description), members(s.Of)})
	}
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("reading the template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("writing the page: %w", err)
	}
	return out.Bytes(), nil
}

func (doc document) operation(op operation, method, path string) (shownOperation, error) {
	out := shownOperation{
		ID: op.OperationID, Method: method, Path: path, Summary: op.Summary,
		Public: op.Security != nil && len(*op.Security) == 0, Text: prose(op.Description),
	}
	for _, p := range op.Parameters {
		if p.Ref != "" {
			var err error
			if p, err = doc.Components.Parameters.named(p.Ref); err != nil {
				return out, err
			}
		}
		out.Parameters = append(out.Parameters, member{p.Name, p.In, p.Required, kind(p.Schema), prose(p.Description)})
	}
	if b := op.RequestBody; b != nil {
		types, shape, example, err := content(b.Content)
		if err != nil {
			return out, err
		}
		out.Body = &body{prose(b.Description), types, shape, example}
	}
	for _, r := range op.Responses {
		shown, err := doc.reply(r.Name, r.Of)
		if err != nil {
			return out, err
		}
		out.Replies = append(out.Replies, shown)
	}
	return out, nil
}

func (doc document) reply(status string, r response) (out reply, err error) {
	if r.Ref != "" {
		if r, err = doc.Components.Responses.named(r.Ref); err != nil {
			return out, err
		}
	}
	var names []string
	for _, h := range r.Headers {
		names = append(names, h.Name)
	}
	out = reply{Status: status, Text: prose(r.Description), Headers: strings.Join(names, ", ")}
	out.Types, out.Shape, out.JSON, err = content(r.Content)
	return out, err
}

// content shows the first media type's schema and example, and the names of
// all.
func content(c ordered[media]) (types string, shape template.HTML, example string, err error) {
	if len(c) == 0 {
		return "", "", "", nil
	}
	var names []string
	for _, m := range c {
		names = append(names, m.Name)
	}
	if e := c[0].Of.Example; len(e) > 0 {
		if example, err = indented(e); err != nil {
			return "", "", "", err
		}
	}
	return strings.Join(names, " or "), kind(c[0].Of.Schema), example, nil
}

func indented(e json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(e, &text) == nil {
		return text, nil
	}
	var b bytes.Buffer
	if err := json.Indent(&b, e, "", "  "); err != nil {
		return "", fmt.Errorf("reading an example: %w", err)
	}
	return b.String(), nil
}

// members lists a schema's properties, and theirs where they have no schema of
// their own.
func members(s schema) []member {
	var all []member
	for _, p := range s.Properties {
		all = append(all, member{p.Name, "", slices.Contains(s.Required, p.Name), kind(p.Of), prose(p.Of.Description)})
		for _, inner := range p.Of.Properties {
			all = append(all, member{
				p.Name + "." + inner.Name, "", slices.Contains(p.Of.Required, inner.Name), kind(inner.Of), prose(inner.Of.Description),
			})
		}
	}
	return all
}

// kind says in a few words what a schema allows. It is built of the document's
// own names and constants, each escaped.
func kind(s schema) template.HTML {
	switch {
	case s.Ref != "":
		name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
		return markup(`<a href="#%s">%s</a>`, name, name)
	case s.Const != nil:
		return markup(`<code>%s</code>`, fmt.Sprint(s.Const))
	case len(s.Enum) > 0:
		var words []string
		for _, e := range s.Enum {
			words = append(words, string(markup(`<code>%s</code>`, e)))
		}
		return template.HTML(strings.Join(words, " ")) //nolint:gosec // each word is escaped
	case s.Items != nil:
		return "list of " + kind(*s.Items)
	case len(s.AnyOf) > 0:
		return kind(s.AnyOf[0])
	case len(s.AllOf) > 0:
		return kind(s.AllOf[0])
	case s.Format != "":
		return markup("%s", s.Format)
	case s.Type == nil:
		return ""
	}
	return markup("%s", fmt.Sprint(s.Type))
}

// markup fills a constant format with escaped texts.
func markup(format string, texts ...string) template.HTML {
	escaped := make([]any, len(texts))
	for i, t := range texts {
		escaped[i] = template.HTMLEscapeString(t)
	}
	return template.HTML(fmt.Sprintf(format, escaped...)) //nolint:gosec // what varies is escaped
}

var (
	codeText = regexp.MustCompile("`([^`]+)`")
	boldText = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	notSlug  = regexp.MustCompile(`[^a-z0-9]+`)
)

func slug(title string) string {
	return strings.Trim(notSlug.ReplaceAllString(strings.ToLower(title), "-"), "-")
}

// prose turns the Markdown that the document uses into HTML: paragraphs,
// tables, code and bold.
func prose(text string) template.HTML {
	var b strings.Builder
	for _, part := range strings.Split(text, "\n\n") {
		switch {
		case part == "":
		case strings.HasPrefix(part, "|"):
			b.WriteString(table(strings.Split(part, "\n")))
		default:
			b.WriteString("<p>" + spans(part) + "</p>")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // spans escapes
}

func spans(text string) string {
	text = template.HTMLEscapeString(text)
	return boldText.ReplaceAllString(codeText.ReplaceAllString(text, "<code>$1</code>"), "<strong>$1</strong>")
}

// table reads a header line, a line of dashes, and rows.
func table(lines []string) string {
	var b strings.Builder
	b.WriteString(`<div class="wide"><table>`)
	for i, line := range lines {
		if i == 1 {
			continue
		}
		cell := "td"
		if i == 0 {
			cell = "th"
		}
		b.WriteString("<tr>")
		for _, c := range strings.Split(strings.Trim(line, "|"), "|") {
			b.WriteString("<" + cell + ">" + spans(strings.TrimSpace(c)) + "</" + cell + ">")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table></div>")
	return b.String()
}
