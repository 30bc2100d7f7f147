package request

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/practice"
	"evisit/pkg/visit"
)

// A Statement is what was paid to a practice for a patient in a year, and what came back.
type Statement struct {
	Patient  identity.Patient
	Practice practice.Practice
	Year     int // of the practice's zone
	Paid     []books.Paid
	Total    money.Cents
}

// firstYear is before all money of every practice.
const firstYear = 2000

// Payments returns what was paid for a patient, the caller if patient is empty, in a year; 0 is the one
// that runs. Visits that are in no list of the patient's, and those that the caller may not know of,
// are left out. It records the read, and reads once for each visit that was ever paid for.
func (m *Room) Payments(ctx context.Context, c clinic.Caller, patient string, year int) (Statement, error) {
	c, patient, err := m.forPatient(ctx, c, identity.ReadMoney, patient)
	if err != nil {
		return Statement{}, err
	}
	s := Statement{Year: year}
	if s.Practice, err = m.Kernel.Practice(ctx, c.Person.Practice); err != nil {
		return Statement{}, err
	}
	zone, err := s.Practice.Location()
	if err != nil {
		return Statement{}, err
	}
	this := m.Kernel.Time().In(zone).Year()
	if s.Year == 0 {
		s.Year = this
	}
	if s.Year < firstYear || s.Year > this {
		return Statement{}, fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right", fault.Problem{
			Where: "year", Code: "range", Text: fmt.Sprintf("a year from %d to %d", firstYear, this),
		})
	}
	if s.Patient, err = m.Charts.Patient(ctx, patient); err != nil {
		return Statement{}, err
	}
	from := time.Date(s.Year, time.January, 1, 0, 0, 0, 0, zone)
	paid, err := m.paidUntil(ctx, c, patient, from.AddDate(1, 0, 0))
	if err != nil {
		return Statement{}, err
	}
	s.Paid = slices.DeleteFunc(paid, func(p books.Paid) bool { return p.At.Before(from) })
	for _, p := range s.Paid {
		s.Total += p.Amount
	}
	return s, m.Kernel.RecordLook(ctx, c, identity.ReadMoney+":payments", clinic.Subject{Practice: c.Person.Practice, Patient: patient})
}

// paidUntil lists what was paid for a patient before a time, oldest first.
func (m *Room) paidUntil(ctx context.Context, c clinic.Caller, patient string, to time.Time) ([]books.Paid, error) {
	bills, entries, err := m.Store.Paid(ctx, patient)
	if err != nil {
		return nil, err
	}
	paid := books.PaidYearly(bills, entries)
	for cursor, more := "", true; more; more = cursor != "" {
		var vs []visit.Visit
		if vs, cursor, err = m.Store.VisitsOfPatient(ctx, patient, cursor, visitsAtOnce); err != nil {
			return nil, err
		}
		if vs, err = m.Kernel.Shown(ctx, c, patient, vs); err != nil {
			return nil, err
		}
		for _, v := range vs {
			if v.Unlisted() || !v.Times.Started.Before(to) {
				continue
			}
			of, err := books.Load(ctx, m.Store, v)
			if err != nil {
				return nil, err
			}
			paid = append(paid, of.PaidFor(v)...)
		}
	}
	paid = slices.DeleteFunc(paid, func(p books.Paid) bool { return !p.At.Before(to) })
	slices.SortStableFunc(paid, func(a, b books.Paid) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Number, b.Number)) })
	return paid, nil
}
