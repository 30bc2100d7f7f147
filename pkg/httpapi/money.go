package httpapi

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"evisit/pkg/clinic/office"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
)

const typeCSV = "text/csv; charset=utf-8"

// Of the books: which period is asked for, and which of its entries.
var (
	ofPeriod = []Param{
		{"from", "date", "The first day, in the practice's zone; else that of the current month."},
		{"to", "date", "The last day, at most 366 days with the first; needed with `from`."},
	}
	ofEntries = append(slices.Clip(ofPeriod),
		Param{"figure", "", "Only entries that have a part of `collected`, `refunded`, `disputed`, `fees`, `paid_out` or `other`."},
		Param{"way", "", "Only entries of this way: `card`, `plan`, `membership`, `uncharged` or `payout`."},
		Param{"kind", "", "Only entries of this kind."},
		Param{"form", "", "Only entries of visits on this form; of those that name none: `none`."},
		Param{"clinician", "", "Only entries of visits that this person answered; of those that name nobody: `none`."},
		Param{"payer", "", "Only entries of the shares of this payer's members."},
	)
)

func questionOf(r *Request) statement.Question {
	q := r.URL.Query()
	return statement.Question{From: q.Get("from"), To: q.Get("to"), Figure: q.Get("figure"), Way: q.Get("way"), Kind: q.Get("kind"), Form: q.Get("form"), Clinician: q.Get("clinician"), Payer: q.Get("payer")}
}

var getMoney = Endpoint{
	Method: "GET", Path: "/practice/money", ID: "getMoney", Group: "Practice",
	For: "Read what a period's money adds up to",
	Text: "What was collected, refunded, disputed and taken by Stripe on the days of a period, by day, by what was paid for and how, by form, clinician and payer, by kind of entry and " +
		"by account of the books, with what each account stood at before and after. Every figure is a sum of entries, which `listEntries` names. It lags about a second, and is recorded once an hour. For admins.",
	Who: Known, Query: ofPeriod,
	Out: moneyReply{}, OutText: "The statement.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "too_many_entries"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		b, s, err := a.Office.Statement(r.Context(), r.Caller, questionOf(r))
		if err != nil {
			return Reply{}, err
		}
		return Reply{Body: showStatement(b, s)}, nil
	},
}

// The days of which something is told.
type periodReply struct {
	// The first.
	From string `json:"from" schema:"format=date"`
	// The last.
	To string `json:"to" schema:"format=date"`
	// IANA name of the zone whose days these are.
	Zone string `json:"time_zone"`
}

func showPeriod(b office.Booked) periodReply {
	return periodReply{b.Period.From.String(), b.Period.Through.String(), b.Zone.String()}
}

// What some entries add up to.
type sumsReply struct {
	// How many there are.
	Entries int `json:"entries" schema:"min=0"`
	// Paid by patients.
	Collected int64 `json:"collected_cents"`
	// Given back to them; negative where more came back by failed refunds.
	Refunded int64 `json:"refunded_cents"`
	// Taken back by banks; negative where more was won.
	Disputed int64 `json:"disputed_cents"`
	// Taken by Stripe, and by the platform.
	Fees int64 `json:"fees_cents"`
	// Paid out to the practice's bank; negative where more came back by failed payouts.
	PaidOut int64 `json:"paid_out_cents"`
	// Came in for anything else; negative if it went out.
	Other int64 `json:"other_cents"`
	// What is left of what was collected, before payouts.
	Net int64 `json:"net_cents"`
}

func showSums(p statement.Part) sumsReply {
	s := p.Sums
	return sumsReply{
		p.Entries, int64(s[statement.Collected]), int64(s[statement.Refunded]), int64(s[statement.Disputed]), int64(s[statement.Fees]),
		int64(s[statement.PaidOut]), int64(s[statement.Other]), int64(s.Net()),
	}
}

// What a practice's money adds up to.
type moneyReply struct {
	periodReply
	Totals sumsReply `json:"totals"`
	// How many visits were charged for.
	Visits int `json:"visits_charged" schema:"min=0"`
	// How many yearly fees were paid.
	Memberships int `json:"memberships_paid" schema:"min=0"`
	// What was paid for, and how; those without entries, too.
	Ways  []waySumsReply  `json:"by_way"`
	Kinds []kindSumsReply `json:"by_kind"`
	// What was paid for visits, by form, of those that have entries.
	Forms []formSumsReply `json:"by_form"`
	// The same by who answered.
	Clinicians []clinicianSumsReply `json:"by_clinician"`
	// What members of health plans paid as their share, by payer, of those that have entries.
	Payers []payerSumsReply `json:"by_payer"`
	// The sums of the postings. They add up to zero.
	Accounts map[ledger.Account]int64 `json:"by_account"`
	// What the accounts stood at before the first day, and after the last; debits are positive.
	Opening map[ledger.Account]int64 `json:"opening_cents"`
	Closing map[ledger.Account]int64 `json:"closing_cents"`
	// The books are closed until then, and do not change; absent before the first month was closed.
	Closed *time.Time `json:"closed_until,omitempty"`
	// Every day of the period, in order.
	Days []daySumsReply `json:"by_day" schema:"max=366"`
}

type waySumsReply struct {
	// `card`: a visit's fee. `plan`: a patient's share of a visit that a health plan pays for. `membership`: a yearly fee. `uncharged`: the hold for a visit was
	// released, and nothing charged. `payout`: a payout to the practice's bank.
	Way statement.Way `json:"way" schema:"enum=card|plan|membership|uncharged|payout"`
	sumsReply
}

type kindSumsReply struct {
	Kind    ledger.Kind `json:"kind"`
	Entries int         `json:"entries" schema:"min=1"`
	// What the entries are told as, without a sign.
	Amount int64 `json:"amount_cents" schema:"min=0"`
}

type formSumsReply struct {
	// The form's name; `none` of what was booked before entries named it.
	Form string `json:"form"`
	// As the practice has it now; absent if it has none.
	Title string `json:"title,omitempty"`
	sumsReply
}

type clinicianSumsReply struct {
	// A person's id; `none` while nobody has answered, and of what was booked before entries named them.
	Clinician string `json:"clinician"`
	// Absent if nobody is named.
	Name string `json:"name,omitempty"`
	sumsReply
}

type payerSumsReply struct {
	// The payer's id at the clearinghouse.
	Payer string `json:"payer"`
	Name  string `json:"name,omitempty"`
	sumsReply
}

type daySumsReply struct {
	Day string `json:"day" schema:"format=date"`
	sumsReply
}

func showStatement(b office.Booked, s *statement.Statement) moneyReply {
	out := moneyReply{
		periodReply: showPeriod(b), Totals: showSums(s.Whole), Visits: s.Visits(), Memberships: s.Memberships(),
		Kinds: []kindSumsReply{}, Forms: []formSumsReply{}, Clinicians: []clinicianSumsReply{}, Payers: []payerSumsReply{},
	}
	for _, w := range statement.Ways {
		out.Ways = append(out.Ways, waySumsReply{w, showSums(s.Ways[w])})
	}
	for _, k := range slices.Sorted(maps.Keys(s.Kinds)) {
		out.Kinds = append(out.Kinds, kindSumsReply{k, s.Kinds[k].Entries, int64(s.Kinds[k].Amount)})
	}
	for _, f := range slices.Sorted(maps.Keys(s.Forms)) {
		out.Forms = append(out.Forms, formSumsReply{f, b.Forms[f], showSums(s.Forms[f])})
	}
	for _, c := range slices.Sorted(maps.Keys(s.Clinicians)) {
		out.Clinicians = append(out.Clinicians, clinicianSumsReply{c, b.Clinicians[c], showSums(s.Clinicians[c])})
	}
	for _, p := range slices.Sorted(maps.Keys(s.Payers)) {
		out.Payers = append(out.Payers, payerSumsReply{p, b.Payers[p], showSums(s.Payers[p])})
	}
	out.Accounts, out.Opening, out.Closing = showAccounts(s.Accounts), showAccounts(b.Opening.Accounts), showAccounts(b.Closing.Accounts)
	if !b.Closed.IsZero() {
		out.Closed = &b.Closed
	}
	for _, d := range s.Days() {
		out.Days = append(out.Days, daySumsReply{d.Day.String(), showSums(d.Part)})
	}
	return out
}

func showAccounts(sums map[ledger.Account]money.Cents) map[ledger.Account]int64 {
	shown := map[ledger.Account]int64{}
	for account, sum := range sums {
		shown[account] = int64(sum)
	}
	return shown
}

var listEntries = Endpoint{
	Method: "GET", Path: "/practice/money/entries", ID: "listEntries", Group: "Practice",
	For:  "List the entries of a period",
	Text: "What was booked on the days of a period, in order, or those entries that make up a figure of `getMoney`. A page may have a few more than `limit`, for entries of one instant stay together. It lags about a second, and is recorded once an hour. For admins.",
	Who:  Known, Paged: true, Query: ofEntries,
	Out: entriesReply{}, OutText: "A page of them.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "too_many_entries"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		b, es, next, err := a.Office.BookedEntries(r.Context(), r.Caller, questionOf(r), r.After, r.Limit)
		if err != nil {
			return Reply{}, err
		}
		out := entriesReply{showPeriod(b), []bookedReply{}, showCursor(r.list, next)}
		for _, e := range es {
			out.Entries = append(out.Entries, showBooked(e))
		}
		return Reply{Body: out}, nil
	},
}

// A page of entries.
type entriesReply struct {
	periodReply
	// Oldest first.
	Entries []bookedReply `json:"entries"`
	// The cursor of the next page; absent on the last one.
	Next string `json:"next,omitempty" schema:"min=1"`
}

// An entry, and what it is about.
type bookedReply struct {
	entryReply
	Way statement.Way `json:"way" schema:"enum=card|plan|membership|uncharged|payout"`
	// Of a visit alone.
	Visit string `json:"visit,omitempty"`
	// As people are told it.
	Number string `json:"visit_number,omitempty"`
	// Of a membership alone.
	Membership string `json:"membership,omitempty"`
	// Of a payout alone.
	Payout string `json:"payout,omitempty"`
	// Of a visit: its form, and who had answered it; absent where they were not noted.
	Form      string `json:"form,omitempty"`
	Clinician string `json:"clinician,omitempty"`
	// The payer of whose member's share it is; absent if of none.
	Payer string `json:"payer,omitempty"`
}

func showBooked(e ledger.Entry) bookedReply {
	out := bookedReply{entryReply: showEntry(e), Way: statement.WayOf(e), Form: e.Form, Clinician: e.Clinician, Payer: e.Payer}
	switch about := statement.AboutOf(e); out.Way {
	case statement.ByMembership:
		out.Membership = about
	case statement.ToBank:
		out.Payout = about
	case statement.ByCard, statement.ByPlan, statement.Uncharged:
		out.Visit, out.Number = about, visit.Visit{ID: about}.Number()
	}
	return out
}

var exportEntries = Endpoint{
	Method: "GET", Path: "/practice/money/entries.csv", ID: "exportEntries", Group: "Practice",
	For: "Export the entries of a period",
	Text: "The entries that `listEntries` has, for an accountant: a CSV file (RFC 4180) with a line for each posting, of the columns `time` in the practice's zone with its offset, " +
		"`entry`, `kind`, `about` (a visit, a membership or a payout), `payment`, `way`, `account`, `figure`, `amount_cents`, `amount_usd`, `form`, `clinician` and `payer`. Debits are positive, and the lines of an entry add up " +
		"to zero. A text that a spreadsheet would take for a formula begins with an apostrophe. Of more than 8,000 entries ask for a shorter period. Each call is recorded. For admins.",
	Who: Known, Query: ofEntries,
	Out: "", Type: typeCSV, OutText: "The file.",
	Refuses: []Refusal{{Code: "denied"}, {Code: "too_many_entries"}},
	Serve: func(a *API, r *Request) (Reply, error) {
		b, es, err := a.Office.ExportEntries(r.Context(), r.Caller, questionOf(r))
		if err != nil {
			return Reply{}, err
		}
		var file bytes.Buffer
		err = statement.WriteCSV(&file, es, b.Zone)
		return Reply{Body: file.Bytes()}, err
	},
}
