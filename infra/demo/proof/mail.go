package proof

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// healthWords are stems of words that plain mail must not contain.
var healthWords = []string{
	"urin", "bladder", "cystitis", "infection", "chest", "pain", "burning", "fever", "cold symptom", "sinus", "cough", "flu ",
	"conjunctiv", "pink eye", "eye", "back", "strain", "anxi", "depress", "mood", "refill", "prescription", "medication",
	"antibiotic", "diagnos", "symptom", "covid", "record",
}

// names are excluded from the search, because an id, or the number of a request or a
// receipt, may contain any word.
var names = regexp.MustCompile(`https?://\S+|\b[A-Z2-7]{4}-[A-Z2-7]{4}\b`)

// minPrivate is the length of the shortest private text that is searched for in mail.
// Shorter texts occur in any mail.
const minPrivate = 12

// private lists the texts of a visit's chart that mail must not contain.
func (c *dossier) private() []string {
	var texts []string
	add := func(s string) {
		if len(s) >= minPrivate {
			texts = append(texts, strings.ToLower(s))
		}
	}
	if c.Chart != nil {
		for _, q := range c.Chart.Answers {
			for _, a := range q.Answers {
				add(a)
			}
		}
		for _, m := range c.Chart.Messages {
			add(m.Text)
		}
	}
	return texts
}

// letters are the subjects of the mails that must have been sent about a visit.
func (c *dossier) letters() []string {
	var want []string
	if !c.at("queued").IsZero() {
		want = append(want, "Your request was received")
	}
	if !c.at("asked").IsZero() {
		want = append(want, "A question about your request", "A patient has written")
	}
	switch {
	case c.answered():
		want = append(want, "Your request was answered")
	case c.Status == "diverted":
		want = append(want, "A request was diverted")
	case c.Status != "cancelled" || !c.at("queued").IsZero():
		want = append(want, "Your request has ended")
	}
	for _, p := range c.Money.Payments {
		switch p.State {
		case "captured":
			want = append(want, "Your receipt")
		case "failed":
			want = append(want, "Your payment did not go through")
		case "abandoned":
			if c.Status != "cancelled" { // else its page was closed because nobody wanted it
				want = append(want, "Your request was not sent")
			}
		}
	}
	return want
}

func mailsAreDiscreet(w *world, l *line) {
	var private []string
	for _, c := range w.cases {
		private = append(private, c.private()...)
	}
	for _, m := range w.mails {
		text := strings.ToLower(names.ReplaceAllString(m.Subject+"\n"+m.Text, ""))
		for _, word := range slices.Concat(healthWords, private) {
			if strings.Contains(text, word) {
				l.find("the mail %q says %q", m.Subject, word)
			}
		}
		for _, to := range m.To {
			if !strings.HasSuffix(to, ".example") {
				l.find("the mail %q went to %s", m.Subject, to)
			}
		}
	}
	for _, c := range w.cases {
		if !c.since(w.claim) {
			continue
		}
		for _, subject := range c.letters() {
			if !slices.ContainsFunc(w.mails, func(m mail) bool {
				return strings.HasSuffix(m.Subject, ": "+subject) && strings.Contains(m.Text, "/visits/"+c.ID)
			}) {
				l.find("visit %s: nobody was sent %q", c.ID, subject)
			}
		}
	}
	l.Figures = fmt.Sprintf("%d mails", len(w.mails))
}

// claims are what mails about a visit claim, by the end of their subject, and whether
// it was so at a moment. A mail that is not among them claims nothing of this kind.
var claims = map[string]func(*dossier, time.Time) bool{
	"Your request was received":               (*dossier).wasSent,
	"A new request":                           (*dossier).wasSent,
	"A question about your request":           (*dossier).wasAsked,
	"Your request was answered":               (*dossier).wasAnswered,
	"Your request has ended":                  (*dossier).hadEnded,
	"A request has expired":                   (*dossier).hadEnded,
	"A request was diverted":                  (*dossier).hadEnded,
	"Your request is taking longer":           func(c *dossier, at time.Time) bool { return c.wasSent(at) && !c.wasAnswered(at) && !c.hadEnded(at) },
	"A request is late":                       func(c *dossier, at time.Time) bool { return c.wasSent(at) && !c.wasAnswered(at) && !c.hadEnded(at) },
	"Your request was not sent":               func(c *dossier, at time.Time) bool { return !c.wasSent(at) },
	"Your receipt":                            (*dossier).wasCharged,
	"Your payment did not go through":         func(c *dossier, at time.Time) bool { return c.wasAnswered(at) && !c.wasCharged(at) },
	"A fee was not collected":                 func(c *dossier, at time.Time) bool { return c.wasAnswered(at) && !c.wasCharged(at) },
	"A payment is refunded":                   (*dossier).wasCharged,
	"A payment without an answer is refunded": (*dossier).wasCharged,
	"A part of your payment is refunded":      (*dossier).wasCharged,
	"More was charged than an answer costs":   (*dossier).wasCharged,
	"Your refund did not go through":          func(c *dossier, at time.Time) bool { return c.booksHad(at, "refund_failed") },
	"A refund failed":                         func(c *dossier, at time.Time) bool { return c.booksHad(at, "refund_failed") },
}

// had reports whether a step of the visit's life was made by at.
func (c *dossier) had(step string, at time.Time) bool {
	return !c.at(step).IsZero() && !c.at(step).After(at)
}

func (c *dossier) wasSent(at time.Time) bool     { return c.had("queued", at) }
func (c *dossier) wasAnswered(at time.Time) bool { return c.had("answered", at) }
func (c *dossier) wasCharged(at time.Time) bool  { return c.booksHad(at, "capture", "charge") }

// wasAsked goes by the trail, for the timeline has the last question alone.
func (c *dossier) wasAsked(at time.Time) bool {
	return slices.ContainsFunc(c.Acts, func(a act) bool { return strings.HasSuffix(a.Action, ":awaiting_patient") && !a.At.After(at) })
}

func (c *dossier) hadEnded(at time.Time) bool {
	return slices.ContainsFunc([]string{"diverted", "cancelled", "declined", "redirected", "expired"}, func(s string) bool { return c.had(s, at) })
}

// booksHad reports whether the ledger had an entry of one of the kinds by at.
func (c *dossier) booksHad(at time.Time, kinds ...string) bool {
	return slices.ContainsFunc(c.Money.Entries, func(e entry) bool { return slices.Contains(kinds, e.Kind) && !e.At.After(at) })
}

// onItsWay is how long after it was read a fact may still be written of: the mail was
// being sent when it changed.
const onItsWay = 5 * time.Second

func mailsSayWhatWasSo(w *world, l *line) {
	checked, kinds := 0, map[string]bool{}
	for _, m := range w.mails {
		_, subject, _ := strings.Cut(m.Subject, ": ")
		for _, c := range w.cases {
			if !strings.Contains(m.Text, "/visits/"+c.ID) || claims[subject] == nil {
				continue
			}
			checked++
			kinds[subject] = true
			if !claims[subject](c, m.At) && !claims[subject](c, m.At.Add(-onItsWay)) {
				l.find("visit %s: the mail %q of %s says what was not so", c.ID, subject, m.At)
			}
			if strings.Contains(m.Text, "you will not be charged") && c.wasCharged(m.At) {
				l.find("visit %s: the mail %q of %s says that nothing is charged, and the ledger had a charge", c.ID, subject, m.At)
			}
		}
	}
	l.Figures = fmt.Sprintf("%d mails of %d kinds", checked, len(kinds))
}
