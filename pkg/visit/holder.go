package visit

import (
	"slices"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// Steps that change who holds a visit. The promised time stands in each, and so
// does a question that the patient was asked: such a visit goes on waiting for the
// patient, also while nobody holds it.

// Take returns v taken by p.
func (v Visit) Take(p identity.Person, now time.Time) (Visit, error) {
	if v.Holder.ID == p.ID && v.Status != Queued {
		return v, nil
	}
	switch {
	case v.Taken():
		return Visit{}, v.takenBy()
	case !v.Status.AwaitsAnswer():
		return Visit{}, v.refuse("take it")
	}
	if err := v.mayTreat(p, now); err != nil {
		return Visit{}, err
	}
	v.Former = ""
	return v.heldBy(p, now), nil
}

// Release returns v in its pool again, released by its holder p.
func (v Visit) Release(p identity.Person) (Visit, error) {
	if v.Holder.ID == "" && v.Former == p.ID {
		return v, nil
	}
	if err := v.mayPass(p, "release it"); err != nil {
		return Visit{}, err
	}
	v = v.returned()
	v.Former = p.ID
	return v, nil
}

// GiveBack returns v in its pool again because its holder can no longer answer it. A
// visit that nobody holds, or that awaits no answer, is returned unchanged.
func (v Visit) GiveBack() Visit {
	if !v.Taken() {
		return v
	}
	v.Former = ""
	return v.returned()
}

// HandOver returns v held by to, a colleague of its holder p, with one more note.
func (v Visit) HandOver(p, to identity.Person, now time.Time) (Visit, error) {
	if to.ID != "" && v.Former == p.ID && v.Holder.ID == to.ID {
		return v, nil
	}
	if err := v.mayPass(p, "hand it over"); err != nil {
		return Visit{}, err
	}
	if err := v.mayGoTo(to, now); err != nil {
		return Visit{}, err
	}
	v.Former = p.ID
	v.Notes++
	return v.heldBy(to, now), nil
}

// TakeOver returns v held by p in place of the colleague with the id from, with one more
// note. Who may take a visit may take it over. If somebody else holds v by now, that is
// refused: of two who take v over at once one succeeds.
func (v Visit) TakeOver(p identity.Person, from string, now time.Time) (Visit, error) {
	switch {
	case v.Holder.ID == p.ID:
		return v, nil
	case v.Status.AwaitsAnswer() && !v.Taken():
		return Visit{}, fault.New(fault.Conflict, "not_taken", "nobody has taken this visit; take it")
	case !v.Taken():
		return Visit{}, v.refuse("take it over")
	case v.Holder.ID != from:
		return Visit{}, v.takenBy()
	}
	if err := v.mayTreat(p, now); err != nil {
		return Visit{}, err
	}
	v.Former = ""
	v.Notes++
	return v.heldBy(p, now), nil
}

// Taken reports whether v awaits an answer that its holder is to give.
func (v Visit) Taken() bool { return v.Status.AwaitsAnswer() && v.Holder.ID != "" }

// HandedOver reports whether v awaits the answer of a holder who was handed it by a
// colleague.
func (v Visit) HandedOver() bool { return v.Former != "" && v.Taken() }

// Fits reports whether p may be handed v over by its holder.
func (v Visit) Fits(p identity.Person, now time.Time) bool { return v.unfit(p, now) == "" }

func (v Visit) heldBy(p identity.Person, now time.Time) Visit {
	v.Holder, v.Times.Taken = Holder{ID: p.ID, Display: p.Display}, now
	if v.Status == Queued {
		return v.next(InReview)
	}
	return v.next(v.Status)
}

func (v Visit) returned() Visit {
	v.Holder, v.Times.Taken = Holder{}, time.Time{}
	if v.Status == InReview {
		return v.next(Queued)
	}
	return v.next(v.Status)
}

// mayPass refuses p, unless p holds v.
func (v Visit) mayPass(p identity.Person, what string) error {
	switch {
	case v.Taken() && v.Holder.ID != p.ID:
		return v.takenBy()
	case !v.Taken():
		return v.refuse(what)
	}
	return nil
}

func (v Visit) takenBy() error {
	return fault.New(fault.Conflict, "already_taken", v.Holder.Display+" has taken this visit")
}

func (v Visit) mayTreat(p identity.Person, now time.Time) error {
	if !v.licensed(p, now) {
		return fault.New(fault.Denied, "not_licensed", "you hold no current license for "+v.State+", where this patient is")
	}
	return nil
}

// licensed reports whether p holds the license that an answer to v takes, if it takes one.
func (v Visit) licensed(p identity.Person, now time.Time) bool {
	return v.Pool != identity.ClinicalPool || p.LicensedIn(v.State, now)
}

// mayGoTo refuses a colleague who could not have taken v.
func (v Visit) mayGoTo(to identity.Person, now time.Time) error {
	why := v.unfit(to, now)
	if why == "" {
		return nil
	}
	why += "; name another colleague"
	return fault.New(fault.Invalid, "colleague_cannot", why, fault.Problem{Where: "/to", Code: "colleague", Text: why})
}

// unfit says why to may not be handed v; empty if they may.
func (v Visit) unfit(to identity.Person, now time.Time) string {
	switch {
	case to.ID == "" || to.Practice != v.Practice || !to.Works():
		return "nobody of that id works at your practice"
	case to.ID == v.Holder.ID:
		return "you have this visit already"
	case to.Inactive:
		return to.Display + " no longer has access"
	case !slices.Contains(identity.Rights(to, v.Resource(), now), identity.TakeVisit):
		return to.Display + " may not answer such a visit: it is not part of their role"
	case !v.licensed(to, now):
		return to.Display + " holds no current license for " + v.State + ", where this patient is"
	}
	return ""
}
