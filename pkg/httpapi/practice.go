package httpapi

import (
	"net/http"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/ledger"
)

type paymentReply struct {
	ID            string        `json:"id"`
	State         billing.State `json:"state"`
	Account       string        `json:"account"`
	Amount        int64         `json:"amount_cents"`
	Held          int64         `json:"held_cents"`
	Collected     int64         `json:"collected_cents"`
	GivenBack     int64         `json:"refunded_cents"`
	Session       string        `json:"checkout_session,omitempty"`
	Intent        string        `json:"payment_intent,omitempty"`
	CaptureBefore *time.Time    `json:"capture_before,omitempty"`
	Why           string        `json:"failure,omitempty"`
	OpenedAt      time.Time     `json:"opened_at"`
	EndedAt       *time.Time    `json:"ended_at,omitempty"`
}

type entryReply struct {
	ID       string         `json:"id"`
	Kind     ledger.Kind    `json:"kind"`
	Payment  string         `json:"payment"`
	At       time.Time      `json:"at"`
	Postings []postingReply `json:"postings"`
}

type postingReply struct {
	Account ledger.Account `json:"account"`
	Amount  int64          `json:"amount_cents"` // debit positive, credit negative
}

func (a *API) ledger(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	m, err := a.clinic.Money(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	out := struct {
		Visit    string                   `json:"visit"`
		Payments []paymentReply           `json:"payments"`
		Entries  []entryReply             `json:"entries"`
		Balances map[ledger.Account]int64 `json:"balances"`
	}{m.Visit.ID, []paymentReply{}, []entryReply{}, map[ledger.Account]int64{}}
	for _, p := range m.Payments {
		out.Payments = append(out.Payments, showPayment(p))
	}
	for _, e := range m.Entries {
		out.Entries = append(out.Entries, showEntry(e))
	}
	for account, sum := range ledger.Balances(m.Entries) {
		out.Balances[account] = int64(sum)
	}
	return reply(w, http.StatusOK, out)
}

func showPayment(p billing.Payment) paymentReply {
	return paymentReply{
		ID: p.ID, State: p.State, Account: p.Account, Amount: int64(p.Amount), Held: int64(p.Held),
		Collected: int64(p.Collected), GivenBack: int64(p.GivenBack), Session: p.Session, Intent: p.Intent,
		CaptureBefore: when(p.CaptureBefore), Why: p.Why, OpenedAt: p.OpenedAt, EndedAt: when(p.EndedAt),
	}
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func showEntry(e ledger.Entry) entryReply {
	out := entryReply{ID: e.ID, Kind: e.Kind, Payment: e.Payment, At: e.At}
	for _, p := range e.Postings {
		out.Postings = append(out.Postings, postingReply{p.Account, int64(p.Amount)})
	}
	return out
}

type actReply struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Role     string    `json:"role"`
	Name     string    `json:"name,omitempty"`
	OnBehalf string    `json:"on_behalf_of,omitempty"`
	Action   string    `json:"action"`
	Version  int       `json:"version,omitempty"`
}

func showAct(r audit.Record) actReply {
	return actReply{r.ID, r.At, r.Actor.ID, r.Actor.Role, r.Actor.Name, r.Actor.OnBehalf, r.Action, r.Version}
}

func (a *API) trail(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	rs, err := a.clinic.Trail(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	out := struct {
		Records []actReply `json:"records"`
	}{[]actReply{}}
	for _, rec := range rs {
		out.Records = append(out.Records, showAct(rec))
	}
	return reply(w, http.StatusOK, out)
}

func (a *API) practice(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	p, err := a.clinic.Practice(r.Context(), c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		ID           string       `json:"id"`
		Name         string       `json:"name"`
		Phone        string       `json:"phone"`
		Zone         string       `json:"time_zone"`
		States       []string     `json:"states"`
		AnswerWithin int          `json:"answer_within_minutes"`
		Readers      string       `json:"who_reads"`
		Consent      consentReply `json:"consent"`
	}{p.ID, p.Name, p.Phone, p.Zone, append([]string{}, p.States...), int(p.Terms.Answer.Minutes()), p.Readers, consentReply(p.Consent)})
}

type jobReply struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Visit   string    `json:"visit,omitempty"`
	Payment string    `json:"payment,omitempty"`
	Why     string    `json:"why"`
	Tries   int       `json:"tries"`
	At      time.Time `json:"at"`
}

func (a *API) jobs(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	ds, err := a.clinic.Jobs(r.Context(), c)
	if err != nil {
		return err
	}
	out := struct {
		Jobs []jobReply `json:"jobs"`
	}{[]jobReply{}}
	for _, d := range ds {
		out.Jobs = append(out.Jobs, jobReply{d.ID, string(d.Kind), d.Visit, d.Payment, d.Note, d.Tries, d.At})
	}
	return reply(w, http.StatusOK, out)
}

// exportLog streams the practice's log as it stands at the latest checkpoint:
// one leaf a line, each exactly the bytes that are hashed.
func (a *API) exportLog(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	leaves, _, err := a.clinic.ExportLog(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	for _, l := range leaves {
		if _, err := w.Write(append(l, '\n')); err != nil { //nolint:gosec // lines of JSON, never HTML
			return err
		}
	}
	return nil
}

func (a *API) checkpoint(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	h, err := a.clinic.Checkpoint(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write(h.Checkpoint)
	return err
}

func (a *API) logKey(w http.ResponseWriter, r *http.Request) error {
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	key, err := a.clinic.LogVerifier(r.Context(), c)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write([]byte(key + "\n")) //nolint:gosec // plain text of our own making
	return err
}
