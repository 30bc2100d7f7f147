package web_test

import (
	"encoding/csv"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/ledger"
	"evisit/pkg/reconcile"
	"evisit/pkg/visit"
)

// An administrator sees what a month's money adds up to, and comes from each figure to the
// entries that it is the sum of, and from these to the request. What is open is told with it.
func TestMoney_FiguresLeadToEntries(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada, drx := h.as(t, "Ada", "/my"), h.as(t, "Dr. X", "/desk")
	id, page := h.sent(t, ada)
	drx.answers(id)
	adm := h.as(t, "Adm", "/desk/work")
	adm.link("Money")
	adm.wants(http.StatusOK, h.clock().Format("January 2006"), "Collected", "$0.00", "Nothing is open")
	if len(find(adm.page, "svg")) != 0 {
		t.Error("a month without money has a chart")
	}

	h.contests(t, page, "needs_response")
	out, err := ledger.PaidOut("payout.po_1", "oak", 0, 10_00, 1, h.clock())
	must(t, err)
	must(t, h.store.Commit(t.Context(), clinic.Commit{Entries: []ledger.Entry{out}, Audit: []audit.Record{{ID: "payout-1", Practice: "oak", At: h.clock(), Action: "payout.paid"}}}))
	adm.get("/desk/money")
	adm.wants(http.StatusOK, "1 visit, 0 yearly memberships", "$40.00", "$15.00", "-$15.00", "A charge is disputed", visit.Visit{ID: id}.Number())
	if n := len(find(adm.page, "rect")); n != 2 || len(find(find(adm.page, "svg")[0], "title")) != n {
		t.Errorf("the chart has %d bars, want that of what came in and that of what went out, each with its words", n)
	}
	adm.wants(http.StatusOK, "No month of the books is closed yet", "At Stripe$0.00-$25.00-$25.00", "Fees for visits$0.00-$40.00-$40.00")
	adm.link("Xenia Xu, MD")
	adm.wants(http.StatusOK, "Xenia Xu, MD", "Charged", "Taken back by a bank")
	if strings.Contains(adm.text(), "Held on a card") {
		t.Error("a hold is among what was paid for answers")
	}
	adm.link("Back to the money")
	adm.link("Urinary symptoms")
	adm.wants(http.StatusOK, "Urinary symptoms", "Held on a card", "Charged")
	adm.link("Back to the money")
	adm.wants(http.StatusOK, "Not answered, or not noted by whom")
	adm.link("Collected")
	adm.wants(http.StatusOK, "Charged", "Together: $40.00", visit.Visit{ID: id}.Number())
	if strings.Contains(adm.text(), "Held on a card") {
		t.Error("a hold is among what was collected")
	}
	adm.link("Back to the money")
	adm.link("Fees")
	adm.wants(http.StatusOK, "Stripe's fee for a dispute", "Together: $15.00", "-$15.00")
	adm.link("Back to the money")
	adm.link("Paid out to your bank")
	adm.wants(http.StatusOK, "Together: $10.00", "-$10.00")
	adm.link("Back to the money")
	adm.link("All entries of the books")
	adm.wants(http.StatusOK, "Held on a card", "Charged", "Taken back by a bank")
	adm.link(visit.Visit{ID: id}.Number())
	adm.wants(http.StatusOK, "$40.00 charged", "$40.00 taken back by the cardholder's bank")

	first := h.clock().Format("2006-01-") + "01"
	res, err := adm.client.Get(adm.base + "/desk/money/entries.csv?figure=collected&from=" + first + "&to=" + h.clock().Format(time.DateOnly))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(res.Body).ReadAll()
	if err = errors.Join(err, res.Body.Close()); err != nil || len(lines) < 3 || !strings.Contains(res.Header.Get("Content-Disposition"), "money-"+first) {
		t.Errorf("the file is %q, %v, %v", lines, res.Header, err)
	}
}

// Money is the administrators', and a period that is none is refused in words.
func TestMoney_Refused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, who := range []string{"Ada", "Dr. X", "Nan"} {
		b := h.as(t, who, "/desk/money")
		for _, path := range []string{"/desk/money", "/desk/money/entries", "/desk/money/entries.csv"} {
			b.get(path)
			b.wants(http.StatusForbidden)
		}
		if strings.Contains(b.text(), "Money") {
			t.Errorf("%s is led to the money", who)
		}
	}
	adm := h.as(t, "Adm", "/desk/money?from=2026-02-30&to=2026-01-01")
	adm.wants(http.StatusUnprocessableEntity, "Write the day as 2026-04-12")
	adm.get("/desk/money/entries?figure=holds")
	adm.wants(http.StatusUnprocessableEntity, "One of: collected")
	day := h.clock().Add(-40 * 24 * time.Hour).Format(time.DateOnly)
	adm.get("/desk/money?from=" + day + "&to=" + day)
	adm.wants(http.StatusOK, "$0.00")
	adm.get("/desk/money/entries?from=" + day + "&to=" + day + "&after=zzz")
	adm.wants(http.StatusOK, "There are none")
}

// A difference that somebody accepted is shown as that, with who and when, and not as open.
func TestMoney_AcceptedDifferences(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	o := reconcile.Outcome{Practice: "oak", Account: "acct_1", Window: reconcile.Window{From: h.clock().Add(-24 * time.Hour), Through: h.clock()}, At: h.clock(), Transactions: 1}
	o = o.WithAccepted(reconcile.Accepted{Difference: reconcile.Difference{Object: "pi_7", Stripe: reconcile.Total{Gross: 20_00}}, By: "adm", On: h.clock()})
	must(t, h.store.Commit(t.Context(), clinic.Commit{At: h.clock(), Outcome: &o, Audit: []audit.Record{{
		ID: "compared", Practice: "oak", At: h.clock(), Actor: clinic.System("charge"), Action: "account.compared", Resource: "acct_1",
	}}}))
	adm := h.as(t, "Adm", "/desk/money")
	adm.wants(http.StatusOK, "none open", "The books have nothing; Stripe has $20.00 (pi_7), accepted by adm on ")
}
