package billing

import (
	"slices"
	"time"
)

// An AccountState is how a connected account stands at Stripe.
type AccountState struct {
	// Disconnected says that the platform has no access to the account: its owner ended
	// it, or there is no such account.
	Disconnected bool `json:"disconnected,omitempty"`
	Charges      bool `json:"charges,omitempty"`   // Stripe's charges_enabled: patients can pay
	Payouts      bool `json:"payouts,omitempty"`   // Stripe's payouts_enabled: money reaches the practice's bank
	Submitted    bool `json:"submitted,omitempty"` // Stripe's details_submitted: its owner gave the first details
	// Due are the names of the details that Stripe asks for now, at most maxDue of them.
	Due []string `json:"due,omitempty"`
	// Reason is Stripe's requirements.disabled_reason; empty: the account is not disabled.
	Reason string `json:"reason,omitempty"`
}

// maxDue keeps an account's row small, whatever Stripe asks for.
const maxDue = 20

func (s AccountState) equal(t AccountState) bool {
	return slices.Equal(s.Due, t.Due) && s.Disconnected == t.Disconnected && s.Charges == t.Charges && s.Payouts == t.Payouts &&
		s.Submitted == t.Submitted && s.Reason == t.Reason
}

// An Account is a connected account as a practice's, and what Stripe said of it last. An
// Account of version 0 was never asked about, and its state is not known.
type Account struct {
	ID       string `json:"id"`
	Practice string `json:"practice"`
	AccountState
	Changed time.Time `json:"changed"` // since when it stands so
	// Enabled is when patients could pay for the first time; zero: not yet.
	Enabled time.Time `json:"enabled,omitzero"`
	Version int       `json:"-"`
}

// Follow returns a as Stripe says at now that it stands. It reports false if that is known.
func (a Account) Follow(s AccountState, now time.Time) (Account, bool) {
	slices.Sort(s.Due)
	s.Due = s.Due[:min(len(s.Due), maxDue)]
	if s.Disconnected { // Stripe tells nothing more of it
		s = AccountState{Disconnected: true, Submitted: a.Submitted}
	}
	if a.Version > 0 && a.equal(s) {
		return a, false
	}
	a.AccountState, a.Changed = s, now
	if s.Charges && a.Enabled.IsZero() {
		a.Enabled = now
	}
	a.Version++
	return a, true
}

// MayCharge reports whether patients can pay; nobody can where there is no account. Of an account that was never asked about it
// is not known: Stripe refuses the payment page if they cannot.
func (a Account) MayCharge() bool {
	return a.ID != "" && (a.Version == 0 || a.Charges && !a.Disconnected)
}

// InOrder reports whether nothing is to be done: patients can pay, and are paid out.
func (a Account) InOrder() bool { return a.Charges && a.Payouts && !a.Disconnected }

// Disabled reports whether somebody must give Stripe what it asks for before patients can
// pay or money is paid out. An owner who is giving the first details, or waits for Stripe
// to check these, knows.
func (a Account) Disabled() bool {
	begun := !a.Submitted || a.Enabled.IsZero() && len(a.Due) == 0
	return a.Version > 0 && !a.Disconnected && !a.InOrder() && !begun
}

// How often Stripe is asked about an account that is not in order. A hold lasts a week: a
// fee that waits for the account is tried each hour in it.
const (
	askSoon   = 10 * time.Minute
	askHourly = 7 * 24 * time.Hour // for so long after its state changed
)

// NextAsk returns when Stripe is asked about a again, of which it said at now how it
// stands: ten minutes after a change, because of two answers that crossed the older may
// have been stored last; then, unless a is in order, each hour for a week, and each day.
// An account in order has no next time: it is asked about with the day's other changes.
func (a Account) NextAsk(now time.Time) time.Time {
	switch since := now.Sub(a.Changed); {
	case since < askSoon:
		return now.Add(askSoon)
	case a.InOrder():
		return time.Time{}
	case since < askHourly:
		return now.Add(time.Hour)
	}
	return now.Add(24 * time.Hour)
}

// Missing says in words what keeps a from being in order, for the practice's people; empty
// if nothing does.
func (a Account) Missing() string {
	switch {
	case a.ID == "":
		return "The practice has no account at Stripe, so patients can send only what is free."
	case a.Version == 0:
		return "Stripe has not yet said how the account stands. Look again in a minute."
	case a.Disconnected:
		return "Stripe refuses access to the account, so nobody can pay and no fee can be collected. Connect it again."
	case a.InOrder():
		return ""
	case !a.Submitted:
		return "Stripe needs details of the practice before patients can pay. Give them at Stripe."
	case len(a.Due) == 0 && !a.Charges:
		return "Stripe checks the details that were given. Patients can pay when it has."
	case !a.Charges:
		return "Stripe has disabled the account, so nobody can pay. Give what it asks for."
	case len(a.Due) == 0:
		return "Patients can pay. Stripe pays nothing out while it checks the details that were given."
	}
	return "Patients can pay, and Stripe pays nothing out. Give what it asks for."
}
