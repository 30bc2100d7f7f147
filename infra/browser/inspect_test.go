//go:build browser

package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// Widths in CSS pixels: a desktop, an ordinary phone, and the narrowest that
// the web's accessibility guidelines still ask for.
const (
	desktop = 1200
	phone   = 390
	narrow  = 320
	tall    = 900
)

// most is how many bytes a page may be, with all that it loads.
const most = 100_000

func (p *person) window(width int64, scale float64, scheme string) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: tall, DeviceScaleFactor: scale})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// look checks all that holds for every page of ours, and takes its pictures.
// The page was answered with code.
func (p *person) look(name string, code int64) {
	p.t.Helper()
	p.shot++
	name = fmt.Sprintf("%s-%02d-%s", p.name, p.shot, name)
	fail := func(format string, args ...any) {
		p.t.Helper()
		p.t.Errorf("%s (%s): %s", name, p.path(), fmt.Sprintf(format, args...))
	}
	p.quiet(code, fail)
	p.t.Logf("%-30s %6d bytes", name, p.size())
	p.document(fail)
	p.named(fail)
	for _, w := range []struct {
		width  int64
		scheme string
	}{{desktop, "light"}, {desktop, "dark"}, {phone, "light"}, {narrow, "dark"}} {
		p.window(w.width, 1, w.scheme)
		p.fits(fail)
		p.picture(fmt.Sprintf("%s.%d-%s.png", name, w.width, w.scheme))
		if w.width == phone || w.width == narrow {
			p.axe(w.scheme, fail)
		}
	}
	p.window(desktop/2, 2, "light") // zoomed to 200 %
	p.fits(fail)
	p.window(phone, 1, "light")
	p.tabs(fail)
	p.window(desktop, 1, "light")
	p.quiet(code, fail) // looking, too, may have made it complain
}

type failing func(format string, args ...any)

// quiet checks the answer, its size and that Chromium had nothing to say.
func (p *person) quiet(code int64, fail failing) {
	p.t.Helper()
	p.mu.Lock()
	trouble := p.trouble
	p.trouble = nil
	p.mu.Unlock()
	if status := p.answered(); status != code {
		fail("answered %d, want %d", status, code)
	}
	if size := p.size(); size > most || size == 0 {
		fail("is %d bytes with its style; at most %d", size, most)
	}
	for _, s := range trouble {
		fail("%s", s)
	}
}

func (p *person) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

var ids = regexp.MustCompile(`/visits/[^/]+`)

// document checks language, title and headings.
func (p *person) document(fail failing) {
	p.t.Helper()
	d := ask[struct {
		Lang, Title string
		Headings    []int
		Scripts     int
	}](p, `({
		Lang: document.documentElement.lang, Title: document.title, Scripts: document.scripts.length,
		Headings: [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(h => h.checkVisibility()).map(h => +h.tagName[1]),
	})`)
	if d.Lang != "en" {
		fail("has the language %q", d.Lang)
	}
	if d.Scripts != 0 {
		fail("has %d scripts", d.Scripts)
	}
	at := ids.ReplaceAllString(p.path(), "/visits/{id}")
	if before, seen := p.titles[d.Title]; d.Title == "" || seen && before != at {
		fail("has the title %q, as has %s", d.Title, before)
	}
	p.titles[d.Title] = at
	level := 0
	for i, h := range d.Headings {
		if i == 0 && h != 1 || h > level+1 || i > 0 && h == 1 {
			fail("has headings out of order: %v", d.Headings)
			break
		}
		level = h
	}
	if len(d.Headings) == 0 {
		fail("has no heading")
	}
}

// named checks that all one can use has a name.
func (p *person) named(fail failing) {
	p.t.Helper()
	usable := []string{"textbox", "checkbox", "radio", "combobox", "button", "link", "group", "spinbutton", "Date", "DateTime", "DisclosureTriangle", "img"}
	for _, n := range call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		role := value(n.Role)
		if n.Ignored || !slices.Contains(usable, role) || strings.TrimSpace(value(n.Name)) != "" {
			continue
		}
		// A group may also be a details element, which its summary names.
		if tag := call(p, dom.DescribeNode, dom.DescribeNodeParams{BackendNodeID: n.BackendDOMNodeID}).Node.LocalName; tag != "details" {
			fail("has a %s (%s) without a name", role, tag)
		}
	}
}

// fits checks that nothing has to be scrolled sideways.
func (p *person) fits(fail failing) {
	p.t.Helper()
	w := ask[struct {
		Page, Window int
		Wide         []string
	}](p, `({
		Page: document.documentElement.scrollWidth, Window: innerWidth,
		Wide: [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
			.map(e => e.tagName + "." + e.className + " " + e.textContent.trim().slice(0, 40)).slice(-3),
	})`)
	if w.Page > w.Window {
		fail("is %d wide in a window of %d: %v", w.Page, w.Window, w.Wide)
	}
}

func (p *person) picture(name string) {
	p.t.Helper()
	size := ask[struct{ W, H float64 }](p, `({W: innerWidth, H: document.documentElement.scrollHeight})`)
	shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: size.W, Height: size.H, Scale: 1},
	})
	if err := os.WriteFile(filepath.Join(pictures, name), shot.Data, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// A violation is what axe-core found.
type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML           string
		FailureSummary string
	}
}

// axe runs axe-core beside the page: contrast, names, roles, sizes of targets
// and the rest of WCAG 2.2 AA that a machine can tell. It needs timers, which
// stand still while scripts are off; the page itself has none to run.
func (p *person) axe(scheme string, fail failing) {
	p.t.Helper()
	p.scripts(true)
	defer p.scripts(false)
	found := ask[[]violation](p, axe+`;axe.run(document, {
		resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`)
	for _, v := range found {
		fail("in %s, axe-core says %s: %s %q", scheme, v.ID, v.Help, v.Nodes)
	}
}

// A stop is where the Tab key led.
type stop struct {
	Index       int // among all elements; -1 is outside of the page
	What        string
	Top, Bottom float64 // on the page
	Outline     float64
	Style       string
	Shown, Seen bool
}

// stops are where the Tab key should lead, in the order of the page. Radio
// buttons of one name are one stop.
const stops = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
	.filter(e => e.checkVisibility() && e.tabIndex >= 0)
	.filter((e, i, all) => e.type !== "radio" || e === (all.find(o => o.name === e.name && o.checked) ?? all.find(o => o.name === e.name)))`

// tabs goes through the page with the Tab key: in the order in which it reads,
// to everything usable, and always visible where one is. The page is newly
// loaded, so that the first press leads to its first stop.
func (p *person) tabs(fail failing) {
	p.t.Helper()
	want := ask[[]string](p, `(document.activeElement.blur(), `+stops+`.map(e => e.tagName + " " + (e.id || e.textContent.trim())))`)
	before := stop{Index: -1}
	for i, w := range want {
		p.key("Tab", 9)
		s := ask[stop](p, `(() => {
			const e = document.activeElement, r = e.getBoundingClientRect(), c = getComputedStyle(e);
			return {
				Index: [...document.querySelectorAll("body *")].indexOf(e), What: e.tagName + " " + (e.id || e.textContent.trim()),
				Top: r.top + scrollY, Bottom: r.bottom + scrollY, Outline: parseFloat(c.outlineWidth), Style: c.outlineStyle,
				Shown: e.matches(":focus-visible"), Seen: r.bottom > 0 && r.top < innerHeight && r.width > 1,
			};
		})()`)
		switch {
		case s.What != w || s.Index <= before.Index:
			fail("stop %d of Tab is %q after %q, want %q", i+1, s.What, before.What, w)
			return
		case s.Bottom <= before.Top && i > 1: // the first is the link that skips the header
			fail("Tab goes up from %q to %q", before.What, s.What)
		case !s.Shown || s.Style == "none" || s.Outline < 2:
			fail("one cannot see that %q has the focus (%s, %v wide)", s.What, s.Style, s.Outline)
		case !s.Seen:
			fail("%q has the focus out of sight", s.What)
		}
		before = s
	}
	if len(want) < 3 {
		fail("Tab reaches %v only", want)
	}
}
