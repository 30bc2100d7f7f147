package claim_test

import (
	"strings"
	"testing"

	"evisit/pkg/claim"
	"evisit/pkg/x12/ack"
)

// An answer is what a receiver or payer says, and what it is to change.
type answer struct {
	say    func(claim.Claim) (claim.Claim, claim.Effect)
	effect claim.Effect
	state  claim.State
}

func file(n int, v ack.Verdict) func(claim.Claim) (claim.Claim, claim.Effect) {
	return func(c claim.Claim) (claim.Claim, claim.Effect) {
		return c.HearFile(interchange(n, v, "000"), at(30, 8))
	}
}

func form(n int, v ack.Verdict, faults ...ack.Fault) func(claim.Claim) (claim.Claim, claim.Effect) {
	return func(c claim.Claim) (claim.Claim, claim.Effect) {
		return c.HearGroup(group(n, v, faults...), at(30, 9))
	}
}

func told(r *ack.Report) func(claim.Claim) (claim.Claim, claim.Effect) {
	return func(c claim.Claim) (claim.Claim, claim.Effect) { return c.HearReport(r, at(31, 8)) }
}

func TestHear_Sequences(t *testing.T) {
	t.Parallel()
	first := control(1)
	batchLevel := &ack.Report{Level: ack.BatchLevel, Reference: reference(1), Batch: reference(1), Statuses: said([]string{"A1:19:PR"}), Accepted: 1}
	wholeBatch := &ack.Report{Level: ack.BatchLevel, Reference: reference(1), Batch: reference(1), Statuses: said([]string{"A3:24:41"}), Rejected: 1}
	provider := &ack.Report{Level: ack.ProviderLevel, NPI: "1234567893", Batch: reference(1), Statuses: said([]string{"A8:562:85"}), Rejected: 1}
	otherProvider := *provider
	otherProvider.NPI = "1679576722"
	someRejected := *provider
	someRejected.Accepted = 3
	silent := group(1, ack.PartlyAccepted)
	silent.Sets = []ack.Set{{Control: "0002", Verdict: ack.Rejected}}
	against := group(1, ack.Rejected)
	against.Sets[0].Verdict = ack.Accepted
	ofEligibility := group(1, ack.Rejected)
	ofEligibility.Kind = "HS"
	byGroup := func(g *ack.Group) func(claim.Claim) (claim.Claim, claim.Effect) {
		return func(c claim.Claim) (claim.Claim, claim.Effect) { return c.HearGroup(g, at(30, 9)) }
	}
	for name, answers := range map[string][]answer{
		"in order": {
			{file(1, ack.Accepted), claim.Advanced, claim.Sent},
			{form(1, ack.Accepted), claim.Advanced, claim.Received},
			{told(report(first, "A1:19")), claim.Advanced, claim.Received},
			{told(report(first, "A2:20")), claim.Advanced, claim.Accepted},
		},
		"the last first": {
			{told(report(first, "A2:20")), claim.Advanced, claim.Accepted},
			{told(report(first, "A1:19")), claim.Late, claim.Accepted},
			{form(1, ack.Accepted), claim.Late, claim.Accepted},
			{file(1, ack.Accepted), claim.Late, claim.Accepted},
		},
		"each twice": {
			{form(1, ack.AcceptedWithErrors), claim.Advanced, claim.Received},
			{form(1, ack.Accepted), claim.Known, claim.Received},
			{told(report(first, "A2:20")), claim.Advanced, claim.Accepted},
			{told(report(first, "A5:20")), claim.Known, claim.Accepted},
		},
		"an older refusal undoes nothing": {
			{told(report(first, "A2:20")), claim.Advanced, claim.Accepted}, {form(1, ack.Rejected), claim.Late, claim.Accepted}, {file(1, ack.Rejected), claim.Late, claim.Accepted},
		},
		"the file was sent twice": {
			{file(1, ack.Rejected), claim.Advanced, claim.Rejected}, {form(1, ack.Accepted), claim.Advanced, claim.Received},
		},
		"the payer turns back what the clearinghouse took": {
			{told(report(first, "A2:20")), claim.Advanced, claim.Accepted},
			{told(report(first, "A7:164:IL")), claim.Advanced, claim.Rejected},
			{told(report(first, "A7:164:IL")), claim.Known, claim.Rejected},
			{told(report(first, "A2:20")), claim.Late, claim.Rejected},
		},
		"of another file":              {{file(2, ack.Accepted), claim.OtherClaim, claim.Sent}, {form(2, ack.Rejected), claim.OtherClaim, claim.Sent}},
		"of another claim":             {{told(report("EV-2026-000124", "A7:562")), claim.OtherClaim, claim.Sent}, {told(report(control(2), "A2:20")), claim.OtherClaim, claim.Sent}},
		"a category that there is not": {{told(report(first, "F1:65")), claim.NotUnderstood, claim.Sent}},
		"… of another claim":           {{told(report("EV-2026-000124", "F1:65")), claim.OtherClaim, claim.Sent}},
		"of the batch":                 {{told(batchLevel), claim.Advanced, claim.Received}},
		"all of the batch turned back": {{told(wholeBatch), claim.Advanced, claim.Rejected}},
		"all of the provider's":        {{told(provider), claim.Advanced, claim.Rejected}},
		"some of the provider's":       {{told(&someRejected), claim.Advanced, claim.Received}},
		"another provider's":           {{told(&otherProvider), claim.OtherClaim, claim.Sent}},
		"an accepted set left out":     {{byGroup(silent), claim.Advanced, claim.Received}},
		"the group is refused":         {{byGroup(against), claim.Advanced, claim.Rejected}},
		"a group of another kind":      {{byGroup(ofEligibility), claim.OtherClaim, claim.Sent}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := maker{t}.sent()
			for i, a := range answers {
				before := c
				next, effect := a.say(c)
				if effect != a.effect || next.State != a.state {
					t.Fatalf("answer %d: %s, %s; want %s, %s", i+1, effect, next.State, a.effect, a.state)
				}
				if changed := diff(before, next) != ""; changed != (effect == claim.Advanced) || changed != (next.Version > before.Version) {
					t.Errorf("answer %d is %s: %s", i+1, effect, diff(before, next))
				}
				if c = next; (c.State == claim.Rejected) != (len(c.Problems) > 0) {
					t.Errorf("%s with %v", c.State, c.Problems)
				}
			}
		})
	}
}

// What no acknowledgment changes: a claim that is in no file, one that the payer decided on, and
// one that another attempt has followed.
func TestHear_TooLate(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]claim.Effect{
		"embargoed": claim.OtherClaim, "ready": claim.OtherClaim, "withdrawn": claim.OtherClaim,
		"paid": claim.Late, "denied": claim.Late, "appealed": claim.Late, "reversed": claim.Late, "closed": claim.Late,
		"resending": claim.OtherAttempt, "replacing": claim.OtherAttempt, "voiding": claim.OtherAttempt, "voided": claim.OtherAttempt,
	} {
		before := maker{t}.each()[state]
		for _, say := range []func(claim.Claim) (claim.Claim, claim.Effect){told(report(control(1), "A8:562")), form(1, ack.Rejected), file(1, ack.Rejected)} {
			if c, effect := say(before); effect != want || diff(before, c) != "" {
				t.Errorf("%s: %s, want %s; %s", state, effect, want, diff(before, c))
			}
		}
	}
}

// An answer proves that a file left, though nobody said so; but not of a file that was thrown away.
func TestHear_OfBatched(t *testing.T) {
	t.Parallel()
	m := maker{t}
	batched := m.batched(m.ready(), 1)
	c, effect := batched.HearGroup(group(1, ack.Accepted), at(30, 9))
	if effect != claim.Advanced || c.State != claim.Received || !c.Attempts[0].Sent.Equal(at(30, 9)) {
		t.Errorf("%s, %+v", effect, c.Attempts)
	}
	again := m.batched(m.must(batched.Discard(at(29, 11))), 2)
	if got := again.Attempts[1].File.Interchange; got != 2 || again.Control(2) != "EV-2026-000123.2" {
		t.Errorf("in file %d", got)
	}
	if c, effect := again.HearGroup(group(1, ack.Accepted), at(30, 9)); effect != claim.OtherAttempt || diff(again, c) != "" {
		t.Errorf("of the file that was thrown away: %s", effect)
	}
}

func TestHearReport_PayerControl(t *testing.T) {
	t.Parallel()
	m := maker{t}
	r := report(control(1), "A2:20")
	r.PayerControl = "P1"
	c, _ := m.sent().HearReport(r, at(30, 8))
	if c.PayerControl != "P1" {
		t.Errorf("number %q", c.PayerControl)
	}
	if _, err := c.Void(at(31, 8)); err != nil {
		t.Errorf("a claim whose number is known: %v", err)
	}
	paid := m.paid()
	if c, _ := paid.HearReport(r, at(50, 8)); c.PayerControl != paid.PayerControl {
		t.Errorf("late number %q", c.PayerControl)
	}
}

// Each reason names the record and the field that a person looks at.
func TestHear_ReasonsNameTheField(t *testing.T) {
	t.Parallel()
	line := report(control(1))
	line.Lines = []ack.Line{{Control: control(1) + "-1", Statuses: said([]string{"A7:454", "A7:454", "A2:20"})}, {Statuses: said([]string{"A6:21"})}}
	inClaim := ack.Fault{Segment: "HI", Position: 21, Loop: "2300", Code: "8", Claim: control(1), Elements: []ack.ElementFault{{Element: 1, Code: "7", Value: "SECRET"}}}
	other := inClaim
	other.Claim = "EV-2026-000124"
	anyone := ack.Fault{Segment: "N4", Position: 10, Loop: "2010AA", Code: "8"}
	for _, c := range []struct {
		say                     func(claim.Claim) (claim.Claim, claim.Effect)
		of, where, code, within string
	}{
		{file(1, ack.Rejected), "claim", "file", "TA1:000", "another file"},
		{func(c claim.Claim) (claim.Claim, claim.Effect) {
			return c.HearFile(interchange(1, ack.Rejected, "025"), at(30, 8))
		}, "claim", "file", "TA1:025", "wait for its answers"},
		{form(1, ack.Rejected), "claim", "file", "999:R", "names no field"},
		{form(1, ack.Rejected, inClaim), "claim", "diagnoses", "999:HI:8", "Element 1 is wrong (7)"},
		{form(1, ack.Rejected, other), "claim", "file", "999:other_claim", "another claim"},
		{form(1, ack.Rejected, other, anyone), "practice", "billing", "999:N4:8", "of the practice"},
		{form(1, ack.Rejected, ack.Fault{Segment: "NM1", Loop: "2010BA"}), "coverage", "subscriber", "999:NM1", "of the coverage"},
		{form(1, ack.Rejected, ack.Fault{Segment: "SV1", Loop: "2400", Code: "8"}), "claim", "lines", "999:SV1:8", ""},
		{form(1, ack.Rejected, ack.Fault{Segment: "HI", Code: "3"}), "claim", "diagnoses", "999:HI:3", ""},
		{form(1, ack.Rejected, ack.Fault{Segment: "ZZZ", Loop: "9999", Code: "1"}), "claim", "file", "999:ZZZ:1", ""},
		{told(report(control(1), "A7:562:85")), "practice", "billing/npi", "277CA:A7:562:85", "of the practice"},
		{told(report(control(1), "A7:562:82")), "clinician", "rendering/npi", "277CA:A7:562:82", ""},
		{told(report(control(1), "A6:164:IL")), "coverage", "subscriber/member_id", "277CA:A6:164:IL", ""},
		{told(report(control(1), "A3:33:IL")), "coverage", "subscriber/member_id", "277CA:A3:33:IL", ""},
		{told(report(control(1), "A7:503:QC")), "patient", "patient/address/street", "277CA:A7:503:QC", ""},
		{told(report(control(1), "A7:158:QC")), "patient", "patient/birth", "277CA:A7:158:QC", ""},
		{told(report(control(1), "A8:255")), "claim", "diagnoses", "277CA:A8:255", ""},
		{told(report(control(1), "A3:116")), "coverage", "subscriber/payer", "277CA:A3:116", ""},
		{told(report(control(1), "A7:999")), "claim", "", "277CA:A7:999", ""},
		{told(report(control(1), "A7:999:PR")), "payer", "payer", "277CA:A7:999:PR", ""},
		{told(line), "claim", "lines/1/code", "277CA:A7:454", ""},
	} {
		got, _ := c.say(maker{t}.sent())
		if len(got.Problems) == 0 {
			t.Fatalf("%s: no reason", c.code)
		}
		p := got.Problems[0]
		if string(p.Of) != c.of || p.Where != c.where || p.Code != c.code || !strings.Contains(p.Text, c.within) || strings.Contains(p.Text, "SECRET") {
			t.Errorf("%+v, want %s, %s, %s, %q", p, c.of, c.where, c.code, c.within)
		}
	}
	got, _ := told(line)(maker{t}.sent())
	if len(got.Problems) != 2 || got.Problems[1].Where != "lines/2" {
		t.Errorf("%+v", got.Problems)
	}
}
