package store_test

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/coding"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
	"evisit/pkg/reconcile"
	"evisit/pkg/registry"
	"evisit/pkg/statement"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// A sample is one kind of row with something in each of its attributes: the
// commits that write it, and what it reads back as. A kind that is written no
// more has no commits, and its file is read for ever.
type sample struct {
	name    string
	commits []clinic.Commit
	reads   []read
}

// A read is what one method of the store must return, of how.
type read struct {
	method string
	how    func(context.Context, *store.Store) (any, error)
	want   any
}

// id is of the length of those the system makes.
func id(of string) string { return (of + strings.Repeat("x", 16))[:16] }

var (
	practiceID, patientID, visitID, carerID, doctorID = id("practice"), id("patient"), id("visit"), id("carer"), id("doctor")
	paymentID                                         = visitID + "." + id("quote2")
)

func hash(digit string) string { return strings.Repeat(digit, 64) }

// at is n hours after noon.
func at(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

func samples() []sample {
	return []sample{
		visitSample(), handedSample(), underwaySample(), contentSample(), deletedSample(), moneySample(), costSample(), sharedSample(), payoutSample(), comparedSample(), closedSample(), disputedSample(), toldSample(), refundedSample(), workSample(), parkedSample(), eventSample(), sentSample(), requestSample(), firstSessionSample(), sessionSample(), namedSample(), chosenSample(), keptSample(),
		auditSample(), headSample(), sweepSample(), practiceSample(), personSample(), grantSample(), grantedSample(), acceptedSample(), tokenSample(), firstPatientSample(), knownPatientSample(), coverageSample(), payerSample(), contractSample(), accountSample(), openedSample(), formSample(), registeredSample(), workerSample(), inviteSample(), usedSample(),
		leaverSample(), membershipSample(), includedSample(),
		decidedSample(), draftSample(), approvedSample(), discountedSample(), plannedSample(), unheldSample(), billedSample(), restrictedSample(), laterSample(),
	}
}

// record is the audit record of a commit, by someone who acts for a patient.
func record(practice, what string) audit.Record {
	return audit.Record{
		ID: id(what), Practice: practice, At: noon, Action: what,
		Actor: audit.Actor{ID: carerID, Role: string(identity.Caregiver), OnBehalf: patientID, IP: "2001:db8:1234:5678:9abc:def0:1234:5678"},
	}
}

func recorded(practice string, c clinic.Commit) []clinic.Commit {
	c.Audit = append(c.Audit, record(practice, "sample"))
	return []clinic.Commit{c}
}

func sampleVisit() visit.Visit {
	return visit.Visit{
		ID: visitID, Practice: practiceID, Patient: patientID, By: carerID,
		Form: visit.Form{Name: "uti", Version: "1.10.0", Class: "evisit"}, Pool: identity.ClinicalPool, Status: visit.AwaitingPatient, State: "CA",
		Quote:   billing.Quote{ID: id("quote2"), Amount: 12_000, Basis: billing.Fee, Caveat: billing.PlanNotBilled, ExpiresAt: at(1), Refused: 1},
		Payment: paymentID, Owed: true, Payments: []string{visitID + "." + id("quote1"), paymentID},
		Holder:        visit.Holder{ID: doctorID, Display: "Ana Rivera, MD"},
		Promise:       visit.Promise{By: at(4), Ends: at(24), Told: true, Paused: at(3)},
		CaptureBefore: at(168), CheckoutEnds: at(2), Saves: 7, Messages: 5, FromPatient: 2, FromTeam: 3,
		Reads:    []visit.ReadMark{{Through: 1, At: at(2)}, {Through: 3, At: at(3), By: carerID}, {Through: 5, At: at(4), By: carerID}},
		Document: hash("d"), Addendum: hash("a"), Reason: "hold_lost", Minutes: 12,
		Times: visit.Times{
			Started: noon, Submitted: at(1), Queued: at(2), Taken: at(3), Asked: at(4), Answered: at(5), Ended: at(6), Understood: at(7),
		},
		Wake: at(9), Version: 1,
	}
}

func underwaySample() sample {
	u := visit.Underway{Practice: practiceID, Patient: patientID, Form: "uti", Visits: []visit.Sent{{ID: visitID, Version: 12}, {ID: id("second"), Version: 5}}, Version: 1}
	return sample{"underway", recorded(practiceID, clinic.Commit{Underway: &u}), []read{
		{"Underway", func(ctx context.Context, s *store.Store) (any, error) { return s.Underway(ctx, patientID, "uti", true) }, u},
		{"UnderwayOf", func(ctx context.Context, s *store.Store) (any, error) { return s.UnderwayOf(ctx, patientID) }, []visit.Underway{u}},
	}}
}

func visitSample() sample {
	v := sampleVisit()
	return sample{"visit", recorded(practiceID, clinic.Commit{Visit: &v}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, visitID) }, v},
		{"Load", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Load(ctx, clinic.Query{Visit: visitID})
		}, clinic.Rows{Visit: v}},
		{"Queue", func(ctx context.Context, s *store.Store) (any, error) {
			vs, _, err := s.Queue(ctx, practiceID, identity.ClinicalPool, "", 10)
			return vs, err
		}, []visit.Visit{v}},
		{"Mine", func(ctx context.Context, s *store.Store) (any, error) {
			vs, _, err := s.VisitsOfPatient(ctx, patientID, "", 10)
			return vs, err
		}, []visit.Visit{v}},
	}}
}

// deletedSample is a draft that was deleted.
func deletedSample() sample {
	v := visit.Start(id("gone"), practiceID, patientID, carerID, visit.Form{Name: "uti"}, noon)
	v.Status, v.Times.Ended, v.Saves = visit.Deleted, at(1), 2
	return sample{"deleted", recorded(practiceID, clinic.Commit{Visit: &v, Answers: []byte{}}), []read{
		{"Load", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Load(ctx, clinic.Query{Visit: v.ID, Answers: true})
		}, clinic.Rows{Visit: v}},
		{"Content", func(ctx context.Context, s *store.Store) (any, error) { return s.Content(ctx, v.ID, true) }, clinic.Content{}},
	}}
}

// handedSample is a visit that was handed over, with the colleague's note and the work
// that tells the one who has it.
func handedSample() sample {
	v := sampleVisit()
	v.ID, v.Payment, v.Payments, v.Former, v.Notes = id("handed"), "", nil, carerID, 1
	v.Quote.Lower, v.Reduced = billing.KindPrices{}, 2_000
	for n, kind := range coding.Clinicians { // each has a letter that it keeps
		v.Quote.Lower[kind] = money.Cents(n)
	}
	c := clinic.Commit{Visit: &v, Notes: []clinic.Note{{Visit: v.ID, Seq: 1, Body: []byte("sealed")}}, Work: []work.Item{clinic.PassedWork(work.VisitHanded, v, doctorID, noon)}}
	return sample{"handed", recorded(practiceID, c), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
		{"Content", func(ctx context.Context, s *store.Store) (any, error) { return s.Content(ctx, v.ID, true) }, clinic.Content{Notes: c.Notes}},
		{"Work", func(ctx context.Context, s *store.Store) (any, error) { return s.Work(ctx, practiceID) }, c.Work},
	}}
}

func contentSample() sample {
	v := visit.Start(visitID, practiceID, patientID, carerID, visit.Form{Name: "uti"}, noon)
	c := clinic.Commit{Visit: &v, Answers: []byte("\x00sealed\xff"), Diverted: []byte("sealed"), Messages: []clinic.Message{{Visit: visitID, Seq: 12, Body: []byte("sealed")}}}
	return sample{"content", recorded(practiceID, c), []read{
		{
			"Content", func(ctx context.Context, s *store.Store) (any, error) { return s.Content(ctx, visitID, true) },
			clinic.Content{Answers: c.Answers, Diverted: c.Diverted, Messages: c.Messages},
		},
		{"Load", func(ctx context.Context, s *store.Store) (any, error) {
			rows, err := s.Load(ctx, clinic.Query{Visit: visitID, Answers: true})
			return rows.Answers, err
		}, c.Answers},
	}}
}

func moneySample() sample {
	p := billing.Payment{
		ID: paymentID, Visit: visitID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, State: billing.FullyRefunded, AtOnce: true,
		Session: "cs_1", URL: "https://checkout.example/1", SessionEnds: at(1), Intent: "pi_1", Held: 12_000, Collected: 11_000, Refunded: 10_000,
		CaptureBefore: at(168), Why: "card_declined", OpenedAt: noon, HeldAt: at(1), EndedAt: at(2), Version: 1,
	}
	e := ledger.Entry{ID: "capture", Kind: ledger.Capture, Payment: paymentID, Practice: practiceID, At: at(1), Postings: []ledger.Posting{
		{Account: ledger.HoldsOwed, Amount: 12_000}, {Account: ledger.Holds, Amount: -12_000}, {Account: ledger.Stripe, Amount: 11_000}, {Account: ledger.VisitFees, Amount: -11_000},
	}}
	type money struct {
		Payments []billing.Payment
		Entries  []ledger.Entry
	}
	return sample{"money", recorded(practiceID, clinic.Commit{Payments: []billing.Payment{p}, Entries: []ledger.Entry{e}}), []read{
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, paymentID) }, p},
		{"Money", func(ctx context.Context, s *store.Store) (any, error) {
			ps, es, err := s.Money(ctx, visitID)
			return money{ps, es}, err
		}, money{[]billing.Payment{p}, []ledger.Entry{e}}},
	}}
}

// costSample is a payment and an invoice of which Stripe took a fee.
func costSample() sample {
	of := id("cost")
	p := billing.Payment{
		ID: of + "." + id("quote"), Visit: of, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, State: billing.Captured,
		Intent: "pi_1", Collected: 12_000, StripeFee: 3_78, OpenedAt: noon, EndedAt: at(2), Version: 1,
	}
	b := membership.Bill{Membership: membership.IDOf(of, 1), Practice: practiceID, Invoice: "in_1", Paid: 450_00, StripeFee: 13_35, Version: 1}
	return sample{"cost", recorded(practiceID, clinic.Commit{Payments: []billing.Payment{p}, Bills: []membership.Bill{b}}), []read{
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, p.ID) }, p},
		{"Bills", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Bills(ctx, b.Membership, []string{"in_1"})
		}, []membership.Bill{b}},
	}}
}

// sharedSample is a practice of whose payments the platform has a part, and a payment, a membership and an
// invoice of which it took some.
func sharedSample() sample {
	p := practice.Practice{ID: id("shares"), Core: practice.Core{Name: "Lakeside", PlatformFee: 250, Since: noon, Configured: 1}, Version: 1}
	of := id("shared")
	pay := billing.Payment{
		ID: of + "." + id("quote"), Visit: of, Practice: p.ID, Account: "acct_1234567890abcdef", Amount: 12_000, Platform: 250, State: billing.Captured,
		Intent: "pi_1", Held: 12_000, Collected: 8_000, StripeFee: 2_62, PlatformFee: 2_00, OpenedAt: noon, EndedAt: at(2), Version: 1,
	}
	m := membership.Membership{
		ID: membership.IDOf(of, 1), Practice: p.ID, Payer: of, Account: "acct_1234567890abcdef", Platform: 250, State: membership.Pending, Made: noon, Version: 1,
	}
	b := membership.Bill{Membership: m.ID, Practice: p.ID, Invoice: "in_1", Paid: 450_00, StripeFee: 13_35, PlatformFee: 11_25, Version: 1}
	return sample{"shared", recorded(p.ID, clinic.Commit{
		Practice: &p, Config: true, Payments: []billing.Payment{pay}, Memberships: []clinic.Membership{{Membership: m}}, Bills: []membership.Bill{b},
	}), []read{
		{"Practice", func(ctx context.Context, s *store.Store) (any, error) { return s.Practice(ctx, p.ID) }, p},
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, pay.ID) }, pay},
		{"Membership", func(ctx context.Context, s *store.Store) (any, error) { return s.Membership(ctx, m.ID) }, m},
		{"Bills", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Bills(ctx, b.Membership, []string{"in_1"})
		}, []membership.Bill{b}},
	}}
}

// payoutSample is a payout that was made by hand and failed.
func payoutSample() sample {
	p := billing.Payout{
		Practice: practiceID, Account: "acct_1234567890abcdef", Sent: 9_000, Version: 1, PayoutState: billing.PayoutState{
			ID: "po_1", Amount: 12_000, Status: "failed", Made: at(1), Arrives: at(24), Automatic: true, Failure: "account_closed",
		},
	}
	return sample{"payout", recorded(practiceID, clinic.Commit{Payout: &p}), []read{
		{"Payout", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Payout(ctx, practiceID, p.Account, p.ID, p.Made)
		}, p},
		{"Payouts", func(ctx context.Context, s *store.Store) (any, error) { return s.Payouts(ctx, practiceID, 10) }, []billing.Payout{p}},
	}}
}

// comparedSample is a comparison with a difference, which is work, and how far it went.
func comparedSample() sample {
	d := reconcile.Difference{About: paymentID, Object: "pi_1", Books: reconcile.Total{Gross: 4_000, Fee: 146}, Stripe: reconcile.Total{Gross: 4_000, Fee: 147}}
	o := reconcile.Outcome{
		Practice: practiceID, Account: "acct_1234567890abcdef", Window: reconcile.Window{From: noon, Through: at(24)}, At: at(25),
		Transactions: 2, Compared: 1, Books: d.Books, Stripe: d.Stripe, Differences: 1, Found: []reconcile.Difference{d},
	}
	p := reconcile.Progress{Practice: practiceID, Account: o.Account}.After(o)
	w := work.New(work.Item{Kind: work.BooksDiffer, Practice: practiceID, Pool: identity.OfficePool, Visit: visitID, Payment: paymentID, Difference: d}, paymentID, noon)
	return sample{"compared", recorded(practiceID, clinic.Commit{Outcome: &o, Progress: &p, Work: []work.Item{w}}), []read{
		{"Progress", func(ctx context.Context, s *store.Store) (any, error) { return s.Progress(ctx, practiceID, o.Account) }, p},
		{"Outcomes", func(ctx context.Context, s *store.Store) (any, error) { return s.Outcomes(ctx, practiceID, 10) }, []reconcile.Outcome{o}},
		{"WorkItem", func(ctx context.Context, s *store.Store) (any, error) { return s.WorkItem(ctx, practiceID, w.ID) }, w},
	}}
}

// closedSample is a month of the books that was closed, and which is next.
func closedSample() sample {
	c := statement.FirstClosing(practiceID, noon, time.UTC)
	b := statement.Balance{
		Practice: practiceID, Before: c.Ends(time.UTC), Entries: 2,
		Accounts: map[ledger.Account]money.Cents{ledger.Stripe: 3_854, ledger.VisitFees: -4_000, ledger.StripeFees: 146},
	}
	c = c.Closed(b)
	return sample{"closed", recorded(practiceID, clinic.Commit{Closing: &clinic.Closing{Closing: c, Due: c.Due(time.UTC)}, Balance: &b}), []read{
		{"Closing", func(ctx context.Context, s *store.Store) (any, error) { return s.Closing(ctx, practiceID) }, c},
		{"BalanceAt", func(ctx context.Context, s *store.Store) (any, error) { return s.BalanceAt(ctx, practiceID, at(24*60)) }, b},
	}}
}

// toldSample is a disputed payment of which Stripe has evidence.
func toldSample() sample {
	p := billing.Payment{
		ID: visitID + "." + id("told"), Visit: visitID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, State: billing.Disputed,
		Intent: "pi_1", Collected: 12_000, Withdrawn: 12_000, OpenedAt: noon, EndedAt: at(2), Version: 1,
		Dispute: billing.Dispute{
			ID: "dp_1", Status: "under_review", Amount: 12_000, Opened: at(300), Submissions: 1, Answered: true, Told: billing.Evidence{Text: "Answered at Stripe."}.Hash(),
		},
	}
	return sample{"told", recorded(practiceID, clinic.Commit{Payments: []billing.Payment{p}}), []read{
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, p.ID) }, p},
	}}
}

func disputedSample() sample {
	said := billing.Evidence{Product: "An online request.", Service: "2 March 2026", Activity: "Answered.", Policy: "Charged when answered.", Text: "Receipt number: 1"}
	p := billing.Payment{
		ID: visitID + "." + id("disputed"), Visit: visitID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, State: billing.Disputed,
		Intent: "pi_1", Collected: 12_000, Withdrawn: 12_000, DisputeFee: 1_500, OpenedAt: noon, EndedAt: at(2), Version: 1,
		Dispute: billing.Dispute{
			ID: "dp_1", Status: "under_review", Reason: "product_not_received", Amount: 12_000, Opened: at(300), Due: at(600), Submissions: 2,
			Answered: true, Warned: true, Missed: true, Decision: billing.Answering, Decided: at(400), Evidence: said.Hash(),
		},
	}
	return sample{"disputed", recorded(practiceID, clinic.Commit{
		Payments: []billing.Payment{p}, Evidence: []clinic.Evidence{{Payment: p, Evidence: said}},
	}), []read{
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, p.ID) }, p},
		{"Evidence", func(ctx context.Context, s *store.Store) (any, error) { return s.Evidence(ctx, p) }, said},
		{"Money", func(ctx context.Context, s *store.Store) (any, error) {
			ps, _, err := s.Money(ctx, visitID)
			return ps, err
		}, []billing.Payment{p}},
	}}
}

// refundedSample is a payment of which a person had a part refunded.
func refundedSample() sample {
	p := billing.Payment{
		ID: visitID + "." + id("refunded"), Visit: visitID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, State: billing.Captured,
		Intent: "pi_1", Collected: 12_000, Refunded: 1_250, OpenedAt: noon, EndedAt: at(2), Version: 1,
		Asked: billing.Refund{
			ID: "api.2603021200." + id("refund"), Amount: 1_250, Reason: billing.Courtesy, Left: 12_000, By: carerID, At: at(3),
			Stage: billing.RefundUndone, Why: "less_left",
		},
	}
	e := ledger.Entry{
		ID: "refund-1250", Kind: ledger.Refund, Payment: p.ID, Practice: practiceID, At: at(3), By: carerID, Reason: string(billing.Courtesy),
		Postings: []ledger.Posting{{Account: ledger.Refunds, Amount: 1_250}, {Account: ledger.Stripe, Amount: -1_250}},
	}
	return sample{"refunded", recorded(practiceID, clinic.Commit{Payments: []billing.Payment{p}, Entries: []ledger.Entry{e}}), []read{
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, p.ID) }, p},
		{"Money", func(ctx context.Context, s *store.Store) (any, error) {
			_, es, err := s.Money(ctx, visitID)
			return es, err
		}, []ledger.Entry{e}},
	}}
}

// membershipSample is a membership in its second year, with an invoice of which a part was refunded.
func membershipSample() sample {
	terms := membership.Terms{
		Offer: "yearly-1", Version: 2, From: noon, Price: 350_00, PerMember: 100_00, Members: 4, Visits: 12, Shared: true, Classes: []string{"em"}, Forms: []string{"uti"},
		NonCovered: true, OptedOut: true, Grace: 14, Notice: 30, Refund: membership.RefundRule{Full: 14, Later: membership.ByMonths},
	}
	year := membership.Year{Start: at(1), End: at(1).AddDate(1, 0, 0)}
	m := membership.Membership{
		ID: membership.IDOf(patientID, 1), Practice: practiceID, Payer: patientID, Account: "acct_1234567890abcdef", Customer: "cus_1", Subscription: "sub_1",
		Terms: terms, Page: membership.Page{Session: "cs_1", URL: "https://checkout.example/1", Ends: at(24)},
		Notice: membership.Notice{Renews: year.Start, Terms: terms, Price: 450_00, Closing: true, At: noon},
		People: []membership.Member{{Patient: patientID, Joined: noon, Left: at(2), Medicare: civil.Date(2027, time.January, 1), Refunded: true}}, State: membership.Ended,
		Standing: membership.Standing{
			At: at(3), Status: "canceled", Year: year, CancelAtEnd: true, UnpaidSince: at(2), Ended: at(3), Reason: "payment_failed", Price: 450_00, Paid: 450_00, Refunded: 100_00,
		},
		Asked: membership.CancelNow, Decided: membership.Decision{End: membership.End{At: at(3), Why: membership.Unpaid}, Year: year.Start, Paid: 450_00},
		Back: membership.Back{Year: year.Start, Amount: 100_00}, Ended: membership.End{At: at(3), Why: membership.Unpaid}, Made: noon, Version: 1,
	}
	b := membership.Bill{
		Membership: m.ID, Practice: practiceID, Invoice: "in_1", Intent: "pi_1", Number: "ABCD-0001", Year: year, Amount: 450_00, Paid: 450_00, Refunded: 100_00,
		PaidAt: at(1), Earned: 350_00, Changes: 1, Version: 1,
	}
	c := clinic.Commit{Memberships: []clinic.Membership{{Membership: m, Due: at(4)}}, Bills: []membership.Bill{b}}
	return sample{"membership", recorded(practiceID, c), []read{
		{"Membership", func(ctx context.Context, s *store.Store) (any, error) { return s.Membership(ctx, m.ID) }, m},
		{"Memberships", func(ctx context.Context, s *store.Store) (any, error) { return s.Memberships(ctx, patientID) }, []membership.Membership{m}},
		{"Bills", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Bills(ctx, m.ID, []string{"in_0", "in_1"})
		}, []membership.Bill{b}},
		{"Paid", func(ctx context.Context, s *store.Store) (any, error) {
			bills, _, err := s.Paid(ctx, patientID)
			return bills, err
		}, []membership.Bill{b}},
	}}
}

// includedSample is a membership with a year of which a visit was used.
func includedSample() sample {
	m := membership.Membership{ID: membership.IDOf(id("included"), 1), Practice: practiceID, Payer: id("included"), State: membership.Pending, Made: noon, Version: 1}
	n := membership.Count{Membership: m.ID, Year: at(1), Uses: []membership.Use{{Visit: visitID, Patient: id("included"), At: at(2)}}, Version: 1}
	type included struct {
		Memberships []membership.Membership
		Counts      []membership.Count
	}
	c := clinic.Commit{Memberships: []clinic.Membership{{Membership: m}}, Counts: []clinic.Count{{Count: n, Practice: practiceID}}}
	return sample{"included", recorded(practiceID, c), []read{
		{"Included", func(ctx context.Context, s *store.Store) (any, error) {
			ms, ns, err := s.Included(ctx, m.Payer)
			return included{ms, ns}, err
		}, included{[]membership.Membership{m}, []membership.Count{n}}},
	}}
}

func workSample() sample {
	open := work.New(work.Item{
		Kind: work.PaymentFailed, Practice: practiceID, Pool: identity.OfficePool, Visit: visitID, Payment: paymentID, Event: "event", Note: "card_declined",
	}, paymentID, noon)
	ended := open.End(doctorID, at(1))
	ended.ID, ended.Version = work.ID(work.VisitDiverted, visitID), 1
	return sample{"work", recorded(practiceID, clinic.Commit{Work: []work.Item{open, ended}}), []read{
		{"Work", func(ctx context.Context, s *store.Store) (any, error) { return s.Work(ctx, practiceID) }, []work.Item{open}},
		{"WorkItem", func(ctx context.Context, s *store.Store) (any, error) { return s.WorkItem(ctx, practiceID, ended.ID) }, ended},
	}}
}

// billedSample is an item about a claim that was sent.
func billedSample() sample {
	i := work.New(work.Item{Kind: work.PlanBill, Practice: practiceID, Pool: identity.StaffPool, Visit: visitID}, visitID, noon).End(doctorID, at(1))
	i.Reference, i.Version = "PCN-17", 1
	return sample{"billed", recorded(practiceID, clinic.Commit{Work: []work.Item{i}}), []read{
		{"WorkItem", func(ctx context.Context, s *store.Store) (any, error) { return s.WorkItem(ctx, practiceID, i.ID) }, i},
	}}
}

// parkedSample is an item about an event that was given up.
func parkedSample() sample {
	i := work.New(work.Item{
		Kind: work.EventParked, Practice: practiceID, Pool: identity.OfficePool, Visit: visitID, Payment: paymentID, Event: sampleEvent("parked").ID,
		EventKind: string(outbox.Capture), Note: "timeout",
	}, sampleEvent("parked").ID+"-18", noon)
	return sample{"parked", recorded(practiceID, clinic.Commit{Work: []work.Item{i}}), []read{
		{"WorkItem", func(ctx context.Context, s *store.Store) (any, error) { return s.WorkItem(ctx, practiceID, i.ID) }, i},
	}}
}

func sampleEvent(rest string) outbox.Event {
	return outbox.Event{
		ID: outbox.NewID(outbox.ByStripe, noon, "acct_1234567890abcdef."+id(rest)), Kind: outbox.Capture, To: outbox.Charge, Practice: practiceID,
		Visit: visitID, Patient: patientID, Payment: paymentID, Account: "acct_1234567890abcdef", Object: "pi_1", At: noon,
	}
}

// eventSample has an event of every standing: armed, leased, failed, parked,
// done.
func eventSample() sample {
	armed := outbox.Delivery{Event: sampleEvent("armed"), Armed: true}
	leased := outbox.Delivery{Event: sampleEvent("leased"), Armed: true, Due: at(1)}
	leased.Lease = at(1)
	failed := outbox.Delivery{Event: sampleEvent("failed"), Armed: true}.Failed(noon, true, "card_declined")
	rearmed := outbox.Delivery{Event: sampleEvent("rearmed"), Armed: true}.Rearmed(noon)
	parked := outbox.Delivery{Event: sampleEvent("parked"), Armed: true}.Park("card_declined")
	done := outbox.Delivery{Event: sampleEvent("done"), Done: at(1)}
	all := []outbox.Delivery{armed, leased, failed, rearmed, parked, done}
	var put clinic.Commit
	var reads []read
	for _, d := range all {
		put.Events = append(put.Events, d.Event)
		d.Lease = time.Time{}
		reads = append(reads, read{"Delivery", func(ctx context.Context, s *store.Store) (any, error) { return s.Delivery(ctx, d.ID) }, d})
	}
	return sample{"event", []clinic.Commit{
		put, {Deliveries: []outbox.Delivery{failed, rearmed, parked}}, {Done: done.ID, At: at(1)},
	}, reads}
}

// sentSample is an event of which one of two letters was sent.
func sentSample() sample {
	d := outbox.Delivery{Event: sampleEvent("sent"), Armed: true, Sent: outbox.ToPatient}.Failed(noon, false, "timeout")
	return sample{"sent", []clinic.Commit{{Events: []outbox.Event{d.Event}}, {Deliveries: []outbox.Delivery{d}}}, []read{
		{"Delivery", func(ctx context.Context, s *store.Store) (any, error) { return s.Delivery(ctx, d.ID) }, d},
		{"Reread", func(ctx context.Context, s *store.Store) (any, error) {
			got, _, err := s.Reread(ctx, d.ID, "", true)
			return got, err
		}, d},
	}}
}

func requestSample() sample {
	r := clinic.Request{Key: strings.Repeat("k", 2000), Input: hash("f"), Result: visitID, Ends: noon.Truncate(time.Second)}
	return sample{"request", []clinic.Commit{{Request: &r}}, []read{
		{"Request", func(ctx context.Context, s *store.Store) (any, error) { return s.Request(ctx, r.Key) }, r},
	}}
}

// firstSessionSample is a session of before sessions were renewed.
func firstSessionSample() sample {
	in := clinic.Session{Hash: hash("1"), Proof: clinic.Proof{Issuer: "https://idp.example", Subject: id("subject")}, Ends: noon.Truncate(time.Second)}
	out := in
	out.Hash, out.Ended = hash("2"), true
	return sample{"session", nil, sessionReads(in, out)}
}

func sessionSample() sample {
	in := clinic.Session{
		Hash: hash("1"), Proof: clinic.Proof{Issuer: "https://idp.example", Subject: id("subject")},
		Seen: at(1), Renew: at(2), Trying: at(3), Ends: at(12), Refresh: []byte("\x00sealed\xff"), Version: 1,
	}
	out := clinic.Session{Hash: hash("2"), Proof: in.Proof, Seen: at(1), Renew: at(2), Ends: at(1), Ended: true, Version: 1}
	return sample{"renewed", []clinic.Commit{{Session: &in}, {Session: &out}}, sessionReads(in, out)}
}

func namedSample() sample {
	s := clinic.Session{
		Hash: hash("1"), Proof: clinic.Proof{Issuer: "https://idp.example", Subject: id("subject")},
		Seen: at(1), Renew: at(2), Ends: at(12), Refresh: []byte("\x00sealed\xff"), Name: []byte("\x01sealed"), Version: 1,
	}
	return sample{"named", []clinic.Commit{{Session: &s}}, sessionReads(s)}
}

func chosenSample() sample {
	s := clinic.Session{
		Hash: hash("1"), Proof: clinic.Proof{Issuer: "https://idp.example", Subject: id("subject")}, Practice: practiceID, Strong: true,
		Seen: at(1), Renew: at(2), Ends: at(12), Name: []byte("\x01sealed"), Contact: []byte("\x02sealed"), Version: 1,
	}
	return sample{"chosen", []clinic.Commit{{Session: &s}}, sessionReads(s)}
}

func sessionReads(all ...clinic.Session) []read {
	var reads []read
	for _, want := range all {
		reads = append(reads, read{"Session", func(ctx context.Context, s *store.Store) (any, error) { return s.Session(ctx, want.Hash) }, want})
	}
	return reads
}

func keptSample() sample {
	waiting := clinic.KeptForm{Holder: hash("3"), ID: id("a"), Sealed: []byte("sealed"), Ends: noon.Truncate(time.Second)}
	sent := clinic.KeptForm{Holder: hash("3"), ID: id("b"), Ends: noon.Truncate(time.Second)}
	return sample{"kept", []clinic.Commit{{Kept: &waiting}, {Kept: &sent}}, []read{
		{"KeptForms", func(ctx context.Context, s *store.Store) (any, error) { return s.KeptForms(ctx, hash("3")) }, []clinic.KeptForm{waiting, sent}},
		{"Load", func(ctx context.Context, s *store.Store) (any, error) {
			rows, err := s.Load(ctx, clinic.Query{Visit: id("a"), Kept: clinic.KeptForm{Holder: hash("3"), ID: id("a")}})
			return rows.Kept, err
		}, waiting},
	}}
}

func sampleRecord() audit.Record {
	return audit.Record{
		ID: id("record"), Practice: practiceID, At: noon, Action: "visit.fill:awaiting_payment", Visit: visitID, Resource: id("document"), Version: 12,
		Actor:    audit.Actor{ID: carerID, Role: string(identity.Caregiver), Name: "Ana Rivera, MD", OnBehalf: patientID, IP: "2001:db8::1"},
		Rows:     []audit.Row{{Key: "CASE#" + visitID, Version: 12, Hash: audit.Hash{1}}},
		Accepted: &audit.Acceptance{Quote: id("quote"), Amount: 12_000, Consent: "2026-01", ConsentHash: hash("c"), Language: "en-US", UserAgent: "agent"},
	}
}

func auditSample() sample {
	r := sampleRecord()
	leaf, err := r.Leaf()
	if err != nil {
		panic(err)
	}
	leaves := []clinic.Leaf{{Position: r.Position(), Bytes: leaf}}
	return sample{"audit", []clinic.Commit{{Audit: []audit.Record{r}}}, []read{
		{"Trail", func(ctx context.Context, s *store.Store) (any, error) { return s.Trail(ctx, visitID, time.Time{}) }, []audit.Record{r}},
		{"Log", func(ctx context.Context, s *store.Store) (any, error) { return s.Log(ctx, practiceID, "", end, 10) }, leaves},
		{
			"Active", func(ctx context.Context, s *store.Store) (any, error) { return s.Active(ctx, "2026", 10) },
			[]sweep.Activity{{Practice: practiceID, Hour: "2026-03-02T12"}},
		},
	}}
}

func headSample() sample {
	h := clinic.LogHead{
		Practice: practiceID, Version: 1, Head: audit.Head{
			Tree: audit.Frontier{}.Add([]byte("1")).Add([]byte("2")).Add([]byte("3")), Through: sampleRecord().Position(), Checkpoint: "evisit.example/log\n3\nroot\n",
		},
	}
	return sample{"loghead", []clinic.Commit{{Log: &h}}, []read{
		{"LogHead", func(ctx context.Context, s *store.Store) (any, error) { return s.LogHead(ctx, practiceID) }, h},
	}}
}

func sweepSample() sample {
	state := clinic.SweepState{Bucket: outbox.BucketOf(noon), Hour: "2026-03-02T12", Version: 1}
	return sample{"sweep", []clinic.Commit{{Sweep: &state}}, []read{
		{"SweepState", func(ctx context.Context, s *store.Store) (any, error) { return s.SweepState(ctx) }, state},
	}}
}

func practiceSample() sample {
	p := practice.Practice{
		ID: practiceID, Version: 1,
		Core: practice.Core{
			Name: "Harbor Clinic", Phone: "555-0100", Inbox: "desk@harbor.example", Account: "acct_1234567890abcdef", Since: noon,
			Zone: "America/Los_Angeles", Readers: "two clinicians", Configured: 3, Consenting: "2026-01",
		},
		Config: practice.Config{
			States: []string{"CA", "OR"}, Forms: map[string]string{"uti": "1.10.0"}, Prices: billing.PriceList{"uti": 12_000},
			Terms: visit.Terms{Answer: 4 * time.Hour, GiveUp: 20 * time.Hour},
		},
		Consent: practice.Consent{Version: "2026-01", Text: "You agree."},
	}
	return sample{"practice", recorded(practiceID, clinic.Commit{Practice: &p, Config: true, Consent: true, Account: true}), []read{
		{"Practice", func(ctx context.Context, s *store.Store) (any, error) { return s.Practice(ctx, practiceID) }, p},
		{"PracticeOf", func(ctx context.Context, s *store.Store) (any, error) { return s.PracticeOf(ctx, p.Account) }, practiceID},
	}}
}

// decidedSample is a practice that has decided everything that it can, some of it from
// later on.
func decidedSample() sample {
	price, terms := money.Cents(9_000), visit.Terms{Answer: time.Hour, GiveUp: 2 * time.Hour}
	states, topics := []string{"OR"}, []string{"hiv"}
	p := practice.Practice{
		ID: id("decided"), Version: 1,
		Core: practice.Core{
			Name: "Harbor Clinic", Phone: "+15035550100", Inbox: "desk@harbor.example", Since: noon, Zone: "America/Los_Angeles",
			Configured: 1, Consenting: "1", ConsentNext: "2", ConsentFrom: at(48), OwnReaders: true, Readers: "two clinicians",
		},
		Config: practice.Config{
			States: states, Forms: map[string]string{"uti": "1"}, Prices: billing.PriceList{"uti": 4_000}, Terms: terms,
			KindPrices: billing.KindPriceList{"uti": {coding.NursePractitioner: 2_000}},
			Topics:     topics, Closed: map[string][]string{"admin": {"billing"}}, Decided: practice.Decider{Person: doctorID, At: noon},
			Coming: []practice.Change{{
				From: at(24), States: &states, Terms: &terms, Topics: &topics, Prices: practice.PriceChanges{"uti": &price, "old": nil},
				KindPrices: practice.KindPriceChanges{"uti": {coding.PhysicianAssist: &price, coding.NursePractitioner: nil}},
				Forms:      practice.VersionChange{"uti": "2", "old": ""}, Closed: map[string][]string{"admin": nil},
			}},
		},
		Consent:     practice.Consent{Version: "1", Text: "You agree."},
		NextConsent: practice.Consent{Version: "2", Text: "Usted acepta.", Language: "es", Others: map[string]string{"en": "You agree."}},
	}
	return sample{"decided", recorded(p.ID, clinic.Commit{Practice: &p, Config: true, Consent: true, NextConsent: true}), []read{
		{"Practice", func(ctx context.Context, s *store.Store) (any, error) { return s.Practice(ctx, p.ID) }, p},
		{"Configs", func(ctx context.Context, s *store.Store) (any, error) { return s.Configs(ctx, p.ID) }, []practice.Config{p.Config}},
	}}
}

func draftSample() sample {
	author := protocol.Author{Person: doctorID, Name: "Ana Rivera, MD", At: noon}
	d := protocol.Draft{
		Practice: practiceID, Name: "cough", Version: 1, By: author,
		Source: protocol.Source{
			Questionnaire: []byte(`{"resourceType":"Questionnaire"}`), ValueSets: []json.RawMessage{[]byte(`{"resourceType":"ValueSet"}`)},
			Examples: []byte(`[{"rule":"chest"}]`), About: intake.About{Name: "cough", URL: "https://example.org/cough", Version: "1", Title: "Cough", Billing: "em"},
		},
		Approved: &protocol.Approval{Author: author, Form: "1-common-0.2.0", Hash: hash("f")}, Published: &author,
	}
	return sample{"draft", recorded(practiceID, clinic.Commit{Draft: &d}), []read{
		{"Draft", func(ctx context.Context, s *store.Store) (any, error) { return s.Draft(ctx, practiceID, "cough") }, d},
		{"Drafts", func(ctx context.Context, s *store.Store) (any, error) { return s.Drafts(ctx, practiceID) }, []protocol.Draft{d}},
	}}
}

// approvedSample is a form that the practice made itself.
func approvedSample() sample {
	f := clinic.Form{
		Practice: id("author"), Name: "cough", Version: "1-common-0.2.0", JSON: []byte(`{"resourceType":"Questionnaire"}`),
		Approved: &protocol.Approval{Author: protocol.Author{Person: doctorID, Name: "Ana Rivera, MD", At: noon}, Form: "1-common-0.2.0", Hash: hash("f")},
	}
	return sample{"approved", recorded(f.Practice, clinic.Commit{Forms: []clinic.Form{f}}), []read{
		{"FormVersions", func(ctx context.Context, s *store.Store) (any, error) { return s.FormVersions(ctx, f.Practice) }, []clinic.FormVersion{
			{Name: f.Name, Version: f.Version, At: noon, Approved: f.Approved},
		}},
	}}
}

func personSample() sample {
	p := identity.Person{
		ID: doctorID, Practice: practiceID, Role: identity.Clinician, Patient: patientID, Display: "Ana Rivera, MD",
		Licenses: []identity.License{{State: "CA", Number: "A-1", Expires: at(10_000)}}, Inactive: true, Version: 1,
	}
	return sample{"person", recorded(practiceID, clinic.Commit{Person: &p}), []read{
		{"Person", func(ctx context.Context, s *store.Store) (any, error) { return s.Person(ctx, doctorID) }, p},
		{"Load", func(ctx context.Context, s *store.Store) (any, error) {
			rows, err := s.Load(ctx, clinic.Query{Visit: visitID, Person: doctorID})
			return rows.Person, err
		}, p},
	}}
}

// registeredSample is a practice as an operator registers it, which has no consent
// text yet, and was suspended.
func registeredSample() sample {
	p := practice.Practice{
		ID: id("new"), Version: 1,
		Core: practice.Core{
			Name: "Harbor Clinic", Phone: "+15035550100", Inbox: "desk@harbor.example", Since: noon, Zone: "America/Los_Angeles", Configured: 1,
			Address: practice.Address{Line: "12 Shore Road", Line2: "Suite 3", City: "Portland", State: "OR", ZIP: "97201"},
			NPI:     "1234567893", EIN: "123456789", Taxonomy: "207Q00000X", Suspended: at(1),
		},
	}
	return sample{"registered", recorded(p.ID, clinic.Commit{Practice: &p, Config: true}), []read{
		{"Practice", func(ctx context.Context, s *store.Store) (any, error) { return s.Practice(ctx, p.ID) }, p},
	}}
}

func workerSample() sample {
	p := identity.Person{
		ID: id("worker"), Practice: practiceID, Role: identity.Clinician, Also: []identity.Role{identity.Director, identity.Admin},
		Display: "Ana Rivera, MD", NPI: "1234567893", Kind: coding.Physician, Licenses: []identity.License{{State: "CA", Number: "A-1", Expires: at(10_000)}}, Version: 1,
	}
	return sample{"worker", recorded(practiceID, clinic.Commit{Person: &p}), []read{
		{"Person", func(ctx context.Context, s *store.Store) (any, error) { return s.Person(ctx, p.ID) }, p},
		{"Roster", func(ctx context.Context, s *store.Store) (any, error) { return s.Roster(ctx, practiceID) }, []identity.Person{p}},
	}}
}

// leaverSample is someone who was deactivated, and whose visits go back to their pools.
func leaverSample() sample {
	p := identity.Person{ID: id("leaver"), Practice: practiceID, Role: identity.Clinician, Display: "Ana Rivera, MD", Inactive: true, Left: at(1), Version: 1}
	return sample{"leaver", recorded(practiceID, clinic.Commit{Person: &p}), []read{
		{"Person", func(ctx context.Context, s *store.Store) (any, error) { return s.Person(ctx, p.ID) }, p},
		{"Leavers", func(ctx context.Context, s *store.Store) (any, error) {
			ps, _, err := s.Leavers(ctx, at(1), "", 10)
			return ps, err
		}, []identity.Person{p}},
	}}
}

func inviteSample() sample {
	i := clinic.Invitation{
		Invitation: registry.Invitation{
			ID: id("invite"), Practice: practiceID, Code: []byte("\x00hash\xff"), By: doctorID, At: noon, Version: 1,
			Worker: registry.Worker{
				Roles: []identity.Role{identity.Clinician, identity.Nurse}, Display: "Nora Patel, NP", NPI: "1234567893", Kind: coding.NursePractitioner,
				Licenses: []identity.License{{State: "CA", Number: "R-1", Expires: at(10_000)}},
			},
		},
		Sealed: []byte("\x00sealed\xff"),
	}
	return sample{"invitation", recorded(practiceID, clinic.Commit{Invitation: &i}), []read{
		{"Invitation", func(ctx context.Context, s *store.Store) (any, error) { return s.Invitation(ctx, i.ID) }, i},
		{"Invitations", func(ctx context.Context, s *store.Store) (any, error) { return s.Invitations(ctx, practiceID) }, []clinic.Invitation{i}},
	}}
}

// usedSample is an invitation that was accepted.
func usedSample() sample {
	used := clinic.Invitation{
		Invitation: registry.Invitation{
			Practice: practiceID, Code: []byte("\x00hash\xff"), By: doctorID, At: noon, Version: 1,
			Worker: registry.Worker{Roles: []identity.Role{identity.Admin}, Display: "Ada Brooks"},
		},
		Sealed: []byte("\x00sealed\xff"),
	}
	used.ID, used.Accepted, used.Person = id("used"), &registry.Holder{Issuer: "https://idp.example", Subject: id("subject")}, doctorID
	return sample{"used", recorded(practiceID, clinic.Commit{Invitation: &used}), []read{
		{"Invitation", func(ctx context.Context, s *store.Store) (any, error) { return s.Invitation(ctx, used.ID) }, used},
	}}
}

func grantSample() sample {
	g := identity.Grant{Practice: practiceID, Patient: patientID, Person: carerID, Until: at(1000), Version: 1}
	return sample{"grant", recorded(practiceID, clinic.Commit{Grants: []identity.Grant{g}}), []read{
		{"Grant", func(ctx context.Context, s *store.Store) (any, error) { return s.Grant(ctx, patientID, carerID) }, g},
		{"Grants", func(ctx context.Context, s *store.Store) (any, error) { return s.Grants(ctx, carerID) }, []identity.Grant{g}},
	}}
}

// grantedSample is a grant that says who gave it, and why.
func grantedSample() sample {
	g := identity.Grant{Practice: practiceID, Patient: id("child"), Person: carerID, Until: at(9), By: doctorID, Why: identity.ParentOf, Version: 1}
	return sample{"granted", recorded(practiceID, clinic.Commit{Grants: []identity.Grant{g}}), []read{
		{"Grant", func(ctx context.Context, s *store.Store) (any, error) { return s.Grant(ctx, g.Patient, carerID) }, g},
	}}
}

// acceptedSample is a grant for reading that names the invitation by which it came.
func acceptedSample() sample {
	g := identity.Grant{Practice: practiceID, Patient: id("helped"), Person: carerID, By: patientID, Why: identity.Help, Scope: identity.Reading, Invitation: id("accepted"), Version: 1}
	return sample{"accepted", recorded(practiceID, clinic.Commit{Grants: []identity.Grant{g}}), []read{
		{"Grant", func(ctx context.Context, s *store.Store) (any, error) { return s.Grant(ctx, g.Patient, carerID) }, g},
	}}
}

func tokenSample() sample {
	k := clinic.Token{
		Proof:       clinic.Proof{Issuer: "https://idp.example", Subject: id("subject")},
		Memberships: []identity.Membership{{Practice: practiceID, Person: doctorID}, {Practice: id("other"), Person: carerID}}, Version: 1,
	}
	return sample{"token", recorded(audit.Platform, clinic.Commit{Token: &k}), []read{
		{"Token", func(ctx context.Context, s *store.Store) (any, error) { return s.Token(ctx, k.Proof) }, k},
	}}
}

// firstPatientSample is a patient as they were before a practice could say how one
// stands.
func firstPatientSample() sample {
	p := clinic.Patient{Patient: identity.Patient{ID: patientID, Practice: practiceID, Version: 1}, Sealed: []byte("sealed")}
	return sample{"patient", nil, []read{
		{"Patient", func(ctx context.Context, s *store.Store) (any, error) { return s.Patient(ctx, patientID) }, p},
	}}
}

func knownPatientSample() sample {
	p := clinic.Patient{Patient: identity.Patient{
		ID: patientID, Practice: practiceID, Edition: 2, Person: carerID, Came: identity.ByFile, At: noon, By: doctorID, Import: id("import"),
		Verified: identity.Deed{By: doctorID, At: at(1)},
		Standing: identity.Standing{State: identity.Suspended, Reason: identity.Misuse, By: doctorID, At: at(2)},
		Seen:     noon.Truncate(24 * time.Hour), Into: id("other"), Version: 1,
	}, Sealed: []byte("sealed")}
	c := clinic.Commit{
		Patients: []clinic.Patient{p}, Marks: []clinic.Mark{{Key: hash("1"), Patient: patientID}},
		MarkKey: &clinic.MarkKey{Practice: practiceID, Sealed: []byte("sealed")},
		Import:  &registry.Import{ID: id("import"), Practice: practiceID, Sum: []byte("sum"), Lines: 20, Written: 16, By: doctorID, At: noon, Done: at(1), Version: 1},
	}
	return sample{"known-patient", recorded(practiceID, c), []read{
		{"Patient", func(ctx context.Context, s *store.Store) (any, error) { return s.Patient(ctx, patientID) }, p},
		{"Patients", func(ctx context.Context, s *store.Store) (any, error) {
			ps, _, err := s.Patients(ctx, practiceID, "", 10)
			return ps, err
		}, c.Patients},
		{"Import", func(ctx context.Context, s *store.Store) (any, error) { return s.Import(ctx, practiceID, id("import")) }, *c.Import},
		{"MarkKey", func(ctx context.Context, s *store.Store) (any, error) { return s.MarkKey(ctx, practiceID) }, *c.MarkKey},
		{"Marked", func(ctx context.Context, s *store.Store) (any, error) { return s.Marked(ctx, hash("1")) }, []string{patientID}},
	}}
}

// discountedSample is a patient who has a discount, and a visit that was quoted with it.
func discountedSample() sample {
	p := clinic.Patient{Patient: identity.Patient{
		ID: id("needy"), Practice: practiceID, At: noon, Version: 1,
		Discount: identity.Discount{Percent: 60, Reason: identity.Hardship, From: noon, Until: at(24), By: doctorID, At: noon},
	}, Sealed: []byte("sealed")}
	v := sampleVisit()
	v.ID, v.Patient, v.Payment, v.Payments = id("cheap"), p.ID, "", nil
	v.Quote = billing.Quote{ID: id("quote3"), Amount: 1_600, Listed: 4_000, Percent: 60, Basis: billing.SlidingScale, ExpiresAt: at(1)}
	return sample{"discounted", recorded(practiceID, clinic.Commit{Visit: &v, Patients: []clinic.Patient{p}}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
		{"Patient", func(ctx context.Context, s *store.Store) (any, error) { return s.Patient(ctx, p.ID) }, p},
	}}
}

// restrictedSample is a visit whose patient pays themselves, and has no health plan told.
func restrictedSample() sample {
	v := sampleVisit()
	v.ID, v.Payment, v.Payments = id("alone"), "", nil
	v.Quote = billing.Quote{ID: id("quote5"), Amount: 4_000, Basis: billing.Fee, Restricted: true, ExpiresAt: at(1)}
	return sample{"restricted", recorded(practiceID, clinic.Commit{Visit: &v}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
	}}
}

// laterSample is a visit whose patient agreed that their card may be charged later, and the
// payments of which one holds it again.
func laterSample() sample {
	v := sampleVisit()
	v.ID = id("later")
	page, renewed := v.ID+"."+id("quote5"), v.ID+"."+id("quote5")+"-renewed"
	v.Payment, v.Payments, v.Card = renewed, []string{page, renewed}, visit.CardAgreed
	of := func(id string) billing.Payment {
		return billing.Payment{ID: id, Visit: v.ID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 4_000, State: billing.Held, OpenedAt: noon, Version: 1}
	}
	first, second := of(page), of(renewed)
	first.Later = billing.LaterCharge{Words: "1", At: noon}
	second.CardOf = page
	return sample{"later", recorded(practiceID, clinic.Commit{Visit: &v, Payments: []billing.Payment{first, second}}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, page) }, first},
		{"Payment", func(ctx context.Context, s *store.Store) (any, error) { return s.Payment(ctx, renewed) }, second},
	}}
}

// plannedSample is a visit whose patient was quoted the share of a health plan's member.
func plannedSample() sample {
	v := sampleVisit()
	v.ID, v.Payment, v.Payments = id("planned"), "", nil
	v.Quote = billing.Quote{
		ID: id("quote4"), Amount: 1_600, Basis: billing.PlanShare, ExpiresAt: at(1),
		Lower: billing.KindPrices{coding.PhysicalTherapist: 0},
		Plan: billing.Plan{Payer: "60054", Name: "Cascade Mutual", UpTo: 3_000, Terms: []billing.Term{
			{Code: "99421", Rate: 8_000, Share: 1_600, Percent: 20}, {Code: "98970", Rate: 1, Share: 0, Percent: 1},
		}},
	}
	return sample{"planned", recorded(practiceID, clinic.Commit{Visit: &v}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
	}}
}

// unheldSample is a visit whose share is asked for once the payer has said what it is.
func unheldSample() sample {
	v := sampleVisit()
	v.ID, v.Payment, v.Payments = id("unheld"), "", nil
	v.Quote = billing.Quote{
		ID: id("quote5"), Basis: billing.PlanShare, ExpiresAt: at(1),
		Plan: billing.Plan{Payer: "60054", Name: "Cascade Mutual", UpTo: 3_000, Terms: []billing.Term{{Code: "99421", Rate: 8_000, Share: 1_600, Percent: 20}}, Later: true},
	}
	return sample{"unheld", recorded(practiceID, clinic.Commit{Visit: &v}), []read{
		{"Visit", func(ctx context.Context, s *store.Store) (any, error) { return s.Visit(ctx, v.ID) }, v},
	}}
}

// coverageSample is a coverage, and the patient who has it.
func coverageSample() sample {
	c := clinic.Coverage{Coverage: coverage.Coverage{
		ID: id("coverage"), Practice: practiceID, Patient: id("insured"), Edition: 2, By: carerID, At: noon, Checked: identity.Deed{By: doctorID, At: at(1)}, Version: 1,
	}, Sealed: []byte("\x00sealed\xff")}
	p := clinic.Patient{Patient: identity.Patient{ID: id("insured"), Practice: practiceID, Came: identity.ByPage, At: noon, By: carerID, Coverages: 1, Version: 1}, Sealed: []byte("sealed")}
	return sample{"coverage", recorded(practiceID, clinic.Commit{Coverages: []clinic.Coverage{c}, Patients: []clinic.Patient{p}}), []read{
		{"Coverages", func(ctx context.Context, s *store.Store) (any, error) { return s.Coverages(ctx, id("insured")) }, []clinic.Coverage{c}},
		{"Patient", func(ctx context.Context, s *store.Store) (any, error) { return s.Patient(ctx, id("insured")) }, p},
	}}
}

func payerSample() sample {
	p := coverage.Payer{ID: "60054", Name: "Cascade Mutual", Filing: "CI", Address: "CASCADE", Ended: at(1), Version: 1}
	return sample{"payer", recorded(audit.Platform, clinic.Commit{Payer: &p}), []read{
		{"Payer", func(ctx context.Context, s *store.Store) (any, error) { return s.Payer(ctx, p.ID) }, p},
		{"Payers", func(ctx context.Context, s *store.Store) (any, error) { return s.Payers(ctx) }, []coverage.Payer{p}},
	}}
}

func contractSample() sample {
	c := billing.Contract{
		Practice: practiceID, Payer: "60-999", Code: "99421", From: civil.Date(2026, 1, 1), Until: civil.Date(2026, 12, 31), Rate: 80_00, Copay: 10_00, Percent: 20,
		By: carerID, At: noon, Removed: at(1), Version: 1,
	}
	return sample{"contract", recorded(practiceID, clinic.Commit{Contract: &c}), []read{
		{"Contracts", func(ctx context.Context, s *store.Store) (any, error) { return s.Contracts(ctx, practiceID) }, []billing.Contract{c}},
	}}
}

func accountSample() sample {
	a := billing.Account{
		ID: "acct_1Lakeside0000000", Practice: practiceID, AccountState: billing.AccountState{
			Disconnected: true, Charges: true, Payouts: true, Submitted: true, Due: []string{"external_account"}, Reason: "requirements.past_due",
		},
		Changed: at(1), Enabled: noon, Version: 1,
	}
	return sample{"account", recorded(practiceID, clinic.Commit{Standing: &a}), []read{
		{"Account", func(ctx context.Context, s *store.Store) (any, error) { return s.Account(ctx, practiceID, a.ID) }, a},
	}}
}

func openedSample() sample {
	o := clinic.OpenedAccount{Practice: practiceID, Account: "acct_1Lakeside0000000"}
	return sample{"opened", recorded(practiceID, clinic.Commit{Opened: &o}), []read{
		{"OpenedAccount", func(ctx context.Context, s *store.Store) (any, error) { return s.OpenedAccount(ctx, practiceID) }, o},
	}}
}

func formSample() sample {
	f := clinic.Form{Practice: practiceID, Name: "uti", Version: "1.10.0", JSON: []byte(`{"resourceType":"Questionnaire"}`)}
	return sample{"form", recorded(practiceID, clinic.Commit{Forms: []clinic.Form{f}}), []read{
		{"Form", func(ctx context.Context, s *store.Store) (any, error) {
			return s.Form(ctx, practiceID, "uti", "1.10.0")
		}, f.JSON},
	}}
}
