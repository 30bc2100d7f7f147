//go:build browser

package browser

import (
	"context"
	"encoding/json"
	"net/http"
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

// patience is how long anything on a page may take on a busy machine.
const patience = 30 * time.Second

// A person sits at a window of their own, with cookies of their own. They find
// things by role and accessible name, as a screen reader says them, and use
// the mouse and the keyboard.
type person struct {
	t      *testing.T
	ctx    context.Context //nolint:containedctx // chromedp's handle of a window is a context
	site   string
	name   string
	shot   int
	titles map[string]string // where each title was seen

	mu      sync.Mutex
	loaded  chan struct{} // closed and made new at each load
	status  int64         // of the page shown
	posts   int
	bytes   int64 // of the page and all it loaded
	trouble []string
}

// sit opens a window. Pages run no scripts in it.
func sit(t *testing.T, site, name string) *person {
	t.Helper()
	p := newWindow(t, site, name)
	p.scripts(false)
	return p
}

// scripts says whether pages may run any.
func (p *person) scripts(may bool) {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !may})
}

func newWindow(t *testing.T, site, name string) *person {
	t.Helper()
	p := &person{t: t, site: site, name: name, loaded: make(chan struct{}), titles: map[string]string{}}
	ctx, closeWindow := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	t.Cleanup(closeWindow)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p.ctx = ctx
	call(p, audits.Enable, cdp.Empty{})
	call(p, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	p.window(desktop, 1, "light")
	return p
}

// call sends one command to the window.
func call[P, R any](p *person, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := cdp.Call(ctx, chromedp.FromContext(p.ctx).Target, c, params)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, c.Method, err)
	}
	return r
}

// hear notes what Chromium tells: pages loaded, and everything that went wrong.
func (p *person) hear(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	complain := func(words ...string) { p.trouble = append(p.trouble, strings.Join(words, " ")) }
	switch ev := ev.(type) {
	case *page.EventLoadEventFired:
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
		} else if ev.Response.Status >= 400 && !strings.HasSuffix(ev.Response.URL, "/favicon.ico") { // of the payment page
			complain("request failed:", ev.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			complain("request failed:", ev.ErrorText, string(ev.BlockedReason))
		}
	case *log.EventEntryAdded:
		// Chromium logs the status of a page that says what is wrong as an
		// error of the network; whether it was wanted is the test's to say.
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

// leads does what makes another page load, and waits until it has.
func (p *person) leads(act func()) {
	p.t.Helper()
	p.mu.Lock()
	loaded := p.loaded
	p.mu.Unlock()
	act()
	select {
	case <-loaded:
	case <-time.After(patience):
		p.t.Fatalf("%s: no page came", p.name)
	}
}

// answered is the status of the page shown.
func (p *person) answered() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *person) open(path string) {
	p.t.Helper()
	url := path
	if strings.HasPrefix(path, "/") {
		url = p.site + path
	}
	p.leads(func() {
		p.t.Helper()
		if r := call(p, page.Navigate, page.NavigateParams{URL: url}); r.ErrorText != "" {
			p.t.Fatalf("%s: %s: %s", p.name, url, r.ErrorText)
		}
	})
}

// A thing on the page, as assistive technology sees it.
type thing struct {
	role, name, about string
	id                cdp.BackendNodeID
}

// things lists those of a role in all of the page, or inside one of its things.
func (p *person) things(role string, inside ...thing) []thing {
	p.t.Helper()
	var root cdp.BackendNodeID
	if len(inside) > 0 {
		root = inside[0].id
	} else {
		root = call(p, dom.GetDocument, dom.GetDocumentParams{}).Root.BackendNodeID
	}
	nodes := call(p, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{BackendNodeID: root, Role: role}).Nodes
	var all []thing
	for _, n := range nodes {
		if !n.Ignored {
			all = append(all, thing{value(n.Role), strings.TrimSpace(value(n.Name)), value(n.Description), n.BackendDOMNodeID})
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

// find finds the first thing of the role whose name begins so.
func (p *person) find(role, name string, inside ...thing) thing {
	p.t.Helper()
	all := p.things(role, inside...)
	for _, th := range all {
		if strings.HasPrefix(th.name, name) {
			return th
		}
	}
	p.t.Fatalf("%s: at %s there is no %s %q, only %v", p.name, p.address(), role, name, all)
	return thing{}
}

// click presses the mouse in the middle of a thing.
func (p *person) click(th thing, times int64) {
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
	p.leads(func() { p.click(p.find("button", button), 1) })
}

func (p *person) follow(link string) {
	p.t.Helper()
	p.leads(func() { p.click(p.find("link", link), 1) })
}

// choose answers a question by its options.
func (p *person) choose(question string, options ...string) {
	p.t.Helper()
	group := p.find("group", question)
	for _, o := range options {
		role := "radio"
		if len(p.things("checkbox", group)) > 0 {
			role = "checkbox"
		}
		p.click(p.find(role, o, group), 1)
	}
}

// write types into the field of that label, over what stands there.
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

// ask runs an expression of ours beside the page and returns its value.
func ask[T any](p *person, expression string) T {
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
	return ask[string](p, "location.href")
}

func (p *person) path() string {
	p.t.Helper()
	return ask[string](p, "location.pathname")
}

func (p *person) text() string {
	p.t.Helper()
	return ask[string](p, "document.body.innerText")
}

func (p *person) says(word string) bool {
	p.t.Helper()
	return strings.Contains(p.text(), word)
}

// reads fails unless the page says all of that.
func (p *person) reads(words ...string) {
	p.t.Helper()
	text := p.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			p.t.Fatalf("%s: %s does not say %q:\n%s", p.name, p.address(), w, text)
		}
	}
}

// until tries again, by doing what a person would do, until the page says so.
func (p *person) until(word string, again func()) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !p.says(word); again() {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: %s never said %q:\n%s", p.name, p.address(), word, p.text())
		}
	}
}

// signIn is what README's first step says.
func (p *person) signIn(who string) {
	p.t.Helper()
	p.open("/")
	p.follow("Sign in")
	p.press("Sign in as " + who)
}
