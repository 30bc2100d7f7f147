package clinic

import (
	"context"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/membership"
	"evisit/pkg/outbox"
	"evisit/pkg/work"
)

// A Held is a membership as it was read, with what was used of the year that runs, in the zone of its
// practice.
type Held struct {
	membership.Membership
	Count membership.Count
	Zone  *time.Location
}

// Used is how many included visits of the year were used.
func (h Held) Used() int { return len(h.Count.Uses) }

// Hold returns a membership as it is held now, with the count of its year; a new one if nothing was
// used.
func (k *Kernel) Hold(ctx context.Context, m membership.Membership, counts []membership.Count) (Held, error) {
	p, err := k.Practice(ctx, m.Practice)
	if err != nil {
		return Held{}, err
	}
	zone, err := p.Location()
	return Held{m, m.CountAt(counts, k.Time()), zone}, err
}

// ChangeMembership commits a membership as a person changed it from was, with rec: Stripe is to do what
// is wanted then, who pays is told, and work about an unpaid renewal ends with it. It fails as Commit.
func (k *Kernel) ChangeMembership(ctx context.Context, c Caller, was Held, next membership.Membership, rec audit.Record) error {
	now := rec.At
	commit := Commit{Memberships: []Membership{{Membership: next, Due: next.NextDue(was.Zone, now)}}, At: now, Audit: []audit.Record{rec}}
	put := func(kind outbox.Kind, to outbox.Consumer) {
		commit.Events = append(commit.Events, k.MembershipEvent(kind, to, next, now))
	}
	if next.Carries(was.Membership, now) {
		put(outbox.CarryMembership, outbox.Charge)
	}
	if next.Owed() > 0 { // what is given back was decided on what was used: a visit that is sent at the same time is told so
		used := was.Count
		used.Version++
		commit.Counts = []Count{{Count: used, Practice: was.Practice}}
	}
	cancelled, resumed := next.Turned(was.Membership)
	switch {
	case next.State == membership.Ended:
		put(outbox.MemberEnded, outbox.Notify)
	case next.Closes(was.Membership):
		put(outbox.MemberRenewal, outbox.Notify)
	case cancelled:
		put(outbox.MemberCancelled, outbox.Notify)
	case resumed:
		put(outbox.MemberResumed, outbox.Notify)
	}
	if was.State == membership.PastDue && next.State != was.State {
		if err := k.EndWork(ctx, &commit, was.Practice, work.ID(work.MembershipUnpaid, was.ID), c.Person.ID); err != nil {
			return err
		}
	}
	return k.Store.Commit(ctx, commit)
}
