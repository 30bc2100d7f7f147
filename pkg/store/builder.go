package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/outbox"
	"evisit/pkg/practice"
)

// A builder turns a commit into writes and keeps the first error.
type builder struct {
	store *Store
	ws    []write
	err   error
}

func (b *builder) pack(v any) item {
	i, err := packJSON(v)
	b.fail(err)
	if i == nil {
		i = item{}
	}
	return i
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// add adds a row that no log covers: an event, an idempotency key, a session, a
// kept form, a mark, or a row that logs or sweeps are made of.
func (b *builder) add(w write) { b.ws = append(b.ws, w) }

// cover adds a row that the log of a practice covers.
func (b *builder) cover(practice string, w write) {
	w.log = practice
	if practice == "" {
		b.fail(fmt.Errorf("store: row %s belongs to no log", text(w.item.Put.Item, "pk")))
	}
	b.ws = append(b.ws, w)
}

func (b *builder) visit(c clinic.Commit) {
	v := c.Visit
	if v == nil {
		return
	}
	row, err := newVisitRow(*v)
	b.fail(err)
	i := b.pack(row)
	i["mine"], i["made"] = str(mineName(v.Patient)), str(uniqueStamp(v.Times.Started, v.ID))
	if v.Status.AwaitsAnswer() {
		i["list"], i["at"] = str(queueName(v.Practice, v.Pool)), str(uniqueStamp(v.Times.Queued, v.ID))
	}
	if !v.Wake.IsZero() {
		i["due_shard"], i["due_at"] = str(dueVisits(shardOf(v.ID, Shards))), str(stamp(v.Wake))
	}
	b.cover(v.Practice, b.store.replace(visitKey(v.ID), v.Version, i))
	if c.Answers != nil {
		b.cover(v.Practice, b.store.overwrite(chartKey(v.ID, answers), answersRow(c.Answers, v.Saves)))
	}
	if c.Diverted != nil {
		b.cover(v.Practice, b.store.insert(chartKey(v.ID, divert), item{"s": bin(c.Diverted)}, clinic.ErrChanged))
	}
	for _, m := range c.Messages {
		b.cover(v.Practice, b.store.insert(chartKey(v.ID, messagePart(m.Seq)), item{"s": bin(m.Body)}, clinic.ErrChanged))
	}
	for _, n := range c.Notes {
		b.cover(v.Practice, b.store.insert(chartKey(v.ID, notePart(n.Seq)), item{"s": bin(n.Body)}, clinic.ErrChanged))
	}
}

func (b *builder) underway(c clinic.Commit) {
	if u := c.Underway; u != nil {
		w := b.store.replace(underwayKey(u.Patient, u.Form), u.Version, b.pack(u))
		w.failure = clinic.ErrChanged // of the first, too: another visit was sent at the same moment
		b.cover(u.Practice, w)
	}
}

// answersRow returns the row of a visit's answers. Answers that were removed leave
// an empty row, which the log covers: a row that is missing was removed by somebody
// else.
func answersRow(sealed []byte, saves int) item {
	i := item{"v": num(saves)}
	if len(sealed) > 0 {
		i["s"] = bin(sealed)
	}
	return i
}

func (b *builder) money(c clinic.Commit) {
	for _, p := range c.Payments {
		row, err := newPaymentRow(p)
		b.fail(err)
		i := b.pack(row)
		i["booked"] = str(uniqueStamp(p.OpenedAt, p.ID)) // without book: its entries are in the books, and name it
		b.cover(p.Practice, b.store.replace(paymentKey(p.ID), p.Version, i))
	}
	for _, e := range c.Evidence {
		i := b.pack(evidenceRow{e.Payment.ID, e.Payment.Dispute.ID, e.Payment.Dispute.Stage(), e.Evidence})
		b.cover(e.Payment.Practice, b.store.insert(evidenceKey(e.Payment.ID, e.Payment.Dispute), i, clinic.ErrChanged))
	}
	if a := c.Standing; a != nil {
		b.cover(a.Practice, b.store.replace(standingKey(a.Practice, a.ID), a.Version, b.pack(a)))
	}
	if o := c.Opened; o != nil {
		b.cover(o.Practice, b.store.insert(openedKey(o.Practice), b.pack(o), clinic.ErrExists))
	}
	if p := c.Payout; p != nil {
		w := b.store.replace(payoutKey(*p), p.Version, b.pack(p))
		w.failure = clinic.ErrChanged // of the first, too: Stripe reported it twice at the same moment
		b.cover(p.Practice, w)
	}
	if p := c.Progress; p != nil {
		w := b.store.replace(progressKey(p.Practice, p.Account), p.Version, b.pack(p))
		w.failure = clinic.ErrChanged // of the first, too: it was compared twice at the same moment
		b.cover(p.Practice, w)
	}
	if o := c.Outcome; o != nil {
		b.cover(o.Practice, b.store.insert(outcomeKey(*o), b.pack(o), clinic.ErrChanged))
	}
	if n := c.Closing; n != nil {
		i := b.pack(n.Closing)
		i["due_shard"], i["due_at"] = str(dueClosings), str(stamp(n.Due))
		w := b.store.replace(closingKey(n.Practice), n.Version, i)
		w.failure = clinic.ErrChanged // of the first, too: two comparisons began it at the same moment
		b.cover(n.Practice, w)
	}
	if n := c.Balance; n != nil {
		b.cover(n.Practice, b.store.insert(balanceKey(n.Practice, n.Before), b.pack(n), clinic.ErrChanged))
	}
	for _, e := range c.Entries {
		i := b.pack(e)
		i["book"], i["booked"] = str(bookName(e.Practice, e.At, e.Payment)), str(uniqueStamp(e.At, e.Payment))
		b.cover(e.Practice, b.store.insert(entryKey(e.Payment, e.ID), i, clinic.ErrChanged))
	}
}

func (b *builder) work(c clinic.Commit) {
	for _, w := range c.Work {
		i := b.pack(w)
		if w.Open() {
			i["list"], i["at"] = str(workName(w.Practice)), str(stamp(w.Due)+"#"+w.ID)
		}
		b.cover(w.Practice, b.store.replace(workKey(w.Practice, w.ID), w.Version, i))
	}
}

// eventLife is how long a finished event is stored.
const eventLife = 30 * 24 * time.Hour

func (b *builder) outbox(c clinic.Commit) {
	for _, e := range c.Events {
		k, err := eventKey(e.ID)
		b.fail(err)
		i := b.pack(e)
		due := e.Lease
		if due.IsZero() {
			due = e.Later
		}
		if e.Later.IsZero() {
			i["to"] = str(string(e.To))
		}
		if !due.IsZero() {
			i["due_shard"], i["due_at"] = str(dueEvents(shardOf(e.ID, Shards))), str(stamp(due))
		}
		b.add(b.store.insert(k, i, clinic.ErrExists))
	}
	for _, d := range c.Deliveries {
		b.add(b.delivery(d))
	}
	if c.Done != "" {
		k, err := eventKey(c.Done)
		b.fail(err)
		u := update{set: item{"done": str(stamp(c.At)), "ttl": num(c.At.Add(eventLife).Unix())}, remove: []string{"to", "due_shard", "due_at", "parked"}}
		b.add(b.store.update(k, u, "attribute_exists(pk) AND attribute_not_exists(done)", nil, clinic.ErrDone))
	}
}

// delivery writes the delivery attributes of an event and never the event
// itself, so that a role can be held to those attributes. Attribute to is set
// only while the row is armed, because the stream filter matches on it: storing
// a failure must not deliver the event again.
func (b *builder) delivery(d outbox.Delivery) write {
	k, err := eventKey(d.ID)
	b.fail(err)
	u := update{set: item{"v": num(d.Version), "tries": num(d.Tries), "attempt": num(d.Attempt), "note": str(d.Note)}}
	u.setIf(d.Armed, "to", str(string(d.To)))
	u.setIf(!d.Due.IsZero(), "due_shard", str(dueEvents(shardOf(d.ID, Shards))))
	u.setIf(!d.Due.IsZero(), "due_at", str(stamp(d.Due)))
	u.setIf(d.Parked, "parked", str("1"))
	if d.Sent != "" {
		u.set["sent"] = str(string(d.Sent))
	}
	condition, values := "attribute_exists(pk) AND attribute_not_exists(done) AND attribute_not_exists(v)", item(nil)
	if d.Version > 1 {
		condition, values = "attribute_exists(pk) AND attribute_not_exists(done) AND v = :before", item{":before": num(d.Version - 1)}
	}
	return b.store.update(k, u, condition, values, clinic.ErrChanged)
}

func (b *builder) logs(c clinic.Commit) {
	if h := c.Log; h != nil {
		b.add(b.store.replaceState(logKey(h.Practice), h.Version, h.Damaged, b.pack(h)))
	}
	if st := c.Sweep; st != nil {
		b.add(b.store.replaceState(sweepKey, st.Version, st.Damaged, b.pack(st)))
	}
}

func (b *builder) access(c clinic.Commit) {
	if r := c.Request; r != nil {
		b.add(b.store.insertRequest(*r))
	}
	if s := c.Session; s != nil {
		i := b.pack(sessionRow{s.Proof, s.Practice, s.Strong, s.Seen, s.Renew, s.Trying, s.Ends})
		i["ttl"] = num(s.Ends.Add(clinic.KeptLife).Unix())
		if len(s.Refresh) > 0 {
			i["s"] = bin(s.Refresh)
		}
		if len(s.Name) > 0 {
			i["name"] = bin(s.Name)
		}
		if len(s.Contact) > 0 {
			i["contact"] = bin(s.Contact)
		}
		if s.Ended {
			i["ended"] = str("1")
		}
		b.add(b.store.replace(sessionKey(s.Hash), s.Version, i))
	}
	if f := c.Kept; f != nil {
		i := item{"ttl": num(f.Ends.Unix())}
		if len(f.Sealed) > 0 {
			i["s"] = bin(f.Sealed)
		}
		b.add(b.store.overwrite(keptKey(f.Holder, f.ID), i))
	}
}

func (b *builder) reference(c clinic.Commit) {
	if p := c.Practice; p != nil {
		b.practice(c, *p)
	}
	if p := c.Person; p != nil {
		i := b.pack(p)
		if p.Works() {
			i["list"], i["at"] = str(rosterName(p.Practice)), str(string(p.Role)+"#"+p.ID)
		}
		if !p.Left.IsZero() {
			i["due_shard"], i["due_at"] = str(duePersons), str(stamp(p.Left))
		}
		b.cover(p.Practice, b.store.replace(personKey(p.ID), p.Version, i))
	}
	for _, g := range c.Grants {
		i := b.pack(g)
		i["list"], i["at"] = str(grantsName(g.Person)), str(g.Patient)
		b.cover(g.Practice, b.store.replace(grantKey(g.Patient, g.Person), g.Version, i))
	}
	if t := c.Token; t != nil {
		b.cover(audit.Platform, b.store.replace(tokenKey(t.Proof), t.Version, b.pack(t.Memberships)))
	}
	b.patients(c)
	b.coverages(c)
	if v := c.Invitation; v != nil {
		i := b.pack(v.Invitation)
		i["s"] = bin(v.Sealed)
		if v.Accepted == nil && !v.Revoked {
			i["list"], i["at"] = str(invitesName(v.Practice)), str(stamp(v.At)+"#"+v.ID)
		}
		b.cover(v.Practice, b.store.replace(inviteKey(v.ID), v.Version, i))
	}
	for _, f := range c.Forms {
		i := b.compressed(f.JSON)
		if f.Approved != nil {
			approval, err := packJSON(f.Approved)
			b.fail(err)
			i["d"] = approval["d"]
		}
		b.cover(f.Practice, b.store.insert(practiceKey(f.Practice, formPart(f.Name, f.Version)), i, clinic.ErrExists))
	}
	if d := c.Draft; d != nil {
		text, err := json.Marshal(d)
		b.fail(err)
		b.cover(d.Practice, b.store.replace(practiceKey(d.Practice, draftPart(d.Name)), d.Version, b.compressed(text)))
	}
}

func (b *builder) patients(c clinic.Commit) {
	for _, p := range c.Patients {
		i := b.pack(p.Patient)
		i["s"] = bin(p.Sealed)
		i["list"], i["at"] = str(patientsName(p.Practice)), str(stamp(p.At)+"#"+p.ID)
		b.cover(p.Practice, b.store.replace(patientKey(p.ID), p.Version, i))
	}
	for _, m := range c.Marks {
		b.add(b.store.overwrite(markKey(m.Key, m.Patient), item{}))
	}
	if k := c.MarkKey; k != nil {
		b.cover(k.Practice, b.store.insert(practiceKey(k.Practice, marking), item{"s": bin(k.Sealed)}, clinic.ErrExists))
	}
	if im := c.Import; im != nil {
		b.cover(im.Practice, b.store.replace(practiceKey(im.Practice, importPart(im.ID)), im.Version, b.pack(im)))
	}
}

func (b *builder) coverages(c clinic.Commit) {
	for _, v := range c.Coverages {
		i := b.pack(v.Coverage)
		i["s"] = bin(v.Sealed)
		b.cover(v.Practice, b.store.replace(coverageKey(v.Patient, v.ID), v.Version, i))
	}
	if t := c.Contract; t != nil {
		b.cover(t.Practice, b.store.replace(practiceKey(t.Practice, contractPart(t.Payer, t.Code, t.From.String())), t.Version, b.pack(t)))
	}
	if p := c.Payer; p != nil {
		b.cover(audit.Platform, b.store.replace(payerKey(p.ID), p.Version, b.pack(p)))
	}
}

// maxCompressed bounds a text in a row of at most 400 KB, with room for its other
// attributes.
const maxCompressed = 380_000

// compressed returns the attributes of a text that is long and compresses well.
func (b *builder) compressed(text []byte) item {
	z, err := deflate(text)
	b.fail(err)
	if len(z) > maxCompressed {
		b.fail(fault.New(fault.TooLarge, "too_large", "this is too large to be kept, even compressed; shorten it"))
	}
	return item{"z": bin(z), "n": str(strconv.Itoa(len(text)))}
}

func (b *builder) practice(c clinic.Commit, p practice.Practice) {
	i := b.pack(p.Core)
	i["list"], i["at"] = str(practicesName), str(p.ID)
	b.cover(p.ID, b.store.replace(practiceKey(p.ID, core), p.Version, i))
	if c.Config {
		b.cover(p.ID, b.store.insert(practiceKey(p.ID, configPart(practice.ConfigKey(p.Configured))), b.pack(p.Config), clinic.ErrExists))
	}
	if c.Consent {
		b.cover(p.ID, b.store.insert(practiceKey(p.ID, consentPart(p.Consent.Version)), b.pack(p.Consent), clinic.ErrExists))
	}
	if c.NextConsent {
		b.cover(p.ID, b.store.insert(practiceKey(p.ID, consentPart(p.NextConsent.Version)), b.pack(p.NextConsent), clinic.ErrExists))
	}
	if c.Account {
		b.cover(p.ID, b.store.insert(accountKey(p.Account), item{"practice": str(p.ID)}, clinic.ErrExists))
	}
}

// audit adds the audit records. It gives each row that a log covers the position
// of the first record of its practice, and gives that record the hash of the row
// as it will be stored.
func (b *builder) audit(c clinic.Commit) {
	records := make([]audit.Record, len(c.Audit))
	copy(records, c.Audit)
	for _, w := range b.ws {
		if w.log == "" || b.err != nil {
			continue
		}
		at := -1
		for n := len(records) - 1; n >= 0; n-- {
			if records[n].Practice == w.log {
				at = n
			}
		}
		if at < 0 {
			b.fail(fmt.Errorf("store: row %s is covered by the log of %s, and the commit has no audit record of it", text(w.item.Put.Item, "pk"), w.log))
			return
		}
		i := w.item.Put.Item
		i["a"], i["l"] = str(records[at].Position()), str(w.log)
		logged, err := auditItem(i)
		b.fail(err)
		row := audit.Row{Key: logged.Key(), Version: count(i, "v"), Hash: logged.Hash()}
		records[at].Rows = append(records[at].Rows[:len(records[at].Rows):len(records[at].Rows)], row)
	}
	for _, r := range records {
		leaf, err := r.Leaf()
		b.fail(err)
		i := item{"d": str(string(leaf))}
		if of := trailOf(r); of != "" {
			i["trail"] = str(trailName(of))
		}
		b.add(b.store.insert(auditKey(r.Practice, r.Position(), r.ID), i, errRecordTaken))
	}
}

// trailOf is the id whose trail lists r: its visit, else its patient. That patients look up
// themselves where their visits stand is in the log alone: it would be most of their
// trail, and costs a write to the index each.
func trailOf(r audit.Record) string {
	look := r.Action == string(identity.ListVisits) || r.Action == string(identity.ReadVisit)
	own := r.Actor.Role == string(identity.PatientRole) && r.Actor.OnBehalf == ""
	switch {
	case r.Visit != "":
		return r.Visit
	case look && own && r.Outcome == "":
		return ""
	}
	return r.Patient
}

// errRecordTaken is returned for an audit record whose key exists: its id is not
// unique.
var errRecordTaken = errors.New("store: there is an audit record of that time and id already")

func auditItem(i item) (audit.Item, error) {
	out := storedItem(i)
	for name, v := range out {
		if v.Type == noType {
			return nil, fmt.Errorf("store: attribute %s is a %T, which no row has", name, i[name])
		}
	}
	return out, nil
}

// noType is of an attribute that no row of ours has. A row with one has no hash
// that a record names.
const noType audit.Type = '?'

// storedItem is a row as stored, whatever it has become.
func storedItem(i item) audit.Item {
	out := make(audit.Item, len(i))
	for name, v := range i {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			out[name] = audit.Value{Type: audit.Text, Bytes: []byte(v.Value)}
		case *types.AttributeValueMemberN:
			out[name] = audit.Value{Type: audit.Number, Bytes: []byte(v.Value)}
		case *types.AttributeValueMemberB:
			out[name] = audit.Value{Type: audit.Binary, Bytes: v.Value}
		default:
			out[name] = audit.Value{Type: noType}
		}
	}
	return out
}

// An update changes attributes of a row and leaves the others as they are.
type update struct {
	set    item
	remove []string
}

// setIf sets an attribute if is is true, and removes it otherwise.
func (u *update) setIf(is bool, name string, v types.AttributeValue) {
	if is {
		u.set[name] = v
	} else {
		u.remove = append(u.remove, name)
	}
}

func (s *Store) update(k key, u update, condition string, values item, failure error) write {
	names, vals, expr := map[string]string{}, item{}, "SET "
	n := 0
	for name, v := range u.set {
		if n > 0 {
			expr += ", "
		}
		names["#"+name], vals[":"+name] = name, v
		expr += "#" + name + " = :" + name
		n++
	}
	for i, name := range u.remove {
		if i == 0 {
			expr += " REMOVE "
		} else {
			expr += ", "
		}
		names["#"+name] = name
		expr += "#" + name
	}
	for name, v := range values {
		vals[name] = v
	}
	return write{
		item: types.TransactWriteItem{Update: &types.Update{
			TableName: &s.table, Key: k.attrs(), ConditionExpression: aws.String(condition), UpdateExpression: aws.String(expr),
			ExpressionAttributeNames: names, ExpressionAttributeValues: vals,
		}},
		failure: failure,
	}
}
