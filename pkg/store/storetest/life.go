package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/visit"
)

var lifeTests = []test{
	{"Visit_SameAtEveryStepOfItsLife", lives},
	{"Underway_OneOfTwoIsWritten", underway},
}

// hash is the text of a SHA-256.
func hash(digit string) string { return strings.Repeat(digit, 64) }

func must(v visit.Visit, err error) visit.Visit {
	if err != nil {
		panic(err)
	}
	return v
}

type move = func(v visit.Visit, now time.Time) (visit.Visit, error)

// lives leads visits through what makes their rows differ.
func lives(t *testing.T, s bench) {
	terms := visit.Terms{Answer: 4 * time.Hour, GiveUp: 20 * time.Hour}
	doctor := identity.Person{ID: "person-2", Display: "Robin Vale, NP", Licenses: []identity.License{{State: "CA", Expires: noon.AddDate(1, 0, 0)}}}
	sure := func(f func(v visit.Visit, now time.Time) visit.Visit) move {
		return func(v visit.Visit, now time.Time) (visit.Visit, error) { return f(v, now), nil }
	}
	price := func(id string, q billing.Quote) move {
		q.ID, q.Caveat, q.ExpiresAt = id, billing.NoMembership, noon.Add(1000*time.Hour)
		return func(v visit.Visit, _ time.Time) (visit.Visit, error) { return v.Priced(q) }
	}
	submit := func(quote string) move {
		return func(v visit.Visit, now time.Time) (visit.Visit, error) {
			return v.Submit(quote, v.ID+"."+quote, terms, now)
		}
	}
	save := func(v visit.Visit, _ time.Time) (visit.Visit, error) {
		v.Saves++
		return v.Saved("CA")
	}
	pay := []move{save, price("quote-1", billing.Quote{Amount: 4000, Basis: billing.Fee}), submit("quote-1")}
	leave := append(pay[:3:3], sure(func(v visit.Visit, _ time.Time) visit.Visit { return v.CheckoutAbandoned(v.ID + ".quote-1") }))
	hold := func(payment string) move {
		return sure(func(v visit.Visit, now time.Time) visit.Visit {
			v, _ = v.HoldPlaced(v.ID+payment, now.Add(7*24*time.Hour), terms, now)
			return v
		})
	}
	take := func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Take(doctor, now) }
	ask := func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Ask(now) }
	see := func(by string) move {
		return sure(func(v visit.Visit, now time.Time) visit.Visit { return v.MarkRead(by, now) })
	}
	reply := func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Reply(now) }
	answer := func(v visit.Visit, now time.Time) (visit.Visit, error) {
		return v.Answer(doctor, hash("d"), new(7), now)
	}
	end := func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Close(hash("a"), now) }
	cancel := func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Cancel(now) }
	for name, life := range map[string]struct {
		class string
		moves []move
	}{
		"answered": {"evisit", append(pay[:3:3], hold(".quote-1"), take, ask, see("carer-1"), reply, ask, see("carer-2"), reply, ask, see(patientID), reply,
			sure(func(v visit.Visit, _ time.Time) visit.Visit { return v.ToldLate() }), answer, see("carer-1"), end)},
		"paid by link": {"evisit", append(pay[:3:3], hold(".quote-1"), take, answer, sure(func(v visit.Visit, _ time.Time) visit.Visit { return v.PayLink(v.ID + ".quote-2") }), end)},
		"paid later":   {"evisit", append(leave[:4:4], price("quote-2", billing.Quote{Amount: 4000, Basis: billing.Fee}), submit("quote-2"), hold(".quote-2"), cancel)},
		"refused, paid": {"evisit", append(pay[:2:2], sure(func(v visit.Visit, _ time.Time) visit.Visit {
			v.Quote.Refused++
			return must(v.Priced(v.Quote))
		}), submit("quote-1"))},
		"left, dropped": {"evisit", append(leave[:4:4], cancel)},
		"left, free":    {"evisit", append(leave[:4:4], price("quote-2", billing.Quote{Basis: billing.NoCharge}), submit("quote-2"), take, answer)},
		"for the staff": {"admin-fee", append(pay[:3:3], hold(".quote-1"), take, func(v visit.Visit, now time.Time) (visit.Visit, error) {
			return v.TurnAway(visit.Declined, "scope", now)
		})},
		"diverted": {"evisit", []move{
			func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Divert("emergency", now) },
			sure(func(v visit.Visit, now time.Time) visit.Visit { return v.ConfirmDiversion(now) }),
		}},
		"expired": {"evisit", append(pay[:3:3], hold(".quote-1"), take, ask, func(v visit.Visit, now time.Time) (visit.Visit, error) { return v.Expire(now) })},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit.Start("visit "+name, practiceID, patientID, "person-1", visit.Form{Name: "uti", Version: "1.0.0", Class: life.class}, noon)
			moves := append([]move{sure(func(v visit.Visit, _ time.Time) visit.Visit { return v })}, life.moves...)
			for n, m := range moves {
				next, err := m(v, noon.Add(time.Duration(n)*time.Minute))
				if err != nil || n > 0 && next.Version != v.Version+1 {
					t.Fatalf("move %d makes version %d of %d: %v", n, next.Version, v.Version, err)
				}
				v = next
				commit(t, s, clinic.Commit{Visit: &v})
				got, err := s.Visit(t.Context(), v.ID)
				if diff := cmp.Diff(v, got); err != nil || diff != "" {
					t.Fatalf("after move %d, %s: %v, differs (-stored +read):\n%s", n, v.Status, err, diff)
				}
			}
		})
	}
}

// underway writes which requests of a patient on a form were sent: the first of two at once
// is written, and so is the next version, and each other form and patient has its own.
func underway(t *testing.T, s bench) {
	u := visit.Underway{Practice: practiceID, Patient: patientID, Form: "uti", Visits: []visit.Sent{{ID: "visit-1", Version: 5}}, Version: 1}
	write := func(name string, u visit.Underway, want error) {
		t.Helper()
		r := record("record-"+name, "visit-1", noon)
		if err := s.Commit(t.Context(), clinic.Commit{Underway: &u, Audit: []audit.Record{r}}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	write("first", u, nil)
	second := u
	second.Visits = []visit.Sent{{ID: "visit-2", Version: 4}}
	write("at once", second, clinic.ErrChanged)
	second.Visits, second.Version = []visit.Sent{{ID: "visit-1", Version: 5}, {ID: "visit-2", Version: 4}}, 2
	write("next", second, nil)
	write("next at once", u, clinic.ErrChanged)
	other := u
	other.Form = "uti-2"
	write("another form", other, nil)
	other.Patient = "patient-2"
	write("another patient", other, nil)
	for _, consistent := range []bool{true, false} {
		got, err := s.Underway(t.Context(), patientID, "uti", consistent)
		same(t, "Underway", got, err, second)
	}
	none, err := s.Underway(t.Context(), "patient-3", "uti", true)
	same(t, "Underway of nobody", none, err, visit.Underway{})
	other.Patient = patientID
	all, err := s.UnderwayOf(t.Context(), patientID)
	same(t, "UnderwayOf", all, err, []visit.Underway{second, other})
}
