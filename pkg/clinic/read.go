package clinic

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

// A Chart is all that is known of a visit's content.
type Chart struct {
	Visit     visit.Visit
	Contact   identity.Contact
	Form      *intake.Form
	Response  intake.Response
	Answers   []QA
	Flags     []Flag
	Derived   []intake.Derived
	Messages  []Said
	Diversion *Diversion // nil unless diverted
}

// Chart opens a visit's content. Who saw it is written down before it is
// shown, and the patient's side reading it is their receipt for every message
// so far (guideline G8).
func (cl *Clinic) Chart(ctx context.Context, c Caller, id string) (Chart, error) {
	now := cl.now()
	v, sealed, err := cl.Store.Case(ctx, id)
	if err != nil {
		return Chart{}, err
	}
	if err := identity.Allow(c.Person, identity.ReadChart, v.Resource(), now); err != nil {
		return Chart{}, err
	}
	if v, err = cl.seen(ctx, c, v, "chart", now); err != nil {
		return Chart{}, err
	}
	return cl.chart(ctx, v, sealed)
}

// seen records a read; the patient's side leaves a read mark besides.
func (cl *Clinic) seen(ctx context.Context, c Caller, v visit.Visit, what string, now time.Time) (visit.Visit, error) {
	rec := cl.trail(c.actor(v.Patient), string(identity.ReadChart)+":"+what, v, now)
	m := Commit{Audit: []audit.Record{rec}}
	next := v
	if c.Person.ActsFor(v.Patient, now) {
		next = v.Seen(c.Person.ID, now)
	}
	if next.Version != v.Version {
		m.Visit = &next
	}
	err := cl.Store.Commit(ctx, m)
	if errors.Is(err, ErrChanged) {
		m.Visit = nil // it moved on meanwhile; this read is recorded, the mark comes with the next
		return v, cl.Store.Commit(ctx, m)
	}
	return next, err
}

func (cl *Clinic) chart(ctx context.Context, v visit.Visit, sealed []byte) (Chart, error) {
	out := Chart{Visit: v}
	var err error
	if out.Form, out.Response, err = cl.draft(ctx, loaded{visit: v, answers: sealed}); err != nil {
		return Chart{}, err
	}
	if out.Contact, err = cl.contact(ctx, v.Patient); err != nil {
		return Chart{}, err
	}
	if v.Messages > 0 {
		if out.Messages, err = cl.said(ctx, v); err != nil {
			return Chart{}, err
		}
	}
	if v.Status == visit.Diverted {
		if out.Diversion, err = cl.diversion(ctx, v); err != nil {
			return Chart{}, err
		}
	}
	res := out.Form.Check(out.Response)
	out.Answers, out.Flags, out.Derived = inWords(out.Form, res.Response), flags(res), res.Derived
	return out, nil
}

// said opens a visit's messages.
func (cl *Clinic) said(ctx context.Context, v visit.Visit) ([]Said, error) {
	ms, err := cl.Store.Messages(ctx, v.ID, v.Messages)
	if err != nil {
		return nil, err
	}
	out := make([]Said, len(ms))
	for i, m := range ms {
		out[i] = Said{Seq: m.Seq, Kind: m.Kind, From: m.From, Name: m.Name, At: m.At, ReadAt: v.ReadAt(m.Seq)}
		if out[i].Text, err = cl.open(ctx, v, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Document returns the encounter document, and the addendum once the visit is
// closed; each is proved to be what was committed.
func (cl *Clinic) Document(ctx context.Context, c Caller, id string) (doc, addendum json.RawMessage, err error) {
	now := cl.now()
	v, err := cl.allowed(ctx, c, identity.ReadChart, id, now)
	if err != nil {
		return nil, nil, err
	}
	if v.Document == "" {
		return nil, nil, fault.New(fault.NotFound, "no_document", "this visit has no document; one is written when it is answered")
	}
	if v, err = cl.seen(ctx, c, v, "document", now); err != nil {
		return nil, nil, err
	}
	if doc, err = cl.object(ctx, v, v.Document); err != nil || v.Addendum == "" {
		return doc, nil, err
	}
	addendum, err = cl.object(ctx, v, v.Addendum)
	return doc, addendum, err
}

// Queue lists the open visits of the caller's pool: pages in the order they were
// queued, and on each the oldest promise first, which a question to the patient
// may have moved.
func (cl *Clinic) Queue(ctx context.Context, c Caller, cursor string, limit int) ([]visit.Visit, string, error) {
	at := identity.Resource{Practice: c.Person.Practice, Pool: c.Person.PoolOf()}
	if err := identity.Allow(c.Person, identity.ReadQueue, at, cl.now()); err != nil {
		return nil, "", err
	}
	vs, next, err := cl.Store.Queue(ctx, at.Practice, at.Pool, cursor, limit)
	slices.SortStableFunc(vs, func(a, b visit.Visit) int { return a.Promise.By.Compare(b.Promise.By) })
	return vs, next, err
}

// Mine lists a patient's visits, newest first; an empty patient is the caller.
func (cl *Clinic) Mine(ctx context.Context, c Caller, patient, cursor string, limit int) ([]visit.Visit, string, error) {
	if patient == "" {
		patient = c.Person.Patient
	}
	at := identity.Resource{Practice: c.Person.Practice, Patient: patient}
	if err := identity.Allow(c.Person, identity.StartVisit, at, cl.now()); err != nil {
		return nil, "", err
	}
	return cl.Store.Mine(ctx, patient, cursor, limit)
}

// Trail lists who did what to a visit and who saw it, in order.
func (cl *Clinic) Trail(ctx context.Context, c Caller, id string) ([]audit.Record, error) {
	now := cl.now()
	v, err := cl.allowed(ctx, c, identity.ReadTrail, id, now)
	if err != nil {
		return nil, err
	}
	last := now
	if !v.Times.Ended.IsZero() && v.Times.Ended.Add(trailAfter).Before(now) {
		last = v.Times.Ended.Add(trailAfter)
	}
	var all []audit.Record
	for day := v.Times.Started.Truncate(24 * time.Hour); !day.After(last); day = day.Add(24 * time.Hour) {
		rs, err := cl.Store.Trail(ctx, v.Practice, day, v.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
	}
	return all, nil
}

// trailAfter is how long after its end a visit's trail is listed by itself;
// the practice's log keeps what comes later.
const trailAfter = 90 * 24 * time.Hour

// Jobs lists the practice's events that were given up and wait for a person.
func (cl *Clinic) Jobs(ctx context.Context, c Caller) ([]outbox.Delivery, error) {
	at := identity.Resource{Practice: c.Person.Practice}
	if err := identity.Allow(c.Person, identity.ReadJobs, at, cl.now()); err != nil {
		return nil, err
	}
	return cl.Store.Parked(ctx, at.Practice)
}
