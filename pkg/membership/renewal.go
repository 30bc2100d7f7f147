package membership

import (
	"fmt"
	"strings"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

// A Notice is what the payer was told of a renewal, before it.
type Notice struct {
	Renews time.Time   `json:"renews"` // when
	Terms  Terms       `json:"terms"`  // that hold from then on
	Price  money.Cents `json:"price"`  // of that year for those who were members
	// Closing says that it is not renewed, because the practice does not offer it any more, or, with a
	// Reason, ends this one.
	Closing bool      `json:"closing,omitempty"`
	Reason  Reason    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

func (n Notice) renews() bool { return !n.Renews.IsZero() && !n.Closing }

// Announce returns m with the notice of its next renewal, which is for the payer: see Letter. Terms
// that the practice decided for it apply if they begin by then and this is at least as many days
// before as the payer's terms say; else the year is renewed as it is, and they apply a year later. An
// offer that is closed by then is announced in the same time, and then m ends with its year (billing
// rules §5.14: nobody loses a membership without being told before).
//
// The same renewal is announced once: after that m is unchanged. A membership that is not renewed, or
// whose renewal has passed, is refused with fault.Conflict (no_renewal).
func (m Membership) Announce(o Offer, zone *time.Location, now time.Time) (Membership, error) {
	if err := m.running(now); err != nil {
		return Membership{}, err
	}
	end := m.Standing.End
	if m.announced() {
		return m, nil
	}
	if !m.Renews() || !now.Before(end) {
		return Membership{}, fault.New(fault.Conflict, "no_renewal", "This membership is not to be renewed.")
	}
	has := m.TermsAt(now)
	will, closing := has, false
	if !civil.Of(now, zone).After(m.lastNotice(zone)) {
		closing = o.closed(end)
		if v, ok := o.version(end); ok && v.Offer == has.Offer && v.Version > has.Version {
			will = v
		}
	}
	people := len(m.at(now))
	m.Terms = has
	m.Notice = Notice{Renews: end, Terms: will, Price: will.Yearly(people), Closing: closing, At: now}
	if closing {
		m.Notice.Terms, m.Notice.Price = has, 0
		m.ask(CancelAtEnd)
	}
	return m.next(), nil
}

// lastNotice is the last day on which changed terms can be announced.
func (m Membership) lastNotice(zone *time.Location) civil.Day {
	_, end := m.Standing.Days(zone)
	return end.AddDays(-m.TermsAt(m.Standing.Start).Notice)
}

// A Letter is what a notice says.
type Letter struct {
	Renews  civil.Day   `json:"renews"`
	Price   money.Cents `json:"price"` // 0: it is not renewed
	Changes []Change    `json:"changes,omitempty"`
	Text    string      `json:"text"`
}

// Letter returns what the last notice says, of a renewal that is to come, or that is not offered; false
// if there is none, or the payer cancelled since.
func (m Membership) Letter(zone *time.Location) (Letter, bool) {
	n := m.Notice
	if n.Renews.IsZero() || !m.announced() || !n.Closing && !m.Renews() {
		return Letter{}, false
	}
	l := Letter{Renews: civil.Of(n.Renews, zone), Price: n.Price}
	last := date(l.Renews.AddDays(-1))
	if n.Closing {
		l.Text = n.closingText(last)
		return l, true
	}
	l.Changes = m.Terms.Changes(n.Terms, len(m.at(n.At)))
	text := fmt.Sprintf("Your membership is renewed on %s for another year. The year costs %s.", date(l.Renews), n.Price)
	for _, c := range l.Changes {
		text += " " + c.Text
	}
	l.Text = strings.TrimSpace(text) + fmt.Sprintf(" If you do not want that, cancel by %s: you then have your membership until that day, and nothing more is charged.", last)
	return l, true
}

// RenewalPrice is what the next renewal is to cost: the terms that hold then, for those who are
// members now. 0: it is not renewed.
func (m Membership) RenewalPrice(now time.Time) money.Cents {
	if !m.Renews() {
		return 0
	}
	t := m.Terms
	if m.Notice.renews() {
		t = m.Notice.Terms
	}
	return t.Yearly(len(m.at(now)))
}

// Mispriced reports whether Stripe would charge something else at the next renewal than what the
// payer accepted or was told: it is to be put right there before.
func (m Membership) Mispriced(now time.Time) bool {
	price := m.RenewalPrice(now)
	return price != 0 && m.Standing.Price != 0 && m.Standing.Price != price
}

// Unpaid tells the payer of a past due m what to do; empty if it is not.
func (m Membership) Unpaid(zone *time.Location) string {
	if m.State != PastDue {
		return ""
	}
	const pay = "The payment for your membership failed. "
	if m.TermsAt(m.Standing.unpaid()).Grace == 0 {
		return pay + "Visits are not included until it is paid."
	}
	return pay + fmt.Sprintf("Visits are included until %s. If it is not paid by then, the membership ends.", dated(m.GraceEnds(zone).Add(-1), zone))
}
