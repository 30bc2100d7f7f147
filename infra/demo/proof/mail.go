package proof

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// healthWords are stems of words that plain mail must not contain.
var healthWords = []string{
	"urin", "bladder", "cystitis", "infection", "chest", "pain", "burning", "fever", "cold symptom", "sinus", "cough", "flu ",
	"conjunctiv", "pink eye", "eye", "back", "strain", "anxi", "depress", "mood", "refill", "prescription", "medication",
	"antibiotic", "diagnos", "symptom", "covid", "record",
}

// links are excluded from the search, because an id may contain any word.
var links = regexp.MustCompile(`https?://\S+`)

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
		text := strings.ToLower(links.ReplaceAllString(m.Subject+"\n"+m.Text, ""))
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
