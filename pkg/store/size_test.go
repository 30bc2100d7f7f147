package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/coding"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// kb is what one write unit pays for, twice that in a transaction: these bounds
// are what a visit's life costs.
const kb = 1024

// Each row of a visit's life at its largest fits one unit; a sealed one does as
// long as what it holds is short.
func TestRows_OneUnitAtTheirLargest(t *testing.T) {
	t.Parallel()
	held, away, answered, closed := lives(t)
	paid := largestPayment(t)
	said := clinic.Message{Visit: visitID, Seq: 12, Body: make([]byte, 600)}
	for name, commit := range map[string]clinic.Commit{
		"submitted": {Visit: &held, Payments: []billing.Payment{paid}, Audit: []audit.Record{acceptance()}},
		"held":      {Visit: &held, Payments: []billing.Payment{paid}, Entries: []ledger.Entry{captured(t)}, Events: []outbox.Event{largestEvent()}},
		"replied":   {Visit: &answered, Answers: make([]byte, 600), Messages: []clinic.Message{said}, Events: []outbox.Event{largestEvent()}},
		"diverted":  {Visit: &answered, Answers: make([]byte, 600), Diverted: make([]byte, 600), Messages: []clinic.Message{said}, Work: []work.Item{largestWork()}},
		"answered":  {Visit: &answered, Messages: []clinic.Message{said}, Events: []outbox.Event{largestEvent()}},
		"closed":    {Visit: &closed},
		"away":      {Visit: &away, Messages: []clinic.Message{said}},
		"failed":    {Payments: []billing.Payment{paid}, Entries: []ledger.Entry{captured(t)}, Work: []work.Item{largestWork()}, Events: []outbox.Event{largestEvent()}},
		"read":      {Audit: []audit.Record{record(practiceID, "chart.read:chart and document")}},
		"asked":     {Request: &clinic.Request{Key: strings.Repeat("k", 2000), Input: hash("f"), Result: visitID, Ends: at(0)}},
		"signed in": {Session: &clinic.Session{Hash: hash("f"), Proof: clinic.Proof{Issuer: strings.Repeat("i", 100), Subject: id("subject")}, Practice: practiceID, Strong: true, Seen: at(1), Renew: at(2), Trying: at(3), Ends: at(0), Name: make([]byte, 150), Contact: make([]byte, 200), Version: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(commit.Audit) == 0 && commit.Request == nil && commit.Session == nil {
				r := record(practiceID, "visit.due:awaiting_payment")
				r.Visit, r.Version = visitID, 40
				commit.Audit = []audit.Record{r}
			}
			for n := range commit.Audit {
				commit.Audit[n].Visit = visitID
			}
			db, table := newTable(t, enginetest.Config(t))
			if err := store.New(db, table).Commit(t.Context(), commit); err != nil {
				t.Fatal(err)
			}
			for key, row := range scan(t, db, table) {
				if got := size(t, row); got >= kb {
					t.Errorf("%s has %d bytes, want less than %d", key, got, kb)
				} else {
					t.Logf("%4d bytes: %s", got, key)
				}
			}
		})
	}
}

// size counts as DynamoDB bills: names and values; a number takes a byte for
// two digits and one more.
func size(t *testing.T, r row) int {
	t.Helper()
	n := 0
	for name, v := range r {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 2
		default:
			t.Fatalf("attribute %s is a %T", name, v)
		}
	}
	return n
}

var (
	terms  = visit.Terms{Answer: 4 * time.Hour, GiveUp: 100 * time.Hour}
	doctor = identity.Person{
		ID: doctorID, Practice: practiceID, Role: identity.Clinician, Display: "Alexandria Montgomery-Whitfield, DNP, FNP-C",
		Licenses: []identity.License{{State: "CA", Expires: at(10_000)}},
	}
)

// lives leads a visit through all that makes its row grow: pages left unpaid, a
// caveat, lower prices of every kind, another holder, every message there may be, each read at once by one of two who act
// for the patient, a late answer. It returns the visit held, turned away, answered and
// closed, as new ones.
func lives(t *testing.T) (held, away, answered, closed visit.Visit) {
	t.Helper()
	v := visit.Start(visitID, practiceID, patientID, carerID,
		visit.Form{Name: "urinary-symptoms-adult", Version: "1.10.0", Class: "evisit"}, at(0))
	v.Saves = 40
	for n := range 4 {
		v = submitted(t, v, n)
		if n < 3 {
			v = v.CheckoutAbandoned(v.Payment)
		}
	}
	v, wanted := v.HoldPlaced(v.Payment, at(24*7), terms, at(5))
	if !wanted {
		t.Fatal("the hold is not wanted")
	}
	held = asNew(v)
	former := doctor
	former.ID = id("doctor2")
	v = must(v.Take(former, at(6)))(t)
	v = must(v.HandOver(former, doctor, at(6)))(t)
	for n := range visit.MessageCap - 1 {
		v = must(v.Ask(at(7 + n)))(t)
		v = v.MarkRead(carerID, at(7+n))
		v = must(v.Reply(at(8 + n)))(t)
		v = v.MarkRead(id("carer2"), at(8+n))
	}
	v = must(v.Reply(at(14)))(t)
	v = v.ToldLate()
	away = asNew(must(v.TurnAway(visit.Redirected, "emergency", at(15)))(t))
	v = must(v.Answer(doctor, hash("d"), new(123), at(15)))(t)
	v = must(v.LowerFee(new(money.Cents(100))))(t)
	v = v.MarkRead(carerID, at(16))
	answered = asNew(v)
	v = must(v.Close(hash("a"), at(17)))(t)
	if v.Messages != 2*visit.MessageCap || len(v.Reads) < 2*visit.MessageCap-1 || len(v.Payments) != 4 {
		t.Fatalf("a grown visit has %d messages, %d reads and %d payments", v.Messages, len(v.Reads), len(v.Payments))
	}
	return held, away, answered, asNew(v)
}

func asNew(v visit.Visit) visit.Visit {
	v.Version = 1
	return v
}

func submitted(t *testing.T, v visit.Visit, n int) visit.Visit {
	t.Helper()
	q, err := billing.Price(id(fmt.Sprint("quote", n)), "f", "evisit", billing.PriceList{"f": 12_000}, billing.Insurance, at(n))
	if err != nil {
		t.Fatal(err)
	}
	dearest := billing.KindPrices{}
	for n, kind := range coding.Clinicians {
		dearest[kind] = 11_999 - money.Cents(n)
	}
	q = q.WithKinds(dearest)
	v = must(v.Saved("CA"))(t)
	v = must(v.Priced(q))(t)
	return must(v.Submit(q.ID, v.ID+"."+q.ID, terms, at(n)))(t)
}

func must(v visit.Visit, err error) func(*testing.T) visit.Visit {
	return func(t *testing.T) visit.Visit {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// acceptance is the audit record of a submission, which says most.
func acceptance() audit.Record {
	r := record(practiceID, "visit.fill:awaiting_payment")
	r.Visit, r.Version = visitID, 40
	r.Accepted = &audit.Acceptance{
		Quote: id("quote3"), Amount: 12_000, Consent: "2026-01", ConsentHash: hash("f"), Language: "en-US", UserAgent: strings.Repeat("u", 120),
	}
	return r
}

// largestPayment is one that has been through all there is. A Checkout page's
// address is by far the longest thing a payment keeps.
func largestPayment(t *testing.T) billing.Payment {
	t.Helper()
	session := "cs_live_" + strings.Repeat("a", 58)
	p, err := billing.NewPayment(billing.Payment{
		ID: visitID + "." + id("quote3") + "-20060102T15", Visit: visitID, Practice: practiceID, Account: "acct_1234567890abcdef", Amount: 12_000, AtOnce: true,
		Session: session, URL: "https://checkout.stripe.com/c/pay/" + session + "#" + strings.Repeat("f", 200), SessionEnds: at(1),
	}, at(0))
	if err != nil {
		t.Fatal(err)
	}
	p.State, p.Intent, p.Held, p.Collected, p.Refunded, p.StripeFee, p.Platform, p.PlatformFee, p.Why = billing.Disputed, "pi_123456789012345678901234", 12_000, 12_000, 12_000, 3_78, 250, 3_00, "card_velocity_exceeded"
	p.CaptureBefore, p.HeldAt, p.EndedAt = at(168), at(1), at(2)
	return p
}

func captured(t *testing.T) ledger.Entry {
	t.Helper()
	e, err := ledger.Captured(visitID+"."+id("quote3")+"-20060102T15", practiceID, 12_000, 11_000, 3_49, at(0))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func largestEvent() outbox.Event {
	e := sampleEvent("event")
	e.Object, e.Payment, e.Lease = "pi_123456789012345678901234", visitID+"."+id("quote3")+"-20060102T15", at(1)
	return e
}

func largestWork() work.Item {
	about := visitID + "." + id("quote3") + "-20060102T15"
	w := work.New(work.Item{
		Kind: work.PaymentFailed, Practice: practiceID, Pool: identity.OfficePool, Visit: visitID, Payment: about,
		Event: largestEvent().ID, Note: "card_velocity_exceeded",
	}, about, noon)
	w.Ended, w.EndedBy = at(1), doctorID
	return w
}
