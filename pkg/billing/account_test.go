package billing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
)

func TestAccount_Follow(t *testing.T) {
	t.Parallel()
	at := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	enabled := billing.AccountState{Charges: true, Payouts: true, Submitted: true}
	asked := billing.AccountState{Submitted: true, Due: []string{"tos_acceptance.date", "external_account"}, Reason: "requirements.past_due"}
	checked := billing.AccountState{Submitted: true, Reason: "requirements.pending_verification"}
	unpaid := billing.AccountState{Charges: true, Submitted: true}
	a := billing.Account{ID: "acct_1", Practice: "lakeside"}
	if !a.MayCharge() || a.Disabled() || a.InOrder() || (billing.Account{}).MayCharge() {
		t.Errorf("before Stripe was asked: %+v", a)
	}
	for n, step := range []struct {
		name                                  string
		seen                                  billing.AccountState
		changed, mayCharge, inOrder, disabled bool
	}{
		{"opened", billing.AccountState{Due: []string{"business_type"}}, true, false, false, false},
		{"being checked", checked, true, false, false, false},
		{"asked for more", asked, true, false, false, true},
		{"asked for the same", asked, false, false, false, true},
		{"enabled", enabled, true, true, true, false},
		{"enabled still", enabled, false, true, true, false},
		{"checked again", checked, true, false, false, true},
		{"not paid out", unpaid, true, true, false, true},
		{"disconnected", billing.AccountState{Disconnected: true, Charges: true}, true, false, false, false},
		{"disconnected still", billing.AccountState{Disconnected: true}, false, false, false, false},
		{"connected", enabled, true, true, true, false},
	} {
		next, changed := a.Follow(step.seen, at(n))
		if changed != step.changed || changed != (next.Version == a.Version+1) || changed != next.Changed.Equal(at(n)) {
			t.Errorf("%s: changed %t, %+v after %+v", step.name, changed, next, a)
		}
		if next.MayCharge() != step.mayCharge || next.InOrder() != step.inOrder || next.Disabled() != step.disabled {
			t.Errorf("%s: may charge %t, in order %t, disabled %t", step.name, next.MayCharge(), next.InOrder(), next.Disabled())
		}
		if (next.Missing() == "") != step.inOrder {
			t.Errorf("%s: missing %q", step.name, next.Missing())
		}
		a = next
	}
	if !a.Enabled.Equal(at(4)) {
		t.Errorf("first enabled at %v", a.Enabled)
	}
}

// What Stripe asks for is kept in one order, and bounded.
func TestAccount_Due(t *testing.T) {
	t.Parallel()
	s := billing.AccountState{}
	for n := range 50 {
		s.Due = append(s.Due, fmt.Sprintf("person.%02d", 49-n))
	}
	a, _ := billing.Account{ID: "acct_1"}.Follow(s, noon)
	if len(a.Due) != 20 || a.Due[0] != "person.00" {
		t.Errorf("due: %v", a.Due)
	}
	if _, changed := a.Follow(billing.AccountState{Due: append([]string{}, a.Due...)}, noon); changed {
		t.Error("the same again is a change")
	}
}

func TestAccount_NextAsk(t *testing.T) {
	t.Parallel()
	a, _ := billing.Account{ID: "acct_1"}.Follow(billing.AccountState{}, noon)
	b, _ := a.Follow(billing.AccountState{Charges: true, Payouts: true}, noon)
	after := func(d time.Duration) time.Time { return noon.Add(d) }
	const week = 7 * 24 * time.Hour
	for since, want := range map[time.Duration][2]time.Time{
		0:                {after(10 * time.Minute), after(10 * time.Minute)},
		10 * time.Minute: {after(70 * time.Minute), {}},
		week - 1:         {after(week - 1 + time.Hour), {}},
		week:             {after(week + 24*time.Hour), {}},
	} {
		if diff := cmp.Diff(want, [2]time.Time{a.NextAsk(after(since)), b.NextAsk(after(since))}); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", since, diff)
		}
	}
}
