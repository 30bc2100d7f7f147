package store

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
)

// A builder turns a commit into writes, keeping the first error.
type builder struct {
	store *Store
	ws    []write
	err   error
}

func (b *builder) pack(v any) item {
	i, err := packed(v)
	if err != nil && b.err == nil {
		b.err = err
	}
	if i == nil {
		i = item{}
	}
	return i
}

func (b *builder) add(w write) { b.ws = append(b.ws, w) }

func (b *builder) visit(c clinic.Commit) {
	if v := c.Visit; v != nil {
		i := b.pack(newVisitRow(*v))
		i["mine"], i["made"] = str(v.Patient), str(unique(v.Times.Started, v.ID))
		if v.Status.Open() {
			i["queue"], i["since"] = str(queueName(v.Practice, v.Pool)), str(unique(v.Times.Queued, v.ID))
		}
		if !v.Wake.IsZero() {
			i["due_shard"], i["due_at"] = str(dueShard(v.ID)), str(stamp(v.Wake))
		}
		b.add(b.store.guarded(visitKey(v.ID), v.Version, i))
	}
}

func (b *builder) chart(c clinic.Commit) {
	if c.Answers != nil {
		b.add(b.store.whole(answersKey(c.Visit.ID), item{"s": bin(c.Answers)}))
	}
	if c.Diverted != nil {
		b.add(b.store.new(divertKey(c.Visit.ID), item{"s": bin(c.Diverted)}, clinic.ErrChanged))
	}
	for _, m := range c.Messages {
		i := b.pack(m)
		i["s"] = bin(m.Body)
		b.add(b.store.new(messageKey(m.Visit, m.Seq), i, clinic.ErrChanged))
	}
}

func (b *builder) money(c clinic.Commit) {
	for _, p := range c.Payments {
		b.add(b.store.guarded(paymentKey(p.ID), p.Version, b.pack(p)))
	}
	for _, e := range c.Entries {
		b.add(b.store.new(entryKey(e.Payment, e.ID), b.pack(e), clinic.ErrChanged))
	}
}

// eventLife is how long a finished event is kept for questions.
const eventLife = 30 * 24 * time.Hour

func (b *builder) outbox(c clinic.Commit) {
	for _, e := range c.Events {
		i := b.pack(e)
		i["to"] = str(string(e.To))
		b.add(b.store.new(eventKey(e.ID), i, clinic.ErrExists))
	}
	for _, d := range c.Tried {
		b.add(b.tried(d))
	}
	if c.Done != "" {
		b.add(write{
			item: types.TransactWriteItem{Update: &types.Update{
				TableName:                 &b.store.table,
				Key:                       eventKey(c.Done).attrs(),
				ConditionExpression:       aws.String("attribute_exists(pk) AND attribute_not_exists(done)"),
				UpdateExpression:          aws.String("SET done = :at, #ttl = :ttl REMOVE #to, due_shard, due_at, #q, since"),
				ExpressionAttributeNames:  map[string]string{"#ttl": "ttl", "#q": "queue", "#to": "to"},
				ExpressionAttributeValues: item{":at": str(stamp(c.At)), ":ttl": num(c.At.Add(eventLife).Unix())},
			}},
			failure: clinic.ErrDone,
		})
	}
}

// tried rewrites a delivery. Only an armed row carries to, on which the stream
// is filtered: writing down a failure must not deliver it again.
func (b *builder) tried(d outbox.Delivery) write {
	i := b.pack(d.Event)
	i["v"], i["tries"], i["attempt"], i["note"] = num(d.Version), num(d.Tries), num(d.Attempt), str(d.Note)
	if d.Armed {
		i["to"] = str(string(d.To))
	}
	if !d.Due.IsZero() {
		i["due_shard"], i["due_at"] = str(dueShard(d.ID)), str(stamp(d.Due))
	}
	if d.Parked {
		i["queue"], i["since"] = str(parkedName(d.Practice)), str(stamp(d.At)+"#"+d.ID)
	}
	w := b.store.whole(eventKey(d.ID), i)
	w.failure = clinic.ErrChanged
	w.item.Put.ConditionExpression = aws.String("attribute_exists(pk) AND attribute_not_exists(done) AND attribute_not_exists(v)")
	if d.Version > 1 {
		w.item.Put.ConditionExpression = aws.String("attribute_exists(pk) AND attribute_not_exists(done) AND v = :before")
		w.item.Put.ExpressionAttributeValues = item{":before": num(d.Version - 1)}
	}
	return w
}

func (b *builder) audit(c clinic.Commit) {
	for _, r := range c.Audit {
		b.add(b.store.whole(auditKey(r.Practice, r.At, r.Visit, r.ID), b.pack(r)))
	}
	if h := c.Log; h != nil {
		b.add(b.store.guarded(logKey(h.Practice), h.Version, b.pack(h)))
	}
}

func (b *builder) reference(c clinic.Commit) {
	if r := c.Request; r != nil {
		b.add(b.store.new(requestKey(r.Key), item{
			"input": str(r.Input), "result": str(r.Result), "ttl": num(r.Ends.Unix()),
		}, clinic.ErrSeen))
	}
	if p := c.Practice; p != nil {
		i := b.pack(p)
		i["queue"], i["since"] = str(practicesName), str(p.ID)
		b.add(b.store.whole(practiceKey(p.ID), i))
	}
	if p := c.Person; p != nil {
		b.add(b.store.whole(personKey(p.Issuer, p.Subject), b.pack(p.Person)))
	}
	if p := c.Patient; p != nil {
		b.add(b.store.whole(patientKey(p.ID), item{"practice": str(p.Practice), "s": bin(p.Contact)}))
	}
	if f := c.Form; f != nil {
		z, err := deflate(f.JSON)
		if err != nil && b.err == nil {
			b.err = err
		}
		b.add(b.store.new(formKey(f.Name, f.Version), item{"z": bin(z), "n": str(strconv.Itoa(len(f.JSON)))}, clinic.ErrExists))
	}
}
