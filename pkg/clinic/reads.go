package clinic

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

// The beginnings of the actions that read marks are derived from.
const (
	readAction  = string(identity.ReadChart) + ":"   // then what was read
	teamAction  = string(identity.TreatVisit) + ":"  // each sends one message
	replyAction = string(identity.WriteToTeam) + ":" // likewise
)

const (
	answerAction = teamAction + string(visit.Answered)
	// documentAction was recorded before the answer too, where there was no
	// document yet and the read was refused.
	documentAction = readAction + "document"
)

// RecordRead records that the caller reads the content of v, which LoadVisit
// allowed; what names the part. It is called once the content was read and
// before it is shown, so that nothing is shown without a record and what could
// not be shown leaves none. It returns v as the caller sees it: the patient's
// side has then read every message (guideline G8). The patient's side reading a
// draft leaves no record: who types a draft is its author.
func (k *Kernel) RecordRead(ctx context.Context, c Caller, v visit.Visit, what string) (visit.Visit, error) {
	now, by := k.Time(), c.Actor(v.Patient)
	own := isPatientSide(by)
	if own && v.Status == visit.Draft {
		return v, nil
	}
	err := k.Store.Commit(ctx, Commit{Audit: []audit.Record{k.Record(by, readAction+what, v, now)}})
	if err != nil {
		return visit.Visit{}, err
	}
	if own {
		v = v.ReadNow(by.ID, now)
	}
	return v, nil
}

// RecordLook records that c's person read what is no content of s: its payments, who
// has seen it, or a part of the practice's log. It is called as RecordRead is.
func (k *Kernel) RecordLook(ctx context.Context, c Caller, do identity.Action, s Subject) error {
	r := k.look(c, do, s, "")
	r.ID, r.At = k.NewID(), k.Time()
	return k.Store.Commit(ctx, Commit{Audit: []audit.Record{r}})
}

// RecordDownload records in one commit that c's person took away what is stored of s, a
// patient, and with it read the content of vs. As of other reads, the patient's side
// leaves no record of a draft.
func (k *Kernel) RecordDownload(ctx context.Context, c Caller, do identity.Action, s Subject, vs []visit.Visit) error {
	now := k.Time()
	took := k.look(c, do, s, s.Patient)
	took.ID, took.At = k.NewID(), now
	rs := []audit.Record{took}
	for _, v := range vs {
		if by := c.Actor(v.Patient); v.Status != visit.Draft || !isPatientSide(by) {
			rs = append(rs, k.Record(by, readAction+"record", v, now))
		}
	}
	return k.Store.Commit(ctx, Commit{Audit: rs})
}

// RecordList records, once an hour, that c's person read where visits stand: those
// of a list, or v of a patient, which programs ask for again and again.
func (k *Kernel) RecordList(ctx context.Context, c Caller, do identity.Action, s Subject) error {
	return k.recordHourly(ctx, k.look(c, do, s, s.Patient))
}

// RecordState is RecordList for one visit. As with its content, the patient's side
// leaves no record of a draft. Their record names the visit as its resource: it is in
// the log, and not among those in the visit's trail, where it would be most of them.
func (k *Kernel) RecordState(ctx context.Context, c Caller, v visit.Visit) error {
	r := k.look(c, identity.ReadVisit, Subject{Practice: v.Practice, Visit: v.ID}, v.Patient)
	if isPatientSide(r.Actor) {
		if v.Status == visit.Draft {
			return nil
		}
		r.Visit, r.Patient, r.Resource = "", v.Patient, v.ID
	}
	return k.recordHourly(ctx, r)
}

func (k *Kernel) look(c Caller, do identity.Action, s Subject, patient string) audit.Record {
	return audit.Record{
		Practice: s.Practice, Actor: c.Actor(patient), Action: string(do), Visit: s.Visit, Patient: s.Patient, Resource: s.Resource,
	}
}

// WithReads returns v with the read marks that its trail has and its row has
// not. It queries the trail only if the row leaves a message of the practice
// unread, and may lag about a second.
func (k *Kernel) WithReads(ctx context.Context, v visit.Visit) (visit.Visit, error) {
	if !v.Unread() {
		return v, nil
	}
	since := v.Times.Submitted.Add(-time.Minute) // no message was sent before, by any function's clock
	trail, err := k.Store.Trail(ctx, v.ID, since)
	if err != nil {
		return visit.Visit{}, err
	}
	return v.WithReads(ReadMarks(trail)...), nil
}

// trailsAtOnce bounds the trails that are queried side by side for one list.
const trailsAtOnce = 8

// WithAllReads is WithReads for each visit of a list.
func (k *Kernel) WithAllReads(ctx context.Context, vs []visit.Visit) ([]visit.Visit, error) {
	all := make([]visit.Visit, len(vs))
	return all, Each(len(vs), trailsAtOnce, func(n int) (err error) {
		all[n], err = k.WithReads(ctx, vs[n])
		return err
	})
}

// ReadMarks derives what the patient's side has read of a visit from its trail,
// which is in the order of the log. A message of the practice was read by the
// first read that showed the version which brought it, or a later one: versions
// decide, because the clocks of two functions differ. A message of the patient's
// side was read by who sent it, and proves no reading of those before it.
func ReadMarks(trail []audit.Record) []visit.ReadMark {
	var sent, reads []audit.Record
	answer := math.MaxInt // the version that brought the answer
	for _, r := range trail {
		switch {
		case r.Outcome == audit.Refused, strings.HasSuffix(r.Action, againSuffix):
		case strings.HasPrefix(r.Action, teamAction), strings.HasPrefix(r.Action, replyAction):
			sent = append(sent, r)
			if r.Action == answerAction {
				answer = r.Version
			}
		case strings.HasPrefix(r.Action, readAction) && isPatientSide(r.Actor):
			reads = append(reads, r)
		}
	}
	slices.SortFunc(sent, func(a, b audit.Record) int { return a.Version - b.Version })
	reads = slices.DeleteFunc(reads, func(r audit.Record) bool { return r.Action == documentAction && r.Version < answer })
	return marksOf(sent, reads)
}

// marksOf returns the marks of messages, by the records that sent them in order,
// up to the first that nobody has read.
func marksOf(sent, reads []audit.Record) []visit.ReadMark {
	var marks []visit.ReadMark
	for n, read := range sent {
		if strings.HasPrefix(read.Action, teamAction) {
			first := slices.IndexFunc(reads, func(r audit.Record) bool { return r.Version >= read.Version })
			if first < 0 {
				return marks
			}
			read = reads[first]
		}
		if last := len(marks) - 1; last >= 0 && !read.At.After(marks[last].At) {
			marks[last].Through = n + 1
			continue
		}
		marks = append(marks, visit.ReadMark{Through: n + 1, At: read.At, By: read.Actor.ID})
	}
	return marks
}

// isPatientSide reports whether a reads as the patient or for the patient, which
// the policy lets no other role do.
func isPatientSide(a audit.Actor) bool {
	return a.Role == string(identity.PatientRole) || a.Role == string(identity.Caregiver)
}
