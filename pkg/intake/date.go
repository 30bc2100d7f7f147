package intake

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/fault"
)

// A dayBound is the first or the last day that a date may be: a day, or a number of
// years, months and days from today.
type dayBound struct {
	day                 string // empty if the bound is relative to today
	years, months, days int
}

// A form that sets no bounds has these, since 1066 and 9999 are slips of the hand.
const (
	earliestDay = "1900-01-01"
	latestDay   = "2199-12-31"
)

// relativeDay matches the one calculation of a bound that is evaluated.
var relativeDay = lazily(`^today\(\)(?: ([+-]) ([0-9]{1,4}) (day|week|month|year)s?)?$`)

// day reads a minValue or maxValue of a date: a valueDate, or one that is calculated
// from today by cqf-calculatedValue.
func (c *compiler) day(it *Item, e extension) *dayBound {
	if !c.want(it.LinkID, e, "valueDate") {
		return nil
	}
	if e.DateElement == nil {
		if !isDate(e.ValueDate) {
			c.problem(it.LinkID, "range", "%s of a date is a day, such as 2026-02-28.", shortName(e.URL))
		}
		return &dayBound{day: e.ValueDate}
	}
	var b *dayBound
	if x := e.DateElement.Extension; len(x) == 1 && x[0].URL == extCalculated && e.ValueDate == "" && x[0].shape() == "valueExpression" {
		b = parseRelativeDay(*x[0].ValueExpression)
	}
	if b == nil {
		c.problem(it.LinkID, "range", "The only calculated %s is today() and, say, today() - 90 days, as text/fhirpath.", shortName(e.URL))
	}
	return b
}

// parseRelativeDay returns nil for another expression than one of today.
func parseRelativeDay(e expression) *dayBound {
	m := relativeDay().FindStringSubmatch(e.Expression)
	if m == nil || e.Language != "text/fhirpath" {
		return nil
	}
	n, err := strconv.Atoi(m[1] + "0" + m[2])
	if err != nil {
		return nil
	}
	switch m[3] {
	case "year":
		return &dayBound{years: n}
	case "month":
		return &dayBound{months: n}
	case "week":
		return &dayBound{days: 7 * n}
	default:
		return &dayBound{days: n}
	}
}

// on returns the bound as a day, counted from now's day; empty if it cannot be counted
// because now is not known.
func (b *dayBound) on(now time.Time, otherwise string) string {
	switch {
	case b == nil:
		return otherwise
	case b.day != "":
		return b.day
	case now.IsZero():
		return otherwise
	default:
		return now.AddDate(b.years, b.months, b.days).Format(time.DateOnly)
	}
}

// before reports whether b is not after the bound o. Bounds that cannot be compared, a
// day and a relative one, are as their author meant.
func (b *dayBound) before(o dayBound) bool {
	if (b.day == "") != (o.day == "") {
		return true
	}
	some := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	return b.on(some, "") <= o.on(some, "")
}

// acceptDate refuses a year or a month alone, which FHIR allows but no question of
// ours asks for.
func (it *Item) acceptDate(v Value, now time.Time) fault.Problem {
	if v.kind != DateValue {
		return wrong("type", "Give a date, as valueDate.")
	}
	if !isDate(v.text) {
		return wrong("date", "Give a date that exists, written year-month-day, such as 2026-02-28.")
	}
	return it.within(v.text, now)
}

// within checks a day against the item's bounds.
func (it *Item) within(day string, now time.Time) fault.Problem {
	first, last := it.first.on(now, earliestDay), it.last.on(now, latestDay)
	if first <= day && day <= last {
		return fault.Problem{}
	}
	return wrong(codeRange, "Give a date from %s to %s.", first, last)
}

func isDate(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil && !strings.HasPrefix(s, "0000")
}

// instant matches a FHIR dateTime that has a time; seconds and a zone are required.
var instant = lazily(`^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)$`)

// acceptDateTime checks an instant. Its day is the one in now's zone.
func (it *Item) acceptDateTime(v Value, now time.Time) fault.Problem {
	if v.kind != DateTimeValue {
		return wrong("type", "Give a date and time, as valueDateTime.")
	}
	at, ok := parseInstant(v.text)
	if !ok {
		return wrong("date", "Give a date and time that exist, with seconds and zone, such as 2026-02-28T08:30:00-05:00.")
	}
	if !now.IsZero() {
		at = at.In(now.Location())
	}
	return it.within(at.Format(time.DateOnly), now)
}

func parseInstant(s string) (time.Time, bool) {
	m := instant().FindStringSubmatch(s)
	if m == nil || !isDate(m[1]) {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	return at, err == nil
}

// A comparison is a questionnaire-constraint between the answers of two questions:
// the item's own and one before it. Its text says what is right.
type comparison struct {
	operator string
	question string
	text     string

	item *Item // the other question, set by link
}

// comparedAnswers matches the one expression of a constraint that is evaluated.
var comparedAnswers = lazily(`^%resource\.item\.where\(linkId ?= ?'([^']+)'\)\.answer\.value (<|<=|>|>=|=|!=) ` +
	`%resource\.item\.where\(linkId ?= ?'([^']+)'\)\.answer\.value$`)

// constraint reads a questionnaire-constraint.
func (c *compiler) constraint(it *Item, e extension) {
	var key, severity, expr, human string
	for _, part := range e.Extension {
		switch part.URL {
		case "key":
			c.part(it.LinkID, part, "valueId", part.ValueID, &key)
		case "severity":
			c.part(it.LinkID, part, "valueCode", part.ValueCode, &severity)
		case "expression":
			c.part(it.LinkID, part, "valueString", part.ValueString, &expr)
		case "human":
			c.part(it.LinkID, part, "valueString", part.ValueString, &human)
		default:
			c.problem(it.LinkID, "extension", "A constraint has no part %q here.", part.URL)
		}
	}
	m := comparedAnswers().FindStringSubmatch(expr)
	if m == nil || m[1] != it.LinkID || severity != "error" || human == "" || key == "" {
		c.problem(it.LinkID, "extension", "The only constraint evaluated compares the answer of its own item with that of another "+
			"top-level item: key, severity error, human, and the expression %%resource.item.where(linkId='a').answer.value >= "+
			"%%resource.item.where(linkId='b').answer.value.")
		return
	}
	it.compared = append(it.compared, comparison{operator: m[2], question: m[3], text: human})
}

func (c *compiler) linkComparison(it *Item, cmp *comparison) {
	q, ok := c.form.byLink[cmp.question]
	comparable := slices.Contains([]Type{IntegerQ, DecimalQ, DateQ, DateTimeQ}, it.Type)
	if !ok || q.index >= it.index || q.late() || q.Type != it.Type || !comparable ||
		q.parent != nil || it.parent != nil || q.Repeats || it.Repeats {
		c.problem(it.LinkID, "constraint", "It is compared with an earlier question of its type: a number or a date, "+
			"both at the top level and neither repeated.")
		return
	}
	cmp.item = q
	it.contradicts, q.contradicts = append(it.contradicts, q), append(q.contradicts, it)
}

// compare holds the item's answer against those it is compared with. If they
// contradict each other, neither feeds a rule.
func (c *checker) compare(it *Item) {
	for i := range it.compared {
		cmp := &it.compared[i]
		own, other := c.answers[it.index], c.answers[cmp.item.index]
		if len(own) == 0 || len(other) == 0 {
			continue
		}
		held := condition{operator: cmp.operator}
		if !held.ordered(own[0].against(other[0])) {
			c.problem(it.LinkID, "consistency", cmp.text)
			c.answers[it.index], c.answers[cmp.item.index] = nil, nil
		}
	}
}

// against returns -1, 0 or 1 as v is below, equal to or above o: two numbers, two dates,
// two times or two instants that are valid.
func (v Value) against(o Value) int {
	switch v.kind {
	case DateValue:
		return strings.Compare(v.text, o.text)
	case TimeValue:
		return strings.Compare(clock(v.text), clock(o.text))
	case DateTimeValue:
		a, _ := parseInstant(v.text)
		b, _ := parseInstant(o.text)
		return a.Compare(b)
	default:
		a, _ := v.number()
		b, _ := o.number()
		return a.compare(b)
	}
}
