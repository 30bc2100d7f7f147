package web

import (
	"bytes"
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic/office"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/reconcile"
	"evisit/pkg/statement"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

const moneyAt = "/desk/money"

// A moneyView is what a practice's money adds up to in a period.
type moneyView struct {
	Period   string // in words
	From, To string
	Periods  []link
	Figures  []figureView
	Net      string
	PaidOut  figureView
	Ways     []sumsRow
	Answered []sumsTable // the same of visits, by form and by clinician
	Accounts []accountSums
	Closed   string // until when the books are closed; empty before the first month
	Chart    chartView
	Days     []daySums // with entries
	Entries  string    // address of all of them
	File     string    // and of the file
	Open     []openMoney
	Compared []comparedView
}

// A comparedView is one comparison of the books with Stripe's balance.
type comparedView struct {
	From, Through string
	Moved         int
	Differences   int
	Accepted      []string // what differs as somebody accepted it
}

// shownComparisons is how many of the latest are shown.
const shownComparisons = 7

func comparedOf(all []reconcile.Outcome, p practice.Practice) []comparedView {
	var views []comparedView
	for _, o := range all[:min(len(all), shownComparisons)] {
		view := comparedView{From: p.Local(o.From), Through: p.Local(o.Through), Moved: o.Transactions, Differences: o.Differences}
		for _, a := range o.Known {
			view.Accepted = append(view.Accepted, a.String()+" ("+a.Key()+"), accepted by "+a.By+" on "+p.Local(a.On))
		}
		views = append(views, view)
	}
	return views
}

// A figureView is a sum, and the entries that it is the sum of.
type figureView struct{ Name, Amount, Note, Entries string }

// A sumsTable has what was paid for visits by something of theirs.
type sumsTable struct {
	Heading, Column string
	Rows            []sumsRow
}

type sumsRow struct {
	Name, Entries, Collected, Refunded, Disputed, Fees, Net string
}

func sumsRowOf(name string, p statement.Period, only statement.Filter, part statement.Part) sumsRow {
	s := part.Sums
	return sumsRow{
		name, entriesLink(p, only), s[statement.Collected].String(), s[statement.Refunded].String(), s[statement.Disputed].String(), s[statement.Fees].String(), s.Net().String(),
	}
}

type daySums struct {
	Day, Entries, In, Out, Net string
}

// An openMoney is something of the practice's money that somebody must do.
type openMoney struct {
	What, Since, Due string
	About, Number    string // address and name of the visit's money; empty if it is about none
	Late             bool
}

func questionOf(r *http.Request) statement.Question {
	q := r.URL.Query()
	return statement.Question{From: q.Get("from"), To: q.Get("to"), Figure: q.Get("figure"), Way: q.Get("way"), Kind: q.Get("kind"), Form: q.Get("form"), Clinician: q.Get("clinician"), Payer: q.Get("payer")}
}

// moneyLink is the address of a page about a period, or about some entries of it.
func moneyLink(path string, p statement.Period, only statement.Filter, after string) string {
	q := url.Values{"from": {p.From.String()}, "to": {p.Through.String()}}
	for name, value := range map[string]string{"figure": string(only.Figure), "way": string(only.Way), "kind": string(only.Kind), "form": only.Form, "clinician": only.Clinician, "payer": only.Payer, afterField: after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return path + "?" + q.Encode()
}

func entriesLink(p statement.Period, only statement.Filter) string {
	return moneyLink(moneyAt+"/entries", p, only, "")
}

// money shows what a period adds up to, and what is open now.
func (s *site) money(w http.ResponseWriter, r *http.Request, v visitor) error {
	b, of, err := s.Office.Statement(r.Context(), v.Caller, questionOf(r))
	if err != nil {
		return err
	}
	items, err := s.Office.Work(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	outcomes, err := s.Office.Outcomes(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := moneyOf(b, of)
	view.Open, view.Compared = openOf(items, v.practice, s.Now()), comparedOf(outcomes, v.practice)
	return s.show(w, &v, page{view: "money", title: "Money", data: view})
}

func moneyOf(b office.Booked, of *statement.Statement) moneyView {
	p := b.Period
	view := moneyView{
		Period: periodWords(p), From: p.From.String(), To: p.Through.String(), Periods: periodsAround(b),
		Net: of.Whole.Sums.Net().String(), Chart: chartOf(of.Days()),
		Entries: entriesLink(p, statement.Filter{}), File: moneyLink(moneyAt+"/entries.csv", p, statement.Filter{}, ""),
	}
	for _, f := range statement.Figures {
		sum := of.Whole.Sums[f]
		shown := figureView{figureWords[f], sum.String(), notesOf(f, of), entriesLink(p, statement.Filter{Figure: f})}
		switch {
		case f == statement.PaidOut:
			view.PaidOut = shown
		case f != statement.Other || sum != 0:
			view.Figures = append(view.Figures, shown)
		}
	}
	for _, way := range statement.Ways {
		if way == statement.ToBank {
			continue // nobody's payment
		}
		view.Ways = append(view.Ways, sumsRowOf(wayWords[way], p, statement.Filter{Way: way}, of.Ways[way]))
	}
	if len(of.Forms) > 0 {
		view.Answered = []sumsTable{formSums(b, of), clinicianSums(b, of)}
	}
	if len(of.Payers) > 0 {
		view.Answered = append(view.Answered, payerSums(b, of))
	}
	view.Accounts, view.Closed = accountsOf(b, of), closedWords(b)
	for _, d := range of.Days() {
		if d.Entries > 0 {
			in, out := inAndOut(d.Sums)
			view.Days = append(view.Days, daySums{dayWords(d.Day), entriesLink(statement.Period{From: d.Day, Through: d.Day}, statement.Filter{}), in.String(), out.String(), d.Sums.Net().String()})
		}
	}
	return view
}

var figureWords = map[statement.Figure]string{
	statement.Collected: "Collected", statement.Refunded: "Refunded", statement.Disputed: "Taken back by banks", statement.Fees: "Fees", statement.PaidOut: "Paid out to your bank", statement.Other: "Other",
}

var wayWords = map[statement.Way]string{
	statement.ByCard: "Visits, paid by card", statement.ByPlan: "Visits for a health plan, the patient's share", statement.ByMembership: "Yearly memberships", statement.Uncharged: "Visits whose hold was released, nothing charged",
	statement.ToBank: "Payouts to your bank",
}

// notesOf says of how many visits and memberships what was collected is.
func notesOf(f statement.Figure, of *statement.Statement) string {
	if f != statement.Collected {
		return ""
	}
	return several(of.Visits(), "visit", "visits") + ", " + several(of.Memberships(), "yearly membership", "yearly memberships")
}

func several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// inAndOut is what came in, and what went out again.
func inAndOut(s statement.Sums) (in, out money.Cents) {
	return s[statement.Collected] + s[statement.Other], s[statement.Refunded] + s[statement.Disputed] + s[statement.Fees]
}

func periodWords(p statement.Period) string {
	switch p {
	case statement.Period{From: p.From, Through: p.From}:
		return dayWords(p.From)
	case statement.Month(p.From):
		return p.From.Start(time.UTC).Format("January 2006")
	case statement.Year(p.From):
		return p.From.Start(time.UTC).Format("2006")
	}
	return dayWords(p.From) + " to " + dayWords(p.Through)
}

// periodsAround are the periods that people look at, and those before and after the one shown if
// that is a month.
func periodsAround(b office.Booked) []link {
	to := func(p statement.Period, text string) link {
		return link{Href: moneyLink(moneyAt, p, statement.Filter{}, ""), Text: text}
	}
	links := []link{
		to(statement.Period{From: b.Today, Through: b.Today}, "Today"), to(statement.Month(b.Today), "This month"), to(statement.Year(b.Today), "This year"),
	}
	if p := b.Period; p == statement.Month(p.From) {
		before, after := statement.Month(p.From.AddDays(-1)), statement.Month(p.Through.AddDays(1))
		links = append(links, to(before, periodWords(before)))
		if !after.From.After(b.Today) {
			links = append(links, to(after, periodWords(after)))
		}
	}
	return links
}

// openOf are the items that are about money, the oldest first.
func openOf(items []work.Item, p practice.Practice, now time.Time) []openMoney {
	items = slices.DeleteFunc(slices.Clone(items), func(i work.Item) bool { return !i.Kind.OfMoney() })
	slices.SortFunc(items, func(a, b work.Item) int { return cmp.Or(a.Made.Compare(b.Made), strings.Compare(a.ID, b.ID)) })
	var all []openMoney
	for _, i := range items {
		o := openMoney{What: taskWords[i.Kind], Since: p.Local(i.Made), Due: p.Local(i.Due), Late: !now.Before(i.Due)}
		switch {
		case i.Kind == work.Dispute || i.Kind == work.DisputeMissed:
			o.About = disputePath(i.Visit)
		case i.Kind == work.PlanBill:
			o.About = claimPath(i.Visit)
		case i.Visit != "":
			o.About = refundPath(i.Visit)
		}
		if o.About != "" {
			o.Number = visit.Visit{ID: i.Visit}.Number()
		}
		all = append(all, o)
	}
	return all
}

// A chartView is bars of what came in and went out on each day, in units of an SVG. It has no
// words but the bars' own: they would be stretched.
type chartView struct {
	Width, Height, Axis int
	Bars                []bar
	Most                string // what the highest bar is
}

type bar struct {
	X, Y, Height int
	Out          bool // it hangs below the axis
	Words        string
}

// The sizes of a chart: a day's place, and the highest bar.
const (
	dayWidth   = 10
	barHeight  = 100
	chartSpace = 2 // below and above
)

// chartOf draws days. It is zero if nothing came in or went out.
func chartOf(days []statement.DaySum) chartView {
	var most money.Cents
	for _, d := range days {
		in, out := inAndOut(d.Sums)
		most = max(most, in, out)
	}
	if most == 0 {
		return chartView{}
	}
	c := chartView{Width: len(days) * dayWidth, Axis: barHeight + chartSpace, Most: most.String()}
	lowest := 0
	for n, d := range days {
		in, out := inAndOut(d.Sums)
		if h := heightOf(in, most); h > 0 {
			c.Bars = append(c.Bars, bar{n * dayWidth, c.Axis - h, h, false, dayWords(d.Day) + ": " + in.String() + " came in"})
		}
		if h := heightOf(out, most); h > 0 {
			lowest = max(lowest, h)
			c.Bars = append(c.Bars, bar{n * dayWidth, c.Axis, h, true, dayWords(d.Day) + ": " + out.String() + " went out"})
		}
	}
	c.Height = c.Axis + lowest + chartSpace
	return c
}

// heightOf is the height of an amount's bar: at least 1 of what is more than nothing.
func heightOf(amount, most money.Cents) int {
	if amount <= 0 {
		return 0
	}
	return max(1, int(amount*barHeight/most))
}

// An accountSums is what an account stood at before a period, by how much it changed, and what it
// stands at after. Debits are positive, as in the file for an accountant.
type accountSums struct{ Name, Opening, Change, Closing string }

func accountsOf(b office.Booked, of *statement.Statement) []accountSums {
	var all []accountSums
	for _, account := range slices.Sorted(maps.Keys(b.Closing.Accounts)) {
		before, change := b.Opening.Accounts[account], of.Accounts[account]
		if before == 0 && change == 0 {
			continue
		}
		name := cmp.Or(accountWords[account], string(account))
		all = append(all, accountSums{name, before.String(), change.String(), b.Closing.Accounts[account].String()})
	}
	return all
}

var accountWords = map[ledger.Account]string{
	ledger.Stripe: "At Stripe", ledger.Bank: "Paid out to your bank", ledger.VisitFees: "Fees for visits", ledger.DeferredFees: "Yearly fees not earned yet",
	ledger.MembershipFees: "Yearly fees earned", ledger.Refunds: "Refunds", ledger.Disputes: "Taken back by banks", ledger.DisputeFees: "Stripe's fees for disputes",
	ledger.StripeFees: "Stripe's fees", ledger.PlatformFees: "The platform's fees", ledger.Holds: "Held on cards", ledger.HoldsOwed: "Held on cards, to be charged or released",
}

// closedWords says until when the books are closed: the last day of the last month that is.
func closedWords(b office.Booked) string {
	if b.Closed.IsZero() {
		return ""
	}
	return dayWords(civil.Of(b.Closed, b.Zone).AddDays(-1))
}

func formSums(b office.Booked, of *statement.Statement) sumsTable {
	t := sumsTable{Heading: "By form", Column: "Form"}
	for name, part := range of.Forms {
		t.Rows = append(t.Rows, sumsRowOf(formWords(b, name), b.Period, statement.Filter{Form: name}, part))
	}
	return t.sorted()
}

func clinicianSums(b office.Booked, of *statement.Statement) sumsTable {
	t := sumsTable{Heading: "By who answered", Column: "Clinician"}
	for id, part := range of.Clinicians {
		t.Rows = append(t.Rows, sumsRowOf(clinicianWords(b, id), b.Period, statement.Filter{Clinician: id}, part))
	}
	return t.sorted()
}

func payerSums(b office.Booked, of *statement.Statement) sumsTable {
	t := sumsTable{Heading: "Patients' shares by health plan", Column: "Health plan"}
	for id, part := range of.Payers {
		t.Rows = append(t.Rows, sumsRowOf(cmp.Or(b.Payers[id], id), b.Period, statement.Filter{Payer: id}, part))
	}
	return t.sorted()
}

func (t sumsTable) sorted() sumsTable {
	slices.SortFunc(t.Rows, func(a, b sumsRow) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Entries, b.Entries))
	})
	return t
}

func formWords(b office.Booked, name string) string {
	if name == statement.Unnamed {
		return "A form that was not noted"
	}
	return cmp.Or(b.Forms[name], name)
}

func clinicianWords(b office.Booked, id string) string {
	if id == statement.Unnamed {
		return "Not answered, or not noted by whom"
	}
	return cmp.Or(b.Clinicians[id], id)
}

func entriesHeading(b office.Booked) string {
	switch only := b.Only; {
	case only.Form != "":
		return formWords(b, only.Form)
	case only.Clinician != "":
		return clinicianWords(b, only.Clinician)
	case only.Payer != "":
		return "Shares of members of " + cmp.Or(b.Payers[only.Payer], only.Payer)
	default:
		return cmp.Or(figureWords[only.Figure], wayWords[only.Way], "Entries of the books")
	}
}

// An entriesView is entries of a period: all, or those of one figure.
type entriesView struct {
	Back, Heading, Period string
	Entries               []bookedEntry
	Sum                   string // of the figure, if all of its entries are shown
	Next, File            string
}

type bookedEntry struct {
	When, What    string
	Amount        string // what it is told as
	Part          string // of the figure
	AtStripe      string
	About, Number string // address and name of what it is about; empty of a payout
}

const entriesPage = 100

// entries shows the entries that a figure is the sum of.
func (s *site) entries(w http.ResponseWriter, r *http.Request, v visitor) error {
	q, after := questionOf(r), clipCursor(r.URL.Query().Get(afterField))
	b, all, next, err := s.Office.BookedEntries(r.Context(), v.Caller, q, after, entriesPage)
	if err != nil {
		return err
	}
	only := b.Only
	view := entriesView{
		Back: moneyLink(moneyAt, b.Period, statement.Filter{}, ""), Heading: entriesHeading(b),
		Period: periodWords(b.Period), File: moneyLink(moneyAt+"/entries.csv", b.Period, only, ""),
	}
	if next != "" {
		view.Next = moneyLink(moneyAt+"/entries", b.Period, only, next)
	}
	var sum money.Cents
	for _, e := range all {
		shown := bookedEntry{
			When: v.practice.Local(e.At), What: bookedWords(string(e.Kind)), Amount: e.Amount().String(), AtStripe: statement.SumsOf(e).AtStripe().String(),
		}
		if only.Figure != "" {
			part := statement.SumsOf(e)[only.Figure]
			shown.Part, sum = part.String(), sum+part
		}
		switch about := statement.AboutOf(e); statement.WayOf(e) {
		case statement.ByCard, statement.ByPlan, statement.Uncharged: // an administrator may see what was paid for a visit
			shown.About, shown.Number = refundPath(about), visit.Visit{ID: about}.Number()
		case statement.ByMembership:
			payer, _, _ := strings.Cut(about, ".")
			shown.About, shown.Number = patientPath(payer), "The member"
		case statement.ToBank:
		}
		view.Entries = append(view.Entries, shown)
	}
	if only.Figure != "" && after == "" && next == "" {
		view.Sum = sum.String()
	}
	return s.show(w, &v, page{view: "entries", title: view.Heading, data: view})
}

// entriesFile sends the entries as a file for an accountant.
func (s *site) entriesFile(w http.ResponseWriter, r *http.Request, v visitor) error {
	b, all, err := s.Office.ExportEntries(r.Context(), v.Caller, questionOf(r))
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := statement.WriteCSV(&file, all, b.Zone); err != nil {
		return err
	}
	return sendFile(w, "text/csv; charset=utf-8", "money-"+b.Period.From.String()+"-to-"+b.Period.Through.String()+".csv", file.Bytes())
}

// bookedWords says what an entry of the books records, to the practice.
func bookedWords(kind string) string {
	switch kind {
	case "hold":
		return "Held on a card"
	case "capture", "charge":
		return "Charged"
	case "release":
		return "Hold released"
	case "refund":
		return "Refunded"
	case "refund_failed":
		return "Refund came back"
	case "dispute_taken":
		return "Taken back by a bank"
	case "dispute_returned":
		return "Returned by a bank"
	case "dispute_fee":
		return "Stripe's fee for a dispute"
	case "dispute_fee_returned":
		return "Stripe's fee for a dispute, returned"
	case "stripe_fee":
		return "Stripe's fee"
	case "stripe_fee_returned":
		return "Stripe's fee, returned"
	case "platform_fee":
		return "The platform's fee"
	case "platform_fee_returned":
		return "The platform's fee, returned"
	case "payout":
		return "Paid out to your bank"
	case "payout_returned":
		return "Payout came back"
	case "membership_fee":
		return "Yearly fee paid"
	case "membership_earned":
		return "Yearly fee earned"
	}
	return capital(strings.ReplaceAll(kind, "_", " "))
}
