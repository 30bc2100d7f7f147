package clinic

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// A Subject is what a request asked for. A Subject without a practice is nobody's,
// and what is refused of it leaves no record.
type Subject struct {
	Practice string // whose log has the record
	Visit    string
	Patient  string // where no visit is named
	Resource string // a work item, or the address asked for
}

// Allow returns nil if c's person, which was read, may take action do on r now.
// A refusal is recorded as one of s.
func (k *Kernel) Allow(ctx context.Context, c Caller, do identity.Action, r identity.Resource, s Subject) error {
	now := k.Time()
	err := identity.Allow(c.Person, do, r, now)
	if err != nil {
		r.Practice = s.Practice
		k.recordRefusal(ctx, c, string(do), s, identity.Reason(c.Person, do, r, now))
	}
	return err
}

// AllowForPatient is Allow for what is a patient's as a whole. Somebody who works at a practice has
// no patients at another.
func (k *Kernel) AllowForPatient(ctx context.Context, c Caller, do identity.Action, patient string) error {
	r := identity.Resource{Practice: c.Person.Practice, Patient: patient}
	var err error
	if r.Minority, err = k.Minority(ctx, c.Person, patient); err != nil {
		return err
	}
	if slices.Contains(identity.Rights(c.Person, r, k.Time()), do) {
		if !c.Person.Works() {
			return nil
		}
		of, err := k.Store.Patient(ctx, patient)
		if err != nil && !errors.Is(err, fault.NotFound) || err == nil && of.Practice == r.Practice {
			return err
		}
		r.Practice = of.Practice
	}
	return k.Allow(ctx, c, do, r, k.subjectOfPatient(ctx, patient))
}

// IsUnknown reports whether err says that no practice knows the holder of a token, or
// the one that they name does not, or no longer.
func IsUnknown(err error) bool { return errors.Is(err, errUnknown) || errors.Is(err, errUnknownThere) }

// IsTurnedAway reports whether err refuses who asks, whatever they ask for: IsUnknown, or
// ErrSecondFactor.
func IsTurnedAway(err error) bool { return IsUnknown(err) || errors.Is(err, ErrSecondFactor) }

// askAction is the action of a request by someone who was turned away: what they asked
// for is not judged. The record's resource is the address.
const askAction = "request.make"

// RecordTurnedAway records that the holder of c's proof was refused with why, an error
// of IsTurnedAway: the practice that knew them no longer does, or they work there and
// signed in with one factor. Of someone whom no practice has known there is nothing to
// record. A visit or a patient that the request named decides whose log has the
// record, and one that does not exist leaves none.
func (k *Kernel) RecordTurnedAway(ctx context.Context, c Caller, why error, address, visit, patient string) {
	ctx, cancel := withoutSender(ctx)
	defer cancel()
	var s Subject
	var err error
	if c.Person, err = k.personKnownBefore(ctx, c); err == nil && c.Person.ID != "" {
		s, err = k.subjectOf(ctx, c.Person, visit, patient)
	}
	if err != nil {
		k.Log.ErrorContext(ctx, "refusal not recorded", "address", address, "visit", visit, "err", err)
		return
	}
	s.Resource = address
	reason := "inactive"
	if errors.Is(why, ErrSecondFactor) {
		reason = codeOf(why)
	}
	k.recordRefusal(ctx, c, askAction, s, reason)
}

// personKnownBefore returns c's person, active or not: of the practices that have known
// them, or of the one that c names, at the first that has not deactivated them, else at
// the first; zero if there is none.
func (k *Kernel) personKnownBefore(ctx context.Context, c Caller) (identity.Person, error) {
	ms, err := k.membersOf(ctx, c.Proof, true)
	if err != nil {
		return identity.Person{}, err
	}
	if ms = c.named(ms); len(ms) == 0 {
		return identity.Person{}, nil
	}
	if ps, err := k.active(ctx, c.Proof, ms); err != nil || len(ps) > 0 {
		return append(ps, identity.Person{})[0], err
	}
	first := ms[0]
	who, err := k.Store.Person(ctx, first.Person)
	if errors.Is(err, fault.NotFound) {
		return identity.Person{ID: first.Person, Practice: first.Practice}, nil
	}
	return who, err
}

// subjectOf returns the visit that was asked for, else the patient, else the
// practice of who asked.
func (k *Kernel) subjectOf(ctx context.Context, p identity.Person, visit, patient string) (Subject, error) {
	switch {
	case visit != "":
		rows, err := k.Store.Load(ctx, Query{Visit: visit, Latest: true})
		if errors.Is(err, fault.NotFound) {
			err = nil // no visit has an id of that length
		}
		return Subject{Practice: rows.Visit.Practice, Visit: rows.Visit.ID}, err
	case patient != "":
		return k.subjectOfPatient(ctx, patient), nil
	}
	return Subject{Practice: p.Practice}, nil
}

func (k *Kernel) subjectOfPatient(ctx context.Context, patient string) Subject {
	if patient == "" {
		return Subject{}
	}
	p, err := k.Store.Patient(ctx, patient)
	if err != nil {
		if !errors.Is(err, fault.NotFound) {
			k.Log.ErrorContext(ctx, "refusal not recorded", "patient", patient, "err", err)
		}
		return Subject{}
	}
	return Subject{Practice: p.Practice, Patient: patient}
}

// recordTime bounds the writing of a record whose sender may have hung up.
const recordTime = 5 * time.Second

// withoutSender is a context in which a refusal is recorded, whatever else is wrong with the
// request.
func withoutSender(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = context.WithValue(context.WithoutCancel(ctx), refusedKey{}, nil)
	return context.WithTimeout(ctx, recordTime)
}

// recordRefusal records, once an hour, that c's person was refused an action on s.
// Nothing was shown, so a record that cannot be written changes no reply: it is
// logged as an error.
func (k *Kernel) recordRefusal(ctx context.Context, c Caller, action string, s Subject, reason string) {
	if c.Person.ID == "" || s.Practice == "" {
		return
	}
	ctx, cancel := withoutSender(ctx)
	defer cancel()
	err := k.recordHourly(ctx, audit.Record{
		Practice: s.Practice, Action: action, Outcome: audit.Refused, Reason: reason,
		Actor: audit.Actor{ID: c.Person.ID, Role: string(c.Person.Role), Name: c.Person.Display, IP: c.IP},
		Visit: s.Visit, Patient: s.Patient, Resource: s.Resource,
	})
	if err != nil {
		k.Log.ErrorContext(ctx, "refusal not recorded", "person", c.Person.ID, "action", action, "visit", s.Visit, "err", err)
	}
}

// RecordRefusal records, once an hour, that c's person, who may take action do on v, was
// refused with why.
func (k *Kernel) RecordRefusal(ctx context.Context, c Caller, do identity.Action, v visit.Visit, why error) {
	k.recordRefusal(ctx, c, string(do), Subject{Practice: v.Practice, Visit: v.ID}, codeOf(why))
}

// recordHourly commits r, as one of now, unless the same was recorded in this hour
// of the same person, action and subject. The commit has a key of these: a second
// one in the hour finds the key and writes nothing. So neither who is refused nor
// who polls can fill the log.
func (k *Kernel) recordHourly(ctx context.Context, r audit.Record) error {
	now := k.Time()
	hour := now.Truncate(time.Hour)
	key := strings.Join([]string{
		"hourly", r.Practice, r.Actor.ID, r.Action, string(r.Outcome), r.Visit, r.Patient, r.Resource, hour.Format(time.RFC3339),
	}, " ")
	if _, noted := k.noted.get(key, now); noted {
		return nil
	}
	r.ID, r.At = k.NewID(), now
	err := k.Store.Commit(ctx, Commit{Request: &Request{Key: key, Ends: now.Add(RequestLife)}, Audit: []audit.Record{r}})
	if err != nil && !errors.Is(err, ErrRepeated) {
		return err
	}
	k.noted.put(key, struct{}{}, hour.Add(time.Hour))
	return nil
}

// codeOf returns the code of a fault.
func codeOf(err error) string {
	f, _ := fault.Public(err)
	if f == nil {
		return ""
	}
	return f.Code
}
