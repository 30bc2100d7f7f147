package billing_test

import (
	"errors"
	"strings"
	"testing"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
)

// Nothing is agreed to unless the words that stand now were read, and the words name the
// most that may be charged.
func TestAgreeLater_WordsThatStand(t *testing.T) {
	t.Parallel()
	if l, err := billing.AgreeLater("", noon); err != nil || l != (billing.LaterCharge{}) {
		t.Errorf("without words: %+v, %v", l, err)
	}
	if l, err := billing.AgreeLater(billing.LaterWords, noon); err != nil || l.Words != billing.LaterWords || !l.At.Equal(noon) {
		t.Errorf("agreed: %+v, %v", l, err)
	}
	if l, err := billing.AgreeLater("0", noon); !errors.Is(err, fault.Conflict) || l.Words != "" {
		t.Errorf("words that were replaced: %+v, %v", l, err)
	}
	if text := billing.LaterText(4_000); !strings.Contains(text, "no more than $40.00") {
		t.Error(text)
	}
}

// A payment by a card belongs to what the patient paid, however often it was renewed, and
// has no page.
func TestByCard_OfThePagesCard(t *testing.T) {
	t.Parallel()
	p := open(t, false)
	once, err := p.ByCard(p.Amount, false, noon)
	twice, err2 := once.ByCard(p.Amount, false, noon)
	charge, err3 := twice.ByCard(p.Amount-1, true, noon)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{p.ID: true}
	for _, by := range []billing.Payment{once, twice, charge} {
		if by.CardOf != p.ID || by.Session != "" || by.Visit != p.Visit || by.Account != p.Account || ids[by.ID] {
			t.Errorf("by card: %+v", by)
		}
		ids[by.ID] = true
		if by.Payable(noon) != billing.AwaitsStripe || !by.NextLook(noon).IsZero() {
			t.Errorf("%s can be paid %q, next look %s", by.ID, by.Payable(noon), by.NextLook(noon))
		}
	}
	if !charge.AtOnce || charge.Amount != p.Amount-1 || once.AtOnce {
		t.Errorf("charge %+v, renewal %+v", charge, once)
	}
	if _, err := p.ByCard(0, true, noon); err == nil {
		t.Error("nothing is charged to a card")
	}
}

// A card that refuses without the patient has failed at once; on a page they may try another.
func TestSettle_CardRefusesWithoutPatient(t *testing.T) {
	t.Parallel()
	page := open(t, false)
	by, err := page.ByCard(page.Amount, false, noon)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]billing.Observation{
		"Declined":  unpaid,
		"Asks":      {Intent: "pi_1", Status: "requires_action", Failure: "insufficient_funds"},
		"NotTried":  {Status: "canceled", Failure: "insufficient_funds"},
		"Cancelled": {Intent: "pi_1", Status: "canceled", Failure: "insufficient_funds"},
	} {
		got, entries, err := by.Settle(o, noon)
		if err != nil || got.State != billing.Failed || got.Why != "insufficient_funds" || len(entries) > 0 {
			t.Errorf("%s: %s (%s), %d entries, %v", name, got.State, got.Why, len(entries), err)
		}
		if again, _, err := got.Settle(o, noon); err != nil || again != got {
			t.Errorf("%s again: %+v, %v", name, again, err)
		}
	}
	if got, _, err := page.Settle(unpaid, noon); err != nil || got.State != billing.Opened {
		t.Errorf("a page whose card was declined is %s, %v", got.State, err)
	}
	if got, _, err := by.Settle(billing.Observation{SessionOver: true}, noon); err != nil || got.State != billing.Abandoned {
		t.Errorf("not needed any more, it is %s, %v", got.State, err)
	}
}
