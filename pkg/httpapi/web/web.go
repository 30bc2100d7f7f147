// Package web serves the pages that people use: patients and caregivers under
// /my, clinicians and staff under /desk. Pages are drawn on the server and work
// without a script. Every rule is the clinic's; this package says who asks,
// reads a form, calls, and writes the outcome in words. The JSON API is httpapi's,
// the error table and the request log are exchange's.
package web

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"evisit/pkg/clinic/session"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
)

// Options say what the pages stand on and where they are reached. All but
// Checkout and StaffIdle are required.
type Options struct {
	httpapi.Rooms
	// Serves are the functions whose pages are served: one in a deployment.
	Serves []httpapi.Function
	People httpapi.People
	// Issuers sign people in, each for the client that its Audience names, which is public
	// and uses PKCE: patients at the first, people who work at the others, or all at the
	// only one.
	Issuers []httpapi.Issuer
	// BaseURL is where browsers reach the pages, without a trailing slash.
	// Under https, cookies are bound to this host and to secure connections.
	BaseURL string
	// Checkout is the origin of the payment pages that a form may lead to.
	// Empty is Stripe's and, where BaseURL is plain http, as on a laptop, any
	// port of BaseURL's host.
	Checkout string
	// StaffIdle is how long a person who works at a practice may be idle before
	// they must sign in again; session.StaffIdle if it is 0.
	StaffIdle time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// A site is the pages of one installation. It is safe for concurrent use.
type site struct {
	Options
	secure    bool
	formsTo   string // CSP sources that a paying form may lead to
	providers providers
	sessions  *session.Keeper
	mux       *http.ServeMux

	drawn sync.Map // plain → template.HTML: questions as they were drawn
}

// New returns the handler of all pages. It panics on a BaseURL that is none,
// which only a wrong deployment has.
func New(o Options) http.Handler {
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" {
		panic(fmt.Sprintf("web: BaseURL %q is not an absolute URL", o.BaseURL))
	}
	s := &site{
		Options: o, secure: base.Scheme == "https", formsTo: formsTo(o.Checkout, base),
		providers: newProviders(o), mux: http.NewServeMux(),
	}
	s.sessions = &session.Keeper{
		Kernel: o.Kernel, Sealer: o.Charts.Vault, Provider: s.providers, StaffIdle: cmp.Or(o.StaffIdle, session.StaffIdle),
	}
	mux := s.mux
	all := s.routes()
	for _, f := range o.Serves {
		for _, r := range all[f] {
			mux.Handle(r.pattern, s.adapt(r.handle))
		}
	}
	mux.Handle("/", s.adapt(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.NotFound, "no_page", "there is no page at this address")
	}))
	own := http.NewCrossOriginProtection()
	if err := own.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		panic(fmt.Sprintf("web: BaseURL %q: %v", o.BaseURL, err))
	}
	own.SetDenyHandler(s.adapt(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Denied, "cross_origin", "this was sent from another site, so it was refused; open the page here and send it again")
	}))
	return own.Handler(mux)
}

func formsTo(checkout string, base *url.URL) string {
	switch {
	case checkout != "":
		return checkout
	case base.Scheme == "http":
		return "https://checkout.stripe.com http://" + base.Hostname() + ":*"
	}
	return "https://checkout.stripe.com"
}

type handler func(http.ResponseWriter, *http.Request) error

type route struct {
	pattern string
	handle  handler
}

// routes are the pages that each function serves.
func (s *site) routes() map[httpapi.Function][]route {
	return map[httpapi.Function][]route{httpapi.ByAPI: s.visiting(), httpapi.ByRegistry: s.managing()}
}

// visiting are the pages of function api: requests, the desk, and signing in.
func (s *site) visiting() []route {
	return []route{
		{"GET /{$}", s.landing},
		{"GET /assets/style.css", serveStyle},
		{"GET /leave", s.leave},
		{"GET /sign-in", s.signIn},
		{"GET /signed-in", s.signedIn},
		{"POST /sign-out", s.signOut},
		{"GET /signed-out", s.signedOut},
		{"GET " + choosePath, s.asHolder(s.chooseFrom)},
		{"POST " + choosePath, s.asHolder(s.choose)},
		{"GET " + keptPath, s.as(s.keptForms)},
		{"POST " + keptPath + "/{id}", s.as(s.sendKept)},

		{"GET /my", s.as(s.mine)},
		{"POST /my/visits", s.as(s.start)},
		{"GET /my/visits/{id}", s.as(s.visit)},
		{"GET /my/visits/{id}/form/{page}", s.as(s.fillForm)},
		{"POST /my/visits/{id}/form/{page}", s.as(s.saveForm)},
		{"GET /my/visits/{id}/check", s.as(s.check)},
		{"GET /my/visits/{id}/delete", s.as(s.confirmDelete)},
		{"POST /my/visits/{id}/delete", s.as(s.deleteDraft)},
		{"GET /my/visits/{id}/ending", s.as(s.ending)},
		{"POST /my/visits/{id}/ending", s.as(s.confirmEnding)},
		{"GET /my/visits/{id}/estimate", s.as(s.estimate)},
		{"GET /my/visits/{id}/receipt", s.as(s.receipt)},
		{"GET /my/visits/{id}/receipt.pdf", s.as(s.receiptFile)},
		{"POST /my/visits/{id}/submit", s.as(s.submit)},
		{"GET /my/visits/{id}/sent", s.as(s.sent)},
		{"POST /my/visits/{id}/pay", s.as(s.pay)},
		{"POST /my/visits/{id}/cancel", s.as(s.cancel)},
		{"POST /my/visits/{id}/again", s.as(s.sendAgain)},
		{"POST /my/visits/{id}/messages", s.as(s.write)},
		{"POST /my/visits/{id}/number", s.as(s.giveNumber)},
		{"POST /my/visits/{id}/acknowledge", s.as(s.acknowledge)},
		{"POST /my/visits/{id}/keep", s.as(s.keep)},
		{"GET /my/visits/{id}/trail", s.as(s.trail)},
		{"GET " + paymentsAt, s.as(s.payments)},
		{"GET " + paymentsAt + "/{patient}", s.as(s.payments)},
		{"GET " + paymentsAt + "/{patient}/file", s.as(s.paymentsFile)},
		{"GET " + memberAt, s.as(s.membership)},
		{"GET " + memberAt + "/{patient}", s.as(s.membership)},
		{"POST " + memberAt + "/{patient}", s.as(s.joinMembership)},
		{"POST " + memberAt + "/{patient}/cancel", s.as(s.cancelMembership)},
		{"POST " + memberAt + "/{patient}/resume", s.as(s.resumeMembership)},
		{"GET " + memberAt + "/{patient}/leave", s.as(s.leaving)},
		{"POST " + memberAt + "/{patient}/leave", s.as(s.leaveMembership)},
		{"GET " + dataPath, s.as(s.data)},
		{"GET " + accessPath, s.as(s.access)},
		{"GET " + recordPath, s.as(s.download)},

		{"GET /desk", s.as(s.queue)},
		{"GET /desk/work", s.as(s.work)},
		{"GET " + accountPageAt, s.as(s.accountPage)},
		{"POST /desk/work/{id}/end", s.as(s.endWork)},
		{"POST /desk/work/{id}/resume", s.as(s.resumeWork)},
		{"GET " + moneyAt, s.as(s.money)},
		{"GET " + moneyAt + "/entries", s.as(s.entries)},
		{"GET " + moneyAt + "/entries.csv", s.as(s.entriesFile)},
		{"GET /desk/visits/{id}/dispute", s.as(s.dispute)},
		{"POST /desk/visits/{id}/dispute/answer", s.as(s.answerDispute)},
		{"POST /desk/visits/{id}/dispute/accept", s.as(s.acceptDispute)},
		{"GET /desk/visits/{id}/claim", s.as(s.claim)},
		{"POST /desk/visits/{id}/claim", s.as(s.recordClaim)},
		{"GET /desk/members/{patient}", s.as(s.patientsMembership)},
		{"POST /desk/members/{patient}/end", s.as(s.endMembership)},
		{"GET /desk/visits/{id}/refund", s.as(s.refund)},
		{"POST /desk/visits/{id}/refund", s.as(s.refundVisit)},
		{"GET /desk/visits/{id}", s.as(s.deskVisit)},
		{"POST /desk/visits/{id}/take", s.as(s.take)},
		{"POST /desk/visits/{id}/release", s.as(s.release)},
		{"GET /desk/visits/{id}/hand-over", s.as(s.handOverPage)},
		{"POST /desk/visits/{id}/hand-over", s.as(s.handOver)},
		{"POST /desk/visits/{id}/hand-over/keep", s.as(s.keep)},
		{"GET /desk/visits/{id}/take-over", s.as(s.takeOverPage)},
		{"POST /desk/visits/{id}/take-over", s.as(s.takeOver)},
		{"POST /desk/visits/{id}/take-over/keep", s.as(s.keep)},
		{"POST /desk/visits/{id}/ask", s.as(s.ask)},
		{"POST /desk/visits/{id}/answer", s.as(s.answer)},
		{"POST /desk/visits/{id}/turn-away", s.as(s.turnAway)},
		{"POST /desk/visits/{id}/keep", s.as(s.keep)},
	}
}

// Patterns lists the routes of the pages that some functions serve.
func Patterns(of ...httpapi.Function) []string {
	var ps []string
	all := new(site).routes()
	for _, f := range of {
		for _, r := range all[f] {
			ps = append(ps, r.pattern)
		}
	}
	return ps
}

func (s *site) adapt(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Unlike no-referrer, which makes browsers hide where a form comes from.
		w.Header().Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, exchange.MaxBody)
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// maxFields bounds a posted form. The longest real page has a tenth of it.
const maxFields = 3000

var errNotAForm = fault.New(fault.Malformed, "not_a_form", "this was not sent by one of our pages")

// posted reads a form. What is too large or cannot be read is an error; what
// it holds is for the caller to judge.
func posted(r *http.Request) (url.Values, error) {
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(t) != "application/x-www-form-urlencoded" && r.ContentLength != 0 {
		return nil, errNotAForm
	}
	if r.Header.Get("Content-Encoding") != "" {
		return nil, fault.New(fault.Encoding, "encoded", "this was not sent by one of our pages")
	}
	err := r.ParseForm()
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.New(fault.TooLarge, "too_large", fmt.Sprintf("a page may send at most %d KiB; please write less", exchange.MaxBody>>10))
	}
	if err != nil {
		return nil, fault.Hide(fault.Malformed, "unreadable", "this form could not be read; go back and send it again", err)
	}
	n := 0
	for name, vs := range r.PostForm {
		n += len(vs)
		if !utf8.ValidString(name + strings.Join(vs, "")) {
			return nil, fault.New(fault.Malformed, "unreadable", "this form is not UTF-8 text, as our pages send it")
		}
	}
	if n > maxFields {
		return nil, fault.New(fault.TooLarge, "too_large", "this form has more fields than any of our pages")
	}
	return r.PostForm, nil
}

// redirect leads on to a page of ours, to the issuer or to the payment page, by an
// address that is whole already.
func redirect(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
