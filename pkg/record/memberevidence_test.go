package record_test

import (
	"strings"
	"testing"
	"time"

	"evisit/pkg/membership"
	"evisit/pkg/record"
)

// What a bank is told of a membership says which terms were accepted and announced, when, the year that was
// paid, and on which days included visits were used; nothing names a visit, a patient or a form.
func TestMemberEvidenceOf_PaidAndUsed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	local := func(t time.Time) string { return t.Format(time.DateOnly) }
	terms := membership.Terms{Offer: "yearly-1", Version: 1, Price: 350_00, Members: 1, Visits: 2, Classes: []string{"em"}, Forms: []string{"uti-women"}, Notice: 30, Refund: membership.RefundRule{Full: 14}}
	m := membership.Membership{
		ID: "jane.m1", Payer: "jane", Terms: terms, Accepted: membership.Acceptance{Offer: "yearly-1", Terms: 1, At: at}, Made: at, State: membership.Active,
		Standing: membership.Standing{Status: "active", Year: membership.Year{Start: at, End: at.AddDate(1, 0, 0)}},
	}
	first := membership.Bill{Invoice: "in_1", Number: "A-1", Year: m.Standing.Year, Amount: 350_00, Paid: 350_00, Refunded: 50_00, PaidAt: at.Add(time.Hour)}
	uses := []membership.Use{{Visit: "visit-1", Patient: "jane", At: at.AddDate(0, 1, 0)}}
	e := record.MemberEvidenceOf(m, first, uses, "Lakeside", time.UTC, local)
	for field, want := range map[string]string{
		e.Product:  "A yearly membership of Lakeside, for the year 2 March 2026 to 1 March 2027. It includes 2 visits a year: only 1 form. Nothing is charged for these; further visits cost the posted fee.",
		e.Service:  "2026-03-02",
		e.Activity: "Terms of the membership yearly-1, version 1, and their price accepted: 2026-03-02\nYear paid: 2026-03-02\nIncluded visits used in the year: 1 of 2\nIncluded visit sent: 2026-04-02",
		e.Text:     "Invoice number: A-1\nInvoice: $350.00\nCharged: $350.00\nRefunded: $50.00",
	} {
		if field != want {
			t.Errorf("it says\n%s\nwant\n%s", field, want)
		}
	}
	if !strings.Contains(e.Policy, "A renewal is announced at least 30 days before") || !strings.Contains(e.Policy, "within 14 days") || e.Check() != nil {
		t.Errorf("policy: %s, %v", e.Policy, e.Check())
	}

	dearer := terms
	dearer.Version, dearer.Price, dearer.Visits = 2, 395_00, 3
	m.Notice = membership.Notice{Renews: first.End, Terms: dearer, Price: 395_00, At: at.AddDate(0, 11, 0)}
	m.Standing.Year = membership.Year{Start: first.End, End: first.End.AddDate(1, 0, 0)}
	m.Ended = membership.End{At: at.AddDate(1, 2, 0), Why: membership.Cancelled}
	next := membership.Bill{Invoice: "in_2", Number: "A-2", Year: m.Standing.Year, Amount: 395_00, Paid: 395_00, PaidAt: first.End}
	e = record.MemberEvidenceOf(m, next, nil, "Lakeside", time.UTC, local)
	want := "Terms of the membership yearly-1, version 1, and their price accepted: 2026-03-02\nRenewal for $395.00, with terms version 2, announced by e-mail: 2027-02-02\nYear paid: 2027-03-02\nIncluded visits used in the year: 0 of 3\nMembership ended: 2027-05-02"
	if e.Activity != want {
		t.Errorf("of a renewal it says\n%s\nwant\n%s", e.Activity, want)
	}
	m.Accepted = membership.Acceptance{}
	if e = record.MemberEvidenceOf(m, next, nil, "Lakeside", time.UTC, local); !strings.HasPrefix(e.Activity, "Joined, with the terms and the price accepted: 2026-03-02\n") {
		t.Errorf("of one that joined before what was accepted was kept it says\n%s", e.Activity)
	}
	for _, e := range []string{e.Product, e.Service, e.Activity, e.Policy, e.Text} {
		for _, no := range []string{"visit-1", "jane", "uti"} {
			if strings.Contains(e, no) {
				t.Errorf("it names %q: %s", no, e)
			}
		}
	}
}
