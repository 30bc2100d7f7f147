package httpapi_test

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
)

type shownSums struct {
	Entries   int
	Collected int64 `json:"collected_cents"`
	Refunded  int64 `json:"refunded_cents"`
	Disputed  int64 `json:"disputed_cents"`
	Fees      int64 `json:"fees_cents"`
	Net       int64 `json:"net_cents"`
}

type shownMoney struct {
	From, To    string
	Zone        string `json:"time_zone"`
	Totals      shownSums
	Visits      int `json:"visits_charged"`
	Memberships int `json:"memberships_paid"`
	ByWay       []struct {
		Way string
		shownSums
	} `json:"by_way"`
	ByForm []struct {
		Form, Title string
		shownSums
	} `json:"by_form"`
	ByClinician []struct {
		Clinician, Name string
		shownSums
	} `json:"by_clinician"`
	ByAccount map[string]int64 `json:"by_account"`
	Opening   map[string]int64 `json:"opening_cents"`
	Closing   map[string]int64 `json:"closing_cents"`
	ByDay     []struct {
		Day string
		shownSums
	} `json:"by_day"`
}

type shownEntries struct {
	Entries []struct{ ID, Kind, Way, Visit, Membership, Payout string }
	Next    string
}

// booked adds entries to the books of lakeside.
func (w *world) booked(t *testing.T, es ...ledger.Entry) {
	t.Helper()
	for _, e := range es {
		r := audit.Record{ID: "booked-" + e.ID, Practice: e.Practice, At: w.now(), Actor: clinic.System("charge"), Action: "membership.active"}
		if err := w.store.Commit(t.Context(), clinic.Commit{Entries: []ledger.Entry{e}, Audit: []audit.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
}

// An administrator reads what the practice's money adds up to, the entries that each figure is
// the sum of, and the same as a file. Nobody else does, and another practice's is not in it.
func TestMoney_FiguresListAndFileAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	w.contests(t, v)
	year, err := ledger.FeePaid("jane-smith.m1", "lakeside", "in_1", 0, 350_00, 0, w.now())
	back, err2 := ledger.FeeRefunded("jane-smith.m1", "lakeside", "in_1", 0, 50_00, false, 0, w.now().Add(24*time.Hour))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	out, err3 := ledger.PaidOut("payout.po_1", "lakeside", 0, -5_00, 1, w.now()) // which Stripe took
	if err3 != nil {
		t.Fatal(err3)
	}
	w.booked(t, year, back, out)
	var m shownMoney
	w.do(t, call{as: "ada-brooks", method: "GET", path: "/practice/money"}, &m)
	if m.From != "2026-03-01" || m.To != "2026-03-31" || len(m.ByDay) != 31 || m.Visits != 1 || m.Memberships != 1 {
		t.Errorf("the month is %+v", m)
	}
	_, es, err := w.store.Money(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	balances := ledger.Balances(append(es, year, back, out))
	want := shownSums{
		Entries: len(es) + 3, Collected: 390_00, Refunded: 50_00, Disputed: int64(balances[ledger.Disputes]), Fees: int64(balances[ledger.DisputeFees] + balances[ledger.StripeFees]),
		Net: int64(balances[ledger.Stripe] + balances[ledger.Bank]),
	}
	if d := cmp.Diff(want, m.Totals); d != "" || m.Totals.Disputed == 0 {
		t.Errorf("totals (-want +got):\n%s", d)
	}
	for account, sum := range balances {
		if of := string(account); m.ByAccount[of] != int64(sum) || m.Opening[of] != 0 || m.Closing[of] != int64(sum) {
			t.Errorf("%s is %d, from %d to %d, want %d", account, m.ByAccount[of], m.Opening[of], m.Closing[of], sum)
		}
	}
	if m.ByDay[1].Collected != 390_00 || m.ByDay[2].Refunded != 50_00 {
		t.Errorf("by day: %+v", m.ByDay[:4])
	}

	if f := m.ByForm; len(f) != 1 || f[0].Form != "uti-women" || f[0].Title == "" || f[0].Entries != len(es) || f[0].Collected != 40_00 {
		t.Errorf("by form: %+v", f)
	}
	if c := m.ByClinician; len(c) != 2 || c[0].Clinician != "ana-rivera" || c[0].Name != "Ana Rivera, MD" || c[0].Collected != 40_00 || c[1].Clinician != "none" || c[1].Entries != 1 {
		t.Errorf("by clinician: %+v", c)
	}

	var later shownMoney
	w.do(t, call{as: "ada-brooks", method: "GET", path: "/practice/money?from=2026-03-10&to=2026-03-20"}, &later)
	if d := cmp.Diff(m.ByAccount, later.Opening); d != "" || later.Totals.Entries != 0 {
		t.Errorf("later the accounts begin with (-want +got):\n%s", d)
	}

	list := func(query string) (all shownEntries) {
		path := "/practice/money/entries?limit=1" + query
		for at := path; ; at = path + "&cursor=" + all.Next {
			var page shownEntries
			w.do(t, call{as: "ada-brooks", method: "GET", path: at}, &page)
			all.Entries, all.Next = append(all.Entries, page.Entries...), page.Next
			switch {
			case all.Next == "":
				return all
			case len(all.Entries) > 20:
				t.Fatal("the pages do not end")
			}
		}
	}
	if all := list(""); len(all.Entries) != want.Entries {
		t.Errorf("%d entries in the list: %+v", len(all.Entries), all)
	}
	if of := list("&way=membership"); len(of.Entries) != 2 || of.Entries[0].Membership != "jane-smith.m1" || of.Entries[1].Kind != "refund" {
		t.Errorf("of memberships: %+v", of)
	}
	if of := list("&figure=paid_out"); len(of.Entries) != 1 || of.Entries[0].Payout != "payout.po_1" || of.Entries[0].Visit+of.Entries[0].Membership != "" {
		t.Errorf("payouts: %+v", of)
	}
	if of := list("&clinician=none"); len(of.Entries) != 1 || of.Entries[0].Kind != "hold" {
		t.Errorf("of nobody's answers: %+v", of)
	}
	if of := list("&form=uti-women&clinician=ana-rivera"); len(of.Entries) != len(es)-1 {
		t.Errorf("of Ana's answers: %+v", of)
	}
	if of := list("&form=rash"); len(of.Entries) != 0 {
		t.Errorf("of another form: %+v", of)
	}
	if of := list("&figure=collected&way=card"); len(of.Entries) != 1 || of.Entries[0].Visit != v.ID {
		t.Errorf("collected by card: %+v", of)
	}

	res := send(t, w.api, call{as: "ada-brooks", method: "GET", path: "/practice/money/entries.csv?from=2026-03-01&to=2026-03-31"})
	lines, err := csv.NewReader(res.Body).ReadAll()
	if err != nil || res.Code != http.StatusOK || !strings.HasPrefix(res.Header().Get("Content-Type"), "text/csv") {
		t.Fatal(res.Code, res.Header(), err)
	}
	figures := map[string]int64{}
	for _, line := range lines[1:] {
		cents, err := strconv.ParseInt(line[8], 10, 64)
		if err != nil || !strings.HasSuffix(line[0], "-08:00") {
			t.Errorf("line %q: %v", line, err)
		}
		figures[line[7]] += cents
	}
	if figures["collected"] != -390_00 || figures["refunded"] != 50_00 || figures["disputed"] != want.Disputed || figures["fees"] != want.Fees {
		t.Errorf("the file adds up to %v", figures)
	}

	var other shownMoney
	w.do(t, call{as: "ruth-vance", method: "GET", path: "/practice/money"}, &other)
	if other.Totals != (shownSums{}) {
		t.Errorf("another practice has %+v", other.Totals)
	}
	for _, path := range []string{"/practice/money", "/practice/money/entries", "/practice/money/entries.csv"} {
		for _, who := range []string{"jane-smith", "ana-rivera", "sam-lee", "dora-quist"} {
			refused(t, send(t, w.api, call{as: who, method: "GET", path: path}), 403, "denied")
		}
	}
	p := refused(t, send(t, w.api, call{as: "ada-brooks", method: "GET", path: "/practice/money/entries?from=x&to=2031-01-01&way=cash"}), 422, "invalid_request")
	if d := cmp.Diff([]string{"from", "to", "way"}, wheres(p.Problems)); d != "" {
		t.Errorf("problems (-want +got):\n%s", d)
	}
}
