package stripesim

import (
	"bytes"
	"context"
	_ "embed" // the page
	"errors"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageHTML string

// inPages are the functions of all pages.
var inPages = template.FuncMap{
	"dollars": dollars,
}

var pageTemplate = template.Must(template.New("page").Funcs(inPages).Parse(pageHTML))

// A pageView is what the hosted page shows.
type pageView struct {
	Session      *session
	Items        []lineItem
	Cards        []card
	Back, Done   string
	Authenticate bool
	Message      string
}

// servePages registers the hosted Checkout page, which works without JavaScript. A
// customer needs only the session's id, which cannot be guessed.
func (s *Sim) servePages() {
	s.mux.HandleFunc("GET /pay/{session}", s.showPage)
	s.mux.HandleFunc("POST /pay/{session}", s.postCard)
	s.mux.HandleFunc("GET /pay/{session}/authenticate", s.showPage)
	s.mux.HandleFunc("POST /pay/{session}/authenticate", s.postAuthentication)
}

func (s *Sim) showPage(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusOK, "")
}

// page shows the present state of a session.
func (s *Sim) page(w http.ResponseWriter, r *http.Request, status int, message string) {
	view := pageView{Message: message}
	err := s.withSession(r.Context(), r.PathValue("session"), func(ctx context.Context, t *tx, cs *session) error {
		view.Cards = offered(cs.PaymentMethodTypes)
		view.Session, view.Items, view.Back, view.Done = cs, cs.Sim.Items, cs.cancelURL(), cs.successURL()
		pi, err := t.intentOf(ctx, cs)
		view.Authenticate = cs.Status == sessionOpen && err == nil && pi.Status == intentNeedsAction
		return err
	})
	if err != nil {
		s.pageError(w, r, err)
		return
	}
	if view.Session.Status != sessionOpen {
		status = http.StatusGone
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, view); err != nil {
		s.pageError(w, r, err)
		return
	}
	writePage(w, status, &out)
}

func (s *Sim) pageError(w http.ResponseWriter, r *http.Request, err error) {
	var clientErr *failure
	if errors.As(err, &clientErr) {
		http.Error(w, clientErr.Message, clientErr.Status)
		return
	}
	s.opt.Log.ErrorContext(r.Context(), "checkout page failed", "path", r.URL.Path, "err", err)
	http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
}

func (s *Sim) postCard(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	p, err := s.Pay(r.Context(), r.PathValue("session"), r.PostFormValue("card"), nil)
	s.afterPost(w, r, p, err)
}

func (s *Sim) postAuthentication(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	yes := r.PostFormValue("answer") == "complete"
	p, err := s.Pay(r.Context(), r.PathValue("session"), "", &yes)
	s.afterPost(w, r, p, err)
}

// afterPost redirects the customer to the next page, or shows the page again with what
// went wrong.
func (s *Sim) afterPost(w http.ResponseWriter, r *http.Request, p Payment, err error) {
	var clientErr *failure
	switch {
	case errors.As(err, &clientErr) && clientErr.Status != http.StatusNotFound:
		s.page(w, r, clientErr.Status, clientErr.Message)
	case err != nil:
		s.pageError(w, r, err)
	case p.Next != "":
		http.Redirect(w, r, p.Next, http.StatusSeeOther)
	default:
		s.page(w, r, http.StatusPaymentRequired, p.Message)
	}
}

// writePage answers with a page, which depends on the moment.
func writePage(w http.ResponseWriter, status int, page *bytes.Buffer) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w)
}
