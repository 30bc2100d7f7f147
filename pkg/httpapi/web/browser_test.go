package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// A browser is somebody at the pages: it keeps cookies, follows redirects,
// sends forms the way browsers do, and looks at every page for what no page
// may have.
type browser struct {
	t      *testing.T
	client *http.Client
	base   string
	at     *url.URL
	code   int
	head   http.Header
	// language is what the browser asks for; empty: nothing.
	language string
	page     *html.Node
}

func (h *house) browse(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: h.url}
	own := &http.Transport{} // the end of another test's server cuts connections of the default one
	t.Cleanup(own.CloseIdleConnections)
	b.client = &http.Client{Transport: own, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Hostname() != "127.0.0.1" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// as signs in as one of the cast, from the page at path.
func (h *house) as(t *testing.T, who, path string) *browser {
	t.Helper()
	b := h.browse(t)
	b.get(path)
	b.press(who, nil)
	return b
}

func (b *browser) get(path string) {
	b.t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.at != nil {
		u = b.at.ResolveReference(u)
	} else if !u.IsAbs() {
		u, err = url.Parse(b.base + path)
		if err != nil {
			b.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.send(r)
}

func (b *browser) send(r *http.Request) {
	b.t.Helper()
	if b.language != "" {
		r.Header.Set("Accept-Language", b.language)
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.code, b.head = res.Request.URL, res.StatusCode, res.Header
	if b.page, err = html.Parse(strings.NewReader(string(body))); err != nil {
		b.t.Fatal(err)
	}
	defer b.followRefresh()
	if strings.HasPrefix(b.at.String(), b.base) && strings.HasPrefix(b.head.Get("Content-Type"), "text/html") && b.code != http.StatusSeeOther {
		b.inspect(string(body))
	}
}

// followRefresh goes where the header Refresh leads at once.
func (b *browser) followRefresh() {
	b.t.Helper()
	if to, ok := strings.CutPrefix(b.head.Get("Refresh"), "0; url="); ok {
		b.get(to)
	}
}

// press sends the form that has the button called name, its fields as the page
// has them but for those in set. A field the form does not have is a mistake.
func (b *browser) press(name string, set url.Values) {
	b.t.Helper()
	for _, f := range find(b.page, "form") {
		for _, button := range b.buttons(f) {
			if of := attr(button, "form"); of != "" && of != attr(f, "id") {
				continue
			}
			label := attr(button, "aria-label") + " " + text(button)
			if strings.Contains(label, name) && attr(button, "aria-hidden") == "" {
				b.submit(f, button, set)
				return
			}
		}
	}
	b.t.Fatalf("at %s there is no button %q", b.at, name)
}

// buttons are those of a form: inside it, or elsewhere on the page and naming it.
func (b *browser) buttons(form *html.Node) []*html.Node {
	all := find(form, "button")
	for _, button := range find(b.page, "button") {
		if of := attr(button, "form"); of != "" && of == attr(form, "id") {
			all = append(all, button)
		}
	}
	return all
}

func (b *browser) submit(form, button *html.Node, set url.Values) {
	b.t.Helper()
	action := attr(form, "action")
	values, has := b.fields(form)
	if a := attr(button, "formaction"); a != "" {
		action = a
	}
	for name, vs := range set {
		if !has[name] {
			b.t.Fatalf("at %s the form has no field %q, but %v", b.at, name, values)
		}
		values[name] = vs
	}
	if n := attr(button, "name"); n != "" {
		values.Add(n, attr(button, "value"))
	}
	to := b.at
	if action != "" {
		u, err := url.Parse(action)
		if err != nil {
			b.t.Fatal(err)
		}
		to = b.at.ResolveReference(u)
	}
	if attr(form, "method") != "post" {
		b.get(to.String() + "?" + values.Encode())
		return
	}
	b.post(to.String(), values)
}

func (b *browser) post(to string, values url.Values) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", b.at.Scheme+"://"+b.at.Host)
	b.send(r)
}

// fields collects what a browser would send, and which names the form knows.
func (b *browser) fields(form *html.Node) (url.Values, map[string]bool) {
	values, has := url.Values{}, map[string]bool{}
	inputs := find(form, "input")
	for _, in := range find(b.page, "input") {
		if of := attr(in, "form"); of != "" && of == attr(form, "id") && !slices.Contains(inputs, in) {
			inputs = append(inputs, in)
		}
	}
	for _, in := range inputs {
		name, kind := attr(in, "name"), attr(in, "type")
		if name == "" {
			continue
		}
		has[name] = true
		if (kind == "radio" || kind == "checkbox") && !hasAttr(in, "checked") {
			continue
		}
		values.Add(name, attr(in, "value"))
	}
	for _, in := range find(form, "textarea") {
		has[attr(in, "name")] = true
		values.Add(attr(in, "name"), text(in))
	}
	for _, in := range find(form, "select") {
		has[attr(in, "name")] = true
		for _, o := range find(in, "option") {
			if hasAttr(o, "selected") {
				values.Add(attr(in, "name"), attr(o, "value"))
			}
		}
	}
	return values, has
}

// value is what the field called name holds now.
func (b *browser) value(name string) []string {
	b.t.Helper()
	for _, f := range find(b.page, "form") {
		if values, has := b.fields(f); has[name] {
			return values[name]
		}
	}
	b.t.Fatalf("at %s there is no field %q", b.at, name)
	return nil
}

func (b *browser) text() string { return text(b.page) }

func (b *browser) wants(code int, words ...string) {
	b.t.Helper()
	if b.code != code {
		b.t.Fatalf("%s answered %d, want %d:\n%s", b.at, b.code, code, b.text())
	}
	for _, w := range words {
		if !strings.Contains(b.text(), w) {
			b.t.Fatalf("%s does not say %q:\n%s", b.at, w, b.text())
		}
	}
}

// link follows the link called name; on a page that keeps what was typed, it presses the
// button in its place.
func (b *browser) link(name string) {
	b.t.Helper()
	for _, a := range find(b.page, "a") {
		if strings.Contains(text(a), name) {
			b.get(attr(a, "href"))
			return
		}
	}
	for _, button := range find(b.page, "button") {
		if attr(button, "class") == "link" && strings.Contains(text(button), name) {
			b.press(name, nil)
			return
		}
	}
	b.t.Fatalf("at %s there is no link %q:\n%s", b.at, name, b.text())
}

// inspect checks what holds for every page: nothing private withheld by
// mistake, no script, one heading at the top and none skipped, a name for each
// input, and every reference to an id leading somewhere.
func (b *browser) inspect(body string) {
	b.t.Helper()
	for _, never := range []string{"[redacted]", "<no value>", "<script", "%!", "ZgotmplZ", " style="} {
		if strings.Contains(body, never) {
			b.t.Errorf("%s contains %q", b.at, never)
		}
	}
	ids := map[string]bool{}
	labelled := map[string]bool{}
	level := 0
	each(b.page, func(n *html.Node) {
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				b.t.Errorf("%s has two elements of id %s", b.at, id)
			}
			ids[id] = true
		}
		if n.Data == "label" {
			labelled[attr(n, "for")] = true
		}
		if attr(n, "id") != summaryID && len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
			to := int(n.Data[1] - '0')
			if to > level+1 || to == 1 && level > 0 {
				b.t.Errorf("%s: heading %q of level %d follows level %d", b.at, text(n), to, level)
			}
			level = to
		}
	})
	each(b.page, func(n *html.Node) {
		inputs := []string{"input", "textarea", "select"}
		if slices.Contains(inputs, n.Data) && attr(n, "type") != "hidden" && !labelled[attr(n, "id")] && attr(n, "aria-label") == "" {
			b.t.Errorf("%s: the field %q has no label", b.at, attr(n, "name"))
		}
		for _, ref := range []string{attr(n, "for"), attr(n, "aria-describedby"), attr(n, "aria-labelledby"), fragment(n)} {
			if ref != "" && !ids[ref] {
				b.t.Errorf("%s: <%s> refers to %q, which is not there", b.at, n.Data, ref)
			}
		}
	})
	if level == 0 {
		b.t.Errorf("%s has no heading", b.at)
	}
	b.inspectMistakes(ids[summaryID])
	b.inspectDirection(b.page, false)
	if csp := b.head.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		b.t.Errorf("%s has the policy %q", b.at, csp)
	}
}

// inspectDirection checks that text of the other direction, and every field for text,
// has its own direction: dir="auto", or bdi.
func (b *browser) inspectDirection(n *html.Node, isolated bool) {
	b.t.Helper()
	isolated = isolated || attr(n, "dir") == "auto" || n.Data == "bdi" && n.Type == html.ElementNode
	field := n.Data == "textarea" || n.Data == "input" && attr(n, "type") == "text"
	if other := n.Type == html.TextNode && strings.ContainsAny(n.Data, hebrew); !isolated && (field || other) {
		b.t.Errorf("%s: %s %q has the direction of the page", b.at, attr(n, "name"), strings.TrimSpace(n.Data))
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.inspectDirection(c, isolated && n.Data != "title")
	}
}

// hebrew are letters of a script that is written from right to left.
const hebrew = "אבגדהוזחטיכלמנסעפצקרשת"

// summaryID is the id of the heading of an error summary, which is above the page's
// own heading.
const summaryID = "summary"

// inspectMistakes checks that a page with a mistake says so in its title, in a summary
// that gets the focus, and at the field, which tells it to a screen reader.
func (b *browser) inspectMistakes(summary bool) {
	b.t.Helper()
	if title := text(find(b.page, "title")[0]); summary != strings.HasPrefix(title, "Error: ") {
		b.t.Errorf("%s has a summary: %t, and the title %q", b.at, summary, title)
	}
	told := map[string]bool{} // ids of what describes a field that is wrong
	each(b.page, func(n *html.Node) {
		if attr(n, "id") == summaryID && (text(n) != "There is a problem" || attr(n, "tabindex") != "-1" || attr(n.Parent, "role") != "alert") {
			b.t.Errorf("%s has the summary %q, of tabindex %q and role %q", b.at, text(n), attr(n, "tabindex"), attr(n.Parent, "role"))
		}
		if attr(n, "aria-invalid") == "true" {
			told[attr(n, "aria-describedby")] = true
		}
	})
	each(b.page, func(n *html.Node) {
		group := n.Parent != nil && n.Parent.Parent != nil && n.Parent.Parent.Data == "fieldset" && attr(n.Parent.Parent, "class") == "group"
		if attr(n, "class") == "error" && !group && (!summary || !told[attr(n, "id")] && !told[attr(n.Parent, "id")]) {
			b.t.Errorf("%s says %q where no field is marked, or without a summary", b.at, text(n))
		}
	})
}

func fragment(n *html.Node) string {
	id, ok := strings.CutPrefix(attr(n, "href"), "#")
	if !ok {
		return ""
	}
	return id
}

func each(n *html.Node, f func(*html.Node)) {
	if n.Type == html.ElementNode {
		f(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, f)
	}
}

func find(n *html.Node, tag string) []*html.Node {
	var all []*html.Node
	each(n, func(e *html.Node) {
		if e.Data == tag {
			all = append(all, e)
		}
	})
	return all
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return b.String()
}
