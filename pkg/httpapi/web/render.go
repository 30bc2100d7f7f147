package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed style.css
var style []byte

var styleURL = func() string {
	sum := sha256.Sum256(style)
	return "/assets/style.css?v=" + hex.EncodeToString(sum[:6])
}()

// The layout, with what pages share, is parsed once; each page when it is first
// drawn.
var (
	layout = sync.OnceValues(func() (*template.Template, error) {
		return template.New("").Funcs(template.FuncMap{"dial": dial, "link": newLink, "press": newPress}).ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/field.html")
	})
	views sync.Map // name → *template.Template
)

// view is a page's template inside the layout.
func view(name string) (*template.Template, error) {
	if t, ok := views.Load(name); ok {
		return t.(*template.Template), nil
	}
	around, err := layout()
	if err != nil {
		return nil, err
	}
	t, err := around.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(templates, "templates/"+name+".html"); err != nil {
		return nil, err
	}
	views.Store(name, t)
	return t, nil
}

// A frame is what surrounds every page.
type frame struct {
	Title    string
	Practice string
	Phone    string
	Who      who // the visitor; zero if signed out
	Home     string
	Nav      []link
	Style    string
	Keeps    bool // the page is the form with id questions, whose every button keeps what was typed
	Enter    enter
	Leave    bool // there is a quick way out of the site
	Page     any
}

// A who says who is signed in: Maria Silva, patient.
type who struct {
	Name phi.Text // empty if unknown
	Role string
	For  phi.Text // the patient whose page it is, if that is another
}

func whoIs(v visitor) who {
	w := who{cmp.Or(phi.Text(v.Person.Display), v.Name), v.Person.Role.Words(), v.For}
	if v.Person.ID == "" {
		w.Role = "Signed in"
	}
	if w.For != "" {
		w.Role = identity.Caregiver.Words() // a patient, too, may act for another
	}
	if w.Name != "" {
		w.Role = strings.ToLower(w.Role)
	}
	return w
}

// A link leads to another page of ours. Joins says that it must be a button of the form
// with id questions, which keeps what was typed on the page.
type link struct {
	Href, Text string
	Joins      bool
}

func newLink(joins bool, href, text string) link { return link{href, text, joins} }

// An enter is the button that the Enter key presses in a field: the first one of a
// form, which nobody sees. Without Text there is none, without To it leads where the
// form does.
type enter struct{ To, Text string }

// A press is a button that does something without a field of its own. Joins is as of a
// link.
type press struct {
	Action, Text, Class string
	Joins               bool
}

func newPress(joins bool, action, class, text string) press { return press{action, text, class, joins} }

// A page is one answer to a visitor.
type page struct {
	view  string
	title string
	data  any
	code  int  // 200 if 0
	pays  bool // has a form that leads to the payment page
	leave bool // offers a quick way out: others in the room may see it
	keeps bool // is the form with id questions, whose every button keeps what was typed
	enter enter
}

// show draws p whole before it sends the first byte, so that a failure is not
// a half page.
func (s *site) show(w http.ResponseWriter, v *visitor, p page) error {
	f := frame{Title: p.title, Home: "/", Style: styleURL, Keeps: p.keeps, Enter: p.enter, Leave: p.leave, Page: p.data}
	if v != nil {
		if err := v.setFor(); err != nil {
			return err
		}
		f.Practice, f.Phone, f.Home = v.practice.Name, v.practice.Phone, home(v.Person)
		f.Who, f.Nav = whoIs(*v), nav(*v)
		for i := range f.Nav {
			f.Nav[i].Joins = p.keeps
		}
	}
	t, err := view(p.view)
	if err != nil {
		return fmt.Errorf("parsing %s: %w", p.view, err)
	}
	b := exchange.NewBuffer()
	defer b.Free()
	if err := t.ExecuteTemplate(b, "layout", f); err != nil {
		return fmt.Errorf("drawing %s: %w", p.view, err)
	}
	forms := "'self'"
	if p.pays {
		// Browsers apply form-action to the redirect that answers a form, too.
		forms += " " + s.formsTo
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action "+forms+"; base-uri 'none'; frame-ancestors 'none'")
	if p.code == 0 {
		p.code = http.StatusOK
	}
	w.WriteHeader(p.code)
	if _, err = w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("sending %s: %w", p.view, err)
	}
	return nil
}

func nav(v visitor) []link {
	links := places(v.Person)
	if v.several {
		links = append(links, link{Href: choosePath, Text: "Change practice"})
	}
	return links
}

// places are where p works, or has requests; the first is where p begins. Nobody is at
// none.
func places(p identity.Person) []link {
	if p.ID == "" {
		return nil
	}
	if !p.Works() {
		return []link{{Href: "/my", Text: "My requests"}, {Href: dataPath, Text: "My data"}}
	}
	var links []link
	if readsQueue(p) {
		links = append(links, link{Href: "/desk", Text: "Queue"})
	}
	if readsQueue(p) || p.Has(identity.Admin) || p.Has(identity.Operator) {
		links = append(links, link{Href: "/desk/work", Text: "Work"})
	}
	if p.Has(identity.Operator) {
		links = append(links, link{Href: "/manage/practices", Text: "Practices"}, link{Href: payersAt, Text: "Payers"})
	}
	if p.Has(identity.Admin) || p.Has(identity.Staff) {
		links = append(links, link{Href: "/manage/patients", Text: "Patients"})
	}
	if p.Has(identity.Admin) || p.Has(identity.Director) {
		links = append(links, link{Href: "/manage/people", Text: "People"}, link{Href: formsAt, Text: "Forms"})
	}
	if p.Has(identity.Admin) {
		links = append(links, link{Href: moneyAt, Text: "Money"}, link{Href: settingsAt, Text: "Settings"})
	}
	return links
}

// readsQueue reports whether p answers requests, or helps to.
func readsQueue(p identity.Person) bool {
	return p.Has(identity.Clinician) || p.Has(identity.Nurse) || p.Has(identity.Staff)
}

type errorView struct {
	Heading  string
	Text     string
	Problems []string
	SignIn   string // where signing in leads back from here
	Stronger string // likewise, with a second factor
	Home     string
	SignOut  bool
	Again    *again // what was filled in and refused; nil if nothing was
}

// logFailure logs err, and returns the status that it is answered with.
func (s *site) logFailure(r *http.Request, err error) int {
	code, f := exchange.Status(err), exchange.Public(err)
	if code >= http.StatusInternalServerError {
		s.Log.ErrorContext(r.Context(), "page failed", "route", r.Pattern, "code", f.Code, "err", err, "cause", fault.Cause(err))
	} else {
		s.Log.InfoContext(r.Context(), "page refused", "route", r.Pattern, "code", f.Code, "cause", fault.Cause(err))
	}
	return code
}

// fail answers with the words for err that may be shown.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return // nobody is there to be told
	}
	code, f := s.logFailure(r, err), exchange.Public(err)
	lost := f.Code == "not_signed_in"
	if lost && r.Method == http.MethodGet {
		_ = redirect(w, "/sign-in?next="+url.QueryEscape(r.URL.RequestURI()))
		return
	}
	if clinic.IsUnchosen(err) && r.Method == http.MethodGet {
		_ = redirect(w, choosePath+"?next="+url.QueryEscape(r.URL.RequestURI()))
		return
	}
	if code == http.StatusTooManyRequests {
		exchange.SetRetryAfter(w, err)
	}
	e := errorView{Heading: headings[code], Text: sentence(f.Text), Home: "/", SignOut: code == http.StatusUnauthorized && !lost}
	switch {
	case e.SignOut:
		e.Heading = "You are not known here" // and are signed in
	case errors.Is(err, clinic.ErrSecondFactor):
		e.Heading, e.Stronger = "A second factor is needed", strongSignIn(returnTo(r, err))
	case e.Heading == "":
		e.Heading = "Something went wrong"
	}
	for _, p := range f.Problems {
		e.Problems = append(e.Problems, sentence(p.Text))
	}
	if lost {
		e.Text = "You are no longer signed in, so this was not sent. Sign in again, go back to the page, and send it once more."
	}
	if errors.Is(err, errKept) {
		e.Text = "You are no longer signed in, so this was not sent. It is kept for a day, for you alone: sign in again, and you can send it with one press."
	}
	if strings.HasPrefix(f.Code, "sign_in") || lost {
		e.SignIn = "/sign-in"
	}
	var who *visitor
	if v, err := s.visitor(r); err == nil {
		who, e.Home = &v, home(v.Person)
	} else if clinic.IsUnchosen(err) || clinic.IsUnknown(err) && s.isKnownElsewhere(r) {
		e.Home, e.SignOut = choosePath, false
	}
	if !errors.Is(err, errKept) {
		e.Again = s.refused(r, who, err)
	}
	if err := s.show(w, who, page{view: "error", title: e.Heading, data: e, code: code, keeps: e.Again != nil}); err != nil {
		s.Log.WarnContext(r.Context(), "error page not sent", "route", r.Pattern, "err", err)
	}
}

// returnTo is the page that r, which was refused with err, was for; empty if it is none.
func returnTo(r *http.Request, err error) string {
	if weak, ok := errors.AsType[weakSignIn](err); ok {
		return weak.next
	}
	if r.Method != http.MethodGet {
		return ""
	}
	return local(r.URL.RequestURI())
}

// isKnownElsewhere reports whether a practice knows the holder of r's session.
func (s *site) isKnownElsewhere(r *http.Request) bool {
	c, _, err := s.sessions.UseAnyway(r.Context(), s.session(r), clinic.Caller{})
	if err != nil {
		return false
	}
	people, err := s.Kernel.Memberships(r.Context(), c)
	return err == nil && len(people) > 0
}

var headings = map[int]string{
	http.StatusBadRequest:            "That could not be read",
	http.StatusUnauthorized:          "You are not signed in",
	http.StatusForbidden:             "That is not allowed",
	http.StatusNotFound:              "Nothing here",
	http.StatusConflict:              "That cannot be done now",
	http.StatusPreconditionFailed:    "This has changed",
	http.StatusRequestEntityTooLarge: "That is too much at once",
	http.StatusUnsupportedMediaType:  "That could not be read",
	http.StatusUnprocessableEntity:   "Something needs to be put right",
	http.StatusTooManyRequests:       "Too often in a short time",
	http.StatusServiceUnavailable:    "Please try again in a moment",
	http.StatusGatewayTimeout:        "That took too long",
}

// explain returns what a page may say of err at its top, if err is about what
// was asked and not about who asks or a failure of ours.
func explain(err error) (code int, text string, ok bool) {
	f, public := fault.Public(err)
	if !public {
		return 0, "", false
	}
	switch f.Kind {
	case fault.Conflict, fault.Invalid, fault.Stale:
		return exchange.Status(err), sentence(f.Text), true
	case fault.Malformed, fault.Anonymous, fault.Denied, fault.NotFound, fault.WrongMethod, fault.Encoding, fault.TooLarge, fault.TooMany, fault.Busy:
	}
	return 0, "", false
}

type landingView struct{ Home string }

func (s *site) landing(w http.ResponseWriter, r *http.Request) error {
	p := page{view: "landing", title: "Care without an appointment"}
	v, err := s.visitor(r)
	switch {
	case clinic.IsUnchosen(err):
		p.data = landingView{Home: choosePath}
		return s.show(w, nil, p)
	case err != nil: // signed out, or with a session that no longer holds
		p.data = landingView{}
		return s.show(w, nil, p)
	}
	p.data = landingView{Home: home(v.Person)}
	return s.show(w, &v, p)
}

func serveStyle(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, err := w.Write(style)
	return err
}
