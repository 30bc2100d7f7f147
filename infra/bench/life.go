package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"path"
	"strings"
	"time"
)

const (
	mostRead, mostWritten = 40, 110
	tooMuchWritten        = 125
)

// measureLife runs one visit with one question back through the whole system and lists
// the units of each step, and then those of the schedule.
func measureLife(ctx context.Context, log *slog.Logger, t *table) (err error) {
	l, err := openLife(ctx, log, t)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	t.part("Units of one visit with one question back", "read", "write")
	first := l.announced
	read, write, err := l.measured(ctx)
	if err != nil {
		return err
	}
	t.line(line{what: "the whole life, read", ours: units(read), value: read, aim: atMost(mostRead)})
	t.line(line{what: "the whole life, written", floor: units(write), value: write, aim: atMost(mostWritten)})
	t.note("beside it, each process writes once an hour and once a day for each practice that it wrote to it: %.0f units of the first visit", first)
	if write > tooMuchWritten {
		t.failures = append(t.failures, fmt.Errorf("a visit writes %.1f units, and %d are too much", write, tooMuchWritten))
	}
	return l.schedule(ctx)
}

// openLife opens a metered system in which one visit was lived. That visit read what a process reads
// once, and wrote what it writes once an hour; all that follows is in the same hour of the clock.
func openLife(ctx context.Context, log *slog.Logger, t *table) (*life, error) {
	m := &meter{}
	d, err := openSystem(ctx, log, m.install)
	if err != nil {
		return nil, err
	}
	l := &life{driver: d, meter: m, table: t}
	if err = d.advanceInto(ctx, 5*time.Minute); err == nil {
		err = l.visit(ctx, l.steps(), func(string, []call) {})
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return l, nil
}

// units is a number of units, as the table has it.
func units(x float64) string { return fmt.Sprintf("%.1f", x) }

// A life is a visit's, and what was metered of it.
type life struct {
	*driver
	meter     *meter
	table     *table
	announced float64 // units written to say in which hours and on which days practices were active
	id        string
	quote     string
	page      string // the payment page's session
}

// measured runs a visit and prints the units of each step.
func (l *life) measured(ctx context.Context) (read, write float64, err error) {
	err = l.visit(ctx, l.steps(), func(step string, calls []call) {
		r, w := sum(calls)
		read += r
		write += w
		l.table.line(line{what: step, ours: units(r), floor: units(w), note: commits(calls)})
	})
	return read, write, err
}

// commits lists what each commit cost and wrote.
func commits(calls []call) string {
	var all []string
	for _, c := range calls {
		if c.commit {
			all = append(all, fmt.Sprintf("%.0f (%s)", c.write, c.what))
		}
	}
	return strings.Join(all, ", ")
}

// schedule meters minutes of deadline and sweep: the first signs the log of both visits,
// the others find nothing new.
func (l *life) schedule(ctx context.Context) error {
	signing, signed, err := l.minute(ctx)
	if err != nil {
		return err
	}
	least, most, moved := math.Inf(1), 0.0, 0.0
	for range 10 {
		read, write, err := l.minute(ctx)
		if err != nil {
			return err
		}
		least, most, moved = min(least, read), max(most, read), max(moved, write)
	}
	const visits = 2
	t := l.table
	t.part("Units of a minute of deadline and sweep", "read", "write")
	t.line(line{what: "nothing due, nothing new", ours: units(least), floor: units(0), note: "one practice was written to in this hour"})
	t.line(line{what: "the same, and lost events looked for", ours: units(most), floor: units(moved), note: "once in ten minutes"})
	t.line(line{what: "those visits' log is signed, for each", ours: units((signing - least) / visits), floor: units(signed / visits)})
	return nil
}

// minute runs deadline and sweep once.
func (l *life) minute(ctx context.Context) (read, write float64, _ error) {
	l.meter.take()
	if err := l.advance(ctx, 2*time.Minute); err != nil {
		return 0, 0, err
	}
	read, write = sum(l.meter.take())
	return read, write, nil
}

// visit runs a visit step by step and says what each consumed.
func (l *life) visit(ctx context.Context, steps []lifeStep, metered func(step string, calls []call)) error {
	l.meter.take()
	for _, s := range steps {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := l.settle(ctx, s.want); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		calls := l.meter.take()
		for _, c := range calls {
			if c.what == "active" {
				l.announced += c.write
			}
		}
		metered(s.name, calls)
	}
	return nil
}

// A lifeStep is one thing that someone does.
type lifeStep struct {
	name string
	do   func(context.Context) error
	want string // the visit's status in the end
}

func (l *life) steps() []lifeStep {
	by := func(who, verb, body string) func(context.Context) error {
		return func(ctx context.Context) error { return l.step(ctx, l.id, who, verb, body, nil) }
	}
	chart := func(who string) func(context.Context) error {
		return func(ctx context.Context) error {
			return l.call(ctx, http.MethodGet, "/visits/"+l.id+"/chart", who, "", nil)
		}
	}
	save := func(page string) func(context.Context) error {
		return func(ctx context.Context) error { return l.save(ctx, l.id, patient, page) }
	}
	return []lifeStep{
		{"start", l.start, ""},
		{"save page: about you", save(response(aboutYou)), ""},
		{"save page: symptoms", save(urinary), ""},
		{"quote", l.price, ""},
		{"submit, payment page", l.submit, ""},
		{"pay: hold, queue, letter", l.pay, "queued"},
		{"take", by(clinician, "take", ""), ""},
		{"read the chart", chart(clinician), ""},
		{"ask back, letter", by(clinician, "ask", `{"text":"Are you allergic to any antibiotic?"}`), ""},
		{"patient reads", chart(patient), ""},
		{"patient replies, letter", by(patient, "messages", `{"text":"No, none that I know of."}`), ""},
		{"answer, document, capture, letters", by(clinician, "answer", conclusion), ""},
		{"patient reads the answer", chart(patient), ""},
		{"acknowledge, close", by(patient, "acknowledge", ""), "closed"},
	}
}

func (l *life) start(ctx context.Context) error {
	var out struct{ ID string }
	err := l.call(ctx, http.MethodPost, "/visits", patient, `{"form":"uti-women"}`, &out)
	l.id = out.ID
	return err
}

func (l *life) price(ctx context.Context) error {
	var out struct{ ID string }
	err := l.step(ctx, l.id, patient, "quote", "", &out)
	l.quote = out.ID
	return err
}

func (l *life) submit(ctx context.Context) error {
	var out struct {
		URL string `json:"checkout_url"`
	}
	err := l.step(ctx, l.id, patient, "submit", accepting(l.quote), &out)
	l.page = path.Base(out.URL)
	return err
}

// accepting accepts a quote.
func accepting(quote string) string {
	return `{"quote":"` + quote + `","accept_fee":true,"accept_consent":true}`
}

func (l *life) pay(ctx context.Context) error {
	body := `{"session":"` + l.page + `","card":"4242424242424242"}`
	return callJSON(ctx, wire{method: http.MethodPost, url: l.system.Stripe + "/sim/pay", body: body}, nil)
}

const conclusion = `{"reply":"This is most likely a simple bladder infection. I have sent a prescription to your pharmacy.",
"diagnoses":[{"code":"N30.00"}],"plan":{"do":"Take the medicine as written and drink plenty of water.",
"warning_signs":"Fever, pain in your side, or vomiting: be seen the same day.","follow_up":"as needed"},"minutes":7}`

// settle waits until no units have been consumed for a while and, if want is not empty,
// until the visit has that status. The units of settle's own reads are not counted.
func (l *life) settle(ctx context.Context, want string) error {
	const poll, still = 25 * time.Millisecond, 16 // polls in which nothing happens
	quiet, last := 0, -1
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(poll) {
		if n := l.meter.made(); n != last {
			quiet, last = 0, n
		}
		if quiet++; quiet <= still {
			continue
		}
		if want == "" {
			return nil
		}
		status, err := l.status(ctx)
		if err != nil || status == want {
			return err
		}
		quiet = 0
	}
	return errors.New("it did not settle in 20 s")
}

// status reads a visit's status past the meter.
func (l *life) status(ctx context.Context) (string, error) {
	before := l.meter.take()
	defer l.meter.put(before)
	var v struct{ Status string }
	err := l.call(ctx, http.MethodGet, "/visits/"+l.id, patient, "", &v)
	return v.Status, err
}
