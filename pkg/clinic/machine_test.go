package clinic_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/infra/local/seed"
	"evisit/infra/local/stripesim"
	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/intake"
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

func TestNothingThatHappensInAnyOrderBreaksWhatMustHold(t *testing.T) {
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
	for _, c := range seed.Cast(m.now()) {
		if c.Person.ID == ana || c.Person.ID == ben {
			m.becomes(c.Person)
		}
	}
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

// may checks that a step failed in no other way than people are told.
func (m *machine) may(what string, err error) {
	m.Helper()
	if _, public := fault.Public(err); err != nil && !public && !errors.Is(err, errLost) {
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
	o, err := m.cl.Quote(m.ctx, m.as(jane), id)
	m.may("quote", err)
	quote := o.Quote.ID
	if err != nil {
		quote = m.visit(id).Quote.ID
	}
	s, err := m.cl.Submit(m.ctx, m.as(jane), id, clinic.Submission{Quote: quote})
	m.may("submit", err)
	m.shown(s)
}

func (m *machine) shown(s clinic.Sent) {
	if s.Page == "" {
		return
	}
	v := m.visit(s.Visit.ID)
	p, err := m.cl.Store.Payment(m.ctx, v.Payment)
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
	var err error
	do := rapid.SampledFrom([]string{"take", "take", "ask", "answer", "answer", "turn away"}).Draw(t, "do")
	switch do {
	case "take":
		_, err = m.cl.Take(m.ctx, c, id)
	case "ask":
		_, err = m.cl.Ask(m.ctx, c, id, m.text())
	case "answer":
		_, err = m.cl.Answer(m.ctx, c, id, cystitis)
	case "turn away":
		to := rapid.SampledFrom([]visit.Status{visit.Declined, visit.Redirected}).Draw(t, "to")
		_, err = m.cl.TurnAway(m.ctx, c, id, to, "in_person", m.text())
	}
	m.may(who+" "+do, err)
}

func (m *machine) text() phi.Text {
	m.texts++
	return phi.Text("text " + string(rune('a'+m.texts%26)))
}

func (m *machine) patient(t *rapid.T) {
	id, c := m.one(), m.as(jane)
	var err error
	do := rapid.SampledFrom([]string{
		"cancel", "reply", "reply", "reply", "red flag", "acknowledge", "acknowledge", "pay link", "pay link", "pay link", "read", "save",
	}).Draw(t, "do")
	switch do {
	case "cancel":
		_, err = m.cl.Cancel(m.ctx, c, id)
	case "reply":
		_, _, err = m.cl.Reply(m.ctx, c, id, m.text(), intake.Response{})
	case "red flag":
		_, _, err = m.cl.Reply(m.ctx, c, id, m.text(), page(said{"uti-confused": true}))
	case "acknowledge":
		_, err = m.cl.Acknowledge(m.ctx, c, id)
	case "pay link":
		var s clinic.Sent
		s, err = m.cl.Pay(m.ctx, c, id)
		m.shown(s)
	case "read":
		_, err = m.cl.Chart(m.ctx, c, id)
	case "save":
		_, err = m.cl.SavePage(m.ctx, c, id, 0, page(said{"uti-onset": 3}))
	}
	m.may(do, err)
}

// webhooks hands over some of what Stripe sent, in any order, some twice.
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

// events hands over some of what is armed, in any order, some twice: by two
// consumers that both read it before either was done.
func (m *machine) events(t *rapid.T) {
	ids := rapid.Permutation(m.tape.take()).Draw(t, "order")
	now := rapid.IntRange(0, len(ids)).Draw(t, "now")
	m.tape.put(ids[now:]...)
	for _, id := range ids[:now] {
		d, err := m.cl.Store.Delivery(m.ctx, id)
		if err != nil {
			m.Fatalf("event %s: %v", id, err)
		}
		m.deliver(id)
		if d.Armed && d.Done.IsZero() && rapid.Bool().Draw(t, "twice") {
			if err := m.cl.Deliver(m.ctx, d, m.act(d)); err != nil && !again(err) {
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
		_, err := m.cl.Sweep(m.ctx)
		m.may("sweep", err)
	}
}

func (m *machine) lose(t *rapid.T) {
	e := rapid.SampledFrom(effects).Draw(t, "effect")
	m.trouble.next(e, rapid.SampledFrom([]loss{callLost, answerLost}).Draw(t, "loss"))
}
