package claim_test

import (
	"slices"
	"strings"
	"testing"

	"evisit/pkg/claim"
	"evisit/pkg/x12/p835"
)

// A replacement names the payer's number; its answer has its own control number, and comes after
// the reversal of what it replaces.
func TestReplace_ToPaid(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.must(m.denied().Replace(at(44, 8)))
	o := outcome()
	o.Code = "99421"
	c = m.must(c.Coded(o, 25_00, zone, at(44, 8)))
	if b := c.Books(); b != (claim.Books{Billed: 30_00, Open: 30_00}) {
		t.Errorf("%+v", b)
	}
	c = m.batched(m.must(c.Review(parties(), book(t), at(44, 9))), 2)
	a := c.Attempts[1]
	if a.Frequency != "7" || a.PayerControl != "PAYERCTRL001" || a.File.Interchange != 2 || a.Said.Charge() != 25_00 || c.Attempts[0].Said.Charge() != 30_00 {
		t.Fatalf("%+v", a)
	}
	c = m.must(c.MarkSent(at(44, 10)))
	c, effect := c.HearReport(report(control(2), "A2:20"), at(45, 8))
	if effect != claim.Advanced || c.State != claim.Accepted || !c.Settle(10_00).Open {
		t.Errorf("%s, %s", effect, c.State)
	}
	closed := m.must(c.Close(claim.Withdrawn, "staff", at(45, 9)))
	if r, _, err := closed.Post(remittance("EFT2"), reversal(denial(1)), at(50, 8)); m.must(r, err).State != claim.Reversed {
		t.Errorf("closed, and the denial is taken back: %s", r.State)
	}
	c, _, err := c.Post(remittance("EFT2"), reversal(denial(1)), at(50, 8))
	if c = m.must(c, err); c.State != claim.Accepted {
		t.Errorf("the denial is taken back: %s", c.State)
	}
	c, _, err = c.Post(remittance("EFT2"), pays(2, 5_00, 10_00, 10_00, 0), at(50, 8))
	if c = m.must(c, err); c.State != claim.Paid || c.Books() != (claim.Books{Billed: 25_00, Paid: 5_00, Share: 10_00, WrittenOff: 10_00}) {
		t.Errorf("%s, %+v", c.State, c.Books())
	}
}

func TestVoid_TakesAllBack(t *testing.T) {
	t.Parallel()
	m := maker{t}
	paid := m.paid()
	c := m.again(paid.Void(at(44, 8)))
	if c.State != claim.Ready || c.Charge() != 30_00 || !c.Settle(10_00).Open {
		t.Fatalf("%s, %v", c.State, c.Problems)
	}
	c = m.must(m.batched(c, 2).MarkSent(at(44, 10)))
	if a := c.Attempts[1]; a.Frequency != "8" || a.PayerControl != "PAYERCTRL001" {
		t.Errorf("%+v", a)
	}
	refusedVoid := denial(2)
	if kept, _, err := c.Post(remittance("EFT2"), refusedVoid, at(50, 8)); m.must(kept, err).State != claim.Accepted && kept.State != claim.Sent {
		t.Errorf("a payer that denies the void: %s", kept.State)
	}
	_, _, err := c.Post(remittance("EFT2"), payment(2), at(50, 8))
	if got := suspended(t, err); !slices.Contains(got, "void") {
		t.Errorf("a payer that pays the void: %v", got)
	}
	turned, _ := c.HearReport(report(control(2), "A7:464"), at(45, 8))
	if r, _, err := turned.Post(remittance("EFT2"), reversal(payment(1)), at(50, 8)); m.must(r, err).State != claim.Reversed {
		t.Errorf("the void is turned back, and the payer takes its decision back: %s", r.State)
	}
	for _, of := range []int{1, 2} { // by the claim's number or by the void's
		r := reversal(payment(1))
		r.ID = control(of)
		v, _, err := c.Post(remittance("EFT2"), r, at(50, 8))
		if v = m.must(v, err); v.State != claim.Voided || v.Books() != (claim.Books{}) {
			t.Errorf("%s, %+v", v.State, v.Books())
		}
		if s := v.Settle(10_00); s != (claim.Settlement{Refund: 10_00}) {
			t.Errorf("%+v", s)
		}
	}
}

// Discarding twice, a resend of a discarded file, and giving up lead back to what was sent.
func TestAbandon_StandsAsBefore(t *testing.T) {
	t.Parallel()
	m := maker{t}
	turned := m.each()["rejected"]
	c := m.must(turned.Resend(at(31, 8)))
	c = m.must(c.Amend(amendment(c, 44_00), at(31, 8)))
	c = m.batched(m.must(c.Review(parties(), book(t), at(31, 9))), 2)
	c = m.must(m.batched(m.must(c.Discard(at(31, 9))), 3).Discard(at(31, 9)))
	if again := m.must(c.Discard(at(31, 9))); again.Version != c.Version {
		t.Error("discarded twice")
	}
	c = c.Abandon(at(31, 10))
	if c.State != claim.Rejected || c.Charge() != 30_00 {
		t.Errorf("%s, %s", c.State, c.Charge())
	}
	if _, effect := c.HearReport(report(control(1), "A7:562:85"), at(31, 11)); effect != claim.Known {
		t.Errorf("%s", effect)
	}
	c = m.again(c.Resend(at(31, 11)))
	if got := m.batched(c, 4).Attempts; len(got) != 4 || got[3].File.Interchange != 4 {
		t.Errorf("%d attempts", len(got))
	}
}

// The payer pays the first attempt although it was turned back, and another is in a file: that is
// marked as it is, and the claim stays paid.
func TestPost_EarlierAttempt(t *testing.T) {
	t.Parallel()
	m := maker{t}
	resending := m.each()["resending"]
	inFile := m.batched(m.again(resending.Amend(amendment(resending, 31_00), at(31, 9))), 2)
	paid, _, err := inFile.Post(remittance("EFT1"), payment(1), at(43, 8))
	if paid = m.must(paid, err); paid.State != claim.Paid {
		t.Fatal(paid.State)
	}
	left := m.must(paid.MarkSent(at(43, 9)))
	if left.State != claim.Paid || left.Attempts[1].Sent.IsZero() {
		t.Errorf("%s, %+v", left.State, left.Attempts[1])
	}
	again := pays(2, 0, 21_00, 10_00, 0)
	again.Status, again.PayerControl = p835.Denied, "PAYERCTRL002"
	double, _, err := left.Post(remittance("EFT2"), again, at(50, 8))
	if double = m.must(double, err); double.State != claim.Paid || double.Books().Paid != 5_70 {
		t.Errorf("denied as a double: %s", double.State)
	}
	if void := m.must(double.Void(at(51, 8))); void.Attempts[2].PayerControl != "PAYERCTRL001" || void.Charge() != 30_00 {
		t.Errorf("the double is voided: %+v", void.Attempts[2])
	}
	thrown := m.must(paid.Discard(at(43, 9)))
	if void := m.must(thrown.Void(at(51, 8))); void.Charge() != 30_00 {
		t.Errorf("voided for %s", void.Charge())
	}
	if again, err := thrown.Discard(at(43, 9)); thrown.State != claim.Paid || !thrown.Attempts[1].Discarded || err == nil {
		t.Errorf("%s, %v, %v", thrown.State, again.State, err)
	}
}

// A file that was thrown away left all the same, and the payer decides on what was in it: whatever
// was done meanwhile, no second original goes out.
func TestPost_OfAFileThatWasThrownAway(t *testing.T) {
	t.Parallel()
	m := maker{t}
	thrown := m.must(m.batched(m.ready(), 1).Discard(at(29, 10)))
	batched := m.batched(thrown, 2)
	turned, _ := m.must(batched.MarkSent(at(29, 11))).HearReport(report(control(2), "A7:562:85"), at(30, 8))
	for name, c := range map[string]claim.Claim{
		"ready": thrown, "closed": m.must(thrown.Close(claim.Withdrawn, "staff", at(29, 11))), "turned back": turned,
	} {
		d, _, err := c.Post(remittance("1"), denial(1), at(43, 8))
		if d = m.must(d, err); d.State != claim.Denied || d.Attempts[0].Discarded || d.Attempts[0].Sent.IsZero() || !d.Ended.At.IsZero() {
			t.Errorf("%s: %s, %+v", name, d.State, d.Attempts)
		}
		_, err = d.Resend(at(44, 8))
		refused(t, err, "claim_state")
		r := m.must(d.Replace(at(44, 8)))
		if back := r.Abandon(at(44, 9)); back.State != claim.Denied {
			t.Errorf("%s: given up, it is %s", name, back.State)
		}
	}
	d, _, err := batched.Post(remittance("1"), denial(1), at(43, 8))
	if d = m.must(d, err); d.State != claim.Batched {
		t.Errorf("another file is under way: %s", d.State)
	}
	if d, effect := d.HearReport(report(control(2), "A7:562:85"), at(44, 8)); effect != claim.Advanced || d.State != claim.Denied || len(d.Problems) > 0 {
		t.Errorf("that is turned back: %s, %v", d.State, d.Problems)
	}
}

// A replacement that was turned back is still to be sent again after its next attempt is given up,
// though the former decision stands.
func TestAbandon_ReplacementTurnedBack(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.must(m.batched(m.again(m.denied().Replace(at(44, 8))), 2).MarkSent(at(44, 10)))
	c, _ = c.HearReport(report(control(2), "A7:464"), at(45, 8))
	c = m.must(c.Resend(at(45, 9)))
	if c.Attempts[2].Frequency != "7" || c.Attempts[2].PayerControl != "PAYERCTRL001" {
		t.Errorf("%+v", c.Attempts[2])
	}
	if c = c.Abandon(at(45, 10)); c.State != claim.Rejected {
		t.Errorf("given up: %s", c.State)
	}
}

// What is given up while it is voided before the payer decided is accepted, as before.
func TestAbandon_VoidOfWhatIsAccepted(t *testing.T) {
	t.Parallel()
	m := maker{t}
	r := report(control(1), "A2:20")
	r.PayerControl = "PAYERCTRL001"
	accepted, _ := m.sent().HearReport(r, at(30, 8))
	if c := m.must(accepted.Void(at(31, 8))).Abandon(at(31, 9)); c.State != claim.Accepted || len(c.Attempts) != 1 {
		t.Errorf("%s with %d attempts", c.State, len(c.Attempts))
	}
}

// A claim is put into files up to 99 times, which is what control numbers have room for, and keeps
// up to 50 decisions.
func TestClaim_Bounds(t *testing.T) {
	t.Parallel()
	m := maker{t}
	c := m.batched(m.ready(), 1)
	for n := 2; n <= 99; n++ {
		c = m.batched(m.must(c.Discard(at(29, 9))), n)
	}
	full, err := c.Discard(at(29, 9))
	refused(t, err, "attempts_full")
	if d := diff(c, full); d != "" {
		t.Error(d)
	}
	d := m.accepted()
	for n := range 50 {
		d, _, err = d.Post(remittance("EFT"+strings.Repeat("1", n)), denial(1), at(50, 8))
		d = m.must(d, err)
	}
	_, _, err = d.Post(remittance("LAST"), payment(1), at(50, 8))
	if got := suspended(t, err); !slices.Equal(got, []string{"too_often"}) {
		t.Errorf("%v", got)
	}
}

// Of two decisions of the same amounts, a reversal takes back the one of its number.
func TestPost_ReversalByNumber(t *testing.T) {
	t.Parallel()
	m := maker{t}
	second := denial(1)
	second.PayerControl = "PAYERCTRL002"
	c, _, err := m.denied().Post(remittance("2"), second, at(50, 8))
	c, _, err = m.must(c, err).Post(remittance("3"), reversal(second), at(51, 8))
	if c = m.must(c, err); c.Posted[0].Undone || !c.Posted[1].Undone {
		t.Errorf("%+v", c.Posted)
	}
	other := reversal(denial(1))
	other.PayerControl = "PAYERCTRL003"
	c, _, err = c.Post(remittance("4"), other, at(52, 8))
	if c = m.must(c, err); !c.Posted[0].Undone || c.State != claim.Reversed {
		t.Errorf("by a number of its own: %s", c.State)
	}
}
