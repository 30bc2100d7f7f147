package claim_test

import (
	"slices"
	"strings"
	"testing"

	"evisit/pkg/claim"
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
	inFile := m.batched(m.again(m.each()["resending"].Review(parties(), book(t), at(31, 9))), 2)
	paid, _, err := inFile.Post(remittance("EFT1"), payment(1), at(43, 8))
	if paid = m.must(paid, err); paid.State != claim.Paid {
		t.Fatal(paid.State)
	}
	left := m.must(paid.MarkSent(at(43, 9)))
	if left.State != claim.Paid || left.Attempts[1].Sent.IsZero() {
		t.Errorf("%s, %+v", left.State, left.Attempts[1])
	}
	double, _, err := left.Post(remittance("EFT2"), denial(2), at(50, 8))
	if double = m.must(double, err); double.State != claim.Paid || double.Books().Paid != 5_70 {
		t.Errorf("denied as a double: %s", double.State)
	}
	thrown := m.must(paid.Discard(at(43, 9)))
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
	_, err := c.Discard(at(29, 9))
	refused(t, err, "attempts_full")
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
