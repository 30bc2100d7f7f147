package archive

import (
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic/request"
	"evisit/pkg/coverage"
	"evisit/pkg/intake"
	"evisit/pkg/ledger"
	"evisit/pkg/phi"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// recordJSON is record.json: who the patient is, and what else the part has.
type recordJSON struct {
	Patient      string         `json:"patient"`
	Name         phi.Text       `json:"name"`
	Birth        string         `json:"birth_date,omitempty"`
	Sex          string         `json:"sex,omitempty"`
	Email        phi.Text       `json:"email,omitempty"`
	Phone        phi.Text       `json:"phone,omitempty"`
	Practice     string         `json:"practice"`
	PracticeName string         `json:"practice_name"`
	Made         time.Time      `json:"made_at"`
	Coverages    []coverageJSON `json:"coverages,omitempty"`  // of the first part
	Next         string         `json:"next_part,omitempty"`  // where the record goes on
	Requests     []string       `json:"requests"`             // their folders, the newest first
	Access       []actJSON      `json:"access"`               // to what is about no request
	AccessCut    bool           `json:"access_cut,omitempty"` // there was more, and earlier
}

// coverageJSON is a health plan of the patient, in the words of the API.
type coverageJSON struct {
	ID         string            `json:"id"`
	Payer      string            `json:"payer,omitempty"` // empty: the plan is none of the payers that are known
	PayerName  string            `json:"payer_name,omitempty"`
	Medicare   coverage.Medicare `json:"medicare,omitempty"`
	Plan       phi.Text          `json:"plan,omitempty"`
	Member     phi.Text          `json:"member_id"`
	Group      phi.Text          `json:"group,omitempty"`
	Relation   coverage.Relation `json:"relation"`
	Subscriber *subscriberJSON   `json:"subscriber,omitempty"` // nil if it is the patient's own
	From       string            `json:"from,omitempty"`
	Until      string            `json:"until,omitempty"`
	Priority   int               `json:"priority"`
	By         string            `json:"entered_by"`
	At         time.Time         `json:"entered_at"`
	CheckedBy  string            `json:"checked_by,omitempty"`
	Checked    time.Time         `json:"checked_at,omitzero"` // zero: nobody at the practice has compared it with its card
}

type subscriberJSON struct {
	First phi.Text `json:"first_name"`
	Last  phi.Text `json:"last_name"`
	Birth string   `json:"birth_date"`
	Sex   string   `json:"sex,omitempty"`
}

func showCoverages(all []coverage.Held) []coverageJSON {
	var out []coverageJSON
	for _, h := range all {
		c := h.Card
		one := coverageJSON{
			ID: h.ID, Payer: c.Payer, PayerName: h.Payer.Name, Medicare: h.Medicare(), Plan: c.Plan, Member: c.Member, Group: c.Group, Relation: c.Relation,
			From: c.From.String(), Until: c.Until.String(), Priority: c.Priority, By: h.By, At: h.At, CheckedBy: h.Checked.By, Checked: h.Checked.At,
		}
		if s := c.Subscriber; c.Relation != coverage.Self {
			one.Subscriber = &subscriberJSON{s.First, s.Last, s.Birth.String(), s.Sex}
		}
		out = append(out, one)
	}
	return out
}

// requestJSON is a request.json. The encounter document is a file of its own, because its
// bytes are what the hash proves.
type requestJSON struct {
	ID           string            `json:"id"`
	Number       string            `json:"number"`
	Form         formJSON          `json:"form"`
	Status       visit.Status      `json:"status"`
	Reason       visit.Reason      `json:"reason,omitempty"`
	State        string            `json:"state,omitempty"`
	Started      time.Time         `json:"started_at"`
	Timeline     []stepJSON        `json:"timeline"`
	Answered     string            `json:"answered_by,omitempty"`
	DocumentHash string            `json:"document_sha256,omitempty"`
	Response     intake.Response   `json:"response"`
	Answers      []record.QA       `json:"answers"`
	Messages     []record.Message  `json:"messages"`
	Diversion    *diversionJSON    `json:"diversion,omitempty"`
	Conclusion   *visit.Conclusion `json:"conclusion,omitempty"`
	Payments     []paymentJSON     `json:"payments"`
	Restricted   bool              `json:"restricted,omitempty"` // no health plan is told of it
	Access       []actJSON         `json:"access"`
	AccessCut    bool              `json:"access_cut,omitempty"` // there was more, and earlier
}

type formJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Title   string `json:"title"`
}

type stepJSON struct {
	Step visit.StepKind `json:"step"`
	At   time.Time      `json:"at"`
}

type diversionJSON struct {
	Disposition intake.Disposition `json:"disposition"`
	At          time.Time          `json:"at"`
	Message     phi.Text           `json:"message"`
}

type paymentJSON struct {
	ID        string        `json:"id"`
	State     billing.State `json:"state"`
	Amount    int64         `json:"amount_cents"`
	Held      int64         `json:"held_cents"`
	Collected int64         `json:"collected_cents"`
	Refunded  int64         `json:"refunded_cents"`
	TakenBack int64         `json:"taken_back_cents,omitempty"` // by the cardholder's bank
	Receipt   string        `json:"receipt,omitempty"`
	Opened    time.Time     `json:"opened_at"`
	Entries   []entryJSON   `json:"entries"`
}

type entryJSON struct {
	Kind ledger.Kind `json:"kind"`
	At   time.Time   `json:"at"`
}

// actJSON is who did or saw something, in words and as the log has it.
type actJSON struct {
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Role    string    `json:"role,omitempty"`
	What    string    `json:"what"`
	Refused bool      `json:"refused,omitempty"`
	Why     string    `json:"why,omitempty"`
	Action  string    `json:"action"`
}

func showVisit(rec request.Record, r request.VisitRecord) requestJSON {
	v := r.Chart.Visit
	out := requestJSON{
		ID: v.ID, Number: v.Number(), Form: formJSON{v.Form.Name, v.Form.Version, r.Chart.Form.Title()}, Status: v.Status, Reason: v.Reason, State: v.State,
		Started: v.Times.Started, DocumentHash: v.Document, Response: r.Chart.Response, Answers: append([]record.QA{}, r.Chart.Answers...),
		Messages: append([]record.Message{}, r.Chart.Messages...), Payments: []paymentJSON{}, Restricted: v.Quote.Restricted, Access: showActs(rec, r.Trail), AccessCut: r.Cut,
	}
	for _, s := range v.Timeline() {
		out.Timeline = append(out.Timeline, stepJSON{s.Kind, s.At})
	}
	if d := r.Chart.Diversion; d != nil {
		out.Diversion = &diversionJSON{d.Disposition, d.At, d.Message}
	}
	if a := r.Answer; a != nil {
		out.Answered, out.Conclusion = a.By.Display, &a.Conclusion
	}
	for _, p := range r.Money.Payments {
		shown := paymentJSON{
			ID: p.ID, State: p.State, Amount: int64(p.Amount), Held: int64(p.Held), Collected: int64(p.Collected), Refunded: int64(p.Refunded),
			TakenBack: int64(p.Withdrawn), Opened: p.OpenedAt, Entries: []entryJSON{},
		}
		if p.Collected > 0 {
			shown.Receipt = v.Receipt(p.ID)
		}
		for _, e := range r.Money.Entries {
			if e.Payment == p.ID {
				shown.Entries = append(shown.Entries, entryJSON{e.Kind, e.At})
			}
		}
		out.Payments = append(out.Payments, shown)
	}
	return out
}

func showActs(rec request.Record, trail []audit.Record) []actJSON {
	all := []actJSON{}
	for _, r := range trail {
		a := record.ActOf(r, rec.Reader)
		all = append(all, actJSON{r.At, a.Who, a.Role, a.What, a.Refused, a.Why, r.Action})
	}
	return all
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// index is what index.html shows.
type index struct {
	request.Record
	Made   string
	First  bool
	Next   string // where the next part is; empty if this is the last
	Visits []listed
	Acts   []act
}

type listed struct {
	Folder, Number, Title, Started string
	Status                         visit.Status
}

// StatusWords calls the status as a page does.
func (l listed) StatusWords() string { return record.StatusWords(l.Status) }

// An act is an Act and when it was.
type act struct {
	record.Act
	When string
}

func actsOf(rec request.Record, trail []audit.Record) []act {
	var all []act
	for _, r := range trail {
		all = append(all, act{record.ActOf(r, rec.Reader), rec.Practice.Local(r.At)})
	}
	return all
}

// page is what request.html shows.
type page struct {
	requestJSON
	Title, StatusWords, Why string
	Steps                   []step
	Said                    []said
	Money                   []string
	Restriction             string // that no health plan is told of it; empty where one may be
	Acts                    []act
}

type step struct{ What, When string }

type said struct {
	Who, When string
	Text      phi.Text
}

func newPage(rec request.Record, r request.VisitRecord, shown requestJSON) page {
	v, local := r.Chart.Visit, rec.Practice.Local
	p := page{
		requestJSON: shown, Title: shown.Form.Title, StatusWords: record.StatusWords(v.Status), Why: v.Reason.ForPatient(), Acts: actsOf(rec, r.Trail), Restriction: v.Quote.Restriction(),
	}
	for _, s := range shown.Timeline {
		p.Steps = append(p.Steps, step{record.StepWords(s.Step, v), local(s.At)})
	}
	for _, m := range shown.Messages {
		who := m.Name
		if who == "" {
			who = "The patient's side"
		}
		p.Said = append(p.Said, said{who, local(m.At), m.Text})
	}
	for _, m := range r.Money.Payments {
		words := m.Amount.String() + " asked for, " + m.Collected.String() + " charged, " + m.Refunded.String() + " refunded (" + strings.ReplaceAll(string(m.State), "_", " ") + ")"
		if m.Withdrawn > 0 {
			words += ", " + m.Withdrawn.String() + " taken back by the bank"
		}
		if m.Collected > 0 {
			words += ", receipt " + v.Receipt(m.ID)
		}
		p.Money = append(p.Money, words+", "+local(m.OpenedAt))
	}
	return p
}
