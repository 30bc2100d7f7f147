package claim_test

import (
	"errors"
	"testing"

	"evisit/pkg/claim"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

func TestClose_WritesOffNoShare(t *testing.T) {
	t.Parallel()
	m := maker{t}
	other, _, err := m.accepted().Post(remittance("1"), pays(1, 5_70, 10_00, 10_00, 4_30), at(43, 8))
	other = m.must(other, err)
	for _, c := range []struct {
		name         string
		claim        claim.Claim
		open, closed claim.Books
	}{
		{"denied", m.denied(), claim.Books{Billed: 30_00, Open: 30_00}, claim.Books{Billed: 30_00, Share: 10_00, WrittenOff: 20_00}},
		{"appealed", m.each()["appealed"], claim.Books{Billed: 30_00, Open: 30_00}, claim.Books{Billed: 30_00, Share: 10_00, WrittenOff: 20_00}},
		{"other adjustments", other, claim.Books{Billed: 30_00, Paid: 5_70, Share: 10_00, WrittenOff: 10_00, Open: 4_30}, claim.Books{Billed: 30_00, Paid: 5_70, Share: 10_00, WrittenOff: 14_30}},
		{"sent", m.sent(), claim.Books{Billed: 30_00, Open: 30_00}, claim.Books{Billed: 30_00, WrittenOff: 30_00}},
		{"reversed", m.each()["reversed"], claim.Books{Billed: 30_00, Open: 30_00}, claim.Books{Billed: 30_00, WrittenOff: 30_00}},
		{"never sent", m.ready(), claim.Books{}, claim.Books{}},
	} {
		if b := c.claim.Books(); b != c.open {
			t.Errorf("%s: open %+v", c.name, b)
		}
		closed := m.must(c.claim.Close(claim.WrittenOff, "staff", at(60, 8)))
		if b := closed.Books(); b != c.closed {
			t.Errorf("%s: closed %+v", c.name, b)
		}
		if d := closed.Books().Less(c.claim.Books()); d.Billed != 0 || d.Paid+d.Share+d.WrittenOff+d.Open != 0 {
			t.Errorf("%s: closing changes %+v", c.name, d)
		}
	}
	_, err = m.paid().Close(claim.Restricted, "staff", at(60, 8))
	if wrong := refused(t, err, "invalid_request"); !errors.Is(err, fault.Invalid) || len(wrong) != 1 {
		t.Error(err)
	}
}

func TestSettle_ByState(t *testing.T) {
	t.Parallel()
	for name, c := range (maker{t}).each() {
		final := name == "paid" || name == "voided" || name == "closed"
		if s := c.Settle(10_00); s.Open == final || s.Open && s != (claim.Settlement{Open: true}) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// The patient agreed to up to 10.00: what is above it is not asked for, and what a card cannot be
// charged neither.
func TestSettle_WithinWhatWasAgreed(t *testing.T) {
	t.Parallel()
	m := maker{t}
	for _, c := range []struct {
		share, captured money.Cents
		want            claim.Settlement
	}{
		{10_00, 10_00, claim.Settlement{}},
		{9_99, 10_00, claim.Settlement{Refund: 1}},
		{0, 10_00, claim.Settlement{Refund: 10_00}},
		{0, 0, claim.Settlement{}},
		{10_00, 0, claim.Settlement{Ask: 10_00}},
		{10_00, 9_50, claim.Settlement{Ask: 50}},
		{10_00, 9_51, claim.Settlement{Small: 49}},
		{10_01, 10_00, claim.Settlement{Above: 1}},
		{15_70, 0, claim.Settlement{Ask: 10_00, Above: 5_70}},
		{15_70, 9_60, claim.Settlement{Small: 40, Above: 5_70}},
		{15_70, 12_00, claim.Settlement{Above: 3_70}},
		{15_70, 20_00, claim.Settlement{Refund: 4_30}},
	} {
		p := pays(1, 14_00, 16_00-c.share, c.share, 0)
		if c.share == 0 {
			p = pays(1, 14_00, 16_00, 0, 0)
		}
		paid, _, err := m.accepted().Post(remittance("1"), p, at(43, 8))
		c.want.Share = c.share
		got := m.must(paid, err).Settle(c.captured)
		if got != c.want || got.Share != c.captured-got.Refund+got.Ask+got.Above+got.Small {
			t.Errorf("share %s, captured %s: %+v", c.share, c.captured, got)
		}
	}
}
