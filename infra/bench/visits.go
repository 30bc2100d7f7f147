package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/store"
)

const (
	perBatch = 50 // visits
	edge     = 10 // batches at the beginning and at the end that are compared: 500 visits
	looks    = 5  // at the queue after each batch

	mostSlower = 1.2
)

// measureVisits writes visits through the running system, all its functions at work, and
// compares the last 500 with the first 500.
func measureVisits(ctx context.Context, log *slog.Logger, t *table) (err error) {
	visits := 1_000
	if long {
		visits = 10_000
	}
	d, err := openSystem(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	db := dynamodb.NewFromConfig(d.engine.Config())
	if err := store.CreateTable(ctx, db, floorTable); err != nil {
		return err
	}
	w := &writing{driver: d, floor: &player{db: db, table: floorTable}}
	if w.people, err = d.registrar(log); err != nil {
		return err
	}
	if err := w.batch(ctx); err != nil { // reads what a process reads once
		return err
	}
	w.submits, w.queues, w.sweeps, w.bare = nil, nil, nil, nil
	began := time.Now()
	for range visits / perBatch {
		if err := w.batch(ctx); err != nil {
			return err
		}
	}
	t.part(fmt.Sprintf("%d visits through the running system, ms", visits), "last 500", "first 500")
	w.line(t, "submit (4 at once)", w.submits, aim{})
	w.line(t, "GET /queue of 50", w.queues, atMost(mostSlower))
	w.line(t, fmt.Sprintf("deadline and sweep after %d visits", perBatch), w.sweeps, atMost(mostSlower))
	w.line(t, "the engine itself: a bare transaction of 5 rows", w.bare, aim{})
	first, last := ends(w.submits)
	firstBare, lastBare := ends(w.bare)
	t.line(line{
		what: "submit, in bare transactions of its time", ours: fmt.Sprintf("%.2f", last/lastBare), floor: fmt.Sprintf("%.2f", first/firstBare),
		value: last / lastBare / (first / firstBare), ratio: true, aim: atMost(mostSlower),
	})
	t.note("%.0f visits a second: started, filled in, priced and submitted, with the queue read and swept", float64(visits)/time.Since(began).Seconds())
	return nil
}

// A writing is visits being written, and what was measured, batch by batch.
type writing struct {
	*driver
	floor                         *player
	people                        *registrar.Room
	written                       int       // batches
	submits, queues, sweeps, bare []float64 // ms
}

// ends are the medians of the first and of the last batches.
func ends(ms []float64) (first, last float64) {
	return median(ms[:edge]), median(ms[len(ms)-edge:])
}

func (w *writing) line(t *table, what string, ms []float64, a aim) {
	first, last := ends(ms)
	t.line(line{
		what: what, ours: fmt.Sprintf("%.1f", last), floor: fmt.Sprintf("%.1f", first),
		value: last / first, ratio: true, aim: a,
	})
}

// batch writes some visits, reads the queue and lets a minute pass.
func (w *writing) batch(ctx context.Context) error {
	patients, err := wards(ctx, w.people, w.written*perBatch, perBatch)
	if err != nil {
		return err
	}
	w.written++
	took := make([]float64, perBatch)
	err = parallel(perBatch, func(n int) (err error) {
		took[n], err = w.visit(ctx, patients[n])
		return err
	})
	if err != nil {
		return err
	}
	w.submits = append(w.submits, median(took))
	var read []float64
	for range looks {
		ms, err := timed(func() error { return w.call(ctx, http.MethodGet, "/queue?limit=50", clinician, "", nil) })
		if err != nil {
			return err
		}
		read = append(read, ms)
	}
	w.queues = append(w.queues, median(read))
	bare, err := w.bareWrites(ctx)
	if err != nil {
		return err
	}
	w.bare = append(w.bare, bare)
	swept, err := timed(func() error { return w.advance(ctx, time.Minute) })
	w.sweeps = append(w.sweeps, swept)
	return err
}

// bareWrites is how long the engine takes for a transaction that is none of the
// system's, as many at once as visits are written: what it takes longer in the end than in
// the beginning is no doing of the system's. dynoxide 1.2.1 walks at each transaction
// through the request tokens of the last ten minutes' transactions.
func (w *writing) bareWrites(ctx context.Context) (ms float64, err error) {
	in := &dynamodb.TransactWriteItemsInput{}
	for n := range 5 {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{Item: item{
			"sk": &types.AttributeValueMemberS{Value: strconv.Itoa(n)}, "d": &types.AttributeValueMemberS{Value: strings.Repeat("x", 500)},
		}}})
	}
	took := make([]float64, writers*looks)
	err = parallel(len(took), func(n int) (err error) {
		took[n], err = timed(func() error { return w.floor.write(ctx, in) })
		return err
	})
	return median(took), err
}

// visit writes a visit of a free form and returns how long submitting it took.
func (w *writing) visit(ctx context.Context, patient string) (ms float64, err error) {
	var v, q struct{ ID string }
	if err := w.call(ctx, http.MethodPost, "/visits", carer, `{"form":"medication-refill","patient":"`+patient+`"}`, &v); err != nil {
		return 0, err
	}
	if err := w.save(ctx, v.ID, carer, refill); err != nil {
		return 0, err
	}
	if err := w.step(ctx, v.ID, carer, "quote", "", &q); err != nil {
		return 0, err
	}
	return timed(func() error { return w.step(ctx, v.ID, carer, "submit", accepting(q.ID), nil) })
}

// timed is how long do takes.
func timed(do func() error) (ms float64, err error) {
	began := time.Now()
	err = do()
	return float64(time.Since(began).Microseconds()) / 1000, err
}
