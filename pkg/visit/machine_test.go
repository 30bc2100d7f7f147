package visit_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/billing"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

var terms = visit.Terms{Answer: 4 * time.Hour, GiveUp: 30 * time.Hour}

// legal is every change of status there may ever be.
var legal = map[visit.Status]string{
	visit.Draft:           "awaiting_payment queued diverted cancelled deleted",
	visit.AwaitingPayment: "queued draft diverted cancelled",
	visit.Queued:          "in_review diverted cancelled expired",
	visit.InReview:        "queued awaiting_patient answered diverted cancelled declined redirected expired",
	visit.AwaitingPatient: "queued in_review answered diverted cancelled declined redirected expired",
	visit.Answered:        "closed",
}

var statuses = []visit.Status{
	visit.Draft, visit.AwaitingPayment, visit.Queued, visit.InReview, visit.AwaitingPatient, visit.Answered,
	visit.Closed, visit.Diverted, visit.Cancelled, visit.Declined, visit.Redirected, visit.Expired, visit.Deleted,
}

func clinician(id string, states ...string) identity.Person {
	p := identity.Person{ID: id, Practice: "practice-1", Role: identity.Clinician, Display: "Dr. " + id}
	for _, s := range states {
		p.Licenses = append(p.Licenses, identity.License{State: s, Expires: noon.Add(10 * 365 * 24 * time.Hour)})
	}
	return p
}

func start(class string) visit.Visit {
	return visit.Start("visit-1", "practice-1", "patient-1", "person-1", visit.Form{Name: "uti", Version: "1", Class: class}, noon)
}

// A step is one thing someone asks of a visit. Once steps, repeated by their
// maker, return the visit unchanged.
type step struct {
	name string
	once bool
	do   func(v visit.Visit, now time.Time) (visit.Visit, error)
}

func sure(v visit.Visit) (visit.Visit, error) { return v, nil }

// draw picks a step among those named, or any, and who asks for it.
func draw(t *rapid.T, v visit.Visit, named ...string) step {
	payment := rapid.SampledFrom([]string{v.Payment, v.Payment, "payment-1", "payment-2", "unknown", ""}).Draw(t, "payment")
	who := rapid.SampledFrom([]identity.Person{clinician("a", "CA"), clinician("b", "CA", "OR"), clinician("c")}).Draw(t, "who")
	quote := billing.Quote{
		ID: rapid.SampledFrom([]string{"quote-1", "quote-2"}).Draw(t, "quote"), ExpiresAt: noon.Add(1000 * 24 * time.Hour),
		Amount: rapid.SampledFrom([]money.Cents{4000, 4000, 0}).Draw(t, "price"),
	}
	wanted := rapid.SampledFrom([]string{v.Quote.ID, v.Quote.ID, "quote-1", ""}).Draw(t, "accepted")
	state := rapid.SampledFrom([]billing.State{billing.Opened, billing.Held, billing.Captured, billing.Failed}).Draw(t, "state")
	away := rapid.SampledFrom(append(statuses, visit.Declined, visit.Redirected, visit.Declined)).Draw(t, "away")
	agrees := rapid.Bool().Draw(t, "agrees")
	to := rapid.SampledFrom([]identity.Person{clinician("a", "CA"), clinician("b", "CA", "OR"), clinician("c")}).Draw(t, "to")
	all := []step{
		{"save", false, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return v.Saved("CA") }},
		{"price", false, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return v.Priced(quote) }},
		{"submit", true, func(v visit.Visit, now time.Time) (visit.Visit, error) {
			next, err := v.Submit(wanted, "payment-1", terms, now)
			if err == nil && agrees && next.Version != v.Version {
				next = next.AgreeToCharge()
			}
			return next, err
		}},
		{"submit again", true, func(v visit.Visit, now time.Time) (visit.Visit, error) {
			return v.Submit(wanted, "payment-2", terms, now)
		}},
		{"hold", true, func(v visit.Visit, now time.Time) (visit.Visit, error) {
			next, ok := v.HoldPlaced(payment, now.Add(7*24*time.Hour), terms, now)
			if ok != next.WantsPayment(payment) {
				t.Errorf("a hold under %q is wanted: %t, says Held; %t, says Wants", payment, ok, next.WantsPayment(payment))
			}
			return next, nil
		}},
		{"close the page", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return sure(v.CheckoutAbandoned(payment)) }},
		{"lose the hold", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return sure(v.HoldLost(payment, now)) }},
		{"let the hold lapse", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return sure(v.HoldLapsed(payment, now)) }},
		{"link", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return sure(v.PayLink("payment-3")) }},
		{"payment changes", true, func(v visit.Visit, now time.Time) (visit.Visit, error) {
			return sure(v.FollowPayment(billing.Payment{ID: payment, State: state}, now))
		}},
		{"wait for the page", false, func(v visit.Visit, now time.Time) (visit.Visit, error) { return sure(v.AskStripeAgain(now)) }},
		{"take", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Take(who, now) }},
		{"release", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return v.Release(who) }},
		{"give back", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return sure(v.GiveBack()) }},
		{"hand over", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.HandOver(who, to, now) }},
		{"take over", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.TakeOver(who, to.ID, now) }},
		{"ask", false, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Ask(now) }},
		{"reply", false, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Reply(now) }},
		{"answer", false, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Answer(who, "document", new(5), now) }},
		{"see", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return sure(v.MarkRead("person-1", now)) }},
		{"acknowledge", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Close("addendum", now) }},
		{"divert", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Divert("emergency", now) }},
		{"understand", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return sure(v.ConfirmDiversion(now)) }},
		{"cancel", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Cancel(now) }},
		{"delete", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Delete(now) }},
		{"turn away", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.TurnAway(away, "reason", now) }},
		{"expire", true, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Expire(now) }},
		{"tell late", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) { return sure(v.ToldLate()) }},
		{"meet the deadline", false, meet},
		{"look again", true, func(v visit.Visit, _ time.Time) (visit.Visit, error) {
			if v = v.WakeWhenDue(); !v.Wake.Equal(v.Due()) {
				t.Errorf("looked at, it is woken at %v and due at %v", v.Wake, v.Due())
			}
			return v, nil
		}},
	}
	if len(named) > 0 {
		all = slices.DeleteFunc(all, func(s step) bool { return !slices.Contains(named, s.name) })
	}
	return rapid.SampledFrom(all).Draw(t, "step")
}

// meet does what a passed deadline calls for.
func meet(v visit.Visit, now time.Time) (visit.Visit, error) {
	switch v.Overdue(now) {
	case visit.TellLate:
		return v.ToldLate(), nil
	case visit.ExpireVisit:
		return v.Expire(now)
	case visit.CloseVisit:
		return v.Close("addendum", now)
	case visit.AskStripe:
		return v.AskStripeAgain(now), nil
	case visit.RenewHold:
		return v.AskRenewal(), nil
	case visit.NothingDue:
	}
	return v, nil
}

// onward is the next step of a visit that goes well: chance alone would seldom
// take one to its end.
var onward = map[visit.Status][]string{
	visit.Draft: {"price", "submit"}, visit.AwaitingPayment: {"hold"}, visit.Queued: {"take"},
	visit.InReview: {"ask", "ask", "reply", "answer", "turn away"}, visit.AwaitingPatient: {"reply", "reply", "turn away", "take"},
}

func TestVisit_RandomStepsStayLegal(t *testing.T) {
	t.Parallel()
	reached := map[visit.Status]bool{}
	for range 8 {
		rapid.Check(t, func(t *rapid.T) { live(t, reached) })
	}
	for _, s := range statuses {
		if !reached[s] {
			t.Errorf("%s was never reached: the steps are too timid to prove anything", s)
		}
	}
}

func live(t *rapid.T, reached map[visit.Status]bool) {
	v, now := start(rapid.SampledFrom([]string{"evisit", "admin-fee"}).Draw(t, "class")), noon
	v, err := v.Saved("CA")
	if err != nil {
		t.Fatal(err)
	}
	t.Repeat(map[string]func(*rapid.T){
		"wait": func(t *rapid.T) {
			waits := []time.Duration{time.Nanosecond, time.Minute, time.Hour, 26 * time.Hour}
			if due := v.Due(); due.After(now) {
				waits = append(waits, due.Sub(now), due.Sub(now))
			}
			now = now.Add(rapid.SampledFrom(waits).Draw(t, "for"))
		},
		"step": func(t *rapid.T) {
			v = taken(t, draw(t, v), v, now)
		},
		"step onward": func(t *rapid.T) {
			v = taken(t, draw(t, v, onward[v.Status]...), v, now)
		},
		"": func(t *rapid.T) {
			reached[v.Status] = true
			consistent(t, v)
			timely(t, v, now)
			agrees(t, v, now)
		},
	})
}

// taken takes a step and checks what may come of any.
func taken(t *rapid.T, s step, v visit.Visit, now time.Time) visit.Visit {
	before := written(t, v)
	next, err := s.do(v, now)
	if written(t, v) != before {
		t.Errorf("%s changed the visit it was asked of", s.name)
	}
	if err != nil {
		f, _ := fault.Public(err)
		if !cmp.Equal(next, visit.Visit{}) || !refusal(f) && s.name != "turn away" {
			t.Errorf("%s of a visit %s = %+v, %v", s.name, v.Status, next, err)
		}
		return v
	}
	switch {
	case next.Version == v.Version && written(t, next) != before:
		t.Errorf("%s changed a visit without a new version: %s", s.name, cmp.Diff(v, next))
	case next.Version != v.Version && next.Version != v.Version+1:
		t.Errorf("%s made version %d of %d", s.name, next.Version, v.Version)
	case next.Status != v.Status && !slices.Contains(strings.Fields(legal[v.Status]), string(next.Status)):
		t.Errorf("%s made a visit %s of one %s", s.name, next.Status, v.Status)
	case next.Messages < v.Messages || next.Notes < v.Notes || len(next.Reads) < len(v.Reads) || len(next.Payments) < len(v.Payments):
		t.Errorf("%s forgot something: %s", s.name, cmp.Diff(v, next))
	case next.Status != visit.Queued && next.Late(now) != v.Late(now):
		t.Errorf("%s of a visit late, %t, makes it late, %t", s.name, v.Late(now), next.Late(now))
	case next.Promise.By.Before(v.Promise.By) || next.Promise.Ends.Before(v.Promise.Ends):
		t.Errorf("%s shortened the promise: %+v became %+v", s.name, v.Promise, next.Promise)
	}
	if s.once {
		again, err := s.do(next, now.Add(time.Second))
		if err != nil && next.Version != v.Version || err == nil && written(t, again) != written(t, next) {
			t.Errorf("%s repeated by its maker: %v %s", s.name, err, cmp.Diff(next, again))
		}
	}
	return next
}

func refusal(f *fault.Fault) bool {
	return f != nil && (f.Kind == fault.Conflict || f.Kind == fault.Denied || f.Code == "colleague_cannot")
}

func written(t *rapid.T, v visit.Visit) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// consistent checks what is true of a visit whatever happened to it.
func consistent(t *rapid.T, v visit.Visit) {
	answered := v.Status == visit.Answered || v.Status == visit.Closed
	working := v.Status == visit.InReview || v.Status == visit.Declined || v.Status == visit.Redirected
	for claim, ok := range map[string]bool{
		"messages are those of both sides":           v.Messages == v.FromPatient+v.FromTeam,
		"neither side exceeds its messages":          v.FromPatient <= visit.MessageCap && v.FromTeam <= visit.MessageCap,
		"it ended if it is over":                     v.Status.Over() == !v.Times.Ended.IsZero(),
		"over and open exclude each other":           !v.Status.Over() || !v.Status.AwaitsAnswer(),
		"an answer has its document and its time":    answered == (v.Document != "") && answered == !v.Times.Answered.IsZero(),
		"somebody answers for it":                    !answered && !working || v.Holder.ID != "",
		"nobody holds what waits to be taken":        v.Status != visit.Queued || v.Holder == visit.Holder{},
		"who holds it took it at a known time":       (v.Holder.ID == "") == v.Times.Taken.IsZero(),
		"a page is open only while it is waited for": (v.Status == visit.AwaitingPayment) == !v.CheckoutEnds.IsZero(),
		"what is awaited has a payment":              v.Status != visit.AwaitingPayment || v.Payment != "",
		"the payment is on record":                   v.Payment == "" || slices.Contains(v.Payments, v.Payment),
		"a request that is open has its promise":     !v.Status.AwaitsAnswer() || !v.Promise.By.IsZero() && v.Promise.Ends.After(v.Promise.By),
		"the clock stands while the patient is asked": !v.Status.AwaitsAnswer() ||
			(v.Status == visit.AwaitingPatient) == !v.Promise.Paused.IsZero(),
		"no money is wanted for what was not answered": !v.WantsPayment(v.Payment) || v.Payment == "" ||
			v.Status.AwaitsAnswer() || answered || v.Status == visit.AwaitingPayment,
		"a free request wants no money":             !v.Quote.Free() || v.Payment == "" || v.Payment == "payment-3",
		"a sweep looks at it by the time it is due": v.Due().IsZero() == v.Wake.IsZero() && !v.Wake.After(v.Due()),
		"nothing is left of what was deleted":       v.Status != visit.Deleted || !v.HasAnswers() && v.State == "" && cmp.Equal(v.Quote, billing.Quote{}),
		"only an answer is owed for":                !v.Owed || answered,
		"steps follow each other from the start": v.Timeline()[0].Kind == visit.StepStarted &&
			slices.IsSortedFunc(v.Timeline(), func(a, b visit.Step) int { return a.At.Compare(b.At) }),
		"reads follow each other": slices.IsSortedFunc(v.Reads, func(a, b visit.ReadMark) int { return a.Through - b.Through }) &&
			(len(v.Reads) == 0 || v.Reads[len(v.Reads)-1].Through <= v.Messages),
	} {
		if !ok {
			t.Errorf("not so: %s: %+v", claim, v)
		}
	}
}

// timely checks that a deadline calls for something when it comes and not
// before, and that meeting it moves it on.
func timely(t *rapid.T, v visit.Visit, now time.Time) {
	due := v.Due()
	if none := v.Status == visit.Draft || v.Status.Over(); none != due.IsZero() {
		t.Fatalf("a visit %s is due at %v", v.Status, due)
	}
	if due.IsZero() {
		if got := v.Overdue(now.Add(1000 * time.Hour)); got != visit.NothingDue {
			t.Errorf("a visit %s calls for %s", v.Status, got)
		}
		return
	}
	if got := v.Overdue(due.Add(-time.Nanosecond)); got != visit.NothingDue {
		t.Errorf("before it is due a visit %s calls for %s", v.Status, got)
	}
	if v.Overdue(due) == visit.TellLate && !v.Late(due) {
		t.Errorf("the patient is to be told at %v that a visit %s is late, which it is not: %+v", due, v.Status, v.Promise)
	}
	for _, at := range []time.Time{due, due.Add(time.Hour), due.Add(1000 * time.Hour)} {
		if v.Overdue(at) == visit.NothingDue {
			t.Fatalf("a visit %s due at %v calls for nothing at %v", v.Status, due, at)
		}
		met, err := meet(v, at)
		if err != nil {
			t.Fatalf("meeting the deadline of a visit %s: %v", v.Status, err)
		}
		if !met.Due().IsZero() && !met.Due().After(at) || !met.Wake.Equal(met.Due()) {
			t.Errorf("a visit %s met at %v is due again at %v and woken at %v", v.Status, at, met.Due(), met.Wake)
		}
	}
}

func TestTurnAway_ToClosedIsInternalError(t *testing.T) {
	t.Parallel()
	if _, err := start("evisit").TurnAway(visit.Closed, "", noon); err == nil || errors.Is(err, fault.Conflict) {
		t.Errorf("turning away into closed = %v, want a mistake of ours", err)
	}
}
