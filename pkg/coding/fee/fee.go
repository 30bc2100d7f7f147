// Package fee says what Medicare's physician fee schedule allows for a code on a
// date of service and in a locality, and what a payer's contract allows instead.
// Every number is data with the days on which it is in force and its source. Which
// code may be billed is package coding.
package fee

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"math/big"
	"sync"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Schedule is relative values, conversion factors and localities with the days
// on which each is in force. It does not change, and is safe for concurrent use.
type Schedule struct {
	values     dated[values]
	factors    dated[factor]
	localities dated[locality]
}

// values are a code's relative value units, in hundredths.
type values struct{ work, practice, practiceFacility, malpractice int64 }

// A factor is the dollars of one relative value unit, in ten-thousandths, and the
// percentage of the allowed amount that the patient pays.
type factor struct{ dollars, coinsurance int64 }

// A locality weighs the three parts of a code by its geographic practice cost
// indices, in thousandths.
type locality struct{ work, practice, malpractice int64 }

// National is the locality whose indices are all 1.
const National = "national"

// Qualifying is the participation of a clinician who is a qualifying participant
// of an advanced alternative payment model; the others have none.
const Qualifying = "qualifying"

// A Question is what a fee depends on.
type Question struct {
	Code          string
	On            civil.Day // the date of service, never the day of the claim
	Locality      string
	Facility      bool   // the service was given in a facility
	Participation string // Qualifying, or empty
}

// An Amount is an allowed amount and how it comes about.
type Amount struct {
	Cents money.Cents
	// Share is what the patient pays of it once the deductible is met: Medicare's
	// coinsurance. Other payers' shares are theirs to say, and 0 here.
	Share  money.Cents
	Why    string // the calculation, in words for a biller
	Source string
}

//go:embed rvu.csv
var rvuFile []byte

//go:embed factor.csv
var factorFile []byte

//go:embed locality.csv
var localityFile []byte

// Medicare returns the schedule that ships: the codes of online visits for 2025
// and 2026, and the national locality. It is read once.
var Medicare = sync.OnceValues(func() (*Schedule, error) {
	return Read(bytes.NewReader(rvuFile), bytes.NewReader(factorFile), bytes.NewReader(localityFile))
})

// Read reads a schedule from three files of CSV, whose first lines name their
// columns as those that ship do. It refuses what is not exactly so, naming file and
// line, and two rows of the same name that are in force on the same day.
func Read(rvus, factors, localities io.Reader) (*Schedule, error) {
	s := &Schedule{}
	var err error
	if s.values, err = readDated(rvus, "rvu", "code work/2 practice/2 practice_facility/2 malpractice/2",
		func(n []int64) values { return values{n[0], n[1], n[2], n[3]} }); err != nil {
		return nil, err
	}
	if s.factors, err = readDated(factors, "factor", "participation factor/4 coinsurance/0",
		func(n []int64) factor { return factor{n[0], n[1]} }); err != nil {
		return nil, err
	}
	s.localities, err = readDated(localities, "locality", "locality work/3 practice/3 malpractice/3",
		func(n []int64) locality { return locality{n[0], n[1], n[2]} })
	return s, err
}

// unit is what one cent is in the product of an RVU, an index and a factor: 10² ·
// 10³ · 10⁴ of a dollar, of which a cent is the hundredth.
const unit = 10_000_000

// Amount returns what Medicare allows:
//
//	(work RVU · work GPCI + practice RVU · practice GPCI + malpractice RVU · malpractice GPCI) · conversion factor
//
// rounded once, half up, to a cent (42 CFR 414.20 and 414.26). Errors are of kind
// fault.NotFound and say which number is not known for the day; none is assumed.
func (s *Schedule) Amount(q Question) (Amount, error) {
	weighed, f, a, err := s.weigh(q)
	if err != nil {
		return Amount{}, err
	}
	a.Cents = round(unit, weighed, f.dollars)
	a.Share = round(100, int64(a.Cents), f.coinsurance)
	a.Why += " = " + a.Cents.String()
	return a, nil
}

// weigh returns the sum of the parts of a code, each by its index, the factor that
// makes dollars of it, and the calculation in words.
func (s *Schedule) weigh(q Question) (int64, factor, Amount, error) {
	v, vs, ok := s.values.on(q.Code, q.On)
	if !ok {
		return 0, factor{}, Amount{}, missing("relative values of code "+q.Code, q.On)
	}
	f, fs, ok := s.factors.on(q.Participation, q.On)
	if !ok {
		return 0, factor{}, Amount{}, missing("conversion factor", q.On)
	}
	l, ls, ok := s.localities.on(q.Locality, q.On)
	if !ok {
		return 0, factor{}, Amount{}, missing("geographic indices of locality "+q.Locality, q.On)
	}
	practice, where := v.practice, "outside a facility"
	if q.Facility {
		practice, where = v.practiceFacility, "in a facility"
	}
	sum := v.work*l.work + practice*l.practice + v.malpractice*l.malpractice
	return sum, f, Amount{
		Why: fmt.Sprintf("%s on %s, %s, %s: (work %s × %s + practice %s × %s + malpractice %s × %s) × %s",
			q.Code, q.On, where, q.Locality, decimal(v.work, 2), decimal(l.work, 3), decimal(practice, 2), decimal(l.practice, 3),
			decimal(v.malpractice, 2), decimal(l.malpractice, 3), decimal(f.dollars, 4)),
		Source: vs + "; " + fs + "; " + ls,
	}, nil
}

func missing(what string, on civil.Day) error {
	return fault.New(fault.NotFound, "no_fee", fmt.Sprintf("the %s are not known for %s; load the schedule of that day", what, on))
}

// round divides a product by a number, half up. None of them is negative. The
// product may be beyond 64 bits; the amount is not, of numbers that Read takes.
func round(by int64, factors ...int64) money.Cents {
	n := big.NewInt(1)
	for _, f := range factors {
		n.Mul(n, big.NewInt(f))
	}
	n.Add(n, big.NewInt(by/2))
	return money.Cents(n.Quo(n, big.NewInt(by)).Int64())
}
