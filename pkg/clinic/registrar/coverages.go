package registrar

import (
	"context"
	"errors"
	"slices"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/clinic"
	"evisit/pkg/coverage"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// coverageLook is the action of reading coverages, in the audit records.
const coverageLook = identity.ReadPatient + ":coverages"

// Coverages lists the coverages of a patient, ended ones too, in the order in which they were
// entered, to the practice, to the patient or to who acts for them. It records the read.
func (r *Room) Coverages(ctx context.Context, c clinic.Caller, patient string) ([]coverage.Held, error) {
	c, _, err := r.patientFor(ctx, c, identity.ReadPatient, patient)
	if err != nil {
		return nil, err
	}
	p, all, err := r.Charts.Coverages(ctx, patient)
	if err != nil {
		return nil, err
	}
	held, err := r.Charts.Held(ctx, all)
	if err != nil {
		return nil, err
	}
	return held, r.Kernel.RecordLook(ctx, c, coverageLook, clinic.Subject{Practice: p.Practice, Patient: p.ID})
}

// Coverage returns one of them, and records the read.
func (r *Room) Coverage(ctx context.Context, c clinic.Caller, patient, id string) (coverage.Held, error) {
	all, err := r.Coverages(ctx, c, patient)
	if err != nil {
		return coverage.Held{}, err
	}
	at := slices.IndexFunc(all, func(h coverage.Held) bool { return h.ID == id })
	if at < 0 {
		return coverage.Held{}, errNoCoverage
	}
	return all[at], nil
}

var errNoCoverage = fault.New(fault.NotFound, "not_found", "this patient has no health plan of this id")

// A covering is what a step on a coverage decides with.
type covering struct {
	clinic.Caller
	Patient identity.Patient
	All     []coverage.Coverage // of the patient
	Today   civil.Day           // at the practice
	Now     time.Time
}

// entered returns c with a card that the caller entered: people of the practice have compared it
// with the card itself, and others have not.
func (w covering) entered(c coverage.Coverage) coverage.Coverage {
	c.Checked = identity.Deed{}
	if w.Person.Works() {
		c.Checked = identity.Deed{By: w.Person.ID, At: w.Now}
	}
	return c
}

// AddCoverage enters a coverage of a patient. Entered at the practice it is checked; entered by
// the patient, or by who acts for them, it is work for staff. A request repeated under its key
// returns the first coverage.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict if another coverage has its
// turn (coverage_priority), if the patient has as many as there can be (coverages_full), and if
// the record was merged into another (merged).
func (r *Room) AddCoverage(ctx context.Context, c clinic.Caller, patient string, card coverage.Card) (coverage.Held, error) {
	id, err := r.earlierCoverage(ctx, c, patient)
	if err != nil || id != "" {
		return r.coverageBefore(ctx, c, patient, id, err)
	}
	id = r.Kernel.NewID()
	held, err := r.decideCoverage(ctx, c, identity.ChangePatient, patient, id, "coverage_added",
		func(w covering, _ coverage.Coverage) (coverage.Coverage, error) {
			next := coverage.Coverage{ID: id, Practice: w.Patient.Practice, Patient: patient, By: w.Person.ID, At: w.Now}
			var err error
			if next.Card, err = r.checkCard(ctx, card, coverage.Card{}, w.Today); err != nil {
				return next, err
			}
			return w.entered(next), next.Fits(w.All, w.Today)
		})
	if errors.Is(err, clinic.ErrRepeated) {
		id, err := r.Kernel.Earlier(ctx, c)
		return r.coverageBefore(ctx, c, patient, id, err)
	}
	return held, err
}

// earlierCoverage returns the coverage that c's request made earlier, once c may ask for one.
func (r *Room) earlierCoverage(ctx context.Context, c clinic.Caller, patient string) (string, error) {
	c, _, err := r.patientFor(ctx, c, identity.ChangePatient, patient)
	if err != nil {
		return "", err
	}
	return r.Kernel.Earlier(ctx, c)
}

func (r *Room) coverageBefore(ctx context.Context, c clinic.Caller, patient, id string, err error) (coverage.Held, error) {
	if err != nil {
		return coverage.Held{}, err
	}
	return r.Coverage(ctx, c, patient, id)
}

// ChangeCoverage replaces what is written of a coverage. Changed by the patient, or by who acts
// for them, it is unchecked again. The same card again is returned unchanged.
//
// Errors: those of AddCoverage; clinic.ErrStale if c names another version.
func (r *Room) ChangeCoverage(ctx context.Context, c clinic.Caller, patient, id string, card coverage.Card) (coverage.Held, error) {
	return r.changeCoverage(ctx, c, identity.ChangePatient, patient, id, "coverage_changed",
		func(w covering, was coverage.Coverage) (coverage.Coverage, error) {
			next := was
			var err error
			if next.Card, err = r.checkCard(ctx, card, was.Card, w.Today); err != nil || next.Card == was.Card {
				return was, err
			}
			next.Edition++
			return w.entered(next), next.Fits(w.All, w.Today)
		})
}

// EndCoverage says with which day a coverage ends; the zero day is today. One that has ended by
// then is returned unchanged.
//
// Errors: fault.Invalid for a day before the first; clinic.ErrStale if c names another version.
func (r *Room) EndCoverage(ctx context.Context, c clinic.Caller, patient, id string, last civil.Day) (coverage.Held, error) {
	return r.changeCoverage(ctx, c, identity.ChangePatient, patient, id, "coverage_ended",
		func(w covering, was coverage.Coverage) (coverage.Coverage, error) {
			next, err := was.End(last, w.Today)
			if err != nil || next == was {
				return was, err
			}
			next.Edition++
			return w.entered(next), nil
		})
}

// CheckCoverage says that a coverage was compared with the patient's card and agrees; the work
// that asks for it ends. It is for people of the practice. One that was checked is returned
// unchanged.
//
// Errors: clinic.ErrStale if c names another version than the one to be checked.
func (r *Room) CheckCoverage(ctx context.Context, c clinic.Caller, patient, id string) (coverage.Held, error) {
	return r.changeCoverage(ctx, c, identity.ManagePatients, patient, id, "coverage_checked",
		func(w covering, was coverage.Coverage) (coverage.Coverage, error) {
			if !was.Checked.At.IsZero() {
				return was, nil
			}
			return w.entered(was), nil
		})
}

// checkCard returns a card as it is kept, which replaces was.
func (r *Room) checkCard(ctx context.Context, card, was coverage.Card, today civil.Day) (coverage.Card, error) {
	var payer coverage.Payer
	if card.Payer != "" {
		var err error
		if payer, err = r.Store.Payer(ctx, card.Payer); err != nil && !errors.Is(err, fault.NotFound) {
			return card, err
		}
	}
	return card.Check(was, payer, today)
}

// changeCoverage is decideCoverage for one that must exist.
func (r *Room) changeCoverage(ctx context.Context, c clinic.Caller, do identity.Action, patient, id, what string,
	decide func(covering, coverage.Coverage) (coverage.Coverage, error),
) (coverage.Held, error) {
	return r.decideCoverage(ctx, c, do, patient, id, what, func(w covering, was coverage.Coverage) (coverage.Coverage, error) {
		if was.ID == "" {
			return was, errNoCoverage
		}
		return decide(w, was)
	})
}

// decideCoverage has decide say what a coverage becomes, which is zero if there is none of that id,
// and commits that with the patient's row: two steps on coverages of one patient never pass each
// other, so that no two get the same turn. A coverage that is left as it was is returned unchanged.
func (r *Room) decideCoverage(ctx context.Context, c clinic.Caller, do identity.Action, patient, id, what string,
	decide func(covering, coverage.Coverage) (coverage.Coverage, error),
) (coverage.Held, error) {
	next, err := clinic.Retry(func() (coverage.Coverage, error) {
		w, err := r.coveringOf(ctx, c, do, patient)
		if err != nil {
			return coverage.Coverage{}, err
		}
		var was coverage.Coverage
		if at := slices.IndexFunc(w.All, func(o coverage.Coverage) bool { return o.ID == id }); at >= 0 {
			was = w.All[at]
		}
		next, err := decide(w, was)
		if err != nil || next == was {
			return was, err
		}
		if c.Version != 0 && c.Version != was.Version {
			return was, clinic.ErrStale
		}
		next.Version++
		m, err := r.coverageCommit(ctx, w, do, what, next)
		if err != nil {
			return was, err
		}
		return next, r.commitNew(ctx, m)
	})
	if err != nil {
		return coverage.Held{}, err
	}
	held, err := r.Charts.Held(ctx, []coverage.Coverage{next})
	if err != nil {
		return coverage.Held{}, err
	}
	return held[0], nil
}

// coveringOf returns what a step on the coverages of a patient decides with.
func (r *Room) coveringOf(ctx context.Context, c clinic.Caller, do identity.Action, patient string) (covering, error) {
	w := covering{Now: r.Kernel.Time()}
	var err error
	if w.Caller, _, err = r.patientFor(ctx, c, do, patient); err != nil {
		return w, err
	}
	if w.Patient, w.All, err = r.Charts.Coverages(ctx, patient); err != nil {
		return w, err
	}
	if w.Patient.Into != "" {
		return w, errMerged
	}
	here, err := r.Kernel.Practice(ctx, w.Patient.Practice)
	if err != nil {
		return w, err
	}
	zone, err := here.Location()
	w.Today = civil.Of(w.Now, zone)
	return w, err
}

// coverageCommit is the commit that stores all, which are new or changed, with the work of checking
// them.
func (r *Room) coverageCommit(ctx context.Context, w covering, do identity.Action, what string, all ...coverage.Coverage) (clinic.Commit, error) {
	p := w.Patient
	p.Version++
	m := clinic.Commit{Request: w.Request(all[0].ID, w.Now), Audit: r.recordOf(w.Caller, p, do, what, w.Now)}
	for _, c := range all {
		if c.Version == 1 {
			p.Coverages++
		}
		if err := r.putCoverage(ctx, &m, c, w.Person.ID); err != nil {
			return m, err
		}
	}
	if err := r.guard(ctx, &m, w, do, p, all); err != nil {
		return m, err
	}
	if err := errors.Join(r.insures(ctx, &m, p.Practice), r.notePublic(ctx, &m, &p, all)); err != nil {
		return m, err
	}
	patient, err := r.Charts.SealPatient(ctx, p)
	m.Patients = append(m.Patients, patient)
	return m, err
}

// guard adds to m what the health plans of w.Patient tell of Medicare once changed are stored, where that
// changes the patient's latest membership: a yearly fee may not pay for what Medicare covers (billing
// rule 19). Nobody else's membership has the patient as a member: only who pays joins. Whoever was a
// member is told by letter that the membership pays no more and is not renewed.
func (r *Room) guard(ctx context.Context, m *clinic.Commit, w covering, do identity.Action, p identity.Patient, changed []coverage.Coverage) error {
	all, err := r.Store.Memberships(ctx, p.ID)
	if err != nil || len(all) == 0 {
		return err
	}
	was, err := r.Charts.Held(ctx, w.All)
	if err != nil {
		return err
	}
	is, err := r.Charts.Held(ctx, with(w.All, changed))
	if err != nil {
		return err
	}
	here, err := r.Kernel.Practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	zone, err := here.Location()
	if err != nil {
		return err
	}
	mem := all[len(all)-1]
	next := mem.PlansChanged(p.ID, was, is, zone)
	if next.Version == mem.Version {
		return nil
	}
	m.Memberships = append(m.Memberships, clinic.Membership{Membership: next, Due: next.NextDue(zone, w.Now)})
	m.Audit = append(m.Audit, r.recordOf(w.Caller, p, do, "membership_medicare", w.Now)...)
	if next.Carries(mem, w.Now) {
		m.Events = append(m.Events, r.Kernel.MembershipEvent(outbox.CarryMembership, outbox.Charge, next, w.Now))
	}
	if from := next.MedicareFrom(zone, w.Now); !from.IsZero() && from != mem.MedicareFrom(zone, w.Now) {
		m.Events = append(m.Events, r.Kernel.MembershipEvent(outbox.MemberCancelled, outbox.Notify, next, w.Now))
	}
	if !slices.Contains(next.Overdue(zone, w.Now), membership.SeeMedicare) {
		return r.Kernel.EndWork(ctx, m, mem.Practice, work.ID(work.MembershipMedicare, mem.ID), w.Person.ID)
	}
	return r.Kernel.OpenWork(ctx, m, work.New(work.Item{ // now: what is overdue is due again only a day later
		Kind: work.MembershipMedicare, Practice: mem.Practice, Pool: identity.OfficePool, Patient: mem.Payer,
	}, mem.ID, w.Now))
}

// with returns all with changed in the place of those of the same id, and new ones after them.
func with(all, changed []coverage.Coverage) []coverage.Coverage {
	all = slices.Clone(all)
	for _, c := range changed {
		if at := slices.IndexFunc(all, func(o coverage.Coverage) bool { return o.ID == c.ID }); at >= 0 {
			all[at] = c
		} else {
			all = append(all, c)
		}
	}
	return all
}

// notePublic notes with p, and adds to m with who signs in as p, that a plan among all is of Medicare or Medicaid.
func (r *Room) notePublic(ctx context.Context, m *clinic.Commit, p *identity.Patient, all []coverage.Coverage) error {
	held, err := r.Charts.Held(ctx, all)
	if err != nil || p.Public || !slices.ContainsFunc(held, coverage.Held.Public) {
		return err
	}
	p.Public = true
	if p.Person == "" {
		return nil
	}
	who, err := r.Kernel.Store.Person(ctx, p.Person)
	if err == nil && !who.Public {
		who.Public, who.Version = true, who.Version+1
		m.Person = &who
	}
	return err
}

// insures adds to m that a patient of the practice has a health plan, once and for all.
func (r *Room) insures(ctx context.Context, m *clinic.Commit, id string) error {
	here, err := r.Kernel.Practice(ctx, id)
	if err != nil || here.Insured {
		return err
	}
	if here, err = r.Kernel.Store.Practice(ctx, id); err != nil || here.Insured {
		return err
	}
	here.Insured = true
	here.Version++
	m.Practice = &here
	return nil
}

// putCoverage adds to m a coverage, and that it is to be checked, or is: by whom is the person who
// makes the commit.
func (r *Room) putCoverage(ctx context.Context, m *clinic.Commit, c coverage.Coverage, by string) error {
	row, err := r.Charts.SealCoverage(ctx, c)
	if err != nil {
		return err
	}
	m.Coverages = append(m.Coverages, row)
	if !c.Checked.At.IsZero() {
		return r.Kernel.EndWork(ctx, m, c.Practice, work.ID(work.CoverageUnchecked, c.ID), by)
	}
	item := work.Item{Kind: work.CoverageUnchecked, Practice: c.Practice, Pool: identity.StaffPool, Patient: c.Patient}
	return r.Kernel.OpenWork(ctx, m, work.New(item, c.ID, r.Kernel.Time()))
}

// OrderCoverages gives coverages of a patient the turns that are named, all at once, and returns
// all that the patient has. One whose turn is changed by the patient, or by who acts for them, is
// unchecked again. Turns that stand already change nothing.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict if two would have one turn
// (coverage_priority), or the record was merged into another (merged); clinic.ErrStale if a turn
// names another version of its coverage.
func (r *Room) OrderCoverages(ctx context.Context, c clinic.Caller, patient string, turns []coverage.Turn) ([]coverage.Held, error) {
	all, err := clinic.Retry(func() ([]coverage.Coverage, error) {
		w, err := r.coveringOf(ctx, c, identity.ChangePatient, patient)
		if err != nil {
			return nil, err
		}
		changed, err := coverage.Order(w.All, turns, w.Today)
		if err != nil || len(changed) == 0 {
			return w.All, err
		}
		if stale(w.All, turns) {
			return nil, clinic.ErrStale
		}
		for n := range changed {
			changed[n].Edition++
			changed[n].Version++
			changed[n] = w.entered(changed[n])
			at := slices.IndexFunc(w.All, func(o coverage.Coverage) bool { return o.ID == changed[n].ID })
			w.All[at] = changed[n]
		}
		m, err := r.coverageCommit(ctx, w, identity.ChangePatient, "coverages_ordered", changed...)
		if err != nil {
			return nil, err
		}
		return w.All, r.commitNew(ctx, m)
	})
	if err != nil {
		return nil, err
	}
	return r.Charts.Held(ctx, all)
}

// stale reports whether turns were decided on another version of one of all.
func stale(all []coverage.Coverage, turns []coverage.Turn) bool {
	return slices.ContainsFunc(all, func(c coverage.Coverage) bool {
		return slices.ContainsFunc(turns, func(t coverage.Turn) bool { return t.Coverage == c.ID && t.Version != 0 && t.Version != c.Version })
	})
}

// takeOver adds to m, by which p becomes a double of to, the coverages that to takes over from p,
// and returns how many they are. Those of p stay as they were, with its visits: the work of checking
// them ends.
func (r *Room) takeOver(ctx context.Context, c clinic.Caller, p, to identity.Patient, m *clinic.Commit) (int, error) {
	if p.Coverages == 0 {
		return 0, nil
	}
	w, err := r.coveringOf(ctx, c, identity.ManagePatients, to.ID)
	if err != nil {
		return 0, err
	}
	_, theirs, err := r.Charts.Coverages(ctx, p.ID)
	if err != nil {
		return 0, err
	}
	taken, err := coverage.TakeOver(w.All, theirs, w.Today)
	if err != nil {
		return 0, err
	}
	for _, t := range theirs {
		if err := r.Kernel.EndWork(ctx, m, p.Practice, work.ID(work.CoverageUnchecked, t.ID), c.Person.ID); err != nil {
			return 0, err
		}
	}
	for n, t := range taken {
		t.ID, t.Patient, t.Edition, t.Version = r.Kernel.NewID(), to.ID, 0, 1
		if err := r.putCoverage(ctx, m, t, c.Person.ID); err != nil {
			return 0, err
		}
		taken[n] = t
	}
	return len(taken), r.guard(ctx, m, w, identity.ManagePatients, to, taken)
}
