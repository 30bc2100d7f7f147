package lambdatest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/mailbox"
	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/money"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
)

const (
	sessionLife             = time.Hour
	fee         money.Cents = 40_00
)

var scenes = map[string]scene{
	"api/answers":            {plant: func(w *world) { w.visit("draft", visit.Draft, nil) }},
	"api/cancel":             {plant: func(w *world) { w.held("mistaken", visit.Queued, nil) }, check: func(w *world) { w.status("mistaken", visit.Cancelled) }},
	"api/queue":              {plant: plantQueue},
	"api/take":               {plant: plantQueue, check: func(w *world) { w.status("queued", visit.InReview) }},
	"api/chart":              {plant: plantQueue},
	"api/ledger":             {plant: plantQueue},
	"api/audit":              {plant: plantTaken},
	"api/other-practice":     {plant: plantQueue},
	"api/list-visits":        {plant: plantQueue},
	"api/list-visits-twice":  {plant: plantQueue},
	"api/message":            {plant: func(w *world) { w.held("asked", visit.AwaitingPatient, nil) }, check: func(w *world) { w.status("asked", visit.InReview) }},
	"api/pay-link":           {plant: plantFailed, check: checkPayLink, again: true},
	"api/jobs":               {plant: plantParked},
	"api/log-checkpoint":     {plant: plantLog},
	"api/start-visit":        {check: func(w *world) { w.started(1) }, again: true},
	"api/start-visit-base64": {check: func(w *world) { w.started(1) }},
	"api/start-visit-binary": {check: func(w *world) { w.started(0) }},

	"stripehook/held":           {check: heard("evt_1Recorded0000000000000001"), again: true},
	"stripehook/held-base64":    {check: heard("evt_1Recorded0000000000000002"), again: true},
	"stripehook/held-again":     {plant: hearFirst, check: heard("evt_1Recorded0000000000000001"), again: true},
	"stripehook/unknown-object": {check: heard(), again: true},
	"stripehook/platform":       {check: heard(), again: true},
	"stripehook/forged":         {check: heard(), again: true},
	"stripehook/altered":        {check: heard(), again: true},
	"stripehook/stale":          {check: heard(), again: true},
	"stripehook/wrong-endpoint": {check: heard(), again: true},

	"charge/batch":       {plant: plantChargeBatch, check: checkChargeBatch, again: true},
	"charge/unreadable":  {plant: plantUnreadable, check: checkUnreadable, again: true},
	"charge/stripe-said": {plant: plantSaid, check: checkSaid, again: true},
	"charge/due":         {plant: plantDue, check: checkDue, again: true},

	"notify/batch":      {check: checkNotifyBatch},
	"notify/unreadable": {check: func(w *world) { w.mailed("tom-okafor@patients.example") }},

	"sweep/minute": {plant: plantSweep, check: checkSweep, again: true},
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
		v.Payment, v.Payments = "pay-"+id, []string{"pay-" + id}
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

// paid is a payment that the card of Jane Smith has paid at Stripe and we have
// not heard of.
func (w *world) paid(visit string) billing.Payment {
	w.Helper()
	ends := w.now().Add(2 * time.Hour).Truncate(time.Second)
	session, url, err := w.clinic.Checkout.NewPage(w.Context(), clinic.PageRequest{
		Account: seed.Accounts[0], Key: "pay-" + visit, Ref: "pay-" + visit, Amount: fee, Ends: ends,
		Done: "https://visit.example.org/", Back: "https://visit.example.org/",
	})
	w.must(err)
	_, err = w.sim.Pay(w.Context(), session, stripesim.CardSuccess, nil)
	w.must(err)
	p, err := billing.Open(billing.Payment{
		ID: "pay-" + visit, Visit: visit, Practice: "lakeside", Account: seed.Accounts[0],
		Amount: fee, Session: session, URL: url, SessionEnds: ends,
	}, w.now())
	w.must(err)
	return p
}

// held plants a visit whose fee is held on the card.
func (w *world) held(id string, s visit.Status, change func(*visit.Visit)) {
	w.Helper()
	v, p := w.drawn(id, s, change), w.paid(id)
	_, o, err := w.clinic.Cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	p, entries, err := p.Settle(o, w.now())
	w.must(err)
	p.Version = 1
	w.commit(clinic.Commit{Visit: v, Payments: []billing.Payment{p}, Entries: entries})
}

func (w *world) commit(c clinic.Commit) {
	w.Helper()
	w.must(w.store.Commit(w.Context(), c))
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
		pk := r.Change.NewImage["pk"]
		if r.EventName == "REMOVE" || pk.DataType() != events.DataTypeString || !strings.HasPrefix(pk.String(), "OUTBOX#") || strings.HasSuffix(pk.String(), "-forgotten") {
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
		_, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &w.table, Item: item})
		w.must(err)
	}
}

// outbox returns the events in the table by id.
func (w *world) outbox() map[string]outbox.Delivery {
	w.Helper()
	out, err := w.db.Scan(w.Context(), &dynamodb.ScanInput{TableName: &w.table, ConsistentRead: aws.Bool(true)})
	w.must(err)
	ds := map[string]outbox.Delivery{}
	for _, i := range out.Items {
		pk, _ := i["pk"].(*types.AttributeValueMemberS)
		if id, ok := strings.CutPrefix(pk.Value, "OUTBOX#"); ok {
			if d, err := w.store.Delivery(w.Context(), id); err == nil {
				ds[id] = d
			}
		}
	}
	return ds
}

// delivery says how an event stands.
func (w *world) delivery(id, want string) {
	w.Helper()
	d, err := w.store.Delivery(w.Context(), id)
	w.must(err)
	got := "waiting"
	switch {
	case !d.Done.IsZero():
		got = "done"
	case d.Parked:
		got = "parked"
	case d.Armed:
		got = "armed"
	}
	if got != want {
		w.Errorf("event %s is %s, want %s: %+v", id, got, want, d)
	}
}

func (w *world) status(id string, want visit.Status) {
	w.Helper()
	v, err := w.store.Visit(w.Context(), id)
	w.must(err)
	if v.Status != want {
		w.Errorf("visit %s is %s, want %s", id, v.Status, want)
	}
}

func (w *world) payment(id string) billing.Payment {
	w.Helper()
	p, err := w.store.Payment(w.Context(), id)
	w.must(err)
	return p
}

// settled says how a payment stands with us and what Stripe has of it.
func (w *world) settled(visit string, want billing.State, status string) {
	w.Helper()
	p := w.payment("pay-" + visit)
	_, o, err := w.clinic.Cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	if p.State != want || o.Status != status {
		w.Errorf("payment of %s is %s and %s at Stripe, want %s and %s", visit, p.State, o.Status, want, status)
	}
}

func (w *world) started(want int) {
	w.Helper()
	vs, _, err := w.store.Mine(w.Context(), "jane-smith", "", 10)
	w.must(err)
	if len(vs) != want {
		w.Errorf("Jane Smith has %d visits, want %d", len(vs), want)
	}
}

// mailed says to whom mail went, in order of address.
func (w *world) mailed(want ...string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.box+"/dev/mail.json", nil)
	w.must(err)
	resp, err := http.DefaultClient.Do(r)
	w.must(err)
	defer func() { w.must(resp.Body.Close()) }()
	var out struct {
		Mails []mailbox.Mail `json:"mails"`
	}
	w.must(json.NewDecoder(resp.Body).Decode(&out))
	var got []string
	for _, m := range out.Mails {
		got = append(got, m.To...)
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("mail (-want +got):\n%s", d)
	}
}

func plantQueue(w *world) {
	w.held("queued", visit.Queued, func(v *visit.Visit) { v.Patient, v.By = "tom-okafor", "tom-okafor" })
	w.commit(clinic.Commit{Visit: w.drawn("older", visit.Cancelled, func(v *visit.Visit) {
		v.Patient, v.Times.Started = "tom-okafor", v.Times.Started.Add(-time.Hour)
	})})
}

// plantFailed is an answer whose hold could not be captured.
func plantFailed(w *world) {
	p := w.paid("unpaid")
	p.State, p.Why = billing.Failed, "card_declined"
	w.commit(clinic.Commit{Visit: w.drawn("unpaid", visit.Answered, nil), Payments: []billing.Payment{p}})
}

func checkPayLink(w *world) {
	v, err := w.store.Visit(w.Context(), "unpaid")
	w.must(err)
	if p := w.payment(v.Payment); p.ID == "pay-unpaid" || p.State != billing.Opened || !p.AtOnce || p.Amount != fee {
		w.Errorf("the payment asked for: %+v", p)
	}
}

func plantTaken(w *world) {
	plantQueue(w)
	ana, err := w.store.Person(w.Context(), w.issuerURL(), "ana-rivera")
	w.must(err)
	_, err = w.clinic.Take(w.Context(), clinic.Caller{Person: ana, IP: "203.0.113.9"}, "queued")
	w.must(err)
}

// plantLog signs a log of one record, old enough to be in it.
func plantLog(w *world) {
	plantLogged(w)
	w.must(w.clinic.AdvanceLogs(w.Context()))
}

// plantLogged makes lakeside's log begin with one record of two hours ago.
func plantLogged(w *world) {
	p, err := w.store.Practice(w.Context(), "lakeside")
	w.must(err)
	p.Since = recordedAt.Add(-3 * time.Hour)
	w.commit(clinic.Commit{Practice: &p, Audit: []audit.Record{{
		ID: "first", Practice: p.ID, At: recordedAt.Add(-2 * time.Hour), Actor: audit.Actor{ID: "system:test", Role: "system"}, Action: "practice.register",
	}}})
}

func plantParked(w *world) {
	e := outbox.Event{ID: "stuck", Kind: outbox.Capture, To: outbox.Charge, Practice: "lakeside", Visit: "v", Payment: "p", At: recordedAt}
	w.commit(clinic.Commit{Events: []outbox.Event{e}})
	d, err := w.store.Delivery(w.Context(), "stuck")
	w.must(err)
	w.commit(clinic.Commit{Tried: []outbox.Delivery{d.Park("card_declined")}})
}

// heard says which events of Stripe's are kept, all armed for charge.
func heard(ids ...string) func(*world) {
	return func(w *world) {
		w.Helper()
		var want, got []string
		for _, id := range ids {
			want = append(want, "stripe."+seed.Accounts[0]+"."+id)
		}
		for id, d := range w.outbox() {
			got = append(got, id)
			if d.To != outbox.Charge || !d.Armed || d.Account != seed.Accounts[0] || d.Object != "pi_3RecordedIntent00000001" {
				w.Errorf("kept as %+v", d)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			w.Errorf("events kept (-want +got):\n%s", d)
		}
	}
}

func hearFirst(w *world) {
	w.must(w.clinic.Hear(w.Context(), clinic.StripeEvent{
		ID: "evt_1Recorded0000000000000001", Account: seed.Accounts[0], Object: "pi_3RecordedIntent00000001",
	}))
}

func plantChargeBatch(w *world) {
	w.held("charge-cancelled", visit.Cancelled, nil)
	w.held("charge-answered", visit.Answered, nil)
}

func checkChargeBatch(w *world) {
	w.settled("charge-cancelled", billing.Released, "canceled")
	w.settled("charge-answered", billing.Captured, "succeeded")
	w.delivery("charge-release", "done")
	w.delivery("charge-capture", "done")
	w.delivery("charge-poison", "waiting")
	w.delivery("charge-for-notify", "armed")
	w.delivery("charge-disarmed", "waiting")
}

func plantUnreadable(w *world) {
	w.held("unreadable-one", visit.Answered, nil)
	w.held("unreadable-two", visit.Answered, nil)
}

func checkUnreadable(w *world) {
	w.settled("unreadable-one", billing.Captured, "succeeded")
	w.settled("unreadable-two", billing.Captured, "succeeded")
}

func plantSaid(w *world) {
	for _, id := range []string{"said-paid", "said-foreign"} {
		p := w.paid(id)
		w.commit(clinic.Commit{Visit: w.drawn(id, visit.AwaitingPayment, func(v *visit.Visit) {
			v.CheckoutEnds, v.Promise, v.Times.Queued = p.SessionEnds, visit.Promise{}, time.Time{}
		}), Payments: []billing.Payment{p}})
	}
}

func checkSaid(w *world) {
	w.settled("said-paid", billing.Held, "requires_capture")
	w.status("said-paid", visit.Queued)
	w.delivery("stripe."+seed.Accounts[0]+".evt_1", "done")
	w.settled("said-foreign", billing.Opened, "requires_capture")
	w.status("said-foreign", visit.AwaitingPayment)
	w.delivery("stripe."+seed.Accounts[1]+".evt_2", "parked")
}

func plantDue(w *world) {
	past := recordedAt.Add(-time.Minute)
	w.held("due-late", visit.Queued, func(v *visit.Visit) { v.Promise.By = past })
	w.held("due-over", visit.InReview, func(v *visit.Visit) { v.Promise = visit.Promise{By: past, Ends: past, Told: true} })
	w.held("due-quiet", visit.Answered, func(v *visit.Visit) { v.Times.Answered = past.Add(-visit.CloseAfter) })
}

func checkDue(w *world) {
	w.status("due-late", visit.Queued)
	w.status("due-over", visit.Expired)
	w.status("due-quiet", visit.Closed)
	v, err := w.store.Visit(w.Context(), "due-quiet")
	w.must(err)
	if _, err := w.clinic.Blobs.Get(w.Context(), "documents/lakeside/due-quiet/"+v.Addendum); err != nil {
		w.Errorf("the addendum %s: %v", v.Addendum, err)
	}
	var told []string
	for _, d := range w.outbox() {
		if d.To == outbox.Notify {
			told = append(told, d.Visit+" "+string(d.Kind))
		}
	}
	slices.Sort(told)
	if d := cmp.Diff([]string{"due-late visit.late", "due-over visit.ended"}, told); d != "" {
		w.Errorf("who is told (-want +got):\n%s", d)
	}
}

func checkNotifyBatch(w *world) {
	w.mailed("desk@lakeside.example", "jane-smith@patients.example")
	w.delivery("notify-received", "done")
	w.delivery("notify-diverted", "done")
	w.delivery("notify-poison", "waiting")
	w.delivery("notify-for-charge", "armed")
	w.delivery("notify-disarmed", "waiting")
}

func plantSweep(w *world) {
	past := recordedAt.Add(-time.Minute)
	w.held("due-over", visit.Queued, func(v *visit.Visit) { v.Promise = visit.Promise{By: past, Ends: past, Told: true} })
	w.held("not-due", visit.Queued, nil)
	w.commit(clinic.Commit{Events: []outbox.Event{{ID: "failed", Kind: outbox.Capture, To: outbox.Charge, Practice: "lakeside", At: past}}})
	d, err := w.store.Delivery(w.Context(), "failed")
	w.must(err)
	w.commit(clinic.Commit{Tried: []outbox.Delivery{d.Failed(past.Add(-time.Hour), false, "unknown")}})
	plantLogged(w)
}

func checkSweep(w *world) {
	w.delivery("failed", "armed")
	var due []string
	for _, d := range w.outbox() {
		if d.Kind == outbox.VisitDue {
			due = append(due, d.Visit)
		}
	}
	if d := cmp.Diff([]string{"due-over"}, due); d != "" {
		w.Errorf("visits that are due (-want +got):\n%s", d)
	}
	h, err := w.store.LogHead(w.Context(), "lakeside")
	w.must(err)
	if h.Tree.Size != 1 || len(h.Checkpoint) == 0 {
		w.Errorf("the log's head: %+v", h)
	}
}
