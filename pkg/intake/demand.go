package intake

import (
	"slices"
	"strings"
)

// demands is what an author must meet to publish a form, beyond what the engine needs
// to evaluate it.
func (c *compiler) demands() {
	if !formID().MatchString(c.res.ID) {
		c.problem("id", "name", "A form's id has at most 64 letters, digits, hyphens and points.")
	}
	if !formVersion().MatchString(c.res.Version) {
		c.problem("version", "version", "A version has at most 40 letters, digits and . _ + -, such as 1.2.0.")
	}
	for i, topic := range c.form.topics {
		if slices.Contains(c.form.topics[:i], topic) {
			c.problem(shortName(extTopic), "topic", "The sensitive topic %s is given once.", topic)
		}
	}
	for _, it := range c.form.all {
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

// saysNone reports whether an option denies all others.
func saysNone(o Option) bool {
	first, _, _ := strings.Cut(strings.ToLower(o.Display), " ")
	return o.Code == "none" || first == "none"
}

// promisesContact matches a sentence in which somebody will contact the patient.
var promisesContact = lazily(`(?i)(?:\bwill|'ll|\x{2019}ll|going to)\b[^.?!;:]*\b(?:call|phone|ring|contact|reach|text|message|write to)(?:ed)?\b|` +
	`\byou (?:will|shall) (?:be (?:called|contacted|phoned)|hear from)\b`)

// A form's id and version are parts of keys and addresses. The version is the author's
// and, of a composed form, that of the common block.
var (
	formID      = lazily(`^(?:[A-Za-z0-9][A-Za-z0-9.-]{0,63})?$`)
	formVersion = lazily(`^[A-Za-z0-9._+-]{0,40}(?:-common-[A-Za-z0-9._+-]{1,40})?$`)
)
