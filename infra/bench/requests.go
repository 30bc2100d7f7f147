package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
)

const (
	pageRounds   = 5
	perPageRound = 100
)

// measureRequests compares the system with its floors, request by request: first pages
// and lists, then submitting, which fills the lists.
func measureRequests(ctx context.Context, log *slog.Logger, t *table) (err error) {
	b, err := openBench(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	s, err := b.prepare(ctx)
	if err != nil {
		return err
	}
	recorded := slices.Clone(s.asks)
	for n := range recorded {
		recorded[n] = recorded[n].first(2)
	}
	floor, err := b.child(ctx, "floor", recorded)
	if err != nil {
		return err
	}
	defer floor.stop()
	api, err := b.child(ctx, "api", nil)
	if err != nil {
		return err
	}
	defer api.stop()
	r := &race{floor: floor, api: api, table: t}
	if r.calls, err = r.recorded(ctx); err != nil {
		return err
	}
	return r.run(ctx, s.asks)
}

// A race is the system beside its floors.
type race struct {
	floor, api *child
	calls      map[string][]string // the names of each ask's calls to AWS
	table      *table
}

// titles say what each ask is, in the table.
var titles = map[string]string{
	"submit": "submit", "inbox": "GET /queue of 50",
	"requests": "page: my requests", "answered": "page: an answered visit", "form": "page: a page of a form", "save": "page: saving a page of a form",
	"fee": "page: the fee", "trail": "page: who did and saw what", "desk": "page: the queue of 50, 25 of them", "chart": "page: a visit at the desk",
	"work": "page: 50 items of work",
}

func (r *race) run(ctx context.Context, asks []ask) error {
	t := r.table
	t.part(fmt.Sprintf("Pages, own CPU in ms a request (%d at once)", writers), "api", "same calls")
	for _, a := range asks[2:] {
		floor, api := r.contender(a, "/floor"), r.contender(a, "")
		if err := compete(ctx, pageRounds, perPageRound, a.Status, floor, api); err != nil {
			return err
		}
		r.cpu(titles[a.Name], api, floor, 1.5, r.said(a.Name))
	}
	inbox, submit := asks[1], asks[0].after(2) // two were spent on the recording
	t.part("Inbox and submit", "api", "floor")
	floor, api := r.contender(inbox, "/floor"), r.contender(inbox, "")
	if err := compete(ctx, rounds, perRound, inbox.Status, floor, api); err != nil {
		return err
	}
	r.throughput(titles[inbox.Name]+", a second, beside same calls", api, floor, 0.7, r.said(inbox.Name))
	r.cpu("  own CPU ms", api, floor, 1.5, "")
	bare := r.contender(submit, "/bare")
	floor, api = r.contender(submit, "/floor"), r.contender(submit, "")
	if err := compete(ctx, rounds, perRound, submit.Status, bare, floor, api); err != nil {
		return err
	}
	r.throughput("submit, a second, beside same calls", api, floor, 0.85, r.said(submit.Name))
	r.cpu("  own CPU ms", api, floor, 1.5, "")
	r.throughput("submit, a second, beside the write alone", api, bare, 0.7, "")
	r.cpu("  own CPU ms", api, bare, 2, "")
	return nil
}

// contender is the system, or a floor under a path, as an ask finds it.
func (r *race) contender(a ask, under string) *contender {
	if under == "" {
		return &contender{child: r.api, request: func(ctx context.Context, n int) (*http.Request, error) {
			return a.request(ctx, r.api.url, n)
		}}
	}
	return &contender{child: r.floor, request: func(ctx context.Context, n int) (*http.Request, error) {
		return a.onFloor(ctx, r.floor.url+under, n)
	}}
}

func (r *race) cpu(what string, api, floor *contender, most float64, note string) {
	r.table.line(line{
		what: what, ours: fmt.Sprintf("%.2f", median(api.cpu)), floor: fmt.Sprintf("%.2f", median(floor.cpu)),
		value: median(ratios(api.cpu, floor.cpu)), ratio: true, aim: atMost(most), note: note,
	})
}

func (r *race) throughput(what string, api, floor *contender, least float64, note string) {
	r.table.line(line{
		what: what, ours: fmt.Sprintf("%.0f", median(api.perSecond)), floor: fmt.Sprintf("%.0f", median(floor.perSecond)),
		value: median(ratios(api.perSecond, floor.perSecond)), ratio: true, aim: atLeast(least), note: note,
	})
}

// said counts an ask's calls and names them.
func (r *race) said(name string) string {
	calls := r.calls[name]
	short := strings.NewReplacer("BatchGetItem", "batch", "GetItem", "get", "Query", "query", "TransactWriteItems", "transaction", "PutItem", "put", "GetObject", "object")
	return fmt.Sprintf("%d calls: %s", len(calls), short.Replace(strings.Join(calls, " ")))
}

// recorded asks the floor which calls it recorded.
func (r *race) recorded(ctx context.Context) (map[string][]string, error) {
	out := map[string][]string{}
	return out, callJSON(ctx, wire{method: http.MethodGet, url: r.floor.url + "/calls"}, &out)
}
