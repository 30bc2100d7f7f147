package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"evisit/pkg/billing"
	"evisit/pkg/coding"
	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/visit"
)

// A visitRow is a visit as its row packs it. Most writes of a visit's life are
// of this row and each costs by the kilobyte, so names are short, times are
// relative to the visit's start, and fields are left out that follow from others
// or are attributes of the row: id, practice, patient, start, wake, version.
type visitRow struct {
	By            string        `json:"b"`
	Form          [3]string     `json:"f"` // name, version, class
	Status        visit.Status  `json:"s"`
	State         string        `json:"u,omitempty"`
	Quote         *quoteRow     `json:"q,omitempty"`
	Payment       string        `json:"p,omitempty"`  // without the visit's id, with which it begins
	Payments      []string      `json:"pp,omitempty"` // those before Payment, likewise
	Owed          bool          `json:"o,omitempty"`
	Reduced       money.Cents   `json:"z,omitempty"`
	Card          visit.CardUse `json:"c,omitempty"`
	Holder        []string      `json:"h,omitempty"` // id, display
	Former        string        `json:"hf,omitempty"`
	Notes         int           `json:"hn,omitempty"`
	Promise       *promiseRow   `json:"w,omitempty"`
	CaptureBefore moment        `json:"cb,omitempty"`
	CheckoutEnds  moment        `json:"ce,omitempty"`
	Saves         int           `json:"n,omitempty"`
	FromPatient   int           `json:"mp,omitempty"`
	FromTeam      int           `json:"mt,omitempty"`
	Reads         []readRow     `json:"r,omitempty"`
	Readers       []string      `json:"rr,omitempty"` // the people that Reads number, from 1
	Document      []byte        `json:"d,omitempty"`
	Addendum      []byte        `json:"a,omitempty"`
	Reason        visit.Reason  `json:"x,omitempty"`
	Minutes       int           `json:"m,omitempty"`
	Times         [7]moment     `json:"t"` // submitted, queued, taken, asked, answered, ended, understood
}

type quoteRow struct {
	ID      string         `json:"i"`
	Amount  money.Cents    `json:"a,omitempty"`
	Basis   billing.Basis  `json:"b"`
	Caveat  billing.Caveat `json:"c,omitempty"`
	Expires moment         `json:"e"`
	Refused int            `json:"r,omitempty"`
	Lower   string         `json:"l,omitempty"` // as addLower packs it
	Listed  money.Cents    `json:"o,omitempty"`
	Percent int            `json:"d,omitempty"`
	Plan    *planRow       `json:"p,omitempty"`
	Alone   bool           `json:"s,omitempty"` // restricted
}

type planRow struct {
	Payer string      `json:"i"`
	Name  string      `json:"n"`
	UpTo  money.Cents `json:"u"`
	Terms []termRow   `json:"t"`
	Later bool        `json:"l,omitempty"`
}

type termRow struct {
	Code    string      `json:"c"`
	Rate    money.Cents `json:"r"`
	Share   money.Cents `json:"s,omitempty"`
	Percent int         `json:"p,omitempty"`
}

func newPlanRow(p billing.Plan) *planRow {
	if p.Payer == "" && p.Name == "" && p.UpTo == 0 && len(p.Terms) == 0 {
		return nil
	}
	row := &planRow{Payer: p.Payer, Name: p.Name, UpTo: p.UpTo, Later: p.Later}
	for _, t := range p.Terms {
		row.Terms = append(row.Terms, termRow(t))
	}
	return row
}

func (row *planRow) plan() billing.Plan {
	if row == nil {
		return billing.Plan{}
	}
	p := billing.Plan{Payer: row.Payer, Name: row.Name, UpTo: row.UpTo, Later: row.Later}
	for _, t := range row.Terms {
		p.Terms = append(p.Terms, billing.Term(t))
	}
	return p
}

type promiseRow struct {
	By     moment `json:"b"`
	Ends   moment `json:"e"`
	Told   bool   `json:"t,omitempty"`
	Paused moment `json:"p,omitempty"`
}

// A readRow is a read mark: the last message read, the moment, and the reader's
// number in Readers, 0 for the patient.
type readRow [3]int64

func newVisitRow(v visit.Visit) (visitRow, error) {
	since := clock(v.Times.Started)
	row := visitRow{
		By: v.By, Form: [3]string{v.Form.Name, v.Form.Version, v.Form.Class}, Status: v.Status, State: v.State, Owed: v.Owed, Reduced: v.Reduced,
		CaptureBefore: since.moment(v.CaptureBefore), CheckoutEnds: since.moment(v.CheckoutEnds),
		Saves: v.Saves, FromPatient: v.FromPatient, FromTeam: v.FromTeam, Reason: v.Reason, Minutes: v.Minutes,
		Former: v.Former, Notes: v.Notes, Card: v.Card,
	}
	for n, t := range timesOf(&v.Times) {
		row.Times[n] = since.moment(*t)
	}
	if q := v.Quote; !reflect.ValueOf(q).IsZero() {
		row.Quote = &quoteRow{q.ID, q.Amount, q.Basis, q.Caveat, since.moment(q.ExpiresAt), q.Refused, "", q.Listed, q.Percent, newPlanRow(q.Plan), q.Restricted}
	}
	if p := v.Promise; p != (visit.Promise{}) {
		row.Promise = &promiseRow{since.moment(p.By), since.moment(p.Ends), p.Told, since.moment(p.Paused)}
	}
	if v.Holder != (visit.Holder{}) {
		row.Holder = []string{v.Holder.ID, v.Holder.Display}
	}
	row.addReads(v.Reads, since)
	return row, errors.Join(row.addPayments(v), row.addDocuments(v), row.addLower(v))
}

// timesOf lists the times that a row has, in the row's order.
func timesOf(t *visit.Times) [7]*time.Time {
	return [7]*time.Time{&t.Submitted, &t.Queued, &t.Taken, &t.Asked, &t.Answered, &t.Ended, &t.Understood}
}

func (row *visitRow) addDocuments(v visit.Visit) error {
	var err, err2 error
	row.Document, err = hex.DecodeString(v.Document)
	row.Addendum, err2 = hex.DecodeString(v.Addendum)
	if err != nil || err2 != nil {
		return fmt.Errorf("store: document %q or addendum %q of visit %s is no hash", v.Document, v.Addendum, v.ID)
	}
	return nil
}

// addPayments relies on the payment that a visit wants being its last.
func (row *visitRow) addPayments(v visit.Visit) error {
	for n, id := range v.Payments {
		rest, own := strings.CutPrefix(id, v.ID)
		wanted := id == v.Payment
		if !own || wanted != (v.Payment != "" && n == len(v.Payments)-1) {
			return fmt.Errorf("store: payment %s is not in its place in visit %s", id, v.ID)
		}
		if wanted {
			row.Payment = rest
		} else {
			row.Payments = append(row.Payments, rest)
		}
	}
	if v.Payment != "" && row.Payment == "" {
		return fmt.Errorf("store: payment %s is not in its place in visit %s", v.Payment, v.ID)
	}
	return nil
}

func (row *visitRow) addReads(marks []visit.ReadMark, since clock) {
	numbers := map[string]int64{"": 0}
	for _, m := range marks {
		who, known := numbers[m.By]
		if !known {
			row.Readers = append(row.Readers, m.By)
			who = int64(len(row.Readers))
			numbers[m.By] = who
		}
		row.Reads = append(row.Reads, readRow{int64(m.Through), int64(since.moment(m.At)), who})
	}
}

func readVisit(i item) (visit.Visit, error) {
	id := strings.TrimPrefix(text(i, "pk"), visitKey("").pk)
	row := visitRow{}
	if err := unpack(i, "visit "+id, &row); err != nil {
		return visit.Visit{}, err
	}
	form := visit.Form{Name: row.Form[0], Version: row.Form[1], Class: row.Form[2]}
	since := clock(stamped(i, "made"))
	v := visit.Visit{
		ID: id, Practice: text(i, "l"), Patient: strings.TrimPrefix(text(i, "mine"), mineName("")), By: row.By,
		Form: form, Pool: form.Pool(), Status: row.Status, State: row.State, Owed: row.Owed, Reduced: row.Reduced,
		CaptureBefore: since.time(row.CaptureBefore), CheckoutEnds: since.time(row.CheckoutEnds),
		Saves: row.Saves, Messages: row.FromPatient + row.FromTeam, FromPatient: row.FromPatient, FromTeam: row.FromTeam,
		Former: row.Former, Notes: row.Notes, Card: row.Card,
		Document: hex.EncodeToString(row.Document), Addendum: hex.EncodeToString(row.Addendum),
		Reason: row.Reason, Minutes: row.Minutes, Times: visit.Times{Started: time.Time(since)}, Wake: when(i, "due_at"), Version: count(i, "v"),
	}
	for n, t := range timesOf(&v.Times) {
		*t = since.time(row.Times[n])
	}
	if q := row.Quote; q != nil {
		v.Quote = billing.Quote{ID: q.ID, Amount: q.Amount, Basis: q.Basis, Caveat: q.Caveat, ExpiresAt: since.time(q.Expires), Refused: q.Refused, Listed: q.Listed, Percent: q.Percent, Plan: q.Plan.plan(), Restricted: q.Alone}
	}
	if p := row.Promise; p != nil {
		v.Promise = visit.Promise{By: since.time(p.By), Ends: since.time(p.Ends), Told: p.Told, Paused: since.time(p.Paused)}
	}
	if len(row.Holder) == 2 {
		v.Holder = visit.Holder{ID: row.Holder[0], Display: row.Holder[1]}
	}
	v.Payment, v.Payments = row.payments(id)
	reads, err := row.reads(since)
	v.Reads = reads
	if q := row.Quote; q != nil && err == nil {
		v.Quote.Lower, err = readLower(q.Lower)
	}
	return v, err
}

type kindLetter struct {
	letter byte
	kind   coding.Kind
}

// kindLetters are how a row writes the kinds of clinicians; a letter is never given to
// another kind.
var kindLetters = []kindLetter{
	{'M', coding.Physician},
	{'N', coding.NursePractitioner},
	{'P', coding.PhysicianAssist},
	{'C', coding.ClinicalNurseSpec},
	{'W', coding.NurseMidwife},
	{'T', coding.PhysicalTherapist},
	{'O', coding.OccupationalTherapist},
	{'S', coding.SpeechPathologist},
	{'L', coding.ClinicalSocialWorker},
	{'Y', coding.ClinicalPsychologist},
}

// addLower packs the quote's lower prices as a letter for each kind and its cents in
// base 36, which uses no capitals: N1jkP1jk.
func (row *visitRow) addLower(v visit.Visit) error {
	var packed []byte
	kinds := 0
	for _, k := range kindLetters {
		if cents, ok := v.Quote.Lower[k.kind]; ok && cents >= 0 {
			packed = strconv.AppendInt(append(packed, k.letter), int64(cents), 36)
			kinds++
		}
	}
	if kinds != len(v.Quote.Lower) {
		return fmt.Errorf("store: visit %s has prices %v, of which a row cannot keep some", v.ID, v.Quote.Lower)
	}
	if kinds > 0 {
		row.Quote.Lower = string(packed)
	}
	return nil
}

const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

func readLower(packed string) (billing.KindPrices, error) {
	var lower billing.KindPrices
	for rest := packed; rest != ""; {
		end := 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], base36))
		at := slices.IndexFunc(kindLetters, func(k kindLetter) bool { return k.letter == rest[0] })
		cents, err := strconv.ParseInt(rest[1:end], 36, 64)
		if at < 0 || err != nil {
			return nil, fmt.Errorf("decoding a visit: prices %q", packed)
		}
		if lower == nil {
			lower = billing.KindPrices{}
		}
		lower[kindLetters[at].kind] = money.Cents(cents)
		rest = rest[end:]
	}
	return lower, nil
}

func (row visitRow) payments(visit string) (wanted string, all []string) {
	for _, rest := range row.Payments {
		all = append(all, visit+rest)
	}
	if row.Payment != "" {
		wanted = visit + row.Payment
		all = append(all, wanted)
	}
	return wanted, all
}

func (row visitRow) reads(since clock) ([]visit.ReadMark, error) {
	var marks []visit.ReadMark
	for _, r := range row.Reads {
		m := visit.ReadMark{Through: int(r[0]), At: since.time(moment(r[1]))}
		if who := r[2]; who > int64(len(row.Readers)) || who < 0 {
			return nil, fmt.Errorf("decoding a visit: reader %d of %d", who, len(row.Readers))
		} else if who > 0 {
			m.By = row.Readers[who-1]
		}
		marks = append(marks, m)
	}
	return marks, nil
}

func (s *Store) Underway(ctx context.Context, patient, form string, consistent bool) (visit.Underway, error) {
	i, err := s.get(ctx, underwayKey(patient, form), freshness(consistent), "requests underway of patient "+patient)
	if errors.Is(err, fault.NotFound) {
		return visit.Underway{}, nil
	}
	if err != nil {
		return visit.Underway{}, err
	}
	return readUnderway(i)
}

func (s *Store) UnderwayOf(ctx context.Context, patient string) ([]visit.Underway, error) {
	in := &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str(underwayKey(patient, "").pk)},
	}
	return readAll(ctx, s, in, "requests underway of patient "+patient, readUnderway)
}

func readUnderway(i item) (visit.Underway, error) {
	var u visit.Underway
	err := unpack(i, "requests underway", &u)
	u.Patient, u.Form, u.Version = strings.TrimPrefix(text(i, "pk"), underwayKey("", "").pk), text(i, "sk"), count(i, "v")
	return u, err
}
