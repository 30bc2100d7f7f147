package visit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

var quote = billing.Quote{ID: "quote-1", Amount: 4000, Basis: billing.Fee, ExpiresAt: noon.Add(time.Hour)}

// at is a visit of class evisit in the given status, with a held card, promised
// by 16:00 and taken by a.
func at(t *testing.T, s visit.Status) visit.Visit {
	t.Helper()
	a := clinician("a", "CA")
	type fn = func(visit.Visit) (visit.Visit, error)
	path := map[visit.Status][]fn{}
	path[visit.Draft] = []fn{func(v visit.Visit) (visit.Visit, error) { return v.Saved("CA") }, func(v visit.Visit) (visit.Visit, error) { return v.Priced(quote) }}
	add := func(from, to visit.Status, f fn) { path[to] = append(path[from][:len(path[from]):len(path[from])], f) }
	add(visit.Draft, visit.AwaitingPayment, func(v visit.Visit) (visit.Visit, error) { return v.Submit("quote-1", "payment-1", terms, noon) })
	add(visit.AwaitingPayment, visit.Queued, func(v visit.Visit) (visit.Visit, error) {
		next, _ := v.HoldPlaced("payment-1", noon.Add(7*24*time.Hour), terms, noon)
		return next, nil
	})
	add(visit.Queued, visit.InReview, func(v visit.Visit) (visit.Visit, error) { return v.Take(a, noon) })
	add(visit.InReview, visit.AwaitingPatient, func(v visit.Visit) (visit.Visit, error) { return v.Ask(noon) })
	add(visit.InReview, visit.Answered, func(v visit.Visit) (visit.Visit, error) { return v.Answer(a, "document", new(5), noon) })
	add(visit.Answered, visit.Closed, func(v visit.Visit) (visit.Visit, error) { return v.Close("addendum", noon) })
	add(visit.Draft, visit.Diverted, func(v visit.Visit) (visit.Visit, error) { return v.Divert("emergency", noon) })
	add(visit.Queued, visit.Cancelled, func(v visit.Visit) (visit.Visit, error) { return v.Cancel(noon) })
	add(visit.InReview, visit.Declined, func(v visit.Visit) (visit.Visit, error) { return v.TurnAway(visit.Declined, "scope", noon) })
	add(visit.InReview, visit.Redirected, func(v visit.Visit) (visit.Visit, error) { return v.TurnAway(visit.Redirected, "exam", noon) })
	add(visit.Draft, visit.Deleted, func(v visit.Visit) (visit.Visit, error) { return v.Delete(noon) })
	add(visit.Queued, visit.Expired, func(v visit.Visit) (visit.Visit, error) { return v.Expire(noon) })
	v := start("evisit")
	for _, f := range path[s] {
		next, err := f(v)
		if err != nil {
			t.Fatal(err)
		}
		v = next
	}
	if v.Status != s {
		t.Fatalf("a visit %s is %s", s, v.Status)
	}
	return v
}

func TestSteps_EachFromEveryStatus(t *testing.T) {
	t.Parallel()
	a := clinician("a", "CA")
	for name, test := range map[string]struct {
		do   func(visit.Visit) (visit.Visit, error)
		from map[visit.Status]visit.Status
	}{
		"save": {
			func(v visit.Visit) (visit.Visit, error) { return v.Saved("OR") },
			map[visit.Status]visit.Status{visit.Draft: visit.Draft},
		},
		"price": {
			func(v visit.Visit) (visit.Visit, error) { return v.Priced(quote) },
			map[visit.Status]visit.Status{visit.Draft: visit.Draft},
		},
		"submit": {
			func(v visit.Visit) (visit.Visit, error) { return v.Submit("quote-1", "payment-1", terms, noon) },
			map[visit.Status]visit.Status{ // sent again, it is found where it is by now
				visit.Draft: visit.AwaitingPayment, visit.AwaitingPayment: visit.AwaitingPayment, visit.Queued: visit.Queued,
				visit.InReview: visit.InReview, visit.AwaitingPatient: visit.AwaitingPatient, visit.Answered: visit.Answered,
			},
		},
		"take": {
			func(v visit.Visit) (visit.Visit, error) { return v.Take(a, noon) },
			map[visit.Status]visit.Status{ // by its holder again, wherever it is
				visit.Queued: visit.InReview, visit.InReview: visit.InReview, visit.AwaitingPatient: visit.AwaitingPatient,
				visit.Answered: visit.Answered, visit.Closed: visit.Closed, visit.Declined: visit.Declined, visit.Redirected: visit.Redirected,
			},
		},
		"release": {
			func(v visit.Visit) (visit.Visit, error) { return v.Release(a) },
			map[visit.Status]visit.Status{visit.InReview: visit.Queued, visit.AwaitingPatient: visit.AwaitingPatient},
		},
		"hand over": {
			func(v visit.Visit) (visit.Visit, error) { return v.HandOver(a, clinician("b", "CA"), noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.InReview, visit.AwaitingPatient: visit.AwaitingPatient},
		},
		"take over": {
			func(v visit.Visit) (visit.Visit, error) { return v.TakeOver(clinician("b", "CA"), "a", noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.InReview, visit.AwaitingPatient: visit.AwaitingPatient},
		},
		"ask": {
			func(v visit.Visit) (visit.Visit, error) { return v.Ask(noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.AwaitingPatient},
		},
		"reply": {
			func(v visit.Visit) (visit.Visit, error) { return v.Reply(noon) },
			map[visit.Status]visit.Status{visit.Queued: visit.Queued, visit.InReview: visit.InReview, visit.AwaitingPatient: visit.InReview},
		},
		"answer": {
			func(v visit.Visit) (visit.Visit, error) { return v.Answer(a, "d", new(5), noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.Answered, visit.AwaitingPatient: visit.Answered},
		},
		"acknowledge": {
			func(v visit.Visit) (visit.Visit, error) { return v.Close("a", noon) },
			map[visit.Status]visit.Status{visit.Answered: visit.Closed, visit.Closed: visit.Closed},
		},
		"divert": {
			func(v visit.Visit) (visit.Visit, error) { return v.Divert("emergency", noon) },
			map[visit.Status]visit.Status{
				visit.Draft: visit.Diverted, visit.AwaitingPayment: visit.Diverted, visit.Queued: visit.Diverted,
				visit.InReview: visit.Diverted, visit.AwaitingPatient: visit.Diverted, visit.Diverted: visit.Diverted,
			},
		},
		"cancel": {
			func(v visit.Visit) (visit.Visit, error) { return v.Cancel(noon) },
			map[visit.Status]visit.Status{
				visit.Draft: visit.Cancelled, visit.AwaitingPayment: visit.Cancelled, visit.Queued: visit.Cancelled,
				visit.InReview: visit.Cancelled, visit.AwaitingPatient: visit.Cancelled, visit.Cancelled: visit.Cancelled,
			},
		},
		"delete": {
			func(v visit.Visit) (visit.Visit, error) { return v.Delete(noon) },
			map[visit.Status]visit.Status{visit.Draft: visit.Deleted, visit.Deleted: visit.Deleted},
		},
		"decline": {
			func(v visit.Visit) (visit.Visit, error) { return v.TurnAway(visit.Declined, "scope", noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.Declined, visit.AwaitingPatient: visit.Declined, visit.Declined: visit.Declined},
		},
		"redirect": {
			func(v visit.Visit) (visit.Visit, error) { return v.TurnAway(visit.Redirected, "exam", noon) },
			map[visit.Status]visit.Status{visit.InReview: visit.Redirected, visit.AwaitingPatient: visit.Redirected, visit.Redirected: visit.Redirected},
		},
		"expire": {
			func(v visit.Visit) (visit.Visit, error) { return v.Expire(noon) },
			map[visit.Status]visit.Status{
				visit.Queued: visit.Expired, visit.InReview: visit.Expired, visit.AwaitingPatient: visit.Expired, visit.Expired: visit.Expired,
			},
		},
		"lose the hold": {
			func(v visit.Visit) (visit.Visit, error) {
				if next := v.HoldLost("payment-1", noon); next.Version != v.Version {
					return next, nil
				}
				return visit.Visit{}, fault.New(fault.Conflict, "", "")
			},
			map[visit.Status]visit.Status{visit.Queued: visit.Expired, visit.InReview: visit.Expired, visit.AwaitingPatient: visit.Expired},
		},
	} {
		for _, from := range statuses {
			v := at(t, from)
			got, err := test.do(v)
			want, applies := test.from[from]
			switch {
			case applies && (err != nil || got.Status != want):
				t.Errorf("%s of a visit %s = %s, %v; want %s", name, from, got.Status, err, want)
			case !applies && !errors.Is(err, fault.Conflict):
				t.Errorf("%s of a visit %s = %s, %v; want a conflict", name, from, got.Status, err)
			}
		}
	}
}

func TestSteps_RefusalCodes(t *testing.T) {
	t.Parallel()
	a, b := clinician("a", "CA"), clinician("b", "OR")
	full := func(s visit.Status, v visit.Visit) visit.Visit {
		v.FromTeam, v.FromPatient, v.Messages = visit.MessageCap-1, visit.MessageCap, 2*visit.MessageCap-1
		v.Status = s
		return v
	}
	for name, test := range map[string]struct {
		do   func() (visit.Visit, error)
		kind fault.Kind
		code string
	}{
		"no quote":      {func() (visit.Visit, error) { return start("evisit").Submit("", "p", terms, noon) }, fault.Conflict, "no_quote"},
		"another quote": {func() (visit.Visit, error) { return at(t, visit.Draft).Submit("quote-0", "p", terms, noon) }, fault.Conflict, "quote_replaced"},
		"expired quote": {func() (visit.Visit, error) { return at(t, visit.Draft).Submit("quote-1", "p", terms, quote.ExpiresAt) }, fault.Conflict, "quote_expired"},
		"other answers": {func() (visit.Visit, error) {
			v, _ := at(t, visit.Draft).Saved("OR")
			return v.Submit("quote-1", "p", terms, noon)
		}, fault.Conflict, "no_quote"},
		"sent otherwise": {func() (visit.Visit, error) { return at(t, visit.Queued).Submit("quote-0", "p", terms, noon) }, fault.Conflict, "wrong_status"},
		"taken":          {func() (visit.Visit, error) { return at(t, visit.InReview).Take(clinician("c", "CA"), noon) }, fault.Conflict, "already_taken"},
		"not licensed":   {func() (visit.Visit, error) { return at(t, visit.Queued).Take(b, noon) }, fault.Denied, "not_licensed"},
		"license expired": {func() (visit.Visit, error) {
			return at(t, visit.InReview).Answer(a, "d", new(1), noon.AddDate(11, 0, 0))
		}, fault.Denied, "not_licensed"},
		"released by another":       {func() (visit.Visit, error) { return at(t, visit.InReview).Release(clinician("c", "CA")) }, fault.Conflict, "already_taken"},
		"taken over from nobody":    {func() (visit.Visit, error) { return at(t, visit.Queued).TakeOver(a, "b", noon) }, fault.Conflict, "not_taken"},
		"taken over, not licensed":  {func() (visit.Visit, error) { return at(t, visit.InReview).TakeOver(b, "a", noon) }, fault.Denied, "not_licensed"},
		"taken over by two at once": {func() (visit.Visit, error) { return at(t, visit.InReview).TakeOver(clinician("c", "CA"), "b", noon) }, fault.Conflict, "already_taken"},
		"handed over by another":    {func() (visit.Visit, error) { return at(t, visit.InReview).HandOver(clinician("c", "CA"), a, noon) }, fault.Conflict, "already_taken"},
		"asked too often":           {func() (visit.Visit, error) { return full(visit.InReview, at(t, visit.InReview)).Ask(noon) }, fault.Conflict, "message_limit"},
		"asked who has no reply left": {func() (visit.Visit, error) {
			v := at(t, visit.InReview)
			v.FromPatient, v.Messages = visit.MessageCap, visit.MessageCap
			return v.Ask(noon)
		}, fault.Conflict, "message_limit"},
		"wrote too often": {func() (visit.Visit, error) { return full(visit.InReview, at(t, visit.InReview)).Reply(noon) }, fault.Conflict, "message_limit"},
	} {
		got, err := test.do()
		f, public := fault.Public(err)
		if !public || f.Kind != test.kind || f.Code != test.code || !cmp.Equal(got, visit.Visit{}) {
			t.Errorf("%s = %v %v, want %s %s", name, got.Status, err, test.kind, test.code)
		}
	}
	if _, err := at(t, visit.InReview).Take(clinician("c", "CA"), noon); err == nil || err.Error() != "Dr. a has taken this visit" {
		t.Errorf("the loser of a race learns: %v", err)
	}
	if next, err := full(visit.InReview, at(t, visit.InReview)).Answer(a, "d", new(1), noon); err != nil || next.FromTeam != visit.MessageCap {
		t.Errorf("the last message is the answer's: %v", err)
	}
}

func TestTake_StaffNeedNoLicense(t *testing.T) {
	t.Parallel()
	v := start("admin-fee")
	if v.Pool != identity.StaffPool || start("evisit").Pool != identity.ClinicalPool {
		t.Errorf("pools = %s and %s", v.Pool, start("evisit").Pool)
	}
	v.Status, v.State = visit.Queued, "CA"
	if _, err := v.Take(identity.Person{ID: "s", Role: identity.Staff}, noon); err != nil {
		t.Error(err)
	}
}

func TestSubmit_FreeIsQueuedAtOnce(t *testing.T) {
	t.Parallel()
	v, err := start("no-charge").Priced(billing.Quote{ID: "quote-1", Basis: billing.NoCharge, ExpiresAt: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	v, err = v.Submit("quote-1", "payment-1", terms, noon)
	if err != nil || v.Status != visit.Queued || v.Payment != "" || len(v.Payments) > 0 || !v.Promise.By.Equal(noon.Add(4*time.Hour)) {
		t.Errorf("submitted: %+v, %v", v, err)
	}
}

func TestPromise_PausedWhileAwaitingPatient(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asked, replied time.Duration // after noon; the promise is for 16:00
		by             time.Duration
	}{
		"an hour":                 {time.Hour, 2 * time.Hour, 5 * time.Hour},
		"no time":                 {time.Hour, time.Hour, 4 * time.Hour},
		"past the promised time":  {3 * time.Hour, 50 * time.Hour, 51 * time.Hour},
		"by clocks that disagree": {time.Hour, 59 * time.Minute, 4 * time.Hour},
	} {
		for how, resume := range map[string]func(visit.Visit, time.Time) (visit.Visit, error){
			"reply": visit.Visit.Reply,
			"answer": func(v visit.Visit, now time.Time) (visit.Visit, error) {
				return v.Answer(clinician("a", "CA"), "d", new(1), now)
			},
		} {
			v, err := at(t, visit.InReview).Ask(noon.Add(test.asked))
			if err != nil {
				t.Fatal(err)
			}
			v, err = resume(v, noon.Add(test.replied))
			want := visit.Promise{By: noon.Add(test.by), Ends: noon.Add(test.by + terms.GiveUp)}
			if diff := cmp.Diff(want, v.Promise); err != nil || diff != "" {
				t.Errorf("%s, until the %s: %v (-want +got):\n%s", name, how, err, diff)
			}
		}
	}
}

func TestOverdue_OrderOfDeadlines(t *testing.T) {
	t.Parallel()
	with := func(s visit.Status, change func(*visit.Visit)) visit.Visit {
		v := at(t, s)
		change(&v)
		return v
	}
	asIs := func(*visit.Visit) {}
	hold := func(left time.Duration) func(*visit.Visit) {
		return func(v *visit.Visit) { v.CaptureBefore = noon.Add(left) }
	}
	for name, test := range map[string]struct {
		v    visit.Visit
		due  time.Duration // after noon
		what visit.Overdue
	}{
		"a page nobody paid":          {with(visit.AwaitingPayment, asIs), quote.PageEnds().Sub(noon) + 2*time.Minute, visit.AskStripe},
		"a queued request is late":    {with(visit.Queued, asIs), 4 * time.Hour, visit.TellLate},
		"a taken request is late":     {with(visit.InReview, asIs), 4 * time.Hour, visit.TellLate},
		"late, it is given up":        {with(visit.Queued, func(v *visit.Visit) { v.Promise.Told = true }), 34 * time.Hour, visit.ExpireVisit},
		"the hold ends before that":   {with(visit.Queued, func(v *visit.Visit) { v.Promise.Told = true; hold(20 * time.Hour)(v) }), 8 * time.Hour, visit.ExpireVisit},
		"the hold ends first of all":  {with(visit.Queued, hold(15*time.Hour)), 3 * time.Hour, visit.ExpireVisit},
		"the patient does not reply":  {with(visit.AwaitingPatient, asIs), 5 * 24 * time.Hour, visit.ExpireVisit},
		"nor before the hold ends":    {with(visit.AwaitingPatient, hold(36*time.Hour)), 24 * time.Hour, visit.ExpireVisit},
		"no card, no hold":            {with(visit.Queued, func(v *visit.Visit) { v.CaptureBefore = time.Time{} }), 4 * time.Hour, visit.TellLate},
		"an answer nobody read":       {with(visit.Answered, asIs), 7 * 24 * time.Hour, visit.CloseVisit},
		"an answer, whatever is held": {with(visit.Answered, hold(13*time.Hour)), 7 * 24 * time.Hour, visit.CloseVisit},
	} {
		if got := test.v.Due(); !got.Equal(noon.Add(test.due)) {
			t.Errorf("%s: due at %v, want %v", name, got, noon.Add(test.due))
		}
		if got := test.v.Overdue(test.v.Due()); got != test.what {
			t.Errorf("%s: calls for %q, want %q", name, got, test.what)
		}
	}
}

func TestWantsPayment_LatestOnly(t *testing.T) {
	t.Parallel()
	for _, s := range statuses {
		v := at(t, s)
		v.Payment = "payment-1"
		want := s == visit.AwaitingPayment || s.AwaitsAnswer() || s == visit.Answered || s == visit.Closed
		if got := v.WantsPayment("payment-1"); got != want {
			t.Errorf("a visit %s wants its payment: %t", s, got)
		}
		if v.WantsPayment("payment-0") {
			t.Errorf("a visit %s wants another's payment", s)
		}
	}
	v := at(t, visit.AwaitingPayment)
	if _, wanted := v.HoldPlaced("payment-0", noon, terms, noon); wanted {
		t.Error("a hold under another payment is wanted")
	}
	if back := v.CheckoutAbandoned("payment-1"); back.Status != visit.Draft || back.Payment != "" || back.Quote.ID != "" || back.State != "CA" || len(back.Payments) != 1 {
		t.Errorf("an abandoned page leaves %+v", back)
	}
}

func TestMarkRead_OncePerMessage(t *testing.T) {
	t.Parallel()
	v := at(t, visit.InReview)
	if v.MarkRead("person-1", noon).Version != v.Version {
		t.Error("nothing to read was read")
	}
	v = at(t, visit.AwaitingPatient).MarkRead("person-1", noon)
	v, err := v.Reply(noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	v, err = v.Answer(clinician("a", "CA"), "d", new(1), noon.Add(2*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	v = v.MarkRead("person-2", noon.Add(3*time.Minute)).MarkRead("person-1", noon.Add(4*time.Minute))
	for seq, want := range map[int]time.Time{1: noon, 2: noon.Add(3 * time.Minute), 3: noon.Add(3 * time.Minute), 4: {}} {
		if got := v.ReadAt(seq); !got.Equal(want) {
			t.Errorf("message %d was read at %v, want %v", seq, got, want)
		}
	}
	if len(v.Reads) != 2 || v.Reads[1].By != "person-2" {
		t.Errorf("reads = %+v", v.Reads)
	}
}

func TestVisit_StepsShareNoSlices(t *testing.T) {
	t.Parallel()
	v := at(t, visit.InReview)
	v.Messages, v.Reads = 5, append(make([]visit.ReadMark, 0, 8), visit.ReadMark{Through: 1, By: "person-0"})
	v.Payments = append(make([]string, 0, 8), "payment-1")
	one, other := v.MarkRead("person-1", noon), v.MarkRead("person-2", noon)
	if one.Reads[1].By != "person-1" || other.Reads[1].By != "person-2" {
		t.Errorf("reads are shared: %+v and %+v", one.Reads, other.Reads)
	}
	v.Status = visit.Answered
	one, other = v.PayLink("payment-2"), v.PayLink("payment-3")
	if one.Payments[1] != "payment-2" || other.Payments[1] != "payment-3" {
		t.Errorf("payments are shared: %v and %v", one.Payments, other.Payments)
	}
}

func TestOwes_FollowsThePaymentWanted(t *testing.T) {
	t.Parallel()
	pay := func(id string, s billing.State) billing.Payment { return billing.Payment{ID: id, State: s} }
	for _, s := range statuses {
		v := at(t, s)
		v.Payment = "payment-1"
		want := s == visit.Answered || s == visit.Closed
		for _, state := range []billing.State{billing.Failed, billing.Lapsed, billing.Released, billing.Abandoned} {
			if got := v.FollowPayment(pay("payment-1", state), noon); got.Owed != want {
				t.Errorf("a visit %s whose payment is %s owes: %t", s, state, got.Owed)
			}
		}
		for _, other := range []billing.Payment{pay("payment-0", billing.Failed), pay("payment-1", billing.Held), pay("payment-1", billing.Captured)} {
			if got := v.FollowPayment(other, noon); got.Owed {
				t.Errorf("a visit %s owes because %s is %s", s, other.ID, other.State)
			}
		}
	}
	v := at(t, visit.Answered).FollowPayment(pay("payment-1", billing.Failed), noon).PayLink("payment-2")
	if !v.FollowPayment(pay("payment-1", billing.Captured), noon).Owed || !v.FollowPayment(pay("payment-2", billing.Opened), noon).Owed || v.FollowPayment(pay("payment-2", billing.Captured), noon).Owed {
		t.Error("a fee is owed until the payment of its link is collected")
	}
}

func TestPayable_ByStatus(t *testing.T) {
	t.Parallel()
	ends := quote.PageEnds()
	for _, s := range statuses {
		v := at(t, s)
		if got, want := v.Payable(ends.Add(-time.Nanosecond)), s == visit.AwaitingPayment; got != want {
			t.Errorf("a visit %s is payable: %t", s, got)
		}
		if v.Payable(ends) {
			t.Errorf("a visit %s is payable on a page that has ended", s)
		}
	}
	if v := at(t, visit.Closed).FollowPayment(billing.Payment{ID: "payment-1", State: billing.Released}, noon); !v.Payable(ends) {
		t.Error("a fee that is owed is not payable")
	}
}

// A visit that changes hands keeps its promise, its place in the queue and what was
// asked; a patient who replies to a question that nobody holds is queued.
func TestRelease_PromiseStands(t *testing.T) {
	t.Parallel()
	a, b := clinician("a", "CA"), clinician("b", "CA")
	asked := at(t, visit.AwaitingPatient)
	for name, next := range map[string]func() (visit.Visit, error){
		"released":    func() (visit.Visit, error) { return asked.Release(a) },
		"given back":  func() (visit.Visit, error) { return asked.GiveBack(), nil },
		"handed over": func() (visit.Visit, error) { return asked.HandOver(a, b, noon.Add(time.Hour)) },
		"taken over":  func() (visit.Visit, error) { return asked.TakeOver(b, "a", noon.Add(time.Hour)) },
	} {
		v, err := next()
		if err != nil {
			t.Fatal(err)
		}
		if v.Promise != asked.Promise || !v.Due().Equal(asked.Due()) || !v.Wake.Equal(asked.Wake) || v.Times.Asked != asked.Times.Asked || v.Messages != asked.Messages {
			t.Errorf("%s: %s", name, cmp.Diff(asked, v))
		}
		replied, err := v.Reply(noon.Add(2 * time.Hour))
		want := visit.Queued
		if v.Holder.ID != "" {
			want = visit.InReview
		}
		if err != nil || replied.Status != want || !replied.Promise.By.Equal(asked.Promise.By.Add(2*time.Hour)) {
			t.Errorf("%s, and replied to: %s, promised by %v, %v", name, replied.Status, replied.Promise.By, err)
		}
		if taken, err := replied.Take(b, noon); err != nil || taken.Holder.ID != "b" {
			t.Errorf("%s, replied to and taken by b: %+v, %v", name, taken.Holder, err)
		}
	}
}

// What a person did to a visit's holder, asked again, changes nothing; once the holder
// changed in another way, it is refused.
func TestRelease_AskedAgain(t *testing.T) {
	t.Parallel()
	a, b, c := clinician("a", "CA"), clinician("b", "CA"), clinician("c", "CA")
	taken := at(t, visit.InReview)
	for name, do := range map[string]func(v visit.Visit) (visit.Visit, error){
		"release":   func(v visit.Visit) (visit.Visit, error) { return v.Release(a) },
		"hand over": func(v visit.Visit) (visit.Visit, error) { return v.HandOver(a, b, noon) },
		"take over": func(v visit.Visit) (visit.Visit, error) { return v.TakeOver(b, "a", noon) },
	} {
		once, err := do(taken)
		if err != nil || once.Version != taken.Version+1 {
			t.Fatalf("%s: %v, version %d", name, err, once.Version)
		}
		if again, err := do(once); err != nil || !cmp.Equal(again, once) {
			t.Errorf("%s again: %v %s", name, err, cmp.Diff(once, again))
		}
		later, err := once.Take(c, noon)
		if once.Holder.ID != "" {
			later, err = once.TakeOver(c, "b", noon)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := do(later); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s again of a visit that c has by now: %v", name, err)
		}
	}
}

// Handing a visit to nobody is refused after its holder released it, too: the release is no
// such hand-over, done before.
func TestHandOver_ReleasedAndToNobody(t *testing.T) {
	t.Parallel()
	a := clinician("a", "CA")
	released, err := at(t, visit.InReview).Release(a)
	if err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]identity.Person{"nobody": {}, "a colleague": clinician("b", "CA")} {
		_, err := released.HandOver(a, to, noon)
		if f, _ := fault.Public(err); f == nil || f.Code != "wrong_status" {
			t.Errorf("handed to %s: %v, want wrong_status", name, err)
		}
	}
}

// A visit is handed to a colleague who could have taken it, and to nobody else.
func TestHandOver_ToWhom(t *testing.T) {
	t.Parallel()
	a := clinician("a", "CA")
	expired, gone, foreign, both := clinician("b", "CA"), clinician("b", "CA"), clinician("b", "CA"), clinician("b", "OR", "CA")
	expired.Licenses[0].Expires, gone.Inactive, foreign.Practice = noon, true, "practice-2"
	for name, test := range map[string]struct {
		to   identity.Person
		want string
	}{
		"licensed":            {both, ""},
		"themselves":          {a, "you have this visit already; name another colleague"},
		"nobody":              {identity.Person{}, "nobody of that id works at your practice; name another colleague"},
		"of another practice": {foreign, "nobody of that id works at your practice; name another colleague"},
		"the patient":         {patientSide("person-1", "patient-1"), "nobody of that id works at your practice; name another colleague"},
		"a nurse":             {identity.Person{ID: "n", Practice: "practice-1", Role: identity.Nurse, Display: "Nora"}, "Nora may not answer such a visit: it is not part of their role; name another colleague"},
		"staff":               {identity.Person{ID: "s", Practice: "practice-1", Role: identity.Staff, Display: "Sam"}, "Sam may not answer such a visit: it is not part of their role; name another colleague"},
		"deactivated":         {gone, "Dr. b no longer has access; name another colleague"},
		"of another state":    {clinician("b", "OR"), "Dr. b holds no current license for CA, where this patient is; name another colleague"},
		"license expired":     {expired, "Dr. b holds no current license for CA, where this patient is; name another colleague"},
	} {
		v := at(t, visit.InReview)
		next, err := v.HandOver(a, test.to, noon)
		if test.want == "" {
			if err != nil || next.Holder.ID != test.to.ID || next.Notes != 1 || !v.Fits(test.to, noon) {
				t.Errorf("%s: held by %q, %v", name, next.Holder.ID, err)
			}
			continue
		}
		f, _ := fault.Public(err)
		if f == nil || f.Kind != fault.Invalid || f.Code != "colleague_cannot" || f.Text != test.want || v.Fits(test.to, noon) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
