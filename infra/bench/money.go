package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"time"
)

// measureMoney lists what moves money beside a visit paid by card: the units that each consumes, and
// how often Stripe is called.
func measureMoney(ctx context.Context, log *slog.Logger, t *table) (err error) {
	m := &meter{}
	d, err := openSystem(ctx, log, m.install)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l := &life{driver: d, meter: m, table: t}
	if err := d.advanceInto(ctx, 5*time.Minute); err != nil {
		return err
	}
	if err := l.visit(ctx, l.steps(), func(string, []call) {}); err != nil {
		return err
	}
	t.part("Units of what else moves money", "read", "write")
	for _, a := range l.acts() {
		if err := l.act(ctx, a); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	t.note("a look and a comparison cost as much as moved that day: one read for each movement's payment, and its entries")
	return nil
}

// An act is what somebody does, after what is done before it unmetered.
type act struct {
	name   string
	before func(context.Context) error
	do     func(context.Context) error
}

func (l *life) acts() []act {
	return []act{
		{"a refund by hand of a part, letter", nil, l.refund},
		{"joining a membership, letter", nil, l.join},
		{"a visit that it includes, the whole life", nil, l.included},
		{"the announcement of its renewal, letter", l.toAnnounce, l.nextDay},
		{"a day on which nothing moved: look, comparison", l.nextDay, l.nextDay},
		{"its renewal, letter; the day's look, comparison", l.toRenewal, l.nextDay},
	}
}

// act runs an act and prints what it consumed.
func (l *life) act(ctx context.Context, a act) error {
	if a.before != nil {
		if err := errors.Join(a.before(ctx), l.settle(ctx, "")); err != nil {
			return err
		}
	}
	called, err := l.called(ctx)
	if err != nil {
		return err
	}
	l.meter.take()
	if err := a.do(ctx); err != nil {
		return err
	}
	if err := l.settle(ctx, ""); err != nil {
		return err
	}
	read, write := sum(l.meter.take())
	after, err := l.called(ctx)
	l.table.line(line{what: a.name, ours: units(read), floor: units(write), note: fmt.Sprintf("%d calls to Stripe", after-called)})
	return err
}

// called is how often Stripe was called.
func (l *life) called(ctx context.Context) (int64, error) {
	var out struct{ Calls int64 }
	err := callJSON(ctx, wire{method: http.MethodGet, url: l.system.Stripe + "/sim/calls"}, &out)
	return out.Calls, err
}

func (l *life) refund(ctx context.Context) error {
	var found struct {
		Payments []struct {
			Payment string `json:"payment"`
			Left    int64  `json:"left_cents"`
		} `json:"payments"`
	}
	if err := l.call(ctx, http.MethodGet, "/visits/"+l.id+"/refund", admin, "", &found); err != nil {
		return err
	}
	body := fmt.Sprintf(`{"payment":%q,"left_cents":%d,"amount_cents":1000,"reason":"courtesy"}`, found.Payments[0].Payment, found.Payments[0].Left)
	return l.step(ctx, l.id, admin, "refund", body, nil)
}

func (l *life) join(ctx context.Context) error {
	var y struct {
		Sold struct {
			Offer string
			Terms int
		}
	}
	if err := l.call(ctx, http.MethodGet, "/me/membership", patient, "", &y); err != nil {
		return err
	}
	var made struct{ Page string }
	body := fmt.Sprintf(`{"offer":%q,"terms":%d,"medicare":"no"}`, y.Sold.Offer, y.Sold.Terms)
	if err := l.call(ctx, http.MethodPost, "/me/membership", patient, body, &made); err != nil {
		return err
	}
	l.page = path.Base(made.Page)
	return l.pay(ctx)
}

// included is the life of a visit, but for its payment page.
func (l *life) included(ctx context.Context) error {
	steps := slices.DeleteFunc(l.steps(), func(s lifeStep) bool { return s.want == "queued" })
	for i := range steps {
		switch steps[i].name {
		case "save page: about you":
			steps[i].do = func(ctx context.Context) error { return l.save(ctx, l.id, patient, response(about("membership"))) }
		case "submit, payment page":
			steps[i].want = "queued"
		}
	}
	before := l.meter.take()
	var all []call
	err := l.visit(ctx, steps, func(_ string, calls []call) { all = append(all, calls...) })
	l.meter.put(append(before, all...))
	return err
}

// year is how long the membership runs that join made.
const year = 365 * 24 * time.Hour

func (l *life) toAnnounce(ctx context.Context) error { return l.advanceBy(ctx, year-37*24*time.Hour) }

func (l *life) toRenewal(ctx context.Context) error { return l.advanceBy(ctx, 33*24*time.Hour) }

func (l *life) nextDay(ctx context.Context) error { return l.advanceBy(ctx, 24*time.Hour) }

// advanceBy moves the clock by so much, and lets the schedule run after it, as it does each minute.
func (l *life) advanceBy(ctx context.Context, by time.Duration) error {
	for _, d := range []time.Duration{by, time.Minute, 11 * time.Minute} {
		if err := errors.Join(l.advance(ctx, d), l.settle(ctx, "")); err != nil {
			return err
		}
	}
	return nil
}
