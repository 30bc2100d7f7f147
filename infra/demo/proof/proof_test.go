package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var started = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// sound returns a world of one visit that was asked, answered, captured and closed, and
// has no findings.
func sound(t *testing.T) *world {
	t.Helper()
	w := &world{claim: Claim{Since: started, Reads: []Read{{"ana", "v1", "chart"}}}}
	doc := `{"visit":"v1","patient":"jane","fee_cents":4000,"answers":[{}],"messages":[],"conclusion":
		{"reply":"r","diagnoses":[{}],"plan":{"do":"d","warning_signs":"w","follow_up":"f"}}}`
	sum := sha256.Sum256([]byte(doc))
	c := &dossier{Doc: json.RawMessage(doc), DocCode: 200, MoneyCode: 200}
	into(t, &c.visit, fmt.Sprintf(`{"id":"v1","practice":"p","patient":"jane","status":"closed","version":4,"quote":{"amount_cents":4000},"fee_cents":4000,
		"document":%q,"payments":["pay"],"messages":1,"timeline":[{"step":"started","at":"2026-03-02T09:00:00Z"},
		{"step":"queued","at":"2026-03-02T09:01:00Z"},{"step":"answered","at":"2026-03-02T09:02:00Z"},{"step":"closed","at":"2026-03-02T09:04:00Z"}]}`,
		hex.EncodeToString(sum[:])))
	c.Added = json.RawMessage(fmt.Sprintf(`{"document":%q,"receipts":["pay"]}`, c.Document))
	into(t, &c.Money, `{"payments":[{"id":"pay","state":"captured","account":"acct","amount_cents":4000,"held_cents":4000,"collected_cents":4000,"stripe_fee_cents":146,"payment_intent":"pi"}],
		"entries":[{"id":"hold","kind":"hold","payment":"pay","at":"2026-03-02T09:01:00Z","postings":[{"account":"holds","amount_cents":4000},{"account":"holds_owed","amount_cents":-4000}]},
		{"id":"capture","kind":"capture","payment":"pay","at":"2026-03-02T09:03:00Z","postings":[{"account":"holds_owed","amount_cents":4000},{"account":"holds","amount_cents":-4000},
		{"account":"stripe","amount_cents":4000},{"account":"visit_fees","amount_cents":-4000},
		{"account":"stripe_fees","amount_cents":146},{"account":"stripe","amount_cents":-146}]}],
		"balances":{"holds":0,"holds_owed":0,"stripe":3854,"stripe_fees":146,"visit_fees":-4000}}`)
	c.PageCode, c.Page = 200, "Closed. $40.00 charged. Reference pay"
	into(t, &c.Chart, `{"answers":[{"answers":["a very private sentence"]}],"messages":[{"text":"take it with water"}]}`)
	w.members = make([]member, 1)
	into(t, &w.members[0], `{"invoices":[{"membership":"jane.m1","number":"A-1","amount":35000,"paid":35000,"refunded":0}],
		"entries":[{"id":"fee","kind":"membership_fee","payment":"jane.m1","postings":[{"account":"stripe","amount_cents":35000},{"account":"deferred_fees","amount_cents":-35000},
		{"account":"stripe_fees","amount_cents":1045},{"account":"stripe","amount_cents":-1045}]}]}`)
	into(t, &w.stripe, `{"holds":{"count":2,"cents":39000},"captured":{"count":2,"cents":39000},"balance_cents":37809,
		"payment_intents":[{"id":"pi","account":"acct","status":"succeeded","amount":4000,"amount_received":4000,"fee_cents":146,"metadata":{"ref":"pay"}},
		{"id":"pi_year","account":"acct","invoice":"in","status":"succeeded","amount":35000,"amount_received":35000,"fee_cents":1045}],
		"subscriptions":[{"id":"sub","metadata":{"membership":"jane.m1"},"invoices":[{"number":"A-1","amount_due":35000,"amount_paid":35000,"payment_intent":"pi_year"}]}]}`)
	for _, subject := range []string{"Your request was received", "Your request was answered", "Your receipt"} {
		w.mails = append(w.mails, mail{
			At: started.Add(3 * time.Minute), To: []string{"jane@patients.example"}, Subject: "Clinic: " + subject, Text: "http://x/my/visits/v1?eye",
		})
	}
	o := &office{ID: "p"}
	version, hash := 0, strings.Repeat("A", 43)
	for n, action := range []string{"visit.start", "chart.read:chart", "visit.treat:answered", "payment.captured", "visit.fill:closed"} {
		rows := ""
		if action != "chart.read:chart" {
			version++
			rows = fmt.Sprintf(`,"rows":[{"k":"CASE#v1","v":%d,"h":%q}]`, version, hash)
		}
		a := act{ID: fmt.Sprint("a", n), At: started.Add(time.Duration(n) * time.Minute), Actor: "ana", Action: action, Version: version}
		c.Acts = append(c.Acts, a)
		o.Leaves = append(o.Leaves, fmt.Appendf(nil, `{"id":%q,"at":%q,"actor":{"id":"ana"},"action":%q,"visit":"v1"%s}`, a.ID, a.At.Format(time.RFC3339), action, rows))
	}
	o.sign(t)
	w.cases, w.practices = []*dossier{c}, []*office{o}
	return w
}

func into(t *testing.T, v any, document string) {
	t.Helper()
	if err := json.Unmarshal([]byte(document), v); err != nil {
		t.Fatal(err)
	}
}

// sign signs the log of o with a new key.
func (o *office) sign(t *testing.T) {
	t.Helper()
	private, public, err := note.GenerateKey(nil, "example.org/log/p")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.Hash(wholeTree(o.Leaves))
	text := fmt.Sprintf("example.org/log/p\n%d\n%s\n", len(o.Leaves), base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	o.Key, o.Checkpoint = public, string(signed)
}

// wholeTree computes a tree's root by the definition in RFC 6962.
func wholeTree(leaves [][]byte) [sha256.Size]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for k*2 < n {
			k *= 2
		}
		left, right := wholeTree(leaves[:k]), wholeTree(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestProof_SoundWorld(t *testing.T) {
	t.Parallel()
	if r := sound(t).report(); !r.Holds() {
		t.Errorf("found something:\n%s", r)
	}
}

func TestProof_WhateverIsWrongIsFound(t *testing.T) {
	t.Parallel()
	one := func(w *world) *dossier { return w.cases[0] }
	for _, tc := range []struct {
		name  string
		spoil func(*world)
		want  string
	}{
		{"an entry off balance", func(w *world) { one(w).Money.Entries[0].Postings[0].Amount++ }, "off balance by $0.01"},
		{"a ledger that is refused", func(w *world) { one(w).MoneyCode = 500 }, "its ledger is not to be had; asking for it answers 500"},
		{"balances that are not the sums", func(w *world) { one(w).Money.Balances["stripe"]++ }, "its balances are served as"},
		{"a missing entry", func(w *world) { one(w).Money.Entries = one(w).Money.Entries[:1] }, "payment pay is captured: the ledger says"},
		{"an entry of a payment that is not the visit's", func(w *world) { one(w).Money.Entries[0].Payment = "other" }, "which it does not have"},
		{"less at Stripe than collected", func(w *world) { w.stripe.Intents[0].Received-- }, "Stripe says $40.00, $39.99"},
		{"another fee at Stripe", func(w *world) { w.stripe.Intents[0].Fee++ }, "the ledger says Stripe took $1.46; Stripe says $1.47"},
		{"a fee that the payment does not say", func(w *world) { one(w).Money.Payments[0].StripeFee = 0 }, "payment pay is captured: the ledger says"},
		{"a part of the platform that the ledger lacks", func(w *world) { w.stripe.Intents[0].Fee += 100; w.stripe.Intents[0].Platform += 100 }, "the ledger says the platform took $0.00; Stripe says $1.00"},
		{"a part of the platform that no payment has", func(w *world) { w.stripe.Earned = 100 }, "fees of the platform: the ledger says $0.00, Stripe $1.00"},
		{"another status at Stripe", func(w *world) { w.stripe.Intents[0].Status = "requires_capture" }, "Stripe says requires_capture"},
		{"another's object at Stripe", func(w *world) { w.stripe.Intents[0].Account = "foreign" }, "not its own at Stripe"},
		{"a charge at Stripe that no visit has", func(w *world) {
			w.stripe.Intents = append(w.stripe.Intents, intent{ID: "pi2", Metadata: map[string]string{"ref": "lost"}})
		}, "which no visit has"},
		{"a hold at Stripe that the ledger lacks", func(w *world) { w.stripe.Holds.Cents += 100; w.stripe.Held.Cents += 100 }, "holds still standing: the ledger says $0.00, Stripe $1.00"},
		{"a membership at Stripe that nobody has", func(w *world) { w.members = nil }, `Stripe's invoice "jane.m1 A-1", of $350.00, is of no patient's membership`},
		{"an invoice that is not at Stripe", func(w *world) { w.stripe.Subscriptions = nil }, "Stripe says {amount:0 paid:0 refunded:0}"},
		{"a year refunded at Stripe alone", func(w *world) { w.stripe.Intents[1].Refunded = 100 }, "Stripe says {amount:35000 paid:35000 refunded:100}"},
		{"a year that no entry has", func(w *world) { w.members[0].Entries = nil }, "collected $350.00 more than its entries say"},
		{"a year of which Stripe took more", func(w *world) { w.stripe.Intents[1].Fee++ }, "Stripe took $0.01 more of memberships"},
		{"a year of which the platform took a part", func(w *world) { w.stripe.Intents[1].Fee += 100; w.stripe.Intents[1].Platform += 100 }, "the platform took $1.00 more of memberships"},
		{"a year's entry off balance", func(w *world) { w.members[0].Entries[0].Postings[1].Amount++ }, "entry fee of jane.m1 is off balance by $0.01"},
		{"a deleted draft's payment off balance", func(w *world) {
			w.deleted = append(w.deleted, &dossier{visit: visit{ID: "v2"}, MoneyCode: 200, Money: ledger{Payments: []payment{{ID: "v2.p", State: "captured", Collected: 100}}}})
		}, "payment v2.p is captured: the ledger says"},
		{"a deleted draft that nobody has", func(w *world) {
			w.deleted = append(w.deleted, &dossier{visit: visit{ID: "v2"}})
		}, "visit v2: its ledger is not to be had"},
		{"a balance at Stripe that is off", func(w *world) { w.stripe.Balance-- }, "balance: the ledger says"},
		{"a charge without an answer", func(w *world) { one(w).Status = "declined" }, "is declined and was charged $40.00"},
		{"a charge above the quote", func(w *world) { one(w).Quote.Amount = 3999 }, "more than it was quoted"},
		{"a charge before the answer", func(w *world) { one(w).Money.Entries[1].At = started }, "before its answer"},
		{"two charges for one answer", func(w *world) {
			one(w).Money.Payments = append(one(w).Money.Payments, one(w).Money.Payments[0])
		}, "charged 2 times"},
		{"an answer nobody paid", func(w *world) { one(w).Money.Payments[0].Collected = 0 }, "charged 0 times"},
		{"an altered document", func(w *world) { one(w).Doc = append(one(w).Doc, ' ') }, "does not have the hash"},
		{"no document", func(w *world) { one(w).Doc = nil; one(w).DocCode = 404 }, "not to be had"},
		{"an answer without a document", func(w *world) { one(w).Document = "" }, "is closed without a document"},
		{"a document without warning signs", func(w *world) {
			one(w).Doc = json.RawMessage(strings.Replace(string(one(w).Doc), `"warning_signs":"w"`, `"warning_signs":""`, 1))
		}, "lacks an element"},
		{"no addendum", func(w *world) { one(w).Added = nil }, "closed without an addendum"},
		{"an open visit", func(w *world) { one(w).Status = "in_review" }, "is still in_review"},
		{"a standing hold", func(w *world) { one(w).Money.Payments[0].State = "held" }, "payment pay is still held"},
		{"open work", func(w *world) {
			into(t, &w.practices[0].Work, `[{"id":"j","kind":"event.parked","made_at":"2026-03-02T10:00:00Z"}]`)
		}, "work j, event.parked, is open"},
		{"a webhook on its way", func(w *world) { into(t, &w.webhooks, `[{"id":7,"type":"charge.captured","state":"pending"}]`) }, "webhook 7"},
		{"a read that is not in the trail", func(w *world) { w.claim.Reads = append(w.claim.Reads, w.claim.Reads[0]) }, "2 times; the trail has 1"},
		{"an altered leaf", func(w *world) { w.practices[0].Leaves[1][8] ^= 1 }, "leaves come to"},
		{"a removed leaf", func(w *world) { w.practices[0].Leaves = w.practices[0].Leaves[1:] }, "is of 5 leaves, and it has 4"},
		{"a checkpoint of another key", func(w *world) { k := w.practices[0].Key; w.practices[0].sign(t); w.practices[0].Key = k }, "not signed with its key"},
		{"a trail that says less than the log", func(w *world) { one(w).Acts = one(w).Acts[:4] }, "in the log and not in its trail"},
		{"a trail that says more than the log", func(w *world) {
			one(w).Acts = append(one(w).Acts, act{ID: "x", At: started, Actor: "eve", Action: "chart.read:chart"})
		}, "in its trail and not in the log"},
		{"a visit gone from its patient's list", func(w *world) { w.cases = nil }, "which no patient has"},
		{"a log signed no further than before the end", func(w *world) { one(w).Timeline[3].At = started.Add(time.Hour) }, "signed through"},
		{"a version that the log leaves out", func(w *world) {
			w.practices[0].Leaves[2] = bytes.Replace(w.practices[0].Leaves[2], []byte(`"v":2`), []byte(`"v":3`), 1)
		}, "names its versions [1 3 3 4]"},
		{"a version that only the trail has", func(w *world) { one(w).Acts[4].Version = 5 }, "names 4 versions, and its trail has 5"},
		{"a visit older than the log says", func(w *world) { one(w).Version = 3 }, "is at version 3, and the log names 4"},
		{"a row without its hash", func(w *world) {
			w.practices[0].Leaves[0] = bytes.Replace(w.practices[0].Leaves[0], []byte("AAAA"), nil, 1)
		}, `leaf 0 names row "CASE#v1"`},
		{"a mail about health", func(w *world) { w.mails[0].Text += " your urinary symptoms" }, `says "urin"`},
		{"a mail with a patient's words", func(w *world) { w.mails[0].Text += " A very private sentence" }, `says "a very private sentence"`},
		{"a mail to a stranger", func(w *world) { w.mails[0].To = []string{"x@elsewhere.org"} }, "went to x@elsewhere.org"},
		{"a receipt before the charge", func(w *world) { w.mails[2].At = started.Add(2 * time.Minute) }, `the mail "Your receipt" of 2026-03-02 09:02:00 +0000 UTC says what was not so`},
		{"an end that is none", func(w *world) { w.mails[1].Subject = "Clinic: Your request has ended" }, "says what was not so"},
		{"a charge that is denied by mail", func(w *world) { w.mails[1].Text += " you will not be charged" }, "says that nothing is charged"},
		{"a page that fails", func(w *world) { one(w).PageCode = 500 }, "its page is not to be had; asking for it answers 500"},
		{"a charge that is not on the page", func(w *world) { one(w).Page = "Closed." }, `does not say "$40.00 charged"`},
		{"a charge that is denied by the page", func(w *world) { one(w).Page += "You have not been charged, and you will not be." }, `says "You have not been charged"`},
		{"a charge on the page that is a hold", func(w *world) {
			w.stripe.Intents[0].Status, w.stripe.Intents[0].Received = "requires_capture", 0
		}, `says "$40.00 charged", and at Stripe it is not so`},
		{"a mail that was never sent", func(w *world) { w.mails = w.mails[1:] }, `nobody was sent "Your request was received"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := sound(t)
			tc.spoil(w)
			r := w.report()
			if !strings.Contains(strings.Join(r.Findings(), "\n"), tc.want) {
				t.Errorf("nothing found with %q:\n%s", tc.want, r)
			}
			if !strings.Contains(r.String(), "✗") {
				t.Error("the report shows no failure")
			}
		})
	}
}
