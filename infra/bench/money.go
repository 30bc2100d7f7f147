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
	l, err := openLife(ctx, log, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	t.part("Units of what else moves money", "read", "write")
	for _, a := range []act{
		{"a refund by hand of a part, letter", l.refund},
		{"joining a membership, letter", l.join},
		{"a visit that it includes, the whole life", l.included},
	} {
		c, err := l.act(ctx, a)
		if err != nil {
			return err
		}
		t.line(line{what: a.name, ours: units(c.read), floor: units(c.write), note: c.note()})
	}
	return l.renewal(ctx)
}

// An act is what somebody does.
type act struct {
	name string
	do   func(context.Context) error
}

// A spent is what an act consumed.
type spent struct {
	read, write float64
	calls       int64
}

func (c spent) note() string { return fmt.Sprintf("%d calls to Stripe", c.calls) }

// act runs an act and returns what it consumed.
func (l *life) act(ctx context.Context, a act) (c spent, err error) {
	before, err := l.called(ctx)
	if err != nil {
		return c, err
	}
	l.meter.take()
	if err := errors.Join(a.do(ctx), l.settle(ctx, "")); err != nil {
		return c, fmt.Errorf("%s: %w", a.name, err)
	}
	c.read, c.write = sum(l.meter.take())
	after, err := l.called(ctx)
	c.calls = after - before
	return c, err
}

// renewal lets the membership's year end, and prints what its renewal consumed beside what any day does:
// the schedule reads the hours that it slept.
func (l *life) renewal(ctx context.Context) error {
	if err := l.advanceBy(ctx, 363*24*time.Hour); err != nil {
		return err
	}
	day, err := l.act(ctx, act{"a day", l.nextDay})
	if err != nil {
		return err
	}
	renewed, err := l.act(ctx, act{"the day of the renewal", l.nextDay})
	if err != nil {
		return err
	}
	l.table.line(line{what: "a day's look and comparison, nothing moved", floor: units(day.write), note: day.note()})
	renewed.calls -= day.calls
	l.table.line(line{what: "a renewal beside it, letter", floor: units(renewed.write - day.write), note: renewed.note()})
	l.table.note("a comparison reads once more for each payment that moved that day, and its entries")
	return nil
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
