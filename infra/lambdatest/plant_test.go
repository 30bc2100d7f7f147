package lambdatest_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/hook"
	"evisit/pkg/clinic/request"
	"evisit/pkg/clinic/session"
	"evisit/pkg/coding"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/membership"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/reconcile"
	"evisit/pkg/registry"
	"evisit/pkg/setup"
	"evisit/pkg/setup/sweep"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

const (
	sessionLife             = time.Hour
	fee         money.Cents = 40_00
)

// paymentOf is the id of a planted visit's payment.
func paymentOf(visit string) string { return visit + ".p1" }

// stripeEvent is the id of what is kept of an event that Stripe made in the
// minute before the recordings.
func stripeEvent(account, id string) string {
	return outbox.NewID(outbox.ByStripe, recordedAt.Add(-time.Minute), account+"."+id)
}

// visit plants a visit of Jane Smith's as it stands in status, an hour old.
func (w *world) visit(id string, s visit.Status, change func(*visit.Visit)) {
	w.Helper()
	w.commit(clinic.Commit{Visit: w.drawn(id, s, change)})
}

func (w *world) drawn(id string, s visit.Status, change func(*visit.Visit)) *visit.Visit {
	p, err := w.store.Practice(w.Context(), "lakeside")
	w.must(err)
	began := recordedAt.Add(-time.Hour)
	v := visit.Start(id, "lakeside", "jane-smith", "jane-smith", visit.Form{Name: "uti-women", Version: p.Forms["uti-women"], Class: "visit"}, began)
	v.Status, v.State = s, "OR"
	if s != visit.Draft {
		v.Payment, v.Payments = paymentOf(id), []string{paymentOf(id)}
		v.Quote = billing.Quote{ID: "quote-" + id, Amount: fee, Basis: billing.Fee, ExpiresAt: began.Add(billing.QuoteLife)}
		v.Times.Submitted, v.Times.Queued = began, began
		v.Promise = visit.Promise{By: began.Add(24 * time.Hour), Ends: began.Add(48 * time.Hour)}
	}
	if s == visit.InReview || s == visit.AwaitingPatient || s == visit.Answered {
		v.Holder, v.Times.Taken = visit.Holder{ID: "ana-rivera", Display: "Ana Rivera, MD"}, began
	}
	if s == visit.AwaitingPatient {
		v.Promise.Paused, v.Times.Asked = began, began
	}
	if s == visit.Answered {
		v.Document, v.Times.Answered = strings.Repeat("0", 64), began
	}
	if change != nil {
		change(&v)
	}
	v.Wake = v.Due()
	return &v
}

// quiet plants an answer that nobody acknowledged and that closes by itself at
// due.
func (w *world) quiet(id string, due time.Time) {
	w.Helper()
	w.visit(id, visit.Answered, func(v *visit.Visit) { v.Times.Answered = due.Add(-visit.CloseAfter) })
}

// paid is a payment that the card of Jane Smith has paid at Stripe and we have
// not heard of.
func (w *world) paid(visit string) billing.Payment { return w.paidAt(visit, false) }

// paidAtOnce is one by a pay link.
func (w *world) paidAtOnce(visit string) billing.Payment { return w.paidAt(visit, true) }

func (w *world) paidAt(visit string, atOnce bool) billing.Payment {
	w.Helper()
	ends := w.now().Add(2 * time.Hour).Truncate(time.Second)
	id := paymentOf(visit)
	session, url, err := w.rooms.Request.Checkout.NewPage(w.Context(), request.PageRequest{
		Account: seed.Accounts[0], Key: id, Ref: id, Amount: fee, AtOnce: atOnce, Ends: ends,
		Done: "https://visit.example.org/", Back: "https://visit.example.org/",
	})
	w.must(err)
	_, err = w.sim.Pay(w.Context(), session, stripesim.CardSuccess, nil)
	w.must(err)
	p, err := billing.NewPayment(billing.Payment{
		ID: id, Visit: visit, Practice: "lakeside", Account: seed.Accounts[0],
		Amount: fee, AtOnce: atOnce, Session: session, URL: url, SessionEnds: ends,
	}, w.now())
	w.must(err)
	return p
}

// joined is a membership of Jane Smith's that awaits its first payment.
func (w *world) joined() membership.Membership {
	w.Helper()
	jane, err := w.store.Person(w.Context(), "jane-smith")
	w.must(err)
	m, err := w.rooms.Request.Join(w.Context(), clinic.Caller{Person: jane, IP: "203.0.113.9"}, "", request.Joining{Offer: "yearly-1", Terms: 1, Medicare: coding.No})
	w.must(err)
	return m
}

// member checks how Jane Smith's membership stands.
func (w *world) member(want membership.State) {
	w.Helper()
	m, err := w.store.Membership(w.Context(), membership.IDOf("jane-smith", 1))
	w.must(err)
	if m.State != want {
		w.Errorf("the membership is %s, want %s", m.State, want)
	}
}

// atPage plants a visit whose page was paid, of which no webhook came, and ends
// at a time.
func (w *world) atPage(id string, ends time.Time) {
	w.Helper()
	p := w.paid(id)
	w.commit(clinic.Commit{Visit: w.drawn(id, visit.AwaitingPayment, func(v *visit.Visit) {
		v.CheckoutEnds, v.Promise, v.Times.Queued = ends, visit.Promise{}, time.Time{}
	}), Payments: []billing.Payment{p}})
}

// held plants a visit whose fee is held on the card.
func (w *world) held(id string, s visit.Status, change func(*visit.Visit)) {
	w.Helper()
	v, p := w.drawn(id, s, change), w.paid(id)
	_, o, err := w.cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	p, entries, err := p.Settle(o, w.now())
	w.must(err)
	p.Version = 1
	w.commit(clinic.Commit{Visit: v, Payments: []billing.Payment{p}, Entries: entries})
}

func (w *world) owedItem(p billing.Payment) work.Item {
	return work.New(work.Item{
		Kind: work.PaymentFailed, Practice: p.Practice, Pool: identity.OfficePool, Visit: p.Visit, Payment: p.ID, Note: "card_declined",
	}, p.ID, recordedAt)
}

// capture plants an event that asks for a visit's fee, put by api before the
// recordings and handled by nobody.
func (w *world) capture(name, visit string) outbox.Delivery {
	w.Helper()
	past := recordedAt.Add(-time.Minute)
	e := outbox.Event{
		ID: outbox.NewID(outbox.ByAPI, past, name), Kind: outbox.Capture, To: outbox.Charge, Practice: "lakeside", Patient: "jane-smith",
		Visit: visit, Payment: paymentOf(visit), At: past,
	}
	w.commit(clinic.Commit{Events: []outbox.Event{e}})
	d, err := w.store.Delivery(w.Context(), e.ID)
	w.must(err)
	return d
}

// commit stores c with an audit record of its rows.
func (w *world) commit(c clinic.Commit) {
	w.Helper()
	practice := "lakeside"
	if len(c.Work) > 0 {
		practice = c.Work[0].Practice
	}
	if c.Visit != nil || c.Person != nil || c.Invitation != nil || c.Closing != nil || len(c.Payments)+len(c.Work)+len(c.Memberships)+len(c.Entries) > 0 {
		c.Audit = append(c.Audit, audit.Record{ID: setup.NewID(), Practice: practice, At: w.now(), Actor: clinic.System("test"), Action: "test.plant"})
	}
	w.must(w.store.Commit(w.Context(), c))
}

// plantRecord is the only record of lakeside's that is old enough to be signed.
func plantRecord(w *world) {
	w.must(w.store.Commit(w.Context(), clinic.Commit{Audit: firstRecord()}))
}

func firstRecord() []audit.Record {
	return []audit.Record{{
		ID: "first", Practice: "lakeside", At: recordedAt.Add(-2 * time.Hour), Actor: clinic.System("test"), Action: "test.plant",
	}}
}

// plantLog is lakeside's log, signed.
func plantLog(w *world) {
	plantRecord(w)
	w.sign()
}

// plantEntryAlone is an entry of lakeside's books, old enough to be compared, of which Stripe knows nothing.
func plantEntryAlone(w *world) {
	e, err := ledger.Charged("compared.p1", "lakeside", 40_00, 0, recordedAt.Add(-2*time.Hour))
	w.must(err)
	w.must(w.store.Commit(w.Context(), clinic.Commit{Entries: []ledger.Entry{e}, Audit: firstRecord()}))
}

func checkCompared(w *world) {
	all, err := w.store.Outcomes(w.Context(), "lakeside", 10)
	w.must(err)
	if len(all) != 1 || all[0].Transactions != 0 || all[0].Differences != 1 || all[0].Found[0].About != "compared.p1" {
		w.Errorf("compared: %+v", all)
	}
	i, err := w.store.WorkItem(w.Context(), "lakeside", work.ID(work.BooksDiffer, "compared.p1"))
	if w.must(err); !i.Open() || i.Difference != all[0].Found[0] {
		w.Errorf("work: %+v", i)
	}
}

// plantCompared is a comparison of lakeside's books that found a difference.
func plantCompared(w *world) {
	o := reconcile.Outcome{
		Practice: "lakeside", Account: "acct_1Lakeside0000000", Window: reconcile.Window{From: recordedAt.Add(-25 * time.Hour), Through: recordedAt.Add(-time.Hour)},
		At: recordedAt, Transactions: 1,
	}.With(reconcile.Compare("", "pi_1Recorded", reconcile.Total{}, reconcile.Total{Gross: 40_00, Fee: 1_46}))
	w.must(w.store.Commit(w.Context(), clinic.Commit{Outcome: &o, Audit: firstRecord()}))
}

// plantPayouts is a payout to lakeside that failed.
func plantPayouts(w *world) {
	p := billing.Payout{Practice: "lakeside", Account: "acct_1Lakeside0000000", Version: 1, PayoutState: billing.PayoutState{
		ID: "po_1Recorded", Amount: 38_54, Status: "failed", Made: recordedAt, Arrives: recordedAt.Add(24 * time.Hour), Automatic: true, Failure: "account_closed",
	}}
	w.must(w.store.Commit(w.Context(), clinic.Commit{Payout: &p, Audit: firstRecord()}))
}

// plantAccount is lakeside's log, signed, whose record names a row that is
// written once: that of a connected account.
func plantAccount(w *world) {
	p, err := w.store.Practice(w.Context(), "lakeside")
	w.must(err)
	p.Version++
	p.Since, p.Account = recordedAt, "acct_1Recorded0000000"
	row := clinic.Invitation{Invitation: registry.Invitation{ID: "listed", Practice: "lakeside", At: recordedAt, Version: 1}, Sealed: []byte("sealed")}
	w.must(w.store.Commit(w.Context(), clinic.Commit{Practice: &p, Account: true, Invitation: &row, Audit: firstRecord()}))
	w.sign()
}

func (w *world) sign() {
	w.Helper()
	sign, err := sweep.Handler(w.parts)
	w.must(err)
	w.must(sign(w.Context(), events.CloudWatchEvent{}))
}

func receiveFirst(w *world) {
	room := hook.Room{Kernel: w.parts.Kernel(outbox.ByStripe, w.store)}
	w.must(room.ReceiveStripeEvent(w.Context(), hook.StripeEvent{
		ID: "evt_1Recorded0000000000000001", Account: seed.Accounts[0], Object: "pi_3RecordedIntent00000001", Created: recordedAt.Add(-time.Second),
	}))
}

// signIn begins a session of a person, which ends after a while because it has no
// refresh token, and returns its cookie.
func (w *world) signIn(person string, life time.Duration) string {
	w.Helper()
	keeper := session.Keeper{Kernel: w.rooms.Kernel}
	cookie, err := keeper.Start(w.Context(), clinic.Caller{}, session.SignIn{
		Proven: clinic.Proven{Proof: clinic.Proof{Issuer: w.issuerURL(), Subject: person}, Strong: true}, Until: w.now().Add(life),
	})
	w.must(err)
	return cookie
}

// signedInBefore is the cookie of a session that was last used long enough ago for its
// next use to be written down.
func (w *world) signedInBefore(person string) string {
	w.Helper()
	k := &clinic.Kernel{Store: w.store, Now: func() time.Time { return w.now().Add(-7 * time.Minute) }, NewID: setup.NewID, Log: w.parts.Log}
	keeper := session.Keeper{Kernel: k}
	cookie, err := keeper.Start(w.Context(), clinic.Caller{}, session.SignIn{
		Proven: clinic.Proven{Proof: clinic.Proof{Issuer: w.issuerURL(), Subject: person}, Strong: true}, Until: w.now().Add(sessionLife),
	})
	w.must(err)
	return cookie
}

// plantRows puts into the table the events that a batch says were put there,
// but for the one that stands for those long forgotten.
func (w *world) plantRows(event []byte) {
	w.Helper()
	var batch events.DynamoDBEvent
	if json.Unmarshal(event, &batch) != nil {
		return
	}
	for _, r := range batch.Records {
		pk, sk := r.Change.NewImage["pk"], r.Change.NewImage["sk"]
		if r.EventName == "REMOVE" || pk.DataType() != events.DataTypeString || !strings.HasPrefix(pk.String(), "OUTBOX#") || strings.HasSuffix(sk.String(), "-forgotten") {
			continue
		}
		item := map[string]types.AttributeValue{}
		for name, v := range r.Change.NewImage {
			if v.DataType() == events.DataTypeNumber {
				item[name] = &types.AttributeValueMemberN{Value: v.Number()}
			} else {
				item[name] = &types.AttributeValueMemberS{Value: v.String()}
			}
		}
		w.put(item)
	}
}

// putRow puts a row of the outbox with d in it, unless d is empty: armed, and due
// unless due is zero.
func (w *world) putRow(id, d string, due time.Time) {
	w.Helper()
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	by, bucket, ok := outbox.Origin(id)
	if !ok {
		w.Fatalf("%s is no event's id", id)
	}
	item := map[string]types.AttributeValue{
		"pk": text(fmt.Sprintf("OUTBOX#%s.%s.%d", by, bucket, hashOf(id)%4)), "sk": text(id), "f": &types.AttributeValueMemberN{Value: "1"}, "to": text("charge"),
	}
	if d != "" {
		item["d"] = text(d)
	}
	if !due.IsZero() {
		item["due_shard"], item["due_at"] = text("OUTBOX#00"), text(due.Format("20060102T150405.000Z"))
	}
	w.put(item)
}

func (w *world) put(item map[string]types.AttributeValue) {
	w.Helper()
	_, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: item})
	w.must(err)
}

// shardOf is the shard of the due index that a visit is in.
func shardOf(visit string) int { return int(hashOf(visit) % store.Shards) }

// hashOf is what the store spreads rows over partitions by.
func hashOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()
}

// sameShard lists n visits' ids of one beginning in the shard of another visit.
func sameShard(visit, begin string, n int) []string {
	var ids []string
	for i := 0; len(ids) < n; i++ {
		if id := fmt.Sprint(begin, i); shardOf(id) == shardOf(visit) {
			ids = append(ids, id)
		}
	}
	return ids
}
