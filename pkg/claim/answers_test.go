package claim_test

import (
	"fmt"
	"strings"

	"evisit/pkg/claim"
	"evisit/pkg/money"
	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/p837"
)

var sender = claim.Sender{
	Submitter: p837.Organization{Name: "LAKESIDE FAMILY MEDICINE", ID: "EVISITSUBMIT"},
	Contact:   p837.Contact{Name: "BILLING OFFICE", Phone: "5035550100"}, Test: true,
}

// numbers are those of file n.
func numbers(n int) claim.Numbers {
	return claim.Numbers{Interchange: n, Group: 100 + n, Reference: reference(n)}
}

func reference(n int) string { return fmt.Sprintf("EV260129%04d", n) }

func parcel(all ...claim.Claim) claim.Parcel {
	p := claim.Parcel{Practice: "lakeside", Receiver: "CLEARINGHOUSE"}
	for _, c := range all {
		p.Submissions = append(p.Submissions, claim.Submission{Claim: c, Parties: parties()})
	}
	return p
}

// interchange is the TA1 of file n.
func interchange(n int, v ack.Verdict, note string) *ack.Interchange {
	return &ack.Interchange{Control: n, Verdict: v, Note: note}
}

// group is the 999 of file n, whose only transaction has the verdict too.
func group(n int, v ack.Verdict, faults ...ack.Fault) *ack.Group {
	return &ack.Group{Kind: "HC", Control: 100 + n, Verdict: v, Sent: 1, Received: 1, Sets: []ack.Set{{Kind: "837", Control: "0001", Verdict: v, Faults: faults}}}
}

// report is the 277CA of a claim, with statuses such as A7:562:85.
func report(control string, statuses ...string) *ack.Report {
	return &ack.Report{Level: ack.ClaimLevel, Reference: control, Statuses: said(statuses)}
}

func said(statuses []string) (all []ack.Status) {
	for _, s := range statuses {
		parts := strings.Split(s+"::", ":")
		all = append(all, ack.Status{Category: parts[0], Code: parts[1], Entity: parts[2]})
	}
	return all
}

// remittance is a payment with that trace, to the practice.
func remittance(trace string) *p835.Remittance {
	return &p835.Remittance{
		Trace: trace, Currency: "USD", Paid: day(44), Payer: p835.Party{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"},
		Payee: p835.Party{Name: "LAKESIDE FAMILY MEDICINE", ID: "1234567893", TaxID: "123456789"},
	}
}

// control is the number of attempt n of the sample's claim.
func control(n int) string { return claim.Claim{Number: "EV-2026-000123"}.Control(n) }

// payment pays 5.70 of 30.00 for attempt n: 14.30 are written off, 10.00 are the patient's.
func payment(n int) *p835.Claim { return pays(n, 5_70, 14_30, 10_00, 0) }

// pays is what a payer says of a line of 30.00 or whatever the amounts come to.
func pays(n int, paid, contractual, patient, other money.Cents) *p835.Claim {
	charge := paid + contractual + patient + other
	l := p835.Line{Code: "99422", Charge: charge, Paid: paid, Control: control(n) + "-1", From: day(14), To: day(14)}
	for _, a := range []p835.Adjustment{
		{Cause: p835.Contractual, Reason: "45", Amount: contractual}, {Cause: p835.PatientBears, Reason: "3", Amount: patient}, {Cause: p835.Other, Reason: "94", Amount: other},
	} {
		if a.Amount != 0 {
			l.Adjustments = append(l.Adjustments, a)
		}
	}
	return &p835.Claim{
		ID: control(n), Status: p835.Primary, Charge: charge, Paid: paid, PatientShare: patient, PayerControl: "PAYERCTRL001", Lines: []p835.Line{l},
	}
}

// denial allows nothing of 30.00, of which 10.00 are the patient's.
func denial(n int) *p835.Claim {
	p := pays(n, 0, 20_00, 10_00, 0)
	p.Status = p835.Denied
	return p
}

// reversal takes p back.
func reversal(p *p835.Claim) *p835.Claim {
	r := *p
	r.Status = p835.Reversal
	r.Charge, r.Paid, r.PatientShare = -p.Charge, -p.Paid, 0
	r.Lines = nil
	for _, l := range p.Lines {
		l.Charge, l.Paid = -l.Charge, -l.Paid
		adjustments := l.Adjustments
		l.Adjustments = nil
		for _, a := range adjustments {
			a.Amount = -a.Amount
			l.Adjustments = append(l.Adjustments, a)
		}
		r.Lines = append(r.Lines, l)
	}
	return &r
}
