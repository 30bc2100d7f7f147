package registrar

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/phi"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
	"evisit/pkg/work"
)

var errNoPatient = fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")

// readPatient returns a patient as of the latest commit. One of a file that was not
// imported whole is fault.NotFound.
func (r *Room) readPatient(ctx context.Context, id string) (identity.Patient, error) {
	row, err := r.Store.LatestPatient(ctx, id)
	if err != nil {
		return identity.Patient{}, err
	}
	if counts, err := r.counts(ctx, row.Patient); err != nil || !counts {
		return identity.Patient{}, errors.Join(err, errNoPatient)
	}
	return r.Charts.OpenPatient(ctx, row)
}

// counts reports whether p is no line of a file that was not imported whole.
func (r *Room) counts(ctx context.Context, p identity.Patient) (bool, error) {
	if p.Import == "" {
		return true, nil
	}
	i, err := r.Store.Import(ctx, p.Practice, p.Import)
	return !i.Done.IsZero(), err
}

// patientFor returns c with its person read, who may do that to a patient, and the
// patient.
func (r *Room) patientFor(ctx context.Context, c clinic.Caller, do identity.Action, id string) (clinic.Caller, identity.Patient, error) {
	c, err := r.Kernel.ForPatient(ctx, c, id)
	if err != nil {
		return c, identity.Patient{}, err
	}
	p, err := r.readPatient(ctx, id)
	if err != nil {
		return c, identity.Patient{}, err
	}
	at := identity.Resource{Practice: p.Practice, Patient: id}
	if at.Minority, err = r.Kernel.Minority(ctx, c.Person, id); err != nil {
		return c, p, err
	}
	return c, p, r.Kernel.Allow(ctx, c, do, at, clinic.Subject{Practice: p.Practice, Patient: id})
}

// recordOf is record about a patient.
func (r *Room) recordOf(c clinic.Caller, p identity.Patient, do identity.Action, what string, now time.Time) []audit.Record {
	return []audit.Record{{
		ID: r.Kernel.NewID(), Practice: p.Practice, At: now, Actor: c.Actor(p.ID), Action: string(do) + ":" + what, Patient: p.ID,
	}}
}

// Patients lists the patients of the caller's practice, the newest first, after cursor,
// and records the read. The returned cursor is empty at the end.
func (r *Room) Patients(ctx context.Context, c clinic.Caller, cursor string, limit int) ([]identity.Patient, string, error) {
	c, err := r.allow(ctx, c, identity.ManagePatients, "")
	if err != nil {
		return nil, "", err
	}
	rows, next, err := r.Store.Patients(ctx, c.Person.Practice, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	if rows, err = r.whole(ctx, rows); err != nil {
		return nil, "", err
	}
	all := make([]identity.Patient, len(rows))
	for i, row := range rows {
		if all[i], err = r.Charts.OpenPatient(ctx, row); err != nil {
			return nil, "", err
		}
	}
	return all, next, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: c.Person.Practice, Resource: "patients"})
}

// whole returns rows without those of files that were not imported whole.
func (r *Room) whole(ctx context.Context, rows []clinic.Patient) ([]clinic.Patient, error) {
	done := map[string]bool{}
	var out []clinic.Patient
	for _, row := range rows {
		ok, read := done[row.Import]
		if !read {
			var err error
			if ok, err = r.counts(ctx, row.Patient); err != nil {
				return nil, err
			}
			done[row.Import] = ok
		}
		if ok {
			out = append(out, row)
		}
	}
	return out, nil
}

// Patient returns a patient to the practice, to themselves or to who acts for them, and
// records the read.
func (r *Room) Patient(ctx context.Context, c clinic.Caller, id string) (identity.Patient, error) {
	c, p, err := r.patientFor(ctx, c, identity.ReadPatient, id)
	if err != nil {
		return identity.Patient{}, err
	}
	return p, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: p.Practice, Patient: p.ID})
}

// Names returns the names of those of ids who are patients of the caller's practice, by id, and records the read; none,
// without a record, to who may not read patients there.
func (r *Room) Names(ctx context.Context, c clinic.Caller, ids []string) (map[string]phi.Text, error) {
	ids = slices.DeleteFunc(slices.Sorted(slices.Values(ids)), func(id string) bool { return id == "" })
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil, nil
	}
	c, err := r.Kernel.Identify(ctx, c)
	if err != nil {
		return nil, err
	}
	at := identity.Resource{Practice: c.Person.Practice}
	if !slices.Contains(identity.Rights(c.Person, at, r.Kernel.Time()), identity.ReadPatient) {
		return nil, nil
	}
	found, err := r.patientsOf(ctx, at.Practice, ids)
	if err != nil {
		return nil, err
	}
	names := map[string]phi.Text{}
	for _, p := range found {
		names[p.ID] = p.Contact.Name
	}
	return names, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: at.Practice, Resource: "patients"})
}

// Doubles lists the patients who may be the same person as one of the caller's practice.
func (r *Room) Doubles(ctx context.Context, c clinic.Caller, id string) ([]string, error) {
	c, p, err := r.patientFor(ctx, c, identity.ManagePatients, id)
	if err != nil {
		return nil, err
	}
	return r.shownDoubles(ctx, c, p)
}

// shownDoubles are the possible doubles of p, which c's person is shown: the read is
// recorded.
func (r *Room) shownDoubles(ctx context.Context, c clinic.Caller, p identity.Patient) ([]string, error) {
	m, err := r.madeMarker(ctx, p.Practice)
	if err != nil {
		return nil, err
	}
	found, err := r.doubles(ctx, m, []identity.Contact{p.Contact}, p.ID)
	if err != nil {
		return nil, err
	}
	return found[0], r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: p.Practice, Patient: p.ID})
}

// RegisterPatient registers someone as a patient of the caller's practice, whom people
// there know and so have verified. It returns the ids of those who may be the same
// person. A request repeated under its key returns the first patient.
//
// Errors: fault.Invalid, which names everything wrong.
func (r *Room) RegisterPatient(ctx context.Context, c clinic.Caller, contact identity.Contact) (identity.Patient, []string, error) {
	c, err := r.allow(ctx, c, identity.ManagePatients, "")
	if err != nil {
		return identity.Patient{}, nil, err
	}
	if id, err := r.Kernel.Earlier(ctx, c); err != nil || id != "" {
		return r.registeredBefore(ctx, c, id, err)
	}
	now := r.Kernel.Time()
	if contact, err = registry.CheckContact(contact, now); err != nil {
		return identity.Patient{}, nil, err
	}
	by := c.Person.ID
	p := identity.Patient{
		ID: r.Kernel.NewID(), Practice: c.Person.Practice, Contact: contact, Came: identity.ByStaff, At: now, By: by,
		Verified: identity.Deed{By: by, At: now}, Version: 1,
	}
	m, found, err := r.prepared(ctx, c, &p)
	if err != nil {
		return p, nil, err
	}
	m.Request, m.Audit = c.Request(p.ID, now), r.recordOf(c, p, identity.ManagePatients, "registered", now)
	err = r.Kernel.Store.Commit(ctx, m)
	if errors.Is(err, clinic.ErrRepeated) {
		id, err := r.Kernel.Earlier(ctx, c)
		return r.registeredBefore(ctx, c, id, err)
	}
	return p, found, err
}

func (r *Room) registeredBefore(ctx context.Context, c clinic.Caller, id string, err error) (identity.Patient, []string, error) {
	if err != nil {
		return identity.Patient{}, nil, err
	}
	c, p, err := r.patientFor(ctx, c, identity.ManagePatients, id)
	if err != nil {
		return p, nil, err
	}
	found, err := r.shownDoubles(ctx, c, p)
	return p, found, err
}

// prepared returns the commit that stores p and p's marks, and the ids of those who may
// be the same person.
func (r *Room) prepared(ctx context.Context, c clinic.Caller, p *identity.Patient) (clinic.Commit, []string, error) {
	m, err := r.marker(ctx, c.Actor(""), p.Practice)
	if err != nil {
		return clinic.Commit{}, nil, err
	}
	found, err := r.doubles(ctx, m, []identity.Contact{p.Contact}, p.ID)
	if err != nil {
		return clinic.Commit{}, nil, err
	}
	row, err := r.Charts.SealPatient(ctx, *p)
	return clinic.Commit{Patients: []clinic.Patient{row}, Marks: marksOf(m, *p)}, found[0], err
}

// changePatient has change decide on a patient and commits what it decides, with what
// the decision adds to the commit. A patient that is left as it was is returned
// unchanged.
func (r *Room) changePatient(ctx context.Context, c clinic.Caller, do identity.Action, id, what string,
	change func(context.Context, clinic.Caller, identity.Patient, *clinic.Commit) (identity.Patient, error),
) (identity.Patient, error) {
	return clinic.Retry(func() (identity.Patient, error) {
		c, was, err := r.patientFor(ctx, c, do, id)
		if err != nil {
			return was, err
		}
		m := clinic.Commit{Audit: r.recordOf(c, was, do, what, r.Kernel.Time())}
		next, err := change(ctx, c, was, &m)
		if err != nil || reflect.DeepEqual(next, was) {
			return was, err
		}
		if c.Version != 0 && c.Version != was.Version {
			return was, clinic.ErrStale
		}
		next.Version++
		row, err := r.Charts.SealPatient(ctx, next)
		if err != nil {
			return was, err
		}
		m.Patients = append(m.Patients, row)
		return next, r.Kernel.Store.Commit(ctx, m)
	})
}

// Verify says that a patient was matched to a person; the work that asks for it ends.
// One who was verified is returned unchanged.
//
// Errors: fault.Conflict (merged) for a double of another.
func (r *Room) Verify(ctx context.Context, c clinic.Caller, id string) (identity.Patient, error) {
	return r.changePatient(ctx, c, identity.ManagePatients, id, "verified",
		func(ctx context.Context, c clinic.Caller, p identity.Patient, m *clinic.Commit) (identity.Patient, error) {
			switch {
			case p.Into != "":
				return p, errMerged
			case !p.Verified.At.IsZero():
				return p, nil
			}
			p.Verified = identity.Deed{By: c.Person.ID, At: r.Kernel.Time()}
			return p, r.endMatching(ctx, p, c.Person.ID, m)
		})
}

func (r *Room) endMatching(ctx context.Context, p identity.Patient, by string, m *clinic.Commit) error {
	return r.Kernel.EndWork(ctx, m, p.Practice, work.ID(work.PatientUnverified, p.ID), by)
}

var errGround = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
	fault.Problem{Where: "/reason", Code: "reason", Text: "Give one of: misuse, abuse, unpaid, in_person, not_patient."})

var errStanding = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
	fault.Problem{Where: "/standing", Code: "standing", Text: "Give one of: active, warned, suspended."})

// Stand warns or suspends a patient with a ground, or makes them active again with
// none (guideline G14). It holds from the patient's next request on. Who is suspended
// because the practice does not know them needs no more matching.
func (r *Room) Stand(ctx context.Context, c clinic.Caller, id string, state identity.StandingState, why identity.Ground) (identity.Patient, error) {
	what := string(state)
	if state == identity.Active {
		what = "reactivated"
	}
	return r.changePatient(ctx, c, identity.ManagePatients, id, what,
		func(ctx context.Context, c clinic.Caller, p identity.Patient, m *clinic.Commit) (identity.Patient, error) {
			switch {
			case !state.Known() && why != "" && !why.Known():
				return p, fault.Both(errStanding, errGround)
			case !state.Known():
				return p, errStanding
			case state != identity.Active && !why.Known() || state == identity.Warned && why.Foreign():
				return p, errGround
			case p.Into != "":
				return p, errMerged
			case p.Standing.State == state && p.Standing.Reason == why:
				return p, nil
			case state == identity.Active:
				p.Standing = identity.Standing{}
				return p, nil
			}
			p.Standing = identity.Standing{State: state, Reason: why, By: c.Person.ID, At: r.Kernel.Time()}
			if why.Foreign() {
				return p, r.endMatching(ctx, p, c.Person.ID, m)
			}
			return p, nil
		})
}

// SetSeen says on which day a patient last had a professional service in person; zero:
// it is not known (guideline G23).
//
// Errors: fault.Invalid; fault.Conflict (merged) for a double of another.
func (r *Room) SetSeen(ctx context.Context, c clinic.Caller, id string, day time.Time) (identity.Patient, error) {
	return r.changePatient(ctx, c, identity.ManagePatients, id, "seen",
		func(_ context.Context, _ clinic.Caller, p identity.Patient, _ *clinic.Commit) (identity.Patient, error) {
			if p.Into != "" {
				return p, errMerged
			}
			if day.After(r.Kernel.Time().AddDate(0, 0, 1)) || !day.IsZero() && day.Before(p.Contact.Birth) {
				return p, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
					fault.Problem{Where: "/seen", Code: "range", Text: "Give a day of the patient's life that has come."})
			}
			p.Seen = day
			return p, nil
		})
}

// A ContactChange is what is to be different; nil stays as it is.
type ContactChange struct {
	Name, Email, Phone *phi.Text
	Birth              *time.Time
	Sex                *string
}

var (
	errByStaff     = fault.New(fault.Denied, "denied", "name, day of birth and sex are changed by the practice; call it")
	errUnconfirmed = fault.New(fault.Denied, "email_unconfirmed", "your sign-in has not confirmed this address; confirm it where you sign in, and try again")
)

// ChangeContact changes a patient's contact data. Patients, and who acts for them,
// change phone and e-mail address, the latter to the one that their sign-in has
// confirmed; people of the practice change all. A letter to the address that the patient
// had says so.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict (merged) for a
// double of another.
func (r *Room) ChangeContact(ctx context.Context, c clinic.Caller, id string, ch ContactChange) (identity.Patient, error) {
	return r.changePatient(ctx, c, identity.ChangePatient, id, "contact",
		func(ctx context.Context, c clinic.Caller, p identity.Patient, m *clinic.Commit) (identity.Patient, error) {
			if p.Into != "" {
				return p, errMerged
			}
			next, err := changed(p.Contact, ch, c, r.Kernel.Time())
			if err != nil || next == p.Contact {
				return p, err
			}
			if err := r.mayChange(ctx, c, p, next); err != nil {
				return p, err
			}
			if err := r.tell(ctx, p, m); err != nil {
				return p, err
			}
			was := p.Contact.Birth
			p.Contact = next
			if !next.Birth.Equal(was) {
				if err := errors.Join(r.noteAge(ctx, p, m), r.regrant(ctx, p, was, m)); err != nil {
					return p, err
				}
			}
			p.Edition++
			marks, err := r.marker(ctx, c.Actor(""), p.Practice)
			m.Marks = marksOf(marks, p)
			return p, err
		})
}

var errTheirAddress = fault.New(fault.Denied, "denied", "at this practice, patients of this age are written to at an address of their own; they change it themselves")

// mayChange refuses c, who acts for p, another e-mail address where what p sends is p's
// alone: the letters about it go there.
func (r *Room) mayChange(ctx context.Context, c clinic.Caller, p identity.Patient, next identity.Contact) error {
	if next.Email == p.Contact.Email {
		return nil
	}
	m, err := r.Kernel.Minority(ctx, c.Person, p.ID)
	if err == nil && m.Own != "" && m.Own != c.Person.ID {
		err = errTheirAddress
	}
	return err
}

// noteAge adds to m whether p, whose day of birth is another one now, is a minor to who
// signs in as p.
func (r *Room) noteAge(ctx context.Context, p identity.Patient, m *clinic.Commit) error {
	if p.Person == "" {
		return nil
	}
	who, err := r.Kernel.Store.Person(ctx, p.Person)
	if err != nil {
		return err
	}
	minor, err := r.isMinor(ctx, p)
	if err == nil && who.Minor != minor {
		who.Minor, who.Version = minor, who.Version+1
		m.Person = &who
	}
	return err
}

// regrant adds to m the grants to act for p that end at another birthday, now that p was
// not born on was.
func (r *Room) regrant(ctx context.Context, p identity.Patient, was time.Time, m *clinic.Commit) error {
	here, err := r.Kernel.Practice(ctx, p.Practice)
	if err != nil {
		return err
	}
	zone, err := here.Location()
	if err != nil {
		return err
	}
	grants, err := r.Store.GrantsOf(ctx, p.ID)
	now := r.Kernel.Time()
	for _, g := range grants {
		next := registry.Regrant(g, identity.Adult(was, zone), identity.Adult(p.Contact.Birth, zone), now)
		if g.Active(now) && !next.Until.Equal(g.Until) {
			next.Version++
			m.Grants = append(m.Grants, next)
		}
	}
	return err
}

// isMinor reports whether p is under 18 now.
func (r *Room) isMinor(ctx context.Context, p identity.Patient) (bool, error) {
	here, err := r.Kernel.Practice(ctx, p.Practice)
	if err != nil {
		return false, err
	}
	return here.IsMinor(p.Contact.Birth, r.Kernel.Time())
}

// tell adds to m the letter to the address that p has now.
func (r *Room) tell(ctx context.Context, p identity.Patient, m *clinic.Commit) error {
	now := r.Kernel.Time()
	e := outbox.Event{
		ID: outbox.NewID(r.Kernel.Writer, now, r.Kernel.NewID()), Kind: outbox.ContactChanged, To: outbox.Notify, Practice: p.Practice, Patient: p.ID, At: now,
	}
	var err error
	e.Address, err = r.Charts.SealAddress(ctx, p.Practice, p.ID, e.ID, p.Contact.Email)
	m.Events = append(m.Events, e)
	return err
}

// changed returns contact data as ch and c, who makes the change, have them.
func changed(was identity.Contact, ch ContactChange, c clinic.Caller, now time.Time) (identity.Contact, error) {
	next := was
	if ch.Email != nil {
		next.Email = *ch.Email
	}
	if ch.Phone != nil {
		next.Phone = *ch.Phone
	}
	if ch.Name != nil {
		next.Name = *ch.Name
	}
	if ch.Birth != nil {
		next.Birth = *ch.Birth
	}
	if ch.Sex != nil {
		next.Sex = *ch.Sex
	}
	next, err := registry.CheckContact(next, now)
	if err != nil || c.Person.Works() {
		return next, err
	}
	if next.Name != was.Name || !next.Birth.Equal(was.Birth) || next.Sex != was.Sex {
		return was, errByStaff
	}
	if confirmed, ok := registry.Email(c.Email.Reveal()); next.Email != was.Email && (!ok || phi.Text(confirmed) != next.Email) {
		return was, errUnconfirmed
	}
	return next, nil
}

var (
	errMerged  = fault.New(fault.Conflict, "merged", "this record was merged into another; change that one")
	errTwoOf   = fault.New(fault.Conflict, "already_joined", "somebody signs in as this patient already")
	errItself  = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", fault.Problem{Where: "/into", Code: "itself", Text: "Name another patient of the practice."})
	errNoOwner = fault.New(fault.Conflict, "not_joined", "nobody signs in as this patient, so there is nothing to merge; suspend the record, or leave it")
)

// Merge says that a patient is a double of another of the practice: who signs in as the
// first is from then on the second, and still acts for the first, whose visits stay
// where they are. The double is suspended and the work of matching it ends. Its coverages
// are taken over (coverage.TakeOver), all in the same commit. The same again is returned
// unchanged.
//
// Errors: fault.Conflict if somebody signs in as the second (already_joined), or nobody
// as the first (not_joined), and those of coverage.TakeOver.
func (r *Room) Merge(ctx context.Context, c clinic.Caller, id, into string) (identity.Patient, error) {
	return r.changePatient(ctx, c, identity.ManagePatients, id, "merged",
		func(ctx context.Context, c clinic.Caller, p identity.Patient, m *clinic.Commit) (identity.Patient, error) {
			if into == id {
				return p, errItself
			}
			c, to, err := r.patientFor(ctx, c, identity.ManagePatients, into)
			switch {
			case errors.Is(err, fault.NotFound):
				return p, errItself
			case err != nil:
				return p, err
			case p.Into == into:
				return p, nil
			}
			if err := mayMerge(p, to); err != nil {
				return p, err
			}
			return r.merge(ctx, c, p, to, m)
		})
}

func (r *Room) merge(ctx context.Context, c clinic.Caller, p, to identity.Patient, m *clinic.Commit) (identity.Patient, error) {
	now, by := r.Kernel.Time(), c.Person.ID
	who, err := r.Kernel.Store.Person(ctx, p.Person)
	if err != nil {
		return p, err
	}
	who.Patient, who.Version = to.ID, who.Version+1
	if who.Minor, err = r.isMinor(ctx, to); err != nil {
		return p, err
	}
	moved, err := r.takeOver(ctx, c, p, to, m)
	if err != nil {
		return p, err
	}
	to.Person, to.Coverages, to.Version = who.ID, to.Coverages+moved, to.Version+1
	to.Public = to.Public || p.Public
	who.Public = to.Public
	row, err := r.Charts.SealPatient(ctx, to)
	if err != nil {
		return p, err
	}
	grant, err := r.grantOn(ctx, identity.Grant{Practice: p.Practice, Patient: p.ID, Person: who.ID, By: by, Why: identity.EarlierOwn})
	if err != nil {
		return p, err
	}
	m.Person, m.Grants = &who, []identity.Grant{grant}
	m.Patients = append(m.Patients, row)
	m.Audit = append(m.Audit, r.recordOf(c, to, identity.ManagePatients, "merged", now)...)
	if moved > 0 {
		m.Audit = append(m.Audit, r.recordOf(c, to, identity.ManagePatients, "coverages_taken_over", now)...)
	}
	p.Into, p.Person = to.ID, ""
	p.Standing = identity.Standing{State: identity.Suspended, Reason: identity.Double, By: by, At: now}
	return p, r.endMatching(ctx, p, by, m)
}

// grantOn returns g at the version after the one that is stored.
func (r *Room) grantOn(ctx context.Context, g identity.Grant) (identity.Grant, error) {
	was, err := r.Kernel.Store.Grant(ctx, g.Patient, g.Person)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return g, err
	}
	g.Version = was.Version + 1
	return g, nil
}

// A Door is what a practice's public page says.
type Door struct {
	ID, Name, Phone string
	Open            bool // somebody may register
	Minors          bool // it takes requests for those under 18
	From            int  // the age from which people register themselves
}

// Door returns what the public page of a practice says to anyone.
func (r *Room) Door(ctx context.Context, id string) (Door, error) {
	p, err := r.Kernel.Practice(ctx, id)
	if err == nil && id == audit.Platform {
		err = errNoPatient
	}
	d := Door{p.ID, p.Name, p.Phone, p.Suspended.IsZero(), !p.Minors.Refused, p.Minors.ActingAge()}
	if !d.Minors {
		d.From = identity.Minors{}.ActingAge()
	}
	return d, err
}

var errEmailNeeded = fault.New(fault.Denied, "email_unconfirmed", "your sign-in has no confirmed e-mail address; confirm it where you sign in, and register then")

// Join registers the holder of a token as a patient of a practice, unverified, by its
// public page: e-mail address and phone are those that their sign-in has confirmed. The
// same holder again is the same patient.
//
// Errors: fault.Invalid, which names everything wrong; fault.Conflict for a minor whom
// the practice does not let act for themselves (minor) or takes no requests for
// (minors_not_taken), a practice that takes nobody (practice_suspended), and who works there
// (already_member).
func (r *Room) Join(ctx context.Context, c clinic.Caller, practice string, contact identity.Contact) (identity.Patient, error) {
	p, err := r.Kernel.Practice(ctx, practice)
	if err == nil && practice == audit.Platform {
		err = errNoPatient
	}
	if err != nil {
		return identity.Patient{}, err
	}
	return clinic.Retry(func() (identity.Patient, error) {
		t, who, err := r.memberAt(ctx, c.Proof, practice)
		switch {
		case err != nil:
			return identity.Patient{}, err
		case who.Patient != "" && !who.Inactive:
			return r.readPatient(ctx, who.Patient)
		case who.Works() || who.Inactive:
			return identity.Patient{}, errMember
		}
		now := r.Kernel.Time()
		if contact, err = welcome(p, contact, c, now); err != nil {
			return identity.Patient{}, err
		}
		return r.enter(ctx, c, t, who, identity.Patient{
			ID: r.Kernel.NewID(), Practice: practice, Contact: contact, Came: identity.ByPage, At: now, Version: 1,
		})
	})
}

// welcome returns the contact data of who may register at p by its public page.
func welcome(p practice.Practice, contact identity.Contact, c clinic.Caller, now time.Time) (identity.Contact, error) {
	if !p.Suspended.IsZero() {
		return contact, fault.New(fault.Conflict, "practice_suspended", "This practice takes nobody online now. Please call it: "+p.Phone)
	}
	if c.Email == "" {
		return contact, errEmailNeeded
	}
	contact.Email, contact.Phone = c.Email, c.Phone
	contact, err := registry.CheckContact(contact, now)
	if err != nil {
		return contact, err
	}
	return contact, p.LetsAct(contact.Birth, now)
}

// memberAt returns who the holder of a proof is at a practice, active or not; zero if
// nobody. The token is as stored.
func (r *Room) memberAt(ctx context.Context, proof clinic.Proof, practice string) (clinic.Token, identity.Person, error) {
	t, err := r.Kernel.Store.Token(ctx, proof)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return t, identity.Person{}, err
	}
	t.Proof = proof
	at := slices.IndexFunc(t.Memberships, func(m identity.Membership) bool { return m.Practice == practice })
	if at < 0 {
		return t, identity.Person{}, nil
	}
	who, err := r.Kernel.Store.Person(ctx, t.Memberships[at].Person)
	return t, who, err
}

// enter commits a patient who registers, who they sign in as, and the work of matching
// them. Who is a caregiver at the practice already stays that too.
func (r *Room) enter(ctx context.Context, c clinic.Caller, t clinic.Token, who identity.Person, p identity.Patient) (identity.Patient, error) {
	isNew := who.ID == ""
	if isNew {
		who = identity.Person{ID: r.Kernel.NewID(), Practice: p.Practice}
	}
	who.Role, who.Patient, who.Version = identity.PatientRole, p.ID, who.Version+1
	var err error
	if who.Minor, err = r.isMinor(ctx, p); err != nil {
		return p, err
	}
	p.Person, p.By = who.ID, who.ID
	c.Person = who
	m, found, err := r.prepared(ctx, c, &p)
	if err != nil {
		return p, err
	}
	item := work.Item{Kind: work.PatientUnverified, Practice: p.Practice, Pool: identity.StaffPool, Patient: p.ID}
	if len(found) > 0 {
		item.Note = work.PossibleDouble
	}
	m.Person, m.Work = &who, []work.Item{work.New(item, p.ID, p.At)}
	m.Audit = r.recordOf(c, p, identity.ManagePatients, "joined", p.At)
	if isNew {
		r.bind(c, &m, t, who)
	}
	return p, r.commitNew(ctx, m)
}

// commitNew commits what has rows that must be new; one that somebody else made in
// between is clinic.ErrChanged, as for rows that were changed.
func (r *Room) commitNew(ctx context.Context, m clinic.Commit) error {
	err := r.commitPractice(ctx, m)
	if errors.Is(err, clinic.ErrExists) {
		err = clinic.ErrChanged
	}
	return err
}

// bind adds to m that the holder of a token is someone at one more practice.
func (r *Room) bind(c clinic.Caller, m *clinic.Commit, t clinic.Token, who identity.Person) {
	t.Version++
	t.Memberships = append(slices.Clone(t.Memberships), identity.Membership{Practice: who.Practice, Person: who.ID})
	m.Token = &t
	m.Audit = append(m.Audit, r.record(c, audit.Platform, identity.ManagePeople, "known", who.ID, r.Kernel.Time())...)
}
