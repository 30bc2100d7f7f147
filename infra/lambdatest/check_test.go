package lambdatest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"evisit/infra/local/mailbox"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/session"
	"evisit/pkg/outbox"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

// rows lists the rows of the outbox by the ids of their events.
func (w *world) rows() map[string]map[string]types.AttributeValue {
	w.Helper()
	out := map[string]map[string]types.AttributeValue{}
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		w.must(err)
		for _, i := range page.Items {
			if strings.HasPrefix(textOf(i["pk"]), "OUTBOX#") {
				out[textOf(i["sk"])] = i
			}
		}
	}
	return out
}

// remove deletes a row of the outbox.
func (w *world) remove(id string) {
	w.Helper()
	row := w.rows()[id]
	_, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: &w.table, Key: map[string]types.AttributeValue{"pk": row["pk"], "sk": row["sk"]}})
	w.must(err)
}

func textOf(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// outbox lists the events in the table by id; a row that holds none is left out.
func (w *world) outbox() map[string]outbox.Delivery {
	w.Helper()
	ds := map[string]outbox.Delivery{}
	for id := range w.rows() {
		d, err := w.store.Delivery(w.Context(), id)
		if err == nil && d.Kind != outbox.CheckAccount && d.Kind != outbox.AskAccount { // put when a practice is registered
			ds[id] = d
		}
	}
	return ds
}

// delivery checks the delivery attributes of an event.
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

// untouched says that a row of the outbox that holds no event is as it was put.
func (w *world) untouched(id string) {
	w.Helper()
	row, ok := w.rows()[id]
	if _, v := row["v"]; !ok || v || row["d"] != nil || row["done"] != nil || row["parked"] != nil || row["to"] == nil {
		w.Errorf("row %s was changed: %v", id, row)
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

// closed says that a visit is closed, and that its addendum is kept.
func (w *world) closed(id string) {
	w.Helper()
	w.status(id, visit.Closed)
	v, err := w.store.Visit(w.Context(), id)
	w.must(err)
	if _, err := w.rooms.Charts.Vault.Objects.Get(w.Context(), "documents/lakeside/"+id+"/"+v.Addendum); v.Addendum == "" || err != nil {
		w.Errorf("the addendum %q of visit %s: %v", v.Addendum, id, err)
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
	p := w.payment(paymentOf(visit))
	_, o, err := w.cards.Observe(w.Context(), p.Account, p.Session)
	w.must(err)
	if p.State != want || o.Status != status {
		w.Errorf("payment of %s is %s and %s at Stripe, want %s and %s", visit, p.State, o.Status, want, status)
	}
}

func (w *world) started(want int) {
	w.Helper()
	vs, _, err := w.store.VisitsOfPatient(w.Context(), "jane-smith", "", 10)
	w.must(err)
	if len(vs) != want {
		w.Errorf("Jane Smith has %d visits, want %d", len(vs), want)
	}
}

// wanted says which kinds of work of a practice are open.
func (w *world) wanted(practice string, want ...work.Kind) {
	w.Helper()
	items, err := w.store.Work(w.Context(), practice)
	w.must(err)
	var got []work.Kind
	for _, i := range items {
		got = append(got, i.Kind)
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("work of %s (-want +got):\n%s", practice, d)
	}
}

// ended says who ended an item of lakeside's work.
func (w *world) ended(id, by string) {
	w.Helper()
	i, err := w.store.WorkItem(w.Context(), "lakeside", id)
	w.must(err)
	if i.Open() || i.EndedBy != by {
		w.Errorf("work %s was ended by %q, want %s", id, i.EndedBy, by)
	}
}

// signedOut says that the one session there was has ended.
func (w *world) signedOut(person string) {
	w.Helper()
	found := 0
	pages := dynamodb.NewScanPaginator(w.db, &dynamodb.ScanInput{TableName: &w.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		w.must(err)
		for _, i := range page.Items {
			hash, ok := strings.CutPrefix(textOf(i["pk"]), "SESSION#")
			if !ok {
				continue
			}
			found++
			s, err := w.store.Session(w.Context(), hash)
			w.must(err)
			if s.Proof.Subject != person || !s.Ended {
				w.Errorf("the session of %s: %+v", person, s)
			}
		}
	}
	if found != 1 {
		w.Errorf("%d sessions, want 1", found)
	}
}

// kept says what is kept in an area for a person to send.
func (w *world) kept(area session.Area, person, path string) {
	w.Helper()
	keeper := session.Keeper{Kernel: w.rooms.Kernel, Sealer: w.rooms.Charts.Vault}
	forms, err := keeper.Forms(w.Context(), area, clinic.Proof{Issuer: w.issuerURL(), Subject: person})
	w.must(err)
	if len(forms) != 1 || forms[0].Path != path {
		w.Errorf("kept for %s: %d forms", person, len(forms))
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
