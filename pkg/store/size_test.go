package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/engine/enginetest"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/outbox"
	"evisit/pkg/store"
	"evisit/pkg/visit"
)

// A write costs one unit per started KB of its item, twice that in a
// transaction, so these bounds are what a visit's life costs.
func TestRowsStayAsSmallAsTheirWritesAreCheap(t *testing.T) {
	t.Parallel()
	const kb = 1024
	queued := newVisit(t)
	for _, test := range []struct {
		row    string // the start of its key
		most   int
		commit clinic.Commit
	}{
		{"CASE#", kb, clinic.Commit{Visit: &queued}},
		{"CASE#", 2 * kb, clinic.Commit{Visit: new(grown(t, queued))}},
		{"MONEY#", kb, clinic.Commit{Payments: []billing.Payment{payment(t)}}},
		{"MONEY#", kb, clinic.Commit{Entries: []ledger.Entry{captured(t)}}},
		{"OUTBOX#", kb, clinic.Commit{Events: []outbox.Event{{
			ID: "stripe.acct_1234567890abcdef." + id("evt"), Kind: outbox.Capture, To: outbox.Charge, Practice: id("practice"),
			Visit: id("visit"), Patient: id("patient"), Until: at(1), Payment: id("payment"), Account: "acct_1234567890abcdef", Object: id("pi_12345678"), At: at(0),
		}}}},
		{"AUDIT#", kb, clinic.Commit{Audit: []audit.Record{{
			ID: id("record"), Practice: id("practice"), At: at(0), Action: "chart.read:awaiting_patient", Visit: id("visit"),
			Actor: caregiver(), Resource: id("document"), Version: 12,
		}}}},
		{"AUDIT#", kb, clinic.Commit{Audit: []audit.Record{{
			ID: id("record"), Practice: id("practice"), At: at(0), Action: "visit.fill:awaiting_payment", Visit: id("visit"),
			Actor: caregiver(), Version: 12,
			Accepted: &audit.Acceptance{
				Quote: id("quote"), Amount: 12_000, Consent: "2026-01", ConsentHash: hash(), Language: "en-US", UserAgent: strings.Repeat("u", 200),
			},
		}}}},
		{"REQUEST#", kb, clinic.Commit{Request: &clinic.Request{Key: strings.Repeat("k", 2000), Input: hash(), Result: id("visit"), Ends: at(0)}}},
	} {
		t.Run(fmt.Sprintf("%s under %d", test.row, test.most), func(t *testing.T) {
			t.Parallel()
			db, table := newTable(t, enginetest.Config(t))
			if v := test.commit.Visit; v != nil {
				v.Version = 1
			}
			if err := store.New(db, table).Commit(t.Context(), test.commit); err != nil {
				t.Fatal(err)
			}
			out, err := db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
			if err != nil || len(out.Items) != 1 {
				t.Fatalf("the commit made %d rows, %v", len(out.Items), err)
			}
			key, isText := out.Items[0]["pk"].(*types.AttributeValueMemberS)
			if !isText || !strings.HasPrefix(key.Value, test.row) {
				t.Errorf("the row's key is %v, want %s", out.Items[0]["pk"], test.row)
			}
			if got := size(t, out.Items[0]); got > test.most {
				t.Errorf("the row has %d bytes, want at most %d", got, test.most)
			} else {
				t.Logf("%d bytes", got)
			}
		})
	}
}

// size counts as DynamoDB bills: names and values; a number takes a byte for
// two digits and one more.
func size(t *testing.T, item map[string]types.AttributeValue) int {
	t.Helper()
	n := 0
	for name, v := range item {
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

// id is of the length of those the system makes.
func id(of string) string { return (of + strings.Repeat("X", 26))[:26] }

func caregiver() audit.Actor {
	return audit.Actor{ID: id("person"), Role: string(identity.Caregiver), OnBehalf: id("patient"), IP: "2001:db8:1234:5678:9abc:def0:1234:5678"}
}

func hash() string { return strings.Repeat("f", 64) }

func at(n int) time.Time { return noon.Add(time.Duration(n)*time.Hour + 987*time.Millisecond) }

var (
	terms  = visit.Terms{Answer: 4 * time.Hour, GiveUp: 100 * time.Hour}
	doctor = identity.Person{
		ID: id("doctor"), Practice: id("practice"), Role: identity.Clinician, Display: "Alexandria Montgomery-Whitfield, DNP, FNP-C",
		Licenses: []identity.License{{State: "CA", Expires: at(10_000)}},
	}
)

func newVisit(t *testing.T) visit.Visit {
	t.Helper()
	v := visit.Start(id("visit"), id("practice"), id("patient"), id("person"),
		visit.Form{Name: "urinary-symptoms-adult", Version: "1.10.0", Class: "evisit"}, at(0))
	v = must(v.Saved("CA"))(t)
	v = submitted(t, v, 1)
	v, wanted := v.Held(v.Payment, at(24*7), terms, at(1))
	if !wanted {
		t.Fatal("the hold is not wanted")
	}
	return v
}

func submitted(t *testing.T, v visit.Visit, n int) visit.Visit {
	t.Helper()
	v = must(v.Priced(billing.Quote{
		ID: id(fmt.Sprint("quote", n)), Amount: 12_000, Basis: billing.Fee, ExpiresAt: at(24),
	}))(t)
	return must(v.Submit(v.Quote.ID, id(fmt.Sprint("payment", n)), terms, at(n)))(t)
}

// grown is v, which had one abandoned Checkout, after all the messages it may
// have, each read at once, answered and closed.
func grown(t *testing.T, v visit.Visit) visit.Visit {
	t.Helper()
	v.Payments = append([]string{id("payment0")}, v.Payments...)
	v = must(v.Take(doctor, at(2)))(t)
	for n := range visit.MessageCap - 1 {
		v = must(v.Ask(at(3 + n)))(t)
		v = v.Seen(v.By, at(3+n))
		v = must(v.Reply(at(4 + n)))(t)
	}
	v = must(v.Reply(at(10)))(t)
	v = v.Lateness()
	v = must(v.Answer(doctor, hash(), 123, at(11)))(t)
	v = v.Seen(v.By, at(12))
	v = must(v.Close(hash(), at(13)))(t)
	if v.Messages != 2*visit.MessageCap || len(v.Reads) != visit.MessageCap {
		t.Fatalf("a grown visit has %d messages and %d reads", v.Messages, len(v.Reads))
	}
	return v
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

func payment(t *testing.T) billing.Payment {
	t.Helper()
	// A Checkout page's address is by far the longest thing a payment keeps.
	session := "cs_live_" + strings.Repeat("a", 58)
	p, err := billing.Open(billing.Payment{
		ID: id("payment"), Visit: id("visit"), Practice: id("practice"), Account: "acct_1234567890abcdef", Amount: 12_000,
		Session: session, URL: "https://checkout.stripe.com/c/pay/" + session + "#" + strings.Repeat("f", 200), SessionEnds: at(1),
	}, at(0))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func captured(t *testing.T) ledger.Entry {
	t.Helper()
	e, err := ledger.Captured(id("payment"), id("practice"), 12_000, 12_000, at(0))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
