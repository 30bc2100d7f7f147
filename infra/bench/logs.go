package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/office"
	"evisit/pkg/clinic/sweep"
	"evisit/pkg/identity"
	"evisit/pkg/secret/secrettest"
	"evisit/pkg/setup"
	"evisit/pkg/setup/bucket"
	"evisit/pkg/store"
	"evisit/pkg/visit"
	"evisit/pkg/work"
)

const (
	logPractice = "lakeside"
	perCommit   = 100 // records: what a transaction may write
	between     = 400 * time.Millisecond
	news        = 10 // records that a measured sweep finds
	measures    = 5
	idle        = 1000 // practices
)

// measureLogs writes one practice's log with the store's own commits and measures, as it
// grows, what a sweep, a visit's trail and a page of an export cost; and in the end a
// sweep among idle practices. All of it should be flat.
func measureLogs(ctx context.Context, log *slog.Logger, t *table) (err error) {
	b, err := openBench(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	l, err := b.openLog(ctx, log)
	if err != nil {
		return err
	}
	t.part("A log as it grows", "ms", "read units")
	sizes := []int{1_000, 10_000, 100_000}
	if long {
		sizes = append(sizes, 1_000_000)
	}
	var at [][]cost
	for _, size := range sizes {
		costs, err := l.at(ctx, t, size)
		if err != nil {
			return err
		}
		at = append(at, costs)
	}
	first, last := at[0], at[len(at)-1]
	if err := l.addIdle(ctx); err != nil {
		return err
	}
	among, err := l.sweeps(ctx)
	if err != nil {
		return err
	}
	among.print(t, fmt.Sprintf("and %d idle practices", idle), "")
	t.part("The same, read units", "longest", "shortest")
	for n := range last {
		last[n].beside(t, first[n], "")
	}
	among.beside(t, first[0], " among idle practices")
	return nil
}

// at grows the log to a size, measures everything and prints it.
func (l *growing) at(ctx context.Context, t *table, size int) ([]cost, error) {
	began := time.Now()
	if err := l.growTo(ctx, size); err != nil {
		return nil, err
	}
	note := fmt.Sprintf("written and signed in %.0f s", time.Since(began).Seconds())
	costs, err := l.measure(ctx)
	for _, c := range costs {
		c.print(t, fmt.Sprintf("%d records", size), note)
		note = ""
	}
	return costs, err
}

// A cost is what one thing took, the median of some measures.
type cost struct {
	what     string
	ms, read float64
}

func (c cost) print(t *table, at, note string) {
	t.line(line{what: c.what + ", " + at, ours: fmt.Sprintf("%.1f", c.ms), floor: units(c.read), note: note})
}

// beside compares a cost with what it was in the beginning.
func (c cost) beside(t *table, first cost, where string) {
	t.line(line{
		what: c.what + where, ours: units(c.read), floor: units(first.read),
		value: c.read / first.read, ratio: true, aim: atMost(1.25),
	})
}

// A growing log is one practice's, with a clock of its own.
type growing struct {
	meter     *meter
	now       atomic.Int64 // milliseconds since 1970
	kernel    *clinic.Kernel
	sweep     *sweep.Room
	office    *office.Office
	store     *store.Store
	admin     clinic.Caller
	positions []string // of its records
}

const logVisit = "the-visit"

func (b *workbench) openLog(ctx context.Context, log *slog.Logger) (*growing, error) {
	l := &growing{meter: &meter{}, admin: b.as(admin)}
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1) // after the cast was planted
	l.now.Store(day.UnixMilli())
	parts, err := localParts(b.config(), b.keyset(), log)
	if err != nil {
		return nil, err
	}
	parts.Now = l.clock
	// No function reads the stream here, and without it a log is written in half the time.
	if _, err := dynamodb.NewFromConfig(parts.Database).UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: aws.String(mainTable), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)},
	}); err != nil {
		return nil, err
	}
	parts.Database.APIOptions = append(parts.Database.APIOptions, l.meter.install)
	return l, l.open(ctx, parts)
}

func (l *growing) clock() time.Time { return time.UnixMilli(l.now.Load()).UTC() }

func (l *growing) open(ctx context.Context, parts setup.Parts) error {
	heads, err := bucket.Of(parts)
	if err != nil {
		return err
	}
	l.store = parts.Store()
	l.kernel = parts.Kernel("", l.store)
	l.sweep = &sweep.Room{Kernel: l.kernel, Store: l.store, LogKey: parts.Config.Log, Signer: secrettest.Fixed(parts.Config.Log.Private).Get, Heads: heads, Shards: store.Shards}
	l.office = &office.Office{Kernel: l.kernel, Store: l.store, LogKey: parts.Config.Log}
	return l.rows(ctx)
}

// rowsNamed are rows that the records say were stored, for the export of rows.
const rowsNamed = 200

func (l *growing) rows(ctx context.Context) error {
	v := visit.Visit{ID: "rows", Practice: logPractice, Version: 1}
	for n := 0; n < rowsNamed; n += perCommit / 2 {
		c := clinic.Commit{Audit: []audit.Record{l.kernel.Record(clinic.System("bench"), "work.open", v, l.kernel.Time())}}
		for i := range perCommit / 2 {
			about := strconv.Itoa(n + i)
			c.Work = append(c.Work, work.New(work.Item{Kind: work.VisitDiverted, Practice: logPractice, Pool: identity.ClinicalPool, Visit: about}, about, l.kernel.Time()))
		}
		l.now.Add(between.Milliseconds())
		if err := l.kernel.Store.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// record is the next record of the log: 30 of them are of one visit, and each names a
// row.
func (l *growing) record(practice string, n int) audit.Record {
	v := visit.Visit{ID: "visit-" + strconv.Itoa(n/20), Practice: practice, Version: n%20 + 1}
	if n < 900 && n%30 == 0 {
		v.ID = logVisit
	}
	at := l.now.Add(between.Milliseconds())
	r := l.kernel.Record(audit.Actor{ID: clinician, Role: "clinician", Name: "Ana Rivera, MD", IP: "192.0.2.7"}, "visit.treat:in_review", v, time.UnixMilli(at).UTC())
	key := audit.Item{
		"pk": {Type: audit.Text, Bytes: []byte("WORK#" + practice)},
		"sk": {Type: audit.Text, Bytes: []byte(work.ID(work.VisitDiverted, strconv.Itoa(n%rowsNamed)))},
	}
	r.Rows = []audit.Row{{Key: key.Key(), Version: 1, Hash: audit.Hash{1}}, {Key: key.Key(), Version: 2, Hash: audit.Hash{2}}}
	return r
}

// records are the next n of the log.
func (l *growing) records(n int) []audit.Record {
	var out []audit.Record
	for range n {
		r := l.record(logPractice, len(l.positions))
		l.positions = append(l.positions, r.Position())
		out = append(out, r)
	}
	return out
}

// growTo writes records until there are so many, and has all of them signed.
func (l *growing) growTo(ctx context.Context, size int) error {
	for len(l.positions) < size {
		var commits []clinic.Commit
		for len(l.positions) < size && len(commits) < 100 {
			n := min(perCommit, size-len(l.positions))
			commits = append(commits, clinic.Commit{Audit: l.records(n)})
		}
		if err := parallel(len(commits), func(i int) error { return l.kernel.Store.Commit(ctx, commits[i]) }); err != nil {
			return err
		}
	}
	return l.signAll(ctx)
}

// signAll sweeps until nothing is left to be signed.
func (l *growing) signAll(ctx context.Context) error {
	l.now.Add((2 * time.Minute).Milliseconds())
	for {
		before, err := l.store.LogHead(ctx, logPractice)
		if err != nil {
			return err
		}
		if _, err := l.sweep.Run(ctx); err != nil {
			return err
		}
		after, err := l.store.LogHead(ctx, logPractice)
		if err != nil || after.Tree.Size == before.Tree.Size {
			return err
		}
	}
}

// measure measures everything at the log's present size.
func (l *growing) measure(ctx context.Context) ([]cost, error) {
	swept, err := l.sweeps(ctx)
	if err != nil {
		return nil, err
	}
	trail, err := l.timed("trail of 30", func() (int, error) {
		_, err := l.store.Trail(ctx, logVisit, time.Time{})
		return 1, err
	})
	if err != nil {
		return nil, err
	}
	at := len(l.positions) * 2 / 5 // with more than a page before and behind it, in a long log
	inside := l.positions[at]
	leaves, err := l.timed("1,000 leaves exported", func() (int, error) {
		out, _, err := l.office.ExportLog(ctx, l.admin, inside)
		return len(out), err
	})
	if err != nil {
		return nil, err
	}
	rows, err := l.timed("1,000 leaves' rows exported", func() (int, error) {
		_, next, err := l.office.ExportRows(ctx, l.admin, inside)
		through, _ := slices.BinarySearch(l.positions, next)
		return through - at, err
	})
	return []cost{swept, trail, leaves, rows}, err
}

// sweeps measures a sweep that finds a few new records.
func (l *growing) sweeps(ctx context.Context) (cost, error) {
	return l.timed(fmt.Sprintf("sweep of %d new", news), func() (int, error) {
		_, err := l.sweep.Run(ctx)
		return 1, err
	}, func() error {
		c := clinic.Commit{Audit: l.records(news)}
		l.now.Add((2 * time.Minute).Milliseconds())
		return l.kernel.Store.Commit(ctx, c)
	})
}

// timed measures do some times, after what comes before it. Do says of how many things
// it was; a cost of more than one is that of a thousand.
func (l *growing) timed(what string, do func() (of int, err error), before ...func() error) (cost, error) {
	var ms, read []float64
	for range measures {
		for _, b := range before {
			if err := b(); err != nil {
				return cost{}, err
			}
		}
		l.meter.take()
		began := time.Now()
		of, err := do()
		took := time.Since(began)
		if err != nil {
			return cost{}, err
		}
		units, _ := sum(l.meter.take())
		scale := 1.0
		if of > 1 {
			scale = 1000 / float64(of)
		}
		ms, read = append(ms, scale*float64(took.Microseconds())/1000), append(read, scale*units)
	}
	return cost{what, median(ms), median(read)}, nil
}

// addIdle adds practices that were written to once, and lets two hours pass.
func (l *growing) addIdle(ctx context.Context) error {
	if err := parallel(idle, func(i int) error {
		return l.kernel.Store.Commit(ctx, clinic.Commit{Audit: []audit.Record{l.record("idle-"+strconv.Itoa(i), i)}})
	}); err != nil {
		return err
	}
	for range 2 {
		l.now.Add(time.Hour.Milliseconds())
		if err := l.signAll(ctx); err != nil {
			return err
		}
	}
	return nil
}
