// Package elig asks a payer whether a person is insured and for what, and reads
// the answer: X12 270 and 271, TR3 005010X279A1. What an answer leaves out is
// unknown here, and never zero.
package elig

import (
	"evisit/pkg/civil"
	"evisit/pkg/money"
	"evisit/pkg/phi"
)

// Version is the guide, as GS08 and ST03 name it.
const Version = "005010X279A1"

// Service types that are asked for (EQ01, EB03).
const (
	PlanCoverage = "30"
	OfficeVisit  = "98"
)

// An Organization is a payer, known by the identifier agreed upon.
type Organization struct {
	Name, ID string
}

// A Provider is who asks: an organization if First is empty, a person if not.
type Provider struct {
	Name, First, NPI string
}

// A Person is a subscriber or a dependent. Birth is CCYYMMDD, Gender F or M.
// MemberID is a subscriber's; the other fields may be empty in an answer.
type Person struct {
	Last, First, Middle, Suffix phi.Text
	MemberID                    phi.Text
	Birth, Gender               phi.Text
}

// An Inquiry is one question about one person.
type Inquiry struct {
	Reference  string // BHT03, which returns
	Trace      string // TRN02, which returns; unique
	Origin     string // TRN03, ten characters that say whose Trace is
	Payer      Organization
	Provider   Provider
	Subscriber Person
	Dependent  *Person   // nil if it is about the subscriber
	On         civil.Day // the day that coverage is asked for
	Services   []string  // service types, such as PlanCoverage
}

// An Answer is what a payer says of one person.
type Answer struct {
	Reference  string // BHT03
	Trace      string // TRN02 of the inquiry, or empty
	Payer      Organization
	Subscriber Person
	Dependent  *Person // nil if the answer is about the subscriber
	Rejections []Rejection
	Benefits   []Benefit
}

// A Rejection is AAA: why there is no answer. Reason is AAA03, such as 72 for a
// member number and 75 for a subscriber not found, FollowUp AAA04, and Level whose
// fault it is: 20 the payer's, 21 the provider's, 22 the subscriber's, 23 the
// dependent's.
type Rejection struct {
	Level, Reason, FollowUp string
}

// A Benefit is EB with what is under it.
type Benefit struct {
	Info      string   // EB01, such as Active or Deductible
	Level     string   // EB02, such as IND or FAM
	Services  []string // EB03
	Insurance string   // EB04, such as MC for Medicaid or HM for an HMO
	Plan      string   // EB05
	Period    string   // EB06, such as Year or Remaining
	Amount    Amount   // EB07
	Percent   string   // EB08, a fraction of 1 such as .2, or empty
	Network   string   // EB12: Y in the payer's network, N outside, W both, or empty
	Parties   []Party  // who else is concerned, such as a managed-care plan or another payer
}

// What EB01 may say, as far as the program looks at it.
const (
	Active      = "1" // 2 to 5 are active too
	Inactive    = "6" // 7 and 8 are inactive too
	Coinsurance = "A"
	Copay       = "B"
	Deductible  = "C"
	OtherPayer  = "R"
)

// What EB06 may say of an amount.
const (
	Year       = "23" // the calendar year's
	YearToDate = "24" // used of it
	Remaining  = "29"
)

// A Party is loop 2120: Kind is NM101, such as PR for a payer, PRP for the primary
// one and SEP for the secondary.
type Party struct {
	Kind, Name, ID string
}

// An Amount is one that the payer may have left out. The zero Amount is unknown.
type Amount struct {
	Cents money.Cents
	Known bool
}

// A Status is what an answer says of coverage.
type Status string

// The statuses.
const (
	StatusUnknown  Status = "unknown"
	StatusActive   Status = "active"
	StatusInactive Status = "inactive"
)

// Status is of the plan as a whole (service type 30). It is unknown if the payer
// rejected the inquiry, says nothing of it, or says both.
func (a *Answer) Status() Status {
	var active, inactive bool
	for i := range a.Benefits {
		b := &a.Benefits[i]
		if !b.covers(PlanCoverage) {
			continue
		}
		active = active || b.Info >= "1" && b.Info <= "5"
		inactive = inactive || b.Info >= "6" && b.Info <= "8"
	}
	switch {
	case len(a.Rejections) > 0 || active == inactive:
		return StatusUnknown
	case active:
		return StatusActive
	}
	return StatusInactive
}

// covers reports whether the benefit names the service.
func (b *Benefit) covers(service string) bool {
	for _, s := range b.Services {
		if s == service {
			return true
		}
	}
	return false
}

// personal reports whether the benefit is the person's own and in the network.
func (b *Benefit) personal() bool { return b.Level != "FAM" && b.Network != "N" }

// amount is the person's amount of a kind and period for a service in the network.
// Different amounts, as for several kinds of provider, are unknown.
func (a *Answer) amount(info, service, period string) (found Amount) {
	for i := range a.Benefits {
		b := &a.Benefits[i]
		if b.Info != info || b.Period != period || !b.covers(service) || !b.personal() || !b.Amount.Known {
			continue
		}
		if found.Known && found != b.Amount {
			return Amount{}
		}
		found = b.Amount
	}
	return found
}

// Copay is what the person pays for each service of the type, in the network.
func (a *Answer) Copay(service string) Amount {
	for _, period := range []string{"", "27"} { // 27: for each visit
		if found := a.amount(Copay, service, period); found.Known {
			return found
		}
	}
	return Amount{}
}

// DeductibleLeft is what the person must still pay before the plan does: as the
// payer says, or the year's less what was used of it.
func (a *Answer) DeductibleLeft() Amount {
	if left := a.amount(Deductible, PlanCoverage, Remaining); left.Known {
		return left
	}
	year, used := a.amount(Deductible, PlanCoverage, Year), a.amount(Deductible, PlanCoverage, YearToDate)
	if !year.Known {
		return Amount{}
	}
	if year.Cents == 0 {
		return year
	}
	if !used.Known || used.Cents > year.Cents {
		return Amount{}
	}
	return Amount{Cents: year.Cents - used.Cents, Known: true}
}

// Coinsurance is the fraction of 1 that the person pays for the service in the
// network, as the payer wrote it, such as .2. It is empty if it is unknown, or
// differs.
func (a *Answer) Coinsurance(service string) (fraction string) {
	for i := range a.Benefits {
		b := &a.Benefits[i]
		if b.Info != Coinsurance || !b.covers(service) || !b.personal() || b.Percent == "" {
			continue
		}
		if fraction != "" && fraction != b.Percent {
			return ""
		}
		fraction = b.Percent
	}
	return fraction
}

// OtherPayers are those that the payer names for other coverage, which must be
// asked and billed in their order.
func (a *Answer) OtherPayers() (all []Party) {
	return a.parties(func(b *Benefit) bool { return b.Info == OtherPayer })
}

// ManagedBy are the plans that manage the person's Medicaid or Medicare benefits.
// A claim goes to the plan, not to the payer that was asked.
func (a *Answer) ManagedBy() (all []Party) {
	return a.parties(func(b *Benefit) bool {
		return b.Info != OtherPayer && (b.Insurance == "HM" || b.Insurance == "MC" || b.Insurance == "MA" || b.Insurance == "MB" || b.Insurance == "HN")
	})
}

func (a *Answer) parties(of func(*Benefit) bool) (all []Party) {
	for i := range a.Benefits {
		if !of(&a.Benefits[i]) {
			continue
		}
		for _, p := range a.Benefits[i].Parties {
			if p.Kind == "PR" || p.Kind == "PRP" || p.Kind == "SEP" || p.Kind == "TTP" || p.Kind == "VN" || p.Kind == "X3" {
				all = append(all, p)
			}
		}
	}
	return all
}
