package clinic_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic/request"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
	"evisit/pkg/visit"
)

// A machine drives a few visits in any order: their people press any button,
// cards are good and bad, webhooks and events come late, twice and out of
// order, and calls are lost.
type machine struct {
	*world
	t     *rapid.T
	ids   []string // the visits
	pages []string // payment pages ever shown
	texts int
}

func TestVisits_AnythingInAnyOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		w.tester = t
		m := &machine{world: w, t: t}
		m.begin()
		t.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) { m.holds() },
			"start":    m.start,
			"send":     m.send,
			"send2":    m.send, // likelier, as most need it
			"pay":      m.pay,
			"pay2":     m.pay,
			"team":     m.team,
			"team2":    m.team,
			"patient":  m.patient,
			"webhooks": m.webhooks,
			"events":   m.events,
			"events2":  m.events,
			"time":     m.time,
			"lose":     m.lose,
		})
		m.end()
	})
	w.tester = t
	w.balanced()
	w.handled()
}

// begin renews what the clock has run past since the last check.
func (m *machine) begin() {
	m.trouble.heal()
	m.licenses()
	m.start(m.t)
}

func (m *machine) holds() { m.alwaysTrue(m.ids...) }

// end lets everything come to rest and proves all visits.
func (m *machine) end() {
	m.trouble.heal()
	m.finish()
	for _, id := range m.ids {
		m.proven(id)
		if s := m.visit(id).Status; s != visit.Draft && !s.Over() {
			m.Errorf("in the end a visit is %s", s)
		}
	}
	m.balanced()
}

// may does what may fail, in no other way than people are told.
func (m *machine) may(what string, do func() error) {
	m.Helper()
	err := m.alive(do)
	if _, public := fault.Public(err); err != nil && !public && !errors.Is(err, errLost) && !errors.Is(err, errKilled) {
		m.Fatalf("%s: %v", what, err)
	}
	m.Logf("%s: %v", what, err)
}

func (m *machine) one() string { return rapid.SampledFrom(m.ids).Draw(m.t, "visit") }

// start brings one more visit as far as drawn, without trouble of its own.
func (m *machine) start(t *rapid.T) {
	if len(m.ids) == 3 {
		return
	}
	id := m.draft()
	m.ids = append(m.ids, id)
	card := rapid.SampledFrom([]string{stripesim.CardSuccess, stripesim.CardCaptureFails}).Draw(t, "card")
	for _, step := range []func(){
		func() { m.shown(m.submits(jane, id, m.prices(jane, id).Quote.ID)) },
		func() { m.pays(id, card) },
		m.settle,
		func() { m.takes(ana, id) },
		func() { m.answers(id) },
	}[:rapid.IntRange(0, 5).Draw(t, "steps")] {
		step()
	}
}

func (m *machine) send(*rapid.T) {
	id := m.one()
	m.may("quote", func() error { _, err := m.request.Quote(m.ctx, m.as(jane), id); return err })
	quote := m.visit(id).Quote.ID
	var s request.Sent
	m.may("submit", func() (err error) {
		s, err = m.request.Submit(m.ctx, m.as(jane), id, request.Submission{Quote: quote})
		return err
	})
	m.shown(s)
}

func (m *machine) shown(s request.Sent) {
	if s.Page == "" {
		return
	}
	v := m.visit(s.Visit.ID)
	p, err := m.tape.Payment(m.ctx, v.Payment)
	if err != nil {
		m.Fatalf("a page without its payment: %v", err)
	}
	if !slices.Contains(m.pages, p.Session) {
		m.pages = append(m.pages, p.Session)
	}
}

func (m *machine) pay(t *rapid.T) {
	if len(m.pages) == 0 {
		return
	}
	session := rapid.SampledFrom(m.pages).Draw(t, "page")
	card := rapid.SampledFrom([]string{
		stripesim.CardSuccess, stripesim.CardSuccess, stripesim.CardDeclined, stripesim.CardAuthenticate, stripesim.CardCaptureFails,
	}).Draw(t, "card")
	p, err := m.try(session, card)
	m.Logf("pay with %s: %s, %v", card, p.IntentStatus, err)
}

func (m *machine) team(t *rapid.T) {
	id, who := m.one(), rapid.SampledFrom([]string{ana, ana, ben}).Draw(t, "who")
	c := m.as(who)
	do := rapid.SampledFrom([]string{"take", "take", "ask", "answer", "answer", "turn away"}).Draw(t, "do")
	to := rapid.SampledFrom([]visit.Status{visit.Declined, visit.Redirected}).Draw(t, "to")
	m.may(who+" "+do, func() (err error) {
		switch do {
		case "take":
			_, err = m.desk.Take(m.ctx, c, id)
		case "ask":
			_, err = m.desk.Ask(m.ctx, c, id, m.text())
		case "answer":
			_, err = m.desk.Answer(m.ctx, c, id, cystitis)
		case "turn away":
			_, err = m.desk.TurnAway(m.ctx, c, id, to, "in_person", m.text())
		}
		return err
	})
}

func (m *machine) text() phi.Text {
	m.texts++
	return phi.Text("text " + string(rune('a'+m.texts%26)))
}

func (m *machine) patient(t *rapid.T) {
	id, c := m.one(), m.as(jane)
	do := rapid.SampledFrom([]string{
		"cancel", "reply", "reply", "reply", "red flag", "red flag saved", "acknowledge", "acknowledge", "pay link", "pay link", "pay link", "read", "save",
	}).Draw(t, "do")
	var s request.Sent
	m.may(do, func() (err error) {
		switch do {
		case "cancel":
			_, err = m.request.Cancel(m.ctx, c, id)
		case "reply":
			_, _, err = m.request.Reply(m.ctx, c, id, request.Message{Text: m.text()})
		case "red flag":
			_, _, err = m.request.Reply(m.ctx, c, id, request.Message{Text: m.text(), Answers: page(said{"uti-confused": true})})
		case "red flag saved":
			_, err = m.request.SavePage(m.ctx, c, id, request.Save{Page: request.Answers(page(said{"uti-confused": true}))})
		case "acknowledge":
			_, err = m.request.Acknowledge(m.ctx, c, id)
		case "pay link":
			s, err = m.request.Pay(m.ctx, c, id)
		case "read":
			_, err = m.request.Show(m.ctx, c, id)
		case "save":
			_, err = m.request.SavePage(m.ctx, c, id, request.Save{Page: request.Answers(page(said{"uti-onset": 3}))})
		}
		return err
	})
	m.shown(s)
}

// webhooks delivers some of what Stripe sent, in any order, some twice.
func (m *machine) webhooks(t *rapid.T) {
	post := rapid.Permutation(m.mailed()).Draw(t, "order")
	now := rapid.IntRange(0, len(post)).Draw(t, "now")
	var later []string
	for i, body := range post {
		twice := rapid.Bool().Draw(t, "twice")
		if i >= now || !m.hears(body) || twice {
			later = append(later, body)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.post = append(m.post, later...)
}

// events delivers some of what is armed, in any order, some twice: by two
// consumers that both read it before either was done.
func (m *machine) events(t *rapid.T) {
	ids := rapid.Permutation(m.tape.take()).Draw(t, "order")
	now := rapid.IntRange(0, len(ids)).Draw(t, "now")
	m.tape.put(ids[now:]...)
	for _, id := range ids[:now] {
		d := m.delivery(id)
		m.deliver(id)
		if d.Armed && d.Done.IsZero() && rapid.Bool().Draw(t, "twice") {
			if err := m.alive(func() error { return m.handle(d)(m.ctx, d) }); err != nil && !again(err) {
				m.Errorf("event %s again: %v", d.Kind, err)
			}
		}
	}
}

func (m *machine) time(t *rapid.T) {
	m.pass(rapid.SampledFrom([]time.Duration{
		time.Minute, time.Minute, 10 * time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 25 * time.Hour, 3 * 24 * time.Hour,
	}).Draw(t, "passes"))
	if rapid.Bool().Draw(t, "sweep") {
		m.may("sweep", func() error { _, err := m.sweep.Run(m.ctx); return err })
	}
	if rapid.Bool().Draw(t, "deadline") {
		m.may("deadline", func() error { _, err := m.deadline.Run(m.ctx); return err })
	}
}

func (m *machine) lose(t *rapid.T) {
	e := rapid.SampledFrom(effects).Draw(t, "effect")
	m.trouble.next(e, rapid.SampledFrom(losses).Draw(t, "loss"))
}
