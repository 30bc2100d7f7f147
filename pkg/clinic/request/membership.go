package request

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/practice"
)

// A MembershipPage has what the page for a membership's first payment needs, and no name of the
// patient.
type MembershipPage struct {
	Account string
	Key     string // idempotency key
	Ref     string // our membership id, kept in Stripe's metadata
	Name    string // of what is sold
	Amount  money.Cents
	// Platform is the platform's part of each year's payment, in hundredths of a percent; 0: nothing.
	Platform int
	Ends     time.Time
	Done     string // where the page leads when paid
	Back     string // and when left
}

// A Membership is what a patient may have, or has, of a practice by the year.
type Membership struct {
	Practice practice.Practice
	Patient  string
	// Terms are those on which the practice sells a membership now, if Sold.
	Terms membership.Terms
	Sold  bool
	// Mine is the patient's latest, which may have ended; without an ID they have had none.
	Mine membership.Membership
	// Bills are those of all memberships that the patient had, the newest first, and Entries what
	// was entered of them, the oldest first.
	Bills   []membership.Bill
	Entries []ledger.Entry
	// Leaving is what is given back of Mine if it ends at once; without an amount it does not.
	Leaving membership.Refund
	// Medicare is what the patient's health plans tell of the year that would begin now.
	Medicare membership.Medicare
}

// Joins reports whether the patient has no membership that runs or awaits its payment.
func (v Membership) Joins() bool { return v.Mine.ID == "" || v.Mine.State == membership.Ended }

// Membership returns the membership of a patient, the caller if patient is empty, and what the
// practice sells. It records the read.
func (m *Room) Membership(ctx context.Context, c clinic.Caller, patient string) (Membership, error) {
	c, patient, err := m.forPatient(ctx, c, identity.ReadMoney, patient)
	if err != nil {
		return Membership{}, err
	}
	view, err := m.membershipOf(ctx, c, patient)
	if err != nil {
		return Membership{}, err
	}
	if view.Mine.ID != "" {
		if view.Bills, view.Entries, err = m.Store.Paid(ctx, patient); err != nil {
			return Membership{}, err
		}
	}
	return view, m.Kernel.RecordLook(ctx, c, identity.ReadMoney+":membership", clinic.Subject{Practice: view.Practice.ID, Patient: patient})
}

// membershipOf reads what a patient has and can have.
func (m *Room) membershipOf(ctx context.Context, c clinic.Caller, patient string) (Membership, error) {
	p, err := m.Kernel.Practice(ctx, c.Person.Practice)
	if err != nil {
		return Membership{}, err
	}
	view := Membership{Practice: p, Patient: patient}
	now := m.Kernel.Time()
	view.Terms, view.Sold = p.Membership(now)
	all, counts, err := m.Store.Included(ctx, patient)
	if err != nil {
		return Membership{}, err
	}
	if n := len(all); n > 0 {
		zone, err := p.Location()
		if err != nil {
			return Membership{}, err
		}
		view.Mine = all[n-1]
		view.Leaving = view.Mine.Leaving(len(view.Mine.CountAt(counts, now).Uses), zone, now)
	}
	if view.Sold && view.Joins() {
		view.Medicare, err = m.medicare(ctx, p, patient, coding.Unknown, now)
	}
	return view, err
}

// medicare is what the patient's health plans, or else what they declare, tell of their Medicare in a
// year that begins at now.
func (m *Room) medicare(ctx context.Context, p practice.Practice, patient string, declared coding.Answer, now time.Time) (membership.Medicare, error) {
	zone, err := p.Location()
	if err != nil {
		return membership.Medicare{}, err
	}
	held, err := m.plansOf(ctx, patient)
	if err != nil {
		return membership.Medicare{}, err
	}
	first, end := membership.YearFrom(now, zone).Days(zone)
	return membership.MedicareOf(held, declared, first, end.AddDays(-1)), nil
}

// A Joining is what a patient accepts who joins.
type Joining struct {
	Offer string // whose terms were read
	Terms int    // the version that was read and is accepted
	// Medicare is what the patient says of Medicare Part B, or a Medicare Advantage plan, now or in
	// the year that begins.
	Medicare coding.Answer
}

// Join makes a membership of a patient, the caller if patient is empty, and returns it with the page
// for its first payment. A patient has one at a time: one that awaits its payment is returned again,
// and one that runs as it is. Nothing is included until Stripe reports the payment.
//
// Errors: fault.Conflict if the practice sells none (membership_not_sold), or begins nothing
// (practice_suspended), if the terms have changed (terms_changed), if Medicare keeps the patient from
// it (medicare_member), or a Medicaid plan that the practice takes (medicaid_member), while Stripe has yet to report whether the last page was paid
// (payment_pending); fault.Invalid if it is not said whether they have Medicare.
func (m *Room) Join(ctx context.Context, c clinic.Caller, patient string, in Joining) (membership.Membership, error) {
	c, patient, err := m.forPatient(ctx, c, identity.HoldMembership, patient)
	if err != nil {
		return membership.Membership{}, err
	}
	now := m.Kernel.Time()
	p, err := m.Kernel.Practice(ctx, c.Person.Practice)
	if err != nil {
		return membership.Membership{}, err
	}
	for {
		all, err := m.Store.Memberships(ctx, patient)
		if err != nil {
			return membership.Membership{}, err
		}
		if n := len(all); n > 0 && all[n-1].State != membership.Ended {
			return joined(all[n-1], now)
		}
		made, err := m.join(ctx, c, p, patient, membership.IDOf(patient, len(all)+1), in, now)
		if !errors.Is(err, clinic.ErrExists) {
			return made, err
		}
	} // somebody pressed at the same time, and theirs is read now
}

// joined is a membership that was made before, as somebody joins who has it.
func joined(m membership.Membership, now time.Time) (membership.Membership, error) {
	if m.State == membership.Pending && !m.Payable(now) {
		return membership.Membership{}, fault.New(fault.Conflict, "payment_pending", "Stripe has yet to report whether the last payment page was paid; look again in some minutes")
	}
	return m, nil
}

func (m *Room) join(ctx context.Context, c clinic.Caller, p practice.Practice, patient, id string, in Joining, now time.Time) (membership.Membership, error) {
	terms, sold := p.Membership(now)
	if err := closed(p); err != nil {
		return membership.Membership{}, err
	}
	if !sold || p.Account == "" {
		return membership.Membership{}, fault.New(fault.Conflict, "membership_not_sold", "This practice sells no membership now."+call(p))
	}
	if in.Offer != terms.Offer {
		in.Terms = 0 // of another membership
	}
	medicare, err := m.medicare(ctx, p, patient, in.Medicare, now)
	if err != nil {
		return membership.Membership{}, err
	}
	if err := m.notByMedicaid(ctx, p, patient, terms, now); err != nil {
		return membership.Membership{}, err
	}
	next, err := membership.Application{
		ID: id, Practice: p.ID, Payer: patient, Account: p.Account, Terms: terms, Accepted: in.Terms, Platform: p.PlatformFee,
		People: []membership.Applicant{{Patient: patient, Medicare: medicare}},
	}.Enrol(now)
	if err != nil {
		return membership.Membership{}, err
	}
	if next, err = m.withPage(ctx, next, now); err != nil {
		return membership.Membership{}, err
	}
	zone, err := p.Location()
	if err != nil {
		return membership.Membership{}, err
	}
	rec := audit.Record{
		ID: m.Kernel.NewID(), Practice: p.ID, At: now, Actor: c.Actor(patient), Action: string(identity.HoldMembership) + ":joined", Patient: patient,
		Resource: fmt.Sprintf("%s, %s version %d", next.ID, terms.Offer, terms.Version),
	}
	return next, m.Kernel.Store.Commit(ctx, clinic.Commit{
		Memberships: []clinic.Membership{{Membership: next, Due: next.NextDue(zone, now)}}, Audit: []audit.Record{rec}, At: now,
	})
}

// notByMedicaid refuses, with fault.Conflict (medicaid_member), terms that include visits which the practice
// bills to health plans, for a patient on whose Medicaid plan it has a contract: who takes part in Medicaid
// takes what it pays as payment in full (42 CFR 447.15), so a yearly fee may not pay for the same visits. What
// is not on record is not known.
func (m *Room) notByMedicaid(ctx context.Context, p practice.Practice, patient string, terms membership.Terms, now time.Time) error {
	if !p.Insured || !p.Contracts || terms.Visits == 0 || !slices.ContainsFunc(terms.Classes, billing.BilledToPlans) {
		return nil
	}
	all, err := m.plannedOf(ctx, patient, p, now)
	if err != nil || !all.medicaid() {
		return err
	}
	return fault.New(fault.Conflict, "medicaid_member", "This practice takes the patient's Medicaid plan, and a yearly fee may not pay for visits that Medicaid pays for. "+
		"So this patient cannot be a member. Call the practice about how requests are paid for. If the patient has no such plan, have their health plans put right with the practice first.")
}

// pageEvery is how long a repeated request to join makes the same page at Stripe, and pageLasts how
// long it can be paid.
const (
	pageEvery = time.Hour
	pageLasts = 24 * time.Hour
)

// withPage makes the page for the first payment of a membership. Everything in the call follows from
// the membership and the hour, and so does the key: a repeated call after a lost reply finds the
// same page, and a page that the patient never saw is never paid.
func (m *Room) withPage(ctx context.Context, next membership.Membership, now time.Time) (membership.Membership, error) {
	began := now.Truncate(pageEvery)
	back := m.Pages + "/my/membership/" + next.Payer
	r := MembershipPage{
		Account: next.Account, Ref: next.ID, Name: practice.MembershipName, Amount: next.Terms.Yearly(len(next.People)), Platform: next.Platform, Ends: began.Add(pageLasts),
		Done: back + "?paid=1", Back: back,
		Key: fmt.Sprintf("%s-%s.%d.%d%s", next.ID, next.Terms.Offer, next.Terms.Version, next.Platform, began.Format("-20060102T15")),
	}
	var err error
	next.Customer, next.Page.Session, next.Page.URL, err = m.Checkout.NewMembershipPage(ctx, r)
	next.Page.Ends = r.Ends
	refused, definite := errors.AsType[*clinic.Refusal](err)
	switch {
	case definite && !refused.Temporary && refused.Code != keyReused:
		return next, fault.Hide(fault.Conflict, "payment_page_refused",
			"Stripe refuses to make a payment page for this practice; no membership began, please call the practice", err)
	case err != nil:
		return next, fault.Hide(fault.Busy, "payment_page_unavailable", "the payment page cannot be opened just now, so no membership began; repeat the same request", err)
	}
	return next, nil
}
