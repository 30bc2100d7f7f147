// Package verify compares the rows of the table with the audit logs that cover
// them. It reads and logs findings; it writes nothing and decrypts nothing. What
// a finding is, is package audit.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/heads"
	"evisit/pkg/fault"
)

// Reads are what a Room reads. All are consistent.
type Reads interface {
	// Log returns the leaves of a practice's log in order, after position after
	// up to and including position through, at most limit.
	Log(ctx context.Context, practice, after, through string, limit int) ([]clinic.Leaf, error)
	// LogHead returns the latest head of a practice's log; version 0 if none. Its
	// error, that of Log and that of RecordAt is clinic.ErrUnreadable for a row that
	// is damaged.
	LogHead(ctx context.Context, practice string) (clinic.LogHead, error)
	// RecordAt returns the audit record at a position of a practice's log; nil
	// if there is none.
	RecordAt(ctx context.Context, practice, position string) (*audit.Record, error)
	// Stored returns the rows under the given keys (audit.Item.Key), by key. A
	// row that does not exist is not in the result.
	Stored(ctx context.Context, keys []string) (map[string]audit.Item, error)
	// Covered calls each for every row that a log covers in one segment of the
	// table, of of segments, with the practice that the row names.
	Covered(ctx context.Context, segment, of int, each func(practice string, row audit.Item) error) error
}

// Heads reads signed heads of logs from the bucket where nothing can be
// overwritten.
type Heads interface {
	// From returns the first object under prefix whose key sorts after start, or an
	// error of kind fault.NotFound.
	From(ctx context.Context, prefix, start string) ([]byte, error)
	// Names lists the parts of keys between prefix and the next slash, each
	// once.
	Names(ctx context.Context, prefix string) ([]string, error)
}

// A Room is what the function verify has. Its fields must be set before use; it
// is safe for concurrent use.
type Room struct {
	Kernel *clinic.Kernel
	Store  Reads
	Heads  Heads
	LogKey audit.Key // its public half
}

const (
	hoursOfDay = 24
	round      = 30 // days in which all is looked at once
	page       = 1000
	maxFound   = 100 // after which a run says no more
	maxPauses  = 180 // seconds: a sweep, each minute, signs what is a minute old
)

// errEnough ends a run that has maxFound findings.
var errEnough = errors.New("too much was found to go on")

// findings are the findings of a run so far.
type findings []*audit.Finding

// asFinding returns err as a *audit.Finding if it says that a row of the log's own
// cannot be read, and unchanged otherwise.
func asFinding(err error) error {
	if errors.Is(err, clinic.ErrUnreadable) {
		return &audit.Finding{Kind: audit.LogAltered, Detail: err.Error()}
	}
	return err
}

// add adds err if it is a *audit.Finding, and returns errEnough at the bound. It
// returns any other error.
func (f *findings) add(err error) error {
	found, ok := errors.AsType[*audit.Finding](asFinding(err))
	if !ok {
		return err
	}
	if *f = append(*f, found); len(*f) >= maxFound {
		return errEnough
	}
	return nil
}

// Run logs each finding of Find as an ERROR, and fails if there are any.
func (m *Room) Run(ctx context.Context) error {
	found, err := m.Find(ctx)
	for _, f := range found {
		m.Kernel.Log.ErrorContext(ctx, "altered", "finding", f.Error())
	}
	if len(found) > 0 {
		err = errors.Join(err, fmt.Errorf("%d rows or records differ from the log; the first: %w", len(found), found[0]))
	}
	return err
}

// Find compares the part that the hour of the clock selects: one of 720 segments
// of the table and, of a twenty-fourth of the logs, the head, what was written in
// the last day and on each thirtieth day before. Within a day every head, and
// within thirty days every row and every record is compared. A row whose record
// no head has reached in two days is a finding: nothing would sign it. A log that
// cannot be read does not keep the others from being compared. A run costs as
// much as the rows and days that it reads.
func (m *Room) Find(ctx context.Context) ([]*audit.Finding, error) {
	var found findings
	err := m.findPart(ctx, m.Kernel.Time(), &found)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

func (m *Room) findPart(ctx context.Context, now time.Time, found *findings) error {
	logs, err := m.Logs(ctx)
	if err != nil {
		return err
	}
	hour, day := now.Hour(), int(now.Unix()/(hoursOfDay*3600))
	var failures []error
	for _, id := range logs {
		if heads.HourOf(id) != hour {
			continue
		}
		if err := m.compareLog(ctx, id, now, day, found); errors.Is(err, errEnough) {
			return err
		} else if err != nil {
			failures = append(failures, fmt.Errorf("the log of practice %s: %w", id, err))
		}
	}
	segment := day%round*hoursOfDay + hour
	reached := reached{Room: m, before: audit.Record{At: now.Add(-2 * hoursOfDay * time.Hour)}.Position(), of: map[string]string{}}
	err = m.Store.Covered(ctx, segment, round*hoursOfDay, func(practice string, row audit.Item) error {
		if err := found.add(m.compareRow(ctx, practice, row)); err != nil {
			return err
		}
		return found.add(reached.check(ctx, practice, row))
	})
	if errors.Is(err, errEnough) {
		return err
	}
	return errors.Join(append(failures, err)...)
}

// compareLog compares the head and some days of a practice's log. Damage is a
// finding.
func (m *Room) compareLog(ctx context.Context, practice string, now time.Time, day int, found *findings) error {
	_, err := m.tableHead(ctx, practice)
	if err := found.add(err); err != nil {
		return err
	}
	return found.add(m.compareDays(ctx, practice, now, day, found))
}

// tableHead returns the head in the table. The error is a *audit.Finding if it
// cannot be read or is not one that may follow the latest kept head.
func (m *Room) tableHead(ctx context.Context, practice string) (audit.Head, error) {
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return audit.Head{}, err
	}
	kept, err := m.head(ctx, practice, vkey, m.Kernel.Time()) // read first: the table's may be newer by then
	if err != nil {
		return audit.Head{}, err
	}
	is, err := m.Store.LogHead(ctx, practice)
	if err != nil {
		return audit.Head{}, asFinding(err)
	}
	if err := is.Follows(vkey, kept, m.Kernel.Time()); err != nil {
		return audit.Head{}, &audit.Finding{Kind: audit.LogAltered, Detail: fmt.Sprintf("the head of the log of practice %s: %v", practice, err)}
	}
	return is.Head, nil
}

// reached finds rows that were written before a position and that no head of
// their practice's log has reached.
type reached struct {
	*Room
	before string
	of     map[string]string // practice → position of its log's last leaf
}

// check returns a *audit.Finding for such a row; one for each practice.
func (r reached) check(ctx context.Context, practice string, row audit.Item) error {
	at := row.Pointer()
	if at >= r.before {
		return nil
	}
	through, known := r.of[practice]
	if !known {
		head, err := r.tableHead(ctx, practice)
		if _, ok := errors.AsType[*audit.Finding](err); ok { // compareLog says so
			r.of[practice] = at
			return nil
		}
		if err != nil {
			return err
		}
		through = head.Through
		r.of[practice] = through
	}
	if at <= through {
		return nil
	}
	r.of[practice] = at
	return &audit.Finding{Kind: audit.LogAltered, Detail: fmt.Sprintf(
		"the log of practice %s is signed through record %q, and %s is of record %s: nothing has the log signed", practice, through, row.Key(), at)}
}

type span struct{ from, to time.Time }

// compareDays compares the last day of a practice's log and each thirtieth day
// before.
func (m *Room) compareDays(ctx context.Context, practice string, now time.Time, day int, found *findings) error {
	until := now.Truncate(time.Hour)
	s := span{until.Add(-hoursOfDay * time.Hour), until}
	for back := round; ; back += round {
		first, last, err := m.heads(ctx, practice, s)
		if err != nil || last.Tree.Size == 0 { // before the log began
			return err
		}
		if last.Tree.Size > first.Tree.Size {
			if err := m.compareStretch(ctx, practice, first, last, found); err != nil {
				return err
			}
		}
		s.to = time.Unix(int64(day-back+1)*hoursOfDay*3600, 0).UTC()
		s.from = s.to.Add(-hoursOfDay * time.Hour)
	}
}

// heads returns the kept heads of a log before a span and at its end.
func (m *Room) heads(ctx context.Context, practice string, s span) (first, last audit.Head, err error) {
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return first, last, err
	}
	if last, err = m.head(ctx, practice, vkey, s.to); err != nil || last.Tree.Size == 0 {
		return first, last, err
	}
	first, err = m.head(ctx, practice, vkey, s.from.Add(-time.Hour))
	return first, last, err
}

// compareStretch verifies the leaves signed between two heads, and each row that
// they name.
func (m *Room) compareStretch(ctx context.Context, practice string, first, last audit.Head, found *findings) error {
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return err
	}
	s, err := audit.NewStretch(vkey, first)
	if err != nil {
		return err
	}
	for l, err := range clinic.LogReader(m.Store.Log).Leaves(ctx, practice, first.Through, last.Through, page) {
		if err != nil {
			return err
		}
		r, err := s.Add(l.Bytes)
		if err != nil {
			return found.add(err)
		}
		if err := m.compareNamed(ctx, practice, r, found); err != nil {
			return err
		}
	}
	if err := s.Signed([]byte(last.Checkpoint)); err != nil {
		return found.add(err)
	}
	return found.add(s.End())
}

// head returns the latest head of a log that was kept in the hour of t or
// before; the zero Head if there is none.
func (m *Room) head(ctx context.Context, practice, vkey string, t time.Time) (audit.Head, error) {
	b, err := m.Heads.From(ctx, heads.Prefix(practice), heads.Upto(practice, t))
	if errors.Is(err, fault.NotFound) {
		return audit.Head{}, nil
	}
	if err != nil {
		return audit.Head{}, err
	}
	return audit.ParseHead(vkey, b)
}

// compareNamed compares each row that a record names.
func (m *Room) compareNamed(ctx context.Context, practice string, r audit.Record, found *findings) error {
	keys := make([]string, len(r.Rows))
	for i, row := range r.Rows {
		keys[i] = row.Key
	}
	if len(keys) == 0 {
		return nil
	}
	stored, err := m.Store.Stored(ctx, keys)
	if err != nil {
		return err
	}
	for _, row := range r.Rows {
		is := stored[row.Key]
		by := &r
		if is != nil && is.Pointer() != r.Position() {
			if by, err = m.Store.RecordAt(ctx, practice, is.Pointer()); err != nil {
				return err
			}
		}
		if err := found.add(audit.CheckNamed(r.Position(), row, is, by)); err != nil {
			return err
		}
	}
	return nil
}

// compareRow compares one row with the record that it names.
func (m *Room) compareRow(ctx context.Context, practice string, is audit.Item) error {
	by, err := m.Store.RecordAt(ctx, practice, is.Pointer())
	if err != nil {
		return err
	}
	return audit.CheckStored(is, by)
}

// CompareAll compares all rows that one practice's log covers with the whole
// log, and returns how many leaves and rows there are. The error is the first
// *audit.Finding, unless a read failed. It reads the whole table.
func (m *Room) CompareAll(ctx context.Context, practice string) (leaves, rows int64, err error) {
	leaves, rows, err = m.compareAll(ctx, practice)
	return leaves, rows, asFinding(err)
}

func (m *Room) compareAll(ctx context.Context, practice string) (leaves, rows int64, err error) {
	vkey, err := m.LogKey.VerifierKey(practice)
	if err != nil {
		return 0, 0, err
	}
	replay, err := audit.NewReplay(vkey)
	if err != nil {
		return 0, 0, err
	}
	through, err := m.feed(ctx, replay, practice, "")
	if err != nil {
		return 0, 0, err
	}
	newest := through
	err = m.Store.Covered(ctx, 0, 1, func(of string, row audit.Item) error {
		if of != practice {
			return nil
		}
		newest = max(newest, row.Pointer())
		return replay.Row(row.Key(), row.Bytes())
	})
	for n := 0; err == nil && newest > through; n++ { // rows newer than the leaves: wait until those are signed
		if n == maxPauses {
			return 0, 0, &audit.Finding{Kind: audit.LogAltered, Detail: fmt.Sprintf(
				"the log of practice %s is signed through record %q, and a row is of record %s: nothing has the log signed", practice, through, newest)}
		}
		if err = pause(ctx, time.Second); err == nil {
			through, err = m.feed(ctx, replay, practice, through)
		}
	}
	if err != nil {
		return 0, 0, err
	}
	return replay.End()
}

// feed passes the signed leaves of a log after a position to replay, and their
// checkpoint.
func (m *Room) feed(ctx context.Context, replay *audit.Replay, practice, after string) (through string, _ error) {
	head, err := m.tableHead(ctx, practice)
	if err != nil || head.Through <= after {
		return after, err
	}
	for l, err := range clinic.LogReader(m.Store.Log).Leaves(ctx, practice, after, head.Through, page) {
		if err != nil {
			return "", err
		}
		if err := replay.Leaf(l.Bytes); err != nil {
			return "", err
		}
	}
	return head.Through, replay.Checkpoint([]byte(head.Checkpoint))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Logs lists the practices that have a log, by the kept heads, because rows may
// have been removed.
func (m *Room) Logs(ctx context.Context) ([]string, error) {
	return m.Heads.Names(ctx, heads.All)
}
