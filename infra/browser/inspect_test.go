//go:build browser

package browser

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
)

// Widths in CSS pixels: a desktop, an ordinary phone, and the narrowest window of the
// web's accessibility guidelines; and the height of each.
const (
	desktop = 1280
	phone   = 390
	narrow  = 320
	tall    = 900
)

// maxPageBytes is the maximum size of a page with all that it loads.
const maxPageBytes = 100_000

func (p *person) setWindow(width int64, scale float64, scheme string) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: tall, DeviceScaleFactor: scale})
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// checkPage checks the requirements of every page, and saves screenshots. code is the
// expected status of the page.
func (p *person) checkPage(name string, code int64) {
	p.t.Helper()
	p.shot++
	name = fmt.Sprintf("%s-%02d-%s", p.name, p.shot, name)
	fail := func(format string, args ...any) {
		p.t.Helper()
		p.t.Errorf("%s (%s): %s", name, p.path(), fmt.Sprintf(format, args...))
	}
	p.checkResponse(code, fail)
	p.t.Logf("%-30s %6d bytes", name, p.size())
	p.checkDocument(fail)
	p.checkNames(fail)
	for _, w := range []struct {
		width  int64
		scheme string
	}{{desktop, "light"}, {desktop, "dark"}, {phone, "light"}, {narrow, "dark"}} {
		p.setWindow(w.width, 1, w.scheme)
		p.checkWidth(fail)
		p.picture(fmt.Sprintf("%s.%d-%s.png", name, w.width, w.scheme))
		if w.width == phone || w.width == narrow {
			p.checkWithAxe(w.scheme, fail)
		}
	}
	p.setWindow(desktop/2, 2, "light") // zoomed to 200 %
	p.checkWidth(fail)
	p.setWindow(phone, 1, "light")
	p.checkTabOrder(fail)
	p.setWindow(desktop, 1, "light")
	p.checkResponse(code, fail) // the checks may have caused complaints
}

type failFunc func(format string, args ...any)

// checkResponse checks the page's status and size, and that Chromium reported no
// error.
func (p *person) checkResponse(code int64, fail failFunc) {
	p.t.Helper()
	p.mu.Lock()
	complaints := p.complaints
	p.complaints = nil
	p.mu.Unlock()
	if status := p.statusCode(); status != code {
		fail("answered %d, want %d", status, code)
	}
	if size := p.size(); size > maxPageBytes || size == 0 {
		fail("is %d bytes with its style; at most %d", size, maxPageBytes)
	}
	for _, s := range complaints {
		fail("%s", s)
	}
}

func (p *person) size() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

var ids = regexp.MustCompile(`/visits/[^/]+`)

// checkDocument checks the page's language, title, headings and lack of scripts. The
// heading of an error summary is above the page's own.
func (p *person) checkDocument(fail failFunc) {
	p.t.Helper()
	d := evaluate[struct {
		Lang, Title string
		Headings    []int
		Scripts     int
	}](p, `({
		Lang: document.documentElement.lang, Title: document.title, Scripts: document.scripts.length,
		Headings: [...document.querySelectorAll("h1,h2,h3,h4,h5,h6")].filter(h => h.checkVisibility() && h.id !== "summary").map(h => +h.tagName[1]),
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

// checkNames checks that every usable element has an accessible name.
func (p *person) checkNames(fail failFunc) {
	p.t.Helper()
	usable := []string{"textbox", "checkbox", "radio", "combobox", "button", "link", "group", "spinbutton", "Date", "DateTime", "DisclosureTriangle", "img"}
	for _, n := range call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		role := value(n.Role)
		if n.Ignored || !slices.Contains(usable, role) || strings.TrimSpace(value(n.Name)) != "" {
			continue
		}
		// A details element is a group too, and is named by its summary.
		if tag := call(p, dom.DescribeNode, dom.DescribeNodeParams{BackendNodeID: n.BackendDOMNodeID}).Node.LocalName; tag != "details" {
			fail("has a %s (%s) without a name", role, tag)
		}
	}
}

// checkWidth checks that the page is not wider than its window.
func (p *person) checkWidth(fail failFunc) {
	p.t.Helper()
	w := evaluate[struct {
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

// checkPrint checks that the page on paper has the words, and nothing to press.
func (p *person) checkPrint(name string, words ...string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	defer p.setWindow(desktop, 1, "light")
	p.wantText(words...)
	p.picture(p.name + "-" + name + "-print.png")
	if left := evaluate[[]string](p, `[...document.querySelectorAll("button, input, textarea, header nav a")].filter(e => e.checkVisibility()).map(e => e.outerHTML)`); len(left) > 0 {
		p.t.Errorf("%s: printed, %s has %q", p.name, p.path(), left)
	}
}

// checkFile saves a PDF file by a link as the browser would, with its cookie, and checks that another
// maker's reader finds words in it.
func (p *person) checkFile(name string, words ...string) {
	p.t.Helper()
	href := evaluate[string](p, `document.querySelector("main a[href$='.pdf']").href`)
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, href, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range call(p, network.GetCookies, network.GetCookiesParams{}).Cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	file, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s: %s, %v", p.name, href, res.Status, err)
	}
	at := filepath.Join(pictures, p.name+"-"+name+".pdf")
	if err := os.WriteFile(at, file, 0o600); err != nil {
		p.t.Fatal(err)
	}
	said, err := exec.CommandContext(p.ctx, "node", "../local/pdfreader/read.mjs", at).Output()
	if err != nil {
		p.t.Fatalf("%s: %v: %s", p.name, err, said)
	}
	for _, w := range words {
		if !strings.Contains(string(said), w) {
			p.t.Errorf("%s: %q is not in %s", p.name, w, said)
		}
	}
}

func (p *person) picture(name string) {
	p.t.Helper()
	size := evaluate[struct{ W, H float64 }](p, `({W: innerWidth, H: document.documentElement.scrollHeight})`)
	shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: size.W, Height: size.H, Scale: 1},
	})
	if err := os.WriteFile(filepath.Join(pictures, name), shot.Data, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// A violation is a finding of axe-core.
type violation struct {
	ID, Help string
	Nodes    []struct {
		HTML           string
		FailureSummary string
	}
}

// checkWithAxe runs axe-core on the page, which checks contrast, names, roles, sizes of
// targets and the other rules of WCAG 2.2 AA that a program can check. Scripts are on
// meanwhile, because axe-core needs timers; the page itself has no scripts.
func (p *person) checkWithAxe(scheme string, fail failFunc) {
	p.t.Helper()
	p.scripts(true)
	defer p.scripts(false)
	found := evaluate[[]violation](p, axe+`;axe.run(document, {
		resultTypes: ["violations"],
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	}).then(r => r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))})))`)
	for _, v := range found {
		fail("in %s, axe-core says %s: %s %q", scheme, v.ID, v.Help, v.Nodes)
	}
}

// A tabStop is an element that the Tab key moved the focus to.
type tabStop struct {
	Index       int // index among all elements; -1 is outside of the page
	What        string
	Top, Bottom float64 // position on the page
	Outline     float64
	Style       string
	Shown, Seen bool
}

// tabStopsScript lists the elements that the Tab key should reach, in the order of the
// page. Radio buttons of one name are one stop.
const tabStopsScript = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
	.filter(e => e.checkVisibility() && e.tabIndex >= 0)
	.filter((e, i, all) => e.type !== "radio" || e === (all.find(o => o.name === e.name && o.checked) ?? all.find(o => o.name === e.name)))`

// checkTabOrder presses the Tab key through the page, and checks that the focus moves
// in the order of the page, reaches every usable element and is visible. The focus
// starts outside of the page, so that the first press leads to the first element.
func (p *person) checkTabOrder(fail failFunc) {
	p.t.Helper()
	want := evaluate[[]string](p, `(document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute("tabindex"), `+tabStopsScript+`.map(e => e.tagName + " " + (e.id || e.textContent.trim())))`)
	before := tabStop{Index: -1}
	for i, w := range want {
		p.key("Tab", 9)
		for range 4 { // a date has a stop for each of its parts, and one for its calendar
			if i == 0 || !evaluate[bool](p, `document.activeElement.type === "date" && [...document.querySelectorAll("body *")].indexOf(document.activeElement) === `+strconv.Itoa(before.Index)) {
				break
			}
			p.key("Tab", 9)
		}
		s := evaluate[tabStop](p, `(() => {
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
		case s.Bottom <= before.Top && i > 1: // the first stop is the link that skips the header
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
