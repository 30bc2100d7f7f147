// Package statement sums what a practice's books say of a period of days: by day, by kind of
// entry, by account, by what was paid for, by form and by who answered; and decides when a month
// of the books is closed, and with which balance. Every figure is a sum of postings of named
// entries, so that the entries can be listed from which it comes. It is not part of ledger,
// which knows neither days nor zones.
package statement

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
)

// A Figure is what a posting counts for.
type Figure string

const (
	Collected Figure = "collected" // paid by patients
	Refunded  Figure = "refunded"  // given back to them, without refunds that failed
	Disputed  Figure = "disputed"  // taken back by banks, without what was won
	Fees      Figure = "fees"      // what Stripe took, and the platform
	PaidOut   Figure = "paid_out"  // paid out to the practice's bank, without payouts that failed
	Other     Figure = "other"     // moved at Stripe for what has no figure of its own here
)

// Figures lists every figure.
var Figures = []Figure{Collected, Refunded, Disputed, Fees, PaidOut, Other}

// none is the figure of a posting that moves no money at Stripe, or is that movement.
const none Figure = ""

// accounts has the figure of each account's postings. An account that is not here is Other.
var accounts = map[ledger.Account]Figure{
	ledger.Stripe: none, ledger.Holds: none, ledger.HoldsOwed: none, ledger.MembershipFees: none,
	ledger.VisitFees: Collected, ledger.Refunds: Refunded, ledger.Disputes: Disputed, ledger.DisputeFees: Fees,
	ledger.StripeFees: Fees, ledger.PlatformFees: Fees, ledger.Bank: PaidOut,
}

// deferred has the figure of a posting to ledger.DeferredFees by the entry's kind. A kind that is
// not here is Other.
var deferred = map[ledger.Kind]Figure{
	ledger.Fee: Collected, ledger.Refund: Refunded, ledger.RefundFailed: Refunded, ledger.Earned: none,
}

func figureOf(k ledger.Kind, a ledger.Account) Figure {
	of, known := accounts[a]
	if a == ledger.DeferredFees {
		of, known = deferred[k]
	}
	if !known {
		return Other
	}
	return of
}

// A Way is what a payment was for, and how it was paid.
type Way string

const (
	ByCard       Way = "card"       // a visit's fee
	ByPlan       Way = "plan"       // a patient's share of a visit that a health plan pays for, by card
	ByMembership Way = "membership" // a yearly fee
	Uncharged    Way = "uncharged"  // nothing: the hold for a visit was released, and nothing charged
	ToBank       Way = "payout"     // no patient's: a payout to the practice's bank
)

// Ways lists every way.
var Ways = []Way{ByCard, ByPlan, ByMembership, Uncharged, ToBank}

// WayOf returns the way that e belongs to.
func WayOf(e ledger.Entry) Way {
	switch {
	case e.Kind == ledger.PayoutMade || e.Kind == ledger.PayoutReturned:
		return ToBank
	case e.OfMembership():
		return ByMembership
	case e.Kind == ledger.Release:
		return Uncharged
	case e.Payer != "":
		return ByPlan
	}
	return ByCard
}

// AboutOf returns the id of what e is about: of a visit, a membership or a payout, as its way is.
func AboutOf(e ledger.Entry) string {
	if way := WayOf(e); way == ByMembership || way == ToBank {
		return e.Payment
	}
	about, _, _ := strings.Cut(e.Payment, ".")
	return about
}

// Sums are amounts by figure. What patients paid is positive as Collected; what was taken from
// that is positive as Refunded, Disputed, Fees and PaidOut; Other is positive if it came in.
type Sums map[Figure]money.Cents

// SumsOf returns the figures of one entry. A figure that is absent has no part of it.
func SumsOf(e ledger.Entry) Sums {
	sums := Sums{}
	for _, p := range e.Postings {
		switch f := figureOf(e.Kind, p.Account); f {
		case none:
		case Collected, Other: // credits, which are negative
			sums[f] -= p.Amount
		case Refunded, Disputed, Fees, PaidOut:
			sums[f] += p.Amount
		}
	}
	return sums
}

// AtStripe is by how much the money at Stripe rose: the Net without what was paid out.
func (s Sums) AtStripe() money.Cents { return s.Net() - s[PaidOut] }

// Net is what was collected without what was taken from it.
func (s Sums) Net() money.Cents {
	return s[Collected] - s[Refunded] - s[Disputed] - s[Fees] + s[Other]
}

// A Part sums some entries.
type Part struct {
	Entries int
	Sums    Sums
	// AtStripe is by how much the money at Stripe rose. It is the Sums' own.
	AtStripe money.Cents
}

func (p Part) with(e ledger.Entry) Part {
	if p.Sums == nil {
		p.Sums = Sums{}
	}
	p.Entries++
	for f, amount := range SumsOf(e) {
		p.Sums[f] += amount
	}
	p.AtStripe += ledger.Balances([]ledger.Entry{e})[ledger.Stripe]
	return p
}

// A KindSum is what the entries of one kind are told as, without a sign.
type KindSum struct {
	Entries int
	Amount  money.Cents
}

// Unnamed stands for the form, or the clinician, of an entry of a visit that names none: nobody has
// answered, or it was booked before entries named them. No form has that name and no person that
// id.
const Unnamed = "none"

// FormOf returns the name of the form that e is about; empty if e is not about a visit.
func FormOf(e ledger.Entry) string { return named(e, e.Form) }

// ClinicianOf returns the id of who answered what e is about; empty if e is not about a visit.
func ClinicianOf(e ledger.Entry) string { return named(e, e.Clinician) }

// PayerOf returns the id of the payer whose member's share e is of; empty if of none.
func PayerOf(e ledger.Entry) string {
	if WayOf(e) != ByPlan {
		return ""
	}
	return e.Payer
}

func named(e ledger.Entry, name string) string {
	if way := WayOf(e); way == ByMembership || way == ToBank {
		return ""
	}
	return cmp.Or(name, Unnamed)
}

// A Statement sums the entries of a period. Make one by New, and Add entries to it.
type Statement struct {
	Period   Period
	Whole    Part
	Accounts map[ledger.Account]money.Cents
	Kinds    map[ledger.Kind]KindSum
	Ways     map[Way]Part
	// Forms and Clinicians have what was paid for visits, by the form's name and the id of who
	// answered. Unnamed has what is of no form, or of no clinician.
	Forms, Clinicians map[string]Part
	// Payers has what members of health plans paid as their share, by the payer's id.
	Payers map[string]Part

	zone *time.Location
	days map[civil.Day]Part
}

// New returns the statement of a period, whose days are those of zone, before anything is added.
func New(p Period, zone *time.Location) *Statement {
	return &Statement{
		Period: p, Accounts: map[ledger.Account]money.Cents{}, Kinds: map[ledger.Kind]KindSum{}, Ways: map[Way]Part{},
		Forms: map[string]Part{}, Clinicians: map[string]Part{}, Payers: map[string]Part{}, zone: zone, days: map[civil.Day]Part{},
	}
}

// Add adds entries. One that is outside the period or does not balance is an error, and nothing
// is to be told of the statement then.
func (s *Statement) Add(entries ...ledger.Entry) error {
	for _, e := range entries {
		day := civil.Of(e.At, s.zone)
		if !day.Within(s.Period.From, s.Period.Through) {
			return fmt.Errorf("statement: entry %s of payment %s is of %s, which is not in %s", e.ID, e.Payment, day, s.Period)
		}
		if err := e.Check(); err != nil {
			return err
		}
		s.Whole, s.days[day] = s.Whole.with(e), s.days[day].with(e)
		s.Ways[WayOf(e)] = s.Ways[WayOf(e)].with(e)
		if form, clinician := FormOf(e), ClinicianOf(e); form != "" {
			s.Forms[form], s.Clinicians[clinician] = s.Forms[form].with(e), s.Clinicians[clinician].with(e)
		}
		if payer := PayerOf(e); payer != "" {
			s.Payers[payer] = s.Payers[payer].with(e)
		}
		kind := s.Kinds[e.Kind]
		s.Kinds[e.Kind] = KindSum{kind.Entries + 1, kind.Amount + e.Amount()}
		for account, amount := range ledger.Balances([]ledger.Entry{e}) {
			s.Accounts[account] += amount
		}
	}
	return nil
}

// Check reports a statement whose parts do not add up to its whole. That it never does is
// shown by tests; it is asked before figures are shown all the same.
func (s *Statement) Check() error {
	var accounts money.Cents
	for _, sum := range s.Accounts {
		accounts += sum
	}
	switch {
	case accounts != 0:
		return fmt.Errorf("statement of %s: its accounts are off balance by %s", s.Period, accounts)
	case s.Whole.Sums.AtStripe() != s.Whole.AtStripe || s.Whole.AtStripe != s.Accounts[ledger.Stripe]:
		return fmt.Errorf("statement of %s: %s, but %s at Stripe", s.Period, s.Whole.Sums.AtStripe(), s.Accounts[ledger.Stripe])
	}
	visits := total([]Part{s.Ways[ByCard], s.Ways[ByPlan], s.Ways[Uncharged]})
	for _, c := range []struct {
		name  string
		parts iter.Seq[Part]
		whole Part
	}{
		{"days", maps.Values(s.days), s.Whole},
		{"ways", maps.Values(s.Ways), s.Whole},
		{"forms", maps.Values(s.Forms), visits},
		{"clinicians", maps.Values(s.Clinicians), visits},
		{"payers", maps.Values(s.Payers), s.Ways[ByPlan]},
	} {
		if sum := total(slices.Collect(c.parts)); sum.Entries != c.whole.Entries || sum.AtStripe != c.whole.AtStripe || !sameSums(sum.Sums, c.whole.Sums) {
			return fmt.Errorf("statement of %s: its %s do not add up", s.Period, c.name)
		}
	}
	return nil
}

func total(parts []Part) Part {
	sum := Part{Sums: Sums{}}
	for _, p := range parts {
		sum.Entries, sum.AtStripe = sum.Entries+p.Entries, sum.AtStripe+p.AtStripe
		for f, amount := range p.Sums {
			sum.Sums[f] += amount
		}
	}
	return sum
}

func sameSums(a, b Sums) bool {
	return !slices.ContainsFunc(Figures, func(f Figure) bool { return a[f] != b[f] })
}

// A DaySum is one day of a statement.
type DaySum struct {
	Day civil.Day
	Part
}

// Days returns every day of the period in order, those without entries, too.
func (s *Statement) Days() []DaySum {
	var all []DaySum
	for d := s.Period.From; !d.After(s.Period.Through); d = d.AddDays(1) {
		all = append(all, DaySum{d, s.days[d]})
	}
	return all
}

// Visits is how many visits were charged for.
func (s *Statement) Visits() int {
	return s.Kinds[ledger.Capture].Entries + s.Kinds[ledger.Charge].Entries
}

// Memberships is how many yearly fees were paid.
func (s *Statement) Memberships() int { return s.Kinds[ledger.Fee].Entries }
