package intake

import (
	"maps"
	"slices"
	"strings"
)

// topics are the sensitive topics that a form may be about (guideline G3), with words for
// patients. A practice may take one by phone alone.
var topics = map[string]string{
	"hiv":               "HIV",
	"mental-health":     "mental health",
	"substance-use":     "alcohol and drugs",
	"reproductive":      "pregnancy and reproduction",
	"sexual-health":     "sexual health",
	"domestic-violence": "violence at home",
	"genetic":           "genetic conditions",
}

// Topics lists the codes of the sensitive topics.
func Topics() []string { return slices.Sorted(maps.Keys(topics)) }

// TopicWords is a sensitive topic in words for patients; empty for what is none.
func TopicWords(code string) string { return topics[code] }

// Topics returns the sensitive topics that the form is about (evisit-sensitive-topic).
func (f *Form) Topics() []string { return f.topics }

func (c *compiler) topic(name string, e extension) {
	if !c.want(name, e, "valueCode") {
		return
	}
	if topics[e.ValueCode] == "" {
		c.problem(name, "topic", "A sensitive topic is one of %s.", strings.Join(Topics(), ", "))
	}
	c.form.topics = append(c.form.topics, e.ValueCode)
}
