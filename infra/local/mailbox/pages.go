package mailbox

import (
	"bytes"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	_ "embed"

	"evisit/pkg/fault"
)

// pageLimit is the number of mails in the HTML list. The JSON list has all mails.
const pageLimit = 200

//go:embed pages.html
var pagesHTML string

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"when":  func(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05") },
	"words": words,
}).Parse(pagesHTML))

// Handler serves the SESv2 SendEmail call, and the mailbox at /dev/mail.
func (m *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/email/outbound-emails", m.send)
	mux.HandleFunc("GET /dev/mail", m.list)
	mux.HandleFunc("GET /dev/mail.json", m.list)
	mux.HandleFunc("GET /dev/mail/{id}", m.one)
	mux.HandleFunc("POST /dev/mail/behaviour", m.behaviour)
	own := http.NewCrossOriginProtection().Handler(mux)
	return http.MaxBytesHandler(own, 10<<20) // SES's default limit
}

func (m *Mailbox) list(w http.ResponseWriter, r *http.Request) {
	to := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("to")))
	limit := pageLimit
	if wantsJSON(r) {
		limit = -1
	}
	mails, err := m.find(r.Context(), to, limit)
	if err != nil {
		m.fail(w, r, err)
		return
	}
	if wantsJSON(r) {
		reply(w, http.StatusOK, struct {
			Mails []Mail `json:"mails"`
		}{mails})
		return
	}
	m.render(w, r, http.StatusOK, "list", struct {
		To    string
		Mails []Mail
		Limit int
	}{to, mails, pageLimit})
}

func (m *Mailbox) one(w http.ResponseWriter, r *http.Request) {
	one, err := m.byID(r.Context(), r.PathValue("id"))
	if err != nil {
		m.fail(w, r, err)
		return
	}
	if wantsJSON(r) {
		reply(w, http.StatusOK, one)
		return
	}
	m.render(w, r, http.StatusOK, "one", one)
}

func (m *Mailbox) behaviour(w http.ResponseWriter, r *http.Request) {
	in, isForm, err := readBehaviour(r)
	if err != nil {
		m.fail(w, r, err)
		return
	}
	var delay time.Duration
	if in.Delay != "" {
		if delay, err = time.ParseDuration(in.Delay); err != nil {
			m.fail(w, r, fault.Hide(fault.Invalid, "delay", `"delay" is a duration such as "90s", "10m" or "36h".`, err))
			return
		}
	}
	if err := m.Behave(r.Context(), in.Address, Behaviour(in.Behave), delay); err != nil {
		m.fail(w, r, err)
		return
	}
	if isForm {
		http.Redirect(w, r, "/dev/mail?to="+url.QueryEscape(in.Address), http.StatusSeeOther)
		return
	}
	in.Delay = delay.String()
	reply(w, http.StatusOK, in)
}

type behaviourBody struct {
	Address string `json:"address"`
	Behave  string `json:"behave"`
	Delay   string `json:"delay,omitempty"`
}

// readBehaviour reads JSON or the form of the page. The body decides which, because
// curl -d sends the content type of a form with any body.
func readBehaviour(r *http.Request) (in behaviourBody, isForm bool, err error) {
	const want = `Send {"address":…,"behave":"deliver|bounce|delay|complain","delay":"10m"}.`
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return in, false, fault.Hide(fault.Malformed, "body", want, err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		form, err := url.ParseQuery(string(body))
		if err != nil || !form.Has("behave") {
			return in, false, fault.Hide(fault.Malformed, "body", want, err)
		}
		return behaviourBody{form.Get("address"), form.Get("behave"), form.Get("delay")}, true, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return in, false, fault.Hide(fault.Malformed, "body", want, err)
	}
	return in, false, nil
}

// fail answers with the part of err that may be shown.
func (m *Mailbox) fail(w http.ResponseWriter, r *http.Request, err error) {
	code, text := http.StatusInternalServerError, "The mailbox could not be read or written."
	if f, ok := fault.Public(err); ok {
		code, text = http.StatusUnprocessableEntity, f.Text
		if f.Kind == fault.NotFound {
			code = http.StatusNotFound
		}
		if f.Kind == fault.Malformed {
			code = http.StatusBadRequest
		}
	} else {
		m.log.ErrorContext(r.Context(), "mailbox request failed", "route", r.Pattern, "err", err)
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		m.render(w, r, code, "problem", text)
		return
	}
	reply(w, code, struct {
		Error string `json:"error"`
	}{text})
}

func wantsJSON(r *http.Request) bool {
	return r.URL.Path == "/dev/mail.json" || strings.Contains(r.Header.Get("Accept"), "application/json")
}

func (m *Mailbox) render(w http.ResponseWriter, r *http.Request, code int, page string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, data); err != nil {
		m.log.ErrorContext(r.Context(), "mailbox page failed", "page", page, "err", err)
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(code)
	_, _ = w.Write(b.Bytes()) // an error cannot be reported, because the status is already sent
}

// A word is a piece of a mail's text. Link is set if the piece is a web address.
type word struct {
	Text string
	Link bool
}

// words splits text into web addresses and the pieces between them. The joined pieces
// are the same text.
func words(text string) []word {
	var out []word
	for text != "" {
		n := strings.IndexFunc(text, isSpace)
		if n == 0 {
			n = strings.IndexFunc(text, func(r rune) bool { return !isSpace(r) })
		}
		if n < 0 {
			n = len(text)
		}
		piece := text[:n]
		text = text[n:]
		link := strings.TrimRight(piece, ".,;:!?)>\"'")
		if !strings.HasPrefix(link, "http://") && !strings.HasPrefix(link, "https://") {
			out = append(out, word{Text: piece})
			continue
		}
		out = append(out, word{Text: link, Link: true}, word{Text: piece[len(link):]})
	}
	return out
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	// An error cannot be reported, because the status is already sent.
	_ = json.NewEncoder(w).Encode(v)
}
