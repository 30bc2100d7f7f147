//go:build browser

package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// timeout is the most that a step may take on a busy machine.
const timeout = 30 * time.Second

// A person uses a window with its own cookies. A person finds elements by role and
// accessible name, as users of a screen reader do, and uses the mouse and the keyboard.
type person struct {
	t      *testing.T
	ctx    context.Context //nolint:containedctx // chromedp's handle of a window is a context
	site   string
	name   string
	shot   int
	titles map[string]string // path of the page that has each title

	mu         sync.Mutex
	loaded     chan struct{} // closed and replaced when a page has loaded
	url        string        // of the page that comes
	at         string        // url of the page that loaded last
	status     int64         // status of the present page
	posts      int
	bytes      int64 // size of the present page and all that it loaded
	complaints []string
}

// newPerson returns a person with a new window, in which pages cannot run scripts.
func newPerson(t *testing.T, site, name string) *person {
	t.Helper()
	p := newPersonWithScripts(t, site, name)
	p.scripts(false)
	return p
}

func newPersonSignedIn(t *testing.T, site, name, who string) *person {
	t.Helper()
	p := newPerson(t, site, name)
	p.signIn(who)
	return p
}

// scripts permits or forbids scripts.
func (p *person) scripts(may bool) {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !may})
}

func newPersonWithScripts(t *testing.T, site, name string) *person {
	t.Helper()
	p := &person{t: t, site: site, name: name, loaded: make(chan struct{}), titles: map[string]string{}}
	ctx, closeWindow := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.observe))
	t.Cleanup(closeWindow)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p.ctx = ctx
	call(p, audits.Enable, cdp.Empty{})
	call(p, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	p.setWindow(desktop, 1, "light")
	return p
}

// call sends one command to the window.
func call[P, R any](p *person, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	defer cancel()
	r, err := cdp.Call(ctx, chromedp.FromContext(p.ctx).Target, c, params)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, c.Method, err)
	}
	return r
}

// observe records Chromium's events: pages that loaded, and complaints about a page.
func (p *person) observe(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	complain := func(words ...string) { p.complaints = append(p.complaints, strings.Join(words, " ")) }
	switch ev := ev.(type) {
	case *page.EventFrameNavigated:
		if ev.Frame.ParentID == "" {
			p.url = ev.Frame.URL
		}
	case *page.EventLoadEventFired:
		p.at = p.url
		close(p.loaded)
		p.loaded = make(chan struct{})
	case *network.EventRequestWillBeSent:
		if ev.Request.Method == http.MethodPost && ev.RedirectResponse == nil {
			p.posts++
		}
		if ev.Type == network.ResourceTypeDocument {
			p.bytes = 0
		}
	case *network.EventDataReceived:
		p.bytes += ev.DataLength
	case *network.EventResponseReceived:
		if ev.Type == network.ResourceTypeDocument {
			p.status = ev.Response.Status
		} else if ev.Response.Status >= 400 && !strings.HasSuffix(ev.Response.URL, "/favicon.ico") { // the payment page has no icon
			complain("request failed:", ev.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			complain("request failed:", ev.ErrorText, string(ev.BlockedReason))
		}
	case *log.EventEntryAdded:
		// Entries of the network are skipped: Chromium logs a page with status 422 as an
		// error, and checkResponse checks the status.
		if ev.Entry.Source != log.EntrySourceNetwork {
			complain("console:", ev.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		complain("exception:", ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		complain("console:", string(ev.Type))
	case *audits.EventIssueAdded:
		b, err := json.Marshal(ev.Issue)
		complain("issue:", string(b))
		if err != nil {
			complain(err.Error())
		}
	}
}

// loadPage calls act, which leads to another page, and waits until the page has loaded.
func (p *person) loadPage(act func()) {
	p.t.Helper()
	p.mu.Lock()
	loaded := p.loaded
	p.mu.Unlock()
	act()
	select {
	case <-loaded:
	case <-time.After(timeout):
		p.t.Fatalf("%s: no page came", p.name)
	}
}

// statusCode is the status of the present page.
func (p *person) statusCode() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *person) goTo(path string) {
	p.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = p.site + path
	}
	p.loadPage(func() {
		p.t.Helper()
		if r := call(p, page.Navigate, page.NavigateParams{URL: url}); r.ErrorText != "" {
			p.t.Fatalf("%s: %s: %s", p.name, url, r.ErrorText)
		}
	})
}

// An element is an element of the page, as assistive technology sees it.
type element struct {
	role, name, about string
	id                cdp.BackendNodeID
}

// elements lists the elements with a role on the page, or inside one of its elements.
func (p *person) elements(role string, inside ...element) []element {
	p.t.Helper()
	var root cdp.BackendNodeID
	if len(inside) > 0 {
		root = inside[0].id
	} else {
		root = call(p, dom.GetDocument, dom.GetDocumentParams{}).Root.BackendNodeID
	}
	nodes := call(p, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{BackendNodeID: root, Role: role}).Nodes
	var all []element
	for _, n := range nodes {
		if !n.Ignored {
			all = append(all, element{value(n.Role), strings.TrimSpace(value(n.Name)), value(n.Description), n.BackendDOMNodeID})
		}
	}
	return all
}

func value(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var s string
	if err := json.Unmarshal(v.Value, &s); err != nil {
		return string(v.Value)
	}
	return s
}

// find returns the first element with the role whose name begins with name.
func (p *person) find(role, name string, inside ...element) element {
	p.t.Helper()
	all := p.elements(role, inside...)
	for _, th := range all {
		if strings.HasPrefix(th.name, name) {
			return th
		}
	}
	p.t.Fatalf("%s: at %s there is no %s %q, only %v", p.name, p.address(), role, name, all)
	return element{}
}

// click clicks in the middle of an element.
func (p *person) click(th element, times int64) {
	p.t.Helper()
	call(p, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: th.id})
	quads := call(p, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: th.id}).Quads
	if len(quads) == 0 {
		p.t.Fatalf("%s: the %s %q cannot be seen", p.name, th.role, th.name)
	}
	q := quads[0]
	x, y := (q[0]+q[4])/2, (q[1]+q[5])/2
	for n := range times {
		for _, kind := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
			call(p, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: "left", ClickCount: n + 1})
		}
	}
}

func (p *person) press(button string) {
	p.t.Helper()
	p.loadPage(func() { p.click(p.find("button", button), 1) })
}

// follow follows a link; on a page that keeps what was typed, it presses the button in
// its place.
func (p *person) follow(link string) {
	p.t.Helper()
	role := "link"
	if !slices.ContainsFunc(p.elements(role), func(e element) bool { return strings.HasPrefix(e.name, link) }) {
		role = "button"
	}
	p.loadPage(func() { p.click(p.find(role, link), 1) })
}

// choose selects options of a question.
func (p *person) choose(question string, options ...string) {
	p.t.Helper()
	group := p.find("group", question)
	for _, o := range options {
		role := "radio"
		if len(p.elements("checkbox", group)) > 0 {
			role = "checkbox"
		}
		p.click(p.find(role, o, group), 1)
	}
}

// write replaces the text of the field with the label.
func (p *person) write(label, text string) {
	p.t.Helper()
	p.click(p.find("textbox", label), 3)
	p.key("Delete", 46)
	call(p, input.InsertText, input.InsertTextParams{Text: text})
}

func (p *person) key(name string, code int64) {
	p.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, NativeVirtualKeyCode: code})
	}
}

// pressEnter presses the Enter key, which presses a button that has the focus, or the
// first button of the form of a field.
func (p *person) pressEnter() {
	p.t.Helper()
	call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyDown, Key: "Enter", Code: "Enter", Text: "\r", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13,
	})
}

// evaluate returns the value of a JavaScript expression in an isolated world of the
// page.
func evaluate[T any](p *person, expression string) T {
	p.t.Helper()
	var v T
	frame := chromedp.FromContext(p.ctx).Target.TargetID
	world := call(p, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: cdp.FrameID(frame), WorldName: "eyes"}).ExecutionContextID
	r := call(p, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, ContextID: world, ReturnByValue: new(true), AwaitPromise: new(true),
	})
	if r.ExceptionDetails != nil {
		p.t.Fatalf("%s: %s %v", p.name, r.ExceptionDetails.Text, r.ExceptionDetails.Exception.Description)
	}
	if err := json.Unmarshal(r.Result.Value, &v); err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, r.Result.Value, err)
	}
	return v
}

func (p *person) address() string {
	p.t.Helper()
	return evaluate[string](p, "location.href")
}

func (p *person) path() string {
	p.t.Helper()
	return evaluate[string](p, "location.pathname")
}

func (p *person) text() string {
	p.t.Helper()
	return evaluate[string](p, "document.body.innerText")
}

func (p *person) hasText(word string) bool {
	p.t.Helper()
	return strings.Contains(p.text(), word)
}

// wantText fails the test unless the page has all the texts.
func (p *person) wantText(words ...string) {
	p.t.Helper()
	text := p.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Fatalf("%s: %s does not say %q:\n%s", p.name, p.address(), w, text)
		}
	}
}

// retryUntil calls again until the page has the text.
func (p *person) retryUntil(word string, again func()) {
	p.t.Helper()
	for deadline := time.Now().Add(timeout); !p.hasText(word); again() {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: %s never said %q:\n%s", p.name, p.address(), word, p.text())
		}
	}
}

// signIn signs in as the README's first step says.
func (p *person) signIn(who string) {
	p.t.Helper()
	p.goTo("/")
	p.follow("Sign in")
	p.press("Sign in as " + who)
}

// signOut signs out. The page that says so goes on by itself, by way of the sign-in
// service, to the start.
func (p *person) signOut() {
	p.t.Helper()
	p.click(p.find("button", "Sign out"), 1)
	for deadline := time.Now().Add(timeout); !p.isAt("/"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: signing out does not lead to the start", p.name)
		}
	}
}

func (p *person) isAt(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at == p.site+path
}
