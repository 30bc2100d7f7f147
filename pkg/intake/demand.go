package intake

import (
	"strings"
)

// demands is what an author must meet to publish a form, beyond what the engine needs
// to evaluate it.
func (c *compiler) demands() {
	for _, it := range c.form.all {
		if it.Type == Group && !it.Repeats && !it.Required && requires(it.Items) {
			c.problem(it.LinkID, "required", "A group with required questions is required, unless it repeats.")
		}
		if it.pattern != nil && it.Format == "" {
			c.problem(it.LinkID, "pattern", "A question with a regex has an entryFormat, which says what to write.")
		}
		if it.Statement && !it.Required {
			c.problem(it.LinkID, "statement", "A statement is required: left open it means nothing.")
		}
		for _, o := range it.Options {
			if it.Repeats && saysNone(o) && !o.Exclusive {
				c.problem(it.LinkID, "exclusive", "The option %s is chosen alone: mark it with optionExclusive.", o.Code)
			}
		}
	}
	reads := "clinical"
	if c.form.billing == "admin-fee" {
		reads = "staff"
	}
	for _, r := range c.form.rules {
		if r.Contact != nil && r.Contact.Pool != reads {
			c.problem(r.ID, "contact", "Who contacts the patient must be able to open the request: the pool of this form is %s.", reads)
		}
		if r.Severity != SeverityFlag && promisesContact().MatchString(r.Message) {
			c.problem(r.ID, "contact", "The message promises that somebody contacts the patient: only the promise of a contact may, "+
				"which says who does so, how soon and at which number.")
		}
	}
}

// requires reports whether a question among the items is required whenever it is asked.
func requires(items []*Item) bool {
	for _, it := range items {
		if it.Type != Group && it.Required || it.Type == Group && (it.Required || !it.Repeats && requires(it.Items)) {
			return true
		}
	}
	return false
}

// saysNone reports whether an option denies all others.
func saysNone(o Option) bool {
	first, _, _ := strings.Cut(strings.ToLower(o.Display), " ")
	return o.Code == "none" || first == "none"
}

// promisesContact matches a sentence in which somebody will contact the patient.
var promisesContact = lazily(`(?i)(?:\bwill|'ll|\x{2019}ll|going to)\b[^.?!;:]*\b(?:call|phone|ring|contact|reach|text|message|write to)(?:ed)?\b|` +
	`\byou (?:will|shall) (?:be (?:called|contacted|phoned)|hear from)\b`)
