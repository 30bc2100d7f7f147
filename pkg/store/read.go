package store

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/audit"
	"evisit/pkg/billing"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/ledger"
	"evisit/pkg/visit"
)

// The methods below implement clinic.Store, which holds their contracts.

func (s *Store) Person(ctx context.Context, issuer, subject string) (identity.Person, error) {
	var p identity.Person
	i, err := s.get(ctx, personKey(issuer, subject), recent, "person")
	if err != nil {
		return p, err
	}
	return p, unpack(i, "person", &p)
}

func (s *Store) Patient(ctx context.Context, id string) (clinic.Patient, error) {
	i, err := s.get(ctx, patientKey(id), recent, "patient "+id)
	return clinic.Patient{ID: id, Practice: text(i, "practice"), Contact: sealed(i)}, err
}

func (s *Store) Practice(ctx context.Context, id string) (clinic.Practice, error) {
	var p clinic.Practice
	return p, s.load(ctx, practiceKey(id), "practice "+id, &p)
}

func (s *Store) Practices(ctx context.Context) ([]string, error) {
	rows, err := s.queued(ctx, practicesName, "practices")
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for n, r := range rows {
		ids[n] = text(r, "since")
	}
	return ids, nil
}

func (s *Store) Form(ctx context.Context, name, version string) ([]byte, error) {
	what := "form " + name + " " + version
	i, err := s.get(ctx, formKey(name, version), latest, what)
	if err != nil {
		return nil, err
	}
	z, _ := i["z"].(*types.AttributeValueMemberB)
	n, err := strconv.Atoi(text(i, "n"))
	if z == nil || err != nil {
		return nil, fmt.Errorf("decoding %s: it is not a form", what)
	}
	b, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(z.Value)), int64(n)))
	if err != nil {
		return nil, fmt.Errorf("decoding %s: %w", what, err)
	}
	if len(b) != n {
		return nil, fmt.Errorf("decoding %s: %d bytes of %d", what, len(b), n)
	}
	return b, nil
}

func deflate(b []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func (s *Store) Visit(ctx context.Context, id string) (visit.Visit, error) {
	i, err := s.get(ctx, visitKey(id), latest, "visit "+id)
	if err != nil {
		return visit.Visit{}, err
	}
	return readVisit(i)
}

// A visitRow is a visit without what its item says elsewhere or what follows
// from the rest. Most writes of a visit's life are of this row, and each costs
// by the kilobyte.
type visitRow struct {
	visit.Visit
	ID       omitted `json:"id,omitzero"`
	Version  omitted `json:"version,omitzero"`
	Wake     omitted `json:"wake,omitzero"`
	Messages omitted `json:"messages,omitzero"`
	Pool     omitted `json:"pool,omitzero"`
	// Payments are those before Payment.
	Payments []string `json:"payments,omitempty"`
}

func newVisitRow(v visit.Visit) visitRow {
	row := visitRow{Visit: v, Payments: v.Payments}
	if n := len(v.Payments); v.Payment != "" && n > 0 {
		row.Payments = v.Payments[:n-1]
	}
	return row
}

// omitted hides a field of the struct it is embedded beside.
type omitted struct{}

func readVisit(i item) (visit.Visit, error) {
	id := strings.TrimPrefix(text(i, "pk"), visitKey("").pk)
	row := visitRow{}
	if err := unpack(i, "visit "+id, &row); err != nil {
		return visit.Visit{}, err
	}
	v := row.Visit
	v.ID, v.Version, v.Wake = id, count(i, "v"), when(i, "due_at")
	v.Messages, v.Pool, v.Payments = v.FromPatient+v.FromTeam, v.Form.Pool(), row.Payments
	if v.Payment != "" {
		v.Payments = append(v.Payments, v.Payment)
	}
	return v, nil
}

// Open reads all of it in one BatchGetItem.
func (s *Store) Open(ctx context.Context, w clinic.Want) (clinic.Opened, error) {
	if len(w.Visit) > longestKey/2 {
		return clinic.Opened{}, missing("visit of that id")
	}
	keys := []key{visitKey(w.Visit)}
	if w.Answers {
		keys = append(keys, answersKey(w.Visit))
	}
	if w.Who.Subject != "" {
		keys = append(keys, personKey(w.Who.Issuer, w.Who.Subject))
	}
	items, err := s.fetch(ctx, keys, freshness(w.Latest), "visit "+w.Visit)
	var o clinic.Opened
	for _, i := range items {
		switch text(i, "pk") {
		case keys[0].pk:
			o.Visit, err = readVisit(i)
		case answersKey(w.Visit).pk:
			o.Answers = sealed(i)
		default:
			err = unpack(i, "person", &o.Person)
		}
		if err != nil {
			break
		}
	}
	return o, err
}

func (s *Store) Case(ctx context.Context, id string) (visit.Visit, []byte, error) {
	var v visit.Visit
	items, err := s.fetch(ctx, []key{visitKey(id), answersKey(id)}, latest, "visit "+id)
	if err != nil {
		return v, nil, err
	}
	var answers []byte
	found := false
	for _, i := range items {
		if text(i, "pk") == visitKey(id).pk {
			found = true
			if v, err = readVisit(i); err != nil {
				return v, nil, err
			}
		} else {
			answers = sealed(i)
		}
	}
	if !found {
		return v, nil, missing("visit " + id)
	}
	return v, answers, nil
}

// Messages reads at half the cost first: the visit knows how many there are, so
// a read that is not up to date shows.
func (s *Store) Messages(ctx context.Context, visit string, sent int) ([]clinic.Message, error) {
	what := "messages of visit " + visit
	in := s.partition(messageKey(visit, 0).pk, "MSG#")
	in.ConsistentRead = aws.Bool(bool(recent))
	items, err := s.query(ctx, in, 0, what)
	if err == nil && len(items) < sent {
		items, err = s.query(ctx, s.partition(messageKey(visit, 0).pk, "MSG#"), 0, what)
	}
	if err != nil {
		return nil, err
	}
	ms := make([]clinic.Message, len(items))
	for n, i := range items {
		if err := unpack(i, what, &ms[n]); err != nil {
			return nil, err
		}
		ms[n].Visit, ms[n].Body = visit, sealed(i)
	}
	return ms, nil
}

func (s *Store) Divert(ctx context.Context, visit string) ([]byte, error) {
	i, err := s.get(ctx, divertKey(visit), latest, "divert record of visit "+visit)
	return sealed(i), err
}

func (s *Store) Payment(ctx context.Context, id string) (billing.Payment, error) {
	var p billing.Payment
	return p, s.load(ctx, paymentKey(id), "payment "+id, &p)
}

func (s *Store) Entries(ctx context.Context, payment string) ([]ledger.Entry, error) {
	what := "entries of payment " + payment
	items, err := s.query(ctx, s.partition(entryKey(payment, "").pk, "ENTRY#"), 0, what)
	if err != nil {
		return nil, err
	}
	es := make([]ledger.Entry, len(items))
	for n, i := range items {
		if err := unpack(i, what, &es[n]); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(es, func(a, b ledger.Entry) int { return a.At.Compare(b.At) })
	return es, nil
}

func (s *Store) Request(ctx context.Context, k string) (clinic.Request, error) {
	i, err := s.get(ctx, requestKey(k), latest, "request")
	if err != nil {
		return clinic.Request{}, err
	}
	return clinic.Request{Key: k, Input: text(i, "input"), Result: text(i, "result"), Ends: ends(i)}, nil
}

func (s *Store) LogHead(ctx context.Context, practice string) (clinic.LogHead, error) {
	h := clinic.LogHead{Practice: practice}
	err := s.load(ctx, logKey(practice), "log of practice "+practice, &h)
	if errors.Is(err, fault.NotFound) {
		return h, nil
	}
	return h, err
}

func (s *Store) Trail(ctx context.Context, practice string, day time.Time, visit string) ([]audit.Record, error) {
	prefix := ""
	if visit != "" {
		prefix = visit + "#"
	}
	in := s.partition(auditDay(practice, day), prefix)
	if prefix == "" {
		in.KeyConditionExpression = aws.String("pk = :p")
		delete(in.ExpressionAttributeValues, ":s")
	}
	what := "audit records of practice " + practice
	items, err := s.query(ctx, in, 0, what)
	if err != nil {
		return nil, err
	}
	rs := make([]audit.Record, len(items))
	for n, i := range items {
		if err := unpack(i, what, &rs[n]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rs, func(a, b audit.Record) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return rs, nil
}

func (s *Store) Queue(ctx context.Context, practice string, pool identity.Pool, cursor string, limit int) ([]visit.Visit, string, error) {
	return s.visits(ctx, listing{index: queueIndex, pk: "queue", sk: "since", of: queueName(practice, pool), ascending: true}, cursor, limit)
}

func (s *Store) Mine(ctx context.Context, patient, cursor string, limit int) ([]visit.Visit, string, error) {
	return s.visits(ctx, listing{index: mineIndex, pk: "mine", sk: "made", of: patient}, cursor, limit)
}

// A listing is one partition of an index, read in the order of its sort key.
type listing struct {
	index, pk, sk, of string
	ascending         bool
}

// visits reads one page of a listing. A cursor is the sort key of the last
// visit returned, so it stays good when visits come and go around it.
func (s *Store) visits(ctx context.Context, l listing, cursor string, limit int) ([]visit.Visit, string, error) {
	in := &dynamodb.QueryInput{
		IndexName:                 &l.index,
		KeyConditionExpression:    aws.String(l.pk + " = :p"),
		ExpressionAttributeValues: item{":p": str(l.of)},
		ScanIndexForward:          &l.ascending,
	}
	if cursor != "" {
		after := " < :c"
		if l.ascending {
			after = " > :c"
		}
		in.KeyConditionExpression = aws.String(l.pk + " = :p AND " + l.sk + after)
		in.ExpressionAttributeValues[":c"] = str(cursor)
	}
	rows, err := s.query(ctx, in, limit, "visits by "+l.index)
	if err != nil {
		return nil, "", err
	}
	keys := make([]key, len(rows))
	for n, r := range rows {
		keys[n] = key{text(r, "pk"), "-"}
	}
	items, err := s.fetch(ctx, keys, latest, "visits by "+l.index)
	if err != nil {
		return nil, "", err
	}
	byKey := map[string]visit.Visit{}
	for _, i := range items {
		v, err := readVisit(i)
		if err != nil {
			return nil, "", err
		}
		byKey[text(i, "pk")] = v
	}
	var vs []visit.Visit
	for _, k := range keys {
		if v, ok := byKey[k.pk]; ok {
			vs = append(vs, v)
		}
	}
	next := ""
	if limit > 0 && len(rows) >= limit {
		next = text(rows[len(rows)-1], l.sk)
	}
	return vs, next, nil
}
